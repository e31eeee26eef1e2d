//! `wlr-virtual-pointer-unstable-v1`: clients move the pointer, press its buttons and scroll, as a mouse would.
//!
//! Events wait for the `frame` that ends them, and are given to the compositor together. A button goes down and up
//! in turns: a press of one that the object holds already, and a release of one that it does not hold, count for
//! nothing. What it holds when it is destroyed is named then. What clients say of the time is not used: the
//! events of a seat have one clock. (Smithay has no module for this protocol.)
//!
//! Nothing here knows where the pointer is.
//!
//! Source: `wlr-protocols/unstable/wlr-virtual-pointer-unstable-v1.xml`.

use std::sync::{Mutex, MutexGuard};

use wayland_protocols_wlr::virtual_pointer::v1::server::{
    zwlr_virtual_pointer_manager_v1::{self as manager, ZwlrVirtualPointerManagerV1},
    zwlr_virtual_pointer_v1::{self as object, ZwlrVirtualPointerV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, WEnum,
    backend::ClientId,
    protocol::{
        wl_output::WlOutput,
        wl_pointer::{Axis, AxisSource, ButtonState},
    },
};

use crate::{seen_by::SeenBy, surface_object::bind_manager};

/// The most buttons that an object holds at a time; further presses count for nothing.
pub const HELD: usize = 32;
/// The most events of a frame; the next one begins another.
pub const EVENTS: usize = 64;

/// How far one axis has turned in a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Turn {
    /// In pixels; `None`: nothing was said.
    pub amount: Option<f64>,
    /// In steps of a wheel; `None`: it has none.
    pub steps: Option<i32>,
    /// The fingers were lifted.
    pub stopped: bool,
}

/// What a frame scrolls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scroll {
    /// With what; `None`: nothing was said.
    pub source: Option<AxisSource>,
    /// Horizontally.
    pub x: Turn,
    /// Vertically.
    pub y: Turn,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The pointer has moved by so many pixels.
    Motion(f64, f64),
    /// The pointer is at `at` of an area that is so large. It is within, and neither side is 0.
    Place {
        /// From the top left corner.
        at: (u32, u32),
        /// Width and height.
        of: (u32, u32),
    },
    /// A button, by its number in `linux/input-event-codes.h`, goes down (true) or up.
    Button(u32, bool),
    /// Something is scrolled.
    Scroll(Scroll),
}

/// What the protocol needs from the compositor's state.
pub trait VirtualPointerHandler {
    /// There is one more pointing device.
    fn virtual_pointer_came(&mut self);

    /// What has happened, in order. `output`: the display on which the device lies; `None`: the whole desktop.
    fn virtual_pointer_frame(&mut self, output: Option<&WlOutput>, events: &[Event]);

    /// A device has gone, which held these buttons.
    fn virtual_pointer_went(&mut self, held: &[u32]);
}

/// User data of `zwlr_virtual_pointer_v1`.
#[derive(Debug)]
pub struct VirtualPointerData {
    output: Option<WlOutput>,
    frame: Mutex<Frame>,
}

/// What waits for `frame`, and what is held.
#[derive(Debug, Default)]
struct Frame {
    events: Vec<Event>,
    scroll: Scroll,
    held: Vec<u32>,
}

impl VirtualPointerData {
    fn new(output: Option<WlOutput>) -> Self {
        Self { output, frame: Mutex::default() }
    }

    fn frame(&self) -> MutexGuard<'_, Frame> {
        self.frame.lock().expect("no panic while locked")
    }
}

impl Frame {
    fn moved(&mut self, by: (f64, f64)) {
        match self.events.last_mut() {
            Some(Event::Motion(x, y)) => (*x, *y) = (*x + by.0, *y + by.1),
            _ => self.events.push(Event::Motion(by.0, by.1)),
        }
    }

    fn put(&mut self, (x, y): (u32, u32), of: (u32, u32)) {
        if of.0 == 0 || of.1 == 0 {
            return;
        }
        let place = Event::Place { at: (x.min(of.0), y.min(of.1)), of };
        match self.events.last_mut() {
            Some(last @ Event::Place { .. }) => *last = place,
            _ => self.events.push(place),
        }
    }

