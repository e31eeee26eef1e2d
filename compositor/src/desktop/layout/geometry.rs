//! Points, sizes, rectangles, edges and size hints, in whole logical pixels.
//!
//! Lengths and coordinates have bounds that every value is kept within, so that no sum of a few of
//! them overflows. Nothing here knows windows.

/// No coordinate is further from the origin than this.
pub const FARTHEST: i32 = 1 << 24;
/// No length is greater than this.
pub const LONGEST: i32 = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub w: i32,
    pub h: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

/// A direction on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
}

impl Direction {
    pub fn is_horizontal(self) -> bool {
        matches!(self, Self::Left | Self::Right)
    }

    /// Whether the direction is that of growing coordinates.
    pub fn is_forward(self) -> bool {
        matches!(self, Self::Right | Self::Down)
    }
}

/// A set of a rectangle's edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edges {
    pub left: bool,
    pub right: bool,
    pub top: bool,
    pub bottom: bool,
}

impl Edges {
    pub const ALL: Self = Self { left: true, right: true, top: true, bottom: true };
    pub const NONE: Self = Self { left: false, right: false, top: false, bottom: false };

    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

/// The smallest and greatest size that a client wants for its window; 0 is no limit, as in
/// xdg-shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints {
    pub min: Size,
    pub max: Size,
}

impl Hints {
    /// The size within the limits that is nearest. Of limits that contradict each other, the
    /// smallest size counts.
    pub fn clamp(self, size: Size) -> Size {
        let within = |length: i32, min: i32, max: i32| {
            let length = if max > 0 { length.min(max) } else { length };
            length.max(min).clamp(1, LONGEST)
        };
        Size { w: within(size.w, self.min.w, self.max.w), h: within(size.h, self.min.h, self.max.h) }
    }

    /// Whether the window can have one size only.
    pub fn is_fixed(self) -> bool {
        let fixed = |min: i32, max: i32| max > 0 && min >= max;
        fixed(self.min.w, self.max.w) && fixed(self.min.h, self.max.h)
    }
}

impl Size {
    /// Each length at least 0 and at most [`LONGEST`].
    pub fn bounded(self) -> Self {
        Self { w: self.w.clamp(0, LONGEST), h: self.h.clamp(0, LONGEST) }
    }

    pub fn is_empty(self) -> bool {
        self.w <= 0 || self.h <= 0
    }
}

impl Point {
    /// Each coordinate at most [`FARTHEST`] from the origin.
    pub fn bounded(self) -> Self {
        Self { x: self.x.clamp(-FARTHEST, FARTHEST), y: self.y.clamp(-FARTHEST, FARTHEST) }
    }

    /// The sum, within the bounds.
    pub fn moved(self, dx: i32, dy: i32) -> Self {
        Self { x: self.x.saturating_add(dx), y: self.y.saturating_add(dy) }.bounded()
    }
}

impl Rect {
    pub fn new(at: Point, size: Size) -> Self {
        Self { x: at.x, y: at.y, w: size.w, h: size.h }
    }

    pub fn at(self) -> Point {
        Point { x: self.x, y: self.y }
    }

    pub fn size(self) -> Size {
        Size { w: self.w, h: self.h }
    }

    /// The first column that is not part of it.
    pub fn right(self) -> i32 {
        self.x + self.w
    }

    /// The first row that is not part of it.
    pub fn bottom(self) -> i32 {
        self.y + self.h
    }

    pub fn middle(self) -> Point {
        Point { x: self.x + self.w / 2, y: self.y + self.h / 2 }
    }

    /// Coordinates and lengths within the bounds.
    pub fn bounded(self) -> Self {
        Self::new(self.at().bounded(), self.size().bounded())
    }

