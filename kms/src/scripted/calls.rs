//! The calls of the scripted kernel: each takes the next errno of its script, or else does as told.

use std::any::Any;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use dmabuf_import::map::RawMap;
use dmabuf_import::{GemDevice, script};
use fence::kernel::KernelRef;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::Errno;

use super::{Atomic, Call, Scripted};
use crate::id::{BlobId, CrtcId, FramebufferId};
use crate::kernel::{Dumb, FbDescription, Kernel, TEST_ONLY};
use crate::request::Request;

impl GemDevice for Scripted {
    fn prime_import(&self, _: BorrowedFd<'_>) -> Result<u32, Errno> {
        let mut state = self.lock();
        state.failure(Call::Import)?;
        Ok(state.new_id())
    }

    fn gem_close(&self, handle: u32) -> Result<(), Errno> {
        self.lock().memory.remove(&handle);
        Ok(())
    }
}

impl Kernel for Scripted {
    fn atomic(&self, request: &mut Request, flags: u32, user_data: u64) -> Result<(), Errno> {
        let mut state = self.lock();
        let test = flags & TEST_ONLY != 0;
        let result = state.failure(if test { Call::Test } else { Call::Commit });
        let mut asked = Atomic { flags, user_data, props: request.iter().collect(), result: Ok(()) };
        let result = match result.and_then(|()| state.judged(&asked)) {
            Ok(()) if test && state.has_refused_layout(request) => Err(Errno::INVAL),
            Ok(()) if !test && state.has_refused_fence(request) => Err(Errno::PERM),
            Ok(()) if !test => state.commit(request, flags, user_data, self.fences),
            other => other,
        };
        asked.result = result;
        state.log.push(asked);
        result
    }

    fn add_framebuffer(&self, fb: &FbDescription) -> Result<FramebufferId, Errno> {
        let mut state = self.lock();
        state.failure(Call::AddFb)?;
        let id = FramebufferId::from_raw(state.new_id());
        state.framebuffers.insert(id, *fb);
        state.made.insert(id, *fb);
        Ok(id)
    }

    fn close_framebuffer(&self, id: FramebufferId) -> Result<(), Errno> {
        let mut state = self.lock();
        state.failure(Call::CloseFb)?;
        if state.no_closefb {
            return Err(Errno::INVAL);
        }
        state.framebuffers.remove(&id).map(drop).ok_or(Errno::NOENT)
    }

    fn remove_framebuffer(&self, id: FramebufferId) -> Result<(), Errno> {
        let mut state = self.lock();
        if state.shows(id) {
            state.closed_while_shown.push(id);
        }
        state.framebuffers.remove(&id).map(drop).ok_or(Errno::NOENT)
    }

    fn create_blob(&self, data: &[u8]) -> Result<BlobId, Errno> {
        let mut state = self.lock();
        let id = BlobId::from_raw(state.new_id());
        if data.is_empty() {
            return Err(Errno::INVAL);
        }
        state.blobs.insert(id);
        Ok(id)
    }

    fn destroy_blob(&self, id: BlobId) -> Result<(), Errno> {
        if self.lock().blobs.remove(&id) { Ok(()) } else { Err(Errno::NOENT) }
    }

    fn read_events(&self, bytes: &mut [u8]) -> Result<usize, Errno> {
        let mut state = self.lock();
        state.failure(Call::ReadEvents)?;
        let _ = rustix::io::read(&self.ready, &mut [0; 8]);
        let mut len = 0;
        while let Some(event) = state.events.front() {
            let Some(room) = bytes.get_mut(len..len + event.len()) else { break };
            room.copy_from_slice(event);
            len += event.len();
            state.events.pop_front();
        }
        if len == 0 { Err(Errno::AGAIN) } else { Ok(len) }
    }

    fn create_dumb(&self, width: u32, height: u32, bpp: u32) -> Result<Dumb, Errno> {
        let mut state = self.lock();
        state.failure(Call::CreateDumb)?;
        let pitch = (width * bpp / 8).next_multiple_of(64);
        let size = (u64::from(pitch) * u64::from(height)).next_multiple_of(4096);
        let memory = memfd_create("dumb", MemfdFlags::CLOEXEC)?;
        ftruncate(&memory, size)?;
        script::take_for_dmabufs(memory.as_fd())?;
        let handle = state.new_id();
        state.memory.insert(handle, memory);
        Ok(Dumb { handle, pitch, size })
    }

    fn map_dumb(&self, dumb: &Dumb) -> Result<RawMap, Errno> {
        let state = self.lock();
        let memory = state.memory.get(&dumb.handle).ok_or(Errno::NOENT)?;
        RawMap::new(memory.as_fd(), 0, usize::try_from(dumb.size).map_err(|_| Errno::OVERFLOW)?, true)
    }

    fn prime_export(&self, handle: u32) -> Result<OwnedFd, Errno> {
        let mut state = self.lock();
        state.failure(Call::Export)?;
        let memory = state.memory.get(&handle).ok_or(Errno::NOENT)?;
        rustix::io::fcntl_dupfd_cloexec(memory, 0)
    }

    fn syncobjs(&self) -> Result<(KernelRef, OwnedFd), Errno> {
        let model = self.fences.ok_or(Errno::NOTTY)?;
        Ok((self.lock().syncobjs.unwrap_or(model), model.device()))
    }

    fn set_master(&self) -> Result<(), Errno> {
        self.lock().failure(Call::SetMaster)
    }

    fn drop_master(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn crtc_sequence(&self, _: CrtcId) -> Result<(), Errno> {
        let mut state = self.lock();
        if state.no_vblanks {
            return Err(Errno::OPNOTSUPP);
        }
        state.failure(Call::Sequence)
    }

    fn inventory(&self) -> Option<Box<dyn Any>> {
        Some(Box::new(self.hardware()?))
    }

    fn debugfs(&self) -> PathBuf {
        self.lock().debugfs.clone()
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
