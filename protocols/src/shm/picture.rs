//! Pools, and pictures in them: what a client says, checked, and how the bytes are read.

use std::{
    ops::Range,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use dmabuf_import::Fourcc;
use rustix::{
    fs::{FileType, OFlags},
    io::Errno,
};
use smithay::{backend::allocator::format::get_bpp, wayland::shm::shm_format_to_fourcc};
use wayland_server::protocol::wl_shm;

/// A client's shared memory. The descriptor is ours.
#[derive(Debug)]
pub struct Pool {
    fd: OwnedFd,
    /// Bytes, as the client says; more later, never fewer.
    size: AtomicU32,
}

impl Pool {
    /// Takes the descriptor over. The error is for the client. Two system calls.
    pub(super) fn new(fd: OwnedFd, size: i32) -> Result<Self, String> {
        let size = u32::try_from(size).ok().filter(|size| *size > 0);
        let size = size.ok_or("the size is not positive")?;
        let stat = rustix::fs::fstat(&fd).map_err(|errno| format!("the descriptor: {errno}"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err("the descriptor is not of memory that can be shared".into());
        }
        let flags = rustix::fs::fcntl_getfl(&fd).map_err(|errno| format!("the descriptor: {errno}"))?;
        if flags & OFlags::RWMODE == OFlags::WRONLY || flags.contains(OFlags::PATH) {
            return Err("the descriptor is not open for reading".into());
        }
        Ok(Self { fd, size: size.into() })
    }

    /// The client says that there is more of it. The error is for the client.
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

    /// Bytes, as the client says: the file may have fewer.
    pub(super) fn size(&self) -> u32 {
        self.size.load(Ordering::Relaxed)
    }

    /// The file.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A picture in a pool, as its client describes it, checked against the size that it says the pool has.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Where it is.
    pub pool: Arc<Pool>,
    /// Bytes before the first pixel.
    pub offset: u32,
    /// Pixels, not 0.
    pub width: u32,
    /// Lines, not 0.
    pub height: u32,
    /// Bytes from a line to the next, at least those of a line.
    pub stride: u32,
    /// Of one plane with whole bytes.
    pub format: Fourcc,
}

impl Picture {
    /// Bytes of the pixels of a line.
    pub fn row(&self) -> usize {
        get_bpp(self.format).map_or(0, |bits| bits / 8) * self.width as usize
    }

    /// Bytes of the file that are the picture's, the last line in its full stride.
    pub fn range(&self) -> Range<u64> {
        let start = u64::from(self.offset);
        start..start + u64::from(self.stride) * u64::from(self.height)
    }

    /// Reads lines into `into`, which has room for the whole picture with `pitch` bytes from a line to the next; each line goes to its place.
    /// One system call; straight to its place where the picture has the same pitch, else through `scratch`, which has room for as many strides.
    /// Bytes that the file does not have are left as they are.
    ///
    /// Errors: those of pread(2). EINVAL where `into`, `scratch` or `pitch` is too small or there are no such lines.
    pub fn read(&self, lines: Range<u32>, into: &mut [u8], pitch: usize, scratch: &mut [u8]) -> Result<(), Errno> {
        if lines.is_empty() {
            return Ok(());
        }
        let (row, stride) = (self.row(), self.stride as usize);
        let target = into.get_mut(lines.start as usize * pitch..lines.end as usize * pitch).ok_or(Errno::INVAL)?;
        if lines.end > self.height || pitch < row || row == 0 {
            return Err(Errno::INVAL);
        }
        let from = u64::from(self.offset) + u64::from(lines.start) * u64::from(self.stride);
        if stride == pitch {
            return read_at(self.pool.fd(), target, from).map(drop);
        }
        // The last line may end without its padding.
        let length = (lines.len() - 1) * stride + row;
        let scratch = scratch.get_mut(..length).ok_or(Errno::INVAL)?;
        let got = read_at(self.pool.fd(), scratch, from)?;
        let whole = scratch[..got].chunks(stride).zip(target.chunks_exact_mut(pitch));
        whole.for_each(|(line, to)| {
            let have = line.len().min(row);
            to[..have].copy_from_slice(&line[..have]);
        });
        Ok(())
    }
}

/// Fills `into` from the file; how much there was.
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

/// Bytes of a pixel of a format that has whole ones in one plane.
pub(super) fn bytes_a_pixel(format: wl_shm::Format) -> Option<u32> {
    let format = shm_format_to_fourcc(format)?;
    let info = dmabuf_import::formats::info(format)?;
    let bits = get_bpp(format).filter(|bits| *bits > 0 && bits.is_multiple_of(8))?;
    (info.planes == 1 && !info.yuv).then_some(bits as u32 / 8)
}

/// What a client says of a picture, as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub offset: i32,
    pub width: i32,
    pub height: i32,
    pub stride: i32,
    /// Of a pixel.
    pub bytes: u32,
}

/// Offset, width, height and stride of a picture that lies within `size` bytes; the error is for the client.
pub(super) fn check(said: Said, size: u32) -> Result<[u32; 4], String> {
    let Said { offset, width, height, stride, bytes } = said;
    let positive = |name, value: i32| {
        u32::try_from(value).ok().filter(|value| *value > 0).ok_or_else(|| format!("{name} {value} is not positive"))
    };
    let offset = u32::try_from(offset).map_err(|_| format!("offset {offset} is negative"))?;
    let (width, height, stride) = (positive("width", width)?, positive("height", height)?, positive("stride", stride)?);
    let row = u64::from(width) * u64::from(bytes);
    if u64::from(stride) < row {
        return Err(format!("stride {stride} is less than a line of {width} pixels ({row} bytes)"));
    }
    let end = u64::from(offset) + u64::from(stride) * u64::from(height);
    if end > u64::from(size) {
        return Err(format!("the picture ends at byte {end} of a pool of {size}"));
    }
    Ok([offset, width, height, stride])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn said(offset: i32, width: i32, height: i32, stride: i32) -> Said {
        Said { offset, width, height, stride, bytes: 4 }
    }

    #[test]
    fn pictures_lie_within_their_pool() {
        let max = i32::MAX;
        for (said, size, right) in [
            (said(0, 4, 4, 16), 64, true),
            (said(0, 4, 4, 16), 63, false),
            (said(1, 4, 4, 16), 64, false),
            (said(1, 4, 4, 16), 65, true),
            (said(-1, 4, 4, 16), 64, false),
            (said(0, 0, 4, 16), 64, false),
            (said(0, 4, 0, 16), 64, false),
            (said(0, -4, 4, 16), 64, false),
            (said(0, 4, -4, 16), 64, false),
            (said(0, 4, 4, 15), 64, false),
            (said(0, 4, 4, 0), 64, false),
            (said(0, 4, 4, -16), 64, false),
            (said(max, max, max, max), u32::MAX, false),
            (said(0, max / 4, 1, max), max as u32, true),
            (said(0, max, 1, max), max as u32, false),
        ] {
            assert_eq!(check(said, size).is_ok(), right, "{said:?} in {size}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_inside(
            offset: i32, width: i32, height: i32, stride: i32, bytes in 1u32..9, size in 1u32..i32::MAX as u32,
        ) {
            if let Ok([offset, width, height, stride]) = check(Said { offset, width, height, stride, bytes }, size) {
                prop_assert!(u64::from(width) * u64::from(bytes) <= u64::from(stride));
                prop_assert!(u64::from(offset) + u64::from(stride) * u64::from(height) <= u64::from(size));
                prop_assert!(height > 0 && width > 0);
            }
        }
    }

    fn picture(bytes: &[u8], offset: u32, stride: u32, height: u32) -> Picture {
        let fd = rustix::fs::memfd_create("picture", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let mut file = std::fs::File::from(fd.try_clone().unwrap());
        file.write_all(bytes).unwrap();
        let pool = Arc::new(Pool::new(fd, 1 << 20).unwrap());
        Picture { pool, offset, width: 2, height, stride, format: Fourcc::Argb8888 }
    }

    #[test]
    fn lines_are_read_to_their_places() {
        let bytes: Vec<u8> = (0..64).collect();
        let mut scratch = [0; 64];
        for (offset, stride) in [(0, 8), (4, 8), (4, 12), (0, 16)] {
            let picture = picture(&bytes, offset, stride, 3);
            let line = |at: u32| (offset + at * stride) as usize..(offset + at * stride + 8) as usize;
            let mut packed = [0xff; 24];
            picture.read(1..3, &mut packed, 8, &mut scratch).unwrap();
            assert_eq!(packed[..8], [0xff; 8], "not asked for");
            assert_eq!((&packed[8..16], &packed[16..]), (&bytes[line(1)], &bytes[line(2)]), "{offset} {stride}");
        }
    }

    #[test]
    fn what_the_file_does_not_have_is_left_as_it_was() {
        let mut scratch = [0; 64];
        for stride in [8, 12] {
            let picture = picture(&[7; 20], 0, stride, 4);
            let mut packed = [0xff; 32];
            picture.read(0..4, &mut packed, 8, &mut scratch).unwrap();
            assert_eq!(packed[..8], [7; 8]);
            assert_eq!(packed[24..], [0xff; 8]);
            assert_eq!(picture.read(0..5, &mut packed, 8, &mut scratch), Err(Errno::INVAL));
        }
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
        for (size, right, now) in
            [(100, true, 100), (99, false, 100), (200, true, 200), (0, false, 200), (-1, false, 200)]
        {
            assert_eq!((pool.resize(size).is_ok(), pool.size()), (right, now), "{size}");
        }
    }
}
