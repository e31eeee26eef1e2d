//! What bad clients have in common: when they stop, how they end, and where their windows lie.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::bench::scale::animated::{SCREEN, Spot, corner};
use crate::client::window::{Toplevel, Wish};
use crate::client::{Client, PATIENCE, State};
use crate::error::{Error, Result};

/// A pause between two deeds of a client that does not flood.
pub const TICK: Duration = Duration::from_millis(4);
/// Requests that are sent at once.
pub const AT_ONCE: usize = 32;
/// A corner of the screen, far from the animated window.
pub const SPOT: Spot = Spot { screen: SCREEN, at: (0, 0), size: (128, 96) };

/// A client that does what no client should.
pub trait Bad: Send {
    /// Does it again and again until it is to stop; once at least. The error that ends it is returned.
    fn act(&mut self, stop: &Stop) -> Result<()>;
}

/// Tells a bad client that all is measured.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Whether it is to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Makes it stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether this is the end of a client that the compositor has ended. If the client was just writing,
/// it does not read why.
pub fn is_end(error: &Error) -> bool {
    matches!(error, Error::Protocol { .. } | Error::Broken(_))
}

/// A window in the corner of the screen that shows nothing yet.
pub fn corner_window(client: &mut Client) -> Result<Toplevel> {
    let window = client.toplevel(&Wish { app_id: "bad", fullscreen: false })?;
    let corner = corner(client)?;
    SPOT.place(client, &window, &corner)?;
    Ok(window)
}

/// Waits for a frame callback.
pub fn heard(client: &mut Client, callback: Option<u64>) -> Result<()> {
    let heard = |state: &State| callback.is_some_and(|token| state.callbacks.contains_key(&token));
    client.wait_for("a frame callback of a bad client", PATIENCE, heard)
}
