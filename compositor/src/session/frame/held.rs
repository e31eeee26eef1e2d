//! The pace of commits that wait: for the latch (`fifo-v1`) or for a time (`commit-timing-v1`).
//!
//! A surface has one *home*, the output that shows most of it. There the latch lets its held commits through: those with
//! a time just before the latch for the first vblank at or after it, those behind a barrier just after. A surface
//! that nobody sees (covered, off every output, on a display that is off, not mapped, or the session has no VT) has no latch: a timer takes its
//! place at the rate of its home, or of the first output, so that no client waits for good. Such a surface is also invited to
//! draw once a second, as others do.
//!
//! Without anybody who waits there is no timer and no work.

use fence::Ns;
use smithay::{
    reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface},
    utils::{Logical, Rectangle},
    wayland::{
        compositor::{SurfaceAttributes, with_states},
        presentation::PresentationFeedbackCachedState,
    },
};

use crate::{output::state::Output, render::Layer, session::Syncline, surface::SurfaceState, system::id::OutputId};

/// How often a surface that nobody sees is invited to draw.
const UNSEEN: Ns = 1_000_000_000;
/// The pace without any output.
const FALLBACK: Ns = 1_000_000_000 / 60;

impl Output {
    /// How much before its time a commit may be shown: what rounding and an imperfect phase can move a vblank.
    pub fn slack(&self) -> Ns {
        (self.clock.period() / 32).min(500_000)
    }
}

impl Syncline {
    /// Whether anybody sees a surface: its window is on a display that is on, and not wholly covered.
    pub fn is_seen(&self, surface: &WlSurface) -> bool {
        self.home(surface).is_some()
    }

    /// The output that shows most of a surface's window; `None` if nobody sees the surface.
    pub fn home(&self, surface: &WlSurface) -> Option<OutputId> {
        let rect = self.visible_rect(surface)?;
        let area = |o: &Output| o.rect().intersection(rect).map_or(0, |r| i64::from(r.size.w) * i64::from(r.size.h));
        let lit = self.outputs.list.iter().filter(|output| !output.is_inactive());
        let areas = lit.map(|output| (output.id, area(output)));
        // The first of equals.
        areas.filter(|(_, area)| *area > 0).max_by_key(|(id, area)| (*area, std::cmp::Reverse(*id))).map(|(id, _)| id)
    }

    /// Whether all outputs that show a surface's window are so; true if nobody sees it.
    pub fn every_output(&self, surface: &WlSurface, is: impl FnMut(&Output) -> bool) -> bool {
        let Some(rect) = self.visible_rect(surface) else { return true };
        self.outputs.list.iter().filter(|output| output.rect().overlaps(rect)).all(is)
    }

    /// Where a surface's window is; `None` if nobody sees it.
    fn visible_rect(&self, surface: &WlSurface) -> Option<Rectangle<i32, Logical>> {
        if !self.outputs.active || crate::surface::is_hidden(surface) {
            return None;
        }
        let root = self.root_of(surface);
        match self.desktop.windows.visible().find(|w| *w.surface() == root) {
            Some(window) => Some(Rectangle::new(window.location, window.geometry().size)),
            // Pointers and drag icons are where the pointer is, popups near their windows.
            None if self.desktop.cursor.surface() == Some(&root)
                || self.desktop.cursor.drag_icon() == Some(&root)
                || self.desktop.popups.find_popup(&root).is_some() =>
            {
                Some(Rectangle::new(self.pointer_location().to_i32_floor(), (1, 1).into()))
            }
            None => None,
        }
    }

