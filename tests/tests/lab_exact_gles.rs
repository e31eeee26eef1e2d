//! Rendering with GLES, by Mesa on the CPU: what it draws is on the screen.
//!
//! In virtual time: rendering takes milliseconds there, and nothing here is about speed.

use std::process::Stdio;

use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::trace::Trace;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::user;

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
