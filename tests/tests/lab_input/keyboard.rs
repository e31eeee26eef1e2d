//! Keys: to whom they go, and with what.

use syncline_tests::client::seat::Heard;
use syncline_tests::uinput::{Keyboard, code};
use wayland_client::Proxy;

use crate::desk::{Desk, GREEN, RED};

const SHIFT: u32 = 1;

fn key(code: u16, pressed: bool) -> Heard {
    Heard::Key { key: code.into(), pressed }
}

#[test]
#[ignore = "lab"]
fn keys_go_to_the_focused_client_alone() {
    let desk = Desk::new(&[]);
    let mut other = desk.person(RED, (300, 200));
    let mut focused = desk.person(GREEN, (300, 200));
    focused.wait("the focus", |i| i.keyboard_focus.is_some());
    assert_eq!(focused.client.state.input.keyboard_focus, Some(focused.window.surface.id()));
    let keymap = focused.client.state.input.keymap.clone().unwrap();
    assert!(keymap.starts_with("xkb_keymap") && keymap.contains("xkb_symbols"), "{keymap:.80}");
    assert_eq!(focused.client.state.input.repeat, Some((30, 400)));

    other.wait("to lose the focus", |i| i.keyboard_focus.is_none());
    other.heard();
    focused.heard();
    desk.keyboard.chord(&[code::KEY_A]).unwrap();
    desk.keyboard.chord(&[code::KEY_LEFTSHIFT, code::KEY_Q]).unwrap();
    focused.wait_heard(&key(code::KEY_LEFTSHIFT, false));
    focused.wait("the modifiers to be let go", |i| i.heard.last() == Some(&Heard::Modifiers { depressed: 0 }));
    let expected = [
        key(code::KEY_A, true),
        key(code::KEY_A, false),
        key(code::KEY_LEFTSHIFT, true),
        Heard::Modifiers { depressed: SHIFT },
        key(code::KEY_Q, true),
        key(code::KEY_Q, false),
        key(code::KEY_LEFTSHIFT, false),
        Heard::Modifiers { depressed: 0 },
    ];
    assert_eq!(focused.heard(), expected);
    assert_eq!(other.heard(), [], "keys of another client were heard");
    desk.compositor.stop().unwrap();
}

/// A key that is held while the focus moves is in the enter event, and its release arrives.
#[test]
#[ignore = "lab"]
fn held_keys_go_along_with_the_focus() {
    let desk = Desk::new(&[]);
    let mut first = desk.person(RED, (300, 200));
    first.wait("the focus", |i| i.keyboard_focus.is_some());
    desk.keyboard.key(code::KEY_LEFTSHIFT, true).unwrap();
    first.wait_heard(&key(code::KEY_LEFTSHIFT, true));
    let mut second = desk.person(GREEN, (300, 200));
    second.wait("the focus", |i| i.keyboard_focus.is_some());
    let heard = second.heard();
    let held = vec![u32::from(code::KEY_LEFTSHIFT)];
    assert!(heard.contains(&Heard::KeyboardEnter { surface: second.window.surface.id(), keys: held }), "{heard:?}");
    assert!(heard.contains(&Heard::Modifiers { depressed: SHIFT }), "{heard:?}");
    desk.keyboard.key(code::KEY_LEFTSHIFT, false).unwrap();
    second.wait_heard(&key(code::KEY_LEFTSHIFT, false));
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_keyboard_that_is_plugged_in_later_works() {
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    person.wait("the focus", |i| i.keyboard_focus.is_some());
    let late = Keyboard::plug().unwrap();
    // The compositor hears of it from udev, some time after us.
    for _ in 0..100 {
        late.chord(&[code::KEY_A]).unwrap();
        person.idle();
        if person.client.state.input.heard.contains(&key(code::KEY_A, false)) {
            break;
        }
    }
    assert!(person.heard().contains(&key(code::KEY_A, false)));
    // It is pulled out with a key held down.
    late.key(code::KEY_Q, true).unwrap();
    person.wait_heard(&key(code::KEY_Q, true));
    drop(late);
    person.wait_heard(&key(code::KEY_Q, false));
    desk.still_works();
    desk.compositor.stop().unwrap();
}
