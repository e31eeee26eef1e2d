//! A client that is killed in any state leaves nothing behind: no descriptor, framebuffer, dma-buf
//! or fence.
//!
//! Everything is counted from outside, by the kernel: descriptors of the compositor by kind from
//! /proc, framebuffers, dma-bufs and sw_sync timelines from debugfs. A GEM handle that leaked keeps
//! its dma-buf alive, a syncobj that leaked keeps the pending fence in it, and with it the
//! timeline.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use syncline_tests::compositor::Compositor;
use syncline_tests::demo::hostile::Kind;
use syncline_tests::lab::Objects;
use syncline_tests::time::poll_until;

type Count = (BTreeMap<String, usize>, Objects);

fn count(compositor: &Compositor) -> Count {
    (compositor.process().fds().unwrap(), Objects::count(&compositor.card))
}

/// Lets a client go into the state and die there.
fn die(compositor: &Compositor, kind: Kind) {
    let mut command = compositor.demo_client(&["--hostile", &kind.name(), "--hold-ms", "100"]).unwrap();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(line.trim(), "ready", "{kind:?} did not reach its state");
    assert!(!status.success(), "{kind:?} did not die");
}

/// How many clients die in each state: three, or as many as LEAK_ROUNDS says.
fn rounds() -> u32 {
    std::env::var("LEAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

fn leaves_nothing(kind: Kind) {
    let mut compositor = Compositor::start(&[]).unwrap();
    // The first client may make the compositor open what it keeps for good.
    die(&compositor, kind);
    std::thread::sleep(Duration::from_millis(300));
    let before = count(&compositor);
    for _ in 0..rounds() {
        die(&compositor, kind);
    }
    let mut after = count(&compositor);
    poll_until(Duration::from_secs(3), || {
        after = count(&compositor);
        after == before
    });
    assert_eq!(after, before, "{kind:?}");
    // Nor may more be held than without any client, apart from descriptors that are opened once.
    assert_eq!(after.1.sw_timelines.unwrap_or(0), 0, "{kind:?}: a fence of a dead client is still held");
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}

macro_rules! deaths {
    ($($name:ident: $kind:ident,)*) => {
        $(
            #[test]
            #[ignore = "lab"]
            fn $name() {
                leaves_nothing(Kind::$kind);
            }
        )*

        /// A new state must be tested here, too.
        #[test]
        fn every_kind_is_tested() {
            let tested = [$(Kind::$kind),*];
            assert!(Kind::all().iter().all(|kind| tested.contains(kind)));
        }
    };
}

deaths! {
    connected: Connected,
    bare_surface: Surface,
    toplevel_without_a_buffer: Toplevel,
    unused_buffers_and_timelines: Unused,
    unfinished_dmabuf_params: Params,
    uncommitted_points: Uncommitted,
    frame_on_the_screen: OnScreen,
    pending_fence: Pending,
    unmaterialised_point: Unmaterialised,
    many_pending_commits: ManyPending,
    synchronised_subsurface: Subsurface,
    shm_frame_on_the_screen: Shm,
    destroyed_while_pending: Destroyed,
    uncommitted_messages: MessageUncommitted,
    pending_fences_of_messages: MessagePending,
}
