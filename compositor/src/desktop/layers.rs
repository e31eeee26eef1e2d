//! Layer surfaces: which output each belongs to, where it is, and which of them has the keyboard.
//!
//! The arithmetic is in [`arrange`]. Nothing here knows outputs: the caller passes their ids and
//! areas.

pub mod arrange;

use protocols::{
    layer_shell::{Keyboard, Layer, LayerSurface, Wanted},
    reexports::layer_shell::surface::ZwlrLayerSurfaceV1,
};
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle},
    wayland::compositor::with_states,
};

use self::arrange::Wish;
use crate::{surface::SurfaceState, system::id::OutputId};

/// One layer surface.
#[derive(Debug)]
pub struct LayerWindow {
    pub role: LayerSurface,
    /// `None`: it was closed, since its output is gone.
    pub output: Option<OutputId>,
    /// It has committed once since it was made or unmapped, so it has a place.
    pub placed: bool,
    /// It shows a buffer.
    pub mapped: bool,
    /// What its last applied commit wants.
    pub wanted: Wanted,
    /// The top left corner on the desktop.
    pub at: Point<i32, Logical>,
}

impl LayerWindow {
    /// Its surface.
    pub fn surface(&self) -> &WlSurface {
        self.role.surface()
    }

    /// Whether it is seen, as long as nothing covers it.
    pub fn is_shown(&self) -> bool {
        self.mapped && self.output.is_some() && self.surface().is_alive()
    }

    /// Whether it may have the keyboard.
    pub fn takes_keyboard(&self) -> bool {
        self.is_shown() && self.wanted.keyboard != Keyboard::None
    }

    /// Whether it is above the windows, where it gets the keyboard as soon as it is shown.
    pub fn is_above_windows(&self) -> bool {
        self.wanted.layer >= Layer::Top
    }
}

/// What an arrangement has changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rearranged {
    /// A surface is elsewhere.
    pub moved: bool,
    /// The working area is another one.
    pub area: bool,
}

/// All layer surfaces.
#[derive(Debug, Default)]
pub struct Layers {
    /// In the order in which they came.
    list: Vec<LayerWindow>,
    /// The working areas of outputs that have layer surfaces.
    areas: Vec<(OutputId, Rectangle<i32, Logical>)>,
}

impl Layers {
    /// Adds a surface that is not shown yet.
    pub fn push(&mut self, role: LayerSurface, output: Option<OutputId>) {
        let wanted = role.wanted();
        self.list.push(LayerWindow { role, output, placed: false, mapped: false, wanted, at: Point::default() });
    }

    /// Removes the surface of a role object.
    pub fn remove(&mut self, object: &ZwlrLayerSurfaceV1) -> Option<LayerWindow> {
        let at = self.list.iter().position(|window| window.role == *object)?;
        Some(self.list.remove(at))
    }

    /// The layer surface that `surface` is.
    pub fn find(&mut self, surface: &WlSurface) -> Option<&mut LayerWindow> {
        self.list.iter_mut().find(|window| window.surface() == surface)
    }

    /// The same, to look at.
    pub fn get(&self, surface: &WlSurface) -> Option<&LayerWindow> {
        self.list.iter().find(|window| window.surface() == surface)
    }

    /// The surfaces of a layer that are shown, from top to bottom.
    pub fn shown(&self, layer: Layer) -> impl Iterator<Item = &LayerWindow> {
        self.list.iter().rev().filter(move |window| window.wanted.layer == layer && window.is_shown())
    }

    /// Number of surfaces.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The surface that has the keyboard for itself; `None`: windows may have it.
    pub fn exclusive(&self) -> Option<&WlSurface> {
        let mut above = [Layer::Overlay, Layer::Top].into_iter().flat_map(|layer| self.shown(layer));
        above.find(|window| window.wanted.keyboard == Keyboard::Exclusive).map(LayerWindow::surface)
    }

    /// The output is gone: returns its surfaces, which are closed.
    pub fn close(&mut self, output: OutputId) -> Vec<LayerSurface> {
        self.areas.retain(|(id, _)| *id != output);
        let mut closed = Vec::new();
        for window in self.list.iter_mut().filter(|window| window.output == Some(output)) {
            (window.output, window.mapped) = (None, false);
            closed.push(window.role.clone());
        }
        closed
    }

    /// What the surfaces of an output leave of it; `None`: all of it.
    pub fn working_area(&self, output: OutputId) -> Option<Rectangle<i32, Logical>> {
        self.areas.iter().find(|(id, _)| *id == output).map(|(_, area)| *area)
    }

    /// Arranges the surfaces of an output with this area, and tells their clients their sizes.
    pub fn arrange(&mut self, output: OutputId, area: Rectangle<i32, Logical>) -> Rearranged {
        let here = |window: &LayerWindow| window.output == Some(output) && window.placed;
        let wishes: Vec<Wish> = self.list.iter().filter(|window| here(window)).map(wish).collect();
        let (arranged, left) = arrange::arrange(area, &wishes);
        let mut changed = Rearranged::default();
        for (window, place) in self.list.iter_mut().filter(|window| here(window)).zip(arranged) {
            window.role.configure(place.told);
            changed.moved |= std::mem::replace(&mut window.at, place.at) != place.at;
        }
        let before = self.working_area(output);
        changed.area = before.is_some_and(|before| before != left) || (before.is_none() && left != area);
        self.areas.retain(|(id, _)| *id != output);
        if !wishes.is_empty() {
            self.areas.push((output, left));
        }
        changed
    }
}

fn wish(window: &LayerWindow) -> Wish {
    let size = || with_states(window.surface(), |states| SurfaceState::of(states).view.size);
    Wish { wanted: window.wanted, shown: window.mapped.then(size) }
}
