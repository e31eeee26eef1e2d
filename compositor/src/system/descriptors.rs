//! How many file descriptors the process may have, and what happens when there are no more.
//!
//! Each buffer, pool and fence of a client is a descriptor here, and the usual soft limit is 1 024.
//! Programs that the session starts get the old limit: some use select(2), which knows no higher
//! numbers.

use std::{fs::File, io, os::fd::AsRawFd};

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// The limits of the process before [`raise`].
#[derive(Debug, Clone, Copy)]
pub struct OldLimit(Rlimit);

/// Raises the soft limit to the hard one. `None`: it was as high already, or cannot be raised, which
/// is logged.
pub fn raise() -> Option<OldLimit> {
    let old = getrlimit(Resource::Nofile);
    if old.current == old.maximum {
        return None;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: old.maximum, maximum: old.maximum }) {
        Ok(()) => Some(OldLimit(old)),
        Err(errno) => {
            tracing::warn!("the limit of file descriptors stays at {:?}: {errno}", old.current);
            None
        }
    }
}

impl OldLimit {
    /// This one.
    #[cfg(test)]
    pub fn of(limit: Rlimit) -> Self {
        Self(limit)
    }

    /// Sets the old limit again; for a program that is being started. It allocates nothing.
    pub fn restore(self) -> io::Result<()> {
        Ok(setrlimit(Resource::Nofile, self.0)?)
    }
}

/// Requests after which the number of open descriptors is looked at.
const LOOK: usize = 1024;

/// How many descriptors there are, and one for the time when there are no others: it lets a connection
/// be accepted and closed. Otherwise the connection would wait in the socket, and wake the loop again
/// and again.
#[derive(Debug)]
pub struct Descriptors {
    spare: Option<File>,
    logged: bool,
    /// From so many on they are few.
    few_from: i64,
    few: bool,
    /// Requests since the last look.
    requests: usize,
}

impl Descriptors {
    /// Opens the spare one, if the machine has it. They are few when an eighth of those that the
    /// process may have is open.
    pub fn new() -> Self {
        let most = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20);
        Self { spare: open_spare(), logged: false, few_from: most as i64 / 8, few: false, requests: 0 }
    }

    /// So many are few.
    #[cfg(test)]
    pub fn few_from(&mut self, few: i64) {
        self.few_from = few;
    }

    /// A connection could not be accepted because of `error`. If descriptors are missing, `accept`
    /// is called with one to spare, and is to close what it accepts.
    pub fn refuse(&mut self, error: &io::Error, accept: impl FnOnce() -> bool) {
        let missing = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
        if !missing.contains(&error.raw_os_error()) || self.spare.take().is_none() {
            return;
        }
        let closed = accept();
        self.spare = open_spare();
        if closed && !std::mem::replace(&mut self.logged, true) {
            tracing::warn!("a connection was refused: {error}");
        }
    }

    /// How many are open at least, while they are few. `None`: there are plenty, which costs no system
    /// call to know.
    pub fn open_while_few(&self) -> Option<i64> {
        self.few.then(|| self.open())
    }

    /// So many requests have been handled. Looks again if it is time or `now`, and returns whether the
    /// descriptors have become few.
    pub fn after(&mut self, requests: usize, now: bool) -> bool {
        self.requests += requests;
        if !now && self.requests < LOOK {
            return false;
        }
        self.requests = 0;
        let few = self.open() >= self.few_from;
        let before = std::mem::replace(&mut self.few, few);
        few && !before
    }

    /// The lowest number that is free, which is what a new descriptor gets.
    fn open(&self) -> i64 {
        let new = self.spare.as_ref().and_then(|spare| spare.try_clone().ok());
        new.map_or(i64::MAX, |file| i64::from(file.as_raw_fd()))
    }
}

fn open_spare() -> Option<File> {
    File::open("/dev/null").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_refused_only_for_want_of_descriptors() {
        let mut descriptors = Descriptors::new();
        let mut refused = 0;
        for errno in [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::CONNABORTED, Errno::MFILE] {
            descriptors.refuse(&errno.into(), || {
                refused += 1;
                true
            });
        }
        assert_eq!((refused, descriptors.spare.is_some()), (3, true));
    }

    #[test]
    fn descriptors_are_looked_at_now_and_then_until_they_are_few() {
        let mut descriptors = Descriptors::new();
        descriptors.few_from(i64::MAX);
        assert!(!descriptors.after(LOOK, true));
        assert_eq!(descriptors.open_while_few(), None);
        descriptors.few_from(0);
        assert!(!descriptors.after(LOOK - 1, false));
        assert!(descriptors.after(1, false), "they have become few");
        assert!(!descriptors.after(1, true), "they still are");
        assert!(descriptors.open_while_few().is_some_and(|open| open > 2));
        descriptors.few_from(i64::MAX);
        assert!(!descriptors.after(1, true));
        assert_eq!(descriptors.open_while_few(), None);
    }
}
