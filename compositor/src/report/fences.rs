//! `syncline msg fences`: what every surface waits for, which buffers are not released and why, and
//! which fences were overdue.
//!
//! Made on request, from what the surfaces and outputs keep anyway. It changes no state and waits
//! for nothing. The names of the fields are part of the interface of `--json` (docs/fences.md).
//! Times are nanoseconds of CLOCK_MONOTONIC, durations are nanoseconds.

use kms::PlaneId;
use serde::{Deserialize, Serialize};

use crate::system::id::SurfaceId;

/// The whole answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FencesReport {
    /// The time of the report.
    pub now_ns: u64,
    /// Acquire fences that have not signalled, oldest commit first.
    pub acquires: Vec<PendingAcquire>,
    /// Buffers that are not released, oldest commit first.
    pub buffers: Vec<UnreleasedBuffer>,
    /// The watchdog's limit in milliseconds.
    pub watchdog_ms: u64,
    /// Watchdog hits since the start.
    pub watchdog_hits: u64,
    /// The latest hits, oldest first; at most [`crate::report::watchdog::RECENT`].
    pub recent_hits: Vec<WatchdogHit>,
}

/// The owner of a fence or buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The number of the surface in the trace and the log.
    pub surface: SurfaceId,
    /// The number of the surface's `wl_surface.commit`, counted from 1.
    pub commit: u64,
    /// The process id of the client; absent once the surface is gone.
    pub client_pid: Option<i32>,
    /// The name of the client's process, from `/proc/PID/comm`.
    pub client_name: Option<String>,
}

/// An acquire fence that has not signalled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingAcquire {
    #[serde(flatten)]
    pub owner: Owner,
    /// `unmaterialised` (the point has no fence) or `pending` (it has one).
    pub state: String,
    /// The time since the commit.
    pub age_ns: u64,
    /// The driver of the fence; empty until it has materialised.
    pub driver: String,
    /// The timeline of the fence, as its driver names it.
    pub timeline: String,
    /// The value of the acquire point, if the acquire is one.
    pub point: Option<u64>,
    /// When the surface's history predicts the signal, relative to now: negative if that time has
    /// passed, absent without a history.
    pub predicted_in_ns: Option<i64>,
    /// What happens next: see [`WaitsFor`].
    pub waits_for: WaitsFor,
    /// How often the client has taken the point back.
    pub taken_back: u32,
}

/// What a pending acquire waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// For the client to submit the work.
    Submit,
    /// For the fence, in the event loop; the surface keeps its last content.
    Signal,
    /// For the commit of the parent: the surface is a synchronised sub-surface.
    Parent,
    /// For the next latch, which may hand the fence over to the hardware.
    Latch,
    /// The hardware has the fence and waits for it.
    Hardware,
}

/// A buffer that is not released to its client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnreleasedBuffer {
    #[serde(flatten)]
    pub owner: Owner,
    /// The number of the buffer in the trace.
    pub buffer: u64,
    /// How it will be released: `point`, `fence`, `implicit` or `wl_buffer`, as in the trace.
    pub kind: String,
    /// The value of the release point.
    pub point: Option<u64>,
    /// The time since the commit.
    pub age_ns: u64,
    /// What still uses the buffer.
    pub users: Vec<BufferUser>,
}

/// A user of a buffer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "use", rename_all = "snake_case")]
pub enum BufferUser {
    /// Its acquire fence, which has not signalled.
    Acquire,
    /// The surface, which shows it until a newer commit replaces it.
    Surface,
    /// A plane, which shows it.
    Plane {
        /// The connector.
        output: String,
        /// The DRM object id of the plane.
        plane: PlaneId,
        /// `primary`, `overlay` or `cursor`.
        plane_kind: String,
    },
    /// The buffer is not on a plane any more; the display reads it until the flip of `frame`.
    UntilFlip { output: String, frame: u64 },
    /// A render pass, which samples the buffer: its fence is pending.
    Render,
    /// The same of one that captures it for a client.
    Capture,
    /// The prediction of a frame's CRC.
    Crc {
        /// The connector, while the frame is in flight.
        output: Option<String>,
    },
    /// A commit of the client that is applied together with other commits.
    Transaction,
}

/// The watchdog's report on one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchdogHit {
    /// The time of the report.
    pub at_ns: u64,
    #[serde(flatten)]
    pub owner: Owner,
    /// The request that carried the fence.
    pub request: String,
    /// `unmaterialised` or `pending`.
    pub state: String,
    /// The age of the acquire.
    pub age_ns: u64,
    pub driver: String,
    pub timeline: String,
    pub point: Option<u64>,
    /// The same as a sentence, with the state of the client's syncobj.
    pub report: String,
}
