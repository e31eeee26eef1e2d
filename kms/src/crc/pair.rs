//! Which frame an entry is of: pure logic over flips and entries. Reads no clock and no file; never
//! guesses: where two frames are possible, it says so.
//!
//! ```text
//!  flips    |N            |N+1          |N+3            sequence and time of each flip, from its event
//!  entries    n   n+1       n+2  …                      with the number of its vblank: the newest flip not after it
//!             n+1 n+2       n+3  …                      with that of the vblank after: the newest flip before it
//!             X        X       X                        without: the newest flip whose entry can have arrived by then
//! ```

use std::collections::VecDeque;

use super::CrcEntry;
use super::driver::{Completed, CrcDriver};
use crate::Ns;

/// A frame that has come on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownFrame {
    /// The caller's name for it.
    pub id: u64,
    /// Number of the vblank, from the flip event.
    pub sequence: u32,
    /// Time stamp of the flip event, ns of CLOCK_MONOTONIC.
    pub time: Ns,
}

/// How entries are paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// By frame number. An entry is judged `hold` ns after its arrival, since it may be read before
    /// the event of its flip.
    Number {
        /// The number less that of the vblank with which the frame's scan-out begins: 0, or 1 where
        /// it is that of the vblank which ends it.
        past: u32,
        /// ns.
        hold: Ns,
    },
    /// By arrival. The entries of a frame arrive from `delay` ns after its flip on; one that comes
    /// within `slack` ns of that moment, on either side, may be of the frame before as well.
    Arrival {
        /// ns; negative where it is the middle of a span that ends at the flip.
        delay: i64,
        /// ns.
        slack: Ns,
    },
}

impl Rule {
    /// For a source of a driver, on a display with this period in ns.
    pub fn of(driver: Option<&CrcDriver>, source: &str, period: Ns) -> Self {
        let numbered = driver.is_some_and(|driver| driver.is_numbered(source));
        match (driver.map_or(Completed::Unknown, |driver| driver.completed), numbered) {
            (Completed::AtItsVblank, true) => Self::number(period),
            (Completed::AtTheNextVblank, true) => Self::number_of_the_end(period),
            (Completed::AtItsVblank, false) => Self::after_flip(period),
            (Completed::AtTheNextVblank, false) => Self::after_scanout(period),
            // Even where there are numbers, it is unknown what they count.
            (Completed::Unknown, _) => Self::standing_still(period),
        }
    }

    /// By number, for a display with this period in ns: that of the vblank with which the frame
    /// begins.
    pub fn number(period: Ns) -> Self {
        Self::Number { past: 0, hold: period / 4 }
    }

    /// By number, where it is that of the vblank with which the scan-out has ended.
    pub fn number_of_the_end(period: Ns) -> Self {
        Self::Number { past: 1, hold: period / 4 }
    }

    /// By arrival, where an entry arrives at the *end* of the frame's first scan-out, with the next
    /// vblank: hardware that sums up pixels on their way (rcar-du: `rcar_du_vsp_complete` hands
    /// over the flip and the finished frame's CRC at once).
    pub fn after_scanout(period: Ns) -> Self {
        Self::Arrival { delay: (period / 2) as i64, slack: period / 4 }
    }

    /// By arrival, where an entry arrives soon after the flip: vkms, which computes at the vblank.
    /// An entry that is late by more than two thirds of a frame is taken for the next one's.
    pub fn after_flip(period: Ns) -> Self {
        Self::Arrival { delay: -((period / 6) as i64), slack: period / 6 }
    }

    /// By arrival, where it is not known whether an entry arrives with the flip or with the vblank
    /// after: what arrives up to one and a half frames after a flip may be of the frame before.
    pub fn standing_still(period: Ns) -> Self {
        Self::Arrival { delay: (period * 3 / 4) as i64, slack: period * 3 / 4 }
    }

    /// Whether an entry can belong to a frame that was shown, if nothing was shown after it.
    pub fn may_be_of(self, entry: &CrcEntry, shown: &ShownFrame) -> bool {
        match self {
            Self::Number { past, .. } => entry.frame.is_none_or(|frame| is_of(frame, past, shown)),
            Self::Arrival { .. } => true,
        }
    }

    /// How long after its arrival an entry can be judged.
    fn hold(self) -> Ns {
        match self {
            Self::Number { hold, .. } => hold,
            Self::Arrival { delay, slack } => (slack as i64).saturating_sub(delay).max(0) as Ns,
        }
    }
}

/// What an entry is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryFrame {
    /// The first entry of this frame.
    First(u64),
    /// A further one of this frame, which stayed on the screen.
    Repeat(u64),
    /// A frame from before the first flip that is known.
    Before,
    /// Either of two frames; nothing may be judged by it.
    Ambiguous {
        /// The older one, `None` if that is from before the first known flip.
        older: Option<u64>,
        /// The newer one.
        newer: u64,
    },
}

