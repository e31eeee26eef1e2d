//! What the session waits for: one epoll set, one timer.
//!
//! The frame path (clients, display devices, the latch timer, fences) is polled here directly. The
//! sources that Smithay has for calloop (libinput, udev, the seat) are in a calloop loop whose
//! descriptor is one entry of this set. A calloop wake-up costs five system calls (timerfd, two
//! epoll_ctl, the wait, the notifier's read). With three wake-ups a frame that would be half of the
//! frame's budget. Clients' sockets are here too, and not in the epoll set of the Wayland library
//! inside this one: looking into that set costs two calls more for each batch of requests.
//!
//! It never reads a descriptor and never decides anything.

use std::{
    io,
    os::fd::{AsFd, OwnedFd, RawFd},
};

use fence::Ns;
use rustix::{
    event::epoll,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec},
};

use crate::system::{
    id::{OutputId, Slot},
    ioctl,
};

/// What has caused a wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// A client has sent requests, or has hung up; by slot.
    Client(Slot),
    /// A client connects.
    Listen,
    /// A card has events; cards are named by their serial.
    Display(kms::CardSerial),
    /// The timer set with [`Reactor::wake_at`].
    Timer,
    /// The calloop loop has events to dispatch.
    Calloop,
    /// SIGINT, SIGTERM, SIGHUP or SIGCHLD.
    Signal,
    /// Files of the configuration may have changed.
    Configuration,
    /// A `syncline msg` connects.
    MsgListen,
    /// A `syncline msg` connection is ready, by slot.
    Msg(Slot),
    /// An output has CRC entries.
    Crc(OutputId),
    /// The CRC predictor has results.
    Predictor,
    /// A pending acquire is ready, by slot.
    Acquire(Slot),
    /// A CEC adapter is ready, by slot.
    Cec(Slot),
    /// The V4L2 converter is ready.
    Mem2mem,
    /// The socket of a security context is ready, or its engine has hung up, by slot.
    Sandbox(Slot),
    /// Pictures of text have been drawn.
    Text,
    /// The GPU has drawn what a client captures, by slot.
    Capture(Slot),
    /// The threads that talk to D-Bus have something to say.
    Bus,
}

impl EventSource {
    /// A number for it, below 1 << 62.
    pub fn token(self) -> u64 {
        let (kind, index) = match self {
            Self::Client(slot) => (0, slot.0),
            Self::Listen => (1, 0),
            Self::Display(card) => (2, card.raw()),
            Self::Timer => (3, 0),
            Self::Calloop => (4, 0),
            Self::Signal => (5, 0),
            Self::MsgListen => (6, 0),
            Self::Msg(slot) => (7, slot.0),
            Self::Crc(output) => (8, output.0),
            Self::Predictor => (9, 0),
            Self::Acquire(slot) => (10, slot.0),
            Self::Cec(slot) => (11, slot.0),
            Self::Mem2mem => (12, 0),
            Self::Sandbox(slot) => (13, slot.0),
            Self::Configuration => (14, 0),
            Self::Text => (15, 0),
            Self::Capture(slot) => (16, slot.0),
            Self::Bus => (17, 0),
        };
        (kind << 32) | u64::from(index)
    }

    /// The source with this number.
    pub fn from_token(token: u64) -> Option<Self> {
        let index = token as u32;
        Some(match token >> 32 {
            0 => Self::Client(Slot(index)),
            1 => Self::Listen,
            2 => Self::Display(kms::CardSerial::from_raw(index)),
            3 => Self::Timer,
            4 => Self::Calloop,
            5 => Self::Signal,
            6 => Self::MsgListen,
            7 => Self::Msg(Slot(index)),
            8 => Self::Crc(OutputId(index)),
            9 => Self::Predictor,
            10 => Self::Acquire(Slot(index)),
            11 => Self::Cec(Slot(index)),
            12 => Self::Mem2mem,
            13 => Self::Sandbox(Slot(index)),
            14 => Self::Configuration,
            15 => Self::Text,
            16 => Self::Capture(Slot(index)),
            17 => Self::Bus,
            _ => return None,
        })
    }
}

