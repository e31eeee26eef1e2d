//! Gestures on the touchpad, and motion of the mouse itself, for the client under the pointer
//! (`pointer-gestures`, `relative-pointer`). Swipes that are bound are the session's own ([`super::bindings`]).

use smithay::{
    backend::input::{
        GestureBeginEvent, GestureEndEvent, GesturePinchUpdateEvent, GestureSwipeUpdateEvent, InputBackend,
    },
    input::pointer::{
        GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent, GesturePinchEndEvent,
        GesturePinchUpdateEvent as PinchUpdate, GestureSwipeBeginEvent, GestureSwipeEndEvent,
        GestureSwipeUpdateEvent as SwipeUpdate, PointerHandle, RelativeMotionEvent,
    },
    utils::{Point, SERIAL_COUNTER},
};

use crate::session::{Syncline, parts::motion::Moved};

impl Syncline {
    /// The mouse was moved, wherever the pointer comes to by that. For a client that does not read it is summed
    /// up. Returns whether its client was told.
    pub(super) fn tell_moved(&mut self, pointer: &PointerHandle<Self>, moved: Moved) -> bool {
        let Some(current) = pointer.current_focus() else { return false };
        if self.is_slow(&current) {
            let held =
                self.held_moved.get_or_insert(Moved { by: Point::default(), unaccelerated: Point::default(), ..moved });
            held.by += moved.by;
            held.unaccelerated += moved.unaccelerated;
            held.time = moved.time;
            return false;
        }
        self.tell_held_motion();
        self.relative_motion(pointer, moved);
        true
    }

    /// Tells a client what was summed up for it.
    pub(super) fn tell_held_moved(&mut self, pointer: &PointerHandle<Self>) {
        if let Some(moved) = self.held_moved.take() {
            self.relative_motion(pointer, moved);
        }
    }

    fn relative_motion(&mut self, pointer: &PointerHandle<Self>, moved: Moved) {
        // Smithay takes what it is given for what is under the pointer.
        let focus = pointer.current_focus().map(|surface| (surface, self.desktop.pointer_origin));
        let Moved { by: delta, unaccelerated: delta_unaccel, time: utime } = moved;
        pointer.relative_motion(self, focus, &RelativeMotionEvent { delta, delta_unaccel, utime });
    }

    pub(super) fn client_swipe_begin<B: InputBackend>(&mut self, event: &impl GestureBeginEvent<B>) {
        let (serial, time, fingers) = (SERIAL_COUNTER.next_serial(), event.time_msec(), event.fingers());
        self.gesture(|state, pointer| {
            pointer.gesture_swipe_begin(state, &GestureSwipeBeginEvent { serial, time, fingers })
        });
    }

    pub(super) fn client_swipe_update<B: InputBackend>(&mut self, event: &impl GestureSwipeUpdateEvent<B>) {
        let (time, delta) = (event.time_msec(), event.delta());
        self.gesture(|state, pointer| pointer.gesture_swipe_update(state, &SwipeUpdate { time, delta }));
    }

    pub(super) fn client_swipe_end<B: InputBackend>(&mut self, event: &impl GestureEndEvent<B>) {
        let (serial, time, cancelled) = (SERIAL_COUNTER.next_serial(), event.time_msec(), event.cancelled());
        self.gesture(|state, pointer| {
            pointer.gesture_swipe_end(state, &GestureSwipeEndEvent { serial, time, cancelled })
        });
    }

    pub(super) fn pinch_begin<B: InputBackend>(&mut self, event: &impl GestureBeginEvent<B>) {
        self.keys.tap = None;
        let (serial, time, fingers) = (SERIAL_COUNTER.next_serial(), event.time_msec(), event.fingers());
        self.gesture(|state, pointer| {
            pointer.gesture_pinch_begin(state, &GesturePinchBeginEvent { serial, time, fingers })
        });
    }

    pub(super) fn pinch_update<B: InputBackend>(&mut self, event: &impl GesturePinchUpdateEvent<B>) {
        let (time, delta, scale, rotation) = (event.time_msec(), event.delta(), event.scale(), event.rotation());
        self.gesture(|state, pointer| {
            pointer.gesture_pinch_update(state, &PinchUpdate { time, delta, scale, rotation })
        });
    }

    pub(super) fn pinch_end<B: InputBackend>(&mut self, event: &impl GestureEndEvent<B>) {
        let (serial, time, cancelled) = (SERIAL_COUNTER.next_serial(), event.time_msec(), event.cancelled());
        self.gesture(|state, pointer| {
            pointer.gesture_pinch_end(state, &GesturePinchEndEvent { serial, time, cancelled })
        });
    }

    pub(super) fn hold_begin<B: InputBackend>(&mut self, event: &impl GestureBeginEvent<B>) {
        self.keys.tap = None;
        let (serial, time, fingers) = (SERIAL_COUNTER.next_serial(), event.time_msec(), event.fingers());
        self.gesture(|state, pointer| {
            pointer.gesture_hold_begin(state, &GestureHoldBeginEvent { serial, time, fingers })
        });
    }

    pub(super) fn hold_end<B: InputBackend>(&mut self, event: &impl GestureEndEvent<B>) {
        let (serial, time, cancelled) = (SERIAL_COUNTER.next_serial(), event.time_msec(), event.cancelled());
        self.gesture(|state, pointer| {
            pointer.gesture_hold_end(state, &GestureHoldEndEvent { serial, time, cancelled })
        });
    }

    fn gesture(&mut self, tell: impl FnOnce(&mut Self, &PointerHandle<Self>)) {
        if let Some(pointer) = self.seat.get_pointer() {
            tell(self, &pointer);
        }
    }
}
