//! Touch screens → seat: what `wl_touch` hears.
//!
//! A touch screen lies on one display: the built-in panel if there is one, else the first. A finger
//! belongs to the surface on which it came down, until it is lifted; a finger that comes down also
//! focuses the window, as a click does. Without a touch screen the seat has no touch capability.
//! Nothing here moves the pointer.

use std::cell::{Cell, RefCell};

use smallvec::SmallVec;
use smithay::{
    backend::input::{AbsolutePositionEvent, InputBackend, TouchDownEvent, TouchMotionEvent, TouchSlot, TouchUpEvent},
    input::{
        Seat,
        touch::{DownEvent, MotionEvent, UpEvent},
    },
    utils::{Logical, Point, Rectangle, SERIAL_COUNTER},
};

use crate::session::Syncline;

/// Connectors of panels that are built in.
const PANELS: [&str; 3] = ["eDP", "LVDS", "DSI"];

/// A finger: where it was last, and when.
type Finger = (TouchSlot, Point<f64, Logical>, u32);

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

    /// A finger is there now.
    fn put(&self, slot: TouchSlot, at: Point<f64, Logical>, time: u32) {
        self.lift(slot);
        self.fingers.borrow_mut().push((slot, at, time));
    }

    fn lift(&self, slot: TouchSlot) {
        self.fingers.borrow_mut().retain(|(other, ..)| *other != slot);
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

    /// Where the touch screen lies on the desktop.
    fn touch_area(&self) -> Rectangle<i32, Logical> {
        let names = |prefix: &&str| self.outputs.list.iter().find(|output| output.wl.name().starts_with(*prefix));
        let panel = PANELS.iter().find_map(names).or(self.outputs.list.first());
        panel.map(|output| output.rect()).unwrap_or_default()
    }

    fn touched<B: InputBackend>(&self, event: &impl AbsolutePositionEvent<B>) -> Point<f64, Logical> {
        let area = self.touch_area();
        area.loc.to_f64() + event.position_transformed(area.size)
    }

    pub fn touch_down<B: InputBackend>(&mut self, event: &impl TouchDownEvent<B>) {
        let Some(touch) = self.seat.get_touch() else { return };
        let location = self.touched(event);
        if !touch.is_grabbed() && !self.seat.get_pointer().is_some_and(|pointer| pointer.is_grabbed()) {
            self.click_focus(location);
        }
        TouchScreens::of(&self.seat).put(event.slot(), location, event.time_msec());
        let focus = self.desktop.at(location);
        let serial = SERIAL_COUNTER.next_serial();
        touch.down(self, focus, &DownEvent { slot: event.slot(), location, serial, time: event.time_msec() });
    }

    pub fn touch_motion<B: InputBackend>(&mut self, event: &impl TouchMotionEvent<B>) {
        let Some(touch) = self.seat.get_touch() else { return };
        let location = self.touched(event);
        TouchScreens::of(&self.seat).put(event.slot(), location, event.time_msec());
        let focus = self.desktop.at(location);
        touch.motion(self, focus, &MotionEvent { slot: event.slot(), location, time: event.time_msec() });
    }

    pub fn touch_up<B: InputBackend>(&mut self, event: &impl TouchUpEvent<B>) {
        let Some(touch) = self.seat.get_touch() else { return };
        TouchScreens::of(&self.seat).lift(event.slot());
        let serial = SERIAL_COUNTER.next_serial();
        touch.up(self, &UpEvent { slot: event.slot(), serial, time: event.time_msec() });
    }

    /// The screen takes back what it said: all fingers are forgotten.
    pub fn touch_cancel(&mut self) {
        let Some(touch) = self.seat.get_touch() else { return };
        // Smithay 0.7 cancels only those fingers of which something was said since the last frame.
        let fingers = std::mem::take(&mut *TouchScreens::of(&self.seat).fingers.borrow_mut());
        for (slot, location, time) in fingers {
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
