//! `syncline msg fences`: what every surface waits for, which buffers are not released and why, and whose fence was
//! overdue.
//!
//! Made when asked for, out of what the surfaces and outputs keep anyway. It changes no state, and waits for nothing.
//! The names of the fields are part of the interface of `--json` (docs/fences.md); times are nanoseconds of
//! CLOCK_MONOTONIC, or spans of it.

use serde::{Deserialize, Serialize};

use crate::system::id::SurfaceId;

/// The whole answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FencesReport {
    /// When it was made.
    pub now_ns: u64,
    /// Acquire fences that have not signalled, oldest commit first.
    pub acquires: Vec<PendingAcquire>,
    /// Buffers that their clients do not have back, oldest commit first.
    pub buffers: Vec<UnreleasedBuffer>,
    /// The watchdog's limit in milliseconds.
    pub watchdog_ms: u64,
    /// Watchdog hits since the start.
    pub watchdog_hits: u64,
    /// The last of them, oldest first; at most [`crate::report::watchdog::RECENT`].
    pub recent_hits: Vec<WatchdogHit>,
}

/// Whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The surface, as in the trace and the log.
    pub surface: SurfaceId,
    /// The surface's `wl_surface.commit`, counted from 1.
    pub commit: u64,
    /// Process of the client; absent once the surface is gone.
    pub client_pid: Option<i32>,
    /// Its name, from `/proc/PID/comm`.
    pub client_name: Option<String>,
}

/// An acquire fence that has not signalled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingAcquire {
    #[serde(flatten)]
    pub owner: Owner,
    /// `unmaterialised` (the point has no fence) or `pending` (it has one).
    pub state: String,
    /// Since the commit.
    pub age_ns: u64,
    /// Driver of the fence; empty before it has materialised.
    pub driver: String,
    /// Timeline of the fence, by its driver's name for it.
    pub timeline: String,
    /// Value of the acquire point, if it came as one.
    pub point: Option<u64>,
    /// When the surface's past lets expect the signal, relative to now: negative if that is over; absent without a past.
    pub predicted_in_ns: Option<i64>,
    /// What happens next: see [`WaitsFor`].
    pub waits_for: WaitsFor,
    /// How often the client took the point back.
    pub taken_back: u32,
}

/// What a pending acquire waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The client has not submitted the work.
    Submit,
    /// Its fence, in the event loop; the surface keeps its last picture.
    Signal,
    /// The next latch, which may hand the fence to the hardware.
    Latch,
    /// The hardware has the fence and waits itself.
    Hardware,
}

/// A buffer that its client does not have back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnreleasedBuffer {
    #[serde(flatten)]
    pub owner: Owner,
    /// The buffer, as in the trace.
    pub buffer: u64,
    /// How it will be released: `point`, `fence`, `implicit` or `wl_buffer`, as in the trace.
    pub kind: String,
    /// Value of the release point.
    pub point: Option<u64>,
    /// Since the commit.
    pub age_ns: u64,
    /// Who keeps it.
    pub users: Vec<BufferUser>,
}

/// Somebody who keeps a buffer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "use", rename_all = "snake_case")]
pub enum BufferUser {
    /// Its acquire fence has not signalled.
    Acquire,
    /// It is what the surface shows, until a newer commit replaces it.
    Surface,
    /// A plane shows it.
    Plane {
        /// Connector.
        output: String,
        /// DRM object id.
        plane: u32,
        /// `primary`, `overlay` or `cursor`.
        plane_kind: String,
    },
    /// It is off the planes; the display reads it until the flip of `frame`.
    UntilFlip { output: String, frame: u64 },
    /// A render pass samples it: its fence is pending.
    Render,
    /// The CRC of a frame is being predicted from it.
    Crc {
        /// Connector, while the frame is on its way.
        output: Option<String>,
    },
    /// A commit of the client that is applied together with others.
    Transaction,
}

/// The watchdog's report on one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchdogHit {
    /// When it was reported.
    pub at_ns: u64,
    #[serde(flatten)]
    pub owner: Owner,
    /// The request that brought the fence.
    pub request: String,
    /// `unmaterialised` or `pending`.
    pub state: String,
    /// How old the acquire was.
    pub age_ns: u64,
    pub driver: String,
    pub timeline: String,
    pub point: Option<u64>,
    /// The same in a sentence, with what the client's syncobj held.
    pub report: String,
}
