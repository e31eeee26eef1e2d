//! Tablets, and what clients hear of them: their name, their numbers and their path.

use wayland_protocols::wp::tablet::zv2::server::zwp_tablet_v2::ZwpTabletV2;

use crate::tablet::make::{Make, Member, Seat};

/// A tablet, as its clients hear of it.
#[derive(Debug, Clone)]
pub struct TabletAbout {
    /// The id of the device: no other device that is there has it.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// The numbers of vendor and product.
    pub numbers: Option<(u32, u32)>,
    /// Its folder in sysfs.
    pub path: Option<String>,
}

/// A tablet and its objects.
#[derive(Debug)]
pub(super) struct Tablet {
    pub(super) about: TabletAbout,
    pub(super) objects: Vec<ZwpTabletV2>,
}

impl Tablet {
    pub(super) fn tell(&mut self, make: &Make, seat: &Seat) {
        let Some(object) = (make.tablet)(&make.display, &seat.object, Member { seat: seat.number }) else { return };
        seat.object.tablet_added(&object);
        object.name(self.about.name.clone());
        if let Some((vendor, product)) = self.about.numbers {
            object.id(vendor, product);
        }
        if let Some(path) = &self.about.path {
            object.path(path.clone());
        }
        object.done();
        self.objects.push(object);
    }
}
