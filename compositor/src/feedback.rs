//! linux-dmabuf feedback: the formats and modifiers that a client should allocate.
//!
//! Every surface starts with what the renderer can read. A surface that goes fullscreen, or that a
//! plane could show, gets the preferences of its display first ([`dmabuf_import::tranche`]), so
//! that a plane can show its next buffers without a copy. Layouts that a test commit has refused
//! are left out ([`dmabuf_import::withdraw`]), and the client reallocates. [`crate::surface::goal`]
//! decides when a change is sent.

use std::{collections::HashMap, sync::Arc};

use dmabuf_import::{
    Format, FormatSet,
    tranche::{self, Candidate},
    withdraw::Withdrawals,
};
use drm_fourcc::DrmModifier;
use protocols::linux_dmabuf::{Feedback, LinuxDmabufState, Tranche, send_surface_feedback};
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::Transform,
    wayland::compositor::{SurfaceData, with_states},
};

use crate::{
    output::{outputs::Outputs, state::Output},
    render::Layer,
    surface::{SurfaceState, goal::AllocationGoal},
    system::{error::Error, id::OutputId},
};

/// Makes feedback from the abilities of the outputs and the renderer.
#[derive(Debug)]
pub struct FormatFeedback {
    main: u64,
    /// Every pair that the renderer can import.
    formats: FormatSet,
    rendered: Arc<Feedback>,
    /// For each output: the device number of its card, and the pairs that its planes can show.
    outputs: HashMap<OutputId, (u64, Vec<Candidate>)>,
    /// Cached feedback for surfaces without refused layouts, by output and rotation.
    cached: HashMap<(OutputId, bool), Arc<Feedback>>,
}

impl FormatFeedback {
    /// Takes the formats of the renderer and of the outputs' planes.
    pub fn new(outputs: &Outputs) -> Result<Self, Error> {
        let formats: FormatSet = outputs.renderer.dmabuf_formats().iter().copied().collect();
        let main = outputs.main_device;
        let candidates =
            |output: &Output| (output.id, (outputs.cards.of(&output.kms).node, scanned_out(outputs, output, &formats)));
        let by_output = outputs.list.iter().map(candidates).collect();
        let rendered =
            Feedback::new(main, [sampled(main, &formats)]).map_err(|e| Error::setup("linux-dmabuf feedback", e))?;
        Ok(Self { main, formats, rendered: Arc::new(rendered), outputs: by_output, cached: HashMap::new() })
    }

    /// The default feedback, for surfaces that are rendered.
    pub fn default(&self) -> Arc<Feedback> {
        self.rendered.clone()
    }

    /// The feedback for a surface with this goal. Falls back to the default if there is no
    /// descriptor for a new table.
    pub fn of(&mut self, goal: AllocationGoal, withdrawn: &Withdrawals) -> Arc<Feedback> {
        let AllocationGoal::ScannedOut { output, rotated } = goal else { return self.default() };
        let Some((node, candidates)) = self.outputs.get(&output) else { return self.default() };
        let made = self.cached.get(&(output, rotated)).filter(|_| withdrawn.is_empty());
        if let Some(made) = made {
            return made.clone();
        }
        let candidates: Vec<_> =
            candidates.iter().filter(|c| !withdrawn.contains(c.format, c.modifier)).copied().collect();
        let scanout = tranche::tranches(&candidates, rotated).into_iter().map(|pairs| Tranche {
            device: *node,
            scanout: true,
            sampling: false,
            formats: pairs.into_iter().map(|(code, modifier)| Format { code, modifier }).collect(),
        });
        let feedback = match Feedback::new(self.main, scanout.chain([sampled(self.main, &self.formats)])) {
            Ok(feedback) => Arc::new(feedback),
            Err(error) => {
                tracing::warn!("linux-dmabuf feedback: {error}");
                return self.default();
            }
        };
        if withdrawn.is_empty() {
            self.cached.insert((output, rotated), feedback.clone());
        }
        feedback
    }
}

fn sampled(device: u64, formats: &FormatSet) -> Tranche {
    Tranche { device, scanout: false, sampling: true, formats: formats.clone() }
}

/// The pairs that the renderer can read and planes of the output can show; cursor planes do not
/// count.
fn scanned_out(outputs: &Outputs, output: &Output, formats: &FormatSet) -> Vec<Candidate> {
    let card = outputs.cards.of(&output.kms);
    if card.device.is_headless() {
        // It has no device that a client could allocate for.
        return Vec::new();
    }
    let known = &card.known;
    // A layout without a name means something to the device that allocates.
    let own = outputs.main_device == card.node || Some(outputs.main_device) == card.render_node;
    let named = |format: &Format| own || format.modifier != DrmModifier::Invalid;
    let planes = |format: Format| {
        let takes = |(at, plane): (usize, &kms::OutputPlane)| {
            Some(at) != output.cursor_plane() && plane.supports(format.code, format.modifier)
        };
        output.kms.planes().iter().enumerate().filter(|plane| takes(*plane)).count() as u32
    };
    let candidate =
        |format: Format| Candidate { format: format.code, modifier: format.modifier, planes: planes(format) };
    formats
        .iter()
        .filter(named)
        .filter(|f| known.shows(f.code, f.modifier))
        .map(candidate)
        .filter(|c| c.planes > 0)
        .collect()
}

impl FormatFeedback {
    /// Whether planes of the output can show the layer's format, but only with other modifiers.
    pub fn could_be_on_plane(&self, output: OutputId, layer: &Layer) -> bool {
        let crate::surface::buffer::PixelSource::Dmabuf(imported) = &layer.content.source else { return false };
        let (format, modifier) = (imported.dmabuf.format(), imported.dmabuf.modifier());
        let Some((_, candidates)) = self.outputs.get(&output) else { return false };
        let mut same = candidates.iter().filter(|c| c.format == format).peekable();
        same.peek().is_some() && same.all(|c| c.modifier != modifier)
    }
}

/// Updates the goal of a surface's allocation, and sends new feedback if that changes the announced
/// goal. With `at_once` the goal need not have been stable for a while.
pub fn update_goal(
    states: &SurfaceData,
    goal: AllocationGoal,
    at_once: bool,
    now: fence::Ns,
    feedback: &mut FormatFeedback,
    state: &mut LinuxDmabufState,
) {
    let news = {
        let mut surface = SurfaceState::of(states);
        let allocation = surface.allocation.get_or_insert_default();
        let news = allocation.goal.update(goal, at_once, now);
        if news {
            allocation.withdrawn.changed(now);
        }
        news
    };
    if news {
        send_feedback(states, feedback, state);
    }
}

/// Sends a surface the feedback for its announced goal.
pub fn send_feedback(states: &SurfaceData, feedback: &mut FormatFeedback, state: &mut LinuxDmabufState) {
    let sent = {
        let mut surface = SurfaceState::of(states);
        let allocation = surface.allocation.get_or_insert_default();
        feedback.of(allocation.goal.announced(), &allocation.withdrawn)
    };
    state.offer(&sent);
    send_surface_feedback(states, &sent);
}

/// Whether a transform rotates by 90 or 270 degrees.
pub fn swaps_axes(transform: Transform) -> bool {
    matches!(transform, Transform::_90 | Transform::_270 | Transform::Flipped90 | Transform::Flipped270)
}

/// Whether an output with this transform shows a surface rotated by 90 or 270 degrees.
pub fn is_rotated(surface: &WlSurface, output: Transform) -> bool {
    with_states(surface, |states| swaps_axes(SurfaceState::of(states).view.transform)) != swaps_axes(output)
}
