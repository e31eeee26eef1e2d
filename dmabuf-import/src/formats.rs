//! Facts about DRM pixel formats (`include/uapi/drm/drm_fourcc.h`), as one table.
//!
//! Holds no policy: which formats a device takes is in its `IN_FORMATS`, not here.

use drm_fourcc::DrmFourcc as F;

use crate::Fourcc;

/// What is the same for every buffer of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatInfo {
    /// The format.
    pub format: Fourcc,
    /// Number of colour planes (memory planes of a linear buffer).
    pub planes: u8,
    /// Bytes per sample of each colour plane (of the subsampled plane's own sample).
    pub cpp: [u8; 3],
    /// Horizontal subsampling of planes 1 and 2.
    pub hsub: u8,
    /// Vertical subsampling of planes 1 and 2.
    pub vsub: u8,
    /// Whether the format carries alpha.
    pub has_alpha: bool,
    /// The same layout without alpha (XRGB8888 for ARGB8888), or the format itself where it has
    /// none.
    pub opaque: Fourcc,
    /// Whether it carries luma and chroma.
    pub yuv: bool,
}

impl FormatInfo {
    /// Width in samples of colour plane `plane` of an image `width` pixels wide; odd sizes round
    /// up.
    pub fn plane_width(&self, plane: usize, width: u32) -> u32 {
        if plane == 0 { width } else { width.div_ceil(u32::from(self.hsub)) }
    }

    /// Height in lines of colour plane `plane` of an image `height` pixels high; odd sizes round
    /// up.
    pub fn plane_height(&self, plane: usize, height: u32) -> u32 {
        if plane == 0 { height } else { height.div_ceil(u32::from(self.vsub)) }
    }

    /// Bytes of one line of colour plane `plane` without padding.
    pub fn min_stride(&self, plane: usize, width: u32) -> u64 {
        let cpp = self.cpp.get(plane).copied().unwrap_or(0);
        u64::from(self.plane_width(plane, width)) * u64::from(cpp)
    }

    /// Bits of a pixel in plane 0.
    pub fn bpp(&self) -> u32 {
        u32::from(self.cpp[0]) * 8
    }
}

const fn rgb(format: F, cpp: u8) -> FormatInfo {
    FormatInfo { format, planes: 1, cpp: [cpp, 0, 0], hsub: 1, vsub: 1, has_alpha: false, opaque: format, yuv: false }
}

const fn alpha(format: F, cpp: u8, opaque: F) -> FormatInfo {
    FormatInfo { has_alpha: true, opaque, ..rgb(format, cpp) }
}

/// Packed 4:2:2: two pixels share four bytes, so a line of odd width still ends on a whole pair.
const fn packed(format: F, cpp: u8) -> FormatInfo {
    FormatInfo { yuv: true, hsub: 2, ..rgb(format, cpp) }
}

const fn planar(format: F, cpp: [u8; 3], hsub: u8, vsub: u8) -> FormatInfo {
    let planes = if cpp[2] == 0 { 2 } else { 3 };
    FormatInfo { format, planes, cpp, hsub, vsub, has_alpha: false, opaque: format, yuv: true }
}

