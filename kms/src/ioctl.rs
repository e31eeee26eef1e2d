//! The KMS ioctls that `drm-ffi` lacks or narrows: one thin function each.
//!
//! Nothing here decides anything: borrowed descriptors go in, owned ones come out, errnos pass
//! through.
#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};

use drm_sys::{drm_crtc_get_sequence, drm_mode_atomic, drm_mode_closefb, drm_mode_create_blob};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

use crate::id::{BlobId, CrtcId, FramebufferId};
use crate::request::{MAX_OUT_FENCES, Request};

/// `DRM_IOCTL_BASE`.
const BASE: u8 = b'd';

/// `DRM_IOCTL_MODE_ATOMIC` with user data, which `drm-ffi` leaves out.
///
/// For each out-fence of the request the value at its index is replaced, during the call, by the
/// address of a number that the kernel fills; on success the descriptors are put into the request,
/// whose owner closes them.
pub(crate) fn atomic(fd: BorrowedFd<'_>, flags: u32, user_data: u64, request: &mut Request) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<drm_mode_atomic>(BASE, 0xbc);
    let Request { objects, counts, props, values, fences } = request;
    let wanted: usize = counts.iter().map(|&count| count as usize).sum();
    if objects.len() != counts.len() || wanted != props.len() || props.len() != values.len() {
        return Err(Errno::INVAL);
    }
    if fences.len() > MAX_OUT_FENCES || fences.iter().any(|fence| fence.value_index >= values.len()) {
        return Err(Errno::INVAL);
    }
    let mut slots = [-1i32; MAX_OUT_FENCES];
    let first = (&raw mut slots).cast::<i32>();
    for (at, fence) in fences.iter().enumerate() {
        values[fence.value_index] = first.wrapping_add(at) as u64;
    }
    let mut call = drm_mode_atomic {
        flags,
        count_objs: objects.len() as u32,
        objs_ptr: objects.as_ptr() as u64,
        count_props_ptr: counts.as_ptr() as u64,
        props_ptr: props.as_ptr() as u64,
        prop_values_ptr: values.as_ptr() as u64,
        user_data,
        ..Default::default()
    };
    // SAFETY: the four arrays are as long as the counts say (checked above), are of plain numbers
    // (ids are transparent) and are only read; the only addresses among the values are those of `slots`, which live until the end of this
    // function (requests are filled in this crate alone).
    let result = unsafe { ioctl(fd, Updater::<OP, _>::new(&mut call)) };
    for (at, fence) in fences.iter_mut().enumerate() {
        values[fence.value_index] = 0;
        // SAFETY: `at` < MAX_OUT_FENCES; volatile because the kernel wrote through an address in an
        // integer.
        let raw = unsafe { first.add(at).read_volatile() };
        // SAFETY: on success a number that is not negative is a descriptor that the kernel has just
        // installed for us.
        fence.fd = (result.is_ok() && raw >= 0).then(|| unsafe { OwnedFd::from_raw_fd(raw) });
    }
    result
}

/// `DRM_IOCTL_MODE_CLOSEFB` (Linux 6.8): drops our reference; planes that show the framebuffer keep
/// it.
pub(crate) fn close_fb(fd: BorrowedFd<'_>, id: FramebufferId) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<drm_mode_closefb>(BASE, 0xd0);
    let mut request = drm_mode_closefb { fb_id: id.raw(), pad: 0 };
    // SAFETY: the kernel reads one `struct drm_mode_closefb`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut request)) }
}

/// `DRM_IOCTL_MODE_CREATEPROPBLOB` without the copy that `drm-ffi`'s mutable slice asks for.
pub(crate) fn create_blob(fd: BorrowedFd<'_>, data: &[u8]) -> Result<BlobId, Errno> {
    const OP: Opcode = opcode::read_write::<drm_mode_create_blob>(BASE, 0xbd);
    let length = u32::try_from(data.len()).map_err(|_| Errno::INVAL)?;
    let mut request = drm_mode_create_blob { data: data.as_ptr() as u64, length, ..Default::default() };
    // SAFETY: the kernel reads `length` bytes at `data`, which are borrowed, and writes `blob_id`
    // into the struct.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut request)) }?;
    Ok(BlobId::from_raw(request.blob_id))
}

/// `DRM_IOCTL_CRTC_GET_SEQUENCE`: EINVAL while the CRTC has no vblanks, EOPNOTSUPP where the driver
/// has none at all.
pub(crate) fn crtc_sequence(fd: BorrowedFd<'_>, crtc: CrtcId) -> Result<drm_crtc_get_sequence, Errno> {
    const OP: Opcode = opcode::read_write::<drm_crtc_get_sequence>(BASE, 0x3b);
    let mut request = drm_crtc_get_sequence { crtc_id: crtc.raw(), ..Default::default() };
    // SAFETY: the kernel reads and writes one `struct drm_crtc_get_sequence`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut request)) }?;
    Ok(request)
}

/// `DRM_IOCTL_PRIME_HANDLE_TO_FD`: a dma-buf of a GEM handle, readable and writable. The caller
/// owns it.
pub(crate) fn prime_export(fd: BorrowedFd<'_>, handle: u32) -> Result<OwnedFd, Errno> {
    let flags = drm_sys::DRM_CLOEXEC | drm_sys::DRM_RDWR;
    let prime = drm_ffi::gem::handle_to_fd(fd, handle, flags);
    let prime = prime.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    // SAFETY: the kernel has just installed this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(prime.fd) })
}
