//! Notices that the loop stands: a thread outside it looks at what the loop does, and since when.
//!
//! ```text
//!  the loop: waits ─→ turns: this source, that source, settles ─→ waits         a few stores into memory
//!  the thread: every ten seconds, or when a turn becomes ten seconds old ─→ the same turn still? ─→ it stands
//!    └ the loop waits, and nobody wants to hear of it ─→ sleeps until the next turn begins, which wakes it
//! ```
//!
//! A loop that waits for events does not stand, however long, and nothing wakes for it. A process that was stopped or was out of processor
//! time does not either: the thread counts only what it was awake for itself. While the loop does not stand, the
//! thread says so to the service manager. What becomes of a loop that stands, [`super::last_words`] decides.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicI32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use fence::Ns;

use crate::system::{notify::Notify, reactor::EventSource};

/// How long a turn of the loop may take.
pub const LIMIT: Ns = 10_000_000_000;
/// How much later than asked the thread may wake without having been stopped itself.
const LATE: Ns = 2_000_000_000;

/// What the loop does, beside events.
const WAITS: u64 = 0;
const SETTLES: u64 = 1 << 63;
const ENDS: u64 = (1 << 63) | 1;

/// What the loop does now. The loop writes it, the thread reads it.
#[derive(Debug, Default)]
pub struct Pulse {
    /// When this turn began, CLOCK_MONOTONIC; 0: there is none.
    since: AtomicU64,
    /// What is handled: a source by its token, with a bit that keeps it from being 0.
    what: AtomicU64,
    /// The process whose requests are handled.
    client: AtomicI32,
    /// The thread sleeps until a turn begins.
    sleeps: AtomicBool,
    /// The thread is to end; with it the thread waits.
    ended: Mutex<bool>,
    bell: Condvar,
}

/// A bit that no token has.
const SOURCE: u64 = 1 << 62;

impl Pulse {
    /// A turn begins.
    pub fn turn(&self, now: Ns) {
        // In this order, and in the other one in the thread: one of them sees the other.
        self.since.store(now, SeqCst);
        if self.sleeps.load(SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleeps.store(false, SeqCst);
        drop(ended);
        self.bell.notify_all();
    }

    /// Waits so long, or until it is to end: true. `idle`: until a turn begins, if the loop waits.
    fn wait(&self, time: Duration, idle: bool) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if idle {
            self.sleeps.store(true, SeqCst);
            if self.since.load(SeqCst) == 0 {
                let sleeps = |ended: &mut bool| !*ended && self.sleeps.load(SeqCst);
                return *self.bell.wait_while(ended, sleeps).unwrap_or_else(PoisonError::into_inner);
            }
            self.sleeps.store(false, SeqCst);
        }
        let waited = self.bell.wait_timeout_while(ended, time, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// An event of this source is handled; `client` is the process that it comes from, or 0.
    pub fn handles(&self, source: EventSource, client: i32) {
        self.what.store(SOURCE | source.token(), Relaxed);
        self.client.store(client, Relaxed);
    }

    /// All events are handled, and what follows from them is done.
    pub fn settles(&self) {
        self.what.store(SETTLES, Relaxed);
    }

    /// The loop waits.
    pub fn waits(&self) {
        self.since.store(0, SeqCst);
        self.what.store(WAITS, Relaxed);
    }

    /// The session ends.
    pub fn ends(&self, now: Ns) {
        self.turn(now);
        self.what.store(ENDS, Relaxed);
    }

    /// What the loop does, in words.
    pub fn words(&self) -> String {
        let client = match self.client.load(Relaxed) {
            0 => String::new(),
            pid => format!(", of the client with pid {pid}"),
        };
        match self.what.load(Relaxed) {
            WAITS => "it waits for events".to_owned(),
            SETTLES => "what follows from the last events".to_owned(),
            ENDS => "the end of the session".to_owned(),
            what => match EventSource::from_token(what & !SOURCE) {
                Some(source) => format!("an event of {source:?}{client}"),
                None => "its beginning".to_owned(),
            },
        }
    }
}

/// What the thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It looks again at this time.
    Look(Ns),
    Stands,
}

/// What the thread knows.
#[derive(Debug)]
struct Looks {
    every: Ns,
    /// When it meant to look.
    due: Ns,
    /// Since when it has not been stopped itself.
    awake: Ns,
}

impl Looks {
    fn new(now: Ns, every: Ns) -> Self {
        Self { every, due: now, awake: now }
    }

