//! When to latch: as late as the next frame's predicted cost allows.
//!
//! ```text
//!  wake-up planned ─ lateness ─→ latch ─ work ─→ commit returns ─ GPU ─→ drawn ─ reserve ─→ vblank
//!                  └───────────────────────────── margin ──────────────────────────────────┘
//! ```
//!
//! Each part is a high quantile of the recent past; frames that only show planes and frames that are drawn have a past
//! of their own, so the former latch much later. The reserve is what display and kernel need after that: it grows with
//! each miss that was not the client's and shrinks slowly without. Pure arithmetic: no clock is read here.

pub mod cause;
pub mod quantiles;

use fence::Ns;
use kms::vblank::Clock;
use quantiles::Quantiles;

pub use cause::{Cause, Facts, Misses};
/// How long before a vblank to latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins {
    /// Usually: release points then materialise at least a millisecond before the flip, and a late wake-up costs nothing.
    pub early: Ns,
    /// At the latest: while a fence is still pending, or for a commit that came after the early time.
    pub late: Ns,
}

impl Margins {
    /// `(latch, vblank)` for the first vblank after `now` that can still be made.
    pub fn plan(&self, clock: &Clock, now: Ns) -> (Ns, Ns) {
        let (_, vblank) = clock.latch(now, self.late);
        (vblank.saturating_sub(self.early).max(now), vblank)
    }
}

/// What a frame costs depends on this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Clients' buffers and the cursor only.
    Planes,
    /// Something is drawn.
    Rendered,
}

/// When the steps of a frame were.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The wake-up that was asked for.
    pub planned: Ns,
    /// The latch.
    pub started: Ns,
    /// The commit call's return.
    pub committed: Ns,
    pub kind: Kind,
    /// The vblank's time was known: neither the first frame after a modeset nor after a long idle time.
    pub in_phase: bool,
}

/// The quantile of the past that is planned for: of 32 frames three may be worse.
const HIGH: f32 = 0.9;
/// The same for wake-ups, of which a busy machine delays some by whole frames: no margin helps against that, and one that
/// tried would make every frame stale.
const WAKE: f32 = 0.75;
/// A lateness that is longer is no longer planned for.
const WAKE_MOST: Ns = 700_000;
/// Guesses for a past that is too short.
const WAKE_GUESS: Ns = 500_000;
const WORK_GUESS: Ns = 1_000_000;

/// Plans one output's latches.
#[derive(Debug)]
pub struct Planner {
    wake: Quantiles,
    planes: Past,
    rendered: Past,
    /// How many frames to come may be drawn: the last was, or the one before.
    drawn_lately: u8,
}

/// The past of one kind of frame.
#[derive(Debug)]
struct Past {
    work: Quantiles,
    gpu: Quantiles,
    least: Ns,
    reserve: Ns,
}

impl Past {
    fn new(least: Ns) -> Self {
        Self { work: Quantiles::default(), gpu: Quantiles::default(), least, reserve: least }
    }

    /// What the display needs is there at every frame and is learnt in full; that we were late once says little about the
    /// next time, and the quantiles have seen it too.
    fn miss(&mut self, cause: Cause) {
        let most = if cause == Cause::Kernel { Planner::MOST_RESERVE } else { Planner::MOST_OWN_RESERVE };
        self.reserve = (self.reserve + Planner::STEP).min(most.max(self.reserve));
    }

    fn forgive(&mut self) {
        self.reserve -= (self.reserve - self.least) / 512;
    }
}

impl Default for Planner {
    fn default() -> Self {
        let (planes, rendered) = (Past::new(Self::LEAST_PLANES), Past::new(Self::LEAST_RENDERED));
        Self { wake: Quantiles::default(), planes, rendered, drawn_lately: 2 }
    }
}

impl Planner {
    /// What the kernel and the display want between commit and vblank, at least.
    pub const LEAST_PLANES: Ns = 100_000;
    /// The same where drawing may vary.
    pub const LEAST_RENDERED: Ns = 300_000;
    /// The reserve of a latch that need not be late.
    const EARLY: Ns = 1_100_000;
    /// What a miss adds.
    const STEP: Ns = 200_000;
    /// The reserve's bound.
    const MOST_RESERVE: Ns = 4_000_000;
    /// Its bound for misses through us.
    const MOST_OWN_RESERVE: Ns = 900_000;
    /// Never latch earlier than this before a vblank: beyond it a late frame is better than stale input.
    const MOST: Ns = 12_000_000;

    fn past(&mut self, kind: Kind) -> &mut Past {
        match kind {
            Kind::Planes => &mut self.planes,
            Kind::Rendered => &mut self.rendered,
        }
    }

