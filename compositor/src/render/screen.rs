//! Where an output is on the desktop, and how its pixels lie there: the one place that maps the one
//! to the other.
//!
//! The desktop is upright for the user, and its pixels are those that clients count (*logical* ones). The
//! pixels of an output are those of its mode, as they are scanned out. In between there are the *upright*
//! pixels: as many as the mode has, not turned yet.
//!
//! Edges are rounded to whole pixels, not sizes, so what lies side by side does so on every output. What
//! lies in a window is rounded by its distance from the window's origin, which is rounded once: a window has
//! the same pixels wherever it is. Plain arithmetic.

use smithay::utils::{Logical, Physical, Point, Rectangle, Size, Transform};

use crate::{
    surface::{transform, view::View},
    system::scale::Scale,
};

/// The smallest step of the coordinates that clients hear.
const STEP: f64 = 1.0 / 256.0;

/// An output on the desktop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screen {
    /// Its rectangle on the desktop.
    pub area: Rectangle<i32, Logical>,
    /// How that part of the desktop is turned to become the image that is scanned out; clients see
    /// it in `wl_output.geometry`.
    pub transform: Transform,
    /// How many of its pixels are one of the desktop.
    pub scale: Scale,
    /// The size of its image before that is turned.
    upright: Size<i32, Physical>,
    /// Where in it the desktop is shown: everywhere, but on a display that mirrors another one.
    picture: Rectangle<i32, Physical>,
}

/// A place of the desktop that is a pixel of an output: what is counted from it is rounded alike wherever
/// it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    at: Point<i32, Logical>,
    pixel: Point<i32, Physical>,
}

impl Screen {
    /// An output at a place of the desktop, with a mode of so many pixels.
    pub fn new(at: Point<i32, Logical>, mode: Size<i32, Physical>, transform: Transform, scale: Scale) -> Self {
        let upright = transform.transform_size(mode);
        // As Smithay tells it in `xdg_output`.
        let size = upright.to_f64().to_logical(scale.factor()).to_i32_round();
        Self { area: Rectangle::new(at, size), transform, scale, upright, picture: Rectangle::from_size(upright) }
    }

    /// An output with a mode of so many pixels that shows what another one shows, in its middle and as large as it can
    /// be, with the same ratio of sides.
    pub fn mirroring(of: &Self, mode: Size<i32, Physical>, transform: Transform) -> Self {
        let (upright, from) = (transform.transform_size(mode), of.picture.size);
        if upright == from {
            return Self { transform, upright, picture: Rectangle::from_size(upright), ..*of };
        }
        let scale = of.scale.fitting((from.w, from.h), (upright.w, upright.h));
        let side = |length: i32, most: i32| scale.pixels(length).clamp(1, most.max(1));
        let size = Size::from((side(of.area.size.w, upright.w), side(of.area.size.h, upright.h)));
        let at = Point::from(((upright.w - size.w) / 2, (upright.h - size.h) / 2));
        Self { area: of.area, transform, scale, upright, picture: Rectangle::new(at, size) }
    }

    /// An output whose image is upright, and whose pixels are those of the desktop.
    pub fn upright(area: Rectangle<i32, Logical>) -> Self {
        let upright = (area.size.w, area.size.h).into();
        let picture = Rectangle::from_size(upright);
        Self { area, transform: Transform::Normal, scale: Scale::ONE, upright, picture }
    }

    /// The same part of the desktop in as many pixels, but not turned.
    pub fn not_turned(self) -> Self {
        Self { transform: Transform::Normal, ..self }
    }

    /// The size of its image.
    pub fn pixels(&self) -> Size<i32, Physical> {
        self.transform.transform_size(self.upright)
    }

    /// Where the desktop is shown, in upright pixels.
    pub fn picture(&self) -> Rectangle<i32, Physical> {
        self.picture
    }

