//! Explicit fences for Wayland, Vulkan and V4L2 programs on Linux: sync_files, syncobj timelines,
//! and the two ends of a buffer's life in somebody else's hands, [`Acquire`] and [`Release`].
//!
//! It knows no Wayland and no KMS, never blocks outside [`wait_points`], and never reads a clock by
//! itself. Times are nanoseconds of CLOCK_MONOTONIC.
//!
//! # States
//!
//! A buffer comes with an acquire fence (*when may I read it?*) and leaves with a release fence
//! (*when may you write it again?*). Points, sync_files and the fences of dma-bufs all become the
//! same [`SyncFile`] on the way.
//!
//! ```text
//!                        the client's side of the buffer: Acquire
//!
//!  Acquire::from_point ──→ Unmaterialised ──the client submits──┐        Acquire::ready
//!                           ▲  waits on an eventfd              │              │
//!                           └──the client takes it back──┐      ▼              │
//!  Acquire::from_sync_file ────────────────────────────→ Pending ──signals──→ Signalled{at}
//!  Acquire::implicit                 waits on its own fd,   │                  (show it)
//!                                    or hardware does       └──fails──→ Failed(error)
//!                                    (HandOff)                          (keep the last good frame)
//!                                                                          │ take_failed
//!                        our side of the buffer: Release                   ▼
//!                                                                     Release::fail
//!  Release::point ──┐   ┌─────────┐
//!  Release::dmabuf ─┼─→ │ in use  │ ──complete──→ materialised ──→ signalled
//!  Release::message ┤   └─────────┘      │         (now)       (with the last
//!  Release::none ───┘    │       ▲       │                       use's fence)
//!                        └───────┘       └─ no memory, no fd: deferred,
//!                        add_fence          DeferredReleases::retry
//! ```
//!
//! *Materialised* means that a fence is attached, *signalled* that it is done. A release
//! materialises when its last use is known, long before that use is over: the client's GPU can
//! queue behind it at once.
//!
//! # Two kinds of errors
//!
//! A call that fails is a [`CallError`]: call, object, errno. A fence that fails is a
//! [`FenceError`], a value and not an `Err`: the call that found out succeeded. They never become
//! each other.
//!
//! # Example
//!
//! Needs sw_sync (debugfs, root), which makes fences that software signals:
//!
//! ```no_run
//! use fence::{Acquire, AcquireState, SwTimeline};
//!
//! # fn main() -> Result<(), fence::CallError> {
//! let timeline = SwTimeline::open()?;
//! let mut acquire = Acquire::from_sync_file(timeline.fence(1, "render")?, fence::now());
//! assert_eq!(acquire.advance()?, AcquireState::Pending);
//! assert_eq!(acquire.driver(), Some("sw_sync"));
//!
//! // An event loop polls this file descriptor; it becomes readable when there is something to look at.
//! assert!(acquire.wait_fd().is_some());
//!
//! timeline.inc(1)?; // the GPU is done
//! assert!(matches!(acquire.advance()?, AcquireState::Signalled { .. }));
//!
//! // A timeline that goes away fails what is pending on it: an error of the fence, not of the call.
//! let mut lost = Acquire::from_sync_file(timeline.fence(2, "render")?, fence::now());
//! drop(timeline);
//! assert!(matches!(lost.advance()?, AcquireState::Failed(_)));
//! # Ok(())
//! # }
//! ```
//!
//! # Ownership of file descriptors
//!
//! Functions that take an `OwnedFd` or a [`SyncFile`] by value close it in time; what they borrow
//! stays the caller's; what they return is the caller's. All are close-on-exec.
//!
//! # Code map
//!
//! | file | what |
//! | --- | --- |
//! | `ioctl.rs`, `uapi.rs` | every ioctl and all `unsafe`; their structures |
//! | [`kernel`], [`faults`], [`model`] | the seam: the real kernel, queued errnos, a kernel of pipes |
//! | [`sync_file`], `info.rs` | status, info, merge, deadline |
//! | `device.rs`, [`timeline`] | syncobjs: probe, points, import, export, waits |
//! | [`implicit`] | dma-bufs with implicit fences |
//! | `acquire.rs`, `handoff.rs`, `predictor.rs` | from a commit to its content |
//! | `release.rs`, `delivery.rs`, `message.rs`, `retry.rs` | from the last use back to the client |
//! | `report.rs` | watchdog and introspection |
//! | `sw_sync.rs`, `vgem.rs` | fences for tests |
#![warn(missing_docs)]

mod acquire;
mod delivery;
mod device;
mod error;
pub mod faults;
mod handoff;
mod held;
pub mod implicit;
mod info;
mod ioctl;
pub mod kernel;
mod message;
pub mod model;
mod origin;
mod predictor;
mod release;
mod report;
mod retry;
mod sw_sync;
pub mod sync_file;
pub mod timeline;
mod uapi;
mod vgem;

pub use acquire::{Acquire, AcquireState};
pub use delivery::{Completed, ReleaseOutcome};
pub use device::{Caps, SyncDevice};
pub use error::{CallError, FenceError, Missing, Object};
pub use handoff::HandOff;
pub use info::{FenceInfo, Info, Name, Status, Summary};
pub use message::ReleaseMessage;
pub use predictor::Predictor;
pub use release::Release;
pub use report::{AcquireReport, Overdue};
pub use retry::DeferredReleases;
pub use sw_sync::{SW_SYNC_PATH, SwTimeline};
pub use sync_file::{Merged, SyncFile};
pub use timeline::{Added, Payload, Point, Timeline, Until, wait_points};
pub use vgem::{VgemBuffer, VgemFence};

/// Nanoseconds. Points in time are of CLOCK_MONOTONIC.
pub type Ns = u64;

/// The time: CLOCK_MONOTONIC. A system call where there is no vDSO; take it once a wake-up, not
/// once a fence.
pub fn now() -> Ns {
    ioctl::clock_monotonic()
}

#[cfg(test)]
mod tests {
    #[test]
    fn time_goes_on() {
        let before = super::now();
        assert!(before > 0 && super::now() >= before);
    }
}
