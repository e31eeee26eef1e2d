//! The moments in which no other output of a card has a commit in flight.
//!
//! Where all CRTCs share what a new layout of planes changes, the kernel refuses one while another
//! CRTC's commit is in flight (i915: EBUSY), or sleeps until that is on the screen (amdgpu, also in a
//! test). Such a frame is made when the others have flipped, and then at once: at its usual time, a
//! little before the vblank, another output that never rests would always be in the way.
//!
//! Asks the kernel nothing, and sets no timer.

use fence::Ns;

use crate::{
    output::{
        Outputs,
        phase::{Latch, LatchReason},
        state::Output,
    },
    system::id::OutputId,
};

/// What an output waits for until such a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuietMoment {
    /// Nothing.
    #[default]
    Any,
    /// It shows what it can, and searches for a better layout then.
    Wanted,
    /// It shows nothing new before.
    Needed,
}

impl Outputs {
    /// Whether another output of the card of `id` has a commit in flight, or may have.
    pub fn is_beside_another(&self, id: OutputId) -> bool {
        let card = self.list[id].kms.device().serial();
        let leaving =
            self.cards.get(card).is_some_and(|card| card.leaving.iter().any(|of| of.kms.in_flight().is_some()));
        leaving || self.list.iter().any(|other| other.id != id && other.is_on(card) && other.machine.is_in_flight())
    }

    /// Whether an output of the card waits for such a moment, which then must not be long in coming.
    pub fn is_quiet_awaited(&self, card: kms::CardSerial) -> bool {
        self.list.iter().any(|output| output.is_on(card) && output.quiet != QuietMoment::Any)
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
