//! Reading and pairing CRCs in virtual time, where only logic can be late: with numbers and
//! without, across modesets, and for 10 000 frames.

mod lab;
mod model;

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kms::crc::driver::{self, plane_source};
use kms::crc::pair::{EntryFrame, Pairer, Rule, ShownFrame};
use kms::crc::vkms::{self, Composer, ModelPlane};
use kms::crc::{CrcReader, CrcStream};
use kms::{DumbBuffer, PlaneState};
use lab::{Screen, now, readable};
use model::Rig;

fn plane<'a>(buffer: &'a DumbBuffer, state: &PlaneState<'_>) -> ModelPlane<'a> {
    ModelPlane::new(buffer.bytes(), buffer.stride(), buffer.format() as u32, state.src, state.dst).expect("modelled")
}

fn arm(screen: &Screen, source: &str) -> CrcStream {
    CrcReader::open(&screen.device, screen.output.crtc_index()).expect("reader").arm(source).expect("armed")
}

/// Hands over all entries that come until `end`.
fn read_until(stream: &mut CrcStream, pairer: &mut Pairer, end: u64) {
    loop {
        while let Some(entry) = stream.read_entry().expect("entry") {
            pairer.entry(entry, now());
        }
        let left = end.saturating_sub(now());
        if left == 0 || !readable(stream.as_fd(), Duration::from_nanos(left)) {
            return;
        }
    }
}

/// Frames of four images, each shown for one to three vblanks, paired with the entries of `source`:
/// every verdict is right.
fn pairs(source: impl Fn(&Screen) -> String, numbered: bool) {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let period = screen.output.mode().period_ns();
    let pictures: Vec<_> = (0..4u32).map(|seed| screen.painted(move |x, y| x ^ (y << 8) ^ (seed << 20))).collect();
    let mut composer = Composer::default();
    let expected: Vec<u32> = pictures
        .iter()
        .map(|picture| {
            let shown = plane(picture, &screen.full(picture.id()));
            // An image over the whole screen is the same alone.
            assert_eq!(composer.plane(w, h, &shown), vkms::crc(w, h, &[shown]));
            composer.plane(w, h, &shown)
        })
        .collect();
    let source = source(&screen);
    let mut stream = arm(&screen, &source);
    let mut pairer = Pairer::new(Rule::of(driver::of(screen.device.driver_info()), &source, period));
    let (mut first, mut repeated, mut other) = (0, 0, 0);
    for frame in 0..60u64 {
        let flip = screen.show(&[(0, screen.full(pictures[frame as usize % 4].id()))]);
        pairer.flip(ShownFrame { id: frame, sequence: flip.sequence, time: flip.time });
        read_until(&mut stream, &mut pairer, flip.time + frame % 3 * period + period / 2);
        while let Some(pair) = pairer.next(now()) {
            assert_eq!(pair.entry.frame.is_some(), numbered);
            match pair.verdict {
                EntryFrame::First(id) => {
                    (first, _) = (first + 1, assert_eq!(pair.entry.values()[0], expected[id as usize % 4]))
                }
                EntryFrame::Repeat(id) => {
                    (repeated, _) = (repeated + 1, assert_eq!(pair.entry.values()[0], expected[id as usize % 4]))
                }
                EntryFrame::Before | EntryFrame::Ambiguous { .. } => other += 1,
            }
        }
    }
    println!("{first} first, {repeated} repeated, {other} other, {} unread, {} gaps", pairer.unread(), stream.gaps());
    assert!(first >= 56 && repeated >= 30 && other == 0, "{first} {repeated} {other}");
    assert_eq!(stream.gaps(), 0);
}

#[test]
#[ignore = "lab"]
fn frame_numbers_pair() {
    pairs(|_| "auto".into(), true);
}

/// The source of a plane has no numbers, as on R-Car.
#[test]
#[ignore = "lab"]
fn arrivals_pair() {
    pairs(|screen| plane_source(screen.output.planes()[0].id), false);
}

#[test]
#[ignore = "lab"]
fn armed_anew_after_a_modeset() {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let dot = screen.painted(|x, y| u32::from((x, y) == (3, 4)));
    let mut stream = arm(&screen, "auto");
    let second = Duration::from_secs(1);
    let before = stream.wait_entry(second).expect("an entry");
    assert_eq!(before.values()[0], vkms::crc(w, h, &[]));
    let serial = screen.serial();
    let state = screen.full(dot.id());
    assert_eq!(screen.output.disable(u64::MAX), Ok(true));
    screen.wait_flip().expect("off");
    let mut frame = screen.output.modeset();
    frame.set(0, state);
    frame.commit(serial).expect("modeset");
    screen.wait_flip().expect("the flip of the modeset");
    assert!(screen.device.wait_vblanks(screen.output.crtc_id(), second), "vblanks");
    let mut stream = stream.rearm().expect("armed anew");
    let after = stream.wait_entry(second).expect("an entry");
    assert_eq!(after.values()[0], vkms::crc(w, h, &[plane(&dot, &screen.full(dot.id()))]));
    assert_eq!(stream.gaps(), 0, "none across");
    // Nothing more comes from a CRTC that is off, and waiting ends.
    assert_eq!(screen.output.disable(u64::MAX - 1), Ok(true));
    screen.wait_flip().expect("off");
    let error = std::iter::repeat_with(|| stream.wait_entry(second)).find_map(Result::err).expect("silence");
    assert!(error.to_string().contains("no CRC within 1000 ms"), "{error}");
    let off = stream.rearm().expect_err("off").to_string();
    assert!(off.contains("CRTC 0 is off"), "{off}");
}

/// The reader beside threads that compute all the time.
#[test]
#[ignore = "lab"]
fn ten_thousand_frames_without_a_gap() {
    // A small screen, for the kernel's composer takes real time.
    let mut rig = Rig::new(false);
    rig.arm("auto");
    let stream = rig.stream();
    let stop = AtomicBool::new(false);
    let (mut frames, mut last) = (0, None);
    std::thread::scope(|scope| {
        for seed in 0..2u32 {
            let stop = &stop;
            scope.spawn(move || {
                let mut state = seed;
                while !stop.load(Ordering::Relaxed) {
                    (0..20_000)
                        .for_each(|_| state = std::hint::black_box(state.wrapping_mul(1_664_525).wrapping_add(1)));
                    // Virtual time passes only while everybody sleeps.
                    std::thread::sleep(Duration::from_millis(7));
                }
            });
        }
        while frames < 10_000 {
            let entry = stream.wait_entry(Duration::from_secs(1)).expect("an entry");
            let frame = entry.frame.expect("numbered");
            assert!(last.is_none_or(|last: u32| frame == last.wrapping_add(1)), "{frame} after {last:?}");
            (frames, last) = (frames + 1, Some(frame));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(stream.gaps(), 0);
}
