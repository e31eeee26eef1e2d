//! Why there is no picture.

/// What failed, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something, or the connection is broken.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The reason.
        source: std::io::Error,
    },
    /// The session does not give this picture.
    #[error("{0}")]
    Refused(String),
    /// What is captured has another size from now on: a picture of it is another picture.
    #[error("it has another size now")]
    Resized,
    /// What is captured is gone.
    #[error("it is gone, or hidden")]
    Gone,
}

impl Error {
    /// Adds what was tried.
    pub(crate) fn io<E: Into<std::io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        |source| Self::Io { what, source: source.into() }
    }
}
