//! Explicit fences for Wayland, Vulkan and V4L2 programs on Linux.
#![warn(missing_docs)]

mod acquire;
mod device;
mod error;
pub mod faults;
mod few;
mod handoff;
pub mod implicit;
mod ioctl;
pub mod kernel;
pub mod model;
mod predictor;
mod release;
mod report;
mod retry;
pub mod source;
mod sw_sync;
pub mod sync_file;
pub mod timeline;
mod vgem;
pub mod wait;

pub use acquire::{Acquire, AcquireState};
pub use device::{Caps, SyncDevice};
pub use error::{CallError, FenceError, Missing, Object};
pub use handoff::HandOff;
pub use predictor::Predictor;
pub use release::{Completed, Kind, Release, Use, User};
pub use report::{AcquireReport, Overdue, ReleaseReport};
pub use sw_sync::{SW_SYNC_PATH, SwTimeline};
pub use sync_file::{FenceInfo, Info, Merged, Name, Status, Summary, SyncFile};
pub use timeline::{Added, Payload, Point, Timeline, Until, wait_points};
pub use vgem::{VgemBuffer, VgemFence};
pub use wait::{WaitSet, wait_any};

/// Nanoseconds. Points in time are of CLOCK_MONOTONIC.
pub type Ns = u64;

/// The time: CLOCK_MONOTONIC. A system call where there is no vDSO; take it once a wake-up, not once a fence.
pub fn now() -> Ns {
    ioctl::clock_monotonic()
}
