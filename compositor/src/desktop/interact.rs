//! Moving and resizing a window by pointer.
//!
//! During an interaction the pointer belongs to it, and clients see no motion. It ends when the
//! button is released.

use smithay::{
    reexports::{wayland_protocols::xdg::shell::server::xdg_toplevel, wayland_server::protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle, Size},
};

/// The edges that the user drags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResizeEdges {
    pub left: bool,
    pub right: bool,
    pub top: bool,
    pub bottom: bool,
}

impl From<xdg_toplevel::ResizeEdge> for ResizeEdges {
    fn from(edge: xdg_toplevel::ResizeEdge) -> Self {
        use xdg_toplevel::ResizeEdge as E;
        Self {
            left: matches!(edge, E::Left | E::TopLeft | E::BottomLeft),
            right: matches!(edge, E::Right | E::TopRight | E::BottomRight),
            top: matches!(edge, E::Top | E::TopLeft | E::TopRight),
            bottom: matches!(edge, E::Bottom | E::BottomLeft | E::BottomRight),
        }
    }
}

/// An interaction and its starting point.
#[derive(Debug)]
pub struct Interaction {
    pub surface: WlSurface,
    pub pointer: Point<f64, Logical>,
    pub start: Rectangle<i32, Logical>,
    /// `None` if the window is moved, not resized.
    pub edges: Option<ResizeEdges>,
    /// The button has been released; the client has not committed the last size yet.
    pub finished: bool,
}

/// The size that dragging `edges` by `delta` gives, within the client's limits.
pub fn resized(
    start: Size<i32, Logical>,
    edges: ResizeEdges,
    delta: Point<i32, Logical>,
    min: Size<i32, Logical>,
    max: Size<i32, Logical>,
) -> Size<i32, Logical> {
    let pull = |size: i32, low: bool, high: bool, delta: i32, min: i32, max: i32| {
        let wanted = size
            + if low {
                -delta
            } else if high {
                delta
            } else {
                0
            };
        let wanted = if max > 0 { wanted.min(max) } else { wanted };
        wanted.max(min.max(1))
    };
    Size::from((
        pull(start.w, edges.left, edges.right, delta.x, min.w, max.w),
        pull(start.h, edges.top, edges.bottom, delta.y, min.h, max.h),
    ))
}

/// The location of a window that has become `size` and was `start` before its `edges` were dragged:
/// the other edges stay where they are.
pub fn anchored(start: Rectangle<i32, Logical>, edges: ResizeEdges, size: Size<i32, Logical>) -> Point<i32, Logical> {
    let mut location = start.loc;
    if edges.left {
        location.x += start.size.w - size.w;
    }
    if edges.top {
        location.y += start.size.h - size.h;
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_follow_the_pointer_and_the_opposite_ones_stay() {
        use xdg_toplevel::ResizeEdge as E;
        let start = Rectangle::new((100, 100).into(), (400, 300).into());
        type Case = (E, (i32, i32), (i32, i32), (i32, i32));
        let table: [Case; 6] = [
            (E::BottomRight, (50, 20), (450, 320), (100, 100)),
            (E::TopLeft, (50, 20), (350, 280), (150, 120)),
            (E::Left, (-50, 20), (450, 300), (50, 100)),
            (E::Right, (-1000, 0), (120, 300), (100, 100)),
            (E::Top, (0, 1000), (400, 80), (100, 320)),
            (E::Right, (1000, 0), (900, 300), (100, 100)),
        ];
        for (edge, delta, size, location) in table {
            let edges = ResizeEdges::from(edge);
            let got = resized(start.size, edges, delta.into(), (120, 80).into(), (900, 0).into());
            assert_eq!(got, Size::from(size), "{edge:?} by {delta:?}");
            assert_eq!(anchored(start, edges, got), Point::from(location), "{edge:?} by {delta:?}");
        }
    }
}
