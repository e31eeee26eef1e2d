//! Acquire and Release on the lab's kernel: the way of a commit, with everything that can go wrong.

use std::{os::fd::AsFd, sync::Arc};

use fence::{
    Acquire, AcquireState, Added, HandOff, Release, ReleaseOutcome, Status, SyncDevice, SyncFile, Until, VgemBuffer,
    faults::{Call, Faults},
    implicit::{self, Access},
    kernel::LINUX,
};
use rustix::io::Errno;

mod lab;
use lab::{GONE, MS};

#[test]
#[ignore = "lab"]
fn a_commit_goes_from_acquire_to_release_in_six_calls() {
    let kernel = Faults::leak(&LINUX);
    let device = SyncDevice::new_on(kernel, lab::drm("vkms")).unwrap();
    let client = device.create_timeline().unwrap();
    let sw = lab::sw();
    client.point(1).import(&sw.fence(1, "render").unwrap()).unwrap();
    kernel.take_calls();
    // Commit: the fence is there and pending.
    let mut acquire = Acquire::from_point(client.point(1), 0);
    assert_eq!(acquire.advance().unwrap(), AcquireState::Pending);
    assert_eq!(acquire.driver(), Some("sw_sync"));
    // It signals; the frame is latched, shown, and replaced.
    sw.inc(1).unwrap();
    assert!(matches!(acquire.advance().unwrap(), AcquireState::Signalled { at } if at > 0));
    assert_eq!(acquire.driver(), Some("sw_sync"), "still known");
    let out_fence = sw.fence(2, "out-fence").unwrap();
    let mut release = Release::point(client.point(2));
    release.add_fence(out_fence);
    let done = release.complete().unwrap();
    assert_eq!((done.kind, done.fences, done.added), (ReleaseOutcome::PointMaterialised, 1, Added::InOrder));
    // Export, two looks, close, import.
    assert_eq!(kernel.take_calls(), 5);
    assert!(client.point(2).is_materialised().unwrap() && !client.point(2).is_signalled().unwrap());
    sw.inc(1).unwrap();
    assert!(client.point(2).is_signalled().unwrap());
}

#[test]
#[ignore = "lab"]
fn in_the_steady_state_a_carried_error_costs_no_call_beyond_six() {
    let kernel = Faults::leak(&LINUX);
    let device = SyncDevice::new_on(kernel, lab::drm("vkms")).unwrap();
    let client = device.create_timeline().unwrap();
    let sw = lab::sw();
    let commit = |value: u32, late: bool| {
        client.point(value.into()).import(&sw.fence(value, "render").unwrap()).unwrap();
        if !late {
            sw.inc(1).unwrap();
        }
        kernel.take_calls();
        let mut acquire = Acquire::from_point(client.point(value.into()), fence::now()).carrying_errors();
        // At the commit; then, if it was late, at the latch, with a deadline before.
        acquire.advance().unwrap();
        if late {
            acquire.set_deadline(fence::now() + 1_000_000_000);
            sw.inc(1).unwrap();
        }
        if !acquire.state().is_final() {
            assert!(matches!(acquire.advance().unwrap(), AcquireState::Signalled { at } if at > 0));
        }
        drop(acquire);
        // And the import of the release.
        kernel.take_calls() + 1
    };
    // A timeline whose fences begin to come late, and to come in time again: the first of each
    // costs one more.
    let late = [false, false, true, true, true, false, false];
    let calls: Vec<_> = (1..).zip(late).map(|(value, late)| commit(value, late)).collect();
    assert_eq!(calls, [4, 4, 7, 6, 6, 5, 4]);
}

