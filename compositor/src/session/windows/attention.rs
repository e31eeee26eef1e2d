//! Windows that want the user's attention: `xdg-activation` and the system bell.
//!
//! ```text
//!  a key or click of the user ─→ its client makes a token ─→ hands it to another ─→ that one activates a window
//!                                                                                    ├─ at once: it gets the focus
//!                                                                                    └─ late, or without the user: urgent
//! ```
//!
//! A token is the user's if its client names an event that it was sent, and nobody else has heard of
//! the user since. It is used once. Nothing here takes the focus while the session is locked.

use fence::Ns;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::{
        xdg_activation::{XdgActivationHandler, XdgActivationState, XdgActivationToken, XdgActivationTokenData},
        xdg_system_bell::XdgSystemBellHandler,
    },
};

use crate::session::Syncline;

/// For so long a token gives the focus. A program that takes longer to start is only urgent: the user
/// does something else by then.
const GIVES_FOCUS: Ns = 10_000_000_000;
/// For so long a token is known at all.
const KNOWN: Ns = 60_000_000_000;
/// The most tokens of a client, and of all. The oldest go.
const OF_CLIENT: usize = 16;
const OF_ALL: usize = 1024;

/// What the session keeps with a token.
#[derive(Debug, Clone, Copy)]
struct Made {
    at: Ns,
    /// Tells tokens of the same time apart.
    number: u64,
    /// The user has done something for it.
    by_user: bool,
}

fn made(data: &XdgActivationTokenData) -> Option<Made> {
    data.user_data.get::<Made>().copied()
}

impl XdgActivationHandler for Syncline {
    fn activation_state(&mut self) -> &mut XdgActivationState {
        &mut self.globals.activation
    }

    fn token_created(&mut self, _: XdgActivationToken, data: XdgActivationTokenData) -> bool {
        let by_user = data.serial.as_ref().is_some_and(|(serial, seat)| self.was_last_sent(*serial, &seat.id()));
        self.note_token(&data, by_user && !self.is_locked());
        true
    }

    fn request_activation(&mut self, token: XdgActivationToken, data: XdgActivationTokenData, surface: WlSurface) {
        self.globals.activation.remove_token(&token);
        let age = made(&data).map(|made| (self.now.saturating_sub(made.at), made.by_user));
        let Some((age, by_user)) = age.filter(|(age, _)| *age <= KNOWN) else { return };
        let until = (self.now + GIVES_FOCUS).saturating_sub(age);
        self.activate_window(&surface, Some(until).filter(|until| by_user && *until >= self.now));
    }
}

impl XdgSystemBellHandler for Syncline {
    /// A window that rings is urgent. Without a surface nothing says which window is meant.
    fn ring(&mut self, surface: Option<WlSurface>) {
        if let Some(surface) = surface {
            self.activate_window(&surface, None);
        }
    }
}

impl Syncline {
    /// A token for a program that the user starts.
    pub fn token_of_user(&mut self) -> String {
        let data = XdgActivationTokenData::default();
        self.note_token(&data, true);
        self.globals.activation.create_external_token(data).0.as_str().to_owned()
    }

    /// Keeps the time of a new token, and forgets those that there are too many of.
    fn note_token(&mut self, data: &XdgActivationTokenData, by_user: bool) {
        let (now, tokens) = (self.now, &mut self.globals.activation);
        self.globals.activation_tokens += 1;
        let number = self.globals.activation_tokens;
        data.user_data.insert_if_missing_threadsafe(|| Made { at: now, number, by_user });
        tokens.retain_tokens(|_, data| made(data).is_some_and(|made| now.saturating_sub(made.at) <= KNOWN));
        let is_of_client = |other: &XdgActivationTokenData| other.client_id == data.client_id;
        let too_many = |tokens: &XdgActivationState, most: usize, of: &dyn Fn(&XdgActivationTokenData) -> bool| {
            let those = || tokens.tokens().filter(|(_, data)| of(data));
            let oldest = those().min_by_key(|(_, data)| made(data).map(|made| made.number));
            (those().count() >= most).then(|| oldest.map(|(token, _)| token.clone())).flatten()
        };
        let oldest = too_many(tokens, OF_CLIENT, &is_of_client).or_else(|| too_many(tokens, OF_ALL, &|_| true));
        if let Some(oldest) = oldest {
            tokens.remove_token(&oldest);
        }
    }

    /// A window gets the focus, or is urgent. One that shows nothing yet does so with its first buffer, if
    /// that comes until `focus`.
    fn activate_window(&mut self, surface: &WlSurface, focus: Option<Ns>) {
        let root = self.toplevel_of(surface);
        let focus = focus.filter(|_| !self.is_locked());
        let Some(window) = self.desktop.windows.find(&root) else { return };
        if !window.mapped {
            window.activated = window.activated.max(focus);
        } else if focus.is_some() {
            self.focus(Some(root));
        } else {
            let id = window.id;
            self.layout_stale |= self.desktop.layout.set_urgent(id, true);
        }
    }
}