    /// A frame was committed.
    pub fn committed(&mut self, timing: &Timing) {
        self.wake.record(timing.started.saturating_sub(timing.planned));
        self.past(timing.kind).work.record(timing.committed.saturating_sub(timing.started));
        self.drawn_lately = match timing.kind {
            Kind::Rendered => 2,
            Kind::Planes => self.drawn_lately.saturating_sub(1),
        };
    }

    /// The GPU was done so long after the commit call had returned.
    pub fn drawn(&mut self, after_commit: Ns) {
        self.rendered.gpu.record(after_commit);
    }

    /// A frame has flipped: in time, or late through somebody's fault. A client's teaches nothing here.
    pub fn flipped(&mut self, kind: Kind, missed: Option<Cause>) {
        match missed {
            Some(Cause::Client) => {}
            Some(cause) => self.past(kind).miss(cause),
            None => self.past(kind).forgive(),
        }
    }

    /// The kind that the next frame will probably be.
    pub fn expected(&self) -> Kind {
        if self.drawn_lately > 0 { Kind::Rendered } else { Kind::Planes }
    }

    /// How long before the vblank to latch the next frame.
    pub fn margins(&self) -> Margins {
        let late = self.late();
        let reserve = match self.expected() {
            Kind::Planes => self.planes.reserve,
            Kind::Rendered => self.rendered.reserve,
        };
        let early = (late + Self::EARLY.saturating_sub(reserve)).min(Self::MOST);
        Margins { early, late }
    }

    fn late(&self) -> Ns {
        let past = match self.expected() {
            Kind::Planes => &self.planes,
            Kind::Rendered => &self.rendered,
        };
        let wake = self.wake.at(WAKE).unwrap_or(WAKE_GUESS).min(WAKE_MOST);
        let work = past.work.at(HIGH).unwrap_or(WORK_GUESS);
        let gpu = past.gpu.at(HIGH).unwrap_or(0);
        (wake + work + gpu + past.reserve).min(Self::MOST)
    }

    /// For `syncline msg status`, in microseconds.
    pub fn status(&self) -> serde_json::Value {
        let us = |ns: Option<Ns>| ns.map(|ns| ns / 1000);
        serde_json::json!({
            "early_us": self.margins().early / 1000,
            "late_us": self.margins().late / 1000,
            "wake_us": us(self.wake.at(WAKE)),
            "planes_us": us(self.planes.work.at(HIGH)),
            "rendered_us": us(self.rendered.work.at(HIGH)),
            "gpu_us": us(self.rendered.gpu.at(HIGH)),
        })
    }
}

/// How long before the vblank a fence must signal for the display to make that vblank: learnt from those that did not.
#[derive(Debug, Default)]
pub struct HandOverReserve(Ns);

impl HandOverReserve {
    const STEP: Ns = 100_000;
    const MOST: Ns = 4_000_000;

    /// A frame with a fence that signalled before the vblank has flipped, in time or not.
    pub fn learn(&mut self, missed: bool) {
        self.0 = if missed { (self.0 * 2).clamp(Self::STEP, Self::MOST) } else { self.0 - self.0.div_ceil(64) };
    }

