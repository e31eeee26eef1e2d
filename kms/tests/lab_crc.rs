//! Display CRCs of a real kernel: read, predicted, and told apart.

mod lab;

use std::os::fd::AsFd;
use std::time::Duration;

use dmabuf_import::Fourcc;
use kms::crc::vkms::{self, ModelPlane};
use kms::crc::{CrcEntry, CrcError, CrcReader, CrcStream};
use kms::{CrtcIndex, DumbBuffer, PlaneState, Rect, SrcRect};
use lab::{Screen, readable};

/// A dumb buffer of noise, premultiplied or not.
fn noise(screen: &Screen, w: u32, h: u32, format: Fourcc, seed: u32) -> DumbBuffer {
    let mut buffer = screen.device.dumb(w, h, format).expect("dumb buffer");
    let mut state = seed | 1;
    for (at, byte) in buffer.bytes_mut().iter_mut().enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Blocks of noise, of full and of nothing, so that every branch of the blending is taken.
        *byte = match at / 512 % 4 {
            2 => 0,
            3 => 255,
            _ => (state >> 24) as u8,
        };
    }
    buffer
}

fn model<'a>(buffer: &'a DumbBuffer, state: &PlaneState<'_>) -> ModelPlane<'a> {
    ModelPlane::new(buffer.bytes(), buffer.stride(), buffer.format() as u32, state.src, state.dst).expect("modelled")
}

fn next(stream: &mut CrcStream) -> CrcEntry {
    loop {
        if let Some(entry) = stream.read_entry().expect("entry") {
            return entry;
        }
        assert!(readable(stream.as_fd(), Duration::from_secs(1)), "no CRC for a second");
    }
}

/// The CRC of the frame with this number, or of the first one after it (a slow worker gives one CRC
/// for several frames).
fn at(stream: &mut CrcStream, sequence: u32) -> u32 {
    loop {
        let entry = next(stream);
        if entry.frame.expect("vkms numbers its frames").wrapping_sub(sequence) as i32 >= 0 {
            return entry.values()[0];
        }
    }
}

fn arm(screen: &Screen) -> CrcStream {
    let reader = CrcReader::open(&screen.device, screen.output.crtc_index()).expect("reader");
    reader.arm("auto").expect("armed")
}

#[test]
#[ignore = "lab"]
fn a_black_screen_is_as_predicted() {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let mut stream = arm(&screen);
    let flip = screen.show(&[(0, screen.full(screen.black.id()))]);
    let read = at(&mut stream, screen.number(&flip));
    println!("black {w}x{h}: {read:#010x}");
    assert_eq!(read, vkms::crc(w, h, &[]));
    // The control: one pixel differs in its lowest bit.
    let dot = screen.painted(|x, y| u32::from((x, y) == (w - 1, h - 1)));
    let flip = screen.show(&[(0, screen.full(dot.id()))]);
    let other = at(&mut stream, screen.number(&flip));
    assert_ne!(other, read);
    assert_eq!(other, vkms::crc(w, h, &[model(&dot, &screen.full(dot.id()))]));
}

#[test]
#[ignore = "lab"]
fn scenes_of_planes_are_as_predicted() {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let mut stream = arm(&screen);
    let cursor = screen.output.cursor().expect("cursor plane");
    let overlays: Vec<usize> = screen.output.overlays().collect();
    let primary = noise(&screen, w, h, Fourcc::Xrgb8888, 1);
    let alpha = noise(&screen, 400, 300, Fourcc::Argb8888, 2);
    let pointer = noise(&screen, 64, 64, Fourcc::Argb8888, 3);
    let small = noise(&screen, 333, 111, Fourcc::Rgb565, 4);
    let place = |buffer: &DumbBuffer, (sx, sy), x, y, ww, hh| {
        PlaneState::new(buffer.id(), SrcRect::pixels(sx, sy, ww, hh), Rect::new(x, y, ww, hh))
    };
    let full = screen.full(primary.id());
    let mut scenes: Vec<Vec<(usize, &DumbBuffer, PlaneState<'_>)>> = vec![
        vec![(0, &primary, full)],
        vec![(0, &primary, place(&primary, (0, 0), 100, 50, 500, 400))],
        vec![(0, &primary, place(&primary, (17, 5), -20, -30, 300, 200))],
        vec![(0, &primary, full), (cursor, &pointer, place(&pointer, (0, 0), 300, 200, 64, 64))],
        vec![(0, &primary, full), (cursor, &pointer, place(&pointer, (0, 0), -10, -20, 64, 64))],
        vec![(0, &primary, full), (cursor, &pointer, place(&pointer, (0, 0), w as i32 - 13, h as i32 - 1, 64, 64))],
        vec![(cursor, &pointer, place(&pointer, (0, 0), 5, 5, 64, 64))],
    ];
    if let [low, high, ..] = overlays[..] {
        scenes.push(vec![(0, &primary, full), (low, &alpha, place(&alpha, (0, 0), 10, 10, 400, 300))]);
        scenes.push(vec![
            (0, &primary, full),
            (low, &alpha, place(&alpha, (1, 2), 200, 100, 390, 290)),
            (high, &small, place(&small, (3, 1), 250, 150, 330, 110)),
            (cursor, &pointer, place(&pointer, (0, 0), 280, 160, 64, 64)),
        ]);
        scenes.push(vec![
            (0, &primary, full),
            (low, &small, place(&small, (3, 1), 250, 150, 330, 110)),
            (high, &alpha, place(&alpha, (1, 2), 200, 100, 390, 290)),
        ]);
    }
    let mut seen = Vec::new();
    for (number, scene) in scenes.iter().enumerate() {
        let states: Vec<_> = scene.iter().map(|(plane, _, state)| (*plane, *state)).collect();
        let flip = screen.show(&states);
        let read = at(&mut stream, screen.number(&flip));
        let planes: Vec<_> = scene.iter().map(|(_, buffer, state)| model(buffer, state)).collect();
        let predicted = vkms::crc(w, h, &planes);
        println!("scene {number}, {} planes: read {read:#010x}, predicted {predicted:#010x}", planes.len());
        assert_eq!(read, predicted, "scene {number}");
        assert!(!seen.contains(&read), "every scene looks different");
        seen.push(read);
    }
}

