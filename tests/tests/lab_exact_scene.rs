//! Random trees of sub-surfaces against a small model of the protocol: the image that the *model*
//! paints must be what the display shows, by its CRC.
//!
//! The tree is a window with up to [`CHILDREN`] sub-surfaces, each of one colour. Content, order,
//! positions and modes change at random; a change takes effect at the commit that the protocol
//! names. Each buffer has an acquire point, or a fence in a message, which is ready at the commit,
//! signals after it, or fails. The rest of a commit whose fence fails is applied; its buffer is
//! never shown. What is looked at is what is left when all fences have come. Each buffer is
//! released once.

use std::os::fd::AsFd;
use std::time::Duration;

use fence::{SwTimeline, SyncDevice, SyncFile, Timeline};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use syncline_tests::client::buffer::{Buffer, Source};
use syncline_tests::client::sync::open_sync_device;
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::image::{Area, Colour, Image};
use syncline_tests::vkms::{Output, Vkms};
use wayland_client::protocol::{wl_subsurface::WlSubsurface, wl_surface::WlSurface};
use wayland_protocols::wp::{
    linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1,
    linux_explicit_synchronization::zv1::client::zwp_linux_surface_synchronization_v1::ZwpLinuxSurfaceSynchronizationV1,
};

const CHILDREN: usize = 5;
const SEQUENCES: u32 = 24;
/// Of the random sequences.
const SEED: u8 = 7;
/// A sequence that fails takes five seconds of virtual time.
const SHRINKS: u32 = 3;
/// Where the compositor puts a first window of this size.
const WINDOW: Area = (362, 284, 300, 200);
const RED: Colour = [200, 10, 20];

/// What becomes of the fence of a buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// It has signalled at the commit.
    Ready,
    /// It signals after the commit.
    Late,
    /// The point gets its fence after the commit. Late, if it is no point.
    Absent,
    /// It fails after the commit.
    Fails,
    /// It has failed at the commit.
    Failed,
}

impl Fate {
    fn is_good(self) -> bool {
        !matches!(self, Fate::Fails | Fate::Failed)
    }
}

/// What a client may do with its window or one of its children.
#[derive(Debug, Clone)]
enum Step {
    /// Attaches a buffer of that size and shade; takes effect with a commit.
    Attach(usize, (u8, u8), u8, Fate),
    /// Commits the child.
    Commit(usize),
    Move(usize, (i16, i16)),
    /// Above or below another child; the window itself if it is the same.
    Place(usize, usize, bool),
    Sync(usize, bool),
    /// Destroys the sub-surface and makes another one of a new surface.
    Replace(usize),
    /// Attaches a buffer of that shade to the window.
    AttachWindow(u8, Fate),
    CommitWindow,
}

fn step() -> impl Strategy<Value = Step> {
    let child = || 0..CHILDREN;
    let fate = || {
        let weighted = [(6, Fate::Ready), (4, Fate::Late), (4, Fate::Absent), (2, Fate::Fails), (1, Fate::Failed)];
        proptest::strategy::Union::new_weighted(weighted.map(|(weight, fate)| (weight, Just(fate))).to_vec())
    };
    prop_oneof![
        4 => (child(), (8u8..80, 8u8..80), any::<u8>(), fate())
            .prop_map(|(c, size, shade, fate)| Step::Attach(c, size, shade, fate)),
        4 => child().prop_map(Step::Commit),
        3 => (child(), (-60i16..300, -60i16..220)).prop_map(|(c, to)| Step::Move(c, to)),
        3 => (child(), child(), any::<bool>()).prop_map(|(c, other, above)| Step::Place(c, other, above)),
        2 => (child(), any::<bool>()).prop_map(|(c, sync)| Step::Sync(c, sync)),
        1 => child().prop_map(Step::Replace),
        1 => (any::<u8>(), fate()).prop_map(|(shade, fate)| Step::AttachWindow(shade, fate)),
        6 => Just(Step::CommitWindow),
    ]
}

/// A buffer: its size, its colour, and its fence.
type Content = ((i32, i32), Colour, Fate);

/// A sub-surface as the protocol has it, once all fences have come.
#[derive(Debug, Clone, Default)]
struct Child {
    sync: bool,
    attached: Option<Content>,
    cached: Option<Content>,
    shown: Option<Content>,
    wanted: (i32, i32),
    at: (i32, i32),
}

