//! [`ReleaseMessage`]: releases that go to the client as a message with the fence in it, instead of
//! into a kernel object.
//!
//! This file chooses the one fence that the message carries. What the message looks like is its
//! protocol's affair.

use std::{
    fmt,
    os::fd::{AsFd, BorrowedFd},
};

use rustix::io::Errno;
use smallvec::SmallVec;

use crate::{
    CallError, Completed, Object, ReleaseOutcome, Status, SyncFile,
    kernel::KernelRef,
    sync_file::{self, BorrowedFile},
};

/// The message that gives one buffer back, implemented by the owner of the protocol.
pub trait ReleaseMessage: fmt::Debug + Send {
    /// Gives the buffer back: once `fence` has signalled, or at once without one. The descriptor is
    /// the caller's.
    ///
    /// It is called until it first succeeds, and never again. A client that is gone counts as
    /// success.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`: nothing was sent, the release is
    /// [deferred](ReleaseOutcome::Deferred). With any other error the release is given up.
    fn send(&self, fence: Option<BorrowedFd<'_>>) -> Result<(), Errno>;
}

/// Where a message goes, and whose fences it carries.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) kernel: KernelRef,
    pub(crate) message: Box<dyn ReleaseMessage>,
}

impl Envelope {
    /// Sends the one fence that stands for all of `fences`: what is pending, merged; else one that
    /// failed, so that its error is seen; else none. `done` says how many there were.
    ///
    /// It looks at each first: the kernel's merge forgets what has signalled, errors and all.
    pub(crate) fn send<'a>(
        &self,
        fences: impl Iterator<Item = BorrowedFile<'a>>,
        failed: Option<&'a SyncFile>,
        mut done: Completed,
    ) -> Result<Completed, CallError> {
        let (mut pending, mut failed) = (SmallVec::<[BorrowedFile<'a>; 4]>::new(), failed.map(SyncFile::lend));
        for file in fences {
            match sync_file::summary(self.kernel, file.fd)?.status {
                Status::Active => pending.push(file),
                Status::Signalled => {}
                Status::Failed(error) => {
                    done.error.get_or_insert(error);
                    failed.get_or_insert(file);
                }
            }
        }
        let mut pending = pending.iter().copied();
        let fence = match (pending.next(), pending.next()) {
            (None, _) => {
                done.carried = failed.is_some();
                return self.put(failed.map(|file| file.fd), done);
            }
            (Some(only), None) => return self.put(Some(only.fd), done),
            (Some(a), Some(b)) => {
                let mut merged = sync_file::merge2(self.kernel, a.fd, b.fd)?;
                for file in pending {
                    merged = sync_file::merge2(self.kernel, merged.as_fd(), file.fd)?;
                }
                merged
            }
        };
        self.put(Some(fence.as_fd()), done)
    }

    fn put(&self, fence: Option<BorrowedFd<'_>>, done: Completed) -> Result<Completed, CallError> {
        let object = fence.map_or(Object::New, Object::fd);
        self.message.send(fence).map_err(|errno| CallError::new("release message", object, errno))?;
        Ok(Completed {
            kind: if fence.is_some() { ReleaseOutcome::MessageFenced } else { ReleaseOutcome::MessageAtOnce },
            ..done
        })
    }

    /// The fences cannot be sent whatever we do: better released than lost.
    pub(crate) fn give_up(&self) {
        if let Err(error) = self.message.send(None) {
            tracing::error!(%error, "nor sent without a fence");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        DeferredReleases, FenceError, Release,
        model::{FenceId, Model},
    };

    /// What was sent: with or without a fence, and what the fence was at that time.
    #[derive(Clone, Debug)]
    struct Wire {
        model: &'static Model,
        sent: Arc<Mutex<Vec<Option<Status>>>>,
        refuse: Arc<Mutex<u32>>,
    }

    impl ReleaseMessage for Wire {
        fn send(&self, fence: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
            let mut refuse = self.refuse.lock().unwrap();
            if *refuse > 0 {
                *refuse -= 1;
                return Err(Errno::MFILE);
            }
            let status = fence.map(|fd| sync_file::summary(self.model, fd).unwrap().status);
            self.sent.lock().unwrap().push(status);
            Ok(())
        }
    }

    const OK: i32 = 1;
    const FAILS: i32 = -1;
    const PENDING: i32 = 0;

    fn wire() -> (Wire, DeferredReleases) {
        let wire = Wire { model: Model::leak(), sent: Arc::default(), refuse: Arc::default() };
        (wire, DeferredReleases::default())
    }

    impl Wire {
        fn release(&self, retries: &DeferredReleases) -> Release {
            Release::message_on(self.model, Box::new(self.clone()), retries)
        }

        fn end(&self, fence: FenceId, how: i32) {
            match how {
                OK => self.model.signal_fence(fence, 1),
                _ => self.model.fail_fence(fence, Errno::IO, 1),
            }
        }

        fn sent(&self) -> Vec<Option<Status>> {
            std::mem::take(&mut self.sent.lock().unwrap())
        }
    }

    /// Fences by what becomes of them before the release completes, the acquire's error, and the
    /// message.
    #[test]
    fn the_message_carries_what_is_still_to_be_waited_for() {
        let failed = Status::Failed(FenceError(Errno::IO));
        let table: &[(&[i32], bool, Option<Status>, bool)] = &[
            (&[], false, None, false),
            (&[OK], false, None, false),
            (&[OK, OK, OK], false, None, false),
            (&[PENDING], false, Some(Status::Active), false),
            (&[OK, PENDING], false, Some(Status::Active), false),
            (&[PENDING, PENDING], false, Some(Status::Active), false),
            (&[PENDING; 6], false, Some(Status::Active), false),
            (&[FAILS], false, Some(failed), true),
            (&[OK, FAILS], false, Some(failed), true),
            // To wait for the pending one goes first.
            (&[PENDING, FAILS], false, Some(Status::Active), false),
            (&[], true, Some(failed), true),
            (&[OK], true, Some(failed), true),
            (&[PENDING], true, Some(Status::Active), false),
        ];
        for (fences, acquire_failed, expected, carried) in table {
            let (wire, retries) = wire();
            let mut release = wire.release(&retries);
            for status in *fences {
                let fence = wire.model.fence("gpu");
                release.add_fence(wire.model.sync_file(fence));
                if *status != PENDING {
                    wire.end(fence, *status);
                }
            }
            if *acquire_failed {
                let fence = wire.model.fence("client");
                let file = wire.model.sync_file(fence);
                wire.end(fence, FAILS);
                release.fail(FenceError(Errno::IO), Some(file));
            }
            let done = release.complete().unwrap();
            let what = format!("{fences:?}, acquire failed: {acquire_failed}");
            assert_eq!(wire.sent(), [*expected], "{what}");
            assert_eq!(done.carried, *carried, "{what}");
            assert_eq!(done.error.is_some(), *acquire_failed || fences.contains(&FAILS), "{what}");
            let kind = if expected.is_some() { ReleaseOutcome::MessageFenced } else { ReleaseOutcome::MessageAtOnce };
            assert_eq!((done.kind, done.fences), (kind, fences.len()), "{what}");
        }
    }

    #[test]
    fn a_fence_may_stay_the_caller_s() {
        let (wire, retries) = wire();
        let out = wire.model.sync_file(wire.model.fence("vkms"));
        for _ in 0..2 {
            let mut release = wire.release(&retries);
            assert_eq!(release.complete_with(&out).unwrap().kind, ReleaseOutcome::MessageFenced);
            assert!(release.is_finished());
        }
        assert_eq!(wire.sent(), [Some(Status::Active); 2]);
    }

    #[test]
    fn without_descriptors_the_message_is_sent_later_and_once() {
        let (wire, retries) = wire();
        let fence = wire.model.fence("gpu");
        let mut release = wire.release(&retries);
        release.add_fence(wire.model.sync_file(fence));
        *wire.refuse.lock().unwrap() = 2;
        assert_eq!(release.complete().unwrap().kind, ReleaseOutcome::Deferred);
        assert_eq!(retries.retry(), 1);
        assert_eq!(wire.sent(), []);
        // By then there is nothing left to wait for.
        wire.end(fence, OK);
        assert_eq!(retries.retry(), 0);
        assert_eq!(retries.retry(), 0);
        assert_eq!(wire.sent(), [None]);
    }

    #[test]
    fn one_that_is_dropped_is_sent() {
        let (wire, retries) = wire();
        drop(wire.release(&retries));
        assert_eq!(wire.sent(), [None]);
    }
}
