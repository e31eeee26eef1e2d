//! Outputs: one per connected display, each with its own clock, planes and state machine.
//!
//! ```text
//!  Idle ── something changed ──→ Scheduled{latch, vblank} ── the timer ──→ latch ──→ InFlight ── flip ──→ Idle
//! ```
//!
//! An output with nothing to show differently stays idle: no timer, no commit, no wake-up.

mod assign;
mod eligible;
mod flip;
pub mod holders;
mod latch;
mod present;
mod scene;
mod screenshot;
pub mod setup;

use std::sync::Arc;

use fence::{HandOff, Ns, SyncFile};
use kms::{Device, Inventory, PlaneKind, vblank};
use smithay::{
    backend::renderer::damage::OutputDamageTracker,
    output::Output as WlOutput,
    reexports::wayland_server::{
        backend::GlobalId,
        protocol::{wl_callback::WlCallback, wl_output, wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, Size},
    wayland::presentation::PresentationFeedbackCallback,
};

use crate::{
    crc::Check,
    render::{Layer, Renderer, Target},
    state::Syncline,
    surface::Content,
    trace,
};

/// The display device with its outputs and the renderer.
pub struct Outputs {
    pub device: Device,
    pub inventory: Inventory,
    pub renderer: Renderer,
    /// Kernel name of the device's driver, and thus of its fences.
    pub driver: String,
    pub policy: HandOff,
    pub list: Vec<Output>,
    /// The session has its VT.
    pub active: bool,
    saved: Option<kms::SavedState>,
}

/// What a plane shows since the last commit.
#[derive(Debug, Clone)]
pub enum OnPlane {
    /// A client's buffer.
    Content(Arc<Content>),
    /// A buffer of ours.
    Target(Arc<Target>),
}

/// Where an output is in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is due.
    Idle,
    /// Will latch at `latch`, for the vblank at `vblank`.
    Scheduled { latch: Ns, vblank: Ns },
    /// A commit is with the kernel.
    InFlight,
}

/// A commit on its way to the screen.
pub struct InFlight {
    frame: u64,
    /// The vblank it was latched for.
    vblank: Ns,
    /// Kept only while the trace is on.
    out_fence: Option<SyncFile>,
    direct: bool,
    /// A plane got a pending fence along.
    fenced: bool,
    feedback: Vec<PresentationFeedbackCallback>,
    callbacks: Vec<WlCallback>,
    /// What the CRC is predicted from.
    check: Option<Check>,
}

impl InFlight {
    /// The flip will not be heard of: the display is gone, or another session has it.
    fn abandon(self, millis: u32) {
        self.feedback.into_iter().for_each(PresentationFeedbackCallback::discarded);
        // Else a client would wait for ever before it draws again.
        self.callbacks.into_iter().for_each(|callback| callback.done(millis));
    }
}

/// One lit display.
pub struct Output {
    /// Thread of the trace; from 1.
    pub id: u32,
    pub wl: WlOutput,
    global: GlobalId,
    pub kms: kms::Output,
    pub clock: vblank::Clock,
    pub location: Point<i32, Logical>,
    pub size: Size<i32, Logical>,
    pub phase: Phase,
    /// Something to show has changed since the last latch.
    pub dirty: bool,
    frame: u64,
    primary: usize,
    cursor: Option<usize>,
    on_plane: Vec<Option<OnPlane>>,
    /// Off the planes since the last commit, but on the screen until its flip.
    retiring: Vec<OnPlane>,
    in_flight: Option<InFlight>,
    targets: Vec<(Arc<Target>, u64)>,
    passes: u64,
    tracker: OutputDamageTracker,
    scene: Vec<Layer>,
    layouts: assign::Layouts,
    costs: LatchCosts,
    hand_over: HandOverReserve,
    pub crc: Option<crate::crc::CrcSession>,
    shown: Vec<trace::Shown>,
}

impl Output {
    /// The output on the desktop.
    pub fn rect(&self) -> Rectangle<i32, Logical> {
        Rectangle::new(self.location, self.size)
    }

    /// For `syncline msg status`.
    pub fn status(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.wl.name(),
            "crtc": self.kms.crtc_id(),
            "width": self.size.w,
            "height": self.size.h,
            "refresh_hz": 1e9 / self.clock.period() as f64,
            "frame": self.frame,
            "missed": self.clock.missed(),
            "test_commits": self.layouts.tests(),
            "on_planes": self.on_plane.iter().filter(|shown| matches!(shown, Some(OnPlane::Content(_)))).count(),
            "direct": matches!(self.on_plane.get(self.primary), Some(Some(OnPlane::Content(_)))),
        })
    }

    fn plane_kind(&self, index: usize) -> &'static str {
        match self.kms.planes()[index].kind {
            PlaneKind::Primary => "primary",
            PlaneKind::Cursor => "cursor",
            PlaneKind::Overlay => "overlay",
        }
    }
}

