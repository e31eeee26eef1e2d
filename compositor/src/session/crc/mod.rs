//! Display CRCs in the running session: compares the CRC of what the hardware sent to the display
//! with the prediction from the scene.
//!
//! ```text
//!  flip(frame, sequence) ─→ Judge ←─ predictor thread ←─ Check (the planes as committed)
//!  crc/data ─→ entry ──────→  │ ─→ equal | different | read | unpredicted | ambiguous | unread | settling   (once a frame)
//!                             └──→ changed without a flip ─→ released too early | written into while in use
//! ```
//!
//! In [`crate::crc`], `judge` pairs and judges, `predict` computes, `session` reads, `frames` keeps
//! the history, and `change` finds out who has written into a buffer on the screen. Here,
//! [`switch`] turns CRCs on and off, and [`compare`] shows one scene both ways. Nothing here waits,
//! and there is no verdict for a display whose arithmetic is not known.

mod compare;
mod switch;

use kms::crc::pair::ShownFrame;

use crate::{
    crc::{
        beyond::Beyond,
        change::{Change, ChangeKind, Evidence},
        check::Check,
        frames::Flipped,
        judge::{CrcVerdict, Finding, Judged, Predicted},
        predict::{Arithmetic, Prediction, Predictor},
    },
    output::state::Output,
    report::{counters::Counters, fences::Owner},
    session::Syncline,
    system::{
        id::{OutputId, SurfaceId},
        trace,
    },
};

impl Syncline {
    /// A frame is on the screen of output `id`; its CRC is predicted from `check`.
    pub fn crc_shown(&mut self, id: OutputId, flipped: Flipped, check: Option<Check>) {
        self.crc_on_if_for_all(id);
        self.crc_arm(id);
        self.crc_answer_waiters();
        let output = &mut self.outputs.list[id];
        let on = output.crc.as_ref().is_some_and(|crc| crc.is_on()) && check.is_some();
        let beyond = check.as_ref().filter(|_| on).map(|check| beyond(output, check, &self.desktop.private()));
        self.crc.frames.push(output.kms.name(), flipped, &output.pending_frame, beyond);
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
        session.shown(shown, predicted, !output.pending_frame.tears, suspects);
        self.crc_findings(id);
    }

    /// A flip whose content is not known: a mode was set, or the frame was given up.
    pub fn crc_unknown_flip(&mut self, id: OutputId) {
        if let Some(session) = self.outputs.list[id].crc.as_mut().and_then(|crc| crc.session.as_mut()) {
            session.lost_track();
        }
        self.crc_on_if_for_all(id);
        self.crc_arm(id);
        self.crc_answer_waiters();
    }

    /// CRC entries of an output have arrived.
    pub fn crc_event(&mut self, id: OutputId) {
        let Some(output) = self.outputs.list.get_mut(id) else { return };
        let Some(crc) = &mut output.crc else { return };
        let Some(session) = &mut crc.session else { return };
        if crc.waits_since.is_some() {
            return session.drain();
        }
        let out_fence = output.machine.frame().and_then(|frame| frame.out_fence.as_ref());
        if let Err(error) = session.read(self.now, out_fence) {
            tracing::warn!("{}: CRCs are off: {error}", output.kms.name());
            crc.close();
            crc.failed = Some(error.to_string());
            self.crc.frames.close(output.kms.name());
            return;
        }
        self.crc_findings(id);
    }

    /// The predictor has results.
    pub fn predictor_event(&mut self) {
        let Some(predictor) = &mut self.crc.predictor else { return };
        predictor.woken();
        while let Some(Prediction { frame, check, crc }) = self.crc.predictor.as_mut().and_then(Predictor::next) {
            let id = check.output;
            let Some(output) = self.outputs.list.get_mut(id) else { continue };
            let session = output.crc.as_mut().and_then(|crc| crc.session.as_mut());
            let predicted = crc.map_or_else(
                |why| {
                    tracing::debug!("{}: frame {frame}: not predicted: {why}", output.kms.name());
                    Predicted::Not
                },
                Predicted::Crc,
            );
            session.into_iter().for_each(|session| session.judge.predicted(frame, predicted));
            self.crc_findings(id);
        }
    }

    fn crc_findings(&mut self, id: OutputId) {
        let now = self.now;
        while let Some(finding) = self.outputs.list[id].crc.as_mut().and_then(|crc| crc.session.as_mut()?.next(now)) {
            match finding {
                Finding::Judged(judged) => self.crc_judged(id, &judged),
                Finding::Changed { frame, before, after, evidence: Some(evidence) } => {
                    self.crc_changed(id, frame, (&before, &after), evidence);
                }
                // The entry came together with the event of its flip, so the state of the releases
                // at that time is not known.
                Finding::Changed { frame, evidence: None, .. } => {
                    tracing::debug!(
                        "frame {frame}: the screen changed; the state of the releases at that time is not known"
                    );
                }
            }
        }
    }

    fn crc_judged(&mut self, id: OutputId, judged: &Judged) {
        let output = &mut self.outputs.list[id];
        let Some(crc) = &mut output.crc else { return };
        crc.counts.add(judged.verdict);
        add(&mut self.counters, judged.verdict);
        let Judged { frame, predicted, verdict, .. } = *judged;
        let read = judged.read.and_then(|entry| entry.values().first().copied());
        if verdict == CrcVerdict::Different {
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
        id: OutputId,
        frame: u64,
        entries: (&kms::crc::CrcEntry, &kms::crc::CrcEntry),
        evidence: Evidence,
    ) {
        let output = &self.outputs.list[id];
        let mut change = Change::new(self.now, output.kms.name(), frame, entries, evidence);
        for suspect in &mut change.suspects {
            let surface = suspect.owner.surface;
            let found = self.live.iter().find(|content| content.surface == surface).map(|content| {
                let Owner { client_pid, client_name, .. } = Owner::of(&content, self.desktop.trees.handle(surface));
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
        if let Some(crc) = &mut self.outputs.list[id].crc {
            crc.counts.add_change(change.kind);
        }
        self.crc.remember(change);
    }
}

/// What a picture of the frame has not.
fn beyond(output: &Output, check: &Check, private: &[SurfaceId]) -> Beyond {
    let cursor = output.cursor.and_then(|at| output.kms.planes().get(at)).map(|plane| plane.id);
    let mut beyond = Beyond::of(check, cursor);
    for layer in output.scene.layers() {
        beyond.pointer |= layer.pointer;
        beyond.hidden |= private.contains(&layer.content.surface);
    }
    beyond
}

fn add(counters: &mut Counters, verdict: CrcVerdict) {
    match verdict {
        CrcVerdict::Equal => counters.crc_equal += 1,
        CrcVerdict::Different => counters.crc_different += 1,
        CrcVerdict::Unread => counters.crc_unread += 1,
        CrcVerdict::Ambiguous => counters.crc_ambiguous += 1,
        CrcVerdict::Read | CrcVerdict::Unpredicted | CrcVerdict::Settling => {}
    }
}
