//! What vkms will say: a software model of the composer of the kernel's software display.
//!
//! Source: `drivers/gpu/drm/vkms/vkms_composer.c` and `vkms_formats.c` of Linux 7.3; the arithmetic is the same from 6.11 on for what
//! is modelled here. For each line: black with alpha 0xffff; each plane from the bottom up, its pixels widened to 16 bits a
//! channel, blended as premultiplied ones with `round((src * 0xffff + dst * (0xffff - a)) / 0xffff)`; then CRC-32 (reflected,
//! polynomial 0xedb88320, begun with 0, not inverted at the end) over the line as `{a, r, g, b}` of 16 bits, little-endian.
//!
//! Never guesses: what is not modelled (YUV, rotation, scaling, gamma, colour pipelines, a background that is not black) is refused by
//! [`ModelPlane::new`] or must not be asked for.

use crc32fast::Hasher;

use super::pixels::{self, Reader};
use crate::{Rect, SrcRect};

/// A plane as vkms sees it.
#[derive(Debug, Clone, Copy)]
pub struct ModelPlane<'a> {
    pixels: &'a [u8],
    stride: usize,
    reader: Reader,
    src: (usize, usize),
    dst: Rect,
}

/// Why a plane cannot be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmodelled {
    /// The format is not modelled.
    #[error("format {0:#010x} is not modelled")]
    Format(u32),
    /// Source and destination differ in size; vkms would refuse it.
    #[error("scaling is not modelled")]
    Scaled,
    /// The source reaches beyond the pixels.
    #[error("the source rectangle reaches beyond the pixels")]
    Bounds,
}

impl<'a> ModelPlane<'a> {
    /// A plane of `pixels` (lines of `stride` bytes in `format`, a `DRM_FORMAT_*`) of which `src` is shown at `dst`.
    pub fn new(pixels: &'a [u8], stride: u32, format: u32, src: SrcRect, dst: Rect) -> Result<Self, Unmodelled> {
        let reader = pixels::reader(format).ok_or(Unmodelled::Format(format))?;
        let whole = |size: u32| u64::from(size) << 16;
        if (u64::from(src.w), u64::from(src.h)) != (whole(dst.w), whole(dst.h)) {
            return Err(Unmodelled::Scaled);
        }
        // vkms drops the fractions of the position.
        let (x, y) = ((src.x >> 16) as usize, (src.y >> 16) as usize);
        let (w, h) = (dst.w as usize, dst.h as usize);
        if w > 0 && h > 0 {
            let line_end = (x + w).checked_mul(reader.cpp).ok_or(Unmodelled::Bounds)?;
            let last = (y + h - 1).checked_mul(stride as usize).and_then(|start| start.checked_add(line_end));
            if line_end > stride as usize || last.is_none_or(|last| last > pixels.len()) {
                return Err(Unmodelled::Bounds);
            }
        }
        Ok(Self { pixels, stride: stride as usize, reader, src: (x, y), dst })
    }

    /// The pixels that line `y` of the screen shows of this plane, and from which column on; clipped to `width` columns.
    fn line(&self, y: usize, width: usize) -> Option<(usize, &'a [u8])> {
        let row = usize::try_from(i64::try_from(y).ok()? - i64::from(self.dst.y)).ok()?;
        if row >= self.dst.h as usize {
            return None;
        }
        let left = i64::from(self.dst.x).max(0);
        let right = (i64::from(self.dst.x) + i64::from(self.dst.w)).min(width as i64);
        if right <= left {
            return None;
        }
        let skipped = (left - i64::from(self.dst.x)) as usize;
        let start = (self.src.1 + row) * self.stride + (self.src.0 + skipped) * self.reader.cpp;
        let len = (right - left) as usize * self.reader.cpp;
        Some((left as usize, &self.pixels[start..start + len]))
    }
}

/// The CRC of a frame: `planes` from the bottom up (vkms: primary, overlays, cursor), clipped to the mode.
pub fn crc(hdisplay: u32, vdisplay: u32, planes: &[ModelPlane<'_>]) -> u32 {
    Composer::default().crc(hdisplay, vdisplay, planes)
}

/// The model with its line buffer, so that a frame needs no allocation.
#[derive(Debug, Default)]
pub struct Composer {
    /// One line: `{a, r, g, b}` of each pixel, `a` in the low 16 bits.
    line: Vec<u64>,
}

impl Composer {
    /// As [`crc`].
    pub fn crc(&mut self, hdisplay: u32, vdisplay: u32, planes: &[ModelPlane<'_>]) -> u32 {
        let width = hdisplay as usize;
        self.line.resize(width, pixels::BLACK);
        // The library inverts before and after, as zlib does; the kernel does neither.
        let mut hasher = Hasher::new_with_initial(!0);
        for y in 0..vdisplay as usize {
            self.compose(y, width, planes);
            hasher.update(bytes(&mut self.line));
        }
        !hasher.finalize()
    }

    fn compose(&mut self, y: usize, width: usize, planes: &[ModelPlane<'_>]) {
        // What lies below an opaque plane as wide as the screen cannot be seen.
        let covers = |plane: &ModelPlane<'_>| {
            let line = plane.line(y, width);
            plane.reader.opaque && line.is_some_and(|(_, pixels)| pixels.len() == width * plane.reader.cpp)
        };
        let first = planes.iter().rposition(covers);
        if first.is_none() {
            self.line.fill(pixels::BLACK);
        }
        for plane in &planes[first.unwrap_or(0)..] {
            if let Some((left, pixels)) = plane.line(y, width) {
                (plane.reader.blend)(pixels, &mut self.line[left..]);
            }
        }
    }
}

/// The line as it lies in a little-endian kernel's memory.
fn bytes(line: &mut [u64]) -> &[u8] {
    if cfg!(target_endian = "big") {
        line.iter_mut().for_each(|pixel| *pixel = pixel.to_le());
    }
    bytemuck::cast_slice(line)
}

#[cfg(test)]
mod tests;
