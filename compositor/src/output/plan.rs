//! When an output latches next.
//!
//! It sets no timer; it only updates [`Output::phase`].

use fence::Ns;

use crate::output::{
    planes::tear::TearVerdict,
    state::{LatchReason, Output, Phase},
};

impl Output {
    /// Plans the next latch: for what has changed, else for the vblank that shows the held commit
    /// that is due at `due` (CLOCK_MONOTONIC).
    pub fn plan(&mut self, now: Ns, due: Option<Ns>) {
        if self.off.is_some() {
            return;
        }
        let free = match self.phase {
            Phase::Idle => true,
            Phase::InFlight => false,
            // A change does not wait for a held commit that is due later.
            Phase::Scheduled { why, latch, .. } => why == LatchReason::Due && latch > now,
        };
        if !free {
            return;
        }
        let (margins, now) = (self.planner.margins(), now.max(self.not_before));
        self.phase = if self.is_due() {
            // A frame that may tear is committed at once; it need not wait for the vblank.
            if self.clock.is_in_phase(now) && self.tearing != TearVerdict::May {
                let (latch, vblank) = margins.plan(&self.clock, now);
                Phase::Scheduled { latch, vblank, why: LatchReason::Changed }
            } else {
                // The time of the vblank is unknown: the sooner the commit, the sooner the flip.
                Phase::Scheduled { latch: now, vblank: self.clock.next_vblank(now), why: LatchReason::Changed }
            }
        } else if let Some(due) = due {
            // The first vblank at or after `due` that a latch can still make.
            let from = due.saturating_sub(self.slack()).saturating_sub(1).max(now + margins.late);
            let vblank = self.clock.next_vblank(from);
            Phase::Scheduled { latch: vblank.saturating_sub(margins.early).max(now), vblank, why: LatchReason::Due }
        } else {
            Phase::Idle
        };
    }
}

impl Output {
    /// Whether the output must latch, or check its pending commits to decide that.
    pub fn is_due(&self) -> bool {
        self.dirty || self.check_pending
    }
}
