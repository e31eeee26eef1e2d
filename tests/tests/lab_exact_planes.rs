//! Which windows get a plane of their own: as many as there are planes for, and never one whose
//! place in the stack would be wrong.
//!
//! Every frame's CRC is predicted from the planes that were committed; that the planes look like
//! the scene is checked against the CRCs of the same clients with `--planes none`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use drm_fourcc::{DrmFourcc, DrmModifier};
use syncline_tests::client::Client;
use syncline_tests::client::buffer::{Buffer, Pixels, Source, allocate};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;
use syncline_tests::vkms::{Builder, Output, Vkms};
use wayland_client::protocol::{wl_subsurface::WlSubsurface, wl_surface::WlSurface};

fn start(card: &Path, trace: &Path, planes: &str) -> Compositor {
    let trace = trace.to_string_lossy();
    let trust = ["--fence-policy", "trusted", "--trust", "sw_sync"];
    let args = [&["--mode", "1024x768", "--crc", "--trace", &trace, "--planes", planes][..], &trust].concat();
    Compositor::start_on(card, &args).unwrap()
}

/// A number of the first output's status.
fn number(compositor: &Compositor, name: &str) -> u64 {
    compositor.status().unwrap()["outputs"][0][name].as_u64().unwrap()
}

/// No CRC differs, most were compared, no commit was refused.
fn all_equal(trace: &Trace, least: u64) {
    let summary = Summary::of(trace);
    assert!(trace.complete);
    assert_eq!((summary.crcs.different, summary.kms_errors), (0, 0), "{:?}", summary.crcs);
    assert!(summary.crcs.equal >= least, "{:?}", summary.crcs);
}

/// For each atomic commit how many overlays showed clients' buffers.
fn overlays(trace: &Trace) -> Vec<usize> {
    let of = |what: &What| match what {
        What::KmsCommit(c) => Some(c.planes.iter().filter(|p| p.kind == "overlay" && p.surface.is_some()).count()),
        _ => None,
    };
    trace.events.iter().filter_map(|event| of(&event.what)).collect()
}

