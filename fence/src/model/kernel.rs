//! The calls of the [`Model`].
//!
//! Each takes the lock once and never blocks.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::{
    event::{EventfdFlags, eventfd},
    io::{Errno, Result, fcntl_dupfd_cloexec},
};

use super::{
    Model,
    state::{Syncobj, Thing, Waiter, inode},
};
use crate::{
    Name,
    ioctl::{CAP_SYNCOBJ, CAP_SYNCOBJ_TIMELINE, HANDLE_SYNC_FILE, HANDLE_TIMELINE},
    kernel::{Kernel, RawFence, RawFile},
};

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
                // As since Linux 6.17: whose a fence was is forgotten once it has signalled.
                let (timeline, driver) = match fence.status {
                    0 => (Name::new("model"), fence.driver),
                    _ => (Name::new("signaled-timeline"), Name::new("detached-driver")),
                };
                *raw = RawFence {
                    timeline: timeline.raw(),
                    driver: driver.raw(),
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
        state.file(merged)
    }

    fn set_deadline(&self, file: BorrowedFd<'_>, deadline_ns: u64) -> Result<()> {
        let mut state = self.state();
        let fences = state.files(file, Errno::NOTTY)?;
        state.set_deadline(&fences, deadline_ns);
        Ok(())
    }

    fn dmabuf_export(&self, dmabuf: BorrowedFd<'_>, _flags: u32) -> Result<OwnedFd> {
        let mut state = self.state();
        let Some(Thing::Dmabuf(fences)) = state.thing(dmabuf).cloned() else { return Err(Errno::NOTTY) };
        state.file(fences)
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
            return state.keep(Thing::Syncobj(object));
        }
        let fences = state.find(object, if flags & HANDLE_TIMELINE == 0 { 0 } else { point })?;
        state.file(fences)
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
        deadline_ns: u64,
    ) -> Result<u32> {
        let mut state = self.state();
        let mut ready = Vec::new();
        for (index, (handle, point)) in handles.iter().zip(points).enumerate() {
            let object = state.object(device, *handle)?;
            let Ok(fences) = state.find(object, *point) else { continue };
            if flags & 8 != 0 {
                state.set_deadline(&fences, deadline_ns);
            }
            if flags & 4 != 0 || state.pending(&fences).is_empty() {
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
