//! Displays off and on (DPMS): who wants it, and how it comes about.
//!
//! ```text
//!  lit ── turn_off ──→ the flip in flight comes ──→ commit ACTIVE=0 ──→ its flip: dark
//!   ▲                                                                    │
//!   └── its flip ── the next frame's commit, with ACTIVE=1 ◀── turn_on ──┘
//! ```
//!
//! No step waits: each is a non-blocking commit, which the kernel takes once the one before has flipped. A dark display keeps its mode and the
//! buffers on its planes. To its clients it is what a hidden window is: one frame callback a second, no presentation feedback for
//! what is not shown; the frame that wakes it shows what they have committed last.
//!
//! What nobody's absence but a request turned off stays off until a request, or until the user is here and no display is on.

use smithay::{output::Output as WlOutput, reexports::wayland_server::protocol::wl_output};

use protocols::output_power::{OutputPowerHandler, OutputPowerState};

use super::{Output, Outputs, Phase, light::user_data};
use crate::{state::Syncline, trace};

/// Why a display is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nobody is here.
    Idle,
    /// The user, or a client, asked for it.
    Asked,
}

/// Number of the commit that turns a display off, in place of a frame's.
const SLEEP: u64 = (1 << 48) - 2;

impl Output {
    /// Nobody sees what is new on it: it is off or about to be, or held behind a fence.
    pub(super) fn is_dark(&self) -> bool {
        self.off.is_some() || self.watch.is_held()
    }
}

impl Outputs {
    /// Whether a display is off, or about to be.
    pub fn any_off(&self) -> bool {
        self.list.iter().any(|output| output.off.is_some())
    }

    /// Whether every display is off, or about to be.
    pub fn all_off(&self) -> bool {
        self.list.iter().all(|output| output.off.is_some())
    }
}

impl Syncline {
    /// Turns a display off, as soon as its last frame is on the screen.
    pub fn turn_off(&mut self, index: usize, why: Why) {
        let output = &mut self.outputs.list[index];
        if output.off.is_none() {
            output.off = Some(why);
            // Its clients are to be told.
            output.dirty = true;
        }
    }

    /// Turns a display on, with its next frame.
    pub fn turn_on(&mut self, index: usize) {
        let output = &mut self.outputs.list[index];
        if output.off.take().is_some() {
            output.dirty = true;
            self.cec_wake_one(index);
        }
    }

    /// The user is here: turns on what is off because he was not, or everything if nothing is on.
    pub fn wake_for_user(&mut self) {
        let dark = self.outputs.all_off();
        for index in 0..self.outputs.list.len() {
            if dark || self.outputs.list[index].off == Some(Why::Idle) {
                self.turn_on(index);
            }
        }
    }

    /// All displays were lit anew: none is off any more.
    pub fn all_are_on(&mut self) {
        self.outputs.list.iter_mut().for_each(|output| output.off = None);
        self.power_stale = true;
    }

    /// At the end of every wake-up: turns off what is to be and can be.
    pub(super) fn put_to_sleep(&mut self) {
        for index in 0..self.outputs.list.len() {
            let output = &mut self.outputs.list[index];
            let ready = output.off.is_some() && !output.kms.is_asleep() && output.phase != Phase::InFlight;
            if !ready || !self.outputs.active {
                continue;
            }
            // While its vblanks still run.
            self.crc_dark(index);
            let output = &mut self.outputs.list[index];
            match output.kms.sleep(user_data(output.id, SLEEP)) {
                Ok(()) => {
                    output.phase = Phase::InFlight;
                    output.watch.committed(self.now);
                    trace::power(self.now, output.id, output.frame, false);
                    self.power_stale = true;
                    self.cec_sleep_one(index);
                }
                Err(error) => {
                    tracing::warn!("{}: it cannot be turned off: {error}", output.wl.name());
                    (output.off, output.dirty) = (None, true);
                }
            }
        }
        if std::mem::take(&mut self.power_stale) {
            let outputs = &self.outputs;
            self.output_power.send_changes(|wl| outputs.is_on(wl));
        }
    }
}

impl Outputs {
    /// Whether a client's wl_output is on; `None` if it is gone.
    fn is_on(&self, wl: &wl_output::WlOutput) -> Option<bool> {
        let output = WlOutput::from_resource(wl)?;
        self.list.iter().find(|o| o.wl == output).map(|o| !o.kms.is_asleep())
    }
}

impl OutputPowerHandler for Syncline {
    fn output_power_state(&mut self) -> &mut OutputPowerState {
        &mut self.output_power
    }

    fn is_on(&self, output: &wl_output::WlOutput) -> Option<bool> {
        self.outputs.is_on(output)
    }

    fn set_power(&mut self, output: &wl_output::WlOutput, on: bool) {
        let Some(wl) = WlOutput::from_resource(output) else { return };
        if let Some(index) = self.outputs.list.iter().position(|o| o.wl == wl) {
            self.set_power_of(index, on);
        }
    }
}

impl Syncline {
    fn set_power_of(&mut self, index: usize, on: bool) {
        if !on {
            return self.turn_off(index, Why::Asked);
        }
        self.turn_on(index);
        self.count_absence_anew();
    }

    /// `syncline msg output NAME on|off`.
    pub fn power_by_name(&mut self, name: &str, on: bool) -> Result<(), String> {
        let Some(index) = self.outputs.list.iter().position(|output| output.wl.name() == name) else {
            let known: Vec<String> = self.outputs.list.iter().map(|output| output.wl.name()).collect();
            return Err(format!("there is no output `{name}`; there is: {}", known.join(", ")));
        };
        self.set_power_of(index, on);
        Ok(())
    }
}
