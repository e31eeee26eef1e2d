use std::collections::HashMap;

use super::*;

/// `V4L2_PIX_FMT_*` of the machine's own `videodev2.h`, by name. It is there wherever a C compiler
/// is.
fn header() -> HashMap<String, u32> {
    let text = std::fs::read_to_string("/usr/include/linux/videodev2.h").expect("package linux-libc-dev");
    let mut found = HashMap::new();
    for line in text.lines() {
        let Some((name, rest)) =
            line.strip_prefix("#define V4L2_PIX_FMT_").and_then(|l| l.split_once(char::is_whitespace))
        else {
            continue;
        };
        let rest = rest.trim_start();
        let flag = if rest.starts_with("v4l2_fourcc_be(") { 1 << 31 } else { 0 };
        let chars: Vec<u8> = rest.split('\'').skip(1).step_by(2).take(4).filter_map(|c| c.bytes().next()).collect();
        if let Ok(chars) = <[u8; 4]>::try_from(chars) {
            found.insert(name.to_owned(), u32::from_le_bytes(chars) | flag);
        }
    }
    found
}

/// Younger than the oldest header that we build with (Linux 6.1); checked where the header has
/// them.
const YOUNG: [&str; 15] = [
    "RGBX1010102",
    "RGBA1010102",
    "ARGB2101010",
    "Y210",
    "Y212",
    "Y216",
    "NV15",
    "NV20",
    "P012",
    "P012M",
    "NV15_4L4",
    "NV12_8L128",
    "NV12_10BE_8L128",
    "MT2110T",
    "MT2110R",
];

#[test]
fn every_number_is_that_of_videodev2_h() {
    let header = header();
    assert!(header.len() > 150, "{} formats read from the header", header.len());
    let ours = FORMATS.iter().map(|f| (f.name, f.v4l2)).chain(UNMAPPED.iter().map(|f| (f.name, f.v4l2)));
    for (name, v4l2) in ours {
        match header.get(name) {
            Some(theirs) => assert_eq!(*theirs, v4l2, "{name}"),
            None => assert!(YOUNG.contains(&name), "{name} is in no videodev2.h"),
        }
    }
}

#[test]
fn no_format_is_there_twice_and_each_is_mapped_or_not() {
    let all: Vec<u32> = FORMATS.iter().map(|f| f.v4l2).chain(UNMAPPED.iter().map(|f| f.v4l2)).collect();
    for (at, v4l2) in all.iter().enumerate() {
        assert_eq!(all.iter().position(|other| other == v4l2), Some(at), "{:?}", v4l2.to_le_bytes());
        assert!(from_v4l2(*v4l2).is_some() != why_not(*v4l2).is_some());
    }
}

#[test]
fn names_that_look_alike_and_are_not() {
    let drm = |name: &str| FORMATS.iter().find(|f| f.name == name).map(|f| f.drm.to_le_bytes());
    // Bytes B, G, R, X: DRM's XRGB8888, a little-endian word.
    assert_eq!(drm("XBGR32"), Some(*b"XR24"));
    assert_eq!(drm("RGB24"), Some(*b"BG24"));
    assert_eq!(drm("BGR24"), Some(*b"RG24"));
    // The only one whose code differs for no reason but age.
    assert_eq!(drm("BGRA444"), Some(*b"BA12"));
    assert_eq!(drm("VUYA32"), Some(*b"AYUV"));
    assert!(why_not(u32::from_le_bytes(*b"AYUV")).unwrap().contains("VUYA"));
}

#[test]
fn drm_formats_are_known_by_the_same_number() {
    // What the library of names lacks.
    let nameless = ["AVUY", "XVUY", "NV20"];
    for format in FORMATS {
        let code = format.drm.to_le_bytes();
        let text = String::from_utf8_lossy(&code).into_owned();
        assert_eq!(format.format().is_none(), nameless.contains(&text.as_str()), "{}: {text}", format.name);
        if let Some(info) = format.format().and_then(formats::info) {
            let apart = format.memory_planes;
            assert!(apart == 1 || apart == info.planes, "{}: {apart} buffers of {} planes", format.name, info.planes);
        }
    }
}

