//! Judges frames by their CRCs: pure logic over flips, CRC entries and predictions. It reads no
//! clock and no file.
//!
//! [`Pairer`] decides to which frame an entry belongs. The first entry of a frame is compared with
//! its prediction. A later entry, of the same frame scanned out again, is compared with the entry
//! before: if it differs without a flip, a buffer changed while the display read it.
//!
//! It never guesses: an entry that may belong to two frames, or that was read after its frame was
//! replaced, proves nothing.

use std::collections::VecDeque;

use kms::{
    Ns,
    crc::{
        CrcEntry,
        pair::{self, Pairer, Rule, ShownFrame},
    },
};
use serde::{Deserialize, Serialize};

/// The prediction of a frame's CRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predicted {
    /// The prediction is being computed.
    Awaited,
    /// The predicted CRC.
    Crc(u32),
    /// This frame cannot be predicted: the model lacks something that it uses, or its pixels could
    /// not be read.
    Not,
    /// Nothing can be predicted: the CRC arithmetic of this display or source is not known.
    Unknown,
}

/// The verdict on a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrcVerdict {
    /// The CRC that was read is the predicted one.
    Equal,
    /// The CRC that was read is not the predicted one.
    Different,
    /// A CRC was read, but the display's arithmetic is not known.
    Read,
    /// A CRC was read, but this frame could not be predicted.
    Unpredicted,
    /// The CRC differs or may belong to two frames, which proves nothing: see the module.
    Ambiguous,
    /// No CRC was read for the frame.
    Unread,
    /// The frame was shown before the first CRC after arming.
    Settling,
}

impl CrcVerdict {
    /// The name in the trace and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::Read => "read",
            Self::Unpredicted => "unpredicted",
            Self::Ambiguous => "ambiguous",
            Self::Unread => "unread",
            Self::Settling => "settling",
        }
    }
}

/// A frame with its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    pub frame: u64,
    /// The first entry of the frame; `None` if none was read.
    pub read: Option<CrcEntry>,
    pub predicted: Option<u32>,
    pub verdict: CrcVerdict,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding<E> {
    /// A frame was judged; reported once per frame.
    Judged(Judged),
    /// The screen changed while the same frame was shown; with the evidence that [`Judge::entry`]
    /// got for the entry.
    Changed { frame: u64, before: CrcEntry, after: CrcEntry, evidence: E },
}

#[derive(Debug, Clone, Copy)]
struct Read {
    entry: CrcEntry,
    /// The frame had been replaced when the entry was read.
    late: bool,
}

#[derive(Debug)]
struct JudgedFrame {
    shown: ShownFrame,
    predicted: Predicted,
    /// The frame did not tear, so its entries may be compared with one another.
    steady: bool,
    read: Option<Read>,
    /// The newest entry that certainly belongs to the frame.
    last: Option<CrcEntry>,
    ambiguous: bool,
    judged: bool,
}

/// The frames of one output, from one arming to the next.
#[derive(Debug)]
pub struct Judge<E> {
    pairer: Pairer,
    frames: VecDeque<JudgedFrame>,
    /// The evidence of the entries that the pairer has not returned yet.
    evidence: VecDeque<E>,
    found: VecDeque<Finding<E>>,
    /// An entry has been paired.
    begun: bool,
    /// The number of entries since the newest flip that can belong to its frame.
    entries: u32,
}

impl<E> Judge<E> {
    /// By how many vblanks an entry may be late before its frame counts as unread.
    const PATIENCE: i32 = 8;

    /// A judge that pairs entries with frames by `rule`.
    pub fn new(rule: Rule) -> Self {
        let (frames, evidence, found) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { pairer: Pairer::new(rule), frames, evidence, found, begun: false, entries: 0 }
    }

    /// Adds a frame that was flipped; call it in the order of the flips. `steady`: the flip did not
    /// tear.
    pub fn shown(&mut self, shown: ShownFrame, predicted: Predicted, steady: bool) {
        self.pairer.flip(shown);
        self.entries = 0;
        let late = |frame: &JudgedFrame| shown.sequence.wrapping_sub(frame.shown.sequence) as i32 > Self::PATIENCE;
        for at in 0..self.frames.len() {
            if self.frames[at].read.is_none() && late(&self.frames[at]) {
                self.pass(at);
            }
        }
        let (read, last) = (None, None);
        self.frames.push_back(JudgedFrame { shown, predicted, steady, read, last, ambiguous: false, judged: false });
        if self.frames.len() > Pairer::FLIPS {
            self.pass(0);
            self.frames.pop_front();
        }
    }

    /// Whether `entry` is certainly not the first one of the newest frame, so that a changed value
    /// needs evidence.
    pub fn repeats(&self, entry: &CrcEntry) -> bool {
        self.entries > 0 && self.may_be_of_the_newest(entry)
    }

