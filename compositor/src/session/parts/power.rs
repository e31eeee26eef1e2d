//! What the session knows of the machine's sleep, and what logind knows of the session.

use std::os::fd::OwnedFd;

use crate::system::bus::Bus;

/// All of it. By default nobody is asked and nothing is told.
#[derive(Debug, Default)]
pub struct Power {
    pub bus: Option<Bus>,
    /// Delays the machine's sleep while it is open.
    pub delay: Option<OwnedFd>,
    /// The machine sleeps as soon as the session is locked.
    pub sleeps: bool,
    /// What logind has been told.
    pub told_idle: bool,
    pub told_locked: bool,
    pub told_handled: Vec<&'static str>,
}
