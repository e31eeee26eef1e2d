//! The renderer of the session: pixman or GLES behind one type.
//!
//! Nothing here decides which layers there are, or on which plane the result goes.

use std::collections::HashMap;

use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{Device, Rect};
use smithay::{
    backend::{
        allocator::{Format, format::FormatSet},
        renderer::{
            ExportMem, ImportDma, ImportMem, Renderer as _,
            pixman::{PixmanRenderer, PixmanTexture},
        },
    },
    reexports::wayland_server::protocol::wl_shm,
    utils::{Buffer, Rectangle},
    wayland::shm::fourcc_to_shm_format,
};

#[cfg(test)]
use crate::render::recording::Recorder;
use crate::{
    config::{Colour, words::RendererChoice},
    render::{
        Layer, Target, Tracker,
        bind::{BindTarget, Drawable},
        egl::Gles,
        fault, has_gpu,
        layer::PassLayers,
        other_gpus::OtherGpus,
        pass::{self, Pass},
        read_path::{self, ReadAbility, ReadContext},
        target::{OPAQUE, WITH_HOLES},
        textures::Textures,
    },
    surface::buffer::{Imported, ReadPath},
    system::{error::Error, id::SurfaceId},
};

/// The renderer of the session.
pub enum Renderer {
    Pixman {
        renderer: PixmanRenderer,
        textures: Textures<PixmanTexture>,
        /// GPUs that copy the buffers that the CPU cannot read.
        others: Box<OtherGpus>,
        /// Scratch memory for rows that are copied into a texture.
        packed: Vec<u8>,
        /// The device has no GPU, so a buffer with the driver's implicit layout
        /// (DRM_FORMAT_MOD_INVALID) is linear.
        implicit_is_linear: bool,
    },
    Gles(Box<Gles>),
    /// A stand-in for a GPU.
    #[cfg(test)]
    Recording(Box<Recorder>),
}

impl Renderer {
    /// Opens the renderer that the user chose, or the one that suits the device. Error: the chosen
    /// renderer cannot be opened.
    pub fn new(choice: RendererChoice, device: &Device) -> Result<Self, Error> {
        let pixman = || Self::pixman(!has_gpu(device));
        match choice {
            RendererChoice::Pixman => pixman(),
            RendererChoice::Gles => Ok(Self::Gles(Box::new(Gles::new(device)?))),
            RendererChoice::Auto if !has_gpu(device) => pixman(),
            RendererChoice::Auto => match Gles::of_hardware(device) {
                Ok(Some(gles)) => Ok(Self::Gles(Box::new(gles))),
                Ok(None) => {
                    let path = device.path().display();
                    tracing::info!("{path}: GL would run on the CPU there; rendering with pixman, which costs less");
                    pixman()
                }
                Err(error) => {
                    tracing::warn!("{error}; rendering with pixman on the CPU instead");
                    pixman()
                }
            },
        }
    }

    /// A renderer that needs no device, for a session whose cards are all gone.
    pub fn software() -> Result<Self, Error> {
        Self::pixman(true)
    }

    fn pixman(implicit_is_linear: bool) -> Result<Self, Error> {
        let renderer = PixmanRenderer::new().map_err(|e| Error::setup("pixman renderer", e))?;
        let (textures, others, packed) = (HashMap::new(), Box::default(), Vec::new());
        Ok(Self::Pixman { renderer, textures, others, packed, implicit_is_linear })
    }

    /// The serial and the driver of the card whose GPU renders; `None`: the CPU renders.
    pub fn gpu(&self) -> Option<(kms::CardSerial, &str)> {
        match self {
            Self::Pixman { .. } => None,
            Self::Gles(gles) => Some((gles.card, &gles.driver)),
            #[cfg(test)]
            Self::Recording(_) => None,
        }
    }

