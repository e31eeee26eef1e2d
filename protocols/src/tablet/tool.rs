//! Tools: where each is, and what its clients hear of it.
//!
//! What a tool does waits for the frame that ends it, or for the next event that is no motion; so a client that does
//! not read has only the newest place and the newest values.

use smithay::backend::input::{TabletToolCapabilities as Can, TabletToolDescriptor, TabletToolType};
use wayland_protocols::wp::tablet::zv2::server::{
    zwp_tablet_tool_v2::{ButtonState, Capability, Type, ZwpTabletToolV2},
    zwp_tablet_v2::ZwpTabletV2,
};
use wayland_server::{Resource, protocol::wl_surface::WlSurface};

use crate::tablet::make::{Make, Member, Seat};

/// The number of a tool: no other has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolNumber(pub(super) u32);

/// The axes of a tool, as libinput has them; `None`: nothing new.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Axes {
    /// 0 to 1.
    pub pressure: Option<f64>,
    /// 0 to 1.
    pub distance: Option<f64>,
    /// In degrees.
    pub tilt: Option<(f64, f64)>,
    /// In degrees.
    pub rotation: Option<f64>,
    /// -1 to 1.
    pub slider: Option<f64>,
    /// By how many degrees and steps it has turned.
    pub wheel: Option<(f64, i32)>,
}

impl Axes {
    fn add(&mut self, new: &Self) {
        self.pressure = new.pressure.or(self.pressure);
        self.distance = new.distance.or(self.distance);
        self.tilt = new.tilt.or(self.tilt);
        self.rotation = new.rotation.or(self.rotation);
        self.slider = new.slider.or(self.slider);
        if let Some((degrees, steps)) = new.wheel {
            let (before, steps_before) = self.wheel.unwrap_or_default();
            self.wheel = Some((before + degrees, steps_before.saturating_add(steps)));
        }
    }
}

/// Where a tool is.
#[derive(Debug)]
pub(super) struct Focus {
    surface: WlSurface,
    serial: u32,
    /// Those that were told.
    objects: Vec<ZwpTabletToolV2>,
}

/// A tool and its objects.
#[derive(Debug)]
pub struct Tool {
    pub(super) number: ToolNumber,
    pub(super) about: TabletToolDescriptor,
    /// The tablet on which it was last.
    pub(super) tablet: String,
    pub(super) objects: Vec<ZwpTabletToolV2>,
    pub(super) focus: Option<Focus>,
    is_down: bool,
    held: Vec<u32>,
    /// All axes as they are now; a wheel has no state.
    now: Axes,
    /// What waits for the frame.
    place: Option<(f64, f64)>,
    axes: Axes,
    /// Something was said since the last frame.
    said: bool,
}

impl Tool {
    pub(super) fn new(number: ToolNumber, about: TabletToolDescriptor, tablet: String) -> Self {
        let (now, axes) = (Axes::default(), Axes::default());
        let (objects, held) = (Vec::new(), Vec::new());
        Self { number, about, tablet, objects, focus: None, is_down: false, held, now, place: None, axes, said: false }
    }

    /// Tells a tablet seat of it.
    pub(super) fn tell(&mut self, make: &Make, seat: &Seat) {
        let Some(object) = (make.tool)(&make.display, &seat.object, Member { seat: seat.number }) else { return };
        seat.object.tool_added(&object);
        object._type(type_of(self.about.tool_type));
        let halves = |number: u64| ((number >> 32) as u32, number as u32);
        if self.about.hardware_serial != 0 {
            let (high, low) = halves(self.about.hardware_serial);
            object.hardware_serial(high, low);
        }
        if self.about.hardware_id_wacom != 0 {
            let (high, low) = halves(self.about.hardware_id_wacom);
            object.hardware_id_wacom(high, low);
        }
        for (can, capability) in CAPABILITIES {
            if self.about.capabilities.contains(can) {
                object.capability(capability);
            }
        }
        object.done();
        self.objects.push(object);
    }

    /// The surface that it is on.
    pub fn surface(&self) -> Option<&WlSurface> {
        self.focus.as_ref().map(|focus| &focus.surface)
    }

    /// Whether the client of this object has the tool on one of its surfaces, and was told so with this serial.
    pub fn is_on(&self, object: &ZwpTabletToolV2, serial: u32) -> bool {
        self.focus.as_ref().is_some_and(|focus| focus.serial == serial && focus.objects.contains(object))
    }

    pub(super) fn enter(&mut self, surface: &WlSurface, serial: u32, pairs: &[(ZwpTabletToolV2, ZwpTabletV2)]) {
        pairs.iter().for_each(|(tool, tablet)| tool.proximity_in(serial, tablet, surface));
        let objects = pairs.iter().map(|(tool, _)| tool.clone()).collect();
        self.focus = Some(Focus { surface: surface.clone(), serial, objects });
        (self.axes, self.place, self.said) = (Axes { wheel: None, ..self.now }, None, true);
    }

