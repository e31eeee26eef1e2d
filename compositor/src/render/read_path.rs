//! How the renderer reads a client's dma-buf: by the first path that works. The path is chosen once
//! per buffer and kept with it.
//!
//! If a path fails later (a peer-to-peer mapping is refused, memory cannot be pinned), the next one
//! is used, and the client is not notified. Nothing here decides which layers are composited.

use dmabuf_import::colour::Representation;
use fence::SyncFile;
use smithay::backend::renderer::{ImportDma, ImportMem};

use crate::{
    render::{
        Layer,
        egl::Allocator,
        other_gpus::OtherGpus,
        textures::{CopyFormat, LastCopy},
        upload, wait, yuv,
    },
    surface::buffer::{Imported, PixelSource, ReadPath},
};

/// How a renderer can read a dma-buf by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAbility {
    /// With its GPU.
    Gpu,
    /// With the CPU, through a mapping of the whole buffer.
    InPlace,
    /// It cannot: GL runs on the CPU.
    Not,
}

/// What a renderer needs to read clients' buffers.
pub struct ReadContext<'a> {
    /// How the renderer reads a dma-buf by itself.
    pub reads: ReadAbility,
    /// The renderer can wait for fences on the GPU.
    pub waits: bool,
    /// Scratch memory for rows that are copied into a texture.
    pub packed: &'a mut Vec<u8>,
    /// The GPUs that may copy for it.
    pub others: &'a mut OtherGpus,
    /// Allocates memory that the renderer reads best.
    pub allocator: Option<&'a mut Allocator>,
}

/// The texture of a content.
pub struct Sampled<T> {
    pub texture: T,
    /// Set if the texture holds a copy that [`texture`] may update.
    pub copy: Option<CopyFormat>,
    /// The texture is the client's memory itself.
    pub in_place: bool,
    /// The fence to wait for before it is read, if that is not the content's own acquire fence.
    pub wait: Option<SyncFile>,
}

impl<T> Sampled<T> {
    fn imported(texture: T) -> Self {
        Self { texture, copy: None, in_place: true, wait: None }
    }

    fn copied((texture, format): (T, CopyFormat)) -> Self {
        Self { texture, copy: Some(format), in_place: false, wait: None }
    }
}

/// The first path by which the renderer can read a buffer; if `failed` is given, the first one
/// after it. Error, for the log: why each path was refused.
pub fn choose<R: ImportDma + ImportMem>(
    renderer: &mut R,
    context: &mut ReadContext<'_>,
    imported: &Imported,
    failed: Option<ReadPath>,
) -> Result<ReadPath, String> {
    let mut refusals = Vec::new();
    if failed.is_none() {
        match importable(renderer, context, imported) {
            Ok(()) => return Ok(ReadPath::Import),
            Err(error) => refusals.push(error),
        }
    }
    if failed.is_none_or(|path| path == ReadPath::Import) {
        match context.others.find_reader(imported) {
            Ok(card) => return Ok(ReadPath::Gpu { card }),
            Err(error) => refusals.push(error),
        }
    }
    if failed != Some(ReadPath::Cpu) {
        let readable = match yuv::converts(imported) {
            true => yuv::check(imported),
            false => upload::check(renderer, imported),
        };
        match readable {
            Ok(()) => return Ok(ReadPath::Cpu),
            Err(error) => refusals.push(error),
        }
    }
    Err(refusals.join("; "))
}

fn importable<R: ImportDma + ImportMem>(
    renderer: &mut R,
    context: &ReadContext<'_>,
    imported: &Imported,
) -> Result<(), String> {
    crate::render::fault::import()?;
    match context.reads {
        // The YUV representation is checked at each commit: see `texture`.
        ReadAbility::Gpu => renderer.import_dmabuf(&imported.wl()?, None).map(drop).map_err(|e| e.to_string()),
        ReadAbility::InPlace => upload::check_in_place(renderer, imported),
        ReadAbility::Not => Err("GL runs on the CPU".into()),
    }
}

/// The colour representation of a buffer that the GPU cannot sample: it samples YUV as BT.601 of
/// limited range, so any other one is converted by the CPU.
fn converted_by_cpu(layer: &Layer, imported: &Imported) -> Option<Representation> {
    layer.view.colour.filter(|colour| *colour != yuv::OF_EGL && yuv::converts(imported))
}

