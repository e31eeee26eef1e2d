//! Which layers of a pass may not be read: their dma-bufs carry fences of writers that are pending.
//!
//! A fence in a dma-buf is waited for by whoever reads it: by the CPU in `DMA_BUF_IOCTL_SYNC`, by
//! the driver of a GPU with implicit synchronisation within the pass. Clients can add one at any
//! time. So every pass asks first, with one system call for all layers that it is about to read, and
//! does without those that are not ready: their last pictures stand in for them. Nothing here waits.

use smallvec::SmallVec;
use smithay::reexports::pixman::{Box32, Overlap, Region32};

use crate::{
    render::{
        Layer, PassLayers, PassRole,
        bounds::Bounds,
        layer::LastPictures,
        split::extents,
        textures::{KnownTexture, Textures},
    },
    surface::content::Content,
};

/// Indices of layers.
pub type Unready = SmallVec<[usize; 4]>;

/// What stands in for a layer that may not be read.
#[derive(Debug)]
pub enum StandIn {
    /// Its last picture.
    Picture(Box<Layer>),
    /// The copy that its texture holds, as it is.
    Copy,
    Nothing,
}

/// The composited layers of a pass that touch `region` and may not be read now. Layers whose
/// texture holds a copy of the content are not read. With `waits_on_gpu`, contents whose acquire
/// fence was handed over are left to the GPU: that the policy trusts the fence was found out when it
/// was handed over. `bounds`: where the layers are. One system call, or none without a client's
/// dma-buf.
pub fn unready<T>(
    pass: &PassLayers<'_>,
    (region, bounds): (&Region32, &Bounds),
    textures: &Textures<T>,
    waits_on_gpu: bool,
) -> Unready {
    let mut polled: SmallVec<[usize; 16]> = SmallVec::new();
    let (mut near, extent) = (bounds.near(), extents(region));
    let buffers = std::iter::from_fn(|| near.next(extent)).filter_map(|at| {
        let layer = &pass.layers[at];
        let memory = layer.content.client_memory()?;
        let handed_over = waits_on_gpu && layer.content.is_pending() && !layer.content.is_held_back();
        let composited = pass.role(at) == PassRole::Composited && !handed_over;
        (composited
            && touches(region, layer)
            && reads_memory(layer, textures.get(&layer.content.surface).map(|known| &**known)))
        .then_some((at, memory))
    });
    let dmabufs = buffers.map(|(at, dmabuf)| {
        polled.push(at);
        dmabuf
    });
    let found = dmabuf_import::unreadable(dmabufs);
    found.into_iter().map(|index| polled[index]).collect()
}

fn touches(region: &Region32, layer: &Layer) -> bool {
    let (at, size) = (layer.dst.loc, layer.dst.size);
    let corners = Box32 { x1: at.x, y1: at.y, x2: at.x + size.w, y2: at.y + size.h };
    !layer.dst.is_empty() && !matches!(region.contains_rectangle(corners), Overlap::Out)
}

/// Whether a pass with this texture reads the memory of the content.
fn reads_memory<T>(layer: &Layer, known: Option<&KnownTexture<T>>) -> bool {
    !known.is_some_and(|known| !known.in_place && known.shows(&layer.content, layer.view.colour))
}

/// Whether a content may be read now, without waiting for a fence. At most one system call.
pub fn is_readable(content: &Content) -> bool {
    content.is_ready() && is_memory_readable(content)
}

/// Whether no fence of a writer is pending in the memory of a content. At most one system call.
pub fn is_memory_readable(content: &Content) -> bool {
    content.client_memory().is_none_or(dmabuf_import::Dmabuf::is_readable)
}

/// What stands in for a layer that may not be read.
pub fn stand_in<T>(layer: &Layer, last: Option<&LastPictures>, textures: &Textures<T>) -> StandIn {
    match last.and_then(|last| with_last_picture(layer, last)) {
        Some(picture) => StandIn::Picture(Box::new(picture)),
        None if textures.get(&layer.content.surface).is_some_and(|known| !known.in_place) => StandIn::Copy,
        None => StandIn::Nothing,
    }
}

/// The layer with its last picture; `None`: it has none that may be read.
pub fn with_last_picture(layer: &Layer, last: &LastPictures) -> Option<Layer> {
    let last = last.get(&layer.content.surface)?;
    is_readable(&last.content).then(|| layer.with(last))
}
