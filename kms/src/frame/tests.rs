//! The commit path on the scripted kernel: what is sent, what is rolled back, who keeps which
//! framebuffer.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

use super::*;
use crate::id::{CrtcId, CrtcIndex, ObjectId, PlaneId, PropertyId};
use crate::kernel::FbDescription;
use crate::scripted::{Call, Scripted, Stock, ids};
use crate::{Blend, Event, Framebuffer, SrcRect};

mod props;

const CRTC: CrtcId = ids::CRTC;
const PRIMARY: PlaneId = ids::PLANE;

/// As [`crate::scripted::Atomic::props`] has it.
fn asked(object: impl Into<ObjectId>, prop: PropertyId, value: u64) -> (ObjectId, PropertyId, u64) {
    (object.into(), prop, value)
}

struct Bench {
    kernel: Arc<Scripted>,
    output: Output,
}

fn full(fb: u32) -> PlaneState<'static> {
    PlaneState::new(FramebufferId::from_raw(fb), SrcRect::full(1024, 768), Rect::new(0, 0, 1024, 768))
}

impl Bench {
    fn new(stock: Stock) -> Self {
        let kernel = Scripted::new().unwrap();
        let output = Output::new(&kernel.device(), &stock.inventory(), ids::CONNECTOR, &Stock::mode()).unwrap();
        Self { kernel, output }
    }

    /// After a modeset that shows framebuffer 1 on the primary plane, its flip seen.
    fn lit() -> Self {
        let mut bench = Self::new(Stock::default());
        let mut frame = bench.output.modeset();
        frame.set(0, full(1));
        frame.commit(1).unwrap();
        bench.flip();
        bench.kernel.take_log();
        bench
    }

    fn flip(&mut self) -> usize {
        assert!(self.kernel.flip(CRTC, 5_000_000, 7));
        let mut ours = 0;
        let output = &mut self.output;
        let device = output.device().clone();
        device
            .read_events(|event| {
                if let Event::Flip(flip) = event {
                    ours += usize::from(output.flipped(&flip));
                }
            })
            .unwrap();
        ours
    }

    /// What the first two planes show, as the output has it.
    fn framebuffers_on(&self) -> [u32; 2] {
        let fb = |plane: usize| self.output.shown(plane).and_then(|shown| shown.values.fb);
        [0, 1].map(|plane| fb(plane).map_or(0, FramebufferId::raw))
    }

    fn framebuffer(&self) -> Framebuffer {
        Framebuffer::add(self.output.device(), &FbDescription::default()).unwrap()
    }
}

#[test]
fn the_first_commit_must_be_a_modeset() {
    let mut bench = Bench::new(Stock::default());
    let mut frame = bench.output.frame();
    frame.set(0, full(1));
    let error = frame.commit(1).unwrap_err();
    assert_eq!((error.step, error.errno), (Step::State, Errno::INVAL));
    assert!(bench.kernel.take_log().is_empty(), "the kernel was not asked");
}

#[test]
fn a_modeset_sends_everything() {
    let mut bench = Bench::new(Stock::default());
    let mut frame = bench.output.modeset();
    frame.set(0, full(1));
    let committed = frame.commit(9).unwrap();
    assert!(committed.out_fence.is_some());
    let log = bench.kernel.take_log();
    assert_eq!(log.len(), 1);
    let sent = &log[0];
    assert!(sent.is_modeset() && sent.is_nonblock() && sent.user_data == 9, "nothing waits for the mode");
    assert_eq!(sent.value(ids::CONNECTOR, ids::CRTC_ID), Some(CRTC.value()));
    assert_eq!(sent.value(CRTC, ids::ACTIVE), Some(1));
    assert_eq!(sent.value(PRIMARY, ids::FB_ID), Some(1));
    assert_eq!(sent.value(PRIMARY, ids::SRC_W), Some(1024 << 16));
    assert_eq!(sent.value(PRIMARY, ids::ROTATION), Some(1), "what the console left is undone");
    for plane in 1..4 {
        assert_eq!(sent.value(ids::plane(plane), ids::FB_ID), Some(0), "other planes are off");
    }
    assert!(!bench.output.needs_modeset());
}

