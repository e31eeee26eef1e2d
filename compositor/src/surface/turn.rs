//! A client's turn: so many of its requests are handled, then others come first.
//!
//! The Wayland library reads a client's socket until there is nothing left, and offers no limit. So
//! a turn ends by taking the socket away: another socket, from which nothing can be read, is put
//! behind the descriptor that the library reads. It handles what it has read already, at most
//! [`READ`] bytes, and returns. [`Turns::end`] puts the client's socket back, before anything is
//! sent to the client.
//!
//! For `wl_display.sync` the library calls nothing of ours, so these requests cannot be counted
//! while they are handled. [`guard`] ends a turn of nothing else, from a thread of its own.
//!
//! Nothing here decides whose turn is next.

use std::{
    io::{self, ErrorKind, Write},
    os::{
        fd::{AsRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, MutexGuard},
};

use crate::system::ioctl;
use fence::Ns;
use rustix::{
    thread::{ClockId, NanosleepRelativeResult, clock_nanosleep_relative},
    time::Timespec,
};

/// What the library reads at once, in bytes. The shortest request has eight.
pub const READ: usize = 4096;
/// After so many requests a turn ends. With those that are read already it has less than 1 000.
pub const SHARE: u32 = 480;
/// After so long a turn ends, too, in nanoseconds: some requests take longer than others.
pub const TIME: Ns = 1_000_000;
/// How often the time is looked at, in requests.
const LOOK: u32 = 16;
/// After so much processor time [`guard`] ends a turn, at most twice as much.
const GUARD: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
/// A client that has sent so many requests and still has more in its socket is ended.
pub const MOST: usize = 100_000;

/// A socket from which nothing can be read, and that takes nothing.
#[derive(Debug)]
struct Lid {
    shut: UnixStream,
    /// Held open, or reading would find the end of the stream.
    _other: UnixStream,
}

impl Lid {
    fn new() -> io::Result<Self> {
        let (mut shut, other) = UnixStream::pair()?;
        shut.set_nonblocking(true)?;
        rustix::net::sockopt::set_socket_send_buffer_size(&shut, 0)?;
        loop {
            match shut.write(&[0; READ]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Self { shut, _other: other }),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The turn of one client; there is one at a time.
#[derive(Debug)]
struct Turn {
    /// The number of the connection's descriptor, which the library owns.
    fd: RawFd,
    /// The client's socket, while the lid is in its place.
    socket: Option<OwnedFd>,
    requests: u32,
    /// When the time was first looked at: reading it may be a system call, and most turns are short.
    began: Option<Ns>,
}

/// The turns of a session's clients.
#[derive(Debug)]
pub struct Turns {
    lid: Lid,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    turn: Option<Turn>,
    /// How many turns there have been.
    serial: u64,
}

/// How a turn has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// There was nothing left to be read, or the client is gone.
    Empty,
    /// There may be more: the client has another turn when the others have had theirs.
    More,
}

impl Turns {
    /// No client has a turn. Errors: EMFILE, ENOMEM.
    pub fn new() -> io::Result<Self> {
        Ok(Self { lid: Lid::new()?, now: Mutex::default() })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("no panic while locked")
    }

    /// The library has returned.
    pub fn end(&self) -> End {
        match self.now().turn.take() {
            Some(turn) if turn.socket.is_some() => {
                turn.open();
                End::More
            }
            _ => End::Empty,
        }
    }

    /// Ends the turn if it is the one with this serial. Returns the serial of the present one.
    fn end_if_still(&self, serial: u64) -> u64 {
        let mut turns = self.now();
        if turns.serial == serial
            && let Some(turn) = &mut turns.turn
        {
            turn.shut(&self.lid);
        }
        turns.serial
    }
}

impl Turn {
    fn is_long(&mut self, now: Ns) -> bool {
        now >= *self.began.get_or_insert(now) + TIME
    }

    /// Takes the socket away. If no descriptor is left for that, the turn goes on.
    fn shut(&mut self, lid: &Lid) {
        if self.socket.is_none() {
            self.socket = ioctl::duplicate(self.fd).ok().filter(|_| ioctl::put_file(&lid.shut, self.fd).is_ok());
        }
    }

    /// Puts the socket back.
    fn open(self) {
        if let Some(socket) = self.socket
            && let Err(error) = ioctl::put_file(socket, self.fd)
        {
            tracing::error!("a client is cut off: its socket cannot be put back: {error}");
        }
    }
}

/// Watches the turns from a thread of its own: one that takes too long without [`Turns::count`]
/// being called is ended. The thread sleeps while the process does, and ends with the session.
pub fn guard(turns: &Arc<Turns>) -> io::Result<()> {
    let turns = Arc::downgrade(turns);
    let watch = move || {
        let mut seen = 0;
        loop {
            match clock_nanosleep_relative(ClockId::ProcessCPUTime, &GUARD) {
                NanosleepRelativeResult::Ok | NanosleepRelativeResult::Interrupted(_) => {}
                NanosleepRelativeResult::Err(errno) => break tracing::warn!("nobody watches the turns: {errno}"),
            }
            let Some(turns) = turns.upgrade() else { break };
            seen = turns.end_if_still(seen);
        }
    };
    std::thread::Builder::new().name("turns".into()).spawn(watch).map(drop)
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    fd: RawFd,
    turns: Arc<Turns>,
}

impl Connection {
    /// A connection that the library is about to own, until [`Connection::ended`].
    pub fn new(connection: &UnixStream, turns: &Arc<Turns>) -> Self {
        Self { fd: connection.as_raw_fd(), turns: turns.clone() }
    }

    /// A turn of the client begins.
    pub fn begin(&self) {
        let mut turns = self.turns.now();
        turns.serial += 1;
        turns.turn = Some(Turn { fd: self.fd, socket: None, requests: 0, began: None });
    }

    /// Counts a request of the client, while the library handles it, and ends its turn when it is
    /// time.
    pub fn count(&self, now: impl FnOnce() -> Ns) {
        let mut turns = self.turns.now();
        let Some(turn) = turns.turn.as_mut().filter(|turn| turn.fd == self.fd) else { return };
        turn.requests += 1;
        if turn.requests >= SHARE || (turn.requests.is_multiple_of(LOOK) && turn.is_long(now())) {
            turn.shut(&self.turns.lid);
        }
    }

    /// The library is about to close the connection, and to send what it still has for the client.
    pub fn ended(&self) {
        let turn = self.turns.now().turn.take_if(|turn| turn.fd == self.fd);
        if let Some(turn) = turn {
            turn.open();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn connection() -> (Arc<Turns>, Connection, UnixStream, UnixStream) {
        let turns = Arc::new(Turns::new().unwrap());
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (turns.clone(), Connection::new(&ours, &turns), ours, theirs)
    }

    #[test]
    fn behind_the_lid_nothing_is_read_sent_or_lost() {
        let (turns, connection, mut ours, mut theirs) = connection();
        for _ in 0..3 {
            theirs.write_all(b"request").unwrap();
            connection.begin();
            (1..SHARE).for_each(|_| connection.count(|| 0));
            let mut byte = [0; 1];
            assert_eq!(ours.read(&mut byte).unwrap(), 1, "the turn goes on");
            connection.count(|| 0);
            assert_eq!(ours.read(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);
            assert_eq!(ours.write(b"event").unwrap_err().kind(), ErrorKind::WouldBlock);
            connection.count(|| 0);
            assert_eq!(turns.end(), End::More);
            let mut rest = [0; 16];
            assert_eq!(ours.read(&mut rest).unwrap(), 6);
            ours.write_all(b"event").unwrap();
            theirs.read_exact(&mut rest[..5]).unwrap();
        }
        connection.begin();
        assert_eq!(turns.end(), End::Empty);
    }

    #[test]
    fn a_turn_of_slow_requests_is_shorter() {
        let (turns, connection, _ours, _theirs) = connection();
        connection.begin();
        (0..LOOK).for_each(|_| connection.count(|| 5));
        (1..LOOK).for_each(|_| connection.count(|| 5 + TIME));
        assert!(turns.now().turn.as_ref().is_some_and(|turn| turn.socket.is_none()));
        connection.count(|| 5 + TIME);
        assert_eq!(turns.end(), End::More);
    }

    #[test]
    fn what_is_counted_for_another_client_ends_no_turn() {
        let (turns, connection, _ours, _theirs) = connection();
        let (other, _its_end) = UnixStream::pair().unwrap();
        let other = Connection::new(&other, &turns);
        connection.begin();
        (0..SHARE).for_each(|_| other.count(|| TIME));
        assert_eq!(turns.end(), End::Empty);
        (0..SHARE).for_each(|_| connection.count(|| TIME));
        assert_eq!(turns.end(), End::Empty, "nor what is counted after a turn");
    }

    #[test]
    fn a_client_that_is_ended_gets_what_there_is_for_it() {
        let (turns, connection, mut ours, mut theirs) = connection();
        connection.begin();
        (0..SHARE).for_each(|_| connection.count(|| 0));
        connection.ended();
        ours.write_all(b"error").unwrap();
        theirs.read_exact(&mut [0; 5]).unwrap();
        assert_eq!(turns.end(), End::Empty);
    }

    #[test]
    fn the_guard_ends_a_turn_in_which_nothing_is_counted() {
        let (turns, connection, mut ours, mut theirs) = connection();
        guard(&turns).unwrap();
        theirs.write_all(b"x").unwrap();
        connection.begin();
        let began = fence::now();
        // As the library reads requests that nobody is told of.
        while ours.read(&mut [0; 1]).map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock) {
            theirs.write_all(b"x").unwrap();
            assert!(fence::now() < began + 10_000_000_000, "the turn has no end");
        }
        assert_eq!(turns.end(), End::More);
        assert!(ours.read(&mut [0; 1]).is_ok(), "nothing is lost");
    }
}
