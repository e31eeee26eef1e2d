//! The only `unsafe` code of this crate: entry points of EGL, and the scheduler.
#![allow(unsafe_code)]

use smithay::backend::{
    allocator::gbm::GbmDevice,
    drm::DrmDeviceFd,
    egl::{EGLContext, EGLDisplay, Error},
    renderer::gles::{GlesError, GlesRenderer},
};

/// An EGL display on a GBM device.
pub fn egl_display(gbm: GbmDevice<DrmDeviceFd>) -> Result<EGLDisplay, Error> {
    // SAFETY: the GBM device is owned by the display from here on and outlives it.
    unsafe { EGLDisplay::new(gbm) }
}

/// A renderer on a context that nothing else uses.
pub fn gles_renderer(context: EGLContext) -> Result<GlesRenderer, GlesError> {
    // SAFETY: the context was made for this renderer alone and is current on no other thread.
    unsafe { GlesRenderer::new(context) }
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
