//! What was chosen for displays while the session runs, by a client or by `syncline msg`. It goes before
//! the configuration.
//!
//! Values only: [`crate::session::displays`] makes displays so.

use kms::{CardSerial, Mode, inventory::Connector};
use smithay::utils::Transform;

use crate::{output::card::monitor::Monitor, system::scale::Scale};

/// The most connectors for which something is chosen. Docks that come and go may have new ones each time.
const MOST: usize = 64;

/// A connector, which may have no display now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub card: CardSerial,
    /// The name of the connector.
    pub name: String,
}

/// What is chosen for one display. What is `None` is as the configuration has it.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// For which it was chosen.
    pub monitor: Monitor,
    /// It is lit, or not.
    pub on: Option<bool>,
    pub mode: Option<Mode>,
    pub position: Option<(i32, i32)>,
    /// On top of what makes a panel upright that is mounted turned.
    pub transform: Option<Transform>,
    pub scale: Option<Scale>,
    pub vrr: Option<bool>,
    /// The name of the display that it mirrors, or `off`.
    pub mirror: Option<String>,
}

/// The choices by their connectors.
#[derive(Debug, Default)]
pub struct Choices(Vec<(Place, Choice)>);

impl Choices {
    /// What is chosen for a display.
    pub fn get(&self, card: CardSerial, name: &str) -> Option<&Choice> {
        let is = |(place, _): &&(Place, Choice)| place.card == card && place.name == name;
        self.0.iter().find(is).map(|(_, choice)| choice)
    }

    /// Chooses, or chooses nothing any more. What was chosen before.
    pub fn set(&mut self, place: &Place, choice: Option<Choice>) -> Option<Choice> {
        let before = self.0.iter().position(|(known, _)| known == place).map(|at| self.0.remove(at).1);
        if let Some(choice) = choice {
            if self.0.len() == MOST {
                self.0.remove(0);
            }
            self.0.push((place.clone(), choice));
        }
        before
    }

    /// Forgets where displays are to be.
    pub fn forget_positions(&mut self) {
        self.0.iter_mut().for_each(|(_, choice)| choice.position = None);
    }

    /// Forgets what was chosen for a monitor in whose place there is another one now.
    pub fn keep_same(&mut self, card: CardSerial, connectors: &[Connector]) {
        self.0.retain(|(place, choice)| {
            let there = connectors.iter().find(|there| place.card == card && there.name == place.name);
            let edids = there.and_then(|there| choice.monitor.edid().zip(there.edid.as_ref()));
            edids.is_none_or(|(old, new)| old.is_of_same_display(new))
        });
    }
}

#[cfg(test)]
mod tests {
    use kms::{inventory::Edid, scripted::Stock};

    use super::*;

    fn place(name: &str) -> Place {
        Place { card: CardSerial::from_raw(1), name: name.to_owned() }
    }

    #[test]
    fn a_choice_is_for_its_connector_and_of_many_the_oldest_is_forgotten() {
        let mut choices = Choices::default();
        for number in 0..=MOST {
            choices.set(&place(&format!("DP-{number}")), Some(Choice { on: Some(false), ..Choice::default() }));
        }
        let on = |choices: &Choices, name: &str| choices.get(CardSerial::from_raw(1), name).and_then(|of| of.on);
        assert_eq!((on(&choices, "DP-0"), on(&choices, "DP-1")), (None, Some(false)));
        assert!(choices.get(CardSerial::from_raw(2), "DP-1").is_none());
        assert!(choices.set(&place("DP-1"), None).is_some());
        assert_eq!(on(&choices, "DP-1"), None);
    }

    #[test]
    fn what_was_chosen_for_a_monitor_ends_when_another_one_is_there() {
        let mut connector = Stock::default().inventory().connectors.swap_remove(0);
        let edid = |serial_number| Some(Edid { serial_number, ..Edid::default() });
        connector.edid = edid(1);
        let choice = Choice { monitor: Monitor::of(&connector), on: Some(false), ..Choice::default() };
        let mut choices = Choices::default();
        choices.set(&place(&connector.name), Some(choice));
        let mut kept = |connector: &Connector| {
            choices.keep_same(CardSerial::from_raw(1), std::slice::from_ref(connector));
            choices.get(CardSerial::from_raw(1), &connector.name).is_some()
        };
        assert!(kept(&connector));
        connector.connection = kms::inventory::Connection::Disconnected;
        connector.edid = None;
        assert!(kept(&connector), "it is away");
        (connector.connection, connector.edid) = (kms::inventory::Connection::Connected, edid(2));
        assert!(!kept(&connector));
    }
}
