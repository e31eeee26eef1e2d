//! What bad clients do, how the compositor shows it, and what becomes of them.

use super::amounts::{Amount, Thing};
use super::bad::Bad;
use super::fences::{Fences, When};
use super::options::{Part, Way};
use super::pictures::{Cursor, Damage, Pace, Viewport};
use super::waits::{Popups, Year2554};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::uinput::Mouse;

/// What a bad client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Buffers whose memory has a fence that never signals.
    Fences(When),
    /// Takes so many of something, and disconnects.
    Amount(Thing, usize),
    /// Damages thousands of rectangles with each commit.
    Damage(Pace),
    /// Scales a pixel to more than any screen.
    Viewport,
    /// Changes the image of the cursor.
    Cursor,
    /// So many commits for the year 2554.
    Year2554(usize),
    /// A chain of so many popups.
    Popups(usize),
}

/// How a bad client ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// It does not.
    Never,
    /// By this error.
    By(&'static str),
    /// By this error, unless the compositor is through with what it has sent before it has sent more: on one CPU
    /// that is for the scheduler to say.
    IfAhead(&'static str),
}

impl Ends {
    /// The error, if there is one.
    pub fn error(self) -> Option<&'static str> {
        match self {
            Self::Never => None,
            Self::By(error) | Self::IfAhead(error) => Some(error),
        }
    }

    /// Whether a client has ended so; `None`: it lives.
    pub fn is(self, ended: Option<&str>) -> bool {
        match ended {
            Some(why) => self.error().is_some_and(|error| why.contains(error)),
            None => !matches!(self, Self::By(_)),
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What is measured.
    pub what: &'static str,
    /// The part to which it belongs.
    pub part: Part,
    /// How the compositor shows windows.
    pub way: Way,
    /// What the bad client does.
    pub deed: Deed,
    /// How the bad client ends.
    pub ends: Ends,
}

impl Deed {
    /// The client that does it, on the point of doing it.
    pub fn open(self, compositor: &Compositor, mouse: Option<Mouse>) -> Result<Box<dyn Bad>> {
        Ok(match self {
            Deed::Fences(when) => Box::new(Fences::open(compositor, when)?),
            Deed::Amount(thing, count) => Box::new(Amount::new(compositor, thing, count)),
            Deed::Damage(pace) => Box::new(Damage::open(compositor, pace)?),
            Deed::Viewport => Box::new(Viewport::open(compositor)?),
            Deed::Cursor => {
                let mouse = mouse.ok_or_else(|| Error::Missing("a mouse that moves the cursor".into()))?;
                Box::new(Cursor::open(compositor, mouse)?)
            }
            Deed::Year2554(commits) => Box::new(Year2554::open(compositor, commits)?),
            Deed::Popups(levels) => Box::new(Popups::open(compositor, levels)?),
        })
    }
}

/// All of them.
pub fn all() -> Vec<Scenario> {
    let mut all = fences();
    all.extend(amounts());
    all.extend(pictures());
    all.extend(waits());
    all
}

fn fences() -> Vec<Scenario> {
    let names = [
        (When::Before, ["fence before the commit, plane", "…, pixman", "…, GLES"]),
        (When::BesideExplicit, ["fence beside an explicit one, plane", "…, pixman", "…, GLES"]),
        (When::With, ["fence while the commit arrives, plane", "…, pixman", "…, GLES"]),
        (When::After, ["fence after the commit, plane", "…, pixman", "…, GLES"]),
        (When::SecondPlane, ["fence in the second memory plane, plane", "…, pixman", "…, GLES"]),
    ];
    let ways = [Way::Planes, Way::Pixman, Way::Gles];
    let of = |(when, names): (When, [&'static str; 3])| {
        let one =
            move |(what, way)| Scenario { what, part: Part::Fences, way, deed: Deed::Fences(when), ends: Ends::Never };
        names.into_iter().zip(ways).map(one)
    };
    names.into_iter().flat_map(of).collect()
}

fn amounts() -> Vec<Scenario> {
    use Thing::{Objects, Params, RegionRects, Requests, Surfaces};
    let of = |what, thing, count, ends| {
        let deed = Deed::Amount(thing, count);
        Scenario { what, part: Part::Amounts, way: Way::Pixman, deed, ends }
    };
    vec![
        of("a flood of requests without a pause", Requests, usize::MAX, Ends::IfAhead("requests without a pause")),
        of("a flood of requests, a pause after 90 000", Requests, 90_000, Ends::Never),
        of("100 000 rectangles of a region", RegionRects, 100_000, Ends::By("region-rects; the limit is 65536")),
        of("65 536 rectangles of a region", RegionRects, 65_536, Ends::Never),
        of("100 000 objects, and gone", Objects, 100_000, Ends::By("objects; the limit is 65536")),
        of("65 000 objects, and gone", Objects, 65_000, Ends::Never),
        of("16 384 surfaces, and gone", Surfaces, 16_384, Ends::Never),
        of("400 buffer parameters of 4 descriptors", Params, 400, Ends::Never),
        of("1 024 buffer parameters of 4 descriptors", Params, 1024, Ends::Never),
        of("1 100 buffer parameters of 4 descriptors", Params, 1100, Ends::By("descriptors; the limit is 4096")),
    ]
}

fn pictures() -> Vec<Scenario> {
    let of = |what, way, deed| Scenario { what, part: Part::Pictures, way, deed, ends: Ends::Never };
    vec![
        of("3 000 damage rectangles a frame, pixman", Way::Pixman, Deed::Damage(Pace::Frames)),
        of("…, GLES", Way::Gles, Deed::Damage(Pace::Frames)),
        of("…, pixman, without waiting for frames", Way::Pixman, Deed::Damage(Pace::Unpaced)),
        of("a pixel scaled to 70 000 × 70 000, plane", Way::Planes, Deed::Viewport),
        of("…, pixman", Way::Pixman, Deed::Viewport),
        of("…, GLES", Way::Gles, Deed::Viewport),
        of("500 cursor images of odd sizes, plane", Way::Planes, Deed::Cursor),
        of("…, pixman", Way::Pixman, Deed::Cursor),
    ]
}

fn waits() -> Vec<Scenario> {
    let of = |what, deed, ends| Scenario { what, part: Part::Waits, way: Way::Pixman, deed, ends };
    vec![
        of("a commit for the year 2554", Deed::Year2554(1), Ends::Never),
        of("… and 1 023 behind it", Deed::Year2554(1024), Ends::Never),
        of("… and 1 024 behind it", Deed::Year2554(1025), Ends::By("queued-commits; the limit is 1024")),
        of("300 nested popups", Deed::Popups(300), Ends::By("nested more than 64 deep")),
        of("64 nested popups", Deed::Popups(64), Ends::Never),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_exceeds_a_limit_is_ended_and_the_most_that_is_allowed_is_tried_too() {
        let ended: Vec<Scenario> = all().into_iter().filter(|of| of.ends != Ends::Never).collect();
        for scenario in &ended {
            let less = |of: &Scenario| match (of.deed, scenario.deed) {
                (Deed::Amount(thing, less), Deed::Amount(other, count)) => thing == other && less < count,
                (Deed::Year2554(less), Deed::Year2554(count)) | (Deed::Popups(less), Deed::Popups(count)) => {
                    less < count
                }
                _ => false,
            };
            assert!(all().iter().any(|of| of.ends == Ends::Never && less(of)), "{}", scenario.what);
        }
        assert_eq!(ended.len(), 6);
    }
}
