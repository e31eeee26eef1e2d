//! Lines of planes put together, and the CRC over them.

use crc32fast::Hasher;

use super::colour::{self, Gamma};
use super::geometry::Walk;
use super::rgb::{self, BLACK};
use super::yuv::Lines;
use super::{ModelPlane, Pixels, Unmodelled};

/// What a CRTC shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scene<'a> {
    /// Columns of the mode.
    pub width: u32,
    /// Lines of the mode.
    pub height: u32,
    /// The CRTC property `BACKGROUND_COLOR`: 16 bits each of alpha (not looked at), red, green and
    /// blue. 0 is black.
    pub background: u64,
    /// The CRTC property `GAMMA_LUT`.
    pub gamma: Option<&'a Gamma>,
    /// Planes from the bottom up, which in vkms is the order of their object ids; clipped to the
    /// mode.
    pub planes: &'a [ModelPlane<'a>],
}

/// Whether vkms of this kernel (`uname -r`) is modelled.
///
/// From 6.11 on the arithmetic of all that the kernel offers is the same (6.10 corrected the
/// rounding of its fixed point, which RGB565 and the gamma LUT use; before 6.1 it composed in 8
/// bits).
pub fn release(release: &str) -> Result<(), Unmodelled> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (major, minor) >= (6, 11) { Ok(()) } else { Err(Unmodelled::Kernel(major, minor)) }
}

