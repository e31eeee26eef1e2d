//! The television of an output, woken and put to standby together with the output.
//!
//! The adapters themselves are in [`crate::devices::cec`].

use std::path::PathBuf;

use kms::cec::{Adapter, Event, Player, Readiness, machine::RemoteCommand};

use crate::{
    config,
    devices::cec::{ConnectorKey, Wire},
    session::Syncline,
    system::{
        id::{OutputId, Slot},
        reactor::EventSource,
    },
};

impl Syncline {
    /// Opens the CEC adapters of the lit outputs, and wakes their televisions. Called when outputs
    /// have been lit.
    pub fn cec_adopt(&mut self) {
        if !self.config.cec.enable {
            return;
        }
        if let Some(path) = self.config.cec.adapter.clone() {
            if !self.cec.knows(None) {
                self.cec_open(&path);
            }
            return;
        }
        for id in self.outputs.list.ids() {
            let place = self.cec_connector(id);
            if self.cec.knows(Some(place)) {
                continue;
            }
            let card = self.outputs.cards.of(&self.outputs.list[id].kms);
            if let Some(adapter) = card.number().and_then(|number| Adapter::of_connector(number, place.1)) {
                self.cec_bind(adapter, Some(place), self.outputs.list[id].wl.name());
            }
        }
    }

    /// The connector of an output.
    fn cec_connector(&self, id: OutputId) -> ConnectorKey {
        let output = &self.outputs.list[id].kms;
        (self.outputs.cards.of(output).serial(), output.connector_id())
    }

    /// The outputs are on again (start, VT): wakes the televisions and makes this session their
    /// source.
    pub fn cec_wake(&mut self) {
        self.cec.players().for_each(Player::wake);
    }

    /// An output is turned on: wakes its television and makes this session its source. Does the
    /// same for the configured adapter, which may belong to any output.
    pub fn cec_wake_one(&mut self, id: OutputId) {
        let place = self.cec_connector(id);
        self.cec.of(Some(place)).for_each(Player::wake);
        self.cec.of(None).for_each(Player::wake);
    }

    /// An output is turned off: with `standby-on-sleep`, its television goes to standby if it shows
    /// this session. The television of the configured adapter follows when the last output is
    /// turned off.
    pub fn cec_sleep_one(&mut self, id: OutputId) {
        let place = self.cec_connector(id);
        self.cec.of(Some(place)).for_each(Player::sleep);
        if self.outputs.all_off() {
            self.cec.of(None).for_each(Player::sleep);
        }
    }

    fn cec_open(&mut self, path: &PathBuf) {
        match Adapter::open(path) {
            Ok(adapter) => self.cec_bind(adapter, None, path.display().to_string()),
            Err(error) => tracing::warn!(
                "no CEC: {error}; check that the adapter is plugged in and that you are in the group `video`"
            ),
        }
    }

    fn cec_bind(&mut self, adapter: Adapter, connector: Option<ConnectorKey>, name: String) {
        let config::CecConfig { osd_name, standby_on_sleep, .. } = &self.config.cec;
        self.cec_address(&adapter, connector);
        let mut player = match Player::new(adapter, osd_name.0, *standby_on_sleep) {
            Ok(player) => player,
            Err(error) => return tracing::warn!("{name}: no CEC: {error}"),
        };
        let entry = self.cec.players.vacant_entry();
        if let Err(error) = self.reactor.add_with_priority(&player, EventSource::Cec(Slot(entry.key() as u32))) {
            return tracing::warn!("{name}: no CEC: {error}");
        }
        player.wake();
        let wire = Wire { player, connector, name };
        tracing::debug!("{}: CEC adapter {}", wire.name, wire.player.adapter().path().display());
        entry.insert(wire);
    }

    /// Sets the physical address of an adapter that cannot know it (USB dongles), from the EDID of
    /// its display or of the only display.
    fn cec_address(&self, adapter: &Adapter, connector: Option<ConnectorKey>) {
        if !adapter.info().is_ok_and(|info| info.wants_address()) {
            return;
        }
        let mut edids = self.outputs.list.iter().filter_map(|output| {
            let (card, id) = (self.outputs.cards.of(&output.kms), output.kms.connector_id());
            let wanted = connector.is_none_or(|own| own == (card.serial(), id));
            card.inventory.connector(id).filter(|_| wanted)?.edid.as_ref()?.cec_address
        });
        let Some(address) = edids.next() else { return };
        if let Err(error) = adapter.set_physical_address(address) {
            tracing::warn!("CEC: {error}");
        }
    }

    /// The descriptor of an adapter is ready.
    pub fn cec_event(&mut self, slot: Slot) {
        let Some(wire) = self.cec.players.get_mut(slot.0 as usize) else { return };
        let name = &wire.name;
        let follow = self.config.cec.follow_tv_standby;
        let mut standby = false;
        let read = wire.player.dispatch(|event| match event {
            Event::Claimed { logical, physical } => {
                let [a, b, c, d] = [12, 8, 4, 0].map(|shift| physical >> shift & 15);
                tracing::info!("{name}: CEC playback device {logical} at {a}.{b}.{c}.{d}");
            }
            Event::Lost => tracing::info!("{name}: CEC has no display"),
            Event::RemoteCommand(RemoteCommand::Standby) => standby = true,
            Event::RemoteCommand(heard) => tracing::debug!("{name}: CEC: {heard:?}"),
            // A television that is off is allowed not to acknowledge.
            Event::NotDelivered(opcode, status) => {
                tracing::debug!("{name}: CEC message {opcode:#04x} was not delivered (status {status:#04x})");
            }
            Event::Overrun(count) => tracing::warn!("{name}: {count} CEC messages were lost"),
        });
        if standby {
            tracing::info!(
                "{name}: the television goes to standby{}",
                if follow { "; turning this session's adapter to standby as well" } else { "" }
            );
            if follow {
                wire.player.sleep();
            }
        }
        match read {
            Ok(Readiness::Drained) => {}
            Ok(Readiness::Gone) => {
                tracing::info!("{name}: the CEC adapter is gone");
                drop(self.cec.players.try_remove(slot.0 as usize));
            }
            Err(error) => {
                tracing::warn!("{name}: CEC stops: {error}");
                drop(self.cec.players.try_remove(slot.0 as usize));
            }
        }
    }
}
