//! [`Release`]: the promise to give one buffer back, kept exactly once.
//!
//! Whoever uses the buffer is a [`User`] of it: a render pass until its fence, a scan-out until the out-fence of the
//! commit that replaces it. When the last user has ended, the fences go into the client's release point (or dma-buf) at
//! once: the point *materialises* now and signals when they do. Nothing here waits for a fence or knows what a user does.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use crate::{
    Added, CallError, FenceError, Point, Status, SyncFile,
    few::Few,
    implicit::{self, Access},
    kernel::{KernelRef, LINUX},
    message::{Envelope, ReleaseMessage},
    retry::Retries,
    sync_file::{self, Lent},
};

/// Who uses a buffer. Names are for people and for matching an end to its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct User {
    /// What it does with the buffer.
    pub kind: Use,
    /// Which output, capture or other object does it: the caller's number.
    pub id: u32,
}

/// What a [`User`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Waits for its turn: committed and not latched, or latched and not on screen yet.
    Queue,
    /// A plane shows it.
    Scanout,
    /// A render pass samples it.
    Render,
    /// A capture reads it.
    Capture,
}

/// Where the fences of a release go.
#[derive(Debug)]
pub(crate) enum Target {
    /// Nowhere: the protocol has its own message.
    None,
    /// Into a syncobj point.
    Point(Point),
    /// Into the dma-bufs of the buffer's planes.
    Dmabuf(KernelRef, Few<Arc<OwnedFd>>),
    /// Into a message to the client.
    Message(Envelope),
}

impl Target {
    /// The fences cannot go where they should whatever we do: better released than lost.
    pub(crate) fn give_up(&self, error: &CallError) {
        tracing::error!(%error, "a release cannot be completed as wanted; signalling it");
        match self {
            Target::Point(point) => {
                point.signal().map_err(|second| tracing::error!(error = %second, "nor signalled")).ok();
            }
            Target::Message(envelope) => envelope.give_up(),
            Target::None | Target::Dmabuf(..) => {}
        }
    }
}

/// How a buffer was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There was nothing to put a fence into.
    None,
    /// The point was signalled: nobody had to be waited for.
    PointSignalled,
    /// The point has materialised and signals with the fences.
    PointMaterialised,
    /// The dma-bufs have the fences.
    Dmabuf,
    /// The message was sent with a fence.
    MessageFenced,
    /// The message was sent without a fence: nobody had to be waited for.
    MessageAtOnce,
    /// The kernel had no memory or file descriptor: the release is queued with its fences, see
    /// [`SyncDevice::retry_releases`](crate::SyncDevice::retry_releases) and [`Retries::retry`].
    Deferred,
}

/// What [`Release::complete`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// How.
    pub kind: Kind,
    /// How many users' fences went in, those included that turned out to have signalled.
    pub fences: usize,
    /// Error of a fence of the buffer: of its acquire fence, or of a user's.
    pub error: Option<FenceError>,
    /// True if the client can see that error in its release fence. The kernel cannot carry the error of a fence that
    /// has failed already beside a fence that is pending (then waiting for the pending one goes first), nor out of one
    /// timeline into another ([`Acquire::carrying_errors`](crate::Acquire::carrying_errors)).
    pub carried: bool,
    /// Whether the point was in order.
    pub added: Added,
}

/// The release of one buffer. Complete it once, when its last user has ended.
///
/// It owns the fences that it is given and closes them when it completes. Dropping it unfinished releases the buffer
/// with what is known, and logs a bug at `error` level. Inline room for four users and four fences; no heap until then.
#[derive(Debug)]
#[must_use = "a client waits for this buffer"]
pub struct Release {
    work: Work,
    users: Few<User>,
    /// Where a message waits that cannot be sent yet; a point has its device's.
    retries: Option<Retries>,
    finished: bool,
}

impl Release {
    fn new(target: Target) -> Release {
        let work = Work { target, fences: Few::default(), failed: None, error: None };
        Release { work, users: Few::default(), retries: None, finished: false }
    }

