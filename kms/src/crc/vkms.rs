//! What vkms will say: a software model of the composer of the kernel's software display.
//!
//! Source: `drivers/gpu/drm/vkms/vkms_composer.c`, `vkms_formats.c` and `vkms_plane.c` of Linux
//! 7.3. For each line: the background with alpha 0xffff; each plane from the bottom up, its pixels
//! widened to 16 bits a channel, run through its colour pipeline, blended as premultiplied ones
//! with `round((src * 0xffff + dst * (0xffff - a)) / 0xffff)`; the gamma LUT; then CRC-32
//! (reflected, polynomial 0xedb88320, begun with 0, not inverted at the end) over the line as `{a,
//! r, g, b}` of 16 bits, little-endian.
//!
//! Which kernels: [`release`] knows. What a kernel does not have (YUV before 6.16, colour pipelines
//! before 6.19, …) it does not offer, so a scene that could be committed is modelled. Never
//! guesses: what is not modelled is refused by [`ModelPlane::of`].

mod colour;
mod composer;
mod fixed;
mod geometry;
mod rgb;
mod yuv;

pub use colour::{ColorOp, Gamma, MAX_LUT};
pub use composer::{Composer, Scene, crc, release, xrgb8888};
pub use geometry::ModelRotation;
pub use yuv::{Encoding, Range};

use geometry::Walk;
use rgb::Reader;
use yuv::{Matrix, Yuv};

use crate::{Rect, SrcRect};

/// Where one colour plane of an image lies, as `DRM_IOCTL_MODE_ADDFB2` was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColourPlane {
    /// Bytes before its first line.
    pub offset: u32,
    /// Bytes from line to line.
    pub stride: u32,
}

/// An image in memory: one buffer for all colour planes, since vkms reads all of them from the
/// first one.
#[derive(Debug, Clone, Copy)]
pub struct ModelBuffer<'a> {
    /// The whole buffer.
    pub bytes: &'a [u8],
    /// `DRM_FORMAT_*`.
    pub format: u32,
    /// Its colour planes; those that the format has not are not looked at.
    pub layout: [ColourPlane; 3],
}

impl<'a> ModelBuffer<'a> {
    /// An image of one colour plane that begins with the buffer.
    pub fn packed(bytes: &'a [u8], stride: u32, format: u32) -> Self {
        Self {
            bytes,
            format,
            layout: [ColourPlane { offset: 0, stride }, ColourPlane::default(), ColourPlane::default()],
        }
    }
}

/// How a plane shows its image. The default is what a plane begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelOptions<'a> {
    /// `rotation`.
    pub turn: ModelRotation,
    /// `COLOR_ENCODING`; of YUV only.
    pub encoding: Encoding,
    /// `COLOR_RANGE`; of YUV only.
    pub range: Range,
    /// The steps of `COLOR_PIPELINE` that are not bypassed, in order.
    pub pipeline: &'a [ColorOp],
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
    /// R1, R2 and R4 rotated by a quarter turn: Linux 7.3 steps by as many lines as a byte has
    /// pixels, and reads beyond the buffer.
    #[error("bitmaps rotated by a quarter turn are not modelled: vkms reads beyond them")]
    TurnedBits,
    /// The kernel's arithmetic is another one.
    #[error("vkms of Linux {0}.{1} is not modelled (6.11 and later are)")]
    Kernel(u32, u32),
}

/// How pixels are read.
#[derive(Debug, Clone, Copy)]
enum Pixels {
    Rgb(Reader),
    Grey(usize),
    Yuv(Yuv, &'static Matrix),
}

/// A plane as vkms sees it.
#[derive(Debug, Clone, Copy)]
pub struct ModelPlane<'a> {
    planes: [yuv::Plane<'a>; 3],
    pixels: Pixels,
    src: (isize, isize),
    size: (isize, isize),
    dst: Rect,
    turn: ModelRotation,
    pipeline: &'a [ColorOp],
}

impl<'a> ModelPlane<'a> {
    /// A plane of `pixels` (lines of `stride` bytes in `format`, a `DRM_FORMAT_*`) of which `src`
    /// is shown at `dst` as it is.
    pub fn new(pixels: &'a [u8], stride: u32, format: u32, src: SrcRect, dst: Rect) -> Result<Self, Unmodelled> {
        Self::of(&ModelBuffer::packed(pixels, stride, format), src, dst, &ModelOptions::default())
    }

