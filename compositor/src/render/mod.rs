//! Rendering of what no plane takes: GLES on a GPU, pixman on the CPU.
//!
//! GLES waits for a client's fence on the GPU and hands out the fence of its own pass; pixman reads with the CPU, so it
//! only ever gets contents whose fence has signalled. Which layers there are, and where the picture goes, is decided
//! elsewhere.

mod egl;
mod element;
#[cfg(debug_assertions)]
mod fault;
mod memory;
mod others;
pub mod shm;
pub mod target;
mod upload;
mod way;
mod yuv;

use std::{collections::HashMap, sync::Arc};

use dmabuf_import::colour::Representation;
use drm_fourcc::DrmModifier;
use fence::SyncFile;
use kms::{Device, Rect};
use smithay::{
    backend::{
        allocator::{Format, dmabuf::Dmabuf as WlDmabuf, format::FormatSet},
        renderer::{
            Bind, Color32F, ExportMem, ImportDma, ImportMem, Renderer as _, Texture,
            damage::OutputDamageTracker,
            element::Id,
            pixman::{PixmanRenderer, PixmanTexture},
            utils::{CommitCounter, DamageSnapshot},
        },
    },
    reexports::wayland_server::protocol::{wl_shm, wl_surface::WlSurface},
    utils::{Buffer, Physical, Rectangle},
    wayland::shm::fourcc_to_shm_format,
};

pub use egl::{Gles, has_gpu};
pub use memory::shown as shown_target;
pub use target::Target;

use crate::{
    cli::RendererChoice,
    config::Colour,
    error::Error,
    surface::{
        Content, View,
        buffer::{Imported, Source, Way},
    },
};
use element::Picture;
use others::Others;
use way::{Reach, Reads};

/// One surface's picture in a scene, in output pixels.
#[derive(Debug, Clone)]
pub struct Layer {
    pub surface: WlSurface,
    pub content: Arc<Content>,
    pub view: View,
    /// Where it goes.
    pub dst: Rectangle<i32, Physical>,
    pub element: Id,
    pub damage: DamageSnapshot<i32, Buffer>,
    /// Every pixel of it is opaque.
    pub opaque: bool,
    /// Commits in a thousand seconds.
    pub rate: u32,
    /// It is not drawn: the picture is transparent there, above the plane that shows it.
    pub hole: bool,
}

/// What a pass left.
#[derive(Debug)]
pub struct Pass {
    /// Signals when the GPU has drawn; `None`: it is drawn.
    pub fence: Option<SyncFile>,
}

/// Textures by surface.
type Textures<T> = HashMap<u32, Known<T>>;

/// A surface's texture.
#[derive(Debug)]
pub struct Known<T> {
    /// The content that it was made from.
    serial: u64,
    commit: CommitCounter,
    /// What its colours were taken for.
    colour: Option<Representation>,
    /// Its memory is ours, and a copy.
    own: Option<shm::Own>,
    texture: T,
}

/// The renderer of the session.
pub enum Renderer {
    Pixman {
        renderer: PixmanRenderer,
        textures: Textures<PixmanTexture>,
        /// GPUs that copy what the CPU cannot read.
        others: Box<Others>,
        /// Rows on their way into a texture.
        packed: Vec<u8>,
        /// The device has no GPU, so that a buffer "of the driver's own layout" (DRM_FORMAT_MOD_INVALID) is linear.
        implicit_is_linear: bool,
    },
    Gles(Box<Gles>),
}

impl Renderer {
    /// Opens the renderer that the user wants, or the one that fits the device.
    pub fn new(choice: RendererChoice, device: &Device) -> Result<Self, Error> {
        let pixman = || Self::pixman(!has_gpu(device));
        match choice {
            RendererChoice::Pixman => pixman(),
            RendererChoice::Gles => Ok(Self::Gles(Box::new(Gles::new(device)?))),
            RendererChoice::Auto if !has_gpu(device) => pixman(),
            RendererChoice::Auto => match Gles::new(device) {
                Ok(gles) => Ok(Self::Gles(Box::new(gles))),
                Err(error) => {
                    tracing::warn!("{error}; rendering with pixman on the CPU instead");
                    pixman()
                }
            },
        }
    }

    /// Draws with the CPU, for displays that are all gone.
    pub fn software() -> Result<Self, Error> {
        Self::pixman(true)
    }

    fn pixman(implicit_is_linear: bool) -> Result<Self, Error> {
        let renderer = PixmanRenderer::new().map_err(|e| Error::setup("pixman renderer", e))?;
        let (textures, others, packed) = (HashMap::new(), Box::default(), Vec::new());
        Ok(Self::Pixman { renderer, textures, others, packed, implicit_is_linear })
    }