    /// Into a point of the client's timeline.
    pub fn point(point: Point) -> Release {
        Release::new(Target::Point(point))
    }

    /// Into dma-bufs, as readers, for clients without explicit synchronisation. Planes that share an `Arc` count once.
    pub fn dmabuf(fds: &[Arc<OwnedFd>]) -> Release {
        Release::dmabuf_on(&LINUX, fds)
    }

    /// As [`Release::dmabuf`], on the given kernel.
    pub fn dmabuf_on(kernel: KernelRef, fds: &[Arc<OwnedFd>]) -> Release {
        let mut planes: Few<Arc<OwnedFd>> = Few::default();
        for fd in fds {
            if !planes.iter().any(|other| Arc::ptr_eq(other, fd)) {
                planes.push(fd.clone());
            }
        }
        Release::new(Target::Dmabuf(kernel, planes))
    }

    /// Into a message to the client, which carries the fence. If there is no descriptor for it, the release waits in
    /// `retries`.
    pub fn message(message: Box<dyn ReleaseMessage>, retries: &Retries) -> Release {
        Release::message_on(&LINUX, message, retries)
    }

    /// As [`Release::message`], on the given kernel.
    pub fn message_on(kernel: KernelRef, message: Box<dyn ReleaseMessage>, retries: &Retries) -> Release {
        let mut release = Release::new(Target::Message(Envelope { kernel, message }));
        release.retries = Some(retries.clone());
        release
    }

    /// For buffers that are released by a message without a fence, such as shared memory. It still keeps users and completes once.
    pub fn none() -> Release {
        Release::new(Target::None)
    }

    /// The point it goes to.
    pub fn target_point(&self) -> Option<&Point> {
        match &self.work.target {
            Target::Point(point) => Some(point),
            Target::None | Target::Dmabuf(..) | Target::Message(_) => None,
        }
    }

    /// Somebody starts to use the buffer. Twice the same user is two users.
    pub fn begin(&mut self, user: User) {
        self.users.push(user);
    }

    /// A user ends: `fence` signals when it really has, `None` if it has already. True if it was the last one, so that
    /// the release is to be completed now.
    ///
    /// A user who had not begun changes nothing but adds its fence.
    pub fn end(&mut self, user: User, fence: Option<SyncFile>) -> bool {
        if self.users.take(|other| *other == user).is_none() {
            tracing::debug!(?user, "ends a use that had not begun");
        }
        if let Some(fence) = fence {
            self.add_user(fence);
        }
        self.is_idle()
    }

    /// True if no user that began has yet to end.
    pub fn is_idle(&self) -> bool {
        self.users.is_empty()
    }

    /// The users that have begun and not ended.
    pub fn users(&self) -> impl Iterator<Item = User> {
        self.users.iter().copied()
    }

    /// Adds the fence of a user who needs no name: the release waits for it.
    pub fn add_user(&mut self, fence: SyncFile) {
        self.work.fences.push(fence);
    }

    /// The buffer's content failed: the client is to see this error. `fence` is the errored one (of
    /// [`Acquire::take_failed`](crate::Acquire::take_failed)); without it the error is only reported in [`Completed`].
    /// The first call counts.
    pub fn fail(&mut self, error: FenceError, fence: Option<SyncFile>) {
        self.work.error.get_or_insert(error);
        if self.work.failed.is_none() {
            self.work.failed = fence;
        }
    }

    /// Gives the buffer back: one system call for up to one fence; no new file descriptor is needed, but for a message.
    ///
    /// With several fences it looks at each first, because the kernel's merge forgets errors. When the kernel has no
    /// memory or file descriptor the work is queued on the device ([`Kind::Deferred`]): it is never lost.
    ///
    /// To complete while a named user has not ended is a bug of the caller, and logged as such.
    ///
    /// # Errors
    /// `EINVAL`: a fence is no sync_file, or no dma-buf to import into. The release is given up then: the point is
    /// signalled, the message sent without a fence, if they can be.
    pub fn complete(mut self) -> Result<Completed, CallError> {
        self.finish(None)
    }

