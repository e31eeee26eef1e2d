//! YUV as vkms converts it (`argb_u16_from_yuv161616` in `vkms_formats.c`): 32.32 fixed point over channels of 16 bits, the nearest
//! chroma sample, clamped.

use std::sync::OnceLock;

use super::fixed::{Factor, round};
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

/// Memory of a component: bytes of its colour plane from the first pixel on, bytes from line to line.
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
            match self.deep {
                true => component.gather(plane, walk, line, |p: &[u8; 2]| u16::from_le_bytes(*p)),
                false => component.gather(plane, walk, line, |p: &[u8; 1]| p[0].into()),
            }
        }
        let [y, u, v] = lines;
        let samples = y.iter().zip(&*u).zip(&*v);
        if self.deep {
            samples.zip(dst).for_each(|(((&y, &u), &v), dst)| *dst = matrix.convert(y, u, v));
        } else {
            let table = &matrix.bytes;
            samples.zip(dst).for_each(|(((y, u), v), dst)| *dst = table.convert(*y as u8, *u as u8, *v as u8));
        }
    }
}

impl Component {
    #[inline(always)]
    fn gather<const N: usize>(
        &self,
        (bytes, stride): Plane<'_>,
        walk: Walk,
        line: &mut [u16],
        read: impl Fn(&[u8; N]) -> u16,
    ) {
        let at = |start: usize| bytes[start..].first_chunk::<N>().map_or(0, &read);
        if !walk.forward() {
            for (number, to) in line.iter_mut().enumerate() {
                let (x, y) = walk.place(number);
                *to = at(y / self.sub.1 * stride + x / self.sub.0 * self.cpp + self.at);
            }
            return;
        }
        let (x, y) = walk.place(0);
        let start = y / self.sub.1 * stride + x / self.sub.0 * self.cpp + self.at;
        let samples = bytes[start..].chunks(self.cpp).map(|p| p.first_chunk::<N>().map_or(0, &read));
        if self.sub.0 == 1 {
            line.iter_mut().zip(samples).for_each(|(to, sample)| *to = sample);
            return;
        }
        let (first, rest) = line.split_at_mut(x % 2);
        first.fill(at(start));
        for (pair, sample) in rest.chunks_mut(2).zip(samples.skip(x % 2)) {
            pair.fill(sample);
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

/// The products for components of one byte.
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
                y: table(0, offset),
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
    fn convert(&self, y: u16, u: u16, v: u16) -> u64 {
        let (y, u, v) = (i32::from(y) - self.offset, i32::from(u) - 128 * 257, i32::from(v) - 128 * 257);
        let light = self.y.times(y);
        let green = self.green_u.times(u) + self.green_v.times(v);
        pixel(light + self.red_v.times(v), light + green, light + self.blue_u.times(u))
    }
}

impl Bytes {
    #[inline(always)]
    fn convert(&self, y: u8, u: u8, v: u8) -> u64 {
        let (light, u, v) = (self.y[usize::from(y)], usize::from(u), usize::from(v));
        pixel(light + self.red_v[v], light + self.green_u[u] + self.green_v[v], light + self.blue_u[u])
    }
}

#[inline(always)]
fn pixel(red: i64, green: i64, blue: i64) -> u64 {
    let channel = |sum| round(sum).clamp(0, 0xffff) as u64;
    channel(blue) << 48 | channel(green) << 32 | channel(red) << 16 | super::rgb::BLACK
}
