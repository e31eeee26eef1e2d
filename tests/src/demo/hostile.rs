//! Clients that die, each in another state of the protocols.
//!
//! `syncline-demo-client --hostile KIND` brings itself into that state, says `ready` on stdout,
//! holds it for `--hold-ms` and is then killed by SIGKILL: no destructor runs, no request says
//! goodbye. The compositor must be left with nothing of it.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use fence::{SwTimeline, SyncDevice};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1;

use super::Options;
use crate::client::buffer::{Buffer, Pixels, Source, allocate};
use crate::client::sync::{SharedTimeline, open_sync_device};
use crate::client::window::{Commit, Toplevel, Wish};
use crate::client::{Client, PATIENCE};
use crate::error::{Error, Result};
use crate::pattern::Pattern;

/// The state in which a hostile client dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Globals bound, nothing more.
    Connected,
    /// A surface without a role.
    Surface,
    /// A toplevel, configured, without a buffer.
    Toplevel,
    /// Buffers and timelines that were never used.
    Unused,
    /// dma-buf parameters with a plane, never made into a buffer.
    Params,
    /// Points set, never committed.
    Uncommitted,
    /// A frame on the screen, its release point open.
    OnScreen,
    /// A frame on the screen, and one whose fence is pending.
    Pending,
    /// A frame on the screen, and one whose acquire point has no fence.
    Unmaterialised,
    /// Many commits whose acquire points have no fence.
    ManyPending,
    /// A synchronised subsurface with a cached commit and points.
    Subsurface,
    /// A wl_shm frame on the screen.
    Shm,
    /// Buffer, toplevel and surface destroyed while the frame is on the screen and the next one
    /// pends.
    Destroyed,
    /// By messages (zwp_linux_explicit_synchronization_v1): a fence set and a release asked for,
    /// never committed.
    MessageUncommitted,
    /// By messages: a frame on the screen and several whose fences are pending, their releases
    /// open.
    MessagePending,
}

impl Kind {
    /// All of them.
    pub fn all() -> &'static [Kind] {
        <Kind as clap::ValueEnum>::value_variants()
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map(|v| v.get_name().to_owned()).unwrap_or_default()
    }
}

/// All that a client holds until it dies.
#[derive(Default)]
struct Held {
    buffers: Vec<(Buffer, Option<Pixels>)>,
    timelines: Vec<SharedTimeline>,
    fences: Vec<SwTimeline>,
    windows: Vec<Toplevel>,
    params: Vec<ZwpLinuxBufferParamsV1>,
    files: Vec<OwnedFd>,
}

struct Hostile {
    client: Client,
    held: Held,
    size: (u32, u32),
}

/// Goes into the state and dies in it.
pub fn run(kind: Kind, options: &Options) -> Result<()> {
    let mut hostile = Hostile { client: Client::connect(&options.socket)?, held: Held::default(), size: (640, 480) };
    if let Some((w, h, _)) = hostile.client.state.output_mode {
        hostile.size = (w as u32, h as u32);
    }
    hostile.enter(kind, options)?;
    // Where the requests are sound, the compositor has handled them all by the time we die.
    hostile.client.roundtrip()?;
    println!("ready");
    std::io::stdout().flush().map_err(Error::io("say that the state is reached"))?;
    hostile.client.idle(Duration::from_millis(options.hold_ms))?;
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
        .map_err(Error::call("kill myself"))
}

impl Hostile {
    fn enter(&mut self, kind: Kind, options: &Options) -> Result<()> {
        match kind {
            Kind::Connected => {}
            Kind::Surface => {
                let qh = self.client.qh();
                self.client.state.bound.compositor()?.create_surface(&qh, ()).commit();
            }
            Kind::Toplevel => {
                let window = self.toplevel(options, false)?;
                self.held.windows.push(window);
            }
            Kind::Unused => {
                let device = open_sync_device()?;
                for _ in 0..4 {
                    let (buffer, pixels) = self.client.buffer(options.source, 64, 64)?;
                    self.held.buffers.push((buffer, Some(pixels)));
                    let timeline = self.client.share_timeline(&device)?;
                    self.held.timelines.push(timeline);
                }
            }
            Kind::Params => self.params(options)?,
            Kind::Uncommitted => {
                let device = open_sync_device()?;
                let window = self.toplevel(options, true)?;
                let timeline = self.client.share_timeline(&device)?;
                if let Some(sync) = &window.sync {
                    sync.set_acquire_point(&timeline.proxy, 0, 1);
                    sync.set_release_point(&timeline.proxy, 0, 2);
                }
                self.held.windows.push(window);
                self.held.timelines.push(timeline);
            }
            Kind::Shm => {
                let mut window = self.toplevel(options, false)?;
                self.show(&mut window, Source::Shm, None)?;
                self.held.windows.push(window);
            }
            Kind::Subsurface => self.subsurface(options)?,
            Kind::MessageUncommitted | Kind::MessagePending => self.by_messages(kind, options)?,
            Kind::OnScreen | Kind::Pending | Kind::Unmaterialised | Kind::ManyPending | Kind::Destroyed => {
                self.fenced(kind, options)?;
            }
        }
        Ok(())
    }

    fn toplevel(&mut self, options: &Options, explicit: bool) -> Result<Toplevel> {
        let wish = Wish { app_id: &options.app_id, fullscreen: options.windowed.is_none() };
        let mut window = self.client.toplevel(&wish)?;
        if explicit {
            window.explicit(&self.client)?;
        }
        Ok(window)
    }

    fn params(&mut self, options: &Options) -> Result<()> {
        let fd = allocate(options.source, 64 * 64 * 4)?;
        let (qh, token) = (self.client.qh(), self.client.state.token());
        let params = self.client.state.bound.dmabuf()?.create_params(&qh, token);
        params.add(fd.as_fd(), 0, 0, 256, 0, 0);
        self.client.flush()?;
        self.held.params.push(params);
        self.held.files.push(fd);
        Ok(())
    }

