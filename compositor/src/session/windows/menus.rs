//! Menus: popups that take the keyboard and the pointer to themselves.
//!
//! A client may do that only in answer to the user: with the serial of an event that it was sent
//! for a button, a key, a finger or for entering a surface, and only while it has the keyboard, or on
//! a layer surface. Any other popup is dismissed at once. A menu closes when another window gets the keyboard, or a
//! menu.
//!
//! Smithay 0.7 has one chain of menus for all clients. It takes a chain to be open until each
//! client has destroyed what was dismissed, and posts errors on the wrong object. So it is asked
//! only what it answers rightly: whether a menu is open is for `is_over` to say, and a grab gets
//! to it only if the menu continues the chain or begins one.

use std::{cell::RefCell, collections::VecDeque};

use smithay::{
    desktop::{
        PopupGrab, PopupKeyboardGrab, PopupKind, PopupManager, PopupPointerGrab, PopupUngrabStrategy,
        find_popup_root_surface,
    },
    input::{Seat, pointer::Focus},
    reexports::wayland_server::{
        Resource,
        backend::ObjectId,
        protocol::{wl_seat::WlSeat, wl_surface::WlSurface},
    },
    utils::{IsAlive, SERIAL_COUNTER, Serial},
    wayland::{
        compositor::get_role,
        seat::WaylandFocus,
        shell::xdg::{PopupSurface, XDG_POPUP_ROLE},
    },
};

use crate::session::{Syncline, windows::popups};

/// So many events of the user are remembered.
const REMEMBERED: usize = 64;

/// The open menus and what the user did last. Kept with the seat.
#[derive(Default)]
struct Menus {
    open: RefCell<Option<PopupGrab<Syncline>>>,
    /// Serials of events, and a surface of the client that was sent them.
    events: RefCell<VecDeque<(Serial, ObjectId)>>,
}

impl Menus {
    fn of(seat: &Seat<Syncline>) -> &Self {
        seat.user_data().get_or_insert(Self::default)
    }

    fn was_sent(&self, serial: Serial, client: &ObjectId) -> bool {
        self.events.borrow().iter().any(|(sent, to)| *sent == serial && client.same_client_as(to))
    }
}

/// Whether no menu of the chain is open any more. `has_ended` also waits until the clients of all
/// dismissed menus have destroyed them, those of other chains, too.
fn is_over(grab: &PopupGrab<Syncline>) -> bool {
    grab.has_ended() || grab.current_grab() == grab.keyboard_grab_start_data().focus
}

impl Syncline {
    /// A client was sent an event of the user with this serial.
    pub fn note_user_event(&self, serial: Serial, focus: Option<WlSurface>) {
        let Some(focus) = focus else { return };
        let mut events = Menus::of(&self.seat).events.borrow_mut();
        if events.len() == REMEMBERED {
            events.pop_front();
        }
        events.push_back((serial, focus.id()));
    }

    /// Whether a client was sent the event with this serial, and nobody else one of the user since.
    /// `client`: an object of it.
    pub fn was_last_sent(&self, serial: Serial, client: &ObjectId) -> bool {
        let menus = Menus::of(&self.seat);
        let last = menus.events.borrow().back().is_some_and(|(_, to)| client.same_client_as(to));
        last && menus.was_sent(serial, client)
    }

    /// The newest menu that is open.
    pub fn top_menu(&self) -> Option<WlSurface> {
        let open = Menus::of(&self.seat).open.borrow();
        open.as_ref().filter(|grab| !is_over(grab)).and_then(PopupGrab::current_grab)
    }