/// A time that is further away than this is left to the time limit of the wait, which costs no
/// system call. The watchdog of a frame is such a time, and moves with each frame.
const FAR: Ns = 1_000_000_000;
/// The longest time limit: epoll counts milliseconds in 32 bits. After it the session looks again.
const LONGEST: Ns = 86_400 * 1_000_000_000;

/// The epoll set and the timer; both descriptors are closed on drop.
pub struct Reactor {
    epoll: OwnedFd,
    timer: OwnedFd,
    armed: Option<Ns>,
    /// For how long to wait; `None`: until something happens.
    limit: Option<Timespec>,
    ready: Vec<epoll::Event>,
}

impl Reactor {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer =
            rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        // Edge-triggered: the expiration need not be read; arming the timer again clears it.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(EventSource::Timer.token()), flags)?;
        Ok(Self { epoll, timer, armed: None, limit: None, ready: Vec::with_capacity(64) })
    }

    /// Wakes the loop when `fd` is readable, until [`Reactor::remove`] or until the file is closed.
    pub fn add(&self, fd: impl AsFd, source: EventSource) -> io::Result<()> {
        let data = epoll::EventData::new_u64(source.token());
        Ok(epoll::add(&self.epoll, fd, data, epoll::EventFlags::IN)?)
    }

    /// As [`Reactor::add`], and also for priority events (`POLLPRI`), as CEC adapters have.
    pub fn add_with_priority(&self, fd: impl AsFd, source: EventSource) -> io::Result<()> {
        let data = epoll::EventData::new_u64(source.token());
        Ok(epoll::add(&self.epoll, fd, data, epoll::EventFlags::IN | epoll::EventFlags::PRI)?)
    }

    /// Wakes the loop when the other end of `fd` hangs up, not when there is something to read.
    pub fn add_hangup(&self, fd: impl AsFd, source: EventSource) -> io::Result<()> {
        let data = epoll::EventData::new_u64(source.token());
        Ok(epoll::add(&self.epoll, fd, data, epoll::EventFlags::empty())?)
    }

    /// Whether the loop is also woken when there is room in the socket `fd`, which is watched
    /// already and which another part of the process owns: it must be open.
    pub fn watch_room(&self, fd: RawFd, source: EventSource, room: bool) -> io::Result<()> {
        let also = if room { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
        let data = epoll::EventData::new_u64(source.token());
        Ok(ioctl::watch(&self.epoll, fd, data, epoll::EventFlags::IN | also)?)
    }

    /// Stops watching `fd`.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, fd)?)
    }

    /// Has the loop woken at `at` (CLOCK_MONOTONIC), or by events only; `now` is the time. Makes a
    /// system call only if the timer has to change.
    ///
    /// If `at` is far, [`Reactor::wait`] returns early and without a source. The caller then plans
    /// again, as after every wait, and by that time `at` is near enough for the timer, which is
    /// exact.
    pub fn wake_at(&mut self, at: Option<Ns>, now: Ns) -> io::Result<()> {
        let ahead = at.map(|at| at.saturating_sub(now)).filter(|ahead| *ahead > FAR);
        self.limit = ahead.map(|ahead| timespec((ahead - FAR / 2).min(LONGEST)));
        let at = at.filter(|_| ahead.is_none());
        if self.armed == at {
            return Ok(());
        }
        // 0 would disarm the timer; a time in the past fires at once.
        let it_value = timespec(at.map_or(0, |at| at.max(1)));
        let spec = Itimerspec { it_interval: Timespec::default(), it_value };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &spec)?;
        self.armed = at;
        Ok(())
    }

    /// The timer has fired: the next [`Reactor::wake_at`] must set it again.
    pub fn timer_fired(&mut self) {
        self.armed = None;
    }

    /// Waits until something is ready, and fills `sources` with it. They are empty if it is time to
    /// plan again, see [`Reactor::wake_at`].
    pub fn wait(&mut self, sources: &mut Vec<EventSource>) -> io::Result<()> {
        self.look(sources, self.limit)
    }

    /// As [`Reactor::wait`] for at most `limit`; `None`: for any time.
    pub fn look(&mut self, sources: &mut Vec<EventSource>, limit: Option<Timespec>) -> io::Result<()> {
        sources.clear();
        self.ready.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.ready), limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        sources.extend(self.ready.iter().filter_map(|event| EventSource::from_token(event.data.u64())));
        Ok(())
    }
}