    /// The card whose GPU draws, by its serial, and its driver.
    pub fn gpu(&self) -> Option<(kms::CardSerial, &str)> {
        match self {
            Self::Pixman { .. } => None,
            Self::Gles(gles) => Some((gles.card, &gles.driver)),
        }
    }

    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pixman { .. } => "pixman",
            Self::Gles(_) => "gles",
        }
    }

    /// Whether pending fences can be waited for by the GPU.
    pub fn waits_on_gpu(&self) -> bool {
        matches!(self, Self::Gles(gles) if gles.native_fences && !gles.software)
    }

    /// dma-buf formats that can be drawn from.
    pub fn dmabuf_formats(&self) -> FormatSet {
        match self {
            Self::Pixman { renderer, implicit_is_linear, .. } => {
                let implicit = implicit_is_linear.then_some(DrmModifier::Invalid);
                let modifiers = || std::iter::once(DrmModifier::Linear).chain(implicit);
                renderer
                    .mem_formats()
                    .chain(yuv::FORMATS)
                    .flat_map(|code| modifiers().map(move |modifier| Format { code, modifier }))
                    .collect()
            }
            Self::Gles(gles) if gles.software => {
                let formats = gles.renderer.mem_formats().chain(yuv::FORMATS);
                formats.map(|code| Format { code, modifier: DrmModifier::Linear }).collect()
            }
            Self::Gles(gles) => gles.renderer.dmabuf_formats(),
        }
    }

    /// The modifier that a client's buffer really has.
    pub fn explicit(&self, modifier: DrmModifier) -> DrmModifier {
        match (self, modifier) {
            (Self::Pixman { implicit_is_linear: true, .. }, DrmModifier::Invalid) => DrmModifier::Linear,
            _ => modifier,
        }
    }

    /// wl_shm formats that can be copied.
    pub fn shm_formats(&self) -> Vec<wl_shm::Format> {
        match self {
            Self::Pixman { renderer, .. } => renderer.mem_formats().filter_map(fourcc_to_shm_format).collect(),
            Self::Gles(gles) => gles.renderer.mem_formats().filter_map(fourcc_to_shm_format).collect(),
        }
    }

    /// Chooses how a client's buffer is read, when it is made, so that a refusal reaches the client and not the screen.
    pub fn check_import(&mut self, imported: &Imported) -> Result<(), String> {
        let waits = self.waits_on_gpu();
        let way = match self {
            Self::Pixman { renderer, others, packed, .. } => {
                let mut reach = Reach { reads: Reads::InPlace, waits, packed, others, allocator: None };
                way::choose(renderer, &mut reach, imported, None)
            }
            Self::Gles(gles) => {
                let Gles { renderer, software, packed, others, allocator, .. } = &mut **gles;
                let mut reach = Reach {
                    reads: if *software { Reads::Not } else { Reads::Gpu },
                    waits,
                    packed,
                    others,
                    allocator: Some(allocator),
                };
                way::choose(renderer, &mut reach, imported, None)
            }
        };
        imported.choose(Some(way?));
        Ok(())
    }

    /// Whether pages of shared memory are read where they are, without any copy.
    pub fn check_in_place(&mut self, imported: &Imported) -> Result<(), String> {
        self.check_import(imported)?;
        match imported.way() {
            Some(Way::Import) => Ok(()),
            way => Err(format!("the renderer would {}", way.map_or("not read it", Way::name))),
        }
    }

    /// The cards of the session have changed: those beside the one that renders may copy for it.
    pub fn set_others<'a>(&mut self, cards: impl Iterator<Item = &'a Device>) {
        let own = self.gpu().map(|(card, _)| card);
        let copies = |device: &&Device| Some(device.serial()) != own && may_copy(device);
        self.others().set(cards.filter(copies).cloned());
    }

    /// Forgets what was made for a surface that is gone.
    pub fn forget(&mut self, surface: u32) {
        match self {
            Self::Pixman { textures, .. } => drop(textures.remove(&surface)),
            Self::Gles(gles) => drop(gles.textures.remove(&surface)),
        }
        self.others().forget(surface);
    }

    fn others(&mut self) -> &mut Others {
        match self {
            Self::Pixman { others, .. } => others,
            Self::Gles(gles) => &mut gles.others,
        }
    }

    /// Lets go of mappings and images of buffers that are gone.
    pub fn clean_up(&mut self) {
        let cleaned = match self {
            Self::Pixman { renderer, .. } => renderer.cleanup_texture_cache().map_err(|e| e.to_string()),
            Self::Gles(gles) => gles.renderer.cleanup_texture_cache().map_err(|e| e.to_string()),
        };
        if let Err(error) = cleaned {
            tracing::warn!("cleaning up after buffers: {error}");
        }
    }

    /// Draws `layers` (top to bottom) into `target`. `age`: how many passes of `tracker` ago the target was drawn; 0: never.
    pub fn draw(
        &mut self,
        target: &Target,
        age: usize,
        tracker: &mut OutputDamageTracker,
        layers: &[Layer],
        background: Colour,
    ) -> Result<Pass, String> {
        self.draw_noting(target, age, tracker, layers, background, &mut Vec::new())
    }

    /// As [`Renderer::draw`]; adds what it has drawn, in pixels of the target, to `drawn`.
    pub fn draw_noting(
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
                let reach = Reach { reads: Reads::InPlace, waits, packed, others, allocator: None };
                draw(renderer, textures, reach, target, age, tracker, layers, background, drawn)
            }
            Self::Gles(gles) => {
                let Gles { renderer, textures, software, packed, others, allocator, .. } = &mut **gles;
                let reach = Reach {
                    reads: if *software { Reads::Not } else { Reads::Gpu },
                    waits,
                    packed,
                    others,
                    allocator: Some(allocator),
                };
                draw(renderer, textures, reach, target, age, tracker, layers, background, drawn)
            }
        }
    }

    /// Copies a target's pixels out as XRGB8888 rows without padding. Waits for the GPU: not for the frame path.
    pub fn read(&mut self, target: &Target, width: i32, height: i32) -> Result<Vec<u8>, String> {
        match self {
            Self::Pixman { renderer, .. } => read(renderer, target, width, height),
            Self::Gles(gles) => read(&mut gles.renderer, target, width, height),
        }
    }
}

