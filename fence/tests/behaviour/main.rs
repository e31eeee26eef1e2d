//! What acquires, releases, points and devices do, step by step, on the kernel of pipes: states,
//! descriptors to wait on, counted calls, and what a point has to wait for afterwards.
//!
//! Which calls may fail is in `faults.rs`, every order of events in `prop_lifecycle.rs`.

mod acquire;
mod device;
mod release;

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
