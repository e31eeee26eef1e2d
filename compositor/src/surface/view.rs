//! How a buffer is mapped to its surface: scale, transform, viewport.
//!
//! Pure arithmetic on the protocol's state; it reads no pixels.

use dmabuf_import::colour::Representation;
use protocols::alpha_modifier::Factor;
use smithay::{
    reexports::pixman::{Box32, Overlap, Region32},
    utils::{Buffer, Logical, Physical, Rectangle, Size, Transform},
    wayland::{
        compositor::{RectangleKind, RegionAttributes, SurfaceAttributes},
        viewporter::ViewportCachedState,
    },
};

use crate::{surface::transform, system::scale::Scale};

/// The most pixels of the desktop that a surface has in a direction. A viewport may ask for more; sums
/// of places do not overflow with this.
const LARGEST: i32 = 1 << 24;

/// The largest magnification: pixman computes with 16 bits after the point.
const MOST_MAGNIFIED: f64 = 32_768.0;

/// The mapping of one applied commit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct View {
    /// Size on the desktop; empty while there is no buffer.
    pub size: Size<i32, Logical>,
    /// The part of the buffer that is shown, in buffer pixels.
    pub src: Rectangle<f64, Buffer>,
    /// The buffer transform: how the client rotated and reflected the buffer.
    pub transform: Transform,
    /// The client says that all of the surface is opaque.
    pub opaque: bool,
    /// Matrix and range of YUV pixels: as the client states, else the usual ones for an image of
    /// that height. `None`: RGB.
    pub colour: Option<Representation>,
    /// By what the client multiplies the alpha of all pixels.
    pub factor: Factor,
}

impl View {
    /// The view for the surface's current state and a buffer of `buffer` pixels. `y_invert`: the
    /// buffer's last line is the first line of the image.
    pub fn new(
        buffer: Size<i32, Buffer>,
        y_invert: bool,
        attributes: &SurfaceAttributes,
        viewport: &ViewportCachedState,
    ) -> Self {
        let scale = attributes.buffer_scale.max(1);
        let transform = Transform::from(attributes.buffer_transform);
        // Its lines are from the bottom to the top.
        let transform = if y_invert { transform::then(transform, Transform::Flipped180) } else { transform };
        let logical = buffer.to_logical(scale, transform);
        let size = viewport.size().unwrap_or(logical);
        let size = Size::from((size.w.min(LARGEST), size.h.min(LARGEST)));
        let src = match viewport.src {
            Some(src) => transform::in_buffer(transform, scale, src, logical.to_f64()),
            None => Rectangle::from_size(buffer.to_f64()),
        };
        let opaque = attributes.opaque_region.as_ref().is_some_and(|region| covers(region, size));
        Self { size, src, transform, opaque, colour: None, factor: Factor::default() }
    }
}

impl View {
    /// As many pixels of a display as its client has drawn for this scale, so that they are shown one by one;
    /// `None`: it has drawn for another scale. Clients round sizes in different ways.
    pub fn drawn_for(&self, scale: Scale) -> Option<Size<i32, Physical>> {
        let drawn = self.transform.transform_size(self.src.size);
        let pixels = |drawn: f64, size: i32| {
            let pixels = drawn as i32;
            let scales = pixels == scale.pixels(size) || pixels != size && scale.is_about(pixels, size);
            (f64::from(pixels) == drawn && scales).then_some(pixels)
        };
        Some((pixels(drawn.w, self.size.w)?, pixels(drawn.h, self.size.h)?).into())
    }

    /// The size on a display of this scale.
    pub fn pixels(&self, scale: Scale) -> Size<i32, Physical> {
        let scaled = || (scale.pixels(self.size.w), scale.pixels(self.size.h)).into();
        self.drawn_for(scale).unwrap_or_else(scaled)
    }

    /// The same image as that of a surface of another size.
    pub fn of_size(self, size: Size<i32, Physical>) -> Self {
        Self { size: (size.w, size.h).into(), ..self }
    }

    /// The view of a part of the surface, which lies within it.
    pub fn cut(self, part: Rectangle<i32, Logical>) -> Self {
        // As the surface is seen, in pixels of the buffer.
        let seen: Size<f64, Buffer> = self.transform.transform_size(self.src.size);
        let (x, y) = (seen.w / f64::from(self.size.w.max(1)), seen.h / f64::from(self.size.h.max(1)));
        let (at, size) = (part.loc.to_f64(), part.size.to_f64());
        let part_seen = Rectangle::<f64, Logical>::new((at.x * x, at.y * y).into(), (size.w * x, size.h * y).into());
        let within = transform::in_buffer(self.transform, 1, part_seen, (seen.w, seen.h).into());
        Self { size: part.size, src: Rectangle::new(self.src.loc + within.loc, within.size), ..self }
    }