    /// Shows one good frame and waits until it is on the screen.
    fn show(&mut self, window: &mut Toplevel, source: Source, timeline: Option<&SharedTimeline>) -> Result<()> {
        let (w, h) = self.size;
        let (buffer, mut pixels) = self.client.buffer(source, w, h)?;
        let pattern = Pattern::new(w, h, 200);
        pixels.write(|bytes| pattern.draw(1, bytes))?;
        if let Some(timeline) = timeline {
            timeline.point(1).signal().map_err(Error::other("signal an acquire point"))?;
        }
        let commit = Commit {
            buffer: Some(&buffer),
            acquire: timeline.map(|t| t.wire(1)),
            release: timeline.map(|t| t.wire(2)),
            buffer_release: window.fences.is_some(),
            feedback: true,
            ..Commit::default()
        };
        let done = window.commit(&mut self.client, &commit)?;
        self.held.buffers.push((buffer, Some(pixels)));
        self.client.wait_for("the first frame on the screen", PATIENCE, |s| {
            done.feedback.is_some_and(|token| s.feedback.contains_key(&token))
        })
    }

    /// One more commit; its acquire point has a pending fence, or none.
    fn bad_commit(
        &mut self,
        window: &mut Toplevel,
        device: &SyncDevice,
        options: &Options,
        fenced: bool,
    ) -> Result<()> {
        let (buffer, pixels) = self.client.buffer(options.source, self.size.0, self.size.1)?;
        let timeline = self.client.share_timeline(device)?;
        if fenced {
            let sw = SwTimeline::open().map_err(Error::other("open sw_sync"))?;
            let fence = sw.fence(1, "hostile").map_err(Error::other("make a sw_sync fence"))?;
            timeline.point(1).import(&fence).map_err(Error::other("import an acquire fence"))?;
            self.held.fences.push(sw);
        }
        let commit = Commit {
            buffer: Some(&buffer),
            acquire: Some(timeline.wire(1)),
            release: Some(timeline.wire(2)),
            ..Commit::default()
        };
        window.commit(&mut self.client, &commit)?;
        self.held.buffers.push((buffer, Some(pixels)));
        self.held.timelines.push(timeline);
        Ok(())
    }

    fn fenced(&mut self, kind: Kind, options: &Options) -> Result<()> {
        let device = open_sync_device()?;
        let mut window = self.toplevel(options, true)?;
        let timeline = self.client.share_timeline(&device)?;
        self.show(&mut window, options.source, Some(&timeline))?;
        self.held.timelines.push(timeline);
        match kind {
            Kind::Pending => self.bad_commit(&mut window, &device, options, true)?,
            Kind::Unmaterialised => self.bad_commit(&mut window, &device, options, false)?,
            Kind::ManyPending => {
                for n in 0..8 {
                    self.bad_commit(&mut window, &device, options, n % 2 == 0)?;
                }
            }
            Kind::Destroyed => {
                self.bad_commit(&mut window, &device, options, true)?;
                for (buffer, _) in &self.held.buffers {
                    buffer.wl.destroy();
                }
                return window.destroy(&mut self.client);
            }
            _ => {}
        }
        self.held.windows.push(window);
        Ok(())
    }

    /// Like [`Hostile::fenced`], by the older protocol.
    fn by_messages(&mut self, kind: Kind, options: &Options) -> Result<()> {
        let mut window = self.toplevel(options, false)?;
        window.fenced(&self.client)?;
        self.show(&mut window, options.source, None)?;
        let sw = SwTimeline::open().map_err(Error::other("open sw_sync"))?;
        for value in 1..5 {
            let fence = sw.fence(value, "hostile").map_err(Error::other("make a sw_sync fence"))?;
            if kind == Kind::MessageUncommitted {
                if let Some(fences) = &window.fences {
                    fences.set_acquire_fence(fence.as_fd());
                    let token = self.client.state.token();
                    fences.get_release(&self.client.qh(), token);
                }
                self.client.flush()?;
                break;
            }
            let (buffer, pixels) = self.client.buffer(options.source, self.size.0, self.size.1)?;
            let acquire_fence = Some(fence.as_fd());
            let commit = Commit { buffer: Some(&buffer), acquire_fence, buffer_release: true, ..Commit::default() };
            window.commit(&mut self.client, &commit)?;
            self.held.buffers.push((buffer, Some(pixels)));
        }
        self.held.fences.push(sw);
        self.held.windows.push(window);
        Ok(())
    }

    fn subsurface(&mut self, options: &Options) -> Result<()> {
        let device = open_sync_device()?;
        let mut window = self.toplevel(options, true)?;
        let timeline = self.client.share_timeline(&device)?;
        self.show(&mut window, options.source, Some(&timeline))?;
        let qh = self.client.qh();
        let child = self.client.state.bound.compositor()?.create_surface(&qh, ());
        self.client.state.bound.subcompositor()?.get_subsurface(&child, &window.surface, &qh, ());
        let sync = self.client.state.bound.syncobj()?.get_surface(&child, &qh, ());
        let (buffer, pixels) = self.client.buffer(options.source, 64, 64)?;
        child.attach(Some(&buffer.wl), 0, 0);
        sync.set_acquire_point(&timeline.proxy, 0, 11);
        sync.set_release_point(&timeline.proxy, 0, 12);
        // Synchronised: cached until the parent commits, which never happens.
        child.commit();
        self.held.buffers.push((buffer, Some(pixels)));
        self.held.timelines.push(timeline);
        self.held.windows.push(window);
        self.client.flush()
    }
}
