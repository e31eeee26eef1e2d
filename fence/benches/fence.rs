//! What this crate costs beside the kernel: wrappers, tracking, system calls, wake-ups, sizes.
//!
//! Prints one line a figure: name, value, unit, limit, verdict. Figures that need a device with
//! timeline syncobjs and sw_sync say `skipped` where there is none, and the exit status is 1 then
//! unless `--allow-skipped` is given; it is 1 too if a limit is missed. Times of system calls are
//! compared within one run only.

use std::{
    cell::Cell,
    fs::File,
    hint::black_box,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::ExitCode,
    sync::Mutex,
};

use fence::{
    Acquire, AcquireState, Name, Ns, Predictor, Release, SwTimeline, SyncDevice, SyncFile,
    faults::Faults,
    kernel::{Kernel, LINUX, RawFence, RawFile},
};
use rustix::{
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
    io::Result,
    process::{Resource, Rlimit},
};

/// Tracking a commit takes less time than copying so much memory, which is measured in turn with
/// it: 1 µs on the machine where this limit was set.
const COPIED: usize = 48 << 10;

/// Prints the figures and remembers whether all were within their limits.
#[derive(Default)]
struct Figures {
    missed: Cell<usize>,
    skipped: Cell<usize>,
}

impl Figures {
    fn at_most(&self, name: &str, value: f64, unit: &str, limit: f64) {
        let verdict = if value <= limit { "ok" } else { "MISSED" };
        self.missed.set(self.missed.get() + usize::from(value > limit));
        println!("{name:<52} {value:>10.3} {unit:<8} limit {limit:<8} {verdict}");
    }

    fn note(&self, name: &str, value: f64, unit: &str) {
        println!("{name:<52} {value:>10.3} {unit}");
    }

    fn skip(&self, name: &str, why: impl std::fmt::Display) {
        self.skipped.set(self.skipped.get() + 1);
        println!("{name:<52}    skipped ({why})");
    }
}

fn main() -> ExitCode {
    let allow_skipped = std::env::args().any(|arg| arg == "--allow-skipped");
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raise = |current, maximum| rustix::process::setrlimit(Resource::Nofile, Rlimit { current, maximum });
    // Only root may raise the hard limit.
    raise(Some(50_000), limit.maximum.map(|maximum| maximum.max(50_000)))
        .or_else(|_| raise(limit.maximum, limit.maximum))
        .expect("the soft limit may rise to the hard one");
    let figures = Figures::default();
    sizes(&figures);
    tracking(&figures);
    let lab = lab();
    match &lab {
        Ok(lab) => {
            wrappers(&figures, lab);
            calls(&figures, lab);
        }
        Err(why) => {
            figures.skip("wrapper cost over the bare ioctls", why);
            figures.skip("system calls for acquire and release", why);
        }
    }
    wake_ups(&figures, lab.as_ref().ok());
    println!("{} missed, {} skipped", figures.missed.get(), figures.skipped.get());
    match figures.missed.get() > 0 || (figures.skipped.get() > 0 && !allow_skipped) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

/// A device with timelines, and sw_sync.
struct Lab {
    device: OwnedFd,
    sw: SwTimeline,
}

fn lab() -> std::result::Result<Lab, String> {
    let sw = SwTimeline::open().map_err(|error| error.to_string())?;
    for entry in std::fs::read_dir("/dev/dri").map_err(|error| format!("/dev/dri: {error}"))?.flatten() {
        let Ok(file) = File::options().read(true).write(true).open(entry.path()) else { continue };
        let fd = OwnedFd::from(file);
        let Ok(copy) = fd.try_clone() else { continue };
        if SyncDevice::new(copy).is_ok_and(|device| device.require().is_ok()) {
            return Ok(Lab { device: fd, sw });
        }
    }
    Err("no DRM device with timeline syncobjs".into())
}

fn sizes(figures: &Figures) {
    figures.at_most("Acquire + Release", (size_of::<Acquire>() + size_of::<Release>()) as f64, "bytes", 512.0);
    figures.note("Acquire", size_of::<Acquire>() as f64, "bytes");
    figures.note("Release", size_of::<Release>() as f64, "bytes");
    figures.note("Predictor, per surface", size_of::<Predictor>() as f64, "bytes");
}

/// Nanoseconds a turn.
fn round(turns: usize, mut turn: impl FnMut()) -> f64 {
    let start = fence::now();
    (0..turns).for_each(|_| turn());
    (fence::now() - start) as f64 / turns as f64
}

/// The lower quartile: what others do on this machine only ever adds.
fn quiet(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 4]
}

