//! The GPUs of other cards, which copy what the renderer cannot read: a buffer in the memory of the card that made it.
//!
//! Each is opened when it is first needed. A copy is a linear buffer per surface, filled again when the surface has a new picture; its GPU
//! waits for the client's fence and for the last pass that read the copy, and hands out a fence of its own. Nothing here draws on an
//! output.

use std::{collections::HashMap, sync::Arc};

use drm_fourcc::DrmModifier;
use fence::SyncFile;
use kms::Device;
use smithay::{
    backend::renderer::{Bind, Color32F, Frame, ImportDma, Renderer as _, sync::SyncPoint},
    utils::{Rectangle, Transform},
};

use super::{
    Gles, Target,
    egl::{Allocator, Gpu},
    element::ClientFence,
    memory, upload,
};
use crate::surface::buffer::Imported;

/// A copy that the renderer reads, and the fence after which it may.
pub type Copied = (Arc<Target>, Option<SyncFile>);

/// The other GPUs and their copies.
#[derive(Default)]
pub struct Others {
    list: Vec<Other>,
    /// By surface.
    copies: HashMap<u32, Copy>,
}

struct Copy {
    target: Arc<Target>,
    /// The last pass that reads it.
    read_by: Option<SyncFile>,
}

struct Other {
    gpu: Gpu,
    /// `None`: not needed yet. An error is kept, so that it is met once.
    gles: Option<Result<Box<Gles>, String>>,
}

impl Other {
    fn open(&mut self) -> Result<&mut Gles, String> {
        let gpu = &self.gpu;
        let opened = self.gles.get_or_insert_with(|| Gles::open(gpu).map(Box::new).map_err(|e| e.to_string()));
        opened.as_deref_mut().map_err(|error| error.clone())
    }
}

impl Others {
    /// The cards that there are now, without the one that renders. Those that are open stay so.
    pub fn set(&mut self, devices: impl Iterator<Item = Device>) {
        let mut before = std::mem::take(&mut self.list);
        self.list = devices
            .map(|device| match before.iter().position(|other| other.gpu.card == device.serial()) {
                Some(at) => before.swap_remove(at),
                None => Other { gpu: Gpu::of(&device), gles: None },
            })
            .collect();
        self.copies.clear();
    }

    /// The first GPU that reads the buffer, the one that its client named before the others; its card's serial.
    pub fn that_reads(&mut self, imported: &Imported) -> Result<kms::CardSerial, String> {
        let mut last = "there is no other GPU".to_owned();
        let named = |other: &Other| imported.sampling.is_some_and(|node| other.gpu.is(node));
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

    /// Copies the buffer by the GPU of `card` for `surface`, after `wait`. With `allocator` the copy is in the renderer's memory, if that GPU
    /// draws there.
    pub fn copy(
        &mut self,
        card: kms::CardSerial,
        surface: u32,
        imported: &Imported,
        wait: Option<SyncFile>,
        allocator: Option<&mut Allocator>,
    ) -> Result<Copied, String> {
        let other = self.list.iter_mut().find(|other| other.gpu.card == card).ok_or("its card is gone")?;
        let gles = other.open()?;
        let dmabuf = &imported.dmabuf;
        let (width, height, format) = (dmabuf.width(), dmabuf.height(), dmabuf.format());
        let fits = |copy: &Copy| {
            let copy = &copy.target.dmabuf;
            (copy.width(), copy.height(), copy.format()) == (width, height, format)
        };
        if !self.copies.get(&surface).is_some_and(fits) {
            let linear = [DrmModifier::Linear];
            // Mesa's GL on the CPU crashes on buffers of another device.
            let allocator = allocator.filter(|_| !gles.software);
            let near = allocator.and_then(|a| memory::of_gpu(a, width, height, format, &linear).ok());
            let near = near.filter(|copy| copy.wl().is_ok_and(|wl| gles.renderer.bind(&mut wl.clone()).is_ok()));
            let made = near.map_or_else(|| memory::of_gpu(&mut gles.allocator, width, height, format, &linear), Ok);
            self.copies.insert(surface, Copy { target: made?, read_by: None });
        }
        let copy = self.copies.get_mut(&surface).ok_or("no copy")?;
        let texture = sampled(gles, imported)?;
        let fail = |e: smithay::backend::renderer::gles::GlesError| format!("copying by {}: {e}", gles.driver);
        let size = (width as i32, height as i32);
        let mut wl = copy.target.wl()?.clone();
        let mut framebuffer = gles.renderer.bind(&mut wl).map_err(fail)?;
        let mut frame = gles.renderer.render(&mut framebuffer, size.into(), Transform::Normal).map_err(fail)?;
        for fence in [wait, copy.read_by.take()].into_iter().flatten() {
            frame.wait(&SyncPoint::from(ClientFence(fence))).map_err(fail)?;
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
                sync.wait().map_err(|e| e.to_string())?;
                None
            }
        };
        Ok((copy.target.clone(), fence))
    }

    /// A pass of the renderer reads the copies of these surfaces until its fence signals.
    pub fn read(&mut self, surfaces: impl Iterator<Item = u32>, fence: Option<&SyncFile>) {
        let Some(fence) = fence.filter(|_| !self.copies.is_empty()) else { return };
        for surface in surfaces {
            if let Some(copy) = self.copies.get_mut(&surface) {
                copy.read_by = fence.try_clone().ok();
            }
        }
    }

    /// What was made for a surface that is gone.
    pub fn forget(&mut self, surface: u32) {
        self.copies.remove(&surface);
    }
}

/// A texture of the buffer on its GPU; copied by the CPU where that is the GPU.
fn sampled(gles: &mut Gles, imported: &Imported) -> Result<smithay::backend::renderer::gles::GlesTexture, String> {
    match gles.software {
        true => upload::texture(&mut gles.renderer, imported, &mut gles.packed),
        false => gles.renderer.import_dmabuf(imported.wl()?, None).map_err(|e| e.to_string()),
    }
}
