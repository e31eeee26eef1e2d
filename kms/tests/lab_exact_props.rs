//! Optional properties on a real kernel: each shows by CRC what plain arithmetic says it should,
//! and without it something else.

mod lab;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use dmabuf_import::{Dmabuf, DmabufPlane, Fourcc, Modifier};
use kms::colour::{Ctm, Ctm3x4, Lut};
use kms::crc::{CrcReader, CrcStream};
use kms::pipeline::OpState;
use kms::property_values::Curve;
use kms::{
    ColorEncoding, ColorRange, ConnectorState, CrtcState, Device, DumbBuffer, Framebuffer, PlaneOptions, PlaneState,
    Rect, Rotation, ScalingFilter, SrcRect, Step,
};
use lab::{Screen, readable};

fn painted(device: &Device, w: u32, h: u32, paint: impl Fn(u32, u32) -> u32) -> DumbBuffer {
    let mut buffer = device.dumb(w, h, Fourcc::Xrgb8888).expect("dumb buffer");
    let stride = buffer.stride() as usize;
    // The memory ends with whole pages.
    for (y, line) in buffer.bytes_mut().chunks_exact_mut(stride).take(h as usize).enumerate() {
        for (x, pixel) in line.as_chunks_mut::<4>().0.iter_mut().take(w as usize).enumerate() {
            *pixel = paint(x as u32, y as u32).to_le_bytes();
        }
    }
    buffer
}

fn stream(screen: &Screen) -> CrcStream {
    let reader = CrcReader::open(&screen.device, screen.output.crtc_index()).expect("reader");
    reader.arm("auto").expect("armed")
}

/// The CRC of the frame with this number, or of the first one after it.
fn at(stream: &mut CrcStream, sequence: u32) -> u32 {
    loop {
        match stream.read_entry().expect("entry") {
            Some(entry) if entry.frame.expect("numbered").wrapping_sub(sequence) as i32 >= 0 => {
                return entry.values()[0];
            }
            Some(_) => {}
            // A busy machine may take a while to compute one; a display that gives none takes for
            // ever.
            None => assert!(readable(stream.as_fd(), Duration::from_secs(20)), "no CRC for 20 seconds"),
        }
    }
}

/// Shows one plane alone, and what its CRC is.
fn crc_of(screen: &mut Screen, stream: &mut CrcStream, state: PlaneState<'_>) -> u32 {
    let flip = screen.show(&[(0, state)]);
    at(stream, screen.number(&flip))
}

/// As [`crc_of`], with another state of the CRTC.
fn crc_with(screen: &mut Screen, stream: &mut CrcStream, state: PlaneState<'_>, crtc: CrtcState) -> u32 {
    let serial = screen.serial();
    let mut frame = screen.output.frame();
    frame.set(0, state).crtc(crtc);
    frame.commit(serial).expect("commit");
    let flip = screen.wait_flip().expect("flip");
    at(stream, screen.number(&flip))
}

/// No two pixels of it are alike near each other, and no turn or mirror image of it is itself.
fn pixel(x: u32, y: u32) -> u32 {
    x | y << 8 | ((x * 7 + y * 13) & 0xff) << 16
}

#[test]
#[ignore = "lab"]
fn rotations_turn_and_mirror() {
    let mut screen = Screen::new();
    let mut stream = stream(&screen);
    let (w, h) = (100, 60);
    let buffer = painted(&screen.device, w, h, pixel);
    let turns = [Rotation::ROTATE_0, Rotation::ROTATE_90, Rotation::ROTATE_180, Rotation::ROTATE_270];
    let upright = PlaneState::new(buffer.id(), SrcRect::full(w, h), Rect::new(30, 20, w, h));
    let control = crc_of(&mut screen, &mut stream, upright);
    for (turn, (mirror_x, mirror_y)) in
        turns.into_iter().flat_map(|turn| [(false, false), (true, false), (false, true)].map(|mirror| (turn, mirror)))
    {
        let mut rotation = turn;
        rotation = if mirror_x { rotation.mirrored_x() } else { rotation };
        rotation = if mirror_y { rotation.mirrored_y() } else { rotation };
        let (dw, dh) = if rotation.swaps_axes() { (h, w) } else { (w, h) };
        let options = PlaneOptions { rotation, ..PlaneOptions::default() };
        let dst = Rect::new(30, 20, dw, dh);
        let turned = PlaneState { options, ..PlaneState::new(buffer.id(), SrcRect::full(w, h), dst) };
        let read = crc_of(&mut screen, &mut stream, turned);
        let expected = painted(&screen.device, dw, dh, |x, y| {
            let (sx, sy) = match turn {
                Rotation::ROTATE_90 => (w - 1 - y, x),
                Rotation::ROTATE_180 => (w - 1 - x, h - 1 - y),
                Rotation::ROTATE_270 => (y, h - 1 - x),
                _ => (x, y),
            };
            pixel(if mirror_x { w - 1 - sx } else { sx }, if mirror_y { h - 1 - sy } else { sy })
        });
        let expected = PlaneState::new(expected.id(), SrcRect::full(dw, dh), dst);
        assert_eq!(read, crc_of(&mut screen, &mut stream, expected), "{rotation:?}");
        assert_eq!(read != control, rotation != Rotation::ROTATE_0, "{rotation:?}: only upright is upright");
    }
}

