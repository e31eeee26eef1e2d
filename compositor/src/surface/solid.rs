//! Buffers of one pixel (`single-pixel-buffer-v1`): a colour, and no memory.
//!
//! Such a surface is a rectangle of that colour, however large its viewport makes it: it is filled,
//! never scaled, so its edges are as sharp as those of the rectangle. No plane shows it. Nothing
//! here draws.

use std::sync::atomic::{AtomicU64, Ordering};

use protocols::{alpha_modifier::Factor, single_pixel_buffer::Pixel};
use smithay::backend::renderer::Color32F;

/// A `wl_buffer` of one pixel.
#[derive(Debug)]
pub struct Solid {
    /// The id of the buffer in the trace and in reports.
    pub id: u64,
    /// Red, green, blue, alpha; premultiplied, with the eight bits that the renderers draw with.
    rgba: [u8; 4],
}

impl Solid {
    /// Wraps a new buffer.
    pub fn new(pixel: Pixel) -> Self {
        // Distinct from the ids of dma-bufs and of shared memory.
        static NEXT: AtomicU64 = AtomicU64::new((2 << 32) + 1);
        let Pixel { red, green, blue, alpha } = pixel;
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), rgba: [red, green, blue, alpha].map(byte) }
    }

    /// A colour of the session's own: red, green, blue, alpha, not premultiplied.
    pub fn of_colour([red, green, blue, alpha]: [u8; 4]) -> Self {
        let times = |channel: u8| ((u16::from(channel) * u16::from(alpha) + 127) / 255) as u8;
        let [red, green, blue, alpha] =
            [times(red), times(green), times(blue), alpha].map(|byte| u32::from(byte) * 0x0101_0101);
        Self::new(Pixel { red, green, blue, alpha })
    }

    /// Whether nothing shines through.
    pub fn is_opaque(&self) -> bool {
        self.rgba[3] == u8::MAX
    }

    /// The colour for a renderer: what all renderers draw alike.
    pub fn colour(&self, faded: Factor) -> Color32F {
        let [r, g, b, a] = self.rgba.map(|byte| (f32::from(byte) * faded.as_f32()).round() / 255.0);
        Color32F::new(r, g, b, a)
    }
}

/// The nearest of 256 steps.
fn byte(channel: u32) -> u8 {
    const STEP: u64 = u32::MAX as u64 / u8::MAX as u64;
    ((u64::from(channel) + STEP / 2) / STEP) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_the_nearest_of_256_steps() {
        for value in 0..=u8::MAX {
            assert_eq!(byte(u32::from(value) * 0x0101_0101), value);
        }
        assert_eq!([byte(0x7fff_ffff), byte(0x8000_0000)], [127, 128]);
        assert_eq!([byte(0x0080_8080), byte(0x0080_8081)], [0, 1]);
        assert_eq!([byte(u32::MAX - 0x0080_8080), byte(u32::MAX - 0x0080_8081)], [255, 254]);
    }

    #[test]
    fn a_pixel_hides_what_is_below_only_with_all_of_its_alpha() {
        let pixel = |alpha| Solid::new(Pixel { red: 0, green: 0, blue: 0, alpha });
        assert!(pixel(u32::MAX).is_opaque());
        assert!(!pixel(u32::MAX / 2).is_opaque() && !pixel(0).is_opaque());
        assert!(pixel(u32::MAX).colour(Factor::default()).is_opaque());
        assert_ne!(pixel(0).id, pixel(0).id);
    }

    #[test]
    fn a_colour_is_premultiplied() {
        let bytes =
            |colour| Solid::of_colour(colour).colour(Factor::default()).components().map(|c| (c * 255.0).round());
        assert_eq!(bytes([1, 128, 255, 255]), [1.0, 128.0, 255.0, 255.0]);
        assert_eq!(bytes([255, 128, 1, 128]), [128.0, 64.0, 1.0, 128.0]);
        assert_eq!(bytes([255, 255, 255, 0]), [0.0; 4]);
    }

    #[test]
    fn a_pixel_that_is_faded_has_whole_steps_too() {
        let white = Solid::new(Pixel { red: u32::MAX, green: u32::MAX / 255, blue: 0, alpha: u32::MAX });
        let steps = white.colour(Factor::new(1 << 30)).components().map(|part| (part * 255.0).round());
        assert_eq!(steps, [64.0, 0.0, 0.0, 64.0]);
        assert_eq!(white.colour(Factor::new(0)).components(), [0.0; 4]);
    }
}