#[test]
fn a_drm_format_may_be_several_of_v4l2() {
    let names = |drm, modifier| from_drm(drm, modifier).map(|f| f.name).collect::<Vec<_>>();
    assert_eq!(names(Fourcc::Nv12, Modifier::Linear), ["NV12", "NV12M"]);
    assert_eq!(names(Fourcc::Yuv420, Modifier::Linear), ["YUV420", "YUV420M"]);
    assert_eq!(names(Fourcc::Nv12, Modifier::Samsung_16_16_tile), ["NV12_16L16", "NV12MT_16X16"]);
    assert_eq!(names(Fourcc::Nv12, Modifier::Samsung_64_32_tile), ["NV12MT"]);
    assert_eq!(names(Fourcc::Nv12, Modifier::Allwinner_tiled), ["NV12_32L32"]);
    assert_eq!(names(Fourcc::Nv12, Modifier::Qcom_compressed), ["QC08C"]);
    assert_eq!(names(Fourcc::Nv12, Modifier::from(0x0b00_0000_0000_0001)), ["MM21"]);
    assert_eq!(names(Fourcc::Xrgb8888, Modifier::Linear), ["XBGR32", "BGR32"]);
    assert!(names(Fourcc::Nv12, Modifier::Invalid).is_empty(), "an unknown layout is none of V4L2's");
}

#[test]
fn colour_planes_lie_as_the_documentation_says() {
    let layout = |name: &str, height, lines: &[u32]| {
        let format = FORMATS.iter().find(|f| f.name == name).unwrap();
        let layout = format.layout(height, lines);
        layout.map(|l| l.iter().map(|p| (p.memory_plane, p.offset, p.stride)).collect::<Vec<_>>())
    };
    type Row<'a> = (&'a str, &'a [u32], &'a [(u8, u32, u32)]);
    let table: &[Row<'_>] = &[
        ("XBGR32", &[2560], &[(0, 0, 2560)]),
        ("YUYV", &[1280], &[(0, 0, 1280)]),
        ("NV12", &[640], &[(0, 0, 640), (0, 640 * 480, 640)]),
        ("NV24", &[640], &[(0, 0, 640), (0, 640 * 480, 1280)]),
        ("NV15", &[800], &[(0, 0, 800), (0, 800 * 480, 800)]),
        ("P010", &[1280], &[(0, 0, 1280), (0, 1280 * 480, 1280)]),
        ("YUV420", &[640], &[(0, 0, 640), (0, 640 * 480, 320), (0, 640 * 480 + 320 * 240, 320)]),
        ("YUV422P", &[640], &[(0, 0, 640), (0, 640 * 480, 320), (0, 640 * 480 + 320 * 480, 320)]),
        ("NV12M", &[640, 704], &[(0, 0, 640), (1, 0, 704)]),
        ("YUV420M", &[640, 320, 384], &[(0, 0, 640), (1, 0, 320), (2, 0, 384)]),
        ("MM21", &[640, 640], &[(0, 0, 640), (1, 0, 640)]),
    ];
    for (name, lines, planes) in table {
        assert_eq!(layout(name, 480, lines).as_deref(), Some(*planes), "{name}");
    }
    assert_eq!(layout("YUV420", 5, &[8]), Some(vec![(0, 0, 8), (0, 40, 4), (0, 52, 4)]), "odd heights round up");
    assert_eq!(layout("NV12M", 480, &[640]), None, "a line length a buffer");
    assert_eq!(layout("NV12", u32::MAX, &[640]), None, "no overflow");
}

