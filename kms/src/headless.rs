//! Displays that exist in this process only: a kernel without a device.
//!
//! [`Headless`] answers the calls of [`crate::kernel::Kernel`] as a driver would whose hardware is
//! a clock: a commit reaches its display at the next multiple of the mode's period, and one timerfd
//! takes the place of the interrupts. Everything above stays as it is: the frame, its flip, the
//! watchdog, turning off and on. A display has one plane, which shows framebuffers of memory that
//! the caller vouches for, or a linear dma-buf; nobody ever sees them. There are no fences, no syncobjs and no CRCs.
//!
//! Needs no rights and no `/dev`. Unlike the rest of this crate it reads the clock: it is the
//! kernel here. Never for tests that script what a kernel says ([`crate::scripted`]).

mod inventory;
mod mode;

use std::any::Any;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dmabuf_import::GemDevice;
use dmabuf_import::map::RawMap;
use fence::kernel::KernelRef;
use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::device::{Caps, Driver, HEADLESS};
use crate::event::{Flip, flip_bytes};
use crate::id::{BlobId, CrtcId, FramebufferId};
use crate::kernel::{Dumb, FbDescription, Kernel, PAGE_FLIP_EVENT, TEST_ONLY};
use crate::request::Request;
use crate::{CallError, Device, Inventory, Mode, Ns};

pub use mode::{HeadlessMode, HeadlessModeError};

/// The most displays of a device: one read of events tells of all their flips.
pub const MAX_DISPLAYS: usize = 16;

/// A display.
#[derive(Debug)]
struct Display {
    crtc: CrtcId,
    period: Ns,
    /// User data of the commit in flight and the number of its vblank.
    in_flight: Option<(u64, u64)>,
}

impl Display {
    /// When the vblank with this number is. All displays begin at the clock's zero.
    fn vblank(&self, number: u64) -> Ns {
        number * self.period
    }
}

#[derive(Debug)]
struct State {
    displays: Vec<Display>,
    next_id: u32,
    /// The periods of modes, by their blobs.
    modes: Vec<(BlobId, Ns)>,
}

impl State {
    fn new_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// When the next commit reaches its display.
    fn next(&self) -> Option<Ns> {
        let flips = self.displays.iter();
        flips.filter_map(|display| display.in_flight.map(|(_, number)| display.vblank(number))).min()
    }
}

/// The displays of one device.
#[derive(Debug)]
pub struct Headless {
    state: Mutex<State>,
    timer: OwnedFd,
    /// Nobody else has these displays, so nothing of it changes but what the session does.
    inventory: Inventory,
}

impl Headless {
    /// A device with a display `HEADLESS-1`, `HEADLESS-2` … for each mode, all of them plugged in.
    /// Errors: EINVAL (none, or more than [`MAX_DISPLAYS`]), EMFILE.
    pub fn device(modes: &[HeadlessMode]) -> Result<(Device, Inventory), CallError> {
        if modes.is_empty() || modes.len() > MAX_DISPLAYS {
            let what = format!("{} displays; there can be 1 to {MAX_DISPLAYS}", modes.len());
            return Err(CallError::new("create a headless device", what, Errno::INVAL));
        }
        let named = |(at, mode): (usize, &HeadlessMode)| (format!("HEADLESS-{}", at + 1), vec![mode.mode()]);
        Self::with_displays(&modes.iter().enumerate().map(named).collect::<Vec<_>>())
    }

    /// A device with one display of this name, which has this mode and the usual ones. Error: EMFILE.
    pub fn named(name: &str, mode: HeadlessMode) -> Result<(Device, Inventory), CallError> {
        Self::with_displays(&[(name.to_owned(), mode.with_usual())])
    }

    fn with_displays(named: &[(String, Vec<Mode>)]) -> Result<(Device, Inventory), CallError> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)
            .map_err(|errno| CallError::new("timerfd_create", HEADLESS, errno))?;
        let driver = Driver { name: HEADLESS.to_owned(), version: (1, 0, 0), description: String::new() };
        let caps =
            Caps { modifiers: true, prime_import: true, monotonic: true, crtc_in_event: true, ..Caps::default() };
        let inventory = inventory::of(named, driver.clone(), caps);
        let displays = inventory.crtcs.iter().zip(&inventory.connectors);
        let displays = displays.map(|(crtc, connector)| Display {
            crtc: crtc.id,
            period: connector.modes[0].period_ns(),
            in_flight: None,
        });
        let state = Mutex::new(State { displays: displays.collect(), next_id: 1000, modes: Vec::new() });
        let device = Device::with_kernel(
            Arc::new(Self { state, timer, inventory: inventory.clone() }),
            PathBuf::from(HEADLESS),
            driver,
            caps,
        );
        Ok((device, inventory))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the timer fire at the next flip; not at all if nothing is in flight.
    fn arm(&self, state: &State) -> Result<(), Errno> {
        const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let timespec = |at: Ns| Timespec { tv_sec: (at / NS) as i64, tv_nsec: (at % NS) as i64 };
        let spec = Itimerspec { it_interval: NEVER, it_value: state.next().map_or(NEVER, timespec) };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &spec).map(drop)
    }
}

