//! The table of pixel formats; nothing but data.

use super::{PixelFormat, Unmapped};

const fn code(text: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*text)
}

/// `v4l2_fourcc_be`: bit 31 says big endian.
const fn big(text: &[u8; 4]) -> u32 {
    code(text) | 1 << 31
}

const fn linear(name: &'static str, v4l2: &[u8; 4], drm: &[u8; 4]) -> PixelFormat {
    let (v4l2, drm) = (code(v4l2), code(drm));
    PixelFormat { name, v4l2, drm, modifier: 0, memory_planes: 1, luma_only: false }
}

const fn luma(name: &'static str, v4l2: &[u8; 4], drm: &[u8; 4]) -> PixelFormat {
    PixelFormat { luma_only: true, ..linear(name, v4l2, drm) }
}

/// The colour planes in this many buffers.
const fn apart(name: &'static str, v4l2: &[u8; 4], drm: &[u8; 4], memory_planes: u8) -> PixelFormat {
    PixelFormat { memory_planes, ..linear(name, v4l2, drm) }
}

const fn tiled(name: &'static str, v4l2: &[u8; 4], drm: &[u8; 4], memory_planes: u8, modifier: u64) -> PixelFormat {
    PixelFormat { modifier, ..apart(name, v4l2, drm, memory_planes) }
}

/// `fourcc_mod_code`.
const fn modifier(vendor: u64, value: u64) -> u64 {
    vendor << 56 | value
}

const SAMSUNG_64_32: u64 = modifier(4, 1);
/// Also `DRM_FORMAT_MOD_GENERIC_16_16_TILE`.
const SAMSUNG_16_16: u64 = modifier(4, 2);
const QCOM_COMPRESSED: u64 = modifier(5, 1);
const ALLWINNER_TILED: u64 = modifier(9, 1);
const MTK_16L_32S: u64 = modifier(0xb, 1);

/// Every pixel format that has a DRM counterpart.
pub const FORMATS: &[PixelFormat] = &[
    linear("RGB332", b"RGB1", b"RGB8"),
    linear("ARGB444", b"AR12", b"AR12"),
    linear("XRGB444", b"XR12", b"XR12"),
    linear("RGBA444", b"RA12", b"RA12"),
    linear("RGBX444", b"RX12", b"RX12"),
    linear("ABGR444", b"AB12", b"AB12"),
    linear("XBGR444", b"XB12", b"XB12"),
    linear("BGRA444", b"GA12", b"BA12"),
    linear("BGRX444", b"BX12", b"BX12"),
    linear("ARGB555", b"AR15", b"AR15"),
    linear("XRGB555", b"XR15", b"XR15"),
    linear("RGBA555", b"RA15", b"RA15"),
    linear("RGBX555", b"RX15", b"RX15"),
    linear("ABGR555", b"AB15", b"AB15"),
    linear("XBGR555", b"XB15", b"XB15"),
    linear("BGRA555", b"BA15", b"BA15"),
    linear("BGRX555", b"BX15", b"BX15"),
    linear("RGB565", b"RGBP", b"RG16"),
    // V4L2 names bytes in memory, DRM the word from its top.
    linear("BGR24", b"BGR3", b"RG24"),
    linear("RGB24", b"RGB3", b"BG24"),
    linear("ABGR32", b"AR24", b"AR24"),
    linear("XBGR32", b"XR24", b"XR24"),
    linear("BGRA32", b"RA24", b"RA24"),
    linear("BGRX32", b"RX24", b"RX24"),
    linear("RGBA32", b"AB24", b"AB24"),
    linear("RGBX32", b"XB24", b"XB24"),
    linear("ARGB32", b"BA24", b"BA24"),
    linear("XRGB32", b"BX24", b"BX24"),
    linear("RGBX1010102", b"RX30", b"RX30"),
    linear("RGBA1010102", b"RA30", b"RA30"),
    linear("ARGB2101010", b"AR30", b"AR30"),
    // Deprecated: nothing is said of the alpha bits, so they are none.
    linear("RGB444", b"R444", b"XR12"),
    linear("RGB555", b"RGBO", b"XR15"),
    linear("BGR32", b"BGR4", b"XR24"),
    linear("RGB32", b"RGB4", b"BX24"),
    luma("GREY", b"GREY", b"R8  "),
    luma("Y16", b"Y16 ", b"R16 "),
    linear("YUYV", b"YUYV", b"YUYV"),
    linear("YVYU", b"YVYU", b"YVYU"),
    linear("UYVY", b"UYVY", b"UYVY"),
    linear("VYUY", b"VYUY", b"VYUY"),
    linear("Y210", b"Y210", b"Y210"),
    linear("Y212", b"Y212", b"Y212"),
    linear("Y216", b"Y216", b"Y216"),
    linear("YUV24", b"YUV3", b"VU24"),
    linear("VUYA32", b"VUYA", b"AYUV"),
    linear("VUYX32", b"VUYX", b"XYUV"),
    linear("YUVA32", b"YUVA", b"AVUY"),
    linear("YUVX32", b"YUVX", b"XVUY"),
    linear("NV12", b"NV12", b"NV12"),
    linear("NV21", b"NV21", b"NV21"),
    linear("NV15", b"NV15", b"NV15"),
    linear("NV16", b"NV16", b"NV16"),
    linear("NV61", b"NV61", b"NV61"),
    linear("NV20", b"NV20", b"NV20"),
    linear("NV24", b"NV24", b"NV24"),
    linear("NV42", b"NV42", b"NV42"),
    linear("P010", b"P010", b"P010"),
    linear("P012", b"P012", b"P012"),
    apart("NV12M", b"NM12", b"NV12", 2),
    apart("NV21M", b"NM21", b"NV21", 2),
    apart("NV16M", b"NM16", b"NV16", 2),
    apart("NV61M", b"NM61", b"NV61", 2),
    apart("P012M", b"PM12", b"P012", 2),
    linear("YUV410", b"YUV9", b"YUV9"),
    linear("YVU410", b"YVU9", b"YVU9"),
    linear("YUV411P", b"411P", b"YU11"),
    linear("YUV420", b"YU12", b"YU12"),
    linear("YVU420", b"YV12", b"YV12"),
    linear("YUV422P", b"422P", b"YU16"),
    apart("YUV420M", b"YM12", b"YU12", 3),
    apart("YVU420M", b"YM21", b"YV12", 3),
    apart("YUV422M", b"YM16", b"YU16", 3),
    apart("YVU422M", b"YM61", b"YV16", 3),
    apart("YUV444M", b"YM24", b"YU24", 3),
    apart("YVU444M", b"YM42", b"YV24", 3),
    tiled("NV12_16L16", b"HM12", b"NV12", 1, SAMSUNG_16_16),
    tiled("NV12_32L32", b"ST12", b"NV12", 1, ALLWINNER_TILED),
    tiled("NV12MT", b"TM12", b"NV12", 2, SAMSUNG_64_32),
    tiled("NV12MT_16X16", b"VM12", b"NV12", 2, SAMSUNG_16_16),
    tiled("MM21", b"MM21", b"NV12", 2, MTK_16L_32S),
    tiled("QC08C", b"Q08C", b"NV12", 1, QCOM_COMPRESSED),
];

