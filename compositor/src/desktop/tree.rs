//! Surface trees: sub-surfaces and popups, visited from top to bottom for the scene and for input.

use smithay::{
    desktop::PopupManager,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::compositor::{SurfaceAttributes, SurfaceData, with_states},
};

use crate::surface::{SurfaceState, id_of, tree::Trees};

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

/// The popups of a window or popup from top to bottom, each with the desktop position of its
/// surface's origin.
///
/// `origin` is the desktop position of the root's surface, `geometry` the position of its window
/// geometry in it.
pub fn popups(
    root: &WlSurface,
    origin: Point<i32, Logical>,
    geometry: Point<i32, Logical>,
) -> Vec<(WlSurface, Point<i32, Logical>)> {
    let mut found: Vec<_> = PopupManager::popups_for_surface(root)
        .map(|(popup, offset)| (popup.wl_surface().clone(), origin + geometry + offset - popup.geometry().loc))
        .collect();
    found.reverse();
    found
}

/// The surface of a tree that takes input at a position on the desktop, with its origin.
pub fn surface_at(
    trees: &Trees<WlSurface>,
    root: &WlSurface,
    origin: Point<i32, Logical>,
    position: Point<f64, Logical>,
) -> Option<(WlSurface, Point<f64, Logical>)> {
    let mut hit = None;
    walk(trees, root, origin, |surface, states, at| {
        if hit.is_some() {
            return;
        }
        let local = position - at.to_f64();
        let size = SurfaceState::of(states).view.size;
        if !Rectangle::from_size(size.to_f64()).contains(local) {
            return;
        }
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let takes = match &attributes.current().input_region {
            Some(region) => region.contains(local.to_i32_floor()),
            None => true,
        };
        if takes {
            hit = Some((surface.clone(), at.to_f64()));
        }
    });
    hit
}
