//! The pointer: where clients see it, and what a click does.

use syncline_tests::client::seat::Heard;
use syncline_tests::uinput::{Mouse, code};
use syncline_tests::user;
use wayland_client::Proxy;

use crate::desk::{Desk, GREEN, HEIGHT, RED, WIDTH};

fn button(code: u16, pressed: bool) -> Heard {
    Heard::Button { button: code.into(), pressed }
}

#[test]
#[ignore = "lab"]
fn coordinates_are_the_surfaces_own() {
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    assert_eq!((left, top), ((WIDTH - 300) / 2, (HEIGHT - 200) / 2), "a new window is in the middle");
    desk.pointer.to(1, 1).unwrap();
    person.idle();
    person.wait("the pointer to be elsewhere", |i| i.pointer_focus.is_none());
    person.heard();

    desk.pointer.to(left, top).unwrap();
    desk.pointer.to(left + 17, top + 33).unwrap();
    desk.pointer.button(code::BTN_RIGHT, true).unwrap();
    desk.pointer.button(code::BTN_RIGHT, false).unwrap();
    desk.pointer.wheel(-2).unwrap();
    desk.pointer.to(left + 299, top + 199).unwrap();
    desk.pointer.to(left + 300, top + 199).unwrap();
    let surface = person.window.surface.id();
    person.wait_heard(&Heard::PointerLeave { surface: surface.clone() });
    let expected = [
        Heard::PointerEnter { surface: surface.clone(), x: 0.0, y: 0.0 },
        Heard::Motion { x: 17.0, y: 33.0 },
        button(code::BTN_RIGHT, true),
        button(code::BTN_RIGHT, false),
        Heard::AxisValue120 { vertical: true, value: 240 },
        Heard::Axis { vertical: true, value: 30.0 },
        Heard::Motion { x: 299.0, y: 199.0 },
        Heard::PointerLeave { surface },
    ];
    assert_eq!(person.heard(), expected);
    desk.compositor.stop().unwrap();
}

/// A rule of the configuration turns the wheel of one device, and a later one turns it back at once.
#[test]
#[ignore = "lab"]
fn the_wheel_turns_as_the_configuration_says() {
    let folder = user::folder().unwrap();
    let config = folder.path().join("config.toml");
    let rule = |natural: bool| format!("[[input]]\nname = '^Syncline test pointer$'\nnatural-scroll = {natural}\n");
    std::fs::write(&config, rule(true)).unwrap();
    let desk = Desk::new(&["--config", &config.to_string_lossy()]);
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    desk.pointer.to(left + 10, top + 10).unwrap();
    person.wait("the pointer", |i| i.pointer_focus.is_some());
    for (natural, value) in [(true, -15.0), (false, 15.0)] {
        std::fs::write(&config, rule(natural)).unwrap();
        assert!(desk.compositor.msg(&["reload"]).unwrap().status.success());
        person.heard();
        desk.pointer.wheel(-1).unwrap();
        person.wait_heard(&Heard::Axis { vertical: true, value });
    }
    desk.compositor.stop().unwrap();
}

/// While a button is held the pointer belongs to the window in which it was pressed, wherever it
/// goes.
#[test]
#[ignore = "lab"]
fn a_drag_stays_with_its_window() {
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    person.press_at(&desk, left + 5, top + 5);
    desk.pointer.to(left - 40, top - 30).unwrap();
    person.wait_heard(&Heard::Motion { x: -40.0, y: -30.0 });
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    person.wait_heard(&button(code::BTN_LEFT, false));
    person.wait("the pointer to leave", |i| i.pointer_focus.is_none());
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_click_focuses_and_raises() {
    let desk = Desk::new(&[]);
    let mut below = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    let mut above = desk.person(GREEN, (300, 200));
    above.wait("the focus", |i| i.keyboard_focus.is_some());
    below.wait("to lose the focus", |i| i.keyboard_focus.is_none());
    // A pixel of both windows, and one of the lower window alone.
    let (x, y) = (left + 150, top + 100);
    desk.expect_pixel(x, y, GREEN);
    above.heard();
    below.heard();

    desk.pointer.click(left + 2, top + 2).unwrap();
    below.wait_heard(&button(code::BTN_LEFT, false));
    desk.expect_pixel(x, y, RED);
    let heard = below.heard();
    let enter = Heard::KeyboardEnter { surface: below.window.surface.id(), keys: Vec::new() };
    let entered = heard.iter().position(|h| *h == enter);
    let pressed = heard.iter().position(|h| *h == button(code::BTN_LEFT, true));
    assert!(entered.is_some() && pressed.is_some(), "{heard:?}");
    above.wait_heard(&Heard::KeyboardLeave { surface: above.window.surface.id() });
    let active = 4;
    below.wait_wanted("activated", |w| w.states.contains(&active));
    above.wait_wanted("deactivated", |w| !w.states.contains(&active));
    // A click on the desktop changes nothing.
    desk.pointer.click(3, 3).unwrap();
    below.idle();
    assert!(below.client.state.input.keyboard_focus.is_some());
    desk.expect_pixel(x, y, RED);
    desk.compositor.stop().unwrap();
}

/// The pointer finds what appears, and loses what disappears, under it without being moved.
#[test]
#[ignore = "lab"]
fn windows_come_and_go_under_the_pointer() {
    let desk = Desk::new(&[]);
    desk.pointer.to(WIDTH / 2, HEIGHT / 2).unwrap();
    let mut below = desk.person(RED, (300, 200));
    below.wait("the pointer", |i| i.pointer_focus.is_some());
    let mut above = desk.person(GREEN, (300, 200));
    above.wait("the pointer", |i| i.pointer_focus.is_some());
    below.wait("the pointer to leave", |i| i.pointer_focus.is_none());
    drop(above);
    below.wait("the pointer to come back", |i| i.pointer_focus.is_some());
    below.wait("the focus to come back", |i| i.keyboard_focus.is_some());
    desk.compositor.stop().unwrap();
}

/// A mouse knows only how far it was moved; the desktop ends where it ends.
#[test]
#[ignore = "lab"]
fn a_mouse_moves_the_pointer_and_stops_at_the_edge() {
    let mouse = Mouse::plug().unwrap();
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (WIDTH, HEIGHT));
    person.wait("the focus", |i| i.keyboard_focus.is_some());
    let last = |person: &crate::desk::Person| {
        person.client.state.input.heard.iter().rev().find_map(|h| match h {
            Heard::Motion { x, y } | Heard::PointerEnter { x, y, .. } => Some((*x, *y)),
            _ => None,
        })
    };
    let push = |person: &mut crate::desk::Person, dx, dy| {
        for _ in 0..40 {
            mouse.by(dx, dy).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        person.idle();
        last(person).unwrap()
    };
    assert_eq!(push(&mut person, -100, -100), (0.0, 0.0));
    let (x, y) = push(&mut person, 100, 100);
    assert!(x > f64::from(WIDTH) - 1.5 && y > f64::from(HEIGHT) - 1.5, "{x} {y}");
    assert!(x < f64::from(WIDTH) && y < f64::from(HEIGHT), "{x} {y} is beyond the last pixel");
    desk.compositor.stop().unwrap();
}
