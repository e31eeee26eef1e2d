//! Ids of KMS objects, each kind a type of its own, so that a CRTC's cannot be mistaken for a
//! plane's, nor for the CRTC's index.
//!
//! An id means something only together with its device, and says nothing of whether the object
//! still exists. Numbers become ids, and ids numbers, where the kernel is asked or answers, and
//! nowhere else. "None" is an `Option` here; the kernel's 0 for it exists only in property values
//! and events.
//!
//! The handles of the crate `drm` (`control::crtc::Handle` and the like) do not serve: they have
//! neither order, text nor serde, there is none for a blob or a CRTC's index, and this crate would
//! need all of `drm` for them.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl $name {
            /// From the kernel's number.
            pub const fn from_raw(raw: u32) -> Self {
                Self(raw)
            }

            /// The kernel's number.
            pub const fn raw(self) -> u32 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// Objects that properties of others name.
macro_rules! named_by_properties {
    ($($name:ident)*) => {$(
        impl $name {
            /// The value of a property that names it.
            pub const fn value(self) -> u64 {
                self.0 as u64
            }

            /// What a property of this value names; `None` for 0.
            pub fn from_value(value: u64) -> Option<Self> {
                u32::try_from(value).ok().filter(|&raw| raw != 0).map(Self)
            }
        }
    )*};
}

/// Objects whose properties a request may set.
macro_rules! have_properties {
    ($($name:ident)*) => {$(
        impl From<$name> for ObjectId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }
    )*};
}

id! {
    /// A CRTC.
    CrtcId
}
id! {
    /// Position of a CRTC among those of its device: its bit in `possible_crtcs`, and the number in
    /// debugfs (`crtc-M`).
    CrtcIndex
}
id! {
    /// A connector.
    ConnectorId
}
id! {
    /// An encoder.
    EncoderId
}
id! {
    /// A plane; not its position among the planes of an output.
    PlaneId
}
id! {
    /// A colorop: one operation of a plane's colour pipeline.
    ColorOpId
}
id! {
    /// A framebuffer.
    FramebufferId
}
id! {
    /// A property blob.
    BlobId
}
id! {
    /// A property, the same for all objects that have this very property.
    PropertyId
}
id! {
    /// Any object with properties: all kinds share one space of numbers.
    ObjectId
}

named_by_properties!(BlobId ColorOpId CrtcId FramebufferId);
have_properties!(ColorOpId ConnectorId CrtcId PlaneId);

impl CrtcIndex {
    /// Its bit in `possible_crtcs`.
    pub const fn bit(self) -> u32 {
        1 << self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_its_number() {
        let id = PlaneId::from_raw(31);
        assert_eq!((id.to_string(), format!("{id:>4}")), ("31".to_owned(), "  31".to_owned()));
        assert_eq!(serde_json::to_string(&[id]).unwrap(), "[31]");
        assert_eq!(serde_json::from_str::<PlaneId>("31").unwrap(), id);
    }

    #[test]
    fn a_property_of_0_names_nothing() {
        assert_eq!(CrtcId::from_value(0), None);
        assert_eq!(CrtcId::from_value(u64::MAX), None, "no id");
        assert_eq!(CrtcId::from_value(40).map(CrtcId::value), Some(40));
    }
}
