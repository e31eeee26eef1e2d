//! Selections: the clipboard and the primary selection, by `wl_data_device`, `primary-selection-unstable-v1` and
//! data control (`ext-data-control-v1` and `wlr-data-control-unstable-v1`), and drags with `wl_data_device`.
//!
//! | file | what |
//! | --- | --- |
//! | `source.rs` | what a client has to give |
//! | `device.rs` | what hears of selections |
//! | `offer.rs` | what others may take |
//! | `state.rs` | what is selected, and what each device knows |
//! | `told.rs` | who is told, and how data is passed on |
//! | `dragged.rs` | what is dragged, and what was agreed on |
//! | `drag.rs` | a drag: what it is over, and how it ends |
//! | `toplevel_drag.rs` | a window that a drag takes along |
//! | `data_device.rs`, `primary.rs`, `control.rs` | the requests of each protocol |
//! | `handler.rs` | what the compositor does for them |
//!
//! All protocols see one clipboard and one primary selection. The compositor says who has the keyboard, and
//! where the pointer or the finger of a drag is. Nothing here reads or writes data, keeps a descriptor, or knows
//! an output. (Smithay's module keeps devices of clients that are gone, and a dead source's selection until
//! somebody asks.)
//!
//! Sources: `wayland.xml`, `wayland-protocols/unstable/primary-selection`,
//! `wayland-protocols/staging/ext-data-control`, `wlr-protocols/unstable/wlr-data-control-unstable-v1.xml`.

mod control;
mod data_device;
mod device;
pub mod drag;
mod dragged;
mod handler;
mod offer;
mod primary;
mod source;
mod state;
mod told;
mod toplevel_drag;

use wayland_protocols::{
    ext::data_control::v1::server::ext_data_control_manager_v1::ExtDataControlManagerV1,
    wp::primary_selection::zv1::server::zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
};
use wayland_protocols_wlr::data_control::v1::server::zwlr_data_control_manager_v1::ZwlrDataControlManagerV1;
use wayland_server::{DisplayHandle, GlobalDispatch, protocol::wl_data_device_manager::WlDataDeviceManager};

pub use self::{
    handler::SelectionHandler,
    offer::OfferData,
    source::SourceData,
    state::{OFFERS, Selections},
    told::{set_focus, tell_late},
    toplevel_drag::{ToplevelDragData, ToplevelDragHandler},
};
use crate::{SeenBy, surface_object::bind_manager};

impl Selections {
    /// Announces the globals for as long as the display lives: data control to those that may see it; without
    /// `has_primary` there is no primary selection.
    pub fn new<D>(display: &DisplayHandle, has_primary: bool, ext: SeenBy, wlr: SeenBy) -> Self
    where
        D: SelectionHandler
            + GlobalDispatch<WlDataDeviceManager, ()>
            + GlobalDispatch<ZwpPrimarySelectionDeviceManagerV1, ()>
            + GlobalDispatch<ExtDataControlManagerV1, SeenBy>
            + GlobalDispatch<ZwlrDataControlManagerV1, SeenBy>,
    {
        display.create_global::<D, WlDataDeviceManager, ()>(3, ());
        if has_primary {
            display.create_global::<D, ZwpPrimarySelectionDeviceManagerV1, ()>(1, ());
        }
        display.create_global::<D, ExtDataControlManagerV1, SeenBy>(1, ext);
        display.create_global::<D, ZwlrDataControlManagerV1, SeenBy>(2, wlr);
        Self::empty(display.clone(), has_primary)
    }
}

bind_manager!(Selections, WlDataDeviceManager);
bind_manager!(Selections, ZwpPrimarySelectionDeviceManagerV1);
bind_manager!(Selections, ExtDataControlManagerV1, SeenBy);
bind_manager!(Selections, ZwlrDataControlManagerV1, SeenBy);

/// Implements the protocols' dispatch for the compositor's state type, which implements
/// [`selection::SelectionHandler`](crate::selection::SelectionHandler).
#[macro_export]
macro_rules! delegate_selection {
    ($ty:ty) => {
        $crate::delegate_selection!(@ $ty, $crate::reexports::data_device::manager::WlDataDeviceManager, (),
            $crate::reexports::data_device::device::WlDataDevice,
            $crate::reexports::data_device::source::WlDataSource,
            $crate::reexports::data_device::offer::WlDataOffer);
        $crate::delegate_selection!(@ $ty,
            $crate::reexports::primary_selection::manager::ZwpPrimarySelectionDeviceManagerV1, (),
            $crate::reexports::primary_selection::device::ZwpPrimarySelectionDeviceV1,
            $crate::reexports::primary_selection::source::ZwpPrimarySelectionSourceV1,
            $crate::reexports::primary_selection::offer::ZwpPrimarySelectionOfferV1);
        $crate::delegate_selection!(@ $ty,
            $crate::reexports::ext_data_control::manager::ExtDataControlManagerV1, $crate::SeenBy,
            $crate::reexports::ext_data_control::device::ExtDataControlDeviceV1,
            $crate::reexports::ext_data_control::source::ExtDataControlSourceV1,
            $crate::reexports::ext_data_control::offer::ExtDataControlOfferV1);
        $crate::delegate_selection!(@ $ty,
            $crate::reexports::wlr_data_control::manager::ZwlrDataControlManagerV1, $crate::SeenBy,
            $crate::reexports::wlr_data_control::device::ZwlrDataControlDeviceV1,
            $crate::reexports::wlr_data_control::source::ZwlrDataControlSourceV1,
            $crate::reexports::wlr_data_control::offer::ZwlrDataControlOfferV1);
    };
    (@ $ty:ty, $manager:ty, $global:ty, $device:ty, $source:ty, $offer:ty) => {
        $crate::observed_global_dispatch!($ty: [$manager: $global] => $crate::selection::Selections);
        $crate::observed_dispatch!($ty: [$manager: ()] => $crate::selection::Selections);
        $crate::observed_dispatch!($ty: [$device: ()] => $crate::selection::Selections);
        $crate::observed_dispatch!($ty: [$source: $crate::selection::SourceData] => $crate::selection::Selections);
        $crate::observed_dispatch!($ty: [$offer: $crate::selection::OfferData] => $crate::selection::Selections);
    };
}
