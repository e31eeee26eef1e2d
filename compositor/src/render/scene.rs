//! What an output shows: its layers from top to bottom, kept from frame to frame.
//!
//! A commit that changes only a surface's content replaces that in its layer. Anything else (sizes,
//! positions, order, what is mapped) makes the scene *stale*: the next latch builds it again. So a
//! frame costs what has changed, not what exists.
//!
//! A scene renders nothing, and does not know where surfaces are.

use std::collections::HashMap;

use smithay::{reexports::wayland_server::protocol::wl_surface::WlSurface, wayland::compositor::with_states};

use crate::{
    render::{
        Layer,
        layer::{LastPictures, Shows},
    },
    surface::{SurfaceState, content::Content, damage::DamageHistory, view::View},
    system::id::SurfaceId,
};

/// The layers of one output.
#[derive(Default)]
pub struct Scene {
    layers: Vec<Layer>,
    /// Where in `layers` each surface is.
    index: HashMap<SurfaceId, u32>,
    /// The layers are not what the desktop is any more.
    stale: bool,
    /// Layers whose content is new since the last frame.
    changed: Indices,
    /// All layers are new since the last frame.
    rebuilt: bool,
    /// Layers whose content may still wait for its fence.
    unready: Indices,
    /// Layers with a rate above [`STILL`].
    moving: Indices,
    /// Frames since the rates of these were looked at.
    rated: u32,
    /// The views of surfaces of which layers show a part.
    whole: HashMap<SurfaceId, View>,
    /// What layers showed in the last frame that have another content now.
    last: LastPictures,
}

/// A surface that commits more rarely stands still, mHz: its rate counts as 0.
const STILL: u32 = 1_000;

/// The number of frames after which rates are looked at that no commit has changed.
const RATED_FOR: u32 = 60;

/// Indices of layers, each once.
#[derive(Default)]
struct Indices {
    list: Vec<usize>,
    /// For each layer, whether it is in the list.
    has: Vec<bool>,
}

impl Indices {
    /// None, of `count` layers.
    fn reset(&mut self, count: usize) {
        self.list.clear();
        self.has.clear();
        self.has.resize(count, false);
    }

    fn insert(&mut self, at: usize) {
        if !std::mem::replace(&mut self.has[at], true) {
            self.list.push(at);
        }
    }

    /// Keeps those for which `keep` is true.
    fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let has = &mut self.has;
        self.list.retain(|at| {
            has[*at] = keep(*at);
            has[*at]
        });
    }
}

impl Scene {
    /// An empty scene, to be built before it is used.
    pub fn new() -> Self {
        Self { stale: true, ..Self::default() }
    }

    /// The layers, from top to bottom.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layers that have changed since [`Scene::frame_done`]; `None`: all.
    pub fn changed(&self) -> Option<&[usize]> {
        (!self.rebuilt).then_some(&self.changed.list)
    }

    /// Whether a surface is one of the layers.
    pub fn shows(&self, surface: SurfaceId) -> bool {
        self.index.contains_key(&surface)
    }

    /// The layers have to be built again.
    pub fn set_stale(&mut self) {
        self.stale = true;
    }

    /// Whether the layers have to be built again.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Builds the layers again: `build` fills the empty list from top to bottom.
    pub fn rebuild(&mut self, build: impl FnOnce(&mut Vec<Layer>)) {
        for layer in self.layers.drain(..) {
            if let (Some(picture), false) = (layer.picture(), self.last.contains_key(&layer.content.surface)) {
                self.last.insert(layer.content.surface, picture);
            }
        }
        build(&mut self.layers);
        (self.stale, self.rebuilt) = (false, true);
        self.changed.reset(self.layers.len());
        self.index.clear();
        self.index.extend(self.layers.iter().enumerate().map(|(at, layer)| (layer.content.surface, at as u32)));
        let (layers, index) = (&self.layers, &self.index);
        self.last.retain(|surface, last| {
            index.get(surface).is_some_and(|at| layers[*at as usize].content.serial != last.content.serial)
        });
        self.whole.clear();
        for layer in self.layers.iter().filter(|layer| layer.shows == Shows::Part) {
            let view = layer.surface.as_ref().map(|of| with_states(of, |states| SurfaceState::of(states).view));
            self.whole.extend(view.map(|view| (layer.content.surface, view)));
        }
        self.unready.reset(self.layers.len());
        self.moving.reset(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            if !layer.content.is_ready() {
                self.unready.insert(at);
            }
            if layer.rate > STILL {
                self.moving.insert(at);
            }
        }
    }

