//! The GPUs of other cards. They copy the buffers that the renderer cannot read, such as one in the
//! memory of another card.
//!
//! A GPU is opened when it is first needed. A copy is one linear buffer per surface, written again
//! for each new content. The copying GPU waits for the client's fence and for the last pass that
//! read the copy, and returns a fence of its own. Nothing here composites an output.

use std::{collections::HashMap, sync::Arc};

use drm_fourcc::DrmModifier;
use fence::SyncFile;
use kms::Device;
use smithay::{
    backend::renderer::{Bind, Color32F, Frame, ImportDma, Renderer as _, sync::SyncPoint},
    utils::{Rectangle, Transform},
};

use crate::{
    render::{
        Target,
        client_fence::ClientFence,
        egl::{Allocator, Gles, Gpu},
        memory, upload, wait,
    },
    surface::buffer::Imported,
    system::id::SurfaceId,
};

/// A copy for the renderer, and the fence that the renderer must wait for before it reads the copy.
pub type Copied = (Arc<Target>, Option<SyncFile>);

/// The other GPUs and their copies.
#[derive(Default)]
pub struct OtherGpus {
    list: Vec<OtherGpu>,
    /// The copies, by surface.
    copies: HashMap<SurfaceId, GpuCopy>,
}

struct GpuCopy {
    target: Arc<Target>,
    /// The fence of the last pass that reads the copy.
    read_by: Option<SyncFile>,
}

struct OtherGpu {
    gpu: Gpu,
    /// `None`: not needed yet. An error is kept, so that opening is tried once.
    gles: Option<Result<Box<Gles>, String>>,
}

/// Whether GL on the CPU may replace another card's GPU; only in tests.
fn may_be_software() -> bool {
    crate::render::fault::any_card_copies()
}

impl OtherGpu {
    fn open(&mut self) -> Result<&mut Gles, String> {
        let gpu = &self.gpu;
        let opened = self.gles.get_or_insert_with(|| match Gles::open(gpu) {
            // Mesa's software GL crashes on buffers of other devices: see `Gles::software`.
            Ok(gles) if gles.software && !may_be_software() => Err("its GL runs on the CPU".to_owned()),
            Ok(gles) => Ok(Box::new(gles)),
            Err(error) => Err(error.to_string()),
        });
        opened.as_deref_mut().map_err(|error| error.clone())
    }
}

impl OtherGpus {
    /// Sets the cards whose GPUs may copy: all but the one that renders. GPUs that are open stay
    /// open; all copies are dropped.
    pub fn set(&mut self, devices: impl Iterator<Item = Device>) {
        let mut before = std::mem::take(&mut self.list);
        self.list = devices
            .map(|device| match before.iter().position(|other| other.gpu.card == device.serial()) {
                Some(at) => before.swap_remove(at),
                None => OtherGpu { gpu: Gpu::of(&device), gles: None },
            })
            .collect();
        self.copies.clear();
    }

    /// The card, by its serial, of the first GPU that can read the buffer; the GPU that the client
    /// named is tried first. Error, for the log: no GPU can read it.
    pub fn find_reader(&mut self, imported: &Imported) -> Result<kms::CardSerial, String> {
        let mut last = "there is no other GPU".to_owned();
        let named = |other: &OtherGpu| imported.sampling.is_some_and(|node| other.gpu.is(node));
        self.list.sort_by_key(|other| !named(other));
        for other in &mut self.list {
            let read = other.open().and_then(|gles| sampled(gles, imported).map(drop));
            match read {
                Ok(()) => return Ok(other.gpu.card),
                Err(error) => last = format!("{}: {error}", other.gpu.driver),
            }
        }
        Err(last)
    }