/// Ratio of what short rounds of each take, in turns, so that both sides see the same weather.
fn ratio(rounds: usize, turns: usize, mut wrapped: impl FnMut(), mut bare: impl FnMut()) -> f64 {
    let (mut ours, mut theirs) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for number in 0..rounds {
        for wraps in [number % 2 == 0, number % 2 != 0] {
            match wraps {
                true => ours.push(round(turns, &mut wrapped)),
                false => theirs.push(round(turns, &mut bare)),
            }
        }
    }
    quiet(ours) / quiet(theirs)
}

/// Takes a result so that it cannot be optimised away.
fn used<T>(value: T) {
    black_box(value);
}

fn wrappers(figures: &Figures, lab: &Lab) {
    const LIMIT: f64 = 1.05;
    let device = SyncDevice::new(lab.device.try_clone().unwrap()).unwrap();
    let timeline = device.create_timeline().unwrap();
    let file = lab.sw.fence(u32::MAX >> 1, "").unwrap();
    timeline.point(1).import(&file).unwrap();
    let (point, dev, handle) = (timeline.point(1), lab.device.as_fd(), timeline.handle());
    let run = |name: &str, wrapped: &mut dyn FnMut(), bare: &mut dyn FnMut()| {
        figures.at_most(&format!("wrapper / bare ioctl, {name}"), ratio(601, 20, wrapped, bare), "", LIMIT);
    };
    run("status", &mut || used(file.driver_and_status().unwrap().status), &mut || {
        let mut fences = [RawFence::EMPTY; 8];
        black_box(LINUX.file_info(file.as_fd(), &mut fences).unwrap());
    });
    run("deadline", &mut || file.set_deadline(1).unwrap(), &mut || LINUX.set_deadline(file.as_fd(), 1).unwrap());
    run("query", &mut || used(timeline.query()), &mut || {
        black_box(LINUX.query(dev, handle, 0).unwrap());
    });
    if device.caps().timeline_export {
        run("export of a point", &mut || used(point.export().unwrap()), &mut || {
            used(LINUX.handle_to_fd(dev, handle, 3, 1).unwrap());
        });
    }
    let binary = device.create_timeline().unwrap();
    let whole = binary.point(0);
    run("import", &mut || used(whole.import(&file).unwrap()), &mut || {
        black_box(LINUX.fd_to_handle(dev, file.as_fd(), binary.handle(), 1, 0).unwrap());
    });
    run("merge", &mut || used(SyncFile::merge2(file.as_fd(), file.as_fd()).unwrap()), &mut || {
        used(LINUX.merge([0; 32], file.as_fd(), file.as_fd()).unwrap());
    });
}

/// How the fence of a commit comes.
#[derive(Clone, Copy, PartialEq)]
enum Comes {
    /// It has signalled at the commit.
    Ready,
    /// It is pending and goes to the hardware.
    HandedOver,
    /// It is pending, and has signalled when the latch looks.
    AtLatch,
    /// It is still pending at the latch, and waited for.
    Waited,
}

