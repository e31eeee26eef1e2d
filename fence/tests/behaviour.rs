//! What acquires, releases, points and devices do, step by step, on the kernel of pipes: states,
//! descriptors to wait on, counted calls, and what a point has to wait for afterwards.
//!
//! Which calls may fail is in `faults.rs`, every order of events in `prop_lifecycle.rs`.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use fence::{
    Acquire, AcquireReport, AcquireState, Added, CallError, DeferredReleases, FenceError, HandOff, Missing, Object,
    Payload, Point, Predictor, Release, ReleaseMessage, ReleaseOutcome, SyncDevice, Until,
    faults::{Call, Faults},
    model::{FenceId, Model},
    wait_points,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

struct World {
    model: &'static Model,
    faults: &'static Faults,
    device: SyncDevice,
}

fn world() -> World {
    let model = Model::leak();
    let faults = Faults::leak(model);
    let device = SyncDevice::new_on(faults, model.device()).unwrap();
    faults.take_calls();
    World { model, faults, device }
}

impl World {
    fn old() -> World {
        let World { model, faults, .. } = world();
        faults.be_old();
        let device = SyncDevice::new_on(faults, model.device()).unwrap();
        faults.take_calls();
        World { model, faults, device }
    }

    fn point(&self, value: u64) -> Point {
        self.device.create_timeline().unwrap().point(value)
    }

    /// Gives a point a new fence.
    fn materialise(&self, point: &Point, driver: &str) -> FenceId {
        let fence = self.model.fence(driver);
        point.import(&self.model.sync_file(fence)).unwrap();
        self.faults.take_calls();
        fence
    }

    fn fences(&self, point: &Point) -> Option<Vec<FenceId>> {
        self.model.point_fences(point.timeline().handle(), point.value())
    }

    fn fail(&self, fence: FenceId) {
        self.model.fail_fence(fence, Errno::IO, 1);
    }
}

fn is_readable(fd: impl AsFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
}

#[test]
fn a_point_is_watched_until_its_fence_is_there() {
    let world = world();
    let point = world.point(3);
    let mut acquire = Acquire::from_point(point.clone(), 100);
    assert!(acquire.is_stalled() && acquire.wait_fd().is_none() && acquire.watched_point().is_none());
    assert_eq!(acquire.advance(), Ok(AcquireState::Unmaterialised));
    assert!(!acquire.is_stalled() && !is_readable(acquire.wait_fd().unwrap()));
    assert_eq!((acquire.watched_point(), acquire.point()), (Some(&point), Some(&point)));
    assert!(acquire.fence().is_none() && acquire.driver().is_none());

    let fence = world.materialise(&point, "gpu");
    assert!(is_readable(acquire.wait_fd().unwrap()));
    assert_eq!(acquire.advance(), Ok(AcquireState::Pending));
    assert!(acquire.watched_point().is_none() && !acquire.is_stalled());
    assert!(!is_readable(acquire.wait_fd().unwrap()) && !acquire.fence().unwrap().is_signalled());
    assert_eq!((acquire.driver(), acquire.summary().fences), (Some("gpu"), 1));

    world.model.signal_fence(fence, 120);
    assert!(is_readable(acquire.wait_fd().unwrap()));
    assert_eq!(acquire.advance(), Ok(AcquireState::Signalled { at: 120 }));
    assert!(acquire.wait_fd().is_none() && acquire.fence().is_none() && acquire.take_failed().is_none());
    assert_eq!(acquire.driver(), Some("gpu"), "the kernel has forgotten it by now");
    assert_eq!((acquire.created(), acquire.age(150), acquire.age(50)), (100, 50, 0));
}

#[test]
fn a_state_is_final_once_the_fence_has_signalled() {
    let table = [
        (AcquireState::Unmaterialised, false),
        (AcquireState::Pending, false),
        (AcquireState::Signalled { at: 0 }, true),
        (AcquireState::Failed(FenceError(Errno::IO)), true),
    ];
    for (state, is_final) in table {
        assert_eq!(state.is_final(), is_final, "{state:?}");
    }
    assert_eq!(Acquire::ready().state(), AcquireState::Signalled { at: 0 });
}

