//! The input devices that the session has to know again: to tell libinput other settings, and on which display
//! one lies.

use smithay::reexports::input::Device;

/// The devices of libinput, and which of all devices lie on a certain display.
#[derive(Debug, Default)]
pub struct Inputs {
    pub devices: Vec<Device>,
    /// The id of a device, and the connector.
    pub placed: Vec<(String, String)>,
}

impl Inputs {
    /// A device has gone, which had this id.
    pub fn forget(&mut self, id: &str) {
        self.placed.retain(|(of, _)| of != id);
    }
}
