//! A thousand random atomic states: what planes show is what full composition shows, by the
//! display's own CRC.
//!
//! Each state is a scene of one to eight planes on each of one to four outputs. It is shown with
//! planes, and then composed here by plain arithmetic into one picture with 16 bits a channel,
//! which is shown alone. Both must have the same CRC, and the picture with one channel of one pixel
//! changed by one must have another.

use std::os::fd::AsFd;

use dmabuf_import::Fourcc;
use kms::crc::{CrcReader, CrcStream};
use kms::{Device, DumbBuffer, Event, FramebufferId, Output, PlaneState, Rect, SrcRect};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use syncline_tests::vkms::{self, Vkms};

const OUTPUTS: usize = 4;
/// A primary plane, six overlays, a cursor; the last output has one overlay less, since vkms takes
/// 31 planes in all.
const PLANES: usize = 8;
const STATES: u32 = 1000;
/// Sizes of the buffers that planes show parts of.
const SIZE: (u32, u32) = (256, 192);
const FORMATS: [Fourcc; 5] = [Fourcc::Xrgb8888, Fourcc::Argb8888, Fourcc::Abgr8888, Fourcc::Rgb565, Fourcc::Rgba8888];

/// One plane: which of the buffers, which part of it, and where.
#[derive(Debug, Clone)]
struct Layer {
    format: usize,
    from: (u32, u32),
    size: (u32, u32),
    at: (i32, i32),
}

fn layer() -> impl Strategy<Value = Layer> {
    (0..FORMATS.len(), 0..SIZE.0, 0..SIZE.1, 1..=SIZE.0, 1..=SIZE.1, -100..660i32, -100..500i32).prop_map(
        |(format, x, y, w, h, left, top)| {
            let size = (w.min(SIZE.0 - x), h.min(SIZE.1 - y));
            Layer { format, from: (x, y), size, at: (left, top) }
        },
    )
}

/// For each output the layers of its planes, from the bottom up; `None`: the plane is off.
fn states() -> impl Strategy<Value = Vec<Vec<Option<Layer>>>> {
    let planes = proptest::collection::vec(proptest::option::weighted(0.8, layer()), 1..=PLANES);
    proptest::collection::vec(planes, 1..=OUTPUTS)
}

/// One lit output with its CRCs.
struct Screen {
    output: Output,
    crc: CrcStream,
    /// Planes from the bottom up, as vkms stacks them: by object, the cursor last.
    order: Vec<usize>,
    composed: Deep,
}

struct Lab {
    screens: Vec<Screen>,
    device: Device,
    buffers: Vec<DumbBuffer>,
    serial: u64,
    _vkms: Vkms,
}

/// Premultiplied noise: no channel is above its alpha, as clients must have it.
fn noise(device: &Device, format: Fourcc, seed: u32) -> DumbBuffer {
    let mut buffer = device.dumb(SIZE.0, SIZE.1, format).unwrap();
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let bytes = buffer.bytes_mut();
    match format {
        Fourcc::Rgb565 => bytes.fill_with(|| random() as u8),
        _ => {
            for pixel in bytes.as_chunks_mut::<4>().0 {
                let alpha = random() & 0xff;
                let channel = (random() & 0xff) * alpha / 0xff;
                // Alpha lies at one end or the other.
                let bytes = [channel, alpha / 2, alpha, alpha].map(|v| v as u8);
                *pixel = if format == Fourcc::Rgba8888 { [bytes[3], bytes[1], bytes[0], bytes[2]] } else { bytes };
            }
        }
    }
    buffer
}

/// `{alpha, red, green, blue}` of 16 bits.
fn pixel(buffer: &DumbBuffer, x: u32, y: u32) -> [u32; 4] {
    let line = &buffer.bytes()[(y * buffer.stride()) as usize..];
    let wide = |byte: u8| u32::from(byte) * 257;
    let at = |n: usize| &line[x as usize * n..][..n];
    match buffer.format() {
        Fourcc::Xrgb8888 => [0xffff, wide(at(4)[2]), wide(at(4)[1]), wide(at(4)[0])],
        Fourcc::Argb8888 => [wide(at(4)[3]), wide(at(4)[2]), wide(at(4)[1]), wide(at(4)[0])],
        Fourcc::Abgr8888 => [wide(at(4)[3]), wide(at(4)[0]), wide(at(4)[1]), wide(at(4)[2])],
        Fourcc::Rgba8888 => [wide(at(4)[0]), wide(at(4)[3]), wide(at(4)[2]), wide(at(4)[1])],
        Fourcc::Rgb565 => {
            let bits = u32::from(u16::from_le_bytes([at(2)[0], at(2)[1]]));
            // To 16 bits in fixed point with 32 bits after the point, rounded half up, as the
            // kernel does it.
            let scale = |v: u32, max: u64| ((u64::from(v) * ((0xffff << 32) / max) + (1 << 31)) >> 32) as u32;
            [0xffff, scale(bits >> 11, 31), scale(bits >> 5 & 63, 63), scale(bits & 31, 31)]
        }
        other => panic!("{other:?} is not drawn here"),
    }
}

