//! The flip: a frame is on the screen. Clients are told, the buffers that it replaced are released,
//! and the next frame may be latched.

use fence::Ns;
use kms::{Event, Flip};
use rustix::io::Errno;

use crate::{
    crc::frames::Flipped,
    output::{
        in_flight::FrameCallbacks,
        judge::{judge, pass_failed},
        phase::Flipped as Landed,
        state::Output,
    },
    schedule::MissCause,
    session::{Syncline, frame::callbacks::FlipTime},
    system::{
        id::{OutputId, SurfaceId},
        trace,
    },
};

/// The time that the kernel gets to finish a modeset after it has sent the event
/// (`drm_atomic_helper_setup_commit`: its `fake_commit`).
const SETTLES: Ns = 1_000_000;

impl Syncline {
    /// The descriptor of a card is readable.
    pub fn display_events(&mut self, card: kms::CardSerial) {
        let Some(device) = self.outputs.cards.get(card).map(|card| &card.device) else { return };
        // There is at most one outstanding flip for each CRTC.
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
            if let Some((id, callbacks, shown, failed)) = self.counted(|state| state.flipped(card, &flip)) {
                self.send_callbacks(id, callbacks, shown, &failed);
            }
        }
        if let Some(syncobj) = &self.globals.syncobj {
            // Retries releases that failed for want of memory or descriptors. There are almost
            // never any, and then this makes no system call.
            syncobj.device().retry_releases();
        }
        self.globals.explicit_sync.retry_releases();
    }

    /// Records a flip. Returns the output, the callbacks to send, the time of the flip, and the
    /// surfaces whose fences failed; `None` if the compositor expected no frame there.
    fn flipped(
        &mut self,
        card: kms::CardSerial,
        flip: &Flip,
    ) -> Option<(OutputId, FrameCallbacks, FlipTime, Vec<SurfaceId>)> {
        let now = self.now;
        let on_it = |output: &Output| output.is_on(card) && Some(output.kms.crtc_id()) == flip.crtc;
        let Some(id) = self.outputs.list.find_id(on_it) else {
            self.flipped_without_output(card, flip);
            return None;
        };
        let output = &mut self.outputs.list[id];
        if !output.kms.flipped(flip) && !output.machine.awaits_any_flip() {
            // Of a commit that was given up: another one has the output since.
            tracing::debug!("{}: a late flip, of {:#x}", output.wl.name(), flip.user_data);
            return None;
        }
        let mut failed = self.record_handed_over(id);
        self.watch_attachments();
        let output = &mut self.outputs.list[id];
        let landed = output.machine.flipped()?;
        let tears = matches!(&landed, Landed::Frame(in_flight) if in_flight.callbacks.tears);
        let guessed = matches!(&landed, Landed::Frame(in_flight) if flip.time < in_flight.timing.started);
        // For the flip that turns a display on, kernels have reported the last vblank before it was
        // off; for a tearing flip they report the vblank before it.
        let time = if guessed { now } else { flip.time };
        let stamp = if tears { flip.time } else { time };
        // Since `now` was read the vblank may have come, which puts its stamp into the future, too.
        let read_at = if stamp > now { self.clock.now() } else { now };
        output.clock.set_variable(output.kms.vrr());
        let seq = output.clock.flip(read_at, stamp, flip.sequence);
        if matches!(landed, Landed::Off) {
            // The phase of its vblanks is unknown when it is on again.
            output.clock.forget_phase();
        }
        if !matches!(landed, Landed::Frame(_)) || (guessed && !tears) {
            // After a modeset, planes that it has touched without a CRTC are busy until the commit
            // is over, and the event may come before that.
            output.machine.rest_until(now + SETTLES);
        }
        // What has changed while the output was stalled has not been shown.
        output.dirty |= matches!(landed, Landed::Held);
        let Landed::Frame(in_flight) = landed else {
            self.crc_unknown_flip(id);
            return None;
        };
        let (frame, failed_pass) = (in_flight.frame, pass_failed(&in_flight));
        // What a pass that has failed has left in the target may be an older picture.
        let is_whole = failed_pass.is_none();
        if let Some(error) = failed_pass {
            self.counters.failed_passes += 1;
            // The composited surfaces show what the GPU left in the target. Those on planes are as
            // their clients rendered them.
            let composited = in_flight.callbacks.feedback.iter().filter(|(_, on_plane, _)| !on_plane);
            failed.extend(composited.map(|(_, _, surface)| *surface));
            output.redraw_failed_pass(in_flight.frame, error, now);
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
            trace::flip(now, output.id, in_flight.frame, seq, time, missed, cause.map(MissCause::name));
            if let Some(at) = in_flight.out_fence.and_then(|f| Some(f.driver_and_status().ok()?.at)) {
                trace::out_fence(now, output.id, in_flight.frame, at, time);
            }
        }
        let flipped = Flipped { frame: in_flight.frame, sequence: seq, time_ns: time, missed };
        self.crc_shown(id, flipped, in_flight.check);
        self.outputs.list[id].flipped_at = Some(time);
        self.capture_flipped(id, frame, time);
        if is_whole {
            self.lock_flipped(id, frame);
        }
        Some((id, in_flight.callbacks, FlipTime { time, seq, guessed }, failed))
    }
}