#[test]
#[ignore = "lab"]
fn a_fence_that_was_not_looked_at_yet_loses_no_error() {
    let (ours, client) = lab::shared();
    let acquire = |value| Acquire::from_point(ours.point(value), fence::now()).carrying_errors();
    // One that comes late: of the next one its timeline expects the same.
    let late = |value| {
        let sw = lab::sw();
        client.point(value).import(&sw.fence(1, "").unwrap()).unwrap();
        let mut acquire = acquire(value);
        acquire.advance().unwrap();
        sw.inc(1).unwrap();
        assert!(acquire.advance().unwrap().is_final());
    };
    late(1);
    // Failed before the commit: taken for pending, unseen; then seen.
    let failing = lab::sw();
    client.point(2).import(&failing.fence(1, "").unwrap()).unwrap();
    drop(failing);
    let mut second = acquire(2);
    assert_eq!(second.advance().unwrap(), AcquireState::Pending);
    assert_eq!(second.driver(), None, "not looked at");
    assert!(!second.may_hand_off(|_| true).unwrap(), "nothing is handed over unseen");
    assert_eq!(second.advance().unwrap(), AcquireState::Failed(GONE));
    // Of two fences one had failed before: the other one goes on, and the error is seen at its end.
    let (failing, going) = (lab::sw(), lab::sw());
    let both = SyncFile::merge(&[failing.fence(1, "").unwrap().as_fd(), going.fence(1, "").unwrap().as_fd()]).unwrap();
    late(3);
    client.point(4).import(&both.file).unwrap();
    drop(failing);
    let mut third = acquire(4);
    assert_eq!(third.advance().unwrap(), AcquireState::Pending);
    assert_eq!(third.driver(), None, "not looked at");
    going.inc(1).unwrap();
    assert_eq!(third.advance().unwrap(), AcquireState::Failed(GONE));
}

#[test]
#[ignore = "lab"]
fn an_acquire_fence_may_fail_after_it_was_handed_to_the_hardware() {
    for carrying in [true, false] {
        let (ours, client) = lab::shared();
        let sw = lab::sw();
        client.point(1).import(&sw.fence(1, "").unwrap()).unwrap();
        let mut acquire = Acquire::from_point(ours.point(1), 0);
        if carrying {
            acquire = acquire.carrying_errors();
        }
        acquire.advance().unwrap();
        assert!(!acquire.may_hand_off(|driver| HandOff::SameDriver.allows(driver, &["vkms"])).unwrap());
        assert!(acquire.may_hand_off(|driver| driver == "sw_sync").unwrap());
        let handed = acquire.fence().unwrap().try_clone().unwrap();
        drop(sw);
        assert!(handed.is_signalled(), "the hardware goes on with what is there");
        assert_eq!(acquire.advance().unwrap(), AcquireState::Failed(GONE));
        // The errored fence itself becomes the release fence.
        let (fence, error) = acquire.take_failed().unwrap();
        let mut release = Release::point(ours.point(2));
        release.fail(error, Some(fence));
        let done = release.complete().unwrap();
        assert_eq!((done.error, done.carried), (Some(GONE), carrying));
        let seen = client.point(2).export().unwrap().unwrap().status().unwrap();
        assert_eq!(seen, if carrying { Status::Failed(GONE) } else { Status::Signalled });
        assert!(acquire.take_failed().is_none() && acquire.state() == AcquireState::Failed(GONE));
    }
    assert!(!lab::kernel_warned(), "importing a link of a chain must not make the kernel warn");
}

#[test]
#[ignore = "lab"]
fn a_failed_sync_file_of_a_client_becomes_its_release_fence() {
    let (ours, client) = lab::shared();
    for fence in [lab::failed(), SyncFile::from_fd(lab::failed().into_fd()).unwrap()] {
        let checked = SyncFile::from_fd(fence.try_clone().unwrap().into_fd()).is_ok();
        assert!(checked);
        let mut acquire = Acquire::from_sync_file(fence, 0);
        assert_eq!(acquire.advance().unwrap(), AcquireState::Failed(GONE));
        let (fence, error) = acquire.take_failed().unwrap();
        let mut release = Release::point(ours.point(1));
        release.fail(error, Some(fence));
        let done = release.complete().unwrap();
        assert_eq!(done.error, Some(GONE));
        let seen = client.point(1).export().unwrap().unwrap().status().unwrap();
        assert_eq!(seen == Status::Failed(GONE), done.carried);
    }
}