/// An entry and what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The entry.
    pub entry: CrcEntry,
    /// When it was read, ns.
    pub arrived: Ns,
    /// Its frame.
    pub verdict: EntryFrame,
    /// The frame had been replaced when the entry arrived: a display that computes in software
    /// (vkms) may have read a buffer that its owner had back already, so a difference proves
    /// nothing.
    pub replaced: bool,
}

#[derive(Debug, Clone, Copy)]
struct Flip {
    shown: ShownFrame,
    /// An entry of it was found, or may have been.
    read: bool,
}

/// Pairs entries with flips, in the order of the entries.
#[derive(Debug)]
pub struct Pairer {
    rule: Rule,
    flips: VecDeque<Flip>,
    entries: VecDeque<(CrcEntry, Ns)>,
    unread: u64,
}

impl Pairer {
    /// Flips remembered at most: an entry that is later than these is of [`EntryFrame::Before`].
    pub const FLIPS: usize = 64;

    /// How it pairs.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Pairs by `rule`.
    pub fn new(rule: Rule) -> Self {
        Self { rule, flips: VecDeque::with_capacity(Self::FLIPS + 1), entries: VecDeque::new(), unread: 0 }
    }

    /// A frame has come on screen; in order.
    pub fn flip(&mut self, shown: ShownFrame) {
        self.flips.push_back(Flip { shown, read: false });
        if self.flips.len() > Self::FLIPS {
            self.drop_oldest();
        }
    }

    /// An entry was read at `arrived`; in order. Entries without numbers under [`Rule::Number`] are
    /// of [`EntryFrame::Before`].
    pub fn entry(&mut self, entry: CrcEntry, arrived: Ns) {
        self.entries.push_back((entry, arrived));
    }

    /// The next entry that can be judged, if all flip events and entries up to `now` have been
    /// handed over. Call until `None`.
    pub fn next(&mut self, now: Ns) -> Option<Pair> {
        let (entry, arrived) = *self.entries.front()?;
        if arrived.saturating_add(self.rule.hold()) > now {
            return None;
        }
        self.entries.pop_front();
        let newest =
            |not_after: &dyn Fn(&ShownFrame) -> bool| self.flips.iter().rposition(|flip| not_after(&flip.shown));
        let (older, newer) = match self.rule {
            Rule::Number { past, .. } => {
                let at = entry.frame.and_then(|frame| newest(&|s| is_of(frame, past, s)));
                (at, at)
            }
            Rule::Arrival { delay, slack } => {
                let due = |shown: &ShownFrame| (shown.time as i64).saturating_add(delay);
                let (arrived, slack) = (arrived as i64, slack as i64);
                (newest(&|s| due(s) <= arrived - slack), newest(&|s| due(s) < arrived.saturating_add(slack)))
            }
        };
        let verdict = match (older, newer) {
            (_, None) => EntryFrame::Before,
            (older, Some(newer)) if older != Some(newer) => {
                // Several may have flipped within the slack: the oldest and the newest are named.
                for flip in self.flips.range_mut(older.map_or(0, |at| at + 1)..=newer) {
                    flip.read = true;
                }
                let id = |at: usize| self.flips[at].shown.id;
                EntryFrame::Ambiguous { older: older.map(id), newer: id(newer) }
            }
            (_, Some(at)) => {
                let flip = &mut self.flips[at];
                let first = !std::mem::replace(&mut flip.read, true);
                if first { EntryFrame::First(flip.shown.id) } else { EntryFrame::Repeat(flip.shown.id) }
            }
        };
        // An entry of a scan-out that has ended is complete before the next frame replaces this one.
        let ended = matches!(self.rule, Rule::Number { past: 1.., .. });
        let next = newer.and_then(|at| self.flips.get(at + 1));
        let replaced = !ended && next.is_some_and(|next| next.shown.time <= arrived);
        // No later entry can be of a frame before the older one.
        (0..older.unwrap_or(0)).for_each(|_| self.drop_oldest());
        Some(Pair { entry, arrived, verdict, replaced })
    }

    /// Frames that went by without an entry, so far.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// Forgets all, as must be done after arming again; the count stays.
    pub fn reset(&mut self) {
        self.flips.clear();
        self.entries.clear();
    }

    fn drop_oldest(&mut self) {
        self.unread += u64::from(self.flips.pop_front().is_some_and(|flip| !flip.read));
    }
}

/// Whether an entry with this number is of a frame that was flipped then, or of a later one.
fn is_of(frame: u32, past: u32, shown: &ShownFrame) -> bool {
    frame.wrapping_sub(past).wrapping_sub(shown.sequence) as i32 >= 0
}

#[cfg(test)]
mod tests;
