//! How a client's dma-buf is composited where the renderer cannot import it: through another card's
//! GPU, else by the CPU. The client hears nothing of it, and the picture is the same.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::poll_until;
use syncline_tests::vkms::{Output, Vkms};

fn buffers(compositor: &Compositor) -> Vec<serde_json::Value> {
    let out = compositor.msg(&["buffers", "--json"]).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Shows frames of a window that is composited, and says how its buffers were, by which card, and
/// what the client got.
fn drawn(renderer: &str, second: Option<&Vkms>, fault: Option<&str>) -> (Vec<(String, Option<String>)>, ClientReport) {
    let vkms = Vkms::builder("ways").output(Output { cursor: false, ..Output::default() }).build().unwrap();
    let second: Vec<&str> = second.iter().flat_map(|card| ["--device", card.card().to_str().unwrap()]).collect();
    let args = [&["--renderer", renderer, "--planes", "none", "--mode", "1024x768", "--crc"], &second[..]].concat();
    let fault: Vec<_> = fault.iter().map(|how| ("SYNCLINE_FAULT_IMPORT", OsStr::new(*how))).collect();
    let compositor = Compositor::start_with(vkms.card(), &args, &fault).unwrap();
    let size = ["--frames", "60", "--warmup", "10", "--plain"];
    let child = compositor.demo_client(&size).unwrap().stdout(Stdio::piped()).spawn().unwrap();
    let shown = || buffers(&compositor).iter().any(|b| b["commits"].as_array().is_some_and(|c| !c.is_empty()));
    assert!(poll_until(Duration::from_secs(10), shown), "{}", compositor.log());
    let seen = |compositor: &Compositor| compositor.screenshot().unwrap().stamp(0, 0);
    assert!(poll_until(Duration::from_secs(10), || seen(&compositor).is_some()), "no picture: {}", compositor.log());
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let ways = buffers(&compositor).iter().map(|b| (text(&b["drawn_by"]).unwrap(), text(&b["copied_by"]))).collect();
    let table = compositor.msg(&["buffers"]).unwrap();
    assert!(String::from_utf8_lossy(&table.stdout).contains("1024x768  XR24"), "{table:?}");
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{}", compositor.log());
    let counters = compositor.status().unwrap()["counters"].clone();
    assert_eq!((counters["crc_different"].as_u64(), counters["failed_passes"].as_u64()), (Some(0), Some(0)));
    compositor.stop().unwrap();
    (ways, serde_json::from_slice(&out.stdout).unwrap())
}

fn all_are(ways: &[(String, Option<String>)], way: &str, card: Option<&str>) {
    assert!(!ways.is_empty());
    assert!(ways.iter().all(|(by, copied)| by == way && copied.as_deref() == card), "{ways:?}");
}

#[test]
#[ignore = "lab"]
fn the_renderer_reads_the_buffer_itself() {
    let (ways, client) = drawn("pixman", None, None);
    all_are(&ways, "import", None);
    assert_eq!((client.presented, client.releases_signalled), (60, client.releases_expected));
}

#[test]
#[ignore = "lab"]
fn the_cpu_copies_what_cannot_be_imported() {
    for renderer in ["pixman", "gles"] {
        let (ways, client) = drawn(renderer, None, Some("cpu"));
        all_are(&ways, "copy by the CPU", None);
        assert_eq!((client.presented, client.releases_signalled), (60, client.releases_expected));
    }
}

#[test]
#[ignore = "lab"]
fn the_gpu_of_another_card_copies_what_cannot_be_imported() {
    let other = Vkms::builder("other").output(Output { cursor: false, ..Output::default() }).build().unwrap();
    let node = other.card().to_str().unwrap().to_owned();
    for renderer in ["pixman", "gles"] {
        // The first card's own GPU may copy, too, where the CPU renders.
        let (ways, client) = drawn(renderer, Some(&other), Some("gpu"));
        if renderer == "gles" {
            all_are(&ways, "copy by another GPU", Some(&node));
        }
        assert!(ways.iter().all(|(by, _)| by == "copy by another GPU"), "{ways:?}");
        assert_eq!((client.presented, client.releases_signalled), (60, client.releases_expected));
    }
}
