//! For which scale clients draw: what their surfaces are told, in `preferred_buffer_scale` and by
//! `wp_fractional_scale_v1`.
//!
//! A surface that is shown is told the highest scale of the displays that show it
//! ([`Syncline::refresh_displays`]). One that is not shown yet is told that of the display on which it will
//! appear, before its first configure: then its first buffer is right. Nothing here scales.

use protocols::fractional_scale::{self, FractionalScaleHandler};
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Rectangle, Transform},
    wayland::compositor::{SurfaceData, send_surface_state, with_states},
};

use crate::{
    output::state::Output,
    session::Syncline,
    system::{id::OutputId, scale::Scale},
};

impl FractionalScaleHandler for Syncline {
    fn new_fractional_scale(&mut self, surface: &WlSurface) {
        self.tell_scale(surface);
    }
}

/// A surface is told its scale, and how the display that shows most of it is turned.
pub fn tell(surface: &WlSurface, states: &SurfaceData, scale: Scale, transform: Transform) {
    send_surface_state(surface, states, scale.whole(), transform);
    fractional_scale::tell(states, scale.steps());
}

impl Syncline {
    /// A surface that may not be shown yet is told the scale of the display on which it will be.
    pub fn tell_scale(&self, surface: &WlSurface) {
        if let Some(output) = self.expected_output(surface) {
            self.tell_scale_of(surface, output);
        }
    }

    /// The same, for an output that is known.
    pub fn tell_scale_of(&self, surface: &WlSurface, output: OutputId) {
        let Some(output) = self.outputs.list.get(output) else { return };
        with_states(surface, |states| {
            // How it is turned is told once it is shown.
            match output.scale.whole() {
                1 => fractional_scale::tell(states, output.scale.steps()),
                _ => tell(surface, states, output.scale, output.transform),
            }
        });
    }

    /// The output that shows a surface, the one with the highest scale of several, or will.
    fn expected_output(&self, surface: &WlSurface) -> Option<OutputId> {
        let root = self.toplevel_of(surface);
        let (desktop, outputs) = (&self.desktop, &self.outputs.list);
        let layer = desktop.layers.get(&root).and_then(|layer| layer.output);
        let lock = || desktop.lock.as_ref()?.output_of(&root);
        let window = || {
            let window = desktop.windows.mapped().find(|window| *window.surface() == root)?;
            let rect = Rectangle::new(window.location, window.size);
            let on = outputs.iter().filter(|output| output.rect().overlaps(rect));
            on.max_by_key(|output| output.scale).map(|output: &Output| output.id)
        };
        layer.or_else(lock).or_else(window).or_else(|| self.output_at(self.pointer_location()))
    }
}
