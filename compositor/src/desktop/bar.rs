//! The bars that the session draws above windows: the title bar of one that floats, and the tabs of a
//! column. Where their parts are, and which part is at a point.
//!
//! ```text
//!   ┌──────────────────┬─┬─┬─┐        ┌─────────┬─────────┬────────┐
//!   │ title            │_│□│×│        │ tab     │ tab     │ tab    │
//!   ├──────────────────┴─┴─┴─┤        ├─────────┴─────────┴────────┤
//!   │ window                 │        │ window of the tab in front │
//! ```
//!
//! A bar lies outside the window's geometry, above the window's own surfaces and below its popups, and on
//! the output of the window's workspace only. Plain arithmetic: nothing here draws or decides.

use smallvec::SmallVec;
use smithay::utils::{Logical, Point, Rectangle};

use crate::system::id::WindowId;

type Area = Rectangle<i32, Logical>;

/// The bar of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    pub kind: Kind,
    /// The window has the focus.
    pub active: bool,
    /// What is seen of it: the area of an output.
    pub within: Area,
}

/// What a bar is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It lies directly above what is shown of the window, and is so high.
    Title { height: i32 },
    /// The column's, above the window that is in front.
    Tabs { place: Area, tabs: SmallVec<[WindowId; 8]> },
}

/// A bar where it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Above<'a> {
    /// The window below it.
    pub window: WindowId,
    pub bar: &'a Bar,
    pub area: Area,
}

/// A part of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// By which a window is moved.
    Title,
    Button(Button),
    /// That of a window.
    Tab(WindowId),
}

/// A button on a title bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    Minimise,
    Maximise,
    Close,
}

impl Button {
    /// From left to right.
    pub const ALL: [Self; 3] = [Self::Minimise, Self::Maximise, Self::Close];
}

impl Bar {
    /// Where it is above a window of which `shown` is shown.
    pub fn area(&self, shown: Area) -> Area {
        match &self.kind {
            Kind::Title { height } => {
                Rectangle::new((shown.loc.x, shown.loc.y - height).into(), (shown.size.w, *height).into())
            }
            Kind::Tabs { place, .. } => *place,
        }
    }
}

impl Above<'_> {
    /// The part that is at a point.
    pub fn part_at(&self, at: Point<f64, Logical>) -> Option<Part> {
        if !self.seen()?.to_f64().contains(at) {
            return None;
        }
        match &self.bar.kind {
            Kind::Tabs { tabs, .. } => {
                let hit = |(at_tab, _): &(usize, &WindowId)| tab(self.area, tabs.len(), *at_tab).to_f64().contains(at);
                tabs.iter().enumerate().find(hit).map(|(_, window)| Part::Tab(*window))
            }
            Kind::Title { .. } => {
                let hit = |button: &&Button| self::button(self.area, **button).to_f64().contains(at);
                Some(Button::ALL.iter().find(hit).map_or(Part::Title, |button| Part::Button(*button)))
            }
        }
    }

    /// What is seen of it.
    pub fn seen(&self) -> Option<Area> {
        self.area.intersection(self.bar.within).filter(|seen| !seen.is_empty())
    }
}

/// The `at`th of `count` tabs: they are equally wide, to a pixel, and fill the bar.
pub fn tab(bar: Area, count: usize, at: usize) -> Area {
    let edge = |at: usize| (i64::from(bar.size.w) * at as i64 / count.max(1) as i64) as i32;
    let (from, to) = (edge(at), edge(at + 1));
    Rectangle::new((bar.loc.x + from, bar.loc.y).into(), (to - from, bar.size.h).into())
}

/// How many of the buttons a title bar has room for, from the right: they leave as much to the title as
/// one of them takes.
fn shown_buttons(bar: Area) -> i32 {
    (bar.size.w / bar.size.h.max(1) - 1).clamp(0, Button::ALL.len() as i32)
}

/// All buttons of a title bar together, at its right end; empty if there is no room.
pub fn buttons(bar: Area) -> Area {
    let width = shown_buttons(bar) * bar.size.h;
    Rectangle::new((bar.loc.x + bar.size.w - width, bar.loc.y).into(), (width, bar.size.h).into())
}

/// One of them, a square; empty if there is no room for it.
pub fn button(bar: Area, button: Button) -> Area {
    let side = bar.size.h;
    let from_right = Button::ALL.iter().rev().position(|other| *other == button).unwrap_or_default() as i32;
    if from_right >= shown_buttons(bar) {
        return Rectangle::default();
    }
    Rectangle::new((bar.loc.x + bar.size.w - (from_right + 1) * side, bar.loc.y).into(), (side, side).into())
}

