//! Displays that are plugged in and unplugged while the session runs, and the removal of outputs.
//!
//! Nothing here waits: a display that is unplugged while its output is stalled is turned off when
//! the commit has flipped.

use kms::inventory::Probe;

use crate::{
    output::{
        card::{leaving::Leaving, monitor::Verdict},
        state::Output,
    },
    session::Syncline,
};

impl Syncline {
    /// The connectors of a card may have changed: reads them again. Displays that could not be lit
    /// before are tried again.
    pub fn hot_plug(&mut self, serial: kms::CardSerial, probe: Probe, wanted: Option<kms::ModeRequest>) {
        let Some(card) = self.outputs.cards.get_mut(serial) else { return };
        let changes = match card.inventory.refresh(&card.device, probe) {
            Ok(changes) => changes,
            Err(error) => return tracing::warn!("cannot read the connectors: {error}"),
        };
        if !changes.is_empty() || !self.dark_displays(serial).is_empty() {
            self.connectors_changed(serial, wanted);
        }
    }

    /// The connectors of a card have changed: removes the outputs that are unplugged and lights new
    /// displays.
    pub fn connectors_changed(&mut self, serial: kms::CardSerial, wanted: Option<kms::ModeRequest>) {
        self.forget_refusals(serial);
        self.forget_choices(serial);
        self.remove_unplugged(serial);
        self.light_up(serial, wanted, false).ok();
        self.displays_changed();
    }

    /// What the kernel has refused on a card may work with other displays.
    pub fn forget_refusals(&mut self, serial: kms::CardSerial) {
        let Some(card) = self.outputs.cards.get_mut(serial) else { return };
        if card.known.reset() {
            self.renew_feedback();
        }
        let on_it = |output: &&mut Output| output.is_on(serial);
        self.outputs.list.iter_mut().filter(on_it).for_each(|output| output.ladder.reset());
    }

    /// What was chosen for a monitor does not count for another one.
    fn forget_choices(&mut self, serial: kms::CardSerial) {
        if let Some(card) = self.outputs.cards.get(serial) {
            self.displays.choices.keep_same(serial, &card.inventory.connectors);
        }
    }

    /// Removes the outputs of a card whose displays are gone, or are not what they were. A link that has
    /// failed is trained again by the next frame of its output.
    pub fn remove_unplugged(&mut self, serial: kms::CardSerial) {
        let Some(card) = self.outputs.cards.get(serial) else { return };
        let (mode, config, choices) = (self.mode, &self.config, &self.displays.choices);
        let gone = self.outputs.list.take(|output| {
            if !output.is_on(serial) {
                return false;
            }
            let id = output.kms.connector_id();
            let Some(connector) = card.inventory.usable(|_| true).find(|connector| connector.id == id) else {
                tracing::info!("{}: the display is unplugged", output.wl.name());
                return true;
            };
            let name = &connector.name;
            let configured = config.output_of(name, connector.edid.as_ref());
            let request = mode.or(configured.and_then(|output| output.mode));
            let by_client = choices.get(serial, name).and_then(|choice| choice.mode.as_ref());
            let chosen = by_client.is_some_and(|mode| mode.same_timing(output.kms.mode()))
                || request.is_some_and(|request| connector.mode_for(Some(request)).is_some());
            let verdict = output.monitor.compare(connector, output.kms.mode(), chosen);
            match verdict {
                Verdict::Same => {}
                Verdict::Another => tracing::info!("{name}: another monitor is there"),
                Verdict::ModeGone => tracing::warn!("{name}: the display does not offer its mode any more"),
                Verdict::PrefersAnother => tracing::info!("{name}: the display prefers another mode now"),
            }
            if verdict != Verdict::Same {
                return true;
            }
            if connector.link_is_bad() {
                tracing::warn!("{name}: the link to the display has failed; setting the mode again");
                (output.retrain, output.dirty) = (true, true);
            }
            false
        });
        for output in gone {
            // A connector of a DisplayPort hub that is gone never comes back under its id.
            if self.idle.off
                && let Some(card) = self.outputs.cards.get_mut(serial)
                && card.inventory.connector(output.kms.connector_id()).is_some()
            {
                card.asleep.push((output.kms.connector_id(), output.monitor.clone()));
            }
            self.remove_output(output);
        }
        self.arrange();
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
        if outputs.active && !self.dark_displays(serial).is_empty() {
            self.light_up(serial, self.mode, false).ok();
            self.displays_changed();
        }
    }

    /// Removes an output whose display is gone, or is to be lit in another way: its clients get their
    /// answers, and the kernel releases their buffers.
    pub fn remove_output(&mut self, output: Output) {
        tracing::info!("{}: its output ends", output.wl.name());
        self.retire_global(output.global.clone());
        self.close_layers(output.id);
        self.globals.gamma_controls.fail(output.id.0);
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
        self.choose_mirrors();
        let list = &mut self.outputs.list;
        let right =
            list.on_desktop().filter(|output| output.placed).map(|output| output.location.x + output.size.w).max();
        let mut x = right.unwrap_or(0);
        for output in list.iter_mut().filter(|output| !output.placed && output.mirror.is_none()) {
            if output.location.x != x {
                output.location.x = x;
                output.wl.change_current_state(None, None, None, Some(output.location));
                output.dirty = true;
            }
            x += output.size.w;
        }
        self.place_mirrors();
        let list = &mut self.outputs.list;
        let screens = list.iter().map(|output| (output.kms.device().serial(), output.screen()));
        self.desktop.cursor.keep(&screens.collect::<Vec<_>>());
    }
}
