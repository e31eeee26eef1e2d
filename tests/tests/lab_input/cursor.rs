//! The cursor on its plane, judged by the display's own CRC.

use std::time::Duration;

use syncline_tests::time::poll_until;
use syncline_tests::user;

use crate::desk::{Desk, GREEN, HEIGHT, RED, WIDTH};

/// CRCs of the session so far: equal, different.
fn crcs(desk: &Desk) -> (u64, u64) {
    let status = desk.compositor.status().unwrap();
    let count = |name: &str| status["counters"][name].as_u64().unwrap();
    (count("crc_equal"), count("crc_different"))
}

/// Waits for so many more CRCs that equal their prediction; none may differ.
fn more_equal(desk: &Desk, before: u64, more: u64) {
    let grew = poll_until(Duration::from_secs(10), || crcs(desk).0 >= before + more);
    let now = crcs(desk);
    assert!(grew, "{now:?} after {before}, {more} more wanted\n{}", desk.compositor.log());
    assert_eq!(now.1, 0, "CRCs differ: {}", desk.compositor.log());
}

/// Moves the pointer along a line, one frame a step.
fn sweep(desk: &Desk, from: (i32, i32), to: (i32, i32), steps: i32) {
    for i in 0..=steps {
        let at = |from: i32, to: i32| from + (to - from) * i / steps;
        desk.pointer.to(at(from.0, to.0), at(from.1, to.1)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "lab"]
fn every_frame_of_a_moving_pointer_is_as_predicted() {
    let desk = Desk::new(&["--crc"]);
    let _person = desk.person(RED, (300, 200));
    let before = crcs(&desk).0;
    // Over the background, the window, and the four edges, where the cursor is cut off.
    for _ in 0..3 {
        sweep(&desk, (0, 0), (WIDTH - 1, HEIGHT - 1), 40);
        sweep(&desk, (WIDTH - 1, 5), (0, HEIGHT - 1), 40);
    }
    more_equal(&desk, before, 60);
    desk.compositor.stop().unwrap();
}

/// The cursor in front of a fullscreen window, which is on the primary plane by itself.
#[test]
#[ignore = "lab"]
fn the_pointer_moves_over_a_fullscreen_window() {
    let desk = Desk::new(&["--crc"]);
    let mut person = desk.person(RED, (300, 200));
    person.window.toplevel.set_fullscreen(None);
    person.wait_wanted("the output's size", |w| w.size == (WIDTH, HEIGHT));
    person.paint((WIDTH, HEIGHT));
    let before = crcs(&desk).0;
    // A busy machine shows fewer frames than steps.
    for _ in 0..3 {
        sweep(&desk, (0, HEIGHT - 1), (WIDTH - 1, 0), 40);
    }
    more_equal(&desk, before, 25);
    desk.compositor.stop().unwrap();
}

/// The trace's CRCs, in order.
fn read_crcs(trace: &std::path::Path) -> Vec<String> {
    use syncline_tests::trace::{Trace, What};
    let trace = Trace::read(trace).unwrap();
    let crcs = trace.events.iter().filter_map(|e| if let What::Crc(c) = &e.what { Some(c) } else { None });
    crcs.filter(|c| c.verdict == "equal").map(|c| format!("{:?}", c.read)).collect()
}

#[test]
#[ignore = "lab"]
fn a_clients_own_cursor_is_shown() {
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let desk = Desk::new(&["--crc", "--trace", &path.to_string_lossy()]);
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    desk.pointer.to(left + 50, top + 50).unwrap();
    person.wait("the pointer", |i| i.pointer_focus.is_some());
    person.idle();
    let before = crcs(&desk).0;

    // A green block, then a red one (which cannot be told from the window), then none: each makes a
    // frame.
    let qh = person.client.qh();
    let cursor = person.client.state.bound.compositor().unwrap().create_surface(&qh, ());
    let serial = person.client.state.input.enter_serial;
    person.seat.pointer.set_cursor(serial, Some(&cursor), 4, 4);
    for (colour, more) in [(GREEN, 1), (RED, 2)] {
        person.show(&cursor, colour, (16, 16));
        person.idle();
        more_equal(&desk, before, more);
    }
    person.seat.pointer.set_cursor(serial, None, 0, 0);
    person.idle();
    more_equal(&desk, before, 3);
    // Its owner gone, it is the theme's again.
    drop(person);
    more_equal(&desk, before, 4);
    desk.still_works();
    desk.compositor.stop().unwrap();

    let crcs = read_crcs(&path);
    let hidden = crcs.iter().enumerate().filter(|(i, crc)| crcs[..*i].contains(crc)).count();
    assert!(hidden > 0, "a red cursor on red and none at all must look the same: {crcs:?}");
    let distinct: std::collections::HashSet<&String> = crcs.iter().collect();
    assert!(distinct.len() >= 4, "arrow, green block, nothing and desktop must differ: {crcs:?}");
}
