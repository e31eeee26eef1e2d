//! D-Bus, for a session that waits for nobody: threads make the calls, and what they learn becomes events.
//!
//! ```text
//!  session ─ Ask ─→ thread `logind` ─ calls ─→ logind           thread `logind signals` ←─ signals ─ logind
//!     ↑                    └─────────────── Event, an eventfd ───────────┘
//!     └───── Event::Imported ─ thread `environment` ─ calls ─→ the session bus: D-Bus and the user manager
//! ```
//!
//! Without D-Bus, without logind or without systemd, an event says once what is missing; the session goes on. No
//! call is waited for longer than five seconds. Nothing here knows what the session makes of an event.

pub mod environment;
mod logind;
mod shared;
#[cfg(test)]
mod tests;

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
};

pub use shared::{Address, Ask, Event, Variables};

use shared::Shared;

/// The most requests that wait for logind. Further ones are lost: each tells a state, and later ones come.
const MOST_ASKS: usize = 64;

/// The session's end. Dropping it ends the threads that wait for the session; one that waits for a bus ends with
/// the process.
#[derive(Debug)]
pub struct Bus {
    shared: Arc<Shared>,
    asks: Option<SyncSender<Ask>>,
}

impl Bus {
    /// No thread yet. Error: no eventfd.
    pub fn new() -> io::Result<Self> {
        Ok(Self { shared: Arc::new(Shared::new()?), asks: None })
    }

    /// Talks to logind from now on; `session` is its name of this session, where somebody knows it.
    pub fn follow_logind(&mut self, address: Address, session: Option<String>) {
        let (asks, inbox) = sync_channel(MOST_ASKS);
        let shared = self.shared.clone();
        let work = move || logind::work(&shared, &address, session.as_deref(), &inbox);
        match std::thread::Builder::new().name("logind".into()).spawn(work) {
            Ok(_) => self.asks = Some(asks),
            Err(error) => self.shared.miss("logind", error),
        }
    }

    /// Puts variables where programs get them that D-Bus or the user's service manager starts, and says
    /// [`Event::Imported`] then.
    pub fn import(&self, address: Address, variables: Variables) {
        let shared = self.shared.clone();
        let work = move || {
            environment::import(&shared, &address, &variables);
            shared.tell(Event::Imported);
        };
        if let Err(error) = std::thread::Builder::new().name("environment".into()).spawn(work) {
            self.shared.miss("the environment of the user's services", error);
            self.shared.tell(Event::Imported);
        }
    }

    /// Asks logind for something. It may never be done.
    pub fn ask(&self, ask: Ask) {
        if let Some(asks) = &self.asks {
            asks.try_send(ask).ok();
        }
    }

    /// What has happened since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        self.shared.take()
    }
}

impl AsFd for Bus {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.as_fd()
    }
}
