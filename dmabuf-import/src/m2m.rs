//! V4L2 memory-to-memory devices: converters of format and size between dma-bufs, without the CPU.
//!
//! ```text
//!  configure(from, to) ─→ queue(source, target) ─→ the descriptor is readable ─→ finish() ─→ Finished{source, target}
//! ```
//!
//! Both queues take dma-bufs (`V4L2_MEMORY_DMABUF`); nothing is copied. Nothing here waits: the
//! descriptor is non-blocking, and a caller polls it while [`Converter::in_flight`] says so (an
//! idle one is always in error, which epoll would report without end). V4L2 knows no fences: a
//! source must be complete when it is queued, and both buffers are in use until
//! [`Converter::finish`] has given them back.
//!
//! Source: `Documentation/userspace-api/media/v4l/dev-mem2mem.rst`, `dmabuf.rst`.

mod ioctl;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::colour::{Encoding, Range, Representation};
use crate::v4l2::{self, PixelFormat};
use crate::{CallError, Dmabuf, Fourcc, Modifier};

const CAP_M2M_MPLANE: u32 = 0x4000;
const CAP_M2M: u32 = 0x8000;
const CAP_STREAMING: u32 = 0x0400_0000;
const MEMORY_DMABUF: u32 = 4;
const BUF_FLAG_ERROR: u32 = 0x40;
/// `V4L2_FIELD_NONE`.
const PROGRESSIVE: u32 = 1;

/// Conversions that may be under way at the same time.
pub const SLOTS: usize = 4;

/// An image as one side of a converter sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLayout {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its format, linear.
    pub format: Fourcc,
    /// Bytes from line to line of the first plane.
    pub stride: u32,
    /// Matrix and range of YUV.
    pub colour: Option<Representation>,
}

impl ImageLayout {
    /// That of a dma-buf; `None` if it is not linear.
    pub fn of(dmabuf: &Dmabuf, colour: Option<Representation>) -> Option<Self> {
        let stride = dmabuf.planes().first()?.stride;
        let (width, height, format) = (dmabuf.width(), dmabuf.height(), dmabuf.format());
        (dmabuf.modifier() == Modifier::Linear).then_some(Self { width, height, format, stride, colour })
    }
}

/// A conversion that is over.
#[derive(Debug)]
pub struct Finished {
    /// What [`Converter::queue`] returned for it.
    pub job: u64,
    /// The buffer that was read; the device is done with it.
    pub source: Dmabuf,
    /// The buffer that was written.
    pub target: Dmabuf,
    /// The device says that the target's pixels are wrong.
    pub failed: bool,
}

/// The two queues of a device: what it reads ("output", from the program's side), what it writes
/// ("capture").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Target,
}

#[derive(Debug)]
struct Job {
    number: u64,
    source: Dmabuf,
    target: Dmabuf,
    /// Of source and target: given back, and in error.
    back: [Option<bool>; 2],
}

/// An open device. Closing its descriptor, on drop, ends every conversion.
#[derive(Debug)]
pub struct Converter {
    fd: OwnedFd,
    path: PathBuf,
    multi: bool,
    configured: Option<(ImageLayout, ImageLayout)>,
    /// Bytes of a source, as the device counts them.
    source_size: u32,
    jobs: [Option<Job>; SLOTS],
    /// A target was queued whose source was refused: both queues are emptied when nothing is under
    /// way.
    lopsided: bool,
    next: u64,
}

