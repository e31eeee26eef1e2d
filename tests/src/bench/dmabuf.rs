//! `dmabuf`: what a client's buffer costs when it is described, imported for the first time, and shown again.
//!
//! Validation is timed by itself; the compositor's system calls are counted by strace. Its CPU time is not looked at here: strace
//! slows it down.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use dmabuf_import::validate::{self, Params, PlaneParams};
use drm_fourcc::{DrmFourcc, DrmModifier};

use super::runs::{TRUSTING, client, finish, watch, watch_while};
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
    /// The card; found by itself where it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Print each system call's number.
    #[arg(long)]
    pub verbose: bool,
}

/// Limits.
const VALIDATION_NS: f64 = 1000.0;
const CALLS_A_PLANE: f64 = 5.0;

/// What `DMA_BUF_IOCTL_SYNC` is called by versions of strace that know it, and by those that do not.
const SYNC: [&str; 2] = ["DMA_BUF_IOCTL_SYNC", "_IOC(_IOC_WRITE, 0x62, 0, 0x8)"];
/// `DRM_IOCTL_MODE_CLOSEFB` for those that do not.
const CLOSEFB: &str = "_IOC(_IOC_READ|_IOC_WRITE, 0x64, 0xd0, 0x8)";

/// Calls that make something of a buffer: a handle, a framebuffer, a mapping, a look at it. All of a process count, whatever it makes
/// them for, so the figures are never too small. [`copies`] of descriptors are apart: fences have them in each frame.
pub fn imports(calls: &Calls) -> u64 {
    const NAMES: [&str; 8] = [
        "DRM_IOCTL_PRIME_FD_TO_HANDLE",
        "DRM_IOCTL_GEM_CLOSE",
        "DRM_IOCTL_MODE_ADDFB2",
        "mmap",
        "fstat",
        "newfstatat",
        "fstatfs",
        "lseek",
    ];
    sum(calls, &NAMES) + brackets(calls)
}

/// Descriptors that were duplicated, of fences and of buffers.
fn copies(calls: &Calls) -> u64 {
    sum(calls, &["fcntl", "dup"])
}

/// Calls that undo it: framebuffers and handles that go.
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
    let mut rows = vec![validation()];
    let (first, again) = (first_imports(options)?, steady(options)?);
    // Those of fences are as many a frame where nothing is imported.
    let of_fences = copies(&again.0) as f64 / again.1.max(1) as f64 * f64::from(options.buffers);
    let of_buffers = (copies(&first.0) as f64 - of_fences).max(0.0);
    let a_plane = (imports(&first.0) as f64 + of_buffers) / f64::from(options.buffers);
    rows.push(Row {
        what: "first import, system calls a plane",
        others: &[],
        limit: format!("≤ {CALLS_A_PLANE:.0}"),
        figures: vec![format!("{a_plane:.2}")],
        // Less than one call in twenty buffers has another cause: the compositor's own.
        kept: a_plane > 1.0 && a_plane <= CALLS_A_PLANE + 0.05,
    });
    rows.push(Row {
        what: "shown again, calls for import in all frames",
        others: &[],
        limit: "0".into(),
        figures: vec![format!("{} in {}", imports(&again.0) + drops(&again.0), again.1)],
        kept: imports(&again.0) + drops(&again.0) == 0 && again.1 >= 60,
    });
    rows.push(Row {
        what: "shown again, CPU accesses in all frames (copies)",
        others: &[],
        limit: "0".into(),
        figures: vec![format!("{} in {}", brackets(&again.0) / 2, again.1)],
        kept: brackets(&again.0) == 0,
    });
    rows.push(super::shm::row()?);
    print!("{}", table(&["clients' buffers", "limit", "Syncline", ""], &rows));
    if options.verbose {
        for (what, (calls, frames)) in [("first imports", &first), ("shown again", &again)] {
            println!("system calls, {what} ({frames} frames): {:?}", calls.by_name);
        }
    }
    Ok(rows.iter().all(|row| row.kept))
}

/// Of ten rounds the fastest: what it takes without what else the machine does.
fn validation() -> Row {
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
    const TIMES: u32 = 100_000;
    let round = |_| {
        let start = Instant::now();
        let passed = (0..TIMES).all(|_| validate::check(black_box(&params)).is_ok());
        (start.elapsed().as_nanos() as f64 / f64::from(TIMES), passed)
    };
    let rounds: Vec<_> = (0..10).map(round).collect();
    let fastest = rounds.iter().map(|(ns, _)| *ns).fold(f64::INFINITY, f64::min);
    Row {
        what: "checks of a description of two planes, ns",
        others: &[],
        limit: format!("≤ {VALIDATION_NS:.0}"),
        figures: vec![format!("{fastest:.0}")],
        kept: fastest <= VALIDATION_NS && rounds.iter().all(|(_, passed)| *passed),
    }
}

/// A fullscreen client shows each of its buffers once.
fn first_imports(options: &Options) -> Result<(Calls, u64)> {
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
    // The first ones make what is kept for good.
    show(&mut client, 4)?;
    let counted = watch_while(&compositor, || show(&mut client, options.buffers))?;
    compositor.stop()?;
    Ok(counted)
}

/// A fullscreen client at the full rate that shows its few buffers again and again.
fn steady(options: &Options) -> Result<(Calls, u64)> {
    let card = lab::find_card(options.device.as_deref())?;
    let compositor = Compositor::start_on(&card, &TRUSTING)?;
    let child = client(&compositor, 480, &["--plain"])?;
    std::thread::sleep(Duration::from_millis(1500));
    let counted = watch(&compositor, Duration::from_secs(3))?;
    finish(child, Duration::from_secs(90))?;
    compositor.stop()?;
    Ok(counted)
}
