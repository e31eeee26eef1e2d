//! `dmabuf`: what a client's buffer costs when it is described, imported for the first time, and
//! shown again.
//!
//! Validation is timed by itself, beside a copy of memory as its control; the compositor's system
//! calls are counted by strace. Its CPU time is not measured here: strace makes it dearer.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use dmabuf_import::validate::{self, Params, PlaneParams};
use drm_fourcc::{DrmFourcc, DrmModifier};

use super::judge::{ATTEMPTS, attempts};
use super::runs::{TRUSTING, Watched, client, finish, watch, watch_while};
use super::strace::Calls;
use super::{Row, table};
use crate::client::buffer::Source;
use crate::client::window::{Commit, Wish};
use crate::client::{Client, PATIENCE};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::lab;

/// Options of `dmabuf`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Buffers that are imported.
    #[arg(long, default_value_t = 100)]
    pub buffers: u32,
    /// The card; found automatically if it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Print how often each system call was made.
    #[arg(long)]
    pub verbose: bool,
}

/// Checking a description takes less time than copying so much memory: 1 µs on the machine where
/// this limit was set.
const COPIED: usize = 48 << 10;
/// System calls for the first import of a plane.
const CALLS_A_PLANE: u64 = 5;
/// One call in so many buffers may have another cause: the compositor's own memory.
const OTHER_CAUSES: u64 = 20;
/// Frames below which a count of none proves nothing.
const ENOUGH_FRAMES: u64 = 60;

/// What `DMA_BUF_IOCTL_SYNC` is called by versions of strace that know it, and by those that do
/// not.
const SYNC: [&str; 2] = ["DMA_BUF_IOCTL_SYNC", "_IOC(_IOC_WRITE, 0x62, 0, 0x8)"];
/// `DRM_IOCTL_MODE_CLOSEFB` for those that do not.
const CLOSEFB: &str = "_IOC(_IOC_READ|_IOC_WRITE, 0x64, 0xd0, 0x8)";

/// Calls that import a buffer: a handle, a framebuffer, a mapping, a question about it. All calls
/// of these kinds that a process makes count, so the figures are never too small. Not [`copies`] of
/// descriptors: fences need them in each frame.
pub fn imports(calls: &Calls) -> u64 {
    const NAMES: [&str; 9] = [
        "DRM_IOCTL_PRIME_FD_TO_HANDLE",
        "DRM_IOCTL_GEM_CLOSE",
        "DRM_IOCTL_MODE_ADDFB2",
        "mmap",
        "fstat",
        "newfstatat",
        "fstatfs",
        "statx",
        "lseek",
    ];
    sum(calls, &NAMES) + brackets(calls)
}

/// Descriptors that were duplicated, of fences and of buffers.
fn copies(calls: &Calls) -> u64 {
    sum(calls, &["fcntl", "dup"])
}

/// Calls that undo an import: framebuffers, handles and mappings that go.
pub fn drops(calls: &Calls) -> u64 {
    sum(calls, &["DRM_IOCTL_MODE_RMFB", "DRM_IOCTL_MODE_CLOSEFB", CLOSEFB, "DRM_IOCTL_GEM_CLOSE", "munmap"])
}

/// `DMA_BUF_IOCTL_SYNC`: each access of the CPU to a dma-buf has two.
pub fn brackets(calls: &Calls) -> u64 {
    sum(calls, &SYNC)
}

fn sum(calls: &Calls, names: &[&str]) -> u64 {
    names.iter().filter_map(|name| calls.by_name.get(*name)).sum()
}

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let mut rows = vec![validation()?];
    let (first, again) = (first_imports(options)?, steady(options)?);
    let buffers = u64::from(options.buffers);
    // Fences take as many duplicates a frame where nothing is imported.
    let of_fences = copies(&again.calls) * first.frames / again.frames.max(1);
    let calls = imports(&first.calls) + copies(&first.calls).saturating_sub(of_fences);
    rows.push(Row {
        what: "first import, system calls and planes",
        others: &[],
        limit: format!("≤ {CALLS_A_PLANE} each"),
        figures: vec![format!("{calls}, {buffers}")],
        kept: calls > buffers && calls <= CALLS_A_PLANE * buffers + buffers / OTHER_CAUSES,
    });
    let undone = imports(&again.calls) + drops(&again.calls);
    rows.push(Row {
        what: "shown again, calls for import in all frames",
        others: &[],
        limit: "0".into(),
        figures: vec![format!("{undone} in {}", again.frames)],
        kept: undone == 0 && again.frames >= ENOUGH_FRAMES,
    });
    rows.push(Row {
        what: "shown again, CPU accesses in all frames (copies)",
        others: &[],
        limit: "0".into(),
        figures: vec![format!("{} in {}", brackets(&again.calls).div_ceil(2), again.frames)],
        kept: brackets(&again.calls) == 0 && again.frames >= ENOUGH_FRAMES,
    });
    rows.push(super::shm::row()?);
    print!("{}", table(&["clients' buffers", "limit", "Syncline", ""], &rows));
    if options.verbose {
        for (what, watched) in [("first imports", &first), ("shown again", &again)] {
            println!("system calls, {what} ({} frames): {:?}", watched.frames, watched.calls.by_name);
        }
    }
    Ok(rows.iter().all(|row| row.kept))
}