/// Modifiers of XRGB8888, the format of our own targets, that a plane shows; none: the driver chooses.
fn modifiers(plane: &kms::OutputPlane) -> Vec<drm_fourcc::DrmModifier> {
    let of = plane.formats.iter().find(|f| f.format == drm_fourcc::DrmFourcc::Xrgb8888 as u32);
    of.map(|f| f.modifiers.iter().map(|m| (*m).into()).collect()).unwrap_or_default()
}

/// How long the way from latch to the end of the commit takes: the worst of the last frames.
///
/// The latch lies that long before the vblank, and a reserve for late wake-ups and the kernel's own work on top, which
/// grows with each miss and shrinks slowly without.
#[derive(Debug)]
pub struct LatchCosts {
    recent: [Ns; 16],
    next: usize,
    reserve: Ns,
}

impl Default for LatchCosts {
    fn default() -> Self {
        Self { recent: [0; 16], next: 0, reserve: Self::RESERVE }
    }
}

impl LatchCosts {
    /// What the kernel and the display want between commit and vblank, at least.
    const RESERVE: Ns = 1_500_000;
    /// And at most.
    const MOST_RESERVE: Ns = 4_000_000;
    /// Never latch earlier than this before a vblank: beyond it a late frame is better than stale input.
    const MOST: Ns = 12_000_000;

    fn record(&mut self, cost: Ns) {
        self.recent[self.next] = cost;
        self.next = (self.next + 1) % self.recent.len();
    }

    /// A frame that waited for no fence has flipped, in time or not.
    fn learn(&mut self, missed: bool) {
        self.reserve = match missed {
            true => (self.reserve * 2).min(Self::MOST_RESERVE),
            false => self.reserve - (self.reserve - Self::RESERVE) / 1024,
        };
    }

    /// How long before the vblank to latch.
    pub fn margin(&self) -> Ns {
        (self.recent.iter().max().copied().unwrap_or(0) + self.reserve).min(Self::MOST)
    }
}

/// How long before the vblank a fence must signal for the display to make that vblank: learnt from those that did not.
#[derive(Debug)]
pub struct HandOverReserve(Ns);

impl Default for HandOverReserve {
    fn default() -> Self {
        Self(Self::LEAST)
    }
}

impl HandOverReserve {
    const LEAST: Ns = 100_000;
    const MOST: Ns = 4_000_000;

    /// A frame with a pending fence has flipped, in time or not.
    fn learn(&mut self, missed: bool) {
        self.0 = if missed { self.0 * 2 } else { self.0 - self.0 / 64 }.clamp(Self::LEAST, Self::MOST);
    }

    /// The time until which a fence may be pending for the vblank at `vblank`.
    pub fn deadline(&self, vblank: Ns) -> Ns {
        vblank.saturating_sub(self.0)
    }
}

impl Outputs {
    /// The output that contains a point, else the first one; empty without any output.
    pub fn rect_at(&self, point: Point<f64, Logical>) -> Rectangle<i32, Logical> {
        let at = |o: &&Output| o.rect().to_f64().contains(point);
        self.list.iter().find(at).or(self.list.first()).map(Output::rect).unwrap_or_default()
    }

    /// The rectangle of a client's wl_output.
    pub fn rect_of(&self, wl: &wl_output::WlOutput) -> Option<Rectangle<i32, Logical>> {
        let output = WlOutput::from_resource(wl)?;
        self.list.iter().find(|o| o.wl == output).map(Output::rect)
    }

    /// All outputs together.
    pub fn bounds(&self) -> Rectangle<i32, Logical> {
        self.list.iter().map(Output::rect).reduce(|a, b| a.merge(b)).unwrap_or_default()
    }

    /// Whether a primary plane of any output shows this format and modifier.
    pub fn scans_out(&self, format: drm_fourcc::DrmFourcc, modifier: drm_fourcc::DrmModifier) -> bool {
        self.list.iter().any(|output| output.kms.planes()[output.primary].supports(format, modifier))
    }

    /// The next vblank of any output.
    pub fn next_vblank(&self, now: Ns) -> Option<Ns> {
        self.list.iter().map(|output| output.clock.next_vblank(now)).min()
    }

