//! [`Acquire`]: the states of one commit's acquire fence, from "nothing has been submitted" to
//! "signalled" or "failed".
//!
//! Every kind of fence becomes the same thing here: a syncobj point is waited for until it
//! materialises and is then exported as a sync_file; a sync_file of a client or of a dma-buf starts
//! there. It never blocks, never reads a clock, and never decides what a pending or failed fence
//! means for a frame.

use std::{
    fmt,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::io::Errno;

use crate::{
    CallError, FenceError, Name, Ns, Point, Status, Summary, SyncFile, Until,
    held::AcquireFiles,
    implicit,
    kernel::{Kernel, KernelRef, LINUX},
    report::Overdue,
    sync_file::{self, MANY_FENCES},
};

/// Where an [`Acquire`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireState {
    /// The point has no fence: its client has not even submitted the work.
    Unmaterialised,
    /// There is a fence and it has not signalled.
    Pending,
    /// The content is there.
    Signalled {
        /// When (CLOCK_MONOTONIC); may be before the commit, see [`Summary::at`].
        at: Ns,
    },
    /// The fence signalled with an error: the content is not what the client meant to draw. Do not
    /// show it.
    Failed(FenceError),
}

impl AcquireState {
    /// True if the state cannot change any more.
    pub fn is_final(self) -> bool {
        matches!(self, AcquireState::Signalled { .. } | AcquireState::Failed(_))
    }
}

/// What gives the fence of an [`Acquire::owed`].
#[derive(Clone)]
struct Owed(Arc<dyn Fn() -> Result<SyncFile, CallError> + Send + Sync>);

impl fmt::Debug for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owed")
    }
}

#[derive(Debug)]
enum Stage {
    /// There was no descriptor or memory for the fence yet.
    Owed(Owed),
    /// Waits for the point. The eventfd lives until the point materialises; `None` if it could not
    /// be made yet.
    Waiting { event: Option<OwnedFd> },
    /// Has the fence.
    Pending(AcquireFiles),
    /// Final; the file is closed.
    Signalled { at: Ns },
    /// Final; the file that carries the error stays for the release, until it is taken.
    Failed(FenceError, Option<SyncFile>),
}

/// Waits for one acquire fence, without ever blocking.
///
/// It owns every file descriptor that it makes or is given, and closes each as soon as it is of no
/// more use: at most one is open at a time, or two with
/// [`carrying_errors`](Acquire::carrying_errors). Dropping it at any time is fine.
///
/// After making one, call [`advance`](Acquire::advance); when [`wait_fd`](Acquire::wait_fd) becomes
/// readable, again.
#[derive(Debug)]
pub struct Acquire {
    stage: Stage,
    point: Option<Point>,
    kernel: KernelRef,
    summary: Summary,
    created: Ns,
    /// Earliest deadline asked for, 0 for none.
    deadline: Ns,
    /// The deadline that the fence's drivers know of.
    told: Ns,
    rearmed: u32,
    reported: bool,
    carrying: bool,
    /// The fence has been looked at.
    looked: bool,
    /// See [`Acquire::fail`].
    failing: Option<FenceError>,
}

impl Acquire {
    fn new(stage: Stage, point: Option<Point>, kernel: KernelRef, now: Ns) -> Acquire {
        Acquire {
            stage,
            point,
            kernel,
            summary: Summary::NONE,
            created: now,
            deadline: 0,
            told: 0,
            rearmed: 0,
            reported: false,
            carrying: false,
            looked: false,
            failing: None,
        }
    }

    /// For a syncobj point. No system call.
    pub fn from_point(point: Point, now: Ns) -> Acquire {
        let kernel = point.timeline().device().kernel();
        Acquire::new(Stage::Waiting { event: None }, Some(point), kernel, now)
    }

    /// For a sync_file of the client, which becomes ours. No system call; *pending* until the first
    /// [`advance`](Acquire::advance).
    pub fn from_sync_file(file: SyncFile, now: Ns) -> Acquire {
        Acquire::from_sync_file_on(&LINUX, file, now)
    }

