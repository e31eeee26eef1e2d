//! The GLES renderer: opens a GPU with GBM and an EGL context, and finds out whether it supports
//! native fences.
//!
//! It renders nothing.

use std::{collections::HashMap, os::fd::OwnedFd, path::PathBuf};

use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::Device;
use rustix::fs::{Mode, OFlags};
use smithay::{
    backend::{
        allocator::gbm::{GbmAllocator, GbmBufferFlags, GbmDevice},
        drm::{DrmDeviceFd, DrmNode, NodeType},
        egl::{EGLDevice, EGLDisplay, fence::EGLFence},
        renderer::gles::{GlesRenderer, GlesTexture},
    },
    utils::DeviceFd,
};

use crate::{
    render::{
        context::{GlContext, Resets},
        other_gpus::OtherGpus,
        software,
        textures::Textures,
    },
    system::{
        error::{Context, Error},
        ioctl,
    },
};

/// Allocates buffers in a GPU's memory.
pub struct Allocator {
    pub gbm: GbmAllocator<DrmDeviceFd>,
    /// The buffers stay mapped: GL runs on the CPU and would map them in every pass.
    pub keep_mapped: bool,
}

/// A card's GPU: what is needed to open it. It holds no descriptor.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// The serial of the card.
    pub card: kms::CardSerial,
    /// The card's driver, whose name its fences carry.
    pub driver: String,
    /// The node to open: the render node if there is one.
    path: PathBuf,
    /// The node of the device from which it was made.
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

    /// Whether the `dev_t` `device` is a node of this GPU's device.
    pub fn is(&self, device: u64) -> bool {
        let of =
            |kind| self.node.and_then(|node| node.node_with_type(kind)?.ok()).is_some_and(|n| n.dev_id() == device);
        of(NodeType::Primary) || of(NodeType::Render)
    }
}

/// The GLES renderer of one GPU, with its textures and its allocator.
///
/// The renderer is dropped first, then its context, and the display at the end.
pub struct Gles {
    pub renderer: GlesRenderer,
    pub textures: Textures<GlesTexture>,
    /// Whether its context is lost.
    pub resets: Resets,
    pub allocator: Allocator,
    /// The serial of the card that it was opened for.
    pub card: kms::CardSerial,
    /// That card's driver, whose name its fences carry.
    pub driver: String,
    /// The GPU can wait for sync_files and export them (EGL_ANDROID_native_fence_sync).
    pub native_fences: bool,
    /// GL runs on the CPU. Mesa then samples a dma-buf of another device through a mapping that it
    /// cannot get, and crashes; such a renderer gets copies instead.
    pub software: bool,
    /// Scratch memory for the rows of a dma-buf that is copied into a texture.
    pub packed: Vec<u8>,
    /// The GPUs of the other cards.
    pub others: OtherGpus,
    display: EGLDisplay,
}

/// Whether the device has a GPU: display-only drivers have no render node.
pub fn has_gpu(device: &Device) -> bool {
    if super::fault::gpu().is_some() {
        return true;
    }
    DrmNode::from_file(device).is_ok_and(|node| node.has_render())
}

/// Opens the device a second time. Never a duplicate of the display's descriptor: that would share
/// the GEM handles, and Mesa and the compositor would close each other's handles.
fn open_for_rendering(path: &std::path::Path) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).context(format!("opening {} for rendering", path.display()))
}

/// The subject of this module's errors.
const SUBJECT: &str = "GLES renderer";

/// A GPU's EGL display, without a context yet.
struct Opened {
    gbm: GbmDevice<DrmDeviceFd>,
    display: EGLDisplay,
    /// See [`Gles::software`].
    software: bool,
}

impl Opened {
    fn new(gpu: &Gpu) -> Result<Self, Error> {
        let fd = open_for_rendering(&gpu.path)?;
        let gbm = GbmDevice::new(DrmDeviceFd::new(DeviceFd::from(fd))).map_err(|e| Error::setup(SUBJECT, e))?;
        let display = ioctl::egl_display(gbm.clone()).map_err(|e| Error::setup(SUBJECT, e))?;
        // A driver that does not report it counts as hardware.
        let software = EGLDevice::device_for_display(&display).is_ok_and(|device| device.is_software());
        let software = software && !super::fault::starves();
        Ok(Self { gbm, display, software })
    }
}

impl Gles {
    /// Opens the device's GPU, or Mesa's software GL in its place.
    pub fn new(device: &Device) -> Result<Self, Error> {
        Self::open(&Gpu::of(device))
    }

    /// Opens the device's GPU; `None` if GL would run on the CPU. A render node alone does not mean
    /// a GPU: virtio-gpu without virgl has one.
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
        let GlContext { context, resets } = GlContext::new(&display).map_err(|e| Error::setup(SUBJECT, e))?;
        let mut renderer = ioctl::gles_renderer(context).map_err(|e| Error::setup(SUBJECT, e))?;
        let native_fences = EGLFence::supports_importing(&display);
        if !native_fences {
            tracing::warn!(
                "this EGL has no native fences (llvmpipe has them since Mesa 25.0): fences are waited for on the CPU"
            );
        }
        let gbm = GbmAllocator::new(gbm, GbmBufferFlags::RENDERING | GbmBufferFlags::SCANOUT);
        let allocator = Allocator { gbm, keep_mapped: software };
        if software {
            software::prepare(&mut renderer);
            tracing::info!("GL runs on the CPU here: clients' dma-bufs are copied before they are composited");
        }
        let (textures, packed) = (HashMap::new(), Vec::new());
        let (card, driver, others) = (gpu.card, gpu.driver.clone(), OtherGpus::default());
        Ok(Self {
            card,
            driver,
            renderer,
            textures,
            resets,
            allocator,
            native_fences,
            software,
            packed,
            others,
            display,
        })
    }

    /// The modifiers with which buffers of this format can be rendered to.
    pub fn rendered_modifiers(&self, format: DrmFourcc) -> Vec<DrmModifier> {
        let formats = self.display.dmabuf_render_formats();
        formats.iter().filter(|of| of.code == format).map(|of| of.modifier).collect()
    }

    /// Whether a buffer of this format and modifier can be rendered to.
    pub fn can_render(&self, format: DrmFourcc, modifier: DrmModifier) -> bool {
        let formats = self.display.dmabuf_render_formats();
        formats.iter().any(|f| f.code == format && f.modifier == modifier)
    }
}
