//! Fences in the memory of clients' buffers, beside their own or instead of them: whatever one
//! client puts there, its neighbour keeps its frames, the compositor answers, and the culprit is
//! named. With real dma-bufs and sw_sync, on planes, by pixman and by GLES.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use drm_fourcc::{DrmFourcc, DrmModifier};
use fence::implicit::{Access, import};
use fence::{SwTimeline, SyncFile};
use serde_json::Value;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::buffer::{Buffer, Source, allocate};
use syncline_tests::client::dmabuf::{Params, Plane};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, Feedback};
use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;

const SOON: Duration = Duration::from_secs(3);
const SIZE: (u32, u32) = (128, 96);
const PLANES: &[&str] = &["--fence-policy", "never"];
const PIXMAN: &[&str] = &["--fence-policy", "never", "--planes", "none", "--renderer", "pixman"];
const GLES: &[&str] = &["--fence-policy", "never", "--planes", "none", "--renderer", "gles"];

/// A client whose buffers' memory the test can reach.
struct Culprit {
    client: Client,
    window: Toplevel,
    /// Its fence for the memory, which never signals as long as this lives.
    timeline: SwTimeline,
    fence: SyncFile,
}

impl Culprit {
    fn new(compositor: &Compositor, explicit: bool) -> Self {
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "culprit", fullscreen: false }).unwrap();
        if explicit {
            window.fenced(&client).unwrap();
        }
        let timeline = SwTimeline::open().unwrap();
        let fence = timeline.fence(1, "never").unwrap();
        let mut culprit = Self { client, window, timeline, fence };
        // It has a picture on the screen.
        let (buffer, _memory) = culprit.buffer();
        let shown = culprit.commit(&buffer, None);
        culprit.is_shown(shown);
        culprit
    }

    fn buffer(&mut self) -> (Buffer, OwnedFd) {
        let memory = allocate(Source::Auto, (SIZE.0 * SIZE.1 * 4) as usize).unwrap();
        let linear = u64::from(DrmModifier::Linear);
        let buffer = self.client.wrap_dmabuf(&memory, SIZE.0, SIZE.1, DrmFourcc::Xrgb8888, linear).unwrap();
        (buffer, memory)
    }

    /// Puts the fence into the memory: its GPU writes there.
    fn write(&self, memory: &OwnedFd) {
        import(memory.as_fd(), &self.fence, Access::Write).unwrap();
    }

    fn commit(&mut self, buffer: &Buffer, acquire: Option<&SyncFile>) -> u64 {
        let acquire_fence = acquire.map(AsFd::as_fd);
        let commit = Commit { buffer: Some(buffer), acquire_fence, feedback: true, ..Commit::default() };
        let done = self.window.commit(&mut self.client, &commit).unwrap();
        done.feedback.unwrap()
    }

    fn is_shown(&mut self, feedback: u64) {
        self.client.wait_for("feedback", SOON, |state| state.feedback.contains_key(&feedback)).unwrap();
        assert!(matches!(self.client.state.feedback[&feedback], Feedback::Presented(_)));
    }

    /// The fence signals after all, and the commit is shown.
    fn recovers(&mut self, feedback: u64) {
        assert!(!self.client.state.feedback.contains_key(&feedback), "shown too early");
        self.timeline.inc(1).unwrap();
        self.is_shown(feedback);
    }
}

fn fences(compositor: &Compositor) -> Value {
    let out = compositor.msg(&["fences", "--json"]).unwrap();
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Another client keeps its frames, and the compositor answers.
fn nobody_else_is_hurt(compositor: &Compositor) {
    let mut neighbour = Actor::new(compositor, "neighbour", Some((64, 64))).unwrap();
    let first = neighbour.show(1).unwrap().1.time_ns;
    let last = (2..=60).map(|frame| neighbour.show(frame).unwrap().1.time_ns).last().unwrap();
    // 59 periods of 60 Hz, and as many again for commits that just miss a latch.
    assert!(last - first < 2_000_000_000, "60 frames took {} ms", (last - first) / 1_000_000);
    compositor.status().unwrap();
    assert!(!compositor.log().contains("has not flipped"), "{}", compositor.log());
}

/// `msg fences` names the client's fence.
fn is_named(compositor: &Compositor) {
    let named = poll_until(SOON, || {
        let acquires = fences(compositor)["acquires"].clone();
        acquires
            .as_array()
            .unwrap()
            .iter()
            .any(|a| (&a["driver"], &a["client_pid"]) == (&"sw_sync".into(), &std::process::id().into()))
    });
    assert!(named, "{}", fences(compositor));
}

/// A fence that has signalled.
fn signalled() -> SyncFile {
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "done").unwrap();
    timeline.inc(1).unwrap();
    fence
}

