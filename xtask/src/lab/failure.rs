//! How the lab says that it has failed itself, not the command that it ran.

use crate::error::Error;

/// Exit status where the lab itself failed rather than the command.
pub const STATUS_LAB_FAILED: u8 = 125;
/// Exit status where the watchdog ended the guest.
pub const STATUS_TIMED_OUT: u8 = 124;

/// An error of the lab itself, with its exit status.
pub(crate) fn failure(message: impl Into<String>) -> Error {
    Error::new(message).status(STATUS_LAB_FAILED)
}
