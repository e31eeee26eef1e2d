//! Waiting for any of many fences of any kind: [`WaitSet`] for event loops, [`wait_any`] for tools.
//!
//! A wake-up costs the same with one fence pending as with ten thousand, because the kernel's epoll does the waiting.
//! The driver of a fence never matters.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    event::{
        PollFd, PollFlags, Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
        poll,
    },
    io::{Errno, retry_on_intr},
};

use crate::{CallError, Ns, Object, Point, Status, SyncFile, Until, implicit};

/// How many events one wait takes at most; more stay for the next.
const BATCH: usize = 64;

/// Thousands of fences behind one file descriptor, which is readable when one of them is ready.
///
/// Each file descriptor that is added is reported **once**; add or [`rearm`](WaitSet::rearm) it to hear again. The set
/// owns only its own descriptor. What is in it stays the caller's and must be [removed](WaitSet::remove) before it is
/// closed if anybody else may have it too, as with a sync_file that a client sent: the kernel forgets a file only when
/// its last descriptor is closed. Tokens of the past can therefore come, and are to be ignored.
#[derive(Debug)]
pub struct WaitSet {
    epoll: OwnedFd,
}

impl WaitSet {
    /// An empty set.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn new() -> Result<WaitSet, CallError> {
        let epoll =
            epoll::create(CreateFlags::CLOEXEC).map_err(|errno| CallError::new("epoll_create1", Object::New, errno))?;
        Ok(WaitSet { epoll })
    }

    /// Adds a file descriptor that becomes readable: a sync_file, an eventfd of a [`Point`], the
    /// [`wait_fd`](crate::Acquire::wait_fd) of an acquire. `token` comes back when it is.
    ///
    /// # Errors
    /// `EEXIST`: it is in the set; `EPERM`: it cannot be waited for; `ENOSPC`, `ENOMEM`.
    pub fn add(&self, fd: impl AsFd, token: u64) -> Result<(), CallError> {
        self.add_flags(fd.as_fd(), token, EventFlags::IN)
    }

    /// Adds a dma-buf: reported when whoever wants this access need not wait any more, by the fences on it now and
    /// those added until then.
    ///
    /// # Errors
    /// As [`WaitSet::add`].
    pub fn add_dmabuf(&self, dmabuf: impl AsFd, access: implicit::Access, token: u64) -> Result<(), CallError> {
        let flags = match access {
            implicit::Access::Read => EventFlags::IN,
            implicit::Access::Write => EventFlags::OUT,
        };
        self.add_flags(dmabuf.as_fd(), token, flags)
    }

    fn add_flags(&self, fd: BorrowedFd<'_>, token: u64, flags: EventFlags) -> Result<(), CallError> {
        epoll::add(&self.epoll, fd, EventData::new_u64(token), flags | EventFlags::ONESHOT)
            .map_err(|errno| CallError::new("epoll_ctl(ADD)", Object::fd(fd), errno))
    }

    /// Wants to hear again of a readable file descriptor that is in the set.
    ///
    /// # Errors
    /// `ENOENT`: it is not in the set.
    pub fn rearm(&self, fd: impl AsFd, token: u64) -> Result<(), CallError> {
        epoll::modify(&self.epoll, &fd, EventData::new_u64(token), EventFlags::IN | EventFlags::ONESHOT)
            .map_err(|errno| CallError::new("epoll_ctl(MOD)", Object::fd(fd.as_fd()), errno))
    }

    /// Takes a file descriptor out.
    ///
    /// # Errors
    /// `ENOENT`: it is not in the set.
    pub fn remove(&self, fd: impl AsFd) -> Result<(), CallError> {
        epoll::delete(&self.epoll, &fd).map_err(|errno| CallError::new("epoll_ctl(DEL)", Object::fd(fd.as_fd()), errno))
    }

    /// Writes the tokens of what is ready into `tokens` and says how many: at most 64 a call. Blocks for `timeout` at
    /// most (a duration in nanoseconds; 0 does not block, `None` for ever, which is for tests and tools).
    ///
    /// One system call and no heap, whatever is pending.
    ///
    /// # Errors
    /// None that the caller could cause.
    pub fn wait(&self, tokens: &mut [u64], timeout: Option<Ns>) -> Result<usize, CallError> {
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; BATCH];
        let room = tokens.len().min(BATCH);
        if room == 0 {
            return Ok(0);
        }
        let count = match epoll::wait(&self.epoll, &mut events[..room], timeout.map(timespec).as_ref()) {
            Ok(count) => count,
            // A signal: nothing is ready as far as we know.
            Err(Errno::INTR) => 0,
            Err(errno) => return Err(CallError::new("epoll_wait", Object::fd(self.epoll.as_fd()), errno)),
        };
        for (token, event) in tokens.iter_mut().zip(&events[..count]) {
            *token = event.data.u64();
        }
        Ok(count)
    }
}