#[test]
fn a_point_that_is_taken_back_is_counted_and_waited_for_again() {
    let world = world();
    let point = world.point(1);
    let mut acquire = Acquire::from_point(point.clone(), 0);
    acquire.advance().unwrap();
    for times in 1..3 {
        world.materialise(&point, "gpu");
        point.timeline().reset().unwrap();
        assert_eq!(acquire.advance(), Ok(AcquireState::Unmaterialised));
        assert_eq!(acquire.advance(), Ok(AcquireState::Unmaterialised));
        assert_eq!(acquire.taken_back(), times);
        assert!(!is_readable(acquire.wait_fd().unwrap()));
    }
    world.materialise(&point, "gpu");
    point.timeline().reset().unwrap();
    world.faults.fail(Call::RegisterEventfd, Errno::NOMEM);
    assert!(acquire.advance().unwrap_err().is_transient());
    assert!(acquire.is_stalled(), "nothing would wake anybody");
    assert_eq!(acquire.advance(), Ok(AcquireState::Unmaterialised));
    world.materialise(&point, "gpu");
    assert!(is_readable(acquire.wait_fd().unwrap()));
    assert_eq!(acquire.advance(), Ok(AcquireState::Pending));
}

#[test]
fn a_fence_that_is_owed_is_asked_for_until_it_is_there() {
    let World { model, .. } = world();
    let fence = model.fence("gpu");
    let asked = Arc::new(AtomicUsize::new(0));
    let answers = asked.clone();
    let owed = move || match answers.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err(CallError { call: "SYNC_IOC_MERGE", object: Object::New, errno: Errno::MFILE }),
        _ => Ok(model.sync_file(fence)),
    };
    let mut acquire = Acquire::owed(owed, 0);
    for _ in 0..2 {
        assert_eq!(acquire.advance().unwrap_err().errno, Errno::MFILE);
        assert_eq!(acquire.state(), AcquireState::Unmaterialised);
        assert!(acquire.is_stalled() && acquire.wait_fd().is_none() && acquire.fence().is_none());
    }
    // The real kernel does not know the file of the model: its status stays open.
    assert_eq!(acquire.advance().unwrap_err().errno, Errno::NOTTY);
    assert_eq!((acquire.state(), acquire.is_stalled()), (AcquireState::Pending, false));
    assert!(acquire.wait_fd().is_some() && acquire.fence().is_some());
    assert!(acquire.advance().is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 3, "it is there");

    let nothing = || Err(CallError { call: "DMA_BUF_EXPORT_SYNC_FILE", object: Object::New, errno: Errno::NOTTY });
    assert_eq!(Acquire::owed(nothing, 0).advance(), Ok(AcquireState::Signalled { at: 0 }), "nothing to wait for");
}

#[test]
fn the_earliest_deadline_is_told_once() {
    let world = world();
    let point = world.point(1);
    let mut acquire = Acquire::from_point(point.clone(), 0);
    acquire.set_deadline(50);
    assert_eq!(world.faults.take_calls(), 1, "the timeline: there is no fence yet");
    let fence = world.materialise(&point, "gpu");
    acquire.advance().unwrap();
    assert_eq!((world.faults.take_calls(), world.model.deadline(fence)), (3, Some(50)));
    for (deadline, calls, told) in [(60, 0, 50), (50, 0, 50), (40, 1, 40), (40, 0, 40)] {
        acquire.set_deadline(deadline);
        assert_eq!((world.faults.take_calls(), world.model.deadline(fence)), (calls, Some(told)), "{deadline}");
    }
    acquire.advance().unwrap();
    assert_eq!(world.faults.take_calls(), 1, "a look");
}

/// One commit of a timeline whose client's errors are to be carried: the calls that its first
/// `advance` costs.
fn calls_of_first_look(world: &World, point: &Point, carrying: bool, created: u64) -> (Acquire, usize) {
    let acquire = Acquire::from_point(point.clone(), created);
    let mut acquire = if carrying { acquire.carrying_errors() } else { acquire };
    world.faults.take_calls();
    acquire.advance().unwrap();
    (acquire, world.faults.take_calls())
}

#[test]
fn a_fence_that_will_come_late_is_taken_out_of_its_link_unseen() {
    let world = world();
    let timeline = world.device.create_timeline().unwrap();
    let point = |value| timeline.point(value);
    // (carrying errors, when the fence signals, if it has before its commit at 100; calls; state)
    let table = [
        // An export and a look.
        (false, None, 2, false),
        // Pending at its commit, and the last one was: it is not looked at. A merge in its place.
        (true, None, 2, true),
        (false, None, 2, false),
        // As late as that: signalled after its commit.
        (true, Some(101), 2, true),
        // A close, too.
        (false, Some(101), 3, false),
        (true, None, 2, true),
        (false, Some(100), 3, false),
        // The last one was there at its commit: a look, then the merge.
        (true, None, 3, false),
    ];
    for (value, (carrying, signals, calls, unseen)) in (1..).zip(table) {
        let fence = world.materialise(&point(value), "gpu");
        if let Some(at) = signals {
            world.model.signal_fence(fence, at);
        }
        let (mut acquire, cost) = calls_of_first_look(&world, &point(value), carrying, 100);
        assert_eq!(cost, calls, "{value}");
        assert_eq!(acquire.summary().fences == 0, unseen, "{value}");
        let hands_off = acquire.may_hand_off(|_| true);
        assert_eq!(hands_off, Ok(signals.is_none() && !unseen), "{value}: whose it is must be known");
        world.model.signal_fence(fence, 200);
        acquire.advance().unwrap();
        assert!(acquire.state().is_final(), "{value}");
    }
}

