//! Where pads are: with the keyboard.

use wayland_server::{Resource, protocol::wl_surface::WlSurface};

use crate::tablet::{
    make::number_of,
    pad::{Pad, PadAbout, PadDoes},
    state::Tablets,
};

impl Tablets {
    /// A pad has come. It is nowhere until [`Self::pads_follow`].
    pub fn pad_came(&mut self, about: PadAbout) {
        let mut pad = Pad { about, objects: Vec::new(), focus: None };
        self.seats.iter().for_each(|seat| pad.tell(&self.make, seat));
        self.pads.push(pad);
    }

    /// A pad has gone.
    pub fn pad_went(&mut self, id: &str, serial: u32) {
        for mut pad in self.pads.extract_if(.., |pad| pad.about.id == id) {
            pad.leave(serial);
            pad.objects.iter().for_each(|object| object.pad.removed());
        }
    }

    /// Whether there are pads.
    pub fn has_pads(&self) -> bool {
        !self.pads.is_empty()
    }

    /// A pad belongs to this tablet.
    pub fn pair_pad(&mut self, id: &str, tablet: &str) {
        let pad = self.pads.iter_mut().find(|pad| pad.about.id == id);
        pad.into_iter().for_each(|pad| pad.about.tablet = Some(tablet.to_owned()));
    }

    /// The keyboard is on this surface: so are all pads, as far as its client knows their tablets.
    pub fn pads_follow(&mut self, surface: Option<&WlSurface>, serial: u32, time: u32) {
        let mut pads = std::mem::take(&mut self.pads);
        for pad in &mut pads {
            if pad.focus.as_ref() != surface {
                pad.leave(serial);
            }
            let Some(surface) = surface.filter(|surface| surface.is_alive()) else { continue };
            pad.focus = Some(surface.clone());
            let tablet = pad.about.tablet.as_ref().filter(|id| self.has_tablet(id));
            let Some(tablet) = tablet.or(self.tablets.first().map(|first| &first.about.id)) else { continue };
            let client = surface.id();
            for object in pad.objects.iter_mut().filter(|object| !object.entered) {
                if let Some(tablet) = self.tablet_of(tablet, number_of(&object.pad))
                    && object.pad.id().same_client_as(&client)
                {
                    object.pad.enter(serial, &tablet, surface);
                    object.enter(&pad.about, time, serial);
                    object.entered = true;
                }
            }
        }
        self.pads = pads;
    }

    /// All pads are nowhere.
    pub fn pads_leave(&mut self, serial: u32) {
        self.pads.iter_mut().for_each(|pad| pad.leave(serial));
    }

    /// Something happens on a pad.
    pub fn pad_does(&mut self, id: &str, time: u32, does: &PadDoes) {
        let pad = self.pads.iter_mut().find(|pad| pad.about.id == id);
        pad.into_iter().for_each(|pad| pad.does(time, does));
    }
}