    /// Adds an entry that was read at `arrived` (CLOCK_MONOTONIC); call it in the order of the
    /// entries.
    pub fn entry(&mut self, entry: CrcEntry, arrived: Ns, evidence: E) {
        if self.may_be_of_the_newest(&entry) {
            self.entries += 1;
        }
        self.pairer.entry(entry, arrived);
        self.evidence.push_back(evidence);
    }

    fn may_be_of_the_newest(&self, entry: &CrcEntry) -> bool {
        self.frames.back().is_some_and(|frame| self.pairer.rule().may_be_of(entry, &frame.shown))
    }

    /// Sets the prediction of a frame.
    pub fn predicted(&mut self, frame: u64, predicted: Predicted) {
        if let Some(at) = self.frames.iter().position(|f| f.shown.id == frame) {
            self.frames[at].predicted = predicted;
            self.judge(at);
        }
    }

    /// The next finding, provided that all flips and entries up to `now` were added. Call it until
    /// it returns `None`.
    pub fn next(&mut self, now: Ns) -> Option<Finding<E>> {
        while self.found.is_empty() {
            let pair = self.pairer.next(now)?;
            let evidence = self.evidence.pop_front()?;
            self.pair(&pair, evidence);
        }
        self.found.pop_front()
    }

    /// Forgets all frames and entries without judging them, because a modeset or an unknown frame
    /// came in between.
    pub fn reset(&mut self) {
        self.pairer.reset();
        self.frames.clear();
        self.evidence.clear();
        self.entries = 0;
    }

    fn pair(&mut self, pair: &pair::Pair, evidence: E) {
        let place = |id: u64, frames: &VecDeque<JudgedFrame>| frames.iter().position(|frame| frame.shown.id == id);
        match pair.verdict {
            pair::EntryFrame::Before => {}
            pair::EntryFrame::Ambiguous { older, newer } => {
                let newer = place(newer, &self.frames);
                let older = older.and_then(|older| place(older, &self.frames)).or(newer);
                let (Some(older), Some(newer)) = (older, newer) else { return };
                (0..older).for_each(|at| self.pass(at));
                self.frames.range_mut(older..=newer).for_each(|frame| frame.ambiguous |= frame.read.is_none());
                self.begun = true;
            }
            pair::EntryFrame::First(id) | pair::EntryFrame::Repeat(id) => {
                let Some(at) = place(id, &self.frames) else { return };
                (0..at).for_each(|before| self.pass(before));
                self.begun = true;
                self.take(at, pair, evidence);
            }
        }
        while self.frames.len() > 1 && self.frames[0].judged && self.frames[1].last.is_some() {
            self.frames.pop_front();
        }
    }

    fn take(&mut self, at: usize, pair: &pair::Pair, evidence: E) {
        let (entry, late) = (pair.entry, pair.replaced);
        let frame = &mut self.frames[at];
        let before = frame.last;
        if !late {
            frame.last = Some(entry);
        }
        if frame.read.is_none() {
            frame.read = Some(Read { entry, late });
            frame.ambiguous = false;
            return self.judge(at);
        }
        if let Some(before) = before
            && !late
            && frame.steady
            && before.values() != entry.values()
        {
            let frame = frame.shown.id;
            self.found.push_back(Finding::Changed { frame, before, after: entry, evidence });
        }
    }

    /// Judges a frame to which no later entry can belong.
    fn pass(&mut self, at: usize) {
        let frame = &mut self.frames[at];
        if frame.judged || frame.read.is_some() {
            return;
        }
        frame.judged = true;
        let verdict = match (frame.ambiguous, self.begun) {
            (true, _) => CrcVerdict::Ambiguous,
            (_, true) => CrcVerdict::Unread,
            (_, false) => CrcVerdict::Settling,
        };
        let predicted = frame.predicted.crc();
        self.found.push_back(Finding::Judged(Judged { frame: frame.shown.id, read: None, predicted, verdict }));
    }

    /// Judges a frame whose entry and prediction are known; else does nothing.
    fn judge(&mut self, at: usize) {
        let frame = &mut self.frames[at];
        let (false, Some(read)) = (frame.judged, frame.read) else { return };
        let verdict = match frame.predicted {
            Predicted::Awaited => return,
            Predicted::Not => CrcVerdict::Unpredicted,
            Predicted::Unknown => CrcVerdict::Read,
            Predicted::Crc(crc) if read.entry.values().first() == Some(&crc) => CrcVerdict::Equal,
            Predicted::Crc(_) if read.late => CrcVerdict::Ambiguous,
            Predicted::Crc(_) => CrcVerdict::Different,
        };
        frame.judged = true;
        let (frame, predicted) = (frame.shown.id, frame.predicted.crc());
        self.found.push_back(Finding::Judged(Judged { frame, read: Some(read.entry), predicted, verdict }));
    }
}

impl Predicted {
    fn crc(self) -> Option<u32> {
        if let Self::Crc(crc) = self { Some(crc) } else { None }
    }
}

#[cfg(test)]
mod tests;
