//! The commit on a real kernel: nothing blocks, displays light together or not at all, sleep keeps
//! the picture, writeback writes what the CRC says.

use std::os::fd::AsFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use dmabuf_import::Fourcc;
use fence::SwTimeline;
use kms::crc::{CrcReader, CrcStream};
use kms::frame::together;
use kms::{
    Device, DumbBuffer, Event, Flip, FramebufferId, Inventory, Output, PlaneState, Rect, SrcRect, Step, Writeback,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use syncline_tests::vkms::{self, Status, Vkms};

/// A non-blocking call is over before the next vblank; a slow machine has half a second.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A vkms of our own with its outputs, dark.
struct Bench {
    outputs: Vec<Output>,
    inventory: Inventory,
    device: Device,
    vkms: Vkms,
    serial: u64,
}

impl Bench {
    fn new(name: &str, count: usize, output: vkms::Output) -> Self {
        let vkms = Vkms::builder(name).outputs(count, output).build().expect("vkms by configfs");
        let device = Device::open(vkms.card()).expect("opens");
        let inventory = device.inventory().expect("inventory");
        let outputs = inventory.connected().map(|connector| {
            let mode = connector.preferred().expect("a mode");
            Output::new(&device, &inventory, connector.id, mode).expect("an output")
        });
        let outputs: Vec<_> = outputs.collect();
        assert_eq!(outputs.len(), count);
        Self { outputs, inventory, device, vkms, serial: 0 }
    }

    /// All outputs lit by one commit with `picture` on each.
    fn light(&mut self, picture: FramebufferId) {
        let states: Vec<_> = self.outputs.iter().map(|output| full(output, picture)).collect();
        self.serial += 1;
        let mut frames: Vec<_> = self.outputs.iter_mut().map(Output::modeset).collect();
        for (frame, state) in frames.iter_mut().zip(&states) {
            frame.set(0, *state);
        }
        together::commit(&mut frames, self.serial).expect("the modeset");
        drop(frames);
        let flips = self.flips(Duration::from_secs(2));
        assert_eq!(flips.len(), self.outputs.len(), "a flip for each: {flips:?}");
    }

    fn picture(&self, paint: impl Fn(u32, u32) -> u32) -> DumbBuffer {
        let (w, h) = self.outputs[0].size();
        let mut buffer = self.device.dumb(w, h, Fourcc::Xrgb8888).expect("dumb buffer");
        let stride = buffer.stride() as usize;
        for (y, line) in buffer.bytes_mut().chunks_exact_mut(stride).enumerate() {
            for (x, pixel) in line.as_chunks_mut::<4>().0.iter_mut().take(w as usize).enumerate() {
                *pixel = paint(x as u32, y as u32).to_le_bytes();
            }
        }
        buffer
    }

    /// Flips that end commits in flight, until none is, or `limit` is over.
    fn flips(&mut self, limit: Duration) -> Vec<Flip> {
        let (end, mut found) = (Instant::now() + limit, Vec::new());
        while self.outputs.iter().any(|output| output.in_flight().is_some()) {
            let left = end.saturating_duration_since(Instant::now());
            let wait = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            let fd = self.device.as_fd();
            if poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&wait)).expect("poll") == 0 {
                break;
            }
            let outputs = &mut self.outputs;
            let event = |event: Event| match event {
                Event::Flip(flip) if outputs.iter_mut().any(|output| output.flipped(&flip)) => found.push(flip),
                _ => {}
            };
            self.device.read_events(event).expect("events");
        }
        found
    }

    /// Value of a CRTC's property as the kernel has it now.
    fn crtc_value(&self, at: usize, prop: &str) -> u64 {
        let inventory = self.device.inventory().expect("inventory");
        inventory.crtc(self.outputs[at].crtc_id()).and_then(|crtc| crtc.props.value(prop)).expect("property")
    }

    /// As [`Bench::crtc_value`] of a plane.
    fn plane_value(&self, at: usize, plane: usize, prop: &str) -> u64 {
        let (inventory, id) = (self.device.inventory().expect("inventory"), self.outputs[at].planes()[plane].id);
        let plane = inventory.planes.iter().find(|plane| plane.id == id);
        plane.and_then(|plane| plane.props.value(prop)).expect("property")
    }

    fn arm(&self, at: usize) -> CrcStream {
        assert!(self.device.wait_vblanks(self.outputs[at].crtc_id(), Duration::from_secs(1)), "vblanks");
        let reader = CrcReader::open(&self.device, self.outputs[at].crtc_index()).expect("CRCs");
        reader.arm("auto").expect("armed")
    }
}

fn full(output: &Output, fb: FramebufferId) -> PlaneState<'static> {
    let (w, h) = output.size();
    PlaneState::new(fb, SrcRect::full(w, h), Rect::new(0, 0, w, h))
}

