//! Windows and displays: who is on which, and what becomes of windows whose display is pulled.
//!
//! ```text
//!  display pulled  → its windows move to the first display that is left, each remembering where it was
//!  display is back → windows that nobody has moved meanwhile return
//!  none is left    → windows stay where they are until there is one
//! ```
//!
//! It sends `wl_surface.enter` and `leave`. It lights nothing and configures no display.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
};

use super::{Placement, Window, popups, walk};
use crate::{state::Syncline, surface::SurfaceState};

/// A display on the desktop: name of its connector, and its place.
pub type Place = (String, Rectangle<i32, Logical>);

/// Where a window was on a display that has been pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exile {
    display: String,
    /// From the display's top left corner.
    at: Point<i32, Logical>,
}

/// Where a window goes when the displays change: its new location, and the exile that it is in afterwards.
fn moved(
    window: Rectangle<i32, Logical>,
    exile: Option<Exile>,
    before: &[Place],
    after: &[Place],
) -> (Point<i32, Logical>, Option<Exile>) {
    let find = |list: &[Place], name: &str| list.iter().find(|(n, _)| n == name).map(|(_, rect)| *rect);
    if let Some(home) = exile.as_ref().and_then(|exile| find(after, &exile.display)) {
        return (home.loc + exile.map(|exile| exile.at).unwrap_or_default(), None);
    }
    let middle = window.loc + window.size.downscale(2);
    let here = before.iter().find(|(_, rect)| rect.contains(middle)).or(before.first());
    if let Some((name, old)) = here
        && let Some(new) = find(after, name)
    {
        return (window.loc + (new.loc - old.loc), exile);
    }
    let at = here.map(|(_, old)| window.loc - old.loc);
    let exile = exile.or_else(|| Some(Exile { display: here?.0.clone(), at: at? }));
    let Some((_, shelter)) = after.first() else { return (window.loc, exile) };
    let from = at.or(exile.as_ref().map(|exile| exile.at)).unwrap_or_default();
    let free = shelter.size - window.size;
    let inside = Point::from((from.x.clamp(0, free.w.max(0)), from.y.clamp(0, free.h.max(0))));
    (shelter.loc + inside, exile)
}

impl Window {
    /// The user has moved the window: it belongs where it is.
    pub fn settle(&mut self) {
        self.exile = None;
    }
}

impl Syncline {
    /// The displays as they lie on the desktop.
    pub fn places(&self) -> Vec<Place> {
        self.outputs.list.iter().map(|output| (output.wl.name(), output.rect())).collect()
    }

    /// The displays have changed from `before`: takes the windows along.
    pub fn displays_changed(&mut self, before: &[Place]) {
        let after = self.places();
        for window in self.windows.all_mut() {
            let floating = window.placement == Placement::Floating;
            let rect = if floating { window.rect() } else { Rectangle::new(window.location, window.size) };
            let (location, exile) = moved(rect, window.exile.take(), before, &after);
            (window.location, window.exile) = (location, exile);
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
        self.interaction = None;
        self.pointer_stale = true;
        self.power_stale = true;
        self.redraw_all();
    }

    /// Tells surfaces which displays they are on.
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
            walk(root, origin, |surface, states, at| {
                tell(surface, Rectangle::new(at, SurfaceState::of(states).view.size));
            });
        };
        for output in &self.outputs.list {
            output.wl.cleanup();
        }
        for window in self.windows.visible() {
            let origin = window.origin();
            tree(window.surface(), origin);
            for (popup, at) in popups(window.surface(), origin, window.geometry().loc) {
                tree(&popup, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, x: i32) -> Place {
        (name.into(), Rectangle::new((x, 0).into(), (1000, 800).into()))
    }

    fn window(x: i32, y: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (400, 300).into())
    }

    #[test]
    fn a_window_of_a_display_that_stays_goes_along_with_it() {
        let (before, after) = ([place("A", 0), place("B", 1000)], [place("B", 0)]);
        assert_eq!(moved(window(1300, 50), None, &before, &after), ((300, 50).into(), None));
    }

    #[test]
    fn a_window_of_a_pulled_display_is_sheltered_and_returns() {
        let (both, one) = ([place("A", 0), place("B", 1000)], [place("A", 0)]);
        let (at, exile) = moved(window(1700, 600), None, &both, &one);
        assert_eq!(at, (600, 500).into(), "wholly inside");
        assert!(exile.is_some());
        let (at, exile) = moved(window(at.x, at.y), exile, &one, &both);
        assert_eq!((at, exile), ((1700, 600).into(), None), "where it was");
    }

    #[test]
    fn without_any_display_windows_wait() {
        let (one, other) = ([place("A", 0)], [place("B", 0)]);
        let (at, exile) = moved(window(900, 100), None, &one, &[]);
        assert_eq!(at, (900, 100).into());
        let (at, still) = moved(window(at.x, at.y), exile.clone(), &[], &other);
        assert_eq!((at, &still), ((600, 100).into(), &exile), "on the one that came, not at home");
        assert_eq!(moved(window(at.x, at.y), still, &other, &one).0, (900, 100).into());
    }
}
