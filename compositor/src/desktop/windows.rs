//! Windows: where they are, how they are stacked, and which one is active.
//!
//! Positions are in the logical coordinates of the desktop, in which outputs lie side by side.
//! Nothing here knows buffers or planes.

use smallvec::SmallVec;
use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel,
        wayland_server::{Resource, protocol::wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, Size},
    wayland::{
        compositor::with_states,
        shell::xdg::{SurfaceCachedState, ToplevelSurface, XdgToplevelSurfaceData},
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
    /// The display that the window fills, while it is fullscreen.
    pub area: Option<Rectangle<i32, Logical>>,
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

/// The window geometry of a window or popup: as its client has set it, clamped to its surfaces.
pub fn geometry(surface: &WlSurface) -> Rectangle<i32, Logical> {
    with_states(surface, |states| {
        let set = states.cached_state.get::<SurfaceCachedState>().current().geometry;
        let state = SurfaceState::of(states);
        match (set, state.placed.as_ref().and_then(|place| place.extents)) {
            (Some(set), Some(extents)) => clamped(set, extents),
            (Some(set), None) => clamped(set, Rectangle::from_size(state.view.size)),
            (None, _) => Rectangle::from_size(state.view.size),
        }
    })
}

/// What of a geometry lies within the bounding rectangle of a window's surfaces; all of that if
/// nothing does.
pub fn clamped(set: Rectangle<i32, Logical>, within: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
    let span = |at: i32, size: i32, from: i32, room: i32| {
        let (at, from) = (i64::from(at), i64::from(from));
        let (start, end) = (at.max(from), (at + i64::from(size)).min(from + i64::from(room)));
        // Both lie within `within`.
        (start < end).then_some((start as i32, (end - start) as i32))
    };
    let x = span(set.loc.x, set.size.w, within.loc.x, within.size.w);
    let y = span(set.loc.y, set.size.h, within.loc.y, within.size.h);
    match (x, y) {
        (Some((x, w)), Some((y, h))) => Rectangle::new((x, y).into(), (w, h).into()),
        _ => within,
    }
}

/// Where a window of `size` lies on the display that it fills: in the middle if it is smaller.
fn centred(area: Rectangle<i32, Logical>, size: Size<i32, Logical>) -> Point<i32, Logical> {
    let free = area.size - size;
    area.loc + Point::from((free.w.max(0) / 2, free.h.max(0) / 2))
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
            area: None,
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

    /// Brings a window to the top, and its dialogs above it, in their order.
    pub fn raise(&mut self, surface: &WlSurface) {
        let Some(i) = self.stack.iter().position(|w| w.surface() == surface) else { return };
        let window = self.stack.remove(i);
        self.stack.push(window);
        // Each of them is looked at once: those that have moved are above the others.
        let mut family = vec![surface.clone()];
        let mut at = 0;
        for _ in 0..self.stack.len() - 1 {
            let is_child = |window: &Window| window.parent().is_some_and(|parent| family.contains(&parent));
            if is_child(&self.stack[at]) && !family.contains(self.stack[at].surface()) {
                let child = self.stack.remove(at);
                family.push(child.surface().clone());
                self.stack.push(child);
            } else {
                at += 1;
            }
        }
    }

    /// A window is hidden or gone: its dialogs are those of its parent from now on.
    pub fn leave_dialogs(&mut self, of: &WlSurface, parent: Option<WlSurface>) {
        let dialogs = self.stack.iter_mut().filter(|window| window.parent().as_ref() == Some(of));
        dialogs.for_each(|dialog| dialog.set_parent(parent.clone()));
    }

    /// Whether one window lies above another.
    pub fn is_above(&self, one: &WlSurface, other: &WlSurface) -> bool {
        let at = |surface: &WlSurface| self.stack.iter().position(|window| window.surface() == surface);
        at(one) > at(other)
    }

    /// The topmost window that fills what `is` says of a display's area.
    pub fn filling(&self, is: impl Fn(Rectangle<i32, Logical>) -> bool) -> Option<&Window> {
        self.visible().find(|window| window.area.is_some_and(&is))
    }

    /// The areas that windows fill, each with the place from the top of the lowest window that does.
    pub fn lowest_filling(&self) -> SmallVec<[(usize, Rectangle<i32, Logical>); 4]> {
        let mut filling = SmallVec::<[(usize, Rectangle<i32, Logical>); 4]>::new();
        for (at, area) in self.visible().enumerate().filter_map(|(at, window)| Some((at, window.area?))) {
            match filling.iter_mut().find(|(_, known)| *known == area) {
                Some((lowest, _)) => *lowest = at,
                None => filling.push((at, area)),
            }
        }
        filling
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

/// Where a new window of `size` is placed in a working area: in the middle, shifted a little for each
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
    /// The window fills a display.
    pub fn fill(&mut self, area: Rectangle<i32, Logical>) {
        self.area = Some(area);
        self.recentre();
    }

    /// The size of the window may have changed.
    pub fn recentre(&mut self) {
        if let Some(area) = self.area {
            let size = if self.mapped { self.geometry().size } else { area.size };
            self.location = centred(area, size);
        }
    }

    /// The window that this one is a dialog of.
    pub fn parent(&self) -> Option<WlSurface> {
        with_states(self.surface(), |states| {
            let data = states.data_map.get::<XdgToplevelSurfaceData>()?;
            data.lock().expect("no panic while locked").parent.clone()
        })
    }

    /// Makes the window a dialog of another one, or of none. It would be a circle if that one is a
    /// dialog of this.
    pub fn set_parent(&mut self, parent: Option<WlSurface>) {
        with_states(self.surface(), |states| {
            if let Some(data) = states.data_map.get::<XdgToplevelSurfaceData>() {
                data.lock().expect("no panic while locked").parent = parent;
            }
        });
    }

    /// The user has moved the window: it does not return to another place any more.
    pub fn settle(&mut self) {
        self.displaced = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geometry_is_clamped_to_the_surfaces() {
        let within = Rectangle::new((-10, -5).into(), (110, 105).into());
        type Rect = ((i32, i32), (i32, i32));
        let table: [(Rect, Rect); 7] = [
            (((0, 0), (50, 60)), ((0, 0), (50, 60))),
            (((-10, -5), (110, 105)), ((-10, -5), (110, 105))),
            (((-20, -20), (30, 30)), ((-10, -5), (20, 15))),
            (((90, 90), (50, 50)), ((90, 90), (10, 10))),
            (((10_000, 10_000), (1, 1)), ((-10, -5), (110, 105))),
            (((i32::MIN, i32::MIN), (i32::MAX, i32::MAX)), ((-10, -5), (9, 4))),
            (((0, 0), (i32::MAX, i32::MAX)), ((0, 0), (100, 100))),
        ];
        for ((at, size), (left, rest)) in table {
            let set = Rectangle::new(at.into(), size.into());
            assert_eq!(clamped(set, within), Rectangle::new(left.into(), rest.into()), "{set:?}");
        }
    }

    #[test]
    fn what_is_smaller_than_its_display_is_in_the_middle() {
        let area = Rectangle::new((1000, 0).into(), (1024, 768).into());
        for (size, at) in [((320, 200), (1352, 284)), ((1024, 768), (1000, 0)), ((2000, 700), (1000, 34))] {
            assert_eq!(centred(area, size.into()), Point::from(at));
        }
    }

    #[test]
    fn new_windows_are_centred_cascade_and_stay_on_the_output() {
        let output = Rectangle::new((1000, 0).into(), (800, 600).into());
        assert_eq!(initial_location((400, 300).into(), output, 0), Point::from((1200, 150)));
        assert_eq!(initial_location((400, 300).into(), output, 1), Point::from((1232, 182)));
        assert_eq!(initial_location((400, 300).into(), output, 7), Point::from((1400, 300)));
        assert_eq!(initial_location((900, 700).into(), output, 3), Point::from((1000, 0)));
    }
}