    /// What is black beside that, in upright pixels: above, below, left and right. What there is nothing of is empty.
    pub fn edges(&self) -> [Rectangle<i32, Physical>; 4] {
        let (Size { w, h, .. }, picture) = (self.upright, self.picture);
        let end = picture.loc + picture.size;
        let rect = |x: i32, y: i32, w: i32, h: i32| Rectangle::new((x, y).into(), (w, h).into());
        [
            rect(0, 0, w, picture.loc.y),
            rect(0, end.y, w, h - end.y),
            rect(0, picture.loc.y, picture.loc.x, picture.size.h),
            rect(end.x, picture.loc.y, w - end.x, picture.size.h),
        ]
    }

    /// Whether anything is black.
    pub fn has_edges(&self) -> bool {
        self.picture.size != self.upright
    }

    /// A rectangle of the desktop in pixels of the output.
    pub fn rect(&self, rect: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
        self.turn(self.span(self.corner(), rect))
    }

    /// The corner of the output.
    pub fn corner(&self) -> Anchor {
        Anchor { at: self.area.loc, pixel: self.picture.loc }
    }

    /// The pixel that is nearest to a place of the desktop.
    pub fn anchor(&self, at: Point<i32, Logical>) -> Anchor {
        let Point { x, y, .. } = at - self.area.loc;
        Anchor { at, pixel: self.picture.loc + Point::from((self.scale.pixels(x), self.scale.pixels(y))) }
    }

    /// The corner of an image with this hotspot, which the pointer is at.
    pub fn below_pointer(&self, pointer: Point<f64, Logical>, hotspot: Point<i32, Logical>) -> Anchor {
        let hot = Point::from((self.scale.pixels(hotspot.x), self.scale.pixels(hotspot.y)));
        Anchor { at: pointer.to_i32_floor() - hotspot, pixel: self.pixel(pointer) - hot }
    }

    /// The upright pixel that a place of the desktop is in.
    pub fn pixel(&self, at: Point<f64, Logical>) -> Point<i32, Physical> {
        // A place is often where a pixel begins, but for the last digits.
        let digits = if self.scale == Scale::ONE { 0.0 } else { STEP / 16.0 };
        let of = |at: f64| (at * self.scale.factor() + digits).floor();
        let Point { x, y, .. } = at - self.area.loc.to_f64();
        self.picture.loc + Point::<f64, Physical>::from((of(x), of(y))).to_i32_floor()
    }

    /// A rectangle of the desktop in upright pixels.
    pub fn span(&self, from: Anchor, rect: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
        let edge = |at: i32, from: i32, pixel: i32| pixel.saturating_add(self.scale.pixels(at.saturating_sub(from)));
        let corner = |at: Point<i32, Logical>| {
            let (x, y) = (edge(at.x, from.at.x, from.pixel.x), edge(at.y, from.at.y, from.pixel.y));
            Point::<i32, Physical>::from((x, y))
        };
        Rectangle::from_extremities(corner(rect.loc), corner(rect.loc + rect.size))
    }

    /// Where an image is shown that covers a rectangle of the desktop, in upright pixels. One that was drawn for the
    /// scale of the output is as large as its buffer: nothing scales it.
    pub fn image(&self, from: Anchor, rect: Rectangle<i32, Logical>, view: &View) -> Rectangle<i32, Physical> {
        let span = self.span(from, rect);
        Rectangle::new(span.loc, view.drawn_for(self.scale).unwrap_or(span.size))
    }

    /// Upright pixels in the image of the output.
    pub fn turn(&self, rect: Rectangle<i32, Physical>) -> Rectangle<i32, Physical> {
        transform::turned(self.transform, rect, self.upright)
    }

    /// Where on the desktop a point of the image is, which counts as one of the output.
    pub fn place(&self, point: Point<f64, Physical>) -> Point<f64, Logical> {
        let (back, point) = (transform::reverse(self.transform), Rectangle::new(point, Size::default()));
        let Point { x, y, .. } = transform::turned::<_, _, Physical>(back, point, self.pixels().to_f64()).loc;
        let inside = |at: f64, size: i32| (at / self.scale.factor()).min(f64::from(size) - STEP).max(0.0);
        let (x, y) = (x - f64::from(self.picture.loc.x), y - f64::from(self.picture.loc.y));
        let at = Point::from((inside(x, self.area.size.w), inside(y, self.area.size.h)));
        self.area.loc.to_f64() + at
    }

