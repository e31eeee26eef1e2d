//! sync_files on the lab's kernel: what a fence says, in which order, and what survives a merge.

use std::os::fd::AsFd;

use fence::{
    Status, SyncFile, VgemBuffer,
    implicit::{self, Access},
};
use rustix::io::Errno;

mod lab;
use lab::{GONE, MS};

#[test]
#[ignore = "lab"]
fn a_fence_tells_driver_timeline_status_and_time() {
    let timeline = lab::sw();
    let fence = timeline.fence(1, "one").unwrap();
    assert_eq!(fence.status().unwrap(), Status::Active);
    let active = fence.driver_and_status().unwrap();
    assert_eq!((active.driver.as_str(), active.at, active.fences), ("sw_sync", 0, 1));
    let before = fence::now();
    timeline.inc(1).unwrap();
    let after = fence::now();
    let info = fence.info().unwrap();
    assert_eq!(info.status, Status::Signalled);
    assert!((before..=after).contains(&info.fences[0].timestamp_ns), "{before} {info:?} {after}");
    // Newer kernels detach a fence from its driver when it signals; that name is not passed on.
    assert!(matches!(info.fences[0].driver.as_str(), "" | "sw_sync"), "{info:?}");
    assert!(fence.is_signalled());
}

#[test]
#[ignore = "lab"]
fn fences_of_one_timeline_signal_in_order() {
    let timeline = lab::sw();
    let fences: Vec<_> = [3, 1, 2].map(|value| timeline.fence(value, "").unwrap()).into();
    let set = lab::Epoll::new();
    for (token, fence) in fences.iter().enumerate() {
        set.add(fence, token as u64);
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        timeline.inc(1).unwrap();
        order.push(set.wait(0));
    }
    assert_eq!(order, [[1], [2], [0]]);
    let times: Vec<_> = [1, 2, 0].map(|index: usize| fences[index].driver_and_status().unwrap().at).into();
    assert!(times.is_sorted(), "{times:?}");
    assert!(timeline.fence(2, "late").unwrap().is_signalled(), "a fence of the past has signalled when it is made");
}

#[test]
#[ignore = "lab"]
fn who_waits_after_the_signal_is_told_at_once() {
    let timeline = lab::sw();
    let fence = timeline.fence(1, "").unwrap();
    timeline.inc(1).unwrap();
    let set = lab::Epoll::new();
    set.add(&fence, 7);
    assert_eq!(set.wait(0), [7], "by epoll");
    assert_eq!(lab::poll(&[fence.as_fd()], 0), Some(0), "and by poll");
}

#[test]
#[ignore = "lab"]
fn a_failed_fence_is_no_failed_call_and_the_reverse() {
    let fence = lab::failed();
    assert_eq!(fence.status(), Ok(Status::Failed(GONE)), "the call succeeds, the fence failed");
    assert!(fence.is_signalled(), "failed is signalled, for poll");
    let merged = SyncFile::merge2(fence.as_fd(), rustix::stdio::stdin()).unwrap_err();
    assert_eq!(merged.errno, Errno::NOENT, "the very errno of the fence, but of the call");
    assert!(merged.to_string().contains("second fd is not a sync_file"), "{merged}");
}

#[test]
#[ignore = "lab"]
fn an_error_survives_a_merge() {
    // A fence that fails after the merge: the kernel carries it.
    let (one, two) = (lab::sw(), lab::sw());
    let (a, b) = (one.fence(1, "").unwrap(), two.fence(1, "").unwrap());
    let merged = SyncFile::merge(&[a.as_fd(), b.as_fd()]).unwrap();
    assert_eq!((merged.file.status().unwrap(), merged.error), (Status::Active, None));
    drop(one);
    assert_eq!(merged.file.status().unwrap(), Status::Active, "the other one is still pending");
    two.inc(1).unwrap();
    assert_eq!(merged.file.status().unwrap(), Status::Failed(GONE));

    // One that failed before it: the kernel drops it, we report it.
    let three = lab::sw();
    let (failed, pending) = (lab::failed(), three.fence(1, "").unwrap());
    let bare = SyncFile::merge2(failed.as_fd(), pending.as_fd()).unwrap();
    let merged = SyncFile::merge(&[failed.as_fd(), pending.as_fd()]).unwrap();
    assert_eq!(merged.error, Some(GONE));
    three.inc(1).unwrap();
    assert_eq!(bare.status().unwrap(), Status::Signalled, "the trap: if this fails, the kernel got better");

    // Nothing pending: the failed one itself comes out.
    let merged = SyncFile::merge(&[pending.as_fd(), failed.as_fd()]).unwrap();
    assert_eq!((merged.file.status().unwrap(), merged.error), (Status::Failed(GONE), Some(GONE)));
}

