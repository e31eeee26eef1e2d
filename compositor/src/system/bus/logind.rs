//! logind: what it wants of the session, and what it is told of it.
//!
//! ```text
//!  PrepareForSleep(true) ─→ Event::Sleep ─→ the session closes Event::Delay when it is ready ─→ the machine sleeps
//!  PrepareForSleep(false) ─→ Event::Sleep, and another Event::Delay
//!  Lock, Unlock of this session ─→ Event::Lock, Event::Unlock
//! ```
//!
//! Anybody on the system bus may send a signal to anybody. So one counts only if it comes from the process that
//! has logind's name, and for the object of this session.

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    sync::{Arc, mpsc::Receiver},
};

use zbus::{
    MatchRule, Message,
    blocking::{Connection, MessageIterator},
    message::Type,
    zvariant::{self, OwnedObjectPath},
};

use crate::system::bus::shared::{Address, Ask, Event, Shared, is_absent};

const NAME: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";

/// The connection, and this session's object.
#[derive(Debug, Clone)]
struct Link {
    bus: Connection,
    session: OwnedObjectPath,
}

/// The thread: connects, and does what it is asked for until the session is over.
pub(super) fn work(shared: &Arc<Shared>, address: &Address, session: Option<&str>, inbox: &Receiver<Ask>) {
    let link = match Link::open(address, session) {
        Ok(link) => link,
        Err(zbus::Error::MethodError(name, why, _)) if !name.ends_with("Unknown") => {
            return shared.miss("logind", why.unwrap_or_else(|| name.to_string()));
        }
        Err(error) if is_absent(&error) => return shared.miss("logind", "nobody has its name on the system bus"),
        Err(error) => return shared.miss("logind", error),
    };
    let (signals, with) = (link.clone(), shared.clone());
    let listen = move || signals.listen(&with);
    if let Err(error) = std::thread::Builder::new().name("logind signals".into()).spawn(listen) {
        return shared.miss("signals of logind", error);
    }
    let mut handled = BTreeMap::new();
    while let Ok(ask) = inbox.recv() {
        let done = match &ask {
            Ask::Idle(idle) => link.tell("SetIdleHint", *idle),
            Ask::Locked(locked) => link.tell("SetLockedHint", *locked),
            Ask::Handle(keys) => link.handle(keys, &mut handled),
        };
        if let Err(error) = done {
            tracing::info!("logind: {ask:?}: {error}");
        }
    }
}

impl Link {
    fn open(address: &Address, session: Option<&str>) -> zbus::Result<Self> {
        let bus = address.connect()?;
        let get = |method: &str, id: &str| -> zbus::Result<OwnedObjectPath> {
            bus.call_method(Some(NAME), PATH, Some(MANAGER), method, &(id,))?.body().deserialize()
        };
        let of_process = || -> zbus::Result<OwnedObjectPath> {
            bus.call_method(Some(NAME), PATH, Some(MANAGER), "GetSessionByPID", &(0_u32,))?.body().deserialize()
        };
        // A unit of the user manager is in no session: `auto` is then the one on the user's display.
        let named = session.map(|id| get("GetSession", id)).and_then(Result::ok);
        let session = match named {
            Some(session) => session,
            None => of_process().or_else(|_| get("GetSession", "auto"))?,
        };
        Ok(Self { bus, session })
    }

    fn tell(&self, method: &str, value: bool) -> zbus::Result<()> {
        self.bus.call_method(Some(NAME), &self.session, Some(SESSION), method, &(value,)).map(drop)
    }

    /// `mode`: `delay` or `block`.
    fn inhibit(&self, what: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd> {
        let answer =
            self.bus.call_method(Some(NAME), PATH, Some(MANAGER), "Inhibit", &(what, "Syncline", why, mode))?;
        answer.body().deserialize::<zvariant::OwnedFd>().map(OwnedFd::from)
    }

    /// Handles these, and leaves all others to logind again.
    fn handle(&self, keys: &[&'static str], handled: &mut BTreeMap<&'static str, OwnedFd>) -> zbus::Result<()> {
        handled.retain(|key, _| keys.contains(key));
        for key in keys.iter().copied() {
            if !handled.contains_key(key) {
                handled.insert(key, self.inhibit(key, "it is bound in the session", "block")?);
            }
        }
        Ok(())
    }

    fn delay(&self, shared: &Shared) {
        match self.inhibit("sleep", "the session is locked first", "delay") {
            Ok(fd) => shared.tell(Event::Delay(fd)),
            Err(error) => shared.miss("a delay before sleep", error),
        }
    }

    /// The thread of signals, until the bus is gone.
    fn listen(&self, shared: &Shared) {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(NAME);
        let signals = rule.and_then(|rule| MessageIterator::for_match_rule(rule.build(), &self.bus, Some(64)));
        let signals = match signals {
            Ok(signals) => signals,
            Err(error) => return shared.miss("signals of logind", error),
        };
        self.delay(shared);
        for signal in signals {
            let Ok(signal) = signal else { break };
            let Some(event) = self.event(&signal).filter(|_| self.is_from_logind(&signal)) else { continue };
            let awake = matches!(event, Event::Sleep(false));
            shared.tell(event);
            if awake {
                self.delay(shared);
            }
        }
        shared.miss("logind", "the system bus has closed the connection");
    }

    /// What a signal means for the session.
    fn event(&self, signal: &Message) -> Option<Event> {
        let header = signal.header();
        let is_ours = header.path().is_some_and(|path| path.as_str() == self.session.as_str());
        match (header.interface()?.as_str(), header.member()?.as_str()) {
            (MANAGER, "PrepareForSleep") => Some(Event::Sleep(signal.body().deserialize().ok()?)),
            (SESSION, "Lock") if is_ours => Some(Event::Lock),
            (SESSION, "Unlock") if is_ours => Some(Event::Unlock),
            _ => None,
        }
    }

    fn is_from_logind(&self, signal: &Message) -> bool {
        let bus = "org.freedesktop.DBus";
        let owner = self.bus.call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "GetNameOwner", &(NAME,));
        let owner = owner.and_then(|answer| answer.body().deserialize::<String>());
        signal.header().sender().is_some_and(|sender| owner.is_ok_and(|owner| owner == sender.as_str()))
    }
}
