//! dma-bufs for a GL that runs on the CPU: their rows are copied into a texture.
//!
//! Only linear formats of one plane; only buffers whose fence has signalled. Hardware never comes here.

use drm_fourcc::DrmModifier;
use smithay::backend::renderer::ImportMem;

use crate::surface::buffer::Imported;

/// Whether [`texture`] can take the buffer.
pub fn check<R: ImportMem>(renderer: &R, imported: &Imported) -> Result<(), String> {
    let dmabuf = &imported.dmabuf;
    if dmabuf.modifier() != DrmModifier::Linear {
        return Err(format!("GL runs on the CPU and reads linear buffers only, not {:?}", dmabuf.modifier()));
    }
    if !renderer.mem_formats().any(|format| format == dmabuf.format()) {
        return Err(format!("GL cannot take {:?} from memory", dmabuf.format()));
    }
    imported.mapping().map(drop).ok_or_else(|| "it cannot be mapped for the CPU".into())
}

/// A texture with the buffer's pixels as they are now. `packed` is scratch memory.
pub fn texture<R: ImportMem>(
    renderer: &mut R,
    imported: &Imported,
    packed: &mut Vec<u8>,
) -> Result<R::TextureId, String> {
    check(renderer, imported)?;
    let (dmabuf, mapping) = (&imported.dmabuf, imported.mapping().ok_or("no mapping")?);
    let plane = &dmabuf.planes()[0];
    let (offset, stride) = (plane.offset as usize, plane.stride as usize);
    let bytes_a_pixel = smithay::backend::allocator::format::get_bpp(dmabuf.format()).ok_or("unknown format")? / 8;
    let row = dmabuf.width() as usize * bytes_a_pixel;
    packed.clear();
    mapping
        .cpu_read(|bytes| {
            let rows = bytes.get(offset..).unwrap_or_default().chunks(stride).take(dmabuf.height() as usize);
            rows.filter_map(|line| line.get(..row)).for_each(|line| packed.extend_from_slice(line));
        })
        .map_err(|e| e.to_string())?;
    let size = (dmabuf.width() as i32, dmabuf.height() as i32).into();
    renderer.import_memory(packed, dmabuf.format(), size, false).map_err(|e| format!("copying a dma-buf: {e}"))
}
