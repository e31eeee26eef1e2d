//! linux-dmabuf feedback: which formats and modifiers a client should allocate.
//!
//! Every surface begins with what the renderer can read. One that goes fullscreen is told first what the display can scan
//! out, so that its next buffers can go to a plane without a copy; when it leaves fullscreen, that ends.

use smithay::{
    reexports::{
        wayland_protocols::wp::linux_dmabuf::zv1::server::zwp_linux_dmabuf_feedback_v1::TrancheFlags,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    wayland::{
        compositor::with_states,
        dmabuf::{DmabufFeedback, DmabufFeedbackBuilder, SurfaceDmabufFeedbackState},
    },
};

use crate::{error::Error, output::Outputs, shell::Placement, state::Syncline};

/// The two kinds of feedback.
#[derive(Debug)]
pub struct Feedback {
    /// What the renderer reads.
    pub rendered: DmabufFeedback,
    /// First what a primary plane scans out, then the same.
    pub scanned_out: DmabufFeedback,
}

impl Feedback {
    /// From the renderer's formats and the outputs' planes.
    pub fn new(outputs: &Outputs) -> Result<Self, Error> {
        let formats = outputs.renderer.dmabuf_formats();
        let device = outputs.main;
        let on_planes = formats.iter().copied().filter(|format| outputs.scans_out(format.code, format.modifier));
        let builder = || DmabufFeedbackBuilder::new(device, formats.iter().copied());
        let failed = |e| Error::setup("linux-dmabuf feedback", e);
        Ok(Self {
            rendered: builder().build().map_err(failed)?,
            scanned_out: builder()
                .add_preference_tranche(device, Some(TrancheFlags::Scanout), on_planes)
                .build()
                .map_err(failed)?,
        })
    }
}

impl Syncline {
    /// What a surface that asks now is to be told; `None`: what everybody is told.
    ///
    /// Smithay asks while it holds the surface's state: nothing here may look into it.
    pub fn feedback_of(&mut self, surface: &WlSurface) -> Option<DmabufFeedback> {
        let fullscreen = self.windows.find(surface).is_some_and(|w| w.placement == Placement::Fullscreen);
        self.globals.feedback.as_ref().filter(|_| fullscreen).map(|feedback| feedback.scanned_out.clone())
    }

    /// What planes show has changed: fullscreen surfaces are told.
    pub fn renew_feedback(&mut self) {
        match Feedback::new(&self.outputs) {
            Ok(feedback) => self.globals.feedback = Some(feedback),
            Err(error) => return tracing::warn!("{error}"),
        }
        let fullscreen = self.windows.all_mut().filter(|w| w.placement == Placement::Fullscreen);
        let surfaces: Vec<WlSurface> = fullscreen.map(|w| w.surface().clone()).collect();
        surfaces.iter().for_each(|surface| self.update_feedback(surface));
    }

    /// A window's placement has changed: tells its surface if it listens.
    pub fn update_feedback(&mut self, surface: &WlSurface) {
        let wanted = self.feedback_of(surface).or_else(|| Some(self.globals.feedback.as_ref()?.rendered.clone()));
        with_states(surface, |states| {
            if let (Some(listener), Some(feedback)) = (SurfaceDmabufFeedbackState::from_states(states), wanted) {
                listener.set_feedback(&feedback);
            }
        });
    }
}
