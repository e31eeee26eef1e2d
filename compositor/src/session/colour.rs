//! The colour of displays: tables of clients (`wlr-gamma-control`), and the light of the night.
//!
//! The light changes once a minute while it changes, and wakes nobody otherwise. The clock of the session stands
//! still while the machine sleeps, so the time of the day is also looked at when somebody is active after a minute,
//! and when the session is on the screen again.
//!
//! What a display does with it is in [`crate::output::colour`].

use fence::Ns;
use protocols::gamma_control::{DisplayNumber, GammaControlHandler, GammaControls};
use smithay::{output::Output as WlOutput, reexports::wayland_server::protocol::wl_output};

use crate::{
    config::night_light::{NightMode, STEP},
    output::state::Output,
    session::Syncline,
};

const SECOND: Ns = 1_000_000_000;

impl Syncline {
    /// When the light is another one.
    pub fn next_night(&self) -> Option<Ns> {
        self.night.due.filter(|_| self.outputs.active)
    }

    /// The timer fired.
    pub fn night_timer(&mut self) {
        if self.next_night().is_some_and(|due| due <= self.now) {
            self.refresh_night();
        }
    }

    /// Somebody is active: the machine may have slept.
    pub fn look_at_night(&mut self) {
        let is_timed = self.night.due.is_some();
        if is_timed && self.now.saturating_sub(self.night.looked_at) > Ns::from(STEP) * SECOND {
            self.refresh_night();
        }
    }

    /// Gives all displays the light of this time.
    pub fn refresh_night(&mut self) {
        let config = &self.config.night_light;
        let (kelvin, again) = match self.night.mode {
            NightMode::Off => (None, None),
            NightMode::On => (Some(config.night.0), None),
            NightMode::Auto if !config.enabled => (None, None),
            NightMode::Auto => {
                let (kelvin, again) = config.at((self.night.time_of_day)());
                (Some(kelvin), again)
            }
        };
        self.night.looked_at = self.now;
        self.night.due = again.map(|seconds| self.now + Ns::from(seconds) * SECOND);
        for output in &mut self.outputs.list {
            if let Err(why) = output.set_night(kelvin)
                && !std::mem::replace(&mut self.night.told, true)
            {
                tracing::warn!("{}: no light of the night: {why}", output.wl.name());
            }
        }
    }

    /// Carries out `syncline msg night-light`.
    pub fn set_night_mode(&mut self, mode: NightMode) {
        self.night.mode = mode;
        self.refresh_night();
    }

    /// For `syncline msg status`.
    pub fn night_status(&self) -> serde_json::Value {
        let kelvin = self.outputs.list.iter().find_map(|output| output.colour.kelvin());
        serde_json::json!({ "mode": self.night.mode, "kelvin": kelvin })
    }
}

impl GammaControlHandler for Syncline {
    fn gamma_controls(&mut self) -> &mut GammaControls {
        &mut self.globals.gamma_controls
    }

    fn gamma_of(&self, output: &wl_output::WlOutput) -> Option<(DisplayNumber, usize)> {
        let wl = WlOutput::from_resource(output)?;
        let output = self.outputs.list.iter().find(|output| output.wl == wl)?;
        Some((output.id.0, output.gamma_entries()?))
    }

    fn set_gamma(&mut self, display: DisplayNumber, table: Option<&[[u16; 3]]>) -> bool {
        let is_it = |output: &&mut Output| output.id.0 == display;
        let Some(output) = self.outputs.list.iter_mut().find(is_it) else { return false };
        match output.set_client_table(table) {
            Ok(()) => true,
            Err(why) => {
                tracing::warn!("{}: a client's gamma table: {why}", output.wl.name());
                false
            }
        }
    }
}

protocols::delegate_gamma_control!(Syncline);
