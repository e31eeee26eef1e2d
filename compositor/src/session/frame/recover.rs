//! What an output does when the kernel does not: a flip that never comes, a lost master, a device that is gone.
//!
//! The decisions are [`kms::recover`]'s; here they are carried out: clients answered, the culprit named, the output held or its
//! mode set anew. A commit that is stuck is never followed by a blocking call, which would hold up every output.

use std::sync::Arc;

use fence::Ns;
use kms::recover::{Remedy, watch::OverdueAction};

use crate::{
    output::{planes::attempt::FrameError, state::Phase},
    report::fences::Owner,
    session::Syncline,
    system::{id::OutputId, trace},
};

impl Syncline {
    /// When to look for a flip that has not come; `None` while nothing is in flight.
    pub fn next_flip_watch(&self) -> Option<Ns> {
        // Whoever has the VT now gets the flips.
        let outputs = self.outputs.active.then_some(&self.outputs.list)?;
        outputs.iter().filter_map(|output| output.watch.due()).min()
    }

    /// Looks after flips that are overdue.
    pub fn watch_flips(&mut self) {
        if self.next_flip_watch().is_none_or(|due| self.now < due) {
            return;
        }
        for id in self.outputs.list.ids() {
            let output = &mut self.outputs.list[id];
            let mut watch = output.watch;
            let verdict = watch.look(self.now, || output.is_stalled());
            output.watch = watch;
            match verdict {
                None => {}
                Some(OverdueAction::Hold) => self.hold(id),
                Some(OverdueAction::Modeset) => self.flip_lost(id),
            }
        }
    }

    /// The commit in flight waits for a fence. Its clients are answered now; the output goes on by itself when the flip comes.
    fn hold(&mut self, id: OutputId) {
        let (now, millis) = (self.now, self.millis());
        let output = &mut self.outputs.list[id];
        let (name, frame, id) = (output.wl.name(), output.frame, output.id);
        let culprit = output.waits_for().cloned();
        if let Some(in_flight) = output.in_flight.take() {
            in_flight.abandon(millis);
        }
        output.dirty = true;
        let surface = culprit.as_ref().and_then(|culprit| {
            let found = self.live.iter().find(|(content, _)| Arc::ptr_eq(content, culprit));
            found.and_then(|(_, surface)| surface)
        });
        let whose = match &culprit {
            Some(content) => {
                let owner = Owner::of(content, surface.as_ref());
                let overdue = content.with_acquire(|acquire| acquire.overdue(now, 0));
                let what = overdue.map_or_else(|| "its acquire fence is pending".to_owned(), |o| o.to_string());
                format!(
                    "client {} (pid {}), surface {}, commit {}: {what}",
                    owner.client_name.as_deref().unwrap_or("?"),
                    owner.client_pid.unwrap_or(0),
                    owner.surface,
                    owner.commit,
                )
            }
            None => "the GPU has not drawn it".to_owned(),
        };
        tracing::warn!("{name}: frame {frame} has not flipped for 5 s; {whose}; {}", OverdueAction::Hold);
        trace::recover(now, id, frame, "hold", None);
    }

    /// Nobody sees what is new on an output that is held or off: its clients are told to draw as seldom as those of hidden surfaces.
    pub fn pace_inactive_outputs(&mut self) {
        for id in self.outputs.list.ids() {
            let output = &mut self.outputs.list[id];
            if output.is_inactive() && std::mem::take(&mut output.dirty) {
                self.mark_hidden(id, &[]);
            }
        }
    }

    /// No fence is pending and no flip came: sets the mode anew, without blocking; the next look is in five seconds.
    fn flip_lost(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        let name = output.wl.name();
        tracing::warn!("{name}: frame {} has not flipped for 5 s; {}", output.frame, OverdueAction::Modeset);
        trace::recover(self.now, output.id, output.frame, "modeset", None);
        output.kms.reset();
        if let Err(error) = self.relight(id) {
            tracing::error!("{name}: {error}");
        }
    }

    /// A frame is not on its way: does what is to be done about it.
    pub fn frame_failed(&mut self, id: OutputId, failed: &FrameError) {
        self.counters.refused_commits += 1;
        let output = &mut self.outputs.list[id];
        // Said less and less often: a device that refuses everything would say it at every vblank.
        if self.counters.refused_commits.is_power_of_two() {
            tracing::warn!("{}: frame {}: {failed}", output.wl.name(), output.frame);
        }
        // The next vblank tries again, with what is there then: not before, or what keeps the CRTC busy would never be over.
        (output.phase, output.dirty) = (Phase::Idle, true);
        output.not_before = match output.clock.is_in_phase(self.now) {
            true => output.clock.next_vblank(self.now),
            false => self.now + output.clock.period(),
        };
        let FrameError::Refused(remedy, _) = failed else { return };
        match remedy {
            Remedy::AfterFlip => output.phase = Phase::InFlight,
            // A change of the scene tries again.
            Remedy::GiveUp => output.dirty = false,
            Remedy::Pause if self.outputs.active => {
                tracing::warn!("{}: {remedy}", output.kms.device().path().display());
                self.pause();
            }
            Remedy::Gone => self.outputs.cards.of_mut(&output.kms).gone = true,
            _ => {}
        }
    }

    /// After the latches of a wake-up: takes the outputs of cards away that are gone, and tells clients of layouts that a
    /// plane has refused.
    pub fn after_latches(&mut self) {
        self.drop_gone_cards();
        let mut withdrawn = false;
        self.outputs.list.iter_mut().for_each(|output| withdrawn |= std::mem::take(&mut output.withdrawn));
        if withdrawn {
            self.renew_feedback();
        }
    }
}