/// Every format that the crate knows.
pub const FORMATS: &[FormatInfo] = &[
    rgb(F::C8, 1),
    rgb(F::R8, 1),
    rgb(F::Gr88, 2),
    rgb(F::Rg88, 2),
    rgb(F::R16, 2),
    rgb(F::Gr1616, 4),
    rgb(F::Rg1616, 4),
    rgb(F::Rgb332, 1),
    rgb(F::Bgr233, 1),
    rgb(F::Rgb565, 2),
    rgb(F::Bgr565, 2),
    rgb(F::Rgb888, 3),
    rgb(F::Bgr888, 3),
    rgb(F::Xrgb4444, 2),
    rgb(F::Xbgr4444, 2),
    rgb(F::Rgbx4444, 2),
    rgb(F::Bgrx4444, 2),
    rgb(F::Xrgb1555, 2),
    rgb(F::Xbgr1555, 2),
    rgb(F::Rgbx5551, 2),
    rgb(F::Bgrx5551, 2),
    rgb(F::Xrgb8888, 4),
    rgb(F::Xbgr8888, 4),
    rgb(F::Rgbx8888, 4),
    rgb(F::Bgrx8888, 4),
    rgb(F::Xrgb2101010, 4),
    rgb(F::Xbgr2101010, 4),
    rgb(F::Rgbx1010102, 4),
    rgb(F::Bgrx1010102, 4),
    rgb(F::Xrgb16161616f, 8),
    rgb(F::Xbgr16161616f, 8),
    alpha(F::Argb4444, 2, F::Xrgb4444),
    alpha(F::Abgr4444, 2, F::Xbgr4444),
    alpha(F::Rgba4444, 2, F::Rgbx4444),
    alpha(F::Bgra4444, 2, F::Bgrx4444),
    alpha(F::Argb1555, 2, F::Xrgb1555),
    alpha(F::Abgr1555, 2, F::Xbgr1555),
    alpha(F::Rgba5551, 2, F::Rgbx5551),
    alpha(F::Bgra5551, 2, F::Bgrx5551),
    alpha(F::Argb8888, 4, F::Xrgb8888),
    alpha(F::Abgr8888, 4, F::Xbgr8888),
    alpha(F::Rgba8888, 4, F::Rgbx8888),
    alpha(F::Bgra8888, 4, F::Bgrx8888),
    alpha(F::Argb2101010, 4, F::Xrgb2101010),
    alpha(F::Abgr2101010, 4, F::Xbgr2101010),
    alpha(F::Rgba1010102, 4, F::Rgbx1010102),
    alpha(F::Bgra1010102, 4, F::Bgrx1010102),
    alpha(F::Argb16161616f, 8, F::Xrgb16161616f),
    alpha(F::Abgr16161616f, 8, F::Xbgr16161616f),
    packed(F::Yuyv, 2),
    packed(F::Yvyu, 2),
    packed(F::Uyvy, 2),
    packed(F::Vyuy, 2),
    packed(F::Y210, 4),
    packed(F::Y212, 4),
    packed(F::Y216, 4),
    FormatInfo { yuv: true, ..alpha(F::Ayuv, 4, F::Xyuv8888) },
    FormatInfo { yuv: true, ..rgb(F::Xyuv8888, 4) },
    FormatInfo { yuv: true, ..rgb(F::Vuy888, 3) },
    FormatInfo { yuv: true, ..alpha(F::Y410, 4, F::Xvyu2101010) },
    FormatInfo { yuv: true, ..rgb(F::Xvyu2101010, 4) },
    planar(F::Nv12, [1, 2, 0], 2, 2),
    planar(F::Nv21, [1, 2, 0], 2, 2),
    planar(F::Nv16, [1, 2, 0], 2, 1),
    planar(F::Nv61, [1, 2, 0], 2, 1),
    planar(F::Nv24, [1, 2, 0], 1, 1),
    planar(F::Nv42, [1, 2, 0], 1, 1),
    planar(F::P010, [2, 4, 0], 2, 2),
    planar(F::P012, [2, 4, 0], 2, 2),
    planar(F::P016, [2, 4, 0], 2, 2),
    planar(F::P210, [2, 4, 0], 2, 1),
    planar(F::Yuv410, [1, 1, 1], 4, 4),
    planar(F::Yvu410, [1, 1, 1], 4, 4),
    planar(F::Yuv411, [1, 1, 1], 4, 1),
    planar(F::Yvu411, [1, 1, 1], 4, 1),
    planar(F::Yuv420, [1, 1, 1], 2, 2),
    planar(F::Yvu420, [1, 1, 1], 2, 2),
    planar(F::Yuv422, [1, 1, 1], 2, 1),
    planar(F::Yvu422, [1, 1, 1], 2, 1),
    planar(F::Yuv444, [1, 1, 1], 1, 1),
    planar(F::Yvu444, [1, 1, 1], 1, 1),
];

/// The facts of `format`; `None` where the crate does not know it.
pub fn info(format: Fourcc) -> Option<&'static FormatInfo> {
    FORMATS.iter().find(|info| info.format == format)
}

/// The same layout without alpha: XRGB8888 for ARGB8888. Formats without alpha, and unknown ones,
/// are their own.
pub fn opaque(format: Fourcc) -> Fourcc {
    info(format).map_or(format, |info| info.opaque)
}

/// Whether the format carries alpha.
pub fn has_alpha(format: Fourcc) -> bool {
    info(format).is_some_and(|info| info.has_alpha)
}

/// The four characters of a fourcc, as `modetest` and the kernel's logs print it.
pub fn name(format: Fourcc) -> String {
    format.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_consistent() {
        for (at, entry) in FORMATS.iter().enumerate() {
            assert_eq!(
                FORMATS.iter().position(|other| other.format == entry.format),
                Some(at),
                "{:?} twice",
                entry.format
            );
            let used = entry.cpp.iter().filter(|&&cpp| cpp > 0).count();
            assert_eq!(used, usize::from(entry.planes), "{:?}", entry.format);
            let twin = info(entry.opaque).unwrap_or_else(|| panic!("{:?} has no opaque twin", entry.format));
            assert!(!twin.has_alpha, "{:?}", entry.format);
            assert_eq!((twin.cpp, entry.has_alpha), (entry.cpp, entry.opaque != entry.format), "{:?}", entry.format);
        }
    }

    #[test]
    fn subsampled_planes_round_up() {
        let nv12 = info(F::Nv12).unwrap();
        assert_eq!((nv12.min_stride(0, 7), nv12.min_stride(1, 7)), (7, 8));
        assert_eq!((nv12.plane_height(0, 5), nv12.plane_height(1, 5)), (5, 3));
        let yuyv = info(F::Yuyv).unwrap();
        assert_eq!((yuyv.min_stride(0, 8), yuyv.plane_height(0, 3)), (16, 3));
    }

    #[test]
    fn opaque_twins() {
        assert_eq!(opaque(F::Argb8888), F::Xrgb8888);
        assert_eq!(opaque(F::Xrgb8888), F::Xrgb8888);
        assert!(has_alpha(F::Abgr2101010) && !has_alpha(F::Nv12));
        assert_eq!(name(F::Xrgb8888), "XR24");
    }
}
