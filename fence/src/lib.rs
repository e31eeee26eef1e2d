//! Explicit fences for Wayland, Vulkan and V4L2 programs on Linux: sync_files, syncobj timelines, and the two ends of a
//! buffer's life in somebody else's hands, [`Acquire`] and [`Release`].
//!
//! It knows no Wayland and no KMS, never blocks outside [`wait_any`] and [`wait_points`], and never reads a clock by
//! itself. Times are nanoseconds of CLOCK_MONOTONIC.
//!
//! # States
//!
//! A buffer comes with an acquire fence (*when may I read it?*) and leaves with a release fence (*when may you write it
//! again?*). Points, sync_files and the fences of dma-bufs all become the same [`SyncFile`] on the way.
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
//!  Release::point ──begin(user)──→ in use ──end(user, fence)──→ idle ──complete──→ materialised ──→ signalled
//!  Release::dmabuf        ▲           │    (last user gone)       │                 (now)       (with the last
//!  Release::message       └───────────┘                           │                              user's fence)
//!  Release::none                                                  └─ no memory, no fd: deferred,
//!                                                                    Retries::retry
//! ```
//!
//! *Materialised* means that a fence is attached, *signalled* that it is done. A release materialises when its last user
//! is known, long before that user is done: the client's GPU can queue behind it at once.
//!
//! # Two kinds of errors
//!
//! A call that fails is a [`CallError`]: call, object, errno. A fence that fails is a [`FenceError`], a value and not
//! an `Err`: the call that found out succeeded. They never become each other.
//!
//! # Example
//!
//! Needs sw_sync (debugfs, root), which makes fences that software signals:
//!
//! ```no_run
//! use fence::{Acquire, AcquireState, SwTimeline, WaitSet};
//!
//! # fn main() -> Result<(), fence::CallError> {
//! let timeline = SwTimeline::open()?;
//! let mut acquire = Acquire::from_sync_file(timeline.fence(1, "render")?, fence::now());
//! assert_eq!(acquire.advance()?, AcquireState::Pending);
//! assert_eq!(acquire.driver(), Some("sw_sync"));
//!
//! // One epoll for all that is pending; it says which token is ready.
//! let set = WaitSet::new()?;
//! if let Some(fd) = acquire.wait_fd() {
//!     set.add(fd, 42)?;
//! }
//! let mut tokens = [0; 16];
//! assert_eq!(set.wait(&mut tokens, Some(0))?, 0);
//!
//! timeline.inc(1)?; // the GPU is done
//! assert_eq!(set.wait(&mut tokens, Some(0))?, 1);
//! assert_eq!(tokens[0], 42);
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
//! Functions that take an `OwnedFd` or a [`SyncFile`] by value close it in time; what they borrow stays the caller's; what
//! they return is the caller's. All are close-on-exec.
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
//! | `release.rs`, `message.rs`, `retry.rs` | from the last user back to the client |
//! | `report.rs` | watchdog and introspection |
//! | [`wait`], [`source`] | event loops |
//! | `sw_sync.rs`, `vgem.rs` | fences for tests |
#![warn(missing_docs)]

mod acquire;
mod device;
mod error;
pub mod faults;
mod few;
mod handoff;
mod held;
pub mod implicit;
mod info;
mod ioctl;
pub mod kernel;
mod message;
pub mod model;
mod predictor;
mod release;
mod report;
mod retry;
pub mod source;
mod sw_sync;
pub mod sync_file;
pub mod timeline;
mod uapi;
mod vgem;
pub mod wait;

pub use acquire::{Acquire, AcquireState};
pub use device::{Caps, SyncDevice};
pub use error::{CallError, FenceError, Missing, Object};
pub use handoff::HandOff;
pub use info::{FenceInfo, Info, Name, Status, Summary};
pub use message::ReleaseMessage;
pub use predictor::Predictor;
pub use release::{Completed, Kind, Release, Use, User};
pub use report::{AcquireReport, Overdue, ReleaseReport};
pub use retry::Retries;
pub use sw_sync::{SW_SYNC_PATH, SwTimeline};
pub use sync_file::{Merged, SyncFile};
pub use timeline::{Added, Payload, Point, Timeline, Until, wait_points};
pub use vgem::{VgemBuffer, VgemFence};
pub use wait::{WaitSet, wait_any};

/// Nanoseconds. Points in time are of CLOCK_MONOTONIC.
pub type Ns = u64;

/// The time: CLOCK_MONOTONIC. A system call where there is no vDSO; take it once a wake-up, not once a fence.
pub fn now() -> Ns {
    ioctl::clock_monotonic()
}
