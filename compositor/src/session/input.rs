//! Input devices → seat: pointer and keyboard. What is the session's own goes to its bindings first
//! (`bindings/`).

use protocols::pointer_constraints::Kind;
use smithay::{
    backend::input::{
        AbsolutePositionEvent, Axis, AxisSource, ButtonState, Device, DeviceCapability, Event, InputBackend,
        InputEvent, KeyState, KeyboardKeyEvent, PointerAxisEvent, PointerButtonEvent, PointerMotionEvent,
        ProximityState, SwitchState, SwitchToggleEvent, TabletToolButtonEvent, TabletToolProximityEvent,
        TabletToolTipEvent, TabletToolTipState,
    },
    desktop::PopupPointerGrab,
    input::{
        keyboard::FilterResult,
        pointer::{AxisFrame, ButtonEvent, MotionEvent, PointerHandle},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, SERIAL_COUNTER, Size},
};

use crate::{
    desktop::stack::Under,
    render::Screen,
    session::{Syncline, parts::motion::Moved, reports, tablet::Does},
};

/// The place on the desktop of a position on the glass of a display.
pub fn place<B: InputBackend>(screen: &Screen, event: &impl AbsolutePositionEvent<B>) -> Point<f64, Logical> {
    let Size { w, h, .. } = screen.pixels();
    let Point { x, y, .. } = event.position_transformed((w, h).into());
    screen.place((x, y).into())
}

impl Syncline {
    /// The position of the pointer on the desktop.
    pub fn pointer_location(&self) -> Point<f64, Logical> {
        self.desktop.pointer
    }

    /// Handles one input event.
    pub fn input<B: InputBackend>(&mut self, event: InputEvent<B>) {
        match &event {
            InputEvent::DeviceAdded { .. } | InputEvent::DeviceRemoved { .. } => {}
            InputEvent::Keyboard { event } => self.note_activity(event.state() == KeyState::Pressed),
            InputEvent::PointerButton { event } => self.note_activity(event.state() == ButtonState::Pressed),
            // A lid that is closed is not the work of somebody who looks at the displays.
            InputEvent::SwitchToggle { event } if event.state() == SwitchState::On => {}
            _ => self.note_activity(true),
        }
        let moves = matches!(
            event,
            InputEvent::PointerMotion { .. }
                | InputEvent::PointerMotionAbsolute { .. }
                | InputEvent::TouchMotion { .. }
                | InputEvent::TouchFrame { .. }
                | InputEvent::TabletToolAxis { .. }
        );
        if !moves {
            self.tell_held_motion();
        }
        match event {
            InputEvent::Keyboard { event } => self.key(&event),
            InputEvent::PointerMotion { event } => {
                self.absolute_place = None;
                let to = self.pointer_location() + event.delta();
                let moved = Moved { by: event.delta(), unaccelerated: event.delta_unaccel(), time: event.time() };
                self.pointer_moved(to, moved, event.time_msec());
            }
            InputEvent::PointerMotionAbsolute { event } => {
                let to = self.absolute(self.display_of(&event), &event);
                self.put_pointer(to, event.time());
            }
            InputEvent::PointerButton { event } => self.button(&event),
            InputEvent::PointerAxis { event } => self.axis(&event),
            InputEvent::DeviceAdded { device } => {
                self.devices_changed(&device, 1);
                self.input_devices.push(reports::devices::report(&device));
                self.place_input(self.input_devices.len() - 1);
                tracing::debug!("input device: {}", device.name());
            }
            InputEvent::DeviceRemoved { device } => {
                self.devices_changed(&device, -1);
                let gone = self.input_devices.iter().position(|known| known.id == device.id());
                gone.map(|at| self.input_devices.remove(at));
                self.inputs.forget(&device.id());
            }
            InputEvent::TouchDown { event } => self.touch_down(&event),
            InputEvent::TouchMotion { event } => self.touch_motion(&event),
            InputEvent::TouchUp { event } => self.touch_up(&event),
            InputEvent::TouchCancel { .. } => self.touch_cancel(),
            InputEvent::TouchFrame { .. } => self.touch_frame(),
            InputEvent::GestureSwipeBegin { event } => self.swipe_begin(&event),
            InputEvent::GestureSwipeUpdate { event } => self.swipe_update(&event),
            InputEvent::GestureSwipeEnd { event } => self.swipe_end(&event),
            InputEvent::GesturePinchBegin { event } => self.pinch_begin(&event),
            InputEvent::GesturePinchUpdate { event } => self.pinch_update(&event),
            InputEvent::GesturePinchEnd { event } => self.pinch_end(&event),
            InputEvent::GestureHoldBegin { event } => self.hold_begin(&event),
            InputEvent::GestureHoldEnd { event } => self.hold_end(&event),
            InputEvent::SwitchToggle { event } => self.switched(&event),
            InputEvent::TabletToolAxis { event } => self.pen(&event, Does::Moves),
            InputEvent::TabletToolProximity { event } => match event.state() {
                ProximityState::In => self.pen(&event, Does::Moves),
                ProximityState::Out => self.pen(&event, Does::Leaves),
            },
            InputEvent::TabletToolTip { event } => {
                self.pen(&event, Does::Tip(event.tip_state() == TabletToolTipState::Down));
            }
            InputEvent::TabletToolButton { event } => {
                self.pen(&event, Does::Button(event.button(), event.button_state() == ButtonState::Pressed));
            }
            _ => {}
        }
        self.perform_due();
    }

