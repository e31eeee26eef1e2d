//! The memory of a client's buffer, into which the CPU copies parts of a picture.
//!
//! Nothing is decided here, and a dma-buf's fences have been waited for before.

use std::sync::Arc;

use dmabuf_import::Mapping;
use protocols::shm;
use smithay::reexports::wayland_server::protocol::wl_buffer::WlBuffer;

use crate::surface::{buffer::Imports, shm::Shm};

/// Where the pixels go.
pub enum Memory {
    Shared(Arc<Shm>),
    /// Mapped for as long as one picture is copied.
    Dmabuf(Box<Mapped>),
}

/// A linear dma-buf of 4 bytes a pixel.
pub struct Mapped {
    mapping: Mapping,
    offset: usize,
    stride: usize,
}

impl Memory {
    /// That of a buffer. Error, for the log: it has none that the CPU can write.
    pub fn of(buffer: &WlBuffer) -> Result<Self, String> {
        if let Some(shm) = shm::import_of::<Arc<Shm>>(buffer) {
            return Ok(Self::Shared(shm.clone()));
        }
        let imported = Imports::of(buffer).ok_or("the buffer is neither of shared memory nor a dma-buf")?;
        let plane = imported.dmabuf.planes().first().ok_or("the dma-buf has no plane")?;
        let mapping = Mapping::new(plane.fd.clone(), true).map_err(|error| error.to_string())?;
        Ok(Self::Dmabuf(Box::new(Mapped { mapping, offset: plane.offset as usize, stride: plane.stride as usize })))
    }

    /// Writes a rectangle (x, y, width, height) whose rows are `pitch` bytes apart in `pixels`. Error, for the log.
    pub fn write(&mut self, rect: (u32, u32, u32, u32), pixels: &[u8], pitch: usize) -> Result<(), String> {
        match self {
            Self::Shared(shm) => {
                shm.picture.write(rect, pixels, pitch).map_err(|errno| format!("writing into the pool: {errno}"))
            }
            Self::Dmabuf(mapped) => mapped.write(rect, pixels, pitch),
        }
    }
}

impl Mapped {
    fn write(&mut self, rect: (u32, u32, u32, u32), pixels: &[u8], pitch: usize) -> Result<(), String> {
        let [x, y, width, height] = [rect.0, rect.1, rect.2, rect.3].map(|value| value as usize);
        let (offset, stride, row) = (self.offset, self.stride, width * 4);
        let copy = |memory: &mut [u8]| {
            (0..height).try_for_each(|line| {
                let to = offset + (y + line) * stride + x * 4;
                let (to, from) = (memory.get_mut(to..to + row)?, pixels.get(line * pitch..line * pitch + row)?);
                to.copy_from_slice(from);
                Some(())
            })
        };
        let done = self.mapping.cpu_write(copy).map_err(|error| error.to_string())?;
        done.ok_or_else(|| "the dma-buf is smaller than its description".to_owned())
    }
}
