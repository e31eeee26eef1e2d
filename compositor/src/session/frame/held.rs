//! The pace of held commits, which wait for a latch (`fifo-v1`) or for a time (`commit-timing-v1`).
//!
//! The *home output* of a surface shows most of it. Its latch lets held commits through: those with
//! a time just before the latch for the first vblank at or after that time, those behind a barrier
//! just after the latch. A surface that is not visible (covered, off every output, on an output
//! that is off, not mapped, or in a session without its VT) has no latch. A timer takes its place,
//! at the refresh rate of the first output, so that no client waits for ever. Such a surface also
//! gets its frame callbacks once a second.
//!
//! While nothing is held there is no timer and no work.

use fence::Ns;
use smithay::{
    reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface},
    utils::{Logical, Rectangle},
    wayland::compositor::{SurfaceAttributes, SurfaceData, with_states},
};

use crate::{
    output::state::Output,
    render::Scene,
    session::Syncline,
    surface::{SurfaceState, double_buffered::double_buffered, feedback::Feedback},
    system::id::OutputId,
};

/// How often a surface that is not visible gets its frame callbacks.
const HIDDEN_CALLBACK_PERIOD: Ns = 1_000_000_000;
/// The period of held commits if there is no output.
const FALLBACK: Ns = 1_000_000_000 / 60;

impl Output {
    /// How much before its time a commit may be shown: the shift of a vblank that rounding and an
    /// imperfect phase may cause. A clock of its own is not off.
    pub fn slack(&self) -> Ns {
        if self.clock.is_own() { 0 } else { (self.clock.period() / 32).min(500_000) }
    }
}

impl Syncline {
    /// Whether a surface is visible: its window is on an output that is on, and not entirely
    /// covered.
    pub fn is_seen(&self, surface: &WlSurface) -> bool {
        self.home(surface).is_some()
    }

    /// The home output: the one that shows most of a surface's window. `None` if it is not visible.
    pub fn home(&self, surface: &WlSurface) -> Option<OutputId> {
        let rect = self.visible_rect(surface)?;
        let area =
            |o: &Output| o.shown_area().intersection(rect).map_or(0, |r| i64::from(r.size.w) * i64::from(r.size.h));
        let lit = self.outputs.list.iter().filter(|output| !output.is_inactive());
        let areas = lit.map(|output| (output, area(output))).filter(|(_, area)| *area > 0);
        // One that mirrors others only if none of these is on; then the fastest one. Else the first one if several
        // show the same area.
        let rank = |of: &Output| match of.mirror {
            None => (true, 0),
            Some(_) => (false, u64::MAX - of.clock.period()),
        };
        let most = areas.max_by_key(|(of, area)| (rank(of).0, *area, rank(of).1, std::cmp::Reverse(of.id)));
        most.map(|(output, _)| output.id)
    }

    /// Whether `is` holds for all outputs that show a surface's window; true if none does.
    pub fn every_output(&self, surface: &WlSurface, is: impl FnMut(&Output) -> bool) -> bool {
        let Some(rect) = self.visible_rect(surface) else { return true };
        self.outputs.list.iter().filter(|output| output.shown_area().overlaps(rect)).all(is)
    }

    /// The area of a surface's window; `None` if it is not visible.
    fn visible_rect(&self, surface: &WlSurface) -> Option<Rectangle<i32, Logical>> {
        if !self.outputs.active || crate::surface::is_hidden(surface) {
            return None;
        }
        self.desktop.rect_of(&self.root_of(surface))
    }

