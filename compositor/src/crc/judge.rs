//! Judges frames by their CRCs: pure logic over flips, entries and predictions. Reads no clock and no file.
//!
//! [`Pairer`] says which frame an entry is of. The first entry of a frame is held against its prediction; a later one, of the same frame scanned
//! out again, against the first: where it differs without a flip, a buffer has changed under the display.
//!
//! Never guesses: an entry that may be of two frames, or came when its frame had been replaced, proves nothing.

use std::collections::VecDeque;

use kms::{
    Ns,
    crc::{
        CrcEntry,
        pair::{self, Pairer, Rule, ShownFrame},
    },
};
use serde::{Deserialize, Serialize};

/// What is known of a frame's CRC before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predicted {
    /// Being computed.
    Awaited,
    /// This.
    Crc(u32),
    /// Nothing: this frame has what the model lacks, or its pixels could not be read.
    Not,
    /// Nothing: nobody knows the arithmetic of this display, or of this source.
    Unknown,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Read as predicted.
    Equal,
    /// Not what was predicted.
    Different,
    /// Read; the display's arithmetic is not known.
    Read,
    /// Read; this frame could not be predicted.
    Unpredicted,
    /// Different or of two frames, but it proves nothing: see the module.
    Ambiguous,
    /// No CRC came.
    Unread,
    /// Before the first CRC after arming.
    Settling,
}

impl Verdict {
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

/// A frame that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    pub frame: u64,
    pub read: Option<CrcEntry>,
    pub predicted: Option<u32>,
    pub verdict: Verdict,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding<E> {
    /// A frame is judged; once a frame.
    Judged(Judged),
    /// The screen has changed while the same frame was on it; with what [`Judge::entry`] was given for the entry.
    Changed { frame: u64, before: CrcEntry, after: CrcEntry, evidence: E },
}

#[derive(Debug, Clone, Copy)]
struct Read {
    entry: CrcEntry,
    /// The frame had been replaced by then.
    late: bool,
}

#[derive(Debug)]
struct Frame {
    shown: ShownFrame,
    predicted: Predicted,
    /// Its entries may be compared with one another: it did not tear.
    steady: bool,
    read: Option<Read>,
    /// The newest entry that is surely of it.
    last: Option<CrcEntry>,
    doubtful: bool,
    judged: bool,
}

/// The frames of one output, from one arming to the next.
#[derive(Debug)]
pub struct Judge<E> {
    pairer: Pairer,
    frames: VecDeque<Frame>,
    /// Of the entries that the pairer has.
    evidence: VecDeque<E>,
    found: VecDeque<Finding<E>>,
    /// An entry has been paired.
    begun: bool,
    /// Entries since the newest flip that can be of its frame.
    entries: u32,
}

impl<E> Judge<E> {
    /// How many vblanks an entry may be late before its frame counts as unread.
    const PATIENCE: i32 = 8;

    /// Pairs by `rule`.
    pub fn new(rule: Rule) -> Self {
        let (frames, evidence, found) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { pairer: Pairer::new(rule), frames, evidence, found, begun: false, entries: 0 }
    }

    /// A frame is on the screen; in order. `steady`: it did not come in the middle of a scan-out.
    pub fn shown(&mut self, shown: ShownFrame, predicted: Predicted, steady: bool) {
        self.pairer.flip(shown);
        self.entries = 0;
        let late = |frame: &Frame| shown.sequence.wrapping_sub(frame.shown.sequence) as i32 > Self::PATIENCE;
        for at in 0..self.frames.len() {
            if self.frames[at].read.is_none() && late(&self.frames[at]) {
                self.pass(at);
            }
        }
        let (read, last) = (None, None);
        self.frames.push_back(Frame { shown, predicted, steady, read, last, doubtful: false, judged: false });
        if self.frames.len() > Pairer::FLIPS {
            self.pass(0);
            self.frames.pop_front();
        }
    }

    /// Whether `entry` is surely no first one: the newest frame has had one since its flip. Then a change of value is worth evidence.
    pub fn repeats(&self, entry: &CrcEntry) -> bool {
        self.entries > 0 && self.frames.back().is_some_and(|frame| of(&frame.shown, entry))
    }

    /// An entry was read at `arrived`; in order.
    pub fn entry(&mut self, entry: CrcEntry, arrived: Ns, evidence: E) {
        if self.frames.back().is_some_and(|frame| of(&frame.shown, &entry)) {
            self.entries += 1;
        }
        self.pairer.entry(entry, arrived);
        self.evidence.push_back(evidence);
    }

    /// The prediction of a frame is done.
    pub fn predicted(&mut self, frame: u64, predicted: Predicted) {
        if let Some(at) = self.frames.iter().position(|f| f.shown.id == frame) {
            self.frames[at].predicted = predicted;
            self.judge(at);
        }
    }

    /// What was found, if all flips and entries up to `now` have been handed over. Call until `None`.
    pub fn next(&mut self, now: Ns) -> Option<Finding<E>> {
        while self.found.is_empty() {
            let pair = self.pairer.next(now)?;
            let evidence = self.evidence.pop_front()?;
            self.pair(&pair, evidence);
        }
        self.found.pop_front()
    }

    /// Frames and entries before now are of another time: a modeset, a frame that nobody knows. Nothing is said of them.
    pub fn reset(&mut self) {
        self.pairer.reset();
        self.frames.clear();
        self.evidence.clear();
        self.entries = 0;
    }

    fn pair(&mut self, pair: &pair::Pair, evidence: E) {
        let place = |id: u64, frames: &VecDeque<Frame>| frames.iter().position(|frame| frame.shown.id == id);
        match pair.verdict {
            pair::EntryFrame::Before => {}
            pair::EntryFrame::Ambiguous { older, newer } => {
                let newer = place(newer, &self.frames);
                let older = older.and_then(|older| place(older, &self.frames)).or(newer);
                let (Some(older), Some(newer)) = (older, newer) else { return };
                (0..older).for_each(|at| self.pass(at));
                self.frames.range_mut(older..=newer).for_each(|frame| frame.doubtful |= frame.read.is_none());
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
            frame.doubtful = false;
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

    /// No later entry will be of this frame.
    fn pass(&mut self, at: usize) {
        let frame = &mut self.frames[at];
        if frame.judged || frame.read.is_some() {
            return;
        }
        frame.judged = true;
        let verdict = match (frame.doubtful, self.begun) {
            (true, _) => Verdict::Ambiguous,
            (_, true) => Verdict::Unread,
            (_, false) => Verdict::Settling,
        };
        let predicted = frame.predicted.crc();
        self.found.push_back(Finding::Judged(Judged { frame: frame.shown.id, read: None, predicted, verdict }));
    }

    /// Judges a frame of which everything is known.
    fn judge(&mut self, at: usize) {
        let frame = &mut self.frames[at];
        let (false, Some(read)) = (frame.judged, frame.read) else { return };
        let verdict = match frame.predicted {
            Predicted::Awaited => return,
            Predicted::Not => Verdict::Unpredicted,
            Predicted::Unknown => Verdict::Read,
            Predicted::Crc(crc) if read.entry.values() == [crc] => Verdict::Equal,
            Predicted::Crc(_) if read.late => Verdict::Ambiguous,
            Predicted::Crc(_) => Verdict::Different,
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

/// Whether an entry can be of a frame.
fn of(shown: &ShownFrame, entry: &CrcEntry) -> bool {
    entry.frame.is_none_or(|frame| frame.wrapping_sub(shown.sequence) as i32 >= 0)
}

#[cfg(test)]
mod tests;
