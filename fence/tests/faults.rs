//! Every system call of an acquire and of a release fails once, in turn: nothing panics, leaks, or
//! is lost.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex},
};

use fence::{
    Acquire, AcquireState, DeferredReleases, Release, ReleaseMessage, ReleaseOutcome, SyncDevice, SyncFile,
    faults::{Call, Faults},
    kernel::Kernel,
    model::Model,
};
use rustix::io::Errno;

const CALLS: [Call; 10] = [
    Call::FileInfo,
    Call::Merge,
    Call::SetDeadline,
    Call::Create,
    Call::HandleToFd,
    Call::FdToHandle,
    Call::Transfer,
    Call::RegisterEventfd,
    Call::Signal,
    Call::Eventfd,
];

fn world(old: bool) -> (&'static Model, &'static Faults, SyncDevice) {
    let model = Model::leak();
    let faults = Faults::leak(model);
    if old {
        faults.be_old();
    }
    (model, faults, SyncDevice::new_on(faults, model.device()).unwrap())
}

#[test]
fn an_acquire_survives_every_call_that_fails() {
    for old in [false, true] {
        for carrying in [false, true] {
            for call in CALLS {
                let (model, faults, device) = world(old);
                let timeline = device.create_timeline().unwrap();
                let mut acquire = Acquire::from_point(timeline.point(1), 0);
                if carrying {
                    acquire = acquire.carrying_errors();
                }
                acquire.set_deadline(5);
                let fence = model.fence("gpu");
                // In each of its states the next such call fails; then it goes on as if nothing had
                // been.
                let steps: [&dyn Fn(); 3] =
                    [&|| {}, &|| assert!(timeline.point(1).import(&model.sync_file(fence)).is_ok()), &|| {
                        model.signal_fence(fence, 9)
                    }];
                for (step, expected) in steps.iter().zip([
                    AcquireState::Unmaterialised,
                    AcquireState::Pending,
                    AcquireState::Signalled { at: 9 },
                ]) {
                    step();
                    faults.fail(call, Errno::NOMEM);
                    let first = acquire.advance();
                    assert!(first.is_ok() || first.as_ref().unwrap_err().is_transient(), "{first:?}");
                    faults.clear();
                    assert_eq!(acquire.advance(), Ok(expected), "{call:?} old {old} carrying {carrying}");
                }
            }
        }
    }
}

#[test]
fn a_release_survives_every_call_that_fails() {
    for old in [false, true] {
        for users in 0..4 {
            for call in CALLS {
                for times in 1..4 {
                    let (model, faults, device) = world(old);
                    let timeline = device.create_timeline().unwrap();
                    let fences: Vec<_> = (0..users).map(|_| model.fence("gpu")).collect();
                    let mut release = Release::point(timeline.point(1));
                    fences.iter().for_each(|fence| release.add_fence(model.sync_file(*fence)));
                    (0..times).for_each(|_| faults.fail(call, Errno::NOMEM));
                    let done = release.complete().unwrap();
                    // A frame or two later.
                    (0..times).for_each(|_| assert!(device.retry_releases() <= 1));
                    faults.clear();
                    assert_eq!(device.retry_releases(), 0);
                    let what = format!("{call:?} {times} times, {users} users, old {old}: {done:?}");
                    for fence in &fences {
                        assert!(!timeline.point(1).is_signalled().unwrap(), "early: {what}");
                        model.signal_fence(*fence, 1);
                    }
                    assert!(timeline.point(1).is_signalled().unwrap(), "lost: {what}");
                    let expected =
                        if users == 0 { ReleaseOutcome::PointSignalled } else { ReleaseOutcome::PointMaterialised };
                    assert!(done.kind == expected || done.kind == ReleaseOutcome::Deferred, "{what}");
                    assert_eq!(done.fences, users);
                }
            }
        }
    }
}

/// A client that is sent its releases.
#[derive(Clone, Debug, Default)]
struct Wire(Arc<Mutex<Vec<Option<SyncFile>>>>);

impl ReleaseMessage for Wire {
    fn send(&self, fence: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        let fence = fence.map(|fd| SyncFile::unchecked(fd.try_clone_to_owned().unwrap()));
        self.0.lock().unwrap().push(fence);
        Ok(())
    }
}

#[test]
fn a_message_survives_every_call_that_fails() {
    for users in 0..4 {
        for call in [Call::FileInfo, Call::Merge] {
            for times in 1..4 {
                let (model, faults, _) = world(false);
                let (wire, retries) = (Wire::default(), DeferredReleases::default());
                let fences: Vec<_> = (0..users).map(|_| model.fence("gpu")).collect();
                let mut release = Release::message_on(faults, Box::new(wire.clone()), &retries);
                fences.iter().for_each(|fence| release.add_fence(model.sync_file(*fence)));
                (0..times).for_each(|_| faults.fail(call, Errno::NOMEM));
                let done = release.complete().unwrap();
                (0..times).for_each(|_| assert!(retries.retry() <= 1));
                faults.clear();
                assert_eq!(retries.retry(), 0);
                let what = format!("{call:?} {times} times, {users} users: {done:?}");
                let sent = wire.0.lock().unwrap();
                let [sent] = sent.as_slice() else { panic!("not one message: {what}") };
                for fence in &fences {
                    assert!(!sent.as_ref().unwrap().is_signalled(), "early: {what}");
                    model.signal_fence(*fence, 1);
                }
                assert_eq!(sent.is_some(), users > 0, "{what}");
                assert!(sent.as_ref().is_none_or(SyncFile::is_signalled), "never: {what}");
            }
        }
    }
}

#[test]
fn a_device_that_lacks_something_says_what() {
    // (the capability that is missing: how many are asked before it)
    let model = Model::leak();
    let faults = Faults::leak(model);
    faults.fail(Call::GetCap, Errno::INVAL);
    let device = SyncDevice::new_on(faults, model.device()).unwrap();
    assert!(device.require().unwrap_err().to_string().contains("DRM_CAP_SYNCOBJ"));
    assert_eq!(device.caps().missing().count(), 3);
    faults.fail(Call::RegisterEventfd, Errno::INVAL);
    let device = SyncDevice::new_on(faults, model.device()).unwrap();
    assert!(device.require().unwrap_err().to_string().contains("SYNCOBJ_EVENTFD"));
    assert_eq!(SyncDevice::new_on(faults, model.device()).unwrap().require(), Ok(()));
}

#[test]
fn a_chain_of_very_many_fences_is_looked_into_once_and_polled_after_that() {
    let (model, faults, _) = world(false);
    let fences: Vec<_> = (0..300).map(|_| model.fence("gpu")).collect();
    let merge = |all: OwnedFd, fence: &_| model.merge([0; 32], all.as_fd(), model.sync_file(*fence).as_fd()).unwrap();
    let all = fences[1..].iter().fold(model.sync_file(fences[0]).into(), merge);
    let mut acquire = Acquire::from_sync_file_on(faults, SyncFile::unchecked(all), 0);
    assert_eq!(acquire.advance(), Ok(AcquireState::Pending));
    assert_eq!(acquire.summary().fences, 300);
    faults.take_calls();
    for fence in &fences {
        assert_eq!(acquire.advance(), Ok(AcquireState::Pending));
        assert_eq!(acquire.may_hand_off(|_| true), Ok(false));
        model.signal_fence(*fence, 7);
    }
    assert_eq!(faults.take_calls(), 0, "the kernel walks over all of them for each answer");
    assert_eq!(acquire.advance(), Ok(AcquireState::Signalled { at: 7 }));
}
