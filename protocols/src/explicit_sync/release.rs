//! [`BufferRelease`]: the one event of a `zwp_linux_buffer_release_v1`, sent exactly once.
//!
//! It does not know when a buffer is free: [`fence::Release`] does, and sends it.

use std::{
    os::fd::BorrowedFd,
    sync::atomic::{AtomicBool, Ordering},
};

use fence::ReleaseMessage;
use rustix::io::Errno;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::zwp_linux_buffer_release_v1::ZwpLinuxBufferReleaseV1;
use wayland_server::Resource;

/// A client's request to hear when one commit's buffer is free. It sends `fenced_release` or
/// `immediate_release`, which ends the object. If it is dropped before, because the commit was
/// never made or its buffer never read, it sends `immediate_release`.
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
            // The connection duplicates the descriptor, and ends the client if it cannot: try it
            // first.
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