    /// The nearest place on the output for a pointer: the first place of a pixel is the last one.
    pub fn clamp(&self, at: Point<f64, Logical>) -> Point<f64, Logical> {
        let inside = |at: f64, from: i32, size: i32, pixels: i32| {
            let last = f64::from(pixels - 1) / self.scale.factor();
            at.clamp(from.into(), f64::from(from) + last.min(f64::from(size) - STEP).max(0.0))
        };
        let Rectangle { loc, size } = self.area;
        (inside(at.x, loc.x, size.w, self.upright.w), inside(at.y, loc.y, size.h, self.upright.h)).into()
    }
}

#[cfg(test)]
mod tests {
    use Transform::{_90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270, Normal};

    use super::*;

    /// A mode of 40x30, at 100, 200 on the desktop.
    fn screen(transform: Transform) -> Screen {
        Screen::new((100, 200).into(), (40, 30).into(), transform, Scale::ONE)
    }

    #[test]
    fn the_top_left_corner_of_the_desktop_is_where_the_panel_wants_it() {
        let table = [
            (Normal, (40, 30), (0, 0, 8, 4)),
            (_90, (30, 40), (0, 22, 4, 8)),
            (_180, (40, 30), (32, 26, 8, 4)),
            (_270, (30, 40), (36, 0, 4, 8)),
            (Flipped, (40, 30), (32, 0, 8, 4)),
            (Flipped90, (30, 40), (0, 0, 4, 8)),
            (Flipped180, (40, 30), (0, 26, 8, 4)),
            (Flipped270, (30, 40), (36, 22, 4, 8)),
        ];
        for (transform, area, (x, y, w, h)) in table {
            let screen = screen(transform);
            assert_eq!((screen.area.size, screen.pixels()), (area.into(), (40, 30).into()), "{transform:?}");
            let corner = screen.rect(Rectangle::new((100, 200).into(), (8, 4).into()));
            assert_eq!(corner, Rectangle::new((x, y).into(), (w, h).into()), "{transform:?}");
            let all = screen.rect(screen.area);
            assert_eq!(all, Rectangle::from_size((40, 30).into()), "{transform:?}");
        }
    }

    #[test]
    fn a_display_that_mirrors_another_one_shows_all_of_it_in_its_middle() {
        let table = [
            // The other one's mode and scale, and the mode here: where the picture is.
            ((1024, 768), 1.0, (1024, 768), (0, 0, 1024, 768)),
            ((1024, 768), 1.5, (1024, 768), (0, 0, 1024, 768)),
            ((1920, 1080), 1.0, (1280, 720), (0, 0, 1280, 720)),
            // To a step of the scale.
            ((1024, 768), 1.0, (1280, 720), (162, 1, 956, 717)),
            ((1920, 1080), 1.0, (1024, 768), (0, 96, 1024, 576)),
            ((3840, 2160), 2.0, (1920, 1080), (0, 0, 1920, 1080)),
            ((800, 600), 1.0, (1920, 1080), (240, 0, 1440, 1080)),
            ((1920, 1080), 1.0, (1366, 768), (3, 1, 1360, 765)),
        ];
        for (of, scale, mode, (x, y, w, h)) in table {
            let source = Screen::new((100, 50).into(), of.into(), Normal, Scale::of(scale).unwrap());
            let screen = Screen::mirroring(&source, mode.into(), Normal);
            let picture = Rectangle::new((x, y).into(), (w, h).into());
            assert_eq!((screen.area, screen.picture()), (source.area, picture), "{of:?} on {mode:?}");
            assert_eq!(screen.pixels(), mode.into());
            let shown = screen.rect(screen.area);
            assert!(
                (shown.size.w - w).abs() <= 1 && (shown.size.h - h).abs() <= 1 && shown.loc == picture.loc,
                "{shown:?}"
            );
            let edges: i64 = screen.edges().iter().map(|edge| i64::from(edge.size.w) * i64::from(edge.size.h)).sum();
            assert_eq!(
                edges + i64::from(w) * i64::from(h),
                i64::from(mode.0) * i64::from(mode.1),
                "all but the picture"
            );
            assert_eq!(screen.has_edges(), edges != 0);
            assert_eq!(screen.place((x.into(), y.into()).into()), source.area.loc.to_f64(), "a finger there");
        }
        // Turned, it shows the same upright.
        let source = Screen::new((0, 0).into(), (1920, 1080).into(), Normal, Scale::ONE);
        let turned = Screen::mirroring(&source, (720, 1280).into(), _90);
        assert_eq!((turned.pixels(), turned.has_edges()), ((720, 1280).into(), false));
        // Of one that is turned itself.
        let source = Screen::new((0, 0).into(), (1920, 1080).into(), _90, Scale::ONE);
        let screen = Screen::mirroring(&source, (1920, 1080).into(), Normal);
        assert_eq!(screen.picture(), Rectangle::new((658, 4).into(), (603, 1072).into()));
    }

