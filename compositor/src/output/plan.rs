//! When an output latches next.
//!
//! It sets no timer; it only tells [`Output::machine`].

use fence::Ns;

use crate::{
    output::{
        phase::{Latch, LatchReason},
        planes::tear::TearVerdict,
        quiet::QuietMoment,
        state::Output,
    },
    schedule::Margins,
};

impl Output {
    /// Plans the next latch: for what has changed, else for the vblank that shows the held commit
    /// that is due at `due` (CLOCK_MONOTONIC).
    pub fn plan(&mut self, now: Ns, due: Option<Ns>) {
        if !self.machine.can_plan(now) {
            return;
        }
        let (margins, now) = (self.margins(), now.max(self.machine.not_before()));
        let latch = if self.is_due() {
            // A frame that may tear is committed at once; it need not wait for the vblank.
            if self.clock.is_in_phase(now) && self.tearing != TearVerdict::May {
                let (at, vblank) = margins.plan(&self.clock, now);
                Some(Latch { at, vblank, why: LatchReason::Changed })
            } else {
                // The time of the vblank is unknown: the sooner the commit, the sooner the flip.
                Some(Latch { at: now, vblank: self.clock.next_vblank(now), why: LatchReason::Changed })
            }
        } else {
            // A pointer that waits for the content to move it does not wait for ever.
            let pointer = self.clock.last_vblank().and_then(|shown| self.refresh.pointer_due(shown));
            due.into_iter().chain(pointer).min().map(|due| {
                // The first vblank at or after `due` that a latch can still make.
                let due = self.clock.begin_of(due.saturating_sub(self.slack()).saturating_sub(1));
                let from = due.max(now + margins.late);
                let vblank = self.clock.next_vblank(from);
                Latch { at: vblank.saturating_sub(margins.early).max(now), vblank, why: LatchReason::Due }
            })
        };
        self.machine.planned(latch);
    }
}

impl Output {
    /// How long before a vblank to latch. Without vblanks a frame is shown as soon as it is
    /// committed, so that any reserve would only show it too early.
    pub fn margins(&self) -> Margins {
        let margins = self.planner.margins();
        if self.clock.is_own() { Margins { early: margins.late, ..margins } } else { margins }
    }

    /// Whether the output must latch, or check its pending commits to decide that.
    pub fn is_due(&self) -> bool {
        self.dirty || self.check_pending
    }
}

impl Output {
    /// After [`Output::plan`]: `beside` says that another output of the card has a commit in flight.
    pub fn plan_for_quiet(&mut self, now: Ns, beside: bool) {
        match self.quiet {
            QuietMoment::Any => {}
            QuietMoment::Needed if beside => self.machine.rest(),
            QuietMoment::Wanted if beside => {}
            _ if self.machine.is_in_flight() || self.machine.off().is_some() => {}
            _ => {
                let at = now.max(self.machine.not_before());
                let vblank = self.clock.next_vblank(at);
                self.dirty = true;
                self.machine.planned(Some(Latch { at, vblank, why: LatchReason::Changed }));
            }
        }
    }
}
