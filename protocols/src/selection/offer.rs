//! What another client may take: offers of selections and of drags.
//!
//! An offer of a selection is of no use any more once its device was told another one. Nothing here passes data on;
//! `told.rs` does.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use wayland_protocols::{
    ext::data_control::v1::server::ext_data_control_offer_v1::ExtDataControlOfferV1,
    wp::primary_selection::zv1::server::zwp_primary_selection_offer_v1::ZwpPrimarySelectionOfferV1,
};
use wayland_protocols_wlr::data_control::v1::server::zwlr_data_control_offer_v1::ZwlrDataControlOfferV1;
use wayland_server::{Dispatch, protocol::wl_data_offer::WlDataOffer};

use crate::selection::{
    dragged::Dragged,
    source::{Source, Use},
};

/// The states that answer the requests of offers.
pub trait AnswersOffers:
    Dispatch<WlDataOffer, OfferData>
    + Dispatch<ZwpPrimarySelectionOfferV1, OfferData>
    + Dispatch<ExtDataControlOfferV1, OfferData>
    + Dispatch<ZwlrDataControlOfferV1, OfferData>
    + 'static
{
}

impl<D> AnswersOffers for D where
    D: Dispatch<WlDataOffer, OfferData>
        + Dispatch<ZwpPrimarySelectionOfferV1, OfferData>
        + Dispatch<ExtDataControlOfferV1, OfferData>
        + Dispatch<ZwlrDataControlOfferV1, OfferData>
        + 'static
{
}

/// User data of an offer of any of the protocols.
#[derive(Debug)]
pub struct OfferData(pub(super) Offer);

/// What is offered.
#[derive(Debug)]
pub(super) enum Offer {
    Selection {
        source: Source,
        /// The device was told another one.
        replaced: Arc<AtomicBool>,
    },
    Drag(Arc<Dragged>),
}

impl OfferData {
    pub(super) fn of_selection(source: &Source, replaced: &Arc<AtomicBool>) -> Self {
        Self(Offer::Selection { source: source.clone(), replaced: replaced.clone() })
    }

    /// The source, while it may be asked.
    pub(super) fn source(&self) -> Option<Source> {
        let (source, wanted) = match &self.0 {
            Offer::Selection { replaced, .. } if replaced.load(Ordering::Relaxed) => return None,
            Offer::Selection { source, .. } => (source.clone(), Use::Selected),
            Offer::Drag(dragged) if !dragged.may_be_asked() => return None,
            Offer::Drag(dragged) => (Source::Data(dragged.source.clone()), Use::Dragged),
        };
        let is_used = source.data().is_some_and(|data| data.get().used == wanted);
        Some(source).filter(|source| is_used && source.is_alive())
    }

    /// Whether it may still be taken.
    pub(super) fn may_be_asked(&self) -> bool {
        self.source().is_some()
    }
}
