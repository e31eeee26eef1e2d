//! Releases that the kernel had no memory or file descriptor for, kept with their fences until it
//! has.
//!
//! It never gives one up and never blocks.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{SyncDevice, delivery::Delivery};

/// A queue of releases to be done, shared by all of its clones. Every [`SyncDevice`] has one for
/// its points; releases by [message](crate::Release::message) are given theirs.
#[derive(Clone, Debug, Default)]
pub struct DeferredReleases(Arc<Mutex<Vec<Delivery>>>);

impl DeferredReleases {
    pub(crate) fn defer(&self, work: Delivery) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }

    /// Tries the releases that were deferred
    /// ([`ReleaseOutcome::Deferred`](crate::ReleaseOutcome::Deferred)) again, oldest first. How many are
    /// left. No system call if there are none: call it at every frame.
    pub fn retry(&self) -> usize {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.retain_mut(|work| match work.attempt(None) {
            Ok(_) => false,
            Err(error) if error.is_transient() => true,
            Err(error) => {
                work.target.give_up(&error);
                false
            }
        });
        queue.len()
    }
}

impl SyncDevice {
    /// [`DeferredReleases::retry`] for the releases into points of this device.
    pub fn retry_releases(&self) -> usize {
        self.0.deferred.retry()
    }
}