    /// The name for logs and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pixman { .. } => "pixman",
            Self::Gles(_) => "gles",
            #[cfg(test)]
            Self::Recording(_) => "recording",
        }
    }

    /// Whether the GPU can wait for pending fences.
    pub fn waits_on_gpu(&self) -> bool {
        match self {
            Self::Pixman { .. } => false,
            Self::Gles(gles) => gles.native_fences && !gles.software,
            #[cfg(test)]
            Self::Recording(_) => true,
        }
    }

    /// The GPU was reset: nothing that is drawn is seen any more. Another renderer has to be made.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Pixman { .. } => false,
            Self::Gles(gles) => gles.resets.is_lost(),
            #[cfg(test)]
            Self::Recording(recorder) => recorder.lost,
        }
    }

    /// The dma-buf formats and modifiers that can be composited.
    pub fn dmabuf_formats(&self) -> FormatSet {
        match self {
            Self::Pixman { renderer, implicit_is_linear, .. } => {
                let implicit = implicit_is_linear.then_some(DrmModifier::Invalid);
                let modifiers = || std::iter::once(DrmModifier::Linear).chain(implicit);
                renderer
                    .mem_formats()
                    .chain(crate::render::yuv::FORMATS)
                    .flat_map(|code| modifiers().map(move |modifier| Format { code, modifier }))
                    .collect()
            }
            Self::Gles(gles) if gles.software => {
                let formats = gles.renderer.mem_formats().chain(crate::render::yuv::FORMATS);
                formats.map(|code| Format { code, modifier: DrmModifier::Linear }).collect()
            }
            Self::Gles(gles) => gles.renderer.dmabuf_formats(),
            #[cfg(test)]
            Self::Recording(recorder) => recorder.renderer.dmabuf_formats(),
        }
    }

    /// The actual modifier of a client's buffer that states `modifier`.
    pub fn explicit(&self, modifier: DrmModifier) -> DrmModifier {
        match (self, modifier) {
            (Self::Pixman { implicit_is_linear: true, .. }, DrmModifier::Invalid) => DrmModifier::Linear,
            _ => modifier,
        }
    }

    /// The `wl_shm` formats that can be copied.
    pub fn shm_formats(&self) -> Vec<wl_shm::Format> {
        match self {
            Self::Pixman { renderer, .. } => renderer.mem_formats().filter_map(fourcc_to_shm_format).collect(),
            Self::Gles(gles) => gles.renderer.mem_formats().filter_map(fourcc_to_shm_format).collect(),
            #[cfg(test)]
            Self::Recording(recorder) => recorder.renderer.mem_formats().filter_map(fourcc_to_shm_format).collect(),
        }
    }

    /// Chooses how a client's buffer is read. Called when the client creates the buffer, so that a
    /// refusal is reported to the client and does not fail a frame. Error, for the log: the
    /// renderer cannot read the buffer.
    pub fn check_import(&mut self, imported: &Imported) -> Result<(), String> {
        let waits = self.waits_on_gpu();
        let path = match self {
            Self::Pixman { renderer, others, packed, .. } => {
                let mut context = ReadContext { reads: ReadAbility::InPlace, waits, packed, others, allocator: None };
                read_path::choose(renderer, &mut context, imported, None)
            }
            Self::Gles(gles) => {
                let Gles { renderer, software, packed, others, allocator, .. } = &mut **gles;
                let mut context = ReadContext {
                    reads: if *software { ReadAbility::Not } else { ReadAbility::Gpu },
                    waits,
                    packed,
                    others,
                    allocator: Some(allocator),
                };
                read_path::choose(renderer, &mut context, imported, None)
            }
            #[cfg(test)]
            Self::Recording(recorder) => {
                let Recorder { renderer, others, packed, .. } = &mut **recorder;
                let mut context = ReadContext { reads: ReadAbility::Gpu, waits, packed, others, allocator: None };
                read_path::choose(renderer, &mut context, imported, None)
            }
        };
        imported.set_read_path(Some(path?));
        Ok(())
    }

    /// Checks that pages of shared memory can be read in place, without any copy. Error, for the
    /// log: why not.
    pub fn check_in_place(&mut self, imported: &Imported) -> Result<(), String> {
        self.check_import(imported)?;
        match imported.read_path() {
            Some(ReadPath::Import) => Ok(()),
            path => Err(format!("the renderer would {}", path.map_or("not read it", ReadPath::name))),
        }
    }

    /// The cards of the session have changed: sets those that may copy for the renderer.
    pub fn set_others<'a>(&mut self, cards: impl Iterator<Item = &'a Device>) {
        let own = self.gpu().map(|(card, _)| card);
        let copies = |device: &&Device| Some(device.serial()) != own && may_copy(device);
        self.others().set(cards.filter(copies).cloned());
    }

    /// Drops the textures and copies of a surface that is destroyed.
    pub fn forget(&mut self, surface: SurfaceId) {
        match self {
            Self::Pixman { textures, .. } => drop(textures.remove(&surface)),
            Self::Gles(gles) => drop(gles.textures.remove(&surface)),
            #[cfg(test)]
            Self::Recording(recorder) => drop(recorder.textures.remove(&surface)),
        }
        self.others().drop_copy_of(surface);
    }

    /// Drops the textures of surfaces for which `unseen` is true, where they are the clients' memory
    /// itself; copies stay.
    pub fn forget_imports(&mut self, unseen: impl Fn(SurfaceId) -> bool) {
        match self {
            Self::Pixman { textures, .. } => textures.retain(|surface, known| !known.in_place || !unseen(*surface)),
            Self::Gles(gles) => gles.textures.retain(|surface, known| !known.in_place || !unseen(*surface)),
            #[cfg(test)]
            Self::Recording(recorder) => {
                recorder.textures.retain(|surface, known| !known.in_place || !unseen(*surface));
            }
        }
    }

    fn others(&mut self) -> &mut OtherGpus {
        match self {
            Self::Pixman { others, .. } => others,
            Self::Gles(gles) => &mut gles.others,
            #[cfg(test)]
            Self::Recording(recorder) => &mut recorder.others,
        }
    }

    /// Drops the mappings and EGL images of buffers that are destroyed.
    pub fn clean_up(&mut self) {
        let cleaned = match self {
            Self::Pixman { renderer, .. } => renderer.cleanup_texture_cache().map_err(|e| e.to_string()),
            Self::Gles(gles) => gles.renderer.cleanup_texture_cache().map_err(|e| e.to_string()),
            #[cfg(test)]
            Self::Recording(_) => Ok(()),
        };
        if let Err(error) = cleaned {
            tracing::warn!("dropping the textures of destroyed buffers: {error}");
        }
    }

    /// Composites `layers` (top to bottom) into `target`. `age`: how many passes of `tracker` ago
    /// the target was rendered; 0: never. Error, for the log: the target is then undefined.
    pub fn draw(
        &mut self,
        target: &Target,
        age: usize,
        tracker: &mut Tracker,
        layers: &[Layer],
        background: Colour,
    ) -> Result<Pass, String> {
        let layers = PassLayers::all(layers);
        let pass = self.draw_with_damage(target, age, tracker, &layers, background, &mut Vec::new())?;
        pass.failed.clone().map_or(Ok(pass), Err)
    }

    /// As [`Renderer::draw`]; appends the rectangles that it has rendered, in pixels of the target,
    /// to `drawn`. Layers whose dma-bufs carry pending fences are not read. Of a pass that fails half
    /// way, which [`Pass::failed`] says, the caller must keep what it reads as of any other.
    pub fn draw_with_damage(
        &mut self,
        target: &Target,
        age: usize,
        tracker: &mut Tracker,
        layers: &PassLayers<'_>,
        background: Colour,
        drawn: &mut Vec<Rect>,
    ) -> Result<Pass, String> {
        let waits = self.waits_on_gpu();
        match self {
            Self::Pixman { renderer, textures, others, packed, .. } => {
                let context = ReadContext { reads: ReadAbility::InPlace, waits, packed, others, allocator: None };
                pass::draw(renderer, textures, context, target, age, tracker, layers, background, drawn)
            }
            Self::Gles(gles) => {
                let Gles { renderer, textures, software, packed, others, allocator, resets, .. } = &mut **gles;
                let context = ReadContext {
                    reads: if *software { ReadAbility::Not } else { ReadAbility::Gpu },
                    waits,
                    packed,
                    others,
                    allocator: Some(allocator),
                };
                let pass = pass::draw(renderer, textures, context, target, age, tracker, layers, background, drawn);
                let lost = resets.look(renderer).map(|cause| format!("the GPU was reset: {cause}"));
                // What was submitted may read clients' buffers still: their release waits for its fence.
                pass.map(|pass| if lost.is_some() { Pass { failed: lost, ..pass } } else { pass })
            }
            #[cfg(test)]
            Self::Recording(recorder) => {
                if recorder.lost {
                    return Err("the GPU was reset: a test was the cause".to_owned());
                }
                let Recorder { renderer, textures, others, packed, .. } = &mut **recorder;
                let context = ReadContext { reads: ReadAbility::Gpu, waits, packed, others, allocator: None };
                pass::draw(renderer, textures, context, target, age, tracker, layers, background, drawn)
            }
        }
    }

    /// Copies a target's pixels as XRGB8888 rows without padding. Waits for the GPU, so it is not
    /// for the frame path.
    pub fn read(&mut self, target: &Target, width: i32, height: i32) -> Result<Vec<u8>, String> {
        match self {
            Self::Pixman { renderer, .. } => read(renderer, target, width, height),
            Self::Gles(gles) => read(&mut gles.renderer, target, width, height),
            #[cfg(test)]
            Self::Recording(recorder) => read(recorder.renderer.pixman(), target, width, height),
        }
    }
}

