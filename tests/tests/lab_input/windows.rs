//! What a user does with windows: move, resize, maximise, fullscreen; and clients that die
//! meanwhile.

use syncline_tests::client::seat::Heard;
use syncline_tests::uinput::code;
use wayland_client::Proxy;
use wayland_protocols::xdg::shell::client::xdg_toplevel::ResizeEdge;

use crate::desk::{Area, Desk, GREEN, HEIGHT, Person, RED, WIDTH};

const MAXIMISED: u32 = 1;
const FULLSCREEN: u32 = 2;
const RESIZING: u32 = 3;

/// A window of 300 × 200 with the pointer at (`dx`, `dy`) of it and the button pressed.
fn pressed(desk: &Desk, dx: i32, dy: i32) -> (Person, Area) {
    let mut person = desk.person(RED, (300, 200));
    let area = desk.area(RED);
    person.press_at(desk, area.0 + dx, area.1 + dy);
    (person, area)
}

impl Person {
    fn start_move(&mut self) {
        self.window.toplevel._move(&self.seat.seat, self.client.state.input.press_serial);
        self.client.roundtrip().unwrap();
    }

    fn start_resize(&mut self, edge: ResizeEdge) {
        self.window.toplevel.resize(&self.seat.seat, self.client.state.input.press_serial, edge);
        self.client.roundtrip().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn a_window_is_moved_by_pointer() {
    let desk = Desk::new(&[]);
    let (mut person, (left, top, ..)) = pressed(&desk, 10, 10);
    person.start_move();
    desk.pointer.to(left + 10 - 120, top + 10 + 75).unwrap();
    desk.expect(RED, (left - 120, top + 75, 300, 200));
    assert!(
        person.client.state.input.pointer_focus.is_none() || {
            person.idle();
            person.client.state.input.pointer_focus.is_none()
        }
    );
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    // The pointer is the client's again, where it was in the window, and the button is nobody's.
    person.wait("the pointer to come back", |i| i.pointer_focus.is_some());
    let surface = person.window.surface.id();
    let heard = person.heard();
    assert!(heard.contains(&Heard::PointerEnter { surface, x: 10.0, y: 10.0 }), "{heard:?}");
    assert!(!heard.iter().any(|h| matches!(h, Heard::Button { pressed: false, .. })), "{heard:?}");
    desk.pointer.to(left, top).unwrap();
    person.idle();
    desk.expect(RED, (left - 120, top + 75, 300, 200));
    desk.compositor.stop().unwrap();
}

/// A request without a button of this client behind it moves nothing.
#[test]
#[ignore = "lab"]
fn a_move_without_a_press_is_ignored() {
    let desk = Desk::new(&[]);
    let (mut person, area) = pressed(&desk, 10, 10);
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    person.wait_heard(&Heard::Button { button: code::BTN_LEFT.into(), pressed: false });
    person.start_move();
    desk.pointer.to(area.0 + 60, area.1 + 60).unwrap();
    person.wait_heard(&Heard::Motion { x: 60.0, y: 60.0 });
    desk.expect(RED, area);
    desk.compositor.stop().unwrap();
}

/// Pulls an edge by (−40, −30) from the middle of the window; returns where it was and the person.
fn resize(desk: &Desk, edge: ResizeEdge, size: (i32, i32)) -> (Person, Area) {
    let (mut person, area) = pressed(desk, 150, 100);
    person.start_resize(edge);
    desk.pointer.to(area.0 + 110, area.1 + 70).unwrap();
    person.wait_wanted("a configure with the new size", |w| w.size == size && w.states.contains(&RESIZING));
    person.paint(size);
    (person, area)
}

fn let_go(desk: &Desk, person: &mut Person, size: (i32, i32)) {
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    person.wait_wanted("a configure without resizing", |w| !w.states.contains(&RESIZING) && w.size == size);
    person.paint(size);
}

#[test]
#[ignore = "lab"]
fn the_bottom_right_corner_is_pulled() {
    let desk = Desk::new(&[]);
    let (mut person, (left, top, ..)) = resize(&desk, ResizeEdge::BottomRight, (260, 170));
    desk.expect(RED, (left, top, 260, 170));
    let_go(&desk, &mut person, (260, 170));
    desk.expect(RED, (left, top, 260, 170));
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn the_top_left_corner_is_pulled() {
    let desk = Desk::new(&[]);
    let (mut person, (left, top, ..)) = resize(&desk, ResizeEdge::TopLeft, (340, 230));
    desk.expect(RED, (left - 40, top - 30, 340, 230));
    // A client that wants whole cells makes it a little smaller: the bottom right stays, all the
    // same.
    person.paint((330, 220));
    desk.expect(RED, (left - 30, top - 20, 330, 220));
    let_go(&desk, &mut person, (340, 230));
    desk.expect(RED, (left - 40, top - 30, 340, 230));
    desk.compositor.stop().unwrap();
}

/// A client that never takes the exact size (a terminal has whole cells) is done with its resize,
/// too.
#[test]
#[ignore = "lab"]
fn a_resize_ends_where_the_client_chose_another_size() {
    let desk = Desk::new(&[]);
    let (mut person, (left, top, ..)) = resize(&desk, ResizeEdge::TopLeft, (340, 230));
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    person.wait_wanted("a configure without resizing", |w| !w.states.contains(&RESIZING));
    person.paint((330, 220));
    desk.expect(RED, (left - 30, top - 20, 330, 220));
    // From here on it grows as every window does: to the bottom right.
    person.paint((350, 240));
    desk.expect(RED, (left - 30, top - 20, 350, 240));
    desk.compositor.stop().unwrap();
}

/// Asks for `state`, gets the output's size, covers it, and goes back.
fn cover(ask: impl Fn(&Person), state: u32, back: impl Fn(&Person)) {
    let desk = Desk::new(&[]);
    let (mut person, (left, top, ..)) = pressed(&desk, 10, 10);
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    person.wait_heard(&Heard::Button { button: code::BTN_LEFT.into(), pressed: false });
    ask(&person);
    person.wait_wanted("the output's size", |w| w.size == (WIDTH, HEIGHT) && w.states.contains(&state));
    person.paint((WIDTH, HEIGHT));
    desk.expect(RED, (0, 0, WIDTH, HEIGHT));
    person.heard();
    desk.pointer.to(5, 6).unwrap();
    person.wait_heard(&Heard::Motion { x: 5.0, y: 6.0 });
    back(&person);
    person.wait_wanted("the old size", |w| w.size == (300, 200) && !w.states.contains(&state));
    person.paint((300, 200));
    desk.expect(RED, (left, top, 300, 200));
    person.wait("the pointer to be elsewhere", |i| i.pointer_focus.is_none());
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn maximised_and_back() {
    cover(|p| p.window.toplevel.set_maximized(), MAXIMISED, |p| p.window.toplevel.unset_maximized());
}

#[test]
#[ignore = "lab"]
fn fullscreen_and_back() {
    cover(|p| p.window.toplevel.set_fullscreen(None), FULLSCREEN, |p| p.window.toplevel.unset_fullscreen());
}

/// Out of fullscreen a window is what it was before: maximised.
#[test]
#[ignore = "lab"]
fn fullscreen_and_back_to_maximised() {
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    let before = desk.area(RED);
    person.window.toplevel.set_maximized();
    person.wait_wanted("maximised", |w| w.states.contains(&MAXIMISED));
    person.paint((WIDTH, HEIGHT));
    person.window.toplevel.set_fullscreen(None);
    person.wait_wanted("fullscreen", |w| w.states.contains(&FULLSCREEN));
    person.paint((WIDTH, HEIGHT));
    person.window.toplevel.unset_fullscreen();
    person.wait_wanted("maximised again", |w| w.states.contains(&MAXIMISED) && !w.states.contains(&FULLSCREEN));
    assert_eq!(person.wanted().size, (WIDTH, HEIGHT));
    person.window.toplevel.unset_maximized();
    person.wait_wanted("the old size", |w| w.size == (300, 200));
    person.paint((300, 200));
    desk.expect(RED, before);
    desk.compositor.stop().unwrap();
}

/// While its corner is pulled a client asks for the whole screen: it gets that, and the pulling is
/// over.
#[test]
#[ignore = "lab"]
fn maximised_in_the_middle_of_a_resize() {
    let desk = Desk::new(&[]);
    let (mut person, _) = resize(&desk, ResizeEdge::TopLeft, (340, 230));
    person.window.toplevel.set_maximized();
    person.wait_wanted("maximised", |w| w.states.contains(&MAXIMISED) && !w.states.contains(&RESIZING));
    person.paint((WIDTH, HEIGHT));
    desk.pointer.to(20, 20).unwrap();
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    person.idle();
    assert_eq!(person.wanted().size, (WIDTH, HEIGHT));
    desk.expect(RED, (0, 0, WIDTH, HEIGHT));
    desk.compositor.stop().unwrap();
}

/// The client is gone in the middle of it, and the button is still held.
fn dies_during(start: impl Fn(&mut Person)) {
    let desk = Desk::new(&[]);
    let mut other = desk.person(GREEN, (100, 100));
    let (mut person, (left, top, ..)) = pressed(&desk, 10, 10);
    start(&mut person);
    desk.pointer.to(left + 40, top + 40).unwrap();
    person.idle();
    drop(person);
    other.wait("the focus", |i| i.keyboard_focus.is_some());
    desk.pointer.to(left + 90, top + 20).unwrap();
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    other.idle();
    assert_eq!(desk.find(RED), None, "the window of a dead client");
    desk.still_works();
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_client_dies_while_it_is_moved() {
    dies_during(Person::start_move);
}

#[test]
#[ignore = "lab"]
fn a_client_dies_while_it_is_resized() {
    dies_during(|person| person.start_resize(ResizeEdge::TopLeft));
}