    /// As [`Release::complete`] with one more fence, which stays the caller's: the out-fence of a commit that frees the
    /// buffers of many surfaces needs no duplicates.
    ///
    /// # Errors
    /// As [`Release::complete`]. Also `ENOMEM` together with no file descriptor to keep the fence by: then the token is
    /// not finished and the call can be repeated ([`Release::is_finished`]).
    pub fn complete_with(&mut self, fence: &SyncFile) -> Result<Completed, CallError> {
        self.finish(Some(fence.lend()))
    }

    /// True once it is completed; dropping it is silent then.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    fn finish(&mut self, extra: Option<Lent<'_>>) -> Result<Completed, CallError> {
        if self.finished {
            tracing::error!("bug: a release is completed twice");
            return Ok(Completed::none());
        }
        if !self.is_idle() {
            let users: Vec<User> = self.users().collect();
            tracing::error!(?users, "bug: a buffer is released while in use");
        }
        match self.work.attempt(extra) {
            Ok(done) => {
                self.finished = true;
                self.work.close();
                Ok(done)
            }
            Err(error) if error.is_transient() => self.defer(extra, error),
            Err(error) => {
                self.finished = true;
                self.work.target.give_up(&error);
                self.work.close();
                Err(error)
            }
        }
    }

    fn defer(&mut self, extra: Option<Lent<'_>>, error: CallError) -> Result<Completed, CallError> {
        if let Some(extra) = extra {
            match rustix::io::fcntl_dupfd_cloexec(extra.fd, 0) {
                Ok(fd) if extra.chain => self.work.fences.push(SyncFile::maybe_chain(fd)),
                Ok(fd) => self.work.fences.push(SyncFile::unchecked(fd)),
                Err(_) => return Err(error),
            }
        }
        let retries = match (&self.work.target, &self.retries) {
            (Target::Point(point), _) => point.timeline().device().0.deferred.clone(),
            (Target::Message(_), Some(retries)) => retries.clone(),
            _ => return Err(error),
        };
        let done = Completed {
            kind: Kind::Deferred,
            fences: self.work.fences.len(),
            error: self.work.error,
            ..Completed::none()
        };
        tracing::warn!(%error, "a release is deferred");
        retries.defer(std::mem::take(&mut self.work));
        self.finished = true;
        Ok(done)
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        if !self.finished {
            tracing::error!(target = ?self.work.target, "bug: a release was dropped unfinished; completing it");
            if let Err(error) = self.finish(None) {
                tracing::error!(%error, "and that failed");
            }
        }
    }
}

impl Completed {
    fn none() -> Completed {
        Completed { kind: Kind::None, fences: 0, error: None, carried: false, added: Added::InOrder }
    }
}

/// A release without its users: what has to be done, as often as it takes.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) target: Target,
    fences: Few<SyncFile>,
    failed: Option<SyncFile>,
    error: Option<FenceError>,
}

impl Default for Work {
    fn default() -> Work {
        Work { target: Target::None, fences: Few::default(), failed: None, error: None }
    }
}

impl Work {
    /// Closes the fences.
    fn close(&mut self) {
        self.fences.clear();
        self.failed = None;
    }

