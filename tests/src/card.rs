//! A DRM node whose master is another process: it is read, and allocates memory. Never shows
//! anything.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use drm::Device as _;
use drm::buffer::Buffer as _;
use drm::control::Device as _;
use drm_fourcc::DrmFourcc;

use crate::error::{Error, Result};

/// An open node.
pub struct Card(pub File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

impl Card {
    /// Opens a node. Whoever opens the first one of a card becomes its master.
    pub fn open(path: &Path) -> Result<Card> {
        let file = File::options().read(true).write(true).open(path);
        file.map(Card).map_err(Error::io(format!("open {}", path.display())))
    }

    /// The first card of a driver.
    pub fn of(driver: &str) -> Result<Card> {
        let nodes = std::fs::read_dir("/dev/dri").map_err(Error::io("read /dev/dri"))?.flatten();
        let paths = nodes.filter(|node| node.file_name().to_string_lossy().starts_with("card")).map(|node| node.path());
        let is = |card: &Card| card.get_driver().is_ok_and(|found| found.name().to_string_lossy() == driver);
        let found = paths.filter_map(|path| Card::open(&path).ok()).find(is);
        found.ok_or_else(|| Error::Missing(format!("a card of {driver}")))
    }

    /// A dumb buffer of XRGB8888 as a dma-buf, which is the caller's, and its stride in bytes.
    pub fn dumb(&self, size: (u32, u32)) -> Result<(OwnedFd, u32)> {
        let dumb = self.create_dumb_buffer(size, DrmFourcc::Xrgb8888, 32).map_err(Error::io("make a dumb buffer"))?;
        let flags = (rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::RDWR).bits();
        let fd = self.buffer_to_prime_fd(dumb.handle(), flags).map_err(Error::io("export a dumb buffer"))?;
        Ok((fd, dumb.pitch()))
    }
}
