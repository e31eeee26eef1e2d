//! YUV as vkms converts it (`argb_u16_from_yuv161616` in `vkms_formats.c`): 32.32 fixed point over
//! channels of 16 bits, the nearest chroma sample, clamped.

use std::sync::OnceLock;

use super::fixed::{Factor, HALF};
use super::geometry::Walk;

/// The plane property `COLOR_ENCODING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// `ITU-R BT.601 YCbCr`, where vkms begins.
    #[default]
    Bt601,
    /// `ITU-R BT.709 YCbCr`.
    Bt709,
    /// `ITU-R BT.2020 YCbCr`.
    Bt2020,
}

/// The plane property `COLOR_RANGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Range {
    /// `YCbCr full range`, where vkms begins.
    #[default]
    Full,
    /// `YCbCr limited range`.
    Limited,
}

/// One component in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    /// The colour plane it is in.
    pub(super) plane: usize,
    /// Bytes from pixel to pixel of that plane.
    pub(super) cpp: usize,
    /// Byte of the pixel where it begins.
    at: usize,
    /// Pixels that share a sample, across and down.
    pub(super) sub: (usize, usize),
}

/// A format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Yuv {
    /// Y, U, V.
    pub(super) components: [Component; 3],
    /// Two bytes a component.
    deep: bool,
}

/// The YUV format with this code.
pub(super) fn yuv(format: u32) -> Option<Yuv> {
    // Chroma together or apart, subsampling, V first, two bytes.
    let (together, sub, swapped, deep) = match &format.to_le_bytes() {
        b"NV12" => (true, (2, 2), false, false),
        b"NV21" => (true, (2, 2), true, false),
        b"NV16" => (true, (2, 1), false, false),
        b"NV61" => (true, (2, 1), true, false),
        b"NV24" => (true, (1, 1), false, false),
        b"NV42" => (true, (1, 1), true, false),
        b"P010" | b"P012" | b"P016" => (true, (2, 2), false, true),
        b"YU12" => (false, (2, 2), false, false),
        b"YV12" => (false, (2, 2), true, false),
        b"YU16" => (false, (2, 1), false, false),
        b"YV16" => (false, (2, 1), true, false),
        b"YU24" => (false, (1, 1), false, false),
        b"YV24" => (false, (1, 1), true, false),
        _ => return None,
    };
    let bytes = if deep { 2 } else { 1 };
    let chroma = |number| match together {
        true => Component { plane: 1, cpp: 2 * bytes, at: number * bytes, sub },
        false => Component { plane: 1 + number, cpp: bytes, at: 0, sub },
    };
    let luma = Component { plane: 0, cpp: bytes, at: 0, sub: (1, 1) };
    let (u, v) = if swapped { (1, 0) } else { (0, 1) };
    Some(Yuv { components: [luma, chroma(u), chroma(v)], deep })
}

/// Memory of a component: bytes of its colour plane from the first pixel on, bytes from line to
/// line.
pub(super) type Plane<'a> = (&'a [u8], usize);

/// Y, U and V of the pixels on a way. Bytes as they are, or two of them.
pub(super) type Lines = [Vec<u16>; 3];

impl Yuv {
    /// Collects the samples on `walk`, and converts them.
    pub(super) fn widen(
        &self,
        planes: &[Plane<'_>; 3],
        walk: Walk,
        matrix: &Matrix,
        lines: &mut Lines,
        dst: &mut [u64],
    ) {
        for (component, line) in self.components.iter().zip(&mut *lines) {
            line.resize(walk.count, 0);
            let plane = planes[component.plane];
            component.gather(plane, walk, self.deep, line);
        }
        let [y, u, v] = lines;
        match self.deep {
            true => in_blocks([y, u, v], dst, |y, u, v| matrix.convert(y, u, v)),
            false => in_blocks([y, u, v], dst, |y, u, v| matrix.bytes.convert(y as u8, u as u8, v as u8)),
        }
    }
}

/// Pixels that are converted together.
const BLOCK: usize = 16;

/// Converts samples to red, green and blue by `convert`, then brings them into range: in blocks, so
/// that the second step, whose branches could not be predict, vectorises.
#[inline(always)]
fn in_blocks([y, u, v]: [&[u16]; 3], dst: &mut [u64], convert: impl Fn(u16, u16, u16) -> [i32; 3]) {
    let samples = y.chunks(BLOCK).zip(u.chunks(BLOCK)).zip(v.chunks(BLOCK));
    let mut block = [[0; BLOCK]; 3];
    for (((y, u), v), dst) in samples.zip(dst.chunks_mut(BLOCK)) {
        for (at, ((&y, &u), &v)) in y.iter().zip(u).zip(v).enumerate().take(BLOCK) {
            let [red, green, blue] = convert(y, u, v);
            (block[0][at], block[1][at], block[2][at]) = (red, green, blue);
        }
        for channel in &mut block {
            channel.iter_mut().for_each(|value| *value = (*value).clamp(0, 0xffff));
        }
        for (at, dst) in dst.iter_mut().enumerate().take(BLOCK) {
            let channel = |number: usize| block[number][at] as u64;
            *dst = channel(2) << 48 | channel(1) << 32 | channel(0) << 16 | super::rgb::BLACK;
        }
    }
}

impl Component {
    fn gather(&self, plane: Plane<'_>, walk: Walk, deep: bool, line: &mut [u16]) {
        // Bytes of a pixel and of a sample, and where that begins, known to the compiler: the loops
        // are tight then.
        match (self.cpp, deep, self.at) {
            (1, ..) => self.samples::<1, 1, 0>(plane, walk, line),
            (2, false, 0) => self.samples::<2, 1, 0>(plane, walk, line),
            (2, false, _) => self.samples::<2, 1, 1>(plane, walk, line),
            (2, true, _) => self.samples::<2, 2, 0>(plane, walk, line),
            (.., 0) => self.samples::<4, 2, 0>(plane, walk, line),
            _ => self.samples::<4, 2, 2>(plane, walk, line),
        }
    }