/// The CRC of a frame at or after `sequence`.
fn crc_at(stream: &mut CrcStream, sequence: u32) -> u32 {
    crc_within(stream, sequence, Duration::from_secs(3)).expect("no CRC for three seconds")
}

fn crc_within(stream: &mut CrcStream, sequence: u32, limit: Duration) -> Option<u32> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        while let Some(entry) = stream.read_entry().expect("entry") {
            if entry.frame.expect("vkms numbers its frames").wrapping_sub(sequence) as i32 >= 0 {
                return Some(entry.values()[0]);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

/// What `call` gives, if it is back in time. A call that blocks fails the test instead of hanging
/// it.
fn at_once<T: Send>(what: &str, call: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let (done, wait) = mpsc::channel();
        let start = Instant::now();
        scope.spawn(move || done.send(call()));
        let result = wait.recv_timeout(Duration::from_secs(8));
        let Ok(result) = result else {
            // The thread cannot be ended: leave it, and the test, at once.
            eprintln!("{what} blocks");
            std::process::exit(1);
        };
        let took = start.elapsed();
        println!("{what}: {} us", took.as_micros());
        assert!(took < AT_ONCE, "{what} took {took:?}");
        result
    })
}

#[test]
#[ignore = "lab"]
fn a_modeset_does_not_block_and_its_flip_comes() {
    let mut bench = Bench::new("commit-mode", 1, vkms::Output::default());
    let modes: Vec<_> = bench.inventory.connected().next().expect("connected").modes.clone();
    let other = modes.iter().find(|mode| mode.width != bench.outputs[0].mode().width).expect("another size").clone();
    let mut shown = Vec::new();
    for (serial, mode) in [(1, None), (2, Some(&other))] {
        if let Some(mode) = mode {
            // Another mode is another output of the connector.
            let connector = bench.outputs.remove(0).connector_id();
            let output = Output::new(&bench.device, &bench.inventory, connector, mode).expect("an output");
            bench.outputs.push(output);
        }
        let (w, h) = bench.outputs[0].size();
        let fb = bench.device.dumb(w, h, Fourcc::Xrgb8888).expect("dumb buffer");
        let state = full(&bench.outputs[0], fb.id());
        let mut frame = bench.outputs[0].modeset();
        frame.set(0, state);
        at_once("modeset", || frame.commit(serial)).expect("modeset");
        assert_eq!(bench.outputs[0].in_flight(), Some(serial), "done when the event comes");
        let flips = bench.flips(Duration::from_secs(2));
        assert_eq!(flips.iter().map(|flip| flip.user_data).collect::<Vec<_>>(), [serial]);
        assert_eq!(bench.crtc_value(0, "ACTIVE"), 1);
        shown.push(fb);
    }
    // Off, by event too; and a second time without one.
    assert_eq!(at_once("off", || bench.outputs[0].disable(3)), Ok(true));
    assert_eq!(bench.flips(Duration::from_secs(2)).len(), 1);
    assert_eq!(bench.crtc_value(0, "ACTIVE"), 0);
    assert_eq!(bench.outputs[0].disable(4), Ok(false));
}

#[test]
#[ignore = "lab"]
fn two_displays_light_in_one_commit_or_not_at_all() {
    let mut bench = Bench::new("commit-two", 2, vkms::Output::default());
    let green = bench.picture(|_, _| 0x00ff00);
    // Refused: vkms does not scale. Neither is lit, though the first alone would be.
    let wrong = PlaneState { dst: Rect::new(0, 0, 100, 100), ..full(&bench.outputs[1], green.id()) };
    let states = [full(&bench.outputs[0], green.id()), wrong];
    let mut frames: Vec<_> = bench.outputs.iter_mut().map(Output::modeset).collect();
    for (frame, state) in frames.iter_mut().zip(states) {
        frame.set(0, state);
    }
    let error = together::commit(&mut frames, 1).expect_err("scaling");
    drop(frames);
    println!("{error}");
    assert_eq!(error.step, Step::Commit);
    let names: Vec<_> = bench.outputs.iter().map(|output| output.name().to_owned()).collect();
    assert_eq!(error.output, names.join(", "));
    assert!(bench.outputs.iter().all(|output| output.needs_modeset() && output.in_flight().is_none()));
    assert_eq!([bench.crtc_value(0, "ACTIVE"), bench.crtc_value(1, "ACTIVE")], [0, 0]);
    bench.light(green.id());
    assert_eq!([bench.crtc_value(0, "ACTIVE"), bench.crtc_value(1, "ACTIVE")], [1, 1]);
}

