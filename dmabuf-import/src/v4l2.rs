//! V4L2 pixel formats in DRM's terms: fourcc, modifier, and where each colour plane lies.
//!
//! The two name spaces share their look and little else: V4L2's `AYUV` and DRM's are different
//! layouts, V4L2's `RGB3` is DRM's `BG24`. V4L2 is also the more specific one. What DRM has no word
//! for stands beside the fourcc: how many buffers a frame is in ([`PixelFormat::memory_planes`]),
//! its matrix and range ([`Colorimetry`]), its fields ([`Field`]), whether its alpha is multiplied
//! in ([`is_premultiplied`]).
//!
//! Never talks to a device, and never guesses: a format that DRM cannot express is in [`UNMAPPED`],
//! with the reason.
//!
//! Source: `include/uapi/linux/videodev2.h`, `Documentation/userspace-api/media/v4l/pixfmt*.rst`,
//! `include/uapi/drm/drm_fourcc.h`.

mod table;

pub use table::{FORMATS, UNMAPPED};

use crate::colour::{Encoding, Range, Representation};
use crate::modifiers;
use crate::request::{CompleteParams, ParamsPlane};
use crate::{Fourcc, Modifier, formats};

/// A V4L2 pixel format with its DRM counterpart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelFormat {
    /// The name in `videodev2.h`, without `V4L2_PIX_FMT_`.
    pub name: &'static str,
    /// `V4L2_PIX_FMT_*`.
    pub v4l2: u32,
    /// `DRM_FORMAT_*`.
    pub drm: u32,
    /// `DRM_FORMAT_MOD_*`; 0 is linear.
    pub modifier: u64,
    /// Buffers that a frame is in, each a dma-buf of its own: 1, or the number of colour planes for
    /// the formats named `…M`.
    pub memory_planes: u8,
    /// The pixels are luma alone. DRM calls them red: a plane that shows `R8` as red shows them
    /// wrongly.
    pub luma_only: bool,
}

/// A V4L2 pixel format that DRM has no name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmapped {
    /// The name in `videodev2.h`, without `V4L2_PIX_FMT_`.
    pub name: &'static str,
    /// `V4L2_PIX_FMT_*`.
    pub v4l2: u32,
    /// Why, for people.
    pub why: &'static str,
}

/// Where one colour plane of a frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayout {
    /// Which of the frame's buffers, that is, which `v4l2_plane`.
    pub memory_plane: u8,
    /// Bytes from the start of that buffer (to which `v4l2_plane.data_offset` is to be added).
    pub offset: u32,
    /// Bytes from line to line.
    pub stride: u32,
}

/// The DRM counterpart of `V4L2_PIX_FMT_*`; `None`: there is none, see [`why_not`].
pub fn from_v4l2(v4l2: u32) -> Option<&'static PixelFormat> {
    FORMATS.iter().find(|format| format.v4l2 == v4l2)
}

/// Why DRM has no counterpart of a pixel format that the crate knows.
pub fn why_not(v4l2: u32) -> Option<&'static str> {
    UNMAPPED.iter().find(|format| format.v4l2 == v4l2).map(|format| format.why)
}

/// The V4L2 formats of a DRM format and modifier, the one with all planes in one buffer first.
/// Several where V4L2 says more: `NV12` and `NV12M` are both DRM's `NV12`.
pub fn from_drm(drm: Fourcc, modifier: Modifier) -> impl Iterator<Item = &'static PixelFormat> {
    let raw = modifiers::raw(modifier);
    FORMATS.iter().filter(move |format| format.drm == drm as u32 && format.modifier == raw)
}

/// Completes what a V4L2 client says of a linear frame in one buffer, where it names one plane of a
/// format that has several: the others follow it ([`PixelFormat::layout`]). Everything else stays
/// as it is. `memory` gives a plane its own hold of the memory.
///
/// V4L2 describes such a frame (`V4L2_PIX_FMT_NV12`, not `NV12M`) by one offset and one
/// `bytesperline`, and its clients hand on just that. `height` is taken for that of the format.
pub fn complete<T>(taken: &mut CompleteParams<T>, format: Fourcc, height: u32, memory: impl Fn(&T) -> T) {
    let [first] = &taken.planes[..] else { return };
    let shape = Shape::of(format as u32);
    let in_one = from_drm(format, Modifier::Linear).find(|format| format.memory_planes == 1 && !format.luma_only);
    let (Some(in_one), true) = (in_one, shape.planes > 1 && taken.modifier == modifiers::raw(Modifier::Linear)) else {
        return;
    };
    let Some(layout) = in_one.layout(height, &[first.stride]) else { return };
    let others = layout[1..].iter().map(|plane| {
        let offset = first.offset.checked_add(plane.offset)?;
        Some(ParamsPlane { memory: memory(&first.memory), offset, stride: plane.stride })
    });
    if let Some(others) = others.collect::<Option<Vec<_>>>() {
        taken.planes.extend(others);
    }
}

/// Whether planes (offset and stride of each) of a linear image lie where V4L2 has them for a frame
/// in one buffer: from its first byte on, each behind the one before.
pub fn follows(format: Fourcc, height: u32, planes: impl Iterator<Item = (u32, u32)>) -> bool {
    let in_one = from_drm(format, Modifier::Linear).find(|format| format.memory_planes == 1 && !format.luma_only);
    let mut planes = planes.peekable();
    let Some(layout) = in_one.zip(planes.peek()).and_then(|(in_one, (_, stride))| in_one.layout(height, &[*stride]))
    else {
        return false;
    };
    layout.iter().map(|plane| (plane.offset, plane.stride)).eq(planes)
}

impl PixelFormat {
    /// The DRM format, where the crate's library of names has it.
    pub fn format(&self) -> Option<Fourcc> {
        modifiers::fourcc(self.drm)
    }

