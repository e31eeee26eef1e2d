//! The delivery of a release: puts the fences into their target, as often as it takes.
//!
//! It waits for no fence, and does not know why a buffer is given back.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use smallvec::SmallVec;

use crate::{
    Added, CallError, FenceError, Point, Status, SyncFile,
    implicit::{self, Access},
    kernel::KernelRef,
    message::Envelope,
    sync_file::{self, BorrowedFile},
};

/// The fences of one buffer: a render pass and a scan-out on each of a few outputs.
type Fences = SmallVec<[SyncFile; 4]>;

/// Where the fences of a release go.
#[derive(Debug)]
pub(crate) enum ReleaseTarget {
    /// Nowhere: the protocol has its own message.
    None,
    /// Into a syncobj point.
    Point(Point),
    /// Into the dma-bufs of the buffer's planes.
    Dmabuf(KernelRef, SmallVec<[Arc<OwnedFd>; 4]>),
    /// Into a message to the client.
    Message(Envelope),
}

impl ReleaseTarget {
    /// The fences cannot go where they should whatever we do: better released than lost.
    pub(crate) fn give_up(&self, error: &CallError) {
        tracing::error!(%error, "a release cannot be completed as wanted; signalling it");
        match self {
            ReleaseTarget::Point(point) => {
                point.signal().map_err(|second| tracing::error!(error = %second, "nor signalled")).ok();
            }
            ReleaseTarget::Message(envelope) => envelope.give_up(),
            ReleaseTarget::None | ReleaseTarget::Dmabuf(..) => {}
        }
    }
}

/// How a buffer was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// There was nothing to put a fence into.
    None,
    /// The point was signalled: there was nothing to wait for.
    PointSignalled,
    /// The point has materialised and signals with the fences.
    PointMaterialised,
    /// The dma-bufs have the fences.
    Dmabuf,
    /// The message was sent with a fence.
    MessageFenced,
    /// The message was sent without a fence: there was nothing to wait for.
    MessageAtOnce,
    /// The kernel had no memory or file descriptor: the release is queued with its fences, see
    /// [`SyncDevice::retry_releases`](crate::SyncDevice::retry_releases) and
    /// [`DeferredReleases::retry`](crate::DeferredReleases::retry).
    Deferred,
}

/// What [`Release::complete`](crate::Release::complete) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// How.
    pub kind: ReleaseOutcome,
    /// How many fences of uses went in, those included that turned out to have signalled.
    pub fences: usize,
    /// Error of a fence of the buffer: of its acquire fence, or of a use's.
    pub error: Option<FenceError>,
    /// True if the client can see that error in its release fence. The kernel cannot carry the
    /// error of a fence that has failed already beside a fence that is pending (then waiting for
    /// the pending one goes first), nor out of one timeline into another
    /// ([`Acquire::carrying_errors`](crate::Acquire::carrying_errors)).
    pub carried: bool,
    /// Whether the point was in order.
    pub added: Added,
}

impl Completed {
    pub(crate) fn none() -> Completed {
        Completed { kind: ReleaseOutcome::None, fences: 0, error: None, carried: false, added: Added::InOrder }
    }
}

/// What has to be done to give a buffer back; can be tried again after an error.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) target: ReleaseTarget,
    pub(crate) fences: Fences,
    pub(crate) failed: Option<SyncFile>,
    pub(crate) error: Option<FenceError>,
}

impl Default for Delivery {
    fn default() -> Delivery {
        Delivery::new(ReleaseTarget::None)
    }
}

impl Delivery {
    pub(crate) fn new(target: ReleaseTarget) -> Delivery {
        Delivery { target, fences: SmallVec::new(), failed: None, error: None }
    }

    /// Closes the fences.
    pub(crate) fn close(&mut self) {
        self.fences.clear();
        self.failed = None;
    }

    /// Does it or changes nothing that matters: it can be repeated after an error.
    pub(crate) fn attempt(&self, extra: Option<BorrowedFile<'_>>) -> Result<Completed, CallError> {
        let fences = self.fences.len() + usize::from(extra.is_some());
        let done = Completed { fences, error: self.error, ..Completed::none() };
        match &self.target {
            ReleaseTarget::None => Ok(done),
            ReleaseTarget::Point(point) => self.to_point(point, extra, done),
            ReleaseTarget::Message(envelope) => {
                let fences = self.fences.iter().map(SyncFile::lend).chain(extra);
                envelope.send(fences, self.failed.as_ref(), done)
            }
            ReleaseTarget::Dmabuf(kernel, planes) => {
                for plane in planes.iter() {
                    let files = self.fences.iter().chain(&self.failed).map(SyncFile::lend).chain(extra);
                    for file in files {
                        implicit::import_on(*kernel, plane.as_fd(), file.fd, Access::Read)?;
                    }
                }
                Ok(Completed { kind: ReleaseOutcome::Dmabuf, carried: self.failed.is_some(), ..done })
            }
        }
    }

    fn to_point(
        &self,
        point: &Point,
        extra: Option<BorrowedFile<'_>>,
        mut done: Completed,
    ) -> Result<Completed, CallError> {
        let kernel = point.timeline().device().kernel();
        let one_ioctl = point.timeline().device().caps().timeline_export;
        let mut only = extra.or_else(|| self.fences.iter().next().map(SyncFile::lend));
        if done.fences + usize::from(self.failed.is_some()) > 1 {
            // Look before merging: the kernel leaves out what has signalled, errors and all.
            let all = || self.fences.iter().map(SyncFile::lend).chain(extra);
            let (mut pending, mut failed) =
                (SmallVec::<[BorrowedFile<'_>; 4]>::new(), self.failed.as_ref().map(SyncFile::lend));
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
                done.kind = ReleaseOutcome::PointMaterialised;
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
            Some(file) => (ReleaseOutcome::PointMaterialised, point.import_lent(file)?),
            None => (ReleaseOutcome::PointSignalled, point.signal()?),
        };
        Ok(done)
    }
}

/// Two fences: one merge and one import. More of them, or no file descriptor: into the point
/// without any.
fn several(point: &Point, kernel: KernelRef, pending: &[BorrowedFile<'_>]) -> Result<Added, CallError> {
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
    use crate::model::Model;

    #[test]
    fn what_is_delivered_keeps_no_descriptor() {
        let model = Model::leak();
        let file = || model.sync_file(model.fence("gpu"));
        let mut work = Delivery { fences: [file()].into_iter().collect(), failed: Some(file()), ..Delivery::default() };
        work.close();
        assert!(work.fences.is_empty() && work.failed.is_none());
    }
}
