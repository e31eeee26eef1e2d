//! The model against a slow one written from the kernel's description, value by value.

use proptest::prelude::*;

use super::*;

const XR24: u32 = u32::from_le_bytes(*b"XR24");
const AR24: u32 = u32::from_le_bytes(*b"AR24");

/// CRC-32 bit by bit, as the kernel's `crc32_le` is defined.
fn crc32_le(mut crc: u32, bytes: &[u8]) -> u32 {
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    crc
}

type Wide = [u16; 4];

/// `(a, r, g, b)` of one pixel, by the order of the letters in the format's name.
fn wide(format: &[u8; 4], pixel: &[u8]) -> Wide {
    let of = |at: usize| u16::from(pixel[at]) * 257;
    let le = |at: usize| u16::from_le_bytes([pixel[at * 2], pixel[at * 2 + 1]]);
    let part = |value: u16, most: u32| ((f64::from(value) * 65535.0 / f64::from(most)).round()) as u16;
    match format {
        b"XR24" => [0xffff, of(2), of(1), of(0)],
        b"XB24" => [0xffff, of(0), of(1), of(2)],
        b"AR24" => [of(3), of(2), of(1), of(0)],
        b"AB24" => [of(3), of(0), of(1), of(2)],
        b"RA24" => [of(0), of(3), of(2), of(1)],
        b"BA24" => [of(0), of(1), of(2), of(3)],
        b"RG24" => [0xffff, of(2), of(1), of(0)],
        b"BG24" => [0xffff, of(0), of(1), of(2)],
        b"R8  " => [0xffff, of(0), of(0), of(0)],
        b"XR48" => [0xffff, le(2), le(1), le(0)],
        b"XB48" => [0xffff, le(0), le(1), le(2)],
        b"AR48" => [le(3), le(2), le(1), le(0)],
        b"AB48" => [le(3), le(0), le(1), le(2)],
        b"RG16" => [0xffff, part(le(0) >> 11, 31), part(le(0) >> 5 & 63, 63), part(le(0) & 31, 31)],
        b"BG16" => [0xffff, part(le(0) & 31, 31), part(le(0) >> 5 & 63, 63), part(le(0) >> 11, 31)],
        _ => unreachable!(),
    }
}

const FORMATS: [(&[u8; 4], usize); 15] = [
    (b"XR24", 4),
    (b"XB24", 4),
    (b"AR24", 4),
    (b"AB24", 4),
    (b"RA24", 4),
    (b"BA24", 4),
    (b"RG24", 3),
    (b"BG24", 3),
    (b"R8  ", 1),
    (b"XR48", 8),
    (b"XB48", 8),
    (b"AR48", 8),
    (b"AB48", 8),
    (b"RG16", 2),
    (b"BG16", 2),
];

#[derive(Debug)]
struct Plane {
    format: &'static [u8; 4],
    cpp: usize,
    stride: usize,
    pixels: Vec<u8>,
    src: (u32, u32),
    dst: Rect,
}

impl Plane {
    fn model(&self) -> ModelPlane<'_> {
        let src = SrcRect::pixels(self.src.0, self.src.1, self.dst.w, self.dst.h);
        ModelPlane::new(&self.pixels, self.stride as u32, u32::from_le_bytes(*self.format), src, self.dst).unwrap()
    }
}

/// Pixel by pixel, in the kernel's order and widths.
fn slow(w: u32, h: u32, planes: &[Plane]) -> u32 {
    let mut crc = 0;
    for y in 0..h as i32 {
        let mut line: Vec<Wide> = vec![[0xffff, 0, 0, 0]; w as usize];
        for plane in planes {
            for (x, out) in line.iter_mut().enumerate() {
                let (dx, dy) = (x as i32 - plane.dst.x, y - plane.dst.y);
                if dx < 0 || dy < 0 || dx >= plane.dst.w as i32 || dy >= plane.dst.h as i32 {
                    continue;
                }
                let (sx, sy) = (plane.src.0 as usize + dx as usize, plane.src.1 as usize + dy as usize);
                let at = sy * plane.stride + sx * plane.cpp;
                let src = wide(plane.format, &plane.pixels[at..at + plane.cpp]);
                let mix = |s: u16, d: u16| {
                    let sum = u64::from(s) * 0xffff + u64::from(d) * u64::from(0xffff - src[0]);
                    (u64::from((sum as u32).wrapping_add(0xffff / 2)) / 0xffff) as u16
                };
                *out = [0xffff, mix(src[1], out[1]), mix(src[2], out[2]), mix(src[3], out[3])];
            }
        }
        let bytes: Vec<u8> = line.iter().flatten().flat_map(|channel| channel.to_le_bytes()).collect();
        crc = crc32_le(crc, &bytes);
    }
    crc
}