impl Converter {
    /// Opens a device, for example `/dev/video10`. One open is one context: others may use the
    /// device at the same time.
    ///
    /// Errors: of `open`; ENODEV (not a memory-to-memory device with streaming).
    pub fn open(path: &Path) -> Result<Self, CallError> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fail = |call| move |errno| CallError::new(call, path.display(), errno);
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(fail("open"))?;
        let caps = ioctl::querycap(fd.as_fd()).map_err(fail("VIDIOC_QUERYCAP"))?.device_caps;
        if caps & (CAP_M2M | CAP_M2M_MPLANE) == 0 || caps & CAP_STREAMING == 0 {
            return Err(CallError::new(
                "VIDIOC_QUERYCAP",
                format!("{} is not a converter", path.display()),
                Errno::NODEV,
            ));
        }
        let multi = caps & CAP_M2M == 0;
        Ok(Self {
            fd,
            path: path.to_owned(),
            multi,
            configured: None,
            source_size: 0,
            jobs: Default::default(),
            lopsided: false,
            next: 0,
        })
    }

    /// The first device of `/dev/video*` that reads and writes uncompressed images on both sides;
    /// `None`: there is none that may be opened.
    pub fn find() -> Option<Self> {
        let nodes = std::fs::read_dir("/dev").ok()?.flatten().map(|entry| entry.path());
        let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
        let mut nodes: Vec<_> = nodes.filter_map(|path| Some((number(&path)?, path))).collect();
        nodes.sort_unstable();
        let open = nodes.iter().filter_map(|(_, path)| Self::open(path).ok());
        // Codecs are memory-to-memory devices, too: they have a coded format at one side.
        open.into_iter().find(|device| !device.reads().is_empty() && !device.writes().is_empty())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Linear formats that it reads, as far as DRM has them.
    pub fn reads(&self) -> Vec<Fourcc> {
        self.formats(Side::Source)
    }

    /// Linear formats that it writes, as far as DRM has them.
    pub fn writes(&self) -> Vec<Fourcc> {
        self.formats(Side::Target)
    }

    fn formats(&self, side: Side) -> Vec<Fourcc> {
        let numbers = (0..256).map_while(|index| ioctl::enum_fmt(self.fd.as_fd(), self.kind(side), index).ok());
        let known = numbers.filter_map(|desc| v4l2::from_v4l2(desc.pixelformat));
        let linear = known.filter(|format| format.modifier == 0 && !format.luma_only && format.memory_planes == 1);
        let mut found: Vec<Fourcc> = linear.filter_map(PixelFormat::format).collect();
        found.dedup();
        found
    }

    /// `enum v4l2_buf_type`.
    fn kind(&self, side: Side) -> u32 {
        match (self.multi, side) {
            (false, Side::Source) => 2,
            (false, Side::Target) => 1,
            (true, Side::Source) => 10,
            (true, Side::Target) => 9,
        }
    }

    /// Makes it convert `from` to `to`; cheap where it does already. False: this device cannot do
    /// exactly that (it would change a format, size or stride), and converts nothing now.
    ///
    /// Errors: EBUSY (conversions are under way), else of the ioctls named.
    pub fn configure(&mut self, from: ImageLayout, to: ImageLayout) -> Result<bool, CallError> {
        if self.configured == Some((from, to)) {
            return Ok(true);
        }
        if self.in_flight() {
            return Err(self.fail("VIDIOC_S_FMT", Errno::BUSY));
        }
        self.stop()?;
        let Some(source_size) = self.set_format(Side::Source, &from)? else { return Ok(false) };
        if self.set_format(Side::Target, &to)?.is_none() {
            return Ok(false);
        }
        self.source_size = source_size;
        for side in [Side::Source, Side::Target] {
            self.request(side, SLOTS as u32)?;
            let kind = self.kind(side);
            ioctl::stream_on(self.fd.as_fd(), kind).map_err(|errno| self.fail("VIDIOC_STREAMON", errno))?;
        }
        self.configured = Some((from, to));
        Ok(true)
    }

    fn stop(&mut self) -> Result<(), CallError> {
        if self.configured.take().is_none() {
            return Ok(());
        }
        for side in [Side::Source, Side::Target] {
            let kind = self.kind(side);
            ioctl::stream_off(self.fd.as_fd(), kind).map_err(|errno| self.fail("VIDIOC_STREAMOFF", errno))?;
            self.request(side, 0)?;
        }
        Ok(())
    }

    fn request(&self, side: Side, count: u32) -> Result<(), CallError> {
        let kind = self.kind(side);
        let mut request = ioctl::RequestBuffers { count, kind, memory: MEMORY_DMABUF, ..Default::default() };
        ioctl::request_buffers(self.fd.as_fd(), &mut request).map_err(|errno| self.fail("VIDIOC_REQBUFS", errno))?;
        if request.count < count {
            return Err(self.fail("VIDIOC_REQBUFS", Errno::NOMEM));
        }
        Ok(())
    }

    /// The bytes of an image, if the device takes it as it is. EINVAL is a no, too.
    fn set_format(&self, side: Side, picture: &ImageLayout) -> Result<Option<u32>, CallError> {
        let mut formats = v4l2::from_drm(picture.format, Modifier::Linear).filter(|format| format.memory_planes == 1);
        let Some(pixelformat) = formats.next().map(|format| format.v4l2) else { return Ok(None) };
        let (colorspace, ycbcr_enc, quantization) = numbers(picture.colour);
        let (kind, fd, ImageLayout { width, height, stride, .. }) = (self.kind(side), self.fd.as_fd(), *picture);
        let (set, got, size) = if self.multi {
            let mut format = ioctl::FormatMp::new(kind);
            (format.width, format.height, format.pixelformat) = (width, height, pixelformat);
            (format.field, format.colorspace, format.num_planes) = (PROGRESSIVE, colorspace, 1);
            (format.ycbcr_enc, format.quantization) = (ycbcr_enc as u8, quantization as u8);
            format.planes[0].bytesperline = stride;
            let set = ioctl::set_format_mp(fd, &mut format);
            let planes = u32::from(format.num_planes) == 1;
            let line = if planes { format.planes[0].bytesperline } else { 0 };
            (set, (format.width, format.height, format.pixelformat, line), format.planes[0].sizeimage)
        } else {
            let mut format = ioctl::Format::new(kind);
            format.pix = ioctl::Pix {
                width,
                height,
                pixelformat,
                field: PROGRESSIVE,
                bytesperline: stride,
                colorspace,
                ycbcr_enc,
                quantization,
                ..Default::default()
            };
            let set = ioctl::set_format(fd, &mut format);
            let pix = format.pix;
            (set, (pix.width, pix.height, pix.pixelformat, pix.bytesperline), pix.sizeimage)
        };
        match set {
            Ok(()) => Ok((got == (width, height, pixelformat, stride)).then_some(size)),
            Err(Errno::INVAL) => Ok(None),
            Err(errno) => Err(self.fail("VIDIOC_S_FMT", errno)),
        }
    }

    /// Starts a conversion, and returns its number. The buffers must be as configured, each in one
    /// dma-buf that begins with the image; `source`'s fences must have signalled. Clones of their
    /// descriptors are held until [`Converter::finish`] gives them back.
    ///
    /// Errors: EAGAIN (as many as [`SLOTS`] are under way, or a refusal is being cleared up),
    /// EINVAL (not configured, an image that is not in one piece as V4L2 lays it out, or the device
    /// cannot map the memory), ENOMEM.
    pub fn queue(&mut self, source: Dmabuf, target: Dmabuf) -> Result<u64, CallError> {
        if self.configured.is_none() || !is_one_piece(&source) || !is_one_piece(&target) {
            return Err(self.fail("VIDIOC_QBUF", Errno::INVAL));
        }
        let free = self.jobs.iter().position(Option::is_none).filter(|_| !self.lopsided);
        let slot = free.ok_or_else(|| self.fail("VIDIOC_QBUF", Errno::AGAIN))?;
        // The target first: with a source alone in the queue nothing starts, and it can be taken
        // back only by stopping.
        for (side, dmabuf) in [(Side::Target, &target), (Side::Source, &source)] {
            if let Err(errno) = self.queue_one(side, slot as u32, dmabuf) {
                self.lopsided = side == Side::Source;
                self.level()?;
                return Err(self.fail("VIDIOC_QBUF", errno));
            }
        }
        self.next += 1;
        self.jobs[slot] = Some(Job { number: self.next, source, target, back: [None; 2] });
        Ok(self.next)
    }

    /// Empties the queues after a refusal, once nothing is under way.
    fn level(&mut self) -> Result<(), CallError> {
        if self.lopsided && !self.in_flight() {
            self.lopsided = false;
            self.stop()?;
        }
        Ok(())
    }

    fn queue_one(&self, side: Side, index: u32, dmabuf: &Dmabuf) -> Result<(), Errno> {
        let size = u32::try_from(crate::dmabuf::size(dmabuf.fd())?).map_err(|_| Errno::INVAL)?;
        let used = if side == Side::Source { self.source_size } else { 0 };
        let raw = dmabuf.fd().as_raw_fd();
        let mut buffer = ioctl::Buffer::dmabuf(self.kind(side), index);
        buffer.field = PROGRESSIVE;
        if self.multi {
            let plane = ioctl::V4l2Plane { bytesused: used, length: size, fd: raw, ..Default::default() };
            ioctl::queue_planes(self.fd.as_fd(), buffer, &mut [plane])
        } else {
            (buffer.bytesused, buffer.length) = (used, size);
            ioctl::queue(self.fd.as_fd(), buffer, raw)
        }
    }

    /// Whether a conversion is under way: only then may the descriptor be polled (for reading).
    pub fn in_flight(&self) -> bool {
        self.jobs.iter().any(Option::is_some)
    }

    /// The next conversion that is over, if one is. Never waits.
    ///
    /// Errors: of `VIDIOC_DQBUF`; what is under way is then lost with the device.
    pub fn finish(&mut self) -> Result<Option<Finished>, CallError> {
        for (at, side) in [(0, Side::Source), (1, Side::Target)] {
            self.take_back(at, side)?;
        }
        let over = |job: &Option<Job>| job.as_ref().is_some_and(|job| job.back.iter().all(Option::is_some));
        let Some(job) = self.jobs.iter_mut().find(|job| over(job)).and_then(Option::take) else { return Ok(None) };
        self.level()?;
        let Job { number, source, target, back } = job;
        Ok(Some(Finished { job: number, source, target, failed: back.contains(&Some(true)) }))
    }

    fn take_back(&mut self, at: usize, side: Side) -> Result<(), CallError> {
        while self.jobs.iter().flatten().any(|job| job.back[at].is_none()) {
            let buffer = ioctl::Buffer::dmabuf(self.kind(side), 0);
            let mut planes = [ioctl::V4l2Plane::default(); 8];
            let planes = if self.multi { &mut planes[..] } else { &mut [] };
            match ioctl::dequeue(self.fd.as_fd(), buffer, planes) {
                Ok(buffer) => {
                    if let Some(Some(job)) = self.jobs.get_mut(buffer.index as usize) {
                        job.back[at] = Some(buffer.flags & BUF_FLAG_ERROR != 0);
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(errno) => return Err(self.fail("VIDIOC_DQBUF", errno)),
            }
        }
        Ok(())
    }

    fn fail(&self, call: &'static str, errno: Errno) -> CallError {
        CallError::new(call, self.path.display(), errno)
    }
}

/// For `poll`: readable when a conversion may be over; see [`Converter::in_flight`].
impl AsFd for Converter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether all colour planes are in one dma-buf, where the device looks for them: it takes one
/// address and one stride only.
fn is_one_piece(dmabuf: &Dmabuf) -> bool {
    let places = dmabuf.planes().iter().map(|plane| (plane.offset, plane.stride));
    dmabuf.fds().count() == 1 && v4l2::follows(dmabuf.format(), dmabuf.height(), places)
}

/// Colour space, encoding and quantization of V4L2: sRGB says nothing of YUV, so both others are
/// named.
fn numbers(colour: Option<Representation>) -> (u32, u32, u32) {
    const SRGB: u32 = 8;
    let Some(colour) = colour else { return (SRGB, 0, 0) };
    let encoding = match colour.encoding {
        Encoding::Bt601 => 1,
        Encoding::Bt709 => 2,
        Encoding::Bt2020 => 6,
    };
    (SRGB, encoding, if colour.range == Range::Full { 1 } else { 2 })
}
