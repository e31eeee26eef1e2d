//! Lists of the windows of all clients, for task bars and docks: `ext-foreign-toplevel-list-v1`
//! ([`list`]) and `wlr-foreign-toplevel-management-unstable-v1` ([`management`]).
//!
//! The compositor says which windows there are; [`listeners`] remembers what each list was told, and
//! sends what differs, as far as its client reads. Nothing here costs anything while no client has
//! bound a global.
//!
//! Sources: `wayland-protocols/staging/ext-foreign-toplevel-list`,
//! `wlr-protocols/unstable/wlr-foreign-toplevel-management-unstable-v1.xml`.

pub mod list;
mod listeners;
pub mod management;
mod outputs;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub use outputs::BoundOutputs;
use wayland_protocols::ext::foreign_toplevel_list::v1::server::ext_foreign_toplevel_handle_v1::ExtForeignToplevelHandleV1;
use wayland_server::{Client, Resource, backend::ClientId, protocol::wl_output::WlOutput};

/// The longest text in an event, in bytes.
const LONGEST: usize = 512;

/// So many handles that are of no use any more a client may keep: it hears of nothing new until it
/// has destroyed some. The session makes handles, so they are in no account of their client.
const LEFT: usize = 4096;

/// A window, as the protocols describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toplevel {
    /// A number that is never used again in the session, also not for the same window once it has been
    /// hidden by its client and shown again.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// The name of its application.
    pub app_id: String,
    /// It fills the working area.
    pub maximised: bool,
    /// It is hidden until the user wants it back.
    pub minimised: bool,
    /// It has the focus.
    pub activated: bool,
    /// It covers its output.
    pub fullscreen: bool,
    /// The number of the window that it is a dialog of.
    pub parent: Option<u32>,
    /// The number of the output that its workspace is on.
    pub output: Option<u32>,
}

/// All windows as they are now, from top to bottom.
#[derive(Debug, Clone, Default)]
pub struct AllToplevels {
    /// One that is the same `Arc` as before has not changed.
    pub list: Vec<Arc<Toplevel>>,
    /// Another number after each change of the list.
    pub version: u64,
}

/// User data of a handle that the session has made.
#[derive(Debug)]
pub struct HandleData {
    number: u32,
    /// It was closed, or its list was stopped.
    left: AtomicBool,
}

impl HandleData {
    fn new(number: u32) -> Self {
        Self { number, left: AtomicBool::new(false) }
    }
}

/// The number of the window of a handle; `None`: it is no handle of this session's.
pub(crate) fn number_of(handle: &ExtForeignToplevelHandleV1) -> Option<u32> {
    handle.data::<HandleData>().map(|data| data.number)
}

/// What is known of the clients that are told: whether they read, and what they have bound.
///
/// A portion is told without a look, so that what a request has changed is sent together with the answer
/// to a `wl_display.sync` after it.
pub trait Readers {
    /// Whether the client has read, as far as is known, so that its socket has room.
    fn reads(&mut self, client: &Client) -> bool;

    /// Sends what the client was told. Returns whether its socket had room for all of it.
    fn send(&mut self, client: &Client) -> bool;

    /// The objects of an output that the client has, as [`BoundOutputs::of`].
    fn outputs(&self, client: &Client, number: u32) -> Vec<WlOutput>;

    /// [`BoundOutputs::version`].
    fn outputs_version(&self, client: &Client) -> u32;
}

/// How many handles each client keeps that are of no use any more.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(HashMap<ClientId, usize>);

impl Leftovers {
    /// Whether the client may have new handles.
    pub(crate) fn may_have_more(&self, client: &ClientId) -> bool {
        self.0.get(client).is_none_or(|left| *left < LEFT)
    }

    /// A handle is of no use any more; `flag` is its own mark.
    pub(crate) fn leave(&mut self, client: &ClientId, flag: &AtomicBool) {
        if !flag.swap(true, Ordering::Relaxed) {
            *self.0.entry(client.clone()).or_default() += 1;
        }
    }

    /// A handle is destroyed. Returns whether its client may have new ones, where it could not before.
    pub(crate) fn destroyed(&mut self, client: &ClientId, flag: &AtomicBool) -> bool {
        if !flag.load(Ordering::Relaxed) {
            return false;
        }
        let Some(left) = self.0.get_mut(client) else { return false };
        *left -= 1;
        let again = *left == LEFT - 1;
        if *left == 0 {
            self.0.remove(client);
        }
        again
    }
}

/// The beginning of a text that fits into an event.
pub fn shortened(text: &str) -> &str {
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
