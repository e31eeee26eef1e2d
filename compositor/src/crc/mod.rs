//! Display CRCs in the running session: what the hardware put on the wire, against what the scene says it should be.
//!
//! ```text
//!  flip(frame, sequence) ─→ Judge ←─ predictor thread ←─ Check (the planes as committed)
//!  crc/data ─→ entry ──────→  │ ─→ equal | different | read | unpredicted | ambiguous | unread | settling   (once a frame)
//!                             └──→ changed without a flip ─→ released too early | written into while in use
//! ```
//!
//! [`judge`] pairs and judges, [`predict`] computes, [`session`] reads, [`switch`] turns on and off, [`frames`] remembers, [`change`] finds who
//! drew into a buffer on the screen, [`compare`] shows one scene both ways. Nothing here waits, and nothing is claimed of a display whose arithmetic
//! is not known.

pub mod change;
pub mod check;
pub mod compare;
pub mod frames;
pub mod judge;
pub mod predict;
pub mod report;
pub mod session;
pub mod switch;

use std::collections::VecDeque;

use kms::crc::pair::ShownFrame;

pub use check::{Check, CheckPlane};
pub use predict::Predictor;
pub use session::OutputCrc;

use crate::{
    fences::Owner,
    state::{Counters, Syncline},
    trace,
};
use change::{Change, ChangeKind, Evidence};
use frames::Flipped;
use judge::{Finding, Judged, Predicted, Verdict};
use predict::{Arithmetic, Prediction};

/// What belongs to no output.
#[derive(Default)]
pub struct Crc {
    /// Runs once CRCs were wanted.
    pub predictor: Option<Predictor>,
    /// CRCs of every output are wanted, also of those that come: of this source, or of the usual one.
    all: Option<Option<String>>,
    pub frames: frames::Ring,
    changes: VecDeque<Change>,
    waiters: Vec<switch::Waiter>,
    comparison: Option<compare::Comparison>,
}

impl Crc {
    /// Changes of the screen that are remembered.
    const CHANGES: usize = 16;
}

impl Syncline {
    /// A frame is on the screen of output `index`, with what its CRC is predicted from.
    pub fn crc_shown(&mut self, index: usize, flipped: Flipped, check: Option<Check>) {
        self.crc_adopt(index);
        self.crc_arm(index);
        self.crc_answer_waiters();
        let output = &mut self.outputs.list[index];
        let on = output.crc.as_ref().is_some_and(|crc| crc.is_on()) && check.is_some();
        self.crc.frames.push(output.kms.name(), flipped, &output.on_its_way, on);
        let (Some(crc), Some(check)) = (&mut output.crc, check) else { return };
        let (true, Some(session)) = (on, &mut crc.session) else { return };
        let suspects = check.suspects();
        let predicted = match (&crc.arithmetic, &mut self.crc.predictor) {
            (Arithmetic::Unknown(_), _) | (_, None) => Predicted::Unknown,
            (arithmetic, Some(predictor)) => match predictor.take(flipped.frame, check, arithmetic) {
                Ok(()) => Predicted::Awaited,
                Err(_) => Predicted::Not,
            },
        };
        let shown = ShownFrame { id: flipped.frame, sequence: flipped.sequence as u32, time: flipped.time_ns };
        session.shown(shown, predicted, !output.on_its_way.tears, suspects);
        self.crc_findings(index);
    }

    /// A flip came of which nobody knows what it shows: a mode was set, or its frame was given up.
    pub fn crc_unknown_flip(&mut self, index: usize) {
        if let Some(session) = self.outputs.list[index].crc.as_mut().and_then(|crc| crc.session.as_mut()) {
            session.lost_track();
        }
        self.crc_adopt(index);
        self.crc_arm(index);
        self.crc_answer_waiters();
    }

    /// CRC entries of an output have arrived.
    pub fn crc_event(&mut self, id: u32) {
        let Some(index) = self.outputs.list.iter().position(|output| output.id == id) else { return };
        let output = &mut self.outputs.list[index];
        let Some(crc) = &mut output.crc else { return };
        let Some(session) = &mut crc.session else { return };
        if crc.waits_since.is_some() {
            return session.drain();
        }
        let out_fence = output.in_flight.as_ref().and_then(|in_flight| in_flight.out_fence.as_ref());
        if let Err(error) = session.read(self.now, out_fence) {
            tracing::warn!("{}: CRCs end: {error}", output.kms.name());
            crc.close();
            crc.failed = Some(error.to_string());
            self.crc.frames.close(output.kms.name());
            return;
        }
        self.crc_findings(index);
    }

