//! What is to be shown: pictures on planes, and what the CRTC does to the whole. Pure values.

use std::rc::Rc;

use kms::crc::vkms::{ColorOp, Encoding, ModelRotation, Range};
use kms::{Blend, PlaneKind, Rect, SrcRect};

use super::picture::Picture;

/// A picture on a plane.
#[derive(Clone)]
pub struct Layer {
    /// Index into [`super::screen::Screen::planes`].
    pub plane: usize,
    pub picture: Rc<Picture>,
    pub src: SrcRect,
    pub dst: Rect,
    pub turn: ModelRotation,
    /// Of YUV only; `None` leaves the driver's own.
    pub encoding: Option<(Encoding, Range)>,
    /// Opacity of the whole plane.
    pub alpha: u16,
    pub blend: Blend,
    /// Operations of the plane's colour pipeline; none without.
    pub pipeline: Vec<ColorOp>,
}

impl Layer {
    /// A whole picture at `(x, y)`, upright and opaque.
    pub fn whole(plane: usize, picture: &Rc<Picture>, (x, y): (i32, i32)) -> Self {
        let (w, h) = picture.size();
        Self::part(plane, picture, (0, 0), Rect::new(x, y, w, h))
    }

    /// The part of a picture from `(x, y)` on, at `dst` in its own size.
    pub fn part(plane: usize, picture: &Rc<Picture>, (x, y): (u32, u32), dst: Rect) -> Self {
        let src = SrcRect::pixels(x, y, dst.w, dst.h);
        let (alpha, blend) = (u16::MAX, Blend::Premultiplied);
        Self {
            plane,
            picture: picture.clone(),
            src,
            dst,
            turn: ModelRotation::default(),
            encoding: None,
            alpha,
            blend,
            pipeline: Vec::new(),
        }
    }

    /// The same, turned; a quarter turn exchanges width and height on the screen.
    pub fn turned(mut self, turn: ModelRotation) -> Self {
        if turn.swaps() {
            (self.dst.w, self.dst.h) = (self.dst.h, self.dst.w);
        }
        self.turn = turn;
        self
    }
}

/// A picture of the whole screen.
#[derive(Clone, Default)]
pub struct Scene {
    /// From the bottom up.
    pub layers: Vec<Layer>,
    /// `BACKGROUND_COLOR`: 16 bits each of alpha, red, green, blue.
    pub background: u64,
    /// `GAMMA_LUT`: red, green and blue of each entry; none without entries.
    pub gamma: Vec<[u16; 3]>,
    /// `DEGAMMA_LUT`, likewise.
    pub degamma: Vec<[u16; 3]>,
    /// `CTM`, between the two.
    pub ctm: Option<Ctm>,
}

/// What a `CTM` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ctm {
    /// Red and blue change places: the same in every arithmetic.
    Exchange,
    /// All become one grey.
    Grey,
}

impl Ctm {
    /// `struct drm_color_ctm`: rows of sign and magnitude with 32 fractional bits.
    pub fn matrix(self) -> [u64; 9] {
        const ONE: u64 = 1 << 32;
        match self {
            Self::Exchange => [0, 0, ONE, 0, ONE, 0, ONE, 0, 0],
            Self::Grey => [ONE / 4, ONE / 2, ONE / 4, ONE / 4, ONE / 2, ONE / 4, ONE / 4, ONE / 2, ONE / 4],
        }
    }
}

impl Scene {
    /// These layers on black.
    pub fn of(layers: impl Into<Vec<Layer>>) -> Self {
        Self { layers: layers.into(), ..Self::default() }
    }

    /// Whether a layer goes through a colour pipeline.
    pub fn piped(&self) -> bool {
        self.layers.iter().any(|layer| !layer.pipeline.is_empty())
    }
}

/// A scene with its name, and one that must look different.
pub struct Case {
    /// The suite that it belongs to.
    pub suite: &'static str,
    pub name: String,
    /// What to show, and the control; or why this device cannot show it.
    pub scenes: Result<(Scene, Scene), String>,
}

/// As names of cases have it.
pub fn kind_name(kind: PlaneKind) -> &'static str {
    match kind {
        PlaneKind::Primary => "primary",
        PlaneKind::Overlay => "overlay",
        PlaneKind::Cursor => "cursor",
    }
}