#[test]
fn the_error_of_an_acquire_reaches_the_release_point_if_it_is_out_of_its_link() {
    for carrying in [false, true] {
        let world = world();
        let timeline = world.device.create_timeline().unwrap();
        // The first one is pending when it is seen, the second has failed before it is taken out.
        for early in [false, true] {
            let point = timeline.point(1 + u64::from(early));
            let fence = world.materialise(&point, "gpu");
            if early {
                world.fail(fence);
            }
            let (mut acquire, _) = calls_of_first_look(&world, &point, carrying, 0);
            world.fail(fence);
            assert_eq!(acquire.advance(), Ok(AcquireState::Failed(FenceError(Errno::IO))));
            assert!(acquire.fence().is_some() && acquire.wait_fd().is_none());
            let (file, error) = acquire.take_failed().unwrap();
            assert!(acquire.take_failed().is_none() && acquire.fence().is_none());
            let back = world.point(1);
            let mut release = Release::point(back.clone());
            release.fail(error, Some(file));
            let done = release.complete().unwrap();
            assert_eq!((done.error, done.fences), (Some(error), 0));
            // A link gives its error to nobody.
            let carried = carrying && !early;
            let what = format!("carrying: {carrying}, early: {early}");
            assert_eq!(world.fences(&back), Some(if carried { vec![fence] } else { Vec::new() }), "{what}");
            assert_eq!(done.carried, carried, "{what}");
        }
    }
}

#[test]
fn hardware_waits_only_for_fences_of_allowed_drivers() {
    let world = world();
    let one = world.point(1);
    let fence = world.materialise(&one, "vkms");
    let mut acquire = Acquire::from_point(one, 0);
    assert_eq!(acquire.may_hand_off(|_| true), Ok(false), "there is no fence");
    acquire.advance().unwrap();
    for (policy, own, allowed) in
        [(HandOff::SameDriver, "vkms", true), (HandOff::SameDriver, "xe", false), (HandOff::Never, "vkms", false)]
    {
        assert_eq!(acquire.may_hand_off(|driver| policy.allows(driver, &[own])), Ok(allowed), "{policy:?} {own}");
    }
    world.model.signal_fence(fence, 1);
    acquire.advance().unwrap();
    assert_eq!(acquire.may_hand_off(|_| true), Ok(false), "it has signalled");

    let both = world.point(1);
    let mut release = Release::point(both.clone());
    let fences = ["vkms", "vgem"].map(|driver| world.model.fence(driver));
    fences.iter().for_each(|fence| release.add_fence(world.model.sync_file(*fence)));
    release.complete().unwrap();
    let mut acquire = Acquire::from_point(both, 0);
    acquire.advance().unwrap();
    assert_eq!((acquire.driver(), acquire.summary().mixed), (None, true));
    for (own, allowed) in [(&["vkms"][..], false), (&["vgem"], false), (&["vgem", "vkms"], true)] {
        assert_eq!(acquire.may_hand_off(|driver| HandOff::SameDriver.allows(driver, own)), Ok(allowed), "{own:?}");
    }
    world.model.signal_fence(fences[0], 1);
    acquire.advance().unwrap();
    assert_eq!((acquire.driver(), acquire.summary().mixed), (Some("vgem"), false), "the one that is left");
}

