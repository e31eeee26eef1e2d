//! The counters of the session since its start, for `syncline msg status`.

/// The counters of the session.
#[derive(Debug, Default, Clone, serde::Serialize)]
pub struct Counters {
    /// Frames that reached a screen.
    pub frames: u64,
    /// The number of vblanks by which frames were late.
    pub missed: u64,
    /// The same number, by cause.
    pub missed_by: crate::schedule::Misses,
    /// Atomic commits that the kernel refused.
    pub refused_commits: u64,
    /// Frames that were made later because another display of the card had a commit in flight, and
    /// the driver would have slept until that was on the screen.
    pub put_off_frames: u64,
    /// Frames whose render pass failed on the GPU.
    pub failed_passes: u64,
    /// Frames that showed a client's buffer on a plane without rendering.
    pub direct_frames: u64,
    /// Acquire fences that were waited for.
    pub acquires_waited: u64,
    /// Acquire fences that were handed over to the display or the GPU while pending.
    pub acquires_handed_over: u64,
    /// Acquire fences that were pending for longer than the limit of the watchdog.
    pub watchdog_hits: u64,
    /// Heap allocations from latch to commit and at the flip, without messages to clients. Counted
    /// only in builds with `count-allocations`.
    pub frame_allocations: u64,
    /// How often the scene of an output was built from the desktop, because more than a surface's
    /// content had changed.
    pub walks: u64,
    /// How many surfaces and layers the frames have looked at: what was walked, described, assigned
    /// and compared. A frame in which only contents have changed looks at these alone.
    pub visited: u64,
    /// Pictures that displays have put into clients' buffers while they scanned them out.
    pub written_pictures: u64,
    /// Commits that were converted by a V4L2 device.
    pub mem2mem_commits: u64,
    /// CRCs equal to the prediction.
    pub crc_equal: u64,
    /// CRCs different from the prediction.
    pub crc_different: u64,
    /// CRCs that differ from the prediction but arrived after the frame had been replaced: they
    /// prove nothing.
    pub crc_ambiguous: u64,
    /// Frames whose CRC did not arrive.
    pub crc_unread: u64,
}