/// Whether a card may copy for another one's renderer.
fn may_copy(device: &Device) -> bool {
    #[cfg(debug_assertions)]
    if fault::any_card_copies() {
        return true;
    }
    has_gpu(device)
}

#[expect(clippy::too_many_arguments, reason = "one function for renderers of two types")]
fn draw<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    mut reach: Reach<'_>,
    target: &Target,
    age: usize,
    tracker: &mut OutputDamageTracker,
    layers: &[Layer],
    background: Colour,
    drawn: &mut Vec<Rect>,
) -> Result<Pass, String>
where
    R: Bind<WlDmabuf> + ImportDma + ImportMem,
    R::TextureId: Texture + Clone + 'static,
{
    let mut pictures = Vec::with_capacity(layers.len());
    for layer in layers {
        if layer.hole {
            pictures.push(Picture::hole(layer));
            continue;
        }
        match texture(renderer, textures, &mut reach, layer) {
            Ok((texture, copied)) => pictures.push(Picture::new(layer, texture, copied)),
            // One client's bad buffer must not cost the others their frame.
            Err(error) => tracing::warn!("surface {} cannot be drawn: {error}", layer.content.surface),
        }
    }
    let [r, g, b] = background.0.map(|byte| f32::from(byte) / 255.0);
    let mut dmabuf = target.wl()?.clone();
    let mut framebuffer = renderer.bind(&mut dmabuf).map_err(|e| format!("binding the render target: {e}"))?;
    let result = tracker
        .render_output(renderer, &mut framebuffer, age, &pictures, Color32F::new(r, g, b, 1.0))
        .map_err(|e| format!("rendering: {e}"))?;
    let rect =
        |r: &Rectangle<i32, Physical>| Rect::new(r.loc.x, r.loc.y, r.size.w.max(0) as u32, r.size.h.max(0) as u32);
    drawn.extend(result.damage.into_iter().flatten().map(rect));
    let fence = match result.sync.is_reached() {
        true => None,
        false => match result.sync.export() {
            Some(fd) => Some(SyncFile::unchecked(fd)),
            None => {
                // A GPU without native fences: the only correct thing is to wait here. The log says so once, at start.
                result.sync.wait().map_err(|e| e.to_string())?;
                None
            }
        },
    };
    #[cfg(debug_assertions)]
    let fence = fault::fence().or(fence);
    reach.others.read(layers.iter().map(|layer| layer.content.surface), fence.as_ref());
    Ok(Pass { fence })
}

/// The texture of a layer, and the fence after which it may be read if that is not the content's own.
fn texture<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    reach: &mut Reach<'_>,
    layer: &Layer,
) -> Result<way::Sampled<R::TextureId>, String>
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
    let mut own = None;
    let (texture, copied) = match &content.source {
        Source::Dmabuf(imported) => match way::texture(renderer, reach, layer, imported)? {
            Some(sampled) => sampled,
            // The CPU may not read it yet: the surface keeps its last picture.
            None => return known.map(|known| (known.texture.clone(), None)).ok_or("its fence is pending".into()),
        },
        Source::Shm(shm) => {
            let all = || vec![Rectangle::from_size(content.size)];
            let damage = match known {
                Some(known) => {
                    layer.damage.damage_since(Some(known.commit)).map_or_else(all, |set| set.into_iter().collect())
                }
                None => Vec::new(),
            };
            let last = known.and_then(|known| Some((&known.texture, known.own?)));
            let (texture, made) = shm::texture(renderer, last, shm, &damage, reach.packed)?;
            own = Some(made);
            content.copied();
            (texture, None)
        }
    };
    let known = Known { serial: content.serial, commit, colour, own, texture: texture.clone() };
    textures.insert(content.surface, known);
    Ok((texture, copied))
}

fn read<R: Bind<WlDmabuf> + ExportMem>(
    renderer: &mut R,
    target: &Target,
    width: i32,
    height: i32,
) -> Result<Vec<u8>, String> {
    let mut dmabuf = target.wl()?.clone();
    let framebuffer = renderer.bind(&mut dmabuf).map_err(|e| e.to_string())?;
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
