//! A keyboard, a mouse and a touch screen without devices: events as libinput would say them, for
//! [`Syncline::input`](crate::session::Syncline::input), which cannot tell the difference.
//!
//! Virtual devices of clients are made of it (`virtual_devices/`), and tests in this process: the fixture's, and a
//! suite's through `doors.rs`. Some of it only tests need.

use std::path::PathBuf;

use fence::Ns;
use smithay::backend::input::{
    AbsolutePositionEvent, Axis, AxisRelativeDirection, AxisSource, ButtonState, Device, DeviceCapability, Event,
    GestureBeginEvent, GestureEndEvent, GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent,
    GesturePinchEndEvent, GesturePinchUpdateEvent, GestureSwipeBeginEvent, GestureSwipeEndEvent,
    GestureSwipeUpdateEvent, InputBackend, InputEvent, KeyState, KeyboardKeyEvent, Keycode, PointerAxisEvent,
    PointerButtonEvent, PointerMotionAbsoluteEvent, PointerMotionEvent, Switch, SwitchState, SwitchToggleEvent,
    TouchCancelEvent, TouchDownEvent, TouchEvent, TouchFrameEvent, TouchMotionEvent, TouchSlot, TouchUpEvent,
    UnusedEvent,
};

/// Where the events come from.
pub struct Hands;

impl Hands {
    /// A key, by its number in `linux/input-event-codes.h`, goes down or up.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn key(at: Ns, code: u32, pressed: bool) -> InputEvent<Self> {
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        InputEvent::Keyboard { event: At(at, Key { code, state }) }
    }

    /// The mouse moves by so many pixels.
    pub fn motion(at: Ns, x: f64, y: f64) -> InputEvent<Self> {
        InputEvent::PointerMotion { event: At(at, Motion { x, y }) }
    }

    /// The pointer is put to a place, as tablets of virtual machines do.
    pub fn point(at: Ns, place: Place) -> InputEvent<Self> {
        InputEvent::PointerMotionAbsolute { event: At(at, place) }
    }

    /// A button of the mouse goes down or up.
    pub fn button(at: Ns, code: u32, pressed: bool) -> InputEvent<Self> {
        let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
        InputEvent::PointerButton { event: At(at, Button { code, state }) }
    }

    /// The wheel or two fingers scroll downwards by so many pixels.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn scroll(at: Ns, source: AxisSource, amount: f64) -> InputEvent<Self> {
        let y = match source {
            AxisSource::Wheel => Turn { amount: None, v120: Some(amount * 120.0 / 15.0) },
            _ => Turn { amount: Some(amount), v120: None },
        };
        Self::turn(at, Scroll { source, x: Turn::default(), y })
    }

    /// Something is scrolled.
    pub fn turn(at: Ns, scroll: Scroll) -> InputEvent<Self> {
        InputEvent::PointerAxis { event: At(at, scroll) }
    }

    /// So many fingers lie on the touchpad.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn swipe_begin(at: Ns, fingers: u32) -> InputEvent<Self> {
        InputEvent::GestureSwipeBegin { event: At(at, FingersDown(fingers)) }
    }

    /// They move together by so many pixels.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn swipe_update(at: Ns, x: f64, y: f64) -> InputEvent<Self> {
        InputEvent::GestureSwipeUpdate { event: At(at, Motion { x, y }) }
    }

    /// They are lifted.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn swipe_end(at: Ns) -> InputEvent<Self> {
        InputEvent::GestureSwipeEnd { event: At(at, FingersUp) }
    }

    /// So many fingers lie on the touchpad, to turn or scale something.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn pinch_begin(at: Ns, fingers: u32) -> InputEvent<Self> {
        InputEvent::GesturePinchBegin { event: At(at, FingersDown(fingers)) }
    }

    /// They are so far from each other, as a part of how far they were at first, and have turned by so many
    /// degrees.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn pinch_update(at: Ns, scale: f64, rotation: f64) -> InputEvent<Self> {
        InputEvent::GesturePinchUpdate { event: At(at, Pinch { scale, rotation }) }
    }

    /// They are lifted.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn pinch_end(at: Ns) -> InputEvent<Self> {
        InputEvent::GesturePinchEnd { event: At(at, FingersUp) }
    }

    /// So many fingers rest on the touchpad.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn hold_begin(at: Ns, fingers: u32) -> InputEvent<Self> {
        InputEvent::GestureHoldBegin { event: At(at, FingersDown(fingers)) }
    }

    /// They are lifted.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn hold_end(at: Ns) -> InputEvent<Self> {
        InputEvent::GestureHoldEnd { event: At(at, FingersUp) }
    }

    /// A switch of the machine is turned on or off.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn switch(at: Ns, switch: Switch, on: bool) -> InputEvent<Self> {
        let state = if on { SwitchState::On } else { SwitchState::Off };
        InputEvent::SwitchToggle { event: At(at, Switched { switch, state }) }
    }

    /// A finger touches the screen.
    pub fn touch_down(at: Ns, finger: u32, place: Place) -> InputEvent<Self> {
        InputEvent::TouchDown { event: At(at, Touch { finger, place }) }
    }

    /// A finger moves on the screen.
    pub fn touch_motion(at: Ns, finger: u32, place: Place) -> InputEvent<Self> {
        InputEvent::TouchMotion { event: At(at, Touch { finger, place }) }
    }

    /// A finger leaves the screen.
    pub fn touch_up(at: Ns, finger: u32) -> InputEvent<Self> {
        InputEvent::TouchUp { event: At(at, Finger(finger)) }
    }

    /// The touch screen takes back what it said of a finger, because it was a palm.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn touch_cancel(at: Ns, finger: u32) -> InputEvent<Self> {
        InputEvent::TouchCancel { event: At(at, Finger(finger)) }
    }

    /// What happened to the fingers since the last one belongs together.
    pub fn touch_frame(at: Ns) -> InputEvent<Self> {
        InputEvent::TouchFrame { event: At(at, TouchFrame) }
    }
}