#[test]
#[ignore = "lab"]
fn a_client_without_fences_in_memory_hurts_nobody() {
    for args in [PLANES, PIXMAN, GLES] {
        let compositor = Compositor::start(args).unwrap();
        let mut culprit = Culprit::new(&compositor, true);
        let (buffer, _memory) = culprit.buffer();
        let feedback = culprit.commit(&buffer, Some(&signalled()));
        culprit.is_shown(feedback);
        nobody_else_is_hurt(&compositor);
        compositor.stop().unwrap();
    }
}

/// The kernel takes the explicit fence of the plane, so the display does not wait.
#[test]
#[ignore = "lab"]
fn a_plane_does_not_wait_for_a_fence_in_memory() {
    let compositor = Compositor::start(PLANES).unwrap();
    let mut culprit = Culprit::new(&compositor, true);
    let (buffer, memory) = culprit.buffer();
    culprit.write(&memory);
    let feedback = culprit.commit(&buffer, Some(&signalled()));
    culprit.is_shown(feedback);
    nobody_else_is_hurt(&compositor);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_renderer_does_not_wait_for_a_fence_in_memory_beside_an_explicit_one() {
    for args in [PIXMAN, GLES] {
        let compositor = Compositor::start(args).unwrap();
        let mut culprit = Culprit::new(&compositor, true);
        let (buffer, memory) = culprit.buffer();
        culprit.write(&memory);
        let feedback = culprit.commit(&buffer, Some(&signalled()));
        culprit.client.roundtrip().unwrap();
        nobody_else_is_hurt(&compositor);
        is_named(&compositor);
        culprit.recovers(feedback);
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn nobody_waits_for_a_fence_that_comes_after_the_commit() {
    for args in [PIXMAN, GLES] {
        let compositor = Compositor::start(args).unwrap();
        let mut culprit = Culprit::new(&compositor, false);
        let (buffer, memory) = culprit.buffer();
        let shown = culprit.commit(&buffer, None);
        culprit.is_shown(shown);
        // While it is shown; what lies around it is drawn again and again.
        culprit.write(&memory);
        nobody_else_is_hurt(&compositor);
        compositor.status().unwrap();
        let (next, _memory) = culprit.buffer();
        let feedback = culprit.commit(&next, None);
        culprit.is_shown(feedback);
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn the_fences_of_the_second_memory_plane_are_waited_for() {
    for args in [PLANES, PIXMAN, GLES] {
        let compositor = Compositor::start(args).unwrap();
        let mut culprit = Culprit::new(&compositor, false);
        let luma = allocate(Source::Auto, (SIZE.0 * SIZE.1) as usize).unwrap();
        let chroma = allocate(Source::Auto, (SIZE.0 * SIZE.1) as usize).unwrap();
        culprit.write(&chroma);
        let manager = culprit.client.dmabuf_manager(3).unwrap();
        let params = Params::new(&mut culprit.client, &manager);
        for (index, memory) in [&luma, &chroma].into_iter().enumerate() {
            params.add(memory, Plane { index: index as u32, offset: 0, stride: SIZE.0, modifier: 0 });
        }
        let (w, h) = (SIZE.0 as i32, SIZE.1 as i32);
        let wl = params.create_immed(&mut culprit.client, w, h, DrmFourcc::Nv12 as u32, 0);
        let feedback = culprit.commit(&Buffer { wl, token: 0 }, None);
        culprit.client.roundtrip().unwrap();
        nobody_else_is_hurt(&compositor);
        is_named(&compositor);
        culprit.recovers(feedback);
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn a_fence_before_the_commit_of_an_implicit_client_is_waited_for() {
    for args in [PLANES, PIXMAN, GLES] {
        let compositor = Compositor::start(args).unwrap();
        let mut culprit = Culprit::new(&compositor, false);
        let (buffer, memory) = culprit.buffer();
        culprit.write(&memory);
        let feedback = culprit.commit(&buffer, None);
        culprit.client.roundtrip().unwrap();
        nobody_else_is_hurt(&compositor);
        is_named(&compositor);
        culprit.recovers(feedback);
        compositor.stop().unwrap();
    }
}

/// The error of a fence in the memory discards the commit, as that of an explicit one does.
#[test]
#[ignore = "lab"]
fn a_fence_in_memory_that_fails_discards_its_commit() {
    let compositor = Compositor::start(PIXMAN).unwrap();
    let mut culprit = Culprit::new(&compositor, false);
    let (buffer, memory) = culprit.buffer();
    let timeline = SwTimeline::open().unwrap();
    import(memory.as_fd(), &timeline.fence(1, "fails").unwrap(), Access::Write).unwrap();
    let feedback = culprit.commit(&buffer, None);
    culprit.client.roundtrip().unwrap();
    // Closing it fails what is pending on it.
    drop(timeline);
    culprit.client.wait_for("feedback", SOON, |state| state.feedback.contains_key(&feedback)).unwrap();
    assert_eq!(culprit.client.state.feedback[&feedback], Feedback::Discarded);
    assert!(compositor.log().contains("acquire fence failed"), "{}", compositor.log());
    nobody_else_is_hurt(&compositor);
    compositor.stop().unwrap();
}
