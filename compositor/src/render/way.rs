//! How the renderer gets at a client's dma-buf: the first way that works, chosen once a buffer and kept with it.
//!
//! A way that fails later (a peer-to-peer mapping that is refused, memory that cannot be pinned) is followed by the next one, and the client
//! hears nothing of it. Which layers are drawn is not decided here.

use fence::SyncFile;
use rustix::event::{PollFd, PollFlags};
use smithay::backend::renderer::{ImportDma, ImportMem};

use super::{egl::Allocator, others::Others, upload, yuv};
use crate::{
    render::Layer,
    surface::buffer::{Imported, Way},
};

/// How a renderer reads a dma-buf by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// By its GPU.
    Gpu,
    /// By the CPU, through a mapping of the whole buffer.
    InPlace,
    /// Not at all: GL runs on the CPU.
    Not,
}

/// What a renderer has for buffers that are not its own.
pub struct Reach<'a> {
    pub reads: Reads,
    /// It waits for fences by itself.
    pub waits: bool,
    /// Rows on their way into a texture.
    pub packed: &'a mut Vec<u8>,
    pub others: &'a mut Others,
    /// Of memory that the renderer reads best.
    pub allocator: Option<&'a mut Allocator>,
}

/// A texture, and the fence after which it may be read if it is not the content's own.
pub type Sampled<T> = (T, Option<SyncFile>);

/// The first way after `failed` by which the renderer reads a buffer.
pub fn choose<R: ImportDma + ImportMem>(
    renderer: &mut R,
    reach: &mut Reach<'_>,
    imported: &Imported,
    failed: Option<Way>,
) -> Result<Way, String> {
    let mut refusals = Vec::new();
    if failed.is_none() {
        match importable(renderer, reach, imported) {
            Ok(()) => return Ok(Way::Import),
            Err(error) => refusals.push(error),
        }
    }
    if failed.is_none_or(|way| way == Way::Import) {
        match reach.others.that_reads(imported) {
            Ok(card) => return Ok(Way::Gpu { card }),
            Err(error) => refusals.push(error),
        }
    }
    if failed != Some(Way::Cpu) {
        let readable = match yuv::converts(imported) {
            true => yuv::check(imported),
            false => upload::check(renderer, imported),
        };
        match readable {
            Ok(()) => return Ok(Way::Cpu),
            Err(error) => refusals.push(error),
        }
    }
    Err(refusals.join("; "))
}

fn importable<R: ImportDma + ImportMem>(
    renderer: &mut R,
    reach: &Reach<'_>,
    imported: &Imported,
) -> Result<(), String> {
    #[cfg(debug_assertions)]
    super::fault::import()?;
    match reach.reads {
        // What YUV means is asked at each commit: see `texture`.
        Reads::Gpu => renderer.import_dmabuf(imported.wl()?, None).map(drop).map_err(|e| e.to_string()),
        Reads::InPlace => upload::check_in_place(renderer, imported),
        Reads::Not => Err("GL runs on the CPU".into()),
    }
}

/// The texture of a layer's dma-buf. `Ok(None)`: not now, since the CPU may not read the buffer yet.
pub fn texture<R: ImportDma + ImportMem>(
    renderer: &mut R,
    reach: &mut Reach<'_>,
    layer: &Layer,
    imported: &Imported,
) -> Result<Option<Sampled<R::TextureId>>, String> {
    let content = &layer.content;
    let mut failed = None;
    loop {
        let way = match imported.way().filter(|_| failed.is_none()) {
            Some(way) => way,
            None => {
                let way = choose(renderer, reach, imported, failed)?;
                imported.choose(Some(way));
                way
            }
        };
        // A GPU takes YUV for BT.601 of limited range.
        let other = layer.view.colour.filter(|colour| *colour != yuv::OF_EGL && yuv::converts(imported));
        let tried = match way {
            Way::Import if other.is_some() && !content.is_ready() => return Ok(None),
            Way::Import if let Some(colour) = other => {
                yuv::texture(renderer, imported, colour, reach.packed).map(|t| (t, None))
            }
            Way::Import => imported
                .wl()
                .and_then(|wl| renderer.import_dmabuf(wl, None).map_err(|e| e.to_string()))
                .map(|t| (t, None)),
            Way::Cpu if !content.is_ready() => return Ok(None),
            Way::Cpu if yuv::converts(imported) => {
                let colour = layer.view.colour.unwrap_or(yuv::OF_EGL);
                yuv::texture(renderer, imported, colour, reach.packed).map(|t| (t, None))
            }
            Way::Cpu => upload::texture(renderer, imported, reach.packed).map(|t| (t, None)),
            Way::Gpu { card } => through(renderer, reach, layer, imported, card),
        };
        match tried {
            Ok(sampled) => return Ok(Some(sampled)),
            Err(error) => tracing::info!("buffer {}: {} no longer works: {error}", imported.id, way.name()),
        }
        failed = Some(way);
    }
}

/// Reads the copy that another GPU makes.
fn through<R: ImportDma + ImportMem>(
    renderer: &mut R,
    reach: &mut Reach<'_>,
    layer: &Layer,
    imported: &Imported,
    card: kms::CardSerial,
) -> Result<Sampled<R::TextureId>, String> {
    let content = &layer.content;
    let pending = (!content.is_ready()).then(|| content.with_acquire(|a| a.fence().and_then(|f| f.try_clone().ok())));
    let allocator = reach.allocator.as_deref_mut();
    let (copy, fence) = reach.others.copy(card, content.surface, imported, pending.flatten(), allocator)?;
    let fence = match fence {
        // The CPU reads the copy at once; a copy takes a fraction of a frame.
        Some(fence) if !reach.waits => {
            let mut signal = [PollFd::new(&fence, PollFlags::IN)];
            rustix::event::poll(&mut signal, None).map_err(|e| e.to_string())?;
            None
        }
        fence => fence,
    };
    let texture = match reach.reads {
        Reads::Gpu | Reads::InPlace => renderer.import_dmabuf(copy.wl()?, None).map_err(|e| e.to_string())?,
        Reads::Not => upload::texture(renderer, &copy, reach.packed)?,
    };
    Ok((texture, fence))
}