#[test]
fn a_frame_sends_only_what_changed() {
    let mut bench = Bench::lit();
    let fence = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let mut frame = bench.output.frame();
    frame.set(0, full(2).with_fence(fence.as_fd()));
    frame.commit(2).unwrap();
    let log = bench.kernel.take_log();
    let expected = [
        asked(CRTC, ids::OUT_FENCE_PTR, 0),
        asked(PRIMARY, ids::FB_ID, 2),
        asked(PRIMARY, ids::IN_FENCE_FD, fence.as_raw_fd() as u64),
    ];
    assert_eq!(log[0].props, expected);
    assert!(log[0].is_nonblock() && !log[0].is_modeset());
}

#[test]
fn planes_turn_on_move_and_off() {
    let mut bench = Bench::lit();
    let cursor = bench.output.cursor().unwrap();
    let id = bench.output.planes()[cursor].id.into();
    let at = |x| PlaneState {
        blend: Blend::Coverage,
        alpha: 0x8000,
        ..PlaneState::new(FramebufferId::from_raw(7), SrcRect::full(64, 64), Rect::new(x, -3, 64, 64))
    };
    let mut step = |user_data, change: &dyn Fn(&mut Frame<'_>)| {
        let mut frame = bench.output.frame();
        change(&mut frame);
        frame.commit(user_data).unwrap();
        bench.flip();
        bench.kernel.take_log().remove(0).props.into_iter().filter(|(object, ..)| *object == id).collect::<Vec<_>>()
    };
    let on = step(2, &|frame| {
        frame.set(cursor, at(5));
    });
    assert_eq!(on.len(), 2 + 4 + 4 + 3, "{on:?}");
    assert!(on.contains(&(id, ids::CRTC_Y, -3i64 as u64)) && on.contains(&(id, ids::BLEND, 2)));
    let moved = step(3, &|frame| {
        frame.set(cursor, at(6));
    });
    assert_eq!(moved.len(), 4);
    assert!(
        step(4, &|frame| {
            frame.set(cursor, at(6));
        })
        .is_empty(),
        "nothing changed"
    );
    assert_eq!(
        step(5, &|frame| {
            frame.clear(cursor);
        }),
        [(id, ids::FB_ID, 0), (id, ids::CRTC_ID, 0)]
    );
    assert!(
        step(6, &|frame| {
            frame.clear(cursor);
        })
        .is_empty(),
        "off already"
    );
    assert_eq!(
        step(7, &|frame| {
            frame.set(cursor, at(6));
        })
        .len(),
        13,
        "all again after off"
    );
}

#[test]
fn a_test_changes_nothing() {
    let mut bench = Bench::lit();
    let before = bench.kernel.values();
    let mut frame = bench.output.frame();
    frame.set(0, full(2));
    frame.test().unwrap();
    let log = bench.kernel.take_log();
    assert!(log[0].is_test() && log[0].value(CRTC, ids::OUT_FENCE_PTR).is_none(), "no fence is asked of a test");
    assert_eq!(bench.kernel.values(), before);
    assert_eq!((bench.framebuffers_on(), bench.output.in_flight()), ([1, 0], None));
}

