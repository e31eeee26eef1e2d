//! What is chosen for displays, and the change that is being made.
//!
//! Values only: [`crate::session::displays`] makes the change.

use fence::Ns;
use kms::{ConnectorId, Mode};
use protocols::output_management::Answer;

use crate::{
    control::socket::Ticket,
    output::{
        choices::{Choice, Choices, Place},
        places::Places,
        state::Output,
    },
    system::state_file::StateFile,
};

/// See above.
#[derive(Debug, Default)]
pub struct Displays {
    pub choices: Choices,
    /// At most one is made at a time.
    pub change: Option<Change>,
    /// Where displays were put.
    pub places: Places,
    /// Where that is kept; `None`: nowhere.
    pub places_file: Option<StateFile>,
    /// The displays that are plugged in, as they are remembered.
    pub set: Vec<String>,
    /// Modes that go back unless somebody keeps them.
    pub trial: Option<Trial>,
    /// Clients are to hear of displays.
    pub heads_stale: bool,
}

impl Displays {
    /// Whether a display is lit, or not, by the change that is being made alone.
    pub fn is_changing(&self, card: kms::CardSerial, connector: ConnectorId) -> bool {
        let is = |step: &Step| step.place.card == card && step.connector == connector;
        self.change.as_ref().is_some_and(|change| change.steps.iter().any(is))
    }
}

/// Displays that are to be shown otherwise, all of them or none.
#[derive(Debug)]
pub struct Change {
    pub steps: Vec<Step>,
    /// When it is given up (CLOCK_MONOTONIC).
    pub deadline: Ns,
    /// The kernel was busy: when it is tried again.
    pub again: Option<Ns>,
    pub asked: Asked,
}

/// What becomes of one display.
#[derive(Debug)]
pub struct Step {
    pub place: Place,
    pub connector: ConnectorId,
    /// What was chosen before.
    pub before: Option<Choice>,
    /// How it was lit; `None`: it was not.
    pub was: Option<Lit>,
    /// How it is to be lit; `None`: not at all.
    pub goal: Option<Lit>,
}

/// What takes a modeset to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lit {
    pub mode: Mode,
    /// The refresh varies.
    pub vrr: bool,
}

/// Who waits for a change.
#[derive(Debug)]
pub enum Asked {
    Client(Answer),
    /// `syncline msg`; `former`: its mode is to be on trial, unless `keep`.
    Msg {
        ticket: Ticket,
        former: Option<Former>,
        keep: bool,
    },
    Nobody,
}

/// Modes on trial.
#[derive(Debug)]
pub struct Trial {
    /// When they go back (CLOCK_MONOTONIC).
    pub until: Ns,
    pub former: Vec<Former>,
}

/// What mode was chosen for a display before.
#[derive(Debug)]
pub struct Former {
    pub place: Place,
    pub connector: ConnectorId,
    pub mode: Option<Mode>,
}

impl Former {
    /// Whether this output is lit at its connector.
    pub fn is_of(&self, output: &Output) -> bool {
        output.is_on(self.place.card) && output.kms.connector_id() == self.connector
    }
}