#[test]
fn the_watchdog_reports_once_what_is_late_and_whose_it_is() {
    let world = world();
    let point = world.point(4);
    let mut acquire = Acquire::from_point(point.clone(), 1_000_000);
    acquire.advance().unwrap();
    assert!(acquire.overdue(6_000_000, 5_000_000).is_none(), "as old as that is not too old");
    let report = acquire.overdue(8_500_000, 5_000_000).unwrap();
    assert_eq!(
        report.blame("foot", "set_acquire_point"),
        "foot: the acquire fence of set_acquire_point is overdue after 7 ms: point 4 was never submitted; its syncobj \
         is empty"
    );
    assert!(acquire.overdue(90_000_000, 5_000_000).is_none(), "once");

    // One whose point was taken back and has come again.
    let mut acquire = Acquire::from_point(point.clone(), 0);
    acquire.advance().unwrap();
    world.materialise(&point, "gpu");
    point.timeline().reset().unwrap();
    acquire.advance().unwrap();
    let fence = world.materialise(&point, "gpu");
    acquire.advance().unwrap();
    assert_eq!(
        acquire.overdue(2_000_000, 0).unwrap().to_string(),
        "is overdue after 2 ms: the fence of point 4 is pending (driver gpu, timeline model); the client took it back \
         1 times"
    );
    world.model.signal_fence(fence, 1);
    acquire.advance().unwrap();
    assert!(Acquire::ready().overdue(90_000_000, 0).is_none(), "there is nothing to wait for");

    let file = world.model.sync_file(world.model.fence("gpu"));
    let mut acquire = Acquire::from_sync_file_on(world.faults, file, 0);
    let text = acquire.overdue(2_000_000, 0).unwrap().to_string();
    assert_eq!(text, "is overdue after 2 ms: its fence is pending");

    // Points that cannot come, on what is used as a binary syncobj; and one behind the last.
    let timeline = world.device.create_timeline().unwrap();
    timeline.signal(2).unwrap();
    let mut acquire = Acquire::from_point(timeline.point(9), 0);
    assert!(acquire.overdue(2, 1).unwrap().to_string().ends_with("never submitted; its timeline is at 2"));
    timeline.signal(0).unwrap();
    let mut acquire = Acquire::from_point(timeline.point(9), 0);
    let text = acquire.overdue(2, 1).unwrap().to_string();
    assert!(text.ends_with("its syncobj is a binary one, which never has points"), "{text}");
}

#[test]
fn a_report_is_a_snapshot() {
    let world = world();
    let point = world.point(7);
    let mut predictor = Predictor::new(1.0);
    (0..4).for_each(|n| predictor.record(n * 100, n * 100));
    let mut acquire = Acquire::from_point(point.clone(), 400);
    let report = |acquire: &Acquire| AcquireReport::new(acquire, 450, Some(&predictor));
    let first = report(&acquire);
    assert_eq!((first.state, first.point, first.age_ns, first.error), ("unmaterialised", Some(7), 50, None));
    assert_eq!((first.predicted_ns, first.driver.as_str()), (Some(400), ""));
    assert_eq!(AcquireReport::new(&acquire, 450, None).predicted_ns, None);
    let fence = world.materialise(&point, "gpu");
    acquire.advance().unwrap();
    let second = report(&acquire);
    assert_eq!((second.state, second.driver.as_str(), second.timeline.as_str()), ("pending", "gpu", "model"));
    world.fail(fence);
    acquire.advance().unwrap();
    let last = report(&acquire);
    assert_eq!((last.state, last.error, last.taken_back), ("failed", Some(Errno::IO.raw_os_error()), 0));
    assert_eq!(report(&Acquire::ready()).state, "signalled");
}

const OK: i32 = 1;
const FAILS: i32 = -1;
const PENDING: i32 = 0;

/// What a release point waits for: of these fences, by what has become of them, and of the acquire
/// that failed.
#[test]
fn a_point_carries_what_is_still_to_be_waited_for() {
    // (fences, the acquire failed; those that go into the point: indices, 9 for the acquire's)
    type Case<'a> = (&'a [i32], bool, &'a [usize], bool);
    let table: &[Case<'_>] = &[
        (&[], false, &[], false),
        (&[PENDING], false, &[0], false),
        // One is not looked at.
        (&[OK], false, &[0], false),
        (&[OK, PENDING], false, &[1], false),
        (&[PENDING, PENDING], false, &[0, 1], false),
        (&[PENDING, OK, PENDING, PENDING], false, &[0, 2, 3], false),
        (&[OK, OK], false, &[], false),
        (&[OK, FAILS], false, &[1], true),
        (&[FAILS, PENDING], false, &[1], false),
        (&[], true, &[9], true),
        (&[OK], true, &[9], true),
        (&[FAILS], true, &[9], true),
        (&[PENDING], true, &[0], false),
    ];
    for old in [false, true] {
        for (fences, acquire_failed, expected, carried) in table {
            let world = if old { World::old() } else { world() };
            let point = world.point(1);
            let mut release = Release::point(point.clone());
            let mut ids = Vec::new();
            for status in *fences {
                let fence = world.model.fence("gpu");
                release.add_fence(world.model.sync_file(fence));
                match *status {
                    OK => world.model.signal_fence(fence, 1),
                    FAILS => world.fail(fence),
                    _ => {}
                }
                ids.push(fence);
            }
            let acquired = world.model.fence("client");
            if *acquire_failed {
                let file = world.model.sync_file(acquired);
                world.fail(acquired);
                release.fail(FenceError(Errno::IO), Some(file));
                release.fail(FenceError(Errno::CANCELED), None);
            }
            let done = release.complete().unwrap();
            let what = format!("{fences:?}, acquire failed: {acquire_failed}, old: {old}");
            let expected: Vec<_> = expected.iter().map(|at| *ids.get(*at).unwrap_or(&acquired)).collect();
            let waits = world.fences(&point).unwrap();
            // On the way through a helper the kernel drops what has signalled.
            let passed: Vec<_> = expected.iter().filter(|fence| !old || !world.model.has_signalled(**fence)).collect();
            assert_eq!(waits.iter().collect::<Vec<_>>(), passed, "{what}");
            let kind =
                if expected.is_empty() { ReleaseOutcome::PointSignalled } else { ReleaseOutcome::PointMaterialised };
            assert_eq!((done.kind, done.fences), (kind, fences.len()), "{what}");
            assert_eq!(done.carried, *carried && !old, "{what}");
            // One fence alone is not looked at.
            let seen = *acquire_failed || fences.len() > 1 && fences.contains(&FAILS);
            assert_eq!(done.error, seen.then_some(FenceError(Errno::IO)), "{what}");
            assert_eq!(done.added, Added::InOrder);
        }
    }
}