impl InputBackend for Hands {
    type Device = Pair;
    type KeyboardKeyEvent = At<Key>;
    type PointerAxisEvent = At<Scroll>;
    type PointerButtonEvent = At<Button>;
    type PointerMotionEvent = At<Motion>;
    type PointerMotionAbsoluteEvent = At<Place>;
    type GestureSwipeBeginEvent = At<FingersDown>;
    type GestureSwipeUpdateEvent = At<Motion>;
    type GestureSwipeEndEvent = At<FingersUp>;
    type GesturePinchBeginEvent = At<FingersDown>;
    type GesturePinchUpdateEvent = At<Pinch>;
    type GesturePinchEndEvent = At<FingersUp>;
    type GestureHoldBeginEvent = At<FingersDown>;
    type GestureHoldEndEvent = At<FingersUp>;
    type TouchDownEvent = At<Touch>;
    type TouchUpEvent = At<Finger>;
    type TouchMotionEvent = At<Touch>;
    type TouchCancelEvent = At<Finger>;
    type TouchFrameEvent = At<TouchFrame>;
    type TabletToolAxisEvent = UnusedEvent;
    type TabletToolProximityEvent = UnusedEvent;
    type TabletToolTipEvent = UnusedEvent;
    type TabletToolButtonEvent = UnusedEvent;
    type SwitchToggleEvent = At<Switched>;
    type SpecialEvent = UnusedEvent;
}

/// Everything there is to type, click and touch with.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Pair;

impl Device for Pair {
    fn id(&self) -> String {
        self.name()
    }

    fn name(&self) -> String {
        "hands".into()
    }

    fn has_capability(&self, capability: DeviceCapability) -> bool {
        matches!(capability, DeviceCapability::Keyboard | DeviceCapability::Pointer | DeviceCapability::Touch)
    }

    fn usb_id(&self) -> Option<(u32, u32)> {
        None
    }

    fn syspath(&self) -> Option<PathBuf> {
        None
    }
}

/// An event and its time.
pub struct At<T>(Ns, T);

impl<T> Event<Hands> for At<T> {
    fn time(&self) -> u64 {
        self.0 / 1000
    }

    fn device(&self) -> Pair {
        Pair
    }
}

pub struct Key {
    code: u32,
    state: KeyState,
}

impl KeyboardKeyEvent<Hands> for At<Key> {
    fn key_code(&self) -> Keycode {
        // xkb counts from 8 on.
        (self.1.code + 8).into()
    }

    fn state(&self) -> KeyState {
        self.1.state
    }

    fn count(&self) -> u32 {
        1
    }
}

pub struct Motion {
    x: f64,
    y: f64,
}

impl PointerMotionEvent<Hands> for At<Motion> {
    fn delta_x(&self) -> f64 {
        self.1.x
    }

    fn delta_y(&self) -> f64 {
        self.1.y
    }

    fn delta_x_unaccel(&self) -> f64 {
        self.1.x
    }

    fn delta_y_unaccel(&self) -> f64 {
        self.1.y
    }
}

/// A place on a tablet or a touch screen, in parts of its width and height: 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub x: f64,
    pub y: f64,
}