    fn button(&mut self, code: u32, pressed: bool) {
        let at = self.held.iter().position(|held| *held == code);
        match at {
            None if pressed && self.held.len() < HELD => self.held.push(code),
            Some(at) if !pressed => drop(self.held.swap_remove(at)),
            _ => return,
        }
        self.events.push(Event::Button(code, pressed));
    }

    fn turn(&mut self, axis: Axis) -> &mut Turn {
        match axis {
            Axis::HorizontalScroll => &mut self.scroll.x,
            _ => &mut self.scroll.y,
        }
    }

    fn turned(&mut self, axis: Axis, amount: f64, steps: Option<i32>) {
        let turn = self.turn(axis);
        turn.amount = Some(turn.amount.unwrap_or(0.0) + amount);
        if let Some(steps) = steps {
            turn.steps = Some(turn.steps.unwrap_or(0).saturating_add(steps));
        }
    }

    /// The frame ends; what was in it.
    fn end(&mut self) -> Vec<Event> {
        let (scroll, nothing) = (std::mem::take(&mut self.scroll), Turn::default());
        let mut events = std::mem::take(&mut self.events);
        if scroll.x != nothing || scroll.y != nothing {
            events.push(Event::Scroll(scroll));
        }
        events
    }
}

/// The `zwlr_virtual_pointer_manager_v1` global. Its objects carry all state.
#[derive(Debug)]
pub struct VirtualPointerState;

impl VirtualPointerState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwlrVirtualPointerManagerV1, SeenBy>
            + Dispatch<ZwlrVirtualPointerManagerV1, ()>
            + Dispatch<ZwlrVirtualPointerV1, VirtualPointerData>
            + 'static,
    {
        display.create_global::<D, ZwlrVirtualPointerManagerV1, SeenBy>(2, seen_by);
        Self
    }
}

bind_manager!(VirtualPointerState, ZwlrVirtualPointerManagerV1, SeenBy);

impl<D> Dispatch<ZwlrVirtualPointerManagerV1, (), D> for VirtualPointerState
where
    D: Dispatch<ZwlrVirtualPointerManagerV1, ()>
        + Dispatch<ZwlrVirtualPointerV1, VirtualPointerData>
        + VirtualPointerHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwlrVirtualPointerManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        // There is one seat.
        let (id, output) = match request {
            manager::Request::CreateVirtualPointer { id, .. } => (id, None),
            manager::Request::CreateVirtualPointerWithOutput { id, output, .. } => (id, output),
            _ => return,
        };
        data_init.init(id, VirtualPointerData::new(output));
        state.virtual_pointer_came();
    }
}

