//! The GL context of the compositor: it is served before its clients, and tells when the GPU was
//! reset.
//!
//! Without that a reset ends the whole process: Mesa's winsys of amdgpu aborts a process whose
//! context has no reset notification (`amdgpu_ctx_set_sw_reset_status`). Draws nothing.

mod ioctl;

use smithay::backend::{
    egl::{
        self, EGLContext, EGLDisplay,
        context::{ContextPriority, GlAttributes, PixelFormatRequirements},
    },
    renderer::gles::GlesRenderer,
};

use ioctl::OwnContext;

const ROBUSTNESS: &str = "EGL_EXT_create_context_robustness";
const PRIORITY: &str = "EGL_IMG_context_priority";

/// A context, and what it can do.
pub struct GlContext {
    /// The context, for a renderer.
    pub context: EGLContext,
    /// It is asked after each pass whether the GPU was reset.
    pub resets: Resets,
}

/// Whether a renderer's context is lost.
#[derive(Debug)]
pub struct Resets {
    /// The context to destroy after its renderer; `None`: it does not tell of resets.
    own: Option<OwnContext>,
    lost: bool,
}

impl GlContext {
    /// The best context that the display gives: with reset notification and priority, else with one
    /// of them, else a plain one.
    pub fn new(display: &EGLDisplay) -> Result<Self, egl::Error> {
        let has = |name: &str| display.extensions().iter().any(|extension| extension == name);
        let priorities = [has(PRIORITY).then_some(ContextPriority::High), None];
        if has(ROBUSTNESS) {
            for priority in priorities {
                match robust(display, priority) {
                    Ok((context, own)) => {
                        tracing::info!("GL tells of GPU resets{}", said(priority));
                        return Ok(Self { context, resets: Resets { own: Some(own), lost: false } });
                    }
                    Err(error) => tracing::debug!("no GL context that tells of resets{}: {error}", said(priority)),
                }
            }
        }
        tracing::info!("GL does not tell of GPU resets: one may end the session");
        let resets = Resets { own: None, lost: false };
        if let [Some(high), _] = priorities
            && let Ok(context) = EGLContext::new_with_priority(display, high)
        {
            return Ok(Self { context, resets });
        }
        Ok(Self { context: EGLContext::new(display)?, resets })
    }
}

fn said(priority: Option<ContextPriority>) -> &'static str {
    if priority.is_some() { ", and has a high priority" } else { "" }
}

fn robust(display: &EGLDisplay, priority: Option<ContextPriority>) -> Result<(EGLContext, OwnContext), String> {
    let attributes = GlAttributes { version: (2, 0), profile: None, debug: false, vsync: false };
    let (_, config) = display
        .choose_config(attributes, PixelFormatRequirements::_8_bit())
        .map_err(|error| format!("no configuration: {error}"))?;
    ioctl::robust(display, config, priority)
}

impl Resets {
    /// After a pass: what the driver says of a reset since the last one; `None`: there was none.
    pub fn look(&mut self, renderer: &mut GlesRenderer) -> Option<&'static str> {
        let told = self.own.is_some().then(|| ioctl::reset_status(renderer)).flatten();
        let told = told.or_else(super::fault::reset);
        self.lost |= told.is_some();
        told
    }

    /// The context shows nothing any more.
    pub fn is_lost(&self) -> bool {
        self.lost
    }
}