    /// A commit of the surface is about to be applied: drops what its layer holds of the surface's
    /// damage, so that the new damage need not be added to a copy.
    pub fn begin_update(&mut self, surface: SurfaceId) {
        if let Some(at) = self.index.get(&surface) {
            self.layers[*at as usize].damage = DamageHistory::default();
        }
    }

    /// A commit of the surface, which changed neither its size nor whether it is opaque or mapped,
    /// was applied: its layer gets the new content. Returns false if no layer shows the surface.
    pub fn update(&mut self, surface: SurfaceId, state: &mut SurfaceState, now: fence::Ns) -> bool {
        let Some(at) = self.index.get(&surface).map(|at| *at as usize) else { return false };
        let layer = &mut self.layers[at];
        layer.damage = state.damage.clone();
        layer.rate = state.rate.rate(now);
        if layer.rate > STILL {
            self.moving.insert(at);
        }
        let cut = layer.shows == Shows::Part;
        let stays = if cut { self.whole.get(&surface) == Some(&state.view) } else { layer.stays(&state.view) };
        self.stale |= !stays;
        // Another part of the same buffer, or another rotation, is another image, too.
        let mut changed = !cut && layer.view != state.view;
        if let Some(content) = &state.current
            && content.serial != layer.content.serial
        {
            if let (Some(picture), false) = (layer.picture(), self.last.contains_key(&surface)) {
                self.last.insert(surface, picture);
            }
            layer.content = content.clone();
            changed = true;
            if !content.is_ready() {
                self.unready.insert(at);
            }
        }
        if !cut {
            layer.view = state.view;
        }
        if changed {
            self.changed.insert(at);
        }
        true
    }

    /// Calls `is_left_out` for the layers whose content was not ready when it was last looked at,
    /// and returns whether it is true for one of them.
    pub fn leaves_out(&mut self, is_left_out: impl Fn(&Layer) -> bool) -> bool {
        let layers = &self.layers;
        self.unready.retain(|at| !layers[at].content.is_ready());
        self.unready.list.iter().any(|at| is_left_out(&layers[*at]))
    }

    /// A frame is to be made at `now`: lets the rates fall of surfaces that have stopped committing,
    /// once in many frames.
    pub fn let_rates_fall(&mut self, now: fence::Ns) {
        self.rated += 1;
        if self.rated < RATED_FOR {
            return;
        }
        self.rated = 0;
        let (layers, changed) = (&mut self.layers, &mut self.changed);
        self.moving.retain(|at| {
            let layer = &mut layers[at];
            let rate = |surface: &WlSurface| with_states(surface, |states| SurfaceState::of(states).rate.rate(now));
            let rate = layer.surface.as_ref().map_or(0, rate);
            let rate = if rate > STILL { rate } else { 0 };
            if std::mem::replace(&mut layer.rate, rate) != rate {
                changed.insert(at);
            }
            rate > 0
        });
    }

    /// The content may not be read although a frame has taken it: its layer is looked at in each
    /// latch until it is ready.
    pub fn hold_back(&mut self, content: &Content) {
        if let Some(at) = self.index.get(&content.surface) {
            self.unready.insert(*at as usize);
        }
    }

    /// A frame shows the layers, but for those that are left out: the last pictures of the others
    /// are of no more use.
    pub fn drop_last_pictures(&mut self) {
        let (layers, index) = (&self.layers, &self.index);
        let is_left_out = |at: &u32| layers[*at as usize].content.is_left_out();
        self.last.retain(|surface, _| index.get(surface).is_some_and(is_left_out));
    }

    /// What layers showed in the last frame that have another content now.
    pub fn last_pictures(&mut self) -> &mut LastPictures {
        &mut self.last
    }

    /// A frame shows the layers: nothing has changed since.
    pub fn frame_done(&mut self) {
        self.rebuilt = false;
        self.changed.retain(|_| false);
    }

    /// The next frame cannot build on the last one: all layers count as new.
    pub fn set_rebuilt(&mut self) {
        self.rebuilt = true;
    }

    /// Drops the layers; nothing is shown.
    pub fn clear(&mut self) {
        self.rebuild(|_| {});
        self.stale = true;
    }
}
