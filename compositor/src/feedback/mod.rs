//! linux-dmabuf feedback: which formats and modifiers a client should allocate.
//!
//! Every surface begins with what the renderer can read. One that goes fullscreen, or that a plane could show, is told first what its
//! display would rather scan out ([`dmabuf_import::tranche`]), so that its next buffers can go to a plane without a copy. What a
//! test commit has refused of it is left out ([`dmabuf_import::withdraw`]), and the client reallocates. When that changes
//! is [`steady`]'s.

pub mod steady;

use std::{collections::HashMap, sync::Arc};

use dmabuf_import::{
    Format, FormatSet,
    tranche::{self, Candidate},
    withdraw::Withdrawals,
};
use protocols::linux_dmabuf::{Feedback, LinuxDmabufState, Tranche, has_feedback_objects, send_surface_feedback};
use smithay::{
    reexports::wayland_server::{DisplayHandle, protocol::wl_surface::WlSurface},
    utils::Transform,
    wayland::compositor::{SurfaceData, with_states},
};

use crate::{
    error::Error,
    output::{Output, Outputs},
    render::Layer,
    shell::Placement,
    state::Syncline,
    surface::SurfaceState,
};
use steady::{Goal, Steady};

/// What a surface is told.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    steady: Steady,
    withdrawn: Withdrawals,
}

/// What outputs and renderer have to say.
#[derive(Debug)]
pub struct Feedbacks {
    main: u64,
    /// What the renderer reads: every pair that can be imported.
    formats: FormatSet,
    rendered: Arc<Feedback>,
    /// By output: its card's node, and the pairs that its planes take.
    outputs: HashMap<u32, (u64, Vec<Candidate>)>,
    /// Those of surfaces without refusals.
    made: HashMap<(u32, bool), Arc<Feedback>>,
}

