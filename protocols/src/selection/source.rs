//! What a client has to give: the types of the data, and what it was used for.
//!
//! A source of any protocol is used once, as a selection or for a drag. The data itself goes from its client
//! to another one through the other's descriptor; nothing here reads or writes it, or keeps the descriptor.

use std::{
    collections::HashSet,
    os::fd::BorrowedFd,
    sync::{Arc, Mutex, MutexGuard},
};

use wayland_protocols::{
    ext::data_control::v1::server::ext_data_control_source_v1::ExtDataControlSourceV1,
    wp::primary_selection::zv1::server::zwp_primary_selection_source_v1::ZwpPrimarySelectionSourceV1,
};
use wayland_protocols_wlr::data_control::v1::server::zwlr_data_control_source_v1::ZwlrDataControlSourceV1;
use wayland_server::{
    Client, Resource,
    protocol::{wl_data_device_manager::DndAction, wl_data_source::WlDataSource},
};

/// What the name of a type counts beside its bytes.
const PER_TYPE: usize = 16;

/// What a source is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Use {
    /// For nothing yet.
    #[default]
    New,
    /// It is a selection.
    Selected,
    /// A drag has begun with it.
    Dragged,
    /// Its client was told that it is cancelled, or that its drop is finished.
    Over,
}

/// User data of a source of any of the protocols.
#[derive(Debug, Default)]
pub struct SourceData(Mutex<Offered>);

/// What a source offers.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// In the order in which the client named them, each once.
    pub types: Vec<Arc<str>>,
    known: HashSet<Arc<str>>,
    /// As its client was charged for them.
    pub bytes: u32,
    /// Set once, for drags.
    pub actions: Option<DndAction>,
    /// A drag with it takes a window along.
    pub takes_window: bool,
    pub used: Use,
}

impl Offered {
    pub(super) fn has(&self, mime_type: &str) -> bool {
        self.known.contains(mime_type)
    }

    /// Adds a type. Returns what it counts: 0 for one that is there.
    fn add(&mut self, mime_type: &str) -> u32 {
        if self.known.contains(mime_type) {
            return 0;
        }
        let name: Arc<str> = mime_type.into();
        self.known.insert(name.clone());
        self.types.push(name);
        let bytes = u32::try_from(mime_type.len() + PER_TYPE).unwrap_or(u32::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        bytes
    }
}

impl SourceData {
    pub(super) fn get(&self) -> MutexGuard<'_, Offered> {
        self.0.lock().expect("no panic while locked")
    }

    /// It is used from now on; `false`: it was before.
    pub(super) fn begin(&self, used: Use) -> bool {
        let mut offered = self.get();
        let is_new = offered.used == Use::New;
        if is_new {
            offered.used = used;
        }
        is_new
    }

    /// It is for a drag that takes a window along; `false`: that was said before, or it is used.
    pub(super) fn takes_window(&self) -> bool {
        let mut offered = self.get();
        offered.used == Use::New && !std::mem::replace(&mut offered.takes_window, true)
    }

    /// Its client offers a type: what that counts. `None`: it is too late, as the source is used.
    pub(super) fn offer(&self, mime_type: &str) -> Option<u32> {
        let mut offered = self.get();
        (offered.used == Use::New).then(|| offered.add(mime_type))
    }

    /// It is destroyed: what its client was charged.
    pub(super) fn forget(&self) -> u32 {
        std::mem::take(&mut self.get().bytes)
    }
}

/// A source, of whichever protocol.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Data(WlDataSource),
    Primary(ZwpPrimarySelectionSourceV1),
    Ext(ExtDataControlSourceV1),
    Wlr(ZwlrDataControlSourceV1),
}

/// Does the same with the object of each protocol.
macro_rules! each {
    ($source:expr, $object:ident => $does:expr) => {
        match $source {
            Source::Data($object) => $does,
            Source::Primary($object) => $does,
            Source::Ext($object) => $does,
            Source::Wlr($object) => $does,
        }
    };
}

impl Source {
    pub(super) fn client(&self) -> Option<Client> {
        each!(self, object => object.client())
    }

    pub(super) fn is_alive(&self) -> bool {
        each!(self, object => object.is_alive())
    }

    /// Its data; `None`: the object was never made by us.
    pub(super) fn data(&self) -> Option<&SourceData> {
        each!(self, object => object.data())
    }

    /// Asks its client to write the data.
    pub(super) fn send(&self, mime_type: &str, fd: BorrowedFd<'_>) {
        each!(self, object => object.send(mime_type.to_owned(), fd));
    }

    /// Tells its client that it is of no use any more.
    pub(super) fn cancel(&self) {
        if let Some(data) = self.data() {
            data.get().used = Use::Over;
        }
        each!(self, object => object.cancelled());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_kept_once_and_in_the_order_of_the_first() {
        let mut offered = Offered::default();
        assert_eq!(["text/plain", "UTF8_STRING", "text/plain", ""].map(|name| offered.add(name)), [26, 27, 0, 16]);
        let types: Vec<&str> = offered.types.iter().map(AsRef::as_ref).collect();
        assert_eq!((types, offered.bytes), (vec!["text/plain", "UTF8_STRING", ""], 69));
        assert!(offered.has("UTF8_STRING") && !offered.has("utf8_string"));
    }

    #[test]
    fn a_source_is_used_once() {
        let source = SourceData::default();
        assert!(source.begin(Use::Selected));
        assert!(!source.begin(Use::Selected) && !source.begin(Use::Dragged));
        assert_eq!(source.get().used, Use::Selected);
    }
}