    /// Predictions are done.
    pub fn predictor_event(&mut self) {
        let Some(predictor) = &mut self.crc.predictor else { return };
        predictor.woken();
        while let Some(Prediction { frame, check, crc }) = self.crc.predictor.as_mut().and_then(Predictor::next) {
            let Some(index) = self.outputs.list.iter().position(|output| output.id == check.output) else { continue };
            let output = &mut self.outputs.list[index];
            let session = output.crc.as_mut().and_then(|crc| crc.session.as_mut());
            let predicted = crc.map_or_else(
                |why| {
                    tracing::debug!("{}: frame {frame}: not predicted: {why}", output.kms.name());
                    Predicted::Not
                },
                Predicted::Crc,
            );
            session.into_iter().for_each(|session| session.judge.predicted(frame, predicted));
            self.crc_findings(index);
        }
    }

    fn crc_findings(&mut self, index: usize) {
        let now = self.now;
        while let Some(finding) = self.outputs.list[index].crc.as_mut().and_then(|crc| crc.session.as_mut()?.next(now))
        {
            match finding {
                Finding::Judged(judged) => self.crc_judged(index, &judged),
                Finding::Changed { frame, before, after, evidence: Some(evidence) } => {
                    self.crc_changed(index, frame, (&before, &after), evidence);
                }
                // It came together with the event of its flip: nobody knows what was released then.
                Finding::Changed { frame, evidence: None, .. } => {
                    tracing::debug!("frame {frame}: the screen changed, unseen");
                }
            }
        }
    }

    fn crc_judged(&mut self, index: usize, judged: &Judged) {
        let output = &mut self.outputs.list[index];
        let Some(crc) = &mut output.crc else { return };
        crc.counts.add(judged.verdict);
        add(&mut self.counters, judged.verdict);
        let Judged { frame, predicted, verdict, .. } = *judged;
        let read = judged.read.and_then(|entry| entry.values().first().copied());
        if verdict == Verdict::Different {
            let (read, predicted) = (read.unwrap_or(0), predicted.unwrap_or(0));
            let name = output.kms.name();
            tracing::warn!(
                "{name}: frame {frame}: the display's CRC {read:#010x} is not the predicted {predicted:#010x}"
            );
        }
        self.crc.frames.judged(output.kms.name(), judged);
        let crtc_frame = judged.read.and_then(|entry| entry.frame);
        let id = output.id;
        let event = trace::CrcEvent { output: id, frame, crtc_frame, read, predicted, verdict: verdict.name() };
        trace::crc(self.now, event);
        self.comparison_judged(id, judged);
    }

    fn crc_changed(
        &mut self,
        index: usize,
        frame: u64,
        entries: (&kms::crc::CrcEntry, &kms::crc::CrcEntry),
        evidence: Evidence,
    ) {
        let output = &self.outputs.list[index];
        let mut change = Change::new(self.now, output.kms.name(), frame, entries, evidence);
        for suspect in &mut change.suspects {
            let of = |content: &crate::surface::Content| content.surface == suspect.owner.surface;
            let found = self.live.iter().find(|(content, _)| of(content)).map(|(content, surface)| {
                let Owner { client_pid, client_name, .. } = Owner::of(&content, surface.as_ref());
                (client_pid, client_name)
            });
            (suspect.owner.client_pid, suspect.owner.client_name) = found.unwrap_or_default();
        }
        let again = self.crc.changes.iter().rev().any(|before| before.frame == frame && before.output == change.output);
        if !again {
            let known = output.crc.as_ref().is_some_and(|crc| crc.arithmetic.name().is_some());
            match change.kind {
                ChangeKind::EarlyRelease | ChangeKind::WrittenInUse if known => tracing::warn!("{change}"),
                _ => tracing::info!("{change} (or this display's CRCs are not steady: dithering)"),
            }
        }
        trace::crc_change(self.now, output.id, &change);
        self.crc.frames.changed(output.kms.name(), frame);
        if let Some(crc) = &mut self.outputs.list[index].crc {
            crc.counts.add_change(change.kind);
        }
        self.crc.remember(change);
    }
}

fn add(counters: &mut Counters, verdict: Verdict) {
    match verdict {
        Verdict::Equal => counters.crc_equal += 1,
        Verdict::Different => counters.crc_different += 1,
        Verdict::Unread => counters.crc_unread += 1,
        Verdict::Ambiguous => counters.crc_ambiguous += 1,
        Verdict::Read | Verdict::Unpredicted | Verdict::Settling => {}
    }
}