#[test]
#[ignore = "lab"]
fn sleep_and_wake_keep_the_picture() {
    let mut bench = Bench::new("commit-sleep", 1, vkms::Output::default());
    let stripes = bench.picture(|x, y| (x * 7) ^ (y * 13));
    bench.light(stripes.id());
    let fb = bench.plane_value(0, 0, "FB_ID");
    let shown = {
        let mut stream = bench.arm(0);
        crc_at(&mut stream, 0)
    };
    at_once("sleep", || bench.outputs[0].sleep(10)).expect("sleep");
    assert_eq!(bench.flips(Duration::from_secs(2)).len(), 1, "asleep when the event comes");
    assert_eq!((bench.crtc_value(0, "ACTIVE"), bench.plane_value(0, 0, "FB_ID")), (0, fb));
    assert_ne!(bench.crtc_value(0, "MODE_ID"), 0);
    let state = full(&bench.outputs[0], stripes.id());
    let mut frame = bench.outputs[0].frame();
    frame.set(0, state);
    assert_eq!(frame.commit(11).expect_err("asleep").step, Step::State);
    let frame = bench.outputs[0].wake();
    at_once("wake", || frame.commit(12)).expect("wake");
    let flips = bench.flips(Duration::from_secs(2));
    assert_eq!(flips.len(), 1);
    assert_eq!((bench.crtc_value(0, "ACTIVE"), bench.plane_value(0, 0, "FB_ID")), (1, fb));
    let mut stream = bench.arm(0);
    assert_eq!(crc_at(&mut stream, 0), shown, "the same picture");
    // The control: another picture is told apart.
    let other = bench.picture(|x, y| (x * 7) ^ (y * 13) ^ u32::from((x, y) == (0, 0)));
    let state = full(&bench.outputs[0], other.id());
    let mut frame = bench.outputs[0].frame();
    frame.set(0, state);
    frame.commit(13).expect("frame");
    let flips = bench.flips(Duration::from_secs(2));
    // Where the CRC is complete a frame later, it has the number of that.
    let driver = kms::crc::driver::of(bench.device.driver_info()).expect("vkms is known");
    let first = driver.number_of(flips[0].sequence).expect("vkms numbers its frames");
    assert_ne!(crc_at(&mut stream, first), shown);
}