    /// Does it or changes nothing that matters: it can be repeated after an error.
    pub(crate) fn attempt(&self, extra: Option<Lent<'_>>) -> Result<Completed, CallError> {
        let fences = self.fences.len() + usize::from(extra.is_some());
        let done = Completed { fences, error: self.error, ..Completed::none() };
        match &self.target {
            Target::None => Ok(done),
            Target::Point(point) => self.to_point(point, extra, done),
            Target::Message(envelope) => {
                let fences = self.fences.iter().map(SyncFile::lend).chain(extra);
                envelope.send(fences, self.failed.as_ref(), done)
            }
            Target::Dmabuf(kernel, planes) => {
                for plane in planes.iter() {
                    let files = self.fences.iter().chain(&self.failed).map(SyncFile::lend).chain(extra);
                    for file in files {
                        implicit::import_on(*kernel, plane.as_fd(), file.fd, Access::Read)?;
                    }
                }
                Ok(Completed { kind: Kind::Dmabuf, carried: self.failed.is_some(), ..done })
            }
        }
    }

    fn to_point(&self, point: &Point, extra: Option<Lent<'_>>, mut done: Completed) -> Result<Completed, CallError> {
        let kernel = point.timeline().device().kernel();
        let one_ioctl = point.timeline().device().caps().timeline_export;
        let mut only = extra.or_else(|| self.fences.iter().next().map(SyncFile::lend));
        if done.fences + usize::from(self.failed.is_some()) > 1 {
            // Look before merging: the kernel leaves out what has signalled, errors and all.
            let all = || self.fences.iter().map(SyncFile::lend).chain(extra);
            let (mut pending, mut failed) = (Few::default(), self.failed.as_ref().map(SyncFile::lend));
            for file in all() {
                match sync_file::summary(kernel, file.fd)?.status {
                    Status::Active => pending.push(file),
                    Status::Signalled => {}
                    Status::Failed(error) => {
                        done.error.get_or_insert(error);
                        failed.get_or_insert(file);
                    }
                }
            }
            if pending.len() > 1 {
                done.added = several(point, kernel, &pending)?;
                done.kind = Kind::PointMaterialised;
                return Ok(done);
            }
            only = pending.iter().next().copied();
            if only.is_none() {
                done.carried = failed.is_some_and(|failed| one_ioctl && !failed.chain);
                only = failed;
            }
        } else if let Some(failed) = &self.failed {
            done.carried = one_ioctl && !failed.is_maybe_chain();
            only = Some(failed.lend());
        }
        (done.kind, done.added) = match only {
            Some(file) => (Kind::PointMaterialised, point.import_lent(file)?),
            None => (Kind::PointSignalled, point.signal()?),
        };
        Ok(done)
    }
}

/// Two fences: one merge and one import. More of them, or no file descriptor: into the point without any.
fn several(point: &Point, kernel: KernelRef, pending: &Few<Lent<'_>>) -> Result<Added, CallError> {
    let mut files = pending.iter().copied();
    if let (Some(a), Some(b), None) = (files.next(), files.next(), files.next()) {
        match sync_file::merge2(kernel, a.fd, b.fd) {
            Ok(merged) => return point.import(&merged),
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error),
        }
    }
    point.import_all(pending.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Acquire;

    #[test]
    fn a_commit_s_tokens_are_small() {
        let (acquire, release) = (size_of::<Acquire>(), size_of::<Release>());
        assert!(acquire + release <= 512, "{acquire} + {release}");
    }

    #[test]
    fn tokens_cross_threads() {
        fn is_send<T: Send>() {}
        is_send::<Acquire>();
        is_send::<Release>();
        is_send::<crate::WaitSet>();
    }

    #[test]
    fn users_end_as_they_began() {
        let user = |kind, id| User { kind, id };
        let mut release = Release::none();
        assert!(release.is_idle());
        for id in 0..6 {
            release.begin(user(Use::Scanout, id));
        }
        release.begin(user(Use::Scanout, 3));
        for id in [5, 0, 3, 4, 1, 2] {
            assert!(!release.end(user(Use::Scanout, id), None));
        }
        assert!(!release.end(user(Use::Render, 3), None), "another user");
        assert_eq!(release.users().collect::<Vec<_>>(), [user(Use::Scanout, 3)]);
        assert!(release.end(user(Use::Scanout, 3), None));
        assert_eq!(release.complete().unwrap().kind, Kind::None);
    }
}
