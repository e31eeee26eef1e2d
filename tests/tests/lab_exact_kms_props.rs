//! What the compositor makes of optional KMS properties: windows that planes turn, displays set to
//! what the configuration says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use syncline_tests::client::buffer::Source;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};
use wayland_client::protocol::wl_output::Transform;

const TRANSFORMS: [Transform; 8] = [
    Transform::Normal,
    Transform::_90,
    Transform::_180,
    Transform::_270,
    Transform::Flipped,
    Transform::Flipped90,
    Transform::Flipped180,
    Transform::Flipped270,
];
/// Frames that each transform is shown.
const FRAMES: usize = 10;

/// Shows a picture without symmetry under each transform, one after the other; returns the trace
/// and for each of them whether the window was on a plane.
fn turn(card: &Path, trace: &Path, planes: &str) -> (Trace, Vec<u64>) {
    let compositor =
        Compositor::start_on(card, &["--crc", "--trace", &trace.to_string_lossy(), "--planes", planes]).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "turned", fullscreen: false }).unwrap();
    let (w, h) = (300, 200);
    let (buffer, mut pixels) = client.buffer(Source::Auto, w, h).unwrap();
    let draw = |bytes: &mut [u8]| {
        for (at, pixel) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let (x, y) = (at % w as usize, at / w as usize);
            *pixel = [x as u8, y as u8, (x * 3 + y * 7) as u8, 0xff];
        }
    };
    pixels.write(draw).unwrap();
    let mut on_planes = Vec::new();
    for transform in TRANSFORMS {
        window.surface.set_buffer_transform(transform);
        for _ in 0..FRAMES {
            let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
            let token = window.commit(&mut client, &commit).unwrap().frame.unwrap();
            client.wait_for("a frame callback", Duration::from_secs(5), |s| s.callbacks.contains_key(&token)).unwrap();
        }
        on_planes.push(compositor.status().unwrap()["outputs"][0]["on_planes"].as_u64().unwrap());
    }
    drop(client);
    compositor.stop().unwrap();
    (Trace::read(trace).unwrap(), on_planes)
}

/// The CRCs that were read often, in the order in which they came first, and whether each was
/// predicted.
fn pictures(trace: &Trace) -> Vec<(String, bool)> {
    let mut seen: Vec<(String, bool)> = Vec::new();
    let mut counts = BTreeMap::<String, usize>::new();
    for event in &trace.events {
        if let What::Crc(crc) = &event.what
            && let Some(read) = crc.read.as_ref().map(ToString::to_string)
        {
            *counts.entry(read.clone()).or_default() += 1;
            match seen.iter_mut().find(|(known, _)| *known == read) {
                Some((_, equal)) => *equal |= crc.verdict == "equal",
                None => seen.push((read, crc.verdict == "equal")),
            }
        }
    }
    seen.retain(|(read, _)| counts[read] >= FRAMES / 2);
    seen
}

#[test]
#[ignore = "lab"]
fn a_plane_turns_a_window_as_the_renderer_would() {
    let vkms = Vkms::builder("turned").output(Output { overlays: 1, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let (drawn, none) = turn(vkms.card(), &folder.path().join("drawn"), "none");
    let (shown, all) = turn(vkms.card(), &folder.path().join("shown"), "all");
    assert_eq!((none, all), (vec![0; 8], vec![1; 8]));
    let (expected, found) = (pictures(&drawn), pictures(&shown));
    let reads = |of: &[(String, bool)]| of.iter().map(|(read, _)| read.clone()).collect::<Vec<_>>();
    assert_eq!(reads(&found), reads(&expected), "planes and renderer turn differently");
    // The control: no two of them look alike.
    assert_eq!(found.len(), TRANSFORMS.len(), "{found:?}");
    // Turned planes are predicted, and are as predicted.
    assert!(found.iter().chain(&expected).all(|(_, equal)| *equal), "{found:?} {expected:?}");
    for trace in [&drawn, &shown] {
        let summary = Summary::of(trace);
        assert_eq!((summary.crcs.different, summary.kms_errors), (0, 0), "{:?}", summary.crcs);
        assert_eq!(summary.crcs.unpredicted, 0, "{:?}", summary.crcs);
    }
}

#[test]
#[ignore = "lab"]
fn a_display_is_set_as_configured() {
    let vkms = Vkms::builder("configured").outputs(2, Output::default()).build().unwrap();
    let folder = user::folder().unwrap();
    let file = folder.path().join("config.toml");
    let (first, second) = (vkms.connector(0), vkms.connector(1));
    let text = format!(
        "[[output]]\nname = \"{second}\"\nmode = \"800x600\"\nposition = [0, 100]\n\n\
         [[output]]\nname = \"{first}\"\nmax-bpc = 10\n"
    );
    std::fs::write(&file, text).unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--config", &file.to_string_lossy()]).unwrap();
    let status = compositor.status().unwrap();
    let output = |name: &str| {
        let outputs = status["outputs"].as_array().unwrap();
        outputs.iter().find(|output| output["name"] == name).unwrap().clone()
    };
    assert_eq!((&output(&second)["width"], &output(&second)["height"]), (&800.into(), &600.into()), "{status}");
    assert_eq!((&output(&second)["x"], &output(&second)["y"]), (&0.into(), &100.into()), "{status}");
    // The other one stands to the right of it, and goes without what vkms lacks.
    assert_eq!((&output(&first)["x"], &output(&first)["y"]), (&800.into(), &0.into()), "{status}");
    let log = compositor.log();
    let warning = format!("{first}: its connector settings in [[output]] are ignored: no property max bpc");
    assert!(log.contains(&warning), "{log}");
    compositor.stop().unwrap();
}