#[test]
#[ignore = "lab"]
fn every_modelled_format_is_as_predicted() {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let mut stream = arm(&screen);
    let cursor = screen.output.cursor().expect("cursor plane");
    let formats = [
        Fourcc::Xrgb8888,
        Fourcc::Xbgr8888,
        Fourcc::Argb8888,
        Fourcc::Abgr8888,
        Fourcc::Rgba8888,
        Fourcc::Bgra8888,
        Fourcc::Rgb888,
        Fourcc::Bgr888,
        Fourcc::Rgb565,
        Fourcc::Bgr565,
        Fourcc::R8,
    ];
    let ground = screen.painted(|x, y| x.wrapping_mul(0x1_0203) ^ y << 9);
    for format in formats {
        if !screen.output.planes()[cursor].supports(format, dmabuf_import::Modifier::Linear) {
            println!("{format}: not on this plane");
            continue;
        }
        let buffer = noise(&screen, 300, 220, format, 9);
        let state = PlaneState::new(buffer.id(), SrcRect::full(300, 220), Rect::new(31, 17, 300, 220));
        let below = screen.full(ground.id());
        let flip = screen.show(&[(0, below), (cursor, state)]);
        let read = at(&mut stream, screen.number(&flip));
        let predicted = vkms::crc(w, h, &[model(&ground, &below), model(&buffer, &state)]);
        println!("{format}: read {read:#010x}, predicted {predicted:#010x}");
        assert_eq!(read, predicted, "{format}");
    }
}

#[test]
#[ignore = "lab"]
fn frame_numbers_pair_crcs_with_flips() {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let pictures: Vec<_> = (0..4u32).map(|seed| screen.painted(move |x, y| x ^ (y << 8) ^ (seed << 20))).collect();
    let expected: Vec<_> = pictures.iter().map(|p| vkms::crc(w, h, &[model(p, &screen.full(p.id()))])).collect();
    let mut stream = arm(&screen);
    screen.show(&[(0, screen.full(pictures[3].id()))]);
    let mut flips = Vec::new();
    let mut entries = Vec::new();
    for at in 0..40 {
        let flip = screen.show(&[(0, screen.full(pictures[at % 4].id()))]);
        flips.push((screen.number(&flip), expected[at % 4]));
        while let Some(entry) = stream.read_entry().expect("entry") {
            entries.push(entry);
        }
    }
    let last = flips.last().expect("flips").0;
    while entries.last().and_then(|entry| entry.frame).is_none_or(|frame| frame < last) {
        entries.push(next(&mut stream));
    }
    let mut paired = 0;
    for entry in &entries {
        let frame = entry.frame.expect("numbered");
        // The image of the latest flip not after this frame.
        if let Some((_, crc)) = flips.iter().rev().find(|(sequence, _)| *sequence <= frame) {
            assert_eq!(entry.values()[0], *crc, "frame {frame}");
            paired += 1;
        }
    }
    // vkms leaves a number out where its timer ran late (a busy machine): the stream must have
    // counted just those.
    let frames: Vec<u32> = entries.iter().filter_map(|entry| entry.frame).collect();
    let missing: u32 = frames.windows(2).map(|pair| pair[1] - pair[0] - 1).sum();
    println!("{paired} CRCs paired, {missing} numbers left out");
    assert!(paired >= 38, "{paired}");
    assert!(stream.gaps() >= u64::from(missing) && stream.gaps() <= u64::from(missing) + 2, "{}", stream.gaps());
}

#[test]
#[ignore = "lab"]
fn each_refusal_is_one_clear_line() {
    let mut screen = Screen::new();
    let reader = CrcReader::open(&screen.device, screen.output.crtc_index()).expect("reader");
    let sources = reader.sources().expect("sources");
    assert!(sources.iter().any(|source| source.name == "auto"), "{sources:?}");
    let unknown = reader.arm("pipe").expect_err("no such source");
    assert!(matches!(&unknown, CrcError::UnknownSource { known, .. } if known.starts_with("auto")), "{unknown}");
    let stream = reader.arm("auto").expect("armed");
    let busy = reader.arm("auto").expect_err("one reader at a time");
    let me = format!("process {}", std::process::id());
    assert!(matches!(&busy, CrcError::Busy { holder: Some(who), .. } if who.contains(&me)), "{busy}");
    drop(stream);
    assert_eq!(screen.output.disable(u64::MAX), Ok(true));
    screen.wait_flip().expect("off");
    let off = reader.arm("auto").expect_err("nothing is scanned out");
    assert!(matches!(off, CrcError::CrtcOff(index) if index == CrtcIndex::from_raw(0)), "{off}");
    let missing = CrtcIndex::from_raw(7);
    let none = CrcReader::open(&screen.device, missing).expect_err("no such CRTC");
    assert!(matches!(none, CrcError::Unsupported { crtc, .. } if crtc == missing), "{none}");
    for error in [unknown, busy, off, none] {
        println!("{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