impl<D> Dispatch<ZwlrVirtualPointerV1, VirtualPointerData, D> for VirtualPointerState
where
    D: Dispatch<ZwlrVirtualPointerV1, VirtualPointerData> + VirtualPointerHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrVirtualPointerV1,
        request: object::Request,
        data: &VirtualPointerData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let mut frame = data.frame();
        let axis = |name: &str, axis: WEnum<Axis>| match axis {
            WEnum::Value(axis) => Some(axis),
            unknown => {
                let message = format!("{name}: {unknown:?} is not an axis; 0 is vertical, 1 is horizontal");
                resource.post_error(object::Error::InvalidAxis, message);
                None
            }
        };
        match request {
            object::Request::Motion { dx, dy, .. } => frame.moved((dx, dy)),
            object::Request::MotionAbsolute { x, y, x_extent, y_extent, .. } => frame.put((x, y), (x_extent, y_extent)),
            object::Request::Button { button, state, .. } => match state {
                WEnum::Value(ButtonState::Pressed) => frame.button(button, true),
                WEnum::Value(ButtonState::Released) => frame.button(button, false),
                // No error is named for it.
                _ => {}
            },
            object::Request::Axis { axis: which, value, .. } => {
                let Some(which) = axis("axis", which) else { return };
                frame.turned(which, value, None);
            }
            object::Request::AxisDiscrete { axis: which, value, discrete, .. } => {
                let Some(which) = axis("axis_discrete", which) else { return };
                frame.turned(which, value, Some(discrete));
            }
            object::Request::AxisStop { axis: which, .. } => {
                let Some(which) = axis("axis_stop", which) else { return };
                frame.turn(which).stopped = true;
            }
            object::Request::AxisSource { axis_source } => match axis_source {
                WEnum::Value(source) => frame.scroll.source = Some(source),
                unknown => {
                    let message = format!("axis_source: {unknown:?} is not a source; 0 to 3 are");
                    return resource.post_error(object::Error::InvalidAxisSource, message);
                }
            },
            object::Request::Frame => {}
            _ => return,
        }
        let ends = matches!(request, object::Request::Frame) || frame.events.len() >= EVENTS;
        let events = if ends { frame.end() } else { Vec::new() };
        drop(frame);
        if !events.is_empty() {
            state.virtual_pointer_frame(data.output.as_ref(), &events);
        }
    }

    fn destroyed(state: &mut D, _: ClientId, _: &ZwlrVirtualPointerV1, data: &VirtualPointerData) {
        let mut frame = data.frame();
        // What a frame would have pressed was not.
        let waiting: Vec<_> = std::mem::take(&mut frame.events);
        let mut held = std::mem::take(&mut frame.held);
        drop(frame);
        for event in waiting.iter().rev() {
            match event {
                Event::Button(code, true) => held.retain(|held| held != code),
                Event::Button(code, false) => held.push(*code),
                _ => {}
            }
        }
        state.virtual_pointer_went(&held);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`VirtualPointerHandler`].
#[macro_export]
macro_rules! delegate_virtual_pointer {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::virtual_pointer::manager::ZwlrVirtualPointerManagerV1: $crate::SeenBy
        ] => $crate::virtual_pointer::VirtualPointerState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::virtual_pointer::manager::ZwlrVirtualPointerManagerV1: ()
        ] => $crate::virtual_pointer::VirtualPointerState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::virtual_pointer::object::ZwlrVirtualPointerV1: $crate::virtual_pointer::VirtualPointerData
        ] => $crate::virtual_pointer::VirtualPointerState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motions_of_a_frame_are_added_up_and_places_replace_each_other() {
        let mut frame = Frame::default();
        frame.moved((1.0, 2.0));
        frame.moved((3.0, 4.0));
        frame.put((1, 1), (4, 4));
        frame.put((9, 2), (4, 4));
        frame.put((9, 2), (0, 4));
        frame.moved((1.0, 0.0));
        let place = Event::Place { at: (4, 2), of: (4, 4) };
        assert_eq!(frame.end(), [Event::Motion(4.0, 6.0), place, Event::Motion(1.0, 0.0)]);
        assert_eq!(frame.end(), []);
    }

    #[test]
    fn buttons_go_down_and_up_in_turns() {
        let mut frame = Frame::default();
        for (code, pressed) in [(1, false), (1, true), (1, true), (2, true), (1, false), (1, false)] {
            frame.button(code, pressed);
        }
        assert_eq!(frame.end(), [Event::Button(1, true), Event::Button(2, true), Event::Button(1, false)]);
        (0..100).for_each(|code| frame.button(code, true));
        assert_eq!(frame.held.len(), HELD);
    }

    #[test]
    fn what_an_axis_turns_is_added_up() {
        let mut frame = Frame::default();
        frame.turned(Axis::VerticalScroll, 5.0, None);
        frame.turned(Axis::VerticalScroll, 6.0, Some(i32::MAX));
        frame.turned(Axis::VerticalScroll, 0.0, Some(1));
        frame.turn(Axis::HorizontalScroll).stopped = true;
        let y = Turn { amount: Some(11.0), steps: Some(i32::MAX), stopped: false };
        let x = Turn { stopped: true, ..Turn::default() };
        assert_eq!(frame.end(), [Event::Scroll(Scroll { source: None, x, y })]);
        frame.scroll.source = Some(AxisSource::Wheel);
        assert_eq!(frame.end(), [], "a source alone is nothing");
    }
}
