//! Devices that clients make: what they do goes the way that libinput's devices' events go, so the session's
//! bindings, the lock and the user's absence see no difference.
//!
//! What a device holds when it goes is let go after the batch of events: a client's objects are destroyed in the
//! middle of anything.

mod keyboard;
mod keymap;
mod pointer;
pub(in crate::session) mod seats;

use crate::session::{Syncline, hands::Hands};

impl Syncline {
    /// Lets go what devices held that are gone.
    pub(super) fn release_left(&mut self) {
        for code in std::mem::take(&mut self.left_held.buttons) {
            self.input(Hands::button(self.now, code, false));
        }
        let keys = std::mem::take(&mut self.left_held.keys);
        if !keys.is_empty() {
            self.note_activity(false);
            keys.into_iter().for_each(|(number, code, went)| self.virtual_release(None, (number, code), &went));
            self.perform_due();
        }
        if std::mem::take(&mut self.left_held.keymap) {
            self.restore_keymaps();
        }
    }
}