    /// Calls `change` with the turns of every held surface whose home is `home`; those of which it says so may go on.
    fn release_held(
        &mut self,
        home: Option<OutputId>,
        mut change: impl FnMut(&mut crate::surface::order::CommitOrder) -> bool,
    ) {
        if self.pace.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.pace.held);
        let mut free = Vec::new();
        for surface in held.iter().filter_map(|surface| surface.upgrade().ok()) {
            if self.home(&surface) == home && with_states(&surface, |s| change(&mut SurfaceState::of(s).order)) {
                free.push(surface);
            }
        }
        self.pace.held.extend(held);
        for surface in free {
            if let Some(client) = surface.client() {
                let display = self.display.clone();
                self.client_state(&client).compositor.blocker_cleared(self, &display);
            }
        }
        // Commits that were let through may have set the next barriers.
        let waits = |surface: &Weak<WlSurface>| {
            let surface = surface.upgrade();
            surface.is_ok_and(|s| with_states(&s, |states| !SurfaceState::of(states).order.is_idle()))
        };
        self.pace.held.retain(waits);
    }

    /// Before the latch of output `id`: what is to be shown at `vblank`.
    pub fn release_due(&mut self, id: OutputId, vblank: Ns) {
        let until = vblank + self.outputs.list[id].slack();
        self.release_held(Some(id), |turns| turns.release_until(until));
    }

    /// After the latch of output `id`: what waited for it.
    pub fn clear_barriers(&mut self, id: OutputId) {
        self.release_held(Some(id), |turns| turns.clear_barrier());
    }

    /// The earliest time for which output `id` has to latch on behalf of a held commit.
    pub fn next_due(&self, id: OutputId) -> Option<Ns> {
        let held = self.pace.held.iter().filter_map(|surface| surface.upgrade().ok());
        held.filter(|surface| self.home(surface) == Some(id))
            .filter_map(|surface| with_states(&surface, |states| SurfaceState::of(states).order.due()))
            .min()
    }

    fn unseen_period(&self) -> Ns {
        self.outputs.list.first().map_or(FALLBACK, |output| output.clock.period())
    }

    /// When the timer must fire for those whom nobody sees.
    pub fn next_hidden(&self) -> Option<Ns> {
        let period = self.unseen_period();
        let held = self.pace.held.iter().filter_map(|surface| surface.upgrade().ok());
        let held = held.filter(|surface| self.home(surface).is_none()).filter_map(|surface| {
            with_states(&surface, |states| {
                let turns = &SurfaceState::of(states).order;
                let barrier = turns.barrier_since().map(|since| since + period);
                barrier.into_iter().chain(turns.due()).min()
            })
        });
        held.chain(self.pace.unseen.iter().map(|(at, _)| *at)).min()
    }

    /// The timer fired: lets those go on whom nobody sees.
    pub fn release_unseen(&mut self) {
        let (now, period) = (self.now, self.unseen_period());
        self.release_held(None, |turns| {
            let barrier = turns.barrier_since().is_some_and(|since| since + period <= now) && turns.clear_barrier();
            turns.release_until(now) || barrier
        });
        let millis = self.millis();
        let due: Vec<_> = self.pace.unseen.extract_if(.., |(at, _)| *at <= now).collect();
        for surface in due.into_iter().filter_map(|(_, surface)| surface.upgrade().ok()) {
            if self.home(&surface).is_some() {
                continue;
            }
            with_states(&surface, |states| {
                let mut attributes = states.cached_state.get::<SurfaceAttributes>();
                attributes.current().frame_callbacks.drain(..).for_each(|callback| callback.done(millis));
            });
        }
    }

    /// A commit was applied: if nobody sees it, its frame callbacks come once a second.
    pub fn invite_later(&mut self, surface: &WlSurface) {
        let waits =
            with_states(surface, |s| !s.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.is_empty());
        if waits && self.home(surface).is_none() && !self.pace.unseen.iter().any(|(_, unseen)| unseen == surface) {
            self.pace.unseen.push((self.now + UNSEEN, surface.downgrade()));
        }
    }

    /// After a latch: which surfaces are wholly covered, by whether the scene has them.
    pub fn mark_hidden(&mut self, id: OutputId, scene: &[Layer]) {
        let mut covered = Vec::new();
        let cursor = self.desktop.cursor.surface();
        self.desktop.visible_surfaces(self.outputs.list[id].rect(), |surface, states| {
            let mut state = SurfaceState::of(states);
            let seen = scene.iter().any(|layer| layer.surface == *surface) || cursor == Some(surface);
            // Without a picture of its own it covers nothing and nothing is known.
            let hidden = !seen && state.current.is_some();
            if hidden && !state.hidden {
                covered.push(surface.clone());
            }
            state.hidden = hidden;
        });
        for surface in covered {
            // It may be seen on another output.
            let elsewhere = self.seen_elsewhere(id, &surface);
            with_states(&surface, |states| {
                SurfaceState::of(states).hidden = !elsewhere;
                if !elsewhere {
                    // Never shown, and never to be: its next commit is another one.
                    let mut feedback = states.cached_state.get::<PresentationFeedbackCachedState>();
                    feedback.current().callbacks.drain(..).for_each(|callback| callback.discarded());
                }
            });
            self.invite_later(&surface);
        }
    }

    fn seen_elsewhere(&self, id: OutputId, surface: &WlSurface) -> bool {
        let root = self.root_of(surface);
        let Some(window) = self.desktop.windows.visible().find(|w| *w.surface() == root) else { return false };
        let rect = Rectangle::new(window.location, window.geometry().size);
        let mut others = self.outputs.list.iter().filter(|output| output.id != id && !output.is_inactive());
        others.any(|output| output.rect().overlaps(rect))
    }
}
