//! Syncobj timelines on the lab's kernel: points that come, go, return, and come in the wrong
//! order.

use std::os::fd::AsFd;

use fence::{
    Acquire, AcquireState, Added, Payload, Status, SyncDevice, Until, VgemBuffer, faults::Faults, implicit,
    implicit::Access, kernel::LINUX, wait_points,
};
use rustix::io::Errno;

mod lab;
use lab::{GONE, MS};

fn is_readable(fd: impl AsFd) -> bool {
    readable_within(fd, 0)
}

fn becomes_readable(fd: impl AsFd) -> bool {
    readable_within(fd, 1)
}

fn readable_within(fd: impl AsFd, seconds: i64) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: seconds, tv_nsec: 0 })).unwrap() == 1
}

#[test]
#[ignore = "lab"]
fn the_lab_s_device_has_everything_and_an_old_one_less() {
    let caps = lab::device().caps();
    assert!(caps.syncobj && caps.timeline && caps.eventfd && caps.timeline_export, "{caps:?}");
    assert_eq!(caps.missing().count(), 0);
    let old = Faults::leak(&LINUX);
    old.be_old();
    let caps = SyncDevice::new_on(old, lab::drm("vkms")).unwrap().caps();
    assert!(caps.eventfd && !caps.timeline_export, "{caps:?}");
}

#[test]
#[ignore = "lab"]
fn a_point_materialises_then_signals_on_new_and_old_kernels() {
    for old in [false, true] {
        let faults = Faults::leak(&LINUX);
        if old {
            faults.be_old();
        }
        let device = SyncDevice::new_on(faults, lab::drm("vkms")).unwrap();
        let timeline = device.create_timeline().unwrap();
        let point = timeline.point(4);
        assert!(point.export().unwrap().is_none());
        assert!(!point.is_materialised().unwrap());
        let (available, signalled) =
            (point.eventfd(Until::Available).unwrap(), point.eventfd(Until::Signalled).unwrap());
        let sw = lab::sw();
        faults.take_calls();
        assert_eq!(point.import(&sw.fence(1, "").unwrap()).unwrap(), Added::InOrder);
        // There and back by the helper, which is emptied.
        assert_eq!(faults.take_calls(), if old { 3 } else { 1 });
        assert!(is_readable(&available) && !is_readable(&signalled));
        assert!(point.is_materialised().unwrap() && !point.is_signalled().unwrap());
        assert!(timeline.point(2).is_materialised().unwrap(), "a later point covers it");
        let file = point.export().unwrap().unwrap();
        assert_eq!(file.status().unwrap(), Status::Active);
        assert_eq!(file.driver_and_status().unwrap().driver.as_str(), "sw_sync", "not the kernel's container");
        assert_eq!((timeline.query().unwrap(), timeline.query_available().unwrap()), (0, 4));
        sw.inc(1).unwrap();
        assert!(point.is_signalled().unwrap());
        // The kernel passes a signal on from link to link of the chain, a moment later each.
        assert!(becomes_readable(&signalled));
        assert_eq!(file.status().unwrap(), Status::Signalled);
        assert_eq!(timeline.query().unwrap(), 4);
    }
}

#[test]
#[ignore = "lab"]
fn the_error_of_a_point_s_fence_is_seen_through_the_container() {
    let timeline = lab::device().create_timeline().unwrap();
    timeline.point(1).import(&lab::failed()).unwrap();
    assert_eq!(timeline.point(1).export().unwrap().unwrap().status().unwrap(), Status::Failed(GONE));
    let sw = lab::sw();
    timeline.point(2).import(&sw.fence(1, "").unwrap()).unwrap();
    let file = timeline.point(2).export().unwrap().unwrap();
    drop(sw);
    assert_eq!(file.status().unwrap(), Status::Failed(GONE), "also one that fails later");
}

#[test]
#[ignore = "lab"]
fn a_point_taken_back_while_it_is_waited_for_is_waited_for_again() {
    let (ours, client) = lab::shared();
    let mut acquire = Acquire::from_point(ours.point(3), 0);
    assert_eq!(acquire.advance().unwrap(), AcquireState::Unmaterialised);
    let sw = lab::sw();
    client.point(3).import(&sw.fence(1, "").unwrap()).unwrap();
    assert!(is_readable(acquire.wait_fd().unwrap()));
    client.reset().unwrap();
    assert_eq!(acquire.advance().unwrap(), AcquireState::Unmaterialised);
    assert_eq!(acquire.taken_back(), 1);
    assert!(!is_readable(acquire.wait_fd().unwrap()), "no busy loop");
    // Replaced by another fence while it waits again.
    client.point(3).import(&sw.fence(2, "").unwrap()).unwrap();
    assert!(is_readable(acquire.wait_fd().unwrap()));
    assert_eq!(acquire.advance().unwrap(), AcquireState::Pending);
    // From here on nothing that the client does to the syncobj matters.
    client.reset().unwrap();
    sw.inc(2).unwrap();
    assert!(matches!(acquire.advance().unwrap(), AcquireState::Signalled { at } if at > 0));
}

