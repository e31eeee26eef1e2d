//! The life of a window: its first configure, its first buffer, what it commits later, the states that
//! it requests.
//!
//! It tells the layout; what follows from that is in [`crate::session::windows::arrange`].

use protocols::toplevel_icon;
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface, utils::Point, wayland::shell::xdg::ToplevelSurface,
};

use crate::{
    desktop::layout::{Layout, geometry::Size, placed::Placed},
    session::{
        Syncline,
        windows::{interact::hints, remap},
    },
    surface::state::id_of,
    system::id::WindowId,
};

impl Syncline {
    /// The first commit of a window: its client learns how the window would be placed.
    pub fn first_configure(&mut self, surface: &WlSurface) {
        let Some(window) = self.desktop.windows.find(surface) else { return };
        window.told.owed = true;
        self.desktop.layout.set_hints(window.id, hints(surface));
        self.apply_rules(surface);
        let Some(window) = self.desktop.windows.find(surface) else { return };
        let placed = self.desktop.layout.preview(window.id);
        if let Some(Placed { rect, .. }) = placed {
            let middle = Point::from((rect.x + rect.w / 2, rect.y + rect.h / 2)).to_f64();
            self.output_at(middle).into_iter().for_each(|output| self.tell_scale_of(surface, output));
        }
        let Some(window) = self.desktop.windows.find(surface) else { return };
        window.tell_preview(placed);
        self.update_feedback(surface);
    }

    /// A commit of a window was applied that had its first configure before. `acked`: the configure
    /// that its client had acknowledged before, and after the commit before.
    pub fn window_commit(&mut self, surface: &WlSurface, has_buffer: bool, acked: Option<u32>) {
        let (now, desktop) = (self.now, &mut self.desktop);
        let Some(window) = desktop.windows.find(surface) else { return };
        let (id, geometry) = (window.id, window.geometry().size);
        let size = Size { w: geometry.w, h: geometry.h };
        window.acked = acked.or(window.acked);
        let icon = toplevel_icon::current(surface);
        if window.icon != icon {
            window.icon = icon;
            self.listeners_stale = true;
        }
        self.layout_stale |= desktop.layout.set_hints(id, hints(surface));
        match (has_buffer, window.mapped) {
            (true, false) => {
                window.mapped = true;
                let by_user = window.activated.take().is_some_and(|until| now <= until);
                desktop.transactions.add(id, window.told.size);
                desktop.windows.note_mapping(id);
                desktop.transactions.sized(id, size);
                self.apply_rules(surface);
                self.desktop.layout.map(id, size, false);
                self.focus_new(id, by_user);
                self.carry_new(surface);
                // Titles are nobody's business: the log has numbers only.
                tracing::debug!("window mapped: surface {}", id_of(surface));
                self.arrange_windows();
            }
            (false, true) => {
                let parent = window.parent();
                remap::reset_window(window);
                desktop.windows.leave_dialogs(surface, parent);
                desktop.layout.unmap(id);
                self.globals.selections.detach_toplevel(surface);
                desktop.transactions.remove(id, now);
                self.arrange_windows();
            }
            (false, false) => {}
            (true, true) => {
                let settled = window.acked.is_some() && window.acked == window.told.serial;
                if let Some(serial) = window.acked {
                    desktop.transactions.acked(id, serial);
                }
                desktop.transactions.sized(id, size);
                let moved = desktop.layout.committed(id, size, settled);
                self.layout_stale |= desktop.transactions.committed(id, now) || moved;
                // One that is smaller than the display which it covers lies in the middle.
                if let Some(place) = desktop.transactions.shown(id).filter(|_| window.area.is_some()) {
                    window.location = window.shown_at(place.rect);
                }
            }
        }
    }

    /// A window has appeared: it gets the focus, or is urgent. It takes the user to no workspace that
    /// is hidden, unless a rule says so or the user has asked for it. A rule that keeps the focus
    /// from it, or hides it, counts for more.
    fn focus_new(&mut self, id: WindowId, by_user: bool) {
        let locked = self.is_locked();
        let layout = &mut self.desktop.layout;
        let Some(window) = layout.window(id) else { return };
        let (rule, on) = (window.opening.focus, window.workspace);
        let hidden = window.parent.is_none() && !window.is_shown();
        if rule == Some(false) || hidden {
            return;
        }
        // Whoever comes back finds the workspace that was left.
        let forced = (rule == Some(true) || by_user) && !locked;
        match forced || on.is_none_or(|on| layout.is_active(on)) {
            true => layout.focus(id),
            false => layout.set_urgent(id, true),
        };
    }

    /// A client requests a state of its window. It gets a configure in any case, unless it has had
    /// none yet.
    pub fn request_state(&mut self, toplevel: &ToplevelSurface, change: impl FnOnce(&mut Layout, WindowId) -> bool) {
        let Some(window) = self.desktop.windows.find(toplevel.wl_surface()) else { return };
        change(&mut self.desktop.layout, window.id);
        window.told.owed |= toplevel.is_initial_configure_sent();
        self.layout_stale = true;
    }
}