/// Time of a check, and of the copy that is its control, in ns. Of ten rounds in turn the fastest
/// of each: that is what it takes without what else the machine does.
fn validation() -> Result<Row> {
    let size = Some(3840 * 2160 * 3);
    let planes =
        [PlaneParams { offset: 0, stride: 3840, size }, PlaneParams { offset: 3840 * 2160, stride: 3840, size }];
    let params = Params {
        width: 3840,
        height: 2160,
        format: DrmFourcc::Nv12 as u32,
        modifier: DrmModifier::Linear.into(),
        planes: &planes,
    };
    if validate::check(&params).is_err() {
        return Err(Error::Other("a valid description did not pass its check".into()));
    }
    let (source, mut copy) = (vec![1u8; COPIED], vec![0u8; COPIED]);
    let measure = || {
        let mut fastest = (f64::INFINITY, f64::INFINITY);
        for _ in 0..10 {
            let check = round(100_000, || {
                let _ = black_box(validate::check(black_box(&params)));
            });
            let copied = round(5_000, || black_box(&mut copy).copy_from_slice(black_box(&source)));
            fastest = (fastest.0.min(check), fastest.1.min(copied));
        }
        Ok(fastest)
    };
    let kept = |(check, copied): &(f64, f64)| check <= copied;
    let measured = attempts(ATTEMPTS, measure, kept)?;
    Ok(Row {
        what: "checks of a description of two planes, ns",
        others: &[],
        limit: format!("≤ {:.0}: copying {} KiB", measured.1.floor(), COPIED >> 10),
        figures: vec![format!("{:.0}", measured.0.ceil())],
        kept: kept(&measured),
    })
}

/// Nanoseconds a turn.
fn round(turns: u32, mut turn: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..turns).for_each(|_| turn());
    start.elapsed().as_nanos() as f64 / f64::from(turns)
}

/// A fullscreen client shows each of its buffers once.
fn first_imports(options: &Options) -> Result<Watched> {
    let card = lab::find_card(options.device.as_deref())?;
    let compositor = Compositor::start_on(&card, &[])?;
    let mut client = compositor.client()?;
    let mut window = client.toplevel(&Wish { app_id: "imports", fullscreen: true })?;
    let size = window.size(&client, (640, 480));
    let mut show = |client: &mut Client, buffers: u32| -> Result<()> {
        for _ in 0..buffers {
            let (buffer, _pixels) = client.buffer(Source::Auto, size.0, size.1)?;
            let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
            let token = window.commit(client, &commit)?.frame.ok_or_else(|| Error::Missing("a callback".into()))?;
            client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token))?;
        }
        Ok(())
    };
    // The first ones create what is kept from then on.
    show(&mut client, 4)?;
    let counted = watch_while(&compositor, || show(&mut client, options.buffers))?;
    compositor.stop()?;
    Ok(counted)
}

/// A fullscreen client at the full rate that shows its few buffers again and again.
fn steady(options: &Options) -> Result<Watched> {
    let card = lab::find_card(options.device.as_deref())?;
    let compositor = Compositor::start_on(&card, &TRUSTING)?;
    let child = client(&compositor, 480, &["--plain"])?;
    std::thread::sleep(Duration::from_millis(1500));
    let counted = watch(&compositor, Duration::from_secs(3))?;
    finish(child, Duration::from_secs(90))?;
    compositor.stop()?;
    Ok(counted)
}