const NS: Ns = 1_000_000_000;

fn now() -> Ns {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    now.tv_sec as Ns * NS + now.tv_nsec as Ns
}

impl GemDevice for Headless {
    fn prime_import(&self, _: BorrowedFd<'_>) -> Result<u32, Errno> {
        // Whatever is on the plane, nobody sees it: pictures of a display are made from its layers.
        Ok(self.lock().new_id())
    }

    fn gem_close(&self, _: u32) -> Result<(), Errno> {
        Ok(())
    }
}

impl Kernel for Headless {
    fn atomic(&self, request: &mut Request, flags: u32, user_data: u64) -> Result<(), Errno> {
        if flags & TEST_ONLY != 0 {
            return Ok(());
        }
        let mut state = self.lock();
        let now = now();
        let asked = |display: &Display| request.objects.contains(&display.crtc.into());
        if state.displays.iter().any(|display| display.in_flight.is_some() && asked(display)) {
            return Err(Errno::BUSY);
        }
        let State { displays, modes, .. } = &mut *state;
        for (object, _, value) in request.iter().filter(|(_, property, _)| *property == inventory::MODE_ID) {
            let display = displays.iter_mut().find(|display| object == display.crtc.into());
            let mode = modes.iter().find(|(blob, _)| blob.value() == value);
            if let (Some(display), Some((_, period))) = (display, mode) {
                display.period = *period;
            }
        }
        if flags & PAGE_FLIP_EVENT == 0 {
            return Ok(());
        }
        for display in state.displays.iter_mut().filter(|display| asked(display)) {
            display.in_flight = Some((user_data, now / display.period + 1));
        }
        self.arm(&state)
    }

    fn inventory(&self) -> Option<Box<dyn Any>> {
        Some(Box::new(self.inventory.clone()))
    }

    fn add_framebuffer(&self, _: &FbDescription) -> Result<FramebufferId, Errno> {
        Ok(FramebufferId::from_raw(self.lock().new_id()))
    }

    fn close_framebuffer(&self, _: FramebufferId) -> Result<(), Errno> {
        Ok(())
    }

    fn remove_framebuffer(&self, _: FramebufferId) -> Result<(), Errno> {
        Ok(())
    }

    fn create_blob(&self, data: &[u8]) -> Result<BlobId, Errno> {
        let mut state = self.lock();
        let blob = BlobId::from_raw(state.new_id());
        // Others than modes have another length.
        state.modes.extend(Mode::of_blob(data).map(|mode| (blob, mode.period_ns())));
        Ok(blob)
    }

    fn destroy_blob(&self, blob: BlobId) -> Result<(), Errno> {
        self.lock().modes.retain(|(known, _)| *known != blob);
        Ok(())
    }

    fn read_events(&self, bytes: &mut [u8]) -> Result<usize, Errno> {
        let mut state = self.lock();
        // How often it fired says nothing: the flips are told by the clock.
        let _ = rustix::io::read(&self.timer, &mut [0u8; 8]);
        let (now, mut len) = (now(), 0);
        for display in &mut state.displays {
            let Some((user_data, number)) = display.in_flight.filter(|(_, number)| number * display.period <= now)
            else {
                continue;
            };
            let flip =
                Flip { crtc: Some(display.crtc), user_data, time: display.vblank(number), sequence: number as u32 };
            let Some(room) = bytes.get_mut(len..len + 32) else { break };
            room.copy_from_slice(&flip_bytes(&flip));
            len += 32;
            display.in_flight = None;
        }
        self.arm(&state)?;
        if len == 0 { Err(Errno::AGAIN) } else { Ok(len) }
    }

    fn create_dumb(&self, _: u32, _: u32, _: u32) -> Result<Dumb, Errno> {
        Err(Errno::NOSYS)
    }

    fn map_dumb(&self, _: &Dumb) -> Result<RawMap, Errno> {
        Err(Errno::NOSYS)
    }

    fn prime_export(&self, _: u32) -> Result<OwnedFd, Errno> {
        Err(Errno::NOSYS)
    }

    fn syncobjs(&self) -> Result<(KernelRef, OwnedFd), Errno> {
        Err(Errno::OPNOTSUPP)
    }

