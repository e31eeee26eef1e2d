//! Programs that know nothing of Syncline: each is started for a few seconds, must reach the
//! screen, and must not be told of an error.

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use syncline_tests::compositor::Compositor;
use syncline_tests::lab;
use syncline_tests::time::poll_until;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;

const RUN: Duration = Duration::from_secs(4);

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}

/// Runs the program for a while; at least `commits` of its commits must be latched. Returns the
/// trace and its commits by surface and serial; `None` if it is not installed.
fn reaches_the_screen(program: &str, args: &[&str], commits: usize) -> Option<(Trace, HashSet<(u64, u64)>)> {
    if !installed(program) {
        return None;
    }
    let folder = user::folder().unwrap();
    let trace = folder.path().join("trace.json");
    let mut compositor = Compositor::start(&["--trace", &trace.to_string_lossy()]).unwrap();
    let log = folder.path().join("client.log");
    let file = std::fs::File::create(&log).unwrap();
    let mut command = compositor.command(program);
    command.args(args).stdout(file.try_clone().unwrap()).stderr(file).env("HOME", folder.path());
    let mut child = command.spawn().unwrap();
    let pid = i64::from(child.id());
    let mut early = None;
    poll_until(RUN, || {
        early = child.try_wait().ok().flatten();
        early.is_some()
    });
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    if early.is_none() {
        Command::new("kill").arg(pid.to_string()).status().unwrap();
        if !poll_until(Duration::from_secs(3), || !matches!(child.try_wait(), Ok(None))) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.terminate().unwrap();
    // Some end by themselves after a few seconds, content with what they saw.
    let content = early.is_none_or(|status| status.success());
    assert!(content, "{program} ended by itself with {early:?}: {}\n{}", said(), compositor.log());
    let trace = Trace::read(&trace).unwrap();
    let own: HashSet<(u64, u64)> = trace
        .events
        .iter()
        .filter_map(|e| match &e.what {
            What::Commit(c) if c.client_pid == Some(pid) => Some((c.surface, c.commit)),
            _ => None,
        })
        .collect();
    let shown = trace
        .events
        .iter()
        .filter_map(|e| match &e.what {
            What::Latch(l) => Some(l),
            _ => None,
        })
        .flat_map(|l| &l.surfaces)
        .map(|c| (c.surface, c.commit))
        .filter(|c| own.contains(c))
        .collect::<HashSet<_>>()
        .len();
    assert!(shown >= commits, "{program}: {shown} frames shown of {} commits\n{}", own.len(), said());
    let log = said().to_lowercase();
    for word in ["protocol error", "error in protocol", "invalid object", "broken pipe"] {
        assert!(!log.contains(word), "{program}: {log}");
    }
    Some((trace, own))
}

#[test]
#[ignore = "lab"]
fn foot() {
    reaches_the_screen("foot", &["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.3; done; sleep 9"], 3);
}

#[test]
#[ignore = "lab"]
fn weston_simple_shm() {
    reaches_the_screen("weston-simple-shm", &[], 60);
}

#[test]
#[ignore = "lab"]
fn weston_simple_egl() {
    reaches_the_screen("weston-simple-egl", &[], 30);
}

#[test]
#[ignore = "lab"]
fn weston_simple_egl_fullscreen() {
    reaches_the_screen("weston-simple-egl", &["-f"], 10);
}

#[test]
#[ignore = "lab"]
fn weston_simple_dmabuf_feedback() {
    reaches_the_screen("weston-simple-dmabuf-feedback", &[], 10);
}

/// It uses zwp_linux_explicit_synchronization_v1 where its EGL has native fences (Mesa 25 in
/// software has), and needs a card: gbm without a GPU allocates dumb buffers, which render nodes
/// refuse.
#[test]
#[ignore = "lab"]
fn weston_simple_dmabuf_egl_sends_fences_and_gets_them() {
    let card = lab::find_card(None).unwrap();
    let args = ["-e", "1", "-d", &card.to_string_lossy()];
    let Some((trace, own)) = reaches_the_screen("weston-simple-dmabuf-egl", &args, 60) else { return };
    let by_fence = |surface, commit, kind: &str| own.contains(&(surface, commit)) && kind == "fence";
    let (mut acquires, mut releases, mut with_fence) = (0, 0, 0);
    for event in &trace.events {
        match &event.what {
            What::Commit(c) => acquires += usize::from(by_fence(c.surface, c.commit, &c.acquire)),
            What::Release(r) if by_fence(r.surface, r.commit, &r.kind) => {
                releases += 1;
                with_fence += usize::from(r.when == "commit" && r.users > 0);
            }
            _ => {}
        }
    }
    let why =
        "every commit has its fence, where Mesa has EGL_ANDROID_native_fence_sync (`cargo xtask setup` sees to it)";
    assert_eq!(acquires, own.len(), "{why}");
    assert_eq!(releases, own.len(), "every buffer is released by a message");
    assert!(with_fence * 10 >= releases * 9, "{with_fence} of {releases} with the out-fence of a commit");
}

#[test]
#[ignore = "lab"]
fn wayland_info_lists_the_protocols() {
    if !installed("wayland-info") {
        return;
    }
    let compositor = Compositor::start(&[]).unwrap();
    let out = compositor.command("wayland-info").stderr(Stdio::inherit()).output().unwrap();
    assert!(out.status.success());
    let text = String::from_utf8_lossy(&out.stdout);
    for global in [
        "wl_compositor",
        "wl_subcompositor",
        "wl_shm",
        "wl_seat",
        "wl_output",
        "wl_data_device_manager",
        "xdg_wm_base",
        "wp_viewporter",
        "wp_presentation",
        "zwp_linux_dmabuf_v1",
        "wp_linux_drm_syncobj_manager_v1",
        "wp_fifo_manager_v1",
        "wp_commit_timing_manager_v1",
        "wp_tearing_control_manager_v1",
        "wp_content_type_manager_v1",
        "zwp_linux_explicit_synchronization_v1",
    ] {
        assert!(text.contains(global), "{global} is missing:\n{text}");
    }
    compositor.stop().unwrap();
}
