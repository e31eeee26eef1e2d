//! What a configuration has been given, until it is used. No request is answered here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wayland_protocols_wlr::output_management::v1::server::zwlr_output_configuration_v1::ZwlrOutputConfigurationV1;
use wayland_server::Weak;

use crate::output_management::model::{Head, HeadWish, Wanted};

/// User data of `zwlr_output_configuration_v1`.
#[derive(Debug)]
pub struct ConfigurationData(pub(super) Mutex<Configuration>);

impl ConfigurationData {
    pub(super) fn lock(&self) -> MutexGuard<'_, Configuration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// User data of `zwlr_output_configuration_head_v1`.
#[derive(Debug)]
pub struct ConfigurationHeadData {
    pub(super) configuration: Weak<ZwlrOutputConfigurationV1>,
    /// The number of the head.
    pub(super) head: u64,
}

/// What a configuration has been given.
#[derive(Debug)]
pub(super) struct Configuration {
    /// For the heads as they were told with this serial.
    pub(super) serial: u32,
    /// It was tested or applied.
    pub(super) used: bool,
    /// It names a mode that is not there any more.
    pub(super) outdated: bool,
    pub(super) wishes: Vec<HeadWish>,
}

impl Configuration {
    pub(super) fn new(serial: u32) -> Self {
        Self { serial, used: false, outdated: false, wishes: Vec::new() }
    }

    /// Adds a head; false: it was there.
    pub(super) fn add(&mut self, head: u64, on: Option<Wanted>) -> bool {
        let is_new = self.wishes.iter().all(|wish| wish.head != head);
        if is_new {
            self.wishes.push(HeadWish { head, on });
        }
        is_new
    }

    /// What is wanted of a head that is to be on.
    pub(super) fn wanted(&mut self, head: u64) -> Option<&mut Wanted> {
        self.wishes.iter_mut().find(|wish| wish.head == head)?.on.as_mut()
    }

    /// The head that has been left out.
    pub(super) fn missing<'a>(&self, heads: &'a [Head]) -> Option<&'a Head> {
        heads.iter().find(|head| self.wishes.iter().all(|wish| wish.head != head.about.number))
    }
}
