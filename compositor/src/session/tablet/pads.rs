//! Pads: they follow the keyboard, and what is pressed on them goes there.

use protocols::tablet::{GroupAbout, PadAbout, PadDoes};
use smithay::{
    reexports::{
        input::{
            Device, DeviceCapability,
            event::{
                EventTrait,
                pointer::ButtonState,
                tablet_pad::{RingAxisSource, StripAxisSource, TabletPadEvent, TabletPadEventTrait},
            },
        },
        wayland_server::protocol::wl_surface::WlSurface,
    },
    utils::SERIAL_COUNTER,
};

use crate::session::Syncline;

/// The most buttons of a pad, and the most rings and strips of a group. The kernel knows fewer.
const BUTTONS: i32 = 128;
const RINGS: i32 = 8;

/// What is told of a pad.
fn about(device: &Device) -> PadAbout {
    let count = |count: i32, most: i32| 0..count.clamp(0, most) as u32;
    let buttons = count(device.tablet_pad_number_of_buttons(), BUTTONS);
    let rings = count(device.tablet_pad_number_of_rings(), RINGS);
    let strips = count(device.tablet_pad_number_of_strips(), RINGS);
    let groups = count(device.tablet_pad_number_of_mode_groups(), RINGS);
    let groups = groups.filter_map(|number| device.tablet_pad_mode_group(number)).map(|group| GroupAbout {
        buttons: buttons.clone().filter(|number| group.has_button(*number)).collect(),
        rings: rings.clone().filter(|number| group.has_ring(*number)).collect(),
        strips: strips.clone().filter(|number| group.has_strip(*number)).collect(),
        modes: group.number_of_modes(),
        mode: group.mode(),
    });
    let path = smithay::backend::input::Device::syspath(device).map(|path| path.to_string_lossy().into_owned());
    PadAbout { id: device.sysname().to_owned(), tablet: None, path, buttons: buttons.end, groups: groups.collect() }
}

impl Syncline {
    /// A device of libinput is a pad.
    pub(in crate::session) fn libinput_pad_came(&mut self, device: &Device) {
        self.pad_came(about(device));
        self.pair_pads();
    }

    pub(in crate::session) fn pad_came(&mut self, about: PadAbout) {
        self.globals.tablets.pad_came(about);
        let focus = self.keys.focus.clone();
        self.pads_follow(focus.as_ref());
    }

    pub(in crate::session) fn pad_went(&mut self, id: &str) {
        self.globals.tablets.pad_went(id, SERIAL_COUNTER.next_serial().into());
    }

    /// Says of each pad of libinput which tablet it is a part of.
    pub(super) fn pair_pads(&mut self) {
        let devices = &self.inputs.devices;
        for pad in devices.iter().filter(|device| device.has_capability(DeviceCapability::TabletPad)) {
            let is_its = |device: &&Device| {
                device.has_capability(DeviceCapability::TabletTool) && device.device_group() == pad.device_group()
            };
            if let Some(tablet) = devices.iter().find(is_its) {
                self.globals.tablets.pair_pad(pad.sysname(), tablet.sysname());
            }
        }
    }

    /// The keyboard is there now.
    pub(in crate::session) fn pads_follow(&mut self, focus: Option<&WlSurface>) {
        if self.globals.tablets.has_pads() {
            let (serial, time) = (SERIAL_COUNTER.next_serial().into(), self.millis());
            self.globals.tablets.pads_follow(focus, serial, time);
        }
    }

    /// A tablet has come or gone: a pad may go with another one.
    pub(super) fn pads_anew(&mut self) {
        self.globals.tablets.pads_leave(SERIAL_COUNTER.next_serial().into());
        let focus = self.keys.focus.clone();
        self.pads_follow(focus.as_ref());
    }

    /// Something happens on a pad.
    pub(in crate::session) fn pad(&mut self, id: &str, time: u32, does: &PadDoes) {
        self.note_activity(true);
        self.tell_held_motion();
        self.globals.tablets.pad_does(id, time, does);
    }

    /// The same, as libinput says it.
    pub(in crate::session) fn libinput_pad(&mut self, event: &TabletPadEvent) {
        let device = event.device();
        let (id, time) = (device.sysname(), event.time());
        let does = match event {
            TabletPadEvent::Button(event) => {
                let (number, pressed) = (event.button_number(), event.button_state() == ButtonState::Pressed);
                let group = event.mode_group();
                if pressed && group.button_is_toggle(number) {
                    let serial = SERIAL_COUNTER.next_serial().into();
                    let (group, mode) = (group.index(), TabletPadEventTrait::mode(event));
                    self.pad(id, time, &PadDoes::Mode { group, mode, serial });
                }
                PadDoes::Button { number, pressed }
            }
            TabletPadEvent::Ring(event) => {
                let finger = event.source() == RingAxisSource::Finger;
                let degrees = Some(event.position()).filter(|degrees| *degrees >= 0.0);
                PadDoes::Ring { number: event.number(), degrees, finger }
            }
            TabletPadEvent::Strip(event) => {
                let finger = event.source() == StripAxisSource::Finger;
                let part = Some(event.position()).filter(|part| *part >= 0.0);
                PadDoes::Strip { number: event.number(), part, finger }
            }
            _ => return,
        };
        self.pad(id, time, &does);
    }
}
