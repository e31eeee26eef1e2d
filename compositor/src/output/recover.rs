//! What an output does when the kernel does not: a flip that never comes, a lost master, a device that is gone.
//!
//! The decisions are [`kms::recover`]'s; here they are carried out: clients answered, the culprit named, the output held or its
//! mode set anew. A commit that is stuck is never followed by a blocking call, which would hold up every output.

use std::sync::Arc;

use fence::{AcquireState, Ns};
use kms::recover::watch::Verdict;

use super::{OnPlane, Output};
use crate::{fences::Owner, state::Syncline, surface::Content, trace};

impl Output {
    /// The client's content whose pending fence the commit in flight waits for.
    fn waits_for(&self) -> Option<&Arc<Content>> {
        let pending = |on: &&Option<OnPlane>| match on {
            Some(OnPlane::Content(content)) => matches!(content.advance(), Ok(AcquireState::Pending)),
            _ => false,
        };
        self.on_plane.iter().find(pending)?.as_ref().and_then(|on| match on {
            OnPlane::Content(content) => Some(content),
            OnPlane::Target(_) => None,
        })
    }

    /// The GPU has not drawn the frame in flight.
    fn waits_for_gpu(&self) -> bool {
        let fence = self.in_flight.as_ref().and_then(|in_flight| in_flight.render_fence.as_ref());
        fence.is_some_and(|fence| !fence.is_signalled())
    }

    /// A commit is with the kernel and waits for a fence: nothing that blocks may be asked for this CRTC.
    pub(super) fn is_stuck(&self) -> bool {
        self.watch.is_held() || self.kms.in_flight().is_some() && (self.waits_for_gpu() || self.waits_for().is_some())
    }
}

impl Syncline {
    /// When to look for a flip that has not come; `None` while nothing is in flight.
    pub(super) fn next_flip_watch(&self) -> Option<Ns> {
        // Whoever has the VT now gets the flips.
        let outputs = self.outputs.active.then_some(&self.outputs.list)?;
        outputs.iter().filter_map(|output| output.watch.due()).min()
    }

    /// Looks after flips that are overdue.
    pub(super) fn watch_flips(&mut self) {
        if self.next_flip_watch().is_none_or(|due| self.now < due) {
            return;
        }
        for index in 0..self.outputs.list.len() {
            let output = &mut self.outputs.list[index];
            let mut watch = output.watch;
            let verdict = watch.look(self.now, || output.is_stuck());
            output.watch = watch;
            match verdict {
                None => {}
                Some(Verdict::Hold) => self.hold(index),
                Some(Verdict::Modeset) => self.flip_lost(index),
            }
        }
    }

    /// The commit in flight waits for a fence. Its clients are answered now; the output goes on by itself when the flip comes.
    fn hold(&mut self, index: usize) {
        let (now, millis) = (self.now, self.millis());
        let output = &mut self.outputs.list[index];
        let (name, frame, id) = (output.wl.name(), output.frame, output.id);
        let culprit = output.waits_for().cloned();
        if let Some(in_flight) = output.in_flight.take() {
            in_flight.abandon(millis);
        }
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
        tracing::warn!("{name}: frame {frame} has not flipped for 5 s; {whose}; {}", Verdict::Hold);
        trace::recover(now, id, frame, "hold", None);
    }

    /// No fence is pending and no flip came: sets the mode anew, without blocking; the next look is in five seconds.
    fn flip_lost(&mut self, index: usize) {
        let output = &mut self.outputs.list[index];
        let name = output.wl.name();
        tracing::warn!("{name}: frame {} has not flipped for 5 s; {}", output.frame, Verdict::Modeset);
        trace::recover(self.now, output.id, output.frame, "modeset", None);
        output.kms.reset();
        if let Err(error) = self.relight(index) {
            tracing::error!("{name}: {error}");
        }
    }

    /// Another program is the device's master: no commit until the session is back.
    pub(super) fn lost_master(&mut self) {
        if self.outputs.active {
            self.pause();
        }
    }

    /// The display device is gone: its outputs are taken away, their clients answered.
    pub(super) fn device_gone(&mut self) {
        let before = self.places();
        for output in std::mem::take(&mut self.outputs.list) {
            self.take_away(output);
        }
        self.displays_changed(&before);
    }
}
