//! [`Model`]: a kernel made of pipes, with fences that a test moves by hand. Needs no device and no privilege.
//!
//! Its sync_files, syncobjs, dma-bufs and devices are real file descriptors that poll like the kernel's (readable when
//! signalled), so that everything above it runs unchanged. It follows `drm_syncobj.c` and `sync_file.c` where a state
//! machine can see them: merging forgets what has signalled, a later point covers earlier ones, a point out of order
//! is waited for together with the last one. It never blocks and never models time.

use std::{
    collections::HashMap,
    fmt,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::{
    event::{EventfdFlags, eventfd},
    fs::fstat,
    io::{Errno, Result, fcntl_dupfd_cloexec, write},
    pipe::{PipeFlags, pipe_with},
};

use crate::{
    Name, SyncFile,
    ioctl::{CAP_SYNCOBJ, CAP_SYNCOBJ_TIMELINE, HANDLE_SYNC_FILE, HANDLE_TIMELINE},
    kernel::{Kernel, RawFence, RawFile},
};

/// A fence of the [`Model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FenceId(usize);

#[derive(Debug)]
struct ModelFence {
    driver: Name,
    status: i32,
    at: u64,
    deadline: Option<u64>,
}

/// What an inode of one of our pipes stands for.
#[derive(Clone, Debug)]
enum Thing {
    Device,
    File(Vec<FenceId>),
    Syncobj(usize),
    Dmabuf(Vec<FenceId>),
}

#[derive(Debug)]
struct Node {
    point: u64,
    /// All that has to signal for this point, those of earlier points included.
    fences: Vec<FenceId>,
}

#[derive(Debug)]
struct Waiter {
    point: u64,
    until_available: bool,
    event: OwnedFd,
}

#[derive(Debug, Default)]
struct Syncobj {
    binary: Option<Vec<FenceId>>,
    chain: Vec<Node>,
    waiters: Vec<Waiter>,
}

#[derive(Debug, Default)]
struct State {
    fences: Vec<ModelFence>,
    things: HashMap<u64, Thing>,
    /// Write ends of sync_files that have not signalled, by inode.
    writers: HashMap<u64, OwnedFd>,
    /// Write ends of everything else: they only keep the inode taken.
    keep: Vec<OwnedFd>,
    objects: Vec<Syncobj>,
    handles: HashMap<u32, usize>,
    next_handle: u32,
}

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
        self.state().keep(Thing::Device)
    }

    /// A dma-buf without fences. The caller owns it.
    pub fn dmabuf(&self) -> OwnedFd {
        self.state().keep(Thing::Dmabuf(Vec::new()))
    }

    /// A new active fence.
    pub fn fence(&self, driver: &str) -> FenceId {
        let mut state = self.state();
        state.fences.push(ModelFence { driver: Name::new(driver), status: 0, at: 0, deadline: None });
        FenceId(state.fences.len() - 1)
    }

    /// A sync_file of a fence. The caller owns it.
    pub fn sync_file(&self, fence: FenceId) -> SyncFile {
        SyncFile::unchecked(self.state().file(vec![fence]))
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

    /// The earliest deadline that it was told.
    pub fn deadline(&self, fence: FenceId) -> Option<u64> {
        self.state().fences[fence.0].deadline
    }

    /// What has to signal for a point, if it has materialised: without changing anything, as its client would see it.
    pub fn point_fences(&self, handle: u32, point: u64) -> Option<Vec<FenceId>> {
        let state = self.state();
        state.find(*state.handles.get(&handle)?, point).ok()
    }

    /// How many syncobj handles are open.
    pub fn open_handles(&self) -> usize {
        self.state().handles.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn inode(fd: BorrowedFd<'_>) -> u64 {
    fstat(fd).map_or(0, |stat| stat.st_ino)
}

impl State {
    fn keep(&mut self, thing: Thing) -> OwnedFd {
        let (read, write) = pipe();
        self.things.insert(inode(read.as_fd()), thing);
        self.keep.push(write);
        read
    }

    /// A sync_file over `fences`.
    fn file(&mut self, fences: Vec<FenceId>) -> OwnedFd {
        let (read, write_end) = pipe();
        let inode = inode(read.as_fd());
        if fences.iter().all(|fence| self.fences[fence.0].status != 0) {
            write(&write_end, &[1]).expect("an empty pipe takes a byte");
        } else {
            self.writers.insert(inode, write_end);
        }
        self.things.insert(inode, Thing::File(fences));
        read
    }

    fn finish(&mut self, fence: FenceId, status: i32, at: u64) {
        let fence = &mut self.fences[fence.0];
        if fence.status != 0 {
            return;
        }
        (fence.status, fence.at) = (status, at);
        let State { writers, things, fences, .. } = self;
        writers.retain(|inode, end| {
            let Some(Thing::File(waited)) = things.get(inode) else { return false };
            let done = waited.iter().all(|fence| fences[fence.0].status != 0);
            if done {
                // EPIPE: nobody has the file any more.
                let _ = write(end, &[1]);
            }
            !done
        });
        (0..self.objects.len()).for_each(|object| self.wake(object));
    }

    fn wake(&mut self, object: usize) {
        let waiters = std::mem::take(&mut self.objects[object].waiters);
        let (ready, waiting) = waiters.into_iter().partition(|waiter| match self.find(object, waiter.point) {
            Ok(fences) => waiter.until_available || self.pending(&fences).is_empty(),
            Err(_) => false,
        });
        self.objects[object].waiters = waiting;
        for Waiter { event, .. } in ready {
            write(&event, &1u64.to_ne_bytes()).expect("an eventfd takes an increment");
        }
    }

    fn pending(&self, fences: &[FenceId]) -> Vec<FenceId> {
        let mut pending: Vec<_> = fences.iter().copied().filter(|fence| self.fences[fence.0].status == 0).collect();
        pending.sort_unstable();
        pending.dedup();
        pending
    }

    /// `dma_fence_unwrap_merge`: what has signalled is forgotten, errors and all.
    fn merge(&self, fences: &[FenceId]) -> Vec<FenceId> {
        self.pending(fences)
    }

    fn find(&self, object: usize, point: u64) -> Result<Vec<FenceId>> {
        let object = &self.objects[object];
        match (point, &object.binary) {
            (0, Some(binary)) => Ok(binary.clone()),
            (0, None) => object.chain.last().map(|node| node.fences.clone()).ok_or(Errno::INVAL),
            _ => {
                object.chain.iter().find(|node| node.point >= point).map(|node| node.fences.clone()).ok_or(Errno::INVAL)
            }
        }
    }

    fn add(&mut self, object: usize, point: u64, fences: &[FenceId]) {
        if point == 0 {
            let object = &mut self.objects[object];
            object.chain.clear();
            object.binary = Some(fences.to_vec());
        } else {
            let earlier = match (self.objects[object].chain.last(), &self.objects[object].binary) {
                (Some(node), _) => self.pending(&node.fences),
                (None, Some(binary)) => self.pending(binary),
                (None, None) => Vec::new(),
            };
            let object = &mut self.objects[object];
            let last = object.chain.last().map_or(0, |node| node.point);
            // The new fences come first: an error of theirs is the point's.
            let fences: Vec<_> = fences.iter().copied().chain(earlier).collect();
            object.binary = None;
            if point <= last {
                object.chain.clear();
            }
            object.chain.push(Node { point: point.max(last), fences });
        }
        self.wake(object);
    }

    fn thing(&self, fd: BorrowedFd<'_>) -> Option<&Thing> {
        self.things.get(&inode(fd))
    }

    fn object(&self, device: BorrowedFd<'_>, handle: u32) -> Result<usize> {
        self.drm(device)?;
        self.handles.get(&handle).copied().ok_or(Errno::NOENT)
    }

    fn drm(&self, device: BorrowedFd<'_>) -> Result<()> {
        matches!(self.thing(device), Some(Thing::Device)).then_some(()).ok_or(Errno::NOTTY)
    }

    fn files(&self, fd: BorrowedFd<'_>, otherwise: Errno) -> Result<Vec<FenceId>> {
        match self.thing(fd) {
            Some(Thing::File(fences)) => Ok(fences.clone()),
            _ => Err(otherwise),
        }
    }

    fn new_handle(&mut self, object: usize) -> u32 {
        self.next_handle += 1;
        self.handles.insert(self.next_handle, object);
        self.next_handle
    }
}

fn pipe() -> (OwnedFd, OwnedFd) {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).expect("the model itself needs file descriptors")
}

impl Kernel for Model {
    fn file_info(&self, file: BorrowedFd<'_>, fences: &mut [RawFence]) -> Result<RawFile> {
        let state = self.state();
        let ids = state.files(file, Errno::NOTTY)?;
        if !fences.is_empty() {
            if fences.len() < ids.len() {
                return Err(Errno::INVAL);
            }
            for (raw, id) in fences.iter_mut().zip(&ids) {
                let fence = &state.fences[id.0];
                *raw = RawFence {
                    timeline: Name::new("model").raw(),
                    driver: fence.driver.raw(),
                    status: fence.status,
                    flags: 0,
                    timestamp_ns: fence.at,
                };
            }
        }
        Ok(RawFile { name: Name::new("model").raw(), status: 0, fences: ids.len() as u32 })
    }

    fn merge(&self, _name: [u8; 32], a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<OwnedFd> {
        let mut state = self.state();
        let mut both = state.files(a, Errno::NOTTY)?;
        both.extend(state.files(b, Errno::NOENT)?);
        let merged = state.merge(&both);
        Ok(state.file(merged))
    }

    fn set_deadline(&self, file: BorrowedFd<'_>, deadline_ns: u64) -> Result<()> {
        let mut state = self.state();
        for id in state.files(file, Errno::NOTTY)? {
            let deadline = &mut state.fences[id.0].deadline;
            *deadline = Some(deadline.map_or(deadline_ns, |old| old.min(deadline_ns)));
        }
        Ok(())
    }

    fn dmabuf_export(&self, dmabuf: BorrowedFd<'_>, _flags: u32) -> Result<OwnedFd> {
        let mut state = self.state();
        let Some(Thing::Dmabuf(fences)) = state.thing(dmabuf).cloned() else { return Err(Errno::NOTTY) };
        Ok(state.file(fences))
    }

    fn dmabuf_import(&self, dmabuf: BorrowedFd<'_>, file: BorrowedFd<'_>, _flags: u32) -> Result<()> {
        let mut state = self.state();
        let added = state.files(file, Errno::INVAL)?;
        match state.things.get_mut(&inode(dmabuf)) {
            Some(Thing::Dmabuf(fences)) => fences.extend(added),
            _ => return Err(Errno::NOTTY),
        }
        Ok(())
    }

    fn get_cap(&self, device: BorrowedFd<'_>, capability: u64) -> Result<u64> {
        self.state().drm(device)?;
        Ok(u64::from(matches!(capability, CAP_SYNCOBJ | CAP_SYNCOBJ_TIMELINE)))
    }

    fn create(&self, device: BorrowedFd<'_>, signalled: bool) -> Result<u32> {
        let mut state = self.state();
        state.drm(device)?;
        state.objects.push(Syncobj { binary: signalled.then(Vec::new), ..Syncobj::default() });
        let object = state.objects.len() - 1;
        Ok(state.new_handle(object))
    }

    fn destroy(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()> {
        let mut state = self.state();
        state.drm(device)?;
        state.handles.remove(&handle).map(drop).ok_or(Errno::INVAL)
    }

    fn handle_to_fd(&self, device: BorrowedFd<'_>, handle: u32, flags: u32, point: u64) -> Result<OwnedFd> {
        let mut state = self.state();
        let object = state.object(device, handle)?;
        if flags & HANDLE_SYNC_FILE == 0 {
            return Ok(state.keep(Thing::Syncobj(object)));
        }
        let fences = state.find(object, if flags & HANDLE_TIMELINE == 0 { 0 } else { point })?;
        Ok(state.file(fences))
    }

    fn fd_to_handle(
        &self,
        device: BorrowedFd<'_>,
        fd: BorrowedFd<'_>,
        handle: u32,
        flags: u32,
        point: u64,
    ) -> Result<u32> {
        let mut state = self.state();
        if flags & HANDLE_SYNC_FILE == 0 {
            let Some(Thing::Syncobj(object)) = state.thing(fd) else { return Err(Errno::INVAL) };
            let object = *object;
            return Ok(state.new_handle(object));
        }
        let fences = state.files(fd, Errno::INVAL)?;
        let object = state.object(device, handle)?;
        state.add(object, if flags & HANDLE_TIMELINE == 0 { 0 } else { point }, &fences);
        Ok(handle)
    }

    fn transfer(&self, device: BorrowedFd<'_>, src: (u32, u64), dst: (u32, u64)) -> Result<()> {
        let mut state = self.state();
        let (from, to) = (state.object(device, src.0)?, state.object(device, dst.0)?);
        let fences = state.find(from, src.1)?;
        let fences = if dst.1 == 0 { fences } else { state.merge(&fences) };
        state.add(to, dst.1, &fences);
        Ok(())
    }

    /// Never blocks: times out at once if nothing is ready.
    fn wait(
        &self,
        device: BorrowedFd<'_>,
        handles: &[u32],
        points: &[u64],
        _timeout_ns: i64,
        flags: u32,
        _deadline_ns: u64,
    ) -> Result<u32> {
        let state = self.state();
        let mut ready = Vec::new();
        for (index, (handle, point)) in handles.iter().zip(points).enumerate() {
            let object = state.object(device, *handle)?;
            if let Ok(fences) = state.find(object, *point)
                && (flags & 4 != 0 || state.pending(&fences).is_empty())
            {
                ready.push(index as u32);
            }
        }
        let enough = if flags & 1 != 0 { handles.len() } else { 1 };
        if ready.len() >= enough { Ok(ready[0]) } else { Err(Errno::TIME) }
    }

    fn register_eventfd(
        &self,
        device: BorrowedFd<'_>,
        handle: u32,
        point: u64,
        event: BorrowedFd<'_>,
        flags: u32,
    ) -> Result<()> {
        let mut state = self.state();
        let object = state.object(device, handle)?;
        let event = fcntl_dupfd_cloexec(event, 0)?;
        state.objects[object].waiters.push(Waiter { point, until_available: flags & 4 != 0, event });
        state.wake(object);
        Ok(())
    }

    fn reset(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()> {
        let mut state = self.state();
        let object = state.object(device, handle)?;
        state.objects[object].binary = None;
        state.objects[object].chain.clear();
        Ok(())
    }

    fn query(&self, device: BorrowedFd<'_>, handle: u32, flags: u32) -> Result<u64> {
        let state = self.state();
        let object = state.object(device, handle)?;
        let chain = state.objects[object].chain.iter();
        Ok(chain
            .filter(|node| flags & 1 != 0 || state.pending(&node.fences).is_empty())
            .map(|node| node.point)
            .max()
            .unwrap_or(0))
    }

    fn signal(&self, device: BorrowedFd<'_>, handle: u32, point: u64) -> Result<()> {
        let mut state = self.state();
        let object = state.object(device, handle)?;
        state.add(object, point, &[]);
        Ok(())
    }

    fn eventfd(&self) -> Result<OwnedFd> {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
    }
}