#[test]
#[ignore = "lab"]
fn a_mixed_fence_is_handed_on_only_if_every_driver_is_allowed() {
    let vgem = lab::drm("vgem");
    let buffer = VgemBuffer::new(vgem.as_fd(), 16, 16).unwrap();
    let dmabuf = buffer.dmabuf().unwrap();
    let fence = buffer.fence(Access::Write).unwrap();
    let sw = lab::sw();
    let implicit = implicit::export(dmabuf.as_fd(), Access::Read).unwrap();
    let merged = SyncFile::merge2(sw.fence(1, "").unwrap().as_fd(), implicit.as_fd()).unwrap();
    let mut acquire = Acquire::from_sync_file(merged, 0);
    acquire.advance().unwrap();
    assert_eq!(acquire.driver(), None);
    assert!(!acquire.may_hand_off(|driver| HandOff::SameDriver.allows(driver, &["vgem"])).unwrap());
    assert!(acquire.may_hand_off(|driver| HandOff::SameDriver.allows(driver, &["vgem", "sw_sync"])).unwrap());
    assert!(!acquire.may_hand_off(|driver| HandOff::Never.allows(driver, &["vgem", "sw_sync"])).unwrap());
    fence.signal().unwrap();
    let mut implicit = Acquire::implicit(dmabuf.as_fd(), 0).unwrap();
    assert!(matches!(implicit.advance().unwrap(), AcquireState::Signalled { .. }));
}

#[test]
#[ignore = "lab"]
fn a_gpu_reset_is_a_render_fence_that_fails() {
    // Alone: the client sees the error. With another user pending: the release waits, the error is
    // ours to tell.
    let (ours, client) = lab::shared();
    let (gpu, display) = (lab::sw(), lab::sw());
    let mut alone = Release::point(ours.point(1));
    alone.add_fence(gpu.fence(1, "render").unwrap());
    assert_eq!(alone.complete().unwrap().kind, ReleaseOutcome::PointMaterialised);
    let mut both = Release::point(ours.point(2));
    both.add_fence(gpu.fence(1, "render").unwrap());
    both.add_fence(display.fence(1, "out-fence").unwrap());
    both.complete().unwrap();
    let late_gpu_fence = gpu.fence(1, "render").unwrap();
    let client_waits_for = client.point(1).export().unwrap().unwrap();
    drop(gpu);
    assert_eq!(client_waits_for.status().unwrap(), Status::Failed(GONE));
    let client_waits_for = client.point(2).export().unwrap().unwrap();
    assert_eq!(client_waits_for.status().unwrap(), Status::Active, "still on screen");
    let mut late = Release::point(ours.point(3));
    late.add_fence(late_gpu_fence);
    late.add_fence(display.fence(1, "out-fence").unwrap());
    let done = late.complete().unwrap();
    assert_eq!((done.error, done.carried), (Some(GONE), false), "failed before, beside a pending one");
    assert!(!client.point(3).is_signalled().unwrap());
    display.inc(1).unwrap();
    assert_eq!(client_waits_for.status().unwrap(), Status::Failed(GONE));
    assert!(client.point(3).is_signalled().unwrap());
}

#[test]
#[ignore = "lab"]
fn a_release_waits_for_every_user_with_and_without_file_descriptors() {
    for users in [2usize, 3, 5, 9] {
        for old in [false, true] {
            for exhausted in [false, true] {
                let kernel = Faults::leak(&LINUX);
                if old {
                    kernel.be_old();
                }
                let device = SyncDevice::new_on(kernel, lab::drm("vkms")).unwrap();
                let timeline = device.create_timeline().unwrap();
                let timelines: Vec<_> = (0..users).map(|_| lab::sw()).collect();
                let mut release = Release::point(timeline.point(1));
                for sw in &timelines {
                    release.add_fence(sw.fence(1, "").unwrap());
                }
                let before = lab::open_fds();
                kernel.exhaust_fds(exhausted);
                let done = release.complete().unwrap();
                kernel.exhaust_fds(false);
                assert_eq!((done.kind, done.fences), (ReleaseOutcome::PointMaterialised, users));
                assert_eq!(lab::open_fds(), before - users, "its fences are closed, nothing else is open");
                for sw in &timelines {
                    assert!(!timeline.point(1).is_signalled().unwrap(), "{users} {old} {exhausted}");
                    sw.inc(1).unwrap();
                }
                assert!(timeline.point(1).is_signalled().unwrap());
                assert_eq!(timeline.query().unwrap(), 1);
            }
        }
    }
}

