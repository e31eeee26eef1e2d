//! A client that rearranges its tree of sub-surfaces ten thousand times without waiting for a
//! frame, beside another client's animated window.

use std::thread;

use wayland_client::protocol::{wl_subsurface::WlSubsurface, wl_surface::WlSurface};

use crate::bench::Row;
use crate::client::Client;
use crate::client::buffer::{Buffer, Source};
use crate::client::window::{Commit, Toplevel, Wish};
use crate::compositor::Compositor;
use crate::error::{Error, Result};

use super::animated::{Animated, SCREEN, SMALL, STALL, Spot, corner};
use super::options::{Options, compositing};
use super::sample::{Sample, in_turn, median, up};

const CHANGES: u32 = 10_000;
/// Sub-surfaces of the tree.
const CHILDREN: usize = 100;
/// Changes that are sent at once.
const AT_ONCE: u32 = 32;
const ROOT: Spot = Spot { screen: SCREEN, at: (100, 100), size: (64, 64) };
const SIDE: u32 = 8;

#[derive(Debug)]
struct Measured {
    before: Sample,
    during: Sample,
}

impl Measured {
    /// CPU time for a change: what the frames of the window take without one is not counted.
    fn change_us(&self) -> f64 {
        let frames = self.before.cpu_ms() * 1e6 * self.during.shown[0] as f64;
        (self.during.cpu_ns as f64 - frames) / 1e3 / f64::from(CHANGES)
    }
}

/// The rows: CPU time of a change, and the rate that the other client keeps. They have no limits.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let measured = in_turn(options.in_rounds(), &["10 000 changes"], |_| measure(options))?.remove(0);
    let row = |what, figure| Row { what, others: &[], limit: "–".into(), figures: vec![figure], kept: true };
    let fps = |of: fn(&Measured) -> &Sample| median(measured.iter().map(|m| of(m).fps()));
    Ok(vec![
        row("10 000 changes of a tree of 100: CPU µs a change", up(median(measured.iter().map(Measured::change_us)))),
        row(
            "another client's fps before and meanwhile",
            format!("{:.1}, {:.1}", fps(|m| &m.before), fps(|m| &m.during)),
        ),
    ])
}

fn measure(options: &Options) -> Result<Measured> {
    let compositor = compositing(&options.card()?, "pixman", SCREEN, &[])?;
    let process = compositor.process();
    let mut tree = Tree::show(&compositor)?;
    let mut animated = Animated::new(&compositor)?;
    animated.open(&SMALL)?;
    animated.warm_up()?;
    let before = animated.measure(process, options.frames)?;
    let mut still = Some(&mut tree);
    let during = thread::scope(|scope| {
        let mut burst = None;
        // The burst begins with the frame of the other client from which on is measured.
        let during = animated.measure_until(process, |_| {
            if let Some(tree) = still.take() {
                burst = Some(scope.spawn(|| tree.rearrange()));
            }
            burst.as_ref().is_none_or(thread::ScopedJoinHandle::is_finished)
        });
        let ended = burst.map_or(Ok(Ok(())), thread::ScopedJoinHandle::join);
        ended.map_err(|_| Error::Other("the client that rearranges its tree panicked".into()))??;
        during
    })?;
    compositor.stop()?;
    Ok(Measured { before, during })
}

/// A client with a window that has sub-surfaces.
struct Tree {
    client: Client,
    window: Toplevel,
    children: Vec<(WlSurface, WlSubsurface)>,
}

impl Tree {
    fn show(compositor: &Compositor) -> Result<Tree> {
        let mut client = compositor.client()?;
        let window = client.toplevel(&Wish { app_id: "tree", fullscreen: false })?;
        let corner = corner(&mut client)?;
        ROOT.place(&client, &window, &corner)?;
        let (root, leaf) = (picture(&mut client, ROOT.size.0)?, picture(&mut client, SIDE)?);
        let (qh, bound) = (client.qh(), &client.state.bound);
        let child = |at: usize| {
            let surface = bound.compositor()?.create_surface(&qh, ());
            let sub = bound.subcompositor()?.get_subsurface(&surface, &window.surface, &qh, ());
            let (x, y) = position(at as u32);
            sub.set_position(x, y);
            surface.attach(Some(&leaf.wl), 0, 0);
            surface.damage_buffer(0, 0, SIDE as i32, SIDE as i32);
            surface.commit();
            Ok((surface, sub))
        };
        let children = (0..CHILDREN).map(child).collect::<Result<Vec<_>>>()?;
        let mut tree = Tree { client, window, children };
        tree.commit_and_wait(&Commit { buffer: Some(&root), frame: true, ..Commit::default() })?;
        Ok(tree)
    }

    /// Sends all changes, and waits for the frame that shows the last one.
    fn rearrange(&mut self) -> Result<()> {
        for change in 0..CHANGES {
            let (_, sub) = &self.children[change as usize % CHILDREN];
            let (sibling, _) = &self.children[(change as usize + CHILDREN / 2) % CHILDREN];
            sub.place_above(sibling);
            let (x, y) = position(change.wrapping_mul(7));
            sub.set_position(x, y);
            self.window.surface.commit();
            if change % AT_ONCE == 0 {
                self.client.flush()?;
            }
        }
        self.commit_and_wait(&Commit { frame: true, ..Commit::default() })
    }

    fn commit_and_wait(&mut self, commit: &Commit<'_>) -> Result<()> {
        let token = self.window.commit(&mut self.client, commit)?.frame;
        let shown = |s: &crate::client::State| token.is_some_and(|token| s.callbacks.contains_key(&token));
        self.client.wait_for("the tree to be shown", STALL, shown)
    }
}

fn picture(client: &mut Client, side: u32) -> Result<Buffer> {
    let (buffer, mut pixels) = client.buffer(Source::Shm, side, side)?;
    pixels.write(|bytes| bytes.fill(0x80))?;
    Ok(buffer)
}

/// Somewhere near the root's corner, far from the animated window.
fn position(at: u32) -> (i32, i32) {
    ((at % 20 * 10) as i32, (at / 20 % 20 * 10) as i32)
}