fn plane() -> impl Strategy<Value = Plane> {
    let place = (-8i32..24, -8i32..24, 1u32..20, 1u32..20);
    let source = (0usize..FORMATS.len(), 0u32..5, 0u32..5, 0u32..5, 0usize..9);
    (source, place, any::<u64>()).prop_map(|((format, sx, sy, extra, pad), (x, y, w, h), seed)| {
        let (format, cpp) = FORMATS[format];
        let size = (sx + w + extra, sy + h + extra);
        let stride = size.0 as usize * cpp + pad;
        let mut state = seed | 1;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Extremes are as frequent as all the rest: opaque, transparent, full.
            match state >> 60 {
                0..4 => 0,
                4..8 => 255,
                _ => (state >> 40) as u8,
            }
        };
        let pixels = (0..stride * size.1 as usize).map(|_| byte()).collect();
        Plane { format, cpp, stride, pixels, src: (sx, sy), dst: Rect::new(x, y, w, h) }
    })
}

proptest! {
    #[test]
    fn same_as_the_slow_model(w in 1u32..24, h in 1u32..24, planes in prop::collection::vec(plane(), 0..4)) {
        let models: Vec<_> = planes.iter().map(Plane::model).collect();
        prop_assert_eq!(crc(w, h, &models), slow(w, h, &planes));
    }

    #[test]
    fn one_bit_makes_a_difference(mut plane in plane(), bit in 0u32..8) {
        (plane.dst.x, plane.dst.y) = (plane.dst.x.abs(), plane.dst.y.abs());
        let (w, h) = (plane.dst.x as u32 + 1, plane.dst.y as u32 + 1);
        let at = plane.src.1 as usize * plane.stride + plane.src.0 as usize * plane.cpp;
        // The first byte of every format is a colour, but where that is alpha or transparent it
        // need not be seen.
        match plane.cpp {
            4 => plane.format = b"XR24",
            8 => plane.format = b"XB48",
            _ => {}
        }
        let before = crc(w, h, &[plane.model()]);
        plane.pixels[at] ^= 1 << bit;
        prop_assert_ne!(crc(w, h, &[plane.model()]), before);
    }
}

#[test]
fn all_565_values() {
    let pixels: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    for format in [b"RG16", b"BG16"] {
        let make = || Plane {
            format,
            cpp: 2,
            stride: 512,
            pixels: pixels.clone(),
            src: (0, 0),
            dst: Rect::new(0, 0, 256, 256),
        };
        assert_eq!(crc(256, 256, &[make().model()]), slow(256, 256, &[make()]));
    }
}

/// Read from vkms of Linux 7.3 showing a black 1024x768 image (see `tests/lab_crc.rs`).
#[test]
fn an_empty_screen_is_a_known_number() {
    let line: Vec<u8> = [0xff, 0xff, 0, 0, 0, 0, 0, 0].repeat(1024);
    let expected = (0..768).fold(0, |crc, _| crc32_le(crc, &line));
    assert_eq!(crc(1024, 768, &[]), expected);
}