#[test]
#[ignore = "lab"]
fn three_windows_on_three_overlays() {
    let vkms = Vkms::builder("three").output(Output { overlays: 3, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let compositor = start(vkms.card(), &path, "all");
    let client = |size, hue, id| {
        let args = ["--windowed", size, "--frames", "200", "--hue", hue, "--app-id", id];
        compositor.demo_client(&args).unwrap().stdout(Stdio::null()).spawn().unwrap()
    };
    let mut children = [client("200x150", "0", "a"), client("221x131", "80", "b"), client("160x180", "160", "c")];
    assert!(
        poll_until(Duration::from_secs(10), || number(&compositor, "on_planes") == 3),
        "{}",
        compositor.status().unwrap()
    );
    // From now on one ioctl a frame: what is known is not tested again.
    let (tests, frame) = (number(&compositor, "test_commits"), number(&compositor, "frame"));
    assert!(poll_until(Duration::from_secs(10), || number(&compositor, "frame") >= frame + 60));
    assert_eq!(number(&compositor, "on_planes"), 3);
    assert_eq!(number(&compositor, "test_commits"), tests, "a test in the steady state");
    assert!(tests <= 16, "{tests} tests for three windows");
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    compositor.stop().unwrap();
    let trace = Trace::read(&path).unwrap();
    all_equal(&trace, 150);
    let three = overlays(&trace).iter().filter(|count| **count == 3).count();
    assert!(three >= 60, "{three} frames with three overlays");
    let summary = Summary::of(&trace);
    assert!(summary.acquires.kms > 0, "no pending fence went to a plane: {:?}", summary.acquires);
}

/// A surface with two pictures, shown in turns.
struct Moving {
    surface: WlSurface,
    buffers: [Buffer; 2],
    _sub: Option<WlSubsurface>,
}

#[derive(Clone, Copy, PartialEq)]
enum Memory {
    Shm,
    Opaque,
    Translucent,
}

fn buffers(client: &mut Client, memory: Memory, (w, h): (u32, u32), shade: u8) -> [Buffer; 2] {
    [shade, shade ^ 0x3f].map(|shade| {
        // Premultiplied: no channel above its alpha.
        let alpha = if memory == Memory::Translucent { 0x80 } else { 0xff };
        let pixel = [shade / 2, 0x20, (alpha - 0x40) ^ (shade & 0x0f), alpha];
        let draw = |bytes: &mut [u8]| bytes.as_chunks_mut::<4>().0.fill(pixel);
        let (buffer, mut pixels) = match memory {
            Memory::Shm => client.buffer(Source::Shm, w, h).unwrap(),
            Memory::Opaque => client.buffer(Source::Auto, w, h).unwrap(),
            Memory::Translucent => {
                let fd = allocate(Source::Auto, (w * h * 4).next_multiple_of(4096) as usize).unwrap();
                let linear = u64::from(DrmModifier::Linear);
                let buffer = client.wrap_dmabuf(&fd, w, h, DrmFourcc::Argb8888, linear).unwrap();
                let map = dmabuf_import::Mapping::new(std::sync::Arc::new(fd), true).unwrap();
                (buffer, Pixels::Mapped(map))
            }
        };
        pixels.write(draw).unwrap();
        buffer
    })
}

/// A window of 300 × 200, or of the whole screen, with a subsurface of each kind of memory at these
/// places.
fn window(
    client: &mut Client,
    fullscreen: bool,
    children: &[(Memory, (i32, i32))],
) -> (Toplevel, [Buffer; 2], Vec<Moving>) {
    let window = client.toplevel(&Wish { app_id: "planes", fullscreen }).unwrap();
    let size = if fullscreen { (1024, 768) } else { (300, 200) };
    let main = buffers(client, Memory::Opaque, size, 0xc0);
    let qh = client.qh();
    let child = |client: &mut Client, memory, (x, y)| {
        let surface = client.state.bound.compositor().unwrap().create_surface(&qh, ());
        let subcompositor = client.state.bound.subcompositor.clone().unwrap();
        let sub = subcompositor.get_subsurface(&surface, &window.surface, &qh, ());
        sub.set_position(x, y);
        sub.set_desync();
        let buffers = buffers(client, memory, (80, 60), 0x40);
        Moving { surface, buffers, _sub: Some(sub) }
    };
    let children = children.iter().map(|&(memory, at)| child(client, memory, at)).collect();
    (window, main, children)
}

/// Shows `frames` frames in which everything changes.
fn animate(client: &mut Client, (window, main, children): &mut (Toplevel, [Buffer; 2], Vec<Moving>), frames: usize) {
    for frame in 0..frames {
        for child in children.iter() {
            child.surface.attach(Some(&child.buffers[frame % 2].wl), 0, 0);
            child.surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
            child.surface.commit();
        }
        let commit = Commit { buffer: Some(&main[frame % 2]), frame: true, ..Commit::default() };
        let token = window.commit(client, &commit).unwrap().frame.unwrap();
        client.wait_for("a frame callback", Duration::from_secs(5), |s| s.callbacks.contains_key(&token)).unwrap();
    }
}

/// How many planes show clients after a while, and the trace; the same scene without planes looks
/// the same.
fn show(name: &str, children: &[(Memory, (i32, i32))], viewport: Option<(i32, i32)>) -> (u64, Trace) {
    let vkms = Vkms::builder(name).output(Output { overlays: 3, ..Output::default() });
    show_on(vkms, false, children, viewport)
}

fn show_on(
    vkms: Builder,
    fullscreen: bool,
    children: &[(Memory, (i32, i32))],
    viewport: Option<(i32, i32)>,
) -> (u64, Trace) {
    let vkms = vkms.build().unwrap();
    let folder = user::folder().unwrap();
    let run = |planes: &str| {
        let path = folder.path().join(planes);
        let compositor = start(vkms.card(), &path, planes);
        let mut client = compositor.client().unwrap();
        let mut scene = window(&mut client, fullscreen, children);
        if let Some((w, h)) = viewport {
            let viewporter = client.state.bound.viewporter.clone().unwrap();
            viewporter.get_viewport(&scene.0.surface, &client.qh(), ()).set_destination(w, h);
        }
        animate(&mut client, &mut scene, 41);
        let (on_planes, tests) = (number(&compositor, "on_planes"), number(&compositor, "test_commits"));
        animate(&mut client, &mut scene, 21);
        assert_eq!(number(&compositor, "test_commits"), tests, "a test in the steady state");
        drop(client);
        compositor.stop().unwrap();
        let trace = Trace::read(&path).unwrap();
        all_equal(&trace, 40);
        (on_planes, trace)
    };
    let (none, drawn) = run("none");
    assert_eq!(none, 0);
    let (on_planes, shown) = run("all");
    // The renderer blends with 8 bits a channel, the display with 16: where nothing is blended they
    // must agree.
    if children.iter().all(|(memory, _)| *memory != Memory::Translucent) {
        assert_eq!(two_pictures(&shown), two_pictures(&drawn), "planes look different from the composited scene");
    }
    (on_planes, shown)
}

/// The two CRCs that the display gave most often: those of the scene's two pictures.
fn two_pictures(trace: &Trace) -> BTreeSet<String> {
    let mut counts = BTreeMap::<String, usize>::new();
    for event in &trace.events {
        if let What::Crc(crc) = &event.what
            && let Some(read) = &crc.read
        {
            *counts.entry(read.to_string()).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    assert!(counts.len() >= 2 && counts[1].1 >= 10, "the scene does not move: {counts:?}");
    counts.into_iter().take(2).map(|(crc, _)| crc).collect()
}

#[test]
#[ignore = "lab"]
fn a_popup_on_a_plane_of_its_own() {
    let (on_planes, trace) = show("popup", &[(Memory::Opaque, (40, 30))], None);
    assert_eq!(on_planes, 2);
    assert!(overlays(&trace).iter().filter(|count| **count == 2).count() >= 20);
}

#[test]
#[ignore = "lab"]
fn a_composited_popup_forces_the_window_off() {
    let (on_planes, _) = show("forced", &[(Memory::Shm, (40, 30))], None);
    assert_eq!(on_planes, 0, "the window lies below what is composited");
    // Beside the window, not on it: nothing speaks against the plane.
    let (on_planes, _) = show("beside", &[(Memory::Shm, (310, 30))], None);
    assert_eq!(on_planes, 1);
}

#[test]
#[ignore = "lab"]
fn a_window_below_the_composited_popup_where_planes_may_lie_anywhere() {
    let vkms = |name| Vkms::builder(name).output(Output { overlays: 3, ..Output::default() }).zpos();
    let (on_planes, _) = show_on(vkms("hole"), false, &[(Memory::Shm, (40, 30))], None);
    assert_eq!(on_planes, 1, "the window is seen through a hole in the composited picture");
    // It would have to lie below the one and above the other.
    let (on_planes, _) = show_on(vkms("between"), false, &[(Memory::Shm, (40, 30)), (Memory::Opaque, (60, 50))], None);
    assert_eq!(on_planes, 2, "the upper one lies above the composited picture");
}

#[test]
#[ignore = "lab"]
fn a_fullscreen_window_stays_on_the_primary_plane_under_a_composited_popup() {
    let vkms = Vkms::builder("under").output(Output { overlays: 3, ..Output::default() });
    let (on_planes, _) = show_on(vkms, true, &[(Memory::Shm, (40, 30))], None);
    assert_eq!(on_planes, 1, "the popup is composited onto an overlay");
}

#[test]
#[ignore = "lab"]
fn translucent_pixels_on_a_plane() {
    let (on_planes, _) = show("glass", &[(Memory::Translucent, (-40, 30)), (Memory::Translucent, (20, 60))], None);
    assert_eq!(on_planes, 3);
}

#[test]
#[ignore = "lab"]
fn a_scaled_window_is_composited_where_the_display_cannot_scale() {
    let (on_planes, trace) = show("scaled", &[(Memory::Opaque, (310, 30))], Some((350, 260)));
    // The subsurface lies on the scaled window, which vkms refuses.
    assert_eq!(on_planes, 1);
    assert_eq!(Summary::of(&trace).kms_errors, 0, "it was the test that was refused, not the commit");
}
