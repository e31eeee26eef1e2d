//! Which displays mirror others, and where they show them.
//!
//! ```text
//!  [[output]] mirror, `syncline msg output NAME mirror` ─→ who wants to mirror whom
//!       ─ both are lit, and neither has the other part already ─→ a mirror: nowhere on the desktop, with the source's area
//!       ─ the source is gone ─→ an output like any other, and back
//! ```
//!
//! A mirror is an output of its own: it latches, draws and flips by itself, at its rate, the layers of its source's area.
//! Nothing here draws.

use kms::inventory::Connector;

use crate::{
    output::{
        mirror::{Mirror, sources},
        state::Output,
    },
    render::Screen,
    session::{Syncline, displays::settings::OFF, globals::announce_output},
    system::id::OutputId,
};

/// Whether a display is called so, by its connector or by what the monitor calls itself.
fn is_called(connector: &Connector, name: &str) -> bool {
    connector.name == name || connector.edid.as_ref().is_some_and(|edid| edid.full_name() == name)
}

impl Syncline {
    /// Outputs have come or gone, or what they are to mirror has changed. The caller places those that are on the
    /// desktop afterwards, and then calls [`Syncline::place_mirrors`].
    pub fn choose_mirrors(&mut self) {
        let list = &self.outputs.list;
        let connector_of = |output: &Output| {
            let card = self.outputs.cards.get(output.kms.device().serial())?;
            Some((card.serial(), card.inventory.connector(output.kms.connector_id())?))
        };
        let wish = |output: &Output| {
            let (card, connector) = connector_of(output)?;
            let name = self.wanted_source(card, connector)?;
            let is_it = |other: &Output| connector_of(other).is_some_and(|(_, of)| is_called(of, name));
            list.iter().position(|other| other.id != output.id && is_it(other))
        };
        let wants: Vec<_> = list.iter().map(wish).collect();
        if wants.iter().all(Option::is_none) && list.iter().all(|output| output.mirror.is_none()) {
            return;
        }
        let ids = list.ids();
        for (id, source) in ids.iter().zip(sources(&wants)) {
            self.set_mirror(*id, source.map(|at| ids[at]));
        }
    }

    fn set_mirror(&mut self, id: OutputId, source: Option<OutputId>) {
        let output = &self.outputs.list[id];
        if output.mirror.map(|mirror| mirror.of) == source {
            return;
        }
        let name = |id: OutputId| self.outputs.list[id].wl.name();
        match source {
            Some(source) => tracing::info!("{}: mirrors {}", name(id), name(source)),
            None => tracing::info!("{}: mirrors nothing any more", name(id)),
        }
        match source {
            Some(_) => self.close_layers(id),
            // Clients that had closed their panels and backgrounds here make them again for a display that comes.
            None => self.announce_anew(id),
        }
        let mirror = source.map(|of| Mirror { of, screen: self.outputs.list[of].own_screen() });
        self.outputs.list[id].mirror = mirror;
        self.show_elsewhere(id);
        self.displays_stale = true;
        self.pointer_stale = true;
    }

    /// The display goes and comes, as clients see it.
    fn announce_anew(&mut self, id: OutputId) {
        self.retire_global(self.outputs.list[id].global.clone());
        let output = &mut self.outputs.list[id];
        output.global = announce_output(&self.display, &output.wl);
    }

    /// Outputs have their places on the desktop: those that mirror others show what is there now, and clients are told.
    pub fn place_mirrors(&mut self) {
        for id in self.outputs.list.ids() {
            let output = &self.outputs.list[id];
            if let Some(mirror) = output.mirror {
                let Some(source) = self.outputs.list.get(mirror.of) else { continue };
                let screen = Screen::mirroring(&source.own_screen(), output.pixels(), output.transform);
                if screen != mirror.screen {
                    self.outputs.list[id].mirror = Some(Mirror { screen, ..mirror });
                    self.show_elsewhere(id);
                }
            }
            let output = &self.outputs.list[id];
            let told = output.told_location();
            if output.wl.current_location() != told {
                output.wl.change_current_state(None, None, None, Some(told));
            }
        }
    }

    /// What an output shows lies elsewhere on the desktop now.
    fn show_elsewhere(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        output.targets.iter_mut().for_each(|(_, pass)| *pass = 0);
        output.layouts.describe_again();
        output.scene.set_stale();
        output.dirty = true;
    }

    /// Whether a display may be asked to mirror another one. Error: why not.
    pub fn check_mirror(&self, name: &str, of: &str) -> Result<(), String> {
        if of == OFF {
            return Ok(());
        }
        let others = || self.displays().filter(|(_, connector)| is_called(connector, of));
        // Two monitors may have one name.
        let found = others().find(|(_, connector)| connector.name != name).or_else(|| others().next());
        let Some((card, source)) = found else {
            let known: Vec<_> = self.displays().map(|(_, connector)| connector.name.as_str()).collect();
            return Err(format!("there is no display `{of}` to mirror; the displays are: {}", known.join(", ")));
        };
        if source.name == name {
            return Err(format!("{name} cannot mirror itself; `syncline msg output {name} mirror off` ends mirroring"));
        }
        if let Some(further) = self.wanted_source(card.serial(), source) {
            return Err(format!("{} is to mirror {further} itself; mirror that one instead", source.name));
        }
        let Some((_, own)) = self.displays().find(|(_, connector)| connector.name == name) else { return Ok(()) };
        let wants = |(card, other): &(&crate::output::card::card::Card, &Connector)| {
            // Two monitors may have one name, also that which one of them is to mirror.
            other.name != name && self.wanted_source(card.serial(), other).is_some_and(|of| is_called(own, of))
        };
        match self.displays().find(wants) {
            Some((_, other)) => Err(format!("{} is to mirror {name}; end that first", other.name)),
            None => Ok(()),
        }
    }
}
