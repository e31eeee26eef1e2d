//! Drags of clients: by the pointer or by a finger.
//!
//! ```text
//!  start_drag ─→ the press that is held becomes a grab ─→ motion: what is under it hears of the drag
//!                                                      ├─ the button or the finger is lifted: drop
//!                                                      └─ the lock, or the source is gone: cancelled
//! ```
//!
//! A drag outlasts the surface where it began, as long as its source is there. No client has the pointer meanwhile.
//! What the clients are told is in [`protocols::selection::drag`].

use protocols::selection::drag;
use smithay::{
    backend::input::TouchSlot,
    input::{
        pointer::{
            AxisFrame, ButtonEvent, Focus, GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent,
            GesturePinchEndEvent, GesturePinchUpdateEvent, GestureSwipeBeginEvent, GestureSwipeEndEvent,
            GestureSwipeUpdateEvent, GrabStartData, MotionEvent, PointerGrab, PointerInnerHandle, RelativeMotionEvent,
        },
        touch::{
            DownEvent, GrabStartData as FingerStart, MotionEvent as FingerMotion, OrientationEvent, ShapeEvent,
            TouchGrab, TouchInnerHandle, UpEvent,
        },
    },
    reexports::wayland_server::{Client, Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, SERIAL_COUNTER, Serial},
};

use crate::session::Syncline;

/// A surface, and its origin.
type At = Option<(WlSurface, Point<f64, Logical>)>;

/// The pointer drags.
struct PointerDrag(GrabStartData<Syncline>);

/// A finger drags.
struct FingerDrag(FingerStart<Syncline>);

/// A position on the desktop as one on the surface.
fn on(focus: At, at: Point<f64, Logical>) -> At {
    focus.map(|(surface, origin)| (surface, at - origin))
}

impl Syncline {
    /// A client begins a drag with a press that is held on one of its surfaces. Returns whether it does.
    pub(super) fn begin_client_drag(&mut self, client: &Client, icon: Option<&WlSurface>, serial: Serial) -> bool {
        let is_its = |focus: &At| {
            let of = focus.as_ref().and_then(|(surface, _)| surface.client());
            of.is_some_and(|of| of == *client)
        };
        let pointer = self.seat.get_pointer().filter(|pointer| pointer.has_grab(serial));
        let touch = self.seat.get_touch().filter(|touch| touch.has_grab(serial));
        let at = if let Some((pointer, start)) = pointer.and_then(|it| it.grab_start_data().map(|start| (it, start)))
            && is_its(&start.focus)
        {
            // Smithay ends a grab with the surface where it began.
            pointer.set_grab(self, PointerDrag(GrabStartData { focus: None, ..start }), serial, Focus::Clear);
            None
        } else if let Some((touch, start)) = touch.and_then(|it| it.grab_start_data().map(|start| (it, start)))
            && is_its(&start.focus)
        {
            let at = start.location;
            touch.set_grab(self, FingerDrag(FingerStart { focus: None, ..start }), serial);
            Some(at)
        } else {
            return false;
        };
        self.desktop.cursor.set_drag_icon(icon.cloned(), at);
        self.redraw_all();
        true
    }

    /// The drag is over: what was grabbed for it is let go.
    pub(super) fn end_client_drag(&mut self) {
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.millis());
        let pointer = self.seat.get_pointer();
        if let Some(pointer) = pointer.filter(|it| it.with_grab(|_, grab| grab.is::<PointerDrag>()) == Some(true)) {
            pointer.unset_grab(self, serial, time);
        }
        if self.dragging_finger().is_some()
            && let Some(touch) = self.seat.get_touch()
        {
            touch.unset_grab(self);
        }
    }

    /// The finger that drags.
    pub(super) fn dragging_finger(&self) -> Option<TouchSlot> {
        let slot = |_, grab: &dyn TouchGrab<Self>| grab.downcast_ref::<FingerDrag>().map(|drag| drag.0.slot);
        self.seat.get_touch()?.with_grab(slot).flatten()
    }

    /// The grab is gone.
    fn drag_let_go(&mut self) {
        drag::cancel(self);
        self.desktop.cursor.set_drag_icon(None, None);
        self.desktop.carried = None;
        self.pointer_stale = true;
        self.redraw_all();
    }
}

impl PointerGrab<Syncline> for PointerDrag {
    fn motion(
        &mut self,
        data: &mut Syncline,
        handle: &mut PointerInnerHandle<'_, Syncline>,
        focus: At,
        event: &MotionEvent,
    ) {
        handle.motion(data, None, event);
        drag::to(data, on(focus, event.location), event.serial, event.time);
    }