    /// The time until which a fence may be pending for the vblank at `vblank`.
    pub fn deadline(&self, vblank: Ns) -> Ns {
        vblank.saturating_sub(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timing(kind: Kind, late: Ns, work: Ns) -> Timing {
        Timing { planned: 1000, started: 1000 + late, committed: 1000 + late + work, kind, in_phase: true }
    }

    fn settled(kind: Kind, late: Ns, work: Ns) -> Planner {
        let mut planner = Planner::default();
        (0..40).for_each(|_| planner.committed(&timing(kind, late, work)));
        planner
    }

    #[test]
    fn frames_that_cost_nothing_latch_at_the_reserve() {
        assert_eq!(settled(Kind::Planes, 0, 0).late(), Planner::LEAST_PLANES);
        assert_eq!(settled(Kind::Rendered, 0, 0).late(), Planner::LEAST_RENDERED);
    }

    #[test]
    fn the_margin_is_made_of_its_parts() {
        let mut planner = settled(Kind::Rendered, 200_000, 2_000_000);
        assert_eq!(planner.late(), Planner::LEAST_RENDERED + 2_200_000);
        (0..32).for_each(|_| planner.drawn(1_000_000));
        assert_eq!(planner.late(), Planner::LEAST_RENDERED + 3_200_000);
        (0..40).for_each(|_| planner.committed(&timing(Kind::Rendered, 0, 50_000_000)));
        assert_eq!(planner.late(), Planner::MOST, "bounded");
        (0..40).for_each(|_| planner.committed(&timing(Kind::Planes, 0, 50_000)));
        assert_eq!(planner.late(), Planner::LEAST_PLANES + 50_000, "planes have their own past");
    }

    #[test]
    fn the_early_latch_leaves_a_millisecond() {
        let mut planner = settled(Kind::Planes, 0, 50_000);
        assert_eq!(planner.margins(), Margins { early: 1_150_000, late: 150_000 });
        (0..30).for_each(|_| planner.flipped(Kind::Planes, Some(Cause::Kernel)));
        assert_eq!(planner.margins(), Margins { early: 4_050_000, late: 4_050_000 }, "a reserve that is longer counts");
    }

    #[test]
    fn the_latch_is_early_if_it_can_and_late_if_it_must() {
        let mut clock = Clock::new(10_000);
        clock.flip(100_000, 1);
        let margins = Margins { early: 1100, late: 100 };
        // (now, latch, vblank)
        let table = [
            (101_000, 108_900, 110_000),
            (108_900, 108_900, 110_000),
            (109_500, 109_500, 110_000),
            (109_899, 109_899, 110_000),
            (109_900, 118_900, 120_000),
        ];
        for (now, latch, vblank) in table {
            assert_eq!(margins.plan(&clock, now), (latch, vblank), "at {now}");
        }
    }

    #[test]
    fn outliers_are_not_planned_for() {
        let mut planner = settled(Kind::Planes, 0, 50_000);
        (0..3).for_each(|_| planner.committed(&timing(Kind::Planes, 50_000_000, 9_000_000)));
        assert_eq!(planner.late(), Planner::LEAST_PLANES + 50_000);
        planner.committed(&timing(Kind::Planes, 0, 9_000_000));
        assert_eq!(planner.late(), Planner::LEAST_PLANES + 9_000_000);
        (0..20).for_each(|_| planner.committed(&timing(Kind::Planes, 50_000_000, 0)));
        assert!(planner.late() <= Planner::LEAST_PLANES + WAKE_MOST + 9_000_000, "an outage is not planned for");
    }

    #[test]
    fn drawing_is_expected_for_two_frames_after_it() {
        let mut planner = settled(Kind::Planes, 0, 0);
        planner.committed(&timing(Kind::Rendered, 0, 0));
        for expected in [Kind::Rendered, Kind::Rendered, Kind::Planes] {
            assert_eq!(planner.expected(), expected);
            planner.committed(&timing(Kind::Planes, 0, 0));
        }
    }

    #[test]
    fn misses_teach_by_cause() {
        let mut planner = settled(Kind::Planes, 0, 0);
        planner.flipped(Kind::Planes, Some(Cause::Client));
        planner.flipped(Kind::Rendered, Some(Cause::Render));
        assert_eq!(planner.late(), Planner::LEAST_PLANES, "neither a client's miss nor another kind's");
        planner.flipped(Kind::Planes, Some(Cause::Kernel));
        assert_eq!(planner.late(), Planner::LEAST_PLANES + Planner::STEP);
        (0..10).for_each(|_| planner.flipped(Kind::Planes, Some(Cause::Commit)));
        assert_eq!(planner.late(), Planner::MOST_OWN_RESERVE);
        (0..30).for_each(|_| planner.flipped(Kind::Planes, Some(Cause::Kernel)));
        assert_eq!(planner.late(), Planner::MOST_RESERVE);
        planner.flipped(Kind::Planes, Some(Cause::Commit));
        assert_eq!(planner.late(), Planner::MOST_RESERVE, "never shrinks by a miss");
        (0..20_000).for_each(|_| planner.flipped(Kind::Planes, None));
        assert!(planner.late() < Planner::LEAST_PLANES + 2000, "forgiven");
    }

    #[test]
    fn the_hand_over_reserve_grows_with_misses_and_shrinks_without() {
        let mut reserve = HandOverReserve::default();
        assert_eq!(reserve.deadline(10_000_000), 10_000_000);
        (0..10).for_each(|_| reserve.learn(true));
        assert_eq!(reserve.deadline(10_000_000), 6_000_000, "bounded");
        (0..2000).for_each(|_| reserve.learn(false));
        assert_eq!(reserve.deadline(10_000_000), 10_000_000, "forgiven");
    }

    proptest! {
        #[test]
        fn the_margin_is_bounded_and_covers_the_reserve(
            frames in prop::collection::vec((any::<bool>(), 0u64..40_000_000, 0u64..40_000_000, 0u8..5), 0..200),
        ) {
            let mut planner = Planner::default();
            for (drawn, late, work, miss) in frames {
                let kind = if drawn { Kind::Rendered } else { Kind::Planes };
                planner.committed(&timing(kind, late, work));
                let missed = [None, Some(Cause::Client), Some(Cause::Render), Some(Cause::Commit), Some(Cause::Kernel)];
                planner.flipped(kind, missed[usize::from(miss)]);
                prop_assert!(planner.late() <= Planner::MOST);
                prop_assert!(planner.late() >= Planner::LEAST_PLANES);
                let margins = planner.margins();
                prop_assert!(margins.late <= margins.early && margins.early <= Planner::MOST);
                prop_assert_eq!(planner.expected() == Kind::Rendered || !drawn, true);
            }
        }
    }
}