#[test]
fn a_dmabuf_gets_every_fence_once() {
    let world = world();
    let planes: Vec<Arc<OwnedFd>> = (0..2).map(|_| Arc::new(world.model.dmabuf())).collect();
    let [used, shown, failed] = ["gpu", "vkms", "client"].map(|driver| world.model.fence(driver));
    let shown_file = world.model.sync_file(shown);
    let mut release = Release::dmabuf_on(world.faults, [&planes[0], &planes[0], &planes[1]]);
    assert!(release.target_point().is_none());
    release.add_fence(world.model.sync_file(used));
    release.fail(FenceError(Errno::IO), Some(world.model.sync_file(failed)));
    let done = release.complete_with(&shown_file).unwrap();
    assert_eq!((done.kind, done.fences, done.carried), (ReleaseOutcome::Dmabuf, 2, true));
    for plane in &planes {
        assert_eq!(world.model.dmabuf_fences(plane.as_fd()), Some(vec![used, failed, shown]));
    }
    assert!(release.is_finished());
    assert_eq!(release.complete_with(&shown_file).unwrap().kind, ReleaseOutcome::None, "once");

    let mut release = Release::dmabuf_on(world.faults, [&planes[0]]);
    world.faults.fail(Call::DmabufImport, Errno::NOMEM);
    assert!(release.complete_with(&shown_file).unwrap_err().is_transient());
    assert!(!release.is_finished(), "the call can be repeated");
    let done = release.complete_with(&shown_file).unwrap();
    assert_eq!((done.kind, done.carried), (ReleaseOutcome::Dmabuf, false));
    assert_eq!(Release::none().complete().unwrap().kind, ReleaseOutcome::None);
}

#[test]
fn a_release_that_cannot_be_completed_gives_the_buffer_back_all_the_same() {
    let world = world();
    let point = world.point(1);
    let mut release = Release::point(point.clone());
    assert_eq!(release.target_point(), Some(&point));
    release.add_fence(world.model.sync_file(world.model.fence("gpu")));
    world.faults.fail(Call::FdToHandle, Errno::INVAL);
    assert_eq!(release.complete().unwrap_err().errno, Errno::INVAL);
    assert_eq!(point.is_signalled(), Ok(true));

    let dropped = world.point(1);
    let mut release = Release::point(dropped.clone());
    let fence = world.model.fence("gpu");
    release.add_fence(world.model.sync_file(fence));
    drop(release);
    assert_eq!(world.fences(&dropped), Some(vec![fence]));

    // In the queue as well.
    let deferred = world.point(1);
    let mut release = Release::point(deferred.clone());
    release.add_fence(world.model.sync_file(world.model.fence("gpu")));
    world.faults.fail(Call::FdToHandle, Errno::NOMEM);
    assert_eq!(release.complete().unwrap().kind, ReleaseOutcome::Deferred);
    world.faults.fail(Call::FdToHandle, Errno::INVAL);
    assert_eq!((world.device.retry_releases(), deferred.is_signalled()), (0, Ok(true)));
}

/// A client whose connection refuses what it is sent.
#[derive(Clone, Debug, Default)]
struct Refuses(Arc<Mutex<Vec<bool>>>);

impl ReleaseMessage for Refuses {
    fn send(&self, fence: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        self.0.lock().unwrap().push(fence.is_some());
        if fence.is_some() { Err(Errno::IO) } else { Ok(()) }
    }
}

#[test]
fn a_message_that_cannot_carry_its_fence_is_sent_without() {
    let world = world();
    let (client, retries) = (Refuses::default(), DeferredReleases::default());
    let mut release = Release::message_on(world.faults, Box::new(client.clone()), &retries);
    assert!(release.target_point().is_none());
    release.add_fence(world.model.sync_file(world.model.fence("gpu")));
    assert_eq!(release.complete().unwrap_err().errno, Errno::IO);
    assert_eq!(*client.0.lock().unwrap(), [true, false]);
}