    /// Copies the buffer for `surface` with the GPU of `card`, which waits for the fence `wait`.
    /// With `allocator` the copy is in the renderer's memory, if that GPU can render there. Error,
    /// for the log: the card is gone, or the copy failed.
    pub fn copy(
        &mut self,
        card: kms::CardSerial,
        surface: SurfaceId,
        imported: &Imported,
        wait: Option<SyncFile>,
        allocator: Option<&mut Allocator>,
    ) -> Result<Copied, String> {
        let other = self.list.iter_mut().find(|other| other.gpu.card == card).ok_or("its card is gone")?;
        let gles = other.open()?;
        let dmabuf = &imported.dmabuf;
        let (width, height, format) = (dmabuf.width(), dmabuf.height(), dmabuf.format());
        let fits = |copy: &GpuCopy| {
            let copy = &copy.target.dmabuf;
            (copy.width(), copy.height(), copy.format()) == (width, height, format)
        };
        if !self.copies.get(&surface).is_some_and(fits) {
            let linear = [DrmModifier::Linear];
            // Mesa's GL on the CPU crashes on buffers of other devices.
            let allocator = allocator.filter(|_| !gles.software);
            let preferred = allocator.and_then(|a| memory::of_gpu(a, width, height, format, &linear).ok());
            let preferred = preferred.filter(|copy| copy.wl().is_ok_and(|mut wl| gles.renderer.bind(&mut wl).is_ok()));
            let made =
                preferred.map_or_else(|| memory::of_gpu(&mut gles.allocator, width, height, format, &linear), Ok);
            self.copies.insert(surface, GpuCopy { target: made?, read_by: None });
        }
        let copy = self.copies.get_mut(&surface).ok_or("no copy")?;
        let texture = sampled(gles, imported)?;
        let fail = |e: smithay::backend::renderer::gles::GlesError| format!("copying by {}: {e}", gles.driver);
        let size = (width as i32, height as i32);
        let mut wl = copy.target.wl()?;
        let mut framebuffer = gles.renderer.bind(&mut wl).map_err(fail)?;
        let mut frame = gles.renderer.render(&mut framebuffer, size.into(), Transform::Normal).map_err(fail)?;
        for fence in [wait, copy.read_by.take()].into_iter().flatten() {
            frame.wait(&SyncPoint::from(ClientFence::new(fence))).map_err(fail)?;
        }
        let all = [Rectangle::from_size(size.into())];
        frame.clear(Color32F::TRANSPARENT, &all).map_err(fail)?;
        let src = Rectangle::from_size((f64::from(size.0), f64::from(size.1)).into());
        Frame::render_texture_from_to(&mut frame, &texture, src, all[0], &all, &[], Transform::Normal, 1.0)
            .map_err(fail)?;
        let sync = frame.finish().map_err(fail)?;
        let fence = match (sync.is_reached(), sync.export()) {
            (true, _) => None,
            (false, Some(fd)) => Some(SyncFile::unchecked(fd)),
            (false, None) => {
                wait::await_pass(&sync)?;
                None
            }
        };
        Ok((copy.target.clone(), fence))
    }

    /// Notes that a pass of the renderer reads the copies of these surfaces until `fence` signals.
    pub fn read(&mut self, surfaces: impl Iterator<Item = SurfaceId>, fence: Option<&SyncFile>) {
        let Some(fence) = fence.filter(|_| !self.copies.is_empty()) else { return };
        for surface in surfaces {
            let Some(copy) = self.copies.get_mut(&surface) else { continue };
            match fence.try_clone() {
                Ok(fence) => copy.read_by = Some(fence),
                // Without a descriptor nobody would know when it may be written again.
                Err(_) => drop(self.copies.remove(&surface)),
            }
        }
    }

    /// Drops the copy of a surface that is destroyed.
    pub fn drop_copy_of(&mut self, surface: SurfaceId) {
        self.copies.remove(&surface);
    }
}

/// A texture of the buffer on that GPU; copied by the CPU where GL runs on the CPU.
fn sampled(gles: &mut Gles, imported: &Imported) -> Result<smithay::backend::renderer::gles::GlesTexture, String> {
    match gles.software {
        true => upload::texture(&mut gles.renderer, None, imported, &mut gles.packed).map(|(texture, _)| texture),
        false => gles.renderer.import_dmabuf(&imported.wl()?, None).map_err(|e| e.to_string()),
    }
}
