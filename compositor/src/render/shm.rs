//! Textures with a copy of what `wl_shm` buffers show: only the lines that have changed are read, with pread(2), so that a file which its client cuts
//! short costs nobody a signal.

use dmabuf_import::Fourcc;
use smithay::{
    backend::renderer::ImportMem,
    utils::{Buffer, Rectangle, Size},
};

use crate::surface::shm::Shm;

/// What a texture of ours is like: one of the same size and format can be written again.
pub type Own = (Size<i32, Buffer>, Fourcc);

/// Brings `texture` (of the surface's last picture, and ours) up to date, or makes a new one. `packed` is scratch memory.
pub fn texture<R: ImportMem>(
    renderer: &mut R,
    texture: Option<(&R::TextureId, Own)>,
    shm: &Shm,
    damage: &[Rectangle<i32, Buffer>],
    packed: &mut Vec<u8>,
) -> Result<(R::TextureId, Own), String>
where
    R::TextureId: Clone,
{
    let picture = &shm.picture;
    let own = (Size::from((picture.width as i32, picture.height as i32)), picture.format);
    let wrong = |errno| format!("reading a pool of wl_shm: {errno}");
    // Both renderers take lines for multiples of four bytes.
    let pitch = picture.line_bytes().next_multiple_of(4);
    let whole = pitch * picture.height as usize;
    let padded = if picture.stride as usize == pitch { 0 } else { picture.stride as usize * picture.height as usize };
    match texture.filter(|(_, of)| *of == own) {
        Some((texture, _)) => {
            packed.resize(whole + padded, 0);
            let (packed, padded) = packed.split_at_mut(whole);
            for rect in damage {
                let Some(rect) = rect.intersection(Rectangle::from_size(own.0)) else { continue };
                let lines = rect.loc.y as u32..(rect.loc.y + rect.size.h) as u32;
                picture.read(lines, packed, pitch, padded).map_err(wrong)?;
                renderer.update_memory(texture, packed, rect).map_err(|e| format!("writing a texture: {e}"))?;
            }
            Ok((texture.clone(), own))
        }
        None => {
            packed.clear();
            packed.resize(whole + padded, 0);
            let (packed, padded) = packed.split_at_mut(whole);
            picture.read(0..picture.height, packed, pitch, padded).map_err(wrong)?;
            let texture = renderer.import_memory(packed, own.1, own.0, false);
            Ok((texture.map_err(|e| format!("making a texture: {e}"))?, own))
        }
    }
}
