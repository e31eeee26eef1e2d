//! What the threads of D-Bus and the session have in common: what is asked, what has happened, which bus.
//!
//! Nothing here waits but [`Address::connect`] and the calls on what it returns, each for [`PATIENCE`] at most.

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::event::{EventfdFlags, eventfd};
use zbus::blocking::{Connection, connection::Builder};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most events that wait for the session: far more than come between two turns of its loop.
const MOST_EVENTS: usize = 256;

/// Names and values of variables.
pub type Variables = HashMap<String, String>;

/// Which bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    System,
    Session,
    /// For tests.
    #[cfg(test)]
    At(String),
}

impl Address {
    pub(super) fn connect(&self) -> zbus::Result<Connection> {
        let builder = match self {
            Self::System => Builder::system()?,
            Self::Session => Builder::session()?,
            #[cfg(test)]
            Self::At(address) => Builder::address(address.as_str())?,
        };
        builder.method_timeout(PATIENCE).build()
    }
}

/// What has happened.
#[derive(Debug)]
pub enum Event {
    /// A part of the system is not there, or does not do what it should: what, and why.
    Missing {
        what: &'static str,
        why: String,
    },
    /// The machine goes to sleep (true) as soon as nobody delays it any more, or it is awake again.
    Sleep(bool),
    /// While this is open, the machine does not go to sleep before the session had its say, for some seconds.
    Delay(OwnedFd),
    /// Somebody wants the session to be locked, or unlocked.
    Lock,
    Unlock,
    /// The environment is where others find it, or nowhere: the session may say that it is ready.
    Imported,
}

/// What logind is asked for, or told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Nobody is active, or somebody is again.
    Idle(bool),
    /// The session is locked, or is no more.
    Locked(bool),
    /// The session handles these keys and switches, in logind's words, and logind no others.
    Handle(Vec<&'static str>),
}

/// What threads and session share.
#[derive(Debug)]
pub struct Shared {
    events: Mutex<Vec<Event>>,
    /// Readable when there are some.
    ready: OwnedFd,
}

impl Shared {
    pub(super) fn new() -> io::Result<Self> {
        let ready = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { events: Mutex::default(), ready })
    }

    /// What has happened since the last call.
    pub(super) fn take(&self) -> Vec<Event> {
        rustix::io::read(&self.ready, &mut [0; 8]).ok();
        std::mem::take(&mut *self.events())
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the session.
    pub(super) fn tell(&self, event: Event) {
        let mut events = self.events();
        if events.len() < MOST_EVENTS {
            events.push(event);
        }
        drop(events);
        // Only a counter at its end would refuse, and that is readable already.
        rustix::io::write(&self.ready, &1_u64.to_ne_bytes()).ok();
    }

    pub(super) fn miss(&self, what: &'static str, why: impl ToString) {
        self.tell(Event::Missing { what, why: why.to_string() });
    }
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

/// Whether an error says that nobody has the name.
pub(super) fn is_absent(error: &zbus::Error) -> bool {
    const NAMES: [&str; 3] = ["ServiceUnknown", "NameHasNoOwner", "Spawn.ServiceNotFound"];
    let zbus::Error::MethodError(name, ..) = error else { return false };
    name.as_str().strip_prefix("org.freedesktop.DBus.Error.").is_some_and(|name| NAMES.contains(&name))
}