    fn set_master(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn drop_master(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn crtc_sequence(&self, _: CrtcId) -> Result<(), Errno> {
        // The timer's are as good as any.
        Ok(())
    }

    fn debugfs(&self) -> PathBuf {
        "/nonexistent".into()
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{Event, Output, PlaneState, Rect, SrcRect};

    fn device(modes: &[&str]) -> (Device, Inventory) {
        let modes: Vec<HeadlessMode> = modes.iter().map(|mode| mode.parse().unwrap()).collect();
        Headless::device(&modes).unwrap()
    }

    fn output(device: &Device, inventory: &Inventory, at: usize) -> Output {
        let connector = &inventory.connectors[at];
        Output::new(device, inventory, connector.id, &connector.modes[0]).unwrap()
    }

    fn light(output: &mut Output, user_data: u64) {
        let (width, height) = output.size();
        let state =
            PlaneState::new(FramebufferId::from_raw(1), SrcRect::full(width, height), Rect::new(0, 0, width, height));
        let mut frame = output.modeset();
        frame.set(0, state);
        frame.commit(user_data).unwrap();
    }

    /// The flips of the next half second, at most `count`.
    fn flips(device: &Device, count: usize) -> Vec<Flip> {
        let (end, mut flips) = (Instant::now() + Duration::from_millis(500), Vec::new());
        while flips.len() < count && Instant::now() < end {
            let mut fds = [rustix::event::PollFd::new(device, rustix::event::PollFlags::IN)];
            rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 100_000_000 })).unwrap();
            device
                .read_events(|event| {
                    if let Event::Flip(flip) = event {
                        flips.push(flip);
                    }
                })
                .unwrap();
        }
        flips
    }

    #[test]
    fn a_commit_flips_at_the_next_multiple_of_the_period() {
        let (device, inventory) = device(&["800x600@100"]);
        let mut output = output(&device, &inventory, 0);
        assert_eq!((output.name(), output.size()), ("HEADLESS-1", (800, 600)));
        let mut last = 0;
        for number in 1..5 {
            if number == 1 {
                light(&mut output, number)
            } else {
                output.frame().commit(number).map(drop).unwrap()
            }
            let before = now();
            let [flip] = flips(&device, 1)[..] else { panic!("one flip") };
            assert!(output.flipped(&flip));
            assert_eq!((flip.user_data, flip.time % 10_000_000), (number, 0));
            assert!(flip.time + 1000 > before.saturating_sub(10_000_000) && flip.time <= now());
            assert!(flip.time >= last + 10_000_000, "one a period");
            last = flip.time;
        }
    }

    #[test]
    fn one_commit_is_in_flight_and_displays_flip_by_themselves() {
        let (device, inventory) = device(&["64x64@200", "64x64@20"]);
        let mut fast = output(&device, &inventory, 0);
        let mut slow = output(&device, &inventory, 1);
        light(&mut slow, 1);
        light(&mut fast, 2);
        fast.reset();
        assert_eq!(fast.modeset().commit(3).unwrap_err().errno, Errno::BUSY);
        let flips = flips(&device, 2);
        let mut told: Vec<u64> = flips.iter().map(|flip| flip.user_data).collect();
        told.sort_unstable();
        assert_eq!(told, [1, 2]);
        assert!(slow.flipped(flips.iter().find(|flip| flip.user_data == 1).unwrap()));
        slow.sleep(4).unwrap();
        assert_eq!(super::tests::flips(&device, 1)[0].user_data, 4);
    }

    #[test]
    fn a_display_that_is_made_has_the_rate_of_its_mode() {
        let (device, inventory) = Headless::named("tablet", "640x480@50".parse().unwrap()).unwrap();
        let connector = &inventory.connectors[0];
        assert_eq!((connector.name.as_str(), connector.modes[0].width), ("tablet", 640));
        let quick = "640x480@200".parse::<HeadlessMode>().unwrap().mode();
        for (mode, period) in
            [(&connector.modes[0], 20_000_000), (&quick, 5_000_000), (&connector.modes[1], 20_000_000)]
        {
            let mut output = Output::new(&device, &inventory, connector.id, mode).unwrap();
            light(&mut output, 1);
            let mut last = flips(&device, 1)[0];
            assert!(output.flipped(&last));
            for number in 2..5 {
                output.frame().commit(number).unwrap();
                let [flip] = flips(&device, 1)[..] else { panic!("one flip") };
                assert!(output.flipped(&flip));
                assert!(flip.time % period == 0 && flip.time >= last.time + period, "{mode}: {last:?} {flip:?}");
                last = flip;
            }
        }
    }

    #[test]
    fn there_are_one_to_sixteen_displays() {
        let mode: HeadlessMode = "64x64".parse().unwrap();
        assert_eq!(Headless::device(&[]).unwrap_err().errno, Errno::INVAL);
        assert_eq!(Headless::device(&[mode; MAX_DISPLAYS + 1]).unwrap_err().errno, Errno::INVAL);
        let (device, inventory) = Headless::device(&[mode; MAX_DISPLAYS]).unwrap();
        let mut outputs: Vec<Output> = (0..MAX_DISPLAYS).map(|at| output(&device, &inventory, at)).collect();
        outputs.iter_mut().for_each(|output| light(output, 1));
        assert_eq!(flips(&device, MAX_DISPLAYS).len(), MAX_DISPLAYS);
    }
}
