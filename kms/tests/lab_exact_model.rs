//! The vkms model against the kernel's own CRCs: every format, turn, encoding and range, the gamma
//! LUT, the background, colour pipelines, single planes, and displays broken on purpose. Random
//! images; each equality has a control that must differ.

mod lab;
mod model;

use kms::crc::CrcReader;
use kms::crc::vkms::{ColorOp, Composer, Encoding, Gamma, ModelOptions, ModelRotation, Range, Scene, Unmodelled};
use kms::{CrtcIndex, Rect, SrcRect};
use model::{FORMATS, Fault, Paint, Rig, is_yuv};

const ENCODINGS: [Encoding; 3] = [Encoding::Bt601, Encoding::Bt709, Encoding::Bt2020];
const RANGES: [Range; 2] = [Range::Full, Range::Limited];

/// Where an image is shown: in the middle, over two edges, over the others.
const PLACES: [(i32, i32); 3] = [(20, 9), (-11, -7), (61, 43)];

#[test]
#[ignore = "lab"]
fn every_format_turn_encoding_and_range() {
    let mut rig = Rig::new(false);
    let ground = rig.paint(*b"XR24", (96, 64), 1);
    let mut composer = Composer::default();
    let mut cases = 0;
    for (number, format) in FORMATS.into_iter().enumerate() {
        let picture = rig.paint(format, (48, 40), number as u32 + 2);
        let looks: Vec<(Encoding, Range)> = match is_yuv(format) {
            true => ENCODINGS.into_iter().flat_map(|encoding| RANGES.map(|range| (encoding, range))).collect(),
            false => vec![Default::default()],
        };
        for (encoding, range) in looks {
            for (at, turn) in ModelRotation::all().enumerate() {
                let look = ModelOptions { turn, encoding, range, pipeline: &[] };
                let (w, h) = if turn.swaps() { (29, 37) } else { (37, 29) };
                let (x, y) = PLACES[(at + cases) % PLACES.len()];
                let (src, dst) = (SrcRect::pixels(5, 3, 37, 29), Rect::new(x, y, w, h));
                let below = ground.plane(SrcRect::full(96, 64), Rect::new(0, 0, 96, 64), &ModelOptions::default());
                let above = match picture.try_plane(src, dst, &look) {
                    Err(Unmodelled::TurnedBits) => continue,
                    plane => plane.expect("modelled"),
                };
                let read = rig
                    .show(&[(0, &ground, src_full(), full(), ModelOptions::default()), (1, &picture, src, dst, look)]);
                let predicted = composer.crc(96, 64, &[below, above]);
                let name = String::from_utf8_lossy(&format).into_owned();
                assert_eq!(read, predicted, "{name} {look:?} at {dst:?}");
                // The control: another reflection, or another encoding, is another image.
                let other = match at % 2 == 0 && is_yuv(format) {
                    true => {
                        ModelOptions { range: if range == Range::Full { Range::Limited } else { Range::Full }, ..look }
                    }
                    false => ModelOptions { turn: ModelRotation { reflect_x: !turn.reflect_x, ..turn }, ..look },
                };
                let other = picture.plane(src, dst, &other);
                assert_ne!(read, composer.crc(96, 64, &[below, other]), "{name} {look:?} against {other:?}");
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
    assert_eq!(cases, 15 * 16 + 3 * 8 + 15 * 16 * 6);
}

fn src_full() -> SrcRect {
    SrcRect::full(96, 64)
}

fn full() -> Rect {
    Rect::new(0, 0, 96, 64)
}

/// An image that does not begin with its buffer: vkms adds the first offset twice.
#[test]
#[ignore = "lab"]
fn colour_planes_at_offsets() {
    let mut rig = Rig::new(false);
    for format in [*b"XR24", *b"NV12", *b"YU16"] {
        let picture = rig.paint_at(format, (96, 64), 9, 512);
        let read = rig.show(&[(0, &picture, src_full(), full(), ModelOptions::default())]);
        let plane = picture.plane(src_full(), full(), &ModelOptions::default());
        assert_eq!(read, kms::crc::vkms::crc(96, 64, &[plane]), "{format:?}");
    }
}

#[test]
#[ignore = "lab"]
fn gamma_and_background() {
    let mut rig = Rig::new(false);
    let picture = rig.paint(*b"AR24", (50, 40), 3);
    let (src, dst) = (SrcRect::full(50, 40), Rect::new(30, 10, 50, 40));
    let planes = [picture.plane(src, dst, &ModelOptions::default())];
    let mut composer = Composer::default();
    let mut random = Paint::new(77);
    let mut seen = Vec::new();
    for length in [0usize, 256, 2, 3, 16, 100, 255, 1] {
        let entries: Vec<[u16; 3]> = (0..length).map(|_| [(); 3].map(|()| random.next() as u16)).collect();
        let background = u64::from(random.next()) << 17 | u64::from(random.next());
        let gamma = Gamma::new(&entries);
        rig.crtc(background, &entries);
        let read = rig.show(&[(0, &picture, src, dst, ModelOptions::default())]);
        let scene = Scene { width: 96, height: 64, background, gamma: gamma.as_ref(), planes: &planes };
        assert_eq!(read, composer.frame(&scene), "{length} entries, background {background:#x}");
        assert_ne!(read, composer.frame(&Scene { background: background ^ 1, gamma: None, ..scene }));
        assert!(!seen.contains(&read));
        seen.push(read);
    }
}

/// Needs `vkms.enable_plane_pipeline=1`, which the lab sets.
#[test]
#[ignore = "lab"]
fn colour_pipelines() {
    let mut rig = Rig::new(true);
    let mut random = Paint::new(5);
    let mut composer = Composer::default();
    for (number, format) in [*b"XR24", *b"AR24", *b"AB48", *b"R8  "].into_iter().enumerate() {
        let picture = rig.paint(format, (96, 64), 20 + number as u32);
        let mut matrix = || {
            // Around 1 on the diagonal, else small; signs, and offsets of up to the whole range.
            ColorOp::Matrix(std::array::from_fn(|at| {
                let sign = u64::from(random.next() & 1) << 63;
                let part = u64::from(random.next()) >> if at % 5 == 0 { 0 } else { 2 };
                if at % 4 == 3 { sign | part << 14 } else { sign | part }
            }))
        };
        let (first, second) = (matrix(), matrix());
        let steps: [[Option<ColorOp>; 4]; 5] = [
            [Some(ColorOp::SrgbEotf), None, None, None],
            [Some(ColorOp::SrgbInverseEotf), None, None, None],
            [None, Some(first), None, None],
            [None, Some(first), Some(second), None],
            [Some(ColorOp::SrgbEotf), Some(first), Some(second), Some(ColorOp::SrgbInverseEotf)],
        ];
        for steps in steps {
            let pipeline: Vec<ColorOp> = steps.into_iter().flatten().collect();
            rig.pipeline(0, &steps);
            let look = ModelOptions { pipeline: &pipeline, ..ModelOptions::default() };
            let read = rig.show(&[(0, &picture, src_full(), full(), look)]);
            let plane = picture.plane(src_full(), full(), &look);
            assert_eq!(read, composer.crc(96, 64, &[plane]), "{format:?} {steps:?}");
            let plain = picture.plane(src_full(), full(), &ModelOptions::default());
            assert_ne!(read, composer.crc(96, 64, &[plain]), "{format:?} {steps:?}");
        }
    }
}

/// As rcar-du has them: sources by plane object id, without frame numbers.
#[test]
#[ignore = "lab"]
fn single_planes_without_frame_numbers() {
    let mut rig = Rig::new(false);
    let (ground, alpha) = (rig.paint(*b"XR24", (96, 64), 1), rig.paint(*b"AR24", (40, 30), 2));
    let (src, dst) = (SrcRect::full(40, 30), Rect::new(-9, 50, 40, 30));
    let look =
        ModelOptions { turn: ModelRotation { quarters: 2, ..ModelRotation::default() }, ..ModelOptions::default() };
    let scene = [(0, &ground, src_full(), full(), ModelOptions::default()), (1, &alpha, src, dst, look)];
    let whole = rig.show(&scene);
    let planes = [ground.plane(src_full(), full(), &ModelOptions::default()), alpha.plane(src, dst, &look)];
    let mut composer = Composer::default();
    let mut seen = vec![whole];
    for (at, plane) in planes.iter().enumerate() {
        rig.arm(&format!("plane{}", rig.plane_id(at)));
        let read = rig.show(&scene);
        assert!(rig.last_frame().is_none(), "numbered");
        assert_eq!(read, composer.plane(96, 64, plane), "plane {at}");
        assert!(!seen.contains(&read), "plane {at} is not the whole");
        seen.push(read);
    }
    rig.arm(&format!("plane{}", rig.plane_id(2)));
    assert_eq!(rig.show(&scene), 0, "a plane that shows nothing");
    rig.arm("auto");
    assert_eq!(rig.show(&scene), whole);
    assert!(rig.last_frame().is_some());
    let reader = CrcReader::open(rig.device(), CrtcIndex::from_raw(0)).expect("reader");
    let unknown = reader.arm("plane9999").expect_err("no such plane").to_string();
    assert!(unknown.contains("plane9999") && unknown.contains(&format!("plane{}", rig.plane_id(1))), "{unknown}");
}

/// The display breaks, the prediction does not: that is what the whole is for.
#[test]
#[ignore = "lab"]
fn a_display_broken_on_purpose_is_found() {
    let mut rig = Rig::new(false);
    let (ground, alpha, yuv) =
        (rig.paint(*b"XR24", (96, 64), 1), rig.paint(*b"AR24", (40, 30), 2), rig.paint(*b"NV12", (40, 30), 3));
    let (src, dst) = (SrcRect::full(40, 30), Rect::new(9, 5, 40, 30));
    let mirrored =
        ModelOptions { turn: ModelRotation { reflect_x: true, ..ModelRotation::default() }, ..ModelOptions::default() };
    let wide = ModelOptions { encoding: Encoding::Bt2020, range: Range::Limited, ..ModelOptions::default() };
    let base = (0, &ground, src_full(), full(), ModelOptions::default());
    let under = ground.plane(src_full(), full(), &ModelOptions::default());
    let xr = rig.paint(*b"XR24", (40, 30), 4);
    for (fault, picture, look) in [
        (Fault::OverlayLine, &xr, ModelOptions::default()),
        (Fault::Opaque, &alpha, ModelOptions::default()),
        (Fault::Reflect, &xr, mirrored),
        (Fault::Gamma, &xr, ModelOptions::default()),
        (Fault::Encoding, &yuv, wide),
    ] {
        let ramp: Vec<[u16; 3]> = (0..256).map(|at| [at * 100, at * 50, 0xffff - at * 257]).collect();
        let gamma = if fault == Fault::Gamma { Gamma::new(&ramp) } else { None };
        rig.crtc(0, if fault == Fault::Gamma { &ramp } else { &[] });
        let planes = [under, picture.plane(src, dst, &look)];
        let scene = Scene { width: 96, height: 64, gamma: gamma.as_ref(), planes: &planes, ..Scene::default() };
        let predicted = Composer::default().frame(&scene);
        let shown = [base, (1, picture, src, dst, look)];
        assert_eq!(rig.show(&shown), predicted, "{fault:?} off");
        let broken = rig.broken(fault, |rig| rig.show(&shown));
        assert_ne!(broken, predicted, "{fault:?} on");
        assert_eq!(rig.show(&shown), predicted, "{fault:?} off again");
    }
}