/// Something that happens at a place.
pub trait Placed {
    fn place(&self) -> Place;
}

impl Placed for Place {
    fn place(&self) -> Place {
        *self
    }
}

impl Placed for Touch {
    fn place(&self) -> Place {
        self.place
    }
}

impl<T: Placed> AbsolutePositionEvent<Hands> for At<T> {
    fn x(&self) -> f64 {
        self.1.place().x
    }

    fn y(&self) -> f64 {
        self.1.place().y
    }

    fn x_transformed(&self, width: i32) -> f64 {
        self.1.place().x * f64::from(width)
    }

    fn y_transformed(&self, height: i32) -> f64 {
        self.1.place().y * f64::from(height)
    }
}

impl PointerMotionAbsoluteEvent<Hands> for At<Place> {}

pub struct Button {
    code: u32,
    state: ButtonState,
}

impl PointerButtonEvent<Hands> for At<Button> {
    fn button_code(&self) -> u32 {
        self.1.code
    }

    fn state(&self) -> ButtonState {
        self.1.state
    }
}

/// How far one axis has turned.
#[derive(Debug, Clone, Copy, Default)]
pub struct Turn {
    /// In pixels; 0: it has stopped.
    pub amount: Option<f64>,
    /// In parts of 120 of a step.
    pub v120: Option<f64>,
}

/// What is scrolled, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Scroll {
    pub source: AxisSource,
    pub x: Turn,
    pub y: Turn,
}

impl Scroll {
    fn of(&self, axis: Axis) -> Turn {
        match axis {
            Axis::Horizontal => self.x,
            Axis::Vertical => self.y,
        }
    }
}

impl PointerAxisEvent<Hands> for At<Scroll> {
    fn amount(&self, axis: Axis) -> Option<f64> {
        self.1.of(axis).amount
    }

    fn amount_v120(&self, axis: Axis) -> Option<f64> {
        self.1.of(axis).v120
    }

    fn source(&self) -> AxisSource {
        self.1.source
    }

    fn relative_direction(&self, _: Axis) -> AxisRelativeDirection {
        AxisRelativeDirection::Identical
    }
}

pub struct FingersDown(u32);

impl GestureBeginEvent<Hands> for At<FingersDown> {
    fn fingers(&self) -> u32 {
        self.1.0
    }
}

impl GestureSwipeBeginEvent<Hands> for At<FingersDown> {}

impl GestureSwipeUpdateEvent<Hands> for At<Motion> {
    fn delta_x(&self) -> f64 {
        self.1.x
    }

    fn delta_y(&self) -> f64 {
        self.1.y
    }
}

pub struct FingersUp;

impl GestureEndEvent<Hands> for At<FingersUp> {
    fn cancelled(&self) -> bool {
        false
    }
}

impl GestureSwipeEndEvent<Hands> for At<FingersUp> {}
impl GesturePinchBeginEvent<Hands> for At<FingersDown> {}
impl GesturePinchEndEvent<Hands> for At<FingersUp> {}
impl GestureHoldBeginEvent<Hands> for At<FingersDown> {}
impl GestureHoldEndEvent<Hands> for At<FingersUp> {}

pub struct Pinch {
    scale: f64,
    rotation: f64,
}

impl GesturePinchUpdateEvent<Hands> for At<Pinch> {
    fn delta_x(&self) -> f64 {
        0.0
    }

    fn delta_y(&self) -> f64 {
        0.0
    }

    fn scale(&self) -> f64 {
        self.1.scale
    }

    fn rotation(&self) -> f64 {
        self.1.rotation
    }
}

pub struct Switched {
    switch: Switch,
    state: SwitchState,
}

impl SwitchToggleEvent<Hands> for At<Switched> {
    fn switch(&self) -> Option<Switch> {
        Some(self.1.switch)
    }

    fn state(&self) -> SwitchState {
        self.1.state
    }
}

pub struct Touch {
    finger: u32,
    place: Place,
}

impl TouchEvent<Hands> for At<Touch> {
    fn slot(&self) -> TouchSlot {
        Some(self.1.finger).into()
    }
}

impl TouchDownEvent<Hands> for At<Touch> {}
impl TouchMotionEvent<Hands> for At<Touch> {}

pub struct Finger(u32);

impl TouchEvent<Hands> for At<Finger> {
    fn slot(&self) -> TouchSlot {
        Some(self.1.0).into()
    }
}

impl TouchUpEvent<Hands> for At<Finger> {}
impl TouchCancelEvent<Hands> for At<Finger> {}

pub struct TouchFrame;

impl TouchFrameEvent<Hands> for At<TouchFrame> {}
