//! `wp_cursor_shape_device_v1`.
//!
//! It changes no image.

use smithay::wayland::cursor_shape::{CursorShapeDeviceUserData, CursorShapeManagerState};
use wayland_protocols::wp::cursor_shape::v1::server::wp_cursor_shape_device_v1::{
    Error, Request, Shape, WpCursorShapeDeviceV1,
};
use wayland_server::{Resource, WEnum};

use crate::session::{
    Syncline,
    checks::door::{checked, refuse},
};

checked!(WpCursorShapeDeviceV1, CursorShapeDeviceUserData<Syncline>, CursorShapeManagerState, shape_request);

fn shape_request(_: &mut Syncline, device: &WpCursorShapeDeviceV1, request: &Request) -> bool {
    is_known(device, request)
}

/// Whether a request names no shape, or one that there is.
pub fn is_known(device: &WpCursorShapeDeviceV1, request: &Request) -> bool {
    let Request::SetShape { shape, .. } = request else { return true };
    let known = match shape {
        WEnum::Value(Shape::DndAsk | Shape::AllResize) => device.version() >= 2,
        WEnum::Value(_) => true,
        WEnum::Unknown(_) => false,
    };
    known || {
        let message = format!("set_shape: {} is no shape of version {}", u32::from(*shape), device.version());
        refuse(device, Error::InvalidShape, message)
    }
}
