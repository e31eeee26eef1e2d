//! The input of an assignment: the screen, its planes from the bottom up, its layers from the top
//! down. Plain values.

use dmabuf_import::Fourcc;

use crate::inventory::{self, FormatModifiers};
use crate::props::PlaneProps;
use crate::{ColorEncoding, ColorRange, OutputPlane, PlaneKind, Rect, Rotation, SrcRect, representation_bit};

/// `DRM_MODE_ROTATE_0`.
pub const ROTATE_0: u32 = 1;

/// One image of the scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandidateLayer {
    /// The part of the buffer that is shown.
    pub src: SrcRect,
    /// Where, in pixels of the screen; may reach beyond it.
    pub dst: Rect,
    /// `DRM_FORMAT_*` of the buffer.
    pub format: u32,
    /// Its modifier.
    pub modifier: u64,
    /// The one `DRM_MODE_ROTATE_*`, and the `DRM_MODE_REFLECT_*`, that bring the buffer upright:
    /// [`ROTATE_0`] for most.
    pub rotation: u32,
    /// The [`representation_bit`] of YUV pixels; 0: of RGB.
    pub representation: u8,
    /// Opacity of the whole layer, 0xffff = opaque.
    pub alpha: u16,
    /// Every pixel hides what lies below it. False: the pixels are premultiplied with their alpha.
    pub opaque: bool,
    /// Whether there is a framebuffer that a plane could show, and nothing else speaks for
    /// composition.
    pub scans_out: bool,
    /// No other layer loses its plane for it. Composited, it counts as absent where it overlaps others,
    /// so a plane may cover what of it should be seen above; and where planes show all others, it is not
    /// shown at all. It has no framebuffer, and hides nothing.
    pub yields: bool,
    /// How often its image changes, in thousandths of a hertz. Ranks layers; no part of the layout.
    pub rate: u32,
}

impl CandidateLayer {
    /// An opaque, unscaled XRGB8888 layer in linear memory that stands still.
    pub fn opaque(dst: Rect) -> Self {
        Self {
            src: SrcRect::full(dst.w, dst.h),
            dst,
            format: Fourcc::Xrgb8888 as u32,
            modifier: 0,
            rotation: ROTATE_0,
            representation: 0,
            alpha: u16::MAX,
            opaque: true,
            scans_out: true,
            yields: false,
            rate: 0,
        }
    }

    /// The same without its rate, which changes nothing about what the kernel says.
    pub(super) fn layout(self) -> Self {
        Self { rate: 0, ..self }
    }

    /// The same somewhere else: at the corner, and whole. What of it is shown and how large stays.
    pub(super) fn anywhere(self) -> Self {
        let (src, dst) = (SrcRect { x: 0, y: 0, ..self.src }, Rect { x: 0, y: 0, ..self.dst });
        Self { src, dst, ..self }
    }

    /// Whether the layers differ in nothing but their rates.
    pub fn is_like(&self, other: &Self) -> bool {
        self.layout() == other.layout()
    }

    pub(super) fn hides(&self) -> bool {
        self.opaque && self.alpha == u16::MAX && !self.yields
    }

    fn is_scaled(&self) -> bool {
        let whole = |size: u32| u64::from(size) << 16;
        let turned = Rotation::from_bits(self.rotation).is_some_and(Rotation::swaps_axes);
        let (w, h) = if turned { (self.dst.h, self.dst.w) } else { (self.dst.w, self.dst.h) };
        (u64::from(self.src.w), u64::from(self.src.h)) != (whole(w), whole(h))
    }
}

/// One plane, as far as assignment must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaneCaps {
    /// Its kind.
    pub kind: PlaneKind,
    /// Formats with their modifiers, as in [`OutputPlane::formats`].
    pub formats: Vec<FormatModifiers>,
    /// Least and greatest `zpos`, equal where it cannot be changed; `None` without the property.
    pub zpos: Option<(u64, u64)>,
    /// Whether it blends premultiplied pixels.
    pub blends: bool,
    /// Whether it has the property `alpha`.
    pub alpha: bool,
    /// The rotations and reflections it offers, as bits; [`ROTATE_0`] without the property.
    pub rotations: u32,
    /// The [`representation_bit`]s of the YUV that it converts as asked.
    pub representations: u8,
    /// False where it is known never to scale: saves the tests. True: the test decides.
    pub scales: bool,
    /// The largest image it shows, where that is known.
    pub largest: Option<(u32, u32)>,
    /// The only sizes that it takes, for cursors; empty: any.
    pub sizes: Vec<(u32, u32)>,
}

