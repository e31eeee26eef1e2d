//! Releases that the kernel had no memory or file descriptor for, kept with their fences until it has.
//!
//! It never gives one up and never blocks.

use std::sync::PoisonError;

use crate::{CallError, SyncDevice, release::Work};

/// One release to be done.
pub(crate) type Deferred = Work;

pub(crate) fn defer(device: &SyncDevice, work: Work) {
    device.0.deferred.lock().unwrap_or_else(PoisonError::into_inner).push(work);
}

impl SyncDevice {
    /// Tries the releases that were deferred ([`Kind::Deferred`](crate::Kind::Deferred)) again, oldest first. How many
    /// are left. No system call if there are none: call it at every frame.
    pub fn retry_releases(&self) -> usize {
        let mut queue = self.0.deferred.lock().unwrap_or_else(PoisonError::into_inner);
        queue.retain_mut(|work| match work.attempt(None) {
            Ok(_) => false,
            Err(error) if error.is_transient() => true,
            Err(error) => {
                give_up(work, &error);
                false
            }
        });
        queue.len()
    }
}

/// The fences cannot be imported whatever we do: better released than lost.
fn give_up(work: &Work, error: &CallError) {
    tracing::error!(%error, "a deferred release cannot be completed as wanted; signalling it");
    if let crate::release::Target::Point(point) = &work.target {
        point.signal().map_err(|second| tracing::error!(error = %second, "nor signalled")).ok();
    }
}
