//! Buffers of a test client, and their pixels: wl_shm, dma-heap and udmabuf, always XRGB8888 and
//! linear.
//!
//! A [`Buffer`] is the Wayland side, [`Pixels`] the memory; they are apart so that another thread
//! can draw, as a GPU would.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use dmabuf_import::Mapping;
use dmabuf_import::heap::DmaHeap;
use dmabuf_import::udmabuf::Udmabuf;
use drm_fourcc::{DrmFourcc, DrmModifier};
use rustix::fs::MemfdFlags;
use wayland_client::protocol::{wl_buffer::WlBuffer, wl_shm};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1;

use super::Client;
use crate::error::{Error, Result};

/// Where a buffer's memory comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// The system dma-heap, else udmabuf.
    Auto,
    /// The system dma-heap.
    Heap,
    /// A memfd by /dev/udmabuf.
    Udmabuf,
    /// wl_shm.
    Shm,
}

/// A wl_buffer.
#[derive(Debug)]
pub struct Buffer {
    /// The protocol object.
    pub wl: WlBuffer,
    /// Under which its releases are counted in [`super::State::released`].
    pub token: u64,
}

/// The memory of a buffer.
pub enum Pixels {
    /// A dma-buf, mapped; writes are bracketed for coherency.
    Mapped(Mapping),
    /// A memfd that is written as a file.
    File(OwnedFd, Vec<u8>),
}

impl Pixels {
    /// Lets `draw` write all of it.
    pub fn write(&mut self, draw: impl FnOnce(&mut [u8])) -> Result<()> {
        match self {
            Pixels::Mapped(map) => map.cpu_write(draw).map_err(Error::other("write a dma-buf")),
            Pixels::File(fd, bytes) => {
                draw(bytes);
                let mut done = 0;
                while done < bytes.len() {
                    done += rustix::io::pwrite(fd.as_fd(), &bytes[done..], done as u64)
                        .map_err(Error::call("write a wl_shm buffer"))?;
                }
                Ok(())
            }
        }
    }
}

/// A dma-buf of at least `len` bytes from `source`. The caller closes it.
pub fn allocate(source: Source, len: usize) -> Result<OwnedFd> {
    match source {
        Source::Heap => {
            let heap = DmaHeap::open("system").map_err(Error::other("open the system dma-heap"))?;
            heap.allocate(len as u64).map_err(Error::other("allocate from the system dma-heap"))
        }
        Source::Udmabuf => {
            let udmabuf = Udmabuf::open().map_err(Error::other("open udmabuf"))?;
            udmabuf.allocate(len as u64).map_err(Error::other("make a udmabuf"))
        }
        Source::Auto => allocate(Source::Heap, len).or_else(|heap| {
            allocate(Source::Udmabuf, len).map_err(|udmabuf| Error::Other(format!("{heap}; {udmabuf}")))
        }),
        Source::Shm => Err(Error::Other("wl_shm memory is not a dma-buf".into())),
    }
}

fn memfd(len: usize) -> Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("syncline-test", MemfdFlags::CLOEXEC).map_err(Error::call("memfd_create"))?;
    rustix::fs::ftruncate(&fd, len as u64).map_err(Error::call("size a memfd"))?;
    Ok(fd)
}

impl Client {
    /// A buffer of `width` × `height` pixels with a stride of `width * 4`.
    pub fn buffer(&mut self, source: Source, width: u32, height: u32) -> Result<(Buffer, Pixels)> {
        if source == Source::Shm {
            return self.shm_buffer(width, height);
        }
        let len = (width * height * 4) as usize;
        let fd = allocate(source, len.next_multiple_of(4096))?;
        let buffer = self.wrap_dmabuf(&fd, width, height, DrmFourcc::Xrgb8888, u64::from(DrmModifier::Linear))?;
        let map = Mapping::new(Arc::new(fd), true).map_err(Error::other("map a dma-buf"))?;
        Ok((buffer, Pixels::Mapped(map)))
    }

    fn shm_buffer(&mut self, width: u32, height: u32) -> Result<(Buffer, Pixels)> {
        let len = (width * height * 4) as usize;
        let fd = memfd(len)?;
        let qh = self.qh();
        let pool = self.state.bound.shm()?.create_pool(fd.as_fd(), len as i32, &qh, ());
        let token = self.state.token();
        let (w, h, stride) = (width as i32, height as i32, (width * 4) as i32);
        let wl = pool.create_buffer(0, w, h, stride, wl_shm::Format::Xrgb8888, &qh, token);
        pool.destroy();
        self.flush()?;
        Ok((Buffer { wl, token }, Pixels::File(fd, vec![0; len])))
    }

    /// A wl_buffer over a packed single-plane dma-buf, whose descriptor stays the caller's.
    pub fn wrap_dmabuf(&mut self, fd: &OwnedFd, w: u32, h: u32, format: DrmFourcc, modifier: u64) -> Result<Buffer> {
        let qh = self.qh();
        let token = self.state.token();
        let params = self.state.bound.dmabuf()?.create_params(&qh, token);
        params.add(fd.as_fd(), 0, 0, w * 4, (modifier >> 32) as u32, modifier as u32);
        let flags = zwp_linux_buffer_params_v1::Flags::empty();
        let wl = params.create_immed(w as i32, h as i32, format as u32, flags, &qh, token);
        params.destroy();
        self.flush()?;
        Ok(Buffer { wl, token })
    }
}