#[test]
fn a_lent_fence_is_kept_when_the_release_is_deferred() {
    for link in [false, true] {
        let world = world();
        let out = world.point(1);
        let fence = world.materialise(&out, "vkms");
        let file = if link { out.export().unwrap().unwrap() } else { world.model.sync_file(fence) };
        let back = world.point(1);
        let mut release = Release::point(back.clone());
        release.fail(FenceError(Errno::IO), None);
        world.faults.fail(Call::FdToHandle, Errno::NOMEM);
        let done = release.complete_with(&file).unwrap();
        assert_eq!((done.kind, done.fences), (ReleaseOutcome::Deferred, 1));
        assert_eq!((done.error, done.carried), (Some(FenceError(Errno::IO)), false));
        drop(file);
        world.faults.take_calls();
        assert_eq!(world.device.retry_releases(), 0);
        // A link goes by way of a helper, which was made when it was tried first.
        assert_eq!(world.faults.take_calls(), if link { 2 } else { 1 });
        assert_eq!(world.fences(&back), Some(vec![fence]));
    }
}

#[test]
fn fences_are_merged_in_pairs_and_more_of_them_without_descriptors() {
    for (count, calls, descriptors) in [(1, 1, true), (2, 4, true), (2, 8, false), (3, 9, true), (3, 9, false)] {
        let world = world();
        let point = world.point(1);
        let mut release = Release::point(point.clone());
        let fences: Vec<_> = (0..count).map(|_| world.model.fence("gpu")).collect();
        fences.iter().for_each(|fence| release.add_fence(world.model.sync_file(*fence)));
        let handles = world.model.open_handles();
        world.faults.exhaust_fds(!descriptors);
        world.faults.take_calls();
        release.complete().unwrap();
        let what = format!("{count} fences, descriptors: {descriptors}");
        assert_eq!(world.faults.take_calls(), calls, "{what}");
        assert_eq!(world.fences(&point), Some(fences), "{what}");
        // The helper is kept, and used again.
        let helpers = usize::from(count > 2 || !descriptors && count > 1);
        assert_eq!(world.model.open_handles(), handles + helpers, "{what}");
    }
}

#[test]
fn the_one_fence_that_is_pending_goes_in_as_it_is() {
    let world = world();
    let point = world.point(1);
    let mut release = Release::point(point.clone());
    let [over, pending] = ["gpu", "vkms"].map(|driver| world.model.fence(driver));
    world.model.signal_fence(over, 1);
    [over, pending].iter().for_each(|fence| release.add_fence(world.model.sync_file(*fence)));
    world.faults.take_calls();
    release.complete().unwrap();
    assert_eq!((world.faults.take_calls(), world.fences(&point)), (3, Some(vec![pending])), "two looks, one import");
}

#[test]
fn a_merge_that_cannot_be_right_is_an_error_and_the_point_is_signalled() {
    let world = world();
    let point = world.point(1);
    let mut release = Release::point(point.clone());
    (0..2).for_each(|_| release.add_fence(world.model.sync_file(world.model.fence("gpu"))));
    world.faults.fail(Call::Merge, Errno::NOENT);
    assert_eq!(release.complete().unwrap_err().errno, Errno::NOENT);
    assert_eq!(point.is_signalled(), Ok(true));
}

#[test]
fn a_helper_that_cannot_be_emptied_is_not_used_again() {
    let world = world();
    let handles = world.model.open_handles();
    for (round, failing) in [(0, None), (1, Some(Call::Reset)), (2, None), (3, Some(Call::FdToHandle))] {
        let point = world.point(1);
        let fences: Vec<_> = (0..3).map(|_| world.model.fence("gpu")).collect();
        let mut release = Release::point(point.clone());
        fences.iter().for_each(|fence| release.add_fence(world.model.sync_file(*fence)));
        if let Some(call) = failing {
            world.faults.fail(call, Errno::NOMEM);
        }
        release.complete().unwrap();
        assert_eq!(world.device.retry_releases(), 0);
        assert_eq!(world.fences(&point), Some(fences), "round {round}");
        drop(point);
        let helpers = usize::from(failing != Some(Call::Reset));
        assert_eq!(world.model.open_handles(), handles + helpers, "round {round}");
    }
}