#[test]
fn a_refused_commit_rolls_back() {
    for errno in [Errno::INVAL, Errno::BUSY, Errno::NOSPC, Errno::PERM, Errno::ACCESS, Errno::NODEV, Errno::NOMEM] {
        let mut bench = Bench::lit();
        let before = bench.kernel.values();
        bench.kernel.fail(Call::Commit, errno);
        let fence = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let mut frame = bench.output.frame();
        frame.set(0, full(2).with_fence(fence.as_fd()));
        frame.set(1, full(3));
        let error = frame.commit(2).unwrap_err();
        assert_eq!((error.step, error.errno), (Step::Commit, errno));
        assert!(error.request.contains("plane 30.FB_ID=2") && error.request.contains("IN_FENCE_FD"), "{error}");
        assert_eq!(bench.kernel.values(), before);
        assert_eq!(bench.framebuffers_on(), [1, 0]);
        assert_eq!(bench.output.in_flight(), None);
        // The same again without fence and overlay: only the difference from what is really shown.
        bench.kernel.take_log();
        let mut frame = bench.output.frame();
        frame.set(0, full(2));
        frame.commit(3).unwrap();
        assert_eq!(
            bench.kernel.take_log()[0].props,
            [asked(CRTC, ids::OUT_FENCE_PTR, 0), asked(PRIMARY, ids::FB_ID, 2)]
        );
    }
}

#[test]
fn a_refused_modeset_can_be_tried_again() {
    let mut bench = Bench::new(Stock::default());
    bench.kernel.fail(Call::Test, Errno::INVAL);
    bench.kernel.fail(Call::Commit, Errno::NOSPC);
    let mut frame = bench.output.modeset();
    frame.set(0, full(1));
    assert_eq!(frame.test().unwrap_err().step, Step::Test);
    assert_eq!(frame.commit(1).unwrap_err().errno, Errno::NOSPC);
    assert!(bench.output.needs_modeset() && bench.output.in_flight().is_none());
    let mut frame = bench.output.modeset();
    frame.set(0, full(1));
    frame.commit(2).unwrap();
    assert_eq!(bench.flip(), 1);
}

#[test]
fn one_commit_in_flight() {
    let mut bench = Bench::lit();
    let mut frame = bench.output.frame();
    frame.set(0, full(2));
    let first = frame.commit(2).unwrap().out_fence.unwrap();
    let mut frame = bench.output.frame();
    frame.set(0, full(3));
    frame.test().unwrap();
    let error = frame.commit(3).unwrap_err();
    assert_eq!((error.step, error.errno), (Step::State, Errno::BUSY));
    assert!(!first.is_signalled());
    assert_eq!(bench.flip(), 1);
    assert!(first.is_signalled());
    assert_eq!(bench.output.in_flight(), None);
}

#[test]
fn flips_of_others_and_of_the_past_are_not_ours() {
    let mut bench = Bench::lit();
    let mut frame = bench.output.frame();
    frame.set(0, full(2));
    frame.commit(2).unwrap();
    let flip = |crtc, user_data| crate::Flip { crtc: Some(crtc), user_data, time: 0, sequence: 0 };
    assert!(!bench.output.flipped(&flip(ids::crtc(CrtcIndex::from_raw(1)), 2)));
    assert!(!bench.output.flipped(&flip(CRTC, 1)));
    assert_eq!(bench.output.in_flight(), Some(2));
    assert!(bench.output.flipped(&flip(CRTC, 2)));
}

#[test]
fn what_a_plane_cannot_do_is_refused_before_the_kernel() {
    let plain = Stock { fences: false, rich: false, ..Stock::default() };
    let fence = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let cases = [
        PlaneState { alpha: 1, ..full(1) },
        PlaneState { blend: Blend::None, ..full(1) },
        PlaneState { zpos: Some(1), ..full(1) },
        full(1).with_fence(fence.as_fd()),
        full(0),
    ];
    for state in cases {
        let mut bench = Bench::new(plain);
        let mut frame = bench.output.modeset();
        frame.set(0, state);
        assert_eq!(frame.test().unwrap_err().step, Step::Prepare, "{state:?}");
        assert!(bench.kernel.take_log().is_empty());
    }
    let mut bench = Bench::new(plain);
    let mut frame = bench.output.modeset();
    frame.set(99, full(1));
    assert_eq!(frame.commit(1).unwrap_err().step, Step::Prepare);
    // Without OUT_FENCE_PTR there is still an event.
    let mut frame = bench.output.modeset();
    frame.set(0, full(1));
    assert!(frame.commit(2).unwrap().out_fence.is_none());
    assert_eq!(bench.flip(), 1);
    bench.kernel.take_log();
    bench.output.frame().commit(3).unwrap();
    assert_eq!(bench.kernel.take_log()[0].props, [asked(CRTC, ids::ACTIVE, 1)], "the CRTC is in it for the event");
}

