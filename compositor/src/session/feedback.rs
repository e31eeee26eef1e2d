//! Sends dma-buf feedback to surfaces: which surface should allocate for what, and when that
//! changes.
//!
//! The contents of the feedback are made in [`crate::feedback`].

use std::sync::Arc;

use dmabuf_import::Format;
use protocols::linux_dmabuf::{Feedback, has_feedback_objects};
use smithay::{reexports::wayland_server::protocol::wl_surface::WlSurface, wayland::compositor::with_states};

use crate::{
    feedback::{FormatFeedback, is_rotated, send_feedback, swaps_axes, update_goal},
    output::planes::request::SceneFrame,
    session::Syncline,
    surface::{SurfaceState, goal::AllocationGoal},
    system::id::OutputId,
};

impl Syncline {
    /// The feedback for a surface that requests it now.
    pub fn feedback_of(&mut self, surface: &WlSurface) -> Option<Arc<Feedback>> {
        let (goal, withdrawn) = with_states(surface, |states| {
            let mut state = SurfaceState::of(states);
            let allocation = state.allocation.get_or_insert_default();
            (allocation.goal.announced(), allocation.withdrawn.clone())
        });
        self.globals.feedback.as_mut().map(|feedback| feedback.of(goal, &withdrawn))
    }

    /// The formats of the renderer or of the planes have changed: sends new feedback to every
    /// surface that listens.
    pub fn renew_feedback(&mut self) {
        match FormatFeedback::new(&self.outputs) {
            Ok(feedback) => self.globals.feedback = Some(feedback),
            Err(error) => return tracing::warn!("{error}"),
        }
        let now = self.now;
        let surfaces: Vec<WlSurface> = self.listening_surfaces();
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        state.set_default(feedback.default());
        for surface in surfaces {
            with_states(&surface, |states| {
                SurfaceState::of(states).allocation.get_or_insert_default().withdrawn.changed(now);
                send_feedback(states, feedback, state);
            });
        }
    }

    fn listening_surfaces(&self) -> Vec<WlSurface> {
        let mut all = Vec::new();
        self.desktop.surfaces(|_, surface, states, _| {
            if has_feedback_objects(states) {
                all.push(surface.clone());
            }
        });
        all
    }

    /// A window's placement has changed: updates the feedback of its surface if it has feedback
    /// objects.
    pub fn update_feedback(&mut self, surface: &WlSurface) {
        let Some(window) = self.desktop.windows.find(surface) else { return };
        let area = window.area;
        let output = self.outputs.list.iter().find(|output| Some(output.rect()) == area);
        let goal = match output {
            Some(output) => {
                AllocationGoal::ScannedOut { output: output.id, rotated: is_rotated(surface, output.transform) }
            }
            None => AllocationGoal::Rendered,
        };
        let now = self.now;
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        with_states(surface, |states| update_goal(states, goal, true, now, feedback, state));
    }

    /// Output `id` has committed a frame. A surface that is on a plane, or could be in another
    /// layout, gets feedback for scan-out once that has been so for a while. Only surfaces that
    /// have changed are looked at, or all of them if other layers are on planes than before
    /// (`assigned`).
    pub fn feedback_after_frame(&mut self, id: OutputId, frame: &SceneFrame<'_>, assigned: bool) {
        let now = self.now;
        let output = &self.outputs.list[id];
        if output.mirror.is_some() {
            // Clients allocate for the display that their window is on.
            return;
        }
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        let screen = smithay::utils::Rectangle::from_size(output.pixels());
        let (id, windows) = (output.id, &mut self.desktop.windows);
        let changed = frame.changed.filter(|_| !assigned);
        let one = changed.into_iter().flatten().filter_map(|at| frame.layers.get(*at));
        let all = if changed.is_none() { frame.layers } else { &[] };
        for layer in one.chain(all) {
            let Some(surface) = &layer.surface else { continue };
            with_states(surface, |states| {
                if !has_feedback_objects(states) {
                    return;
                }
                let asked = windows.find(surface).is_some_and(|window| window.area.is_some());
                // A surface that extends to another output is not allocated for scan-out.
                let here = screen.contains_rect(layer.dst);
                let on_plane = SurfaceState::of(states).on_plane;
                let could = here && (on_plane || feedback.could_be_on_plane(id, layer));
                let rotated = swaps_axes(layer.transform());
                let goal = match here && asked || could {
                    true => AllocationGoal::ScannedOut { output: id, rotated },
                    false => AllocationGoal::Rendered,
                };
                update_goal(states, goal, asked, now, feedback, state);
            });
        }
    }

    /// Test commits have refused buffers with these layouts although the plane takes others:
    /// withdraws the layouts from the feedback of their surfaces.
    pub fn layouts_refused(&mut self, refused: &[(WlSurface, Format)]) {
        let now = self.now;
        let (Some(feedback), Some(state)) = (&mut self.globals.feedback, &mut self.globals.linux_dmabuf) else {
            return;
        };
        for (surface, Format { code, modifier }) in refused {
            with_states(surface, |states| {
                let mut surface = SurfaceState::of(states);
                let withdrawn = &mut surface.allocation.get_or_insert_default().withdrawn;
                let news = withdrawn.refused(*code, *modifier, now);
                drop(surface);
                if news {
                    let name = dmabuf_import::modifiers::name(*modifier);
                    let id = SurfaceState::of(states).id;
                    tracing::info!(
                        "surface {id}: its plane refuses {code} {name}; the layout is withdrawn from its feedback"
                    );
                    send_feedback(states, feedback, state);
                }
            });
        }
    }
}
