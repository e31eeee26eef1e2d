//! What the session has counted since its start, for `syncline msg status`.

/// What happened so far.
#[derive(Debug, Default, Clone, serde::Serialize)]
pub struct Counters {
    /// Frames that reached a screen.
    pub frames: u64,
    /// Vblanks by which frames came later than they were latched for.
    pub missed: u64,
    /// The same, by who was late.
    pub missed_by: crate::schedule::Misses,
    /// Atomic commits that the kernel refused.
    pub refused_commits: u64,
    /// Frames whose render pass failed on the GPU.
    pub failed_passes: u64,
    /// Frames that showed a client's buffer on a plane without rendering.
    pub direct_frames: u64,
    /// Acquire fences waited for.
    pub acquires_waited: u64,
    /// Acquire fences handed to the display or the GPU while pending.
    pub acquires_handed_over: u64,
    /// Acquire fences that took longer than the watchdog allows.
    pub watchdog_hits: u64,
    /// Heap allocations from latch to commit and at the flip, messages to clients apart; counted only in builds for it.
    pub frame_allocations: u64,
    /// Commits that a V4L2 converter was given.
    pub mem2mem_commits: u64,
    /// CRCs equal to the prediction.
    pub crc_equal: u64,
    /// CRCs different from the prediction.
    pub crc_different: u64,
    /// CRCs different from the prediction that came after the frame had been replaced: no proof of anything.
    pub crc_ambiguous: u64,
    /// Frames whose CRC did not arrive.
    pub crc_unread: u64,
}
