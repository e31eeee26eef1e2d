//! Losing and regaining the VT. An output whose state is unknown is lit again, and what another program
//! has left on its card is turned off.
//!
//! The only frame made here is the empty one of a modeset.

use std::sync::Arc;

use kms::{PlaneState, Rect, SrcRect, inventory::Probe, recover::Remedy};
use rustix::io::Errno;

use crate::{
    config::Colour,
    output::{
        card::{
            card::Card,
            light::{Fallback, may_take_less, user_data},
        },
        planes::{attempt::FrameError, request::Held},
        power::MODESET_COMMIT,
        state::Output,
    },
    render::{Target, target::OPAQUE},
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
        for output in &mut self.outputs.list {
            output.reset();
            output.layouts.forget_tests();
        }
        let cards: Vec<kms::CardSerial> = self.outputs.cards.iter().map(Card::serial).collect();
        cards.into_iter().for_each(|card| self.take_card_back(card));
        self.drop_gone_cards();
        self.add_missed_cards();
    }

    /// Lights the displays of a card again, which another session had: what that has left is undone in
    /// the same commit. Displays that came and went meanwhile are noticed.
    fn take_card_back(&mut self, serial: kms::CardSerial) {
        let Some(card) = self.outputs.cards.get_mut(serial) else { return };
        let probe = if std::mem::take(&mut card.stale) { Probe::All } else { Probe::Nothing };
        let changed = match card.inventory.refresh(&card.device, probe) {
            Ok(changes) => !changes.is_empty(),
            Err(error) => {
                tracing::warn!("cannot read the connectors: {error}");
                false
            }
        };
        if changed {
            self.forget_refusals(serial);
            self.remove_unplugged(serial);
            self.displays_changed();
        }
        let ids = self.outputs.list.iter().filter(|output| output.is_on(serial)).map(|output| output.id);
        let ids: Vec<OutputId> = ids.collect();
        if ids.len() < 2 || !self.relight_together(serial, &ids) {
            ids.into_iter().for_each(|id| self.relight_alone(id));
        }
        // Also what was dark before: the monitors that had gone to sleep, those that were refused.
        self.light_up(serial, self.mode, false).ok();
        if !self.layout_knows_outputs() {
            self.displays_changed();
        }
    }

    /// Lights an output again that could not be lit with the others.
    fn relight_alone(&mut self, id: OutputId) {
        // Another one may have taken its CRTC.
        if !self.outputs.list.iter().any(|output| output.id == id) {
            return;
        }
        let Err(error) = self.light_again(id) else { return };
        tracing::error!("{}: {error}", self.outputs.list[id].wl.name());
        // The other session has left its image there: the next frame sets the mode.
        let output = &mut self.outputs.list[id];
        output.dirty = true;
        if matches!(error, FrameError::Refused(Remedy::Gone, _)) {
            self.outputs.cards.of_mut(&output.kms).gone = true;
        }
    }

    /// Sets the modes of outputs of one card, which were reset, in one commit. False: they are to be lit
    /// one by one.
    fn relight_together(&mut self, serial: kms::CardSerial, ids: &[OutputId]) -> bool {
        let Ok(blanks) = ids.iter().map(|id| self.blank(*id, self.is_plain(*id))).collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        self.undo_others(serial, ids);
        let outputs = self.outputs.list.iter_mut().filter(|output| ids.contains(&output.id));
        let mut frames: Vec<_> = outputs.zip(&blanks).map(|(output, blank)| blank.modeset(output)).collect();
        let number = ids.first().map_or(0, |first| user_data(*first, MODESET_COMMIT));
        let result = kms::frame::together::commit(&mut frames, number).map(drop);
        if result.is_err() {
            frames.into_iter().for_each(kms::Frame::cancel);
        }
        match result {
            Ok(()) => {
                ids.iter().zip(blanks).for_each(|(id, blank)| self.relit(*id, blank));
                true
            }
            Err(error) => {
                tracing::info!("lighting the displays one by one: {error}");
                false
            }
        }
    }

    fn undo_others(&mut self, serial: kms::CardSerial, ids: &[OutputId]) {
        let outputs = &mut self.outputs;
        let Some(card) = outputs.cards.get_mut(serial) else { return };
        let those = outputs.list.iter_mut().filter(|output| ids.contains(&output.id));
        card.undo_others(those.map(|output| &mut output.kms));
    }

    /// Sets the mode of an output that was reset again, with a new target that shows the background,
    /// and turns off what another program has left in its way. Refused: the remedy is to pause, to
    /// drop the card, or to wait for the flip or the watchdog.
    pub fn relight(&mut self, id: OutputId) -> Result<(), FrameError> {
        let plain = self.is_plain(id);
        let first = self.relight_with(id, plain);
        let Err(FrameError::Refused(_, error)) = &first else { return first };
        if plain || !may_take_less(error.errno) {
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

    /// Whether the kernel takes only images without a modifier for the output.
    fn is_plain(&self, id: OutputId) -> bool {
        self.outputs.list[id].fallback.as_ref().is_some_and(|fallback| fallback.plain)
    }

    /// The same; `plain`: with a target that has no modifier.
    fn relight_with(&mut self, id: OutputId, plain: bool) -> Result<(), FrameError> {
        let blank = self.blank(id, plain)?;
        self.undo_others(self.outputs.list[id].kms.device().serial(), &[id]);
        let frame = blank.modeset(&mut self.outputs.list[id]);
        frame.commit(user_data(id, MODESET_COMMIT)).map_err(|error| {
            let remedy = match error.errno {
                Errno::NODEV | Errno::NXIO => Remedy::Gone,
                Errno::ACCESS => Remedy::Pause,
                _ => Remedy::AfterFlip,
            };
            FrameError::Refused(remedy, error)
        })?;
        self.relit(id, blank);
        Ok(())
    }

    /// The first image of an output that is lit again: the background; `plain`: in a target that has no
    /// modifier.
    fn blank(&mut self, id: OutputId, plain: bool) -> Result<Blank, FrameError> {
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
        let all = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
        let state = PlaneState::new(framebuffer.id(), all.0, all.1);
        let (serial, capable) = (card.serial(), output.kms.vrr_capable());
        let connector = card.inventory.connector(output.kms.connector_id()).filter(|_| capable);
        let connector = connector.cloned();
        let vrr = connector.is_some_and(|connector| self.wants_vrr(serial, &connector));
        Ok(Blank { target, state, vrr })
    }

    /// The kernel has taken the modeset.
    fn relit(&mut self, id: OutputId, blank: Blank) {
        let output = &mut self.outputs.list[id];
        output.targets.push((blank.target, 0));
        if let Some(in_flight) = output.machine.relit(self.now) {
            in_flight.abandon(std::time::Duration::from_nanos(self.now).as_millis() as u32);
        }
        output.ladder.reset();
        output.dirty = true;
        self.crc_modeset(id);
    }
}

/// What an output shows that is lit again.
struct Blank {
    target: Arc<Target>,
    state: PlaneState<'static>,
    vrr: bool,
}

impl Blank {
    /// The modeset that shows it, not committed yet.
    fn modeset<'a>(&self, output: &'a mut Output) -> kms::Frame<'a, Held> {
        let mut frame = output.kms.modeset();
        output.settings.modeset();
        frame.connector(output.settings.state.clone()).crtc(output.colour.state.clone());
        frame.show(output.primary, self.state, Held::target(self.target.clone())).vrr(self.vrr);
        frame
    }
}