    /// The place on the desktop of a position on a device that lies on this display, else on all of them.
    pub(super) fn absolute<B: InputBackend>(
        &self,
        display: Option<Screen>,
        event: &impl AbsolutePositionEvent<B>,
    ) -> Point<f64, Logical> {
        let mut outputs = self.outputs.list.on_desktop();
        match (display, outputs.next(), outputs.next()) {
            // The device's glass is the display.
            (Some(screen), ..) => place(&screen, event),
            (None, Some(only), None) => place(&only.screen(), event),
            _ => place(&Screen::upright(self.outputs.bounds()), event),
        }
    }

    /// A device has come (1) or gone (-1).
    fn devices_changed(&mut self, device: &impl Device, change: isize) {
        if device.has_capability(DeviceCapability::Pointer) {
            self.pointers_changed(change);
        }
        if device.has_capability(DeviceCapability::Touch) {
            self.touch_screens_changed(change);
        }
        if device.has_capability(DeviceCapability::TabletTool) {
            match change > 0 {
                true => self.tablet_came(device),
                false => self.tablet_went(device),
            }
        }
    }

    /// So many pointing devices have come, or gone. Without one, no pointer is shown.
    pub(super) fn pointers_changed(&mut self, change: isize) {
        self.desktop.cursor.pointers_changed(change);
        self.redraw_pointer(self.pointer_location());
    }

