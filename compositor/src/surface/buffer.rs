//! What a `wl_buffer` is made of, imported once and found again at each commit.

use std::{
    any::Any,
    collections::HashMap,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use dmabuf_import::{Dmabuf, Mapping, allocate::Allocated};
use kms::{Device, Framebuffer};
use protocols::linux_dmabuf::{self, Hints};
use smithay::{
    backend::allocator::dmabuf::{Dmabuf as WlDmabuf, DmabufFlags},
    reexports::wayland_server::protocol::wl_buffer::WlBuffer,
};

use super::shm::Shm;

/// Where a content's pixels are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A client's dma-buf.
    Dmabuf(Arc<Imported>),
    /// A `wl_shm` buffer that is copied; one that is read in place is a dma-buf.
    Shm(Arc<Shm>),
}

impl Source {
    /// Whether its last line is the picture's first.
    pub fn y_invert(&self) -> bool {
        matches!(self, Source::Dmabuf(imported) if imported.y_invert)
    }

    /// Names the buffer in the trace and in reports.
    pub fn id(&self) -> u64 {
        match self {
            Source::Dmabuf(imported) => imported.id,
            Source::Shm(shm) => shm.id,
        }
    }

    /// Whether its pixels are luma and chroma.
    pub fn is_yuv(&self) -> bool {
        matches!(self, Source::Dmabuf(imported) if imported.dmabuf.format_info().yuv)
    }
}

/// How the renderer gets at a dma-buf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It reads the buffer itself.
    Import,
    /// The GPU of another card, by its serial, copies each picture.
    Gpu { card: kms::CardSerial },
    /// The CPU copies each picture.
    Cpu,
}

impl Way {
    /// In reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Gpu { .. } => "copy by another GPU",
            Self::Cpu => "copy by the CPU",
        }
    }
}

