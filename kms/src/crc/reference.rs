//! References: recorded CRCs, for displays whose CRCs cannot be predicted, in files that people can
//! read.
//!
//! One file holds what was learnt with one [`Setup`] (driver, kernel, source, mode, format), scene
//! by scene. A reference never judges another setup: comparing refuses, and says what differs.
//! Never says that an image is right: only that it is the one that was learnt.

mod file;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::Mode;

/// What a CRC depends on beside the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The driver's name, of `DRM_IOCTL_VERSION`.
    pub driver: String,
    /// `uname -r`.
    pub kernel: String,
    /// The CRC source.
    pub source: String,
    /// All timings of the mode: [`Setup::describe_mode`].
    pub mode: String,
    /// Format of the image as it is shown, which stands for its depth: `XR24`.
    pub format: String,
}

impl Setup {
    /// A mode in words, so that two modes of one name are told apart: `1024x768 59.92 Hz 1344x806
    /// 65000 kHz flags 0xa`.
    pub fn describe_mode(mode: &Mode) -> String {
        let Mode { width, height, refresh_mhz, clock_khz, htotal, vtotal, flags, .. } = mode;
        let hz = f64::from(*refresh_mhz) / 1000.0;
        format!("{width}x{height} {hz:.2} Hz {htotal}x{vtotal} {clock_khz} kHz flags {flags:#x}")
    }

    fn fields(&self) -> [(&'static str, &str); 5] {
        let Self { driver, kernel, source, mode, format } = self;
        [("driver", driver), ("kernel", kernel), ("source", source), ("mode", mode), ("format", format)]
    }

    /// Name of its file: the fields, with what does not belong into a name as `_`, and a sum of
    /// them, since that may make two alike.
    pub fn file_name(&self) -> String {
        let fields = self.fields().map(|(_, value)| value);
        let plain = |c: char| if c.is_ascii_alphanumeric() || ".+-".contains(c) { c } else { '_' };
        let short: String = fields.join("_").chars().map(plain).take(160).collect();
        format!("{short}-{:08x}.toml", crc32fast::hash(fields.join("\0").as_bytes()))
    }

    /// Refuses another setup than this one.
    fn same(&self, other: &Self) -> Result<(), ReferenceError> {
        let pairs = self.fields().into_iter().zip(other.fields());
        match pairs.into_iter().find(|(own, other)| own.1 != other.1) {
            None => Ok(()),
            Some(((field, reference), (_, here))) => {
                Err(ReferenceError::OtherSetup { field, reference: reference.into(), here: here.into() })
            }
        }
    }
}

/// Why references cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// It was learnt with another setup.
    #[error("the reference is of {field} `{reference}`, this is `{here}`: a reference never judges another setup")]
    OtherSetup {
        /// What differs.
        field: &'static str,
        /// The reference's.
        reference: String,
        /// Ours.
        here: String,
    },
    /// The file is damaged.
    #[error("{path}:{line}:{column}: {what}", path = .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What was expected.
        what: String,
    },
    /// The file cannot be read or written.
    #[error("{what} {path}: {error}", path = .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        #[source]
        error: std::io::Error,
    },
}

/// What [`References::record`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The scene is new.
    New,
    /// It was known, with the same values.
    Same,
    /// It was known with these values, which are replaced.
    Replaced(Vec<u32>),
}

/// What [`References::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified<'a> {
    /// The values that were learnt.
    Equal,
    /// Others: these were learnt.
    Different(&'a [u32]),
    /// Nothing was learnt of this scene.
    Unknown,
}

/// A scene that is not alike in two references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'a> {
    /// The scene.
    pub scene: &'a str,
    /// Its values in the first, if it has it.
    pub left: Option<&'a [u32]>,
    /// Its values in the second, if it has it.
    pub right: Option<&'a [u32]>,
}

/// CRCs learnt with one setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct References {
    setup: Setup,
    scenes: BTreeMap<String, Vec<u32>>,
}

impl References {
    /// Nothing yet.
    pub fn new(setup: Setup) -> Self {
        Self { setup, scenes: BTreeMap::new() }
    }

    /// With what they were learnt.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Scenes and their values, by name.
    pub fn scenes(&self) -> impl Iterator<Item = (&str, &[u32])> {
        self.scenes.iter().map(|(scene, values)| (scene.as_str(), values.as_slice()))
    }

    /// Learns `values` of `scene`, as they were read with `setup`. In memory: [`References::save`]
    /// writes the file.
    ///
    /// Errors: [`ReferenceError::OtherSetup`].
    pub fn record(&mut self, setup: &Setup, scene: &str, values: &[u32]) -> Result<Recorded, ReferenceError> {
        self.setup.same(setup)?;
        Ok(match self.scenes.insert(scene.to_owned(), values.to_vec()) {
            None => Recorded::New,
            Some(old) if old == values => Recorded::Same,
            Some(old) => Recorded::Replaced(old),
        })
    }

    /// Compares `values` of `scene`, as they were read with `setup`, with what was learnt.
    ///
    /// Errors: [`ReferenceError::OtherSetup`].
    pub fn verify(&self, setup: &Setup, scene: &str, values: &[u32]) -> Result<Verified<'_>, ReferenceError> {
        self.setup.same(setup)?;
        Ok(match self.scenes.get(scene) {
            None => Verified::Unknown,
            Some(learnt) if learnt == values => Verified::Equal,
            Some(learnt) => Verified::Different(learnt),
        })
    }

    /// Scenes that differ, or that only one of the two has, by name.
    ///
    /// Errors: [`ReferenceError::OtherSetup`].
    pub fn diff<'a>(&'a self, other: &'a Self) -> Result<Vec<Difference<'a>>, ReferenceError> {
        self.setup.same(&other.setup)?;
        let only_there = other.scenes.keys().filter(|scene| !self.scenes.contains_key(*scene));
        let mut scenes: Vec<&str> = self.scenes.keys().chain(only_there).map(String::as_str).collect();
        scenes.sort_unstable();
        let values = |of: &'a Self, scene: &str| of.scenes.get(scene).map(Vec::as_slice);
        let both = scenes.into_iter().map(|scene| Difference {
            scene,
            left: values(self, scene),
            right: values(other, scene),
        });
        Ok(both.filter(|difference| difference.left != difference.right).collect())
    }
}

#[cfg(test)]
mod tests;
