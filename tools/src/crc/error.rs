//! Why `syncline crc` could not run: one clear line each, exit status 2. A CRC that differs is a
//! result, not an error.

use std::path::PathBuf;

use kms::crc::CrcError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no device, it cannot be used, or it has no such mode.
    #[error("{0}")]
    Open(#[from] kms::OpenError),
    /// CRCs cannot be read.
    #[error("{0}")]
    Crc(#[from] CrcError),
    /// A call to the display device failed.
    #[error("{0}")]
    Call(#[from] kms::CallError),
    /// The references cannot be used here.
    #[error("{0}")]
    Reference(#[from] kms::crc::reference::ReferenceError),
    /// There is no such connector, or it has no display.
    #[error("no connected output {wanted}; there is {known}")]
    Output { wanted: String, known: String },
    /// There is no such suite.
    #[error("no suite `{wanted}`; there is all, {known}")]
    Suite { wanted: String, known: String },
    /// There is no such case.
    #[error("no case `{0}` on this display; a report of its suite names its cases, as in `rotation: overlay by 90`")]
    Case(String),
    /// A step that every test needs failed.
    #[error("{what}: {reason}")]
    Step { what: String, reason: String },
    /// The page-flip event of a commit did not arrive.
    #[error("no page flip within {0} ms: the display does not run")]
    NoFlip(u64),
    /// A file could not be written.
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
}

impl Error {
    /// A step that failed in a layer with its own error type.
    pub fn step(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Step { what: what.into(), reason: reason.to_string() }
    }

    /// Writing to standard output failed.
    pub fn stdout(error: std::io::Error) -> Self {
        Self::step("standard output", error)
    }
}
