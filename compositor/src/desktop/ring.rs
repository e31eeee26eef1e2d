//! The ring around a window: which windows have one, and which rectangles it is made of.
//!
//! ```text
//!   ┌──────────────┐ top
//!   ├─┬──────────┬─┤
//!   │ │  window  │ │ left, right
//!   ├─┴──────────┴─┤
//!   └──────────────┘ bottom
//! ```
//!
//! It lies outside the window's geometry, directly below the window's own surfaces, and on the output of the
//! window's workspace only. Plain arithmetic: nothing here draws, or takes input.

use smithay::utils::{Logical, Physical, Rectangle};

use crate::{
    desktop::layout::{
        geometry::Rect,
        placed::{Placed, States},
    },
    render::{Anchor, Screen},
};

/// The ring of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ring {
    /// In logical pixels, at least 1.
    pub width: i32,
    /// The window has the focus.
    pub active: bool,
    /// What is seen of it: the area of an output.
    pub within: Rectangle<i32, Logical>,
}

impl Ring {
    /// The ring of a window that the layout has placed on an output with the area `within`, if it has
    /// left room for one of `width`: it leaves none around windows that fill something, or are alone.
    pub fn of(placed: &Placed, width: i32, within: Rectangle<i32, Logical>) -> Option<Self> {
        let Placed { rect, frame, states, .. } = placed;
        if fills(states) {
            return None;
        }
        // Above a window its bar may be.
        let width = width.min(rect.x - frame.x).min(bottom(*frame) - bottom(*rect));
        (width > 0).then_some(Self { width, active: states.activated, within })
    }

    /// The rectangles of it around `window`, which has its origin at `anchor`, in upright pixels of an output:
    /// top, bottom, left, right. All are equally wide. What is not seen is empty.
    pub fn sides(
        &self,
        window: Rectangle<i32, Logical>,
        anchor: Anchor,
        screen: &Screen,
    ) -> [Rectangle<i32, Physical>; 4] {
        let within = screen.span(screen.corner(), self.within);
        let (Rectangle { loc, size }, by) = (screen.span(anchor, window), screen.scale.pixels(self.width).max(1));
        let across = size.w + 2 * by;
        let sides = [
            (loc.x - by, loc.y - by, across, by),
            (loc.x - by, loc.y + size.h, across, by),
            (loc.x - by, loc.y, by, size.h),
            (loc.x + size.w, loc.y, by, size.h),
        ];
        sides.map(|(x, y, w, h)| {
            let side = Rectangle::new((x, y).into(), (w, h).into());
            side.intersection(within).filter(|_| !window.is_empty()).unwrap_or_default()
        })
    }
}

fn fills(states: &States) -> bool {
    states.maximised || states.fullscreen
}

fn bottom(rect: Rect) -> i32 {
    rect.y + rect.h
}

#[cfg(test)]
mod tests {
    use smithay::utils::Transform;

    use super::*;
    use crate::system::{id::WindowId, scale::Scale};

