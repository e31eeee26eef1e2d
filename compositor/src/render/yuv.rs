//! YUV dma-bufs that the renderer cannot sample with the right matrix and range: the CPU converts
//! them into a texture.
//!
//! Only linear 8-bit formats, and only buffers whose fence has signalled. A buffer on a plane never
//! uses this path, nor one whose matrix and range the GPU assumes by default.

use dmabuf_import::{
    Fourcc, Modifier,
    colour::{Encoding, Range, Representation},
};
use smithay::{
    backend::renderer::ImportMem,
    utils::{Rectangle, Size},
};
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvError, YuvPackedImage, YuvPlanarImage, YuvRange, YuvStandardMatrix};

use crate::{
    render::textures::{CopyFormat, LastCopy},
    surface::buffer::Imported,
};

/// The formats that are converted.
pub const FORMATS: [Fourcc; 16] = [
    Fourcc::Nv12,
    Fourcc::Nv21,
    Fourcc::Nv16,
    Fourcc::Nv61,
    Fourcc::Nv24,
    Fourcc::Nv42,
    Fourcc::Yuv420,
    Fourcc::Yvu420,
    Fourcc::Yuv422,
    Fourcc::Yvu422,
    Fourcc::Yuv444,
    Fourcc::Yvu444,
    Fourcc::Yuyv,
    Fourcc::Yvyu,
    Fourcc::Uyvy,
    Fourcc::Vyuy,
];

/// What EGL assumes for YUV dma-bufs without hints (`EGL_YUV_COLOR_SPACE_HINT_EXT`,
/// `EGL_SAMPLE_RANGE_HINT_EXT`).
pub const OF_EGL: Representation = Representation { encoding: Encoding::Bt601, range: Range::Limited };

/// Whether [`texture`] can convert the buffer's format.
pub fn converts(imported: &Imported) -> bool {
    imported.dmabuf.modifier() == Modifier::Linear && FORMATS.contains(&imported.dmabuf.format())
}

/// Whether the CPU can read a buffer for which [`converts`] is true; the error says why not.
pub fn check(imported: &Imported) -> Result<(), String> {
    let planes = imported.dmabuf.planes().len();
    let mapped = (0..planes).all(|plane| imported.mapping_of(plane).is_some());
    mapped.then_some(()).ok_or_else(|| "the CPU cannot map it".into())
}

/// A texture with the buffer's current image, converted to RGB: the texture `last` if it fits, else
/// a new one. `packed` is scratch memory. Error, for the log: the buffer cannot be read, or the
/// texture cannot be written.
pub fn texture<R: ImportMem>(
    renderer: &mut R,
    last: Option<&LastCopy<'_, R::TextureId>>,
    imported: &Imported,
    colour: Representation,
    packed: &mut Vec<u8>,
) -> Result<(R::TextureId, CopyFormat), String>
where
    R::TextureId: Clone,
{
    let (width, height) = (imported.dmabuf.width(), imported.dmabuf.height());
    packed.resize(width as usize * height as usize * 4, 0);
    with_planes(imported, &mut [&[]; 3], 0, &mut |planes| {
        let strides = strides(imported);
        let picture = YuvImage { format: imported.dmabuf.format(), width, height, planes, strides };
        picture.convert(colour, packed).map_err(|e| e.to_string())
    })?;
    let own = (Size::from((width as i32, height as i32)), Fourcc::Xrgb8888);
    match last.filter(|last| last.format == own) {
        Some(last) => {
            let written = renderer.update_memory(last.texture, packed, Rectangle::from_size(own.0));
            written.map(|()| (last.texture.clone(), own)).map_err(|e| format!("writing a texture: {e}"))
        }
        None => {
            let made = renderer.import_memory(packed, own.1, own.0, false);
            made.map(|texture| (texture, own)).map_err(|e| format!("creating a texture: {e}"))
        }
    }
}

fn strides(imported: &Imported) -> [u32; 3] {
    let planes = imported.dmabuf.planes();
    std::array::from_fn(|at| planes.get(at).map_or(0, |plane| plane.stride))
}

/// The function that reads the bytes of the planes.
type ReadPlanes<'d> = dyn FnMut([&[u8]; 3]) -> Result<(), String> + 'd;
/// A conversion of lines with interleaved samples.
type ConvertPacked<'c> = dyn Fn(&YuvPackedImage<'_, u8>, &mut [u8]) -> Result<(), YuvError> + 'c;

