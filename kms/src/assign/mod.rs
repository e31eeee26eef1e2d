//! Which plane takes which layer: a pure search with a test callback.
//!
//! ```text
//!  layers, top to bottom        what the search finds                    planes, top to bottom
//!    popup   (wl_shm)   ─────→  composited                         ┌──→  overlay 2: video
//!    video   60 Hz      ─────→  plane, above all that it overlaps ─┘  ┌→ overlay 1: editor
//!    editor  10 Hz      ─────→  plane ───────────────────────────────┘
//!    old window, covered ────→  hidden: not composited
//!    terminal, under the popup → composited ──────────────────────────→  primary: the composited image
//! ```
//!
//! An [`Assigner`] belongs to one output. It is asked at each latch, and answers in one of three
//! ways:
//!
//! 1. *The layout is that of the last frame*: the same answer, no test, no allocation.
//! 2. *The layout is new*: layers are ranked by update rate × area, and placed so that the stack of
//!    planes looks like the scene (`arrange`). The best placement is tested. If the kernel refuses
//!    it, the placement is grown layer by layer from nothing, each step tested, until no layer can
//!    be added.
//! 3. *The search is not done*: at most [`TESTS_PER_LATCH`] tests are made for one frame. The frame
//!    gets the best placement that is known to work; the next one goes on where this one stopped,
//!    since each verdict is remembered.
//!
//! Verdicts are remembered by what the kernel judges (rectangles, formats, modifiers, planes),
//! never by buffers, 64 of them. What was refused four times in a row, each time in another place,
//! is not tested for the next 60 frames wherever it lies: a window that is dragged would cost a test
//! a frame. [`Assigner::forget`] forgets all, after a modeset or a hot-plug.
//! What is neither on a plane nor hidden is composited.
//!
//! This module knows neither Wayland nor the kernel: tests are the caller's.

mod arrange;
mod input;
mod memory;
mod search;
mod visible;

pub use input::{AssignScreen, CandidateLayer, PlaneCaps, ROTATE_0};
pub use search::{Assigner, TESTS_PER_LATCH};

use crate::output::MAX_PLANES;

/// What a plane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlaneContent {
    /// Nothing of the scene.
    #[default]
    Off,
    /// The layer of this index.
    Layer(usize),
    /// The composited image.
    Composite,
}

/// What becomes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerPlacement {
    /// Nothing of it can be seen.
    Hidden,
    /// It is part of the composited image.
    Composited,
    /// The plane of this index shows it; below [`MAX_PLANES`], so that the list is short.
    Plane(u8),
}

/// Planes and layers brought together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    planes: [PlaneContent; MAX_PLANES],
    zpos: [Option<u64>; MAX_PLANES],
    placements: Vec<LayerPlacement>,
    below: u32,
    composite: Option<usize>,
}

impl Default for Assignment {
    fn default() -> Self {
        let planes = [PlaneContent::Off; MAX_PLANES];
        Self { planes, zpos: [None; MAX_PLANES], placements: Vec::new(), below: 0, composite: None }
    }
}

impl Assignment {
    /// What a plane shows, by its index; the reserved plane is [`PlaneContent::Off`], since it is
    /// the caller's.
    pub fn shows(&self, plane: usize) -> PlaneContent {
        self.planes.get(plane).copied().unwrap_or_default()
    }

    /// The `zpos` to set on a plane; `None`: none.
    pub fn zpos(&self, plane: usize) -> Option<u64> {
        self.zpos.get(plane).copied().flatten()
    }

    /// What becomes of each layer, in the order in which they were given.
    pub fn placements(&self) -> &[LayerPlacement] {
        &self.placements
    }

    /// The plane of the composited image; `None`: planes show the whole scene.
    pub fn composite(&self) -> Option<usize> {
        self.composite
    }

    /// Whether the plane lies below the composited image, which must then be transparent where that
    /// plane's layer is, but for the composited layers above it.
    pub fn is_below(&self, plane: usize) -> bool {
        plane < MAX_PLANES && self.below & (1 << plane) != 0
    }

    /// Number of layers on planes.
    pub fn on_planes(&self) -> usize {
        self.planes.iter().filter(|shows| matches!(shows, PlaneContent::Layer(_))).count()
    }

    /// The layers on planes, each with its plane; from the lowest index of a plane on.
    pub fn layers_on_planes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.planes.iter().enumerate().filter_map(|(plane, shows)| match shows {
            PlaneContent::Layer(layer) => Some((*layer, plane)),
            PlaneContent::Off | PlaneContent::Composite => None,
        })
    }
}

#[cfg(test)]
mod prop_tests;
#[cfg(test)]
mod tests;
