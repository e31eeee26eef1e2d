//! How a frame is asked of the kernel, and with less after each refusal.
//!
//! The decisions are those of [`kms::recover`].

use drm_fourcc::DrmModifier;
use fence::SyncFile;
use kms::{
    CommitError,
    recover::{Fences, Had, Layout, Remedy},
};

use crate::{
    output::{
        card::CardLimits,
        planes::{
            request::{OnPlane, PlaneRequest},
            tear,
        },
        state::Output,
    },
    surface::buffer::Source,
};

/// A frame that is not on its way.
#[derive(Debug)]
pub enum Failed {
    /// It could not be drawn.
    Drawing(String),
    /// The kernel does not take it, and this is to be done.
    Refused(Remedy, CommitError),
}

impl From<String> for Failed {
    fn from(error: String) -> Self {
        Self::Drawing(error)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Drawing(error) => f.write_str(error),
            Self::Refused(remedy, error) => write!(f, "{error}; {remedy}"),
        }
    }
}

/// How a frame is put to the kernel: at first as assigned.
#[derive(Debug, Default)]
pub struct Attempt {
    /// What goes onto the planes is what was put before.
    pub as_before: bool,
    pub without_fences: bool,
    /// Everything is drawn, on the primary plane.
    pub composed: bool,
    pub modeset: bool,
    /// It was refused as a tearing flip.
    pub synchronous: bool,
}

impl Attempt {
    /// Whether it is to tear, if the frame is one that can.
    pub fn asynchronous(&self, output: &Output) -> bool {
        output.tearing == tear::Verdict::May && !self.modeset && !self.synchronous
    }

    /// The frame was refused: what to do, and what the next attempt is.
    pub fn refused(
        &mut self,
        output: &mut Output,
        error: &CommitError,
        wanted: &[PlaneRequest],
        known: &mut CardLimits,
    ) -> Remedy {
        let had = self.had(output, wanted);
        let remedy = output.ladder.refused(error, &had, &mut known.learnt);
        self.as_before = true;
        match remedy {
            Remedy::Synchronous => self.synchronous = true,
            Remedy::WithoutFences => self.without_fences = true,
            // One plane holds what is drawn, so without overlays nothing of a client is left on a plane.
            Remedy::WithoutOverlays | Remedy::Composed => (self.as_before, self.composed) = (false, true),
            Remedy::OtherModifier(layout) => {
                known.withdrawn.push(layout);
                output.withdrawn = true;
                // Ours are made anew of what is left.
                output.targets.retain(|(target, _)| layout_of(target) != layout);
                (self.as_before, self.composed) = (false, true);
            }
            Remedy::Modeset => self.modeset = true,
            _ => {}
        }
        remedy
    }

    fn had(&self, output: &Output, wanted: &[PlaneRequest]) -> Had {
        let mut fences = wanted.iter().filter_map(|w| w.fence.as_ref()).peekable();
        let fences = match (fences.peek().is_some(), fences.all(SyncFile::is_signalled)) {
            (false, _) => Fences::None,
            (true, true) => Fences::Signalled,
            (true, false) => Fences::Pending,
        };
        let on_primary = wanted.iter().find(|w| w.plane == output.primary).map(|w| &w.show);
        // Linear is what is left when everything else is refused.
        let other = |layout: Layout| layout.modifier != u64::from(DrmModifier::Linear);
        let (client, target) = match on_primary {
            Some(OnPlane::Content(content)) => match &content.source {
                Source::Dmabuf(imported) => (Some(layout_of(imported)), None),
                Source::Shm(_) => (None, None),
            },
            Some(OnPlane::Target(target)) => (None, Some(layout_of(target))),
            None => (None, None),
        };
        let above = |w: &PlaneRequest| w.plane != output.primary && Some(w.plane) != output.cursor;
        Had {
            asynchronous: self.asynchronous(output),
            fences,
            overlays: wanted.iter().any(above),
            client: client.filter(|layout| other(*layout)),
            target: target.filter(|layout| other(*layout)),
            modeset: self.modeset,
            in_flight: output.kms.in_flight().is_some(),
        }
    }

    /// A frame was taken after a refusal: says what is not asked for again.
    pub fn say_what_was_learnt(&self, output: &Output, known: &CardLimits) {
        if self.without_fences && !known.learnt.in_fences() {
            let name = output.wl.name();
            tracing::warn!("{name}: {} takes no in-fences; they are waited for before the commit now", known.driver);
        }
    }
}

fn layout_of(target: &crate::render::Target) -> Layout {
    Layout { format: target.dmabuf.format() as u32, modifier: target.dmabuf.modifier().into() }
}
