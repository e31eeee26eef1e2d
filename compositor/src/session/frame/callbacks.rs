//! Who is told of a frame, and when: frame callbacks and presentation feedback.
//!
//! **Frame callbacks** invite a client to draw its next frame. They are sent at the flip, right after which a commit
//! has nearly a whole period until the next latch. A client whose own past says that it needs longer than that gets its
//! callback at the latch instead: the earliest time at which a new commit cannot displace the frame just latched, and the
//! latest head start that costs no wake-up. A surface that nobody sees gets one a second (see [`crate::session::frame::held`]).
//!
//! **Presentation feedback** says what the kernel said: the flip's own timestamp and sequence. A time before the frame was latched
//! cannot be; then it is when the flip was heard of, and the feedback does not call it the hardware's.

use std::time::Duration;

use fence::Ns;
use smithay::{
    reexports::wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind,
    wayland::{
        compositor::SurfaceAttributes,
        presentation::{PresentationFeedbackCachedState, Refresh},
    },
};

use crate::{
    output::state::FrameCallbacks,
    session::Syncline,
    surface::SurfaceState,
    system::id::{OutputId, SurfaceId},
};

/// When a frame was on the screen.
#[derive(Debug, Clone, Copy)]
pub struct FlipTime {
    /// CLOCK_MONOTONIC.
    pub time: Ns,
    /// The vblank's number.
    pub seq: u64,
    /// The kernel's time could not be: it is when we heard of it.
    pub guessed: bool,
}

/// Of a surface's past, so many commits came that soon after their callbacks, or sooner.
const USUAL: f32 = 0.9;

impl Syncline {
    /// Remembers who is to be told of the frame that was just committed, and invites the slow ones at once.
    pub fn collect_feedback(&mut self, id: OutputId) {
        let (now, millis) = (self.now, self.millis());
        let output = &mut self.outputs.list[id];
        let Some(mut in_flight) = output.in_flight.take() else { return };
        // From the flip of this frame to the latch of the next one.
        let head_start = output.clock.period().saturating_sub(output.planner.margins().early);
        self.desktop.visible_surfaces(self.outputs.list[id].rect(), |_, states| {
            let mut state = SurfaceState::of(states);
            if state.hidden {
                return;
            }
            let mut feedback = states.cached_state.get::<PresentationFeedbackCachedState>();
            let (on_plane, id) = (state.on_plane, state.id);
            let callbacks = feedback.current().callbacks.drain(..);
            in_flight.callbacks.feedback.extend(callbacks.map(|callback| (callback, on_plane, id)));
            let mut attributes = states.cached_state.get::<SurfaceAttributes>();
            let callbacks = &mut attributes.current().frame_callbacks;
            if callbacks.is_empty() {
                return;
            }
            match state.response.latency(now, USUAL) {
                Some(usual) if usual > head_start => {
                    state.callback_at = Some(now);
                    callbacks.drain(..).for_each(|callback| callback.done(millis));
                }
                _ => {
                    state.callback_at = Some(in_flight.vblank);
                    in_flight.callbacks.callbacks.append(callbacks);
                }
            }
        });
        self.outputs.list[id].in_flight = Some(in_flight);
    }
}

impl Syncline {
    /// Tells the clients of a frame that output `id` shows.
    ///
    /// The frames of the surfaces in `failed` are not what the client meant to draw: their fences failed on the display.
    pub fn send_callbacks(
        &mut self,
        id: OutputId,
        mut callbacks: FrameCallbacks,
        shown: FlipTime,
        failed: &[SurfaceId],
    ) {
        let output = &mut self.outputs.list[id];
        let time = Duration::from_nanos(shown.time);
        let refresh = Refresh::fixed(Duration::from_nanos(output.clock.period()));
        for (feedback, on_plane, surface) in callbacks.feedback.drain(..) {
            if failed.contains(&surface) {
                feedback.discarded();
                continue;
            }
            feedback.presented(&output.wl, time, refresh, shown.seq, flags(on_plane, callbacks.tears, shown.guessed));
        }
        let millis = time.as_millis() as u32;
        callbacks.callbacks.drain(..).for_each(|callback| callback.done(millis));
        output.callbacks = callbacks;
    }
}

/// The flags of a flip for one surface. A tearing flip is not synchronised to the vblank; a guessed time is not the hardware's.
pub fn flags(on_plane: bool, tearing: bool, guessed: bool) -> Kind {
    let mut flags = Kind::HwCompletion;
    flags.set(Kind::HwClock, !guessed);
    flags.set(Kind::Vsync, !tearing);
    flags.set(Kind::ZeroCopy, on_plane);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_of_the_surface_and_of_the_flip() {
        let hw = Kind::HwClock | Kind::HwCompletion;
        assert_eq!(flags(false, false, false), hw | Kind::Vsync);
        assert_eq!(flags(true, false, false), hw | Kind::Vsync | Kind::ZeroCopy);
        assert_eq!(flags(true, true, false), hw | Kind::ZeroCopy);
        assert_eq!(flags(false, false, true), Kind::HwCompletion | Kind::Vsync);
    }
}
