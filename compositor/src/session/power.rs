//! The machine's sleep, and what logind wants: the session is locked before the machine sleeps, and when
//! somebody asks for it from outside.
//!
//! ```text
//!  logind: the machine is to sleep ─→ `commands.lock` starts ─→ no display shows a client any more ─→ sleep
//! ```
//!
//! The talk itself is in [`crate::system::bus`], in threads; a session without D-Bus or logind goes on without.
//! Keys of the machine (lid, power key and others) are handled by the session only if the configuration binds
//! them; else logind does what it is configured to do.

use smithay::input::keyboard::keysyms;

use crate::{
    actions::action::{Action, Command},
    config::{
        Config,
        bindings::{
            DEFAULT_MODE,
            chord::{Toggle, Trigger},
        },
    },
    session::Syncline,
    system::{
        bus::{Address, Ask, Bus, Event},
        notify::Notify,
        reactor::EventSource,
    },
};

/// Keys and switches that logind handles, in its words, and what they are in bindings.
const HANDLED: [(&str, &[u32]); 4] = [
    ("handle-power-key", &[keysyms::KEY_XF86PowerOff, keysyms::KEY_XF86PowerDown]),
    ("handle-suspend-key", &[keysyms::KEY_XF86Sleep, keysyms::KEY_XF86Suspend]),
    ("handle-hibernate-key", &[keysyms::KEY_XF86Hibernate]),
    ("handle-lid-switch", &[]),
];

impl Syncline {
    /// Follows logind from now on.
    pub(super) fn follow_logind(&mut self) {
        let session = std::env::var("XDG_SESSION_ID").ok().filter(|id| !id.is_empty());
        if let Some(bus) = self.bus() {
            bus.follow_logind(Address::System, session);
            self.tell_handled();
        }
    }

    /// Puts the environment of the session's programs where others start programs, and says that the session is
    /// ready when that is done.
    pub(super) fn import_environment(&mut self, notify: &Notify) {
        let variables = self.environment_of_session().clone();
        match self.bus() {
            Some(bus) => bus.import(Address::Session, variables),
            None => notify.ready(),
        }
    }

    fn bus(&mut self) -> Option<&mut Bus> {
        if self.power.bus.is_none() {
            let made = Bus::new().and_then(|bus| self.reactor.add(&bus, EventSource::Bus).map(|()| bus));
            match made {
                Ok(bus) => self.power.bus = Some(bus),
                Err(error) => tracing::warn!("no D-Bus: {error}"),
            }
        }
        self.power.bus.as_mut()
    }

    /// Threads have something to say. True: the environment is where it belongs.
    pub(super) fn bus_event(&mut self) -> bool {
        let events = self.power.bus.as_mut().map(Bus::events).unwrap_or_default();
        let imported = events.iter().any(|event| matches!(event, Event::Imported));
        events.into_iter().for_each(|event| self.power_event(event));
        imported
    }

    /// One thing that logind has said.
    pub(super) fn power_event(&mut self, event: Event) {
        match event {
            Event::Missing { what, why } => tracing::info!("the session goes on without {what}: {why}"),
            Event::Delay(fd) => self.power.delay = Some(fd),
            Event::Sleep(true) => self.before_sleep(),
            Event::Sleep(false) => {
                self.power.sleeps = false;
                self.note_activity(true);
            }
            Event::Lock => drop(self.lock_for("somebody asks logind for it")),
            Event::Unlock => self.unlock_for_logind(),
            Event::Imported => {}
        }
    }

    fn before_sleep(&mut self) {
        self.power.sleeps = self.config.idle.lock_before_sleep && self.lock_for("the machine is to sleep");
        if !self.power.sleeps {
            self.power.delay = None;
        }
    }

    /// Starts the program that locks, unless one has. Returns whether the session is locked, or will be.
    fn lock_for(&mut self, why: &str) -> bool {
        if self.desktop.lock.as_ref().is_some_and(|lock| lock.holder.is_some()) {
            return true;
        }
        tracing::info!("the session is to be locked: {why}");
        if let Err(error) = self.perform(&Action::Run(Command::Lock)) {
            tracing::error!("the session is not locked: {error}");
            return self.is_locked();
        }
        true
    }

    /// logind has let somebody unlock the session who may.
    fn unlock_for_logind(&mut self) {
        let Some(lock) = &self.desktop.lock else { return };
        tracing::info!("the session is unlocked by logind");
        if let Some(holder) = &lock.holder {
            holder.finished();
        }
        self.end_lock();
    }

    /// After each batch of events: the machine may sleep when no display shows anything of clients, and logind is
    /// told what has changed.
    pub(super) fn power_progress(&mut self) {
        let locked = self.desktop.lock.as_ref().is_some_and(|lock| lock.complete);
        if locked && std::mem::take(&mut self.power.sleeps) {
            self.power.delay = None;
        }
        let Some(bus) = &self.power.bus else { return };
        if locked != self.power.told_locked {
            self.power.told_locked = locked;
            bus.ask(Ask::Locked(locked));
        }
        if self.idle.off != self.power.told_idle {
            self.power.told_idle = self.idle.off;
            bus.ask(Ask::Idle(self.idle.off));
        }
    }

    /// The bindings may have changed.
    pub(super) fn tell_handled(&mut self) {
        let handled = handled(&self.config);
        if let Some(bus) = self.power.bus.as_ref().filter(|_| handled != self.power.told_handled) {
            bus.ask(Ask::Handle(handled.clone()));
            self.power.told_handled = handled;
        }
    }
}

/// What the configuration binds of what logind would handle.
fn handled(config: &Config) -> Vec<&'static str> {
    let Some(mode) = config.bindings.mode(DEFAULT_MODE) else { return Vec::new() };
    let is = |name: &str, keys: &[u32], trigger: &Trigger| match trigger {
        Trigger::Keysym(key) => keys.contains(key),
        Trigger::Switch(toggle) => name == "handle-lid-switch" && matches!(toggle, Toggle::LidClose | Toggle::LidOpen),
        _ => false,
    };
    let bound = |(name, keys): &(&'static str, &[u32])| {
        mode.keys().any(|chord| is(name, keys, &chord.trigger)).then_some(*name)
    };
    HANDLED.iter().filter_map(bound).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    #[test]
    fn logind_keeps_what_the_configuration_does_not_bind() {
        for (text, names) in [
            ("", &[][..]),
            ("[bindings]\nlid-close = \"lock\"\n", &["handle-lid-switch"]),
            ("[bindings]\ntablet-on = \"lock\"\n", &[]),
            (
                "[bindings]\nXF86PowerOff = \"suspend\"\nXF86Sleep = \"suspend\"\n",
                &["handle-power-key", "handle-suspend-key"],
            ),
            ("[mode.a.bindings]\nlid-close = \"lock\"\n", &[]),
        ] {
            assert_eq!(handled(&load::parse(Path::new("config.toml"), text).unwrap()), names, "{text}");
        }
    }
}
