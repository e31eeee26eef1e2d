//! [`Model`]: a kernel made of pipes, with fences that a test moves by hand. Needs no device and no
//! privilege.
//!
//! Its sync_files, syncobjs, dma-bufs and devices are real file descriptors that poll like the
//! kernel's (readable when signalled), so that everything above it runs unchanged. It follows
//! `drm_syncobj.c` and `sync_file.c` where a state machine can see them: merging forgets what has
//! signalled, a later point covers earlier ones, a point out of order is waited for together with
//! the last one. It never blocks and never models time.

use std::{
    fmt,
    os::fd::{BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::io::Errno;

use self::state::{ModelFence, State, Thing, inode};
use crate::{Name, SyncFile};

mod kernel;
mod state;

/// A fence of the [`Model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FenceId(usize);

/// What a test's own descriptors need.
const DESCRIPTORS: &str = "the model itself needs file descriptors";

/// The kernel of pipes.
#[derive(Default)]
pub struct Model(Mutex<State>);

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Model")
    }
}

impl Model {
    /// A new one for the rest of the process's life (it leaks: tests only).
    pub fn leak() -> &'static Model {
        Box::leak(Box::default())
    }

    /// A file descriptor of a DRM device with everything. The caller owns it.
    pub fn device(&self) -> OwnedFd {
        self.state().keep(Thing::Device).expect(DESCRIPTORS)
    }

    /// A dma-buf without fences. The caller owns it.
    pub fn dmabuf(&self) -> OwnedFd {
        self.state().keep(Thing::Dmabuf(Vec::new())).expect(DESCRIPTORS)
    }

    /// Takes somebody's file as a dma-buf without fences, for as long as it is open. It stays the
    /// caller's.
    pub fn adopt_dmabuf(&self, file: BorrowedFd<'_>) {
        self.state().things.insert(inode(file), Thing::Dmabuf(Vec::new()));
    }

    /// The fences in a dma-buf; `None`: it is none.
    pub fn dmabuf_fences(&self, dmabuf: BorrowedFd<'_>) -> Option<Vec<FenceId>> {
        match self.state().thing(dmabuf)? {
            Thing::Dmabuf(fences) => Some(fences.clone()),
            _ => None,
        }
    }

    /// A new active fence.
    pub fn fence(&self, driver: &str) -> FenceId {
        let mut state = self.state();
        state.fences.push(ModelFence { driver: Name::new(driver), status: 0, at: 0, deadline: None });
        FenceId(state.fences.len() - 1)
    }

    /// A sync_file of a fence. The caller owns it.
    pub fn sync_file(&self, fence: FenceId) -> SyncFile {
        self.try_sync_file(fence).expect(DESCRIPTORS)
    }

    /// The same for a kernel that stands on the model.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn try_sync_file(&self, fence: FenceId) -> Result<SyncFile, Errno> {
        Ok(SyncFile::unchecked(self.state().file(vec![fence])?))
    }

    /// Forgets everything and closes its own descriptors, for the next test of the process.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// Signals a fence at a time, unless it has signalled.
    pub fn signal_fence(&self, fence: FenceId, at: u64) {
        self.state().finish(fence, 1, at);
    }

    /// Signals a fence with an error, unless it has signalled.
    pub fn fail_fence(&self, fence: FenceId, errno: Errno, at: u64) {
        self.state().finish(fence, -errno.raw_os_error(), at);
    }

    /// True if it has signalled, successfully or not.
    pub fn has_signalled(&self, fence: FenceId) -> bool {
        self.state().fences[fence.0].status != 0
    }

    /// True if it has signalled with an error.
    pub fn has_failed(&self, fence: FenceId) -> bool {
        self.state().fences[fence.0].status < 0
    }

    /// The earliest deadline that was set on it.
    pub fn deadline(&self, fence: FenceId) -> Option<u64> {
        self.state().fences[fence.0].deadline
    }

    /// What has to signal for a point, if it has materialised: without changing anything, as its
    /// client would see it.
    pub fn point_fences(&self, handle: u32, point: u64) -> Option<Vec<FenceId>> {
        let state = self.state();
        state.find(*state.handles.get(&handle)?, point).ok()
    }

    /// How many syncobj handles are open.
    pub fn open_handles(&self) -> usize {
        self.state().handles.len()
    }

    /// Whether a syncobj with an open handle has a fence.
    pub fn is_in_syncobj(&self, fence: FenceId) -> bool {
        let state = self.state();
        let mut open = state.handles.values().map(|object| &state.objects[*object]);
        open.any(|object| {
            object.binary.iter().chain(object.chain.iter().map(|node| &node.fences)).flatten().any(|of| *of == fence)
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