impl Renderer {
    /// The clients' dma-bufs that are drawn into: formats, each with its modifiers, the best one first. None if
    /// the CPU draws, or a GPU without fences: who reads the buffer would not know when it is done.
    pub fn captured_formats(&self) -> Vec<(DrmFourcc, Vec<DrmModifier>)> {
        match self {
            Self::Pixman { .. } => Vec::new(),
            Self::Gles(gles) if !gles.native_fences || gles.software => Vec::new(),
            Self::Gles(gles) => {
                let known = [OPAQUE, WITH_HOLES].map(|format| (format, gles.rendered_modifiers(format)));
                known.into_iter().filter(|(_, modifiers)| !modifiers.is_empty()).collect()
            }
            #[cfg(test)]
            Self::Recording(_) => vec![(OPAQUE, vec![DrmModifier::Linear])],
        }
    }

    /// Lends a part of a target to `take`: rows of ARGB8888, so many bytes apart. What the target is drawn by is
    /// done. Error, for the log: it cannot be read.
    pub fn read_part<T>(
        &mut self,
        target: &Target,
        part: Rectangle<i32, Buffer>,
        take: impl FnOnce(&[u8], usize) -> T,
    ) -> Result<T, String> {
        match self {
            Self::Pixman { renderer, .. } => read_part(renderer, target, part, take),
            Self::Gles(gles) => read_part(&mut gles.renderer, target, part, take),
            #[cfg(test)]
            Self::Recording(recorder) => read_part(recorder.renderer.pixman(), target, part, take),
        }
    }
}

