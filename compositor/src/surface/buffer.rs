//! The memory behind a `wl_buffer`: imported once, looked up at each commit.
//!
//! Nothing here decides whether a buffer is shown or released.

use std::{
    any::Any,
    collections::HashMap,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use dmabuf_import::{Dmabuf, Mapping, allocate::Allocated};
use kms::{Device, Framebuffer};
use protocols::linux_dmabuf::{self, Hints};
use smithay::{
    backend::allocator::dmabuf::{Dmabuf as WlDmabuf, DmabufFlags},
    reexports::wayland_server::protocol::wl_buffer::WlBuffer,
    utils::{Buffer, Size},
};

use crate::surface::{shm::Shm, solid::Solid};

/// Where the pixels of a content are.
#[derive(Debug, Clone)]
pub enum PixelSource {
    /// A client's dma-buf.
    Dmabuf(Arc<Imported>),
    /// A `wl_shm` buffer that is copied. One that is read in place is a [`PixelSource::Dmabuf`].
    Shm(Arc<Shm>),
    /// One pixel of one colour.
    Solid(Arc<Solid>),
}

impl PixelSource {
    /// Size of the buffer in pixels.
    pub fn size(&self) -> Size<i32, Buffer> {
        let (width, height) = match self {
            PixelSource::Dmabuf(imported) => (imported.dmabuf.width(), imported.dmabuf.height()),
            PixelSource::Shm(shm) => (shm.picture.width, shm.picture.height),
            PixelSource::Solid(_) => (1, 1),
        };
        (width as i32, height as i32).into()
    }

    /// Whether the buffer's last line is the first line of the image.
    pub fn y_invert(&self) -> bool {
        matches!(self, PixelSource::Dmabuf(imported) if imported.y_invert)
    }

    /// The id of the buffer in the trace and in reports.
    pub fn id(&self) -> u64 {
        match self {
            PixelSource::Dmabuf(imported) => imported.id,
            PixelSource::Shm(shm) => shm.id,
            PixelSource::Solid(solid) => solid.id,
        }
    }

    /// Whether the pixels are YUV.
    pub fn is_yuv(&self) -> bool {
        matches!(self, PixelSource::Dmabuf(imported) if imported.dmabuf.format_info().yuv)
    }
}

/// How the renderer reads a dma-buf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadPath {
    /// The renderer reads the buffer itself.
    Import,
    /// The GPU of another card copies each committed image; `card` is the card's serial.
    Gpu { card: kms::CardSerial },
    /// The CPU copies each committed image.
    Cpu,
}

impl ReadPath {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Gpu { .. } => "copy by another GPU",
            Self::Cpu => "copy by the CPU",
        }
    }
}

/// What [`Imported::detach_unused`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachments {
    /// No device has the buffer.
    None,
    /// One has used it recently.
    Used,
    /// They are gone.
    Dropped,
}

/// An image in plain memory, as pixman draws into it.
pub type PixmanImage = smithay::reexports::pixman::Image<'static, 'static>;