/// Where text is on a title bar or a tab, of which `taken` at the right end is for something else.
pub fn text(bar: Area, taken: i32) -> Area {
    let margin = bar.size.h / 3;
    let width = (bar.size.w - taken - 2 * margin).max(0);
    Rectangle::new((bar.loc.x + margin, bar.loc.y).into(), (width, bar.size.h).into())
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;

    fn area(x: i32, y: i32, w: i32, h: i32) -> Area {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    #[test]
    fn tabs_are_equally_wide_and_fill_the_bar() {
        for (width, count) in [(900, 1), (900, 3), (901, 3), (1000, 7), (2, 5), (0, 2), (1, 1)] {
            let bar = area(10, 20, width, 24);
            let tabs: Vec<Area> = (0..count).map(|at| tab(bar, count, at)).collect();
            assert_eq!(tabs.iter().map(|tab| tab.size.w).sum::<i32>(), width, "{width} {count}");
            let (least, most) = (width / count as i32, (width + count as i32 - 1) / count as i32);
            assert!(tabs.iter().all(|tab| (least..=most).contains(&tab.size.w) && tab.size.h == 24));
            assert!(tabs.windows(2).all(|pair| pair[0].loc.x + pair[0].size.w == pair[1].loc.x));
            assert_eq!(tabs[0].loc, (10, 20).into());
        }
    }

    #[test]
    fn buttons_are_squares_at_the_right_end_as_far_as_there_is_room() {
        use Button::{Close, Maximise, Minimise};
        type Case = (i32, [Option<i32>; 3], i32);
        let table: [Case; 7] = [
            (200, [Some(128), Some(152), Some(176)], 72),
            (96, [Some(24), Some(48), Some(72)], 72),
            (95, [None, Some(47), Some(71)], 48),
            (71, [None, None, Some(47)], 24),
            (48, [None, None, Some(24)], 24),
            (47, [None; 3], 0),
            (0, [None; 3], 0),
        ];
        for (width, places, together) in table {
            let bar = area(100, 50, width, 24);
            let expected = places.map(|x| x.map_or(Rectangle::default(), |x| area(100 + x, 50, 24, 24)));
            assert_eq!([Minimise, Maximise, Close].map(|it| button(bar, it)), expected, "{width}");
            assert_eq!(buttons(bar).size.w, together, "{width}");
        }
        assert_eq!(text(area(100, 50, 200, 24), 72), area(108, 50, 112, 24));
        assert_eq!(text(area(100, 50, 20, 24), 24).size.w, 0);
    }

    #[test]
    fn a_point_hits_one_part_of_what_is_seen() {
        let within = area(0, 0, 250, 600);
        let title = Bar { kind: Kind::Title { height: 24 }, active: true, within };
        let above = Above { window: WindowId(1), bar: &title, area: title.area(area(100, 74, 200, 100)) };
        assert_eq!(above.area, area(100, 50, 200, 24));
        let minimise = Some(Part::Button(Button::Minimise));
        let table = [
            ((100.0, 50.0), Some(Part::Title)),
            ((227.9, 60.0), Some(Part::Title)),
            ((228.0, 73.9), minimise),
            ((249.9, 60.0), minimise),
            // It ends with the output.
            ((250.0, 60.0), None),
            ((99.9, 60.0), None),
            ((150.0, 74.0), None),
            ((150.0, 49.9), None),
        ];
        for (at, part) in table {
            assert_eq!(above.part_at(at.into()), part, "{at:?}");
        }
        let ids = [3, 1, 2].map(WindowId);
        let place = area(0, 0, 100, 20);
        let tabs = Bar { kind: Kind::Tabs { place, tabs: smallvec![ids[0], ids[1], ids[2]] }, active: false, within };
        let above = Above { window: ids[1], bar: &tabs, area: tabs.area(area(0, 20, 90, 80)) };
        let hits = [0.0, 32.9, 33.0, 65.9, 66.0, 99.9, 100.0].map(|x| above.part_at((x, 10.0).into()));
        let tab = |at: usize| Some(Part::Tab(ids[at]));
        assert_eq!(hits, [tab(0), tab(0), tab(1), tab(1), tab(2), tab(2), None]);
    }
}
