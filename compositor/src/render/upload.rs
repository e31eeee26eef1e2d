//! dma-bufs that the CPU reads. For GL on the CPU their rows are copied into a texture; pixman
//! reads them in place.
//!
//! Only linear formats of one plane, and only buffers whose fence has signalled. A GPU never uses
//! this path.

use drm_fourcc::DrmModifier;
use smithay::backend::renderer::ImportMem;

use crate::surface::buffer::Imported;

/// Whether [`texture`] can read the buffer; the error says why not.
pub fn check<R: ImportMem>(renderer: &R, imported: &Imported) -> Result<(), String> {
    check_format(renderer, imported)?;
    imported.mapping().map(drop).ok_or_else(|| "the CPU cannot map it".into())
}

/// Whether pixman can read the buffer in place; the error says why not. Pixman maps from the
/// plane's offset on, and expects every line to be a whole stride.
pub fn check_in_place<R: ImportMem>(renderer: &R, imported: &Imported) -> Result<(), String> {
    check_format(renderer, imported)?;
    let (dmabuf, plane) = (&imported.dmabuf, &imported.dmabuf.planes()[0]);
    let page = rustix::param::page_size();
    if !(plane.offset as usize).is_multiple_of(page) {
        return Err(format!("its pixels begin at byte {}, which is not the start of a page ({page})", plane.offset));
    }
    let mapping = imported.mapping().ok_or("the CPU cannot map it")?;
    let end = u64::from(plane.offset) + u64::from(plane.stride) * u64::from(dmabuf.height());
    match end <= mapping.len() as u64 {
        true => Ok(()),
        false => Err(format!("its last line is not a whole stride: it needs {end} bytes and has {}", mapping.len())),
    }
}

fn check_format<R: ImportMem>(renderer: &R, imported: &Imported) -> Result<(), String> {
    let dmabuf = &imported.dmabuf;
    if dmabuf.modifier() != DrmModifier::Linear || dmabuf.planes().len() != 1 {
        let (modifier, planes) = (dmabuf_import::modifiers::name(dmabuf.modifier()), dmabuf.planes().len());
        return Err(format!("the CPU reads linear buffers of one plane only, not {modifier} with {planes}"));
    }
    if !renderer.mem_formats().any(|format| format == dmabuf.format()) {
        return Err(format!("the CPU cannot read the format {:?}", dmabuf.format()));
    }
    Ok(())
}

/// A texture with a copy of the buffer's current pixels. `packed` is scratch memory.
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