/// A dma-buf with everything that was made from it; dropped with the last content after the client's buffer is gone.
#[derive(Debug)]
pub struct Imported {
    /// Names the buffer in the trace.
    pub id: u64,
    /// The buffer.
    pub dmabuf: Dmabuf,
    /// The same for Smithay's renderers, with descriptors of its own; made when one of them needs it.
    wl: OnceLock<Result<WlDmabuf, String>>,
    /// Its last line is the picture's first.
    pub y_invert: bool,
    /// The device (`dev_t`) that its client wants it sampled by.
    pub sampling: Option<u64>,
    /// Its pages are a `wl_shm` pool's: it has no fences, and its client writes without telling the kernel.
    pub shm: bool,
    /// How it is drawn; `None`: nobody has tried, or the renderer is another one now.
    way: Mutex<Option<Way>>,
    /// Each card's framebuffer, by its serial, made on the first attempt to put the buffer on a plane there; `None`: refused.
    framebuffers: Mutex<Vec<(kms::CardSerial, Option<Framebuffer>)>>,
    /// Of each memory plane.
    mappings: [OnceLock<Option<Mapping>>; 4],
    /// What the allocator wants kept while the buffer is used.
    _allocation: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Imported {
    /// Wraps a buffer that we made, or that a client's parameters passed the checks for.
    pub fn new(dmabuf: Dmabuf) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            dmabuf,
            wl: OnceLock::new(),
            y_invert: false,
            sampling: None,
            shm: false,
            way: Mutex::new(None),
            framebuffers: Mutex::new(Vec::with_capacity(1)),
            mappings: Default::default(),
            _allocation: Mutex::new(None),
        }
    }

    /// The same for a client's buffer, with what its client says of it.
    pub fn of_client(dmabuf: Dmabuf, hints: Hints) -> Self {
        Self { y_invert: hints.y_invert, sampling: hints.sampling, ..Self::new(dmabuf) }
    }

    /// The same for the pages of a `wl_shm` buffer.
    pub fn of_shm(dmabuf: Dmabuf) -> Self {
        Self { shm: true, ..Self::new(dmabuf) }
    }

    /// A buffer of ours.
    pub fn allocated(allocated: Allocated) -> Self {
        Self { _allocation: Mutex::new(allocated.keep), ..Self::new(allocated.dmabuf) }
    }

    /// The buffer as Smithay's renderers take it: a system call a plane at the first call, none later. The error is for people: no
    /// descriptor was left.
    pub fn wl(&self) -> Result<&WlDmabuf, String> {
        self.wl.get_or_init(|| smithays(&self.dmabuf)).as_ref().map_err(Clone::clone)
    }

    /// The framebuffer on a card, made at the first call for it: 3 system calls a plane then, none later. `None`: the card refused the buffer.
    pub fn framebuffer(&self, device: &Device) -> Option<Framebuffer> {
        let mut known = self.framebuffers.lock().expect("no panic while locked");
        if let Some((_, framebuffer)) = known.iter().find(|(card, _)| *card == device.serial()) {
            return framebuffer.clone();
        }
        let made = match device.framebuffer(&self.dmabuf, false) {
            Ok(framebuffer) => Some(framebuffer),
            Err(error) => {
                tracing::debug!("buffer {}: no plane of {} can take it: {error}", self.id, device.path().display());
                None
            }
        };
        known.push((device.serial(), made.clone()));
        made
    }

    /// The cards' framebuffers so far: the card's serial, and whether it took the buffer.
    pub fn scanned_out(&self) -> Vec<(kms::CardSerial, bool)> {
        self.framebuffers
            .lock()
            .expect("no panic while locked")
            .iter()
            .map(|(card, made)| (*card, made.is_some()))
            .collect()
    }

    /// How it is drawn.
    pub fn way(&self) -> Option<Way> {
        *self.way.lock().expect("no panic while locked")
    }

    /// It is drawn so from now on.
    pub fn choose(&self, way: Option<Way>) {
        *self.way.lock().expect("no panic while locked") = way;
    }

    /// A card is gone: its framebuffer is, too.
    pub fn forget(&self, card: kms::CardSerial) {
        self.framebuffers.lock().expect("no panic while locked").retain(|(of, _)| *of != card);
    }

    /// A CPU mapping of the first memory plane's dma-buf, made at the first call.
    pub fn mapping(&self) -> Option<&Mapping> {
        self.mapping_of(0)
    }

    /// A CPU mapping of the whole dma-buf that a memory plane is in, made at the first call; `None`: it cannot be mapped, or there is no such plane.
    pub fn mapping_of(&self, plane: usize) -> Option<&Mapping> {
        let make = || match self.dmabuf.map(plane, false) {
            Ok(mapping) => Some(mapping),
            Err(error) => {
                tracing::debug!("buffer {}: cannot be mapped: {error}", self.id);
                None
            }
        };
        self.mappings.get(plane)?.get_or_init(make).as_ref()
    }

    /// The planes' descriptors, for implicit synchronisation.
    pub fn fds(&self) -> Vec<Arc<OwnedFd>> {
        self.dmabuf.planes().iter().map(|plane| plane.fd.clone()).collect()
    }
}

fn smithays(dmabuf: &Dmabuf) -> Result<WlDmabuf, String> {
    let size = (dmabuf.width() as i32, dmabuf.height() as i32);
    let mut builder = WlDmabuf::builder(size, dmabuf.format(), dmabuf.modifier(), DmabufFlags::empty());
    for (at, plane) in dmabuf.planes().iter().enumerate() {
        let fd = plane.fd.try_clone().map_err(|e| format!("duplicating a descriptor: {e}"))?;
        builder.add_plane(fd, at as u32, plane.offset, plane.stride);
    }
    builder.build().ok_or_else(|| "a buffer without planes".into())
}

/// The imports of the clients' buffers that exist. Each is found by its `wl_buffer`, whose data it is.
#[derive(Debug, Default)]
pub struct Imports {
    known: HashMap<u64, Arc<Imported>>,
}

impl Imports {
    /// A client has created a buffer.
    pub fn insert(&mut self, imported: &Arc<Imported>) {
        self.known.insert(imported.id, imported.clone());
    }

    /// What was made of a client's buffer; `None` for buffers of another kind.
    pub fn of(buffer: &WlBuffer) -> Option<&Arc<Imported>> {
        linux_dmabuf::import_of(buffer)
    }

    /// The client destroyed the buffer; contents that still show it keep it alive.
    pub fn forget(&mut self, imported: &Imported) {
        self.known.remove(&imported.id);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Imported> {
        self.known.values().map(|imported| &**imported)
    }

    /// Number of live imports.
    pub fn len(&self) -> usize {
        self.known.len()
    }
}
