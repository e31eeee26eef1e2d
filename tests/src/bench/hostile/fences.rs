//! A client whose buffers' memory has a fence that never signals, put there in every way.

use std::os::fd::{AsFd, OwnedFd};

use drm_fourcc::{DrmFourcc, DrmModifier};
use fence::implicit::{Access, import};
use fence::{SwTimeline, SyncFile};

use super::bad::{Bad, Stop, TICK, corner_window, heard};
use crate::client::Client;
use crate::client::buffer::{Buffer, Source, allocate};
use crate::client::dmabuf::{Params, Plane};
use crate::client::window::{Commit, Toplevel};
use crate::compositor::Compositor;
use crate::error::{Error, Result};

const SIZE: (u32, u32) = (128, 96);

/// When the fence gets into the memory of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the buffer is committed.
    Before,
    /// Before, and the commit has an acquire fence of its own, which has signalled.
    BesideExplicit,
    /// While the commit is on its way.
    With,
    /// When the buffer is on the screen.
    After,
    /// Before, and only into the memory of the second plane.
    SecondPlane,
}

/// The client. It commits one such buffer after the other.
pub struct Fences {
    client: Client,
    window: Toplevel,
    when: When,
    /// Lives as long as the fence is to stay pending.
    _timeline: SwTimeline,
    never: SyncFile,
    signalled: SyncFile,
}

impl Fences {
    /// A client with a window that shows a good picture.
    pub fn open(compositor: &Compositor, when: When) -> Result<Fences> {
        let mut client = compositor.client()?;
        let mut window = corner_window(&mut client)?;
        if when == When::BesideExplicit {
            window.fenced(&client)?;
        }
        let [timeline, done] = [SwTimeline::open(), SwTimeline::open()];
        let (timeline, done) = (timeline.map_err(Error::other("sw_sync"))?, done.map_err(Error::other("sw_sync"))?);
        let never = timeline.fence(1, "never").map_err(Error::other("make a fence"))?;
        let signalled = done.fence(1, "done").map_err(Error::other("make a fence"))?;
        done.inc(1).map_err(Error::other("signal a fence"))?;
        let mut fences = Fences { client, window, when, _timeline: timeline, never, signalled };
        let (buffer, _) = fences.buffer()?;
        fences.shown(&buffer)?;
        Ok(fences)
    }

    fn buffer(&mut self) -> Result<(Buffer, OwnedFd)> {
        let (width, height) = SIZE;
        let memory = allocate(Source::Auto, (width * height * 4) as usize)?;
        let linear = u64::from(DrmModifier::Linear);
        let buffer = self.client.wrap_dmabuf(&memory, width, height, DrmFourcc::Xrgb8888, linear)?;
        Ok((buffer, memory))
    }

    /// A buffer whose second memory plane has the fence.
    fn planar(&mut self) -> Result<Buffer> {
        let (width, height) = SIZE;
        let memory = [(); 2].map(|()| allocate(Source::Auto, (width * height) as usize));
        let [luma, chroma] = memory;
        let (luma, chroma) = (luma?, chroma?);
        self.fence(&chroma)?;
        let manager = self.client.state.bound.dmabuf()?;
        let params = Params::new(&mut self.client, &manager);
        for (index, memory) in [&luma, &chroma].into_iter().enumerate() {
            params.add(memory, Plane { index: index as u32, offset: 0, stride: width, modifier: 0 });
        }
        let wl = params.create_immed(&mut self.client, width as i32, height as i32, DrmFourcc::Nv12 as u32, 0);
        params.object.destroy();
        self.client.flush()?;
        Ok(Buffer { wl, token: 0 })
    }

    /// Puts the fence into the memory: a GPU writes there, and never ends.
    fn fence(&self, memory: &OwnedFd) -> Result<()> {
        import(memory.as_fd(), &self.never, Access::Write).map_err(Error::other("put a fence into a dma-buf"))
    }

    fn commit(&mut self, buffer: &Buffer) -> Result<()> {
        let acquire_fence = (self.when == When::BesideExplicit).then(|| self.signalled.as_fd());
        let commit = Commit { buffer: Some(buffer), acquire_fence, ..Commit::default() };
        self.window.commit(&mut self.client, &commit).map(|_| ())
    }

    fn shown(&mut self, buffer: &Buffer) -> Result<()> {
        let commit = Commit { buffer: Some(buffer), frame: true, ..Commit::default() };
        let frame = self.window.commit(&mut self.client, &commit)?.frame;
        heard(&mut self.client, frame)
    }

    fn once(&mut self) -> Result<()> {
        if self.when == When::SecondPlane {
            let buffer = self.planar()?;
            self.commit(&buffer)?;
            buffer.wl.destroy();
            return Ok(());
        }
        let (buffer, memory) = self.buffer()?;
        match self.when {
            When::Before | When::BesideExplicit | When::SecondPlane => {
                self.fence(&memory)?;
                self.commit(&buffer)?;
            }
            When::With => {
                self.commit(&buffer)?;
                self.fence(&memory)?;
            }
            When::After => {
                self.shown(&buffer)?;
                self.fence(&memory)?;
            }
        }
        buffer.wl.destroy();
        Ok(())
    }
}

impl Bad for Fences {
    fn act(&mut self, stop: &Stop) -> Result<()> {
        while !stop.is_set() {
            self.once()?;
            self.client.idle(TICK)?;
        }
        Ok(())
    }
}
