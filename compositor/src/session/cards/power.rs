//! Turning displays off and on (DPMS): the reasons, and the steps.
//!
//! ```text
//!  lit ── turn_off ──→ the flip in flight comes ──→ commit ACTIVE=0 ──→ its flip: off
//!   ▲                                                                    │
//!   └── its flip ── the next frame's commit, with ACTIVE=1 ◀── turn_on ──┘
//! ```
//!
//! No step waits: each is a non-blocking commit, which the kernel accepts once the previous one has
//! flipped. A display that is off keeps its mode and the buffers on its planes. Its clients are
//! treated like those of hidden windows: one frame callback a second, and no presentation feedback
//! for content that is not shown. The frame that turns the display on shows their latest commits.
//!
//! A display that was turned off by a request, not because the user was idle, stays off until there
//! is a request, or until the user is active and no display is on.

use protocols::output_power::{OutputPowerHandler, OutputPowerState};
use smithay::{output::Output as WlOutput, reexports::wayland_server::protocol::wl_output};

use crate::{
    output::{card::light::user_data, phase::OffReason, power::OFF_COMMIT},
    session::Syncline,
    system::{id::OutputId, trace},
};

impl Syncline {
    /// Turns a display off, as soon as its last frame is on the screen.
    pub fn turn_off(&mut self, id: OutputId, why: OffReason) {
        let output = &mut self.outputs.list[id];
        if output.machine.want_off(why) {
            // The answers to its clients are due.
            output.dirty = true;
        }
    }

    /// Turns a display on, with its next frame.
    pub fn turn_on(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        if output.machine.want_on() {
            output.dirty = true;
            self.cec_wake_one(id);
        }
    }

    /// The user is active: turns on the displays that are off because the user was idle; all
    /// displays if none is on.
    pub fn wake_for_user(&mut self) {
        let all_off = self.outputs.all_off();
        for id in self.outputs.list.ids() {
            if all_off || self.outputs.list[id].machine.off() == Some(OffReason::Idle) {
                self.turn_on(id);
            }
        }
    }

    /// All displays have been lit again: none is off any more.
    pub fn mark_all_on(&mut self) {
        for output in self.outputs.list.iter_mut() {
            output.machine.want_on();
        }
        self.power_stale = true;
    }

    /// Turns off the displays that should be off, once nothing is in flight. Called at the end of
    /// every wake-up.
    pub fn turn_off_due(&mut self) {
        for id in self.outputs.list.ids() {
            let output = &mut self.outputs.list[id];
            if !output.machine.can_turn_off() || !self.outputs.active {
                continue;
            }
            // While the vblanks still run.
            self.crc_suspend(id);
            let output = &mut self.outputs.list[id];
            match output.kms.sleep(user_data(output.id, OFF_COMMIT)) {
                Ok(()) => {
                    output.machine.turned_off(self.now);
                    trace::power(self.now, output.id, output.frame, false);
                    self.power_stale = true;
                    self.cec_sleep_one(id);
                }
                Err(error) => {
                    tracing::warn!("{}: cannot turn the display off: {error}", output.wl.name());
                    output.machine.want_on();
                    output.dirty = true;
                }
            }
        }
        if std::mem::take(&mut self.power_stale) {
            self.listeners_stale = true;
            let outputs = &self.outputs;
            self.globals.output_power.send_changes(|wl| outputs.is_on(wl));
            self.tell_listeners();
        }
    }
}

impl OutputPowerHandler for Syncline {
    fn output_power_state(&mut self) -> &mut OutputPowerState {
        &mut self.globals.output_power
    }

    fn is_on(&self, output: &wl_output::WlOutput) -> Option<bool> {
        self.outputs.is_on(output)
    }

    fn set_power(&mut self, output: &wl_output::WlOutput, on: bool) {
        let Some(wl) = WlOutput::from_resource(output) else { return };
        if let Some(id) = self.outputs.list.find_id(|output| output.wl == wl) {
            self.set_power_of(id, on);
        }
    }
}

impl Syncline {
    fn set_power_of(&mut self, id: OutputId, on: bool) {
        if !on {
            return self.turn_off(id, OffReason::Asked);
        }
        self.turn_on(id);
        self.restart_idle_time();
    }

    /// Carries out `syncline msg output NAME on|off`.
    pub fn power_by_name(&mut self, name: &str, on: bool) -> Result<(), String> {
        let Some(id) = self.outputs.list.find_id(|output| output.wl.name() == name) else {
            let known: Vec<String> = self.outputs.list.iter().map(|output| output.wl.name()).collect();
            return Err(format!("there is no output `{name}`; the outputs are: {}", known.join(", ")));
        };
        self.set_power_of(id, on);
        Ok(())
    }
}