/// Acquire plus release of one explicit-sync commit, as the compositor does it: with errors carried
/// over, a deadline unless the display sets it, and a wake-up for what the latch has found pending.
fn calls(figures: &Figures, lab: &Lab) {
    let faults = Faults::leak(&LINUX);
    let device = SyncDevice::new_on(faults, lab.device.try_clone().unwrap()).unwrap();
    let releases = device.create_timeline().unwrap();
    let out_fence = lab.sw.fence(u32::MAX >> 1, "").unwrap();
    let epoll = Epoll::new();
    let sw = SwTimeline::open().unwrap();
    let done = Cell::new(0);
    let kinds = [
        ("ready", Comes::Ready, true),
        ("handed over", Comes::HandedOver, true),
        ("by the latch", Comes::AtLatch, true),
        ("by the latch, errors not carried", Comes::AtLatch, false),
        ("after the latch", Comes::Waited, true),
    ];
    for (name, comes, carrying) in kinds {
        let client = device.create_timeline().unwrap();
        let commit = |value: u32| {
            let turn = value + done.get();
            client.point(value.into()).import(&sw.fence(turn, "").unwrap()).unwrap();
            if comes == Comes::Ready {
                sw.inc(1).unwrap();
            }
            faults.take_calls();
            // Beside what the kernel in between counts: epoll_ctl.
            let mut others = 0;
            let mut acquire = Acquire::from_point(client.point(value.into()), fence::now());
            if carrying {
                acquire = acquire.carrying_errors();
            }
            if !acquire.advance().unwrap().is_final() {
                if comes == Comes::HandedOver {
                    // The latch looks before it hands over, and the flip whether it has failed
                    // since.
                    assert_eq!(acquire.advance().unwrap(), AcquireState::Pending);
                    sw.inc(1).unwrap();
                    assert!(acquire.advance().unwrap().is_final());
                } else {
                    acquire.set_deadline(fence::now() + 1_000_000_000);
                    if comes == Comes::Waited {
                        assert_eq!(acquire.advance().unwrap(), AcquireState::Pending);
                        // Closing it takes it out of the set: nobody else has it.
                        epoll.add(acquire.wait_fd().unwrap(), 1);
                        others += 1;
                    }
                    sw.inc(1).unwrap();
                    assert!(matches!(acquire.advance().unwrap(), AcquireState::Signalled { .. }));
                }
            }
            let mut release = Release::point(releases.point(turn.into()));
            release.complete_with(&out_fence).unwrap();
            drop(acquire);
            faults.take_calls() + others
        };
        // The steady state: how the timeline's fences come is known from the first one.
        let counts = [1, 2, 3].map(commit);
        done.set(done.get() + 3);
        figures.note(&format!("system calls, {name}, first commit"), counts[0] as f64, "calls");
        let (name, steady) = (format!("system calls, {name}"), counts[1].max(counts[2]) as f64);
        match comes {
            // A wait of its own is what it costs to be later than the frame that it was for.
            Comes::Waited => figures.note(&name, steady, "calls"),
            _ => figures.at_most(&name, steady, "calls", 6.0),
        }
    }
}

/// A kernel that does nothing, out of a supply of file descriptors: what is left is our own work
/// and a close.
#[derive(Debug, Default)]
struct Idle {
    fds: Mutex<Vec<OwnedFd>>,
}

impl Idle {
    fn refill(&self, count: usize) {
        let null = OwnedFd::from(File::open("/dev/null").unwrap());
        let mut fds = self.fds.lock().unwrap();
        while fds.len() < count {
            fds.push(null.try_clone().unwrap());
        }
    }

    fn take(&self) -> Result<OwnedFd> {
        self.fds.lock().unwrap().pop().ok_or(rustix::io::Errno::MFILE)
    }
}

