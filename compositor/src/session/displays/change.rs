//! A change of displays: all of it is made, or nothing.
//!
//! It is tested first. Then it goes on at each wake-up, as far as the flips that it waits for have come:
//! what is to be off is off before anything else is lit, and no mode is set while a commit is in flight.
//! What has been done is undone if the kernel refuses the rest, or if it takes too long.

use fence::Ns;
use kms::{CardSerial, inventory::Connector};

use crate::{
    output::state::Output,
    session::{
        Syncline,
        displays::{
            modesets::{Refusal, Work},
            trial::TRIAL,
            wishes::Chosen,
        },
        parts::displays::{Asked, Change, Lit, Step},
    },
};

/// After this time a change is given up: a flip that it waits for has not come.
const LIMIT: Ns = 4_000_000_000;
/// When one that was busy is tried again.
const SOON: Ns = 5_000_000;

/// How a change stands.
enum Progress {
    Done,
    /// For a flip.
    Waits,
    Refused(String),
    /// The displays are others than they were.
    Gone(String),
}

fn is(output: &Output, step: &Step) -> bool {
    output.is_on(step.place.card) && output.kms.connector_id() == step.connector
}

fn lit(output: &Output) -> Lit {
    Lit { mode: output.kms.mode().clone(), vrr: output.kms.vrr() }
}

impl Syncline {
    /// Whether the displays could be shown so; nothing is changed. Error: why not.
    pub fn test_change(&mut self, chosen: Vec<Chosen>) -> Result<(), String> {
        if !self.outputs.active {
            return Err("another session is on the screen".to_owned());
        }
        let steps = self.steps_of(chosen);
        let tested = self.test_steps(&steps);
        self.choose_back(steps);
        tested
    }

    /// Shows displays as they are chosen, and answers who has asked when that is done.
    pub fn change_displays(&mut self, chosen: Vec<Chosen>, asked: Asked) {
        if !self.outputs.active {
            return asked.failed(self, "another session is on the screen");
        }
        let steps = self.steps_of(chosen);
        if let Err(why) = self.test_steps(&steps) {
            self.choose_back(steps);
            return asked.failed(self, &why);
        }
        let goes = |output: &mut Output| steps.iter().any(|step| step.goal.is_none() && is(output, step));
        let off = self.outputs.list.take(goes);
        self.displays.change = Some(Change { steps, deadline: self.now + LIMIT, again: None, asked });
        if !off.is_empty() {
            off.into_iter().for_each(|output| self.remove_output(output));
            self.arrange();
            self.displays_changed();
        }
        self.go_on_changing();
    }

    /// When a change that waits is to be looked at.
    pub fn next_change(&self) -> Option<Ns> {
        let Some(change) = self.displays.change.as_ref() else { return self.next_trial() };
        Some(change.deadline.min(change.again.unwrap_or(Ns::MAX)))
    }

    /// Does what can be done of the change now.
    pub fn go_on_changing(&mut self) {
        let Some(mut change) = self.displays.change.take() else { return self.end_trial() };
        let progress = match self.progress(&mut change) {
            Progress::Waits if self.now >= change.deadline => {
                Progress::Refused("a flip has not come in time".to_owned())
            }
            progress => progress,
        };
        match progress {
            Progress::Waits => self.displays.change = Some(change),
            Progress::Done => {
                if !matches!(change.asked, Asked::Nobody) {
                    self.remember_places();
                }
                self.renew_looks();
                self.displays_changed();
                change.asked.succeeded(self);
            }
            Progress::Refused(why) => {
                self.undo(change.steps);
                change.asked.failed(self, &why);
            }
            Progress::Gone(why) => {
                self.undo(change.steps);
                change.asked.cancelled(self, &why);
            }
        }
    }

    fn progress(&mut self, change: &mut Change) -> Progress {
        change.again = None;
        if !self.outputs.active {
            return Progress::Refused("another session has come on the screen".to_owned());
        }
        for card in cards_of(&change.steps) {
            let work = match self.work_on(card, &change.steps) {
                Ok(work) if work.is_empty() => continue,
                Ok(work) => work,
                Err(why) => return Progress::Gone(why),
            };
            let leaves = self.outputs.cards.get(card).is_some_and(|card| !card.leaving.is_empty());
            let mut outputs = work.modesets.iter().filter_map(|(id, _)| self.outputs.list.get(*id));
            if leaves || outputs.any(|output| output.machine.is_in_flight()) {
                return Progress::Waits;
            }
            match self.set_modes(card, &work) {
                Ok(()) => {}
                Err(Refusal { busy: true, why }) => {
                    tracing::debug!("{why}; trying again soon");
                    change.again = Some(self.now + SOON);
                    return Progress::Waits;
                }
                Err(Refusal { why, .. }) => return Progress::Refused(why),
            }
        }
        Progress::Done
    }