#[test]
fn a_framebuffer_goes_with_its_last_clone() {
    for closefb in [true, false] {
        let mut bench = Bench::new(Stock::default());
        if !closefb {
            bench.kernel.without_closefb();
        }
        let (old, new) = (bench.framebuffer(), bench.framebuffer());
        let (old_id, new_id) = (old.id(), new.id());
        for (user_data, fb) in [(1, old_id), (2, new_id)] {
            let mut frame = bench.output.modeset();
            frame.set(0, PlaneState { fb, ..full(1) });
            frame.commit(user_data).unwrap();
            assert_eq!(bench.kernel.framebuffers(), [old_id, new_id]);
            bench.flip();
        }
        let clone = old.clone();
        drop(old);
        assert_eq!(bench.kernel.framebuffers(), [old_id, new_id]);
        drop(clone);
        assert_eq!(bench.kernel.framebuffers(), [new_id]);
        assert!(bench.kernel.removed_while_shown().is_empty(), "it was kept until the flip");
        drop(new);
        let removed = bench.kernel.removed_while_shown();
        assert_eq!(removed.is_empty(), closefb, "CLOSEFB leaves the plane on, RMFB turns it off: {removed:?}");
    }
}

#[test]
fn outputs_share_nothing() {
    let kernel = Scripted::new().unwrap();
    let device = kernel.device();
    let inventory = Stock { outputs: 2, overlays: 3, ..Stock::default() }.inventory();
    let make = |at| Output::new(&device, &inventory, ids::connector(at), &Stock::mode());
    let (first, second) = (make(0).unwrap(), make(1).unwrap());
    assert_ne!(first.crtc_id(), second.crtc_id());
    assert!(first.planes().iter().all(|plane| second.planes().iter().all(|other| other.id != plane.id)));
    assert_eq!((first.overlays().count(), second.overlays().count()), (2, 1));
    assert!(matches!(make(0), Err(crate::OutputError::NoCrtc(_))));
    let taken = first.crtc_id();
    drop(first);
    assert_eq!(make(0).unwrap().crtc_id(), taken, "a dropped output gives its CRTC back");
    drop(second);
    assert_eq!(kernel.blobs(), 0, "no mode blob stays behind");
}

#[test]
fn the_console_is_cleared_by_the_first_modeset() {
    let kernel = Scripted::new().unwrap();
    let mut inventory = Stock { outputs: 2, overlays: 0, ..Stock::default() }.inventory();
    let mut at = |object: ObjectId, prop: &str, value: CrtcId| {
        let planes = inventory.planes.iter_mut().map(|plane| (ObjectId::from(plane.id), &mut plane.props));
        let connectors =
            inventory.connectors.iter_mut().map(|connector| (ObjectId::from(connector.id), &mut connector.props));
        let (_, table) = planes.chain(connectors).find(|(id, _)| *id == object).unwrap();
        table.0.get_mut(prop).unwrap().value = value.value();
    };
    // The console shows both connectors through CRTC 20, with the second CRTC's cursor plane stuck
    // on it.
    at(ids::CONNECTOR.into(), "CRTC_ID", CRTC);
    at(ids::connector(1).into(), "CRTC_ID", CRTC);
    at(ids::plane(3).into(), "CRTC_ID", CRTC);
    let mut output = Output::new(&kernel.device(), &inventory, ids::CONNECTOR, &Stock::mode()).unwrap();
    assert_eq!(output.crtc_id(), CRTC, "the CRTC that drives the connector already");
    let mut frame = output.modeset();
    frame.set(0, full(1));
    frame.commit(1).unwrap();
    let sent = kernel.take_log().remove(0);
    assert_eq!(sent.value(ids::connector(1), ids::CRTC_ID), Some(0));
    assert_eq!(sent.value(ids::plane(3), ids::FB_ID), Some(0));
    kernel.flip(CRTC, 0, 0);
    output.reset();
    let mut frame = output.modeset();
    frame.set(0, full(1));
    frame.commit(2).unwrap();
    assert_eq!(kernel.take_log()[0].value(ids::connector(1), ids::CRTC_ID), None, "only once");
}

