//! Random trees of sub-surfaces against a small model of the protocol: the image that the *model*
//! paints must be what the display shows, by its CRC.
//!
//! The tree is a window with up to [`CHILDREN`] sub-surfaces, each of one colour. Content, order,
//! positions and modes change at random; a change takes effect at the commit that the protocol
//! names.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use syncline_tests::client::buffer::{Buffer, Source};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::image::{Area, Colour, Image};
use syncline_tests::vkms::{Output, Vkms};
use wayland_client::protocol::{wl_subsurface::WlSubsurface, wl_surface::WlSurface};

const CHILDREN: usize = 5;
const SEQUENCES: u32 = 24;
/// Where the compositor puts a first window of this size.
const WINDOW: Area = (362, 284, 300, 200);
const RED: Colour = [200, 10, 20];

/// What a client may do with one of its children.
#[derive(Debug, Clone)]
enum Step {
    /// Attaches a buffer of that size and shade; takes effect with a commit.
    Attach(usize, (u8, u8), u8),
    /// Commits the child.
    Commit(usize),
    Move(usize, (i16, i16)),
    /// Above or below another child; the window itself if it is the same.
    Place(usize, usize, bool),
    Sync(usize, bool),
    /// Destroys the sub-surface and makes another one of a new surface.
    Replace(usize),
    CommitWindow,
}

fn step() -> impl Strategy<Value = Step> {
    let child = || 0..CHILDREN;
    prop_oneof![
        4 => (child(), (8u8..80, 8u8..80), any::<u8>()).prop_map(|(c, size, shade)| Step::Attach(c, size, shade)),
        4 => child().prop_map(Step::Commit),
        3 => (child(), (-60i16..300, -60i16..220)).prop_map(|(c, to)| Step::Move(c, to)),
        3 => (child(), child(), any::<bool>()).prop_map(|(c, other, above)| Step::Place(c, other, above)),
        2 => (child(), any::<bool>()).prop_map(|(c, sync)| Step::Sync(c, sync)),
        1 => child().prop_map(Step::Replace),
        6 => Just(Step::CommitWindow),
    ]
}

/// A sub-surface as the protocol has it.
#[derive(Debug, Clone, Default)]
struct Child {
    sync: bool,
    attached: Option<((i32, i32), Colour)>,
    cached: Option<((i32, i32), Colour)>,
    shown: Option<((i32, i32), Colour)>,
    wanted: (i32, i32),
    at: (i32, i32),
}

/// `None` in an order is the window itself.
type Order = Vec<Option<usize>>;

#[derive(Debug, Clone)]
struct Model {
    children: Vec<Child>,
    wanted: Order,
    order: Order,
}

impl Model {
    fn new() -> Model {
        let order: Order = std::iter::once(None).chain((0..CHILDREN).map(Some)).collect();
        let children = vec![Child { sync: true, ..Child::default() }; CHILDREN];
        Model { children, order: vec![None], wanted: order }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Attach(c, (w, h), shade) => {
                self.children[c].attached = Some(((w.into(), h.into()), colour(c, shade)));
            }
            Step::Commit(c) => {
                let child = &mut self.children[c];
                let new = child.attached.take();
                match child.sync {
                    true => child.cached = new.or(child.cached),
                    false => child.shown = new.or(child.shown),
                }
            }
            Step::Move(c, (x, y)) => self.children[c].wanted = (x.into(), y.into()),
            Step::Place(c, other, above) => {
                let reference = (c != other).then_some(other);
                self.wanted.retain(|at| *at != Some(c));
                let found = self.wanted.iter().position(|at| *at == reference).unwrap();
                self.wanted.insert(found + usize::from(above), Some(c));
            }
            Step::Sync(c, sync) => {
                let child = &mut self.children[c];
                child.sync = sync;
                if !sync {
                    child.shown = child.cached.take().or(child.shown);
                }
            }
            Step::Replace(c) => {
                self.children[c] = Child { sync: true, ..Child::default() };
                for order in [&mut self.wanted, &mut self.order] {
                    order.retain(|at| *at != Some(c));
                }
                self.wanted.push(Some(c));
            }
            Step::CommitWindow => {
                self.order.clone_from(&self.wanted);
                for child in &mut self.children {
                    child.at = child.wanted;
                    if child.sync {
                        child.shown = child.cached.take().or(child.shown);
                    }
                }
            }
        }
    }

    fn paint(&self) -> Image {
        let mut image = Image::new(0);
        for at in &self.order {
            match at.map(|c| &self.children[c]) {
                None => image.paint(WINDOW, RED),
                Some(Child { shown: Some(((w, h), colour)), at: (x, y), .. }) => {
                    image.paint((WINDOW.0 + x, WINDOW.1 + y, *w, *h), *colour);
                }
                Some(_) => {}
            }
        }
        image
    }
}

