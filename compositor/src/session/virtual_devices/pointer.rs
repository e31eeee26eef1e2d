//! Virtual pointers (`wlr-virtual-pointer`): remote control, and programs that click.

use protocols::virtual_pointer::{Event, Scroll, Turn, VirtualPointerHandler};
use smithay::{
    backend::input::AxisSource,
    output::Output,
    reexports::wayland_server::protocol::{wl_output::WlOutput, wl_pointer},
    utils::{Logical, Point, Rectangle},
};

use crate::session::{
    Syncline,
    hands::{self, Hands},
};

impl VirtualPointerHandler for Syncline {
    fn virtual_pointer_came(&mut self) {
        self.pointers_changed(1);
    }

    fn virtual_pointer_frame(&mut self, output: Option<&WlOutput>, events: &[Event]) {
        let now = self.now;
        for event in events {
            match *event {
                Event::Motion(x, y) => self.input(Hands::motion(now, x, y)),
                Event::Button(code, pressed) => self.input(Hands::button(now, code, pressed)),
                Event::Scroll(scroll) => self.virtual_scroll(scroll),
                Event::Place { at, of } => {
                    // On a display that is gone there is no place.
                    let Some(area) = self.area_of(output) else { continue };
                    self.note_activity(true);
                    self.put_pointer(place(area.to_f64(), at, of), now / 1000);
                    self.perform_due();
                }
            }
        }
    }

    fn virtual_pointer_went(&mut self, held: &[u32]) {
        self.left_held.buttons.extend(held);
        self.pointers_changed(-1);
    }
}

impl Syncline {
    /// The part of the desktop that a device spans; `None`: its display is gone.
    fn area_of(&self, output: Option<&WlOutput>) -> Option<Rectangle<i32, Logical>> {
        let Some(output) = output else { return Some(self.outputs.bounds()) };
        let wl = Output::from_resource(output)?;
        self.outputs.list.iter().find(|output| output.wl == wl).map(|output| output.screen().area)
    }

    fn virtual_scroll(&mut self, Scroll { source, x, y }: Scroll) {
        let source = match source {
            Some(wl_pointer::AxisSource::Finger) => AxisSource::Finger,
            Some(wl_pointer::AxisSource::Continuous) => AxisSource::Continuous,
            Some(wl_pointer::AxisSource::WheelTilt) => AxisSource::WheelTilt,
            _ => AxisSource::Wheel,
        };
        let turn = |Turn { amount, steps, .. }: Turn| hands::Turn {
            amount: amount.filter(|amount| *amount != 0.0 || steps.is_some()),
            v120: steps.map(|steps| f64::from(steps) * 120.0),
        };
        if x.amount.is_some() || y.amount.is_some() {
            self.input(Hands::turn(self.now, hands::Scroll { source, x: turn(x), y: turn(y) }));
        }
        // An axis may turn and stop in one frame.
        let stop = |turn: Turn| hands::Turn { amount: turn.stopped.then_some(0.0), v120: None };
        if x.stopped || y.stopped {
            self.input(Hands::turn(self.now, hands::Scroll { source, x: stop(x), y: stop(y) }));
        }
    }
}

/// The place in an area that is so many parts of it from the left and the top.
fn place(area: Rectangle<f64, Logical>, at: (u32, u32), of: (u32, u32)) -> Point<f64, Logical> {
    // First the product: what is a whole number of pixels stays one.
    let part = |length: f64, at: u32, of: u32| length * f64::from(at) / f64::from(of);
    area.loc + Point::from((part(area.size.w, at.0, of.0), part(area.size.h, at.1, of.1)))
}
