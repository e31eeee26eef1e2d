//! Losing and regaining the VT. An output whose state is unknown is lit again.
//!
//! The only frame made here is the empty one of a modeset.

use kms::{PlaneState, Rect, SrcRect, recover::Remedy};
use rustix::io::Errno;

use crate::{
    config::Colour,
    output::{
        card::light::{Fallback, may_take_less, user_data},
        planes::{attempt::FrameError, request::Held},
        power::MODESET_COMMIT,
    },
    render::target::OPAQUE,
    session::Syncline,
    system::{id::OutputId, seat::SeatSession},
};

impl Syncline {
    /// The session has lost its VT: nothing is committed until it comes back.
    pub fn pause(&mut self) {
        self.outputs.active = false;
        self.crc_pause();
        for output in &mut self.outputs.list {
            output.machine.rest();
        }
    }

    /// The session has its VT again; the process that had it may have changed everything.
    pub fn resume(&mut self) {
        self.outputs.active = true;
        for card in self.outputs.cards.iter_mut() {
            if matches!(self.session, SeatSession::Direct)
                && let Err(error) = card.device.acquire_master()
            {
                tracing::warn!("{error}");
            }
            // The flip events of these outputs were lost.
            for mut leaving in std::mem::take(&mut card.leaving) {
                leaving.kms.reset();
                card.turn_off(leaving);
            }
        }
        for id in self.outputs.list.ids() {
            self.outputs.list[id].reset();
            self.outputs.list[id].layouts.forget_tests();
            if let Err(error) = self.light_again(id) {
                tracing::error!("{}: {error}", self.outputs.list[id].wl.name());
                // The other session has left its image there: the next frame sets the mode.
                let output = &mut self.outputs.list[id];
                output.dirty = true;
                if matches!(error, FrameError::Refused(Remedy::Gone, _)) {
                    self.outputs.cards.of_mut(&output.kms).gone = true;
                }
            }
        }
        self.drop_gone_cards();
        self.add_missed_cards();
    }

    /// Sets the mode of an output that was reset again, with a new target that shows the background.
    /// Refused: the remedy is to pause, to drop the card, or to wait for the flip or the watchdog.
    pub fn relight(&mut self, id: OutputId) -> Result<(), FrameError> {
        let plain = |state: &Self| state.outputs.list[id].fallback.as_ref().is_some_and(|fallback| fallback.plain);
        let first = self.relight_with(id, plain(self));
        let Err(FrameError::Refused(_, error)) = &first else { return first };
        if plain(self) || !may_take_less(error.errno) {
            return first;
        }
        self.relight_with(id, true)?;
        let output = &mut self.outputs.list[id];
        let mut fallback = Fallback::new(output.kms.mode(), output.kms.mode(), true, error.errno);
        if let Some(before) = output.fallback.take() {
            fallback.what = format!("{}, {}", before.what, fallback.what);
        }
        tracing::warn!("{}: lit {}: {}", output.wl.name(), fallback.what, fallback.why);
        output.fallback = Some(fallback);
        Ok(())
    }

    /// The same; `plain`: with a target that has no modifier.
    fn relight_with(&mut self, id: OutputId, plain: bool) -> Result<(), FrameError> {
        let outputs = &mut self.outputs;
        let output = &mut outputs.list[id];
        let (width, height) = output.kms.size();
        let card = outputs.cards.of(&output.kms);
        let modifiers = match plain {
            true => Vec::new(),
            false => card.known.modifiers(&output.kms.planes()[output.primary], OPAQUE),
        };
        let target = outputs.renderer.new_target(&card.device, width, height, OPAQUE, &modifiers)?;
        output.targets.clear();
        let background: Colour = self.config.background;
        outputs.renderer.draw(&target, 0, &mut output.tracker, &[], background)?;
        let framebuffer = target
            .framebuffer(&card.device)
            .ok_or_else(|| "the display cannot show the renderer's buffer".to_owned())?;
        let vrr = self.config.vrr(output.kms.name()) && output.kms.vrr_capable();
        let mut frame = output.kms.modeset();
        output.settings.modeset();
        frame.connector(output.settings.state.clone());
        let all = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
        let state = PlaneState::new(framebuffer.id(), all.0, all.1);
        frame.show(output.primary, state, Held::target(target.clone())).vrr(vrr);
        frame.commit(user_data(output.id, MODESET_COMMIT)).map_err(|error| {
            let remedy = match error.errno {
                Errno::NODEV | Errno::NXIO => Remedy::Gone,
                Errno::ACCESS => Remedy::Pause,
                _ => Remedy::AfterFlip,
            };
            FrameError::Refused(remedy, error)
        })?;
        output.targets.push((target, 0));
        if let Some(in_flight) = output.machine.relit(self.now) {
            in_flight.abandon(std::time::Duration::from_nanos(self.now).as_millis() as u32);
        }
        output.ladder.reset();
        output.dirty = true;
        self.crc_modeset(id);
        Ok(())
    }
}
