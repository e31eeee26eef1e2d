//! Which layers of a pass may not be read: their dma-bufs carry fences of writers that are pending,
//! or their own fence was handed over, and the CPU is to read them.
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
        read_path,
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
/// fence was handed over are left to the GPU, if it is the GPU that reads them: that the policy
/// trusts the fence was found out when it was handed over. `bounds`: where the layers are. One
/// system call, or none without a client's dma-buf.
pub fn unready<T>(
    pass: &PassLayers<'_>,
    (region, bounds): (&Region32, &Bounds),
    textures: &Textures<T>,
    waits_on_gpu: bool,
) -> Unready {
    let (mut polled, mut unready): (SmallVec<[usize; 16]>, Unready) = Default::default();
    let (mut near, extent) = (bounds.near(), extents(region));
    let dmabufs = std::iter::from_fn(|| near.next(extent)).filter_map(|at| {
        let layer = &pass.layers[at];
        let content = &layer.content;
        let reads = pass.role(at) == PassRole::Composited
            && touches(region, layer)
            && reads_memory(layer, textures.get(&content.surface).map(|known| &**known));
        if !reads {
            return None;
        }
        let by_gpu = waits_on_gpu && !read_path::is_by_cpu(layer);
        if !by_gpu && !content.is_ready() {
            unready.push(at);
            return None;
        }
        let memory = content.client_memory()?;
        let handed_over = by_gpu && content.is_pending() && !content.is_held_back();
        (!handed_over).then(|| {
            polled.push(at);
            memory
        })
    });
    let found = dmabuf_import::unreadable(dmabufs);
    unready.extend(found.into_iter().map(|index| polled[index]));
    unready
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
