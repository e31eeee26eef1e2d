//! Pads: buttons, rings and strips beside a tablet. A pad is where the keyboard is.
//!
//! Modes are switched by the device; clients hear of them. What clients say their buttons do (`set_feedback`) is
//! shown nowhere.

use wayland_protocols::wp::tablet::zv2::server::{
    zwp_tablet_pad_group_v2::ZwpTabletPadGroupV2,
    zwp_tablet_pad_ring_v2::{self, ZwpTabletPadRingV2},
    zwp_tablet_pad_strip_v2::{self, ZwpTabletPadStripV2},
    zwp_tablet_pad_v2::{ButtonState, ZwpTabletPadV2},
};
use wayland_server::{Resource, backend::ObjectId, protocol::wl_surface::WlSurface};

use crate::tablet::make::{Make, Member, Seat};

/// A pad, as its clients hear of it.
#[derive(Debug, Clone, Default)]
pub struct PadAbout {
    /// The id of the device: no other device that is there has it.
    pub id: String,
    /// The id of the tablet that it belongs to. Without one it goes with the first.
    pub tablet: Option<String>,
    /// Its folder in sysfs.
    pub path: Option<String>,
    /// The number of its buttons.
    pub buttons: u32,
    /// What changes its mode together.
    pub groups: Vec<GroupAbout>,
}

/// What changes its mode together, by numbers within the pad.
#[derive(Debug, Clone, Default)]
pub struct GroupAbout {
    /// Buttons.
    pub buttons: Vec<u32>,
    /// Rings.
    pub rings: Vec<u32>,
    /// Strips.
    pub strips: Vec<u32>,
    /// The number of its modes.
    pub modes: u32,
    /// The one that it is in, from 0.
    pub mode: u32,
}

/// What happens on a pad, by numbers within it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadDoes {
    /// A button is pressed or released.
    Button {
        /// Which.
        number: u32,
        /// Whether it is pressed.
        pressed: bool,
    },
    /// Something is on a ring at so many degrees; `None`: it was lifted.
    Ring {
        /// Which.
        number: u32,
        /// Clockwise from the top.
        degrees: Option<f64>,
        /// It is a finger.
        finger: bool,
    },
    /// Something is on a strip at this part of its length; `None`: it was lifted.
    Strip {
        /// Which.
        number: u32,
        /// 0 to 1.
        part: Option<f64>,
        /// It is a finger.
        finger: bool,
    },
    /// A group is in another mode.
    Mode {
        /// Which.
        group: u32,
        /// From 0.
        mode: u32,
        /// Of the event.
        serial: u32,
    },
}

/// What one tablet seat has of a pad.
#[derive(Debug)]
pub(super) struct PadObject {
    pub(super) pad: ZwpTabletPadV2,
    groups: Vec<ZwpTabletPadGroupV2>,
    rings: Vec<(u32, ZwpTabletPadRingV2)>,
    strips: Vec<(u32, ZwpTabletPadStripV2)>,
    /// It was told that the pad is on the surface of the focus.
    pub(super) entered: bool,
}

/// A pad and its objects.
#[derive(Debug)]
pub(super) struct Pad {
    pub(super) about: PadAbout,
    pub(super) objects: Vec<PadObject>,
    pub(super) focus: Option<WlSurface>,
}

impl Pad {
    pub(super) fn tell(&mut self, make: &Make, seat: &Seat) {
        let (display, data) = (&make.display, || Member { seat: seat.number });
        let Some(pad) = (make.pad)(display, &seat.object, data()) else { return };
        seat.object.pad_added(&pad);
        let mut object = PadObject { pad, groups: Vec::new(), rings: Vec::new(), strips: Vec::new(), entered: false };
        if let Some(path) = &self.about.path {
            object.pad.path(path.clone());
        }
        if self.about.buttons > 0 {
            object.pad.buttons(self.about.buttons);
        }
        for about in &self.about.groups {
            let Some(group) = (make.group)(display, &seat.object, data()) else { return };
            object.pad.group(&group);
            group.buttons(about.buttons.iter().flat_map(|button| button.to_ne_bytes()).collect());
            for number in &about.rings {
                let Some(ring) = (make.ring)(display, &seat.object, data()) else { return };
                group.ring(&ring);
                object.rings.push((*number, ring));
            }
            for number in &about.strips {
                let Some(strip) = (make.strip)(display, &seat.object, data()) else { return };
                group.strip(&strip);
                object.strips.push((*number, strip));
            }
            group.modes(about.modes);
            group.done();
            object.groups.push(group);
        }
        object.pad.done();
        self.objects.push(object);
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ObjectId> {
        self.objects.iter().map(|object| object.pad.id())
    }

    pub(super) fn forget(&mut self, pad: &ZwpTabletPadV2) {
        self.objects.retain(|object| object.pad != *pad);
    }

    pub(super) fn leave(&mut self, serial: u32) {
        let Some(surface) = self.focus.take() else { return };
        for object in &mut self.objects {
            // A surface that is gone cannot be named.
            if std::mem::take(&mut object.entered) && surface.is_alive() {
                object.pad.leave(serial, &surface);
            }
        }
    }

    pub(super) fn does(&mut self, time: u32, does: &PadDoes) {
        if let PadDoes::Mode { group, mode, .. } = *does
            && let Some(group) = self.about.groups.get_mut(group as usize)
        {
            group.mode = mode;
        }
        self.objects.iter().filter(|object| object.entered).for_each(|object| object.does(time, does));
    }
}

impl PadObject {
    pub(super) fn enter(&self, about: &PadAbout, time: u32, serial: u32) {
        for (group, about) in self.groups.iter().zip(&about.groups) {
            group.mode_switch(time, serial, about.mode);
        }
    }

    fn does(&self, time: u32, does: &PadDoes) {
        match *does {
            PadDoes::Button { number, pressed } => {
                let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
                self.pad.button(time, number, state);
            }
            PadDoes::Ring { number, degrees, finger } => {
                let Some((_, ring)) = self.rings.iter().find(|(known, _)| *known == number) else { return };
                if finger {
                    ring.source(zwp_tablet_pad_ring_v2::Source::Finger);
                }
                match degrees {
                    Some(degrees) => ring.angle(degrees),
                    None => ring.stop(),
                }
                ring.frame(time);
            }
            PadDoes::Strip { number, part, finger } => {
                let Some((_, strip)) = self.strips.iter().find(|(known, _)| *known == number) else { return };
                if finger {
                    strip.source(zwp_tablet_pad_strip_v2::Source::Finger);
                }
                match part {
                    Some(part) => strip.position((part.clamp(0.0, 1.0) * 65535.0).round() as u32),
                    None => strip.stop(),
                }
                strip.frame(time);
            }
            PadDoes::Mode { group, mode, serial } => {
                if let Some(group) = self.groups.get(group as usize) {
                    group.mode_switch(time, serial, mode);
                }
            }
        }
    }
}
