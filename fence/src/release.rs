//! [`Release`]: the promise to give one buffer back, kept exactly once.
//!
//! Each use of the buffer adds its fence: a render pass the fence of its GPU work, a scan-out the
//! out-fence of the commit that replaces it. When the last use is known, the owner completes the
//! release, and the fences go into the client's release point (or dma-buf) at once: the point
//! *materialises* now and signals when they do. Nothing here waits for a fence or knows what a use
//! is; the owner keeps the release as long as the buffer is in use.

use std::{os::fd::OwnedFd, sync::Arc};

use smallvec::SmallVec;

use crate::{
    CallError, FenceError, Point, SyncFile,
    delivery::{Completed, Delivery, ReleaseOutcome, ReleaseTarget},
    kernel::{KernelRef, LINUX},
    message::{Envelope, ReleaseMessage},
    retry::DeferredReleases,
    sync_file::BorrowedFile,
};

/// The release of one buffer. Complete it once, when nothing uses the buffer any more but the
/// fences that it was given.
///
/// It owns the fences that it is given and closes them when it completes. Dropping it unfinished
/// releases the buffer with what is known, and logs a bug at `error` level. Inline room for four
/// fences; no heap until then.
#[derive(Debug)]
#[must_use = "a client waits for this buffer"]
pub struct Release {
    work: Delivery,
    /// Where a message waits that cannot be sent yet; a point has its device's.
    retries: Option<DeferredReleases>,
    finished: bool,
}

impl Release {
    fn new(target: ReleaseTarget) -> Release {
        Release { work: Delivery::new(target), retries: None, finished: false }
    }

    /// Into a point of the client's timeline.
    pub fn point(point: Point) -> Release {
        Release::new(ReleaseTarget::Point(point))
    }

    /// Into dma-bufs, as readers, for clients without explicit synchronisation. Planes that share
    /// an `Arc` count once.
    pub fn dmabuf<'a>(fds: impl IntoIterator<Item = &'a Arc<OwnedFd>>) -> Release {
        Release::dmabuf_on(&LINUX, fds)
    }

    /// As [`Release::dmabuf`], on the given kernel.
    pub fn dmabuf_on<'a>(kernel: KernelRef, fds: impl IntoIterator<Item = &'a Arc<OwnedFd>>) -> Release {
        let mut planes: SmallVec<[Arc<OwnedFd>; 4]> = SmallVec::new();
        for fd in fds {
            if !planes.iter().any(|other| Arc::ptr_eq(other, fd)) {
                planes.push(fd.clone());
            }
        }
        Release::new(ReleaseTarget::Dmabuf(kernel, planes))
    }

    /// Into a message to the client, which carries the fence. If there is no descriptor for it, the
    /// release waits in `retries`.
    pub fn message(message: Box<dyn ReleaseMessage>, retries: &DeferredReleases) -> Release {
        Release::message_on(&LINUX, message, retries)
    }

    /// As [`Release::message`], on the given kernel.
    pub fn message_on(kernel: KernelRef, message: Box<dyn ReleaseMessage>, retries: &DeferredReleases) -> Release {
        let mut release = Release::new(ReleaseTarget::Message(Envelope { kernel, message }));
        release.retries = Some(retries.clone());
        release
    }

    /// For buffers that are released by a message without a fence, such as shared memory. It still
    /// completes only once.
    pub fn none() -> Release {
        Release::new(ReleaseTarget::None)
    }

    /// The point it goes to.
    pub fn target_point(&self) -> Option<&Point> {
        match &self.work.target {
            ReleaseTarget::Point(point) => Some(point),
            ReleaseTarget::None | ReleaseTarget::Dmabuf(..) | ReleaseTarget::Message(_) => None,
        }
    }

    /// Adds the fence of a use of the buffer: the release waits for it.
    pub fn add_fence(&mut self, fence: SyncFile) {
        self.work.fences.push(fence);
    }

    /// The buffer's content failed: the client is to see this error. `fence` is the errored one (of
    /// [`Acquire::take_failed`](crate::Acquire::take_failed)); without it the error is only
    /// reported in [`Completed`]. The first call counts.
    pub fn fail(&mut self, error: FenceError, fence: Option<SyncFile>) {
        self.work.error.get_or_insert(error);
        if self.work.failed.is_none() {
            self.work.failed = fence;
        }
    }

    /// Gives the buffer back: one system call for up to one fence; no new file descriptor is
    /// needed, but for a message.
    ///
    /// With several fences it looks at each first, because the kernel's merge forgets errors. When
    /// the kernel has no memory or file descriptor the work is queued on the device
    /// ([`ReleaseOutcome::Deferred`]): it is never lost.
    ///
    /// # Errors
    /// `EINVAL`: a fence is not a sync_file, or no dma-buf to import into. The release is given up
    /// then: the point is signalled, the message sent without a fence, if they can be.
    pub fn complete(mut self) -> Result<Completed, CallError> {
        self.finish(None)
    }

    /// As [`Release::complete`] with one more fence, which stays the caller's: the out-fence of a
    /// commit that frees the buffers of many surfaces needs no duplicates.
    ///
    /// # Errors
    /// As [`Release::complete`]. Also `ENOMEM` together with no file descriptor to keep the fence
    /// by: then the token is not finished and the call can be repeated ([`Release::is_finished`]).
    pub fn complete_with(&mut self, fence: &SyncFile) -> Result<Completed, CallError> {
        self.finish(Some(fence.lend()))
    }

    /// True once it is completed; dropping it is silent then.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    fn finish(&mut self, extra: Option<BorrowedFile<'_>>) -> Result<Completed, CallError> {
        if self.finished {
            tracing::error!("bug: a release is completed twice");
            return Ok(Completed::none());
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

    fn defer(&mut self, extra: Option<BorrowedFile<'_>>, error: CallError) -> Result<Completed, CallError> {
        if let Some(extra) = extra {
            match rustix::io::fcntl_dupfd_cloexec(extra.fd, 0) {
                Ok(fd) if extra.chain => self.work.fences.push(SyncFile::maybe_chain(fd)),
                Ok(fd) => self.work.fences.push(SyncFile::unchecked(fd)),
                Err(_) => return Err(error),
            }
        }
        let retries = match (&self.work.target, &self.retries) {
            (ReleaseTarget::Point(point), _) => point.timeline().device().0.deferred.clone(),
            (ReleaseTarget::Message(_), Some(retries)) => retries.clone(),
            _ => return Err(error),
        };
        let done = Completed {
            kind: ReleaseOutcome::Deferred,
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
    }
}
