//! One attempt to commit a frame; each refusal makes the next attempt ask for less.
//!
//! The decisions are made by [`kms::recover`]; nothing here commits.

use drm_fourcc::DrmModifier;
use kms::{
    CommitError,
    recover::{AttemptedFeatures, InFences, Ladder, Layout, MemoryLayout, Remedy},
};
use rustix::io::Errno;

use crate::{
    output::{
        card::CardLimits,
        planes::{
            implicit,
            request::{InFence, OnPlane, PlaneRequest},
            tear,
        },
        state::Output,
    },
    surface::buffer::PixelSource,
};

/// Why a frame was not committed.
#[derive(Debug)]
pub enum FrameError {
    /// The frame could not be rendered.
    Drawing(String),
    /// The kernel refused the commit; the caller must apply the remedy.
    Refused(Remedy, CommitError),
    /// The frame lays planes out anew, and the driver would sleep until the card's other displays
    /// have flipped: nothing was asked of the kernel.
    PutOff,
}

impl From<String> for FrameError {
    fn from(error: String) -> Self {
        Self::Drawing(error)
    }
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Drawing(error) => f.write_str(error),
            Self::Refused(remedy, error) => write!(f, "{error}; {remedy}"),
            Self::PutOff => write!(f, "{}", Remedy::AfterOthers),
        }
    }
}

/// How a frame is submitted to the kernel: at first as assigned.
#[derive(Debug, Default)]
pub struct Attempt {
    /// The plane requests are those of the previous attempt.
    pub same_requests: bool,
    /// No in-fences are committed.
    pub without_fences: bool,
    /// The cursor plane is off, and the pointer is not seen.
    pub without_cursor: bool,
    /// Everything is composited on the primary plane.
    pub composited: bool,
    /// The commit is a modeset.
    pub modeset: bool,
    /// The frame was refused as an asynchronous flip.
    pub synchronous: bool,
}

impl Attempt {
    /// Whether the frame is to tear: if it can, the primary plane keeps its layout, and the driver
    /// does not refuse tearing for that.
    pub fn asynchronous(&self, output: &Output, wanted: &[PlaneRequest]) -> bool {
        self.may_tear(output.tearing, &output.ladder, on_primary(output, wanted)) && !lays_out_anew(output, wanted)
    }

    fn may_tear(&self, verdict: tear::TearVerdict, ladder: &Ladder, primary: Option<MemoryLayout>) -> bool {
        verdict == tear::TearVerdict::May && !self.modeset && !self.synchronous && ladder.may_tear(primary)
    }

    /// Handles a refusal: returns what to do, and changes `self` to the next attempt. `beside`:
    /// another output of the card has a commit in flight.
    pub fn refused(
        &mut self,
        output: &mut Output,
        error: &CommitError,
        requests: &[PlaneRequest],
        known: &mut CardLimits,
        beside: bool,
    ) -> Remedy {
        let had = AttemptedFeatures { others_in_flight: beside, ..self.had(output, requests, error.errno) };
        let remedy = output.ladder.refused(error, &had, &mut known.learnt);
        self.same_requests = true;
        if remedy.rung() > Remedy::WithoutCursor.rung() && std::mem::take(&mut self.without_cursor) {
            // It was not the pointer.
            self.same_requests = false;
        }
        match remedy {
            Remedy::Synchronous => self.synchronous = true,
            // Without a fence of its own a plane would wait for those in its dma-buf.
            Remedy::WithoutFences if implicit::waits_without_fences(requests) => {
                (self.same_requests, self.composited) = (false, true);
            }
            Remedy::WithoutFences => self.without_fences = true,
            // The composited buffer takes the primary plane, so without overlays no client buffer
            // is left on a plane.
            Remedy::WithoutOverlays | Remedy::Composed => (self.same_requests, self.composited) = (false, true),
            Remedy::WithoutCursor => self.without_cursor = true,
            Remedy::OtherModifier(layout) => {
                known.withdrawn.push(layout);
                output.withdrawn = true;
                // The targets are allocated again, with one of the remaining modifiers.
                output.targets.retain(|(target, _)| layout_of(target) != layout);
                (self.same_requests, self.composited) = (false, true);
            }
            Remedy::Modeset => self.modeset = true,
            _ => {}
        }
        remedy
    }

