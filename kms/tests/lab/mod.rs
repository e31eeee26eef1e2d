//! What the lab tests share: the vkms card, an output on it, waiting with a limit.
//!
//! These tests are for root in a kernel with vkms, vgem and sw_sync, one at a time: `cargo xtask
//! lab -- <test binary> --ignored --test-threads=1`. They find vkms by name, never by card number.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use dmabuf_import::Fourcc;
use kms::crc::driver;
use kms::{Device, DumbBuffer, Event, Flip, FramebufferId, Inventory, Output, PlaneState, Rect, SrcRect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Path of the card whose device is called `name`.
pub fn card(name: &str) -> PathBuf {
    let cards = std::fs::read_dir("/sys/class/drm").expect("sysfs").flatten();
    let of_device = |entry: &std::fs::DirEntry| {
        let device = std::fs::canonicalize(entry.path().join("device"));
        device.is_ok_and(|device| device.file_name().is_some_and(|own| own == name))
    };
    let primary = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap_or_default();
        name.strip_prefix("card").is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let found = cards.into_iter().find(|entry| primary(entry) && of_device(entry));
    PathBuf::from("/dev/dri").join(found.unwrap_or_else(|| panic!("no {name} card")).file_name())
}

/// CLOCK_MONOTONIC in ns.
pub fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Whether `fd` becomes readable within `limit`.
pub fn readable(fd: BorrowedFd<'_>, limit: Duration) -> bool {
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)).expect("poll") > 0
}

/// Open descriptors of this process.
pub fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count()
}

/// Framebuffers on the device, of all programs, as debugfs counts them.
pub fn framebuffers(device: &Device) -> usize {
    let minor = device.path().to_str().and_then(|path| path.strip_prefix("/dev/dri/card")).expect("a card");
    let text = std::fs::read_to_string(format!("/sys/kernel/debug/dri/{minor}/framebuffer")).expect("debugfs");
    text.lines().filter(|line| line.starts_with("framebuffer[")).count()
}

/// Waits until the kernel has let go of what the last flip took off the screen, which it does some
/// time after the event.
pub fn settle() {
    std::thread::sleep(Duration::from_millis(50));
}

/// vkms with its display on.
pub struct Screen {
    pub output: Output,
    pub inventory: Inventory,
    pub device: Device,
    pub black: DumbBuffer,
    serial: u64,
}

impl Screen {
    /// The number of a frame's first CRC.
    pub fn number(&self, flip: &Flip) -> u32 {
        let known = driver::of(self.device.driver_info()).expect("a driver that is known");
        known.number_of(flip.sequence).expect("its entries have numbers")
    }

    /// Sets the preferred mode with a black image.
    pub fn new() -> Self {
        Self::on(Device::open(card("vkms")).expect("vkms opens"))
    }

    /// The same on a device that is open.
    pub fn on(device: Device) -> Self {
        assert!(device.is_vkms());
        let inventory = device.inventory().expect("inventory");
        let connector = inventory.connected().next().expect("vkms has a display");
        let mode = connector.preferred().expect("a mode").clone();
        let output = Output::new(&device, &inventory, connector.id, &mode).expect("output");
        let (w, h) = output.size();
        let black = device.dumb(w, h, Fourcc::Xrgb8888).expect("dumb buffer");
        let mut screen = Self { output, inventory, device, black, serial: 0 };
        let state = screen.full(screen.black.id());
        let serial = screen.serial();
        let mut frame = screen.output.modeset();
        frame.set(0, state);
        frame.commit(serial).expect("modeset");
        screen.wait_flip().expect("the flip of the modeset");
        assert!(screen.device.wait_vblanks(screen.output.crtc_id(), Duration::from_secs(1)), "vblanks");
        settle();
        screen
    }

    /// A number that no commit had before.
    pub fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A framebuffer over the whole screen.
    pub fn full(&self, fb: FramebufferId) -> PlaneState<'static> {
        let (w, h) = self.output.size();
        PlaneState::new(fb, SrcRect::full(w, h), Rect::new(0, 0, w, h))
    }

    /// A buffer as large as the screen, filled by `paint(x, y)`.
    pub fn painted(&self, paint: impl Fn(u32, u32) -> u32) -> DumbBuffer {
        let (w, h) = self.output.size();
        let mut buffer = self.device.dumb(w, h, Fourcc::Xrgb8888).expect("dumb buffer");
        let stride = buffer.stride() as usize;
        for (y, line) in buffer.bytes_mut().chunks_exact_mut(stride).enumerate() {
            for (x, pixel) in line.as_chunks_mut::<4>().0.iter_mut().take(w as usize).enumerate() {
                *pixel = paint(x as u32, y as u32).to_le_bytes();
            }
        }
        buffer
    }

    /// The flip of the commit in flight, if it comes within a second.
    pub fn wait_flip(&mut self) -> Option<Flip> {
        self.wait_flip_for(Duration::from_secs(1))
    }

    /// As [`Screen::wait_flip`] with another limit.
    pub fn wait_flip_for(&mut self, limit: Duration) -> Option<Flip> {
        let end = now() + limit.as_nanos() as u64;
        let mut found = None;
        while found.is_none() {
            let left = end.saturating_sub(now());
            if left == 0 || !readable(self.device.as_fd(), Duration::from_nanos(left)) {
                break;
            }
            let output = &mut self.output;
            let event = |event: Event| match event {
                Event::Flip(flip) if output.flipped(&flip) => found = Some(flip),
                _ => {}
            };
            self.device.read_events(event).expect("events");
        }
        found
    }

    /// Commits `states` (plane, state), waits for the flip.
    pub fn show(&mut self, states: &[(usize, PlaneState<'_>)]) -> Flip {
        let serial = self.serial();
        let mut frame = self.output.frame();
        for plane in 0..frame.planes() {
            match states.iter().find(|(wanted, _)| *wanted == plane) {
                Some((_, state)) => frame.set(plane, *state),
                None => frame.clear(plane),
            };
        }
        frame.commit(serial).expect("commit");
        self.wait_flip().expect("flip")
    }

    /// Value of a property of a plane as the kernel has it now.
    pub fn kernel_value(&self, plane: usize, prop: &str) -> u64 {
        let id = self.output.planes()[plane].id;
        let inventory = self.device.inventory().expect("inventory");
        let plane = inventory.planes.iter().find(|plane| plane.id == id).expect("plane");
        plane.props.value(prop).expect("property")
    }
}
