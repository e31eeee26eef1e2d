//! Displays that are plugged in and unplugged while the session runs, and the removal of outputs.
//!
//! Nothing here waits: a display that is unplugged while its output is stalled is turned off when
//! the commit has flipped.

use crate::{
    output::{card::leaving::Leaving, state::Output},
    session::Syncline,
};

impl Syncline {
    /// The connectors of a card may have changed: reads them again.
    pub fn hot_plug(&mut self, serial: kms::CardSerial, wanted: Option<kms::ModeRequest>) {
        let Some(card) = self.outputs.cards.get_mut(serial) else { return };
        match card.inventory.refresh_connectors(&card.device) {
            Ok(changes) if changes.is_empty() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("cannot read the connectors: {error}");
                return;
            }
        }
        self.connectors_changed(serial, wanted);
    }

    /// The connectors of a card have changed: removes the outputs that are unplugged and lights new
    /// displays.
    pub fn connectors_changed(&mut self, serial: kms::CardSerial, wanted: Option<kms::ModeRequest>) {
        let Some(card) = self.outputs.cards.get_mut(serial) else { return };
        if card.known.reset() {
            self.renew_feedback();
        }
        let on_it = |output: &&mut Output| output.is_on(serial);
        self.outputs.list.iter_mut().filter(on_it).for_each(|output| output.ladder.reset());
        let before = self.output_areas();
        let connected = self.check_links(serial);
        let unplugged = |o: &mut Output| o.is_on(serial) && !connected.contains(&o.kms.connector_id());
        let gone = self.outputs.list.take(unplugged);
        for output in gone {
            self.remove_output(output);
        }
        self.arrange();
        self.light_up(serial, wanted, false).ok();
        self.displays_changed(&before);
    }

    /// The connectors of a card whose outputs stay. A link that has failed is trained again by the
    /// next frame. If the link does not offer the mode any more, the output is lit again with
    /// another mode.
    fn check_links(&mut self, serial: kms::CardSerial) -> Vec<kms::ConnectorId> {
        let mut good = Vec::new();
        let Some(card) = self.outputs.cards.get(serial) else { return good };
        for connector in card.inventory.connected() {
            let mut outputs = self.outputs.list.iter_mut().filter(|output| output.is_on(serial));
            let output = outputs.find(|output| output.kms.connector_id() == connector.id);
            if let Some(output) = output.filter(|_| connector.link_is_bad()) {
                tracing::warn!("{}: the link to the display has failed; setting the mode again", connector.name);
                if !connector.modes.contains(output.kms.mode()) {
                    continue;
                }
                (output.retrain, output.dirty) = (true, true);
            }
            good.push(connector.id);
        }
        good
    }

    /// A flip of a CRTC that no output has any more. Turns its display off if that has not happened
    /// yet. Lights a display that could not be lit because of that commit.
    pub fn flipped_without_output(&mut self, serial: kms::CardSerial, flip: &kms::Flip) {
        let outputs = &mut self.outputs;
        let Some(card) = outputs.cards.get_mut(serial) else { return };
        if let Some(at) = card.leaving.iter().position(|leaving| Some(leaving.kms.crtc_id()) == flip.crtc) {
            let mut leaving = card.leaving.swap_remove(at);
            if !leaving.kms.flipped(flip) {
                card.leaving.push(leaving);
            } else if !leaving.kms.needs_modeset() {
                card.turn_off(leaving);
            }
        }
        let lit = |id| outputs.list.iter().any(|o| o.is_on(serial) && o.kms.connector_id() == id);
        if outputs.active && card.inventory.connected().any(|connector| !lit(connector.id)) {
            let before = self.output_areas();
            self.light_up(serial, self.mode, false).ok();
            self.displays_changed(&before);
        }
    }

    /// Removes an output whose display is gone: its clients get their answers, and the kernel
    /// releases their buffers.
    pub fn remove_output(&mut self, output: Output) {
        tracing::info!("{} is unplugged", output.wl.name());
        self.retire_global(output.global.clone());
        if let Some(in_flight) = output.machine.end() {
            in_flight.abandon(self.millis());
        }
        self.outputs.renew_signalled();
        // The renderer has the targets of this output mapped.
        self.renderer_stale = true;
        let card = self.outputs.cards.of_mut(&output.kms);
        card.turn_off(Leaving { id: output.id, kms: output.kms });
    }

    /// Places the outputs side by side without gaps, in the order in which they came, to the right
    /// of those with a configured position.
    pub fn arrange(&mut self) {
        let list = &mut self.outputs.list;
        let right = list.iter().filter(|output| output.placed).map(|output| output.location.x + output.size.w).max();
        let mut x = right.unwrap_or(0);
        for output in list.iter_mut().filter(|output| !output.placed) {
            if output.location.x != x {
                output.location.x = x;
                output.wl.change_current_state(None, None, None, Some(output.location));
                output.dirty = true;
            }
            x += output.size.w;
        }
    }
}
