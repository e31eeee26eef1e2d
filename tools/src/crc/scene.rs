//! Scenes: images on planes, and what the CRTC does to the result. Pure values.

use std::rc::Rc;

use kms::crc::vkms::{ColorOp, Encoding, ModelRotation, Range};
use kms::{Blend, Rect, SrcRect};

use super::image::Image;

/// An image on a plane.
#[derive(Clone)]
pub struct Layer {
    /// Index into [`super::screen::Screen::planes`].
    pub plane: usize,
    pub image: Rc<Image>,
    pub src: SrcRect,
    pub dst: Rect,
    pub rotation: ModelRotation,
    /// For YUV formats; `None` keeps the driver's default.
    pub encoding: Option<(Encoding, Range)>,
    /// Plane alpha; 65535 is opaque.
    pub alpha: u16,
    pub blend: Blend,
    /// Operations of the plane's colour pipeline; empty: no pipeline.
    pub pipeline: Vec<ColorOp>,
}

impl Layer {
    /// A whole image at `(x, y)`, neither rotated nor scaled, opaque.
    pub fn whole(plane: usize, image: &Rc<Image>, (x, y): (i32, i32)) -> Self {
        let (w, h) = image.size();
        Self::crop(plane, image, (0, 0), Rect::new(x, y, w, h))
    }

    /// The part of an image that begins at `(x, y)`, shown at `dst` without scaling.
    pub fn crop(plane: usize, image: &Rc<Image>, (x, y): (u32, u32), dst: Rect) -> Self {
        let src = SrcRect::pixels(x, y, dst.w, dst.h);
        let (alpha, blend) = (u16::MAX, Blend::Premultiplied);
        Self {
            plane,
            image: image.clone(),
            src,
            dst,
            rotation: ModelRotation::default(),
            encoding: None,
            alpha,
            blend,
            pipeline: Vec::new(),
        }
    }

    /// Whether every display shows it alike, to the last bit: no scaling, no blending but with an
    /// alpha of all or nothing, no conversion of colours.
    pub fn is_exact(&self) -> bool {
        let (w, h) = match self.rotation.swaps() {
            true => (self.dst.h, self.dst.w),
            false => (self.dst.w, self.dst.h),
        };
        let whole = (self.src.x | self.src.y) & 0xffff == 0;
        self.image.is_exact()
            && whole
            && (self.src.w, self.src.h) == (w << 16, h << 16)
            && self.alpha == u16::MAX
            && self.encoding.is_none()
            && self.pipeline.is_empty()
    }

    /// The same layer, rotated; by 90 or 270 degrees width and height on the screen are exchanged.
    pub fn rotated(mut self, rotation: ModelRotation) -> Self {
        if rotation.swaps() {
            (self.dst.w, self.dst.h) = (self.dst.h, self.dst.w);
        }
        self.rotation = rotation;
        self
    }
}

/// What the whole screen shows.
#[derive(Clone, Default)]
pub struct Scene {
    /// From bottom to top.
    pub layers: Vec<Layer>,
    /// `BACKGROUND_COLOR`: 16 bits each of alpha, red, green, blue.
    pub background: u64,
    /// `GAMMA_LUT`: red, green and blue of each entry; empty: no LUT.
    pub gamma: Vec<[u16; 3]>,
    /// `DEGAMMA_LUT`, in the same form.
    pub degamma: Vec<[u16; 3]>,
    /// `CTM`, applied between the two.
    pub ctm: Option<Ctm>,
}

/// The matrices of the test scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ctm {
    /// Red and blue are exchanged: exact in any arithmetic.
    SwapRedBlue,
    /// All channels become the same weighted sum.
    Grey,
}

impl Ctm {
    /// As `struct drm_color_ctm`: row by row, sign and magnitude with 32 fractional bits.
    pub fn matrix(self) -> [u64; 9] {
        const ONE: u64 = 1 << 32;
        match self {
            Self::SwapRedBlue => [0, 0, ONE, 0, ONE, 0, ONE, 0, 0],
            Self::Grey => [ONE / 4, ONE / 2, ONE / 4, ONE / 4, ONE / 2, ONE / 4, ONE / 4, ONE / 2, ONE / 4],
        }
    }
}

impl Scene {
    /// These layers on a black background.
    pub fn from_layers(layers: impl Into<Vec<Layer>>) -> Self {
        Self { layers: layers.into(), ..Self::default() }
    }

    /// Whether a layer uses a colour pipeline.
    pub fn uses_pipelines(&self) -> bool {
        self.layers.iter().any(|layer| !layer.pipeline.is_empty())
    }
}

/// A scene with a name, and a control: a scene that must have another CRC.
pub struct Case {
    /// The suite that it belongs to.
    pub suite: &'static str,
    pub name: String,
    /// The scene and its control, or why this device cannot show them.
    pub scenes: Result<(Scene, Scene), String>,
}

impl Case {
    /// `suite: name`, which also names the scene in reference files.
    pub fn title(&self) -> String {
        format!("{}: {}", self.suite, self.name)
    }
}