    fn had(&self, output: &Output, requests: &[PlaneRequest], errno: Errno) -> AttemptedFeatures {
        // Nearly every client's buffer has a signalled in-fence. Only EPERM is an answer to that:
        // else the first refusal of any other cause would end all in-fences.
        let suspect = |r: &&PlaneRequest| errno == Errno::PERM || !matches!(r.fence, Some(InFence::Signalled));
        let mut fences = requests.iter().filter(suspect).filter_map(PlaneRequest::fence_has_signalled).peekable();
        let fences = match (fences.peek().is_some(), fences.all(|signalled| signalled)) {
            (false, _) => InFences::None,
            (true, true) => InFences::Signalled,
            (true, false) => InFences::Pending,
        };
        let on_primary = requests.iter().find(|r| r.plane == output.primary).map(|r| &r.show);
        // Linear is the last resort, so it is never withdrawn.
        let other = |layout: Layout| layout.modifier != u64::from(DrmModifier::Linear);
        let (client, target) = match on_primary {
            Some(OnPlane::Content(content)) => match &content.source {
                PixelSource::Dmabuf(imported) => (Some(layout_of(imported)), None),
                PixelSource::Shm(_) | PixelSource::Solid(_) => (None, None),
            },
            Some(OnPlane::Target(target)) => (None, Some(layout_of(target))),
            None => (None, None),
        };
        let above = |r: &PlaneRequest| r.plane != output.primary && Some(r.plane) != output.cursor;
        AttemptedFeatures {
            asynchronous: self.asynchronous(output, requests),
            primary: on_primary.and_then(memory_layout_on),
            fences,
            overlays: requests.iter().any(above),
            cursor: requests.iter().any(|r| Some(r.plane) == output.cursor),
            client: client.filter(|layout| other(*layout)),
            target: target.filter(|layout| other(*layout)),
            modeset: self.modeset,
            in_flight: output.kms.in_flight().is_some(),
            others_in_flight: false,
        }
    }

    /// A frame was accepted after a refusal: logs what will not be tried again.
    pub fn log_learnt(&self, output: &Output, known: &CardLimits) {
        if self.without_cursor && !output.ladder.may_use_cursor() {
            let seconds = output.cursor_rest.length() / 1_000_000_000;
            tracing::warn!(
                "{}: {} refuses the cursor plane; the pointer is drawn with the rest for {seconds} s",
                output.wl.name(),
                known.driver
            );
        }
        if self.without_fences && !known.learnt.in_fences() {
            let name = output.wl.name();
            tracing::warn!(
                "{name}: {} refuses in-fences; fences are waited for before the commit from now on",
                known.driver
            );
        }
    }
}

fn layout_of(target: &crate::render::Target) -> Layout {
    Layout { format: target.dmabuf.format() as u32, modifier: target.dmabuf.modifier().into() }
}

/// Whether the primary plane is to show memory of another layout than it shows: a tearing flip
/// changes an address and nothing else (i915 and amdgpu compare format, modifier and pitch). True
/// if it shows nothing that is known.
pub fn lays_out_anew(output: &Output, wanted: &[PlaneRequest]) -> bool {
    let shown = output.on_plane(output.primary).and_then(memory_layout_on);
    shown.is_none() || shown != on_primary(output, wanted)
}

fn on_primary(output: &Output, wanted: &[PlaneRequest]) -> Option<MemoryLayout> {
    wanted.iter().find(|request| request.plane == output.primary).and_then(|request| memory_layout_on(&request.show))
}

/// The layout of what a plane is to show; `None` for pixels in shared memory, which have none.
fn memory_layout_on(show: &OnPlane) -> Option<MemoryLayout> {
    let imported = match show {
        OnPlane::Target(target) => target,
        OnPlane::Content(content) => match &content.source {
            PixelSource::Dmabuf(imported) => imported,
            PixelSource::Shm(_) | PixelSource::Solid(_) => return None,
        },
    };
    let mut pitches = [0; 4];
    pitches.iter_mut().zip(imported.dmabuf.planes()).for_each(|(pitch, plane)| *pitch = plane.stride);
    Some(MemoryLayout { layout: layout_of(imported), pitches })
}

#[cfg(test)]
mod tests {
    use drm_fourcc::DrmFourcc;
    use kms::{Step, recover::LearnedLimits};

    use super::*;

    #[test]
    fn a_refused_tearing_flip_is_submitted_again_without_tearing() {
        let layout = Layout { format: DrmFourcc::Xrgb8888 as u32, modifier: 0x0100_0000_0000_0002 };
        let tiled = MemoryLayout { layout, pitches: [4096, 0, 0, 0] };
        let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
        let may_tear =
            |attempt: &Attempt, ladder: &Ladder| attempt.may_tear(tear::TearVerdict::May, ladder, Some(tiled));
        let mut attempt = Attempt::default();
        assert!(may_tear(&attempt, &ladder));
        let had = AttemptedFeatures { asynchronous: true, primary: Some(tiled), ..AttemptedFeatures::default() };
        let error = CommitError {
            output: "Virtual-1".to_owned(),
            step: Step::Commit,
            errno: Errno::INVAL,
            detail: String::new(),
            request: String::new(),
        };
        assert_eq!(ladder.refused(&error, &had, &mut learnt), Remedy::Synchronous);
        attempt.synchronous = true;
        assert!(!may_tear(&attempt, &ladder), "the same frame");
    }

    #[test]
    fn a_modeset_never_tears() {
        let modeset = Attempt { modeset: true, ..Attempt::default() };
        assert!(!modeset.may_tear(tear::TearVerdict::May, &Ladder::default(), None));
        assert!(!Attempt::default().may_tear(tear::TearVerdict::NotAlone, &Ladder::default(), None));
    }
}
