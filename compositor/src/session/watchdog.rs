//! The watchdog: names the client whose acquire fence does not come.
//!
//! It reports each commit once and changes nothing: a surface without its fence keeps its last
//! content anyway.

use fence::Ns;
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};

use crate::{
    report::fences::{Owner, WatchdogHit},
    session::Syncline,
    surface::content::Content,
    system::trace,
};

/// The request that carried the fence, in the notation of WAYLAND_DEBUG.
fn request(content: &Content, surface: Option<&WlSurface>) -> String {
    let id = surface.map_or_else(|| "?".to_owned(), |surface| surface.id().protocol_id().to_string());
    let acquire = match content.with_acquire(|acquire| acquire.point().map(fence::Point::value)) {
        Some(point) => format!(" after wp_linux_drm_syncobj_surface_v1.set_acquire_point(…, {point})"),
        None => String::new(),
    };
    format!("wl_surface@{id}.commit{acquire}")
}

impl Syncline {
    fn watchdog_limit(&self) -> Ns {
        self.config.fences.watchdog * 1_000_000
    }

    /// When to check next, or to try again what could not be waited for; `None` if every pending
    /// acquire is waited for and has been reported.
    pub fn next_watchdog(&self) -> Option<Ns> {
        // One nanosecond past the limit, so that "longer than" is true when the timer fires.
        let report = self.acquires.first_watched().map(|since| since + self.watchdog_limit() + 1);
        report.into_iter().chain(self.acquires.next_retry()).min()
    }

    /// Reports overdue acquires.
    pub fn watchdog(&mut self) {
        let (now, limit) = (self.now, self.watchdog_limit());
        let mut hits = 0;
        while let Some((slot, waiting)) = self.acquires.take_watched(now.saturating_sub(limit)) {
            let (overdue, since) = waiting.commit.content.with_acquire(|acquire| {
                let since = (!acquire.state().is_final()).then_some(acquire.created());
                (acquire.overdue(now, limit), since)
            });
            let Some(overdue) = overdue else {
                // Its fence may have signalled just now, or another one have come since the commit.
                if let Some(since) = since.filter(|since| *since + limit >= now) {
                    self.acquires.watch(slot, since);
                }
                continue;
            };
            hits += 1;
            let content = &waiting.commit.content;
            let surface = waiting.surface.upgrade().ok();
            let owner = Owner::of(content, surface.as_ref());
            tracing::warn!(
                "client {} (pid {}), surface {}, commit {}: {overdue}; the surface keeps its last content",
                owner.client_name.as_deref().unwrap_or("?"),
                owner.client_pid.unwrap_or(0),
                owner.surface,
                owner.commit,
            );
            let hit = WatchdogHit {
                at_ns: now,
                request: request(content, surface.as_ref()),
                owner,
                state: overdue.acquire.state.to_owned(),
                age_ns: overdue.acquire.age_ns,
                report: overdue.to_string(),
                driver: overdue.acquire.driver,
                timeline: overdue.acquire.timeline,
                point: overdue.acquire.point,
            };
            trace::watchdog(now, hit.owner.surface, &hit);
            self.hits.push(hit);
        }
        self.counters.watchdog_hits += hits;
    }
}