fn colour(child: usize, shade: u8) -> Colour {
    [shade, 255 - shade, 40 * child as u8]
}

/// The client that does what the model does.
struct Actor {
    client: Client,
    window: Toplevel,
    children: Vec<(WlSurface, WlSubsurface)>,
    buffers: Vec<Buffer>,
}

impl Actor {
    fn new(compositor: &Compositor) -> Actor {
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: "tree", fullscreen: false }).unwrap();
        let mut actor = Actor { client, window, children: Vec::new(), buffers: Vec::new() };
        let buffer = actor.buffer((WINDOW.2, WINDOW.3), RED);
        let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
        let token = actor.window.commit(&mut actor.client, &commit).unwrap().frame.unwrap();
        actor.client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
        actor.buffers.push(buffer);
        actor.children = (0..CHILDREN).map(|_| actor.child()).collect();
        actor
    }

    fn child(&self) -> (WlSurface, WlSubsurface) {
        let (bound, qh) = (&self.client.state.bound, self.client.qh());
        let surface = bound.compositor().unwrap().create_surface(&qh, ());
        let role = bound.subcompositor().unwrap().get_subsurface(&surface, &self.window.surface, &qh, ());
        (surface, role)
    }

    fn buffer(&mut self, (w, h): (i32, i32), [r, g, b]: Colour) -> Buffer {
        let (buffer, mut pixels) = self.client.buffer(Source::Shm, w as u32, h as u32).unwrap();
        pixels.write(|bytes| bytes.as_chunks_mut::<4>().0.fill([b, g, r, 0xff])).unwrap();
        buffer
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Attach(c, (w, h), shade) => {
                let buffer = self.buffer((w.into(), h.into()), colour(c, shade));
                let surface = &self.children[c].0;
                surface.attach(Some(&buffer.wl), 0, 0);
                surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
                self.buffers.push(buffer);
            }
            Step::Commit(c) => self.children[c].0.commit(),
            Step::Move(c, (x, y)) => self.children[c].1.set_position(x.into(), y.into()),
            Step::Place(c, other, above) => {
                let reference = if c == other { &self.window.surface } else { &self.children[other].0 };
                match above {
                    true => self.children[c].1.place_above(reference),
                    false => self.children[c].1.place_below(reference),
                }
            }
            Step::Sync(c, true) => self.children[c].1.set_sync(),
            Step::Sync(c, false) => self.children[c].1.set_desync(),
            Step::Replace(c) => {
                let new = self.child();
                let (surface, role) = std::mem::replace(&mut self.children[c], new);
                role.destroy();
                surface.destroy();
            }
            Step::CommitWindow => self.window.surface.commit(),
        }
    }
}

#[test]
#[ignore = "lab"]
fn random_trees_are_shown_as_the_protocol_says() {
    let output = Output { cursor: false, overlays: 1, ..Output::default() };
    let vkms = Vkms::builder("scene").output(output).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--crc", "--mode", "1024x768"]).unwrap();
    let name = vkms.connector(0);
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config { cases: SEQUENCES, ..Config::default() }, seed);
    let bursts = proptest::collection::vec(proptest::collection::vec(step(), 1..12), 1..8);
    let result = runner.run(&bursts, |bursts| {
        let (mut model, mut actor) = (Model::new(), Actor::new(&compositor));
        for burst in &bursts {
            for step in burst {
                model.step(step);
                actor.step(step);
            }
            actor.client.roundtrip().map_err(|error| TestCaseError::fail(error.to_string()))?;
            model.paint().wait_shown(&compositor, &name).map_err(TestCaseError::fail)?;
        }
        drop(actor);
        Image::new(0).wait_shown(&compositor, &name).map_err(TestCaseError::fail)
    });
    result.unwrap_or_else(|error| panic!("{error}\n{}", compositor.log()));
    assert_eq!(compositor.status().unwrap()["counters"]["crc_different"], 0);
    compositor.stop().unwrap();
}
