//! Text that an input method composes (`text-input`, `input-method`): who is edited, who composes, and who gets
//! what is typed.
//!
//! ```text
//!  keyboard focus ─→ text input enters ─ enable, commit ─→ input method active ─ commit ─→ text input, done
//!  key ─→ bindings ─→ the input method's grab ─┬─ it composes
//!                                              └─ it passes the key on, by a virtual keyboard ─→ the window
//! ```
//!
//! While the session is locked, text inputs are those of the lock's surfaces, since only these have the keyboard;
//! the input method composes for them, and gets no key but for them. Its popups are not shown then.

pub(in crate::session) mod grab;
mod popups;

use protocols::{
    edited_text::Composed,
    input_method::{InputMethodHandler, InputMethods},
    reexports::input_method::grab::ZwpInputMethodKeyboardGrabV2,
    text_input::{Change, TextInputHandler, TextInputs},
};
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};

use crate::session::Syncline;

impl TextInputHandler for Syncline {
    fn text_inputs(&mut self) -> &mut TextInputs {
        &mut self.globals.text_inputs
    }

    fn text_input_changed(&mut self, change: Change) {
        let (inputs, methods) = (&self.globals.text_inputs, &mut self.globals.input_methods);
        match (change, inputs.enabled()) {
            (Change::Enabled, Some((_, text))) => methods.activate(text),
            (Change::Said, Some((_, text))) => methods.tell(text),
            _ => methods.deactivate(),
        }
    }
}

impl InputMethodHandler for Syncline {
    fn input_methods(&mut self) -> &mut InputMethods {
        &mut self.globals.input_methods
    }

    fn input_method_came(&mut self) {
        // A text input may have waited for one.
        self.text_input_changed(Change::Enabled);
    }

    fn input_method_went(&mut self) {
        // What it was composing is nobody's.
        let nothing = Composed { preedit: Some((String::new(), 0, 0)), ..Composed::default() };
        self.globals.text_inputs.send(&nothing);
        self.input_popups_changed();
    }

    fn composed(&mut self, composed: Composed) {
        self.globals.text_inputs.send(&composed);
    }

    fn keyboard_grabbed(&mut self, grab: &ZwpInputMethodKeyboardGrabV2) {
        self.begin_keyboard_grab(grab);
    }

    fn keyboard_let_go(&mut self) {
        self.end_keyboard_grab();
    }

    fn input_popups_changed(&mut self) {
        self.grabbed.popups_stale = true;
    }
}

impl Syncline {
    /// After a batch: the focus of text inputs is that of the keyboard, also where nobody was told of it.
    pub(super) fn follow_text_focus(&mut self) {
        let focus = self.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        self.text_focus(focus.filter(Resource::is_alive).as_ref());
    }

    /// A window is gone. As long as its surface is there, its client can be told that the focus has left it.
    pub(super) fn text_leaves(&mut self, surface: &WlSurface) {
        if self.globals.text_inputs.focus() == Some(surface) {
            self.text_focus(None);
        }
    }

    /// The keyboard is on another surface, and so is the focus of text inputs.
    pub fn text_focus(&mut self, surface: Option<&WlSurface>) {
        if self.globals.text_inputs.set_focus(surface) {
            self.globals.input_methods.deactivate();
        }
    }
}

protocols::delegate_text_input!(Syncline);
protocols::delegate_input_method!(Syncline);