/// Whether the CPU reads the layer's buffer, as far as is known before it is read.
pub fn is_by_cpu(layer: &Layer) -> bool {
    match &layer.content.source {
        PixelSource::Dmabuf(imported) => match imported.read_path() {
            Some(ReadPath::Cpu) => true,
            Some(ReadPath::Gpu { .. }) => false,
            Some(ReadPath::Import) | None => converted_by_cpu(layer, imported).is_some(),
        },
        PixelSource::Shm(_) => true,
        // Nothing is read.
        PixelSource::Solid(_) => false,
    }
}

/// The texture of a layer's dma-buf; `last` is updated if the buffer is copied and it fits.
/// `Ok(None)`: not yet, because the CPU must read the buffer and its fence is pending. Error, for
/// the log: no path works.
pub fn texture<R: ImportDma + ImportMem>(
    renderer: &mut R,
    context: &mut ReadContext<'_>,
    layer: &Layer,
    imported: &Imported,
    last: Option<LastCopy<'_, R::TextureId>>,
) -> Result<Option<Sampled<R::TextureId>>, String>
where
    R::TextureId: Clone,
{
    let last = last.as_ref();
    let content = &layer.content;
    let mut failed = None;
    loop {
        let path = match imported.read_path().filter(|_| failed.is_none()) {
            Some(path) => path,
            None => {
                let path = choose(renderer, context, imported, failed)?;
                imported.set_read_path(Some(path));
                path
            }
        };
        let other = converted_by_cpu(layer, imported);
        let tried = match path {
            ReadPath::Import if other.is_some() && !content.is_ready() => return Ok(None),
            ReadPath::Import if let Some(colour) = other => {
                yuv::texture(renderer, last, imported, colour, context.packed).map(Sampled::copied)
            }
            ReadPath::Import => imported
                .wl()
                .and_then(|wl| renderer.import_dmabuf(&wl, None).map_err(|e| e.to_string()))
                .map(Sampled::imported),
            ReadPath::Cpu if !content.is_ready() => return Ok(None),
            ReadPath::Cpu if yuv::converts(imported) => {
                let colour = layer.view.colour.unwrap_or(yuv::OF_EGL);
                yuv::texture(renderer, last, imported, colour, context.packed).map(Sampled::copied)
            }
            ReadPath::Cpu => upload::texture(renderer, last, imported, context.packed).map(Sampled::copied),
            // The CPU would wait for the copy, and with it for the fence.
            ReadPath::Gpu { .. } if !context.waits && !content.is_ready() => return Ok(None),
            ReadPath::Gpu { card } => copied_by_gpu(renderer, context, layer, imported, card),
        };
        match tried {
            Ok(sampled) => return Ok(Some(sampled)),
            Err(error) => tracing::info!("buffer {}: {} no longer works: {error}", imported.id, path.name()),
        }
        failed = Some(path);
    }
}

/// The texture of the copy that another GPU makes.
fn copied_by_gpu<R: ImportDma + ImportMem>(
    renderer: &mut R,
    context: &mut ReadContext<'_>,
    layer: &Layer,
    imported: &Imported,
    card: kms::CardSerial,
) -> Result<Sampled<R::TextureId>, String>
where
    R::TextureId: Clone,
{
    let content = &layer.content;
    let pending = content.pending_fence().map_err(|e| e.to_string())?;
    let allocator = context.allocator.as_deref_mut();
    let (copy, fence) = context.others.copy(card, content.surface, imported, pending, allocator)?;
    // Whether or not there will be a pass, which would wait for it.
    if let Some(fence) = &fence {
        match fence.try_clone() {
            Ok(fence) => content.used_by_pass(fence),
            // Without a descriptor nobody would know when its client may write again.
            Err(_) => wait::await_copy(fence)?,
        }
    }
    let fence = match fence {
        // The CPU reads the copy at once, so it waits here: a copy takes a fraction of a frame, and
        // no client's fence is part of it.
        Some(fence) if !context.waits => {
            wait::await_copy(&fence)?;
            None
        }
        fence => fence,
    };
    let texture = match context.reads {
        ReadAbility::Gpu | ReadAbility::InPlace => {
            renderer.import_dmabuf(&copy.wl()?, None).map_err(|e| e.to_string())?
        }
        ReadAbility::Not => upload::texture(renderer, None, &copy, context.packed)?.0,
    };
    Ok(Sampled { texture, copy: None, in_place: false, wait: fence })
}
