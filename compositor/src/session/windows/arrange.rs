//! What follows from the layout: what clients are asked for, where windows are shown and in which
//! order, and who has the keyboard.
//!
//! ```text
//!  a request, a key, an output ─→ [`Layout`] ─→ arrange ─┬─→ configures
//!                                                        ├─→ places and order of windows
//!                                                        └─→ the focus
//! ```
//!
//! Nothing here decides where a window should be.
//!
//! [`Layout`]: crate::desktop::layout::Layout

use std::collections::HashMap;

use smithay::{
    reexports::wayland_protocols::xdg::shell::server::xdg_toplevel::State,
    utils::{Logical, Point, Rectangle},
};

use crate::{
    desktop::{
        bar::{Bar, Kind},
        layout::{
            Layout,
            geometry::{self, Rect, Size},
            placed::{Placed, States},
        },
        ring::Ring,
        windows::Window,
    },
    session::{Syncline, windows::decoration},
    system::id::WindowId,
};

/// Where the layout has a window.
struct Seen {
    placed: Placed,
    /// From bottom to top.
    rank: usize,
    /// Its workspace is shown.
    active: bool,
    /// The display that it covers.
    area: Option<Rect>,
    /// The display of its workspace.
    output: Rect,
}

impl Syncline {
    /// The layout may have changed: clients, screen and keyboard follow.
    pub fn arrange_windows(&mut self) {
        // What was held may change the layout again when it is applied; none of it is held then.
        for _ in 0..2 {
            self.arrange_once();
            self.release_holds();
            if !self.layout_stale {
                break;
            }
        }
    }

    fn arrange_once(&mut self) {
        (self.layout_stale, self.listeners_stale) = (false, true);
        let (now, desktop) = (self.now, &mut self.desktop);
        desktop.followed.follow(&mut desktop.layout, &mut desktop.transactions, now);
        let seen = self.seen();
        self.configure_windows(&seen);
        self.show_windows(&seen);
        self.keyboard_follows();
    }

    /// Where the layout has all windows that are on a workspace of an output.
    fn seen(&self) -> HashMap<WindowId, Seen> {
        let layout = &self.desktop.layout;
        let mut seen = HashMap::with_capacity(self.desktop.windows.len());
        for workspace in layout.workspaces() {
            let Some(output) = layout.output_of(workspace.id) else { continue };
            let active = output.active == workspace.id;
            for placed in workspace.placed() {
                let covers = layout.window(placed.window).is_some_and(|window| window.covers());
                let area = covers.then_some(output.area);
                seen.insert(
                    placed.window,
                    Seen { placed: *placed, rank: seen.len(), active, area, output: output.area },
                );
            }
        }
        seen
    }

    /// Asks clients for the sizes that transactions wait for, and tells them their states.
    fn configure_windows(&mut self, seen: &HashMap<WindowId, Seen>) {
        let (now, desktop) = (self.now, &mut self.desktop);
        loop {
            let asked: Vec<_> = desktop.transactions.configures().collect();
            if asked.is_empty() {
                break;
            }
            for configure in asked {
                let window = desktop.windows.get_mut(configure.window);
                let serial = window.and_then(|window| {
                    let states = seen.get(&configure.window).map_or(window.told.states, |seen| seen.placed.states);
                    window.tell((configure.size, states))
                });
                desktop.transactions.configured(configure.window, serial, now);
            }
        }
        let mut previewed = Vec::new();
        for window in desktop.windows.all_mut() {
            match seen.get(&window.id) {
                Some(seen) if window.told.owed || window.told.states != seen.placed.states => {
                    window.tell((window.told.size, seen.placed.states));
                }
                None if window.told.owed && window.toplevel.is_initial_configure_sent() => {
                    // One that is not mapped yet learns how it would be.
                    window.tell_preview(desktop.layout.preview(window.id).filter(|_| !window.mapped));
                    previewed.push(window.surface().clone());
                }
                // One that is hidden has no states that could have changed.
                _ => {}
            }
        }
        previewed.iter().for_each(|surface| self.update_feedback(surface));
    }