/// A dma-buf with everything that was created from it. Dropped with the last content after the
/// client has destroyed the buffer.
#[derive(Debug)]
pub struct Imported {
    /// The id of the buffer in the trace.
    pub id: u64,
    /// The buffer.
    pub dmabuf: Dmabuf,
    /// The buffer as Smithay's renderers take it, with its own descriptors; created when a renderer
    /// needs it.
    wl: Mutex<Option<Result<WlDmabuf, String>>>,
    /// A device has used the buffer since the last [`Imported::detach_unused`].
    used: AtomicBool,
    /// The buffer's last line is the first line of the image.
    pub y_invert: bool,
    /// The device (`dev_t`) on which the client asks that the buffer is sampled.
    pub sampling: Option<u64>,
    /// The client has named no modifier.
    pub implicit: bool,
    /// Its framebuffers are made without a modifier: the driver is asked for no layout.
    plain: bool,
    /// The pages belong to a `wl_shm` pool: the buffer has no fences, and the client writes without
    /// cache brackets (DMA_BUF_IOCTL_SYNC).
    pub shm: bool,
    /// How the renderer reads the buffer. `None`: not tried yet, or the renderer was replaced.
    read_path: Mutex<Option<ReadPath>>,
    /// The framebuffer on each card, by the card's serial, created on the first attempt to put the
    /// buffer on a plane of that card. `None`: the card refused the buffer.
    framebuffers: Mutex<Vec<(kms::CardSerial, Option<Framebuffer>)>>,
    /// The CPU mapping of each memory plane.
    mappings: [OnceLock<Option<Mapping>>; 4],
    /// The pixels, if they are plain memory of this process and not in the dma-buf: a target of a
    /// headless display.
    memory: Option<Mutex<PixmanImage>>,
    /// What the allocator needs kept alive while the buffer is used.
    _allocation: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Imported {
    /// Wraps a buffer of the compositor's own, or a client's buffer whose parameters passed the
    /// checks.
    pub fn new(dmabuf: Dmabuf) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            dmabuf,
            wl: Mutex::new(None),
            used: AtomicBool::new(false),
            y_invert: false,
            sampling: None,
            implicit: false,
            plain: false,
            shm: false,
            read_path: Mutex::new(None),
            framebuffers: Mutex::new(Vec::with_capacity(1)),
            mappings: Default::default(),
            memory: None,
            _allocation: Mutex::new(None),
        }
    }

    /// [`Imported::new`] for a client's buffer, with the hints that its client gave.
    pub fn of_client(dmabuf: Dmabuf, hints: Hints) -> Self {
        let Hints { y_invert, sampling, implicit } = hints;
        Self { y_invert, sampling, implicit, ..Self::new(dmabuf) }
    }

    /// [`Imported::new`] for the pages of a `wl_shm` buffer.
    pub fn of_shm(dmabuf: Dmabuf) -> Self {
        Self { shm: true, ..Self::new(dmabuf) }
    }

    /// [`Imported::new`] for a buffer that the compositor allocated.
    pub fn allocated(allocated: Allocated) -> Self {
        Self { _allocation: Mutex::new(allocated.keep), ..Self::new(allocated.dmabuf) }
    }

    /// The same, of which framebuffers are made without a modifier if `plain` is true: for a linear
    /// buffer, or one whose layout the driver knows by itself.
    pub fn plain(self, plain: bool) -> Self {
        Self { plain, ..self }
    }

    /// [`Imported::new`] for an image whose pixels are `memory`; `dmabuf` stands for it.
    pub fn in_memory(dmabuf: Dmabuf, memory: PixmanImage) -> Self {
        Self { memory: Some(Mutex::new(memory)), ..Self::new(dmabuf) }
    }

    /// The pixels, if they are plain memory of this process.
    pub fn memory(&self) -> Option<MutexGuard<'_, PixmanImage>> {
        self.memory.as_ref().map(|memory| memory.lock().expect("no panic while locked"))
    }

    /// The buffer as Smithay's renderers take it. The first call costs one system call per plane,
    /// later calls none. Error, for the log: no file descriptor was left.
    pub fn wl(&self) -> Result<WlDmabuf, String> {
        self.used.store(true, Ordering::Relaxed);
        self.wl.lock().expect("no panic while locked").get_or_insert_with(|| to_smithay(&self.dmabuf)).clone()
    }

    /// The framebuffer on a card. The first call per card costs three system calls per plane, later
    /// calls none. `None`: the card refused the buffer.
    pub fn framebuffer(&self, device: &Device) -> Option<Framebuffer> {
        self.used.store(true, Ordering::Relaxed);
        let mut known = self.framebuffers.lock().expect("no panic while locked");
        if let Some((_, framebuffer)) = known.iter().find(|(card, _)| *card == device.serial()) {
            return framebuffer.clone();
        }
        let made = match self.plain {
            true => device.plain_framebuffer(&self.dmabuf),
            false => device.framebuffer(&self.dmabuf, false),
        };
        let made = match made {
            Ok(framebuffer) => Some(framebuffer),
            Err(error) => {
                tracing::debug!("buffer {}: {} refused a framebuffer of it: {error}", self.id, device.path().display());
                None
            }
        };
        known.push((device.serial(), made.clone()));
        made
    }

    /// A card has refused to show the framebuffer, although it made one: the buffer is not put on its
    /// planes any more.
    pub fn refused_by(&self, card: kms::CardSerial) {
        let mut known = self.framebuffers.lock().expect("no panic while locked");
        match known.iter_mut().find(|(of, _)| *of == card) {
            Some((_, made)) => *made = None,
            None => known.push((card, None)),
        }
    }

    /// The cards on which a framebuffer was tried: the card's serial, and whether it accepted the
    /// buffer.
    pub fn scanned_out(&self) -> Vec<(kms::CardSerial, bool)> {
        self.framebuffers
            .lock()
            .expect("no panic while locked")
            .iter()
            .map(|(card, made)| (*card, made.is_some()))
            .collect()
    }

    /// How the renderer reads the buffer; `None`: not chosen yet.
    pub fn read_path(&self) -> Option<ReadPath> {
        *self.read_path.lock().expect("no panic while locked")
    }

    /// Sets how the renderer reads the buffer from now on; `None`: it must choose again.
    pub fn set_read_path(&self, read_path: Option<ReadPath>) {
        *self.read_path.lock().expect("no panic while locked") = read_path;
    }

    /// Drops the framebuffers, and what renderers import, unless one was used since the last call.
    /// They are made again when they are needed. Never for a buffer that a plane may show.
    pub fn detach_unused(&self) -> Attachments {
        let mut framebuffers = self.framebuffers.lock().expect("no panic while locked");
        let mut wl = self.wl.lock().expect("no panic while locked");
        let attached = matches!(*wl, Some(Ok(_))) || framebuffers.iter().any(|(_, made)| made.is_some());
        match (self.used.swap(false, Ordering::Relaxed), attached) {
            (_, false) => Attachments::None,
            (true, true) => Attachments::Used,
            (false, true) => {
                // A refusal is kept.
                framebuffers.retain(|(_, made)| made.is_none());
                *wl = None;
                Attachments::Dropped
            }
        }
    }

    /// Drops the framebuffer on a card that is gone.
    pub fn forget(&self, card: kms::CardSerial) {
        self.framebuffers.lock().expect("no panic while locked").retain(|(of, _)| *of != card);
    }

    /// [`Imported::mapping_of`] the first memory plane.
    pub fn mapping(&self) -> Option<&Mapping> {
        self.mapping_of(0)
    }

    /// A CPU mapping of the whole dma-buf that holds a memory plane, created at the first call.
    /// `None`: the dma-buf cannot be mapped, or there is no such plane.
    pub fn mapping_of(&self, plane: usize) -> Option<&Mapping> {
        let make = || match self.dmabuf.map(plane, false) {
            Ok(mapping) => Some(mapping),
            Err(error) => {
                tracing::debug!("buffer {}: the CPU cannot map it: {error}", self.id);
                None
            }
        };
        self.mappings.get(plane)?.get_or_init(make).as_ref()
    }

    /// The descriptors of the memory planes, for implicit synchronisation; shared, not duplicated.
    pub fn fds(&self) -> impl Iterator<Item = &Arc<OwnedFd>> {
        self.dmabuf.planes().iter().map(|plane| &plane.fd)
    }
}

