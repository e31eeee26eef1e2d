//! What an output does when the kernel does not: a flip that never comes, a lost master, a device that is gone.
//!
//! The decisions are [`kms::recover`]'s; here they are carried out: clients answered, the culprit named, the output held or its
//! mode set anew. A commit that is stuck is never followed by a blocking call, which would hold up every output.

use std::sync::Arc;

use drm_fourcc::{DrmFourcc, DrmModifier};
use fence::{AcquireState, Ns, SyncFile};
use kms::{
    CommitError,
    quirks::{self, Effect, Quirks},
    recover::{AttemptedFeatures, InFences, Ladder, Layout, LearnedLimits, Remedy, watch::OverdueAction},
};

use super::{OnPlane, Output, Phase, present::Wanted, tear};
use crate::{
    fences::Owner,
    state::Syncline,
    surface::{Content, buffer::Source},
    trace,
};

/// What a card cannot do: known beforehand, or found out.
#[derive(Debug)]
pub struct Known {
    driver: String,
    quirks: Quirks,
    pub(super) learnt: LearnedLimits,
    /// Layouts that a plane refused although it announces them.
    withdrawn: Vec<Layout>,
}

impl Known {
    /// Of a device; says once in the log what is known of its driver.
    pub fn new(device: &kms::Device) -> Self {
        let quirks = Quirks::of(device.driver_info());
        for quirk in quirks.iter() {
            tracing::info!("{}: {quirk}", device.path().display());
        }
        let learnt = LearnedLimits::new(quirks.in_fences());
        Self { driver: device.driver().to_owned(), quirks, learnt, withdrawn: Vec::new() }
    }

    /// Whether a pending fence of `producer` may go into a commit, where the policy allows it.
    pub fn may_hand_over(&self, producer: &str) -> bool {
        self.learnt.in_fences() && quirks::may_hand_over(&self.quirks, &self.driver, producer)
    }

    /// Whether planes show this layout, if they announce it.
    pub fn shows(&self, format: DrmFourcc, modifier: DrmModifier) -> bool {
        let layout = Layout { format: format as u32, modifier: modifier.into() };
        let linear = modifier == DrmModifier::Linear || !self.quirks.has(Effect::LinearOnly);
        linear && !self.withdrawn.contains(&layout)
    }

    /// Modifiers of `format`, that of a target of ours, that a plane shows; none: the driver chooses.
    pub fn modifiers(&self, plane: &kms::OutputPlane, format: DrmFourcc) -> Vec<DrmModifier> {
        let of = plane.formats.iter().find(|f| f.format == format as u32);
        let all = of.map(|f| f.modifiers.iter().map(|m| DrmModifier::from(*m))).into_iter().flatten();
        all.filter(|modifier| self.shows(format, *modifier)).collect()
    }

    /// Displays came or went: what was refused may work now. True if layouts are offered again.
    pub(super) fn reset(&mut self) -> bool {
        self.learnt.reset();
        !std::mem::take(&mut self.withdrawn).is_empty()
    }
}

/// A frame that is not on its way.
#[derive(Debug)]
pub(super) enum Failed {
    /// It could not be drawn.
    Drawing(String),
    /// The kernel does not take it, and this is to be done.
    Refused(Remedy, CommitError),
}

impl From<String> for Failed {
    fn from(error: String) -> Self {
        Self::Drawing(error)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Drawing(error) => f.write_str(error),
            Self::Refused(remedy, error) => write!(f, "{error}; {remedy}"),
        }
    }
}

/// How a frame is put to the kernel: at first as assigned.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    /// What goes onto the planes is what was put before.
    pub(super) as_before: bool,
    pub(super) without_fences: bool,
    /// Everything is drawn, on the primary plane.
    pub(super) composed: bool,
    pub(super) modeset: bool,
    /// It was refused as a tearing flip.
    pub(super) synchronous: bool,
}

impl Attempt {
    /// Whether it is to tear, if the frame is one that can: also not where the driver has refused that.
    pub(super) fn asynchronous(&self, output: &Output, wanted: &[Wanted]) -> bool {
        let on_primary = wanted.iter().find(|w| w.plane == output.primary);
        self.may_tear(output.tearing, &output.ladder, on_primary.and_then(|w| layout_on(&w.show)))
    }

    fn may_tear(&self, verdict: tear::Verdict, ladder: &Ladder, primary: Option<Layout>) -> bool {
        verdict == tear::Verdict::May && !self.modeset && !self.synchronous && ladder.may_tear(primary)
    }

    /// The frame was refused: what to do, and what the next attempt is.
    pub(super) fn refused(
        &mut self,
        output: &mut Output,
        error: &CommitError,
        wanted: &[Wanted],
        known: &mut Known,
    ) -> Remedy {
        let had = self.had(output, wanted);
        let remedy = output.ladder.refused(error, &had, &mut known.learnt);
        self.as_before = true;
        match remedy {
            Remedy::Synchronous => self.synchronous = true,
            Remedy::WithoutFences => self.without_fences = true,
            // One plane holds what is drawn, so without overlays nothing of a client is left on a plane.
            Remedy::WithoutOverlays | Remedy::Composed => (self.as_before, self.composed) = (false, true),
            Remedy::OtherModifier(layout) => {
                known.withdrawn.push(layout);
                output.withdrawn = true;
                // Ours are made anew of what is left.
                output.targets.retain(|(target, _)| layout_of(target) != layout);
                (self.as_before, self.composed) = (false, true);
            }
            Remedy::Modeset => self.modeset = true,
            _ => {}
        }
        remedy
    }