#[test]
fn disabling_turns_all_off() {
    let mut bench = Bench::lit();
    bench.kernel.fail(Call::Commit, Errno::ACCESS);
    assert_eq!(bench.output.disable(2).unwrap_err().errno, Errno::ACCESS);
    assert!(!bench.output.needs_modeset(), "refused: as it was");
    bench.kernel.take_log();
    assert_eq!(bench.output.disable(3), Ok(true), "its flip will come");
    assert!(bench.kernel.take_log()[0].is_nonblock());
    assert!(bench.output.needs_modeset());
    assert_eq!((bench.output.in_flight(), bench.flip(), bench.output.in_flight()), (Some(3), 1, None));
    assert_eq!(bench.output.disable(4), Ok(false), "off before and after: the kernel sends no event");
    let value = |object: ObjectId, prop| bench.kernel.value(object, prop);
    assert_eq!([ids::ACTIVE, ids::MODE_ID].map(|prop| value(CRTC.into(), prop)), [Some(0); 2]);
    assert_eq!(value(PRIMARY.into(), ids::FB_ID), Some(0));
    assert_eq!(value(ids::CONNECTOR.into(), ids::CRTC_ID), Some(0));
}

#[test]
fn a_lost_master_needs_a_modeset_again() {
    let mut bench = Bench::lit();
    let mut frame = bench.output.frame();
    frame.set(0, full(2));
    frame.commit(2).unwrap();
    bench.output.reset();
    assert!(bench.output.needs_modeset() && bench.output.in_flight().is_none());
    assert_eq!(bench.flip(), 0, "the earlier flip belongs to no commit");
}

#[test]
fn a_modeset_behind_a_stuck_commit_is_busy_and_does_not_wait() {
    let mut bench = Bench::lit();
    let mut frame = bench.output.frame();
    frame.set(0, full(2));
    frame.commit(2).unwrap();
    // The flip does not come: the state is given up, the kernel still has the commit.
    bench.output.reset();
    bench.kernel.take_log();
    let mut frame = bench.output.modeset();
    frame.set(0, full(3));
    assert_eq!(frame.commit(3).unwrap_err().errno, Errno::BUSY);
    let sent = bench.kernel.take_log().remove(0);
    assert!(sent.is_modeset() && sent.is_nonblock());
    assert!(bench.kernel.flip(CRTC, 1, 1));
    let mut frame = bench.output.modeset();
    frame.set(0, full(3));
    frame.commit(4).unwrap();
}

#[test]
fn what_a_frame_asks_for_is_what_is_on_the_planes_after_its_commit() {
    let mut bench = Bench::lit();
    let fence = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let mut frame = bench.output.frame();
    frame.set(0, full(2).with_fence(fence.as_fd()));
    let state = PlaneState { alpha: 0x8000, zpos: Some(1), ..full(3) };
    frame.set(1, state);
    let asked: Vec<_> = frame.asked().map(|(at, shown, fenced)| (at, shown.values, fenced)).collect();
    assert_eq!(asked.iter().map(|(at, _, fenced)| (*at, *fenced)).collect::<Vec<_>>(), [(0, true), (1, false)]);
    frame.commit(2).unwrap();
    let on: Vec<_> = bench.output.on_planes().map(|(plane, shown)| (plane.id, shown.values)).collect();
    let ids = [0, 1].map(|at: usize| bench.output.planes()[at].id);
    assert_eq!(on, [(ids[0], asked[0].1), (ids[1], asked[1].1)]);
    assert_eq!((on[1].1.alpha, on[1].1.zpos), (0x8000, Some(1)));
}