#[test]
#[ignore = "lab"]
fn a_merge_of_two_drivers_waits_for_both() {
    let vgem = lab::drm("vgem");
    let buffer = VgemBuffer::new(vgem.as_fd(), 16, 16).unwrap();
    let dmabuf = buffer.dmabuf().unwrap();
    let theirs = buffer.fence(Access::Write).unwrap();
    let vgem_file = implicit::export(dmabuf.as_fd(), Access::Read).unwrap();
    let timeline = lab::sw();
    let sw_file = timeline.fence(1, "").unwrap();
    let merged = SyncFile::merge(&[vgem_file.as_fd(), sw_file.as_fd()]).unwrap().file;
    let summary = merged.driver_and_status().unwrap();
    assert_eq!((summary.fences, summary.mixed, summary.status), (2, true, Status::Active));
    let mut drivers: Vec<_> = merged.info().unwrap().fences.into_iter().map(|fence| fence.driver).collect();
    drivers.sort();
    assert_eq!(drivers, ["sw_sync", "vgem"]);
    timeline.inc(1).unwrap();
    assert_eq!(merged.status().unwrap(), Status::Active);
    assert!(theirs.signal().unwrap(), "in time");
    assert_eq!(merged.status().unwrap(), Status::Signalled);
}

#[test]
#[ignore = "lab"]
fn many_are_merged_balanced_and_once_each() {
    let timelines: Vec<_> = (0..21).map(|_| lab::sw()).collect();
    let files: Vec<_> = timelines.iter().map(|timeline| timeline.fence(1, "").unwrap()).collect();
    let later = timelines[0].fence(5, "").unwrap();
    let before = lab::open_fds();
    // Each twice, and a later one of the first timeline, which covers the earlier.
    let fds: Vec<_> = files.iter().chain(&files).chain([&later]).map(AsFd::as_fd).collect();
    let merged = SyncFile::merge(&fds).unwrap().file;
    assert_eq!(lab::open_fds(), before + 1, "only the result stays open");
    assert_eq!(merged.driver_and_status().unwrap().fences, 21, "more than fit on the stack");
    for timeline in timelines.iter().skip(1) {
        timeline.inc(1).unwrap();
        assert_eq!(merged.status().unwrap(), Status::Active);
    }
    timelines[0].inc(4).unwrap();
    assert!(!merged.is_signalled());
    timelines[0].inc(1).unwrap();
    assert_eq!(merged.status().unwrap(), Status::Signalled);
}

#[test]
#[ignore = "lab"]
fn a_deadline_reaches_every_fence_and_the_earliest_wins() {
    let (one, two) = (lab::sw(), lab::sw());
    let (a, b) = (one.fence(1, "").unwrap(), two.fence(1, "").unwrap());
    assert_eq!(one.deadline(&a).unwrap(), None);
    let merged = SyncFile::merge2(a.as_fd(), b.as_fd()).unwrap();
    merged.set_deadline(5_000 * MS).unwrap();
    a.set_deadline(7_000 * MS).unwrap();
    b.set_deadline(3_000 * MS).unwrap();
    assert_eq!((one.deadline(&a).unwrap(), two.deadline(&b).unwrap()), (Some(5_000 * MS), Some(3_000 * MS)));
}

#[test]
#[ignore = "lab"]
fn fences_go_into_a_dmabuf_and_come_out() {
    let vgem = lab::drm("vgem");
    let buffer = VgemBuffer::new(vgem.as_fd(), 16, 16).unwrap();
    let dmabuf = buffer.dmabuf().unwrap();
    let state = |access| implicit::export(dmabuf.as_fd(), access).unwrap().status().unwrap();
    assert_eq!((state(Access::Read), state(Access::Write)), (Status::Signalled, Status::Signalled), "nobody there");
    let timeline = lab::sw();
    implicit::import(dmabuf.as_fd(), &timeline.fence(1, "reader").unwrap(), Access::Read).unwrap();
    assert_eq!((state(Access::Read), state(Access::Write)), (Status::Signalled, Status::Active), "readers share");
    implicit::import(dmabuf.as_fd(), &timeline.fence(2, "writer").unwrap(), Access::Write).unwrap();
    assert_eq!((state(Access::Read), state(Access::Write)), (Status::Active, Status::Active));
    timeline.inc(1).unwrap();
    assert_eq!((state(Access::Read), state(Access::Write)), (Status::Active, Status::Active));
    timeline.inc(1).unwrap();
    assert_eq!((state(Access::Read), state(Access::Write)), (Status::Signalled, Status::Signalled));
}

#[test]
#[ignore = "lab"]
fn a_fence_of_vgem_expires() {
    let vgem = lab::drm("vgem");
    let buffer = VgemBuffer::new(vgem.as_fd(), 16, 16).unwrap();
    let dmabuf = buffer.dmabuf().unwrap();
    let fence = buffer.fence(Access::Write).unwrap();
    assert_eq!(buffer.fence(Access::Read).unwrap_err().errno, Errno::BUSY);
    let file = implicit::export(dmabuf.as_fd(), Access::Read).unwrap();
    assert_eq!(lab::poll(&[file.as_fd()], 5_000 * MS), None);
    assert_eq!(lab::poll(&[file.as_fd()], 9_000 * MS), Some(0));
    assert_eq!(file.status(), Ok(Status::Signalled));
    assert!(!fence.signal().unwrap(), "too late");
}
