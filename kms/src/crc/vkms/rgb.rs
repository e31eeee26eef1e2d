//! Pixels of each format, widened to 16 bits a channel and blended, as `vkms_formats.c` and
//! `vkms_composer.c` do it.
//!
//! A wide pixel is a `u64`: alpha in bits 0–15, red 16–31, green 32–47, blue 48–63, which in
//! little-endian memory is the kernel's `struct pixel_argb_u16`. Pure and without branches where a
//! format is opaque, so that the compiler vectorises it.

/// Opaque black.
pub(super) const BLACK: u64 = 0xffff;

/// How lines of a format are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    /// Bytes of a pixel.
    pub(super) cpp: usize,
    /// Whether every pixel hides what is below.
    pub(super) opaque: bool,
    /// Blends a line of pixels onto the beginning of another.
    pub(super) blend: fn(&[u8], &mut [u64]),
    /// Widens a line of pixels, alpha kept.
    pub(super) widen: fn(&[u8], &mut [u64]),
}

/// A reader of pixels of `$cpp` bytes; the closure is in each of its loops, so that they vectorise.
macro_rules! reader {
    (opaque $cpp:literal, $pixel:expr) => {
        Reader {
            cpp: $cpp,
            opaque: true,
            blend: |src, dst| copy::<$cpp>(src, dst, $pixel),
            widen: |src, dst| copy::<$cpp>(src, dst, $pixel),
        }
    };
    (alpha $cpp:literal, $pixel:expr) => {
        Reader {
            cpp: $cpp,
            opaque: false,
            blend: |src, dst| over::<$cpp>(src, dst, $pixel),
            widen: |src, dst| copy::<$cpp>(src, dst, $pixel),
        }
    };
}

/// The reader of a `DRM_FORMAT_*`.
pub(super) fn reader(format: u32) -> Option<Reader> {
    Some(match &format.to_le_bytes() {
        b"XR24" => reader!(opaque 4, |p| from_rgb(le32(p) as u64)),
        b"XB24" => reader!(opaque 4, |p| from_bgr(le32(p) as u64)),
        b"AR24" => reader!(alpha 4, |p| with_alpha(from_rgb(le32(p) as u64), p[3])),
        b"AB24" => reader!(alpha 4, |p| with_alpha(from_bgr(le32(p) as u64), p[3])),
        b"RA24" => reader!(alpha 4, |p| with_alpha(from_rgb(le32(p) as u64 >> 8), p[0])),
        b"BA24" => reader!(alpha 4, |p| with_alpha(from_bgr(le32(p) as u64 >> 8), p[0])),
        b"RG24" => reader!(opaque 3, |p| wide8(p[2], p[1], p[0])),
        b"BG24" => reader!(opaque 3, |p| wide8(p[0], p[1], p[2])),
        b"R8  " => reader!(opaque 1, |p| wide8(p[0], p[0], p[0])),
        b"RG16" => reader!(opaque 2, |p| wide565(le16(p))),
        b"BG16" => reader!(opaque 2, |p| swap(wide565(le16(p)))),
        b"XR48" => reader!(opaque 8, |p| swap(le64(p) << 16) | BLACK),
        b"XB48" => reader!(opaque 8, |p| le64(p) << 16 | BLACK),
        b"AR48" => reader!(alpha 8, |p| swap(le64(p).rotate_left(16))),
        b"AB48" => reader!(alpha 8, |p| le64(p).rotate_left(16)),
        _ => return None,
    })
}

/// Blends a line of wide pixels onto the beginning of another.
pub(super) fn blend_wide(src: &[u64], dst: &mut [u64]) {
    over::<8>(bytemuck::cast_slice(src), dst, |p| u64::from_ne_bytes(*p));
}

/// Bits of a pixel of a format with several grey pixels in a byte, first pixel in the highest bits.
pub(super) fn grey_bits(format: u32) -> Option<usize> {
    match &format.to_le_bytes() {
        b"R1  " => Some(1),
        b"R2  " => Some(2),
        b"R4  " => Some(4),
        _ => None,
    }
}

/// Widens grey pixels of `bits` bits from pixel `x` of a line on.
pub(super) fn widen_grey(line: &[u8], bits: usize, x: usize, dst: &mut [u64]) {
    let mask = (1 << bits) - 1;
    let level = 0xffff / mask;
    for (at, dst) in (x..).zip(dst) {
        let value = u64::from(line[at * bits / 8]) >> (8 - bits - at * bits % 8) & mask;
        *dst = (value * level * 0x1_0001_0001_0000) | BLACK;
    }
}

fn le16(p: &[u8; 2]) -> u64 {
    u16::from_le_bytes(*p).into()
}

fn le32(p: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*p)
}

fn le64(p: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*p)
}

/// 8-bit channels, each in the low byte of its 16 bits, times 257; alpha full.
fn widen(spread: u64) -> u64 {
    (spread | spread << 8) | BLACK
}

/// `0x..RRGGBB`.
fn from_rgb(p: u64) -> u64 {
    widen((p & 0xff_0000) | (p & 0xff00) << 24 | (p & 0xff) << 48)
}

/// `0x..BBGGRR`.
fn from_bgr(p: u64) -> u64 {
    widen((p & 0xff) << 16 | (p & 0xff00) << 24 | (p & 0xff_0000) << 32)
}

fn wide8(r: u8, g: u8, b: u8) -> u64 {
    widen(u64::from(r) << 16 | u64::from(g) << 32 | u64::from(b) << 48)
}

fn with_alpha(wide: u64, alpha: u8) -> u64 {
    (wide & !0xffff) | (u64::from(alpha) * 257)
}

