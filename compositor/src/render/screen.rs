//! Where an output is on the desktop, and how its pixels lie there: the one place that maps the one
//! to the other.
//!
//! The desktop is upright for the user. The pixels of an output are those of its mode, as they are
//! scanned out. Plain arithmetic.

use smithay::utils::{Logical, Physical, Point, Rectangle, Size, Transform};

use crate::surface::transform;

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
}

impl Screen {
    /// An output whose image is upright.
    pub fn upright(area: Rectangle<i32, Logical>) -> Self {
        Self { area, transform: Transform::Normal }
    }

    /// The size of its image.
    pub fn pixels(&self) -> Size<i32, Physical> {
        let Size { w, h, .. } = self.transform.transform_size(self.area.size);
        (w, h).into()
    }

    /// A rectangle of the desktop in pixels of the output.
    pub fn rect(&self, rect: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
        transform::turned(self.transform, Rectangle::new(rect.loc - self.area.loc, rect.size), self.area.size)
    }

    /// Where on the desktop a point of the image is, which counts as one of the output.
    pub fn place(&self, point: Point<f64, Physical>) -> Point<f64, Logical> {
        let (back, point) = (transform::reverse(self.transform), Rectangle::new(point, Size::default()));
        let Point { x, y, .. } = transform::turned::<_, _, Logical>(back, point, self.pixels().to_f64()).loc;
        let inside = |at: f64, size: i32| at.min(f64::from(size) - STEP).max(0.0);
        let at = Point::from((inside(x, self.area.size.w), inside(y, self.area.size.h)));
        self.area.loc.to_f64() + at
    }
}

#[cfg(test)]
mod tests {
    use Transform::{_90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270, Normal};

    use super::*;

    /// A mode of 40x30, at 100, 200 on the desktop.
    fn screen(transform: Transform) -> Screen {
        let size = transform.transform_size(Size::from((40, 30)));
        Screen { area: Rectangle::new((100, 200).into(), size), transform }
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
}
