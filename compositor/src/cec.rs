//! The television's side of an output: CEC adapters of the connectors, woken and put to sleep with the session.
//!
//! Each lit output whose connector has an adapter gets one playback device; `[cec] adapter` names one that no connector
//! knows of (USB dongles). A wire that fails costs a line in the log, never the session, and nothing here waits for it.

use std::path::PathBuf;

use kms::cec::{Adapter, Event, Player, Readiness, machine::RemoteCommand};

use crate::{config, reactor::Source, state::Syncline};

/// The session's playback devices.
#[derive(Debug, Default)]
pub struct Cec {
    /// By slot, which is what the reactor knows them by.
    players: Vec<Option<Wire>>,
}

/// A connector: its card's serial, and its id there.
type Place = (kms::CardSerial, u32);

#[derive(Debug)]
struct Wire {
    player: Player,
    /// The connector that it belongs to; `None` for the adapter of the configuration.
    connector: Option<Place>,
    /// For the log: the connector's name, or the adapter's path.
    name: String,
}

impl Cec {
    fn players(&mut self) -> impl Iterator<Item = &mut Player> {
        self.players.iter_mut().flatten().map(|wire| &mut wire.player)
    }

    /// A card is gone, with its connectors' adapters.
    pub fn forget(&mut self, card: kms::CardSerial) {
        let of_it = |wire: &Option<Wire>| wire.as_ref().and_then(|wire| wire.connector).is_some_and(|at| at.0 == card);
        self.players.iter_mut().filter(|wire| of_it(wire)).for_each(|wire| *wire = None);
    }

    fn of(&mut self, connector: Option<Place>) -> impl Iterator<Item = &mut Player> {
        let wires = self.players.iter_mut().flatten();
        wires.filter(move |wire| wire.connector == connector).map(|wire| &mut wire.player)
    }

    fn knows(&self, connector: Option<Place>) -> bool {
        self.players.iter().flatten().any(|wire| wire.connector == connector)
    }
}

impl Syncline {
    /// Takes the adapters of the outputs that are lit, and wakes their televisions. Called when outputs were lit.
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
        for index in 0..self.outputs.list.len() {
            let place = self.cec_place(index);
            if self.cec.knows(Some(place)) {
                continue;
            }
            let card = self.outputs.cards.of(&self.outputs.list[index].kms);
            if let Some(adapter) = card.number().and_then(|number| Adapter::of_connector(number, place.1)) {
                self.cec_bind(adapter, Some(place), self.outputs.list[index].wl.name());
            }
        }
    }

    /// The connector of an output.
    fn cec_place(&self, index: usize) -> Place {
        let output = &self.outputs.list[index].kms;
        (self.outputs.cards.of(output).serial(), output.connector_id())
    }

    /// The outputs are on again (start, VT): televisions wake and show us.
    pub fn cec_wake(&mut self) {
        self.cec.players().for_each(Player::wake);
    }

    /// An output is turned on: its television wakes and shows us, and that of the configured adapter, which may be any output's.
    pub fn cec_wake_one(&mut self, index: usize) {
        let place = self.cec_place(index);
        self.cec.of(Some(place)).for_each(Player::wake);
        self.cec.of(None).for_each(Player::wake);
    }

    /// An output is turned off: with `standby-on-sleep` its television goes to standby if it shows us; that of the configured
    /// adapter with the last output.
    pub fn cec_sleep_one(&mut self, index: usize) {
        let place = self.cec_place(index);
        self.cec.of(Some(place)).for_each(Player::sleep);
        if self.outputs.all_off() {
            self.cec.of(None).for_each(Player::sleep);
        }
    }

    fn cec_open(&mut self, path: &PathBuf) {
        match Adapter::open(path) {
            Ok(adapter) => self.cec_bind(adapter, None, path.display().to_string()),
            Err(error) => tracing::warn!("no CEC: {error}; is it there, and are you in the group `video`?"),
        }
    }

    fn cec_bind(&mut self, adapter: Adapter, connector: Option<Place>, name: String) {
        let config::Cec { osd_name, standby_on_sleep, .. } = &self.config.cec;
        self.cec_address(&adapter, connector);
        let mut player = match Player::new(adapter, osd_name.0, *standby_on_sleep) {
            Ok(player) => player,
            Err(error) => return tracing::warn!("{name}: no CEC: {error}"),
        };
        let slot = self.cec.players.iter().position(Option::is_none).unwrap_or(self.cec.players.len());
        if let Err(error) = self.reactor.add_with_priority(&player, Source::Cec(slot as u32)) {
            return tracing::warn!("{name}: no CEC: {error}");
        }
        player.wake();
        let wire = Wire { player, connector, name };
        tracing::debug!("{}: CEC adapter {}", wire.name, wire.player.adapter().path().display());
        match self.cec.players.get_mut(slot) {
            Some(free) => *free = Some(wire),
            None => self.cec.players.push(Some(wire)),
        }
    }

    /// Gives an adapter that cannot know its place (USB dongles) that of its display's EDID, or of the only display's.
    fn cec_address(&self, adapter: &Adapter, connector: Option<Place>) {
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

    /// An adapter has something to say.
    pub fn cec_event(&mut self, slot: u32) {
        let Some(Some(wire)) = self.cec.players.get_mut(slot as usize) else { return };
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
            // A television that is off does not acknowledge; that is its right.
            Event::NotDelivered(opcode, status) => {
                tracing::debug!("{name}: CEC message {opcode:#04x} was not taken (status {status:#04x})");
            }
            Event::Overrun(count) => tracing::warn!("{name}: {count} CEC messages were lost"),
        });
        if standby {
            tracing::info!("{name}: the television goes to standby{}", if follow { ", we follow" } else { "" });
            if follow {
                wire.player.sleep();
            }
        }
        match read {
            Ok(Readiness::Drained) => {}
            Ok(Readiness::Gone) => {
                tracing::info!("{name}: the CEC adapter is gone");
                self.cec.players[slot as usize] = None;
            }
            Err(error) => {
                tracing::warn!("{name}: no more CEC: {error}");
                self.cec.players[slot as usize] = None;
            }
        }
    }
}
