//! Acquires: their states, what they wait on, whom they may be handed to, and what the watchdog says.

use super::*;

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
