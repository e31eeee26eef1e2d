//! Frame callbacks and presentation feedback: which clients get them, and when.
//!
//! **Frame callbacks** invite a client to draw its next frame. They are sent at the flip: a commit
//! then has nearly a whole period until the next latch. A client whose history says that it needs
//! longer gets its callback at the latch instead. That is the earliest time at which a new commit
//! cannot replace the frame just latched, and the longest head start that costs no wake-up. A
//! surface that is not visible gets one callback a second (see [`crate::session::frame::held`]).
//!
//! **Presentation feedback** reports the kernel's timestamp and sequence of the flip. A time before
//! the latch of the frame cannot be right. The feedback then has the time at which the flip event
//! was read, and does not claim a hardware clock. For a headless display, whose flips come from a
//! timer, no flags are set; nor for one without vblanks, where a flip says that the pixels have
//! been sent to the display, and not when it shows them.

use std::time::Duration;

use fence::Ns;
use smithay::{
    reexports::wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind,
    wayland::{
        compositor::{SurfaceAttributes, with_states},
        presentation::Refresh,
    },
};

use crate::{
    output::{in_flight::FrameCallbacks, state::Output},
    session::Syncline,
    surface::{SurfaceState, double_buffered::double_buffered, feedback::Feedback},
    system::id::{OutputId, SurfaceId},
};

/// When a frame appeared on the screen.
#[derive(Debug, Clone, Copy)]
pub struct FlipTime {
    /// CLOCK_MONOTONIC.
    pub time: Ns,
    /// The sequence number of the vblank; 0: the display has none.
    pub seq: u64,
    /// The kernel's time was impossible; `time` is when the event was read.
    pub guessed: bool,
}

/// The share of a surface's past commits that its usual latency covers.
const USUAL: f32 = 0.9;

impl Syncline {
    /// Collects the callbacks and feedback of the frame that was just committed, and sends the
    /// frame callbacks of slow clients at once.
    pub fn collect_feedback(&mut self, id: OutputId) {
        let (now, millis) = (self.now, self.millis());
        if self.source_answers(id) {
            return;
        }
        let mirrors = self.outputs.list[id].mirror.is_some();
        let cursor = self.cursor_on(id);
        let output = &mut self.outputs.list[id];
        // From the flip of this frame to the latch of the next one.
        let head_start = output.clock.period().saturating_sub(output.margins().early);
        let Some(in_flight) = output.machine.frame_mut() else { return };
        let mut waiting = std::mem::take(&mut self.pace.awaits_frame);
        waiting.retain(|surface| {
            let Ok(surface) = surface.upgrade() else { return false };
            with_states(&surface, |states| {
                let mut state = SurfaceState::of(states);
                if !output.scene.shows(state.id) && cursor.as_ref() != Some(&surface) {
                    // Another output may show it.
                    state.listed.awaits_frame = !state.hidden && crate::surface::awaits_next_frame(states);
                    return state.listed.awaits_frame;
                }
                if state.current.as_ref().is_some_and(|content| content.is_left_out()) {
                    // The frame shows its last picture.
                    return true;
                }
                state.listed.awaits_frame = false;
                let (on_plane, id) = (state.on_plane, state.id);
                if let Some(mut feedback) = double_buffered::<Feedback>(states).filter(|_| mirrors) {
                    // The display that its window is on does not show it.
                    feedback.current().discard_shown();
                } else if let Some(mut feedback) = double_buffered::<Feedback>(states) {
                    let callbacks = feedback.current().shown.callbacks.drain(..);
                    in_flight.callbacks.feedback.extend(callbacks.map(|callback| (callback, on_plane, id)));
                }
                let mut attributes = states.cached_state.get::<SurfaceAttributes>();
                let callbacks = &mut attributes.current().frame_callbacks;
                if callbacks.is_empty() {
                    return false;
                }
                match state.response.as_ref().and_then(|history| history.latency(now, USUAL)) {
                    Some(usual) if usual > head_start => {
                        state.callback_at = Some(now);
                        callbacks.drain(..).for_each(|callback| callback.done(millis));
                    }
                    _ => {
                        state.callback_at = Some(in_flight.vblank);
                        in_flight.callbacks.callbacks.append(callbacks);
                    }
                }
                false
            })
        });
        self.pace.awaits_frame = waiting;
        // No output may show what is left.
        let left: Vec<_> = self.pace.awaits_frame.iter().filter_map(|surface| surface.upgrade().ok()).collect();
        left.iter().for_each(|surface| self.delay_callbacks(surface));
    }
}

impl Syncline {
    /// Whether output `id` is a mirror, and clients are answered by the frames of another output that shows the same:
    /// its source, or the fastest mirror of that if it is off ([`Syncline::home`]).
    fn source_answers(&self, id: OutputId) -> bool {
        let list = &self.outputs.list;
        let Some(of) = list[id].mirror.map(|mirror| mirror.of) else { return false };
        let rank = |output: &Output| (output.clock.period(), output.id);
        let before =
            |output: &&Output| output.mirror.is_some_and(|mirror| mirror.of == of) && rank(output) < rank(&list[id]);
        list.get(of).into_iter().chain(list.iter().filter(before)).any(|output| !output.is_inactive())
    }

    /// Sends the callbacks and feedback of a frame that output `id` shows.
    ///
    /// Feedback of the surfaces in `failed` says *discarded*: their fences failed while they were
    /// on the display, so the frame does not show what the client rendered.
    pub fn send_callbacks(
        &mut self,
        id: OutputId,
        mut callbacks: FrameCallbacks,
        shown: FlipTime,
        failed: &[SurfaceId],
    ) {
        let output = &mut self.outputs.list[id];
        let time = Duration::from_nanos(shown.time);
        let unclocked = output.kms.device().is_headless() || output.clock.is_own();
        let period = Duration::from_nanos(output.clock.period());
        let refresh = if output.clock.is_variable() { Refresh::variable(period) } else { Refresh::fixed(period) };
        for (feedback, on_plane, surface) in callbacks.feedback.drain(..) {
            if failed.contains(&surface) {
                feedback.discarded();
                continue;
            }
            feedback.presented(
                &output.wl,
                time,
                refresh,
                shown.seq,
                if unclocked { Kind::empty() } else { flags(on_plane, callbacks.tears, shown.guessed) },
            );
        }
        let millis = time.as_millis() as u32;
        callbacks.callbacks.drain(..).for_each(|callback| callback.done(millis));
        output.callbacks = callbacks;
    }
}

/// The presentation flags of a flip for one surface. A tearing flip is not synchronised to the
/// vblank; a guessed time does not come from the hardware clock.
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