#[test]
fn old_kernels_reach_points_by_way_of_a_helper() {
    for (old, export, import) in [(false, 1, 1), (true, 2, 2)] {
        let world = if old { World::old() } else { world() };
        assert_eq!(world.device.caps().timeline_export, !old);
        assert_eq!(world.device.require(), Ok(()));
        let point = world.point(5);
        let handles = world.model.open_handles();
        let file = world.model.sync_file(world.model.fence("gpu"));
        let rounds = [(1, 1), (2, 0)];
        for (value, made) in rounds {
            world.faults.take_calls();
            let point = point.timeline().point(value);
            point.import(&file).unwrap();
            let made = if old { made } else { 0 };
            assert_eq!(world.faults.take_calls(), import + made, "old: {old}, point {value}");
            assert!(point.export().unwrap().is_some());
            assert_eq!(world.faults.take_calls(), export, "old: {old}, point {value}");
        }
        assert_eq!(world.model.open_handles(), handles + usize::from(old));
        assert!(point.export().unwrap().is_none(), "not yet");
        world.faults.take_calls();
        // Value 0 needs no helper anywhere.
        let whole = world.point(0);
        world.faults.take_calls();
        whole.import(&file).unwrap();
        assert!(whole.export().unwrap().is_some());
        assert_eq!(world.faults.take_calls(), 2);
    }
}

#[test]
fn a_device_says_what_it_lacks() {
    let World { model, faults, .. } = world();
    let probe = |call: Option<(Call, Errno)>| {
        call.into_iter().for_each(|(call, errno)| faults.fail(call, errno));
        SyncDevice::new_on(faults, model.device())
    };
    let device = probe(Some((Call::RegisterEventfd, Errno::INVAL))).unwrap();
    assert_eq!(device.require(), Err(Missing::Eventfd));
    assert_eq!(device.caps().missing().collect::<Vec<_>>(), [Missing::Eventfd]);
    assert!(device.caps().timeline && device.caps().syncobj && device.caps().timeline_export);
    assert_eq!(probe(Some((Call::GetCap, Errno::NOTTY))).unwrap_err().errno, Errno::NOTTY);
    let handles = model.open_handles();
    let device = probe(None).unwrap();
    assert_eq!(model.open_handles(), handles, "the probe leaves nothing behind");
    assert!(device.signalled().unwrap().is_signalled());
    assert_eq!(model.open_handles(), handles);
    assert!(format!("{device:?}").starts_with("SyncDevice("));
}

#[test]
fn a_timeline_is_shared_by_descriptor() {
    let world = world();
    let timeline = world.device.create_timeline().unwrap();
    let other = world.device.import_timeline(timeline.export_fd().unwrap().as_fd()).unwrap();
    assert_ne!(timeline.handle(), other.handle());
    assert!(timeline != other && timeline == timeline.clone());
    assert_eq!(timeline.payload(), Ok(Payload::Empty));
    let fence = world.materialise(&timeline.point(4), "gpu");
    timeline.point(9).signal().unwrap();
    assert_eq!((other.query(), other.query_available()), (Ok(0), Ok(9)), "a later point waits for those before it");
    assert_eq!(other.payload(), Ok(Payload::Timeline(9)));
    assert_eq!((other.point(4).is_materialised(), other.point(4).is_signalled()), (Ok(true), Ok(false)));
    assert_eq!(other.point(10).is_materialised(), Ok(false));
    world.model.signal_fence(fence, 1);
    assert_eq!((other.query(), other.point(4).is_signalled()), (Ok(9), Ok(true)));
    other.reset().unwrap();
    assert_eq!(timeline.query_available(), Ok(0));
    timeline.signal(0).unwrap();
    assert_eq!(other.payload(), Ok(Payload::Binary));
    let handles = world.model.open_handles();
    let point = other.point(1);
    drop(other);
    assert_eq!(world.model.open_handles(), handles, "a point keeps it");
    drop(point);
    assert_eq!(world.model.open_handles(), handles - 1);
    assert!(format!("{timeline:?}").starts_with(&format!("Timeline({} of SyncDevice(", timeline.handle())));
    let (pipe, _end) = rustix::pipe::pipe().unwrap();
    assert_eq!(world.device.import_timeline(pipe.as_fd()).unwrap_err().errno, Errno::INVAL);
}

#[test]
fn a_point_that_is_not_above_the_last_one_is_out_of_order() {
    let world = world();
    let timeline = world.device.create_timeline().unwrap();
    for (value, added) in [
        (1, Added::InOrder),
        (1, Added::OutOfOrder),
        (5, Added::InOrder),
        (4, Added::OutOfOrder),
        (0, Added::InOrder),
        (5, Added::OutOfOrder),
        (6, Added::InOrder),
    ] {
        assert_eq!(timeline.signal(value), Ok(added), "{value}");
    }
    timeline.reset().unwrap();
    assert_eq!(timeline.signal(1), Ok(Added::InOrder), "nothing is on it");
}

