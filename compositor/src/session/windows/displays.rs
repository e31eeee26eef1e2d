//! Windows follow their outputs, and surfaces are told which outputs they are on.

use smithay::{
    utils::{Point, Rectangle},
    wayland::compositor::send_surface_state,
};

use crate::{
    desktop::{
        displays::{OutputArea, moved},
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
        self.arrange_all_layers();
        self.place_lock_surfaces();
        let after = self.output_areas();
        let working: Vec<_> = self.outputs.list.ids().into_iter().map(|id| self.working_area(id)).collect();
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
                let on = after.iter().position(|(_, place)| place.contains(middle) || place.contains(location));
                let on = on.unwrap_or(0);
                let area = match window.placement {
                    Placement::Fullscreen => {
                        window.fill(after[on].1);
                        after[on].1
                    }
                    _ => {
                        window.location = working[on].loc;
                        working[on]
                    }
                };
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

    /// Sends surfaces the outputs that they are on, and how the one that shows most of them is turned.
    pub fn refresh_displays(&self) {
        for output in &self.outputs.list {
            output.wl.cleanup();
        }
        self.desktop.surfaces(|_, surface, states, at| {
            let rect = Rectangle::new(at, SurfaceState::of(states).view.size);
            let mut most = (0, None);
            for output in &self.outputs.list {
                match output.rect().intersection(rect) {
                    Some(Rectangle { size, .. }) => {
                        output.wl.enter(surface);
                        let shown = i64::from(size.w) * i64::from(size.h);
                        if shown > most.0 {
                            most = (shown, Some(output.transform));
                        }
                    }
                    None => output.wl.leave(surface),
                }
            }
            if let (_, Some(transform)) = most {
                send_surface_state(surface, states, 1, transform);
            }
        });
    }
}