    /// The nearest point that is on an output.
    pub fn clamp(&self, point: Point<f64, Logical>) -> Point<f64, Logical> {
        let inside = |o: &Output| {
            let rect = o.rect().to_f64();
            let x = point.x.clamp(rect.loc.x, rect.loc.x + rect.size.w - 1.0);
            let y = point.y.clamp(rect.loc.y, rect.loc.y + rect.size.h - 1.0);
            Point::<f64, Logical>::from((x, y))
        };
        let distance = |p: &Point<f64, Logical>| (p.x - point.x).powi(2) + (p.y - point.y).powi(2);
        let nearest = self.list.iter().map(inside).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.unwrap_or(point)
    }
}

impl Syncline {
    /// Something on every output may have changed.
    pub fn redraw_all(&mut self) {
        for output in &mut self.outputs.list {
            output.dirty = true;
        }
    }

    /// A surface has changed: the outputs that can show it latch again. An invisible one costs nothing.
    pub fn redraw_surface(&mut self, surface: &WlSurface) {
        let root = self.root_of(surface);
        if self.cursor.surface() == Some(&root) || self.cursor.drag_icon() == Some(&root) {
            return self.redraw_all();
        }
        let mut rect = self.windows.find(&root).filter(|w| w.mapped).map(|w| {
            let geometry = w.geometry();
            // Shadows and subsurfaces may stick out: take a generous frame.
            let mut rect = Rectangle::new(w.location, geometry.size);
            rect.loc -= (geometry.size.w, geometry.size.h).into();
            rect.size = rect.size.upscale(3);
            rect
        });
        if rect.is_none() && self.popups.find_popup(&root).is_some() {
            rect = Some(self.outputs.bounds());
        }
        let Some(rect) = rect else { return };
        for output in &mut self.outputs.list {
            if output.rect().overlaps(rect) {
                output.dirty = true;
            }
        }
    }

    /// The pointer moved or changed its picture.
    pub fn redraw_cursor(&mut self) {
        self.redraw_all();
    }

    /// Schedules what is due and sets the timer; called once at the end of every wake-up.
    pub fn schedule(&mut self) {
        let active = self.outputs.active;
        let mut first: Option<Ns> = None;
        for output in &mut self.outputs.list {
            if active && output.dirty && output.phase == Phase::Idle {
                let (latch, vblank) = output.clock.latch(self.now, output.costs.margin());
                output.phase = Phase::Scheduled { latch, vblank };
            }
            if let Phase::Scheduled { latch, .. } = output.phase {
                first = Some(first.map_or(latch, |first| first.min(latch)));
            }
        }
        let wake = match (first, self.next_watchdog()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if let Err(error) = self.reactor.wake_at(wake) {
            tracing::error!("setting the timer: {error}");
        }
    }

    /// The timer fired: latches what is due.
    pub fn timer(&mut self) {
        self.reactor.timer_fired();
        self.watchdog();
        for index in 0..self.outputs.list.len() {
            if let Phase::Scheduled { latch, vblank } = self.outputs.list[index].phase
                && latch <= self.now
            {
                self.latch(index, vblank);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_grows_with_misses_and_shrinks_without() {
        let mut reserve = HandOverReserve::default();
        assert_eq!(reserve.deadline(10_000_000), 9_900_000);
        (0..10).for_each(|_| reserve.learn(true));
        assert_eq!(reserve.deadline(10_000_000), 6_000_000, "bounded");
        (0..1000).for_each(|_| reserve.learn(false));
        assert_eq!(reserve.deadline(10_000_000), 9_900_000, "forgiven");
    }

    #[test]
    fn the_latch_follows_the_worst_recent_cost() {
        let mut costs = LatchCosts::default();
        assert_eq!(costs.margin(), LatchCosts::RESERVE);
        costs.record(2_000_000);
        assert_eq!(costs.margin(), LatchCosts::RESERVE + 2_000_000);
        (0..16).for_each(|_| costs.record(100));
        assert_eq!(costs.margin(), LatchCosts::RESERVE + 100);
        costs.record(50_000_000);
        assert_eq!(costs.margin(), LatchCosts::MOST);
        (0..16).for_each(|_| costs.record(0));
        (0..3).for_each(|_| costs.learn(true));
        assert_eq!(costs.margin(), LatchCosts::MOST_RESERVE);
        (0..20_000).for_each(|_| costs.learn(false));
        assert!(costs.margin() < LatchCosts::RESERVE + 2000, "forgiven");
    }
}
