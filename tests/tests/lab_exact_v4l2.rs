//! A camera's frames on the screen: `weston-simple-dmabuf-v4l` with vivid, whose buffers the
//! display reads itself.
//!
//! vivid draws a new picture for every frame, yet each frame's CRC is known: a buffer goes back to
//! vivid only when the display and the prediction have done with it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};

const PROGRAM: &str = "weston-simple-dmabuf-v4l";

fn installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(PROGRAM).is_file());
    if !found {
        println!("SKIPPED: {PROGRAM} is not installed");
    }
    found
}

/// The node of vivid that captures video; another one has frames in several buffers.
fn camera(several: bool) -> PathBuf {
    let name = if several { "vivid-001-vid-cap" } else { "vivid-000-vid-cap" };
    let nodes = std::fs::read_dir("/sys/class/video4linux").unwrap().flatten();
    let mut found =
        nodes.filter(|node| std::fs::read_to_string(node.path().join("name")).is_ok_and(|n| n.trim() == name));
    PathBuf::from("/dev").join(found.next().expect("the lab's kernel has vivid").file_name())
}

/// What came of some seconds of a camera.
struct Shown {
    trace: Trace,
    /// Frames whose atomic commit had the camera's buffer on a plane.
    on_planes: usize,
    /// Latched commits of the client.
    shown: usize,
}

/// Runs the camera in a format of V4L2, `FORMAT` or `FORMAT as DRM's name of it`, until 36 frames
/// were shown.
fn camera_in(format: &str, planes: &str) -> Option<Shown> {
    if !installed() {
        return None;
    }
    let vkms = Vkms::builder("v4l").output(Output { overlays: 2, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let args = ["--crc", "--trace", &path.to_string_lossy(), "--planes", planes];
    let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
    let log = folder.path().join("client.log");
    let file = std::fs::File::create(&log).unwrap();
    let (format, drm) = format.split_once(" as ").unwrap_or((format, format));
    let camera = camera(format.starts_with("NM"));
    // Ahead of vivid's thread, which runs without a pause while a process has the device's lock: the
    // virtual clock gives it no end, and it would keep that process from the CPU for ever.
    let mut command = compositor.command("chrt");
    command.args(["--fifo", "1", PROGRAM]);
    // Directly to the display: its GL is not asked about the buffer.
    command.arg("-v").arg(&camera).args(["-f", format, "-d", drm, "-g"]).env("HOME", folder.path());
    let mut child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
    let pid = i64::from(child.id());
    let frames = || compositor.status().unwrap()["outputs"][0]["frame"].as_u64().unwrap();
    let mut enough = false;
    for _ in 0..40 {
        // Asking costs a process each time; the virtual clock would let it be asked without end.
        std::thread::sleep(Duration::from_millis(500));
        enough = frames() >= 36;
        if enough || !matches!(child.try_wait(), Ok(None)) {
            break;
        }
    }
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(enough && matches!(child.try_wait(), Ok(None)), "{said}\n{}", compositor.log());
    Command::new("kill").arg(pid.to_string()).status().unwrap();
    if !poll_until(Duration::from_secs(3), || !matches!(child.try_wait(), Ok(None))) {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    compositor.stop().unwrap();
    let trace = Trace::read(&path).unwrap();
    assert!(trace.complete);
    let mut own = HashSet::new();
    let mut shown = HashSet::new();
    let mut on_planes = 0;
    for event in &trace.events {
        match &event.what {
            What::Commit(c) if c.client_pid == Some(pid) => drop(own.insert((c.surface, c.commit))),
            What::Latch(l) => {
                shown.extend(l.surfaces.iter().map(|c| (c.surface, c.commit)).filter(|c| own.contains(c)))
            }
            What::KmsCommit(c) => {
                let ours = c.planes.iter().filter_map(|p| p.surface.zip(p.commit)).any(|shown| own.contains(&shown));
                on_planes += usize::from(ours && c.errno.is_none());
            }
            _ => {}
        }
    }
    let shown = shown.len();
    let summary = Summary::of(&trace);
    assert_eq!((summary.crcs.different, summary.kms_errors), (0, 0), "{format}: {:?}", summary.crcs);
    assert!(summary.crcs.equal >= 30, "{format}: {:?}", summary.crcs);
    let values: HashSet<String> = trace
        .events
        .iter()
        .filter_map(|e| {
            if let What::Crc(c) = &e.what { (c.verdict == "equal").then(|| format!("{:?}", c.read)) } else { None }
        })
        .collect();
    assert!(values.len() >= 20, "{format}: the picture does not move: {} CRCs", values.len());
    println!(
        "{format}, planes {planes}: {shown} frames shown, {on_planes} on planes, {} CRCs equal",
        summary.crcs.equal
    );
    Some(Shown { trace, on_planes, shown })
}

/// Each of them on a plane, none composited.
fn without_a_copy(format: &str) {
    let Some(seen) = camera_in(format, "all") else { return };
    assert!(seen.shown >= 30, "{format}: {} frames shown", seen.shown);
    assert!(seen.on_planes + 3 >= seen.shown, "{format}: {} of {} frames on planes", seen.on_planes, seen.shown);
    assert!(!seen.trace.events.is_empty());
}

#[test]
#[ignore = "lab"]
fn camera_rgb_goes_to_a_plane() {
    without_a_copy("XR24");
}

#[test]
#[ignore = "lab"]
fn camera_nv12_goes_to_a_plane() {
    without_a_copy("NV12");
}

/// Luma and chroma are in a dma-buf of their own: vkms reads both from the first one, so they are
/// kept from it.
#[test]
#[ignore = "lab"]
fn camera_nv12_in_two_buffers_is_drawn() {
    let Some(seen) = camera_in("NM12 as NV12", "all") else { return };
    assert_eq!(seen.on_planes, 0);
    assert!(seen.shown >= 30, "{} frames shown", seen.shown);
}

#[test]
#[ignore = "lab"]
fn camera_yuv420_goes_to_a_plane() {
    without_a_copy("YU12");
}

#[test]
#[ignore = "lab"]
fn camera_nv24_goes_to_a_plane() {
    without_a_copy("NV24");
}

/// vkms has no plane for packed 4:2:2: the CPU converts it, and the CRC is that of what it made.
#[test]
#[ignore = "lab"]
fn camera_yuyv_is_drawn() {
    let Some(seen) = camera_in("YUYV", "all") else { return };
    assert_eq!(seen.on_planes, 0);
    assert!(seen.shown >= 30, "{} frames shown", seen.shown);
}

/// The control of the others: the same camera is on no plane when planes are not used.
#[test]
#[ignore = "lab"]
fn camera_nv12_is_drawn_without_planes() {
    let Some(seen) = camera_in("NV12", "none") else { return };
    assert_eq!(seen.on_planes, 0);
    assert!(seen.shown >= 30, "{} frames shown", seen.shown);
}
