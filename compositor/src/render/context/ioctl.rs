//! EGL and GL calls that Smithay has no function for.
#![allow(unsafe_code, reason = "the one file of this module that calls into C")]

use std::os::raw::c_void;

use smithay::backend::{
    egl::{EGLContext, EGLDisplay, context::ContextPriority, ffi::egl},
    renderer::gles::{GlesRenderer, ffi},
};

/// A context that is destroyed with this, after its renderer.
#[derive(Debug)]
pub struct OwnContext {
    display: *const c_void,
    context: *const c_void,
}

// SAFETY: the handles are only used to destroy the context, from whichever thread has the renderer.
unsafe impl Send for OwnContext {}

impl Drop for OwnContext {
    fn drop(&mut self) {
        // SAFETY: the display outlives this (see `Gles`), and the renderer that used the context is
        // gone.
        unsafe {
            if egl::GetCurrentContext() == self.context {
                egl::MakeCurrent(self.display, egl::NO_SURFACE, egl::NO_SURFACE, egl::NO_CONTEXT);
            }
            egl::DestroyContext(self.display, self.context);
        }
    }
}

/// An OpenGL ES context with EGL_EXT_create_context_robustness that is lost at a reset. Error, for
/// the log: why there is none.
pub fn robust(
    display: &EGLDisplay,
    config: *const c_void,
    priority: Option<ContextPriority>,
) -> Result<(EGLContext, OwnContext), String> {
    let mut attributes = vec![
        egl::CONTEXT_CLIENT_VERSION,
        2,
        egl::CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY_EXT,
        egl::LOSE_CONTEXT_ON_RESET_EXT,
    ];
    if let Some(priority) = priority {
        attributes.extend([egl::CONTEXT_PRIORITY_LEVEL_IMG, priority.into()]);
    }
    attributes.push(egl::NONE);
    let attributes: Vec<i32> = attributes.into_iter().map(|attribute| attribute as i32).collect();
    let handle = **display.get_display_handle();
    // SAFETY: the display and its configuration are valid, and the list ends with NONE.
    let context = unsafe { egl::CreateContext(handle, config, egl::NO_CONTEXT, attributes.as_ptr()) };
    if context.is_null() {
        // SAFETY: no arguments.
        return Err(format!("eglCreateContext: error {:#x}", unsafe { egl::GetError() }));
    }
    let own = OwnContext { display: handle, context };
    // SAFETY: all three are of this process's libEGL; the caller keeps display and `own` longer than
    // what uses the context.
    let context = unsafe { EGLContext::from_raw(handle, config, context) };
    context.map(|context| (context, own)).map_err(|error| error.to_string())
}

/// What glGetGraphicsResetStatus says, in words; `None`: nothing has happened, or GL does not have
/// the function.
pub fn reset_status(renderer: &mut GlesRenderer) -> Option<&'static str> {
    let status = renderer.with_context(|gl| {
        // SAFETY: the context is current, and the function exists.
        if gl.GetGraphicsResetStatus.is_loaded() { unsafe { gl.GetGraphicsResetStatus() } } else { ffi::NO_ERROR }
    });
    match status {
        Ok(ffi::NO_ERROR) => None,
        Ok(ffi::GUILTY_CONTEXT_RESET) => Some("what the compositor drew was the cause"),
        Ok(ffi::INNOCENT_CONTEXT_RESET) => Some("another program was the cause"),
        Ok(_) => Some("the cause is unknown"),
        Err(_) => Some("its context cannot be used any more"),
    }
}