impl Lab {
    fn new() -> Lab {
        let each = |overlays| vkms::Output { overlays, ..vkms::Output::default() };
        let vkms = Vkms::builder("states").outputs(OUTPUTS - 1, each(6)).output(each(5)).build().unwrap();
        let device = Device::open(vkms.card()).unwrap();
        let inventory = device.inventory().unwrap();
        let buffers = FORMATS.iter().zip(1..).map(|(format, seed)| noise(&device, *format, seed)).collect();
        let mut lab = Lab { screens: Vec::new(), device, buffers, serial: 0, _vkms: vkms };
        let used: Vec<_> =
            inventory.connected().map(|c| (c.id, c.modes.iter().min_by_key(|m| m.width * m.height))).collect();
        for (connector, mode) in used {
            let mut output = Output::new(&lab.device, &inventory, connector, mode.unwrap()).unwrap();
            let ((w, h), primary) = (output.size(), output.primary());
            let composed = Deep::new(&lab.device, w, h);
            let mut frame = output.modeset();
            frame.set(primary, composed.state());
            lab.serial += 1;
            frame.commit(lab.serial).unwrap();
            flip(&lab.device, &mut output);
            assert!(lab.device.wait_vblanks(output.crtc_id(), std::time::Duration::from_secs(1)), "vblanks");
            let reader = CrcReader::open(&lab.device, output.crtc_index()).unwrap();
            let crc = reader.arm("auto").unwrap();
            let mut order: Vec<usize> = (0..output.planes().len()).collect();
            order.sort_by_key(|at| output.planes()[*at].id);
            order.sort_by_key(|at| Some(*at) == output.cursor());
            order.sort_by_key(|at| *at != output.primary());
            lab.screens.push(Screen { output, crc, order, composed });
        }
        assert_eq!(lab.screens.len(), OUTPUTS);
        lab
    }

    /// Shows a scene with planes, then composed, then composed with a fault, and compares the CRCs.
    fn check(&mut self, scenes: &[Vec<Option<Layer>>]) -> Result<(), TestCaseError> {
        for (screen, scene) in self.screens.iter_mut().zip(scenes) {
            let mut frame = screen.output.frame();
            for (at, plane) in screen.order.iter().enumerate() {
                match scene.get(at).and_then(Option::as_ref) {
                    Some(layer) => frame.set(*plane, state(&self.buffers[layer.format], layer)),
                    None => frame.clear(*plane),
                };
            }
            self.serial += 1;
            frame.commit(self.serial).map_err(|e| TestCaseError::fail(e.to_string()))?;
        }
        let shown: Vec<u32> = self.crcs(scenes.len());
        for (screen, scene) in self.screens.iter_mut().zip(scenes) {
            compose(&mut screen.composed, &scene[..scene.len().min(screen.order.len())], &self.buffers);
        }
        let composed = self.show_composed(scenes.len())?;
        prop_assert_eq!(&shown, &composed, "planes and composition differ");
        for screen in &mut self.screens[..scenes.len()] {
            screen.composed.memory.bytes_mut()[0] ^= 1;
        }
        let spoilt = self.show_composed(scenes.len())?;
        for (good, bad) in composed.iter().zip(&spoilt) {
            prop_assert_ne!(good, bad, "the CRC does not see a wrong pixel");
        }
        Ok(())
    }

    fn show_composed(&mut self, count: usize) -> Result<Vec<u32>, TestCaseError> {
        for screen in &mut self.screens[..count] {
            let state = screen.composed.state();
            let mut frame = screen.output.frame();
            for plane in 0..frame.planes() {
                frame.clear(plane);
            }
            frame.set(screen.order[0], state);
            self.serial += 1;
            frame.commit(self.serial).map_err(|e| TestCaseError::fail(e.to_string()))?;
        }
        Ok(self.crcs(count))
    }

