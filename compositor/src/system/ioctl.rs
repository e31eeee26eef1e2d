//! Entry points of EGL and GBM, the scheduler, sockets that another part of the process owns, and what
//! a new process does before it is a program. With the GL calls of `render::software`, and
//! `system::recvmsg`, the only `unsafe` code of this crate.
#![allow(unsafe_code)]

use std::{
    io::IoSliceMut,
    os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use gbm::AsRaw;
use rustix::{
    event::epoll,
    net::{RecvAncillaryBuffer, RecvFlags, recvmsg},
};
use smithay::backend::{
    allocator::gbm::{GbmBuffer, GbmDevice},
    drm::DrmDeviceFd,
    egl::{EGLContext, EGLDisplay, Error},
    renderer::gles::{Capability, GlesError, GlesRenderer},
};

/// An EGL display on a GBM device.
pub fn egl_display(gbm: GbmDevice<DrmDeviceFd>) -> Result<EGLDisplay, Error> {
    // SAFETY: the GBM device is owned by the display from here on and outlives it.
    unsafe { EGLDisplay::new(gbm) }
}

/// A renderer on a context that nothing else uses. Without Smithay's fences for textures that
/// several contexts share: each of them ends a pass on the CPU (llvmpipe flushes at every fence),
/// and the commands of one context are in order without them.
pub fn gles_renderer(context: EGLContext) -> Result<GlesRenderer, GlesError> {
    // SAFETY: the context was made for this renderer alone and is current on no other thread.
    let supported = unsafe { GlesRenderer::supported_capabilities(&context) }?;
    let wanted = supported.into_iter().filter(|capability| *capability != Capability::Fencing);
    // SAFETY: as above.
    unsafe { GlesRenderer::with_capabilities(context, wanted) }
}

/// A buffer object that stays mapped. Software GL maps what it renders to in every pass, unless it
/// is mapped already.
pub struct MappedBuffer {
    buffer: GbmBuffer,
    /// What the driver needs to unmap it.
    data: *mut libc::c_void,
}

// SAFETY: the mapping is not bound to the thread that made it, and nothing reads or writes it here.
unsafe impl Send for MappedBuffer {}

impl MappedBuffer {
    /// Maps the whole buffer for reading and writing; if that fails, the buffer is returned.
    pub fn new(buffer: GbmBuffer) -> Result<Self, GbmBuffer> {
        let (mut data, mut stride) = (std::ptr::null_mut(), 0);
        let flags = gbm_sys::gbm_bo_transfer_flags::GBM_BO_TRANSFER_READ_WRITE;
        let object = buffer.as_raw().cast_mut();
        // SAFETY: the buffer object is alive, the rectangle is all of it, and both pointers outlive
        // the call.
        let mapped = unsafe {
            let (width, height) = (gbm_sys::gbm_bo_get_width(object), gbm_sys::gbm_bo_get_height(object));
            gbm_sys::gbm_bo_map(object, 0, 0, width, height, flags, &mut stride, &mut data)
        };
        if mapped.is_null() { Err(buffer) } else { Ok(Self { buffer, data }) }
    }
}

impl Drop for MappedBuffer {
    fn drop(&mut self) {
        // SAFETY: `data` is of the mapping that `new` made of this object, which is still alive.
        unsafe { gbm_sys::gbm_bo_unmap(self.buffer.as_raw().cast_mut(), self.data) }
    }
}

/// Sets the scheduling policy (with flags) and priority of the calling thread:
/// `sched_setscheduler(2)`.
pub fn set_scheduler(policy: i32, priority: i32) -> std::io::Result<()> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: `param` outlives the call, which only reads it; 0 is the calling thread.
    match unsafe { libc::sched_setscheduler(0, policy, &param) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Receives from `fd`, which another part of the process owns: it must be open. Does not wait.
pub fn receive(fd: RawFd, room: &mut [u8], control: &mut RecvAncillaryBuffer<'_>) -> rustix::io::Result<usize> {
    // SAFETY: the caller knows that `fd` is open, and it is not kept.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    Ok(recvmsg(fd, &mut [IoSliceMut::new(room)], control, flags)?.bytes)
}

/// Has `epoll`, of which `fd` is a member, look at it for something else. Another part of the
/// process owns `fd`: it must be open.
pub fn watch(epoll: impl AsFd, fd: RawFd, data: epoll::EventData, flags: epoll::EventFlags) -> rustix::io::Result<()> {
    // SAFETY: the caller knows that `fd` is open, and it is not kept.
    epoll::modify(epoll, unsafe { BorrowedFd::borrow_raw(fd) }, data, flags)
}

/// The second of the day, in the time zone of this machine; 0 if nobody knows.
pub fn second_of_day() -> u32 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    // SAFETY: a structure of numbers and of a pointer that may be null.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both live until the call returns, and nothing of this process changes its environment meanwhile.
    let known = unsafe { !libc::localtime_r(&now, &mut local).is_null() };
    let second = local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec;
    if known { second.clamp(0, 86_399).unsigned_abs() } else { 0 }
}

/// What the allocator has given out and not got back, in bytes, and what it has taken from the kernel
/// for that. Only the GNU library says so. Takes each arena's lock and walks its free lists.
pub fn heap() -> Option<(usize, usize)> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: the call has no arguments and fills a structure of numbers.
        let heap = unsafe { libc::mallinfo2() };
        Some((heap.uordblks + heap.hblkhd, heap.arena + heap.hblkhd))
    }
    #[cfg(not(target_env = "gnu"))]
    None
}

/// Gives the memory that the allocator keeps and nobody uses back to the kernel. Only the GNU library
/// keeps some that it can give back.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call takes the allocator's locks and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Takes a descriptor that this process was started with, and that nothing in it has taken yet: whoever has
/// started it says its number on the command line. Programs that this process starts do not get it. Error: there
/// is none, or it is one of the three of every process.
pub fn inherited(fd: RawFd) -> rustix::io::Result<OwnedFd> {
    if fd < 3 {
        return Err(rustix::io::Errno::BADF);
    }
    // SAFETY: the descriptor is not kept; one that is not open is the error.
    let flags = rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) })?;
    if flags.contains(rustix::io::FdFlags::CLOEXEC) {
        // Not from another process: something in this one owns it.
        return Err(rustix::io::Errno::BADF);
    }
    // SAFETY: it is open, and came into this process with its start: all that this process opens has
    // CLOEXEC, so nothing else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// Has `act` done in the new process before `command` is executed there. `act` may make system calls
/// and nothing else: no allocation, no lock.
pub fn before_exec(
    command: &mut std::process::Command,
    act: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static,
) {
    use std::os::unix::process::CommandExt;
    // SAFETY: `act` does only what is allowed between fork and exec; its callers know that.
    unsafe { command.pre_exec(act) };
}