impl AsFd for WaitSet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

fn timespec(ns: Ns) -> Timespec {
    Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ }
}

/// Something to wait for with [`wait_any`].
#[derive(Clone, Copy, Debug)]
pub enum Fence<'a> {
    /// A sync_file of any driver.
    File(&'a SyncFile),
    /// A syncobj point of any device: until it is there.
    Point(&'a Point, Until),
    /// The fences that are on a dma-buf now, for who wants this access.
    Dmabuf(BorrowedFd<'a>, implicit::Access),
}

/// Blocks until one of the fences is ready and says which and how it is, or `None` after `timeout` (a duration in
/// nanoseconds; `None` waits for ever).
///
/// A point that is waited for until it is [`Until::Available`] has the status of its fence, which may be active. Borrows
/// everything; what it opens it closes. For tests and tools: a compositor never blocks.
///
/// # Errors
/// `EMFILE`: points and dma-bufs need a file descriptor each; those of [`Point::eventfd`] and [`implicit::export`].
pub fn wait_any(fences: &[Fence<'_>], timeout: Option<Ns>) -> Result<Option<(usize, Status)>, CallError> {
    enum Held<'a> {
        Borrowed(BorrowedFd<'a>),
        Event(OwnedFd),
        File(SyncFile),
    }
    let mut held = Vec::with_capacity(fences.len());
    for fence in fences {
        held.push(match *fence {
            Fence::File(file) => Held::Borrowed(file.as_fd()),
            Fence::Point(point, until) => Held::Event(point.eventfd(until)?),
            Fence::Dmabuf(fd, access) => Held::File(implicit::export(fd, access)?),
        });
    }
    let mut fds: Vec<_> = held
        .iter()
        .map(|held| {
            let fd = match held {
                Held::Borrowed(fd) => *fd,
                Held::Event(fd) => fd.as_fd(),
                Held::File(file) => file.as_fd(),
            };
            PollFd::from_borrowed_fd(fd, PollFlags::IN)
        })
        .collect();
    let timeout = timeout.map(timespec);
    retry_on_intr(|| poll(&mut fds, timeout.as_ref())).map_err(|errno| CallError::new("poll", Object::New, errno))?;
    let Some(index) = fds.iter().position(|fd| !fd.revents().is_empty()) else { return Ok(None) };
    let status = match (&fences[index], &held[index]) {
        (Fence::File(file), _) => file.status()?,
        (_, Held::File(file)) => file.status()?,
        (Fence::Point(point, _), _) => match point.export()? {
            Some(file) => file.status()?,
            None => Status::Active,
        },
        (Fence::Dmabuf(..), _) => Status::Signalled,
    };
    Ok(Some((index, status)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{EventfdFlags, eventfd};

    #[test]
    fn each_is_reported_once_and_again_after_rearm() {
        let set = WaitSet::new().unwrap();
        let fds: Vec<_> = (0..100).map(|_| eventfd(1, EventfdFlags::NONBLOCK).unwrap()).collect();
        for (token, fd) in fds.iter().enumerate() {
            set.add(fd, token as u64).unwrap();
        }
        let mut seen = Vec::new();
        let mut tokens = [0; 7];
        loop {
            let count = set.wait(&mut tokens, Some(0)).unwrap();
            if count == 0 {
                break;
            }
            seen.extend_from_slice(&tokens[..count]);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        set.rearm(&fds[3], 1003).unwrap();
        let mut tokens = [0; 256];
        assert_eq!(set.wait(&mut tokens, Some(0)).unwrap(), 1);
        assert_eq!(tokens[0], 1003);
        set.remove(&fds[3]).unwrap();
        assert_eq!(set.remove(&fds[3]).unwrap_err().errno, Errno::NOENT);
        assert_eq!(set.wait(&mut [], Some(0)).unwrap(), 0);
    }
}
