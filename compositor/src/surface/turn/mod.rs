//! A client's turn: so many of its requests are handled, then others come first.
//!
//! The Wayland library reads a client's socket until there is nothing left, and handles whatever it
//! reads. So the session reads the socket itself, into an [`Inbox`], and the library gets of it only
//! whole requests, a few at a time, that cannot harm it: [`messages`] finds them. A null string where
//! the protocol allows none would end the process in the library, or in the code that is generated
//! for it: [`strings`] finds it, and [`bound`] says for which objects some need not be looked for.
//!
//! Nothing here decides whose turn is next, and nothing here ends a client.

pub mod bound;
pub mod messages;
pub mod strings;

use std::{
    cell::Cell,
    io::{self, ErrorKind},
    os::{fd::AsRawFd, unix::net::UnixStream},
    sync::Arc,
};

use fence::Ns;
use wayland_server::backend::Backend;

use crate::{
    surface::turn::strings::Strings,
    system::recvmsg::{FILES, Inbox},
};

/// After so many requests a turn ends.
pub const SHARE: usize = 480;
/// After so long a turn ends, too, in nanoseconds: some requests take longer than others.
pub const TIME: Ns = 1_000_000;
/// A frame that is later than this is not waited for: nobody knows when it comes.
const OVERDUE: Ns = 10 * TIME;
/// How often the time is looked at, in requests. The library gets no more at once: of the descriptors
/// that come with them, two for each at most, it takes [`FILES`].
pub const LOOK: usize = FILES / 2;
/// A client that has sent so many requests and still has more in its socket is ended.
pub const MOST: usize = 100_000;
/// So many descriptors may come before the request that takes them is whole.
pub const MOST_AHEAD: usize = 1024;

/// What the clients' turns need.
#[derive(Debug)]
pub struct Turns {
    pub strings: Strings,
    /// For the next turn, so that none is allocated for each. A client that has more than its turn
    /// allows keeps its own.
    spare: Option<Box<Inbox>>,
    /// For how many more requests those count that the library handles now.
    surcharge: Cell<usize>,
}

/// How a turn has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// There was nothing left to be read.
    Empty,
    /// The client is gone, or has been ended.
    Gone,
    /// The stream has ended, or the client is to be ended, and its objects are many.
    Leaves,
    /// There may be more: the client has another turn when the others have had theirs.
    More,
}

impl Turns {
    pub fn new(strings: Strings) -> Self {
        Self { strings, spare: None, surcharge: Cell::default() }
    }

    /// An inbox for a client that keeps none.
    pub fn inbox(&mut self) -> Box<Inbox> {
        self.spare.take().unwrap_or_default()
    }

    /// The request that is handled counts for so many more.
    pub fn count(&self, more: usize) {
        self.surcharge.set(self.surcharge.get() + more);
    }

    /// For how many more requests those count that were handled since this was asked last.
    pub fn surcharge(&self) -> usize {
        self.surcharge.take()
    }

    /// Takes an inbox back if nothing is in it; else it is the client's.
    pub fn put_back(&mut self, inbox: Box<Inbox>) -> Option<Box<Inbox>> {
        if !inbox.is_empty() {
            return Some(inbox);
        }
        self.spare = Some(inbox);
        None
    }
}

/// How much of a turn is used up.
#[derive(Debug, Default)]
pub struct Used {
    /// Some count for more than one.
    pub requests: usize,
    /// With so many requests the time is looked at.
    look: usize,
    /// When the time was first looked at: reading it may be a system call, and most turns are short.
    began: Option<Ns>,
    /// When the next frame is due, which waits for no turn to end.
    frame: Option<Ns>,
}

impl Used {
    /// A turn that ends early for the frame that is due at `frame`, if it is not long overdue.
    pub fn before(frame: Option<Ns>) -> Self {
        Self { frame, ..Self::default() }
    }

    /// How many requests may be handled before this is asked again; 0: the turn is over.
    pub fn left(&mut self, now: impl FnOnce() -> Ns) -> usize {
        if self.requests >= self.look + LOOK {
            self.look = self.requests;
            let now = now();
            let is_due = |frame: Ns| (frame..frame.saturating_add(OVERDUE)).contains(&now);
            if now >= *self.began.get_or_insert(now) + TIME || self.frame.is_some_and(is_due) {
                return 0;
            }
        }
        SHARE.saturating_sub(self.requests).min(LOOK)
    }
}

/// Whether the Wayland library reads what an inbox offers; the error says what may be wrong. It
/// would work without: but any client could end the session.
pub fn check() -> io::Result<()> {
    let (ours, _theirs) = UnixStream::pair()?;
    let fd = ours.as_raw_fd();
    let mut library = Backend::<()>::new().map_err(io::Error::other)?;
    let client = library.handle().insert_client(ours, Arc::new(()))?;
    // wl_display.sync
    let (inbox, sync) = (Inbox::default(), [1, 12 << 16, 2].map(u32::to_ne_bytes));
    let inbox = inbox.with(sync.as_flattened());
    let length = inbox.waiting().len();
    let (_, handled) = Box::new(inbox).offer(fd, length, || library.dispatch_single_client(&mut (), client));
    match handled {
        Ok(1) => Ok(()),
        handled => Err(io::Error::new(
            ErrorKind::Unsupported,
            format!(
                "the Wayland library does not read through this program's recvmsg(): {handled:?}. Was it built without \
                 the feature `use-libc` of rustix, or with another version of rustix than this program? In a module \
                 that another program loads, was it linked without -Bsymbolic?"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_reads_what_is_offered() {
        check().unwrap();
    }

    #[test]
    fn a_turn_ends_after_its_share_of_requests() {
        let mut used = Used::default();
        let mut steps = 0;
        loop {
            let left = used.left(|| 5);
            if left == 0 {
                break;
            }
            used.requests += left;
            steps += 1;
        }
        assert_eq!((used.requests, steps), (SHARE, SHARE.div_ceil(LOOK)));
    }

    #[test]
    fn a_turn_of_slow_requests_is_shorter() {
        let mut used = Used { requests: LOOK, ..Used::default() };
        assert_eq!(used.left(|| 5), LOOK);
        used.requests += LOOK - 1;
        assert_eq!(used.left(|| 5 + TIME), LOOK, "the time is not looked at");
        used.requests += 1;
        assert_eq!(used.left(|| 5 + TIME), 0);
    }

    #[test]
    fn a_turn_ends_for_a_frame_that_is_due() {
        let turn = || Used { requests: LOOK, ..Used::before(Some(500)) };
        assert_eq!(turn().left(|| 499), LOOK);
        assert_eq!(turn().left(|| 500), 0);
        assert_eq!(turn().left(|| 500 + OVERDUE), LOOK, "it has no end");
        assert_eq!(Used::before(Some(500)).left(|| 500), LOOK, "some are handled in each turn");
        assert_eq!(Used { requests: LOOK, ..Used::before(Some(Ns::MAX)) }.left(|| 5), LOOK);
    }

    #[test]
    fn an_inbox_is_kept_for_the_next_turn_unless_something_is_in_it() {
        let mut turns = Turns::new(Strings::default());
        let inbox = turns.inbox();
        assert!(turns.put_back(inbox).is_none() && turns.spare.is_some());
        let inbox = Box::new(turns.inbox().with(b"half a request"));
        assert!(turns.spare.is_none());
        assert!(turns.put_back(inbox).is_some_and(|inbox| inbox.waiting() == b"half a request"));
    }
}
