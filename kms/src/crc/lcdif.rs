//! What the LCDIF of i.MX28, i.MX6SX and i.MX8M Mini/Nano will say (`drivers/gpu/drm/mxsfb`): a
//! CRC-32 over the frame as it leaves for the display.
//!
//! Source: the commit that brought it, "drm: mxsfb: Implement LCDIF scanout CRC32 support" (Linux
//! 5.19), found out by trial on 8 × 2 pixels: polynomial 0xedb88320, begun with 0xffffffff, over
//! the frame's 32-bit words with their bits reversed, the result's bits reversed too. That is
//! CRC-32/MPEG-2 over each word from its highest byte on. It has never been tried on hardware here:
//! hold it against a reference before you trust it.
//!
//! Of a frame of XRGB8888 that is shown unscaled on one plane; overlays, other formats and narrower
//! buses are not modelled.

use crc32fast::Hasher;

/// The CRC of `width` × `height` pixels of XRGB8888 in lines of `stride` bytes. `None` if there are
/// fewer.
pub fn crc(width: u32, height: u32, pixels: &[u8], stride: u32) -> Option<u32> {
    let (line, stride) = (width as usize * 4, stride as usize);
    if line > stride {
        return None;
    }
    // The library inverts before and after, as zlib does: it begins with 0xffffffff for 0.
    let mut hasher = Hasher::new();
    let mut reversed = [0; 1024];
    for y in 0..height as usize {
        let mut words = pixels.get(y * stride..)?.get(..line)?;
        while !words.is_empty() {
            let (now, rest) = words.split_at(words.len().min(reversed.len()));
            reverse(now, &mut reversed);
            hasher.update(&reversed[..now.len()]);
            words = rest;
        }
    }
    Some((!hasher.finalize()).reverse_bits())
}

/// Reverses the bits of each word of four bytes.
fn reverse(words: &[u8], reversed: &mut [u8]) {
    for (to, word) in reversed.as_chunks_mut::<4>().0.iter_mut().zip(words.as_chunks::<4>().0) {
        *to = u32::from_le_bytes(*word).reverse_bits().to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// CRC-32/MPEG-2, bit by bit: polynomial 0x04c11db7, highest bit first.
    fn mpeg2(bytes: impl Iterator<Item = u8>) -> u32 {
        bytes.fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(byte) << 24, |crc: u32, _| {
                crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
            })
        })
    }

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(mpeg2(b"123456789".iter().copied()), 0x0376_e6e7);
        // Eight pixels of one value, two lines: the smallest frame.
        let pixels = [0x33, 0x22, 0x11, 0].repeat(16);
        assert_eq!(crc(8, 2, &pixels, 32), Some(mpeg2([0, 0x11, 0x22, 0x33].repeat(16).into_iter())));
    }

    #[test]
    fn too_few_pixels() {
        let pixels = [0; 64];
        assert_eq!((crc(8, 2, &pixels, 31), crc(8, 3, &pixels, 32)), (None, None));
        assert!(crc(8, 2, &pixels, 32).is_some());
    }

    proptest! {
        #[test]
        fn same_as_bit_by_bit(w in 1u32..300, h in 1u32..4, pad in 0u32..9, seed in any::<u32>()) {
            let stride = w * 4 + pad;
            let pixels: Vec<u8> = (0..stride * h).map(|at| (at.wrapping_mul(seed | 1) >> 13) as u8).collect();
            let words = (0..h).flat_map(|y| (0..w * 4).map(move |x| y * stride + (x & !3) + 3 - x % 4));
            prop_assert_eq!(crc(w, h, &pixels, stride), Some(mpeg2(words.map(|at| pixels[at as usize]))));
        }
    }
}
