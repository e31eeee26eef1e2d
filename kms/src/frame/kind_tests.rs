//! Frames that are more than a flip: sleep and wake, variable refresh, asynchronous flips, several
//! outputs, damage.

use std::sync::Arc;

use super::*;
use crate::id::{CrtcId, CrtcIndex, PlaneId};
use crate::scripted::{Atomic, Call, Scripted, Stock, ids};
use crate::{Device, Event, Inventory, SrcRect, device::Caps};

const CRTC: CrtcId = ids::CRTC;
const PRIMARY: PlaneId = ids::PLANE;

fn full(fb: u32) -> PlaneState<'static> {
    PlaneState::new(FramebufferId::from_raw(fb), SrcRect::full(1024, 768), Rect::new(0, 0, 1024, 768))
}

type Fill<'a> = &'a dyn Fn(&mut Frame<'_>);

/// For closures that build a frame and give nothing back.
fn done(_: &mut Frame<'_>) {}

struct Bench {
    kernel: Arc<Scripted>,
    device: Device,
    outputs: Vec<Output>,
}

impl Bench {
    fn new(count: u32, caps: Caps, change: impl FnOnce(&mut Inventory)) -> Self {
        let kernel = Scripted::new().unwrap();
        let driver =
            crate::device::Driver { name: "scripted".to_owned(), version: (1, 0, 0), description: String::new() };
        let device = Device::with_kernel(kernel.clone(), "/dev/dri/scripted".into(), driver, caps);
        let mut inventory = Stock { outputs: count, ..Stock::default() }.inventory();
        change(&mut inventory);
        let output = |at| Output::new(&device, &inventory, ids::connector(at), &Stock::mode()).unwrap();
        let outputs = (0..count).map(output).collect();
        Self { kernel, device, outputs }
    }

    /// One output, framebuffer 1 on its primary plane.
    fn lit(caps: Caps, change: impl FnOnce(&mut Inventory)) -> Self {
        let mut bench = Self::new(1, caps, change);
        bench.run(1, |output| output.modeset(), |frame| done(frame.set(0, full(1)))).unwrap();
        bench
    }

    /// A frame of the first output; its flip; what was sent.
    fn run(
        &mut self,
        user_data: u64,
        begin: impl FnOnce(&mut Output) -> Frame<'_>,
        fill: impl FnOnce(&mut Frame<'_>),
    ) -> Result<Atomic, CommitError> {
        let mut frame = begin(&mut self.outputs[0]);
        fill(&mut frame);
        frame.commit(user_data)?;
        assert_eq!(self.flips(), 1);
        Ok(self.kernel.take_log().remove(0))
    }

    /// Lets everything in flight flip; how many commits ended.
    fn flips(&mut self) -> usize {
        for output in &self.outputs {
            self.kernel.flip(output.crtc_id(), 5_000_000, 7);
        }
        let (mut ended, outputs) = (0, &mut self.outputs);
        let flipped = |event| {
            if let Event::Flip(flip) = event {
                ended += outputs.iter_mut().map(|output| usize::from(output.flipped(&flip))).sum::<usize>();
            }
        };
        self.device.read_events(flipped).unwrap();
        ended
    }
}

#[test]
fn sleep_keeps_the_picture_and_wake_brings_it_back() {
    let mut bench = Bench::lit(Caps::default(), |_| ());
    bench.outputs[0].sleep(2).unwrap();
    let sent = bench.kernel.take_log().remove(0);
    assert!(sent.is_nonblock() && sent.is_modeset());
    assert_eq!(sent.value(CRTC, ids::ACTIVE), Some(0));
    assert!(sent.props.iter().all(|(object, ..)| *object == CRTC.into()), "nothing else: {:?}", sent.props);
    assert_eq!(bench.flips(), 1);
    let output = &mut bench.outputs[0];
    assert!(output.is_asleep() && !output.needs_modeset());
    assert_eq!(output.shown(0).and_then(|shown| shown.values.fb), Some(FramebufferId::from_raw(1)));
    for refused in [output.sleep(3).unwrap_err(), output.frame().commit(3).unwrap_err()] {
        assert_eq!((refused.step, refused.errno), (Step::State, Errno::INVAL), "{refused}");
    }
    let sent = bench.run(4, |output| output.wake(), |_| ()).unwrap();
    let fence = (CRTC.into(), ids::OUT_FENCE_PTR, 0);
    assert_eq!(sent.props, [(CRTC.into(), ids::ACTIVE, 1), fence], "the planes are as they were");
    assert!(sent.is_nonblock() && sent.is_modeset());
    // Refused: still asleep.
    bench.outputs[0].sleep(5).unwrap();
    bench.flips();
    bench.kernel.fail(Call::Commit, Errno::NOSPC);
    bench.run(6, |output| output.wake(), |_| ()).unwrap_err();
    assert!(bench.outputs[0].is_asleep());
    // With another image.
    bench.kernel.take_log();
    let sent = bench.run(7, |output| output.wake(), |frame| done(frame.set(0, full(2)))).unwrap();
    assert_eq!(sent.value(PRIMARY, ids::FB_ID), Some(2));
    assert!(!bench.outputs[0].is_asleep());
    // A display that sleeps is off before and after: no event.
    bench.outputs[0].sleep(8).unwrap();
    bench.flips();
    assert_eq!(bench.outputs[0].disable(9), Ok(false));
}

#[test]
fn nothing_is_turned_off_behind_a_commit_in_flight() {
    let mut bench = Bench::lit(Caps::default(), |_| ());
    let mut frame = bench.outputs[0].frame();
    frame.set(0, full(2));
    frame.commit(2).unwrap();
    bench.kernel.take_log();
    let output = &mut bench.outputs[0];
    for error in [output.disable(3).unwrap_err(), output.sleep(3).unwrap_err()] {
        assert_eq!((error.step, error.errno), (Step::State, Errno::BUSY));
    }
    assert!(bench.kernel.take_log().is_empty(), "the kernel was not asked, so nothing can wait there");
    bench.flips();
    assert_eq!(bench.outputs[0].disable(3), Ok(true));
}

#[test]
fn variable_refresh_is_sent_when_it_changes() {
    let plain = &mut Bench::lit(Caps::default(), |_| ());
    let error = plain.run(2, |output| output.frame(), |frame| done(frame.vrr(true))).unwrap_err();
    assert_eq!((error.step, error.errno), (Step::Prepare, Errno::OPNOTSUPP));
    assert!(error.detail.contains("vrr_capable"), "{error}");
    let capable = |inventory: &mut Inventory| {
        inventory.connectors[0].props.0.get_mut("vrr_capable").unwrap().value = 1;
    };
    let mut bench = Bench::lit(Caps::default(), capable);
    assert!(bench.outputs[0].vrr_capable() && !bench.outputs[0].vrr());
    let mut sent = |user_data, on| {
        let sent = bench.run(user_data, |output| output.frame(), |frame| done(frame.vrr(on))).unwrap();
        assert!(!sent.is_modeset());
        sent.value(CRTC, ids::VRR_ENABLED)
    };
    assert_eq!([sent(2, true), sent(3, true), sent(4, false), sent(5, true)], [Some(1), None, Some(0), Some(1)]);
    let modeset = bench.run(6, |output| output.modeset(), |frame| done(frame.set(0, full(1)))).unwrap();
    assert_eq!(modeset.value(CRTC, ids::VRR_ENABLED), Some(1), "a modeset keeps it");
}

/// Kernels before 6.14 refuse the property with an asynchronous flip.
#[test]
fn a_plane_that_waits_for_nothing_says_so_with_every_commit_but_a_tearing_one() {
    let mut bench = Bench::lit(Caps { atomic_async_flip: true, ..Caps::default() }, |_| ());
    let signalled = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
    let no_wait = Some(std::os::fd::AsFd::as_fd(&signalled));
    let given = Some(std::os::fd::AsRawFd::as_raw_fd(&signalled) as u64);
    let mut frame = bench.outputs[0].frame();
    frame.set(0, PlaneState { no_wait, ..full(1) });
    frame.commit(2).unwrap();
    bench.flips();
    let sent = bench.kernel.take_log().remove(0);
    assert_eq!((sent.value(PRIMARY, ids::FB_ID), sent.value(PRIMARY, ids::IN_FENCE_FD)), (None, given));
    let mut frame = bench.outputs[0].frame();
    assert!(frame.set(0, PlaneState { no_wait, ..full(2) }).try_asynchronous());
    frame.commit(3).unwrap();
    bench.flips();
    let sent = bench.kernel.take_log().remove(0);
    assert_eq!((sent.value(PRIMARY, ids::FB_ID), sent.value(PRIMARY, ids::IN_FENCE_FD)), (Some(2), None));
}

#[test]
fn what_an_asynchronous_flip_may_not_touch() {
    let mut unable = Bench::lit(Caps::default(), |_| ());
    let fill = |frame: &mut Frame<'_>| assert!(!frame.set(0, full(2)).try_asynchronous());
    let sent = unable.run(2, |output| output.frame(), fill).unwrap();
    assert_eq!(sent.flags & PAGE_FLIP_ASYNC, 0, "a device without asynchronous flips gets an ordinary one");
    let able = Caps { atomic_async_flip: true, ..Caps::default() };
    let mut bench = Bench::lit(able, |_| ());
    let fence = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
    let fence = std::os::fd::AsFd::as_fd(&fence);
    let mut frame = bench.outputs[0].frame();
    assert!(frame.set(0, full(2).with_fence(fence)).try_asynchronous());
    frame.commit(2).unwrap();
    bench.flips();
    let sent = bench.kernel.take_log().remove(0);
    assert_eq!(sent.flags & PAGE_FLIP_ASYNC, PAGE_FLIP_ASYNC);
    assert!(sent.is_nonblock() && !sent.is_modeset());
    assert!(sent.value(CRTC, ids::OUT_FENCE_PTR).is_none(), "the kernel refuses it");
    assert_eq!(sent.value(PRIMARY, ids::FB_ID), Some(2));
    let moved = PlaneState { dst: Rect::new(1, 0, 1024, 768), ..full(3) };
    let part = PlaneState { src: SrcRect::full(512, 768), ..full(3) };
    let refused: [(Fill<'_>, &str); 6] = [
        (&|frame| done(frame.set(0, moved)), "the destination rectangle of plane 0"),
        (&|frame| done(frame.set(0, part)), "the source rectangle"),
        (&|frame| done(frame.set(0, PlaneState { alpha: 9, ..full(3) })), "alpha"),
        (&|frame| done(frame.set(1, full(3))), "CRTC_ID of plane 1"),
        (&|frame| done(frame.clear(0)), "CRTC_ID of plane 0"),
        (&|frame| done(frame.vrr(true)), "vrr_capable"),
    ];
    for (fill, what) in refused {
        bench.kernel.take_log();
        let mut frame = bench.outputs[0].frame();
        fill(&mut frame);
        assert!(!frame.try_asynchronous(), "{what}");
        drop(frame);
        // What comes after the question is refused.
        let mut frame = bench.outputs[0].frame();
        assert!(frame.try_asynchronous());
        fill(&mut frame);
        let error = frame.commit(3).unwrap_err();
        assert_eq!((error.step, bench.outputs[0].in_flight()), (Step::Prepare, None));
        assert!(error.detail.contains(what), "{error}");
        assert!(bench.kernel.take_log().is_empty(), "the kernel was not asked");
    }
}

#[test]
fn displays_light_together_or_not_at_all() {
    let mut bench = Bench::new(2, Caps::default(), |_| ());
    let mut light = |kernel: &Scripted, user_data| {
        kernel.take_log();
        let mut frames: Vec<_> = bench.outputs.iter_mut().map(Output::modeset).collect();
        frames.iter_mut().for_each(|frame| done(frame.set(0, full(1))));
        together::commit(&mut frames, user_data).map(|done| done.len())
    };
    let kernel = bench.kernel.clone();
    kernel.fail(Call::Commit, Errno::NOSPC);
    let error = light(&kernel, 1).unwrap_err();
    assert_eq!((error.output.as_str(), error.errno), ("Virtual-1, Virtual-2", Errno::NOSPC));
    assert!(error.request.contains("crtc 20.ACTIVE=1") && error.request.contains("crtc 21.ACTIVE=1"), "{error}");
    assert!(kernel.values().is_empty());
    assert_eq!(light(&kernel, 2), Ok(2));
    let log = kernel.take_log();
    assert_eq!(log.len(), 1, "one request");
    assert!(log[0].is_nonblock() && log[0].is_modeset());
    assert_eq!([0, 1].map(|at| log[0].value(ids::crtc(CrtcIndex::from_raw(at)), ids::ACTIVE)), [Some(1), Some(1)]);
    assert_eq!(bench.flips(), 2, "each has a flip of its own");
    // One that is busy keeps the others.
    bench.outputs[1].frame().commit(3).unwrap();
    kernel.take_log();
    let mut frames: Vec<_> = bench.outputs.iter_mut().map(Output::modeset).collect();
    let error = together::commit(&mut frames, 4).unwrap_err();
    assert_eq!((error.output.as_str(), error.step), ("Virtual-2", Step::State));
    assert!(kernel.take_log().is_empty());
    assert!(bench.outputs.iter().all(|output| !output.needs_modeset()), "refused: as they were");
}

#[test]
fn frames_that_cannot_share_a_request() {
    assert_eq!(together::test::<()>(&mut []).unwrap_err().step, Step::Prepare);
    let (mut here, mut there) = (Bench::new(1, Caps::default(), |_| ()), Bench::new(1, Caps::default(), |_| ()));
    let mut frames = [here.outputs[0].modeset(), there.outputs[0].modeset()];
    assert_eq!(together::commit(&mut frames, 1).unwrap_err().errno, Errno::INVAL);
}

#[test]
fn damage_goes_with_the_buffer() {
    let mut bench = Bench::lit(Caps::default(), |_| ());
    static RECTS: [Rect; 1] = [Rect::new(1, 2, 3, 4)];
    let mut sent = |user_data, fb, damage: &'static [Rect]| {
        let show = full(fb).with_damage(damage);
        let sent = bench.run(user_data, |output| output.frame(), |frame| done(frame.set(0, show)));
        sent.unwrap().value(PRIMARY, ids::DAMAGE)
    };
    let first = sent(2, 2, &RECTS);
    assert!(first.is_some());
    assert_eq!([sent(3, 3, &[]), sent(4, 4, &RECTS)], [None, first], "the same blob");
    assert_eq!(bench.kernel.blobs(), 2, "the mode's and one of damage");
}
