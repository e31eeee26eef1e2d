//! [`BufferRelease`]: the one event of a `zwp_linux_buffer_release_v1`, sent exactly once.
//!
//! It does not know when a buffer is free: [`fence::Release`] does, and calls it.

use std::{
    os::fd::BorrowedFd,
    sync::atomic::{AtomicBool, Ordering},
};

use fence::ReleaseMessage;
use rustix::io::Errno;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::zwp_linux_buffer_release_v1::ZwpLinuxBufferReleaseV1;
use wayland_server::Resource;

/// A client's wish to be told when one commit's buffer is free: `fenced_release` or `immediate_release`, after which the
/// object is gone. Dropped unsent, because the commit was never made or its buffer never read, it is immediate.
#[derive(Debug)]
pub struct BufferRelease {
    object: ZwpLinuxBufferReleaseV1,
    sent: AtomicBool,
}

impl BufferRelease {
    pub(super) fn new(object: ZwpLinuxBufferReleaseV1) -> Self {
        Self { object, sent: AtomicBool::new(false) }
    }
}

impl ReleaseMessage for BufferRelease {
    fn send(&self, fence: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        if let Some(fence) = fence.filter(|_| self.object.is_alive()) {
            // The connection duplicates the descriptor, and takes it as the client's end if it cannot: ask first.
            rustix::io::fcntl_dupfd_cloexec(fence, 0)?;
            self.object.fenced_release(fence);
        } else {
            self.object.immediate_release();
        }
        self.sent.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for BufferRelease {
    fn drop(&mut self) {
        if !*self.sent.get_mut() {
            self.object.immediate_release();
        }
    }
}
