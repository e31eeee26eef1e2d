//! Where displays lie, remembered for each set of displays that is plugged in together.
//!
//! A place that is chosen counts while the same displays are there. When the set was another one in between, what is
//! configured counts, and what was remembered where nothing is. No display is lit here, and nothing waits for
//! the disk.

use kms::inventory::Connector;

use crate::{
    output::places::{Placed, Places},
    session::Syncline,
    system::state_file::StateFile,
};

/// By which name a display is remembered.
fn name_of(connector: &Connector) -> String {
    connector.edid.as_ref().map_or_else(|| connector.name.clone(), |edid| edid.full_name())
}

impl Syncline {
    /// Remembers places in this file from now on, and takes those that are in it. This waits for the disk.
    pub fn remember_places_in(&mut self, file: StateFile) {
        let read = file.read().map_err(|error| error.to_string());
        match read.and_then(|text| text.as_deref().map_or(Ok(Places::default()), Places::read)) {
            Ok(places) => self.displays.places = places,
            // Somebody may have written it by hand: it is not overwritten before something is chosen.
            Err(error) => tracing::warn!("{}: places of displays are forgotten: {error}", file.path().display()),
        }
        self.displays.places_file = Some(file);
        self.displays.set = self.set_of_displays();
        self.renew_looks();
        self.displays_changed();
    }

    /// The names of the displays that are plugged in.
    fn set_of_displays(&self) -> Vec<String> {
        let mut names: Vec<String> = self.displays().map(|(_, connector)| name_of(connector)).collect();
        names.sort();
        names
    }

    /// Where a display was put while the same displays were plugged in.
    pub fn remembered_place(&self, connector: &Connector) -> Option<(i32, i32)> {
        self.displays.places.position(&self.displays.set, &name_of(connector))
    }

    /// Displays were plugged in or pulled out: what was chosen for the ones before does not count for these.
    pub fn look_at_set(&mut self) {
        if self.idle.off {
            // Monitors that sleep may look like ones that are gone.
            return;
        }
        let now = self.set_of_displays();
        if self.displays.set != now {
            self.displays.set = now;
            self.displays.choices.forget_positions();
            self.renew_looks();
        }
    }

    /// Brings all outputs to what is wanted of them now, but for their modes.
    pub fn renew_looks(&mut self) {
        self.outputs.list.ids().into_iter().for_each(|id| self.renew_look(id));
        self.arrange();
    }

    /// Displays were put somewhere by somebody: that is remembered for these displays.
    pub fn remember_places(&mut self) {
        let placed = self.displays().map(|(card, connector)| {
            let chosen = self.displays.choices.get(card.serial(), &connector.name).and_then(|choice| choice.position);
            Placed { name: name_of(connector), position: chosen.or_else(|| self.remembered_place(connector)) }
        });
        let placed: Vec<_> = placed.collect();
        let chosen = placed.iter().any(|placed| placed.position.is_some());
        if chosen
            && self.displays.places.remember(placed)
            && let Some(file) = &mut self.displays.places_file
        {
            file.write(self.displays.places.text());
        }
    }
}
