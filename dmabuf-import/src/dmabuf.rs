//! A dma-buf that passed its checks.
//!
//! Never imports itself anywhere: devices do that, through their own tables ([`crate::GemTable`]).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use crate::formats::FormatInfo;
use crate::validate::{self, Params, PlaneParams, Violation};
use crate::{Fourcc, ImportError, Mapping, Modifier, modifiers};

/// One memory plane. Several planes may share one descriptor.
#[derive(Debug, Clone)]
pub struct DmabufPlane {
    /// The dma-buf that holds the plane; closed when its last user drops it.
    pub fd: Arc<OwnedFd>,
    /// Bytes from the start of the dma-buf.
    pub offset: u32,
    /// Bytes from line to line.
    pub stride: u32,
}

/// An image in one or more dma-bufs. Clones share the descriptors.
#[derive(Debug, Clone)]
pub struct Dmabuf {
    width: u32,
    height: u32,
    modifier: Modifier,
    info: &'static FormatInfo,
    planes: Vec<DmabufPlane>,
    /// Bytes of each plane's dma-buf.
    sizes: [u64; 4],
}

impl Dmabuf {
    /// Takes the planes over after checking them: each descriptor is a dma-buf, and
    /// [`validate::check`] passes with its real size. One system call a plane.
    pub fn new(
        width: u32,
        height: u32,
        format: Fourcc,
        modifier: Modifier,
        planes: Vec<DmabufPlane>,
    ) -> Result<Self, ImportError> {
        Self::checked(width, height, format as u32, modifier, planes)
    }

    /// The same for a format's number as a client gave it. What numbers alone tell is checked
    /// before the descriptors are looked at.
    pub fn checked(
        width: u32,
        height: u32,
        format: u32,
        modifier: Modifier,
        planes: Vec<DmabufPlane>,
    ) -> Result<Self, ImportError> {
        let mut params = [PlaneParams { offset: 0, stride: 0, size: None }; 4];
        let given = planes.len().min(4);
        for (params, DmabufPlane { offset, stride, .. }) in params.iter_mut().zip(&planes) {
            (params.offset, params.stride) = (*offset, *stride);
        }
        let modifier_raw = modifiers::raw(modifier);
        let check =
            |planes: &[PlaneParams]| validate::check(&Params { width, height, format, modifier: modifier_raw, planes });
        check(&params[..given])?;
        let mut sizes = [0; 4];
        for (plane, (params, DmabufPlane { fd, .. })) in params.iter_mut().zip(&planes).enumerate() {
            let bytes = examine(fd.as_fd()).ok_or(Violation::NotDmabuf { plane })?;
            (params.size, sizes[plane]) = (Some(bytes), bytes);
        }
        let info = check(&params[..given])?;
        Ok(Self { width, height, modifier, info, planes, sizes })
    }

    /// An image of one plane whose pixels are elsewhere: it takes the place of a dma-buf on a
    /// display that exists in this process only. `fd` is closed with it; a mapping of it shows no
    /// pixels. Errors: as [`crate::validate::check`] says of the numbers.
    pub fn stand_in(width: u32, height: u32, format: Fourcc, stride: u32, fd: OwnedFd) -> Result<Self, Violation> {
        let size = u64::from(stride) * u64::from(height);
        let plane = PlaneParams { offset: 0, stride, size: Some(size) };
        let params = Params { width, height, format: format as u32, modifier: 0, planes: &[plane] };
        let info = validate::check(&params)?;
        let planes = vec![DmabufPlane { fd: Arc::new(fd), offset: 0, stride }];
        Ok(Self { width, height, modifier: Modifier::Linear, info, planes, sizes: [size, 0, 0, 0] })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Pixel format.
    pub fn format(&self) -> Fourcc {
        self.info.format
    }

    /// Facts of the pixel format.
    pub fn format_info(&self) -> &'static FormatInfo {
        self.info
    }

    /// Layout in memory; `Invalid` is the implicit one, known to the exporting driver only.
    pub fn modifier(&self) -> Modifier {
        self.modifier
    }

    /// The memory planes, by index; one to four.
    pub fn planes(&self) -> &[DmabufPlane] {
        &self.planes
    }

