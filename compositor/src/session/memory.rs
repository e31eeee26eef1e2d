//! Gives memory back after clients have gone.
//!
//! What a client had is freed with it, but it lies between what others have: the allocator keeps the
//! pages, 10 MiB and more in a session of mixed clients of which 5 are in use. So it is asked for
//! them once it is quiet. While no client goes there is no timer.

use fence::Ns;

use crate::{session::Syncline, system::ioctl};

/// So long after the last client has gone: others may go with it, or take its place.
const QUIET: Ns = 2_000_000_000;

impl Syncline {
    /// A client has gone.
    pub fn note_gone(&mut self) {
        self.trim_at = Some(self.now + QUIET);
    }

    /// Gives back what is free, when it is time.
    pub fn trim_due(&mut self) {
        if self.trim_at.take_if(|at| *at <= self.now).is_some() {
            ioctl::trim_heap();
        }
    }
}
