//! File descriptors that are closed, or of another device: each error names which.

use std::os::fd::{AsFd, AsRawFd};

use fence::{CallError, Release, SyncDevice, SyncFile, Until, VgemBuffer, implicit};
use rustix::io::Errno;

mod lab;

#[test]
#[ignore = "lab"]
fn a_closed_fd_is_named() {
    let device = lab::device();
    let timeline = device.create_timeline().unwrap();
    let (closed, number) = lab::closed_fd();
    let good = lab::sw().fence(1, "").unwrap();
    let table: [(&str, CallError); 4] = [
        ("status", SyncFile::merge2(closed, good.as_fd()).unwrap_err()),
        ("second of a merge", SyncFile::merge(&[closed]).unwrap_err()),
        ("import of a syncobj", device.import_timeline(closed).unwrap_err()),
        ("export from a dma-buf", implicit::export(closed, implicit::Access::Read).unwrap_err()),
    ];
    for (what, error) in table {
        let text = error.to_string();
        assert!(text.contains(&format!("fd {number}")), "{what}: {text}");
        // FD_TO_HANDLE says EINVAL for whatever is not a syncobj.
        let closed = error.errno == Errno::BADF && text.contains("the fd is closed");
        assert!(closed || text.contains("the fd is not a syncobj"), "{what}: {text}");
    }
    drop(timeline);
}

#[test]
#[ignore = "lab"]
fn syncobjs_and_sync_files_of_another_device_work_and_other_things_of_it_are_named() {
    let ours = lab::device();
    let vgem = lab::drm("vgem");
    let other = SyncDevice::new(vgem.try_clone().unwrap()).unwrap();
    let before = lab::open_fds();
    {
        // A syncobj belongs to no device: each device has a handle of its own for it.
        let theirs = other.create_timeline().unwrap();
        let here = ours.import_timeline(theirs.export_fd().unwrap().as_fd()).unwrap();
        // A fence of another driver goes into a point of ours, and the other device sees it.
        let buffer = VgemBuffer::new(vgem.as_fd(), 16, 16).unwrap();
        let dmabuf = buffer.dmabuf().unwrap();
        let fence = buffer.fence(implicit::Access::Write).unwrap();
        let file = implicit::export(dmabuf.as_fd(), implicit::Access::Read).unwrap();
        let mut release = Release::point(here.point(1));
        release.add_fence(file);
        release.complete().unwrap();
        let seen = theirs.point(1).export().unwrap().unwrap();
        assert_eq!(seen.driver_and_status().unwrap().driver.as_str(), "vgem");
        assert!(!theirs.point(1).is_signalled().unwrap());
        fence.signal().unwrap();
        drop(here.point(1).eventfd(Until::Signalled).unwrap());
        assert!(here.point(1).is_signalled().unwrap());
        // What is of the other device but no syncobj is refused, by number.
        for fd in [vgem.as_fd(), dmabuf.as_fd()] {
            let error = ours.import_timeline(fd).unwrap_err();
            let text = error.to_string();
            let number = format!("fd {}", fd.as_raw_fd());
            assert!(text.contains(&number) && text.contains("not a syncobj"), "{text}");
        }
    }
    // A handle of one device is another syncobj, or none, on the other: it cannot be confused,
    // since each point keeps its device.
    assert_eq!(lab::open_fds(), before);
    drop(other);
}
