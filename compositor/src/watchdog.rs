//! The watchdog: names the client whose acquire fence does not come.
//!
//! It reports once a commit and changes nothing: a surface without its fence keeps its last picture anyway.

use fence::Ns;

use crate::{state::Syncline, surface::acquires::Waiting};

impl Syncline {
    fn watchdog_limit(&self) -> Ns {
        self.config.fences.watchdog * 1_000_000
    }

    /// When to look again; `None` while every pending acquire is reported.
    pub fn next_watchdog(&mut self) -> Option<Ns> {
        let limit = self.watchdog_limit();
        // One past the limit: "longer than" has to be true when the timer fires.
        let due = |(_, w): (u32, &mut Waiting)| (!w.reported).then_some(w.commit.committed + limit + 1);
        self.acquires.iter_mut().filter_map(due).min()
    }

    /// Reports what is overdue and tries stalled acquires again.
    pub fn watchdog(&mut self) {
        let (now, limit) = (self.now, self.watchdog_limit());
        let mut hits = 0;
        for (_, waiting) in self.acquires.iter_mut() {
            let Some(overdue) = waiting.commit.content.with_acquire(|acquire| acquire.overdue(now, limit)) else {
                continue;
            };
            waiting.reported = true;
            hits += 1;
            let client = waiting.surface.upgrade().ok().and_then(|surface| {
                smithay::reexports::wayland_server::Resource::client(&surface)
                    .and_then(|client| client.get_data::<crate::state::ClientState>()?.pid)
            });
            let name = client.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
            tracing::warn!(
                "client {} (pid {}), surface {}, commit {}: {overdue}; the surface keeps its last picture",
                name.as_deref().map_or("?", str::trim_end),
                client.unwrap_or(0),
                waiting.commit.content.surface,
                waiting.commit.content.serial,
            );
        }
        self.counters.watchdog_hits += hits;
    }
}
