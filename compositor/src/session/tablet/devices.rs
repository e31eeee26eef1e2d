//! Tablets that come and go.

use protocols::tablet::TabletAbout;
use smithay::backend::input::Device;

use crate::session::Syncline;

impl Syncline {
    /// A device with a tablet has come.
    pub(in crate::session) fn tablet_came(&mut self, device: &impl Device) {
        // Smithay has the product first.
        let numbers = device.usb_id().map(|(product, vendor)| (vendor, product));
        let path = device.syspath().map(|path| path.to_string_lossy().into_owned());
        self.globals.tablets.tablet_came(TabletAbout { id: device.id(), name: device.name(), numbers, path });
        self.pointers_changed(1);
        self.pair_pads();
        self.pads_anew();
    }

    /// It has gone.
    pub(in crate::session) fn tablet_went(&mut self, device: &impl Device) {
        let id = device.id();
        self.pens_leave_tablet(&id);
        self.globals.tablets.tablet_went(&id);
        self.pointers_changed(-1);
        self.pads_anew();
    }
}
