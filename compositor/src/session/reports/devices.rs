//! Makes the list of input devices. It only reports.

use smithay::backend::input::{Device, DeviceCapability};

use crate::report::devices::DeviceReport;

/// What is told of a device.
pub fn report(device: &impl Device) -> DeviceReport {
    let has = |capability| device.has_capability(capability);
    let kinds = [
        (has(DeviceCapability::Keyboard), "keyboard"),
        (has(DeviceCapability::Pointer) && !has(DeviceCapability::Gesture), "pointer"),
        (has(DeviceCapability::Pointer) && has(DeviceCapability::Gesture), "touchpad"),
        (has(DeviceCapability::Touch), "touch"),
        (has(DeviceCapability::TabletTool), "tablet"),
        (has(DeviceCapability::TabletPad), "tablet-pad"),
        (has(DeviceCapability::Switch), "switch"),
    ];
    // Smithay has the product first.
    let (product, vendor) = device.usb_id().unzip();
    DeviceReport {
        id: device.id(),
        name: device.name(),
        kinds: kinds.into_iter().filter(|(is, _)| *is).map(|(_, kind)| kind.to_owned()).collect(),
        vendor,
        product,
    }
}
