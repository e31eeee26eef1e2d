//! The flip: a frame is on the screen. Clients are told, what it replaced is let go, the next one may be latched.

use std::time::Duration;

use kms::{Event, Flip};
use smithay::{
    reexports::wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind,
    wayland::presentation::Refresh,
};

use super::Phase;
use crate::{state::Syncline, trace};

impl Syncline {
    /// The display device is readable.
    pub fn display_events(&mut self) {
        // At most one flip for each CRTC is outstanding.
        let mut flips = [None::<Flip>; 16];
        let mut count = 0;
        let read = self.outputs.device.read_events(|event| {
            if let Event::Flip(flip) = event
                && count < flips.len()
            {
                flips[count] = Some(flip);
                count += 1;
            }
        });
        if let Err(error) = read {
            tracing::error!("reading display events: {error}");
        }
        for flip in flips.into_iter().flatten() {
            self.flipped(&flip);
        }
        if let Some(syncobj) = &self.globals.syncobj {
            // Releases for which there was no memory or descriptor; none, almost always, and then no system call.
            syncobj.device().retry_releases();
        }
        self.globals.explicit_sync.retry_releases();
    }

    fn flipped(&mut self, flip: &Flip) {
        let now = self.now;
        let Some(index) = self.outputs.list.iter().position(|o| o.kms.crtc_id() == flip.crtc) else { return };
        let output = &mut self.outputs.list[index];
        output.kms.flipped(flip);
        output.retiring.clear();
        output.phase = Phase::Idle;
        let seq = output.clock.flip(flip.time, flip.sequence);
        let Some(in_flight) = output.in_flight.take() else { return };
        let missed = output.clock.miss(in_flight.vblank, flip.time);
        match in_flight.fenced {
            true => output.hand_over.learn(missed > 0),
            false => output.costs.learn(missed > 0),
        }
        self.counters.frames += 1;
        self.counters.missed += missed;
        self.counters.direct_frames += u64::from(in_flight.direct);
        if trace::enabled() {
            trace::flip(now, output.id, in_flight.frame, seq, flip.time, missed);
            if let Some(at) = in_flight.out_fence.and_then(|f| Some(f.driver_and_status().ok()?.at)) {
                trace::out_fence(now, output.id, in_flight.frame, at, flip.time);
            }
        }
        if let (Some(crc), Some(check)) = (&mut output.crc, in_flight.check) {
            crc.expect(in_flight.frame, seq as u32, check, &mut self.counters, now);
        }
        let refresh = Refresh::fixed(Duration::from_nanos(output.clock.period()));
        let time = Duration::from_nanos(flip.time);
        let mut flags = Kind::Vsync | Kind::HwClock | Kind::HwCompletion;
        if in_flight.direct {
            flags |= Kind::ZeroCopy;
        }
        for feedback in in_flight.feedback {
            feedback.presented(&output.wl, time, refresh, seq, flags);
        }
        let millis = time.as_millis() as u32;
        for callback in in_flight.callbacks {
            callback.done(millis);
        }
    }
}
