//! Buffers of `wl_shm`: read by a copy, or *in place*, as a dma-buf of the very pages that the client draws into (udmabuf).
//!
//! In place nothing is copied, and a plane can show the buffer; but the client has it back only when it has left the screen. A client with
//! two buffers or more does not notice; one that draws into its only buffer would wait. So a surface begins with copies, and each of them
//! gives its buffer back at once; [`Choice`] tells when it has shown that it alternates.
//!
//! See docs/shm.md.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use dmabuf_import::{Dmabuf, DmabufPlane, Modifier, udmabuf::Udmabuf};
use protocols::shm::Picture;
use rustix::{
    fs::{SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate},
    io::Errno,
};

use super::buffer::Imported;
use crate::config::{Config, ShmWay};

/// Commits that a surface is watched for.
const WATCHED: usize = 4;

/// A `wl_buffer` of shared memory.
#[derive(Debug)]
pub struct Shm {
    /// Names it in the trace and in reports.
    pub id: u64,
    /// What its client says of it.
    pub picture: Picture,
    in_place: OnceLock<Option<Arc<Imported>>>,
    /// It was committed before.
    used: AtomicBool,
}

impl Shm {
    /// For a client's new buffer.
    pub fn new(picture: Picture) -> Self {
        // Apart from the numbers of dma-bufs.
        static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            picture,
            in_place: OnceLock::new(),
            used: AtomicBool::new(false),
        }
    }

    /// Notes a commit; whether it is not the first one. A dma-buf that is used once costs more than a copy.
    pub fn use_again(&self) -> bool {
        self.used.swap(true, Ordering::Relaxed)
    }

    /// Its pages as a dma-buf that `check` accepts, made at the first call; `None`: not possible, for the reason in the log.
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
            made.inspect_err(|why| tracing::debug!("shm buffer {}: not in place: {why}", self.id)).ok()
        };
        self.in_place.get_or_init(make).as_ref()
    }

    /// Its dma-buf, if one was made.
    pub fn imported(&self) -> Option<&Arc<Imported>> {
        self.in_place.get()?.as_ref()
    }

    /// Whether it was given in place and is not given back: somebody besides us and the list of imports has its dma-buf.
    pub fn is_held(&self) -> bool {
        self.imported().is_some_and(|imported| Arc::strong_count(imported) > 2)
    }
}

/// What makes dma-bufs of shared memory, unless the user wants copies.
pub fn udmabuf(config: &Config) -> Option<Udmabuf> {
    if config.shm == ShmWay::Copy {
        return None;
    }
    Udmabuf::open()
        .inspect_err(|error| tracing::info!("{error}: windows of shared memory are copied; see docs/shm.md"))
        .ok()
}

/// Makes a dma-buf of a picture's pages. The error is for people.
///
/// The file gets a seal against shrinking, which `wl_shm` forbids anyway, and is made whole pages long: a dma-buf has nothing less.
/// Six system calls.
fn dmabuf(picture: &Picture, udmabuf: &Udmabuf) -> Result<Dmabuf, String> {
    let fd = picture.pool.fd();
    let page = rustix::param::page_size() as u64;
    let range = picture.range();
    if !range.start.is_multiple_of(page) {
        return Err(format!("its pixels begin at byte {}, which is not the start of a page", range.start));
    }
    let said = |what: &'static str| move |errno: Errno| format!("{what}: {errno}");
    // EINVAL: no memfd, or one that was made without MFD_ALLOW_SEALING.
    let seals = fcntl_get_seals(fd).map_err(said("F_GET_SEALS"))?;
    if seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE) {
        return Err("it is sealed against writing".into());
    }
    let stat = fstat(fd).map_err(said("fstat"))?;
    let has = stat.st_size as u64;
    if has < range.end {
        return Err(format!("the file has {has} bytes, the picture ends at byte {}", range.end));
    }
    // The kernel would make the missing pages in our name.
    if (stat.st_blocks as u64) * 512 < range.end - range.start {
        return Err("its client has not written all of it".into());
    }
    // Before the file is given its length: that may make it longer only, whatever its client does meanwhile.
    if !seals.contains(SealFlags::SHRINK) {
        fcntl_add_seals(fd, SealFlags::SHRINK).map_err(said("F_ADD_SEALS"))?;
    }
    let end = range.end.next_multiple_of(page);
    if has < end {
        ftruncate(fd, end).map_err(said("ftruncate"))?;
    }
    let pages = udmabuf.from_memfd(fd, range.start, end - range.start).map_err(|e| e.to_string())?;
    let plane = DmabufPlane { fd: Arc::new(pages), offset: 0, stride: picture.stride };
    Dmabuf::new(picture.width, picture.height, picture.format, Modifier::Linear, vec![plane]).map_err(|e| e.to_string())
}

/// Which way the commits of a surface go.
#[derive(Debug, Default)]
pub struct Choice {
    /// Buffers of the last commits; 0: none yet.
    last: [u64; WATCHED],
}

impl Choice {
    /// Notes a commit of `buffer`; `held`: it is still ours from a commit in place. Whether it may go in place.
    pub fn commit(&mut self, buffer: u64, held: bool) -> bool {
        if held {
            // It does not wait for releases: it has to show for some time that it alternates.
            self.last = [0; WATCHED];
        }
        self.last.rotate_left(1);
        self.last[WATCHED - 1] = buffer;
        !held && self.last[0] != 0 && self.last.iter().any(|earlier| *earlier != buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commits of buffers, `!` where the buffer is held; and which of them may go in place.
    #[test]
    fn who_alternates_is_read_in_place() {
        for (commits, in_place) in [
            ("1 1 1 1 1 1", "------"),
            ("1 2 1 2 1 2", "---+++"),
            ("1 2 3 1 2 3", "---+++"),
            ("1 1 1 2 1 1", "---+++"),
            ("1 2 2 2 2 2", "---+--"),
            ("1 2 1 2 1! 2 1 2 1", "---+---++"),
            ("1 1! 1! 1!", "----"),
        ] {
            let mut choice = Choice::default();
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
