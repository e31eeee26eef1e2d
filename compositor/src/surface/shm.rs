//! Buffers of `wl_shm`: copied, or read *in place* as a dma-buf of the pages that the client draws
//! into (udmabuf).
//!
//! A buffer in place is not copied, and a plane can show it; but it is released only when it has
//! left the screen. A client with two or more buffers does not notice; a client with a single
//! buffer would wait. So a surface starts with copies, which release the buffer at once, until
//! [`ShmChoice`] has seen that it alternates between buffers. Nothing here draws.
//!
//! See docs/shm.md.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use dmabuf_import::{Dmabuf, DmabufPlane, Modifier, udmabuf::Udmabuf};
use protocols::shm::ShmImage;
use rustix::{
    fs::{SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate},
    io::Errno,
};

use crate::{
    config::{Config, ShmMode},
    surface::buffer::Imported,
};

/// The number of recent commits from which the choice is made.
const WATCHED: usize = 4;

/// A `wl_buffer` of shared memory.
#[derive(Debug)]
pub struct Shm {
    /// The id of the buffer in the trace and in reports.
    pub id: u64,
    /// The size, format and memory that the client stated.
    pub picture: ShmImage,
    /// What the image costs whose copy it is; `Some`: the memory is the session's own, and nobody else writes
    /// into it.
    copy_of: Option<Cost>,
    in_place: OnceLock<Option<Arc<Imported>>>,
    /// The buffer was committed before.
    used: AtomicBool,
    /// How much of the image its file did not hold when it was first shown, in KiB, or [`UNKNOWN`].
    holes_kib: AtomicU32,
}

const UNKNOWN: u32 = u32::MAX;

/// What a surface that shows an image costs its client, in KiB; nothing if the image is not copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The copy of the image.
    pub kib: u32,
    /// The part of it that the file does not hold.
    pub holes_kib: u32,
}

impl Shm {
    /// Wraps a client's new buffer.
    pub fn new(picture: ShmImage) -> Self {
        // Distinct from the ids of dma-bufs.
        static NEXT: AtomicU64 = AtomicU64::new((1 << 32) + 1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            picture,
            copy_of: None,
            in_place: OnceLock::new(),
            used: AtomicBool::new(false),
            holes_kib: AtomicU32::new(UNKNOWN),
        }
    }

    /// A copy of the image in memory of the session's own; it costs its client what the image does. `None`: it
    /// has more than `most` bytes, pixels of another size than four bytes, or cannot be read.
    pub fn copy(&self, most: usize) -> Option<Self> {
        let picture = &self.picture;
        let pitch = picture.width as usize * 4;
        let (bytes, padded) = (pitch * picture.height as usize, picture.stride as usize * picture.height as usize);
        if picture.line_bytes() != pitch || bytes > most || padded > 2 * most {
            return None;
        }
        let (mut pixels, mut scratch) = (vec![0; bytes], vec![0; if padded == bytes { 0 } else { padded }]);
        picture.read(0..picture.height, &mut pixels, pitch, &mut scratch).ok()?;
        let made = ShmImage::of_pixels(picture.width, &pixels);
        let made =
            made.inspect_err(|error| tracing::debug!("shm buffer {}: it is not copied: {error}", self.id)).ok()?;
        // The client has been charged for its own image, and gets that back.
        Some(Self { copy_of: Some(self.cost()), ..Self::new(ShmImage { format: picture.format, ..made }) })
    }

    /// Whether nobody else writes into the memory.
    pub fn is_copy(&self) -> bool {
        self.copy_of.is_some()
    }

    /// Notes a commit. Returns whether the buffer was committed before: creating a dma-buf for a
    /// single commit costs more than a copy.
    pub fn note_use(&self) -> bool {
        self.used.swap(true, Ordering::Relaxed)
    }

    /// What a surface that shows the image costs. Always the same; one system call at the first call.
    pub fn cost(&self) -> Cost {
        if let Some(cost) = self.copy_of {
            return cost;
        }
        let kib = |bytes: u64| u32::try_from(bytes.div_ceil(1024)).unwrap_or(UNKNOWN - 1);
        let range = self.picture.range();
        let bytes = range.end - range.start;
        let mut holes_kib = self.holes_kib.load(Ordering::Relaxed);
        if holes_kib == UNKNOWN {
            holes_kib = kib(bytes - self.picture.held().unwrap_or(0).min(bytes));
            self.holes_kib.store(holes_kib, Ordering::Relaxed);
        }
        Cost { kib: kib(bytes), holes_kib }
    }

    /// The buffer's pages as a dma-buf that `check` accepts, created at the first call. `None`: not
    /// possible; the log has the reason.
    pub fn in_place(
        &self,
        udmabuf: &Udmabuf,
        check: impl FnOnce(&Imported) -> Result<(), String>,
    ) -> Option<&Arc<Imported>> {
        let make = || {
            let made = dmabuf(&self.picture, udmabuf).map(Imported::of_shm).and_then(|imported| {
                check(&imported)?;
                Ok(Arc::new(imported))
            });
            made.inspect_err(|why| tracing::debug!("shm buffer {}: it is copied, not read in place: {why}", self.id))
                .ok()
        };
        self.in_place.get_or_init(make).as_ref()
    }

    /// The dma-buf, if one was created.
    pub fn imported(&self) -> Option<&Arc<Imported>> {
        self.in_place.get()?.as_ref()
    }

    /// Whether a commit that reads the buffer in place is not released yet: the dma-buf has owners
    /// besides this buffer and the list of imports.
    pub fn is_held(&self) -> bool {
        self.imported().is_some_and(|imported| Arc::strong_count(imported) > 2)
    }
}