    fn samples<const CPP: usize, const SIZE: usize, const AT: usize>(
        &self,
        (bytes, stride): Plane<'_>,
        walk: Walk,
        line: &mut [u16],
    ) {
        let read = |pixel: &[u8; CPP]| match SIZE {
            1 => pixel[AT].into(),
            _ => u16::from_le_bytes([pixel[AT], pixel[AT + 1]]),
        };
        let start = |(x, y): (usize, usize)| y / self.sub.1 * stride + x / self.sub.0 * CPP;
        if !walk.forward() {
            for (number, to) in line.iter_mut().enumerate() {
                let pixel = bytes.get(start(walk.place(number))..).and_then(|rest| rest.first_chunk());
                *to = pixel.map_or(0, read);
            }
            return;
        }
        let place = walk.place(0);
        let mut pixels = bytes[start(place)..].as_chunks::<CPP>().0.iter();
        if self.sub.0 == 1 {
            line.iter_mut().zip(pixels).for_each(|(to, pixel)| *to = read(pixel));
            return;
        }
        let (first, rest) = line.split_at_mut(place.0 % 2);
        if let [first] = first {
            *first = pixels.next().map_or(0, read);
        }
        let (pairs, last) = rest.as_chunks_mut::<2>();
        pairs.iter_mut().zip(&mut pixels).for_each(|(pair, pixel)| *pair = [read(pixel); 2]);
        if let [last] = last {
            *last = pixels.next().map_or(0, read);
        }
    }
}

/// A conversion, ready for use.
#[derive(Debug)]
pub(super) struct Matrix {
    offset: i32,
    y: Factor,
    red_v: Factor,
    green_u: Factor,
    green_v: Factor,
    blue_u: Factor,
    bytes: Bytes,
}

/// The products for components of one byte; light with the half that rounds.
#[derive(Debug)]
struct Bytes {
    y: [i64; 256],
    red_v: [i64; 256],
    green_u: [i64; 256],
    green_v: [i64; 256],
    blue_u: [i64; 256],
}

impl Matrix {
    /// The one for an encoding and a range; made at the first call, once.
    pub(super) fn of(encoding: Encoding, range: Range) -> &'static Self {
        static MADE: [OnceLock<Box<Matrix>>; 6] = [const { OnceLock::new() }; 6];
        // y, then v for red, u and v for green, u for blue; zero in the kernel's other places.
        let (place, y, red_v, green_u, green_v, blue_u) = match (encoding, range) {
            (Encoding::Bt601, Range::Full) => (0, 4294967296, 6021544149, -1478054095, -3067191994, 7610682049),
            (Encoding::Bt601, Range::Limited) => (1, 5020601039, 6881764740, -1689204679, -3505362278, 8697922339),
            (Encoding::Bt709, Range::Full) => (2, 4294967296, 6763714498, -804551626, -2010578443, 7969741314),
            (Encoding::Bt709, Range::Limited) => (3, 5020601039, 7729959424, -919487572, -2297803934, 9108275786),
            (Encoding::Bt2020, Range::Full) => (4, 4294967296, 6333358775, -706750298, -2453942994, 8080551471),
            (Encoding::Bt2020, Range::Limited) => (5, 5020601039, 7238124312, -807714626, -2804506279, 9234915964),
        };
        let offset = if range == Range::Limited { 16 * 257 } else { 0 };
        MADE[place].get_or_init(|| {
            let factors = [y, red_v, green_u, green_v, blue_u].map(Factor::new);
            let table = |factor: usize, offset: i32| {
                std::array::from_fn(|byte| factors[factor].times(byte as i32 * 257 - offset))
            };
            let middle = 128 * 257;
            let bytes = Bytes {
                y: table(0, offset).map(|product| product + HALF),
                red_v: table(1, middle),
                green_u: table(2, middle),
                green_v: table(3, middle),
                blue_u: table(4, middle),
            };
            let [y, red_v, green_u, green_v, blue_u] = factors;
            Box::new(Self { offset, y, red_v, green_u, green_v, blue_u, bytes })
        })
    }

    #[inline(always)]
    fn convert(&self, y: u16, u: u16, v: u16) -> [i32; 3] {
        let (y, u, v) = (i32::from(y) - self.offset, i32::from(u) - 128 * 257, i32::from(v) - 128 * 257);
        let light = self.y.times(y) + HALF;
        let green = self.green_u.times(u) + self.green_v.times(v);
        [light + self.red_v.times(v), light + green, light + self.blue_u.times(u)].map(whole)
    }
}

impl Bytes {
    #[inline(always)]
    fn convert(&self, y: u8, u: u8, v: u8) -> [i32; 3] {
        let (light, u, v) = (self.y[usize::from(y)], usize::from(u), usize::from(v));
        [light + self.red_v[v], light + self.green_u[u] + self.green_v[v], light + self.blue_u[u]].map(whole)
    }
}

/// The whole part, as `fixed::round` has it once the half is added.
#[inline(always)]
fn whole(sum: i64) -> i32 {
    (sum >> 32) as i32
}