fn timespec(ns: Ns) -> Timespec {
    Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::net::UnixStream,
    };

    use super::*;

    #[test]
    fn tokens_come_back() {
        use EventSource::*;
        for source in [
            Client(Slot(5)),
            Listen,
            Display(kms::CardSerial::from_raw(2)),
            Timer,
            Calloop,
            Signal,
            MsgListen,
            Msg(Slot(7)),
            Crc(OutputId(31)),
            Predictor,
            Acquire(Slot(u32::MAX)),
            Cec(Slot(3)),
            Mem2mem,
            Configuration,
            Text,
            Capture(Slot(1)),
            Bus,
        ] {
            assert_eq!(EventSource::from_token(source.token()), Some(source));
        }
        assert_eq!(EventSource::from_token(99 << 32), None);
    }

    #[test]
    fn the_timer_wakes_and_can_be_set_again() {
        let mut reactor = Reactor::new().unwrap();
        let mut sources = Vec::new();
        for _ in 0..2 {
            reactor.wake_at(Some(1), 1).unwrap();
            reactor.wait(&mut sources).unwrap();
            assert_eq!(sources, [EventSource::Timer]);
            reactor.timer_fired();
        }
    }
    #[test]
    fn a_far_time_is_left_to_the_wait_until_it_is_near() {
        let mut reactor = Reactor::new().unwrap();
        reactor.wake_at(Some(10), 0).unwrap();
        assert_eq!((reactor.armed, reactor.limit), (Some(10), None));
        reactor.wake_at(Some(10 * FAR), 0).unwrap();
        assert_eq!((reactor.armed, reactor.limit), (None, Some(timespec(10 * FAR - FAR / 2))), "no stale timer fires");
        // Whenever the wait ends, the next plan says the same time again.
        reactor.wake_at(Some(10 * FAR), 9 * FAR - 1).unwrap();
        assert_eq!((reactor.armed, reactor.limit), (None, Some(timespec(FAR / 2 + 1))), "never a wait of no time");
        reactor.wake_at(Some(10 * FAR), 9 * FAR).unwrap();
        assert_eq!((reactor.armed, reactor.limit), (Some(10 * FAR), None), "the timer is exact");
        reactor.wake_at(Some(Ns::MAX), 0).unwrap();
        assert_eq!((reactor.armed, reactor.limit), (None, Some(timespec(LONGEST))));
        reactor.wake_at(None, 0).unwrap();
        assert_eq!((reactor.armed, reactor.limit), (None, None));
    }

    #[test]
    fn the_wait_for_a_far_time_ends_and_the_timer_takes_over() {
        let mut reactor = Reactor::new().unwrap();
        let mut sources = vec![EventSource::Timer];
        let at = fence::now() + FAR + FAR / 20;
        reactor.wake_at(Some(at), at - FAR - 1).unwrap();
        reactor.wait(&mut sources).unwrap();
        assert_eq!(sources, []);
        assert!(fence::now() < at, "early enough to set the timer");
        reactor.wake_at(Some(at), fence::now()).unwrap();
        reactor.wait(&mut sources).unwrap();
        assert_eq!(sources, [EventSource::Timer]);
        assert!(fence::now() >= at);
    }

    #[test]
    fn a_socket_wakes_until_everything_has_been_read() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let mut reactor = Reactor::new().unwrap();
        let client = EventSource::Client(Slot(1));
        theirs.write_all(b"before it is watched").unwrap();
        reactor.add(&ours, client).unwrap();
        let mut look = |expected: &[EventSource]| {
            let mut sources = Vec::new();
            reactor.look(&mut sources, Some(Timespec::default())).unwrap();
            assert_eq!(sources, expected);
        };
        look(&[client]);
        assert_eq!(ours.read(&mut [0; 10]).unwrap(), 10);
        look(&[client]);
        assert_eq!(ours.read(&mut [0; 64]).unwrap(), 10);
        look(&[]);
        drop(theirs);
        look(&[client]);
    }
}
