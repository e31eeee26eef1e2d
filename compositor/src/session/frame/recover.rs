//! What an output does when the kernel does not deliver: a flip that never comes, a lost DRM
//! master, a device that is gone.
//!
//! [`kms::recover`] makes the decisions; they are carried out here: clients are answered, the
//! client whose fence is pending is named, the output is marked as stalled or gets a modeset. A
//! stalled commit is never followed by a blocking call, which would stop every output.

use fence::Ns;
use kms::recover::{Remedy, watch::OverdueAction};

use crate::{
    output::{card::light::Fallback, planes::attempt::FrameError, quiet::QuietMoment, state::Output},
    report::fences::Owner,
    session::Syncline,
    system::{id::OutputId, trace},
};

impl Syncline {
    /// When to check for a flip that has not come; `None` while nothing is in flight.
    pub fn next_flip_watch(&self) -> Option<Ns> {
        // Without the VT, the flips go to another process.
        let outputs = self.outputs.active.then_some(&self.outputs.list)?;
        outputs.iter().filter_map(|output| output.machine.watch_due()).min()
    }

    /// Handles flips that are overdue.
    pub fn watch_flips(&mut self) {
        if self.next_flip_watch().is_none_or(|due| self.now < due) {
            return;
        }
        for id in self.outputs.list.ids() {
            let output = &mut self.outputs.list[id];
            if output.machine.watch_due().is_none_or(|due| self.now < due) {
                continue;
            }
            let stalled = output.is_stalled();
            match output.machine.check_overdue(self.now, stalled) {
                None => {}
                Some(OverdueAction::Hold) => self.stalled(id),
                Some(OverdueAction::Modeset) => self.flip_lost(id),
            }
        }
    }

    /// The commit in flight waits for a fence. Answers its clients now; the output continues by
    /// itself when the flip comes.
    fn stalled(&mut self, id: OutputId) {
        let (now, millis) = (self.now, self.millis());
        let output = &mut self.outputs.list[id];
        let (name, frame, id) = (output.wl.name(), output.frame, output.id);
        let culprit = output.waits_for().cloned();
        // A fence in the memory becomes the acquire fence, so that its owner is known.
        culprit.iter().for_each(|content| drop(content.advance_to_read(now)));
        if let Some(in_flight) = output.machine.hold() {
            in_flight.abandon(millis);
        }
        output.dirty = true;
        let surface = culprit.as_ref().and_then(|culprit| self.desktop.trees.handle(culprit.surface)).cloned();
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
            None => "the GPU has not finished rendering it".to_owned(),
        };
        tracing::warn!("{name}: frame {frame} has not flipped for 5 s; {whose}; {}", OverdueAction::Hold);
        trace::recover(now, id, frame, "hold", None);
    }

    /// Changes on an output that is stalled or off are not visible: paces its clients like those of
    /// hidden surfaces.
    pub fn pace_inactive_outputs(&mut self) {
        for id in self.outputs.list.ids() {
            let output = &mut self.outputs.list[id];
            if output.is_inactive() && std::mem::take(&mut output.dirty) {
                self.hide_all(id);
                // Its clients wait for a frame of those that show the same now.
                let list = &mut self.outputs.list;
                let source = list[id].mirror.map_or(id, |mirror| mirror.of);
                let shows_it = |of: &&mut Output| of.mirror.is_some_and(|mirror| mirror.of == source);
                list.iter_mut().filter(shows_it).filter(|of| !of.is_inactive()).for_each(|of| of.dirty = true);
            }
        }
    }

    /// No fence is pending and no flip came: sets the mode again with a non-blocking commit. The
    /// next check is in five seconds.
    fn flip_lost(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        let name = output.wl.name();
        tracing::warn!("{name}: frame {} has not flipped for 5 s; {}", output.frame, OverdueAction::Modeset);
        trace::recover(self.now, output.id, output.frame, "modeset", None);
        output.reset();
        if let Err(error) = self.relight(id) {
            tracing::error!("{name}: {error}");
            self.remedy(id, &error);
        }
    }

    /// A frame was not committed: carries out the remedy.
    pub fn frame_failed(&mut self, id: OutputId, failed: &FrameError) {
        let output = &mut self.outputs.list[id];
        if let FrameError::PutOff | FrameError::Refused(Remedy::AfterOthers, _) = failed {
            // It is made as soon as they have flipped, with the content of that time.
            (output.dirty, output.quiet) = (true, QuietMoment::Needed);
            output.machine.refused(self.now);
            match failed {
                FrameError::PutOff => self.counters.put_off_frames += 1,
                _ => self.counters.refused_commits += 1,
            }
            tracing::debug!("{}: frame {}: {failed}", output.wl.name(), output.frame);
            return;
        }
        self.counters.refused_commits += 1;
        let output = &mut self.outputs.list[id];
        // Logged with decreasing frequency: a device that refuses everything would log at every
        // vblank.
        if self.counters.refused_commits.is_power_of_two() {
            tracing::warn!("{}: frame {}: {failed}", output.wl.name(), output.frame);
        }
        // Tries again at the next vblank, with the content of that time. An earlier try would not
        // let the commit that keeps the CRTC busy finish.
        output.dirty = true;
        // Where no vblank comes by itself, the next one would be now.
        output.machine.refused(match output.clock.is_periodic() && output.clock.is_in_phase(self.now) {
            true => output.clock.next_vblank(self.now),
            false => self.now + output.clock.period(),
        });
        if let FrameError::Refused(Remedy::AfterFlip, _) = failed {
            output.machine.busy(self.now);
        }
        self.remedy(id, failed);
    }

    /// What a refusal means beyond the frame.
    fn remedy(&mut self, id: OutputId, failed: &FrameError) {
        let FrameError::Refused(remedy, error) = failed else { return };
        let output = &mut self.outputs.list[id];
        match remedy {
            // What the display showed so far may be too much for its link.
            Remedy::GiveUp if output.retrain && output.fallback.is_none() => {
                output.fallback = Some(Fallback::new(output.kms.mode(), output.kms.mode(), true, error.errno));
                output.targets.clear();
                output.ladder.reset();
            }
            // The next change of the scene tries again.
            Remedy::GiveUp => output.dirty = false,
            Remedy::Pause if self.outputs.active => {
                tracing::warn!("{}: {remedy}", output.kms.device().path().display());
                self.pause();
            }
            Remedy::Gone => self.outputs.cards.of_mut(&output.kms).gone = true,
            _ => {}
        }
    }

    /// After the latches of a wake-up: removes the outputs of cards that are gone, replaces a renderer
    /// that is lost, and sends new feedback if a plane has refused layouts.
    pub fn after_latches(&mut self) {
        self.drop_gone_cards();
        if self.outputs.renderer.is_lost() {
            self.outputs.renew_lost_renderer(self.now);
            self.renew_read_paths();
            self.renew_feedback();
            self.redraw_all();
        }
        let mut withdrawn = false;
        self.outputs.list.iter_mut().for_each(|output| withdrawn |= std::mem::take(&mut output.withdrawn));
        if withdrawn {
            self.renew_feedback();
        }
    }
}