    #[test]
    fn a_finger_on_a_pixel_is_at_the_place_that_the_pixel_shows() {
        for transform in [Normal, _90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270] {
            let screen = screen(transform);
            for (x, y) in [(100, 200), (117, 203), (129, 229)] {
                let pixel = screen.rect(Rectangle::new((x, y).into(), (1, 1).into())).to_f64();
                let middle = pixel.loc + Point::from((0.5, 0.5));
                assert_eq!(screen.place(middle), (f64::from(x) + 0.5, f64::from(y) + 0.5).into(), "{transform:?}");
            }
            // The edges of the glass belong to the display.
            for edge in [(0.0, 0.0), (40.0, 30.0)] {
                assert!(screen.area.to_f64().contains(screen.place(edge.into())), "{transform:?} {edge:?}");
            }
        }
    }

    fn scaled(mode: (i32, i32), factor: f64) -> Screen {
        Screen::new((100, 200).into(), mode.into(), Normal, Scale::of(factor).unwrap())
    }

    fn rect(x: i32, y: i32, w: i32, h: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((100 + x, 200 + y).into(), (w, h).into())
    }

    #[test]
    fn an_output_has_the_size_of_its_mode_divided_by_its_scale() {
        let table = [
            ((1920, 1080), 1.0, (1920, 1080)),
            ((1920, 1080), 1.25, (1536, 864)),
            ((2256, 1504), 1.5, (1504, 1003)),
            ((3840, 2160), 2.0, (1920, 1080)),
            ((1366, 768), 3.0, (455, 256)),
            ((1366, 768), 0.5, (2732, 1536)),
        ];
        for (mode, factor, size) in table {
            let screen = scaled(mode, factor);
            assert_eq!((screen.area.size, screen.pixels()), (size.into(), mode.into()), "{mode:?} at {factor}");
        }
        let turned = Screen::new((0, 0).into(), (3840, 2160).into(), _90, Scale::of(2.0).unwrap());
        assert_eq!((turned.area.size, turned.pixels()), ((1080, 1920).into(), (3840, 2160).into()));
    }

    #[test]
    fn rectangles_that_meet_on_the_desktop_meet_in_pixels() {
        let table = [
            (1.0, (33, 0, 401, 10), (33, 0, 401, 10)),
            (1.5, (33, 0, 401, 10), (50, 0, 601, 15)),
            (1.5, (434, 1, 1, 1), (651, 2, 2, 1)),
            (1.25, (1, 1, 1, 2), (1, 1, 2, 3)),
            (2.0, (33, 5, 401, 10), (66, 10, 802, 20)),
            (1.5, (-3, -1, 2, 2), (-4, -1, 3, 3)),
        ];
        for (factor, (x, y, w, h), expected) in table {
            let screen = scaled((1200, 900), factor);
            let (x, y, w, h) = (100 + x, 200 + y, w, h);
            let Rectangle { loc, size } = screen.rect(Rectangle::new((x, y).into(), (w, h).into()));
            assert_eq!((loc.x, loc.y, size.w, size.h), expected, "{x} {y} at {factor}");
        }
        for factor in [1.0, 1.1, 1.25, 4.0 / 3.0, 1.5, 1.75, 2.0, 2.5] {
            let screen = scaled((1200, 900), factor);
            for x in -20..60 {
                let [left, right] = [rect(x, 0, 7, 5), rect(x + 7, 0, 9, 5)].map(|rect| screen.rect(rect));
                assert_eq!(left.loc.x + left.size.w, right.loc.x, "{x} at {factor}");
            }
        }
    }