/// Opens the buffer's planes from `at` on for CPU reads, one bracket within the other, and calls
/// `read` with the bytes of each plane, from the plane's offset on.
fn with_planes(
    imported: &Imported,
    opened: &mut [&[u8]; 3],
    at: usize,
    read: &mut ReadPlanes<'_>,
) -> Result<(), String> {
    let Some(plane) = imported.dmabuf.planes().get(at).filter(|_| at < 3) else { return read(*opened) };
    let mapping = imported.mapping_of(at).ok_or("the CPU cannot map it")?;
    let result = mapping.cpu_read(|bytes| {
        let mut opened = *opened;
        opened[at] = bytes.get(plane.offset as usize..).unwrap_or_default();
        with_planes(imported, &mut opened, at + 1, read)
    });
    result.map_err(|e| e.to_string())?
}

/// A YUV image in memory.
struct YuvImage<'a> {
    format: Fourcc,
    width: u32,
    height: u32,
    planes: [&'a [u8]; 3],
    strides: [u32; 3],
}

impl YuvImage<'_> {
    /// Fills `out` with rows of B, G, R, X bytes without padding.
    fn convert(&self, colour: Representation, out: &mut [u8]) -> Result<(), YuvError> {
        let matrix = match colour.encoding {
            Encoding::Bt601 => YuvStandardMatrix::Bt601,
            Encoding::Bt709 => YuvStandardMatrix::Bt709,
            Encoding::Bt2020 => YuvStandardMatrix::Bt2020,
        };
        let range = match colour.range {
            Range::Limited => YuvRange::Limited,
            Range::Full => YuvRange::Full,
        };
        let (row, mode) = (self.width * 4, YuvConversionMode::Balanced);
        macro_rules! two {
            ($convert:path) => {
                $convert(&self.two(), out, row, range, matrix, mode)
            };
        }
        macro_rules! three {
            ($convert:path, $u:literal, $v:literal) => {
                $convert(&self.three($u, $v), out, row, range, matrix)
            };
        }
        macro_rules! one {
            ($convert:path) => {
                self.one(out, &|picture, out| $convert(picture, out, row, range, matrix))
            };
        }
        match self.format {
            Fourcc::Nv12 => two!(yuv::yuv_nv12_to_bgra),
            Fourcc::Nv21 => two!(yuv::yuv_nv21_to_bgra),
            Fourcc::Nv16 => two!(yuv::yuv_nv16_to_bgra),
            Fourcc::Nv61 => two!(yuv::yuv_nv61_to_bgra),
            Fourcc::Nv24 => two!(yuv::yuv_nv24_to_bgra),
            Fourcc::Nv42 => two!(yuv::yuv_nv42_to_bgra),
            Fourcc::Yuv420 => three!(yuv::yuv420_to_bgra, 1, 2),
            Fourcc::Yvu420 => three!(yuv::yuv420_to_bgra, 2, 1),
            Fourcc::Yuv422 => three!(yuv::yuv422_to_bgra, 1, 2),
            Fourcc::Yvu422 => three!(yuv::yuv422_to_bgra, 2, 1),
            Fourcc::Yuv444 => three!(yuv::yuv444_to_bgra, 1, 2),
            Fourcc::Yvu444 => three!(yuv::yuv444_to_bgra, 2, 1),
            Fourcc::Yuyv => one!(yuv::yuyv422_to_bgra),
            Fourcc::Yvyu => one!(yuv::yvyu422_to_bgra),
            Fourcc::Uyvy => one!(yuv::uyvy422_to_bgra),
            Fourcc::Vyuy => one!(yuv::vyuy422_to_bgra),
            _ => Err(YuvError::ImagesSizesNotMatch),
        }
    }

    fn two(&self) -> YuvBiPlanarImage<'_, u8> {
        YuvBiPlanarImage {
            y_plane: self.planes[0],
            y_stride: self.strides[0],
            uv_plane: self.planes[1],
            uv_stride: self.strides[1],
            width: self.width,
            height: self.height,
        }
    }

    fn three(&self, u: usize, v: usize) -> YuvPlanarImage<'_, u8> {
        YuvPlanarImage {
            y_plane: self.planes[0],
            y_stride: self.strides[0],
            u_plane: self.planes[u],
            u_stride: self.strides[u],
            v_plane: self.planes[v],
            v_stride: self.strides[v],
            width: self.width,
            height: self.height,
        }
    }

    /// Converts a packed format. The library requires whole lines with padding, but the last line
    /// of a buffer may lack its padding, so it is converted alone.
    fn one(&self, out: &mut [u8], convert: &ConvertPacked<'_>) -> Result<(), YuvError> {
        let Self { width, height, .. } = *self;
        let (stride, row) = (self.strides[0] as usize, width as usize * 4);
        let picture = |yuy, yuy_stride, height| YuvPackedImage { yuy, yuy_stride, width, height };
        if let Some(whole) = self.planes[0].get(..stride * height as usize) {
            return convert(&picture(whole, stride as u32, height), out);
        }
        let (above, last) = out.split_at_mut(row * (height as usize - 1));
        let split = stride * (height as usize - 1);
        let line = width.next_multiple_of(2) * 2;
        let short = || YuvError::ImagesSizesNotMatch;
        let bytes = self.planes[0].get(split..split + line as usize).ok_or_else(short)?;
        convert(&picture(bytes, line, 1), last)?;
        match height {
            1 => Ok(()),
            _ => convert(&picture(&self.planes[0][..split], stride as u32, height - 1), above),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BT.601 limited, BT.709 limited and BT.601 full of Y 120, Cb 90, Cr 160, in doubles: R, G, B.
    fn expected(colour: Representation) -> [u8; 3] {
        let (kr, kb): (f64, f64) = match colour.encoding {
            Encoding::Bt601 => (0.299, 0.114),
            Encoding::Bt709 => (0.2126, 0.0722),
            Encoding::Bt2020 => (0.2627, 0.0593),
        };
        let (y, cb, cr) = match colour.range {
            Range::Limited => ((120. - 16.) / 219., (90. - 128.) / 224., (160. - 128.) / 224.),
            Range::Full => (120. / 255., (90. - 128.) / 255., (160. - 128.) / 255.),
        };
        let r = y + 2. * (1. - kr) * cr;
        let b = y + 2. * (1. - kb) * cb;
        let g = (y - kr * r - kb * b) / (1. - kr - kb);
        [r, g, b].map(|v: f64| (v * 255.).round().clamp(0., 255.) as u8)
    }

    #[test]
    fn every_format_converts_by_matrix_and_range() {
        const W: usize = 6;
        const H: usize = 4;
        for encoding in [Encoding::Bt601, Encoding::Bt709, Encoding::Bt2020] {
            for range in [Range::Limited, Range::Full] {
                let colour = Representation { encoding, range };
                let want = expected(colour);
                for format in FORMATS {
                    let info = dmabuf_import::formats::info(format).unwrap();
                    use Fourcc as F;
                    let swapped = matches!(format, F::Nv21 | F::Nv61 | F::Nv42 | F::Yvu420 | F::Yvu422 | F::Yvu444);
                    let (first, second) = if swapped { (160, 90) } else { (90, 160) };
                    let luma = vec![120u8; 8 * H];
                    let (pairs, one, two) = ([first, second].repeat(16 * H), vec![first; 8 * H], vec![second; 8 * H]);
                    let packed: [u8; 4] = match format {
                        Fourcc::Yuyv => [120, 90, 120, 160],
                        Fourcc::Yvyu => [120, 160, 120, 90],
                        Fourcc::Uyvy => [90, 120, 160, 120],
                        _ => [160, 120, 90, 120],
                    };
                    // The last line has no padding.
                    let mut packed = packed.repeat(4 * H);
                    packed.truncate(16 * (H - 1) + 2 * W);
                    let (planes, strides): ([&[u8]; 3], _) = match info.planes {
                        1 => ([&packed, &[], &[]], [16, 0, 0]),
                        2 => ([&luma, &pairs, &[]], [8, if info.hsub == 1 { 16 } else { 8 }, 0]),
                        _ => ([&luma, &one, &two], [8, 8, 8]),
                    };
                    let picture = YuvImage { format, width: W as u32, height: H as u32, planes, strides };
                    let mut out = vec![0; W * H * 4];
                    picture.convert(colour, &mut out).unwrap();
                    for pixel in out.chunks_exact(4) {
                        let got = [pixel[2], pixel[1], pixel[0]];
                        let close = got.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= 2);
                        assert!(close, "{format:?} {colour:?}: {got:?}, not {want:?}");
                    }
                }
            }
        }
    }
}