    /// Where the colour planes of a frame of `height` lines lie, in DRM's order, from what
    /// `VIDIOC_G_FMT` says: `bytesperline` of each memory plane.
    ///
    /// In one buffer the colour planes follow each other without a gap, the subsampled ones with
    /// proportionally shorter lines (`pixfmt-yuv-planar.rst`). `height` is the one of the format
    /// (the coded one), not that of the visible part.
    ///
    /// `None` if there are fewer `bytesperline` than memory planes, or the image is too large for
    /// 32 bits.
    pub fn layout(&self, height: u32, bytesperline: &[u32]) -> Option<Vec<PlaneLayout>> {
        let shape = Shape::of(self.drm);
        let mut planes = Vec::with_capacity(shape.planes.into());
        let mut offset = 0u32;
        for plane in 0..shape.planes {
            if self.memory_planes > 1 {
                let stride = *bytesperline.get(usize::from(plane))?;
                planes.push(PlaneLayout { memory_plane: plane, offset: 0, stride });
                continue;
            }
            let (first, later) = (*bytesperline.first()?, plane > 0);
            let stride = if later { first.checked_mul(shape.ratio.0)? / shape.ratio.1 } else { first };
            let lines = if later { height.div_ceil(shape.vsub) } else { height };
            planes.push(PlaneLayout { memory_plane: 0, offset, stride });
            offset = offset.checked_add(stride.checked_mul(lines)?)?;
        }
        Some(planes)
    }
}

/// How the colour planes of a format relate to each other.
struct Shape {
    planes: u8,
    /// Length of a chroma line in that of a luma line.
    ratio: (u32, u32),
    vsub: u32,
}

impl Shape {
    fn of(drm: u32) -> Self {
        // Ten bits packed: five bytes hold four samples, which no number of bytes a sample says.
        match &drm.to_le_bytes() {
            b"NV15" => return Self { planes: 2, ratio: (1, 1), vsub: 2 },
            b"NV20" => return Self { planes: 2, ratio: (1, 1), vsub: 1 },
            _ => {}
        }
        match modifiers::fourcc(drm).and_then(formats::info) {
            Some(info) if info.planes > 1 => Self {
                planes: info.planes,
                ratio: (u32::from(info.cpp[1]), u32::from(info.cpp[0]) * u32::from(info.hsub)),
                vsub: u32::from(info.vsub),
            },
            _ => Self { planes: 1, ratio: (1, 1), vsub: 1 },
        }
    }
}

/// How a frame's colours are encoded: fields of the same name of `v4l2_pix_format`, as numbers of
/// `videodev2.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Colorimetry {
    /// `enum v4l2_colorspace`.
    pub colorspace: u32,
    /// `enum v4l2_ycbcr_encoding`; of the formats that carry luma and chroma.
    pub ycbcr_enc: u32,
    /// `enum v4l2_quantization`.
    pub quantization: u32,
}

impl Colorimetry {
    /// What a plane's `COLOR_ENCODING` and `COLOR_RANGE` are to be for a YUV frame of `height`
    /// lines: the defaults resolved as `V4L2_MAP_YCBCR_ENC_DEFAULT` and
    /// `V4L2_MAP_QUANTIZATION_DEFAULT` do; a colour space of "default" is
    /// [`Representation::default_for`].
    ///
    /// `None` for matrices that KMS has no word for: SMPTE 240M, BT.2020 with constant luminance.
    pub fn representation(self, height: u32) -> Option<Representation> {
        const JPEG: u32 = 7;
        const FULL: u32 = 1;
        let unknown = Representation::default_for(height);
        let encoding = match (self.ycbcr_enc, self.colorspace) {
            // 601, xvYCC 601, sYCC.
            (1 | 3 | 5, _) => Encoding::Bt601,
            // 709, xvYCC 709.
            (2 | 4, _) => Encoding::Bt709,
            (6, _) => Encoding::Bt2020,
            (0, 0) => unknown.encoding,
            // Rec. 709, DCI-P3.
            (0, 3 | 12) => Encoding::Bt709,
            (0, 10) => Encoding::Bt2020,
            // SMPTE 240M has a matrix of its own.
            (0, 2) => return None,
            (0, _) => Encoding::Bt601,
            _ => return None,
        };
        let range = match (self.quantization, self.colorspace) {
            (FULL, _) | (0, JPEG) => Range::Full,
            _ => Range::Limited,
        };
        Some(Representation { encoding, range })
    }
}

/// What one buffer holds of an interlaced image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A whole progressive frame.
    Progressive,
    /// Two fields, line by line: shown as it is, moving edges comb. True: the bottom field is the
    /// older one. linux-dmabuf's flags `interlaced` and `bottom_first` say the same.
    Interleaved(bool),
    /// Two fields one after the other, each of half the lines: no single image.
    Sequential,
    /// One field alone, half of the lines.
    Single,
}

/// The meaning of `enum v4l2_field`; `None` for numbers that it has not. "Any" is progressive: no
/// driver gives it back.
pub fn field(number: u32) -> Option<Field> {
    Some(match number {
        0 | 1 => Field::Progressive,
        2 | 3 | 7 => Field::Single,
        // Which field is first depends on the standard: the top one but for 525 lines.
        4 | 8 => Field::Interleaved(false),
        9 => Field::Interleaved(true),
        5 | 6 => Field::Sequential,
        _ => return None,
    })
}

/// Whether colours are multiplied with their alpha already, as Wayland wants them, by
/// `v4l2_pix_format.flags`.
pub fn is_premultiplied(flags: u32) -> bool {
    const PREMUL_ALPHA: u32 = 1;
    flags & PREMUL_ALPHA != 0
}

#[cfg(test)]
mod tests;
