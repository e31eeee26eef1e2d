//! The one error type of the `syncline` command: each message says what failed, where, why and what to do.
//!
//! Errors of a client or of one frame never become this type: they are answered where they happen.

use std::{io, path::PathBuf};

/// Why the command ends with status 1.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No display device, or none that can be used.
    #[error(transparent)]
    Open(#[from] kms::OpenError),
    /// No seat manager answered, and the user has named no device that could be opened without.
    #[error(
        "no seat: neither seatd nor logind answered ({reason}); start seatd, log in on a console, or run as root with --device"
    )]
    NoSeat {
        /// What libseat said.
        reason: String,
    },
    /// A file of the user's is wrong.
    #[error("{path}:{line}: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// Anything that the operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// The errno.
        source: io::Error,
    },
    /// A display engine error at start-up.
    #[error("{what}: {reason}")]
    Setup {
        /// What was attempted.
        what: String,
        /// What the layer below says.
        reason: String,
    },
}

/// Adds what was attempted to an I/O error.
pub trait Context<T> {
    /// Wraps the error with `what`.
    fn context(self, what: impl Into<String>) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T, Error> {
        self.map_err(|e| Error::Io { what: what.into(), source: e.into() })
    }
}

impl Error {
    /// A start-up step that failed in a layer with its own error type.
    pub fn setup(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Setup { what: what.into(), reason: reason.to_string() }
    }
}
