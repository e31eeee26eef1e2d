//! When an output latches next.

use fence::Ns;

use crate::output::{
    planes::tear::Verdict,
    state::{LatchReason, Output, Phase},
};

impl Output {
    /// Plans the latch for what has changed, or else for the vblank that shows what is due at `due`.
    pub fn plan(&mut self, now: Ns, due: Option<Ns>) {
        if self.off.is_some() {
            return;
        }
        let free = match self.phase {
            Phase::Idle => true,
            Phase::InFlight => false,
            // What has changed does not wait for what is due later.
            Phase::Scheduled { why, latch, .. } => why == LatchReason::Due && latch > now,
        };
        if !free {
            return;
        }
        let (margins, now) = (self.planner.margins(), now.max(self.not_before));
        self.phase = if self.is_due() {
            // What may tear is shown at once, whenever the vblank comes.
            if self.clock.is_in_phase(now) && self.tearing != Verdict::May {
                let (latch, vblank) = margins.plan(&self.clock, now);
                Phase::Scheduled { latch, vblank, why: LatchReason::Changed }
            } else {
                // Nobody knows when the vblank comes: the sooner the commit, the sooner the flip.
                Phase::Scheduled { latch: now, vblank: self.clock.next_vblank(now), why: LatchReason::Changed }
            }
        } else if let Some(due) = due {
            // The first vblank at or after that time which can still be made.
            let from = due.saturating_sub(self.slack()).saturating_sub(1).max(now + margins.late);
            let vblank = self.clock.next_vblank(from);
            Phase::Scheduled { latch: vblank.saturating_sub(margins.early).max(now), vblank, why: LatchReason::Due }
        } else {
            Phase::Idle
        };
    }
}

impl Output {
    /// Whether it is to latch, or at least to look whether it has to.
    pub fn is_due(&self) -> bool {
        self.dirty || self.look
    }
}
