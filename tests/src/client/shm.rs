//! Pools of `wl_shm` as a test wants them: with or without seals, with many buffers, described
//! wrongly.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use wayland_client::protocol::{wl_shm, wl_shm_pool::WlShmPool};

use super::Client;
use super::buffer::Buffer;
use crate::error::{Error, Result};

/// What a pool's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// A memfd that can be sealed.
    Sealable,
    /// A memfd that cannot.
    Unsealable,
}

/// A pool; its file is written with system calls.
#[derive(Debug)]
pub struct Pool {
    /// The protocol object.
    pub wl: WlShmPool,
    /// The file.
    pub fd: OwnedFd,
}

/// An image in a pool, as the protocol describes it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Bytes before it.
    pub offset: i32,
    /// Pixels.
    pub width: i32,
    /// Lines.
    pub height: i32,
    /// Bytes from line to line.
    pub stride: i32,
    /// The format.
    pub format: wl_shm::Format,
}

impl Place {
    /// Packed XRGB8888.
    pub fn packed(offset: i32, width: i32, height: i32) -> Self {
        Self { offset, width, height, stride: width * 4, format: wl_shm::Format::Xrgb8888 }
    }
}

/// A file for a pool of `len` bytes.
pub fn memory(memory: Memory, len: usize) -> Result<OwnedFd> {
    let sealing = if memory == Memory::Sealable { MemfdFlags::ALLOW_SEALING } else { MemfdFlags::empty() };
    let fd = memfd_create("pool", MemfdFlags::CLOEXEC | sealing).map_err(Error::call("memfd_create"))?;
    ftruncate(&fd, len as u64).map_err(Error::call("size a memfd"))?;
    Ok(fd)
}

impl Client {
    /// A pool of `size` bytes, as we say, of a file.
    pub fn pool(&mut self, fd: OwnedFd, size: i32) -> Result<Pool> {
        let wl = self.state.bound.shm()?.create_pool(fd.as_fd(), size, &self.qh(), ());
        self.flush()?;
        Ok(Pool { wl, fd })
    }
}

impl Pool {
    /// A buffer in the pool, right or wrong.
    pub fn buffer(&self, client: &mut Client, place: Place) -> Result<Buffer> {
        let token = client.state.token();
        let Place { offset, width, height, stride, format } = place;
        let wl = self.wl.create_buffer(offset, width, height, stride, format, &client.qh(), token);
        client.flush()?;
        Ok(Buffer { wl, token })
    }

    /// Fills a part of the file.
    pub fn fill(&self, offset: u64, len: usize, value: u8) -> Result<()> {
        let bytes = vec![value; len];
        let mut done = 0;
        while done < len {
            done += rustix::io::pwrite(&self.fd, &bytes[done..], offset + done as u64)
                .map_err(Error::call("write a wl_shm pool"))?;
        }
        Ok(())
    }
}
