//! What lies on the desktop, from top to bottom: the one list from which every question about it is
//! answered.
//!
//! ```text
//!  pointer ─ drag icon ─ input-method popup ─ lock ─ overlay ─ fullscreen ─ top ─ windows ─ bottom ─ background
//! ```
//!
//! Each window and layer surface lies below its popups; between a window and its popups is its bar.
//!
//! Three questions are asked of it: what an output shows ([`crate::desktop::scene`]), what is under
//! a point ([`Desktop::at`]), and where a tree is, so which output is its home
//! ([`Desktop::rect_of`]). Whatever else needs all surfaces (feedback, enter and leave) visits the
//! same list. Nothing here knows outputs or planes.

use std::ops::ControlFlow;

use protocols::layer_shell::Layer;
use smithay::{
    desktop::PopupManager,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::compositor::{SurfaceAttributes, SurfaceData, with_states},
};

use crate::{
    desktop::{
        Desktop,
        bar::{Above, Part},
        lock::Lock,
        rings::Around,
        tree::walk,
        windows::{self, Window},
    },
    surface::SurfaceState,
    system::id::WindowId,
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
    /// Fullscreen windows and what lies above them, with their popups.
    Fullscreen,
    /// Layer surfaces above windows that are not fullscreen.
    Top,
    /// The other windows with their popups.
    Windows,
    /// Layer surfaces below all windows.
    Bottom,
    /// Wallpapers.
    Background,
}

impl Level {
    /// From top to bottom.
    pub const ALL: [Self; 10] = [
        Self::Pointer,
        Self::DragIcon,
        Self::InputMethod,
        Self::Lock,
        Self::Overlay,
        Self::Fullscreen,
        Self::Top,
        Self::Windows,
        Self::Bottom,
        Self::Background,
    ];

    /// Whether anything of it is shown while the session is locked. (The pointer's image is not a
    /// client's then, unless it is the one that holds the lock.)
    fn is_shown_locked(self) -> bool {
        matches!(self, Self::Pointer | Self::Lock)
    }

    /// Whether the pointer can be over what is there.
    fn takes_input(self) -> bool {
        !matches!(self, Self::Pointer | Self::DragIcon)
    }
}

/// The root of a tree on the desktop.
#[derive(Debug, Clone, Copy)]
pub struct Root<'a> {
    pub level: Level,
    pub surface: &'a WlSurface,
    /// Where the surface's origin is.
    pub origin: Point<i32, Logical>,
    /// What is shown of the tree; `None`: all of it.
    pub cut: Option<Rectangle<i32, Logical>>,
    /// What lies directly below the tree; it takes no input.
    pub ring: Option<Around>,
    /// What lies directly above the tree, and takes input for the session.
    pub bar: Option<Above<'a>>,
}

/// What is under a point.
#[derive(Debug, Clone, PartialEq)]
pub enum Under {
    /// A surface that takes input, and its origin.
    Surface(WlSurface, Point<f64, Logical>),
    /// A part of the bar of a window.
    Bar(WindowId, Part),
}

impl<'a> Root<'a> {
    fn whole(level: Level, surface: &'a WlSurface, origin: Point<i32, Logical>) -> Self {
        Self { level, surface, origin, cut: None, ring: None, bar: None }
    }
}