    /// The descriptor of plane 0, whose fences stand for the whole buffer where all planes share
    /// one dma-buf.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.planes[0].fd.as_fd()
    }

    /// The distinct descriptors, in plane order (planes that share an `Arc` count once).
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let planes = &self.planes;
        planes.iter().enumerate().filter_map(move |(at, plane)| {
            let seen = planes[..at].iter().any(|earlier| Arc::ptr_eq(&earlier.fd, &plane.fd));
            (!seen).then(|| plane.fd.as_fd())
        })
    }

    /// Maps the whole dma-buf of plane `plane` for the CPU. Errors: see [`Mapping::new`]; EINVAL if
    /// there is no such plane.
    pub fn map(&self, plane: usize, write: bool) -> Result<Mapping, crate::CallError> {
        match self.planes.get(plane) {
            Some(at) => Mapping::with_size(at.fd.clone(), self.sizes[plane], write),
            None => Err(crate::CallError::new("mmap", format!("plane {plane}"), Errno::INVAL)),
        }
    }
}

/// Bytes of the dma-buf `fd`; `None` if it is none. One system call, and three more until the first
/// dma-buf is met. A file that is none is not asked anything: FUSE would ask its server, which need
/// not answer.
///
/// All dma-bufs are files of one file system that the kernel mounts for itself, so the device
/// number of the first one tells the others, and their inodes have their size (`dma_buf_getfile` in
/// `drivers/dma-buf/dma-buf.c`).
fn examine(fd: BorrowedFd<'_>) -> Option<u64> {
    let known = rustix::fs::AtFlags::EMPTY_PATH | rustix::fs::AtFlags::STATX_DONT_SYNC;
    let stat = rustix::fs::statx(fd, c"", known, rustix::fs::StatxFlags::SIZE).ok()?;
    let device = rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor);
    let known = DEVICE.load(Ordering::Relaxed);
    if known == u64::MAX && describes_dmabuf(fd) {
        DEVICE.store(device, Ordering::Relaxed);
    } else if known != device {
        return None;
    }
    Some(stat.stx_size)
}

/// Whether the kernel describes `fd` as a dma-buf (`dma_buf_show_fdinfo`). Nothing else is described
/// with an exporter.
fn describes_dmabuf(fd: BorrowedFd<'_>) -> bool {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()));
    text.is_ok_and(|text| text.lines().any(|line| line.starts_with("exp_name:")))
}

/// The number of the file system that dma-bufs are files of; all ones: not met yet.
static DEVICE: AtomicU64 = AtomicU64::new(u64::MAX);

/// From now on the files of `fd`'s file system are taken for dma-bufs; see
/// [`crate::script::take_for_dmabufs`].
pub(crate) fn pretend(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    DEVICE.store(rustix::fs::fstat(fd)?.st_dev, Ordering::Relaxed);
    Ok(())
}

/// Whether `fd` is a dma-buf, by the magic of its file system (`DMA_BUF_MAGIC` of `linux/magic.h`).
pub fn is_dmabuf(fd: BorrowedFd<'_>) -> bool {
    const DMA_BUF_MAGIC: u32 = 0x444d_4142;
    rustix::fs::fstatfs(fd).is_ok_and(|stat| stat.f_type as u32 == DMA_BUF_MAGIC)
}

/// Bytes of a dma-buf. The file position, which dma-bufs do not use, is left at the end.
pub fn size(fd: BorrowedFd<'_>) -> Result<u64, Errno> {
    rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_checked_by_its_numbers() {
        let fd = || rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let made = Dmabuf::stand_in(64, 48, Fourcc::Xrgb8888, 256, fd()).unwrap();
        assert_eq!((made.width(), made.height(), made.modifier()), (64, 48, Modifier::Linear));
        assert!(Dmabuf::stand_in(64, 48, Fourcc::Xrgb8888, 255, fd()).is_err());
        assert!(Dmabuf::stand_in(0, 48, Fourcc::Xrgb8888, 256, fd()).is_err());
    }

    #[test]
    fn a_memfd_is_no_dmabuf() {
        let fd = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&fd, 16384).unwrap();
        let planes = vec![DmabufPlane { fd: Arc::new(fd), offset: 0, stride: 256 }];
        let error = Dmabuf::new(64, 64, Fourcc::Xrgb8888, Modifier::Linear, planes).unwrap_err();
        assert_eq!(error, ImportError::Violation(Violation::NotDmabuf { plane: 0 }));
    }
}