impl Feedbacks {
    /// From the renderer's formats and the outputs' planes.
    pub fn new(outputs: &Outputs) -> Result<Self, Error> {
        let formats: FormatSet = outputs.renderer.dmabuf_formats().iter().copied().collect();
        let main = outputs.main;
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
    fn of(&mut self, goal: Goal, withdrawn: &Withdrawals) -> Arc<Feedback> {
        let Goal::ScannedOut { output, turned } = goal else { return self.default() };
        let Some((node, candidates)) = self.outputs.get(&output) else { return self.default() };
        let made = self.made.get(&(output, turned)).filter(|_| withdrawn.is_empty());
        if let Some(made) = made {
            return made.clone();
        }
        let candidates: Vec<_> =
            candidates.iter().filter(|c| !withdrawn.contains(c.format, c.modifier)).copied().collect();
        let scanout = tranche::tranches(&candidates, turned).into_iter().map(|pairs| Tranche {
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
            self.made.insert((output, turned), feedback.clone());
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

/// Announces the global.
pub fn announce(display: &DisplayHandle, feedbacks: &Feedbacks) -> LinuxDmabufState {
    LinuxDmabufState::new::<Syncline>(display, feedbacks.default())
}

impl Syncline {
    /// What a surface that asks now is to be told.
    pub fn feedback_of(&mut self, surface: &WlSurface) -> Option<Arc<Feedback>> {
        let (goal, withdrawn) = with_states(surface, |states| {
            let state = SurfaceState::of(states);
            (state.wishes.steady.told(), state.wishes.withdrawn.clone())
        });
        self.globals.feedback.as_mut().map(|feedback| feedback.of(goal, &withdrawn))
    }

    /// What renderer and planes take has changed: everybody is told.
    pub fn renew_feedback(&mut self) {
        match Feedbacks::new(&self.outputs) {
            Ok(feedback) => self.globals.feedback = Some(feedback),
            Err(error) => return tracing::warn!("{error}"),
        }
        let now = self.now;
        let surfaces: Vec<WlSurface> = self.surfaces_with_wishes();
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        state.set_default(feedback.default());
        for surface in surfaces {
            with_states(&surface, |states| {
                SurfaceState::of(states).wishes.withdrawn.changed(now);
                tell(states, feedback, state);
            });
        }
    }

    fn surfaces_with_wishes(&self) -> Vec<WlSurface> {
        let mut all = Vec::new();
        for window in self.windows.visible() {
            crate::shell::walk(window.surface(), window.origin(), |surface, states, _| {
                if has_feedback_objects(states) {
                    all.push(surface.clone());
                }
            });
        }
        all
    }

    /// A window's placement has changed: tells its surface if it listens.
    pub fn update_feedback(&mut self, surface: &WlSurface) {
        let Some(window) = self.windows.find(surface) else { return };
        let (fullscreen, at) = (window.placement == Placement::Fullscreen, window.location);
        let output = self.outputs.list.iter().find(|output| output.rect().contains(at)).map(|output| output.id);
        let goal = match output.filter(|_| fullscreen) {
            Some(output) => Goal::ScannedOut { output, turned: is_turned(surface) },
            None => Goal::Rendered,
        };
        let now = self.now;
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        with_states(surface, |states| want(states, goal, true, now, feedback, state));
    }

    /// A frame of an output was made of `scene`: what is on a plane, or could be in another layout, is told so, once it has been so
    /// for a while.
    pub fn feedback_after_frame(&mut self, index: usize, scene: &[Layer]) {
        let now = self.now;
        let output = &self.outputs.list[index];
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        let screen = smithay::utils::Rectangle::from_size((output.size.w, output.size.h).into());
        let (id, windows) = (output.id, &mut self.windows);
        for layer in scene {
            with_states(&layer.surface, |states| {
                if !has_feedback_objects(states) {
                    return;
                }
                let asked = windows.find(&layer.surface).is_some_and(|w| w.placement == Placement::Fullscreen);
                // One that also is on another display is nobody's.
                let here = screen.contains_rect(layer.dst);
                let on_plane = SurfaceState::of(states).on_plane;
                let could = here && (on_plane || feedback.could_be_on_plane(id, layer));
                let turned = quarter(layer.view.transform);
                let goal = match here && asked || could {
                    true => Goal::ScannedOut { output: id, turned },
                    false => Goal::Rendered,
                };
                want(states, goal, asked, now, feedback, state);
            });
        }
    }

    /// Test commits have refused buffers of these layouts where others go: their clients are told to allocate others.
    pub fn layouts_refused(&mut self, refused: &[(WlSurface, Format)]) {
        let now = self.now;
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        for (surface, Format { code, modifier }) in refused {
            with_states(surface, |states| {
                let news = SurfaceState::of(states).wishes.withdrawn.refused(*code, *modifier, now);
                if news {
                    let name = dmabuf_import::modifiers::name(*modifier);
                    let id = SurfaceState::of(states).id;
                    tracing::info!("surface {id}: its plane refuses {code} {name}: withdrawn");
                    tell(states, feedback, state);
                }
            });
        }
    }
}

impl Feedbacks {
    /// Whether a plane of the output would take the layer's format in another layout than it has.
    fn could_be_on_plane(&self, output: u32, layer: &Layer) -> bool {
        let crate::surface::buffer::Source::Dmabuf(imported) = &layer.content.source else { return false };
        let (format, modifier) = (imported.dmabuf.format(), imported.dmabuf.modifier());
        let Some((_, candidates)) = self.outputs.get(&output) else { return false };
        let mut same = candidates.iter().filter(|c| c.format == format).peekable();
        same.peek().is_some() && same.all(|c| c.modifier != modifier)
    }
}

fn want(
    states: &SurfaceData,
    goal: Goal,
    at_once: bool,
    now: fence::Ns,
    feedback: &mut Feedbacks,
    state: &mut LinuxDmabufState,
) {
    let news = {
        let wishes = &mut SurfaceState::of(states).wishes;
        let news = wishes.steady.want(goal, at_once, now);
        if news {
            wishes.withdrawn.changed(now);
        }
        news
    };
    if news {
        tell(states, feedback, state);
    }
}

fn tell(states: &SurfaceData, feedback: &mut Feedbacks, state: &mut LinuxDmabufState) {
    let told = {
        let surface = SurfaceState::of(states);
        feedback.of(surface.wishes.steady.told(), &surface.wishes.withdrawn)
    };
    state.offer(&told);
    send_surface_feedback(states, &told);
}

fn quarter(transform: Transform) -> bool {
    matches!(transform, Transform::_90 | Transform::_270 | Transform::Flipped90 | Transform::Flipped270)
}

fn is_turned(surface: &WlSurface) -> bool {
    with_states(surface, |states| quarter(SurfaceState::of(states).view.transform))
}