#[test]
#[ignore = "lab"]
fn a_release_waits_for_nobody_else_s_users() {
    for old in [false, true] {
        let kernel = Faults::leak(&LINUX);
        if old {
            kernel.be_old();
        }
        let device = SyncDevice::new_on(kernel, lab::drm("vkms")).unwrap();
        let sws = [lab::sw(), lab::sw(), lab::sw()];
        // One surface after the other, each with three users of its own, through the same helpers
        // of the device.
        let points: Vec<_> = (1..=3u32)
            .map(|value| {
                let point = device.create_timeline().unwrap().point(value.into());
                let mut release = Release::point(point.clone());
                sws.iter().for_each(|sw| release.add_fence(sw.fence(value, "").unwrap()));
                release.complete().unwrap();
                point
            })
            .collect();
        let other = lab::sw();
        let mut held_up = Release::point(device.create_timeline().unwrap().point(1));
        (1..=3).for_each(|value| held_up.add_fence(other.fence(value, "").unwrap()));
        held_up.add_fence(sws[0].fence(9, "").unwrap());
        held_up.complete().unwrap();
        let mut free = Release::point(points[0].timeline().point(2));
        let own = [lab::sw(), lab::sw(), lab::sw()];
        own.iter().for_each(|sw| free.add_fence(sw.fence(1, "").unwrap()));
        free.complete().unwrap();
        for value in 1..=3 {
            sws.iter().for_each(|sw| sw.inc(1).unwrap());
            let signalled: Vec<_> = points.iter().map(|point| point.is_signalled().unwrap()).collect();
            assert_eq!(signalled, [value >= 1, value >= 2, value >= 3], "old {old}");
        }
        own.iter().for_each(|sw| sw.inc(1).unwrap());
        assert!(points[0].timeline().point(2).is_signalled().unwrap(), "behind another buffer's users, old {old}");
    }
}

#[test]
#[ignore = "lab"]
fn no_release_is_lost_for_want_of_file_descriptors_or_memory() {
    let kernel = Faults::leak(&LINUX);
    let device = SyncDevice::new_on(kernel, lab::drm("vkms")).unwrap();
    let (ours, sw) = (device.create_timeline().unwrap(), lab::sw());
    let mut releases: Vec<_> = (1..=3).map(|value| Release::point(ours.point(value))).collect();
    for release in &mut releases[1..] {
        release.add_fence(sw.fence(1, "").unwrap());
    }
    let other = lab::sw();
    releases[2].add_fence(other.fence(1, "").unwrap());
    let mut acquire = Acquire::from_point(ours.point(9), 0);
    // Really none left in this process.
    let (kinds, error) = lab::without_fds(|| {
        let error = acquire.advance().unwrap_err();
        (releases.drain(..).map(|release| release.complete().unwrap().kind).collect::<Vec<_>>(), error)
    });
    assert_eq!(
        kinds,
        [ReleaseOutcome::PointSignalled, ReleaseOutcome::PointMaterialised, ReleaseOutcome::PointMaterialised]
    );
    assert_eq!(error.errno, Errno::MFILE);
    assert!(acquire.is_stalled() && acquire.wait_fd().is_none(), "and no commit is lost either");
    assert_eq!(acquire.advance().unwrap(), AcquireState::Unmaterialised);
    assert!(!acquire.is_stalled());
    assert!(ours.point(1).is_signalled().unwrap() && !ours.point(2).is_signalled().unwrap());
    sw.inc(1).unwrap();
    assert!(ours.point(2).is_signalled().unwrap() && !ours.point(3).is_signalled().unwrap());
    other.inc(1).unwrap();
    assert!(ours.point(3).is_signalled().unwrap());

    // No memory: queued, tried again, done; with a borrowed fence too.
    kernel.fail(Call::FdToHandle, Errno::NOMEM);
    kernel.fail(Call::FdToHandle, Errno::NOMEM);
    kernel.fail(Call::Signal, Errno::NOMEM);
    let mut release = Release::point(ours.point(4));
    let shared = sw.fence(2, "").unwrap();
    assert_eq!(release.complete_with(&shared).unwrap().kind, ReleaseOutcome::Deferred);
    assert!(release.is_finished());
    drop((release, shared));
    assert_eq!(Release::point(ours.point(5)).complete().unwrap().kind, ReleaseOutcome::Deferred);
    assert!(!ours.point(4).is_materialised().unwrap());
    assert_eq!(device.retry_releases(), 1, "one fault was left for the first");
    assert_eq!(device.retry_releases(), 0);
    assert_eq!(kernel.pending(), 0);
    sw.inc(1).unwrap();
    assert!(ours.point(4).is_signalled().unwrap() && ours.point(5).is_signalled().unwrap());
}

