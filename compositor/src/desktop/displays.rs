//! Windows and displays: which window is on which display, and where windows go when their display
//! is unplugged.
//!
//! ```text
//!  unplugged        → its windows move to the first display that is left; each remembers its place
//!  plugged in again → windows that the user has not moved meanwhile return
//!  none left        → windows stay where they are until there is a display
//! ```
//!
//! This is only arithmetic. It sends nothing to clients and configures no display.

use smithay::utils::{Logical, Point, Rectangle};

/// The name of a display's connector, and its area on the desktop.
pub type OutputArea = (String, Rectangle<i32, Logical>);

/// Where a window was on a display that has been unplugged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displaced {
    display: String,
    /// Relative to the top left corner of the display.
    at: Point<i32, Logical>,
}

/// Where a window goes when the displays change. Returns its new location, and where it was
/// displaced from.
pub fn moved(
    window: Rectangle<i32, Logical>,
    displaced: Option<Displaced>,
    before: &[OutputArea],
    after: &[OutputArea],
) -> (Point<i32, Logical>, Option<Displaced>) {
    let find = |list: &[OutputArea], name: &str| list.iter().find(|(n, _)| n == name).map(|(_, rect)| *rect);
    if let Some(home) = displaced.as_ref().and_then(|displaced| find(after, &displaced.display)) {
        return (home.loc + displaced.map(|displaced| displaced.at).unwrap_or_default(), None);
    }
    let middle = window.loc + window.size.downscale(2);
    let here = before.iter().find(|(_, rect)| rect.contains(middle)).or(before.first());
    if let Some((name, old)) = here
        && let Some(new) = find(after, name)
    {
        return (window.loc + (new.loc - old.loc), displaced);
    }
    let at = here.map(|(_, old)| window.loc - old.loc);
    let displaced = displaced.or_else(|| Some(Displaced { display: here?.0.clone(), at: at? }));
    let Some((_, refuge)) = after.first() else { return (window.loc, displaced) };
    let from = at.or(displaced.as_ref().map(|displaced| displaced.at)).unwrap_or_default();
    let free = refuge.size - window.size;
    let inside = Point::from((from.x.clamp(0, free.w.max(0)), from.y.clamp(0, free.h.max(0))));
    (refuge.loc + inside, displaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, x: i32) -> OutputArea {
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
    fn a_window_of_an_unplugged_display_is_sheltered_and_returns() {
        let (both, one) = ([place("A", 0), place("B", 1000)], [place("A", 0)]);
        let (at, displaced) = moved(window(1700, 600), None, &both, &one);
        assert_eq!(at, (600, 500).into(), "wholly inside");
        assert!(displaced.is_some());
        let (at, displaced) = moved(window(at.x, at.y), displaced, &one, &both);
        assert_eq!((at, displaced), ((1700, 600).into(), None), "where it was");
    }

    #[test]
    fn without_any_display_windows_wait() {
        let (one, other) = ([place("A", 0)], [place("B", 0)]);
        let (at, displaced) = moved(window(900, 100), None, &one, &[]);
        assert_eq!(at, (900, 100).into());
        let (at, still) = moved(window(at.x, at.y), displaced.clone(), &[], &other);
        assert_eq!((at, &still), ((600, 100).into(), &displaced), "on the one that came, not at home");
        assert_eq!(moved(window(at.x, at.y), still, &other, &one).0, (900, 100).into());
    }
}