/// What is shown when a content update is applied.
fn show(shown: &mut Option<Content>, new: Option<Content>) {
    *shown = new.filter(|(.., fate)| fate.is_good()).or(*shown);
}

/// `None` in an order is the window itself.
type Order = Vec<Option<usize>>;

#[derive(Debug, Clone)]
struct Model {
    /// Attached to the window.
    attached: Option<Content>,
    window: Option<Content>,
    children: Vec<Child>,
    wanted: Order,
    order: Order,
}

impl Model {
    fn new() -> Model {
        let order: Order = std::iter::once(None).chain((0..CHILDREN).map(Some)).collect();
        let children = vec![Child { sync: true, ..Child::default() }; CHILDREN];
        let window = Some(((WINDOW.2, WINDOW.3), RED, Fate::Ready));
        Model { attached: None, window, children, order: vec![None], wanted: order }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Attach(c, (w, h), shade, fate) => {
                self.children[c].attached = Some(((w.into(), h.into()), colour(c, shade), fate));
            }
            Step::Commit(c) => {
                let child = &mut self.children[c];
                let new = child.attached.take();
                match child.sync {
                    true => child.cached = new.or(child.cached),
                    false => show(&mut child.shown, new),
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
                    show(&mut child.shown, child.cached.take());
                }
            }
            Step::Replace(c) => {
                self.children[c] = Child { sync: true, ..Child::default() };
                for order in [&mut self.wanted, &mut self.order] {
                    order.retain(|at| *at != Some(c));
                }
                self.wanted.push(Some(c));
            }
            Step::AttachWindow(shade, fate) => {
                self.attached = Some(((WINDOW.2, WINDOW.3), colour(CHILDREN, shade), fate));
            }
            Step::CommitWindow => {
                show(&mut self.window, self.attached.take());
                self.order.clone_from(&self.wanted);
                for child in &mut self.children {
                    child.at = child.wanted;
                    if child.sync {
                        show(&mut child.shown, child.cached.take());
                    }
                }
            }
        }
    }

    fn paint(&self) -> Image {
        let mut image = Image::new(0);
        for at in &self.order {
            let (shown, (x, y)) = match at.map(|c| &self.children[c]) {
                None => (self.window, (0, 0)),
                Some(child) => (child.shown, child.at),
            };
            if let Some(((w, h), colour, _)) = shown {
                image.paint((WINDOW.0 + x, WINDOW.1 + y, w, h), colour);
            }
        }
        image
    }
}

fn colour(child: usize, shade: u8) -> Colour {
    [shade, 255 - shade, 40 * child as u8]
}

/// How a surface synchronises.
enum Sync {
    /// With points, instead of `wl_buffer.release`.
    Points(WpLinuxDrmSyncobjSurfaceV1),
    /// With a fence in a message, and `wl_buffer.release`.
    Fences(ZwpLinuxSurfaceSynchronizationV1),
}

impl Sync {
    fn destroy(&self) {
        match self {
            Sync::Points(points) => points.destroy(),
            Sync::Fences(fences) => fences.destroy(),
        }
    }
}

/// A surface, and which buffer is attached to it and not committed.
struct Surface {
    wl: WlSurface,
    sync: Sync,
    attached: Option<usize>,
}

/// A buffer that was sent.
struct Sent {
    buffer: Buffer,
    committed: bool,
    /// Its points, if it has points.
    points: Option<(Timeline, Timeline)>,
}

/// A fence that has not come.
struct Pending {
    timeline: SwTimeline,
    fence: SyncFile,
    fate: Fate,
    sent: usize,
}

/// The client that does what the model does.
struct Actor<'a> {
    device: &'a SyncDevice,
    client: Client,
    window: Toplevel,
    main: Surface,
    children: Vec<(Surface, WlSubsurface)>,
    sent: Vec<Sent>,
    pending: Vec<Pending>,
}

