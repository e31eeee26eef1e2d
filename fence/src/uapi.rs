//! The structures of the ioctls, as the kernel's headers have them.
//!
//! Layouts only: no numbers, no functions. Sources are named in `ioctl.rs`.

/// `struct sync_fence_info`: one fence of a sync_file.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawFence {
    /// Name of the fence's timeline, NUL-terminated.
    pub timeline: [u8; 32],
    /// Name of the driver that made the fence, NUL-terminated.
    pub driver: [u8; 32],
    /// 0 active, 1 signalled, negative: signalled with that error.
    pub status: i32,
    /// Reserved, 0.
    pub flags: u32,
    /// CLOCK_MONOTONIC nanoseconds of the signal, 0 while active.
    pub timestamp_ns: u64,
}

impl RawFence {
    /// An entry for the kernel to fill.
    pub const EMPTY: RawFence = RawFence { timeline: [0; 32], driver: [0; 32], status: 0, flags: 0, timestamp_ns: 0 };
}

/// `struct sync_file_info`, less the pointer.
#[derive(Clone, Copy, Debug)]
pub struct RawFile {
    /// Name of the sync_file, NUL-terminated.
    pub name: [u8; 32],
    /// Status over all fences, as the kernel computes it. Wrong for containers, see `sync_file`.
    pub status: i32,
    /// How many fences there are.
    pub fences: u32,
}

#[repr(C)]
pub(crate) struct SyncFileInfo {
    pub(crate) name: [u8; 32],
    pub(crate) status: i32,
    pub(crate) flags: u32,
    pub(crate) num_fences: u32,
    pub(crate) pad: u32,
    pub(crate) fence_info: u64,
}

#[repr(C)]
pub(crate) struct SyncMerge {
    pub(crate) name: [u8; 32],
    pub(crate) fd2: i32,
    pub(crate) fence: i32,
    pub(crate) flags: u32,
    pub(crate) pad: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SyncDeadline {
    pub(crate) deadline_ns: u64,
    pub(crate) pad: u64,
}

#[repr(C)]
pub(crate) struct DmaBufSyncFile {
    pub(crate) flags: u32,
    pub(crate) fd: i32,
}

#[repr(C)]
pub(crate) struct GetCap {
    pub(crate) capability: u64,
    pub(crate) value: u64,
}

#[repr(C)]
pub(crate) struct SyncobjCreate {
    pub(crate) handle: u32,
    pub(crate) flags: u32,
}

#[repr(C)]
pub(crate) struct SyncobjDestroy {
    pub(crate) handle: u32,
    pub(crate) pad: u32,
}

/// With the point that Linux 6.16 appended. Older kernels copy the first 16 bytes and refuse the
/// TIMELINE flag.
#[repr(C)]
pub(crate) struct SyncobjHandle {
    pub(crate) handle: u32,
    pub(crate) flags: u32,
    pub(crate) fd: i32,
    pub(crate) pad: u32,
    pub(crate) point: u64,
}

#[repr(C)]
pub(crate) struct SyncobjTransfer {
    pub(crate) src_handle: u32,
    pub(crate) dst_handle: u32,
    pub(crate) src_point: u64,
    pub(crate) dst_point: u64,
    pub(crate) flags: u32,
    pub(crate) pad: u32,
}

#[repr(C)]
pub(crate) struct SyncobjTimelineWait {
    pub(crate) handles: u64,
    pub(crate) points: u64,
    pub(crate) timeout_nsec: i64,
    pub(crate) count_handles: u32,
    pub(crate) flags: u32,
    pub(crate) first_signaled: u32,
    pub(crate) pad: u32,
    pub(crate) deadline_nsec: u64,
}

#[repr(C)]
pub(crate) struct SyncobjEventfd {
    pub(crate) handle: u32,
    pub(crate) flags: u32,
    pub(crate) point: u64,
    pub(crate) fd: i32,
    pub(crate) pad: u32,
}

#[repr(C)]
pub(crate) struct SyncobjArray {
    pub(crate) handles: u64,
    pub(crate) count_handles: u32,
    pub(crate) pad: u32,
}

#[repr(C)]
pub(crate) struct SyncobjTimelineArray {
    pub(crate) handles: u64,
    pub(crate) points: u64,
    pub(crate) count_handles: u32,
    pub(crate) flags: u32,
}

#[repr(C)]
pub(crate) struct SwSyncCreate {
    pub(crate) value: u32,
    pub(crate) name: [u8; 32],
    pub(crate) fence: i32,
}

#[repr(C)]
pub(crate) struct SwSyncDeadline {
    pub(crate) deadline_ns: u64,
    pub(crate) pad: u32,
    pub(crate) fence_fd: i32,
}

#[repr(C)]
pub(crate) struct VgemAttach {
    pub(crate) handle: u32,
    pub(crate) flags: u32,
    pub(crate) out_fence: u32,
    pub(crate) pad: u32,
}

#[repr(C)]
pub(crate) struct VgemSignal {
    pub(crate) fence: u32,
    pub(crate) flags: u32,
}

#[repr(C)]
pub(crate) struct CreateDumb {
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) bpp: u32,
    pub(crate) flags: u32,
    pub(crate) handle: u32,
    pub(crate) pitch: u32,
    pub(crate) size: u64,
}

#[repr(C)]
pub(crate) struct PrimeHandle {
    pub(crate) handle: u32,
    pub(crate) flags: u32,
    pub(crate) fd: i32,
}

#[repr(C)]
pub(crate) struct GemClose {
    pub(crate) handle: u32,
    pub(crate) pad: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes as the kernel's headers have them: they are part of the ioctl numbers.
    #[test]
    fn structures_have_the_kernel_s_sizes() {
        let table = [
            ("sync_fence_info", size_of::<RawFence>(), 80),
            ("sync_file_info", size_of::<SyncFileInfo>(), 56),
            ("sync_merge_data", size_of::<SyncMerge>(), 48),
            ("sync_set_deadline", size_of::<SyncDeadline>(), 16),
            ("dma_buf_export_sync_file", size_of::<DmaBufSyncFile>(), 8),
            ("drm_syncobj_handle", size_of::<SyncobjHandle>(), 24),
            ("drm_syncobj_transfer", size_of::<SyncobjTransfer>(), 32),
            ("drm_syncobj_timeline_wait", size_of::<SyncobjTimelineWait>(), 48),
            ("drm_syncobj_eventfd", size_of::<SyncobjEventfd>(), 24),
            ("drm_syncobj_array", size_of::<SyncobjArray>(), 16),
            ("drm_syncobj_timeline_array", size_of::<SyncobjTimelineArray>(), 24),
            ("sw_sync_create_fence_data", size_of::<SwSyncCreate>(), 40),
            ("sw_sync_get_deadline", size_of::<SwSyncDeadline>(), 16),
            ("drm_mode_create_dumb", size_of::<CreateDumb>(), 32),
        ];
        for (name, size, expected) in table {
            assert_eq!(size, expected, "{name}");
        }
    }
}