    /// What is left to be done on a card. Error: a display, or its mode, is gone.
    fn work_on(&self, card: CardSerial, steps: &[Step]) -> Result<Work, String> {
        let mut work = Work::default();
        for step in steps.iter().filter(|step| step.place.card == card) {
            let output = self.outputs.list.iter().find(|output| is(output, step));
            let Some(goal) = &step.goal else {
                work.off.extend(output.map(|output| output.id));
                continue;
            };
            let connector =
                self.connector(step).filter(|connector| connector.modes.iter().any(|of| of.same_timing(&goal.mode)));
            let connector = connector.ok_or_else(|| format!("{}: the display has changed", step.place.name))?;
            match output {
                None => work.lights.push((connector.clone(), goal.clone())),
                Some(output) if lit(output) != *goal => work.modesets.push((output.id, goal.clone())),
                Some(_) => {}
            }
        }
        Ok(work)
    }

    fn connector(&self, step: &Step) -> Option<&Connector> {
        let is = |connector: &Connector| connector.id == step.connector;
        self.displays().find(|(card, of)| card.serial() == step.place.card && is(of)).map(|(_, connector)| connector)
    }

    /// Chooses, and says what follows for each display.
    fn steps_of(&mut self, chosen: Vec<Chosen>) -> Vec<Step> {
        let step = |Chosen { place, connector, choice }: Chosen| {
            let named_mode = choice.as_ref().is_some_and(|choice| choice.mode.is_some());
            let before = self.displays.choices.set(&place, choice);
            let mut step = Step { place, connector, before, was: None, goal: None };
            let output = self.outputs.list.iter().find(|output| is(output, &step));
            step.was = output.map(lit);
            let card = step.place.card;
            let there = self.connector(&step).filter(|connector| !self.stays_dark(card, connector));
            step.goal = there.and_then(|connector| {
                // Without a mode, neither now nor before, it stays as it is lit.
                let had_mode = step.before.as_ref().is_some_and(|before| before.mode.is_some());
                let stays = output.filter(|_| !named_mode && !had_mode).map(|output| output.kms.mode().clone());
                let mode = stays.or_else(|| self.mode_of(card, connector, self.mode, false).ok())?;
                Some(Lit { mode, vrr: connector.vrr_capable() && self.wants_vrr(card, connector) })
            });
            step
        };
        chosen.into_iter().map(step).collect()
    }

    fn test_steps(&mut self, steps: &[Step]) -> Result<(), String> {
        for card in cards_of(steps) {
            let work = self.work_on(card, steps)?;
            if !work.is_empty() {
                self.test_modesets(card, &work).map_err(|refusal| refusal.why)?;
            }
        }
        Ok(())
    }

    /// What was chosen before the steps is chosen again.
    fn choose_back(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.displays.choices.set(&step.place, step.before);
        }
    }

    /// Displays are shown again as they were before the steps.
    fn undo(&mut self, steps: Vec<Step>) {
        let differs = |output: &mut Output| {
            let step = steps.iter().find(|step| is(output, step));
            step.is_some_and(|step| step.was.as_ref() != Some(&lit(output)))
        };
        let gone = self.outputs.list.take(differs);
        let cards = cards_of(&steps);
        self.choose_back(steps);
        gone.into_iter().for_each(|output| self.remove_output(output));
        self.arrange();
        if self.outputs.active {
            cards.into_iter().for_each(|card| self.light_up(card, self.mode, false).unwrap_or_default());
        }
        self.displays_changed();
    }
}

/// The cards of the displays of these steps, each once.
fn cards_of(steps: &[Step]) -> Vec<CardSerial> {
    let mut cards: Vec<_> = steps.iter().map(|step| step.place.card).collect();
    cards.dedup();
    cards
}

impl Asked {
    fn succeeded(self, state: &mut Syncline) {
        match self {
            Self::Client(answer) => {
                // It has its own way to ask whether something is seen.
                state.keep_modes();
                answer.succeeded();
            }
            Self::Msg { ticket, former, keep } => {
                let trial = (former.is_some() && !keep).then_some(TRIAL);
                former.into_iter().for_each(|former| state.try_mode(former, keep));
                state.answer_ticket(ticket, Ok(serde_json::json!({ "trial": trial })));
            }
            Self::Nobody => {}
        }
    }

    fn failed(self, state: &mut Syncline, why: &str) {
        tracing::info!("displays stay as they were: {why}");
        match self {
            Self::Client(answer) => drop(answer),
            Self::Msg { ticket, .. } => state.answer_ticket(ticket, Err(format!("nothing was changed: {why}"))),
            Self::Nobody => {}
        }
    }

    fn cancelled(self, state: &mut Syncline, why: &str) {
        match self {
            Self::Client(answer) => {
                tracing::info!("displays stay as they were: {why}");
                answer.cancelled();
            }
            other => other.failed(state, why),
        }
    }
}