    /// A client wants the keyboard and the pointer for a new popup.
    pub fn open_menu(&mut self, popup: PopupSurface, seat: &WlSeat, serial: Serial) {
        let (surface, parent) = (popup.wl_surface().clone(), popup.get_parent_surface());
        popups::note_grab(&surface);
        let kind = PopupKind::Xdg(popup);
        // Without a parent its next commit is an error.
        let (Some(parent), Ok(root)) = (parent, find_popup_root_surface(&kind)) else { return };
        let seat = Seat::<Self>::from_resource(seat).filter(|seat| {
            let focus = seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
            let has_keyboard = focus.is_some_and(|focus| focus.same_client_as(&surface.id()));
            // A panel has menus, too, and may never have the keyboard.
            let is_layer = self.desktop.layers.get(&root).is_some_and(|layer| layer.is_shown());
            (has_keyboard || is_layer) && !self.is_locked() && Menus::of(seat).was_sent(serial, &surface.id())
        });
        let continues = self.top_menu().as_ref() == Some(&parent);
        let of_dismissed = !continues && get_role(&parent) == Some(XDG_POPUP_ROLE);
        // It would take the user to another workspace.
        let hidden = self.desktop.windows.find(&root).is_some_and(|window| !window.shown);
        let of_dismissed = of_dismissed || hidden;
        let Some(seat) = seat.filter(|_| !of_dismissed) else {
            tracing::debug!("a popup of {} may not grab the seat with serial {serial:?}: dismissed", surface.id());
            // Fails if the window is gone, and the popup with it.
            PopupManager::dismiss_popup(&root, &kind).ok();
            return;
        };
        let focus = seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        let shares = self.shares_keyboard(&root);
        if !continues && focus.as_ref() != Some(&root) && shares {
            // Another window of the client has the keyboard, and may have a menu.
            self.focus(Some(root.clone()));
        }
        let mut grab = match self.desktop.popups.grab_popup(root, kind, &seat, serial) {
            Ok(grab) => grab,
            Err(error) => return tracing::debug!("a popup of {} gets no grab: {error}", surface.id()),
        };
        let previous = grab.previous_serial().unwrap_or(serial);
        let (keyboard, pointer) = (seat.get_keyboard(), seat.get_pointer());
        let others = keyboard.as_ref().is_some_and(|k| k.is_grabbed() && !k.has_grab(serial) && !k.has_grab(previous))
            || pointer.as_ref().is_some_and(|p| p.is_grabbed() && !p.has_grab(serial) && !p.has_grab(previous));
        if others {
            grab.ungrab(PopupUngrabStrategy::All);
            return;
        }
        if let Some(keyboard) = keyboard.filter(|_| shares) {
            keyboard.set_focus(self, grab.current_grab(), serial);
            keyboard.set_grab(self, PopupKeyboardGrab::new(&grab), serial);
        }
        if let Some(pointer) = pointer {
            pointer.set_grab(self, PopupPointerGrab::new(&grab), serial, Focus::Keep);
        }
        *Menus::of(&seat).open.borrow_mut() = Some(grab);
    }

    /// A window gets the keyboard: menus of others close.
    pub fn close_menus_of_others(&mut self, window: Option<&WlSurface>) {
        let open = Menus::of(&self.seat).open.take();
        let Some(grab) = open else { return };
        if is_over(&grab) {
            return self.end_menus(&grab);
        }
        let top = grab.current_grab();
        let root = top.as_ref().map(|surface| self.toplevel_of(surface));
        *Menus::of(&self.seat).open.borrow_mut() = Some(grab);
        if root.as_ref() != window {
            self.close_menus();
        }
    }

    /// Closes all menus.
    pub fn close_menus(&mut self) {
        let open = Menus::of(&self.seat).open.take();
        let Some(mut grab) = open else { return };
        grab.ungrab(PopupUngrabStrategy::All);
        self.end_menus(&grab);
    }

    /// The client has hidden a popup: if it is the newest menu, it is closed.
    pub fn menu_hidden(&mut self, popup: &WlSurface) {
        if self.top_menu().as_ref() != Some(popup) {
            return;
        }
        if let Some(grab) = &mut *Menus::of(&self.seat).open.borrow_mut() {
            grab.ungrab(PopupUngrabStrategy::Topmost);
        }
        self.menu_closed();
    }

    /// A popup is gone: the keyboard goes to the menu below it, or back to the window.
    pub fn menu_closed(&mut self) {
        let open = Menus::of(&self.seat).open.take();
        let Some(grab) = open else { return };
        self.desktop.popups.cleanup();
        if is_over(&grab) {
            return self.end_menus(&grab);
        }
        // Otherwise the user has dismissed it, and the keyboard is elsewhere.
        if let Some(keyboard) = self.seat.get_keyboard().filter(|keyboard| keyboard.has_grab(grab.serial())) {
            keyboard.set_focus(self, grab.current_grab(), SERIAL_COUNTER.next_serial());
        }
        *Menus::of(&self.seat).open.borrow_mut() = Some(grab);
    }

    /// The last menu is closed: keyboard and pointer are free again.
    fn end_menus(&mut self, grab: &PopupGrab<Self>) {
        let serial = SERIAL_COUNTER.next_serial();
        let pointer = self.seat.get_pointer();
        if let Some(pointer) =
            pointer.filter(|p| p.with_grab(|_, grab| grab.is::<PopupPointerGrab<Self>>()) == Some(true))
        {
            pointer.unset_grab(self, serial, self.millis());
            pointer.frame(self);
        }
        if let Some(keyboard) = self.seat.get_keyboard().filter(|keyboard| keyboard.has_grab(grab.serial())) {
            keyboard.unset_grab(self);
            // With nothing open, this is the window.
            keyboard.set_focus(self, grab.current_grab().filter(IsAlive::alive), serial);
        }
        self.pointer_stale = true;
    }
}
