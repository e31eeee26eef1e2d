//! Rendering with GLES, by Mesa on the CPU: what it draws is on the screen.
//!
//! In virtual time: rendering takes milliseconds there, and nothing here is about speed.

use std::process::Stdio;
use std::time::Duration;

use syncline_tests::client::PATIENCE;
use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::client::buffer::Buffer;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::lab;
use syncline_tests::trace::Trace;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::user;
use wayland_protocols::wp::alpha_modifier::v1::client::wp_alpha_modifier_v1::WpAlphaModifierV1;
use wayland_protocols::wp::single_pixel_buffer::v1::client::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1;

/// A window of late fences, rendered, with CRCs and a trace: what the client says, and what the
/// trace does.
fn rendered(planes: &str) -> (ClientReport, Summary) {
    let args = ["--renderer", "gles", "--planes", planes, "--crc", "--fence-policy", "trusted", "--trust", "sw_sync"];
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json").to_string_lossy().into_owned();
    let mut all = args.to_vec();
    all.extend(["--trace", &path]);
    let compositor = Compositor::start(&all).unwrap();
    assert_eq!(compositor.status().unwrap()["renderer"], "gles", "{}", compositor.log());
    let client = ["--windowed", "320x240", "--frames", "120", "--warmup", "30", "--lead-ms", "1"];
    let out = compositor.demo_client(&client).unwrap().stdout(Stdio::piped()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    compositor.stop().unwrap();
    let summary = Summary::of(&Trace::read(path.as_ref()).unwrap());
    (serde_json::from_slice(&out.stdout).unwrap(), summary)
}

#[test]
#[ignore = "lab"]
fn windows_are_rendered() {
    let (client, trace) = rendered("none");
    assert_eq!((client.presented, client.unanswered), (120, 0));
    assert_eq!((client.releases_signalled, client.releases_failed), (client.releases_expected, 0));
    // GL on the CPU copies the clients' buffers: their fences are waited for.
    assert_eq!((trace.acquires.gpu, trace.acquires.kms), (0, 0), "{:?}", trace.acquires);
    assert_eq!((trace.releases.missing, trace.releases.double), (0, 0));
    // The picture is the GPU's: what is proven is that the display shows the buffer as it was
    // drawn.
    assert!(trace.crcs.equal > 50, "{:?}", trace.crcs);
    assert_eq!(trace.crcs.different, 0, "{:?}", trace.crcs);
}

#[test]
#[ignore = "lab"]
fn a_window_on_a_plane_above_what_the_gpu_drew() {
    let (client, trace) = rendered("all");
    assert_eq!((client.presented, client.unanswered), (120, 0));
    assert!(trace.acquires.kms > 0, "no fence was handed to the display: {:?}", trace.acquires);
    assert!(trace.crcs.equal > 50 && trace.crcs.different == 0, "{:?}", trace.crcs);
}

/// The context is lost after the 20th pass (`compositor/src/render/fault.rs`): on a machine without a
/// GPU to reset nothing more can be shown than that everything is made again.
#[test]
#[ignore = "lab"]
fn a_gpu_reset_costs_the_renderer_and_no_picture() {
    let card = lab::find_card(None).unwrap();
    let args = ["--renderer", "gles", "--planes", "none", "--crc"];
    let compositor = Compositor::start_with(&card, &args, &[("SYNCLINE_FAULT_RESET", "20".as_ref())]).unwrap();
    // This one draws once, and never again.
    let mut still = Actor::new(&compositor, "still", Some((300, 200))).unwrap();
    still.show(7).unwrap();
    let mut busy = Actor::new(&compositor, "busy", Some((100, 80))).unwrap();
    busy.show(0).unwrap();
    let before = compositor.screenshot().unwrap();
    for frame in 1..=40 {
        busy.commit(frame, Gate::Open).unwrap();
        busy.client.idle(Duration::from_millis(20)).unwrap();
    }
    busy.show(0).unwrap();
    assert!(compositor.screenshot().unwrap() == before, "the same picture");
    let log = compositor.log();
    assert_eq!(log.matches("the GPU was reset; rendering with gles").count(), 1, "{log}");
    let status = compositor.status().unwrap();
    assert_eq!((&status["renderer"], &status["counters"]["crc_different"]), (&"gles".into(), &0.into()), "{status}");
    compositor.stop().unwrap();
}

/// How many pixels of a screenshot are nearly of this colour: each renderer rounds in its way.
fn count(compositor: &Compositor, colour: [u8; 3]) -> usize {
    let picture = compositor.screenshot().unwrap();
    let all = (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (x, y)));
    let near = |found: [u8; 3]| found.iter().zip(colour).all(|(found, wanted)| found.abs_diff(wanted) <= 1);
    all.filter(|&(x, y)| near(picture.at(x, y))).count()
}

/// A window of one pixel, scaled, and then faded by half; by both renderers.
#[test]
#[ignore = "lab"]
fn a_pixel_fills_its_window_and_fades() {
    for renderer in ["pixman", "gles"] {
        let args = ["--renderer", renderer, "--planes", "none", "--crc"];
        let compositor = Compositor::start(&args).unwrap();
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "pixel", fullscreen: false }).unwrap();
        let (qh, token) = (client.qh(), client.state.token());
        let pixels: WpSinglePixelBufferManagerV1 = client.bind(1).unwrap();
        let [red, green, blue] = [200, 10, 30].map(|byte: u32| byte * 0x0101_0101);
        let wl = pixels.create_u32_rgba_buffer(red, green, blue, u32::MAX, &qh, token);
        let buffer = Buffer { wl, token };
        let viewport = client.state.bound.viewporter().unwrap().get_viewport(&window.surface, &qh, ());
        viewport.set_destination(320, 240);
        let modifiers: WpAlphaModifierV1 = client.bind(1).unwrap();
        let fade = modifiers.get_surface(&window.surface, &qh, ());
        let mut show = |factor: u32| {
            fade.set_multiplier(factor);
            let commit = Commit { buffer: Some(&buffer), feedback: true, ..Commit::default() };
            let token = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
            client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
            assert!(client.state.released.contains_key(&buffer.token), "released at its commit");
        };
        show(u32::MAX);
        assert_eq!(count(&compositor, [200, 10, 30]), 320 * 240, "{renderer}");
        show(0x8080_8080);
        // Half of it, and half of the default background.
        assert_eq!(count(&compositor, [121, 29, 44]), 320 * 240, "{renderer}");
        show(0);
        assert_eq!(count(&compositor, [121, 29, 44]) + count(&compositor, [200, 10, 30]), 0, "{renderer}");
        let status = compositor.status().unwrap();
        assert_eq!(
            (&status["renderer"], &status["counters"]["crc_different"]),
            (&renderer.into(), &0.into()),
            "{status}"
        );
        compositor.stop().unwrap();
    }
}