impl Desktop {
    /// Visits the roots of the trees on the desktop from top to bottom, until `visit` breaks.
    pub fn roots<B>(&self, mut visit: impl FnMut(Root<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        for level in Level::ALL {
            if self.lock.is_some() && !level.is_shown_locked() {
                continue;
            }
            match level {
                Level::Pointer => {
                    if let Some((surface, origin)) = self.cursor.surface(self.pointer) {
                        visit(Root::whole(level, surface, origin))?;
                    }
                }
                Level::DragIcon => {
                    if let Some((surface, origin)) = self.cursor.drag_icon(self.pointer) {
                        visit(Root::whole(level, surface, origin))?;
                    }
                }
                Level::Fullscreen => self.windows_of(level, |above| above, &mut visit)?,
                Level::Windows => self.windows_of(level, |above| !above, &mut visit)?,
                Level::Overlay => self.layer(level, Layer::Overlay, &mut visit)?,
                Level::Top => self.layer(level, Layer::Top, &mut visit)?,
                Level::Bottom => self.layer(level, Layer::Bottom, &mut visit)?,
                Level::Background => self.layer(level, Layer::Background, &mut visit)?,
                Level::Lock => {
                    for (surface, at) in self.lock.iter().flat_map(Lock::shown) {
                        visit(Root::whole(level, surface, at))?;
                    }
                }
                Level::InputMethod => {
                    for (surface, at) in self.input_popups.iter().rev() {
                        visit(Root::whole(level, surface, *at))?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits the windows of a level: `is` chooses by whether they are fullscreen or above one that is.
    fn windows_of<B>(
        &self,
        level: Level,
        is: impl Fn(bool) -> bool,
        visit: &mut impl FnMut(Root<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let filling = self.windows.lowest_filling();
        for (at, window) in self.windows.visible().enumerate() {
            let covers = |area: &Rectangle<i32, Logical>| window.area == Some(*area) || area.overlaps(window.rect());
            if !is(filling.iter().any(|(lowest, area)| at <= *lowest && covers(area))) {
                continue;
            }
            let (cut, ring, bar) = (window.cut, window.around(), window.above());
            let root = Root { cut, ring, bar, ..Root::whole(level, window.surface(), window.origin()) };
            self.with_popups(root, window.geometry().loc, visit)?;
        }
        ControlFlow::Continue(())
    }

    /// Visits the popups of a window, and the window.
    pub(super) fn roots_of_window<B>(
        &self,
        window: &Window,
        visit: &mut impl FnMut(Root<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let root = Root::whole(Level::Windows, window.surface(), window.origin());
        self.with_popups(root, window.geometry().loc, visit)
    }

    /// Visits the layer surfaces of a layer.
    fn layer<B>(
        &self,
        level: Level,
        layer: Layer,
        visit: &mut impl FnMut(Root<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for window in self.layers.shown(layer) {
            self.with_popups(Root::whole(level, window.surface(), window.at), Point::default(), visit)?;
        }
        ControlFlow::Continue(())
    }

    /// Visits the popups of a root and the root, whose geometry begins at `inset` from its origin.
    fn with_popups<B>(
        &self,
        root: Root<'_>,
        inset: Point<i32, Logical>,
        visit: &mut impl FnMut(Root<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        // From the oldest to the newest, which is on top.
        let popups: Vec<_> = PopupManager::popups_for_surface(root.surface).collect();
        for (popup, offset) in popups.iter().rev() {
            let of_popup = windows::geometry(popup.wl_surface()).loc;
            visit(Root::whole(root.level, popup.wl_surface(), root.origin + inset + *offset - of_popup))?;
        }
        visit(root)
    }

    /// Visits the mapped surfaces on the desktop from top to bottom.
    pub fn surfaces(&self, mut visit: impl FnMut(Level, &WlSurface, &SurfaceData, Point<i32, Logical>)) {
        let _: ControlFlow<()> = self.roots(|root| {
            walk(&self.trees, root.surface, root.origin, |surface, states, at| visit(root.level, surface, states, at));
            ControlFlow::Continue(())
        });
    }

    /// The topmost window that fills what `is` says of a display's area; `None` while the session is
    /// locked.
    pub fn filling(&self, is: impl Fn(Rectangle<i32, Logical>) -> bool) -> Option<&WlSurface> {
        self.windows.filling(is).filter(|_| self.lock.is_none()).map(Window::surface)
    }

    /// The surface that takes input at a position on the desktop, with its origin.
    pub fn at(&self, position: Point<f64, Logical>) -> Option<(WlSurface, Point<f64, Logical>)> {
        match self.under(position)? {
            Under::Surface(surface, origin) => Some((surface, origin)),
            Under::Bar(..) => None,
        }
    }

    /// The window whose bar is at a position, and the part of it.
    pub fn bar_at(&self, position: Point<f64, Logical>) -> Option<(WindowId, Part)> {
        match self.under(position)? {
            Under::Bar(window, part) => Some((window, part)),
            Under::Surface(..) => None,
        }
    }

    /// What takes input at a position on the desktop.
    pub fn under(&self, position: Point<f64, Logical>) -> Option<Under> {
        // Nothing shows beside a fullscreen window.
        let filling = self.filling(|area| area.to_f64().contains(position));
        let found = self.roots(|root| {
            if self.carried.as_ref() == Some(root.surface) {
                return ControlFlow::Continue(());
            }
            if let Some((above, part)) = root.bar.and_then(|above| Some((above, above.part_at(position)?))) {
                return ControlFlow::Break(Some(Under::Bar(above.window, part)));
            }
            if !root.level.takes_input() || root.cut.is_some_and(|cut| !cut.to_f64().contains(position)) {
                return ControlFlow::Continue(());
            }
            let mut hit = None;
            walk(&self.trees, root.surface, root.origin, |surface, states, at| {
                if hit.is_none() && takes_input_at(states, position - at.to_f64()) {
                    hit = Some(Under::Surface(surface.clone(), at.to_f64()));
                }
            });
            match hit {
                Some(_) => ControlFlow::Break(hit),
                None if filling == Some(root.surface) => ControlFlow::Break(None),
                None => ControlFlow::Continue(()),
            }
        });
        found.break_value().flatten()
    }

    /// Where the tree of `root` is: the window geometry of a window or popup, else the root surface.
    /// `None`: it is not on the desktop.
    pub fn rect_of(&self, root: &WlSurface) -> Option<Rectangle<i32, Logical>> {
        let mut windows = self.windows.visible().filter(|_| self.lock.is_none());
        if let Some(window) = windows.find(|window| window.surface() == root) {
            return Some(window.rect());
        }
        let found = self.roots(|other| match other.surface == root {
            true => ControlFlow::Break(other.origin),
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
