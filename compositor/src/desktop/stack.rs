//! What lies on the desktop, from top to bottom: the one list from which every question about it is
//! answered.
//!
//! ```text
//!  pointer ─ drag icon ─ input-method popup ─ lock ─ overlay ─ windows, each below its popups ─ …
//! ```
//!
//! Three questions are asked of it: what an output shows ([`crate::desktop::scene`]), what is under
//! a point ([`Desktop::at`]), and where a tree is, so which output is its home
//! ([`Desktop::rect_of`]). Whatever else needs all surfaces (feedback, enter and leave) visits the
//! same list. Nothing here knows outputs or planes.

use std::ops::ControlFlow;

use smithay::{
    desktop::PopupManager,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::compositor::{SurfaceAttributes, SurfaceData, with_states},
};

use crate::{
    desktop::{
        Desktop,
        tree::walk,
        windows::{self, Window},
    },
    surface::SurfaceState,
};

/// The levels of the desktop. Everything on one level lies above everything on the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The pointer's image, if it is a client's surface.
    Pointer,
    /// The surface that is dragged along with the pointer.
    DragIcon,
    /// The popup of an input method.
    InputMethod,
    /// The surfaces that lock the session.
    Lock,
    /// Layer surfaces above all windows.
    Overlay,
    /// Layer surfaces above windows that are not fullscreen.
    Top,
    /// Windows with their popups.
    Windows,
    /// Layer surfaces below all windows.
    Bottom,
    /// Wallpapers.
    Background,
}

impl Level {
    /// From top to bottom.
    pub const ALL: [Self; 9] = [
        Self::Pointer,
        Self::DragIcon,
        Self::InputMethod,
        Self::Lock,
        Self::Overlay,
        Self::Top,
        Self::Windows,
        Self::Bottom,
        Self::Background,
    ];

    /// Whether the pointer can be over what is there.
    fn takes_input(self) -> bool {
        !matches!(self, Self::Pointer | Self::DragIcon)
    }
}

impl Desktop {
    /// Visits the roots of the trees on the desktop from top to bottom, each with the position of
    /// its origin, until `visit` breaks.
    pub fn roots<B>(
        &self,
        mut visit: impl FnMut(Level, &WlSurface, Point<i32, Logical>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for level in Level::ALL {
            match level {
                Level::Pointer => {
                    if let Some((surface, origin)) = self.cursor.surface(self.pointer) {
                        visit(level, surface, origin)?;
                    }
                }
                Level::DragIcon => {
                    if let Some((surface, origin)) = self.cursor.drag_icon(self.pointer) {
                        visit(level, surface, origin)?;
                    }
                }
                Level::Windows => {
                    for window in self.windows.visible() {
                        let origin = window.origin();
                        let geometry = origin + window.geometry().loc;
                        // From the oldest to the newest, which is on top.
                        let popups: Vec<_> = PopupManager::popups_for_surface(window.surface()).collect();
                        for (popup, offset) in popups.iter().rev() {
                            let inset = windows::geometry(popup.wl_surface()).loc;
                            visit(level, popup.wl_surface(), geometry + *offset - inset)?;
                        }
                        visit(level, window.surface(), origin)?;
                    }
                }
                // No protocol of these levels is announced yet.
                Level::InputMethod | Level::Lock | Level::Overlay | Level::Top | Level::Bottom | Level::Background => {}
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits the mapped surfaces on the desktop from top to bottom.
    pub fn surfaces(&self, mut visit: impl FnMut(Level, &WlSurface, &SurfaceData, Point<i32, Logical>)) {
        let _: ControlFlow<()> = self.roots(|level, root, origin| {
            walk(&self.trees, root, origin, |surface, states, at| visit(level, surface, states, at));
            ControlFlow::Continue(())
        });
    }

    /// The surface that takes input at a position on the desktop, with its origin.
    pub fn at(&self, position: Point<f64, Logical>) -> Option<(WlSurface, Point<f64, Logical>)> {
        // Nothing shows beside a fullscreen window.
        let filling = self.windows.filling(|area| area.to_f64().contains(position)).map(Window::surface);
        let found = self.roots(|level, root, origin| {
            if !level.takes_input() {
                return ControlFlow::Continue(());
            }
            let mut hit = None;
            walk(&self.trees, root, origin, |surface, states, at| {
                if hit.is_none() && takes_input_at(states, position - at.to_f64()) {
                    hit = Some((surface.clone(), at.to_f64()));
                }
            });
            match hit {
                Some(_) => ControlFlow::Break(hit),
                None if filling == Some(root) => ControlFlow::Break(None),
                None => ControlFlow::Continue(()),
            }
        });
        found.break_value().flatten()
    }

    /// Where the tree of `root` is: the window geometry of a window or popup, else the root surface.
    /// `None`: it is not on the desktop.
    pub fn rect_of(&self, root: &WlSurface) -> Option<Rectangle<i32, Logical>> {
        if let Some(window) = self.windows.visible().find(|window| window.surface() == root) {
            return Some(window.rect());
        }
        let found = self.roots(|_, other, origin| match other == root {
            true => ControlFlow::Break(origin),
            false => ControlFlow::Continue(()),
        });
        let size = with_states(root, |states| SurfaceState::of(states).view.size);
        found.break_value().map(|origin| Rectangle::new(origin, size))
    }
}

/// Whether a surface takes input at a position relative to its origin.
fn takes_input_at(states: &SurfaceData, local: Point<f64, Logical>) -> bool {
    let size = SurfaceState::of(states).view.size;
    if !Rectangle::from_size(size.to_f64()).contains(local) {
        return false;
    }
    let mut attributes = states.cached_state.get::<SurfaceAttributes>();
    attributes.current().input_region.as_ref().is_none_or(|region| region.contains(local.to_i32_floor()))
}