impl<'a> Actor<'a> {
    fn new(compositor: &Compositor, device: &'a SyncDevice) -> Actor<'a> {
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "tree", fullscreen: false }).unwrap();
        let first = painted(&mut client, Source::Shm, (WINDOW.2, WINDOW.3), RED);
        let commit = Commit { buffer: Some(&first), frame: true, ..Commit::default() };
        let token = window.commit(&mut client, &commit).unwrap().frame.unwrap();
        client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
        let sync = Sync::Points(client.state.bound.syncobj().unwrap().get_surface(&window.surface, &client.qh(), ()));
        let main = Surface { wl: window.surface.clone(), sync, attached: None };
        let mut actor = Actor { device, client, window, main, children: vec![], sent: vec![], pending: vec![] };
        actor.children = (0..CHILDREN).map(|c| actor.child(c)).collect();
        actor
    }

    /// Every other child has points.
    fn child(&self, number: usize) -> (Surface, WlSubsurface) {
        let (bound, qh) = (&self.client.state.bound, self.client.qh());
        let wl = bound.compositor().unwrap().create_surface(&qh, ());
        let role = bound.subcompositor().unwrap().get_subsurface(&wl, &self.main.wl, &qh, ());
        let sync = match number % 2 {
            0 => Sync::Points(bound.syncobj().unwrap().get_surface(&wl, &qh, ())),
            _ => Sync::Fences(bound.explicit_sync().unwrap().get_synchronization(&wl, &qh, ())),
        };
        (Surface { wl, sync, attached: None }, role)
    }

    /// `None` is the window.
    fn surface(&mut self, of: Option<usize>) -> &mut Surface {
        match of {
            None => &mut self.main,
            Some(child) => &mut self.children[child].0,
        }
    }

    fn attach(&mut self, to: Option<usize>, size: (i32, i32), colour: Colour, fate: Fate) {
        let buffer = painted(&mut self.client, Source::Heap, size, colour);
        let timeline = SwTimeline::open().unwrap();
        let fence = timeline.fence(1, "tree").unwrap();
        let global = self.client.state.bound.explicit_sync().unwrap().clone();
        let (qh, sent) = (self.client.qh(), self.sent.len());
        let has_points = matches!(self.surface(to).sync, Sync::Points(_));
        let timelines = has_points.then(|| [(); 2].map(|()| self.client.share_timeline(self.device).unwrap()));
        let surface = self.surface(to);
        let wl = surface.wl.clone();
        match (&mut surface.sync, &timelines) {
            (Sync::Points(points), Some([acquire, release])) => {
                points.set_acquire_point(&acquire.proxy, 0, 1);
                points.set_release_point(&release.proxy, 0, 1);
                if fate != Fate::Absent {
                    acquire.point(1).import(&fence).unwrap();
                }
            }
            (Sync::Fences(fences), _) => {
                // The fence of a buffer that is attached and not committed goes with the object.
                fences.destroy();
                *fences = global.get_synchronization(&wl, &qh, ());
                fences.set_acquire_fence(fence.as_fd());
            }
            (Sync::Points(_), None) => unreachable!("a surface with points has timelines"),
        }
        wl.attach(Some(&buffer.wl), 0, 0);
        wl.damage_buffer(0, 0, i32::MAX, i32::MAX);
        surface.attached = Some(sent);
        // The fence must be on the wire before its descriptor closes.
        self.client.flush().unwrap();
        let points = timelines.map(|timelines| {
            timelines.iter().for_each(|shared| shared.proxy.destroy());
            timelines.map(|shared| shared.timeline).into()
        });
        self.sent.push(Sent { buffer, committed: false, points });
        match fate {
            Fate::Ready => timeline.inc(1).unwrap(),
            Fate::Failed => drop(timeline),
            Fate::Late | Fate::Absent | Fate::Fails => self.pending.push(Pending { timeline, fence, fate, sent }),
        }
    }

    fn commit(&mut self, of: Option<usize>) {
        let surface = self.surface(of);
        surface.wl.commit();
        if let Some(sent) = surface.attached.take() {
            self.sent[sent].committed = true;
        }
    }

    /// All fences come: they signal, or fail.
    fn resolve(&mut self) {
        for Pending { timeline, fence, fate, sent } in self.pending.drain(..) {
            if let (Fate::Absent, Some((acquire, _))) = (fate, &self.sent[sent].points) {
                acquire.point(1).import(&fence).unwrap();
            }
            match fate.is_good() {
                true => timeline.inc(1).unwrap(),
                // The timeline ends, and what is pending on it fails.
                false => drop(timeline),
            }
        }
    }

    /// How often a buffer was released.
    fn releases(&self, sent: &Sent) -> u32 {
        match &sent.points {
            Some((_, release)) => u32::from(release.point(1).is_signalled().unwrap()),
            None => self.client.state.released.get(&sent.buffer.token).copied().unwrap_or(0),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Attach(c, (w, h), shade, fate) => {
                self.attach(Some(c), (w.into(), h.into()), colour(c, shade), fate);
            }
            Step::AttachWindow(shade, fate) => {
                self.attach(None, (WINDOW.2, WINDOW.3), colour(CHILDREN, shade), fate);
            }
            Step::Commit(c) => self.commit(Some(c)),
            Step::CommitWindow => self.commit(None),
            Step::Move(c, (x, y)) => self.children[c].1.set_position(x.into(), y.into()),
            Step::Place(c, other, above) => {
                let reference = if c == other { &self.main.wl } else { &self.children[other].0.wl };
                match above {
                    true => self.children[c].1.place_above(reference),
                    false => self.children[c].1.place_below(reference),
                }
            }
            Step::Sync(c, true) => self.children[c].1.set_sync(),
            Step::Sync(c, false) => self.children[c].1.set_desync(),
            Step::Replace(c) => {
                let new = self.child(c);
                let (surface, role) = std::mem::replace(&mut self.children[c], new);
                role.destroy();
                surface.sync.destroy();
                surface.wl.destroy();
            }
        }
    }

    /// Destroys all surfaces that were committed.
    fn end(&mut self) {
        (0..CHILDREN).for_each(|child| self.step(&Step::Replace(child)));
        self.main.sync.destroy();
        self.window.toplevel.destroy();
        self.window.xdg.destroy();
        self.window.surface.destroy();
    }

    /// After the end of all surfaces: who was committed is released once, nobody else is.
    fn check_releases(&self) -> Result<(), TestCaseError> {
        for (number, sent) in self.sent.iter().enumerate() {
            prop_assert_eq!(self.releases(sent), u32::from(sent.committed), "releases of buffer {}", number);
        }
        Ok(())
    }
}