#[test]
#[ignore = "lab"]
fn a_point_out_of_order_is_waited_for_with_the_last() {
    let (ours, client) = lab::shared();
    let (early, late) = (lab::sw(), lab::sw());
    assert_eq!(ours.point(7).import(&late.fence(1, "").unwrap()).unwrap(), Added::InOrder);
    assert!(client.point(5).is_materialised().unwrap(), "7 covers 5 until 5 comes");
    assert_eq!(ours.point(5).import(&early.fence(1, "").unwrap()).unwrap(), Added::OutOfOrder);
    late.inc(1).unwrap();
    assert!(!client.point(5).is_signalled().unwrap(), "5's own fence is pending");
    assert!(!client.point(7).is_signalled().unwrap(), "and 7 waits for it too");
    early.inc(1).unwrap();
    assert!(client.point(5).is_signalled().unwrap() && client.point(7).is_signalled().unwrap());
    assert_eq!(ours.point(7).signal().unwrap(), Added::OutOfOrder, "the same again");
    assert_eq!(ours.point(8).signal().unwrap(), Added::InOrder);
    assert_eq!(client.query().unwrap(), 8);
}

#[test]
#[ignore = "lab"]
fn a_point_that_is_used_again_is_signalled_already() {
    let (ours, client) = lab::shared();
    client.signal(1).unwrap();
    for _ in 0..2 {
        let mut acquire = Acquire::from_point(ours.point(1), 0);
        assert!(matches!(acquire.advance().unwrap(), AcquireState::Signalled { .. }));
    }
    ours.reset().unwrap();
    assert_eq!(Acquire::from_point(ours.point(1), 0).advance().unwrap(), AcquireState::Unmaterialised);
    assert_eq!(ours.signal(1).unwrap(), Added::InOrder, "after a reset it is new");
}

#[test]
#[ignore = "lab"]
fn the_largest_point_works_and_is_the_last() {
    let (ours, client) = lab::shared();
    let sw = lab::sw();
    assert_eq!(ours.point(u64::MAX).import(&sw.fence(1, "").unwrap()).unwrap(), Added::InOrder);
    assert_eq!(client.query_available().unwrap(), u64::MAX);
    assert!(client.point(u64::MAX - 1).is_materialised().unwrap());
    assert!(!client.point(u64::MAX).is_signalled().unwrap());
    assert_eq!(ours.point(u64::MAX).import(&sw.fence(2, "").unwrap()).unwrap(), Added::OutOfOrder);
    sw.inc(1).unwrap();
    assert!(!client.point(u64::MAX).is_signalled().unwrap());
    sw.inc(1).unwrap();
    assert!(client.point(u64::MAX).is_signalled().unwrap());
    let mut acquire = Acquire::from_point(ours.point(u64::MAX), 0);
    assert!(matches!(acquire.advance().unwrap(), AcquireState::Signalled { .. }));
}

#[test]
#[ignore = "lab"]
fn a_timeline_destroyed_by_its_client_stays_pending_and_is_reported() {
    let (ours, client) = lab::shared();
    let mut acquire = Acquire::from_point(ours.point(9), 100 * MS);
    acquire.advance().unwrap();
    drop((ours, client));
    assert_eq!(acquire.advance().unwrap(), AcquireState::Unmaterialised);
    assert!(!is_readable(acquire.wait_fd().unwrap()));
    assert!(acquire.overdue(1_100 * MS, 1_000 * MS).is_none(), "not yet");
    let report = acquire.overdue(1_101 * MS, 1_000 * MS).unwrap().blame("evil (pid 7)", "wl_surface@3.commit");
    assert_eq!(
        report,
        "evil (pid 7): the acquire fence of wl_surface@3.commit is overdue after 1001 ms: point 9 was never \
         submitted; its syncobj is empty"
    );
    assert!(acquire.overdue(9_000 * MS, 1_000 * MS).is_none(), "once");
}

#[test]
#[ignore = "lab"]
fn a_fence_is_transferred_from_point_to_point() {
    let device = lab::device();
    let (from, to) = (device.create_timeline().unwrap().point(3), device.create_timeline().unwrap().point(8));
    assert_eq!(from.transfer(&to).unwrap(), None, "nothing there yet");
    let sw = lab::sw();
    from.import(&sw.fence(1, "").unwrap()).unwrap();
    assert_eq!(from.transfer(&to).unwrap(), Some(Added::InOrder));
    let seen = to.export().unwrap().unwrap();
    assert_eq!(seen.status().unwrap(), Status::Active);
    drop(sw);
    assert_eq!(seen.status().unwrap(), Status::Failed(GONE), "it failed after the transfer");
    let foreign = lab::device().create_timeline().unwrap().point(1);
    assert_eq!(from.transfer(&foreign).unwrap_err().errno, Errno::XDEV);
}

