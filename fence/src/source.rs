//! calloop event sources: one for each kind of fence, and one for a whole [`WaitSet`].
//!
//! They never read a fence's state for the loop's user: an event says that there is something to look at.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
};

use calloop::{EventSource, Interest, Mode, Poll, PostAction, Readiness, Token, TokenFactory, generic::Generic};

use crate::{CallError, Point, SyncFile, Until, WaitSet, implicit};

/// Fires once, when a file descriptor becomes readable, and hands what it waited for back to its callback.
///
/// It owns the thing and its descriptor until then. If it is removed before, both are dropped.
#[derive(Debug)]
pub struct Once<T> {
    fd: Generic<OwnedFd>,
    thing: Option<T>,
}

impl<T> Once<T> {
    fn new(fd: OwnedFd, thing: T) -> Once<T> {
        Once { fd: Generic::new(fd, Interest::READ, Mode::Level), thing: Some(thing) }
    }

    /// What it waits for; `None` after it has fired.
    pub fn get(&self) -> Option<&T> {
        self.thing.as_ref()
    }
}

/// Fires when a sync_file has signalled, successfully or not.
pub type SyncFileSource = Once<SyncFile>;
/// Fires when a point has materialised or signalled.
pub type PointSource = Once<Point>;
/// Fires when whoever wants an access to a dma-buf need not wait any more, by the fences on it at the start.
pub type DmabufSource = Once<SyncFile>;

impl SyncFileSource {
    /// For a sync_file, which becomes the source's.
    ///
    /// # Errors
    /// `EMFILE`: it takes a duplicate of the descriptor, so that a file that a client shares can be forgotten.
    pub fn sync_file(file: SyncFile) -> Result<SyncFileSource, CallError> {
        Ok(Once::new(file.try_clone()?.into_fd(), file))
    }

    /// For the fences that are on a dma-buf now. The dma-buf stays the caller's; the callback gets the sync_file.
    ///
    /// # Errors
    /// Those of [`implicit::export`].
    pub fn dmabuf(dmabuf: BorrowedFd<'_>, access: implicit::Access) -> Result<DmabufSource, CallError> {
        Once::sync_file(implicit::export(dmabuf, access)?)
    }
}

impl PointSource {
    /// For a point.
    ///
    /// # Errors
    /// Those of [`Point::eventfd`].
    pub fn point(point: Point, until: Until) -> Result<PointSource, CallError> {
        Ok(Once::new(point.eventfd(until)?, point))
    }
}

impl<T> EventSource for Once<T> {
    type Event = T;
    type Metadata = ();
    type Ret = ();
    type Error = io::Error;

    fn process_events<F>(&mut self, readiness: Readiness, token: Token, mut callback: F) -> io::Result<PostAction>
    where
        F: FnMut(T, &mut ()),
    {
        let thing = &mut self.thing;
        self.fd.process_events(readiness, token, |_, _| {
            if let Some(thing) = thing.take() {
                callback(thing, &mut ());
            }
            Ok(PostAction::Remove)
        })
    }

    fn register(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> calloop::Result<()> {
        self.fd.register(poll, factory)
    }

    fn reregister(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> calloop::Result<()> {
        self.fd.reregister(poll, factory)
    }

    fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.fd.unregister(poll)
    }
}

/// A [`WaitSet`] in an event loop: fires with the token of each fence that is ready. One registration in the loop for
/// thousands of fences; this is what a compositor uses.
#[derive(Debug)]
pub struct WaitSource {
    set: Generic<WaitSet>,
}

impl WaitSource {
    /// A source for this set, which becomes the source's.
    pub fn new(set: WaitSet) -> WaitSource {
        WaitSource { set: Generic::new(set, Interest::READ, Mode::Level) }
    }

    /// The set, to add to and remove from.
    pub fn set(&self) -> &WaitSet {
        self.set.get_ref()
    }
}

impl EventSource for WaitSource {
    type Event = u64;
    type Metadata = ();
    type Ret = ();
    type Error = io::Error;

    fn process_events<F>(&mut self, readiness: Readiness, token: Token, mut callback: F) -> io::Result<PostAction>
    where
        F: FnMut(u64, &mut ()),
    {
        self.set.process_events(readiness, token, |_, set| {
            let mut tokens = [0; 64];
            let count = set.wait(&mut tokens, Some(0)).map_err(|error| io::Error::from(error.errno))?;
            for token in &tokens[..count] {
                callback(*token, &mut ());
            }
            Ok(PostAction::Continue)
        })
    }

    fn register(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> calloop::Result<()> {
        self.set.register(poll, factory)
    }

    fn reregister(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> calloop::Result<()> {
        self.set.reregister(poll, factory)
    }

    fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.set.unregister(poll)
    }
}