    #[test]
    fn a_window_has_the_same_pixels_wherever_it_is() {
        for factor in [1.1, 1.25, 1.5, 1.75, 2.0] {
            let screen = scaled((1200, 900), factor);
            let inside = |x: i32| {
                let anchor = screen.anchor((100 + x, 200).into());
                let of = |rect| screen.span(anchor, rect);
                let (whole, part) = (of(rect(x, 0, 401, 33)), of(rect(x + 5, 7, 101, 11)));
                (whole.size, Rectangle::new(part.loc - whole.loc, part.size))
            };
            assert!((0..100).all(|x| inside(x) == inside(0)), "{factor}");
        }
    }

    #[test]
    fn a_buffer_that_was_drawn_for_the_scale_keeps_its_size() {
        let view = |src: (i32, i32), size: (i32, i32)| View {
            size: size.into(),
            src: Rectangle::from_size(Size::from(src).to_f64()),
            ..View::default()
        };
        // Scale, buffer, size on the desktop, pixels of the output.
        let table = [
            (1.5, (602, 15), (401, 10), (602, 15), "rounded"),
            (1.5, (601, 15), (401, 10), (601, 15), "rounded down"),
            (1.5, (401, 10), (401, 10), (602, 15), "by a client that knows no scale"),
            (1.5, (802, 20), (401, 10), (602, 15), "for a scale of 2"),
            (2.0, (802, 20), (401, 10), (802, 20), "for this scale"),
            (1.25, (3, 3), (3, 3), (4, 4), "tiny, and not scaled"),
            (1.0, (401, 10), (401, 10), (401, 10), "at 1"),
            (1.0, (400, 10), (401, 10), (401, 10), "scaled at 1"),
        ];
        for (factor, src, size, expected, name) in table {
            let (screen, rect) = (scaled((1200, 900), factor), rect(0, 0, size.0, size.1));
            let shown = screen.image(screen.anchor(rect.loc), rect, &view(src, size));
            assert_eq!(shown.size, expected.into(), "{name}");
        }
    }

    #[test]
    fn a_pointer_is_in_the_pixel_that_its_place_on_the_desktop_shows() {
        let screen = scaled((1200, 900), 1.5);
        for (at, pixel) in [((0.0, 0.0), (0, 0)), ((1.0, 0.7), (1, 1)), ((2.0 / 3.0, 799.4), (1, 1199))] {
            let place = Point::<f64, Logical>::from((100.0 + at.0, 200.0 + at.1));
            assert_eq!(screen.pixel(place), pixel.into(), "{at:?}");
        }
        for factor in [0.5, 1.0, 1.25, 1.5, 2.0, 3.0] {
            let screen = scaled((1366, 768), factor);
            let last = screen.clamp((f64::MAX, f64::MAX).into());
            assert!(screen.area.to_f64().contains(last), "{factor}");
            // At 3 the desktop ends before the last pixel.
            let pixel = screen.pixel(last);
            assert!(pixel == (1365, 767).into() || factor == 3.0 && pixel.x == 1364, "{pixel:?} at {factor}");
            assert_eq!(screen.clamp((f64::MIN, f64::MIN).into()), screen.area.loc.to_f64());
            // A finger on a pixel.
            for (x, y) in [(0, 0), (17, 3), (1360, 760)] {
                let middle = Point::from((f64::from(x) + 0.5, f64::from(y) + 0.5));
                assert_eq!(screen.pixel(screen.place(middle)), (x, y).into(), "{x} {y} at {factor}");
            }
        }
    }
}
