//! The error type of the `syncline` command: each message says what failed, where, why and what to
//! do.
//!
//! Errors of a client or of one frame never become this type: they are handled where they happen.

use std::{io, path::PathBuf};

/// Why the command ends with status 1.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no display device, or none that can be used.
    #[error(transparent)]
    Open(#[from] kms::OpenError),
    /// No seat manager answered, and the user has not named a device that could be opened without
    /// one.
    #[error(
        "no seat: neither seatd nor logind answered ({reason}); start seatd, log in on a console, or run as root with --device"
    )]
    NoSeat {
        /// The error of libseat.
        reason: String,
    },
    /// A file of the user has an error.
    #[error("{path}:{line}: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong in that line.
        message: String,
        /// The line with marks under what is wrong, for [`Error::excerpt`].
        excerpt: String,
    },
    /// The operating system refused an operation.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// The errno.
        source: io::Error,
    },
    /// A step of the start failed in a layer with its own error type.
    #[error("{what}: {reason}")]
    Setup {
        /// The step.
        what: String,
        /// The error of that layer.
        reason: String,
    },
}

/// Adds the attempted operation to an I/O error.
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
    /// Lines that show the place of the error, where it is in a file.
    pub fn excerpt(&self) -> Option<&str> {
        match self {
            Self::Config { excerpt, .. } => Some(excerpt.as_str()).filter(|excerpt| !excerpt.is_empty()),
            _ => None,
        }
    }

    /// A step of the start that failed in a layer with its own error type.
    pub fn setup(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Setup { what: what.into(), reason: reason.to_string() }
    }
}