    fn had(&self, output: &Output, wanted: &[Wanted]) -> AttemptedFeatures {
        let mut fences = wanted.iter().filter_map(|w| w.fence.as_ref()).peekable();
        let fences = match (fences.peek().is_some(), fences.all(SyncFile::is_signalled)) {
            (false, _) => InFences::None,
            (true, true) => InFences::Signalled,
            (true, false) => InFences::Pending,
        };
        let on_primary = wanted.iter().find(|w| w.plane == output.primary).map(|w| &w.show);
        // Linear is what is left when everything else is refused.
        let other = |layout: Layout| layout.modifier != u64::from(DrmModifier::Linear);
        let (client, target) = match on_primary {
            Some(OnPlane::Content(content)) => match &content.source {
                Source::Dmabuf(imported) => (Some(layout_of(imported)), None),
                Source::Shm(_) => (None, None),
            },
            Some(OnPlane::Target(target)) => (None, Some(layout_of(target))),
            None => (None, None),
        };
        let above = |w: &Wanted| w.plane != output.primary && Some(w.plane) != output.cursor;
        AttemptedFeatures {
            asynchronous: self.asynchronous(output, wanted),
            primary: on_primary.and_then(layout_on),
            fences,
            overlays: wanted.iter().any(above),
            client: client.filter(|layout| other(*layout)),
            target: target.filter(|layout| other(*layout)),
            modeset: self.modeset,
            in_flight: output.kms.in_flight().is_some(),
        }
    }

    /// A frame was taken after a refusal: says what is not asked for again.
    pub(super) fn say_what_was_learnt(&self, output: &Output, known: &Known) {
        if self.without_fences && !known.learnt.in_fences() {
            let name = output.wl.name();
            tracing::warn!("{name}: {} takes no in-fences; they are waited for before the commit now", known.driver);
        }
    }
}

fn layout_of(target: &crate::render::Target) -> Layout {
    Layout { format: target.dmabuf.format() as u32, modifier: target.dmabuf.modifier().into() }
}

/// The layout of what a plane is to show; `None` for pixels in shared memory, which have none.
fn layout_on(show: &OnPlane) -> Option<Layout> {
    match show {
        OnPlane::Target(target) => Some(layout_of(target)),
        OnPlane::Content(content) => match &content.source {
            Source::Dmabuf(imported) => Some(layout_of(imported)),
            Source::Shm(_) => None,
        },
    }
}

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
                Some(OverdueAction::Hold) => self.hold(index),
                Some(OverdueAction::Modeset) => self.flip_lost(index),
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
    pub(super) fn pace_dark_outputs(&mut self) {
        for index in 0..self.outputs.list.len() {
            let output = &mut self.outputs.list[index];
            if output.is_dark() && std::mem::take(&mut output.dirty) {
                self.mark_hidden(index, &[]);
            }
        }
    }

    /// No fence is pending and no flip came: sets the mode anew, without blocking; the next look is in five seconds.
    fn flip_lost(&mut self, index: usize) {
        let output = &mut self.outputs.list[index];
        let name = output.wl.name();
        tracing::warn!("{name}: frame {} has not flipped for 5 s; {}", output.frame, OverdueAction::Modeset);
        trace::recover(self.now, output.id, output.frame, "modeset", None);
        output.kms.reset();
        if let Err(error) = self.relight(index) {
            tracing::error!("{name}: {error}");
        }
    }

    /// A frame is not on its way: does what is to be done about it.
    pub(super) fn frame_failed(&mut self, index: usize, failed: &Failed) {
        self.counters.refused_commits += 1;
        let output = &mut self.outputs.list[index];
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
        let Failed::Refused(remedy, _) = failed else { return };
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
    pub(super) fn after_latches(&mut self) {
        self.drop_gone_cards();
        let mut withdrawn = false;
        self.outputs.list.iter_mut().for_each(|output| withdrawn |= std::mem::take(&mut output.withdrawn));
        if withdrawn {
            self.renew_feedback();
        }
    }
}

#[cfg(test)]
mod tests {
    use kms::Step;
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_refused_tearing_flip_is_not_asked_for_again() {
        let tiled = Layout { format: DrmFourcc::Xrgb8888 as u32, modifier: 0x0100_0000_0000_0002 };
        let linear = Layout { modifier: 0, ..tiled };
        let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
        let may_tear =
            |attempt: &Attempt, ladder: &Ladder, layout| attempt.may_tear(tear::Verdict::May, ladder, Some(layout));
        let mut attempt = Attempt::default();
        assert!(may_tear(&attempt, &ladder, tiled));
        let had = AttemptedFeatures { asynchronous: true, primary: Some(tiled), ..AttemptedFeatures::default() };
        let error = CommitError {
            output: "Virtual-1".to_owned(),
            step: Step::Commit,
            errno: Errno::INVAL,
            detail: String::new(),
            request: String::new(),
        };
        assert_eq!(ladder.refused(&error, &had, &mut learnt), Remedy::Synchronous);
        attempt.synchronous = true;
        assert!(!may_tear(&attempt, &ladder, tiled), "the same frame");
        ladder.accepted(&mut learnt);
        // The next frames of the same client, each of which asks to tear.
        for _ in 0..3 {
            ladder.begin();
            assert!(!may_tear(&Attempt::default(), &ladder, tiled));
            assert!(may_tear(&Attempt::default(), &ladder, linear), "another layout may be taken");
            ladder.accepted(&mut learnt);
        }
        ladder.reset();
        assert!(may_tear(&Attempt::default(), &ladder, tiled), "displays or modes have changed");
    }

    #[test]
    fn a_modeset_never_tears() {
        let modeset = Attempt { modeset: true, ..Attempt::default() };
        assert!(!modeset.may_tear(tear::Verdict::May, &Ladder::default(), None));
        assert!(!Attempt::default().may_tear(tear::Verdict::NotAlone, &Ladder::default(), None));
    }
}
