//! A surface with its sub-surfaces, visited from top to bottom.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point},
    wayland::compositor::{SurfaceData, with_states},
};

use crate::surface::{id_of, tree::Trees};

/// The farthest that a surface may be from the desktop's origin, in each direction. Clients choose
/// positions freely; beyond it nothing is visible, and sums do not overflow.
const FARTHEST: i32 = 1 << 29;

/// Visits the mapped surfaces of a tree from top to bottom, each with the position of its origin on
/// the desktop.
pub fn walk(
    trees: &Trees<WlSurface>,
    root: &WlSurface,
    origin: Point<i32, Logical>,
    mut visit: impl FnMut(&WlSurface, &SurfaceData, Point<i32, Logical>),
) {
    let sum = |a: i32, b: i32| a.saturating_add(b).clamp(-FARTHEST, FARTHEST);
    trees.walk(id_of(root), |surface, (x, y)| {
        let at = Point::from((sum(origin.x, x), sum(origin.y, y)));
        with_states(surface, |states| visit(surface, states, at));
    });
}
