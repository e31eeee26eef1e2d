//! `wp_cursor_shape_manager_v1.get_tablet_tool_v2`: images of the theme for tools.
//!
//! What is for the pointer, Smithay answers. Its own device for tools knows only tools of its own.

use protocols::ObjectObserver;
use smithay::{
    input::pointer::{CursorIcon, CursorImageStatus},
    wayland::cursor_shape::CursorShapeManagerState,
};
use wayland_protocols::wp::{
    cursor_shape::v1::server::{
        wp_cursor_shape_device_v1::{self as device, WpCursorShapeDeviceV1},
        wp_cursor_shape_manager_v1::{self as manager, WpCursorShapeManagerV1},
    },
    tablet::zv2::server::zwp_tablet_tool_v2::ZwpTabletToolV2,
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, Weak, backend::ClientId};

use crate::session::{Syncline, checks::cursor_shape::is_known};

/// The shapes in the order of their numbers, from 1.
const ICONS: [CursorIcon; 36] = {
    use CursorIcon::{
        Alias, AllResize, AllScroll, Cell, ColResize, ContextMenu, Copy, Crosshair, Default, DndAsk, EResize, EwResize,
        Grab, Grabbing, Help, Move, NResize, NeResize, NeswResize, NoDrop, NotAllowed, NsResize, NwResize, NwseResize,
        Pointer, Progress, RowResize, SResize, SeResize, SwResize, Text, VerticalText, WResize, Wait, ZoomIn, ZoomOut,
    };
    [
        Default,
        ContextMenu,
        Help,
        Pointer,
        Progress,
        Wait,
        Cell,
        Crosshair,
        Text,
        VerticalText,
        Alias,
        Copy,
        Move,
        NoDrop,
        NotAllowed,
        Grab,
        Grabbing,
        EResize,
        NResize,
        NeResize,
        NwResize,
        SResize,
        SeResize,
        SwResize,
        WResize,
        EwResize,
        NsResize,
        NeswResize,
        NwseResize,
        ColResize,
        RowResize,
        AllScroll,
        ZoomIn,
        ZoomOut,
        DndAsk,
        AllResize,
    ]
};

/// User data of a `wp_cursor_shape_device_v1` for a tool.
#[derive(Debug)]
pub struct OfTool(Weak<ZwpTabletToolV2>);

impl Dispatch<WpCursorShapeManagerV1, ()> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        manager: &WpCursorShapeManagerV1,
        request: manager::Request,
        data: &(),
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, WpCursorShapeManagerV1::interface(), request.opcode());
        match request {
            manager::Request::GetTabletToolV2 { cursor_shape_device, tablet_tool } => {
                data_init.init(cursor_shape_device, OfTool(tablet_tool.downgrade()));
            }
            request => {
                <CursorShapeManagerState as Dispatch<_, _, Self>>::request(
                    state, client, manager, request, data, display, data_init,
                );
            }
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, manager: &WpCursorShapeManagerV1, _: &()) {
        state.note_destroyed(&client, &manager.id());
    }
}

impl Dispatch<WpCursorShapeDeviceV1, OfTool> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        device: &WpCursorShapeDeviceV1,
        request: device::Request,
        OfTool(tool): &OfTool,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, WpCursorShapeDeviceV1::interface(), request.opcode());
        if !is_known(device, &request) {
            return;
        }
        let device::Request::SetShape { serial, shape } = request else { return };
        let icon = ICONS.get((u32::from(shape) as usize).wrapping_sub(1));
        let tool = tool.upgrade().ok().and_then(|tool| state.globals.tablets.tool_of(&tool, serial));
        if let (Some(tool), Some(icon)) = (tool, icon) {
            protocols::tablet::TabletHandler::tool_image(state, tool, CursorImageStatus::Named(*icon));
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, device: &WpCursorShapeDeviceV1, _: &OfTool) {
        state.note_destroyed(&client, &device.id());
    }
}

#[cfg(test)]
mod tests {
    use wayland_protocols::wp::cursor_shape::v1::server::wp_cursor_shape_device_v1::Shape;

    use super::*;

    #[test]
    fn each_shape_is_the_icon_of_its_name() {
        for (at, icon) in ICONS.iter().enumerate() {
            let shape = Shape::try_from(at as u32 + 1).expect("a shape");
            let name = format!("{shape:?}");
            let mut words = String::new();
            for letter in name.chars() {
                if letter.is_uppercase() && !words.is_empty() {
                    words.push('-');
                }
                words.extend(letter.to_lowercase());
            }
            assert_eq!(icon.name(), words);
        }
        assert!(Shape::try_from(ICONS.len() as u32 + 1).is_err());
    }
}
