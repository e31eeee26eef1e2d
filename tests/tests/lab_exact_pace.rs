//! Who is in time, exactly: in virtual time a frame is late only if the logic makes it so.

use std::process::{Child, Stdio};

use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::MS;

fn start(compositor: &Compositor, args: &[&str]) -> Child {
    compositor.demo_client(args).unwrap().stdout(Stdio::piped()).spawn().unwrap()
}

fn report(child: Child) -> ClientReport {
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// A fullscreen client whose fences signal `lead` ms before the vblank, and come from a driver that
/// the display waits for; and the longest time from a commit to the beginning of its vblank, in
/// milliseconds.
fn late_fences(lead: &str) -> (ClientReport, f64) {
    let compositor = Compositor::start(&["--fence-policy", "trusted", "--trust", "sw_sync"]).unwrap();
    let report = report(start(&compositor, &["--frames", "200", "--warmup", "60", "--lead-ms", lead]));
    let to_vblank = report.latency_ms.max - compositor.stamp_after_begin() as f64 / MS as f64;
    compositor.stop().unwrap();
    (report, to_vblank)
}

#[test]
#[ignore = "lab"]
fn a_fence_half_a_millisecond_before_the_vblank_makes_it() {
    let (report, to_vblank) = late_fences("0.5");
    assert_eq!((report.presented, report.missed_vblanks, report.discarded), (200, 0, 0));
    // Each was on the screen at the vblank it was meant for: its commit was 5 ms before its signal.
    assert!((5.4..5.6).contains(&to_vblank), "{:?}", report.latency_ms);
}

#[test]
#[ignore = "lab"]
fn release_points_exist_a_millisecond_before_the_flip() {
    let (report, _) = late_fences("4");
    assert!(report.materialised_ahead_ms.p1 >= 1.0, "{:?}", report.materialised_ahead_ms);
    assert_eq!(report.releases_signalled, report.releases_expected);
    assert!(report.release_lag_ms.max < 0.1, "they signal with the flip: {:?}", report.release_lag_ms);
}
