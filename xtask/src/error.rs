//! The one error type of xtask: what failed, where, why, and what to do about it.
//!
//! Never carries a backtrace or a type to match on: xtask is a command line, and people read its
//! errors.

use std::fmt;

/// Result of everything in xtask.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure, described in one or several lines, and the exit status of xtask after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    message: String,
    hint: Option<String>,
    status: u8,
}

impl Error {
    /// An error that says what failed and why.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, status: 1 }
    }

    /// Adds what the reader can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the exit status; 1 otherwise.
    pub fn status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }

    /// The exit status that xtask ends with.
    pub fn exit_status(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

/// Puts "what was being done" before the reason why it failed.
pub trait Context<T> {
    /// `doing` reads as "cannot {doing}: reason".
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|why| Error::new(format!("cannot {doing}: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let failed: std::result::Result<(), _> = Err("No such file or directory (os error 2)");
        let error = failed.context("read /x").unwrap_err().hint("make /x").status(3);
        assert_eq!(error.to_string(), "cannot read /x: No such file or directory (os error 2)\n  help: make /x");
        assert_eq!(error.exit_status(), 3);
    }
}
