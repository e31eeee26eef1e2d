//! The GLES renderer: GBM allocation, an EGL context, and what the GPU can do with fences.

use std::{collections::HashMap, os::fd::OwnedFd, path::PathBuf};

use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::Device;
use rustix::fs::{Mode, OFlags};
use smithay::{
    backend::{
        allocator::gbm::{GbmAllocator, GbmBufferFlags, GbmDevice},
        drm::{DrmDeviceFd, DrmNode, NodeType},
        egl::{EGLContext, EGLDevice, EGLDisplay, fence::EGLFence},
        renderer::gles::{GlesRenderer, GlesTexture},
    },
    utils::DeviceFd,
};

use crate::{
    render::{others::Others, textures::Textures},
    system::{
        error::{Context, Error},
        ioctl,
    },
};

/// Allocates what a GPU draws into.
pub type Allocator = GbmAllocator<DrmDeviceFd>;

/// A card's GPU, by what is needed to open it. It keeps nothing open.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// Serial of the card.
    pub card: u32,
    /// Its driver: the name of its fences.
    pub driver: String,
    /// What is opened: the render node if there is one.
    path: PathBuf,
    /// The node of the device that it was found by.
    node: Option<DrmNode>,
}

impl Gpu {
    /// Of a card.
    pub fn of(device: &Device) -> Self {
        let node = DrmNode::from_file(device).ok();
        let render = node.and_then(|node| node.node_with_type(NodeType::Render)?.ok()).and_then(|node| node.dev_path());
        let path = render.unwrap_or_else(|| device.path().to_owned());
        Self { card: device.serial(), driver: device.driver().to_owned(), path, node }
    }

    /// Whether a `dev_t` is one of its device's nodes.
    pub fn is(&self, device: u64) -> bool {
        let of =
            |kind| self.node.and_then(|node| node.node_with_type(kind)?.ok()).is_some_and(|n| n.dev_id() == device);
        of(NodeType::Primary) || of(NodeType::Render)
    }
}

/// GLES with what belongs to it.
pub struct Gles {
    pub renderer: GlesRenderer,
    pub textures: Textures<GlesTexture>,
    pub allocator: Allocator,
    /// Serial of the card that it was opened for.
    pub card: u32,
    /// That card's driver: the name of its fences.
    pub driver: String,
    /// The GPU waits for, and gives out, sync_files (EGL_ANDROID_native_fence_sync).
    pub native_fences: bool,
    /// GL runs on the CPU. Mesa then samples a dma-buf of another device through a mapping that it does not get, and crashes:
    /// such renderers are given copies.
    pub software: bool,
    /// Rows of a dma-buf on their way to a software renderer.
    pub packed: Vec<u8>,
    /// The GPUs of the other cards.
    pub others: Others,
    display: EGLDisplay,
}

/// Whether the device has a GPU that draws: display-only drivers have no render node.
pub fn has_gpu(device: &Device) -> bool {
    #[cfg(debug_assertions)]
    if super::fault::gpu().is_some() {
        return true;
    }
    DrmNode::from_file(device).is_ok_and(|node| node.has_render())
}

/// A second open of the device. Never a duplicate of the display's descriptor: that would share its GEM handles, and Mesa and we would
/// close each other's.
fn open_for_rendering(path: &std::path::Path) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).context(format!("opening {} for rendering", path.display()))
}

/// What an error is about.
const WHAT: &str = "GLES renderer";

/// A GPU's EGL, without a context yet.
struct Opened {
    gbm: GbmDevice<DrmDeviceFd>,
    display: EGLDisplay,
    /// See [`Gles::software`].
    software: bool,
}

impl Opened {
    fn new(gpu: &Gpu) -> Result<Self, Error> {
        let fd = open_for_rendering(&gpu.path)?;
        let gbm = GbmDevice::new(DrmDeviceFd::new(DeviceFd::from(fd))).map_err(|e| Error::setup(WHAT, e))?;
        let display = ioctl::egl_display(gbm.clone()).map_err(|e| Error::setup(WHAT, e))?;
        // A driver that does not say is taken for hardware.
        let software = EGLDevice::device_for_display(&display).is_ok_and(|device| device.is_software());
        #[cfg(debug_assertions)]
        let software = software && !super::fault::starves();
        Ok(Self { gbm, display, software })
    }
}

impl Gles {
    /// Opens the device's GPU, or what stands for one.
    pub fn new(device: &Device) -> Result<Self, Error> {
        Self::open(&Gpu::of(device))
    }

    /// The same, but `None` where GL would run on the CPU: a render node alone makes no GPU
    /// (virtio-gpu without virgl has one).
    pub fn of_hardware(device: &Device) -> Result<Option<Self>, Error> {
        let gpu = Gpu::of(device);
        let opened = Opened::new(&gpu)?;
        if opened.software { Ok(None) } else { Self::with(&gpu, opened).map(Some) }
    }

    /// Opens a GPU.
    pub fn open(gpu: &Gpu) -> Result<Self, Error> {
        Self::with(gpu, Opened::new(gpu)?)
    }

    fn with(gpu: &Gpu, opened: Opened) -> Result<Self, Error> {
        let Opened { gbm, display, software } = opened;
        let context = EGLContext::new(&display).map_err(|e| Error::setup(WHAT, e))?;
        let renderer = ioctl::gles_renderer(context).map_err(|e| Error::setup(WHAT, e))?;
        let native_fences = EGLFence::supports_importing(&display);
        if !native_fences {
            tracing::warn!(
                "this EGL has no native fences (Mesa's llvmpipe needs 25.0): fences are waited for on the CPU"
            );
        }
        let allocator = GbmAllocator::new(gbm, GbmBufferFlags::RENDERING | GbmBufferFlags::SCANOUT);
        if software {
            tracing::info!("GL runs on the CPU here: clients' dma-bufs are copied before they are drawn");
        }
        let (textures, packed) = (HashMap::new(), Vec::new());
        let (card, driver, others) = (gpu.card, gpu.driver.clone(), Others::default());
        Ok(Self { card, driver, renderer, textures, allocator, native_fences, software, packed, others, display })
    }

    /// Whether a buffer of this format and modifier can be rendered to.
    pub fn can_render(&self, format: DrmFourcc, modifier: DrmModifier) -> bool {
        let formats = self.display.dmabuf_render_formats();
        formats.iter().any(|f| f.code == format && f.modifier == modifier)
    }
}