/// Whether a card's GPU may copy for the renderer of another card.
fn may_copy(device: &Device) -> bool {
    if fault::any_card_copies() {
        return true;
    }
    has_gpu(device)
}

fn read_part<R: BindTarget + ExportMem, T>(
    renderer: &mut R,
    target: &Target,
    part: Rectangle<i32, Buffer>,
    take: impl FnOnce(&[u8], usize) -> T,
) -> Result<T, String> {
    let mut drawable = Drawable::of(target)?;
    let framebuffer = renderer.bind_target(&mut drawable)?;
    // The target has no alpha, so all of it is opaque here.
    let mapping = renderer.copy_framebuffer(&framebuffer, part, drm_fourcc::DrmFourcc::Argb8888);
    let mapping = mapping.map_err(|e| e.to_string())?;
    drop(framebuffer);
    let pixels = renderer.map_texture(&mapping).map_err(|e| e.to_string())?;
    Ok(take(pixels, pixels.len() / part.size.h.max(1) as usize))
}

fn read<R: BindTarget + ExportMem>(
    renderer: &mut R,
    target: &Target,
    width: i32,
    height: i32,
) -> Result<Vec<u8>, String> {
    let mut drawable = Drawable::of(target)?;
    let framebuffer = renderer.bind_target(&mut drawable)?;
    let region = Rectangle::from_size((width, height).into());
    let mapping =
        renderer.copy_framebuffer(&framebuffer, region, drm_fourcc::DrmFourcc::Xrgb8888).map_err(|e| e.to_string())?;
    drop(framebuffer);
    let pixels = renderer.map_texture(&mapping).map_err(|e| e.to_string())?;
    let row = width as usize * 4;
    let rows = height as usize;
    let stride = pixels.len() / rows.max(1);
    let mut out = Vec::with_capacity(row * rows);
    for line in pixels.chunks_exact(stride).take(rows) {
        out.extend_from_slice(&line[..row]);
    }
    Ok(out)
}
