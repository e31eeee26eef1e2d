//! Lists of the windows of all clients, for task bars and docks: `ext-foreign-toplevel-list-v1`
//! ([`list`]) and `wlr-foreign-toplevel-management-unstable-v1` ([`management`]).
//!
//! The compositor says which windows there are; each module remembers what its handles were told, and
//! sends what differs. The session makes the handles, not their client, so they are counted: who
//! stops a list and keeps its handles, again and again, is to be ended. Nothing here costs anything
//! while no client has bound a global.
//!
//! Sources: `wayland-protocols/staging/ext-foreign-toplevel-list`,
//! `wlr-protocols/unstable/wlr-foreign-toplevel-management-unstable-v1.xml`.

pub mod list;
pub mod management;

use std::collections::HashMap;

use wayland_server::{Client, backend::ClientId};

/// The longest text in an event, in bytes. A message has at most 4096, and its header and the length
/// of the text are a part of that.
const LONGEST: usize = 2048;

/// The most handles of a client, of one protocol: four lists of 1024 windows. Those of a window are
/// searched for each that is destroyed.
pub const HANDLES: usize = 4096;

/// A window, as the protocols describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toplevel {
    /// The window's number, which is never used again in the session.
    pub window: u32,
    /// Its title, of any length.
    pub title: String,
    /// The name of its application, of any length.
    pub app_id: String,
    /// It fills the working area.
    pub maximised: bool,
    /// It is hidden until the user wants it back.
    pub minimised: bool,
    /// It has the focus.
    pub activated: bool,
    /// It covers its output.
    pub fullscreen: bool,
    /// The window that it is a dialog of.
    pub parent: Option<u32>,
    /// The connector of the output that its workspace is on.
    pub output: Option<String>,
}

/// How many handles each client has.
#[derive(Debug, Default)]
pub(crate) struct Handles(HashMap<ClientId, usize>);

impl Handles {
    /// Counts so many more; `false`: the client may not have them.
    pub(crate) fn take(&mut self, client: &Client, number: usize) -> bool {
        let has = self.0.get(&client.id()).copied().unwrap_or_default();
        let fits = has + number <= HANDLES;
        if fits && number > 0 {
            self.0.insert(client.id(), has + number);
        }
        fits
    }

    pub(crate) fn give(&mut self, client: &ClientId) {
        if let Some(count) = self.0.get_mut(client) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(client);
            }
        }
    }
}

/// The beginning of a text that fits into an event.
pub(crate) fn shortened(text: &str) -> &str {
    let fits = (0..=LONGEST.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..fits.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_between_two_characters() {
        let text = format!("x{}", "ä".repeat(50 * 1024));
        let short = shortened(&text);
        assert_eq!(short.len(), LONGEST - 1);
        assert!(text.starts_with(short));
        assert_eq!(shortened("a title"), "a title");
    }
}
