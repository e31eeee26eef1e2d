//! A mode on trial: it goes back to what it was unless somebody says that it is seen.
//!
//! The change itself is made in [`super::change`].

use fence::Ns;

use crate::session::{
    Syncline,
    displays::wishes::Chosen,
    parts::displays::{Asked, Former, Trial},
};

/// How long a mode is on trial, in seconds.
pub const TRIAL: u64 = 15;

impl Syncline {
    /// A mode was set: it is on trial from now on, `keep`: it is not.
    pub fn try_mode(&mut self, former: Former, keep: bool) {
        let trial = self.displays.trial.get_or_insert_with(|| Trial { until: 0, former: Vec::new() });
        let known = trial.former.iter().position(|known| known.place == former.place);
        match (known, keep) {
            (Some(known), true) => drop(trial.former.swap_remove(known)),
            (None, false) => trial.former.push(former),
            _ => {}
        }
        if !keep {
            trial.until = self.now + TRIAL * 1_000_000_000;
        }
        self.displays.trial.take_if(|trial| trial.former.is_empty());
    }

    /// What is on trial stays. Whether anything was.
    pub fn keep_modes(&mut self) -> bool {
        self.displays.trial.take().is_some()
    }

    /// When modes on trial go back; `None`: nothing is on trial, or it cannot end now.
    pub fn next_trial(&self) -> Option<Ns> {
        let waits = self.displays.change.is_some() || !self.outputs.active;
        self.displays.trial.as_ref().filter(|_| !waits).map(|trial| trial.until)
    }

    /// Modes whose trial is over go back.
    pub fn end_trial(&mut self) {
        if self.next_trial().is_none_or(|until| self.now < until) {
            return;
        }
        let former = self.displays.trial.take().map(|trial| trial.former).unwrap_or_default();
        let back = |Former { place, connector, mode }: Former| {
            tracing::info!("{}: nobody has said that its mode is to be kept; it goes back", place.name);
            let choice = self.displays.choices.get(place.card, &place.name).cloned();
            Chosen { choice: choice.map(|choice| crate::output::choices::Choice { mode, ..choice }), place, connector }
        };
        let there = |former: &Former| self.outputs.list.iter().any(|output| former.is_of(output));
        let chosen: Vec<_> = former.into_iter().filter(there).map(back).collect();
        if !chosen.is_empty() {
            self.change_displays(chosen, Asked::Nobody);
        }
    }
}
