//! Properties as the kernel lists them: names, types, limits, and the values of the moment of
//! reading.
//!
//! Never sets a property: requests do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::PropertyId;

/// A property of an object with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Id, the same for all objects that have this very property.
    pub id: PropertyId,
    /// Value when it was read.
    pub value: u64,
    /// Whether only the kernel changes it.
    pub immutable: bool,
    /// Whether only atomic clients see it.
    pub atomic: bool,
    /// Type and limits.
    pub kind: PropertyKind,
}

/// Type of a property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyKind {
    /// A number.
    Range {
        /// Least value.
        min: u64,
        /// Greatest value.
        max: u64,
    },
    /// A number with sign.
    SignedRange {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// One of several names.
    Enum(Vec<EnumValue>),
    /// Any of several bits; the values are bit numbers.
    Bitmask(Vec<EnumValue>),
    /// An object of a type (`DRM_MODE_OBJECT_*`).
    Object(u32),
    /// A blob.
    Blob,
    /// Of a type that this crate does not know: its flags.
    Unknown(u32),
}

/// A name of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumValue {
    /// Number.
    pub value: u64,
    /// Name.
    pub name: String,
}

/// All properties of one object, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PropertyTable(pub BTreeMap<String, Property>);

impl PropertyTable {
    /// A property by its name.
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.0.get(name)
    }

    /// A property's value by its name.
    pub fn value(&self, name: &str) -> Option<u64> {
        self.get(name).map(|property| property.value)
    }

    /// The object is on no CRTC, as far as the table knows.
    pub(crate) fn leave_crtc(&mut self) {
        if let Some(property) = self.0.get_mut("CRTC_ID") {
            property.value = 0;
        }
    }

    /// The number of one name of an enumeration property.
    pub fn enum_value(&self, property: &str, name: &str) -> Option<u64> {
        match &self.get(property)?.kind {
            PropertyKind::Enum(values) | PropertyKind::Bitmask(values) => {
                values.iter().find(|value| value.name == name).map(|value| value.value)
            }
            _ => None,
        }
    }

    /// The name of an enumeration property's value.
    pub fn value_name(&self, property: &str) -> Option<&str> {
        let property = self.get(property)?;
        let PropertyKind::Enum(values) = &property.kind else { return None };
        values.iter().find(|value| value.value == property.value).map(|value| value.name.as_str())
    }

    /// The numbers of several names of an enumeration; `None` for those that it lacks.
    pub(crate) fn numbers<const N: usize>(&self, property: &str, names: [&str; N]) -> [Option<u64>; N] {
        names.map(|name| self.enum_value(property, name))
    }

    pub(crate) fn id(&self, name: &str) -> Option<PropertyId> {
        self.get(name).map(|property| property.id)
    }
}
