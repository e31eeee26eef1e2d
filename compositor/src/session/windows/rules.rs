//! Window rules: which of them a window that appears fits.
//!
//! They are looked up twice for a window, for its first configure and for its first buffer, and
//! never afterwards: another title or a configuration that is read again changes no window that is
//! there. What rules mean is in [`crate::desktop::layout::opening`].

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    wayland::{compositor::with_states, shell::xdg::XdgToplevelSurfaceData},
};

use crate::{
    config::window::{Traits, WindowRule},
    desktop::layout::opening::Opening,
    session::{Syncline, recall},
};

impl Syncline {
    /// Tells the layout what the rules want of a window that shows nothing yet.
    pub fn apply_rules(&mut self, surface: &WlSurface) {
        let Some(id) = self.desktop.windows.id_of(surface) else { return };
        let tag = self.desktop.windows.get(id).and_then(|window| window.tag.as_deref());
        let dialog = self.desktop.layout.window(id).is_some_and(|window| window.parent.is_some());
        let mut wanted = wanted(&self.config.windows, surface, tag, dialog);
        if !dialog && let Some(kept) = app_id(surface).and_then(|app| self.recall.place_of(id, &app, self.now)) {
            recall::add(&mut wanted, kept);
        }
        let private = wanted.capture == Some(false);
        if let Some(window) = self.desktop.windows.get_mut(id) {
            window.private = private;
        }
        self.desktop.layout.set_opening(id, wanted);
        self.decide_title(surface);
    }
}

/// The application of a window.
fn app_id(surface: &WlSurface) -> Option<String> {
    with_states(surface, |states| {
        let data = states.data_map.get::<XdgToplevelSurfaceData>()?;
        data.lock().expect("no panic while locked").app_id.clone()
    })
}

/// What the rules want of a window.
fn wanted(rules: &[WindowRule], surface: &WlSurface, tag: Option<&str>, dialog: bool) -> Opening {
    let mut opening = Opening::default();
    if rules.is_empty() {
        return opening;
    }
    with_states(surface, |states| {
        let Some(data) = states.data_map.get::<XdgToplevelSurfaceData>() else { return };
        let data = data.lock().expect("no panic while locked");
        let window = Traits { app_id: data.app_id.as_deref(), title: data.title.as_deref(), tag, dialog };
        rules.iter().filter(|rule| rule.fits(window)).for_each(|rule| opening.add(rule));
    });
    opening
}
