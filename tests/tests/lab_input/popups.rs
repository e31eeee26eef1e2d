//! Menus: where they open, and how they close.

use syncline_tests::client::PATIENCE;
use syncline_tests::client::seat::Heard;
use syncline_tests::client::state::Window;
use syncline_tests::uinput::code;
use wayland_client::Proxy;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::xdg::shell::client::xdg_popup::XdgPopup;
use wayland_protocols::xdg::shell::client::xdg_positioner::{Anchor, ConstraintAdjustment, Gravity};
use wayland_protocols::xdg::shell::client::xdg_surface::XdgSurface;

use crate::desk::{BLUE, Desk, GREEN, HEIGHT, Person, RED, WIDTH};

/// A popup of a person's window.
struct Menu {
    surface: WlSurface,
    token: u64,
    _xdg: XdgSurface,
    popup: XdgPopup,
}

impl Menu {
    /// Opens one of `size` that hangs to the bottom right of a pixel of the window, and slides
    /// where it has no room.
    fn open(person: &mut Person, (x, y): (i32, i32), size: (i32, i32), grab: bool) -> Menu {
        let client = &mut person.client;
        let qh = client.qh();
        let token = client.state.token();
        let base = client.state.bound.wm_base().unwrap();
        let surface = client.state.bound.compositor().unwrap().create_surface(&qh, ());
        let positioner = base.create_positioner(&qh, ());
        positioner.set_size(size.0, size.1);
        positioner.set_anchor_rect(x, y, 1, 1);
        positioner.set_anchor(Anchor::TopLeft);
        positioner.set_gravity(Gravity::BottomRight);
        positioner.set_constraint_adjustment(ConstraintAdjustment::SlideX | ConstraintAdjustment::SlideY);
        let xdg = base.get_xdg_surface(&surface, &qh, token);
        let popup = xdg.get_popup(Some(&person.window.xdg), &positioner, &qh, token);
        if grab {
            popup.grab(&person.seat.seat, client.state.input.press_serial);
        }
        surface.commit();
        let serial = |w: &Window| w.serial;
        let configured = |s: &syncline_tests::client::State| s.windows.get(&token).and_then(serial).is_some();
        client.wait_for("the popup's configure", PATIENCE, configured).unwrap();
        xdg.ack_configure(client.state.windows[&token].serial.unwrap());
        person.show(&surface, GREEN, size);
        Menu { surface, token, _xdg: xdg, popup }
    }

    fn dismissed(&self, person: &mut Person) {
        let token = self.token;
        person.client.wait_for("popup_done", PATIENCE, |s| s.windows[&token].closed).unwrap();
    }

