//! Touch screens → seat: what `wl_touch` hears.
//!
//! A touch screen lies on one display, and is turned as its glass is: the built-in panel if there is
//! one, else the first. A finger
//! belongs to the surface on which it came down, until it is lifted; a finger that comes down also
//! focuses the window, as a click does. Without a touch screen the seat has no touch capability.
//! Nothing here moves the pointer.

use std::cell::{Cell, RefCell};

use smallvec::SmallVec;
use smithay::{
    backend::input::{AbsolutePositionEvent, InputBackend, TouchDownEvent, TouchMotionEvent, TouchSlot, TouchUpEvent},
    input::{
        Seat,
        touch::{DownEvent, MotionEvent, TouchDownGrab, UpEvent},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, SERIAL_COUNTER},
};

use crate::{
    output::state::Output,
    render::Screen,
    session::{Syncline, input::place},
};

/// Connectors of panels that are built in.
const PANELS: [&str; 3] = ["eDP", "LVDS", "DSI"];

/// A finger that is down.
#[derive(Debug)]
struct Finger {
    slot: TouchSlot,
    /// What it came down on.
    on: Option<WlSurface>,
    /// Where it was last, and when.
    at: Point<f64, Logical>,
    time: u32,
    /// Its client does not read, and has not been told.
    held: bool,
}

/// The touch screens. Kept with the seat.
#[derive(Debug, Default)]
struct TouchScreens {
    count: Cell<usize>,
    /// There has been one: a client may still ask for it.
    ever: Cell<bool>,
    /// Those that are down.
    fingers: RefCell<SmallVec<[Finger; 10]>>,
}

impl TouchScreens {
    fn of(seat: &Seat<Syncline>) -> &Self {
        seat.user_data().get_or_insert(Self::default)
    }

    fn put(&self, finger: Finger) {
        self.lift(finger.slot);
        self.fingers.borrow_mut().push(finger);
    }

    /// A finger is there now. Its client is to be told; not so if it is not down, its surface is
    /// gone, or that is to be `held` for now.
    fn moved(
        &self,
        slot: TouchSlot,
        at: Point<f64, Logical>,
        time: u32,
        held: impl FnOnce(&WlSurface) -> bool,
    ) -> bool {
        let mut fingers = self.fingers.borrow_mut();
        let Some(finger) = fingers.iter_mut().find(|finger| finger.slot == slot) else { return false };
        (finger.at, finger.time) = (at, time);
        finger.held = finger.on.as_ref().is_some_and(held);
        !finger.held
    }

    /// Where the fingers are now that are held.
    fn take_held(&self) -> SmallVec<[MotionEvent; 10]> {
        let mut fingers = self.fingers.borrow_mut();
        let held = fingers.iter_mut().filter_map(|finger| {
            let event = MotionEvent { slot: finger.slot, location: finger.at, time: finger.time };
            std::mem::take(&mut finger.held).then_some(event)
        });
        held.collect()
    }

    /// `None`: the finger was not down, or its surface is gone.
    fn lift(&self, slot: TouchSlot) -> Option<Finger> {
        let mut fingers = self.fingers.borrow_mut();
        let at = fingers.iter().position(|finger| finger.slot == slot)?;
        Some(fingers.remove(at))
    }

    /// Removes the fingers on a surface, but for the one that drags: that one goes on.
    fn take(&self, surface: &WlSurface, drags: Option<TouchSlot>) -> SmallVec<[Finger; 10]> {
        let mut fingers = self.fingers.borrow_mut();
        let dragging = fingers.iter_mut().find(|finger| Some(finger.slot) == drags);
        if let Some(finger) = dragging {
            finger.on.take_if(|on| on == surface);
        }
        let (on, others) = fingers.drain(..).partition(|finger| finger.on.as_ref() == Some(surface));
        *fingers = others;
        on
    }
}

/// Whether the seat has, or had, a touch screen.
pub fn had_touch(seat: &Seat<Syncline>) -> bool {
    TouchScreens::of(seat).ever.get()
}

impl Syncline {
    /// So many touch screens have come, or gone.
    pub fn touch_screens_changed(&mut self, change: isize) {
        let screens = TouchScreens::of(&self.seat);
        let (before, now) = (screens.count.get(), screens.count.get().saturating_add_signed(change));
        screens.count.set(now);
        if before == 0 && now > 0 {
            screens.ever.set(true);
            self.seat.add_touch();
        } else if before > 0 && now == 0 {
            self.touch_cancel();
            self.seat.remove_touch();
        }
    }

