//! References as TOML:
//!
//! ```toml
//! version = 1
//! driver = "i915"
//! kernel = "6.12.48"
//! source = "auto"
//! mode = "1920x1080 60.00 Hz 2200x1125 148500 kHz flags 0x5"
//! format = "XR24"
//!
//! [scenes]
//! "primary/full" = ["0x1a2b3c4d", "0x00000000"]
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ReferenceError, References, Setup};
use crate::crc::entry::MAX_VALUES;

const VERSION: u32 = 1;

/// The file, field by field.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Version,
    driver: String,
    kernel: String,
    source: String,
    mode: String,
    format: String,
    scenes: BTreeMap<String, Values>,
}

#[derive(Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
#[derive(Clone)]
struct Version;

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        (version == VERSION)
            .then_some(Self)
            .ok_or_else(|| format!("version {version}, where this program knows {VERSION}"))
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        VERSION
    }
}

/// Values of a CRC, as `0x` and eight hexadecimal digits each.
#[derive(Serialize, Deserialize, Clone)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
struct Values(Vec<u32>);

impl TryFrom<Vec<String>> for Values {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        if texts.is_empty() || texts.len() > MAX_VALUES {
            return Err(format!("{} values, where a CRC has 1 to {MAX_VALUES}", texts.len()));
        }
        let value = |text: &String| {
            let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 8 && !digits.starts_with('+'));
            let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            value.ok_or_else(|| format!("`{text}` is not a CRC; write 0x and eight hexadecimal digits"))
        };
        texts.iter().map(value).collect::<Result<_, _>>().map(Self)
    }
}

impl From<Values> for Vec<String> {
    fn from(values: Values) -> Self {
        values.0.iter().map(|value| format!("{value:#010x}")).collect()
    }
}

impl References {
    /// What was learnt with `setup`, of the folder `dir`. `Ok(None)`: nothing.
    ///
    /// Errors: a damaged file (with its place), one whose name says another setup than its text, no
    /// permission.
    pub fn load(dir: &Path, setup: &Setup) -> Result<Option<Self>, ReferenceError> {
        let path = dir.join(setup.file_name());
        if !path.exists() {
            return Ok(None);
        }
        let references = Self::read(&path)?;
        references.setup.same(setup)?;
        Ok(Some(references))
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ReferenceError> {
        let failed = |error| ReferenceError::File { what: "read", path: path.to_owned(), error };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let file: File = toml::from_str(&text).map_err(|error| damaged(path, &text, &error))?;
        let File { driver, kernel, source, mode, format, scenes, .. } = file;
        let scenes = scenes.into_iter().map(|(scene, values)| (scene, values.0)).collect();
        Ok(Self { setup: Setup { driver, kernel, source, mode, format }, scenes })
    }

    /// Writes the file of its setup into the folder `dir`, which is made if need be: the whole or
    /// nothing, also if the power fails. Its path.
    pub fn save(&self, dir: &Path) -> Result<PathBuf, ReferenceError> {
        let path = dir.join(self.setup.file_name());
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |error| ReferenceError::File { what, path, error }
        };
        let Setup { driver, kernel, source, mode, format } = self.setup.clone();
        let scenes = self.scenes.iter().map(|(scene, values)| (scene.clone(), Values(values.clone()))).collect();
        let file = File { version: Version, driver, kernel, source, mode, format, scenes };
        let text = toml::to_string(&file).map_err(|error| failed("write", &path)(std::io::Error::other(error)))?;
        std::fs::create_dir_all(dir).map_err(failed("make", dir))?;
        let part = path.with_extension(format!("toml.{}", std::process::id()));
        let write = || {
            let mut to = std::fs::File::create(&part)?;
            to.write_all(text.as_bytes())?;
            to.sync_all()?;
            std::fs::rename(&part, &path)
        };
        write().map_err(|error| {
            let _ = std::fs::remove_file(&part);
            failed("write", &path)(error)
        })?;
        Ok(path)
    }
}

/// One line, with the place.
fn damaged(path: &Path, text: &str, error: &toml::de::Error) -> ReferenceError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    ReferenceError::Damaged { path: path.to_owned(), line, column, what: error.message().replace('\n', " ") }
}