/// An NV12 image of one colour; the memory must live as long as it is shown.
fn nv12(device: &Device, [luma, u, v]: [u8; 3]) -> (DumbBuffer, Framebuffer) {
    let (w, h) = (128, 64);
    let mut memory = device.dumb(w, h * 3 / 2, Fourcc::R8).expect("memory");
    let stride = memory.stride();
    let (light, chroma) = memory.bytes_mut().split_at_mut((stride * h) as usize);
    light.fill(luma);
    for pair in chroma.as_chunks_mut::<2>().0 {
        *pair = [u, v];
    }
    let shared = memory.export().expect("export");
    let fd = shared.planes()[0].fd.clone();
    let planes =
        vec![DmabufPlane { fd: fd.clone(), offset: 0, stride }, DmabufPlane { fd, offset: stride * h, stride }];
    let dmabuf = Dmabuf::new(w, h, Fourcc::Nv12, Modifier::Linear, planes).expect("NV12");
    (memory, device.framebuffer(&dmabuf, false).expect("framebuffer"))
}

#[test]
#[ignore = "lab"]
fn yuv_goes_by_its_matrix_and_range() {
    let mut screen = Screen::new();
    let mut stream = stream(&screen);
    let mut show = |colour, color_encoding, color_range| {
        let (_memory, fb) = nv12(&screen.device, colour);
        let options = PlaneOptions {
            color_encoding: Some(color_encoding),
            color_range: Some(color_range),
            ..PlaneOptions::default()
        };
        let (src, dst) = (SrcRect::full(128, 64), Rect::new(8, 8, 128, 64));
        let state = PlaneState { options, ..PlaneState::new(fb.id(), src, dst) };
        crc_of(&mut screen, &mut stream, state)
    };
    let (grey, blue) = ([16, 128, 128], [60, 240, 110]);
    // Black is at 16 in the limited range, at 0 in the full one.
    let black = show([0, 128, 128], ColorEncoding::Bt601, ColorRange::Full);
    assert_eq!(show(grey, ColorEncoding::Bt601, ColorRange::Limited), black);
    assert_ne!(show(grey, ColorEncoding::Bt601, ColorRange::Full), black);
    // The matrices agree on grey and on nothing else.
    let [sd, hd, uhd] =
        [ColorEncoding::Bt601, ColorEncoding::Bt709, ColorEncoding::Bt2020].map(|e| show(blue, e, ColorRange::Limited));
    assert!(sd != hd && hd != uhd && sd != uhd, "{sd:#x} {hd:#x} {uhd:#x}");
    assert_eq!(show(grey, ColorEncoding::Bt709, ColorRange::Limited), black);
    println!("blue: BT.601 {sd:#010x}, BT.709 {hd:#010x}, BT.2020 {uhd:#010x}");
}

#[test]
#[ignore = "lab"]
fn the_background_is_where_no_plane_is() {
    let mut screen = Screen::new();
    let mut stream = stream(&screen);
    let (w, h) = screen.output.size();
    let inset = Rect::new(100, 80, 200, 150);
    let window = painted(&screen.device, inset.w, inset.h, pixel);
    let window = PlaneState::new(window.id(), SrcRect::full(inset.w, inset.h), inset);
    let black = crc_of(&mut screen, &mut stream, window);
    let background = [0x12, 0x80, 0xfe].map(|channel: u16| channel * 257);
    let filled = crc_with(&mut screen, &mut stream, window, CrtcState { background, ..CrtcState::default() });
    assert_ne!(filled, black);
    let whole = painted(&screen.device, w, h, |x, y| {
        let inside = (100..300).contains(&x) && (80..230).contains(&y);
        if inside { pixel(x - 100, y - 80) } else { 0x12_80fe }
    });
    let whole = screen.full(whole.id());
    assert_eq!(crc_with(&mut screen, &mut stream, whole, CrtcState::default()), filled);
    assert_eq!(crc_of(&mut screen, &mut stream, window), black, "black again");
}

#[test]
#[ignore = "lab"]
fn gamma_is_a_table_of_the_whole_picture() {
    let mut screen = Screen::new();
    let mut stream = stream(&screen);
    let size = screen.output.crtc_props().gamma_lut_size.expect("vkms has a table") as usize;
    let checks = |x: u32, y: u32| if (x / 32 + y / 32).is_multiple_of(2) { 0xff_0000 } else { 0x00_ffff };
    let picture = screen.painted(checks);
    let inverse = screen.painted(|x, y| checks(x, y) ^ 0xff_ffff);
    let (picture, inverse) = (screen.full(picture.id()), screen.full(inverse.id()));
    let plain = crc_of(&mut screen, &mut stream, picture);
    let entries: Vec<[u16; 3]> = (0..size).map(|at| [u16::MAX - (at * 0xffff / (size - 1)) as u16; 3]).collect();
    let gamma = Some(Arc::new(Lut::new(&screen.device, &entries).expect("table")));
    let turned = crc_with(&mut screen, &mut stream, picture, CrtcState { gamma, ..CrtcState::default() });
    assert_ne!(turned, plain);
    assert_eq!(crc_of(&mut screen, &mut stream, inverse), plain, "the table is still there: twice inverse is plain");
    assert_eq!(crc_with(&mut screen, &mut stream, inverse, CrtcState::default()), turned);
}

