//! Pools and the images in them: the checks of a client's description, and reading the bytes.

use std::{
    ops::Range,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use dmabuf_import::Fourcc;
use rustix::{
    fs::{AtFlags, FileType, MemfdFlags, OFlags, SealFlags, StatxFlags},
    io::Errno,
};
use smithay::{backend::allocator::format::get_bpp, wayland::shm::shm_format_to_fourcc};
use wayland_server::protocol::wl_shm;

/// A client's shared memory. It owns the descriptor.
#[derive(Debug)]
pub struct Pool {
    fd: OwnedFd,
    /// Bytes, as stated by the client. It only grows.
    size: AtomicU32,
    /// Bytes that the file has for good, since it is sealed against shrinking.
    lasting: AtomicU64,
    /// How many objects of the protocol use it: the pool and its buffers.
    objects: AtomicU32,
}

impl Pool {
    /// Takes the descriptor over. The error is the message to the client. Two system calls, for a
    /// file on a disk three.
    ///
    /// The file must be one that the kernel reads by itself: a memfd, one of tmpfs, or one on a
    /// disk. FUSE and network file systems would ask a process or a machine that need not answer, so
    /// they are not asked anything.
    pub(super) fn new(fd: OwnedFd, size: i32) -> Result<Self, String> {
        let size = u32::try_from(size).ok().filter(|size| *size > 0);
        let size = size.ok_or("the size is not positive")?;
        let flags = rustix::fs::fcntl_getfl(&fd).map_err(|errno| format!("the descriptor: {errno}"))?;
        if flags & OFlags::RWMODE == OFlags::WRONLY || flags.contains(OFlags::PATH) {
            return Err("the descriptor is not open for reading".into());
        }
        // Only files of shared memory have seals, be it none.
        if rustix::fs::fcntl_get_seals(&fd).is_err() && !is_on_disk(fd.as_fd()) {
            return Err("the descriptor is neither a file of shared memory nor one on a disk".into());
        }
        Ok(Self { fd, size: size.into(), lasting: AtomicU64::new(0), objects: AtomicU32::new(1) })
    }

    /// Takes a new size from the client. The error is the message to the client.
    pub(super) fn resize(&self, size: i32) -> Result<(), String> {
        let old = self.size.load(Ordering::Relaxed);
        match u32::try_from(size) {
            Ok(size) if size >= old => {
                self.size.store(size, Ordering::Relaxed);
                Ok(())
            }
            _ => Err(format!("from {old} to {size} bytes: a pool does not shrink")),
        }
    }

    /// Bytes, as stated by the client: the file may have fewer.
    pub(super) fn size(&self) -> u32 {
        self.size.load(Ordering::Relaxed)
    }

    /// One more object uses the pool, beside the first.
    pub(super) fn enter(&self) {
        self.objects.fetch_add(1, Ordering::Relaxed);
    }

    /// An object that used the pool is gone. Returns whether it was the last.
    pub(super) fn leave(&self) -> bool {
        self.objects.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn has_always(&self, bytes: u64) -> bool {
        bytes <= self.lasting.load(Ordering::Relaxed)
    }

    /// The file.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// An image in a pool, as described by its client. It lies within the size that the client states
/// for the pool.
#[derive(Debug, Clone)]
pub struct ShmImage {
    /// The memory that it is in.
    pub pool: Arc<Pool>,
    /// Bytes before the first pixel.
    pub offset: u32,
    /// Pixels, not 0.
    pub width: u32,
    /// Lines, not 0.
    pub height: u32,
    /// Bytes from one line to the next, at least [`ShmImage::line_bytes`].
    pub stride: u32,
    /// A format with one plane and a whole number of bytes per pixel.
    pub format: Fourcc,
}

impl ShmImage {
    /// An image of our own: these pixels, line by line without padding, in a memfd that stays as it is.
    /// They are ARGB8888, premultiplied. Errors: EINVAL if they are not whole lines; those of
    /// memfd_create(2), write(2) and fcntl(2).
    pub fn of_pixels(width: u32, pixels: &[u8]) -> Result<Self, Errno> {
        let stride = width.checked_mul(4).filter(|stride| *stride > 0).ok_or(Errno::INVAL)?;
        let size = i32::try_from(pixels.len()).map_err(|_| Errno::INVAL)?;
        if size == 0 || !pixels.len().is_multiple_of(stride as usize) {
            return Err(Errno::INVAL);
        }
        let fd = rustix::fs::memfd_create("syncline", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut rest = pixels;
        while !rest.is_empty() {
            match rustix::io::write(&fd, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
        let pool = Pool::new(fd, size).map_err(|_| Errno::INVAL)?;
        let height = size as u32 / stride;
        Ok(Self { pool: Arc::new(pool), offset: 0, width, height, stride, format: Fourcc::Argb8888 })
    }

    /// Bytes of the pixels of a line.
    pub fn line_bytes(&self) -> usize {
        get_bpp(self.format).map_or(0, |bits| bits / 8) * self.width as usize
    }

    /// The image's bytes in the file, with the last line in its full stride.
    pub fn range(&self) -> Range<u64> {
        let start = u64::from(self.offset);
        start..start + u64::from(self.stride) * u64::from(self.height)
    }

    /// Whether the file has all of the image now; the error is the message to the client. One system
    /// call, two at the first call for a file that cannot shrink, and none after that.
    pub fn check_file(&self) -> Result<(), String> {
        if self.pool.has_always(self.end()) {
            return Ok(());
        }
        let stat = rustix::fs::fstat(self.pool.fd()).map_err(|errno| format!("the file of the pool: {errno}"))?;
        let has = u64::try_from(stat.st_size).unwrap_or_default();
        if has < self.end() {
            return Err(format!("the file of the pool has {has} bytes, but the image ends at byte {}", self.end()));
        }
        let sealed = rustix::fs::fcntl_get_seals(self.pool.fd()).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
        if sealed {
            self.pool.lasting.fetch_max(has, Ordering::Relaxed);
        }
        Ok(())
    }

    /// How many of the image's bytes the file holds: it may be shorter than its client says, or have
    /// holes. One system call.
    pub fn held(&self) -> Result<u64, Errno> {
        let (range, stat) = (self.range(), rustix::fs::fstat(self.pool.fd())?);
        let (size, held) = (u64::try_from(stat.st_size).unwrap_or(0), u64::try_from(stat.st_blocks).unwrap_or(0) * 512);
        Ok(range.end.min(size).saturating_sub(range.start).min(held))
    }

    /// The first byte after the last pixel.
    fn end(&self) -> u64 {
        let before = u64::from(self.stride) * u64::from(self.height.saturating_sub(1));
        u64::from(self.offset) + before + self.line_bytes() as u64
    }

    /// Reads lines to their places in `into`, which has room for the whole image with `pitch` bytes
    /// from one line to the next. One system call: directly if the stride equals the pitch, else
    /// through `scratch`, which has room for the lines with their strides. Bytes that the file does
    /// not have become 0: what was in `into` before may be the image of another client.
    ///
    /// Errors: those of pread(2). EINVAL if `into`, `scratch` or `pitch` is too small, or the lines
    /// do not exist.
    pub fn read(&self, lines: Range<u32>, into: &mut [u8], pitch: usize, scratch: &mut [u8]) -> Result<(), Errno> {
        if lines.is_empty() {
            return Ok(());
        }
        let (line_bytes, stride) = (self.line_bytes(), self.stride as usize);
        let target = into.get_mut(lines.start as usize * pitch..lines.end as usize * pitch).ok_or(Errno::INVAL)?;
        if lines.end > self.height || pitch < line_bytes || line_bytes == 0 {
            return Err(Errno::INVAL);
        }
        let from = u64::from(self.offset) + u64::from(lines.start) * u64::from(self.stride);
        if stride == pitch {
            let got = read_at(self.pool.fd(), target, from)?;
            target[got..].fill(0);
            return Ok(());
        }
        // The file may end before the padding of the last line.
        let length = (lines.len() - 1) * stride + line_bytes;
        let scratch = scratch.get_mut(..length).ok_or(Errno::INVAL)?;
        let got = read_at(self.pool.fd(), scratch, from)?;
        scratch[got..].fill(0);
        for (line, to) in scratch.chunks(stride).zip(target.chunks_exact_mut(pitch)) {
            to[..line_bytes].copy_from_slice(&line[..line_bytes]);
        }
        Ok(())
    }
}

impl ShmImage {
    /// Writes a rectangle of `width` x `height` pixels at `x`, `y` of the image: `pixels` are its lines,
    /// `pitch` bytes apart. One system call if whole lines lie in the file as they do in `pixels`, else one for
    /// each line, and two before them. Only files of shared memory are written: a disk may keep its writers
    /// waiting.
    ///
    /// Errors: those of pwrite(2): EBADF if the client has shared the file for reading only, EPERM if it has
    /// sealed it. EOPNOTSUPP for a file on a disk. EINVAL if the file is shorter than its client says, or the
    /// rectangle is not in the image or larger than `pixels`.
    pub fn write(&self, (x, y, width, height): (u32, u32, u32, u32), pixels: &[u8], pitch: usize) -> Result<(), Errno> {
        let inside = |from: u32, size: u32, of: u32| from.checked_add(size).is_some_and(|end| end <= of);
        if width == 0 || height == 0 {
            return Ok(());
        }
        let bytes = self.line_bytes() / self.width.max(1) as usize;
        let line = width as usize * bytes;
        let whole = pitch * (height as usize - 1) + line;
        if !inside(x, width, self.width) || !inside(y, height, self.height) || pitch < line || pixels.len() < whole {
            return Err(Errno::INVAL);
        }
        if rustix::fs::fcntl_get_seals(self.pool.fd()).is_err() {
            return Err(Errno::OPNOTSUPP);
        }
        // A write beyond the end would make the file longer.
        self.check_file().map_err(|_| Errno::INVAL)?;
        let from = u64::from(self.offset) + u64::from(y) * u64::from(self.stride) + u64::from(x) * bytes as u64;
        if pitch == self.stride as usize && line == pitch {
            return write_at(self.pool.fd(), &pixels[..whole], from);
        }
        for (at, pixels) in pixels.chunks(pitch).take(height as usize).enumerate() {
            write_at(self.pool.fd(), &pixels[..line], from + at as u64 * u64::from(self.stride))?;
        }
        Ok(())
    }
}

/// Writes all of `bytes` to the file.
fn write_at(fd: BorrowedFd<'_>, mut bytes: &[u8], mut at: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(fd, bytes, at) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(written) => {
                bytes = &bytes[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Whether a file lies on a disk: what file systems without one have is a device of number 0.
fn is_on_disk(fd: BorrowedFd<'_>) -> bool {
    let known = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    rustix::fs::statx(fd, c"", known, StatxFlags::TYPE).is_ok_and(|stat| {
        FileType::from_raw_mode(u32::from(stat.stx_mode)) == FileType::RegularFile && stat.stx_dev_major != 0
    })
}

/// Fills `into` from the file, and returns the number of bytes that the file had.
fn read_at(fd: BorrowedFd<'_>, into: &mut [u8], mut from: u64) -> Result<usize, Errno> {
    let mut done = 0;
    while done < into.len() {
        match rustix::io::pread(fd, &mut into[done..], from) {
            Ok(0) => break,
            Ok(got) => {
                done += got;
                from += got as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(done)
}

/// Bytes per pixel of a format with one plane; `None` for other formats, and where it is not a
/// whole number.
pub(super) fn bytes_per_pixel(format: wl_shm::Format) -> Option<u32> {
    let format = shm_format_to_fourcc(format)?;
    let info = dmabuf_import::formats::info(format)?;
    let bits = get_bpp(format).filter(|bits| *bits > 0 && bits.is_multiple_of(8))?;
    (info.planes == 1 && !info.yuv).then_some(bits as u32 / 8)
}

/// The arguments of `wl_shm_pool.create_buffer`.
#[derive(Debug, Clone, Copy)]
pub(super) struct BufferArgs {
    pub offset: i32,
    pub width: i32,
    pub height: i32,
    pub stride: i32,
    /// Of the format that the client names.
    pub bytes_per_pixel: u32,
}

/// Offset, width, height and stride of an image that lies within `size` bytes. The error is the
/// message to the client.
pub(super) fn check(args: BufferArgs, size: u32) -> Result<[u32; 4], String> {
    let BufferArgs { offset, width, height, stride, bytes_per_pixel } = args;
    let positive = |name, value: i32| {
        u32::try_from(value).ok().filter(|value| *value > 0).ok_or_else(|| format!("{name} {value} is not positive"))
    };
    let offset = u32::try_from(offset).map_err(|_| format!("offset {offset} is negative"))?;
    let (width, height, stride) = (positive("width", width)?, positive("height", height)?, positive("stride", stride)?);
    let line_bytes = u64::from(width) * u64::from(bytes_per_pixel);
    if u64::from(stride) < line_bytes {
        return Err(format!("stride {stride} is less than a line of {width} pixels ({line_bytes} bytes)"));
    }
    let end = u64::from(offset) + u64::from(stride) * u64::from(height);
    if end > u64::from(size) {
        return Err(format!("the image ends at byte {end}, but the pool has {size}"));
    }
    Ok([offset, width, height, stride])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn args(offset: i32, width: i32, height: i32, stride: i32) -> BufferArgs {
        BufferArgs { offset, width, height, stride, bytes_per_pixel: 4 }
    }

    #[test]
    fn images_lie_within_their_pool() {
        let max = i32::MAX;
        for (args, size, is_valid) in [
            (args(0, 4, 4, 16), 64, true),
            (args(0, 4, 4, 16), 63, false),
            (args(1, 4, 4, 16), 64, false),
            (args(1, 4, 4, 16), 65, true),
            (args(-1, 4, 4, 16), 64, false),
            (args(0, 0, 4, 16), 64, false),
            (args(0, 4, 0, 16), 64, false),
            (args(0, -4, 4, 16), 64, false),
            (args(0, 4, -4, 16), 64, false),
            (args(0, 4, 4, 15), 64, false),
            (args(0, 4, 4, 0), 64, false),
            (args(0, 4, 4, -16), 64, false),
            (args(max, max, max, max), u32::MAX, false),
            (args(0, max / 4, 1, max), max as u32, true),
            (args(0, max, 1, max), max as u32, false),
        ] {
            assert_eq!(check(args, size).is_ok(), is_valid, "{args:?} in {size}");
        }
    }

    #[test]
    fn what_passes_is_what_the_client_said() {
        assert_eq!(check(args(3, 4, 5, 17), 88), Ok([3, 4, 5, 17]));
        assert_eq!(check(args(3, 4, 5, 17), 87).unwrap_err(), "the image ends at byte 88, but the pool has 87");
    }

    #[test]
    fn images_have_one_plane_of_whole_bytes() {
        use wl_shm::Format::{Abgr16161616f, Argb8888, Nv12, Rgb565, Rgb888, Xrgb8888, Yuyv};
        let table = [
            (Argb8888, Some(4)),
            (Xrgb8888, Some(4)),
            (Rgb565, Some(2)),
            (Rgb888, Some(3)),
            (Abgr16161616f, Some(8)),
            (Nv12, None),
            (Yuyv, None),
        ];
        for (format, bytes) in table {
            assert_eq!(bytes_per_pixel(format), bytes, "{format:?}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_inside(
            offset: i32, width: i32, height: i32, stride: i32, bytes_per_pixel in 1u32..9, size in 1u32..i32::MAX as u32,
        ) {
            let args = BufferArgs { offset, width, height, stride, bytes_per_pixel };
            if let Ok([offset, width, height, stride]) = check(args, size) {
                prop_assert!(u64::from(width) * u64::from(bytes_per_pixel) <= u64::from(stride));
                prop_assert!(u64::from(offset) + u64::from(stride) * u64::from(height) <= u64::from(size));
                prop_assert!(height > 0 && width > 0);
            }
        }
    }

    fn image(bytes: &[u8], offset: u32, stride: u32, height: u32) -> ShmImage {
        let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("image", flags).unwrap();
        let mut file = std::fs::File::from(fd.try_clone().unwrap());
        file.write_all(bytes).unwrap();
        let pool = Arc::new(Pool::new(fd, 1 << 20).unwrap());
        ShmImage { pool, offset, width: 2, height, stride, format: Fourcc::Argb8888 }
    }

    #[test]
    fn a_rectangle_is_written_and_nothing_beside_it() {
        let image = ShmImage { width: 2, ..image(&[7; 64], 8, 16, 3) };
        image.write((1, 1, 1, 2), &[1, 2, 3, 4, 9, 9, 5, 6, 7, 8], 6).unwrap();
        let mut read = vec![0; 3 * 8];
        image.read(0..3, &mut read, 8, &mut [0; 48]).unwrap();
        let seven = [7; 4];
        assert_eq!(read, [seven, seven, seven, [1, 2, 3, 4], seven, [5, 6, 7, 8]].concat());
        let whole: Vec<u8> = (0..48).collect();
        ShmImage { width: 4, ..image.clone() }.write((0, 0, 4, 3), &whole, 16).unwrap();
        image.read(0..3, &mut read, 8, &mut [0; 48]).unwrap();
        assert_eq!(read, [&whole[..8], &whole[16..24], &whole[32..40]].concat());
    }

    #[test]
    fn what_is_not_in_the_image_or_its_file_is_not_written() {
        let image = image(&[7; 64], 8, 16, 3);
        for (rect, pixels, errno) in [
            ((0, 0, 3, 1), 12, Errno::INVAL),
            ((1, 0, 2, 1), 8, Errno::INVAL),
            ((0, 2, 1, 2), 64, Errno::INVAL),
            ((u32::MAX, 0, 1, 1), 8, Errno::INVAL),
            ((0, 0, 2, 3), 23, Errno::INVAL),
        ] {
            assert_eq!(image.write(rect, &vec![1; pixels], 8), Err(errno), "{rect:?}");
        }
        assert_eq!(image.write((0, 0, 2, 0), &[], 8), Ok(()));
        // It does not become longer either.
        let longer = ShmImage { height: 5, ..image.clone() };
        assert_eq!(longer.write((0, 4, 2, 1), &[1; 8], 8), Err(Errno::INVAL));
        assert_eq!(rustix::fs::fstat(image.pool.fd()).unwrap().st_size, 64);
        rustix::fs::fcntl_add_seals(image.pool.fd(), SealFlags::WRITE).unwrap();
        assert_eq!(image.write((0, 0, 2, 3), &[1; 24], 8), Err(Errno::PERM));
    }

    #[test]
    fn an_image_of_our_own_is_its_pixels_and_stays_so() {
        let bytes: Vec<u8> = (0..24).collect();
        let image = ShmImage::of_pixels(2, &bytes).unwrap();
        assert_eq!((image.width, image.height, image.stride, image.check_file()), (2, 3, 8, Ok(())));
        let mut read = [0; 24];
        image.read(0..3, &mut read, 8, &mut []).unwrap();
        assert_eq!(read[..], bytes);
        assert!(rustix::io::pwrite(image.pool.fd(), &[1], 0).is_err(), "it is sealed");
        assert!(rustix::fs::ftruncate(image.pool.fd(), 0).is_err());
        for (width, bytes) in [(0, &bytes[..]), (2, &[]), (2, &bytes[1..]), (u32::MAX, &bytes), (5, &bytes)] {
            assert_eq!(ShmImage::of_pixels(width, bytes).map(drop), Err(Errno::INVAL), "{width} {}", bytes.len());
        }
    }

    #[test]
    fn lines_are_read_to_their_places() {
        let bytes: Vec<u8> = (0..64).collect();
        let mut scratch = [0; 64];
        for (offset, stride) in [(0, 8), (4, 8), (4, 12), (0, 16)] {
            let image = image(&bytes, offset, stride, 3);
            let line = |at: u32| (offset + at * stride) as usize..(offset + at * stride + 8) as usize;
            let mut packed = [0xff; 24];
            image.read(1..3, &mut packed, 8, &mut scratch).unwrap();
            assert_eq!(packed[..8], [0xff; 8], "not asked for");
            assert_eq!((&packed[8..16], &packed[16..]), (&bytes[line(1)], &bytes[line(2)]), "{offset} {stride}");
        }
    }

    #[test]
    fn what_the_file_does_not_have_is_black() {
        let mut scratch = [0; 64];
        for stride in [8, 12] {
            let image = image(&[7; 20], 0, stride, 4);
            let mut packed = [0xff; 32];
            image.read(0..4, &mut packed, 8, &mut scratch).unwrap();
            assert_eq!(packed[..8], [7; 8]);
            let end = if stride == 8 { 20 } else { 16 };
            assert_eq!((&packed[8..end], &packed[end..]), (&[7; 12][..end - 8], &[0; 16][..32 - end]), "{stride}");
            assert_eq!(image.read(0..5, &mut packed, 8, &mut scratch), Err(Errno::INVAL));
        }
    }

    #[test]
    fn lines_need_their_room_and_no_more() {
        let bytes: Vec<u8> = (0..64).collect();
        let image = image(&bytes, 4, 12, 4);
        assert_eq!((image.range(), image.end()), (4..52, 48));
        let (mut into, mut scratch) = ([0xff; 64], [0; 64]);
        for (lines, pitch, room, expected) in [
            (0..3, 8, 32, Ok(())),
            (1..4, 8, 32, Ok(())),
            (0..3, 8, 31, Err(Errno::INVAL)),
            (0..3, 7, 64, Err(Errno::INVAL)),
            (0..5, 8, 64, Err(Errno::INVAL)),
            (0..5, 12, 64, Err(Errno::INVAL)),
            (2..2, 7, 0, Ok(())),
        ] {
            let what = format!("{lines:?}, pitch {pitch}, room {room}");
            assert_eq!(image.read(lines, &mut into, pitch, &mut scratch[..room]), expected, "{what}");
        }
        assert_eq!(into[16..24], bytes[28..36], "the third line");
        assert_eq!(image.read(0..4, &mut into[..31], 8, &mut scratch), Err(Errno::INVAL));
        let planes = ShmImage { format: Fourcc::Nv12, ..image.clone() };
        assert_eq!(planes.read(0..1, &mut into, 8, &mut scratch), Err(Errno::INVAL));
    }

    #[test]
    fn an_image_holds_what_its_file_has_of_it() {
        // (bytes that are written, size of the file, offset, stride, height; bytes held)
        let table = [
            (&[7; 20][..], 20, 4, 8, 2, 16),
            (&[7; 20], 20, 4, 8, 9, 16),
            (&[7; 20], 10, 4, 8, 2, 6),
            (&[7; 20], 20, 24, 8, 2, 0),
            (&[], 1 << 16, 0, 1024, 4, 0),
            (&[7; 20], 1 << 16, 0, 1024, 16, 4096),
        ];
        for (bytes, size, offset, stride, height, held) in table {
            let image = image(bytes, offset, stride, height);
            rustix::fs::ftruncate(image.pool.fd(), size).unwrap();
            assert_eq!(image.held(), Ok(held), "{} of {size}, {offset} {stride} {height}", bytes.len());
        }
    }

    #[test]
    fn the_last_object_that_leaves_a_pool_is_known() {
        let pool = Pool::new(rustix::fs::memfd_create("pool", rustix::fs::MemfdFlags::CLOEXEC).unwrap(), 4).unwrap();
        pool.enter();
        assert!(!pool.leave() && pool.leave());
    }

    #[test]
    fn a_file_on_a_disk_may_be_a_pool_and_one_that_the_kernel_makes_up_may_not() {
        let open = |path: &str| OwnedFd::from(std::fs::File::open(path).unwrap());
        assert!(Pool::new(open("/proc/version"), 4).unwrap_err().contains("nor one on a disk"));
        let file = open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let device = rustix::fs::fstat(&file).unwrap().st_dev;
        if rustix::fs::major(device) == 0 {
            println!("SKIPPED: the sources are not on a disk");
            return;
        }
        assert!(is_on_disk(file.as_fd()));
        assert!(Pool::new(file, 4).is_ok());
    }

    #[test]
    fn a_file_that_was_cut_is_found_out_and_a_sealed_one_is_asked_once() {
        let image = image(&[7; 20], 0, 8, 2);
        assert_eq!(image.check_file(), Ok(()));
        rustix::fs::ftruncate(image.pool.fd(), image.end() - 1).unwrap();
        assert!(image.check_file().is_err());
        rustix::fs::ftruncate(image.pool.fd(), image.end()).unwrap();
        rustix::fs::fcntl_add_seals(image.pool.fd(), SealFlags::SHRINK).unwrap();
        assert_eq!(image.check_file(), Ok(()));
        assert!(image.pool.has_always(image.end()));
    }

    #[test]
    fn pools_are_readable_files_that_only_grow() {
        let memfd = || rustix::fs::memfd_create("pool", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        for size in [0, -1, i32::MIN] {
            assert!(Pool::new(memfd(), size).is_err());
        }
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        assert!(Pool::new(reader, 4).is_err());
        let pool = Pool::new(memfd(), 100).unwrap();
        for (size, is_valid, now) in
            [(100, true, 100), (99, false, 100), (200, true, 200), (0, false, 200), (-1, false, 200)]
        {
            assert_eq!((pool.resize(size).is_ok(), pool.size()), (is_valid, now), "{size}");
        }
    }
}