#[test]
#[ignore = "lab"]
fn a_binary_syncobj_never_has_points_and_says_so() {
    let (ours, client) = lab::shared();
    assert_eq!(ours.payload().unwrap(), Payload::Empty);
    client.point(0).import(&lab::sw().fence(1, "").unwrap()).unwrap();
    assert_eq!(ours.payload().unwrap(), Payload::Binary);
    let mut acquire = Acquire::from_point(ours.point(1), 0);
    assert_eq!(acquire.advance().unwrap(), AcquireState::Unmaterialised);
    assert!(acquire.overdue(2, 1).unwrap().to_string().contains("binary"));
    client.signal(1).unwrap();
    assert_eq!(ours.payload().unwrap(), Payload::Timeline(1));
    assert!(matches!(acquire.advance().unwrap(), AcquireState::Signalled { .. }), "until it becomes a timeline");
}

#[test]
#[ignore = "lab"]
fn waits_for_any_and_for_all_end_at_their_time() {
    let device = lab::device();
    let (a, b) = (device.create_timeline().unwrap(), device.create_timeline().unwrap());
    let points = [a.point(1), b.point(1)];
    let soon = || fence::now() + 20 * MS;
    assert_eq!(wait_points(&points, false, Until::Available, soon(), None).unwrap(), None);
    let sw = lab::sw();
    let fence = sw.fence(1, "").unwrap();
    points[1].import(&fence).unwrap();
    assert_eq!(wait_points(&points, false, Until::Available, soon(), None).unwrap(), Some(1));
    assert_eq!(wait_points(&points, true, Until::Available, soon(), None).unwrap(), None);
    assert_eq!(wait_points(&points[1..], false, Until::Signalled, soon(), Some(77 * MS)).unwrap(), None);
    assert_eq!(sw.deadline(&fence).unwrap(), Some(77 * MS), "the wait told the deadline");
    points[0].signal().unwrap();
    sw.inc(1).unwrap();
    assert!(wait_points(&points, true, Until::Signalled, soon(), None).unwrap().is_some());
    let foreign = [a.point(1), lab::device().create_timeline().unwrap().point(1)];
    assert_eq!(wait_points(&foreign, true, Until::Signalled, 0, None).unwrap_err().errno, Errno::XDEV);
    assert_eq!(wait_points(&[], true, Until::Signalled, 0, None).unwrap(), None);
}

#[test]
#[ignore = "lab"]
fn any_of_all_kinds_is_waited_for_in_one_set() {
    let (ours, client) = lab::shared();
    let vgem = lab::drm("vgem");
    let buffer = VgemBuffer::new(vgem.as_fd(), 16, 16).unwrap();
    let dmabuf = buffer.dmabuf().unwrap();
    let implicit = buffer.fence(Access::Write).unwrap();
    let sw = lab::sw();
    let file = sw.fence(1, "").unwrap();
    let (here, there) = (ours.point(1), ours.point(2));
    let before = lab::open_fds();
    {
        let (signalled, available) =
            (here.eventfd(Until::Signalled).unwrap(), there.eventfd(Until::Available).unwrap());
        let exported = implicit::export(dmabuf.as_fd(), Access::Read).unwrap();
        let all = [file.as_fd(), signalled.as_fd(), available.as_fd(), exported.as_fd()];
        assert_eq!(lab::poll(&all, 10 * MS), None);
        assert!(implicit.signal().unwrap());
        assert_eq!(lab::poll(&all, 10 * MS), Some(3));
        assert_eq!(exported.status(), Ok(Status::Signalled));
        client.point(2).import(&sw.fence(5, "").unwrap()).unwrap();
        assert_eq!(lab::poll(&all[..3], 10 * MS), Some(2));
        assert_eq!(there.export().unwrap().unwrap().status(), Ok(Status::Active));
        assert_eq!(lab::poll(&all[..2], 10 * MS), None, "2 covers 1, and is pending");
        drop(sw);
        assert_eq!(lab::poll(&all[1..2], 10 * MS), Some(0));
        assert_eq!(here.export().unwrap().unwrap().status(), Ok(Status::Failed(GONE)));
        assert_eq!(lab::poll(&all[..1], 10 * MS), Some(0));
        assert_eq!(file.status(), Ok(Status::Failed(GONE)));
    }
    assert_eq!(lab::open_fds(), before - 1, "less the timeline of sw_sync that was closed");
}
