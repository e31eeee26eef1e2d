//! Why a test client, fixture or tool could not go on.

use rustix::io::Errno;

/// What went wrong in a client, a fixture or a tool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The compositor ended the connection with a protocol error.
    #[error("protocol error {code} on {interface}@{object}: {message}")]
    Protocol {
        /// The interface of the object that the error names.
        interface: String,
        /// The id of that object.
        object: u32,
        /// The error code.
        code: u32,
        /// The compositor's message.
        message: String,
    },
    /// Something did not happen in time.
    #[error("timed out waiting for {0}")]
    Timeout(String),
    /// The compositor or the machine lacks something.
    #[error("missing: {0}")]
    Missing(String),
    /// The connection broke without a protocol error.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// A system call failed.
    #[error("{what}: {errno}")]
    Call {
        /// The call and what it was about.
        what: String,
        /// Its errno.
        errno: Errno,
    },
    /// A file could not be read or written, or a program not started.
    #[error("{what}: {source}")]
    Io {
        /// The operation and the file.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// An [`Error::Call`], for `map_err`.
    pub fn call(what: impl Into<String>) -> impl FnOnce(Errno) -> Error {
        let what = what.into();
        move |errno| Error::Call { what, errno }
    }

    /// An [`Error::Io`], for `map_err`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }

    /// An [`Error::Other`] with the text of another error, for `map_err`.
    pub fn other<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Error {
        let what = what.into();
        move |e| Error::Other(format!("{what}: {e}"))
    }
}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;