#[test]
fn what_is_not_modelled_is_refused() {
    let pixels = [0; 64];
    let full = |w, h| SrcRect::full(w, h);
    let new = |stride, format, src, dst| ModelPlane::new(&pixels, stride, format, src, dst).map(drop);
    let nv15 = u32::from_le_bytes(*b"NV15");
    assert_eq!(new(16, nv15, full(4, 4), Rect::new(0, 0, 4, 4)), Err(Unmodelled::Format(nv15)));
    assert_eq!(new(16, XR24, full(4, 4), Rect::new(0, 0, 5, 4)), Err(Unmodelled::Scaled));
    assert_eq!(new(16, XR24, full(4, 5), Rect::new(0, 0, 4, 5)), Err(Unmodelled::Bounds));
    assert_eq!(new(16, AR24, full(5, 1), Rect::new(0, 0, 5, 1)), Err(Unmodelled::Bounds));
    assert_eq!(new(16, XR24, SrcRect::pixels(1, 0, 4, 4), Rect::new(0, 0, 4, 4)), Err(Unmodelled::Bounds));
    assert_eq!(new(16, XR24, full(4, 4), Rect::new(-100, 9, 4, 4)), Ok(()));
}

const EVERY: [&[u8; 4]; 12] =
    [b"XR24", b"AR24", b"RG24", b"RG16", b"R8  ", b"AB48", b"NV12", b"NV61", b"P010", b"YU12", b"YV16", b"YU24"];

/// An image in one buffer: bits of a pixel of each colour plane, subsampling.
fn picture(format: &[u8; 4], seed: u32, (w, h): (u32, u32)) -> (Vec<u8>, [ColourPlane; 3]) {
    let planes: &[(u32, u32, u32)] = match format {
        b"RG24" => &[(3, 1, 1)],
        b"RG16" => &[(2, 1, 1)],
        b"R8  " => &[(1, 1, 1)],
        b"AB48" => &[(8, 1, 1)],
        b"NV12" => &[(1, 1, 1), (2, 2, 2)],
        b"NV61" => &[(1, 1, 1), (2, 2, 1)],
        b"P010" => &[(2, 1, 1), (4, 2, 2)],
        b"YU12" => &[(1, 1, 1), (1, 2, 2), (1, 2, 2)],
        b"YV16" => &[(1, 1, 1), (1, 2, 1), (1, 2, 1)],
        b"YU24" => &[(1, 1, 1); 3],
        _ => &[(4, 1, 1)],
    };
    let (mut layout, mut end) = ([ColourPlane::default(); 3], 0);
    for (to, (cpp, x, y)) in layout.iter_mut().zip(planes) {
        *to = ColourPlane { offset: end, stride: w.div_ceil(*x) * cpp + 3 };
        end += to.stride * h.div_ceil(*y);
    }
    let mut state = u64::from(seed);
    let bytes = (0..end).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    (bytes.collect(), layout)
}

/// The pixels of a plane as wide ones, line by line, by showing it alone.
fn seen(plane: &ModelPlane<'_>, (w, h): (u32, u32)) -> Vec<Vec<u64>> {
    let mut lines = Vec::new();
    let planes = [*plane];
    let scene = Scene { width: w, height: h, planes: &planes, ..Scene::default() };
    Composer::default().picture(&scene, |_, line| lines.push(line.to_vec()));
    lines
}