    fn key<B: InputBackend>(&mut self, event: &impl KeyboardKeyEvent<B>) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        self.refresh_keyboard_grab();
        if !self.is_for_input_method(event.key_code(), event.state() == KeyState::Pressed) {
            self.restore_keymaps();
        }
        let (serial, time, pressed) =
            (SERIAL_COUNTER.next_serial(), event.time_msec(), event.state() == KeyState::Pressed);
        keyboard.input(self, event.key_code(), event.state(), serial, time, |state, modifiers, key| {
            let taken = state.takes_key(modifiers, &key, pressed)
                || state.input_method_takes(modifiers, key.raw_code(), pressed);
            match taken {
                true => FilterResult::Intercept(()),
                false => FilterResult::Forward,
            }
        });
        self.note_user_event(serial, keyboard.current_focus());
        self.end_walk();
    }

    /// A device that knows places has put the pointer to `to`, at this time in microseconds.
    pub(super) fn put_pointer(&mut self, to: Point<f64, Logical>, time: u64) {
        // A pointer that is locked is not where the device has put it last.
        let locked = self.keeps_pointer() == Some(Kind::Lock);
        let last = self.absolute_place.replace(to).filter(|_| locked);
        let by = to - last.unwrap_or_else(|| self.pointer_location());
        self.pointer_moved(to, Moved { by, unaccelerated: by, time }, (time / 1000) as u32);
    }

    /// A device has moved the pointer to `to`, unless a window keeps it.
    fn pointer_moved(&mut self, to: Point<f64, Logical>, moved: Moved, time: u32) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        if self.constrained.is_some() {
            // Its client may have begun a drag, or a move of its window.
            self.refresh_constraint();
        }
        let told = self.tell_moved(&pointer, moved);
        if self.keeps_pointer() == Some(Kind::Lock) {
            if told {
                pointer.frame(self);
            }
            return;
        }
        self.move_pointer(&pointer, self.confined(to), time);
        self.refresh_constraint();
    }

    /// The pointer is there now, whatever has moved it.
    pub(super) fn move_pointer(&mut self, pointer: &PointerHandle<Self>, to: Point<f64, Logical>, time: u32) {
        let (before, to) = (self.pointer_location(), self.outputs.clamp(to));
        if self.globals.selections.is_dragging() && self.dragging_finger().is_none() {
            self.carry_window(to);
        }
        self.pull_bar(to);
        let moving = self.desktop.layout.is_dragging() && !self.bars.moves_by_finger();
        if moving {
            self.interact(to);
        }
        let focus = if moving || self.bars.has_pointer() { None } else { self.desktop.at(to) };
        self.desktop.pointer = to;
        self.pens.has_pointer = false;
        self.tell_pointer(pointer, focus, time);
        self.redraw_pointer(before);
    }

    /// Tells clients that the pointer is where it is, over `focus`.
    fn tell_pointer(
        &mut self,
        pointer: &PointerHandle<Self>,
        focus: Option<(WlSurface, Point<f64, Logical>)>,
        time: u32,
    ) {
        let (serial, location) = (SERIAL_COUNTER.next_serial(), self.pointer_location());
        self.desktop.pointer_origin = focus.as_ref().map(|(_, origin)| *origin).unwrap_or_default();
        if self.hold_motion(pointer, focus.as_ref(), time) {
            return;
        }
        self.tell_held_motion();
        let before = pointer.current_focus();
        pointer.motion(self, focus, &MotionEvent { location, serial, time });
        pointer.frame(self);
        let now = pointer.current_focus();
        if now != before {
            self.note_user_event(serial, now);
        }
    }

    /// Takes the pointer from the client that has it, until it moves or windows change.
    pub fn clear_pointer_focus(&mut self, pointer: &PointerHandle<Self>) {
        self.tell_pointer(pointer, None, self.millis());
    }

    /// Sends the clients the pointer focus again after windows have changed.
    pub fn refresh_pointer_focus(&mut self) {
        let Some(pointer) = self.seat.get_pointer().filter(|p| !p.is_grabbed()) else { return };
        if self.desktop.layout.is_dragging() || self.bars.has_pointer() || self.pens.has_pointer {
            return;
        }
        let focus = self.desktop.at(self.pointer_location());
        let (surface, origin) = focus.as_ref().map(|(surface, origin)| (surface, *origin)).unzip();
        let moved = origin.is_some_and(|origin| origin != self.desktop.pointer_origin);
        if pointer.current_focus().as_ref() != surface || moved {
            self.tell_pointer(&pointer, focus, self.millis());
        }
    }

    fn button<B: InputBackend>(&mut self, event: &impl PointerButtonEvent<B>) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        let (serial, state) = (SERIAL_COUNTER.next_serial(), event.state());
        let pressed = state == ButtonState::Pressed;
        if !pressed && self.desktop.layout.is_dragging() && !self.bars.moves_by_finger() {
            self.end_interaction(self.pointer_location());
        }
        if self.takes_button(event.button_code(), pressed)
            || self.takes_bar_button(event.button_code(), pressed, event.time_msec())
        {
            if !pressed {
                self.refresh_pointer_focus();
            }
            return;
        }
        let in_popup = || pointer.with_grab(|_, grab| grab.is::<PopupPointerGrab<Self>>()).unwrap_or(false);
        let had_popup = in_popup();
        if pressed && !pointer.is_grabbed() {
            self.click_focus(pointer.current_location());
        }
        let (button, time) = (event.button_code(), event.time_msec());
        pointer.button(self, &ButtonEvent { button, state, serial, time });
        pointer.frame(self);
        self.note_user_event(serial, pointer.current_focus());
        if pressed && had_popup && !in_popup() {
            // A click that dismisses a menu also clicks what is under the pointer.
            self.click_focus(pointer.current_location());
        }
        if !pressed {
            // The drag that ends had hidden from the pointer what is under it.
            self.refresh_pointer_focus();
        }
    }

    /// The surface of the window that a surface belongs to, possibly through popups.
    pub fn toplevel_of(&self, surface: &WlSurface) -> WlSurface {
        let root = self.root_of(surface);
        let popup = self.desktop.popups.find_popup(&root);
        popup.and_then(|popup| smithay::desktop::find_popup_root_surface(&popup).ok()).unwrap_or(root)
    }

    pub fn click_focus(&mut self, at: Point<f64, Logical>) {
        let surface = match self.desktop.under(at) {
            Some(Under::Surface(surface, _)) if self.is_input_popup(&surface) => return,
            Some(Under::Surface(surface, _)) => surface,
            Some(Under::Bar(window, part)) => return self.focus_by_bar(window, part),
            None => return,
        };
        let root = self.toplevel_of(&surface);
        let focused = self.seat.get_keyboard().and_then(|k| k.current_focus());
        if focused.as_ref() != Some(&root) && self.takes_keyboard(&root) {
            self.focus(Some(root));
        }
    }

    fn axis<B: InputBackend>(&mut self, event: &impl PointerAxisEvent<B>) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        if event.source() == AxisSource::Wheel {
            let turned = [Axis::Horizontal, Axis::Vertical].map(|axis| {
                let pixels = event.amount(axis).unwrap_or(0.0);
                event.amount_v120(axis).unwrap_or(pixels * 120.0 / 15.0)
            });
            if self.takes_wheel(turned) || self.takes_tab_wheel(turned[1]) {
                return;
            }
        }
        let mut frame = AxisFrame::new(event.time_msec()).source(event.source());
        for axis in [Axis::Horizontal, Axis::Vertical] {
            let v120 = event.amount_v120(axis);
            let amount = event.amount(axis).or_else(|| v120.map(|v| v * 15.0 / 120.0)).unwrap_or(0.0);
            if amount != 0.0 {
                frame = frame.relative_direction(axis, event.relative_direction(axis)).value(axis, amount);
                if let Some(v120) = v120 {
                    frame = frame.v120(axis, v120 as i32);
                }
            } else if matches!(event.source(), AxisSource::Finger | AxisSource::Continuous)
                && event.amount(axis) == Some(0.0)
            {
                frame = frame.stop(axis);
            }
        }
        pointer.axis(self, frame);
        pointer.frame(self);
    }
}
