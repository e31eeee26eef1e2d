//! The inventory of a real device: whole, of every type of property, and the same after JSON.

mod lab;

use kms::property::PropertyKind;
use kms::{Device, Inventory, PlaneKind};

#[test]
#[ignore = "lab"]
fn json_and_back_without_loss() {
    let device = Device::open(lab::card("vkms")).expect("vkms opens");
    let inventory = device.inventory().expect("inventory");
    let json = serde_json::to_string(&inventory).expect("to JSON");
    assert_eq!(serde_json::from_str::<Inventory>(&json).expect("from JSON"), inventory);
}

#[test]
#[ignore = "lab"]
fn vkms_is_read_whole() {
    let device = Device::open(lab::card("vkms")).expect("vkms opens");
    let caps = device.caps();
    assert!(caps.modifiers && caps.syncobj_timeline && caps.crtc_in_event && caps.monotonic && caps.writeback);
    let inventory = device.inventory().expect("inventory");
    let kinds = |kind| inventory.planes.iter().filter(|plane| plane.kind == kind).count();
    assert_eq!((kinds(PlaneKind::Primary), kinds(PlaneKind::Overlay), kinds(PlaneKind::Cursor)), (1, 8, 1));
    assert!(inventory.encoders.iter().all(|encoder| encoder.kind == "Virtual"), "{:?}", inventory.encoders);
    assert!(inventory.planes.iter().all(|plane| plane.formats.iter().all(|pair| pair.modifiers == [0])));
    let plane = &inventory.planes[0].props;
    let kind = |name: &str| &plane.get(name).expect(name).kind;
    assert!(matches!(kind("type"), PropertyKind::Enum(values) if values.len() == 3));
    assert!(matches!(kind("rotation"), PropertyKind::Bitmask(values) if values.len() == 6));
    assert!(matches!(kind("IN_FENCE_FD"), PropertyKind::SignedRange { min: -1, .. }));
    assert!(matches!(kind("SRC_W"), PropertyKind::Range { min: 0, .. }));
    assert!(matches!(kind("FB_ID"), PropertyKind::Object(_)) && matches!(kind("IN_FORMATS"), PropertyKind::Blob));
    assert!(plane.get("type").expect("type").immutable && plane.get("FB_ID").expect("FB_ID").atomic);
}
