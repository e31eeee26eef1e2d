//! Test images in memory that a plane can show, in any format: noise with opaque and transparent
//! pixels, and where it is wanted with translucent ones.
//!
//! The pixels stay readable, because the prediction needs them. Linear layouts only.

use std::sync::Arc;

use dmabuf_import::{Dmabuf, DmabufPlane, Fourcc, Modifier, formats};
use kms::crc::vkms::{ColourPlane, ModelBuffer};
use kms::{DumbBuffer, Framebuffer, FramebufferId};

use super::error::Error;

/// What the pixels of noise may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alpha {
    /// Anything, also colours above their alpha.
    Any,
    /// Opaque, or all zeros: what every display shows alike.
    Hard,
}

/// An image with its framebuffer on the device.
pub struct Image {
    memory: DumbBuffer,
    framebuffer: Framebuffer,
    format: Fourcc,
    size: (u32, u32),
    layout: [ColourPlane; 3],
    /// Every display that shows it unscaled sends these very values of 8 bits.
    exact: bool,
}

/// Pixels of 32 bits with eight for each colour, in either order.
const OPAQUE_8888: [Fourcc; 2] = [Fourcc::Xrgb8888, Fourcc::Xbgr8888];
const ALPHA_8888: [Fourcc; 2] = [Fourcc::Argb8888, Fourcc::Abgr8888];

impl Image {
    /// An image of zero bytes: RGB in one colour plane, or YUV with all colour planes in one
    /// buffer.
    pub fn new(device: &kms::Device, format: Fourcc, size: (u32, u32)) -> Result<Self, Error> {
        let what = || format!("an image of {}x{} {}", size.0, size.1, formats::name(format));
        let info = formats::info(format).ok_or_else(|| Error::step(what(), "unknown format"))?;
        let exact = OPAQUE_8888.contains(&format);
        if info.planes == 1 {
            let memory = device.dumb(size.0, size.1, format)?;
            let layout =
                [ColourPlane { offset: 0, stride: memory.stride() }, ColourPlane::default(), ColourPlane::default()];
            return Ok(Self { framebuffer: memory.framebuffer().clone(), memory, format, size, layout, exact });
        }
        let mut layout = [ColourPlane::default(); 3];
        let mut end = 0u32;
        for (plane, layout) in layout.iter_mut().enumerate().take(info.planes.into()) {
            let line = u32::from(info.cpp[plane]) * info.plane_width(plane, size.0);
            *layout = ColourPlane { offset: end, stride: line.next_multiple_of(64) };
            end += layout.stride * info.plane_height(plane, size.1);
        }
        let memory = device.dumb(1024, end.div_ceil(1024) + 1, Fourcc::R8)?;
        let fd = memory.export()?.planes()[0].fd.clone();
        let plane =
            |layout: &ColourPlane| DmabufPlane { fd: Arc::clone(&fd), offset: layout.offset, stride: layout.stride };
        let planes = layout[..info.planes.into()].iter().map(plane).collect();
        let dmabuf = Dmabuf::new(size.0, size.1, format, Modifier::Linear, planes)
            .map_err(|error| Error::step(what(), error))?;
        Ok(Self { framebuffer: device.framebuffer(&dmabuf, false)?, memory, format, size, layout, exact })
    }

    /// An image of noise; equal seeds give equal noise. Some blocks are all zeros or all ones, so
    /// that alpha has its extremes.
    pub fn noise(
        device: &kms::Device,
        format: Fourcc,
        size: (u32, u32),
        seed: u32,
        alpha: Alpha,
    ) -> Result<Self, Error> {
        let mut image = Self::new(device, format, size)?;
        let mut state = u64::from(seed) << 1 | 1;
        for (at, byte) in image.memory.bytes_mut().iter_mut().enumerate() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = match at / 64 % 4 {
                2 => 0,
                3 => 255,
                _ => (state >> 56) as u8,
            };
        }
        if alpha == Alpha::Hard && ALPHA_8888.contains(&format) {
            let pitch = image.memory.stride() as usize / 4;
            let (w, h) = (size.0 as usize, size.1 as usize);
            for (at, pixel) in image.memory.bytes_mut().as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let (x, y) = (at % pitch, at / pitch);
                let inside =
                    (BORDER..w.saturating_sub(BORDER)).contains(&x) && (BORDER..h.saturating_sub(BORDER)).contains(&y);
                harden(pixel, !inside);
            }
            image.exact = true;
        }
        Ok(image)
    }

    /// Whether every display that shows the image unscaled sends these very values of 8 bits:
    /// neither alpha nor fewer or more bits, nor YUV, are rounded by it.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Id of the framebuffer.
    pub fn id(&self) -> FramebufferId {
        self.framebuffer.id()
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The pixels as the vkms model takes them.
    pub fn as_model(&self) -> ModelBuffer<'_> {
        ModelBuffer { bytes: self.memory.bytes(), format: self.format as u32, layout: self.layout }
    }

    /// The lines of the first colour plane, for writing.
    pub fn lines_mut(&mut self) -> std::slice::ChunksExactMut<'_, u8> {
        let stride = self.memory.stride() as usize;
        self.memory.bytes_mut().chunks_exact_mut(stride)
    }

    /// Pixels of XRGB8888 as `0xRRGGBB`, from the top left.
    pub fn rgb(&self) -> Vec<u32> {
        let lines = self.memory.bytes().chunks_exact(self.memory.stride() as usize).take(self.size.1 as usize);
        let pixels = lines.flat_map(|line| line.as_chunks::<4>().0.iter().take(self.size.0 as usize));
        pixels.map(|pixel| u32::from_le_bytes(*pixel) & 0xff_ffff).collect()
    }
}

/// So many pixels at each edge of an image are seen whatever its alpha, because some scenes show no
/// more of it.
const BORDER: usize = 8;

/// Makes a pixel with alpha in its last byte opaque, or all zeros unless it is to be `seen`.
fn harden(pixel: &mut [u8; 4], seen: bool) {
    *pixel = match (*pixel, seen) {
        ([0, 0, 0, _], true) => [1, 2, 3, 0xff],
        ([a, b, c, _], true) | ([a, b, c, 0x80..=0xff], false) => [a, b, c, 0xff],
        _ => [0; 4],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hard_pixel_is_opaque_or_nothing() {
        let hard = |mut pixel: [u8; 4], seen| {
            harden(&mut pixel, seen);
            pixel
        };
        assert_eq!(hard([1, 2, 3, 0xff], false), [1, 2, 3, 0xff]);
        assert_eq!(hard([1, 2, 3, 0x80], false), [1, 2, 3, 0xff]);
        assert_eq!(hard([1, 2, 3, 0x7f], false), [0; 4], "a colour above its alpha is undefined");
        assert_eq!(hard([1, 2, 3, 0], false), [0; 4]);
        assert_eq!(hard([4, 5, 6, 0], true), [4, 5, 6, 0xff]);
        assert_eq!(hard([0; 4], true), [1, 2, 3, 0xff]);
    }
}
