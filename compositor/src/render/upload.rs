//! dma-bufs that the CPU reads. For GL on the CPU their damaged rows are copied into a texture;
//! pixman reads them in place.
//!
//! Only linear formats of one plane, and only buffers whose fence has signalled. A GPU never uses
//! this path.

use std::ops::Range;

use drm_fourcc::DrmModifier;
use smithay::{backend::renderer::ImportMem, utils::Size};

use crate::{
    render::textures::{CopyFormat, LastCopy},
    surface::buffer::Imported,
};

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

/// Updates the texture `last`, the copy of the surface's last content, with what has changed, or
/// creates a new one. `packed` is scratch memory. Error, for the log: the buffer cannot be read, or
/// the texture cannot be written.
pub fn texture<R: ImportMem>(
    renderer: &mut R,
    last: Option<&LastCopy<'_, R::TextureId>>,
    imported: &Imported,
    packed: &mut Vec<u8>,
) -> Result<(R::TextureId, CopyFormat), String>
where
    R::TextureId: Clone,
{
    check(renderer, imported)?;
    let (dmabuf, mapping) = (&imported.dmabuf, imported.mapping().ok_or("no mapping")?);
    let plane = &dmabuf.planes()[0];
    let size = Size::from((dmabuf.width() as i32, dmabuf.height() as i32));
    let own = (size, dmabuf.format());
    let bytes_a_pixel = smithay::backend::allocator::format::get_bpp(dmabuf.format()).ok_or("unknown format")? / 8;
    let lines = Lines {
        offset: plane.offset as usize,
        stride: plane.stride as usize,
        row: dmabuf.width() as usize * bytes_a_pixel,
        height: dmabuf.height() as usize,
    };
    let read = |bytes: &[u8]| match last.filter(|last| last.format == own) {
        Some(last) => {
            for rect in last.changed() {
                let range = rect.loc.y as usize..(rect.loc.y + rect.size.h) as usize;
                let pixels = lines.packed(bytes, range, packed)?;
                renderer.update_memory(last.texture, pixels, rect).map_err(|e| format!("writing a texture: {e}"))?;
            }
            Ok((last.texture.clone(), own))
        }
        None => {
            let pixels = lines.packed(bytes, 0..lines.height, packed)?;
            let made = renderer.import_memory(pixels, own.1, own.0, false);
            made.map(|texture| (texture, own)).map_err(|e| format!("copying a dma-buf: {e}"))
        }
    };
    mapping.cpu_read(read).map_err(|e| e.to_string())?
}

/// Where the lines of an image are in memory; all in bytes.
struct Lines {
    offset: usize,
    stride: usize,
    row: usize,
    height: usize,
}

impl Lines {
    /// The image without padding between its lines, of which those in `range` are current. Lines
    /// that have no padding are not copied for it. Error, for the log: the buffer is too small.
    fn packed<'a>(&self, bytes: &'a [u8], range: Range<usize>, packed: &'a mut Vec<u8>) -> Result<&'a [u8], String> {
        // Both renderers expect lines of a multiple of four bytes.
        let pitch = self.row.next_multiple_of(4);
        let too_small = || "the buffer is smaller than its image".to_owned();
        let bytes = bytes.get(self.offset..).ok_or_else(too_small)?;
        if self.stride == pitch && bytes.len() >= pitch * self.height {
            return Ok(&bytes[..pitch * self.height]);
        }
        packed.resize(pitch * self.height, 0);
        for line in range {
            let from = bytes.get(line * self.stride..).and_then(|line| line.get(..self.row)).ok_or_else(too_small)?;
            packed[line * pitch..][..self.row].copy_from_slice(from);
        }
        Ok(packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_packed_to_a_multiple_of_four_bytes() {
        let bytes: Vec<u8> = (0..32).collect();
        let mut scratch = Vec::new();
        let padded = Lines { offset: 1, stride: 10, row: 6, height: 3 };
        let all = padded.packed(&bytes, 0..3, &mut scratch).unwrap();
        assert_eq!(all, [1, 2, 3, 4, 5, 6, 0, 0, 11, 12, 13, 14, 15, 16, 0, 0, 21, 22, 23, 24, 25, 26, 0, 0]);
        // Only the lines that are asked for are read again.
        let other = vec![99; 32];
        let some = padded.packed(&other, 1..2, &mut scratch).unwrap();
        assert_eq!((some[0], some[8], some[16]), (1, 99, 21));
        let dense = Lines { offset: 4, stride: 8, row: 8, height: 2 };
        assert_eq!(dense.packed(&bytes, 0..2, &mut Vec::new()).unwrap(), &bytes[4..20]);
        assert!(padded.packed(&bytes[..20], 0..3, &mut scratch).is_err());
    }
}