    /// It leaves its surface: what it held is released before.
    pub fn leave(&mut self, serial: u32, time: u32) {
        self.say();
        let held = std::mem::take(&mut self.held);
        held.iter().for_each(|code| self.each(|tool| tool.button(serial, *code, ButtonState::Released)));
        if std::mem::take(&mut self.is_down) {
            self.each(ZwpTabletToolV2::up);
        }
        self.each(ZwpTabletToolV2::proximity_out);
        self.frame(time);
        self.focus = None;
    }

    /// It has moved to this place on its surface, and its axes have changed. That waits for the frame.
    pub fn moved(&mut self, place: (f64, f64), axes: &Axes) {
        self.now.add(axes);
        if self.focus.is_some() {
            self.place = Some(place);
            self.axes.add(axes);
        }
    }

    /// Its axes have changed while it is on no surface.
    pub fn changed(&mut self, axes: &Axes) {
        self.now.add(axes);
    }

    /// Its tip comes down (true) or up.
    pub fn tip(&mut self, serial: u32, down: bool) {
        if self.focus.is_none() || self.is_down == down {
            return;
        }
        self.is_down = down;
        self.say();
        self.each(|tool| if down { tool.down(serial) } else { tool.up() });
    }

    /// One of its buttons, by its number in `linux/input-event-codes.h`, is pressed or released.
    pub fn button(&mut self, serial: u32, code: u32, pressed: bool) {
        if self.focus.is_none() || self.held.contains(&code) == pressed {
            return;
        }
        self.held.retain(|held| *held != code);
        self.held.extend(pressed.then_some(code));
        self.say();
        let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
        self.each(|tool| tool.button(serial, code, state));
    }

    /// Whether something waits for a frame.
    pub fn waits(&self) -> bool {
        self.place.is_some()
    }

    /// What has happened since the last frame belongs together.
    pub fn frame(&mut self, time: u32) {
        self.say();
        if std::mem::take(&mut self.said) {
            self.each(|tool| tool.frame(time));
        }
    }

    /// Says what waits.
    fn say(&mut self) {
        self.said = true;
        if let Some((x, y)) = self.place.take() {
            self.each(|tool| tool.motion(x, y));
        }
        let Axes { pressure, distance, tilt, rotation, slider, wheel } = std::mem::take(&mut self.axes);
        let part = |of: f64| (of.clamp(0.0, 1.0) * 65535.0).round() as u32;
        self.each(|tool| {
            pressure.into_iter().for_each(|of| tool.pressure(part(of)));
            distance.into_iter().for_each(|of| tool.distance(part(of)));
            tilt.into_iter().for_each(|(x, y)| tool.tilt(x, y));
            rotation.into_iter().for_each(|degrees| tool.rotation(degrees));
            slider.into_iter().for_each(|of| tool.slider((of.clamp(-1.0, 1.0) * 65535.0).round() as i32));
            wheel.into_iter().for_each(|(degrees, steps)| tool.wheel(degrees, steps));
        });
    }

    fn each(&self, tell: impl Fn(&ZwpTabletToolV2)) {
        let objects = self.focus.iter().flat_map(|focus| &focus.objects);
        objects.for_each(tell);
    }

    /// An object is gone.
    pub(super) fn forget(&mut self, object: &ZwpTabletToolV2) {
        self.objects.retain(|known| known != object);
        if let Some(focus) = &mut self.focus {
            focus.objects.retain(|known| known != object);
        }
    }

    /// Its surface is gone: nobody hears of that.
    pub fn surface_went(&mut self) {
        (self.focus, self.is_down, self.place, self.axes) = (None, false, None, Axes::default());
        self.held.clear();
        self.said = false;
    }

    /// Whether its surface is gone.
    pub fn is_lost(&self) -> bool {
        self.focus.as_ref().is_some_and(|focus| !focus.surface.is_alive())
    }
}

const CAPABILITIES: [(Can, Capability); 6] = [
    (Can::TILT, Capability::Tilt),
    (Can::PRESSURE, Capability::Pressure),
    (Can::DISTANCE, Capability::Distance),
    (Can::ROTATION, Capability::Rotation),
    (Can::SLIDER, Capability::Slider),
    (Can::WHEEL, Capability::Wheel),
];

fn type_of(of: TabletToolType) -> Type {
    match of {
        TabletToolType::Eraser => Type::Eraser,
        TabletToolType::Brush => Type::Brush,
        TabletToolType::Pencil => Type::Pencil,
        TabletToolType::Airbrush => Type::Airbrush,
        TabletToolType::Mouse => Type::Mouse,
        TabletToolType::Lens => Type::Lens,
        // The protocol has no word for a totem.
        TabletToolType::Pen | TabletToolType::Totem | TabletToolType::Unknown => Type::Pen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_that_nobody_was_told_of_are_the_newest_and_what_turns_adds_up() {
        let mut axes = Axes { pressure: Some(0.5), wheel: Some((10.0, i32::MAX)), ..Axes::default() };
        axes.add(&Axes { pressure: Some(0.25), tilt: Some((1.0, 2.0)), ..Axes::default() });
        axes.add(&Axes { wheel: Some((5.0, 1)), ..Axes::default() });
        let expected =
            Axes { pressure: Some(0.25), tilt: Some((1.0, 2.0)), wheel: Some((15.0, i32::MAX)), ..Axes::default() };
        assert_eq!(axes, expected);
    }
}
