//! How fast the CRC models are: GB/s of output (8 bytes a pixel in vkms, 4 in LCDIF) for each kind
//! of plane, on one core.
//!
//! Prints one line a figure: name, value, unit, limit, verdict; the exit status is 1 if a limit is
//! missed. Each figure is the fastest of several frames of 1920 × 1080, by the thread's CPU time:
//! other programs make it slower, and never faster. Limits are those of an idle machine, and larger
//! by what a control that runs in turn takes longer.

use std::{hint::black_box, process::ExitCode};

use kms::{
    Rect, SrcRect,
    crc::vkms::{
        ColorOp, ColourPlane, Composer, Encoding, Gamma, ModelBuffer, ModelOptions, ModelPlane, ModelRotation, Range,
        Scene,
    },
};

const WIDTH: u32 = 1920;
const HEIGHT: u32 = 1080;
const FRAMES: usize = 12;
/// How often a figure is measured before it counts as missed.
const ATTEMPTS: usize = 3;

/// What is promised for formats that clients commonly use, on a machine as fast as
/// [`IDLE_CONTROL_S`].
const COMMON: Option<f64> = Some(1.0);
/// A tenth of a core at 60 Hz, for a screen covered by one opaque plane, on such a machine.
const SESSION: Option<f64> = Some(1.667);
/// CPU seconds of the control ([`plain_crc`]) on the idle machine where the limits were set.
const IDLE_CONTROL_S: f64 = 0.48e-3;

/// Prints the figures and remembers whether all were within their limits.
#[derive(Default)]
struct Figures {
    missed: usize,
    /// CPU seconds of the last figure's control.
    control: f64,
}

impl Figures {
    fn print(&mut self, name: &str, value: f64, unit: &str, limit: Option<(&str, f64)>) {
        let verdict = limit.map_or(String::new(), |(sense, limit)| {
            let kept = if sense == "≥" { value >= limit } else { value <= limit };
            self.missed += usize::from(!kept);
            format!(" limit {sense} {limit:<6.3} {}", if kept { "ok" } else { "MISSED" })
        });
        println!("{name:<44} {value:>8.3} {unit:<5}{verdict}");
    }

    /// How much longer the last control took than on an idle machine; never less than 1.
    fn slowdown(&self) -> f64 {
        (self.control / IDLE_CONTROL_S).max(1.0)
    }

    /// Seconds of a frame; prints the rate of its output. The control runs in turn with the frames,
    /// and what is over its limit is measured again: other programs make it slower, and never
    /// faster.
    fn rate(&mut self, name: &str, limit: Option<f64>, pixel: usize, mut frame: impl FnMut()) -> f64 {
        let bytes = WIDTH as usize * HEIGHT as usize * pixel;
        let mut seconds = 0.0;
        for _ in 0..ATTEMPTS {
            let (fastest, control) = measure(&mut frame);
            seconds = fastest;
            self.control = control;
            if limit.is_none_or(|limit| bytes as f64 / seconds / 1e9 >= limit / self.slowdown()) {
                break;
            }
        }
        let limit = limit.map(|limit| ("≥", limit / self.slowdown()));
        self.print(name, bytes as f64 / seconds / 1e9, "GB/s", limit);
        seconds
    }
}

/// CPU seconds of the fastest frame and of the fastest control.
fn measure(frame: &mut impl FnMut()) -> (f64, f64) {
    let (image, mut line) = (vec![0x5a; WIDTH as usize * HEIGHT as usize * 4], vec![0; WIDTH as usize * 8]);
    let mut fastest = (f64::INFINITY, f64::INFINITY);
    for _ in 0..FRAMES {
        fastest.0 = cpu_time_of(&mut *frame).min(fastest.0);
        let control = || {
            black_box(plain_crc(black_box(&image), &mut line));
        };
        fastest.1 = cpu_time_of(control).min(fastest.1);
    }
    fastest
}