    /// Where the touch screen lies on the desktop; `None`: there is no display.
    fn touch_screen(&self) -> Option<Screen> {
        let names = |prefix: &&str| self.outputs.list.iter().find(|output| output.wl.name().starts_with(*prefix));
        PANELS.iter().find_map(names).or(self.outputs.list.first()).map(Output::screen)
    }

    fn touched<B: InputBackend>(&self, event: &impl AbsolutePositionEvent<B>) -> Point<f64, Logical> {
        let screen = self.display_of(event).or_else(|| self.touch_screen());
        screen.map(|screen| place(&screen, event)).unwrap_or_default()
    }

    pub fn touch_down<B: InputBackend>(&mut self, event: &impl TouchDownEvent<B>) {
        let Some(touch) = self.seat.get_touch() else { return };
        let location = self.touched(event);
        if self.panel_takes_click(location) {
            // No client hears of this finger.
            return;
        }
        if !touch.is_grabbed() && self.takes_bar_finger(event.slot(), location, event.time_msec()) {
            return;
        }
        if !touch.is_grabbed() && !self.seat.get_pointer().is_some_and(|pointer| pointer.is_grabbed()) {
            self.click_focus(location);
        }
        let (focus, slot, time) = (self.desktop.at(location), event.slot(), event.time_msec());
        let on = focus.as_ref().map(|(surface, _)| surface.clone());
        let serial = SERIAL_COUNTER.next_serial();
        self.note_user_event(serial, on.clone());
        TouchScreens::of(&self.seat).put(Finger { slot, on, at: location, time, held: false });
        touch.down(self, focus, &DownEvent { slot, location, serial, time });
    }

    pub fn touch_motion<B: InputBackend>(&mut self, event: &impl TouchMotionEvent<B>) {
        let Some(touch) = self.seat.get_touch() else { return };
        let location = self.touched(event);
        self.move_bar_finger(event.slot(), location);
        // A drag tells another client.
        let simple = touch.with_grab(|_, grab| grab.is::<TouchDownGrab<Self>>()).unwrap_or(true);
        let held = |surface: &WlSurface| simple && self.is_slow(surface);
        if !TouchScreens::of(&self.seat).moved(event.slot(), location, event.time_msec(), held) {
            return;
        }
        if self.dragging_finger() == Some(event.slot()) {
            self.carry_window(location);
        }
        let focus = self.desktop.at(location);
        touch.motion(self, focus, &MotionEvent { slot: event.slot(), location, time: event.time_msec() });
    }

    /// Tells clients of the motion of fingers that is held for them.
    pub fn tell_held_fingers(&mut self) {
        let Some(touch) = self.seat.get_touch() else { return };
        let held = TouchScreens::of(&self.seat).take_held();
        if held.is_empty() {
            return;
        }
        for event in held {
            let focus = self.desktop.at(event.location);
            touch.motion(self, focus, &event);
        }
        touch.frame(self);
    }

    pub fn touch_up<B: InputBackend>(&mut self, event: &impl TouchUpEvent<B>) {
        let Some(touch) = self.seat.get_touch() else { return };
        self.lift_bar_finger(event.slot());
        let Some(finger) = TouchScreens::of(&self.seat).lift(event.slot()) else { return };
        let serial = SERIAL_COUNTER.next_serial();
        self.note_user_event(serial, finger.on);
        touch.up(self, &UpEvent { slot: event.slot(), serial, time: event.time_msec() });
    }

    /// A surface is about to be destroyed: its client hears the end of the fingers on it, and
    /// nothing of them after that.
    pub fn lift_fingers_on(&mut self, surface: &WlSurface) {
        self.tell_held_fingers();
        let fingers = TouchScreens::of(&self.seat).take(surface, self.dragging_finger());
        let Some(touch) = self.seat.get_touch().filter(|_| !fingers.is_empty()) else { return };
        let time = self.millis();
        for Finger { slot, .. } in fingers {
            touch.up(self, &UpEvent { slot, serial: SERIAL_COUNTER.next_serial(), time });
        }
        touch.frame(self);
    }

    /// The screen takes back what it said: all fingers are forgotten.
    pub fn touch_cancel(&mut self) {
        let Some(touch) = self.seat.get_touch() else { return };
        self.cancel_bar_finger();
        // Smithay 0.7 cancels only those fingers of which something was said since the last frame.
        let fingers = std::mem::take(&mut *TouchScreens::of(&self.seat).fingers.borrow_mut());
        for Finger { slot, at: location, time, .. } in fingers {
            touch.motion(self, None, &MotionEvent { slot, location, time });
        }
        touch.cancel(self);
    }

    /// What happened since the last frame belongs together.
    pub fn touch_frame(&mut self) {
        if let Some(touch) = self.seat.get_touch() {
            touch.frame(self);
        }
    }
}
