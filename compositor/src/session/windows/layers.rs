//! Layer surfaces: what their clients ask for, when they are shown, and what they leave to windows.
//!
//! ```text
//!  first commit ─→ arrange ─→ configure     commit with a buffer ─→ mapped ─→ arrange, perhaps the keyboard
//!  the null buffer ─→ as at the beginning   the output is gone ─→ closed
//! ```
//!
//! Where they lie is in [`crate::desktop::layers`], which of them has the keyboard in
//! [`crate::session::windows::keyboard`].

use protocols::{
    layer_shell::{Keyboard, LayerShellHandler, LayerSurface},
    reexports::layer_shell::surface::ZwlrLayerSurfaceV1,
};
use smithay::{
    desktop::{PopupKind, PopupManager},
    output::Output as WlOutput,
    reexports::wayland_server::protocol::{wl_output, wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle},
};
use wayland_protocols::xdg::shell::server::xdg_popup::XdgPopup;

use crate::{
    desktop::windows,
    output::state::Output,
    session::{Syncline, checks, windows::popups},
    system::id::OutputId,
};

impl LayerShellHandler for Syncline {
    fn has_buffer(&self, surface: &WlSurface) -> bool {
        checks::first_buffer::has_buffer(surface)
    }

    fn new_layer_surface(&mut self, layer: LayerSurface, output: Option<wl_output::WlOutput>) {
        let output = match output {
            // None is shown on a display that mirrors another one.
            Some(wl) => self.output_of(&wl).filter(|id| self.outputs.list[*id].mirror.is_none()),
            // Where the user is.
            None => self.output_at(self.pointer_location()),
        };
        if output.is_none() {
            layer.close();
        }
        if let Some(output) = output {
            self.tell_scale_of(layer.surface(), output);
        }
        self.desktop.layers.push(layer, output);
    }

    fn new_popup(&mut self, layer: &LayerSurface, popup: &XdgPopup) {
        let Some(popup) = self.globals.xdg_shell.get_popup(popup) else { return };
        if checks::xdg::adopt(&popup, layer.surface()) && popups::admit_popup(&self.display, &popup) {
            self.unconstrain(&popup);
            self.tell_scale(popup.wl_surface());
        }
    }

    fn layer_destroyed(&mut self, object: &ZwlrLayerSurfaceV1) {
        let Some(gone) = self.desktop.layers.remove(object) else { return };
        self.focus_stale |= gone.mapped && gone.wanted.keyboard != Keyboard::None;
        self.pointer_stale = true;
        gone.output.into_iter().for_each(|output| self.arrange_layers(output));
        self.redraw_all();
    }
}

impl Syncline {
    /// The output behind a client's `wl_output`; `None`: it is gone.
    pub fn output_of(&self, wl: &wl_output::WlOutput) -> Option<OutputId> {
        let wl = WlOutput::from_resource(wl)?;
        self.outputs.list.find_id(|output| output.wl == wl)
    }

    /// The output that contains a place on the desktop, else the first; `None`: there is no output.
    pub fn output_at(&self, at: Point<f64, Logical>) -> Option<OutputId> {
        let contains = |output: &&Output| output.rect().to_f64().contains(at);
        self.outputs.list.iter().find(contains).or(self.outputs.list.first()).map(|output| output.id)
    }

    /// The working area of the output that contains a place on the desktop, else of the first; empty
    /// if there is no output.
    pub fn working_area_at(&self, at: Point<f64, Logical>) -> Rectangle<i32, Logical> {
        self.output_at(at).map(|id| self.working_area(id)).unwrap_or_default()
    }

    /// The working area of an output; empty if that is gone.
    pub fn working_area(&self, id: OutputId) -> Rectangle<i32, Logical> {
        let whole = || self.outputs.list.get(id).map(Output::rect).unwrap_or_default();
        self.desktop.layers.working_area(id).unwrap_or_else(whole)
    }

    /// A commit of a surface was applied. Returns false if it is no layer surface.
    pub fn layer_commit(&mut self, surface: &WlSurface, has_buffer: bool) -> bool {
        let Some(window) = self.desktop.layers.find(surface) else { return false };
        let Some(output) = window.output else { return true };
        let before = window.wanted;
        let (maps, unmaps) = (has_buffer && !window.mapped, !has_buffer && window.mapped);
        window.mapped = has_buffer;
        window.placed = !unmaps;
        window.wanted = window.role.wanted();
        let now = window.wanted;
        self.arrange_layers(output);
        if maps || unmaps || now.layer != before.layer {
            // Titles and purposes are nobody's business: the log has numbers only.
            tracing::debug!("layer surface {}: mapped {has_buffer}", crate::surface::id_of(surface));
            self.pointer_stale = true;
            self.redraw_all();
        }
        self.refresh_keyboard(surface, maps);
        let at = self.desktop.layers.get(surface).map(|window| window.at).unwrap_or_default();
        self.note_place(surface, (at, windows::geometry(surface)));
        true
    }

    /// Arranges the layer surfaces of an output. What they leave is for the windows.
    pub fn arrange_layers(&mut self, id: OutputId) {
        let Some(area) = self.outputs.list.get(id).map(Output::rect) else { return };
        let changed = self.desktop.layers.arrange(id, area);
        if changed.area {
            self.tell_layout(id);
        }
        if changed.moved || changed.area {
            (self.pointer_stale, self.displays_stale) = (true, true);
            self.redraw_all();
        }
    }

    /// The outputs have changed their places.
    pub fn arrange_all_layers(&mut self) {
        for id in self.outputs.list.ids() {
            self.arrange_layers(id);
        }
    }

    /// An output is gone: its layer surfaces are closed, with their popups.
    pub fn close_layers(&mut self, output: OutputId) {
        for layer in self.desktop.layers.close(output) {
            layer.close();
            let popups: Vec<PopupKind> =
                PopupManager::popups_for_surface(layer.surface()).map(|(popup, _)| popup).collect();
            for popup in popups {
                // Fails if the surface is gone, and the popup with it.
                PopupManager::dismiss_popup(layer.surface(), &popup).ok();
            }
            self.focus_stale = true;
        }
    }
}