    /// The CRCs of the commits that have just been made.
    fn crcs(&mut self, count: usize) -> Vec<u32> {
        let device = &self.device;
        let mut waiting: Vec<Option<u32>> = vec![None; count];
        while waiting.iter().any(Option::is_none) {
            readable(device.as_fd());
            let screens = &mut self.screens;
            let waiting = &mut waiting;
            let event = |event: Event| {
                if let Event::Flip(flip) = event
                    && let Some(at) = screens.iter().position(|s| Some(s.output.crtc_id()) == flip.crtc)
                    && screens[at].output.flipped(&flip)
                    && at < waiting.len()
                {
                    waiting[at] =
                        kms::crc::driver::of(device.driver_info()).and_then(|known| known.number_of(flip.sequence));
                }
            };
            device.read_events(event).unwrap();
        }
        let screens = &mut self.screens;
        waiting.iter().zip(screens).map(|(sequence, screen)| entry(&mut screen.crc, sequence.unwrap())).collect()
    }
}

fn readable(fd: std::os::fd::BorrowedFd<'_>) {
    let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
    let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)).unwrap();
    assert!(ready > 0, "nothing came for five seconds");
}

fn flip(device: &Device, output: &mut Output) {
    let mut done = false;
    while !done {
        readable(device.as_fd());
        device.read_events(|event| done |= matches!(event, Event::Flip(flip) if output.flipped(&flip))).unwrap();
    }
}

/// The CRC of the frame with this number.
fn entry(crc: &mut CrcStream, sequence: u32) -> u32 {
    loop {
        match crc.read_entry().unwrap() {
            Some(entry) if entry.frame.unwrap().wrapping_sub(sequence) as i32 >= 0 => return entry.values()[0],
            Some(_) => {}
            None => readable(crc.as_fd()),
        }
    }
}

/// A picture with 16 bits a channel, in the memory of a buffer that is twice as wide with 8.
struct Deep {
    memory: DumbBuffer,
    size: (u32, u32),
    fb: FramebufferId,
}

impl Deep {
    /// DRM_FORMAT_XRGB16161616, which the library of format names does not have.
    const FORMAT: u32 = u32::from_le_bytes(*b"XR48");

    fn new(device: &Device, w: u32, h: u32) -> Deep {
        let memory = device.dumb(w * 2, h, Fourcc::Xrgb8888).unwrap();
        let shared = memory.export().unwrap();
        let handle = drm_ffi::gem::fd_to_handle(device.as_fd(), shared.fd()).unwrap().handle;
        let one = |value| [value, 0, 0, 0];
        let (handles, pitches) = (one(handle), one(memory.stride()));
        let fb = drm_ffi::mode::add_fb2(device.as_fd(), w, h, Deep::FORMAT, &handles, &pitches, &[0; 4], &[0; 4], 0);
        Deep { memory, size: (w, h), fb: FramebufferId::from_raw(fb.unwrap().fb_id) }
    }

    fn state(&self) -> PlaneState<'static> {
        let (w, h) = self.size;
        PlaneState::new(self.fb, SrcRect::full(w, h), Rect::new(0, 0, w, h))
    }
}

fn state(buffer: &DumbBuffer, layer: &Layer) -> PlaneState<'static> {
    let ((x, y), (w, h), (left, top)) = (layer.from, layer.size, layer.at);
    PlaneState::new(buffer.id(), SrcRect::pixels(x, y, w, h), Rect::new(left, top, w, h))
}

/// Full composition: each layer over what is below it, on black.
fn compose(picture: &mut Deep, scene: &[Option<Layer>], buffers: &[DumbBuffer]) {
    let (width, height) = picture.size;
    let stride = picture.memory.stride() as usize;
    let bytes = picture.memory.bytes_mut();
    bytes.fill(0);
    for layer in scene.iter().flatten() {
        let buffer = &buffers[layer.format];
        for row in 0..layer.size.1 {
            let y = layer.at.1 + row as i32;
            if y < 0 || y >= height as i32 {
                continue;
            }
            for column in 0..layer.size.0 {
                let x = layer.at.0 + column as i32;
                if x < 0 || x >= width as i32 {
                    continue;
                }
                let [alpha, colour @ ..] = pixel(buffer, layer.from.0 + column, layer.from.1 + row);
                let at = y as usize * stride + x as usize * 8;
                for (channel, value) in colour.iter().rev().enumerate() {
                    let place = &mut bytes[at + channel * 2..][..2];
                    let below = u64::from(u16::from_le_bytes([place[0], place[1]]));
                    let sum = u64::from(*value) * 0xffff + below * u64::from(0xffff - alpha);
                    place.copy_from_slice(&(((sum + 0x7fff) / 0xffff) as u16).to_le_bytes());
                }
            }
        }
    }
}

#[test]
#[ignore = "lab"]
fn planes_show_what_full_composition_shows() {
    let mut lab = Lab::new();
    let usual = Config::default();
    let cases = usual.cases.max(STATES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..usual };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let lab = std::cell::RefCell::new(&mut lab);
    if let Err(error) = runner.run(&states(), |scenes| lab.borrow_mut().check(&scenes)) {
        panic!("{error}");
    }
}
