//! The renderer of the session: pixman or GLES behind one type.
//!
//! Nothing here decides which layers there are, or on which plane the result goes.

use std::collections::HashMap;

use drm_fourcc::DrmModifier;
use fence::SyncFile;
use kms::{Device, Rect};
use smithay::{
    backend::{
        allocator::{Format, format::FormatSet},
        renderer::{
            Color32F, ExportMem, ImportDma, ImportMem, Renderer as _, Texture,
            damage::OutputDamageTracker,
            pixman::{PixmanRenderer, PixmanTexture},
        },
    },
    reexports::wayland_server::protocol::wl_shm,
    utils::{Physical, Rectangle},
    wayland::shm::fourcc_to_shm_format,
};

use crate::{
    config::{Colour, words::RendererChoice},
    render::{
        Layer, Target,
        bind::{BindTarget, Drawable},
        egl::Gles,
        element::LayerElement,
        fault, has_gpu,
        other_gpus::OtherGpus,
        read_path::{self, ReadAbility, ReadContext},
        shm,
        textures::{KnownTexture, Textures},
    },
    surface::buffer::{Imported, PixelSource, ReadPath},
    system::{error::Error, id::SurfaceId},
};

/// The result of a render pass.
#[derive(Debug)]
pub struct Pass {
    /// Signals when the GPU has finished; the caller owns it. `None`: rendering is already
    /// finished.
    pub fence: Option<SyncFile>,
}

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
        }
    }

    /// The name for logs and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pixman { .. } => "pixman",
            Self::Gles(_) => "gles",
        }
    }

    /// Whether the GPU can wait for pending fences.
    pub fn waits_on_gpu(&self) -> bool {
        matches!(self, Self::Gles(gles) if gles.native_fences && !gles.software)
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
        }
        self.others().drop_copy_of(surface);
    }

    fn others(&mut self) -> &mut OtherGpus {
        match self {
            Self::Pixman { others, .. } => others,
            Self::Gles(gles) => &mut gles.others,
        }
    }

    /// Drops the mappings and EGL images of buffers that are destroyed.
    pub fn clean_up(&mut self) {
        let cleaned = match self {
            Self::Pixman { renderer, .. } => renderer.cleanup_texture_cache().map_err(|e| e.to_string()),
            Self::Gles(gles) => gles.renderer.cleanup_texture_cache().map_err(|e| e.to_string()),
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
        tracker: &mut OutputDamageTracker,
        layers: &[Layer],
        background: Colour,
    ) -> Result<Pass, String> {
        self.draw_with_damage(target, age, tracker, layers, background, &mut Vec::new())
    }

    /// As [`Renderer::draw`]; appends the rectangles that it has rendered, in pixels of the target,
    /// to `drawn`.
    pub fn draw_with_damage(
        &mut self,
        target: &Target,
        age: usize,
        tracker: &mut OutputDamageTracker,
        layers: &[Layer],
        background: Colour,
        drawn: &mut Vec<Rect>,
    ) -> Result<Pass, String> {
        let waits = self.waits_on_gpu();
        match self {
            Self::Pixman { renderer, textures, others, packed, .. } => {
                let context = ReadContext { reads: ReadAbility::InPlace, waits, packed, others, allocator: None };
                draw(renderer, textures, context, target, age, tracker, layers, background, drawn)
            }
            Self::Gles(gles) => {
                let Gles { renderer, textures, software, packed, others, allocator, .. } = &mut **gles;
                let context = ReadContext {
                    reads: if *software { ReadAbility::Not } else { ReadAbility::Gpu },
                    waits,
                    packed,
                    others,
                    allocator: Some(allocator),
                };
                draw(renderer, textures, context, target, age, tracker, layers, background, drawn)
            }
        }
    }

    /// Copies a target's pixels as XRGB8888 rows without padding. Waits for the GPU, so it is not
    /// for the frame path.
    pub fn read(&mut self, target: &Target, width: i32, height: i32) -> Result<Vec<u8>, String> {
        match self {
            Self::Pixman { renderer, .. } => read(renderer, target, width, height),
            Self::Gles(gles) => read(&mut gles.renderer, target, width, height),
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

#[expect(clippy::too_many_arguments, reason = "one function for both types of renderers")]
fn draw<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    mut context: ReadContext<'_>,
    target: &Target,
    age: usize,
    tracker: &mut OutputDamageTracker,
    layers: &[Layer],
    background: Colour,
    drawn: &mut Vec<Rect>,
) -> Result<Pass, String>
where
    R: BindTarget + ImportDma + ImportMem,
    R::TextureId: Texture + Clone + 'static,
{
    let mut elements = Vec::with_capacity(layers.len());
    for layer in layers {
        if layer.hole {
            elements.push(LayerElement::hole(layer));
            continue;
        }
        match texture(renderer, textures, &mut context, layer) {
            Ok((texture, copied)) => elements.push(LayerElement::new(layer, texture, copied)),
            // One client's bad buffer must not cost the others their frame.
            Err(error) => tracing::warn!("surface {} cannot be composited: {error}", layer.content.surface),
        }
    }
    let [r, g, b] = background.0.map(|byte| f32::from(byte) / 255.0);
    let mut drawable = Drawable::of(target)?;
    let mut framebuffer = renderer.bind_target(&mut drawable).map_err(|e| format!("binding the render target: {e}"))?;
    let result = tracker
        .render_output(renderer, &mut framebuffer, age, &elements, Color32F::new(r, g, b, 1.0))
        .map_err(|e| format!("rendering: {e}"))?;
    let rect =
        |r: &Rectangle<i32, Physical>| Rect::new(r.loc.x, r.loc.y, r.size.w.max(0) as u32, r.size.h.max(0) as u32);
    drawn.extend(result.damage.into_iter().flatten().map(rect));
    let fence = match result.sync.is_reached() {
        true => None,
        false => match result.sync.export() {
            Some(fd) => Some(SyncFile::unchecked(fd)),
            None => {
                // A GPU without native fences: waiting here is the only correct way. The log says
                // so once, at the start.
                result.sync.wait().map_err(|e| e.to_string())?;
                None
            }
        },
    };
    let fence = fault::fence().or(fence);
    context.others.read(layers.iter().map(|layer| layer.content.surface), fence.as_ref());
    Ok(Pass { fence })
}

/// The texture of a layer, and the fence to wait for before it is read, if that is not the
/// content's own.
fn texture<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    context: &mut ReadContext<'_>,
    layer: &Layer,
) -> Result<read_path::Sampled<R::TextureId>, String>
where
    R: ImportDma + ImportMem,
    R::TextureId: Clone,
{
    let content = &layer.content;
    let commit = layer.damage.current_commit();
    let (known, colour) = (textures.get(&content.surface), layer.view.colour);
    if let Some(known) = known
        && known.serial == content.serial
        && known.colour == colour
    {
        return Ok((known.texture.clone(), None));
    }
    let mut copy = None;
    let (texture, copied) = match &content.source {
        PixelSource::Dmabuf(imported) => match read_path::texture(renderer, context, layer, imported)? {
            Some(sampled) => sampled,
            // The CPU must not read the buffer yet: the surface keeps its last texture.
            None => return known.map(|known| (known.texture.clone(), None)).ok_or("its fence is pending".into()),
        },
        PixelSource::Shm(shm) => {
            let all = || vec![Rectangle::from_size(content.size)];
            let damage = match known {
                Some(known) => {
                    layer.damage.damage_since(Some(known.commit)).map_or_else(all, |set| set.into_iter().collect())
                }
                None => Vec::new(),
            };
            let last = known.and_then(|known| Some((&known.texture, known.copy?)));
            let (texture, format) = shm::texture(renderer, last, shm, &damage, context.packed)?;
            copy = Some(format);
            content.copied();
            (texture, None)
        }
    };
    let known = KnownTexture { serial: content.serial, commit, colour, copy, texture: texture.clone() };
    textures.insert(content.surface, known);
    Ok((texture, copied))
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