#[test]
#[ignore = "lab"]
fn a_plug_pulled_behind_a_fence_that_never_signals_blocks_nobody() {
    let mut bench = Bench::new("commit-pull", 2, vkms::Output::default());
    let (red, blue) = (bench.picture(|_, _| 0xff_0000), bench.picture(|_, _| 0xff));
    bench.light(red.id());
    let timeline = SwTimeline::open().expect("sw_sync");
    let never = timeline.fence(1, "never").expect("fence");
    let state = full(&bench.outputs[0], blue.id()).with_fence(never.as_fd());
    let mut frame = bench.outputs[0].frame();
    frame.set(0, state);
    frame.commit(10).expect("commit");
    bench.vkms.plug(0, Status::Disconnected).expect("pulled");
    at_once("reading the connectors", || bench.inventory.refresh_connectors(&bench.device)).expect("connectors");
    let error = at_once("turning it off", || bench.outputs[0].disable(11)).expect_err("behind a fence");
    assert_eq!((error.step, error.errno), (Step::State, Errno::BUSY));
    // The kernel itself, where nothing is known of the commit in flight, answers too instead of
    // waiting.
    bench.outputs[0].reset();
    let error = at_once("asking the kernel", || bench.outputs[0].disable(11)).expect_err("behind a fence");
    assert_eq!((error.step, error.errno), (Step::Commit, Errno::BUSY));
    // The other display goes on, also with a modeset.
    for serial in 12..16 {
        let state = full(&bench.outputs[1], if serial % 2 == 0 { blue.id() } else { red.id() });
        let mut frame = if serial == 14 { bench.outputs[1].modeset() } else { bench.outputs[1].frame() };
        frame.set(0, state);
        at_once("the other display", || frame.commit(serial)).expect("the other display");
        assert_eq!(bench.flips(Duration::from_secs(2)).len(), 1);
    }
    // When the fence is over, the display can be turned off.
    timeline.inc(1).expect("inc");
    let end = Instant::now() + Duration::from_secs(3);
    while let Err(error) = bench.outputs[0].disable(20) {
        assert_eq!(error.errno, Errno::BUSY);
        assert!(Instant::now() < end, "still busy");
        std::thread::sleep(Duration::from_millis(5));
    }
    let end = Instant::now() + Duration::from_secs(3);
    while bench.crtc_value(0, "ACTIVE") != 0 {
        assert!(Instant::now() < end, "still on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[ignore = "lab"]
fn what_the_device_cannot_do_is_refused_in_words() {
    let mut bench = Bench::new("commit-cannot", 1, vkms::Output::default());
    let (red, blue) = (bench.picture(|_, _| 0xff_0000), bench.picture(|_, _| 0xff));
    bench.light(red.id());
    assert!(!bench.outputs[0].can_flip_asynchronously() && !bench.outputs[0].vrr_capable(), "vkms has neither");
    let state = full(&bench.outputs[0], blue.id());
    let mut frame = bench.outputs[0].frame();
    assert!(!frame.set(0, state).try_asynchronous(), "it stays an ordinary flip");
    let mut frame = bench.outputs[0].frame();
    frame.set(0, state).vrr(true);
    let error = frame.commit(10).expect_err("variable refresh");
    assert!(error.to_string().contains("vrr_capable"), "{error}");
    // Damage is a hint: taken where the plane has no property for it, too.
    let damage = [Rect::new(0, 0, 10, 10), Rect::new(-5, 700, 5000, 5000)];
    let mut frame = bench.outputs[0].frame();
    frame.set(0, state.with_damage(&damage));
    frame.commit(11).expect("damage");
    assert_eq!(bench.flips(Duration::from_secs(2)).len(), 1);
    println!("FB_DAMAGE_CLIPS: {}", bench.outputs[0].planes()[0].props.fb_damage_clips.is_some());
}

#[test]
#[ignore = "lab"]
fn writeback_writes_what_the_crc_says() {
    let mut bench = Bench::new("commit-wb", 1, vkms::Output { writeback: true, ..vkms::Output::default() });
    let noise = bench.picture(|x, y| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40503)) & 0xff_ffff);
    let other = bench.picture(|x, y| x * 3 + y);
    bench.light(noise.id());
    let index = bench.outputs[0].crtc_index();
    let connectors = Writeback::of_crtc(&bench.inventory, index).expect("writeback");
    let writeback = connectors.first().expect("a writeback connector");
    // Exact for pictures of 8 bits a channel.
    let format = Fourcc::Xrgb8888;
    assert!(writeback.formats().contains(&(format as u32)), "{:?}", writeback.formats());
    let (w, h) = bench.outputs[0].size();
    let target = bench.device.dumb(w, h, format).expect("dumb buffer");
    let mut seen = Vec::new();
    for (serial, picture) in [(10, &other), (11, &noise), (12, &other)] {
        let state = full(&bench.outputs[0], picture.id());
        let mut frame = bench.outputs[0].frame();
        frame.set(0, state).writeback(writeback, target.id());
        let written = frame.commit(serial).expect("a frame with a job").writeback.expect("its fence");
        let flips = bench.flips(Duration::from_secs(2));
        assert_eq!(flips.len(), 1);
        let end = Instant::now() + Duration::from_secs(2);
        while !written.is_signalled() {
            assert!(Instant::now() < end, "the writeback's fence does not signal");
            std::thread::sleep(Duration::from_millis(1));
        }
        // The picture stays. Armed only now, and again if need be: vkms stops its CRCs some time
        // after a job (`vkms_wb_cleanup_job`).
        let limit = Duration::from_millis(500);
        let displayed =
            (0..4).find_map(|_| crc_within(&mut bench.arm(0), flips[0].sequence + 1, limit)).expect("a CRC");
        let pixels = crc_of(&target, w, h);
        println!("frame {serial}: CRC {displayed:#010x}, writeback {pixels:#010x}");
        assert_eq!(pixels, displayed, "frame {serial}");
        seen.push(pixels);
    }
    assert_eq!(seen[0], seen[2]);
    // The control: other pixels, another CRC.
    assert_ne!(seen[0], seen[1]);
    // A frame without a job leaves the buffer alone.
    let state = full(&bench.outputs[0], noise.id());
    let mut frame = bench.outputs[0].frame();
    frame.set(0, state);
    assert!(frame.commit(13).expect("a frame without a job").writeback.is_none());
    assert_eq!(bench.flips(Duration::from_secs(2)).len(), 1);
    assert_eq!(crc_of(&target, w, h), seen[2]);
    // Off with the connector on it.
    assert_eq!(bench.outputs[0].disable(14), Ok(true));
    assert_eq!(bench.flips(Duration::from_secs(2)).len(), 1);
}

/// The CRC of a picture as vkms's composer counts it, of which `buffer` holds the very lines.
fn crc_of(buffer: &DumbBuffer, w: u32, h: u32) -> u32 {
    use kms::crc::vkms::{ModelPlane, crc};
    let (src, dst) = (SrcRect::full(w, h), Rect::new(0, 0, w, h));
    let plane = ModelPlane::new(buffer.bytes(), buffer.stride(), buffer.format() as u32, src, dst).expect("modelled");
    crc(w, h, &[plane])
}