/// Opens /dev/udmabuf, which makes dma-bufs of shared memory. `None`: it cannot be opened, which is
/// logged, or the configuration requests copies.
pub fn udmabuf(config: &Config) -> Option<Udmabuf> {
    if config.shm == ShmMode::Copy {
        return None;
    }
    Udmabuf::open()
        .inspect_err(|error| tracing::info!("{error}: buffers of shared memory are copied; see docs/shm.md"))
        .ok()
}

/// Makes a dma-buf of a buffer's pages, with six system calls. The error is for the log.
///
/// The file gets a seal against shrinking, which `wl_shm` forbids anyway, and is extended to whole
/// pages, because a dma-buf consists of whole pages.
fn dmabuf(picture: &ShmImage, udmabuf: &Udmabuf) -> Result<Dmabuf, String> {
    let fd = picture.pool.fd();
    let page = rustix::param::page_size() as u64;
    let range = picture.range();
    if !range.start.is_multiple_of(page) {
        return Err(format!("its pixels begin at byte {}, which is not the start of a page", range.start));
    }
    let failed = |what: &'static str| move |errno: Errno| format!("{what}: {errno}");
    // EINVAL: the file is not a memfd, or was created without MFD_ALLOW_SEALING.
    let seals = fcntl_get_seals(fd).map_err(failed("F_GET_SEALS"))?;
    if seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE) {
        return Err("it is sealed against writing".into());
    }
    let stat = fstat(fd).map_err(failed("fstat"))?;
    let has = stat.st_size as u64;
    if has < range.end {
        return Err(format!("the file has {has} bytes, but the image ends at byte {}", range.end));
    }
    // The kernel would allocate the missing pages on the compositor's account.
    if (stat.st_blocks as u64) * 512 < range.end - range.start {
        return Err("its client has not written all of its pages yet".into());
    }
    // Seal first: then setting the length below can only extend the file, whatever the client does
    // meanwhile.
    if !seals.contains(SealFlags::SHRINK) {
        fcntl_add_seals(fd, SealFlags::SHRINK).map_err(failed("F_ADD_SEALS"))?;
    }
    let end = range.end.next_multiple_of(page);
    if has < end {
        ftruncate(fd, end).map_err(failed("ftruncate"))?;
    }
    let pages = udmabuf.from_memfd(fd, range.start, end - range.start).map_err(|e| e.to_string())?;
    let plane = DmabufPlane { fd: Arc::new(pages), offset: 0, stride: picture.stride };
    Dmabuf::new(picture.width, picture.height, picture.format, Modifier::Linear, vec![plane]).map_err(|e| e.to_string())
}

/// Whether the commits of a surface are copied or read in place.
#[derive(Debug, Default)]
pub struct ShmChoice {
    /// The lower halves of the ids of the buffers of the last commits, which suffice to tell them
    /// apart; 0: none yet.
    last: [u32; WATCHED],
}

impl ShmChoice {
    /// Notes a commit of `buffer`. Returns whether it may be read in place. `held`: an earlier
    /// commit of it in place is not released yet.
    pub fn commit(&mut self, buffer: u64, held: bool) -> bool {
        if held {
            // The client does not wait for releases: it must alternate for some time before buffers
            // are read in place again.
            self.last = [0; WATCHED];
        }
        let buffer = buffer as u32;
        self.last.rotate_left(1);
        self.last[WATCHED - 1] = buffer;
        !held && self.last[0] != 0 && self.last.iter().any(|earlier| *earlier != buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its client gets back what it was charged.
    #[test]
    fn a_copy_is_the_image_without_what_lies_between_its_lines_and_costs_as_much() {
        let pixels: Vec<u8> = (0..=255).cycle().take(64 * 4 * 8).collect();
        let sheet = ShmImage::of_pixels(64, &pixels).unwrap();
        let shm = Shm::new(ShmImage { width: 16, ..sheet });
        let copy = shm.copy(1024).expect("it is small");
        assert_eq!((copy.picture.stride, copy.cost()), (64, shm.cost()));
        let mut read = vec![0; 16 * 8 * 4];
        copy.picture.read(0..8, &mut read, 64, &mut []).unwrap();
        let expected: Vec<u8> = pixels.chunks(256).flat_map(|line| line[..64].to_vec()).collect();
        assert_eq!(read, expected);
        assert!(copy.is_copy() && !shm.is_copy() && shm.copy(16 * 8 * 4 - 1).is_none());
    }

    /// Each case: the buffers that are committed, `!` where the buffer is held, and which commits
    /// may be read in place.
    #[test]
    fn buffers_of_a_client_that_alternates_are_read_in_place() {
        for (commits, in_place) in [
            ("1 1 1 1 1 1", "------"),
            ("1 2 1 2 1 2", "---+++"),
            ("1 2 3 1 2 3", "---+++"),
            ("1 1 1 2 1 1", "---+++"),
            ("1 2 2 2 2 2", "---+--"),
            ("1 2 1 2 1! 2 1 2 1", "---+---++"),
            ("1 1! 1! 1!", "----"),
        ] {
            let mut choice = ShmChoice::default();
            let made: String = commits
                .split(' ')
                .map(|commit| {
                    let (buffer, held) = (commit.trim_end_matches('!').parse().unwrap(), commit.ends_with('!'));
                    if choice.commit(buffer, held) { '+' } else { '-' }
                })
                .collect();
            assert_eq!(made, in_place, "{commits}");
        }
    }
}