#[test]
fn matrix_and_range() {
    use Encoding::*;
    use Range::*;
    // Colour space, encoding, quantization, lines.
    let table = [
        ((0, 0, 0), 480, Some((Bt601, Limited))),
        ((0, 0, 0), 719, Some((Bt601, Limited))),
        ((0, 0, 0), 720, Some((Bt709, Limited))),
        ((1, 0, 0), 1080, Some((Bt601, Limited))),
        ((3, 0, 0), 480, Some((Bt709, Limited))),
        ((7, 0, 0), 1080, Some((Bt601, Full))),
        ((8, 0, 0), 1080, Some((Bt601, Limited))),
        ((8, 0, 1), 1080, Some((Bt601, Full))),
        ((10, 0, 0), 2160, Some((Bt2020, Limited))),
        ((12, 0, 0), 480, Some((Bt709, Limited))),
        ((7, 2, 2), 480, Some((Bt709, Limited))),
        ((3, 1, 0), 1080, Some((Bt601, Limited))),
        ((2, 0, 0), 1080, None),
        ((3, 8, 0), 1080, None),
        ((10, 7, 0), 2160, None),
    ];
    for ((colorspace, ycbcr_enc, quantization), height, expected) in table {
        let colours = Colorimetry { colorspace, ycbcr_enc, quantization };
        let found = colours.representation(height).map(|r| (r.encoding, r.range));
        assert_eq!(found, expected, "{colours:?} {height}");
    }
}

#[test]
fn fields_and_alpha() {
    assert_eq!([0, 1].map(field), [Some(Field::Progressive); 2]);
    assert_eq!([2, 3, 7].map(field), [Some(Field::Single); 3]);
    assert_eq!([4, 8].map(field), [Some(Field::Interleaved(false)); 2]);
    assert_eq!(field(9), Some(Field::Interleaved(true)));
    assert_eq!([5, 6].map(field), [Some(Field::Sequential); 2]);
    assert_eq!(field(10), None);
    assert!(is_premultiplied(3) && !is_premultiplied(2));
}

#[test]
fn one_plane_of_a_frame_in_one_buffer_says_where_the_others_are() {
    let complete = |format, modifier, given: &[(u32, u32)]| {
        let planes = given.iter().map(|&(offset, stride)| ParamsPlane { memory: 'm', offset, stride }).collect();
        let mut taken = CompleteParams { modifier, planes };
        super::complete(&mut taken, format, 480, |memory| *memory);
        taken.planes.iter().map(|plane| (plane.offset, plane.stride)).collect::<Vec<_>>()
    };
    let linear = 0;
    assert_eq!(complete(Fourcc::Nv12, linear, &[(64, 640)]), [(64, 640), (64 + 640 * 480, 640)]);
    let thirds = [(0, 640), (640 * 480, 320), (640 * 480 + 320 * 240, 320)];
    assert_eq!(complete(Fourcc::Yuv420, linear, &[(0, 640)]), thirds);
    // What is complete, has one plane, is tiled, or would not fit in 32 bits, stays as it is.
    assert_eq!(complete(Fourcc::Nv12, linear, &[(0, 640), (7, 8)]), [(0, 640), (7, 8)]);
    assert_eq!(complete(Fourcc::Yuyv, linear, &[(0, 1280)]), [(0, 1280)]);
    assert_eq!(complete(Fourcc::Nv12, 1 << 56, &[(0, 640)]), [(0, 640)]);
    assert_eq!(complete(Fourcc::Nv12, linear, &[(u32::MAX, 640)]), [(u32::MAX, 640)]);
    assert_eq!(complete(Fourcc::Nv12, linear, &[(0, u32::MAX)]), [(0, u32::MAX)]);
}

#[test]
fn planes_elsewhere_are_no_frame_in_one_buffer() {
    let nv12 = [(0, 64), (64 * 10, 64)];
    for (format, planes, right) in [
        (Fourcc::Nv12, &nv12[..], true),
        (Fourcc::Nv12, &nv12[..1], false),
        (Fourcc::Nv12, &[(0, 64), (64 * 10 + 64, 64)], false),
        (Fourcc::Nv12, &[(0, 64), (0, 64)], false),
        (Fourcc::Nv12, &[(64, 64), (64 * 11, 64)], false),
        (Fourcc::Nv12, &[(0, 64), (64 * 10, 128)], false),
        (Fourcc::Yuv420, &[(0, 64), (640, 32), (800, 32)], true),
        (Fourcc::Yuv420, &[(0, 64), (800, 32), (640, 32)], false),
        (Fourcc::Rgb565, &[(0, 64)], true),
        (Fourcc::Rgb565, &[(2, 64)], false),
        (Fourcc::Rgb565, &[], false),
    ] {
        assert_eq!(follows(format, 10, planes.iter().copied()), right, "{format} {planes:?}");
    }
}
