//! How many vblanks late a frame was, and what caused it.
//!
//! It sends no client anything: [`crate::session::frame::flip`] does.

use fence::{AcquireState, FenceError, Ns, Status};

use crate::{
    output::{in_flight::InFlight, planes::request::OnPlane, state::Output},
    schedule::{FrameKind, MissCause, MissFacts, Planner, cause::cause},
    system::trace,
};

/// The error of the render pass of a frame; `None` if the pass succeeded, is pending or does not
/// exist.
pub fn pass_failed(in_flight: &InFlight) -> Option<FenceError> {
    match in_flight.render_fence.as_ref()?.status() {
        Ok(Status::Failed(error)) => Some(error),
        _ => None,
    }
}

impl Output {
    /// Handles a failed render pass of `frame`: the frame is rendered again, in full, because no
    /// target's image is reliable any more. After more than three failed passes in a row the output
    /// waits for the next change of its scene.
    pub fn redraw_failed_pass(&mut self, frame: u64, error: FenceError, now: Ns) {
        const MAX_RETRIES: u32 = 3;
        self.failed_passes += 1;
        let again = self.failed_passes <= MAX_RETRIES;
        if self.failed_passes.is_power_of_two() {
            let then = if again { "rendering it again" } else { "not rendering again until the scene changes" };
            tracing::warn!("{}: the render pass of frame {frame} failed: {error}; {then}", self.wl.name());
        }
        trace::recover(now, self.id, frame, "redraw", Some(error.raw()));
        self.targets.iter_mut().for_each(|(_, drawn_at)| *drawn_at = 0);
        self.dirty |= again;
    }
}

/// Returns how many vblanks late a frame was, and the cause; updates the output's predictors.
///
/// A frame that was latched while the phase was unknown (the first after a modeset or a long idle
/// time) never counts as late, and the predictors ignore it.
pub fn judge(output: &mut Output, in_flight: &InFlight, flipped: Ns) -> (u64, Option<MissCause>) {
    let timing = &in_flight.timing;
    // A tearing flip aims at no vblank.
    if !timing.in_phase || in_flight.callbacks.tears {
        return (0, None);
    }
    let drawn = in_flight.render_fence.as_ref().and_then(|fence| {
        let summary = fence.driver_and_status().ok()?;
        Some(summary.at)
    });
    if let Some(at) = drawn {
        output.planner.drawn(at.saturating_sub(timing.committed));
    }
    if !output.clock.is_periodic() {
        return (0, None);
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
        FrameKind::Planes => Planner::MIN_PLANES_RESERVE,
        FrameKind::Rendered => Planner::MIN_RENDERED_RESERVE,
    };
    let facts = MissFacts {
        vblank: in_flight.vblank,
        need: need / 2,
        planned: timing.planned,
        started: timing.started,
        committed: timing.committed,
        rendered: timing.kind == FrameKind::Rendered,
        acquired,
        drawn,
    };
    let cause = cause(&facts);
    match (cause, acquired) {
        // The fence signalled before the vblank, but too late for the display: require it earlier.
        (MissCause::Kernel, Some(_)) => output.hand_over.learn(true),
        (MissCause::Client, Some(at)) if at < in_flight.vblank => output.hand_over.learn(true),
        _ => output.planner.flipped(timing.kind, Some(cause)),
    }
    output.misses.add(cause, missed);
    (missed, Some(cause))
}

/// When the last acquire fence of the contents on the output's planes signalled.
fn last_acquire(output: &Output) -> Option<Ns> {
    let signalled = |(_, on_plane): (usize, &OnPlane)| match on_plane {
        OnPlane::Content(content) => match content.advance() {
            Ok(AcquireState::Signalled { at }) => Some(at),
            _ => None,
        },
        OnPlane::Target(_) => None,
    };
    output.on_planes().filter_map(signalled).max()
}
