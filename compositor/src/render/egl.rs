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

use super::{Textures, others::Others};
use crate::{
    error::{Context, Error},
    ioctl,
};

/// Allocates what a GPU draws into.
pub type Allocator = GbmAllocator<DrmDeviceFd>;

/// A card's GPU, by what is needed to open it. It keeps nothing open.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// Serial of the card.
    pub card: kms::CardSerial,
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
    pub card: kms::CardSerial,
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
    DrmNode::from_file(device).is_ok_and(|node| node.has_render())
}

/// A second open of the device. Never a duplicate of the display's descriptor: that would share its GEM handles, and Mesa and we would
/// close each other's.
fn open_for_rendering(path: &std::path::Path) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).context(format!("opening {} for rendering", path.display()))
}

impl Gles {
    /// Opens the device's GPU.
    pub fn new(device: &Device) -> Result<Self, Error> {
        Self::open(&Gpu::of(device))
    }

    /// Opens a GPU.
    pub fn open(gpu: &Gpu) -> Result<Self, Error> {
        let what = "GLES renderer";
        let fd = open_for_rendering(&gpu.path)?;
        let gbm = GbmDevice::new(DrmDeviceFd::new(DeviceFd::from(fd))).map_err(|e| Error::setup(what, e))?;
        let display = ioctl::egl_display(gbm.clone()).map_err(|e| Error::setup(what, e))?;
        let context = EGLContext::new(&display).map_err(|e| Error::setup(what, e))?;
        let renderer = ioctl::gles_renderer(context).map_err(|e| Error::setup(what, e))?;
        let native_fences = EGLFence::supports_importing(&display);
        if !native_fences {
            tracing::warn!(
                "this EGL has no native fences (Mesa's llvmpipe needs 25.0): fences are waited for on the CPU"
            );
        }
        let allocator = GbmAllocator::new(gbm, GbmBufferFlags::RENDERING | GbmBufferFlags::SCANOUT);
        // A driver that does not say is taken for hardware.
        let software = EGLDevice::device_for_display(&display).is_ok_and(|device| device.is_software());
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