    fn close(self, person: &mut Person) {
        self.popup.destroy();
        self._xdg.destroy();
        self.surface.destroy();
        person.client.flush().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn a_menu_opens_where_its_positioner_says() {
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    let menu = Menu::open(&mut person, (250, 150), (120, 90), false);
    assert_eq!(person.client.state.windows[&menu.token].position, (250, 150));
    desk.expect(GREEN, (left + 250, top + 150, 120, 90));
    // It takes the pointer also beyond its window, in coordinates of its own.
    desk.pointer.to(left + 350, top + 230).unwrap();
    person.wait_heard(&Heard::PointerEnter { surface: menu.surface.id(), x: 100.0, y: 80.0 });
    menu.close(&mut person);
    desk.expect(RED, (left, top, 300, 200));
    assert_eq!(desk.find(GREEN), None);
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_menu_stays_on_the_screen() {
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    let size = (500, 400);
    let menu = Menu::open(&mut person, (250, 150), size, false);
    desk.expect(GREEN, (WIDTH - size.0, HEIGHT - size.1, size.0, size.1));
    let position = person.client.state.windows[&menu.token].position;
    assert_eq!(position, (WIDTH - size.0 - left, HEIGHT - size.1 - top));
    desk.compositor.stop().unwrap();
}

/// A menu that appears under the pointer has it at once.
#[test]
#[ignore = "lab"]
fn a_menu_opens_under_the_pointer() {
    let desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    desk.pointer.to(left + 20, top + 20).unwrap();
    person.wait("the pointer", |i| i.pointer_focus.is_some());
    let menu = Menu::open(&mut person, (15, 15), (120, 90), false);
    person.wait_heard(&Heard::PointerEnter { surface: menu.surface.id(), x: 5.0, y: 5.0 });
    desk.compositor.stop().unwrap();
}

/// A person with a menu that has a grab, another with a window below.
fn with_grab(desk: &Desk) -> (Person, Person, Menu) {
    let mut other = desk.person(BLUE, (700, 500));
    other.wait("the focus", |i| i.keyboard_focus.is_some());
    let mut person = desk.person(RED, (300, 200));
    let (left, top, ..) = desk.area(RED);
    person.press_at(desk, left + 20, top + 20);
    let menu = Menu::open(&mut person, (20, 20), (120, 90), true);
    desk.expect(GREEN, (left + 20, top + 20, 120, 90));
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    person.wait_heard(&Heard::Button { button: code::BTN_LEFT.into(), pressed: false });
    (other, person, menu)
}

#[test]
#[ignore = "lab"]
fn a_click_elsewhere_dismisses_a_menu_with_a_grab() {
    let desk = Desk::new(&[]);
    let (mut other, mut person, menu) = with_grab(&desk);
    // Keys go to the menu, a click into it dismisses nothing.
    let surface = menu.surface.id();
    person.wait("the menu to have the keyboard", |i| i.keyboard_focus.as_ref() == Some(&surface));
    let (x, y, ..) = desk.area(GREEN);
    desk.pointer.click(x + 50, y + 50).unwrap();
    person.wait_heard(&Heard::PointerEnter { surface: menu.surface.id(), x: 50.0, y: 50.0 });
    person.idle();
    assert!(!person.client.state.windows[&menu.token].closed, "dismissed by a click into it");

    let (left, top, ..) = desk.area(BLUE);
    desk.pointer.click(left + 3, top + 3).unwrap();
    menu.dismissed(&mut person);
    menu.close(&mut person);
    other.wait("the click to give it the focus", |i| i.keyboard_focus.is_some());
    person.wait("to lose the focus", |i| i.keyboard_focus.is_none());
    assert_eq!(desk.find(GREEN), None);
    desk.still_works();
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_click_on_the_desktop_dismisses_a_menu_with_a_grab() {
    let desk = Desk::new(&[]);
    let (_other, mut person, menu) = with_grab(&desk);
    desk.pointer.click(2, 2).unwrap();
    menu.dismissed(&mut person);
    menu.close(&mut person);
    let window = person.window.surface.id();
    desk.keyboard.chord(&[code::KEY_A]).unwrap();
    person.wait("the window to have the keyboard again", |i| i.keyboard_focus.as_ref() == Some(&window));
    person.wait_heard(&Heard::Key { key: code::KEY_A.into(), pressed: false });
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn super_q_closes_the_window_of_an_open_menu() {
    let desk = Desk::new(&[]);
    let (_other, mut person, _menu) = with_grab(&desk);
    desk.keyboard.chord(&[code::KEY_LEFTMETA, code::KEY_Q]).unwrap();
    person.wait_wanted("xdg_toplevel.close", |w| w.closed);
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_client_dies_while_its_menu_has_a_grab() {
    let desk = Desk::new(&[]);
    let (mut other, person, menu) = with_grab(&desk);
    drop((person, menu));
    other.wait("the focus", |i| i.keyboard_focus.is_some());
    assert_eq!((desk.find(RED), desk.find(GREEN)), (None, None));
    desk.keyboard.chord(&[code::KEY_A]).unwrap();
    other.wait_heard(&Heard::Key { key: code::KEY_A.into(), pressed: false });
    desk.still_works();
    desk.compositor.stop().unwrap();
}
