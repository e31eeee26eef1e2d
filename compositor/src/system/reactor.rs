//! What the session waits for: one epoll set, one timer.
//!
//! The frame path (clients, display devices, the latch timer, fences) is polled here directly. The
//! sources that Smithay has for calloop (libinput, udev, the seat) are in a calloop loop whose
//! descriptor is one entry of this set. A calloop wake-up costs five system calls (timerfd, two
//! epoll_ctl, the wait, the notifier's read). With three wake-ups a frame that would be half of the
//! frame's budget.
//!
//! It never reads a descriptor and never decides anything.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use fence::Ns;
use rustix::{
    event::epoll,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec},
};

use crate::system::id::{OutputId, Slot};

/// What has caused a wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// Clients have sent requests.
    Clients,
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
}

impl EventSource {
    fn token(self) -> u64 {
        let (kind, index) = match self {
            Self::Clients => (0, 0),
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
        };
        (kind << 32) | u64::from(index)
    }

    fn from_token(token: u64) -> Option<Self> {
        let index = token as u32;
        Some(match token >> 32 {
            0 => Self::Clients,
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
            _ => return None,
        })
    }
}

/// The epoll set and the timer; both descriptors are closed on drop.
pub struct Reactor {
    epoll: OwnedFd,
    timer: OwnedFd,
    armed: Option<Ns>,
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
        Ok(Self { epoll, timer, armed: None, ready: Vec::with_capacity(64) })
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

    /// Stops watching `fd`.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, fd)?)
    }

    /// Sets the timer to `at` (CLOCK_MONOTONIC), or turns it off. Makes a system call only if the
    /// time changes.
    pub fn wake_at(&mut self, at: Option<Ns>) -> io::Result<()> {
        if self.armed == at {
            return Ok(());
        }
        // 0 would disarm the timer; a time in the past fires at once.
        let ns = at.map_or(0, |at| at.max(1));
        let value = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ };
        let spec = Itimerspec { it_interval: Timespec::default(), it_value: value };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &spec)?;
        self.armed = at;
        Ok(())
    }

    /// The timer has fired: the next [`Reactor::wake_at`] must set it again.
    pub fn timer_fired(&mut self) {
        self.armed = None;
    }

    /// Waits without a time limit; fills `sources` with what is ready.
    pub fn wait(&mut self, sources: &mut Vec<EventSource>) -> io::Result<()> {
        sources.clear();
        self.ready.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.ready), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        sources.extend(self.ready.iter().filter_map(|event| EventSource::from_token(event.data.u64())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        use EventSource::*;
        for source in [
            Clients,
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
            reactor.wake_at(Some(1)).unwrap();
            reactor.wait(&mut sources).unwrap();
            assert_eq!(sources, [EventSource::Timer]);
            reactor.timer_fired();
        }
    }
}
