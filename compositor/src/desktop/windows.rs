//! Windows: the toplevels of clients, from bottom to top, each with the place where it is shown.
//!
//! Where a window should be, which ones are stacked above which, and who has the focus is
//! [`crate::desktop::layout`]'s business; this is what has come of it. Positions are in the logical
//! coordinates of the desktop, in which outputs lie side by side. Nothing here knows buffers or
//! planes.

use protocols::toplevel_icon::Icon;
use smallvec::SmallVec;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle, Size},
    wayland::{
        compositor::with_states,
        shell::xdg::{SurfaceCachedState, ToplevelSurface, XdgToplevelSurfaceData},
    },
};

use crate::{
    desktop::{
        bar::{Above, Bar},
        layout::{geometry, placed::States},
        ring::Ring,
        rings::Around,
    },
    surface::SurfaceState,
    system::id::WindowId,
};

/// One xdg toplevel.
#[derive(Debug)]
pub struct Window {
    pub toplevel: ToplevelSurface,
    /// Its number in the layout.
    pub id: WindowId,
    /// The number by which task bars know it; another one each time that it is mapped.
    pub mapping: u32,
    /// The window has shown a buffer.
    pub mapped: bool,
    /// It is on a workspace that an output shows, and nothing of the layout hides it.
    pub shown: bool,
    /// The top left corner of the window geometry on the desktop.
    pub location: Point<i32, Logical>,
    /// What is shown of it; `None`: all. A tiled window, and one that has not answered in time, is cut to
    /// its place.
    pub cut: Option<Rectangle<i32, Logical>>,
    /// The display that the window covers, while it is fullscreen.
    pub area: Option<Rectangle<i32, Logical>>,
    /// What is drawn around it.
    pub ring: Option<Ring>,
    /// What is drawn above it.
    pub bar: Option<Bar>,
    /// The size at the window's last commit.
    pub size: Size<i32, Logical>,
    /// What its client has been told last.
    pub told: Told,
    /// The configure that its client had acknowledged when it made the last commit that was applied.
    pub acked: Option<u32>,
    /// The user has asked for it: it gets the focus with its first buffer, whichever workspace is shown, if
    /// that comes until this time.
    pub activated: Option<fence::Ns>,
    /// As its client says by `xdg-decoration`.
    pub decoration: Decoration,
    /// It has a title bar of the session while it floats and fills nothing.
    pub titled: bool,
    /// No picture of the screen shows it.
    pub private: bool,
    /// Its icon in lists of windows, as its client says.
    pub icon: Option<Icon>,
    /// What its client calls this kind of window, for rules.
    pub tag: Option<String>,
}

/// What is known of who should decorate a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Decoration {
    /// Its client has not asked.
    #[default]
    Unknown,
    /// Whoever the session says.
    Free,
    /// Its client wants to.
    Client,
}

/// What the client of a window has been told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// The size that it was asked for; empty if it chooses.
    pub size: geometry::Size,
    pub states: States,
    /// The last configure.
    pub serial: Option<u32>,
    /// It has requested a state, and there is no configure that answers it yet.
    pub owed: bool,
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

    /// What is shown of its geometry.
    fn shown_rect(&self) -> Option<Rectangle<i32, Logical>> {
        let rect = self.rect();
        self.cut.map_or(Some(rect), |cut| rect.intersection(cut)).filter(|shown| !shown.is_empty())
    }

    /// Its ring, around what is shown of it and of its bar.
    pub fn around(&self) -> Option<Around> {
        let (ring, shown) = (self.ring?, self.shown_rect()?);
        let rect = self.bar.as_ref().map_or(shown, |bar| shown.merge(bar.area(shown)));
        Some(Around { window: self.id, ring, rect })
    }

    /// Its bar, above what is shown of it.
    pub fn above(&self) -> Option<Above<'_>> {
        let (bar, shown) = (self.bar.as_ref()?, self.shown_rect()?);
        Some(Above { window: self.id, bar, area: bar.area(shown) })
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
    /// The number of the last mapping.
    mappings: u32,
}

impl Windows {
    /// Adds a window, not yet mapped, on top.
    pub fn push(&mut self, toplevel: ToplevelSurface, id: WindowId) {
        self.stack.push(Window {
            toplevel,
            id,
            mapping: 0,
            mapped: false,
            shown: false,
            location: Point::default(),
            cut: None,
            area: None,
            ring: None,
            bar: None,
            size: Size::default(),
            told: Told::default(),
            acked: None,
            activated: None,
            decoration: Decoration::default(),
            titled: false,
            private: false,
            icon: None,
            tag: None,
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

    /// The window with this number.
    pub fn get_mut(&mut self, id: WindowId) -> Option<&mut Window> {
        self.stack.iter_mut().find(|window| window.id == id)
    }

    /// The window with this number.
    pub fn get(&self, id: WindowId) -> Option<&Window> {
        self.stack.iter().find(|window| window.id == id)
    }

    /// A window is mapped.
    pub fn note_mapping(&mut self, id: WindowId) {
        self.mappings += 1;
        let number = self.mappings;
        self.get_mut(id).into_iter().for_each(|window| window.mapping = number);
    }

    /// The window that is mapped by this number.
    pub fn by_mapping(&self, number: u32) -> Option<&Window> {
        self.stack.iter().find(|window| window.mapped && window.mapping == number)
    }

    /// The number of the window with this toplevel surface.
    pub fn id_of(&self, surface: &WlSurface) -> Option<WindowId> {
        self.stack.iter().find(|window| window.surface() == surface).map(|window| window.id)
    }

    /// The windows that are shown, from top to bottom.
    pub fn visible(&self) -> impl Iterator<Item = &Window> {
        self.stack.iter().rev().filter(|window| window.mapped && window.shown && window.surface().is_alive())
    }

    /// The windows that have shown something, hidden or not, from top to bottom.
    pub fn mapped(&self) -> impl Iterator<Item = &Window> {
        self.stack.iter().rev().filter(|window| window.mapped && window.surface().is_alive())
    }

    /// Windows that no picture shows, mapped or not.
    pub fn private(&self) -> impl Iterator<Item = &Window> {
        self.stack.iter().filter(|window| window.private)
    }

    /// All windows, mapped or not, from bottom to top.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Window> {
        self.stack.iter_mut()
    }

    /// Stacks the windows by `rank`, the highest on top; those with the same rank as they were.
    /// Returns whether one has changed its place.
    pub fn stack_by(&mut self, rank: impl Fn(WindowId) -> usize) -> bool {
        if self.stack.is_sorted_by_key(|window| rank(window.id)) {
            return false;
        }
        self.stack.sort_by_key(|window| rank(window.id));
        true
    }

    /// A window is hidden or gone: its dialogs are those of its parent from now on.
    pub fn leave_dialogs(&mut self, of: &WlSurface, parent: Option<WlSurface>) {
        let dialogs = self.stack.iter_mut().filter(|window| window.parent().as_ref() == Some(of));
        dialogs.for_each(|dialog| dialog.set_parent(parent.clone()));
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
}

impl Window {
    /// Where it is shown if the layout has it at `rect`: one that is smaller than the display which it
    /// covers lies in the middle.
    pub fn shown_at(&self, rect: geometry::Rect) -> Point<i32, Logical> {
        match self.area {
            Some(area) => centred(area, if self.mapped { self.geometry().size } else { area.size }),
            None => (rect.x, rect.y).into(),
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
}