    fn area(x: i32, y: i32, w: i32, h: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    fn sides(ring: Ring, window: Rectangle<i32, Logical>, screen: &Screen) -> [Rectangle<i32, Physical>; 4] {
        ring.sides(window, screen.anchor(window.loc), screen)
    }

    fn ring(width: i32) -> Ring {
        Ring { width, active: true, within: area(0, 0, 100, 80) }
    }

    #[test]
    fn the_sides_meet_without_overlap_and_end_with_the_output() {
        type Place = (i32, i32, i32, i32);
        type Case = (Place, i32, [Place; 4]);
        let none = (0, 0, 0, 0);
        let table: [Case; 6] = [
            ((20, 10, 30, 40), 3, [(17, 7, 36, 3), (17, 50, 36, 3), (17, 10, 3, 40), (50, 10, 3, 40)]),
            ((20, 10, 1, 1), 1, [(19, 9, 3, 1), (19, 11, 3, 1), (19, 10, 1, 1), (21, 10, 1, 1)]),
            // Left and top are off the output, right and bottom are cut.
            ((0, 0, 98, 78), 4, [none, (0, 78, 100, 2), none, (98, 0, 2, 78)]),
            ((-50, 70, 60, 40), 2, [(0, 68, 12, 2), none, none, (10, 70, 2, 10)]),
            ((200, 10, 30, 40), 3, [none; 4]),
            ((20, 10, 0, 40), 3, [none; 4]),
        ];
        for ((x, y, w, h), width, sides) in table {
            let expected = sides.map(|(x, y, w, h)| Rectangle::new((x, y).into(), (w, h).into()));
            let screen = Screen::upright(area(0, 0, 100, 80));
            assert_eq!(self::sides(ring(width), area(x, y, w, h), &screen), expected, "{x} {y} {w} {h}");
        }
    }

    /// On every way to turn an output, the pixels of the ring are those around the window.
    #[test]
    fn the_pixels_of_a_ring_are_those_around_the_window_on_every_output() {
        use Transform::{_90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270, Normal};
        for transform in [Normal, _90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270] {
            let (window, by) = (area(20, 10, 30, 40), 3);
            let mode = transform.transform_size((100, 80).into());
            let screen = Screen::new((0, 0).into(), mode, transform, Scale::ONE);
            let (inner, outer) = (screen.rect(window), screen.rect(area(17, 7, 36, 46)));
            let sides = self::sides(ring(by), window, &screen).map(|side| screen.turn(side));
            for (x, y) in (0..screen.pixels().h).flat_map(|y| (0..screen.pixels().w).map(move |x| (x, y))) {
                let on = sides.iter().filter(|side| side.contains((x, y))).count();
                let expected = outer.contains((x, y)) && !inner.contains((x, y));
                assert_eq!(on, usize::from(expected), "{transform:?} {x} {y}");
            }
        }
    }

    /// Around what is shown of the window, wherever that is.
    #[test]
    fn a_ring_is_equally_wide_on_all_sides_and_leaves_no_gap_at_any_scale() {
        let pixels = [(0.5, 1), (1.0, 2), (1.1, 2), (1.25, 3), (1.5, 3), (1.75, 4), (2.0, 4)];
        for (factor, wide) in pixels {
            let screen = Screen::new((0, 0).into(), (300, 240).into(), Transform::Normal, Scale::of(factor).unwrap());
            for x in 20..40 {
                let window = area(x, 10, 31, 41);
                let shown = screen.span(screen.anchor(window.loc), window);
                let [top, bottom, left, right] = sides(ring(2), window, &screen);
                let edges = |rect: Rectangle<i32, Physical>| (rect.loc, rect.loc + rect.size);
                let ((from, to), by) = (edges(shown), wide);
                assert_eq!((left.size.w, right.size.w, top.size.h, bottom.size.h), (by, by, by, by), "{x} at {factor}");
                assert_eq!((edges(left).1.x, right.loc.x), (from.x, to.x), "{x} at {factor}");
                assert_eq!((edges(top).1.y, bottom.loc.y), (from.y, to.y), "{x} at {factor}");
            }
        }
    }

    #[test]
    fn a_window_has_a_ring_where_the_layout_has_left_room_for_it() {
        let rect = |x, y, w, h| Rect { x, y, w, h };
        let inner = rect(20, 20, 30, 30);
        let plain = States::default();
        let table = [
            ("around it", rect(17, 17, 36, 36), plain, Some(3)),
            ("no room: it is alone", inner, plain, None),
            ("with a bar above", rect(17, 0, 36, 53), plain, Some(3)),
            ("less room", rect(18, 18, 34, 34), plain, Some(2)),
            ("in the middle of a cell of tabs", rect(0, 0, 80, 80), plain, Some(3)),
            ("maximised", rect(17, 17, 36, 36), States { maximised: true, ..plain }, None),
            ("fullscreen", rect(17, 17, 36, 36), States { fullscreen: true, ..plain }, None),
        ];
        for (name, frame, states, width) in table {
            for activated in [false, true] {
                let states = States { activated, ..states };
                let (bar, ask) = (Rect::default(), inner.size());
                let placed = Placed { window: WindowId(1), rect: inner, frame, bar, ask, states, visible: true };
                let found = Ring::of(&placed, 3, area(0, 0, 100, 80));
                assert_eq!(
                    found.map(|ring| (ring.width, ring.active)),
                    width.map(|width| (width, activated)),
                    "{name}"
                );
            }
        }
    }
}
