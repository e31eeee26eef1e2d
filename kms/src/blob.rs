//! Property blobs: data that a property refers to by id.

use std::os::fd::BorrowedFd;

use drm_ffi::mode;

use crate::id::BlobId;
use crate::{CallError, Device};

/// A property blob; destroyed on drop. State that uses it keeps it alive in the kernel.
#[derive(Debug)]
pub struct Blob {
    device: Device,
    id: BlobId,
}

impl Blob {
    /// Gives `data` to the kernel. Errors: ENOMEM, EINVAL (empty).
    pub fn new(device: &Device, data: &[u8]) -> Result<Self, CallError> {
        let id = device.kernel().create_blob(data);
        let id = id.map_err(|errno| device.errno("DRM_IOCTL_MODE_CREATEPROPBLOB", errno))?;
        Ok(Self { device: device.clone(), id })
    }

    /// Its id.
    pub fn id(&self) -> BlobId {
        self.id
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if let Err(errno) = self.device.kernel().destroy_blob(self.id) {
            tracing::debug!(blob = self.id.raw(), %errno, "DRM_IOCTL_MODE_DESTROYPROPBLOB");
        }
    }
}

/// The content of a blob; `None` for one that is gone.
pub(crate) fn read(fd: BorrowedFd<'_>, id: BlobId) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    mode::get_property_blob(fd, id.raw(), Some(&mut data)).ok()?;
    Some(data)
}
