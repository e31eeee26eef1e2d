//! The flip: a frame is on the screen. Clients are told, what it replaced is let go, the next one may be latched.

use fence::{AcquireState, FenceError, Ns, Status};
use kms::{Event, Flip};
use rustix::io::Errno;

use super::{
    Answers, InFlight, OnPlane, Output, Phase,
    schedule::{Cause, Facts, Kind, Planner, cause::cause},
    tell::Shown,
};
use crate::{crc::frames::Flipped, state::Syncline, trace};

/// What the kernel is given to end a modeset whose event it has sent (`drm_atomic_helper_setup_commit`: its `fake_commit`).
const SETTLES: Ns = 1_000_000;

impl Syncline {
    /// A card is readable.
    pub fn display_events(&mut self, card: kms::CardSerial) {
        let Some(device) = self.outputs.cards.get(card).map(|card| &card.device) else { return };
        // At most one flip for each CRTC is outstanding.
        let mut flips = [None::<Flip>; 16];
        let mut count = 0;
        let read = device.read_events(|event| {
            if let Event::Flip(flip) = event
                && count < flips.len()
            {
                flips[count] = Some(flip);
                count += 1;
            }
        });
        if let Err(error) = read {
            tracing::error!("reading display events: {error}");
            if error.errno == Errno::NODEV
                && let Some(card) = self.outputs.cards.get_mut(card)
            {
                card.gone = true;
                return self.drop_gone_cards();
            }
        }
        for flip in flips.into_iter().flatten() {
            if let Some((index, answers, shown, failed)) = self.counted(|state| state.flipped(card, &flip)) {
                self.answer(index, answers, shown, &failed);
            }
        }
        if let Some(syncobj) = &self.globals.syncobj {
            // Releases for which there was no memory or descriptor; none, almost always, and then no system call.
            syncobj.device().retry_releases();
        }
        self.globals.explicit_sync.retry_releases();
    }

    /// Takes note of a flip: the output, who is to be told, when that was, and the surfaces whose fences failed; `None` if no
    /// frame of ours was awaited.
    fn flipped(&mut self, card: u32, flip: &Flip) -> Option<(usize, Answers, Shown, Vec<u32>)> {
        let now = self.now;
        let Some(index) = self.outputs.list.iter().position(|o| o.is_on(card) && o.kms.crtc_id() == flip.crtc) else {
            self.flipped_last(card, flip);
            return None;
        };
        let mut failed = self.learn_handed(index);
        let output = &mut self.outputs.list[index];
        output.kms.flipped(flip);
        // What has changed while the output was held was not asked for.
        output.dirty |= output.watch.is_held();
        output.watch.flipped();
        output.retiring.clear();
        output.phase = Phase::Idle;
        let early = |in_flight: &InFlight| !in_flight.answers.tears && flip.time < in_flight.timing.started;
        let guessed = output.in_flight.as_ref().is_some_and(early);
        // Kernels have said the time of the last vblank before the display was off, of the flip that turned it on.
        let time = if guessed { now } else { flip.time };
        let seq = output.clock.flip(time, flip.sequence);
        if output.kms.is_asleep() {
            // Nobody knows when its vblanks come once it is on again.
            output.clock.set_period(output.clock.period());
        }
        if output.in_flight.is_none() || guessed {
            // Of a modeset: planes that it has touched without a CRTC are busy until the commit is over, and the event may come before.
            output.not_before = now + SETTLES;
        }
        let Some(in_flight) = output.in_flight.take() else {
            self.crc_unknown_flip(index);
            return None;
        };
        if let Some(error) = pass_failed(&in_flight) {
            self.counters.failed_passes += 1;
            // The display has shown what the GPU left; what planes showed of clients is as they drew it.
            let drawn = in_flight.answers.feedback.iter().filter(|(_, on_plane, _)| !on_plane);
            failed.extend(drawn.map(|(_, _, surface)| *surface));
            output.draw_again(in_flight.frame, error, now);
        } else if in_flight.render_fence.is_some() {
            output.failed_passes = 0;
        }
        let (missed, cause) = judge(output, &in_flight, time);
        self.counters.frames += 1;
        self.counters.missed += missed;
        if let Some(cause) = cause {
            self.counters.missed_by.add(cause, missed);
        }
        self.counters.direct_frames += u64::from(in_flight.direct);
        if trace::enabled() {
            trace::flip(now, output.id, in_flight.frame, seq, time, missed, cause.map(Cause::name));
            if let Some(at) = in_flight.out_fence.and_then(|f| Some(f.driver_and_status().ok()?.at)) {
                trace::out_fence(now, output.id, in_flight.frame, at, time);
            }
        }
        let flipped = Flipped { frame: in_flight.frame, sequence: seq, time_ns: time, missed };
        self.crc_shown(index, flipped, in_flight.check);
        Some((index, in_flight.answers, Shown { time, seq, guessed }, failed))
    }
}