    fn relative_motion(
        &mut self,
        data: &mut Syncline,
        handle: &mut PointerInnerHandle<'_, Syncline>,
        focus: At,
        event: &RelativeMotionEvent,
    ) {
        handle.relative_motion(data, focus, event);
    }

    fn button(&mut self, data: &mut Syncline, handle: &mut PointerInnerHandle<'_, Syncline>, event: &ButtonEvent) {
        if handle.current_pressed().is_empty() {
            drag::drop(data);
            handle.unset_grab(self, data, event.serial, event.time, true);
        }
    }

    fn axis(&mut self, data: &mut Syncline, handle: &mut PointerInnerHandle<'_, Syncline>, details: AxisFrame) {
        handle.axis(data, details);
    }

    fn frame(&mut self, data: &mut Syncline, handle: &mut PointerInnerHandle<'_, Syncline>) {
        handle.frame(data);
    }

    fn start_data(&self) -> &GrabStartData<Syncline> {
        &self.0
    }

    fn unset(&mut self, data: &mut Syncline) {
        data.drag_let_go();
    }

    // No client has the pointer, so none hears of gestures.

    fn gesture_swipe_begin(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GestureSwipeBeginEvent,
    ) {
    }

    fn gesture_swipe_update(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GestureSwipeUpdateEvent,
    ) {
    }

    fn gesture_swipe_end(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GestureSwipeEndEvent,
    ) {
    }

    fn gesture_pinch_begin(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GesturePinchBeginEvent,
    ) {
    }

    fn gesture_pinch_update(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GesturePinchUpdateEvent,
    ) {
    }

    fn gesture_pinch_end(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GesturePinchEndEvent,
    ) {
    }

    fn gesture_hold_begin(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GestureHoldBeginEvent,
    ) {
    }

    fn gesture_hold_end(
        &mut self,
        _: &mut Syncline,
        _: &mut PointerInnerHandle<'_, Syncline>,
        _: &GestureHoldEndEvent,
    ) {
    }
}

impl TouchGrab<Syncline> for FingerDrag {
    /// Another finger does nothing while one drags.
    fn down(&mut self, _: &mut Syncline, _: &mut TouchInnerHandle<'_, Syncline>, _: At, _: &DownEvent, _: Serial) {}

    fn up(&mut self, data: &mut Syncline, handle: &mut TouchInnerHandle<'_, Syncline>, event: &UpEvent, seq: Serial) {
        let drops = event.slot == self.0.slot;
        if drops {
            drag::drop(data);
        }
        // Its client has heard of it, so it hears that it is lifted.
        handle.up(data, event, seq);
        if drops {
            handle.unset_grab(self, data);
        }
    }

    fn motion(
        &mut self,
        data: &mut Syncline,
        handle: &mut TouchInnerHandle<'_, Syncline>,
        focus: At,
        event: &FingerMotion,
        seq: Serial,
    ) {
        if event.slot != self.0.slot {
            return handle.motion(data, focus, event, seq);
        }
        drag::to(data, on(focus, event.location), SERIAL_COUNTER.next_serial(), event.time);
        data.desktop.cursor.place_drag_icon(event.location);
        data.redraw_pointer(data.pointer_location());
    }

    fn frame(&mut self, data: &mut Syncline, handle: &mut TouchInnerHandle<'_, Syncline>, seq: Serial) {
        handle.frame(data, seq);
    }

    fn cancel(&mut self, data: &mut Syncline, handle: &mut TouchInnerHandle<'_, Syncline>, seq: Serial) {
        // Smithay 0.7 cancels only those fingers of which something was said since the last frame.
        let FingerStart { slot, location, .. } = self.0;
        handle.motion(data, None, &FingerMotion { slot, location, time: data.millis() }, seq);
        handle.cancel(data, seq);
        handle.unset_grab(self, data);
    }

    fn shape(
        &mut self,
        data: &mut Syncline,
        handle: &mut TouchInnerHandle<'_, Syncline>,
        event: &ShapeEvent,
        seq: Serial,
    ) {
        handle.shape(data, event, seq);
    }

    fn orientation(
        &mut self,
        data: &mut Syncline,
        handle: &mut TouchInnerHandle<'_, Syncline>,
        event: &OrientationEvent,
        seq: Serial,
    ) {
        handle.orientation(data, event, seq);
    }

    fn start_data(&self) -> &FingerStart<Syncline> {
        &self.0
    }

    fn unset(&mut self, data: &mut Syncline) {
        data.drag_let_go();
    }
}