fn painted(client: &mut Client, source: Source, (w, h): (i32, i32), [r, g, b]: Colour) -> Buffer {
    let (buffer, mut pixels) = client.buffer(source, w as u32, h as u32).unwrap();
    pixels.write(|bytes| bytes.as_chunks_mut::<4>().0.fill([b, g, r, 0xff])).unwrap();
    buffer
}

#[test]
#[ignore = "lab"]
fn random_trees_are_shown_as_the_protocol_says() {
    let output = Output { cursor: false, overlays: 1, ..Output::default() };
    let vkms = Vkms::builder("scene").output(output).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--crc", "--mode", "1024x768"]).unwrap();
    let (name, device) = (vkms.connector(0), open_sync_device().unwrap());
    let config = Config { cases: SEQUENCES, max_shrink_iters: SHRINKS, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[SEED; 32]));
    let bursts = proptest::collection::vec(proptest::collection::vec(step(), 1..12), 1..8);
    let said = |error: syncline_tests::error::Error| TestCaseError::fail(error.to_string());
    let result = runner.run(&bursts, |bursts| {
        let (mut model, mut actor) = (Model::new(), Actor::new(&compositor, &device));
        for (number, burst) in bursts.iter().enumerate() {
            for step in burst {
                model.step(step);
                actor.step(step);
            }
            actor.client.roundtrip().map_err(said)?;
            actor.resolve();
            let shown = model.paint().wait_shown(&compositor, &name);
            shown.map_err(|error| TestCaseError::fail(format!("burst {number}: {error}; {model:?}")))?;
        }
        actor.end();
        actor.client.roundtrip().map_err(said)?;
        Image::new(0).wait_shown(&compositor, &name).map_err(TestCaseError::fail)?;
        actor.client.idle(Duration::from_millis(50)).map_err(said)?;
        actor.check_releases()
    });
    result.unwrap_or_else(|error| panic!("seed {SEED}: {error}\n{}", compositor.log()));
    assert_eq!(compositor.status().unwrap()["counters"]["crc_different"], 0);
    compositor.stop().unwrap();
}