    pub fn contains(self, point: Point) -> bool {
        (self.x..self.right()).contains(&point.x) && (self.y..self.bottom()).contains(&point.y)
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// What is left without `by` at each edge. A rectangle that is too small keeps its middle.
    pub fn inset(self, by: i32) -> Self {
        let along = |at: i32, length: i32| {
            let by = by.min(length / 2);
            (at + by, length - 2 * by)
        };
        let ((x, w), (y, h)) = (along(self.x, self.w), along(self.y, self.h));
        Self { x, y, w, h }
    }

    /// What is left below `height`, but at least one row.
    pub fn below(self, height: i32) -> Self {
        let height = height.clamp(0, (self.h - 1).max(0));
        Self { y: self.y + height, h: self.h - height, ..self }
    }

    /// The part of it that both have.
    pub fn common(self, other: Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let (w, h) = (self.right().min(other.right()) - x, self.bottom().min(other.bottom()) - y);
        (w > 0 && h > 0).then_some(Self { x, y, w, h })
    }

    /// A rectangle of `size` in the middle of it. What does not fit begins at its top left corner.
    pub fn centred(self, size: Size) -> Self {
        let (x, y) = (self.x + (self.w - size.w).max(0) / 2, self.y + (self.h - size.h).max(0) / 2);
        Self { x, y, w: size.w, h: size.h }
    }

    /// Moved so that at least `least` pixels in each direction lie within `area`.
    pub fn within_reach(self, area: Self, least: i32) -> Self {
        let along = |at: i32, length: i32, from: i32, room: i32| {
            let least = least.min(length).min(room);
            at.clamp(from + least - length, from + room - least)
        };
        let (x, y) = (along(self.x, self.w, area.x, area.w), along(self.y, self.h, area.y, area.h));
        Self { x, y, ..self }
    }
}

/// The size that dragging `edges` of a window of size `start` by (`dx`, `dy`) gives.
pub fn dragged(start: Size, edges: Edges, (dx, dy): (i32, i32), hints: Hints) -> Size {
    let pull = |length: i32, low: bool, high: bool, delta: i32| match (low, high) {
        (true, _) => length.saturating_sub(delta),
        (_, true) => length.saturating_add(delta),
        _ => length,
    };
    hints.clamp(Size { w: pull(start.w, edges.left, edges.right, dx), h: pull(start.h, edges.top, edges.bottom, dy) })
}

/// Where a window that has become `size` lies, if it was `start` before its `edges` were dragged:
/// the other edges stay where they are.
pub fn anchored(start: Rect, edges: Edges, size: Size) -> Point {
    let x = if edges.left { start.w - size.w } else { 0 };
    let y = if edges.top { start.h - size.h } else { 0 };
    start.at().moved(x, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(w: i32, h: i32) -> Size {
        Size { w, h }
    }

    #[test]
    fn a_size_is_kept_within_its_hints() {
        let hints = |min: (i32, i32), max: (i32, i32)| Hints { min: size(min.0, min.1), max: size(max.0, max.1) };
        let table = [
            (hints((0, 0), (0, 0)), (400, 300), (400, 300)),
            (hints((500, 0), (0, 200)), (400, 300), (500, 200)),
            (hints((500, 500), (100, 100)), (400, 300), (500, 500)),
            (hints((0, 0), (0, 0)), (i32::MIN, i32::MAX), (1, LONGEST)),
            (hints((i32::MAX, -5), (i32::MAX, i32::MIN)), (10, 10), (LONGEST, 10)),
        ];
        for (hints, (w, h), (to_w, to_h)) in table {
            assert_eq!(hints.clamp(size(w, h)), size(to_w, to_h), "{hints:?}");
        }
    }

    #[test]
    fn the_edge_that_is_not_dragged_stays() {
        let start = Rect { x: 100, y: 100, w: 400, h: 300 };
        let hints = Hints { min: size(120, 80), max: size(900, 0) };
        let edges = |left, right, top, bottom| Edges { left, right, top, bottom };
        let table = [
            (edges(false, true, false, true), (50, 20), (450, 320), (100, 100)),
            (edges(true, false, true, false), (50, 20), (350, 280), (150, 120)),
            (edges(true, false, false, false), (i32::MAX, 0), (120, 300), (380, 100)),
            (edges(false, false, true, false), (0, 1000), (400, 80), (100, 320)),
            (edges(false, true, false, false), (i32::MAX, 0), (900, 300), (100, 100)),
        ];
        for (edges, delta, (w, h), (x, y)) in table {
            let to = dragged(start.size(), edges, delta, hints);
            assert_eq!((to, anchored(start, edges, to)), (size(w, h), Point { x, y }), "{edges:?}");
        }
    }

    #[test]
    fn what_has_left_the_area_comes_back_into_reach() {
        let area = Rect { x: 1000, y: 0, w: 800, h: 600 };
        let window = Rect { x: 0, y: 0, w: 200, h: 100 };
        let table = [((5000, 50), (1768, 50)), ((0, -500), (832, -68)), ((1100, 100), (1100, 100))];
        for ((x, y), (to_x, to_y)) in table {
            let got = Rect { x, y, ..window }.within_reach(area, 32);
            assert_eq!((got.x, got.y), (to_x, to_y));
        }
    }
}