#[test]
#[ignore = "lab"]
fn a_client_may_signal_its_own_release_point() {
    let (ours, client) = lab::shared();
    client.signal(1).unwrap();
    let sw = lab::sw();
    let mut release = Release::point(ours.point(1));
    release.add_fence(sw.fence(1, "").unwrap());
    // Not above the last point by the kernel's count, but first by ours. It is waited for again; no
    // error, no trouble.
    assert_eq!(release.complete().unwrap().kind, ReleaseOutcome::PointMaterialised);
    assert!(!client.point(1).is_signalled().unwrap());
    sw.inc(1).unwrap();
    assert!(client.point(1).is_signalled().unwrap());
    client.reset().unwrap();
    assert_eq!(Release::point(ours.point(2)).complete().unwrap().kind, ReleaseOutcome::PointSignalled);
    assert_eq!(client.query().unwrap(), 2);
}

#[test]
#[ignore = "lab"]
fn a_release_that_is_dropped_waits_for_its_users_too() {
    let (ours, client) = lab::shared();
    let sw = lab::sw();
    let mut release = Release::point(ours.point(1));
    release.add_fence(sw.fence(1, "").unwrap());
    drop(release);
    assert!(client.point(1).is_materialised().unwrap() && !client.point(1).is_signalled().unwrap());
    sw.inc(1).unwrap();
    assert!(client.point(1).is_signalled().unwrap());
}

#[test]
#[ignore = "lab"]
fn an_implicit_client_waits_for_our_reading() {
    let vgem = lab::drm("vgem");
    let buffer = VgemBuffer::new(vgem.as_fd(), 16, 16).unwrap();
    let dmabuf = Arc::new(buffer.dmabuf().unwrap());
    let sw = lab::sw();
    let mut release = Release::dmabuf(&[dmabuf.clone(), dmabuf.clone()]);
    release.add_fence(sw.fence(1, "").unwrap());
    release.add_fence(sw.fence(2, "").unwrap());
    assert_eq!(release.complete().unwrap().kind, ReleaseOutcome::Dmabuf);
    let status = |access| implicit::export(dmabuf.as_fd(), access).unwrap().status().unwrap();
    assert_eq!((status(Access::Read), status(Access::Write)), (Status::Signalled, Status::Active));
    sw.inc(2).unwrap();
    assert_eq!(status(Access::Write), Status::Signalled);
}

#[test]
#[ignore = "lab"]
fn a_deadline_is_kept_for_the_fence_that_comes_later() {
    let kernel = Faults::leak(&LINUX);
    let device = SyncDevice::new_on(kernel, lab::drm("vkms")).unwrap();
    let client = device.create_timeline().unwrap();
    let sw = lab::sw();
    let fence = sw.fence(1, "").unwrap();
    let mut acquire = Acquire::from_point(client.point(1), 0);
    acquire.set_deadline(900 * MS);
    acquire.advance().unwrap();
    acquire.set_deadline(800 * MS);
    client.point(1).import(&fence).unwrap();
    assert_eq!(sw.deadline(&fence).unwrap(), None);
    acquire.advance().unwrap();
    assert_eq!(sw.deadline(&fence).unwrap(), Some(800 * MS));
    kernel.take_calls();
    acquire.set_deadline(850 * MS);
    assert_eq!(kernel.take_calls(), 0, "a later one tells nothing new");
    acquire.set_deadline(700 * MS);
    assert_eq!(sw.deadline(&fence).unwrap(), Some(700 * MS));
    // A kernel without deadlines is no error.
    kernel.fail(Call::SetDeadline, Errno::NOTTY);
    acquire.set_deadline(600 * MS);
    assert_eq!(acquire.state(), AcquireState::Pending);
}