/// The control: a frame of XR24 in the plainest form, its bytes widened to 16 bits and CRC-32 over
/// them.
fn plain_crc(image: &[u8], line: &mut [u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for row in image.chunks_exact(WIDTH as usize * 4) {
        for (wide, byte) in line.chunks_exact_mut(2).zip(row) {
            wide.copy_from_slice(&[*byte, *byte]);
        }
        crc.update(line);
    }
    crc.finalize()
}

fn cpu_time_of(mut work: impl FnMut()) -> f64 {
    let start = cpu_seconds();
    work();
    cpu_seconds() - start
}

fn main() -> ExitCode {
    let mut figures = Figures::default();
    let noise = noise(WIDTH as usize * HEIGHT as usize * 8);
    // Colours at most as large as their alpha, as premultiplied ones are.
    let glass: Vec<u8> =
        noise.iter().enumerate().map(|(at, byte)| if at % 4 == 3 { byte / 2 + 96 } else { byte / 3 }).collect();
    let mut composer = Composer::default();
    let (src, dst) = (SrcRect::full(WIDTH, HEIGHT), Rect::new(0, 0, WIDTH, HEIGHT));
    let plain = ModelOptions::default();
    let mut plane =
        |figures: &mut Figures, name: &str, limit, bytes: &[u8], format: &[u8; 4], look: &ModelOptions<'_>| {
            let picture = ModelBuffer { bytes, format: u32::from_le_bytes(*format), layout: layout(format) };
            let (w, h) = if look.turn.swaps() { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
            let src = SrcRect::full(w, h);
            let picture = if look.turn.swaps() {
                ModelBuffer::packed(bytes, picture.layout[0].stride * HEIGHT / WIDTH, picture.format)
            } else {
                picture
            };
            let planes = [ModelPlane::of(&picture, src, dst, look).expect("modelled")];
            figures.rate(name, limit, 8, || {
                black_box(composer.crc(WIDTH, HEIGHT, black_box(&planes)));
            })
        };
    let mut frame = plane(&mut figures, "XR24", COMMON, &noise, b"XR24", &plain);
    for _ in 1..ATTEMPTS {
        if SESSION.is_none_or(|limit| frame * 1e3 <= limit * figures.slowdown()) {
            break;
        }
        frame = plane(&mut figures, "XR24, again", COMMON, &noise, b"XR24", &plain);
    }
    figures.print("control, a frame of XR24", figures.control * 1e3, "ms", None);
    let limit = SESSION.map(|limit| ("≤", limit * figures.slowdown()));
    figures.print("XR24, a frame of 1920x1080", frame * 1e3, "ms", limit);
    plane(&mut figures, "XB24", COMMON, &noise, b"XB24", &plain);
    plane(&mut figures, "AR24, all blended", COMMON, &glass, b"AR24", &plain);
    plane(&mut figures, "AB24, all blended", COMMON, &glass, b"AB24", &plain);
    for format in [b"RG24", b"RG16", b"R8  ", b"XB48", b"AB48", b"NV12", b"NV24", b"YU12"] {
        let look = ModelOptions { encoding: Encoding::Bt709, range: Range::Limited, ..plain };
        plane(&mut figures, &String::from_utf8_lossy(format), COMMON, &noise, format, &look);
    }
    plane(&mut figures, "P010", None, &noise, b"P010", &plain);
    plane(&mut figures, "R1", None, &noise, b"R1  ", &plain);
    for quarters in 1..4 {
        let look = ModelOptions { turn: ModelRotation { quarters, ..ModelRotation::default() }, ..plain };
        let name = format!("XR24, turned by {}°", u32::from(quarters) * 90);
        plane(&mut figures, &name, COMMON, &noise, b"XR24", &look);
    }
    let one = 1 << 32;
    let pipeline =
        [ColorOp::SrgbEotf, ColorOp::Matrix([one, 0, 0, 0, 0, one, 0, 0, 0, 0, one, 0]), ColorOp::SrgbInverseEotf];
    plane(
        &mut figures,
        "XR24, colour pipeline of 3",
        None,
        &noise,
        b"XR24",
        &ModelOptions { pipeline: &pipeline, ..plain },
    );
    let ramp: Vec<[u16; 3]> = (0..256).map(|at| [at * 257, at * 200, at * 100]).collect();
    let gamma = Gamma::new(&ramp);
    let picture = ModelBuffer::packed(&noise, WIDTH * 4, u32::from_le_bytes(*b"XR24"));
    let planes = [ModelPlane::of(&picture, src, dst, &plain).expect("modelled")];
    let scene = Scene { width: WIDTH, height: HEIGHT, gamma: gamma.as_ref(), planes: &planes, ..Scene::default() };
    figures.rate("XR24, gamma LUT", None, 8, || {
        black_box(composer.frame(black_box(&scene)));
    });
    figures.rate("LCDIF, XR24", COMMON, 4, || {
        black_box(kms::crc::lcdif::crc(WIDTH, HEIGHT, black_box(&noise), WIDTH * 4).expect("large enough"));
    });
    println!("{} missed", figures.missed);
    if figures.missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Of this thread: what others do on this machine is not counted.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn layout(format: &[u8; 4]) -> [ColourPlane; 3] {
    let at = |offset, stride| ColourPlane { offset, stride };
    let none = ColourPlane::default();
    let full = WIDTH * HEIGHT;
    match format {
        b"RG24" => [at(0, WIDTH * 3), none, none],
        b"RG16" => [at(0, WIDTH * 2), none, none],
        b"R8  " => [at(0, WIDTH), none, none],
        b"R1  " => [at(0, WIDTH / 8), none, none],
        b"XB48" | b"AB48" => [at(0, WIDTH * 8), none, none],
        b"NV12" => [at(0, WIDTH), at(full, WIDTH), none],
        b"NV24" => [at(0, WIDTH), at(full, WIDTH * 2), none],
        b"YU12" => [at(0, WIDTH), at(full, WIDTH / 2), at(full + full / 4, WIDTH / 2)],
        b"P010" => [at(0, WIDTH * 2), at(full * 2, WIDTH * 2), none],
        _ => [at(0, WIDTH * 4), none, none],
    }
}
