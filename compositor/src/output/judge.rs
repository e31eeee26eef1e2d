//! How late a frame was, and through whom.
//!
//! It answers nobody: [`crate::session::frame::flip`] does.

use fence::{AcquireState, FenceError, Ns, Status};

use crate::{
    output::{
        planes::request::OnPlane,
        state::{InFlight, Output},
    },
    schedule::{Cause, Facts, Kind, Planner, cause::cause},
    system::trace,
};

/// The error of the pass that has drawn a frame.
pub fn pass_failed(in_flight: &InFlight) -> Option<FenceError> {
    match in_flight.render_fence.as_ref()?.status() {
        Ok(Status::Failed(error)) => Some(error),
        _ => None,
    }
}

impl Output {
    /// The pass of `frame` failed: nothing that was drawn is relied upon, and the frame is drawn anew. Not for ever: a GPU that fails
    /// again and again is left alone until something changes.
    pub fn draw_again(&mut self, frame: u64, error: FenceError, now: Ns) {
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
pub fn judge(output: &mut Output, in_flight: &InFlight, flipped: Ns) -> (u64, Option<Cause>) {
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