    /// A plane of which `src` is shown at `dst`, which is as large, or with width and height
    /// exchanged where it is rotated by a quarter turn.
    pub fn of(picture: &ModelBuffer<'a>, src: SrcRect, dst: Rect, look: &ModelOptions<'a>) -> Result<Self, Unmodelled> {
        let (w, h) = if look.turn.swaps() { (dst.h, dst.w) } else { (dst.w, dst.h) };
        let whole = |size: u32| u64::from(size) << 16;
        if (u64::from(src.w), u64::from(src.h)) != (whole(w), whole(h)) {
            return Err(Unmodelled::Scaled);
        }
        let format = picture.format;
        let pixels = match (rgb::reader(format), rgb::grey_bits(format), yuv::yuv(format)) {
            (Some(reader), ..) => Pixels::Rgb(reader),
            (_, Some(_), _) if look.turn.swaps() => return Err(Unmodelled::TurnedBits),
            (_, Some(bits), _) => Pixels::Grey(bits),
            (.., Some(yuv)) => Pixels::Yuv(yuv, Matrix::of(look.encoding, look.range)),
            _ => return Err(Unmodelled::Format(format)),
        };
        // vkms drops the fractions of the position.
        let (x, y) = ((src.x >> 16) as usize, (src.y >> 16) as usize);
        let mut plane = Self {
            planes: [(&[], 0); 3],
            pixels,
            src: (x as isize, y as isize),
            size: (w as isize, h as isize),
            dst,
            turn: look.turn,
            pipeline: look.pipeline,
        };
        if w > 0 && h > 0 {
            plane.find(picture, (x + w as usize, y + h as usize)).ok_or(Unmodelled::Bounds)?;
        }
        Ok(plane)
    }

    /// Finds the colour planes, so that pixels up to the one before `end` are within the buffer.
    fn find(&mut self, picture: &ModelBuffer<'a>, end: (usize, usize)) -> Option<()> {
        let (parts, count) = match &self.pixels {
            // Bits, bytes: pixels in eighths of a byte.
            Pixels::Rgb(reader) => ([(0, reader.cpp * 8, (1, 1)); 3], 1),
            Pixels::Grey(bits) => ([(0, *bits, (1, 1)); 3], 1),
            Pixels::Yuv(yuv, _) => (yuv.components.map(|part| (part.plane, part.cpp * 8, part.sub)), 3),
        };
        for (plane, bits, sub) in parts.into_iter().take(count) {
            let ColourPlane { offset, stride } = picture.layout[plane];
            // The kernel adds the first offset twice: to the mapping, and with each colour plane's
            // own.
            let start = (offset as usize).checked_add(picture.layout[0].offset as usize)?;
            let bytes = picture.bytes.get(start..)?;
            let line_end = end.0.div_ceil(sub.0).checked_mul(bits)?.div_ceil(8);
            let last = (end.1.div_ceil(sub.1) - 1).checked_mul(stride as usize)?.checked_add(line_end)?;
            if line_end > stride as usize || last > bytes.len() {
                return None;
            }
            self.planes[plane] = (bytes, stride as usize);
        }
        Some(())
    }

    /// The pixels that line `y` of the screen shows of this plane, and from which column on;
    /// clipped to `width` columns.
    fn line(&self, y: usize, width: usize) -> Option<(usize, Walk)> {
        let row = usize::try_from(i64::try_from(y).ok()? - i64::from(self.dst.y)).ok()?;
        if row >= self.dst.h as usize {
            return None;
        }
        let left = i64::from(self.dst.x).max(0);
        let right = (i64::from(self.dst.x) + i64::from(self.dst.w)).min(width as i64);
        if right <= left {
            return None;
        }
        let skipped = (left - i64::from(self.dst.x)) as isize;
        let source = |x| self.turn.source(self.size.0, self.size.1, x, row as isize);
        let ((x, y), next) = (source(skipped), source(skipped + 1));
        let (dx, dy) = (next.0 - x, next.1 - y);
        let walk = Walk { x: self.src.0 + x, y: self.src.1 + y, dx, dy, count: (right - left) as usize };
        Some((left as usize, walk))
    }

    /// Whether it hides all that is below it in line `y`.
    fn covers(&self, y: usize, width: usize) -> bool {
        let opaque = match &self.pixels {
            Pixels::Rgb(reader) => reader.opaque,
            Pixels::Grey(_) | Pixels::Yuv(..) => true,
        };
        opaque && self.line(y, width).is_some_and(|(_, walk)| walk.count == width)
    }
}

#[cfg(test)]
mod tests;
