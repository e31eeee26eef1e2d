//! Moving and resizing the window under the pointer, for as long as the button is held.
//!
//! It is what a client can ask for when a button is pressed on it (`windows/interact.rs`).

use smithay::utils::{Logical, Point, Rectangle};

use crate::{
    desktop::{layout::geometry::Edges, stack::Under},
    session::{Syncline, windows::arrange::point},
};

impl Syncline {
    /// Begins to drag the window under the pointer, or its edges nearest to the pointer.
    pub(super) fn drag_under_pointer(&mut self, resizes: bool) -> Result<(), String> {
        let Some(pointer) = self.seat.get_pointer() else { return Err("there is no pointer".to_owned()) };
        if pointer.is_grabbed() {
            return Err("not possible while a button is held or a menu is open".to_owned());
        }
        let at = self.pointer_location();
        let nothing = || "no window is under the pointer".to_owned();
        let surface = match self.desktop.under(at).ok_or_else(nothing)? {
            Under::Surface(surface, _) => self.toplevel_of(&surface),
            Under::Bar(window, _) => {
                self.desktop.windows.get(window).map(|of| of.surface().clone()).ok_or_else(nothing)?
            }
        };
        self.focus(Some(surface.clone()));
        let window = self.desktop.windows.find(&surface).ok_or_else(nothing)?;
        let (id, edges) = (window.id, nearest_edges(window.rect(), at));
        let (from, layout) = (point(at.to_i32_round()), &mut self.desktop.layout);
        let begun = if resizes { layout.begin_resize(id, edges, from) } else { layout.begin_move(id, from) };
        if !begun {
            return Err("not possible: the window fills its output, or is tiled and has no other beside it".to_owned());
        }
        self.clear_pointer_focus(&pointer);
        self.arrange_windows();
        Ok(())
    }
}

/// The edges of the third of a window in which a point lies; in the middle those of the quarter.
fn nearest_edges(window: Rectangle<i32, Logical>, at: Point<f64, Logical>) -> Edges {
    let part = |at: f64, from: i32, length: i32| (at - f64::from(from)) / f64::from(length.max(1));
    let (x, y) = (part(at.x, window.loc.x, window.size.w), part(at.y, window.loc.y, window.size.h));
    let third = 1.0 / 3.0;
    let mut edges = Edges { left: x < third, right: x > 2.0 * third, top: y < third, bottom: y > 2.0 * third };
    if edges == Edges::NONE {
        edges = Edges { left: x < 0.5, right: x >= 0.5, top: y < 0.5, bottom: y >= 0.5 };
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_nearest_to_the_pointer_are_dragged() {
        let window = Rectangle::new((100, 100).into(), (300, 300).into());
        let named = |edges: Edges| [edges.left, edges.right, edges.top, edges.bottom];
        let table = [
            ((110.0, 110.0), [true, false, true, false]),
            ((110.0, 250.0), [true, false, false, false]),
            ((250.0, 390.0), [false, false, false, true]),
            ((390.0, 390.0), [false, true, false, true]),
            ((240.0, 260.0), [true, false, false, true]),
        ];
        for (at, edges) in table {
            assert_eq!(named(nearest_edges(window, at.into())), edges, "{at:?}");
        }
    }
}