impl From<&OutputPlane> for PlaneCaps {
    fn from(plane: &OutputPlane) -> Self {
        Self {
            kind: plane.kind,
            formats: plane.formats.clone(),
            zpos: plane.props.zpos.and(plane.props.zpos_range),
            blends: plane.props.blend_modes[1].is_some(),
            alpha: plane.props.alpha.is_some(),
            rotations: plane.props.rotations,
            representations: representations(&plane.props),
            scales: true,
            largest: None,
            sizes: plane.cursor_sizes.clone(),
        }
    }
}

/// What a plane converts: what its properties offer, and without the properties BT.601 of limited
/// range, as such drivers do.
fn representations(props: &PlaneProps) -> u8 {
    let mut bits = 0;
    for encoding in [ColorEncoding::Bt601, ColorEncoding::Bt709, ColorEncoding::Bt2020] {
        for range in [ColorRange::Limited, ColorRange::Full] {
            let encodes = match props.color_encoding {
                Some(_) => props.color_encodings[encoding as usize].is_some(),
                None => encoding == ColorEncoding::Bt601,
            };
            let ranges = match props.color_range {
                Some(_) => props.color_ranges[range as usize].is_some(),
                None => range == ColorRange::Limited,
            };
            if encodes && ranges {
                bits |= representation_bit(encoding, range);
            }
        }
    }
    bits
}

impl PlaneCaps {
    /// Whether nothing that is known before a test speaks against `layer` on this plane.
    pub fn takes(&self, layer: &CandidateLayer) -> bool {
        let fits = |(w, h): (u32, u32)| layer.dst.w <= w && layer.dst.h <= h;
        let exact = |&(w, h): &(u32, u32)| (layer.dst.w, layer.dst.h) == (w, h);
        inventory::supports(&self.formats, layer.format, layer.modifier)
            && (layer.opaque || self.blends)
            && (layer.alpha == u16::MAX || self.alpha)
            && self.rotations & layer.rotation == layer.rotation
            && self.representations & layer.representation == layer.representation
            && (!layer.is_scaled() || (self.scales && self.sizes.is_empty()))
            && self.largest.is_none_or(fits)
            && (self.sizes.is_empty() || self.sizes.iter().any(exact))
    }
}

/// The screen and what the caller can do for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssignScreen {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The caller can draw a composited image that is transparent where
    /// [`super::Assignment::is_below`] says that a layer's plane lies under it. Without it the
    /// composited image is the lowest of all.
    pub holes: bool,
    /// A plane that the caller uses itself, above all others: that of the pointer.
    pub reserved: Option<usize>,
}

impl AssignScreen {
    /// All of it.
    pub(super) fn rect(&self) -> Rect {
        Rect::new(0, 0, self.width, self.height)
    }
}

/// Whether `outer` contains all of `inner`.
pub(super) fn contains(outer: &Rect, inner: &Rect) -> bool {
    outer.intersection(inner).as_ref() == Some(inner)
}

#[cfg(test)]
mod tests {
    use super::super::tests::plane;
    use super::*;
    use crate::scripted::{Stock, ids};
    use crate::{Output, scripted::Scripted};

