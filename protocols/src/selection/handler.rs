//! What the protocols need from the compositor's state. Nothing here does anything.

use wayland_protocols::{
    ext::data_control::v1::server::{
        ext_data_control_device_v1::ExtDataControlDeviceV1, ext_data_control_source_v1::ExtDataControlSourceV1,
    },
    wp::primary_selection::zv1::server::{
        zwp_primary_selection_device_v1::ZwpPrimarySelectionDeviceV1,
        zwp_primary_selection_source_v1::ZwpPrimarySelectionSourceV1,
    },
};
use wayland_protocols_wlr::data_control::v1::server::{
    zwlr_data_control_device_v1::ZwlrDataControlDeviceV1, zwlr_data_control_source_v1::ZwlrDataControlSourceV1,
};
use wayland_server::{
    Client, Dispatch,
    backend::ClientId,
    protocol::{wl_data_device::WlDataDevice, wl_data_source::WlDataSource, wl_surface::WlSurface},
};

use crate::selection::{offer::AnswersOffers, source::SourceData, state::Selections};

/// What the protocols need from the compositor's state.
pub trait SelectionHandler:
    Dispatch<WlDataDevice, ()>
    + Dispatch<WlDataSource, SourceData>
    + Dispatch<ZwpPrimarySelectionDeviceV1, ()>
    + Dispatch<ZwpPrimarySelectionSourceV1, SourceData>
    + Dispatch<ExtDataControlDeviceV1, ()>
    + Dispatch<ExtDataControlSourceV1, SourceData>
    + Dispatch<ZwlrDataControlDeviceV1, ()>
    + Dispatch<ZwlrDataControlSourceV1, SourceData>
    + AnswersOffers
    + 'static
{
    /// The state of the protocols.
    fn selections(&mut self) -> &mut Selections;

    /// Whether a client has read, as far as is known, so that its socket has room. One that has not is told
    /// later: the compositor calls [`tell_late`](crate::selection::tell_late).
    fn reads(&self, client: &Client) -> bool;

    /// Sends a client now what it was told.
    fn send_now(&mut self, client: &Client);

    /// Whether a client may change what is selected.
    fn may_select(&self, client: &Client) -> bool;

    /// A client wants to begin a drag with a press that has this serial. Returns whether it does: then the
    /// compositor says where it is and how it ends, by the functions of [`drag`](crate::selection::drag).
    fn begin_drag(&mut self, client: &Client, icon: Option<&WlSurface>, serial: u32) -> bool;

    /// The drag is over, because its source is gone.
    fn drag_over(&mut self);

    /// Names of types are kept for a client, which count so many bytes.
    fn note_mime_types(&mut self, client: &Client, bytes: u32);

    /// They are not kept any more.
    fn note_mime_types_gone(&mut self, client: &ClientId, bytes: u32);
}
