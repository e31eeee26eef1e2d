//! Moving and resizing a window by pointer: what the user and the client do to it.
//!
//! The arithmetic is in [`crate::desktop::interact`].

use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel,
        wayland_server::{Resource, protocol::wl_surface::WlSurface},
    },
    utils::{Logical, Point},
    wayland::{compositor::with_states, shell::xdg::SurfaceCachedState},
};

use crate::{
    desktop::interact::{anchored, resized},
    session::Syncline,
};

impl Syncline {
    /// The pointer has moved while an interaction is in progress.
    pub fn interact(&mut self, pointer: Point<f64, Logical>) {
        let Some(interaction) = &self.desktop.interaction else { return };
        let delta = (pointer - interaction.pointer).to_i32_round();
        let (surface, start) = (interaction.surface.clone(), interaction.start);
        let edges = interaction.edges;
        let Some(window) = self.desktop.windows.find(&surface) else {
            self.desktop.interaction = None;
            return;
        };
        match edges {
            None => {
                window.location = start.loc + delta;
                self.displays_stale = true;
            }
            Some(edges) => {
                let (min, max) = with_states(&surface, |states| {
                    let mut state = states.cached_state.get::<SurfaceCachedState>();
                    (state.current().min_size, state.current().max_size)
                });
                let size = resized(start.size, edges, delta, min, max);
                window.toplevel.with_pending_state(|state| {
                    state.states.set(xdg_toplevel::State::Resizing);
                    state.size = Some(size);
                });
                window.toplevel.send_pending_configure();
            }
        }
        self.redraw_all();
    }

    /// The button was released.
    pub fn end_interaction(&mut self) {
        let Some(mut interaction) = self.desktop.interaction.take() else { return };
        if interaction.edges.is_none() || !interaction.surface.is_alive() {
            return;
        }
        if let Some(window) = self.desktop.windows.find(&interaction.surface) {
            window.toplevel.with_pending_state(|state| {
                state.states.unset(xdg_toplevel::State::Resizing);
            });
            window.toplevel.send_pending_configure();
        }
        interaction.finished = true;
        self.desktop.interaction = Some(interaction);
    }

    /// The client has committed during a resize: the edges that the user does not drag stay where
    /// they are.
    pub fn anchor_resize(&mut self, surface: &WlSurface) {
        let Some(interaction) = self.desktop.interaction.as_ref().filter(|i| &i.surface == surface) else { return };
        let (Some(edges), start, finished) = (interaction.edges, interaction.start, interaction.finished) else {
            return;
        };
        if let Some(window) = self.desktop.windows.find(surface) {
            window.location = anchored(start, edges, window.geometry().size);
            // The client may choose another size than requested (a terminal's is whole cells). Its
            // size counts.
            let still = window.toplevel.current_state().states.contains(xdg_toplevel::State::Resizing);
            if finished && !still {
                self.desktop.interaction = None;
            }
        }
    }
}