fn to_smithay(dmabuf: &Dmabuf) -> Result<WlDmabuf, String> {
    let size = (dmabuf.width() as i32, dmabuf.height() as i32);
    let mut builder = WlDmabuf::builder(size, dmabuf.format(), dmabuf.modifier(), DmabufFlags::empty());
    for (at, plane) in dmabuf.planes().iter().enumerate() {
        let fd = plane.fd.try_clone().map_err(|e| format!("duplicating a descriptor: {e}"))?;
        builder.add_plane(fd, at as u32, plane.offset, plane.stride);
    }
    builder.build().ok_or_else(|| "the buffer has no planes".into())
}

/// The imports of all existing client buffers. An import is looked up by its `wl_buffer`, which
/// holds it as its data.
#[derive(Debug, Default)]
pub struct Imports {
    known: HashMap<u64, Arc<Imported>>,
}

impl Imports {
    /// Adds the import of a buffer that a client has created.
    pub fn insert(&mut self, imported: &Arc<Imported>) {
        self.known.insert(imported.id, imported.clone());
    }

    /// The import of a client's dma-buf; `None` for buffers of another kind.
    pub fn of(buffer: &WlBuffer) -> Option<&Arc<Imported>> {
        linux_dmabuf::import_of(buffer)
    }

    /// Removes the import of a buffer that the client has destroyed; contents that still show it
    /// keep it alive.
    pub fn forget(&mut self, imported: &Imported) {
        self.known.remove(&imported.id);
    }

    /// Whether the client has not destroyed the buffer.
    pub fn knows(&self, imported: &Imported) -> bool {
        self.known.contains_key(&imported.id)
    }

    /// All imports.
    pub fn iter(&self) -> impl Iterator<Item = &Imported> {
        self.known.values().map(|imported| &**imported)
    }

    /// The number of imports.
    pub fn len(&self) -> usize {
        self.known.len()
    }
}
