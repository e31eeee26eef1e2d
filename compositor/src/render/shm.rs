//! Textures with copies of `wl_shm` buffers. Only the damaged lines are read, with pread(2), so
//! that a file which its client truncates raises no SIGBUS.

use std::ops::Range;

use smallvec::SmallVec;
use smithay::{backend::renderer::ImportMem, utils::Size};

use crate::{
    render::textures::{CopyFormat, LastCopy},
    surface::shm::Shm,
};

/// Updates the texture `last`, the copy of the surface's last content, or creates a new one.
/// `packed` is scratch memory. Error, for the log: the pool cannot be read, or the texture cannot
/// be written.
pub fn texture<R: ImportMem>(
    renderer: &mut R,
    last: Option<&LastCopy<'_, R::TextureId>>,
    shm: &Shm,
    packed: &mut Vec<u8>,
) -> Result<(R::TextureId, CopyFormat), String>
where
    R::TextureId: Clone,
{
    let picture = &shm.picture;
    let own = (Size::from((picture.width as i32, picture.height as i32)), picture.format);
    let failed = |errno| format!("reading a wl_shm pool: {errno}");
    // Both renderers expect lines of a multiple of four bytes.
    let pitch = picture.line_bytes().next_multiple_of(4);
    let whole = pitch * picture.height as usize;
    let padded = if picture.stride as usize == pitch { 0 } else { picture.stride as usize * picture.height as usize };
    match last.filter(|last| last.format == own) {
        Some(last) => {
            packed.resize(whole + padded, 0);
            let (packed, padded) = packed.split_at_mut(whole);
            let rects: SmallVec<[_; 8]> = last.changed().into_iter().collect();
            let lines = rects.iter().map(|rect| rect.loc.y as u32..(rect.loc.y + rect.size.h) as u32);
            for lines in joined(lines.collect()) {
                picture.read(lines, packed, pitch, padded).map_err(failed)?;
            }
            for rect in rects {
                renderer.update_memory(last.texture, packed, rect).map_err(|e| format!("writing a texture: {e}"))?;
            }
            Ok((last.texture.clone(), own))
        }
        None => {
            packed.clear();
            packed.resize(whole + padded, 0);
            let (packed, padded) = packed.split_at_mut(whole);
            picture.read(0..picture.height, packed, pitch, padded).map_err(failed)?;
            let texture = renderer.import_memory(packed, own.1, own.0, false);
            Ok((texture.map_err(|e| format!("creating a texture: {e}"))?, own))
        }
    }
}

/// The same lines, each once, in order.
fn joined(mut ranges: SmallVec<[Range<u32>; 8]>) -> SmallVec<[Range<u32>; 8]> {
    ranges.sort_unstable_by_key(|lines| lines.start);
    let mut joined: SmallVec<[Range<u32>; 8]> = SmallVec::new();
    for lines in ranges {
        match joined.last_mut() {
            Some(last) if lines.start <= last.end => last.end = last.end.max(lines.end),
            _ => joined.push(lines),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_read_once() {
        type Lines = &'static [(u32, u32)];
        let table: [(Lines, Lines); 4] = [
            (&[], &[]),
            (&[(5, 7), (0, 2)], &[(0, 2), (5, 7)]),
            (&[(0, 2160), (0, 2160), (100, 101), (7, 9)], &[(0, 2160)]),
            (&[(4, 8), (0, 4), (9, 10), (6, 9)], &[(0, 10)]),
        ];
        for (lines, expected) in table {
            let read: Vec<_> = joined(lines.iter().map(|(from, to)| *from..*to).collect())
                .into_iter()
                .map(|lines| (lines.start, lines.end))
                .collect();
            assert_eq!(read, expected, "{lines:?}");
        }
    }
}
