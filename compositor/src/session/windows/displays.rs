//! Windows follow their outputs, and surfaces are told which outputs they are on.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
};

use crate::{
    desktop::{
        displays::{OutputArea, moved},
        tree::{popups, walk},
        windows::Placement,
    },
    session::Syncline,
    surface::SurfaceState,
};

impl Syncline {
    /// The areas of the outputs on the desktop.
    pub fn output_areas(&self) -> Vec<OutputArea> {
        self.outputs.list.iter().map(|output| (output.wl.name(), output.rect())).collect()
    }

    /// The outputs have changed; `before` are their old areas. Moves the windows along.
    pub fn displays_changed(&mut self, before: &[OutputArea]) {
        let after = self.output_areas();
        for window in self.desktop.windows.all_mut() {
            let floating = window.placement == Placement::Floating;
            let rect = if floating { window.rect() } else { Rectangle::new(window.location, window.size) };
            let (location, displaced) = moved(rect, window.displaced.take(), before, &after);
            (window.location, window.displaced) = (location, displaced);
            if let Some(restore) = &mut window.restore {
                restore.loc = moved(*restore, None, before, &after).0;
            }
            if !floating && !after.is_empty() {
                let middle = location + Point::from((rect.size.w / 2, rect.size.h / 2));
                let on = after.iter().find(|(_, place)| place.contains(middle) || place.contains(location));
                let Some((_, area)) = on.or(after.first()) else { continue };
                window.location = area.loc;
                window.toplevel.with_pending_state(|state| state.size = Some(area.size));
                if window.toplevel.is_initial_configure_sent() {
                    window.toplevel.send_pending_configure();
                }
            }
        }
        self.desktop.interaction = None;
        self.pointer_stale = true;
        self.power_stale = true;
        self.redraw_all();
    }

    /// Sends surfaces the outputs that they are on.
    pub fn refresh_displays(&self) {
        let tell = |surface: &WlSurface, rect: Rectangle<i32, Logical>| {
            for output in &self.outputs.list {
                match output.rect().overlaps(rect) {
                    true => output.wl.enter(surface),
                    false => output.wl.leave(surface),
                }
            }
        };
        let tree = |root: &WlSurface, origin| {
            walk(&self.desktop.trees, root, origin, |surface, states, at| {
                tell(surface, Rectangle::new(at, SurfaceState::of(states).view.size));
            });
        };
        for output in &self.outputs.list {
            output.wl.cleanup();
        }
        for window in self.desktop.windows.visible() {
            let origin = window.origin();
            tree(window.surface(), origin);
            for (popup, at) in popups(window.surface(), origin, window.geometry().loc) {
                tree(&popup, at);
            }
        }
    }
}