proptest! {
    /// A rotated plane shows the pixels of the unrotated one, elsewhere.
    #[test]
    fn turning_moves_pixels(
        format in prop::sample::select(&EVERY[..]), seed in any::<u32>(), turn in 0u8..16,
        (w, h) in (1u32..12, 1u32..12), (sx, sy) in (0u32..4, 0u32..4),
    ) {
        let (bytes, layout) = picture(format, seed, (16, 16));
        let picture = ModelBuffer { bytes: &bytes, format: u32::from_le_bytes(*format), layout };
        let src = SrcRect::pixels(sx, sy, w, h);
        let plain = ModelPlane::of(&picture, src, Rect::new(0, 0, w, h), &ModelOptions::default()).unwrap();
        let plain = seen(&plain, (w, h));
        let turn = ModelRotation { quarters: turn & 3, reflect_x: turn & 4 != 0, reflect_y: turn & 8 != 0 };
        let (tw, th) = if turn.swaps() { (h, w) } else { (w, h) };
        let look = ModelOptions { turn, ..ModelOptions::default() };
        let turned = ModelPlane::of(&picture, src, Rect::new(0, 0, tw, th), &look).unwrap();
        for (y, line) in seen(&turned, (tw, th)).iter().enumerate() {
            for (x, pixel) in line.iter().enumerate() {
                let (from_x, from_y) = turn.source(w as isize, h as isize, x as isize, y as isize);
                prop_assert_eq!(*pixel, plain[from_y as usize][from_x as usize]);
            }
        }
    }

    /// An image that is cut off by the buffer, or by nonsense, is refused and never read.
    #[test]
    fn no_layout_panics(
        format in prop::sample::select(&EVERY[..]), len in 0usize..600, offsets in any::<[u16; 3]>(),
        strides in prop::array::uniform3(0u32..40), (x, y, w, h) in any::<(u16, u16, u8, u8)>(), turn in 0u8..16, quiet in any::<bool>(),
    ) {
        let bytes = vec![0; len];
        let at = |plane: usize| ColourPlane { offset: u32::from(offsets[plane]) >> if quiet { 9 } else { 0 }, stride: strides[plane] };
        let layout = [at(0), at(1), at(2)];
        let picture = ModelBuffer { bytes: &bytes, format: u32::from_le_bytes(*format), layout };
        let turn = ModelRotation { quarters: turn & 3, reflect_x: turn & 4 != 0, reflect_y: turn & 8 != 0 };
        let (w, h) = if quiet { (u32::from(w) & 7, u32::from(h) & 7) } else { (w.into(), h.into()) };
        let (x, y) = if quiet { (u32::from(x) & 3, u32::from(y) & 3) } else { (x.into(), y.into()) };
        let (tw, th) = if turn.swaps() { (h, w) } else { (w, h) };
        let look = ModelOptions { turn, ..ModelOptions::default() };
        if let Ok(plane) = ModelPlane::of(&picture, SrcRect::pixels(x, y, w, h), Rect::new(-1, -1, tw, th), &look) {
            crc(40, 40, &[plane]);
        }
    }
}

/// What is black and what is white (as `vkms_format_test.c` of the kernel has them, within its
/// rounding), in every encoding and range.
#[test]
fn black_and_white_of_yuv() {
    for encoding in [Encoding::Bt601, Encoding::Bt709, Encoding::Bt2020] {
        for (range, black, white) in [(Range::Full, 0, 255), (Range::Limited, 16, 235)] {
            let bytes = [black, white, 128, 128];
            let line = ColourPlane { offset: 0, stride: 2 };
            let layout = [line, ColourPlane { offset: 2, stride: 2 }, ColourPlane::default()];
            let picture = ModelBuffer { bytes: &bytes, format: u32::from_le_bytes(*b"NV12"), layout };
            let look = ModelOptions { encoding, range, ..ModelOptions::default() };
            let plane = ModelPlane::of(&picture, SrcRect::full(2, 1), Rect::new(0, 0, 2, 1), &look).unwrap();
            assert_eq!(seen(&plane, (2, 1))[0], [0xffff, !0], "{encoding:?} {range:?}");
        }
    }
}

#[test]
fn releases() {
    for (text, known) in
        [("6.11", true), ("7.3.4-1+lab", true), ("6.10.9", false), ("5.15.0-91-generic", false), ("x", false)]
    {
        assert_eq!(release(text).is_ok(), known, "{text}");
    }
    assert_eq!(release("6.1.0").unwrap_err().to_string(), "vkms of Linux 6.1 is not modelled (6.11 and later are)");
}

#[test]
fn turned_bitmaps_are_refused() {
    let bytes = [0; 64];
    let picture = ModelBuffer::packed(&bytes, 8, u32::from_le_bytes(*b"R1  "));
    let look = |quarters| ModelOptions {
        turn: ModelRotation { quarters, ..ModelRotation::default() },
        ..ModelOptions::default()
    };
    let new =
        |quarters| ModelPlane::of(&picture, SrcRect::full(8, 8), Rect::new(0, 0, 8, 8), &look(quarters)).map(drop);
    assert_eq!((new(2), new(1)), (Ok(()), Err(Unmodelled::TurnedBits)));
}