/// The CRC of a frame: `planes` from the bottom up over black, clipped to the mode.
pub fn crc(hdisplay: u32, vdisplay: u32, planes: &[ModelPlane<'_>]) -> u32 {
    Composer::default().crc(hdisplay, vdisplay, planes)
}

/// A wide pixel as vkms's writeback stores it in XRGB8888: each channel divided by 257, rounded.
pub fn xrgb8888(pixel: u64) -> u32 {
    let channel = |shift: u32| (u32::from((pixel >> shift) as u16) + 128) / 257;
    0xff00_0000 | channel(16) << 16 | channel(32) << 8 | channel(48)
}

/// The model with its line buffers, so that a frame needs no allocation.
#[derive(Debug, Default)]
pub struct Composer {
    /// One line: `{a, r, g, b}` of each pixel, `a` in the low 16 bits.
    line: Vec<u64>,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    /// Pixels of one plane, wide.
    stage: Vec<u64>,
    /// Pixels of one plane, as they lie in memory.
    raw: Vec<u8>,
    yuv: Lines,
}

impl Composer {
    /// As [`crc`].
    pub fn crc(&mut self, hdisplay: u32, vdisplay: u32, planes: &[ModelPlane<'_>]) -> u32 {
        self.frame(&Scene { width: hdisplay, height: vdisplay, planes, ..Scene::default() })
    }

    /// The CRC of a frame, source `auto`.
    pub fn frame(&mut self, scene: &Scene<'_>) -> u32 {
        let mut crc = Crc::new();
        self.picture(scene, |_, line| crc.update(line));
        crc.value()
    }

    /// The image, line by line from the top: `each(y, pixels)`, a pixel having alpha in bits 0–15,
    /// red 16–31, green 32–47, blue 48–63 (see [`xrgb8888`]).
    pub fn picture(&mut self, scene: &Scene<'_>, mut each: impl FnMut(usize, &[u64])) {
        let (width, background) = (scene.width as usize, wide(scene.background));
        self.line.resize(width, BLACK);
        for y in 0..scene.height as usize {
            // What lies below an opaque plane as wide as the screen cannot be seen.
            let first = scene.planes.iter().rposition(|plane| plane.covers(y, width));
            if first.is_none() {
                self.line.fill(background);
            }
            for plane in &scene.planes[first.unwrap_or(0)..] {
                if let Some((left, walk)) = plane.line(y, width) {
                    plane.blend(walk, &mut self.scratch, &mut self.line[left..left + walk.count]);
                }
            }
            if let Some(gamma) = scene.gamma {
                gamma.apply(&mut self.line);
            }
            each(y, &self.line);
        }
    }

    /// The CRC of the pixels of one plane alone that lie on the screen, before they are blended; 0
    /// where there are none.
    ///
    /// That is the source `plane<object id>` of the lab's vkms (`xtask/lab/patches/0010`), which
    /// has it as rcar-du has.
    pub fn plane(&mut self, width: u32, height: u32, plane: &ModelPlane<'_>) -> u32 {
        let mut crc = Crc::new();
        for y in 0..height as usize {
            if let Some((_, walk)) = plane.line(y, width as usize) {
                self.line.resize(walk.count.max(self.line.len()), BLACK);
                let line = &mut self.line[..walk.count];
                plane.widen(walk, &mut self.scratch.raw, &mut self.scratch.yuv, line);
                crc.update(line);
            }
        }
        crc.value()
    }
}

impl ModelPlane<'_> {
    fn blend(&self, walk: Walk, scratch: &mut Scratch, line: &mut [u64]) {
        match &self.pixels {
            Pixels::Rgb(reader) if self.pipeline.is_empty() => {
                (reader.blend)(self.raw(walk, reader.cpp, &mut scratch.raw), line);
            }
            Pixels::Grey(_) | Pixels::Yuv(..) if self.pipeline.is_empty() => {
                self.widen(walk, &mut scratch.raw, &mut scratch.yuv, line);
            }
            _ => {
                let Scratch { stage, raw, yuv } = scratch;
                stage.resize(walk.count, 0);
                self.widen(walk, raw, yuv, stage);
                rgb::blend_wide(stage, line);
            }
        }
    }

    /// The pixels on a way, wide, through the pipeline.
    fn widen(&self, walk: Walk, raw: &mut Vec<u8>, yuv: &mut Lines, dst: &mut [u64]) {
        match &self.pixels {
            Pixels::Rgb(reader) => (reader.widen)(self.raw(walk, reader.cpp, raw), dst),
            Pixels::Grey(bits) => {
                let (bytes, stride) = self.planes[0];
                let (first, last) = (walk.place(0), walk.place(walk.count - 1));
                rgb::widen_grey(&bytes[first.1 * stride..], *bits, first.0.min(last.0), dst);
                if !walk.forward() {
                    dst.reverse();
                }
            }
            Pixels::Yuv(format, matrix) => format.widen(&self.planes, walk, matrix, yuv, dst),
        }
        if !self.pipeline.is_empty() {
            colour::transform(self.pipeline, dst);
        }
    }

    /// The pixels on a way as they lie in memory: there, or collected.
    fn raw<'b>(&'b self, walk: Walk, cpp: usize, collected: &'b mut Vec<u8>) -> &'b [u8] {
        let (bytes, stride) = self.planes[0];
        let at = |number| {
            let (x, y) = walk.place(number);
            y * stride + x * cpp
        };
        if walk.forward() {
            return &bytes[at(0)..][..walk.count * cpp];
        }
        collected.resize(walk.count * cpp, 0);
        match cpp {
            1 => collect::<1>(bytes, at, collected),
            2 => collect::<2>(bytes, at, collected),
            3 => collect::<3>(bytes, at, collected),
            4 => collect::<4>(bytes, at, collected),
            _ => collect::<8>(bytes, at, collected),
        }
        collected
    }
}

fn collect<const N: usize>(bytes: &[u8], at: impl Fn(usize) -> usize, collected: &mut [u8]) {
    for (number, to) in collected.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        if let Some(pixel) = bytes.get(at(number)..).and_then(|rest| rest.first_chunk()) {
            *to = *pixel;
        }
    }
}

/// Of `ARGB16161616` as the property has it.
fn wide(argb: u64) -> u64 {
    let channel = |shift: u32| argb >> shift & 0xffff;
    channel(32) << 16 | channel(16) << 32 | channel(0) << 48 | BLACK
}

/// The kernel's `crc32_le`, begun with 0. The library inverts before and after, as zlib does; the
/// kernel does neither.
struct Crc(Hasher);

impl Crc {
    fn new() -> Self {
        Self(Hasher::new_with_initial(!0))
    }

    /// The line as it lies in a little-endian kernel's memory.
    fn update(&mut self, line: &[u64]) {
        if cfg!(target_endian = "big") {
            line.iter().for_each(|pixel| self.0.update(&pixel.to_le_bytes()));
        } else {
            self.0.update(bytemuck::cast_slice(line));
        }
    }

    fn value(self) -> u32 {
        !self.0.finalize()
    }
}