    /// As [`Acquire::from_sync_file`], on the given kernel.
    pub fn from_sync_file_on(kernel: KernelRef, file: SyncFile, now: Ns) -> Acquire {
        Acquire::new(Stage::Pending(AcquireFiles::new(kernel, file)), None, kernel, now)
    }

    /// For a client without explicit synchronisation: what readers of this dma-buf have to wait for
    /// now. The dma-buf stays the caller's.
    ///
    /// # Errors
    /// `ENOTTY`: no dma-buf, or Linux < 6.0; `EMFILE`.
    pub fn implicit(dmabuf: BorrowedFd<'_>, now: Ns) -> Result<Acquire, CallError> {
        Ok(Acquire::from_sync_file(implicit::export(dmabuf, implicit::Access::Read)?, now))
    }

    /// For a fence that exists but could not be had for want of memory or descriptors: each
    /// [`advance`](Acquire::advance) asks `fence` for it again. Until it is there the acquire is
    /// *unmaterialised* and [stalled](Acquire::is_stalled). An error that is not of the moment means
    /// that there is nothing to wait for. No system call.
    pub fn owed(fence: impl Fn() -> Result<SyncFile, CallError> + Send + Sync + 'static, now: Ns) -> Acquire {
        Acquire::new(Stage::Owed(Owed(Arc::new(fence))), None, &LINUX, now)
    }

    /// For content that needs no wait, such as shared memory.
    pub fn ready() -> Acquire {
        Acquire::new(Stage::Signalled { at: 0 }, None, &LINUX, 0)
    }

    /// Makes the error of a point's fence one that can go on into a release point. A timeline's
    /// fence is a link of that timeline's chain, and its error cannot leave it once it has failed;
    /// taken out while it is pending, it can.
    ///
    /// Costs a merge for each point whose fence is pending when it is first seen, and a close if
    /// the two files are not neighbours. Where the timeline's last fence was pending at its commit,
    /// this one is taken out unseen and looked at later. Sync_files and dma-bufs need nothing of
    /// the kind.
    pub fn carrying_errors(mut self) -> Acquire {
        self.carrying = true;
        self
    }

    /// Where it is, as of the last [`advance`](Acquire::advance). No system call.
    pub fn state(&self) -> AcquireState {
        match &self.stage {
            Stage::Owed(_) | Stage::Waiting { .. } => AcquireState::Unmaterialised,
            Stage::Pending(_) => AcquireState::Pending,
            Stage::Signalled { at } => AcquireState::Signalled { at: *at },
            Stage::Failed(error, _) => AcquireState::Failed(*error),
        }
    }

