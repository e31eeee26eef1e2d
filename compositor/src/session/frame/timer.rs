//! The one timer: when each output latches next, and when other timed work is due.

use fence::Ns;

use crate::{
    output::{phase::Latch, quiet::QuietMoment},
    session::Syncline,
    system::id::OutputId,
};

impl Syncline {
    /// Plans the next latches; called once at the end of every wake-up. The time at which the timer
    /// is to fire.
    pub fn schedule(&mut self) -> Option<Ns> {
        self.watch_orphaned();
        let (active, now) = (self.outputs.active, self.now);
        self.turn_off_due();
        self.pace_inactive_outputs();
        self.update_inhibition();
        self.remove_retired();
        let hidden = self.next_hidden();
        let mut first = None;
        for id in self.outputs.list.ids() {
            let due = self.next_due(id);
            let beside = self.outputs.list[id].quiet != QuietMoment::Any && self.outputs.is_beside_another(id);
            let output = &mut self.outputs.list[id];
            if active {
                output.plan(now, due);
                output.plan_for_quiet(now, beside);
            }
            output.check_phase();
            if let Some(latch) = output.machine.latch() {
                first = Some(first.map_or(latch.at, |first: Ns| first.min(latch.at)));
            }
        }
        self.next_latch = first;
        [
            first,
            hidden,
            self.next_watchdog(),
            self.next_flip_watch(),
            self.next_idle(),
            self.next_night(),
            self.next_detach(),
            self.next_crc(),
            self.trim_at,
            self.desktop.transactions.deadline(),
            self.next_repeat(),
            self.next_bars(),
            self.next_configuration(),
            self.next_lock(),
            self.next_change(),
            self.next_kept(),
            self.outputs.cards.next_attempt(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Postpones the latch while a pending fence may still signal in time for this vblank. No
    /// commit has been made yet, so nothing is lost except the reserve that an early latch has.
    fn postpone(&mut self, id: OutputId, vblank: Ns) -> bool {
        let output = &self.outputs.list[id];
        if output.quiet != QuietMoment::Any {
            // Later, others may be in its way again.
            return false;
        }
        let late = vblank.saturating_sub(output.margins().late);
        if late <= self.now || !output.clock.is_in_phase(self.now) {
            return false;
        }
        // Hands over the fences that may be handed over. The reactor waits for the others from here
        // on.
        self.open_eligible_gates(id, vblank);
        if !self.awaits_fence(id) {
            return false;
        }
        let machine = &mut self.outputs.list[id].machine;
        let Some(latch) = machine.latch() else { return false };
        machine.planned(Some(Latch { at: late, ..latch }));
        true
    }

    /// Whether a surface of the output has a recent commit that waits for its fence. Older ones do
    /// not count: a fence that never signals must not use up the reserve of every frame.
    fn awaits_fence(&mut self, id: OutputId) -> bool {
        // The reactor waits for no fence, so there is nothing to find.
        if self.acquires.len() == 0 {
            return false;
        }
        let since = self.now.saturating_sub(4 * self.outputs.list[id].clock.period());
        let mut found = false;
        self.pending_on(id, |_, commit| found |= commit.committed >= since);
        found
    }

    /// The timer fired: handles everything that is due, and latches the outputs.
    pub fn timer(&mut self) {
        self.reactor.timer_fired();
        self.retry_acquires();
        self.watchdog();
        self.watch_flips();
        self.relight_due();
        self.lock_timer();
        self.crc_timer();
        self.release_hidden();
        self.idle_timer();
        self.night_timer();
        self.repeat_timer();
        self.configuration_timer();
        self.kept_timer();
        self.detach_unused();
        self.layout_stale |= self.desktop.transactions.tick(self.now);
        if self.layout_stale {
            // A frame shows windows where their new contents belong.
            self.arrange_windows();
        }
        for id in self.outputs.list.ids() {
            let machine = &self.outputs.list[id].machine;
            // One that is to be off since it was planned makes no frame any more.
            if let Some(Latch { at, vblank, .. }) = machine.latch().filter(|_| machine.off().is_none())
                && at <= self.now
                && !self.postpone(id, vblank)
                && !self.has_nothing_to_latch(id, vblank)
            {
                self.latch(id, at, vblank);
            }
        }
        self.after_latches();
        self.trim_due();
    }
}