    /// Calls `change` with the order state of every held surface whose home output is `home`. Where
    /// it returns true, the surface's commits may proceed.
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
            let mut changes = |states: &SurfaceData| SurfaceState::of(states).order.as_mut().is_some_and(|o| change(o));
            if self.home(&surface) == home && with_states(&surface, &mut changes) {
                free.push(surface);
            }
        }
        self.pace.held.extend(held);
        for surface in free {
            if let Some(client) = surface.client() {
                self.run_queue(&client);
            }
        }
        // Commits that were let through may have set the next barriers.
        let waits = |surface: &Weak<WlSurface>| {
            let idle = |states: &SurfaceData| SurfaceState::of(states).order.as_ref().is_none_or(|o| o.is_idle());
            surface.upgrade().is_ok_and(|surface| !with_states(&surface, idle))
        };
        self.pace.held.retain(waits);
    }

    /// Before the latch of output `id` for `vblank`: releases the commits whose time that meets.
    /// Clients are told of, and name, the time stamps of vblanks.
    pub fn release_due(&mut self, id: OutputId, vblank: Ns) {
        let output = &self.outputs.list[id];
        let until = output.clock.stamp_of(vblank) + output.slack();
        self.release_held(Some(id), |order| order.release_until(until));
    }

    /// After the latch of output `id`: ends the barriers that waited for it.
    pub fn clear_barriers(&mut self, id: OutputId) {
        self.release_held(Some(id), |order| order.clear_barrier());
    }

    /// The earliest time for which output `id` has to latch on behalf of a held commit.
    pub fn next_due(&self, id: OutputId) -> Option<Ns> {
        let held = self.pace.held.iter().filter_map(|surface| surface.upgrade().ok());
        held.filter(|surface| self.home(surface) == Some(id))
            .filter_map(|surface| with_states(&surface, |states| SurfaceState::of(states).order.as_ref()?.due()))
            .min()
    }

    fn hidden_period(&self) -> Ns {
        self.outputs.list.first().map_or(FALLBACK, |output| output.clock.period())
    }

    /// When the timer must fire for surfaces that are not visible.
    pub fn next_hidden(&self) -> Option<Ns> {
        let period = self.hidden_period();
        let held = self.pace.held.iter().filter_map(|surface| surface.upgrade().ok());
        let held = held.filter(|surface| self.home(surface).is_none()).filter_map(|surface| {
            with_states(&surface, |states| {
                let state = SurfaceState::of(states);
                let order = state.order.as_ref()?;
                let barrier = order.barrier_since().map(|since| since + period);
                barrier.into_iter().chain(order.due()).min()
            })
        });
        held.chain(self.pace.hidden.iter().map(|(at, _)| *at)).min()
    }

    /// The timer fired: releases held commits and frame callbacks of surfaces that are not visible.
    pub fn release_hidden(&mut self) {
        let (now, period) = (self.now, self.hidden_period());
        self.release_held(None, |order| {
            let barrier = order.barrier_since().is_some_and(|since| since + period <= now) && order.clear_barrier();
            order.release_until(now) || barrier
        });
        let millis = self.millis();
        let due: Vec<_> = self.pace.hidden.extract_if(.., |(at, _)| *at <= now).collect();
        for surface in due.into_iter().filter_map(|(_, surface)| surface.upgrade().ok()) {
            if self.is_in_a_scene(&surface) {
                continue;
            }
            with_states(&surface, |states| {
                let mut attributes = states.cached_state.get::<SurfaceAttributes>();
                attributes.current().frame_callbacks.drain(..).for_each(|callback| callback.done(millis));
            });
        }
    }

    /// Whether a frame of some output shows the surface.
    fn is_in_a_scene(&self, surface: &WlSurface) -> bool {
        let id = crate::surface::id_of(surface);
        self.home(surface).is_some()
            && self.outputs.list.iter().any(|output| {
                let pointer = || self.cursor_on(output.id).as_ref() == Some(surface);
                !output.is_inactive() && (output.scene.shows(id) || pointer())
            })
    }

    /// A commit was applied: if its surface is not visible, or lies off every output although its
    /// window does not, schedules its frame callbacks for later.
    pub fn delay_callbacks(&mut self, surface: &WlSurface) {
        let waits =
            with_states(surface, |s| !s.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.is_empty());
        // What a scene shows that is to be built is not known yet; the latch asks again.
        let unknown = self.outputs.list.iter().any(|output| !output.is_inactive() && output.scene.is_stale());
        let hidden = self.home(surface).is_none() || !(unknown || self.is_in_a_scene(surface));
        if waits && hidden && !self.pace.hidden.iter().any(|(_, hidden)| hidden == surface) {
            self.pace.hidden.push((self.now + HIDDEN_CALLBACK_PERIOD, surface.downgrade()));
        }
    }

    /// The scene of output `id` was built: its layers are visible, and `covered` are the surfaces
    /// that lie below something that covers the whole output.
    pub fn mark_visible(&mut self, id: OutputId, covered: &[WlSurface]) {
        for layer in self.outputs.list[id].scene.layers() {
            let Some(surface) = &layer.surface else { continue };
            with_states(surface, |states| SurfaceState::of(states).hidden = false);
            if crate::surface::awaits_frame(surface) {
                self.pace.await_frame(surface);
            }
        }
        self.hide(id, covered);
    }

    /// Output `id` shows nothing: its surfaces are not visible.
    pub fn hide_all(&mut self, id: OutputId) {
        let scene = std::mem::take(&mut self.outputs.list[id].scene);
        let shown: Vec<_> = scene.layers().iter().filter_map(|layer| layer.surface.clone()).collect();
        self.outputs.list[id].scene = Scene::new();
        drop(scene);
        self.hide(id, &shown);
        // A scene that was cleared, because a surface of it is gone, does not know whom it showed.
        let waiting: Vec<_> = self.pace.awaits_frame.iter().filter_map(|surface| surface.upgrade().ok()).collect();
        self.hide(id, &waiting);
    }

    /// These surfaces are not visible on output `id`.
    fn hide(&mut self, id: OutputId, surfaces: &[WlSurface]) {
        for surface in surfaces.iter().filter(|surface| !crate::surface::is_hidden(surface)) {
            // It may be visible on another output.
            let elsewhere = self.visible_elsewhere(id, surface);
            with_states(surface, |states| {
                SurfaceState::of(states).hidden = !elsewhere;
                let feedback = double_buffered::<Feedback>(states);
                if let Some(mut feedback) = feedback.filter(|_| !elsewhere) {
                    // This content was never shown and never will be; the next commit is another
                    // one.
                    feedback.current().discard_shown();
                }
            });
            self.delay_callbacks(surface);
        }
    }

    fn visible_elsewhere(&self, id: OutputId, surface: &WlSurface) -> bool {
        let Some(rect) = self.desktop.rect_of(&self.root_of(surface)) else { return false };
        let mut others = self.outputs.list.iter().filter(|output| output.id != id && !output.is_inactive());
        others.any(|output| output.shown_area().overlaps(rect))
    }
}