    /// Readable when there is something to [`advance`](Acquire::advance). It stays ours and is
    /// another one after each change of the state: take it out of an epoll set *before* advancing
    /// if it may be shared with its client.
    ///
    /// `None` in a final state, before the first `advance`, and while no file descriptor could be
    /// had: then call `advance` again later, at the next frame for example.
    pub fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.stage {
            Stage::Waiting { event } => event.as_ref().map(AsFd::as_fd),
            Stage::Pending(held) => held.plain().map(AsFd::as_fd),
            Stage::Owed(_) | Stage::Signalled { .. } | Stage::Failed(..) => None,
        }
    }

    /// True if it waits for something that will not wake anybody: call
    /// [`advance`](Acquire::advance) again later.
    pub fn is_stalled(&self) -> bool {
        matches!(self.stage, Stage::Owed(_) | Stage::Waiting { event: None })
    }

    /// Moves as far as it can, without blocking.
    ///
    /// Costs two system calls from a point to a status (three on Linux < 6.16), one from a
    /// sync_file. *Pending* may be an assumption after the call that finds a point materialised,
    /// see [`carrying_errors`](Acquire::carrying_errors): the next call looks. After an error the
    /// state is what it was and the call can be repeated: no commit is lost for want of a file
    /// descriptor.
    ///
    /// # Errors
    /// `EMFILE`, `ENOMEM`; `EINVAL` of `SYNCOBJ_EVENTFD`: Linux < 6.6, where advancing at each
    /// frame is the only way.
    pub fn advance(&mut self) -> Result<AcquireState, CallError> {
        if let Stage::Owed(Owed(fence)) = &self.stage {
            self.stage = match fence() {
                Ok(file) => Stage::Pending(AcquireFiles::new(self.kernel, file)),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "a fence that was owed");
                    Stage::Signalled { at: 0 }
                }
            };
        }
        if let (Stage::Waiting { event }, Some(point)) = (&mut self.stage, &self.point) {
            match point.export()? {
                Some(file) => {
                    let mut held = AcquireFiles::new(self.kernel, file);
                    let unseen = self.carrying && point.timeline().comes_late();
                    if unseen {
                        held.unlink();
                    }
                    self.stage = Stage::Pending(held);
                    if unseen {
                        self.tell_deadline();
                        return Ok(AcquireState::Pending);
                    }
                }
                None => {
                    self.rearmed += u32::from(arm(self.kernel, point, event)?);
                    return Ok(AcquireState::Unmaterialised);
                }
            }
        }
        if let Stage::Pending(held) = &mut self.stage
            && let Some(file) = held.came()
        {
            let before = self.summary;
            if before.fences > MANY_FENCES && !sync_file::is_signalled(file.as_fd()) {
                return Ok(AcquireState::Pending);
            }
            self.summary = sync_file::summary(self.kernel, file.as_fd())?;
            if self.summary.driver == Name::EMPTY {
                // Who it was is known only while it is pending.
                (self.summary.driver, self.summary.timeline) = (before.driver, before.timeline);
            }
            if let (false, Some(point)) = (std::mem::replace(&mut self.looked, true), &self.point) {
                let late = self.summary.status == Status::Active || self.summary.at > self.created;
                // One that is taken out unseen must not be a chain of very many.
                point.timeline().set_comes_late(late && self.summary.fences <= MANY_FENCES);
            }
            match self.summary.status {
                Status::Active => {
                    if self.carrying && self.point.is_some() && self.summary.fences <= MANY_FENCES {
                        held.unlink();
                    }
                    self.tell_deadline();
                }
                Status::Signalled => {
                    let signalled = Stage::Signalled { at: self.summary.at };
                    self.stage = self.failing.map_or(signalled, |error| Stage::Failed(error, None));
                }
                Status::Failed(error) => {
                    if let Stage::Pending(held) = std::mem::replace(&mut self.stage, Stage::Failed(error, None)) {
                        self.stage = Stage::Failed(error, held.into_failed());
                    }
                }
            }
        }
        Ok(self.state())
    }

    /// The work behind the fence has failed, and the fence cannot say so because the caller signals it
    /// by itself: it is *failed* when it signals. A final state stays as it is. No system call.
    pub fn fail(&mut self, error: FenceError) {
        self.failing = Some(error);
    }

    /// The fence, for hardware that can wait for it. It stays ours. `None` before it has
    /// materialised and after it has signalled; a failed one is still there.
    ///
    /// Out of its link, where that was taken off: a link signals after its fence, by way of an
    /// interrupt of its own.
    pub fn fence(&self) -> Option<&SyncFile> {
        match &self.stage {
            Stage::Pending(held) => held.plain(),
            Stage::Failed(_, file) => file.as_ref(),
            Stage::Owed(_) | Stage::Waiting { .. } | Stage::Signalled { .. } => None,
        }
    }

    /// The fence that failed, to become the release fence so that the client sees the error.
    pub fn take_failed(&mut self) -> Option<(SyncFile, FenceError)> {
        match &mut self.stage {
            Stage::Failed(error, file) => file.take().map(|file| (file, *error)),
            _ => None,
        }
    }

    /// Driver of the fence; `None` before it has materialised, or if its active fences come from
    /// several drivers.
    pub fn driver(&self) -> Option<&str> {
        (self.summary.fences > 0 && !self.summary.mixed).then(|| self.summary.driver.as_str())
    }

    /// What the last [`advance`](Acquire::advance) learnt of the fence.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The point that it was made from.
    pub fn point(&self) -> Option<&Point> {
        self.point.as_ref()
    }

    /// True if the fence is pending and hardware may wait for it: `allows` is asked for the name of
    /// every driver in it, as its fence info has them, and there must be no more than 256 fences in
    /// it. See [`HandOff`](crate::HandOff) for a policy.
    ///
    /// No system call unless the fence is mixed.
    ///
    /// # Errors
    /// As [`SyncFile::status`].
    pub fn may_hand_off(&self, mut allows: impl FnMut(&str) -> bool) -> Result<bool, CallError> {
        let Stage::Pending(held) = &self.stage else { return Ok(false) };
        match (self.driver(), held.came()) {
            (Some(driver), _) => Ok(allows(driver)),
            (None, Some(file)) if (1..=MANY_FENCES).contains(&self.summary.fences) => {
                let mut all = true;
                sync_file::each_active_driver(self.kernel, file.as_fd(), |driver| {
                    all &= allows(driver);
                })?;
                Ok(all)
            }
            _ => Ok(false),
        }
    }

    /// When the content is needed (CLOCK_MONOTONIC): the vblank less a margin. Only a deadline that
    /// is earlier than all before costs a system call; one that comes before the fence is kept for
    /// it.
    ///
    /// A kernel without deadlines (< 6.4) is not an error: a deadline is a hint.
    pub fn set_deadline(&mut self, deadline: Ns) {
        if self.deadline == 0 || deadline < self.deadline {
            self.deadline = deadline;
            self.tell_deadline();
        }
    }

    fn tell_deadline(&mut self) {
        let Stage::Pending(held) = &self.stage else { return };
        let Some(file) = held.came() else { return };
        if self.deadline == self.told {
            return;
        }
        self.told = self.deadline;
        if let Err(error) = sync_file::set_deadline(self.kernel, file.as_fd(), self.deadline) {
            tracing::debug!(%error, "deadline not passed on");
        }
    }

    /// Nanoseconds since it was made.
    pub fn age(&self, now: Ns) -> Ns {
        now.saturating_sub(self.created)
    }

    /// When it was made.
    pub fn created(&self) -> Ns {
        self.created
    }

    /// The point for which the kernel keeps an eventfd until it comes, whether or not this acquire still
    /// waits for it; `None`: there is none.
    pub fn watched_point(&self) -> Option<&Point> {
        self.point.as_ref().filter(|_| matches!(self.stage, Stage::Waiting { event: Some(_) }))
    }

    /// How often its client took the point back after it had materialised.
    pub fn taken_back(&self) -> u32 {
        self.rearmed
    }

    /// The watchdog: a report, once, when it is older than `limit` and still not in a final state.
    pub fn overdue(&mut self, now: Ns, limit: Ns) -> Option<Overdue> {
        if self.reported || self.state().is_final() || self.age(now) <= limit {
            return None;
        }
        self.reported = true;
        Some(Overdue::new(self, now))
    }
}

/// Makes sure that an eventfd waits for the point. True if one had fired although the point is not
/// there: its client took it back.
fn arm(kernel: &dyn Kernel, point: &Point, event: &mut Option<OwnedFd>) -> Result<bool, CallError> {
    if let Some(armed) = event {
        let mut count = [0; 8];
        match rustix::io::read(&*armed, &mut count) {
            Err(Errno::AGAIN) => return Ok(false),
            Ok(_) => {
                // If this fails the acquire is stalled, and says so.
                let again = point.register(&*armed, Until::Available);
                if again.is_err() {
                    *event = None;
                }
                return again.map(|()| true);
            }
            Err(errno) => return Err(CallError::new("read of an eventfd", point.object(), errno)),
        }
    }
    let fresh = kernel.eventfd().map_err(|errno| CallError::new("eventfd2", point.object(), errno))?;
    point.register(&fresh, Until::Available)?;
    *event = Some(fresh);
    Ok(false)
}