    /// Shows windows where transactions have them, in the layout's order.
    fn show_windows(&mut self, seen: &HashMap<WindowId, Seen>) {
        let desktop = &mut self.desktop;
        let (mut changed, mut bars_changed, mut covering) = (false, false, Vec::new());
        let border = desktop.layout.options().border;
        for window in desktop.windows.all_mut() {
            let seen = seen.get(&window.id);
            let place = desktop.transactions.shown(window.id);
            let area = seen.and_then(|seen| seen.area).map(rectangle);
            let shown = place.is_some() && seen.is_some_and(|seen| seen.active && seen.placed.visible);
            if window.mapped && std::mem::replace(&mut window.area, area) != area {
                covering.push(window.surface().clone());
            }
            let location = place.map_or(window.location, |place| window.shown_at(place.rect));
            let tiled = seen.is_some_and(|seen| !seen.placed.states.tiled.is_empty());
            let cut = place.filter(|place| place.late || tiled).map(|place| rectangle(place.rect));
            // Both change with the place, which may wait.
            let applies = |seen: &Seen| place.is_none_or(|place| place.rect == seen.placed.rect);
            let ring = seen.and_then(|seen| {
                let new = || Ring::of(&seen.placed, border, rectangle(seen.output));
                let ring = if applies(seen) { new() } else { window.ring };
                ring.map(|ring| Ring { active: seen.placed.states.activated, ..ring })
            });
            let ring = ring.filter(|_| area.is_none());
            let bar = seen.filter(|_| area.is_none()).and_then(|seen| {
                let bar = if applies(seen) { bar(&desktop.layout, seen) } else { still(&desktop.layout, &window.bar) };
                bar.map(|bar| Bar { active: seen.placed.states.activated, ..bar })
            });
            bars_changed |= window.shown != shown || window.bar != bar;
            let now_is = (shown, location, cut, ring, bar);
            let before = (window.shown, window.location, window.cut, window.ring, window.bar.take());
            changed |= window.mapped && before != now_is;
            (window.shown, window.location, window.cut, window.ring, window.bar) = now_is;
        }
        changed |=
            desktop.windows.stack_by(|id| seen.get(&id).filter(|seen| seen.active).map_or(0, |seen| seen.rank + 1));
        self.bars.stale |= bars_changed;
        if changed || !covering.is_empty() {
            (self.pointer_stale, self.displays_stale) = (true, true);
            self.redraw_all();
        }
        for surface in covering {
            self.update_feedback(&surface);
        }
    }
}

impl Window {
    /// Tells the client the size and the states of its window, if it has not been told so before or
    /// is owed an answer. Returns the serial of the configure.
    pub fn tell(&mut self, (size, states): (Size, States)) -> Option<u32> {
        let owed = std::mem::take(&mut self.told.owed);
        (self.told.size, self.told.states) = (size, states);
        let decoration = decoration::mode(self.decoration, self.titled, states);
        decoration::tell_kde(self);
        self.toplevel.with_pending_state(|state| {
            state.decoration_mode = decoration;
            state.size = (!size.is_empty()).then(|| (size.w, size.h).into());
            let mut set = |flag, on| if on { state.states.set(flag) } else { state.states.unset(flag) };
            set(State::Activated, states.activated);
            set(State::Maximized, states.maximised);
            set(State::Fullscreen, states.fullscreen);
            set(State::Resizing, states.resizing);
            set(State::TiledLeft, states.tiled.left);
            set(State::TiledRight, states.tiled.right);
            set(State::TiledTop, states.tiled.top);
            set(State::TiledBottom, states.tiled.bottom);
        });
        let toplevel = &self.toplevel;
        let sent = if owed { Some(toplevel.send_configure()) } else { toplevel.send_pending_configure() };
        let serial = sent.map(u32::from);
        self.told.serial = serial.or(self.told.serial);
        serial
    }

    /// Tells the client of a window that is not mapped how it would be placed.
    pub fn tell_preview(&mut self, placed: Option<Placed>) {
        let before = (self.told.size, self.told.states);
        self.area = placed.filter(|placed| placed.states.fullscreen).map(|placed| rectangle(placed.rect));
        self.tell(placed.map_or(before, |placed| (placed.ask, placed.states)));
    }
}

/// The bar of a window where the layout has it.
fn bar(layout: &Layout, Seen { placed, output, .. }: &Seen) -> Option<Bar> {
    if placed.bar.size().is_empty() {
        return None;
    }
    let kind = match layout.tabs_of(placed.window) {
        Some(tabs) => Kind::Tabs { place: rectangle(placed.bar), tabs: tabs.collect() },
        None => Kind::Title { height: placed.bar.h },
    };
    Some(Bar { kind, active: placed.states.activated, within: rectangle(*output) })
}

/// The bar that a window has had, without the tabs of windows that are gone.
fn still(layout: &Layout, bar: &Option<Bar>) -> Option<Bar> {
    let mut bar = bar.clone()?;
    if let Kind::Tabs { tabs, .. } = &mut bar.kind {
        tabs.retain(|tab| layout.window(*tab).is_some());
    }
    Some(bar)
}

/// A rectangle of the layout on the desktop.
pub fn rectangle(rect: Rect) -> Rectangle<i32, Logical> {
    Rectangle::new((rect.x, rect.y).into(), (rect.w, rect.h).into())
}

/// A rectangle of the desktop for the layout.
pub fn rect(rectangle: Rectangle<i32, Logical>) -> Rect {
    Rect { x: rectangle.loc.x, y: rectangle.loc.y, w: rectangle.size.w, h: rectangle.size.h }
}

/// A point of the desktop for the layout.
pub fn point(point: Point<i32, Logical>) -> geometry::Point {
    geometry::Point { x: point.x, y: point.y }
}

/// For tests, and for the suite that drives a session from outside.
impl Syncline {
    /// Moves a floating window so that the top left corner of its geometry is at a point of the
    /// desktop. Returns whether the surface is that of one.
    pub fn move_window(
        &mut self,
        surface: &smithay::reexports::wayland_server::protocol::wl_surface::WlSurface,
        to: Point<i32, Logical>,
    ) -> bool {
        let Some(id) = self.desktop.windows.id_of(surface) else { return false };
        let bar = self.desktop.layout.bar_of(id);
        let to = to - Point::from((0, bar));
        let moved = self.desktop.layout.move_to(id, point(to));
        self.arrange_windows();
        moved
    }
}
