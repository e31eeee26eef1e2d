//! linux-dmabuf feedback: which formats and modifiers a client should allocate.
//!
//! Every surface begins with what the renderer can read. One that goes fullscreen, or that a plane could show, is told first what its
//! display would rather scan out ([`dmabuf_import::tranche`]), so that its next buffers can go to a plane without a copy. What a
//! test commit has refused of it is left out ([`dmabuf_import::withdraw`]), and the client reallocates. When that changes
//! is [`steady`]'s.

use std::{collections::HashMap, sync::Arc};

use dmabuf_import::{
    Format, FormatSet,
    tranche::{self, Candidate},
    withdraw::Withdrawals,
};
use protocols::linux_dmabuf::{Feedback, LinuxDmabufState, Tranche, send_surface_feedback};
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::Transform,
    wayland::compositor::{SurfaceData, with_states},
};

use crate::{
    output::{outputs::Outputs, state::Output},
    render::Layer,
    surface::{SurfaceState, goal::Goal},
    system::{error::Error, id::OutputId},
};

/// What outputs and renderer have to say.
#[derive(Debug)]
pub struct FormatFeedback {
    main: u64,
    /// What the renderer reads: every pair that can be imported.
    formats: FormatSet,
    rendered: Arc<Feedback>,
    /// By output: its card's node, and the pairs that its planes take.
    outputs: HashMap<OutputId, (u64, Vec<Candidate>)>,
    /// Those of surfaces without refusals.
    made: HashMap<(OutputId, bool), Arc<Feedback>>,
}

impl FormatFeedback {
    /// From the renderer's formats and the outputs' planes.
    pub fn new(outputs: &Outputs) -> Result<Self, Error> {
        let formats: FormatSet = outputs.renderer.dmabuf_formats().iter().copied().collect();
        let main = outputs.main_device;
        let candidates =
            |output: &Output| (output.id, (outputs.cards.of(&output.kms).node, scanned_out(outputs, output, &formats)));
        let by_output = outputs.list.iter().map(candidates).collect();
        let rendered =
            Feedback::new(main, [sampled(main, &formats)]).map_err(|e| Error::setup("linux-dmabuf feedback", e))?;
        Ok(Self { main, formats, rendered: Arc::new(rendered), outputs: by_output, made: HashMap::new() })
    }

    /// What everybody is told.
    pub fn default(&self) -> Arc<Feedback> {
        self.rendered.clone()
    }

    /// What a surface with this goal is told. Without descriptors for a new one, what everybody is.
    pub fn of(&mut self, goal: Goal, withdrawn: &Withdrawals) -> Arc<Feedback> {
        let Goal::ScannedOut { output, rotated } = goal else { return self.default() };
        let Some((node, candidates)) = self.outputs.get(&output) else { return self.default() };
        let made = self.made.get(&(output, rotated)).filter(|_| withdrawn.is_empty());
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
            self.made.insert((output, rotated), feedback.clone());
        }
        feedback
    }
}

fn sampled(device: u64, formats: &FormatSet) -> Tranche {
    Tranche { device, scanout: false, sampling: true, formats: formats.clone() }
}

/// Pairs that the renderer reads and planes of the output take, the cursor's apart.
fn scanned_out(outputs: &Outputs, output: &Output, formats: &FormatSet) -> Vec<Candidate> {
    let known = &outputs.cards.of(&output.kms).known;
    let planes = |format: Format| {
        let takes = |(at, plane): (usize, &kms::OutputPlane)| {
            Some(at) != output.cursor_plane() && plane.supports(format.code, format.modifier)
        };
        output.kms.planes().iter().enumerate().filter(|plane| takes(*plane)).count() as u32
    };
    let candidate =
        |format: Format| Candidate { format: format.code, modifier: format.modifier, planes: planes(format) };
    formats.iter().filter(|f| known.shows(f.code, f.modifier)).map(candidate).filter(|c| c.planes > 0).collect()
}

impl FormatFeedback {
    /// Whether a plane of the output would take the layer's format in another layout than it has.
    pub fn could_be_on_plane(&self, output: OutputId, layer: &Layer) -> bool {
        let crate::surface::buffer::PixelSource::Dmabuf(imported) = &layer.content.source else { return false };
        let (format, modifier) = (imported.dmabuf.format(), imported.dmabuf.modifier());
        let Some((_, candidates)) = self.outputs.get(&output) else { return false };
        let mut same = candidates.iter().filter(|c| c.format == format).peekable();
        same.peek().is_some() && same.all(|c| c.modifier != modifier)
    }
}

pub fn want(
    states: &SurfaceData,
    goal: Goal,
    at_once: bool,
    now: fence::Ns,
    feedback: &mut FormatFeedback,
    state: &mut LinuxDmabufState,
) {
    let news = {
        let allocation = &mut SurfaceState::of(states).allocation;
        let news = allocation.goal.update(goal, at_once, now);
        if news {
            allocation.withdrawn.changed(now);
        }
        news
    };
    if news {
        tell(states, feedback, state);
    }
}

pub fn tell(states: &SurfaceData, feedback: &mut FormatFeedback, state: &mut LinuxDmabufState) {
    let told = {
        let surface = SurfaceState::of(states);
        feedback.of(surface.allocation.goal.announced(), &surface.allocation.withdrawn)
    };
    state.offer(&told);
    send_surface_feedback(states, &told);
}

pub fn swaps_axes(transform: Transform) -> bool {
    matches!(transform, Transform::_90 | Transform::_270 | Transform::Flipped90 | Transform::Flipped270)
}

pub fn is_rotated(surface: &WlSurface) -> bool {
    with_states(surface, |states| swaps_axes(SurfaceState::of(states).view.transform))
}
