//! The latest reports of the watchdog.

use std::collections::VecDeque;

use crate::report::fences::WatchdogHit;

/// The most hits that are kept: a client that never signals must not fill the memory.
pub const RECENT: usize = 32;

/// The latest hits, oldest first.
#[derive(Debug, Default)]
pub struct WatchdogHistory(VecDeque<WatchdogHit>);

impl WatchdogHistory {
    pub fn push(&mut self, hit: WatchdogHit) {
        if self.0.len() == RECENT {
            self.0.pop_front();
        }
        self.0.push_back(hit);
    }

    /// The hits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &WatchdogHit> {
        self.0.iter()
    }
}
