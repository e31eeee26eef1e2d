//! How a display is to be shown: what was chosen for it, else what is configured, else where it was put before.
//!
//! It lights nothing; what differs in an output that is lit is brought up to date here, without a modeset.

use kms::{CardSerial, inventory::Connector};
use smithay::{
    output::Scale as WlScale,
    utils::{Logical, Point, Transform},
};

use crate::{
    config::OutputConfig,
    output::card::light::transform_of,
    render::Screen,
    session::Syncline,
    system::{id::OutputId, scale::Scale},
};

/// What needs no modeset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// `None`: beside the others.
    pub position: Option<Point<i32, Logical>>,
    /// What `wl_output` says.
    pub transform: Transform,
    pub scale: Scale,
}

/// What a display is said to mirror where it mirrors nothing.
pub const OFF: &str = "off";

/// How clients are told of a scale.
pub fn told(scale: Scale) -> WlScale {
    WlScale::Custom { advertised_integer: scale.whole(), fractional: scale.factor() }
}

impl Syncline {
    /// What is configured for a display.
    pub fn configured(&self, connector: &Connector) -> Option<&OutputConfig> {
        self.config.output_of(&connector.name, connector.edid.as_ref())
    }

    /// Where a display is, how it is turned, and how large things are on it.
    pub fn look_of(&self, card: CardSerial, connector: &Connector) -> Look {
        let choice = self.displays.choices.get(card, &connector.name);
        let configured = self.configured(connector);
        let position = choice.and_then(|choice| choice.position).or(configured.and_then(|output| output.position));
        let position = position.or_else(|| self.remembered_place(connector));
        let transform = choice.and_then(|choice| choice.transform).or(configured.map(|output| output.transform));
        let scale = choice.and_then(|choice| choice.scale).or(configured.map(|output| output.scale));
        Look {
            position: position.map(Into::into),
            transform: transform_of(connector.panel_orientation(), transform.unwrap_or_default()),
            scale: scale.unwrap_or_default(),
        }
    }

    /// Which display another one is to mirror, by its connector or by what the monitor calls itself.
    pub fn wanted_source(&self, card: CardSerial, connector: &Connector) -> Option<&str> {
        let choice = self.displays.choices.get(card, &connector.name).and_then(|choice| choice.mirror.as_deref());
        let configured = || self.configured(connector).and_then(|output| output.mirror.as_deref());
        choice.or_else(configured).filter(|name| *name != OFF)
    }

    /// Whether the refresh of a display is to vary, if it can.
    pub fn wants_vrr(&self, card: CardSerial, connector: &Connector) -> bool {
        let chosen = self.displays.choices.get(card, &connector.name).and_then(|choice| choice.vrr);
        chosen.unwrap_or_else(|| self.config.vrr(&connector.name, connector.edid.as_ref()))
    }

    /// Whether a display is to stay dark.
    pub fn stays_dark(&self, card: CardSerial, connector: &Connector) -> bool {
        let chosen = self.displays.choices.get(card, &connector.name).and_then(|choice| choice.on);
        !chosen.unwrap_or_else(|| self.configured(connector).is_none_or(|output| output.enabled))
    }

    /// Brings an output to what is wanted of it now, but for its mode. The caller arranges the outputs.
    pub fn renew_look(&mut self, id: OutputId) {
        let output = &self.outputs.list[id];
        let card = self.outputs.cards.of(&output.kms);
        let Some(connector) = card.inventory.connector(output.kms.connector_id()) else { return };
        let Look { position, transform, scale } = self.look_of(card.serial(), connector);
        let output = &mut self.outputs.list[id];
        let location = position.unwrap_or((output.location.x, 0).into());
        output.placed = position.is_some();
        let size = Screen::new(location, output.pixels(), transform, scale).area.size;
        if (output.location, output.size, output.transform, output.scale) == (location, size, transform, scale) {
            return;
        }
        if output.transform != transform || output.scale != scale {
            // What they show lies elsewhere.
            output.targets.iter_mut().for_each(|(_, pass)| *pass = 0);
            output.layouts.describe_again();
        }
        (output.location, output.size, output.transform, output.scale) = (location, size, transform, scale);
        let told_location = output.told_location();
        output.wl.change_current_state(None, Some(transform), Some(told(scale)), Some(told_location));
        output.scene.set_stale();
        output.dirty = true;
    }
}