#[test]
fn a_fence_goes_from_point_to_point_without_a_descriptor() {
    let world = world();
    let (from, to) = (world.point(1), world.point(1));
    assert_eq!(from.transfer(&to), Ok(None), "there is none yet");
    let fence = world.materialise(&from, "gpu");
    assert_eq!(from.transfer(&to), Ok(Some(Added::InOrder)));
    assert_eq!(world.fences(&to), Some(vec![fence]));
    assert_eq!(from.transfer(&to), Ok(Some(Added::OutOfOrder)));
    world.faults.fail(Call::Transfer, Errno::NOMEM);
    assert_eq!(from.transfer(&to).unwrap_err().errno, Errno::NOMEM);
    let foreign = self::world().point(1);
    assert_eq!(from.transfer(&foreign).unwrap_err().errno, Errno::XDEV);
}

#[test]
fn an_eventfd_fires_when_its_point_is_there() {
    let world = world();
    let point = world.point(2);
    let (available, signalled) = (point.eventfd(Until::Available).unwrap(), point.eventfd(Until::Signalled).unwrap());
    assert!(!is_readable(&available) && !is_readable(&signalled));
    let fence = world.materialise(&point, "gpu");
    assert!(is_readable(&available) && !is_readable(&signalled));
    world.model.signal_fence(fence, 1);
    assert!(is_readable(&signalled));
    let again = world.model.fence("gpu");
    let later = point.timeline().point(3);
    later.register(&available, Until::Available).unwrap();
    later.import(&world.model.sync_file(again)).unwrap();
    let mut count = [0; 8];
    rustix::io::read(&available, &mut count).unwrap();
    assert_eq!(u64::from_ne_bytes(count), 2, "once each");
}

#[test]
fn a_wait_is_for_one_point_or_for_all() {
    let world = world();
    let points: Vec<_> = (0..3).map(|_| world.point(1)).collect();
    let wait = |all, until| wait_points(&points, all, until, 0, None);
    assert_eq!(wait_points(&[], false, Until::Signalled, 0, None), Ok(None));
    assert_eq!(wait(false, Until::Available), Ok(None));
    let fence = world.materialise(&points[1], "gpu");
    assert_eq!((wait(false, Until::Available), wait(false, Until::Signalled)), (Ok(Some(1)), Ok(None)));
    assert_eq!(wait(true, Until::Available), Ok(None));
    world.model.signal_fence(fence, 1);
    assert_eq!((wait(false, Until::Signalled), wait(true, Until::Signalled)), (Ok(Some(1)), Ok(None)));
    let last = world.materialise(&points[0], "gpu");
    points[2].signal().unwrap();
    assert_eq!((wait(true, Until::Available), wait(true, Until::Signalled)), (Ok(Some(0)), Ok(None)));
    assert_eq!(world.model.deadline(last), None);
    assert_eq!(wait_points(&points, true, Until::Signalled, 0, Some(7)), Ok(None));
    assert_eq!(world.model.deadline(last), Some(7));
    world.faults.fail(Call::Wait, Errno::NOMEM);
    assert_eq!(wait(true, Until::Signalled).unwrap_err().errno, Errno::NOMEM);
    let foreign = self::world().point(1);
    let mixed = [points[0].clone(), foreign];
    assert_eq!(wait_points(&mixed, false, Until::Signalled, 0, None).unwrap_err().errno, Errno::XDEV);
}

#[test]
fn a_file_is_cloned_with_its_fences() {
    let World { model, .. } = world();
    let fence = model.fence("gpu");
    let file = model.sync_file(fence);
    let clone = file.try_clone().unwrap();
    assert!(!clone.is_signalled());
    model.signal_fence(fence, 1);
    assert!(clone.is_signalled());
    let fd: OwnedFd = clone.into();
    assert!(is_readable(fd));
}

#[test]
fn an_acquire_whose_work_has_failed_is_failed_when_its_fence_signals() {
    let world = world();
    let point = world.point(1);
    let mut acquire = Acquire::from_point(point.clone(), 0);
    assert_eq!(acquire.advance(), Ok(AcquireState::Unmaterialised));
    acquire.fail(FenceError(Errno::IO));
    assert_eq!(acquire.advance(), Ok(AcquireState::Unmaterialised));
    assert!(!is_readable(acquire.wait_fd().unwrap()), "who waits is woken by the fence");
    point.signal().unwrap();
    assert!(is_readable(acquire.wait_fd().unwrap()));
    assert_eq!(acquire.advance(), Ok(AcquireState::Failed(FenceError(Errno::IO))));
    assert!(acquire.take_failed().is_none(), "no fence carries the error");
    let mut ready = Acquire::ready();
    ready.fail(FenceError(Errno::IO));
    assert_eq!(ready.advance(), Ok(AcquireState::Signalled { at: 0 }), "a final state stays");
}