    /// Whether a content of which all is opaque, or nothing is known, hides what lies below it.
    pub fn hides_below(&self, opaque: bool) -> bool {
        (opaque || self.opaque) && self.factor.is_one()
    }

    /// Whether a renderer can show it: no part of a pixel is magnified beyond what its arithmetic
    /// can express.
    pub fn is_drawable(&self) -> bool {
        let src = self.transform.transform_size(self.src.size);
        let fits = |size: i32, src: f64| src > 0.0 && f64::from(size) <= src * MOST_MAGNIFIED;
        fits(self.size.w, src.w) && fits(self.size.h, src.h)
    }
}

/// Regions of more rectangles are not looked at: the surface counts as translucent, which costs
/// only an optimisation.
const MAX_RECTS: usize = 64;

/// Whether an opaque region covers a surface of `size`. The region's rectangles are added and
/// subtracted in their order, as `wl_region` says.
fn covers(region: &RegionAttributes, size: Size<i32, Logical>) -> bool {
    if region.rects.len() > MAX_RECTS {
        return false;
    }
    let all = Rectangle::from_size(size);
    let mut covered = Region32::default();
    for (kind, rect) in &region.rects {
        let Some(rect) = rect.intersection(all).filter(|rect| !rect.is_empty()) else { continue };
        let (x, y, w, h) = (rect.loc.x, rect.loc.y, rect.size.w as u32, rect.size.h as u32);
        covered = match kind {
            RectangleKind::Add => covered.union_rect(x, y, w, h),
            RectangleKind::Subtract => covered.subtract(&Region32::init_rect(x, y, w, h)),
        };
    }
    let corners = Box32 { x1: 0, y1: 0, x2: size.w, y2: size.h };
    matches!(covered.contains_rectangle(corners), Overlap::In)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smithay::reexports::wayland_server::protocol::wl_output;

    fn attributes(scale: i32, transform: wl_output::Transform) -> SurfaceAttributes {
        let mut attributes = SurfaceAttributes::default();
        attributes.buffer_scale = scale;
        attributes.buffer_transform = transform;
        attributes
    }

    fn viewport(src: Option<(f64, f64, f64, f64)>, dst: Option<(i32, i32)>) -> ViewportCachedState {
        ViewportCachedState {
            src: src.map(|(x, y, w, h)| Rectangle::new((x, y).into(), (w, h).into())),
            dst: dst.map(Size::from),
        }
    }

    #[test]
    fn size_follows_scale_transform_and_viewport() {
        use wl_output::Transform as T;
        type Case = (i32, T, Option<(f64, f64, f64, f64)>, Option<(i32, i32)>, (i32, i32), (f64, f64, f64, f64));
        let table: [Case; 6] = [
            (1, T::Normal, None, None, (200, 100), (0., 0., 200., 100.)),
            (2, T::Normal, None, None, (100, 50), (0., 0., 200., 100.)),
            (1, T::_90, None, None, (100, 200), (0., 0., 200., 100.)),
            (1, T::Normal, None, Some((400, 300)), (400, 300), (0., 0., 200., 100.)),
            (1, T::Normal, Some((10., 20., 50., 40.)), None, (50, 40), (10., 20., 50., 40.)),
            (2, T::Normal, Some((10., 20., 50., 25.)), Some((7, 9)), (7, 9), (20., 40., 100., 50.)),
        ];
        for (scale, transform, src, dst, size, expected) in table {
            let view = View::new((200, 100).into(), false, &attributes(scale, transform), &viewport(src, dst));
            assert_eq!(view.size, Size::from(size), "{scale} {transform:?} {src:?} {dst:?}");
            let (x, y, w, h) = expected;
            assert_eq!(view.src, Rectangle::new((x, y).into(), (w, h).into()));
        }
    }

    #[test]
    fn what_is_magnified_beyond_measure_is_not_drawn() {
        use wl_output::Transform as T;
        type Case = (T, Option<(f64, f64, f64, f64)>, (i32, i32), bool);
        let table: [Case; 5] = [
            (T::Normal, None, (200 << 15, 100 << 15), true),
            (T::Normal, None, ((200 << 15) + 1, 100), false),
            (T::_90, None, ((100 << 15) + 1, 200), false),
            (T::Normal, Some((0., 0., 0.004, 1.)), (132, 100), false),
            (T::Normal, Some((0., 0., 1., 1.)), (i32::MAX, i32::MAX), false),
        ];
        for (transform, src, dst, drawable) in table {
            let view = View::new((200, 100).into(), false, &attributes(1, transform), &viewport(src, Some(dst)));
            assert_eq!(view.is_drawable(), drawable, "{transform:?} {src:?} {dst:?}");
            assert!(view.size.w <= LARGEST && view.size.h <= LARGEST);
        }
    }

    #[test]
    fn y_invert_flips_after_every_transform() {
        use wl_output::Transform::{_90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270, Normal};
        let area = Size::<i32, Logical>::from((70, 50));
        let rect = Rectangle::new((10, 5).into(), (20, 7).into());
        for told in [Normal, _90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270] {
            let transform = |y_invert| {
                View::new((200, 100).into(), y_invert, &attributes(1, told), &viewport(None, None)).transform
            };
            let mut upright: Rectangle<i32, Buffer> = transform::turned(transform(false), rect, area);
            upright.loc.y = transform(false).transform_size(area).h - upright.loc.y - upright.size.h;
            assert_eq!(transform::turned::<_, _, Buffer>(transform(true), rect, area), upright, "{told:?}");
        }
    }

    /// The surface is 100x200, as the client has rotated it to a buffer of 200x100.
    #[test]
    fn a_part_of_a_rotated_buffer_is_where_the_client_has_drawn_it() {
        use wl_output::Transform as T;
        let table = [
            (T::_90, (20., 50., 40., 30.)),
            (T::_270, (140., 20., 40., 30.)),
            (T::Flipped90, (20., 20., 40., 30.)),
            (T::Flipped270, (140., 50., 40., 30.)),
        ];
        for (transform, (x, y, w, h)) in table {
            let crop = viewport(Some((20., 20., 30., 40.)), None);
            let view = View::new((200, 100).into(), false, &attributes(1, transform), &crop);
            assert_eq!(view.src, Rectangle::new((x, y).into(), (w, h).into()), "{transform:?}");
            assert_eq!(view.size, Size::from((30, 40)), "{transform:?}");
        }
    }

    #[test]
    fn a_view_is_opaque_only_if_the_region_covers_the_surface() {
        let mut state = attributes(1, wl_output::Transform::Normal);
        type Part = (RectangleKind, (i32, i32, i32, i32));
        let mut view = |rects: &[Part]| {
            let rects = rects.iter().map(|(k, (x, y, w, h))| (*k, Rectangle::new((*x, *y).into(), (*w, *h).into())));
            state.opaque_region = Some(smithay::wayland::compositor::RegionAttributes { rects: rects.collect() });
            View::new((200, 100).into(), false, &state, &viewport(None, None)).opaque
        };
        use RectangleKind::{Add, Subtract};
        assert!(view(&[(Add, (0, 0, 200, 100))]));
        assert!(view(&[(Add, (0, 0, 100, 100)), (Add, (100, 0, 1000, 1000))]));
        assert!(!view(&[(Add, (0, 0, 199, 100))]));
        assert!(!view(&[(Add, (0, 0, 200, 100)), (Subtract, (5, 5, 1, 1))]));
        assert!(view(&[(Subtract, (5, 5, 1, 1)), (Add, (0, 0, 200, 100))]));
        assert!(view(&[(Add, (0, 0, 200, 100)), (Subtract, (5, 5, 1, 1)), (Add, (4, 4, 3, 3))]), "added again");
        let columns: Vec<Part> = (0..200).map(|x| (Add, (x, 0, 1, 100))).collect();
        assert!(!view(&columns), "too many rectangles to look at");
    }

    #[test]
    fn a_part_of_a_surface_is_that_part_of_its_buffer() {
        use Transform::{_90, _180, Flipped, Normal};
        // A surface of 40x20 that shows the part of a buffer from (10, 30) on, two pixels for one.
        type Case = (Transform, (f64, f64), (i32, i32, i32, i32), (f64, f64, f64, f64));
        let table: [Case; 5] = [
            (Normal, (80.0, 40.0), (0, 0, 40, 20), (10.0, 30.0, 80.0, 40.0)),
            (Normal, (80.0, 40.0), (5, 3, 10, 7), (20.0, 36.0, 20.0, 14.0)),
            (_180, (80.0, 40.0), (5, 3, 10, 7), (60.0, 50.0, 20.0, 14.0)),
            (Flipped, (80.0, 40.0), (5, 3, 10, 7), (60.0, 36.0, 20.0, 14.0)),
            (_90, (40.0, 80.0), (0, 0, 10, 20), (10.0, 90.0, 40.0, 20.0)),
        ];
        for (transform, (w, h), (x, y, wide, high), (sx, sy, sw, sh)) in table {
            let src = Rectangle::new((10.0, 30.0).into(), (w, h).into());
            let view = View { size: (40, 20).into(), src, transform, ..View::default() };
            let cut = view.cut(Rectangle::new((x, y).into(), (wide, high).into()));
            assert_eq!(cut.size, (wide, high).into(), "{transform:?}");
            assert_eq!(cut.src, Rectangle::new((sx, sy).into(), (sw, sh).into()), "{transform:?}");
        }
    }
}
