//! libinput's events, as Smithay has them, and those of pads of tablets, which Smithay leaves out.
//!
//! It handles none of them.

use std::io;

use calloop::{Interest, Mode, PostAction, generic::Generic};
use smithay::{
    backend::{
        input::InputEvent,
        libinput::{LibinputInputBackend, PointerScrollAxis},
    },
    reexports::input::{
        Event, Libinput,
        event::{
            DeviceEvent, EventTrait, GestureEvent, KeyboardEvent, PointerEvent, SwitchEvent, TabletToolEvent,
            TouchEvent,
            gesture::{GestureHoldEvent, GesturePinchEvent, GestureSwipeEvent},
            tablet_pad::TabletPadEvent,
        },
    },
};

/// What has happened.
pub enum Happened {
    /// On a device that Smithay knows.
    Input(InputEvent<LibinputInputBackend>),
    /// On a pad.
    Pad(TabletPadEvent),
}

/// A source that calls `handle` for each event.
pub fn insert<S: 'static>(
    calloop: &calloop::LoopHandle<'_, S>,
    libinput: &Libinput,
    mut handle: impl FnMut(Happened, &mut S) + 'static,
) -> Result<(), String> {
    let mut events = libinput.clone();
    let source = Generic::new(libinput.clone(), Interest::READ, Mode::Level);
    let inserted = calloop.insert_source(source, move |_, _, state| -> io::Result<PostAction> {
        events.dispatch()?;
        queued(&events).for_each(|event| handle(event, state));
        Ok(PostAction::Continue)
    });
    inserted.map(drop).map_err(|error| error.error.to_string())
}

/// What libinput has found already. When a seat is assigned or taken back its devices are here at once, and
/// its descriptor may not be ready before one of them is used.
pub fn queued(libinput: &Libinput) -> impl Iterator<Item = Happened> + use<> {
    libinput.clone().filter_map(known)
}

/// An event as Smithay has it; `None`: it is of no kind that is used.
fn known(event: Event) -> Option<Happened> {
    use InputEvent as To;
    Some(Happened::Input(match event {
        Event::TabletPad(event) => return Some(Happened::Pad(event)),
        Event::Device(DeviceEvent::Added(event)) => To::DeviceAdded { device: event.device() },
        Event::Device(DeviceEvent::Removed(event)) => To::DeviceRemoved { device: event.device() },
        Event::Touch(TouchEvent::Down(event)) => To::TouchDown { event },
        Event::Touch(TouchEvent::Motion(event)) => To::TouchMotion { event },
        Event::Touch(TouchEvent::Up(event)) => To::TouchUp { event },
        Event::Touch(TouchEvent::Cancel(event)) => To::TouchCancel { event },
        Event::Touch(TouchEvent::Frame(event)) => To::TouchFrame { event },
        Event::Keyboard(KeyboardEvent::Key(event)) => To::Keyboard { event },
        Event::Pointer(PointerEvent::Motion(event)) => To::PointerMotion { event },
        Event::Pointer(PointerEvent::MotionAbsolute(event)) => To::PointerMotionAbsolute { event },
        Event::Pointer(PointerEvent::Button(event)) => To::PointerButton { event },
        Event::Pointer(PointerEvent::ScrollWheel(event)) => To::PointerAxis { event: PointerScrollAxis::Wheel(event) },
        Event::Pointer(PointerEvent::ScrollFinger(event)) => {
            To::PointerAxis { event: PointerScrollAxis::Finger(event) }
        }
        Event::Pointer(PointerEvent::ScrollContinuous(event)) => {
            To::PointerAxis { event: PointerScrollAxis::Continuous(event) }
        }
        Event::Gesture(GestureEvent::Swipe(GestureSwipeEvent::Begin(event))) => To::GestureSwipeBegin { event },
        Event::Gesture(GestureEvent::Swipe(GestureSwipeEvent::Update(event))) => To::GestureSwipeUpdate { event },
        Event::Gesture(GestureEvent::Swipe(GestureSwipeEvent::End(event))) => To::GestureSwipeEnd { event },
        Event::Gesture(GestureEvent::Pinch(GesturePinchEvent::Begin(event))) => To::GesturePinchBegin { event },
        Event::Gesture(GestureEvent::Pinch(GesturePinchEvent::Update(event))) => To::GesturePinchUpdate { event },
        Event::Gesture(GestureEvent::Pinch(GesturePinchEvent::End(event))) => To::GesturePinchEnd { event },
        Event::Gesture(GestureEvent::Hold(GestureHoldEvent::Begin(event))) => To::GestureHoldBegin { event },
        Event::Gesture(GestureEvent::Hold(GestureHoldEvent::End(event))) => To::GestureHoldEnd { event },
        Event::Tablet(TabletToolEvent::Axis(event)) => To::TabletToolAxis { event },
        Event::Tablet(TabletToolEvent::Proximity(event)) => To::TabletToolProximity { event },
        Event::Tablet(TabletToolEvent::Tip(event)) => To::TabletToolTip { event },
        Event::Tablet(TabletToolEvent::Button(event)) => To::TabletToolButton { event },
        Event::Switch(SwitchEvent::Toggle(event)) => To::SwitchToggle { event },
        _ => return None,
    }))
}
