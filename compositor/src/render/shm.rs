//! Textures with copies of `wl_shm` buffers. Only the damaged lines are read, with pread(2), so
//! that a file which its client truncates raises no SIGBUS.

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
            for rect in last.changed() {
                let lines = rect.loc.y as u32..(rect.loc.y + rect.size.h) as u32;
                picture.read(lines, packed, pitch, padded).map_err(failed)?;
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