impl Kernel for Idle {
    fn file_info(&self, _: BorrowedFd<'_>, fences: &mut [RawFence]) -> Result<RawFile> {
        if let Some(fence) = fences.first_mut() {
            *fence = RawFence { driver: Name::new("idle").raw(), status: 1, timestamp_ns: 7, ..RawFence::EMPTY };
        }
        Ok(RawFile { name: [0; 32], status: 1, fences: 1 })
    }
    fn merge(&self, _: [u8; 32], _: BorrowedFd<'_>, _: BorrowedFd<'_>) -> Result<OwnedFd> {
        self.take()
    }
    fn set_deadline(&self, _: BorrowedFd<'_>, _: u64) -> Result<()> {
        Ok(())
    }
    fn dmabuf_export(&self, _: BorrowedFd<'_>, _: u32) -> Result<OwnedFd> {
        self.take()
    }
    fn dmabuf_import(&self, _: BorrowedFd<'_>, _: BorrowedFd<'_>, _: u32) -> Result<()> {
        Ok(())
    }
    fn get_cap(&self, _: BorrowedFd<'_>, _: u64) -> Result<u64> {
        Ok(1)
    }
    fn create(&self, _: BorrowedFd<'_>, _: bool) -> Result<u32> {
        Ok(1)
    }
    fn destroy(&self, _: BorrowedFd<'_>, _: u32) -> Result<()> {
        Ok(())
    }
    fn handle_to_fd(&self, _: BorrowedFd<'_>, _: u32, _: u32, _: u64) -> Result<OwnedFd> {
        self.take()
    }
    fn fd_to_handle(&self, _: BorrowedFd<'_>, _: BorrowedFd<'_>, _: u32, _: u32, _: u64) -> Result<u32> {
        Ok(1)
    }
    fn transfer(&self, _: BorrowedFd<'_>, _: (u32, u64), _: (u32, u64)) -> Result<()> {
        Ok(())
    }
    fn wait(&self, _: BorrowedFd<'_>, _: &[u32], _: &[u64], _: i64, _: u32, _: u64) -> Result<u32> {
        Ok(0)
    }
    fn register_eventfd(&self, _: BorrowedFd<'_>, _: u32, _: u64, _: BorrowedFd<'_>, _: u32) -> Result<()> {
        Err(rustix::io::Errno::NOENT)
    }
    fn reset(&self, _: BorrowedFd<'_>, _: u32) -> Result<()> {
        Ok(())
    }
    fn query(&self, _: BorrowedFd<'_>, _: u32, _: u32) -> Result<u64> {
        Ok(0)
    }
    fn signal(&self, _: BorrowedFd<'_>, _: u32, _: u64) -> Result<()> {
        Ok(())
    }
    fn eventfd(&self) -> Result<OwnedFd> {
        self.take()
    }
}

/// One commit from its acquire through the latch and a scan-out to its release, with the predictor
/// and the policy.
fn tracking(figures: &Figures) {
    const TURNS: usize = 400;
    let idle: &'static Idle = Box::leak(Box::default());
    idle.refill(8);
    let device = SyncDevice::new_on(idle, idle.take().unwrap()).unwrap();
    let timeline = device.create_timeline().unwrap();
    let out_fence = SyncFile::unchecked(idle.take().unwrap());
    let mut predictor = Predictor::default();
    let mut value: Ns = 0;
    let mut commit = || {
        value += 2;
        let mut acquire = Acquire::from_point(timeline.point(value), value);
        let AcquireState::Signalled { at } = acquire.advance().unwrap() else { unreachable!("by the idle kernel") };
        predictor.record(value, at);
        black_box(predictor.will_make(value, value + 16));
        black_box(acquire.overdue(value, 1_000_000));
        let mut release = Release::point(timeline.point(value + 1));
        black_box(release.complete_with(&out_fence).unwrap());
    };
    idle.refill(TURNS);
    let allocations = allocation_counter::measure(|| (0..TURNS).for_each(|_| commit()));
    figures.at_most("heap allocations a commit, steady state", allocations.count_total as f64, "", 0.0);
    let (mut with_closes, mut closes, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    let (source, mut copy) = (vec![1u8; COPIED], vec![0u8; COPIED]);
    for _ in 0..101 {
        idle.refill(TURNS);
        with_closes.push(round(TURNS, &mut commit));
        idle.refill(TURNS);
        closes.push(round(TURNS, || used(idle.take().unwrap())));
        copies.push(round(TURNS, || black_box(&mut copy).copy_from_slice(black_box(&source))));
    }
    let limit = quiet(copies).floor();
    figures.at_most("tracking of a commit, system calls aside", quiet(with_closes) - quiet(closes), "ns", limit);
}

/// An event loop's epoll, as the compositor's: each file descriptor is reported once.
struct Epoll(OwnedFd);

impl Epoll {
    fn new() -> Epoll {
        Epoll(epoll::create(CreateFlags::CLOEXEC).unwrap())
    }

    fn add(&self, fd: impl AsFd, token: u64) {
        epoll::add(&self.0, fd, EventData::new_u64(token), EventFlags::IN | EventFlags::ONESHOT).unwrap();
    }

    fn remove(&self, fd: impl AsFd) {
        epoll::delete(&self.0, fd).unwrap();
    }

    /// The token of what is ready, if exactly one is. One system call and no heap.
    fn wait(&self) -> Option<u64> {
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 64];
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        match epoll::wait(&self.0, &mut events[..], Some(&none)).unwrap() {
            1 => Some(events[0].data.u64()),
            _ => None,
        }
    }
}