#[test]
#[ignore = "lab"]
fn a_pipeline_is_what_its_operations_say() {
    let device = Device::open(lab::card("vkms")).expect("vkms opens");
    assert!(device.inventory().expect("inventory").planes.iter().all(|plane| plane.pipelines.is_empty()));
    device.show_colour_pipelines(true).expect("Linux 6.19");
    let mut screen = Screen::on(device);
    let plane = &screen.output.planes()[0];
    let [pipeline] = &plane.pipelines[..] else { panic!("{:?}", plane.pipelines) };
    let kinds: Vec<&str> = pipeline.ops.iter().map(|op| op.kind()).collect();
    assert_eq!(kinds, ["1D Curve", "3x4 Matrix", "3x4 Matrix", "1D Curve"]);
    // This descriptor has given the other colour properties up.
    assert!(plane.props.color_encoding.is_none() && plane.props.color_range.is_none());
    let swap = [[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]];
    let swap = OpState::Matrix(Arc::new(Ctm3x4::new(&screen.device, swap).expect("matrix")));
    let make = |ops: [OpState; 4]| plane.pipeline(0, &ops).expect("a pipeline");
    let none = make([OpState::Bypass, OpState::Bypass, OpState::Bypass, OpState::Bypass]);
    let once = make([OpState::Bypass, swap.clone(), OpState::Bypass, OpState::Bypass]);
    let twice = make([OpState::Bypass, swap.clone(), swap, OpState::Bypass]);
    let curve = make([OpState::Curve(Curve::SrgbEotf), OpState::Bypass, OpState::Bypass, OpState::Bypass]);
    let mut stream = stream(&screen);
    let picture = screen.painted(pixel);
    let swapped = screen.painted(|x, y| pixel(x, y).swap_bytes() >> 8);
    let (picture, swapped) = (screen.full(picture.id()), screen.full(swapped.id()));
    let mut show = |state, pipeline| crc_of(&mut screen, &mut stream, PlaneState { pipeline, ..state });
    let (plain, other) = (show(picture, None), show(swapped, None));
    assert_ne!(plain, other);
    assert_eq!(show(picture, Some(&once)), other, "a matrix that swaps red and blue");
    assert_eq!(show(picture, Some(&twice)), plain, "and back");
    assert_eq!(show(picture, Some(&none)), plain, "all bypassed");
    assert_ne!(show(picture, Some(&curve)), plain, "a curve");
    assert_eq!(show(picture, None), plain, "taken off");
}

#[test]
#[ignore = "lab"]
fn what_vkms_lacks_is_refused_by_name() {
    let mut screen = Screen::new();
    let plain = screen.full(screen.black.id());
    let options = |options| PlaneState { options, ..plain };
    let planes = [
        (
            "SCALING_FILTER",
            PlaneOptions { scaling_filter: Some(ScalingFilter::NearestNeighbor), ..PlaneOptions::default() },
        ),
        ("colorkey", PlaneOptions { color_key: Some(0), ..PlaneOptions::default() }),
        ("HOTSPOT_X", PlaneOptions { hotspot: Some((0, 0)), ..PlaneOptions::default() }),
    ];
    let id = screen.output.planes()[0].id;
    for (property, state) in planes {
        let error = screen.output.frame().set(0, options(state)).test().expect_err(property);
        println!("{error}");
        assert_eq!(error.step, Step::Prepare);
        assert!(error.detail.contains(property) && error.detail.contains(&format!("object {id}")), "{error}");
    }
    let unit = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let ctm = Some(Arc::new(Ctm::new(&screen.device, unit).expect("matrix")));
    let error = screen.output.frame().crtc(CrtcState { ctm, ..CrtcState::default() }).test().expect_err("CTM");
    assert!(error.step == Step::Prepare && error.detail.ends_with("no property CTM"), "{error}");
    let state = ConnectorState { max_bpc: Some(10), ..ConnectorState::default() };
    assert_eq!(screen.output.unsupported(&state), Some("no property max bpc"));
    let error = screen.output.frame().connector(state).test().expect_err("max bpc");
    assert!(error.step == Step::Prepare && error.detail.ends_with("no property max bpc"), "{error}");
    let connector = screen.inventory.connected().next().expect("a display");
    assert!(!connector.vrr_capable() && !connector.link_is_bad() && connector.panel_orientation().is_none());
}
