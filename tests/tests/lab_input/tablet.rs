//! A pen on a graphics tablet: who hears of it, and what it does to a client that knows no tablets.

use syncline_tests::client::seat::Heard;
use syncline_tests::uinput::{Pen, code};
use wayland_client::Proxy;

use crate::desk::{Desk, GREEN, HEIGHT, RED, WIDTH};

/// Thousandths of the tablet at which a pixel of the desktop is.
fn parts(x: i32, y: i32) -> (i32, i32) {
    (x * 1000 / WIDTH, y * 1000 / HEIGHT)
}

#[test]
#[ignore = "lab"]
fn a_client_hears_of_a_pen_and_one_that_knows_none_has_the_pointer() {
    let pen = Pen::plug().unwrap();
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    let _tablets = person.client.tablets(&person.seat).unwrap();
    assert_eq!(person.client.state.input.tablets, ["Syncline test tablet"]);
    let (left, top, ..) = desk.area(RED);
    let (x, y) = parts(left + 100, top + 100);
    // After it has gone once, libinput believes that this one says when it goes.
    pen.to(x, y, 0.0).unwrap();
    pen.away().unwrap();
    person.wait_heard(&Heard::ToolLeave);
    person.heard();

    pen.to(x, y, 0.0).unwrap();
    person.wait_heard(&Heard::ToolEnter { surface: person.window.surface.id() });
    pen.to(x + 20, y, 0.5).unwrap();
    person.wait_heard(&Heard::ToolTip { down: true });
    let heard = person.heard();
    let motion = heard.iter().rev().find_map(|heard| match heard {
        Heard::ToolMotion { x, y } => Some((*x, *y)),
        _ => None,
    });
    let (at_x, at_y) = motion.expect("it has moved");
    assert!((at_x - 120.0).abs() < 3.0 && (at_y - 100.0).abs() < 3.0, "{at_x}, {at_y}");
    let pressed = |heard: &Heard| matches!(heard, Heard::ToolPressure { pressure } if *pressure > 1000);
    assert!(heard.iter().any(pressed), "{heard:?}");
    pen.button(true).unwrap();
    person.wait_heard(&Heard::ToolButton { button: code::BTN_STYLUS.into(), pressed: true });
    pen.button(false).unwrap();
    pen.to(x + 20, y, 0.0).unwrap();
    person.wait_heard(&Heard::ToolTip { down: false });
    pen.away().unwrap();
    person.wait_heard(&Heard::ToolLeave);
    let heard = person.heard();
    assert!(!heard.iter().any(|heard| matches!(heard, Heard::Button { .. })), "{heard:?}");

    // Someone who knows no tablets.
    let mut other = desk.person(GREEN, (200, 100));
    let (left, top, ..) = desk.area(GREEN);
    let (x, y) = parts(left + 100, top + 50);
    pen.to(x, y, 0.0).unwrap();
    other.wait("the pointer", |input| input.pointer_focus.is_some());
    pen.to(x, y, 0.5).unwrap();
    other.wait_heard(&Heard::Button { button: code::BTN_LEFT.into(), pressed: true });
    // It is pulled out while it is pressed.
    drop(pen);
    other.wait_heard(&Heard::Button { button: code::BTN_LEFT.into(), pressed: false });
    person.wait("the tablet to go", |input| input.tablets.is_empty());
    desk.still_works();
    desk.compositor.stop().unwrap();
}
