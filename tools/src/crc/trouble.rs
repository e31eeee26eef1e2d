//! Why `syncline crc` could not be run: one clear line each, exit status 2. A picture that differs is no trouble but a result.

use std::path::PathBuf;

use kms::crc::CrcError;

/// What is in the way.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No device, or not usable.
    #[error("{0}")]
    Device(#[from] kms::OpenError),
    /// `--mode` names none of the connector's modes.
    #[error("{connector} has no mode {wanted}; it offers {offered}")]
    NoMode { connector: String, wanted: String, offered: String },
    /// CRCs cannot be read.
    #[error("{0}")]
    Crc(#[from] CrcError),
    /// A call of the display device.
    #[error("{0}")]
    Call(#[from] kms::CallError),
    /// References that cannot be used here.
    #[error("{0}")]
    Reference(#[from] kms::crc::reference::ReferenceError),
    /// A connector that is not there, or has no display.
    #[error("no connected output {wanted}; there is {known}")]
    Output { wanted: String, known: String },
    /// No such suite.
    #[error("no suite `{wanted}`; there is all, {known}")]
    Suite { wanted: String, known: String },
    /// A commit that the suite is built on was refused.
    #[error("{what}: {reason}")]
    Refused { what: String, reason: String },
    /// The flip of a commit did not come.
    #[error("no flip within {0} ms: the display stands still")]
    NoFlip(u64),
    /// A file could not be written.
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
}

impl Trouble {
    /// A step that failed in a layer with its own error type.
    pub fn refused(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Refused { what: what.into(), reason: reason.to_string() }
    }
}
