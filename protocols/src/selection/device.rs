//! Devices: what hears of selections.
//!
//! ```text
//!  data_offer ─→ a new offer: its types ─→ selection, of that offer      without a source: selection, of nothing
//! ```
//!
//! Nothing here decides which device is to hear what; `told.rs` does.

use std::sync::{Arc, atomic::AtomicBool};

use wayland_protocols::{
    ext::data_control::v1::server::{
        ext_data_control_device_v1::ExtDataControlDeviceV1, ext_data_control_offer_v1::ExtDataControlOfferV1,
    },
    wp::primary_selection::zv1::server::{
        zwp_primary_selection_device_v1::ZwpPrimarySelectionDeviceV1,
        zwp_primary_selection_offer_v1::ZwpPrimarySelectionOfferV1,
    },
};
use wayland_protocols_wlr::data_control::v1::server::{
    zwlr_data_control_device_v1::{EVT_PRIMARY_SELECTION_SINCE, ZwlrDataControlDeviceV1},
    zwlr_data_control_offer_v1::ZwlrDataControlOfferV1,
};
use wayland_server::{
    Client, DisplayHandle, Resource,
    protocol::{wl_data_device::WlDataDevice, wl_data_offer::WlDataOffer},
};

use crate::selection::{
    offer::{AnswersOffers, OfferData},
    source::Source,
};

/// Which selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// What was copied.
    Clipboard,
    /// What is marked.
    Primary,
}

impl Target {
    pub(super) const ALL: [Self; 2] = [Self::Clipboard, Self::Primary];
}

/// A device, of whichever protocol.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Device {
    Data(WlDataDevice),
    Primary(ZwpPrimarySelectionDeviceV1),
    Ext(ExtDataControlDeviceV1),
    Wlr(ZwlrDataControlDeviceV1),
}

impl Device {
    pub(super) fn client(&self) -> Option<Client> {
        match self {
            Self::Data(device) => device.client(),
            Self::Primary(device) => device.client(),
            Self::Ext(device) => device.client(),
            Self::Wlr(device) => device.client(),
        }
    }

    /// Whether it hears of this selection.
    pub(super) fn hears(&self, target: Target) -> bool {
        match (self, target) {
            (Self::Data(_), Target::Primary) | (Self::Primary(_), Target::Clipboard) => false,
            (Self::Wlr(device), Target::Primary) => device.version() >= EVT_PRIMARY_SELECTION_SINCE,
            _ => true,
        }
    }

    /// Whether it hears of selections whoever has the keyboard.
    pub(super) fn is_control(&self) -> bool {
        matches!(self, Self::Ext(_) | Self::Wlr(_))
    }

    /// Tells it what is selected: a source, of which the mark says later that it was replaced, or nothing.
    /// Returns whether there is an offer of it.
    pub(super) fn tell<D: AnswersOffers>(
        &self,
        display: &DisplayHandle,
        client: &Client,
        target: Target,
        source: Option<(&Source, &Arc<AtomicBool>)>,
    ) -> bool {
        macro_rules! tell {
            ($device:expr, $offer:ty, $event:ident) => {{
                let made = source.and_then(|(source, replaced)| {
                    let data = OfferData::of_selection(source, replaced);
                    let made = client.create_resource::<$offer, _, D>(display, $device.version(), data);
                    Some((made.ok()?, source.data()?))
                });
                if let Some((offer, of)) = &made {
                    $device.data_offer(offer);
                    of.get().types.iter().for_each(|name| offer.offer(name.to_string()));
                }
                $device.$event(made.as_ref().map(|(offer, _)| offer));
                made.is_some()
            }};
        }
        match (self, target) {
            (Self::Data(device), _) => tell!(device, WlDataOffer, selection),
            (Self::Primary(device), _) => tell!(device, ZwpPrimarySelectionOfferV1, selection),
            (Self::Ext(device), Target::Clipboard) => tell!(device, ExtDataControlOfferV1, selection),
            (Self::Ext(device), Target::Primary) => tell!(device, ExtDataControlOfferV1, primary_selection),
            (Self::Wlr(device), Target::Clipboard) => tell!(device, ZwlrDataControlOfferV1, selection),
            (Self::Wlr(device), Target::Primary) => tell!(device, ZwlrDataControlOfferV1, primary_selection),
        }
    }
}