    fn look(&mut self, now: Ns, since: Ns) -> Next {
        if now.saturating_sub(self.due) > LATE {
            self.awake = now;
        }
        let begun = since.max(self.awake);
        let old = since != 0 && now.saturating_sub(begun) >= LIMIT;
        if old {
            return Next::Stands;
        }
        let ripe = if since == 0 { Ns::MAX } else { begun + LIMIT };
        self.due = ripe.min(now + self.every);
        Next::Look(self.due)
    }
}

/// The thread. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    pulse: Arc<Pulse>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// Looks at `pulse` from now on, and calls `stands` when the loop has stood for [`LIMIT`].
    pub fn start(pulse: Arc<Pulse>, notify: Notify, stands: impl FnOnce(&Pulse) + Send + 'static) -> Self {
        let (watched, every) = (pulse.clone(), notify.watchdog().map_or(LIMIT, |asked| (asked.as_nanos() / 2) as Ns));
        let mut looks = Looks::new(fence::now(), every.clamp(1_000_000, LIMIT));
        let work = move || {
            loop {
                let now = fence::now();
                let since = watched.since.load(SeqCst);
                match looks.look(now, since) {
                    Next::Stands => return stands(&watched),
                    Next::Look(at) => {
                        if notify.watchdog().is_some() {
                            notify.alive();
                        }
                        let time = Duration::from_nanos(at.saturating_sub(now).max(1_000_000));
                        if watched.wait(time, since == 0 && notify.watchdog().is_none()) {
                            return;
                        }
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("watch".into()).spawn(work);
        if let Err(error) = &thread {
            tracing::warn!("nobody notices when the loop stands: {error}");
        }
        Self { pulse, thread: thread.ok() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.pulse.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.pulse.bell.notify_all();
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::id::Slot;

    const SECOND: Ns = 1_000_000_000;

    /// What the thread makes of a loop whose turn began at `since`, if it looks whenever it means to, from
    /// `from` on: when it says that the loop stands.
    fn stands(from: Ns, since: Ns) -> Option<Ns> {
        let (mut looks, mut now) = (Looks::new(from, LIMIT), from);
        for _ in 0..10 {
            match looks.look(now, if now < since { 0 } else { since }) {
                Next::Stands => return Some(now),
                Next::Look(at) => {
                    assert!(at > now);
                    now = at;
                }
            }
        }
        None
    }

    #[test]
    fn a_turn_of_ten_seconds_is_noticed_when_it_is_so_old() {
        for (from, since) in [(100, 100), (100, 103), (100, 109), (100, 112), (100, 119)] {
            assert_eq!(stands(from * SECOND, since * SECOND), Some((since + 10) * SECOND), "{since}");
        }
    }

    #[test]
    fn a_loop_that_waits_or_turns_does_not_stand() {
        assert_eq!(stands(100 * SECOND, Ns::MAX), None);
        let mut looks = Looks::new(100 * SECOND, LIMIT);
        for second in 100..200 {
            assert_eq!(looks.look(second * SECOND + 5, second * SECOND), Next::Look((second + 10) * SECOND));
        }
    }

    #[test]
    fn time_in_which_the_process_was_stopped_does_not_count() {
        let mut looks = Looks::new(100 * SECOND, LIMIT);
        let since = 100 * SECOND;
        assert_eq!(looks.look(100 * SECOND, since), Next::Look(110 * SECOND));
        // Stopped for a minute.
        assert_eq!(looks.look(160 * SECOND, since), Next::Look(170 * SECOND));
        assert_eq!(looks.look(170 * SECOND, since), Next::Stands, "it has gone on standing");
    }

    #[test]
    fn a_manager_hears_of_the_session_twice_as_often_as_it_wants_to() {
        let mut looks = Looks::new(100 * SECOND, SECOND);
        assert_eq!(looks.look(100 * SECOND, 0), Next::Look(101 * SECOND));
    }

    #[test]
    fn what_the_loop_does_has_words() {
        let pulse = Pulse::default();
        let says = |wanted: &str| assert!(pulse.words().contains(wanted), "{}", pulse.words());
        says("waits");
        pulse.turn(5);
        pulse.handles(EventSource::Client(Slot(0)), 4711);
        says("an event of Client(Slot(0)), of the client with pid 4711");
        pulse.handles(EventSource::Display(kms::CardSerial::from_raw(2)), 0);
        says("an event of Display(");
        pulse.settles();
        says("what follows");
        pulse.ends(7);
        says("the end");
        pulse.waits();
        says("waits");
    }

    #[test]
    fn the_thread_calls_and_ends() {
        // The turn began long ago, but the thread counts from its own beginning: nothing happens at once.
        let pulse = Arc::new(Pulse::default());
        pulse.turn(1);
        let watch = Watch::start(pulse, Notify::default(), |_| panic!("too early"));
        drop(watch);
    }

    #[test]
    fn the_thread_sleeps_while_the_loop_waits_and_a_turn_wakes_it() {
        let pulse = Arc::new(Pulse::default());
        let watch = Watch::start(pulse.clone(), Notify::default(), |_| panic!("too early"));
        let until = |sleeps: bool| {
            while pulse.sleeps.load(SeqCst) != sleeps {
                std::thread::yield_now();
            }
        };
        until(true);
        pulse.turn(fence::now());
        assert!(!pulse.sleeps.load(SeqCst), "it looks after ten seconds");
        pulse.waits();
        pulse.turn(fence::now());
        drop(watch);
    }
}