    #[test]
    fn a_plane_takes_what_nothing_speaks_against() {
        let any = plane(PlaneKind::Overlay, None);
        let plain = CandidateLayer::opaque(Rect::new(0, 0, 40, 30));
        let glass = CandidateLayer { opaque: false, ..plain };
        let faint = CandidateLayer { alpha: 0x8000, ..plain };
        let scaled = CandidateLayer { src: SrcRect::full(20, 30), ..plain };
        // Turned by 90 degrees: sides change places.
        let turned = CandidateLayer { rotation: 2, src: SrcRect::full(30, 40), ..plain };
        let yuv = CandidateLayer { representation: 0b10, ..plain };
        let turning = PlaneCaps { rotations: 0b11, ..any.clone() };
        let sized = |w, h| PlaneCaps { sizes: vec![(64, 64), (w, h)], ..any.clone() };
        let table = [
            ("as it is", any.clone(), plain, true),
            ("another modifier", any.clone(), CandidateLayer { modifier: 7, ..plain }, false),
            ("blended", any.clone(), glass, true),
            ("not blended", PlaneCaps { blends: false, ..any.clone() }, glass, false),
            ("opaque where nothing is blended", PlaneCaps { blends: false, ..any.clone() }, plain, true),
            ("faint", any.clone(), faint, true),
            ("without the property alpha", PlaneCaps { alpha: false, ..any.clone() }, faint, false),
            ("not faint, without it", PlaneCaps { alpha: false, ..any.clone() }, plain, true),
            ("turned", turning.clone(), turned, true),
            ("turned and scaled", turning.clone(), CandidateLayer { src: plain.src, ..turned }, true),
            (
                "turned and scaled, unscaled only",
                PlaneCaps { scales: false, ..turning.clone() },
                CandidateLayer { src: plain.src, ..turned },
                false,
            ),
            ("turned, unscaled only", PlaneCaps { scales: false, ..turning.clone() }, turned, true),
            ("no rotation", any.clone(), turned, false),
            ("a rotation beside another one", PlaneCaps { rotations: 0b101, ..any.clone() }, turned, false),
            ("its colours", PlaneCaps { representations: 0b11, ..any.clone() }, yuv, true),
            ("other colours", PlaneCaps { representations: 0b101, ..any.clone() }, yuv, false),
            ("scaled", any.clone(), scaled, true),
            ("unscaled only", PlaneCaps { scales: false, ..any.clone() }, scaled, false),
            ("as large as that", PlaneCaps { largest: Some((40, 30)), ..any.clone() }, plain, true),
            ("too wide", PlaneCaps { largest: Some((39, 30)), ..any.clone() }, plain, false),
            ("too high", PlaneCaps { largest: Some((40, 29)), ..any.clone() }, plain, false),
            ("its only size", sized(40, 30), plain, true),
            ("not its only size", sized(40, 31), plain, false),
            ("its only size, scaled", sized(40, 30), scaled, false),
        ];
        for (what, plane, layer, expected) in table {
            assert_eq!(plane.takes(&layer), expected, "{what}");
        }
        assert!(plain.hides() && !glass.hides() && !faint.hides());
        assert!(plain.is_like(&CandidateLayer { rate: 9, ..plain }) && !plain.is_like(&glass));
    }

    #[test]
    fn a_plane_converts_what_its_properties_offer_and_else_limited_bt601() {
        let kernel = Scripted::new().unwrap();
        let stock = Stock::default();
        let output = Output::new(&kernel.device(), &stock.inventory(), ids::CONNECTOR, &Stock::mode()).unwrap();
        let mut props = output.planes()[0].props.clone();
        let (encoding, range) = (props.zpos, props.zpos);
        let (all, both) = ([Some(0), Some(1), Some(2)], [Some(0), Some(1)]);
        let table = [
            (None, [None; 3], None, [None; 2], 0b00_0001),
            (encoding, all, range, both, 0b11_1111),
            (encoding, [None, Some(1), None], range, [None, Some(1)], 0b00_1000),
            (encoding, [Some(0), None, Some(2)], None, [None; 2], 0b01_0001),
            (None, [None; 3], range, both, 0b00_0011),
        ];
        assert!(encoding.is_some(), "any property will do");
        for (encoding, encodings, range, ranges, expected) in table {
            (props.color_encoding, props.color_encodings) = (encoding, encodings);
            (props.color_range, props.color_ranges) = (range, ranges);
            assert_eq!(representations(&props), expected, "{encodings:?} {ranges:?}");
        }
    }
}
