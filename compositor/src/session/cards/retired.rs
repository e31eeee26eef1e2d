//! Globals of displays that are gone. Clients are told at once, and may still bind them for a while:
//! one that has not read that yet must not be ended for it. What they get is inert.

use fence::Ns;
use smithay::reexports::wayland_server::backend::GlobalId;

use crate::session::Syncline;

/// How long a global can be bound, at least, after clients were told that it is gone.
const GRACE: Ns = 10_000_000_000;

impl Syncline {
    /// Tells clients that a global is gone.
    pub fn retire_global(&mut self, global: GlobalId) {
        self.display.disable_global::<Self>(global.clone());
        self.globals.retired.0.push((self.now + GRACE, global));
    }

    /// Removes those whose time has come, at any wake-up after it: none is made for this.
    pub fn remove_retired(&mut self) {
        let due = self.globals.retired.0.iter().take_while(|(at, _)| *at <= self.now).count();
        for (_, global) in self.globals.retired.0.drain(..due) {
            self.display.remove_global::<Self>(global);
        }
    }
}
