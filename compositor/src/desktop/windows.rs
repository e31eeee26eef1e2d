//! Windows: where they are, how they are stacked, and which one is active.
//!
//! Positions are in the logical coordinates of the desktop, in which outputs lie side by side.
//! Nothing here knows buffers or planes.

use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel,
        wayland_server::{Resource, protocol::wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, Size},
    wayland::{
        compositor::with_states,
        shell::xdg::{SurfaceCachedState, ToplevelSurface},
    },
};

use crate::{desktop::displays::Displaced, surface::SurfaceState};

/// The placement that a client has requested for its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    Floating,
    Maximised,
    Fullscreen,
}

/// One xdg toplevel.
#[derive(Debug)]
pub struct Window {
    pub toplevel: ToplevelSurface,
    /// The window has shown a buffer.
    pub mapped: bool,
    /// The top left corner of the window geometry on the desktop.
    pub location: Point<i32, Logical>,
    /// The location has been chosen: the window was shown before, or is.
    pub placed: bool,
    pub placement: Placement,
    /// The window is maximised when it leaves fullscreen.
    pub maximised: bool,
    /// The size at the window's last commit.
    pub size: Size<i32, Logical>,
    /// The rectangle that the window returns to when it floats again.
    pub restore: Option<Rectangle<i32, Logical>>,
    /// Where the window returns to when its display is plugged in again.
    pub displaced: Option<Displaced>,
}

impl Window {
    /// The toplevel's surface.
    pub fn surface(&self) -> &WlSurface {
        self.toplevel.wl_surface()
    }

    /// The window geometry that the client has set: the part of the surface without shadows.
    pub fn geometry(&self) -> Rectangle<i32, Logical> {
        geometry(self.surface())
    }

    /// The position of the surface's origin on the desktop.
    pub fn origin(&self) -> Point<i32, Logical> {
        self.location - self.geometry().loc
    }

    /// The window's rectangle on the desktop.
    pub fn rect(&self) -> Rectangle<i32, Logical> {
        Rectangle::new(self.location, self.geometry().size)
    }
}

/// See [`Window::geometry`].
pub fn geometry(surface: &WlSurface) -> Rectangle<i32, Logical> {
    with_states(surface, |states| {
        let set = states.cached_state.get::<SurfaceCachedState>().current().geometry;
        set.unwrap_or_else(|| Rectangle::from_size(SurfaceState::of(states).view.size))
    })
}

/// All windows, from bottom to top.
#[derive(Debug, Default)]
pub struct Windows {
    stack: Vec<Window>,
}

impl Windows {
    /// Adds a window, not yet mapped, on top.
    pub fn push(&mut self, toplevel: ToplevelSurface) {
        self.stack.push(Window {
            toplevel,
            mapped: false,
            location: Point::default(),
            placed: false,
            placement: Placement::Floating,
            maximised: false,
            size: Size::default(),
            restore: None,
            displaced: None,
        });
    }

    /// Removes a window.
    pub fn remove(&mut self, toplevel: &ToplevelSurface) -> Option<Window> {
        let i = self.stack.iter().position(|w| &w.toplevel == toplevel)?;
        Some(self.stack.remove(i))
    }

    /// The window of a toplevel's surface.
    pub fn find(&mut self, surface: &WlSurface) -> Option<&mut Window> {
        self.stack.iter_mut().find(|w| w.surface() == surface)
    }

    /// Mapped windows, from top to bottom.
    pub fn visible(&self) -> impl Iterator<Item = &Window> {
        self.stack.iter().rev().filter(|w| w.mapped && w.surface().is_alive())
    }

    /// All windows, mapped or not, from bottom to top.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Window> {
        self.stack.iter_mut()
    }

    /// Brings a window to the top.
    pub fn raise(&mut self, surface: &WlSurface) {
        if let Some(i) = self.stack.iter().position(|w| w.surface() == surface) {
            let window = self.stack.remove(i);
            self.stack.push(window);
        }
    }

    /// Number of windows.
    pub fn len(&self) -> usize {
        self.stack.len()
    }

    /// Sends every window whether it is the active one.
    pub fn activate(&self, active: Option<&WlSurface>) {
        for window in &self.stack {
            window.toplevel.with_pending_state(|state| {
                if Some(window.surface()) == active {
                    state.states.set(xdg_toplevel::State::Activated);
                } else {
                    state.states.unset(xdg_toplevel::State::Activated);
                }
            });
            if window.toplevel.is_initial_configure_sent() {
                window.toplevel.send_pending_configure();
            }
        }
    }
}

/// Where a new window of `size` is placed on an output: in the middle, shifted a little for each
/// window that exists.
pub fn initial_location(
    size: Size<i32, Logical>,
    output: Rectangle<i32, Logical>,
    others: usize,
) -> Point<i32, Logical> {
    let step = 32 * (others as i32 % 8);
    let free = output.size - size;
    let x = (free.w / 2 + step).clamp(0, free.w.max(0));
    let y = (free.h / 2 + step).clamp(0, free.h.max(0));
    output.loc + Point::from((x, y))
}

impl Window {
    /// The user has moved the window: it does not return to another place any more.
    pub fn settle(&mut self) {
        self.displaced = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_windows_are_centred_cascade_and_stay_on_the_output() {
        let output = Rectangle::new((1000, 0).into(), (800, 600).into());
        assert_eq!(initial_location((400, 300).into(), output, 0), Point::from((1200, 150)));
        assert_eq!(initial_location((400, 300).into(), output, 1), Point::from((1232, 182)));
        assert_eq!(initial_location((400, 300).into(), output, 7), Point::from((1400, 300)));
        assert_eq!(initial_location((900, 700).into(), output, 3), Point::from((1000, 0)));
    }
}
