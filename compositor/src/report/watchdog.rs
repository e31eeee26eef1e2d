//! The last reports of the watchdog.

use std::collections::VecDeque;

use crate::report::fences::WatchdogHit;

/// How many hits are remembered: a client that never signals anything must not fill the memory.
pub const RECENT: usize = 32;

/// The last hits, oldest first.
#[derive(Debug, Default)]
pub struct WatchdogHistory(VecDeque<WatchdogHit>);

impl WatchdogHistory {
    pub fn push(&mut self, hit: WatchdogHit) {
        if self.0.len() == RECENT {
            self.0.pop_front();
        }
        self.0.push_back(hit);
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &WatchdogHit> {
        self.0.iter()
    }
}