/// The error of the pass that has drawn a frame.
fn pass_failed(in_flight: &InFlight) -> Option<FenceError> {
    match in_flight.render_fence.as_ref()?.status() {
        Ok(Status::Failed(error)) => Some(error),
        _ => None,
    }
}

impl Output {
    /// The pass of `frame` failed: nothing that was drawn is relied upon, and the frame is drawn anew. Not for ever: a GPU that fails
    /// again and again is left alone until something changes.
    fn draw_again(&mut self, frame: u64, error: FenceError, now: Ns) {
        const TIMES: u32 = 3;
        self.failed_passes += 1;
        let again = self.failed_passes <= TIMES;
        if self.failed_passes.is_power_of_two() {
            let then = if again { "drawing it again" } else { "waiting for a change" };
            tracing::warn!("{}: the render pass of frame {frame} failed: {error}; {then}", self.wl.name());
        }
        trace::recover(now, self.id, frame, "redraw", Some(error.raw()));
        self.targets.iter_mut().for_each(|(_, drawn_at)| *drawn_at = 0);
        self.dirty |= again;
    }
}

/// How many vblanks late a frame was and through whom; the output's predictors learn from it.
///
/// A frame that was latched without knowing the phase (the first after a modeset or a long idle time) cannot be late, and
/// teaches nothing.
fn judge(output: &mut Output, in_flight: &InFlight, flipped: Ns) -> (u64, Option<Cause>) {
    let timing = &in_flight.timing;
    // One that tears was for no vblank.
    if !timing.in_phase || in_flight.answers.tears {
        return (0, None);
    }
    let drawn = in_flight.render_fence.as_ref().and_then(|fence| {
        let summary = fence.driver_and_status().ok()?;
        Some(summary.at)
    });
    if let Some(at) = drawn {
        output.planner.drawn(at.saturating_sub(timing.committed));
    }
    let missed = output.clock.miss(in_flight.vblank, flipped);
    if missed == 0 {
        output.planner.flipped(timing.kind, None);
        if in_flight.fenced {
            output.hand_over.learn(false);
        }
        return (0, None);
    }
    let acquired = if in_flight.fenced { last_acquire(output) } else { None };
    let need = match timing.kind {
        Kind::Planes => Planner::LEAST_PLANES,
        Kind::Rendered => Planner::LEAST_RENDERED,
    };
    let facts = Facts {
        vblank: in_flight.vblank,
        need: need / 2,
        planned: timing.planned,
        started: timing.started,
        committed: timing.committed,
        rendered: timing.kind == Kind::Rendered,
        acquired,
        drawn,
    };
    let cause = cause(&facts);
    match (cause, acquired) {
        // In time before the vblank, but not for the display: such fences must come earlier.
        (Cause::Kernel, Some(_)) => output.hand_over.learn(true),
        (Cause::Client, Some(at)) if at < in_flight.vblank => output.hand_over.learn(true),
        _ => output.planner.flipped(timing.kind, Some(cause)),
    }
    output.misses.add(cause, missed);
    (missed, Some(cause))
}

/// When the last of the fences on the output's planes signalled.
fn last_acquire(output: &Output) -> Option<Ns> {
    let signalled = |on_plane: &Option<OnPlane>| match on_plane {
        Some(OnPlane::Content(content)) => match content.advance() {
            Ok(AcquireState::Signalled { at }) => Some(at),
            _ => None,
        },
        _ => None,
    };
    output.on_plane.iter().filter_map(signalled).max()
}