#[test]
#[ignore = "lab"]
fn a_pending_fence_is_reported_with_its_driver() {
    let sw = lab::sw();
    let mut acquire = Acquire::from_sync_file(sw.fence(1, "").unwrap(), 10 * MS);
    acquire.advance().unwrap();
    let report = acquire.overdue(2_011 * MS, 2_000 * MS).unwrap().to_string();
    assert!(
        report.starts_with("is overdue after 2001 ms: its fence is pending (driver sw_sync, timeline "),
        "{report}"
    );
    sw.inc(1).unwrap();
    acquire.advance().unwrap();
    assert!(acquire.overdue(u64::MAX, 0).is_none());
}

#[test]
#[ignore = "lab"]
fn ten_thousand_acquires_are_pending_and_each_comes_through() {
    const N: usize = 10_000;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let room = Some(3 * N as u64);
    setrlimit(Resource::Nofile, Rlimit { current: room, maximum: limit.maximum.map(|old| old.max(3 * N as u64)) })
        .unwrap();
    let before = lab::open_fds();
    let device = lab::device();
    let client = device.create_timeline().unwrap();
    let sw = lab::sw();
    let set = lab::Epoll::new();
    // A third of each kind: points that come later, points that are there, sync_files.
    let mut acquires: Vec<_> = (0..N)
        .map(|index| {
            let value = index as u32 + 1;
            match index % 3 {
                0 => Acquire::from_point(client.point(N as u64 + u64::from(value)), 0),
                1 => {
                    let own = device.create_timeline().unwrap();
                    own.point(1).import(&sw.fence(value, "").unwrap()).unwrap();
                    Acquire::from_point(own.point(1), 0)
                }
                _ => Acquire::from_sync_file(sw.fence(value, "").unwrap(), 0),
            }
        })
        .collect();
    for (token, acquire) in acquires.iter_mut().enumerate() {
        assert!(!acquire.advance().unwrap().is_final());
        set.add(acquire.wait_fd().unwrap(), token as u64);
    }
    assert!(set.wait(0).is_empty());
    // All of them, through two waits for a third of them.
    client.point(2 * N as u64 + 1).import(&sw.fence(N as u32, "").unwrap()).unwrap();
    sw.inc(N as u32).unwrap();
    let mut done = 0;
    while done < N {
        let tokens = set.wait(5_000 * MS);
        assert!(!tokens.is_empty(), "{done} of {N} came");
        for token in tokens {
            let acquire = &mut acquires[token as usize];
            set.remove(acquire.wait_fd().unwrap());
            match acquire.advance().unwrap() {
                AcquireState::Signalled { .. } => done += 1,
                _ => set.add(acquire.wait_fd().unwrap(), token),
            }
        }
    }
    drop((acquires, sw, client, set, device));
    assert_eq!(lab::open_fds(), before);
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// FENCE_CYCLES in the environment makes it longer, a million for example: see `docs/fences.md`.
#[test]
#[ignore = "lab"]
fn nothing_leaks_over_many_cycles() {
    let before = lab::open_fds();
    let (bytes, timelines) = (lab::kernel_bytes(), lab::sw_timelines());
    let cycles = std::env::var("FENCE_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(2_000);
    {
        let device = lab::device();
        let sw = lab::sw();
        let handle = device.create_timeline().unwrap().handle();
        for cycle in 1..=cycles {
            let ours = device.create_timeline().unwrap();
            let client = device.import_timeline(ours.export_fd().unwrap().as_fd()).unwrap();
            let mut acquire = Acquire::from_point(ours.point(1), 0);
            acquire.advance().unwrap();
            if cycle % 3 != 0 {
                client.point(1).import(&sw.fence(cycle, "").unwrap()).unwrap();
                acquire.advance().unwrap();
            }
            let mut release = Release::point(client.point(2));
            release.add_fence(sw.fence(cycle + 1, "").unwrap());
            release.complete().unwrap();
            drop(ours.point(2).eventfd(Until::Signalled).unwrap());
            if cycle % 2 == 0 {
                sw.inc(1).unwrap();
            }
        }
        let after = device.create_timeline().unwrap().handle();
        assert_eq!(after, handle, "the kernel gives the first free handle: all are free again");
    }
    assert_eq!(lab::open_fds(), before);
    // Fences and files are freed after a grace period. What is left is slack: less than the
    // smallest object a cycle.
    let most = bytes + (1 << 20) + 8 * u64::from(cycles);
    let mut left = lab::kernel_bytes();
    for _ in 0..50 {
        if left <= most && lab::sw_timelines() <= timelines {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        left = lab::kernel_bytes();
    }
    println!("{cycles} cycles: {bytes} bytes of kernel objects before, {left} after");
    // Fewer, where timelines of an earlier test were still waiting to be freed at the start.
    assert!(lab::sw_timelines() <= timelines, "a fence that is held keeps its timeline");
    assert!(left <= most, "{left} bytes of kernel objects, {bytes} before {cycles} cycles");
}

#[test]
#[ignore = "lab"]
fn bad_file_descriptors_are_refused_by_name_and_leak_nothing() {
    let device = lab::device();
    let timeline = device.create_timeline().unwrap();
    let syncobj = timeline.export_fd().unwrap();
    let null = std::fs::File::open("/dev/null").unwrap();
    let file = lab::sw().fence(1, "").unwrap();
    let before = lab::open_fds();
    let not_sync_file = SyncFile::unchecked(null.try_clone().unwrap().into());
    let table = [
        (device.import_timeline(null.as_fd()).unwrap_err(), "not a syncobj", Errno::INVAL),
        (device.import_timeline(file.as_fd()).unwrap_err(), "not a syncobj", Errno::INVAL),
        (SyncFile::from_fd(syncobj.try_clone().unwrap()).unwrap_err(), "not a sync_file", Errno::NOTTY),
        (SyncFile::from_fd(null.try_clone().unwrap().into()).unwrap_err(), "not a sync_file", Errno::NOTTY),
        (SyncFile::merge2(null.as_fd(), file.as_fd()).unwrap_err(), "first fd is not a sync_file", Errno::NOTTY),
        (SyncFile::merge2(file.as_fd(), null.as_fd()).unwrap_err(), "second fd is not a sync_file", Errno::NOENT),
        (timeline.point(1).import(&not_sync_file).unwrap_err(), "not a sync_file", Errno::INVAL),
        (Acquire::from_sync_file(not_sync_file, 0).advance().unwrap_err(), "not a sync_file", Errno::NOTTY),
        (implicit::export(null.as_fd(), Access::Read).unwrap_err(), "not a dma-buf", Errno::NOTTY),
        (implicit::import(file.as_fd(), &file, Access::Read).unwrap_err(), "not a dma-buf", Errno::NOTTY),
        (SyncDevice::new(null.try_clone().unwrap().into()).unwrap_err(), "not a DRM device", Errno::NOTTY),
        (timeline.point(1).register(&null, Until::Available).unwrap_err(), "SYNCOBJ_EVENTFD", Errno::INVAL),
    ];
    for (error, text, errno) in table {
        assert!(error.to_string().contains(text), "{error} <> {text}");
        assert_eq!(error.errno, errno, "{error}");
    }
    // A fence that is none must not cost the client its buffer.
    let mut release = Release::point(timeline.point(1));
    release.add_fence(SyncFile::unchecked(null.try_clone().unwrap().into()));
    assert_eq!(release.complete().unwrap_err().errno, Errno::INVAL);
    assert!(timeline.point(1).is_signalled().unwrap());
    assert_eq!(lab::open_fds(), before);
}