/// One fence of many signals: a wait, a look, and a new one in its place.
fn wake_ups(figures: &Figures, lab: Option<&Lab>) {
    const PENDING: [usize; 3] = [1, 100, 10_000];
    let have = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if have < 12_000 {
        return figures.skip("wake-up, 10 000 pending / 1 pending", format_args!("only {have} file descriptors"));
    }
    let mut sets: Vec<Box<dyn FnMut()>> = PENDING
        .into_iter()
        .map(|pending| match lab {
            Some(_) => Box::new(sw_sync_wake_up(pending)) as Box<dyn FnMut()>,
            // Where there is no sw_sync, a pipe among eventfds: the waiting is epoll's in both
            // cases.
            None => Box::new(pipe_wake_up(pending)),
        })
        .collect();
    let mut times = [const { Vec::new() }; PENDING.len()];
    for _ in 0..201 {
        for (set, times) in sets.iter_mut().zip(&mut times) {
            times.push(round(20, set));
        }
    }
    let costs = times.map(quiet);
    for (pending, cost) in PENDING.into_iter().zip(costs) {
        figures.note(&format!("wake-up, {pending} pending"), cost / 1000.0, "µs");
    }
    figures.at_most("wake-up, 10 000 pending / 1 pending", costs[2] / costs[0], "", 1.2);
}

fn sw_sync_wake_up(pending: usize) -> impl FnMut() {
    let epoll = Epoll::new();
    let never = SwTimeline::open().unwrap();
    let idle: Vec<_> = (1..pending).map(|value| never.fence(value as u32, "").unwrap()).collect();
    idle.iter().for_each(|fence| epoll.add(fence, 0));
    let sw = SwTimeline::open().unwrap();
    let mut value = 0;
    move || {
        let _pending = (&never, &idle);
        value += 1;
        let fence = sw.fence(value, "").unwrap();
        epoll.add(&fence, 1);
        sw.inc(1).unwrap();
        assert_eq!(epoll.wait(), Some(1));
        used(fence.driver_and_status().unwrap());
    }
}

fn pipe_wake_up(pending: usize) -> impl FnMut() {
    let epoll = Epoll::new();
    let idle: Vec<_> = (1..pending).map(|_| LINUX.eventfd().unwrap()).collect();
    idle.iter().for_each(|fd| epoll.add(fd, 0));
    let (read, write) = rustix::pipe::pipe().unwrap();
    move || {
        let _pending = &idle;
        epoll.add(&read, 1);
        rustix::io::write(&write, &[1]).unwrap();
        assert_eq!(epoll.wait(), Some(1));
        rustix::io::read(&read, &mut [0; 1]).unwrap();
        epoll.remove(&read);
    }
}