/// Rounds to the nearest of 65536 steps; the kernel does the same in fixed point, and no value lies
/// near a half.
fn wide565(p: u64) -> u64 {
    let step = |value: u64, most: u64| (value * 0xffff * 2 + most) / (most * 2);
    step(p & 0x1f, 31) << 48 | step(p >> 5 & 0x3f, 63) << 32 | step(p >> 11, 31) << 16 | BLACK
}

/// Exchanges red and blue.
fn swap(wide: u64) -> u64 {
    (wide & 0x0000_ffff_0000_ffff) | (wide >> 32 & 0xffff_0000) | (wide & 0xffff_0000) << 32
}

/// An opaque line: takes the place of what was there.
#[inline(always)]
fn copy<const N: usize>(src: &[u8], dst: &mut [u64], pixel: impl Fn(&[u8; N]) -> u64) {
    for (src, dst) in src.as_chunks::<N>().0.iter().zip(dst) {
        *dst = pixel(src);
    }
}

/// A line with alpha, blended onto what was there.
#[inline(always)]
fn over<const N: usize>(src: &[u8], dst: &mut [u64], pixel: impl Fn(&[u8; N]) -> u64) {
    let src = src.as_chunks::<N>().0;
    let (blocks, rest) = src.as_chunks::<BLOCK>();
    let (dst_blocks, dst_rest) = dst.as_chunks_mut::<BLOCK>();
    let whole = blocks.len().min(dst_blocks.len());
    for (src, dst) in blocks.iter().zip(dst_blocks.iter_mut()) {
        let wide: [u64; BLOCK] = std::array::from_fn(|at| pixel(&src[at]));
        // Most blocks of real windows are wholly opaque or wholly transparent.
        let (all, any) = wide.iter().fold((!0, 0), |(all, any), wide| (all & wide, any | wide));
        if all & 0xffff == 0xffff {
            *dst = wide;
        } else if any != 0 {
            blend(&wide, dst);
        }
    }
    // Fewer pixels than a block at the end.
    let tail = if dst_blocks.len() > whole { dst_blocks[whole].as_mut_slice() } else { dst_rest };
    for (src, dst) in rest.iter().zip(tail) {
        let mut one = [*dst; BLOCK];
        blend(&[pixel(src); BLOCK], &mut one);
        *dst = one[0];
    }
}

/// Pixels that are blended together.
const BLOCK: usize = 8;

/// `pre_mul_alpha_blend`: `round((src * 0xffff + dst * (0xffff - alpha)) / 0xffff)`, wrapping as
/// the kernel's 32 bits do where a colour exceeds its alpha. Alpha becomes full.
#[inline(always)]
fn blend(src: &[u64; BLOCK], dst: &mut [u64; BLOCK]) {
    // All four channels of all pixels in one row, alpha among them: products of 16 bits are what
    // the plainest of vector units has.
    let inverse: [u64; BLOCK] = src.map(|pixel| (!pixel & 0xffff) * 0x1_0001_0001_0001);
    let (over, inverse): ([u16; 4 * BLOCK], [u16; 4 * BLOCK]) = (bytemuck::cast(*src), bytemuck::cast(inverse));
    let mut under: [u16; 4 * BLOCK] = bytemuck::cast(*dst);
    for ((under, over), inverse) in under.iter_mut().zip(over).zip(inverse) {
        let product = u32::from(*under) * u32::from(inverse);
        let over = u32::from(over);
        *under = by_ffff((over << 16).wrapping_sub(over).wrapping_add(product).wrapping_add(0x7fff));
    }
    *dst = bytemuck::cast::<_, [u64; BLOCK]>(under).map(|pixel| pixel | BLACK);
}

/// The low 16 bits of `sum / 0xffff`, without a division: with `sum = 0xffff * q + r` the high half
/// is `q`, or `q - 1` where `r < q`; either way `sum + high + 1` has `q` above bit 16. Only the
/// greatest number of all falls out.
#[inline(always)]
fn by_ffff(sum: u32) -> u16 {
    let quotient = sum.wrapping_add(sum >> 16).wrapping_add(1) >> 16;
    (quotient + u32::from(sum == u32::MAX)) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn division_at_the_edges() {
        for near in (0..=0x1_0001u64).map(|q| q * 0xffff).chain([1 << 32]) {
            for sum in near.saturating_sub(2)..=near + 2 {
                let Ok(sum) = u32::try_from(sum) else { continue };
                assert_eq!(by_ffff(sum), (sum / 0xffff) as u16, "{sum:#x}");
            }
        }
    }

    /// Where the remainder is just above or just below a half: `under * alpha` is 0x7fff or 0x8000
    /// modulo 0xffff.
    #[test]
    fn rounding_at_the_half() {
        for (under, alpha) in
            [(0x7fff, 1), (1, 0x7fff), (0x8000, 1), (1, 0x8000), (0x7ffe, 1), (0x5555, 3), (7, 0x1249)]
        {
            let pixel = |alpha: u64, channel: u64| alpha | channel << 16 | channel << 32 | channel << 48;
            let mut dst = [pixel(0xffff, under); BLOCK];
            blend(&[pixel(alpha, 0); BLOCK], &mut dst);
            let expected = (under * (0xffff - alpha) + 0xffff / 2) / 0xffff;
            assert_eq!(dst, [pixel(0xffff, expected); BLOCK], "{under:#x} under {alpha:#x}");
        }
    }

    proptest! {
        #[test]
        fn division(sum in any::<u32>()) {
            prop_assert_eq!(by_ffff(sum), (sum / 0xffff) as u16);
        }
    }
}