const fn none(name: &'static str, v4l2: u32, why: &'static str) -> Unmapped {
    Unmapped { name, v4l2, why }
}

const BIG_ENDIAN: &str = "big endian, which DRM formats of this kind are not defined for";
const NO_MODIFIER: &str = "this tiling has no DRM modifier";
const BIT_ORDER: &str = "no DRM format has its components in this order";

/// Uncompressed image formats that DRM cannot express. Bayer, HSV and coded formats cannot be
/// shown, and are not listed.
pub const UNMAPPED: &[Unmapped] = &[
    none("RGB555X", code(b"RGBQ"), BIG_ENDIAN),
    none("ARGB555X", big(b"AR15"), BIG_ENDIAN),
    none("XRGB555X", big(b"XR15"), BIG_ENDIAN),
    none("RGB565X", code(b"RGBR"), BIG_ENDIAN),
    none("Y16_BE", big(b"Y16 "), BIG_ENDIAN),
    none("BGR666", code(b"BGRH"), BIT_ORDER),
    none("YUV444", code(b"Y444"), BIT_ORDER),
    none("YUV555", code(b"YUVO"), BIT_ORDER),
    none("YUV565", code(b"YUVP"), BIT_ORDER),
    none("YUV32", code(b"YUV4"), "whether its first byte is alpha is not said"),
    none("AYUV32", code(b"AYUV"), "bytes A, Y, U, V; DRM's AYUV is V4L2's VUYA"),
    none("XYUV32", code(b"XYUV"), "bytes X, Y, U, V; DRM's XYUV is V4L2's VUYX"),
    none("Y41P", code(b"Y41P"), "packed 4:1:1"),
    none("M420", code(b"M420"), "lines of luma and chroma alternate in one plane"),
    none("NV12_4L4", code(b"VT12"), NO_MODIFIER),
    none("NV15_4L4", code(b"VT15"), NO_MODIFIER),
    none("P010_4L4", code(b"T010"), NO_MODIFIER),
    none("NV12_8L128", code(b"AT12"), NO_MODIFIER),
    none("NV12_10BE_8L128", big(b"AX12"), NO_MODIFIER),
    none("NV12M_8L128", code(b"NA12"), NO_MODIFIER),
    none("NV12M_10BE_8L128", big(b"NT12"), NO_MODIFIER),
    none("MT21C", code(b"MT21"), "MediaTek's compression, known to its own display pipeline only"),
    none("MT2110T", code(b"MT2T"), "no DRM format has been agreed upon for MediaTek's ten bits"),
    none("MT2110R", code(b"MT2R"), "no DRM format has been agreed upon for MediaTek's ten bits"),
    none("QC10C", code(b"Q10C"), "no DRM format has been agreed upon for Qualcomm's compressed ten bits"),
];
