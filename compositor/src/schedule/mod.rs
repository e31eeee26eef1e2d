//! When to latch: as late as the next frame's predicted cost allows.
//!
//! ```text
//!  wake-up planned ─ lateness ─→ latch ─ work ─→ committed ─ GPU ─→ rendered ─ reserve ─→ vblank
//!                  └────────────────────────────── margin ───────────────────────────────┘
//! ```
//!
//! Each part is a high quantile of recent measurements. Frames that only use planes and frames that
//! are composited are measured separately, so the former latch much later. The reserve is the time
//! that the kernel and the display need after that. It grows with each miss that a client did not
//! cause, and shrinks slowly without misses. Pure arithmetic: no clock is read here.

pub mod cause;
pub mod quantiles;

use fence::Ns;
use kms::vblank::Clock;
use quantiles::Quantiles;

pub use cause::{MissCause, MissFacts, Misses};

/// How long before a vblank to latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins {
    /// The usual margin, ns: release points get their fences at least a millisecond before the
    /// flip, and a late wake-up does no harm.
    pub early: Ns,
    /// The smallest margin, ns: used while a fence is still pending, or for a commit that came
    /// after the early time.
    pub late: Ns,
}

impl Margins {
    /// `(latch, vblank)` for the first vblank after `now` that a latch can still make
    /// (CLOCK_MONOTONIC).
    pub fn plan(&self, clock: &Clock, now: Ns) -> (Ns, Ns) {
        let (_, vblank) = clock.latch(now, self.late);
        (vblank.saturating_sub(self.early).max(now), vblank)
    }
}

/// The kind of a frame, on which its cost depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Only clients' buffers and the cursor, on planes.
    Planes,
    /// Something is composited.
    Rendered,
}

/// The times of the steps of a frame, CLOCK_MONOTONIC.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The planned wake-up.
    pub planned: Ns,
    /// The start of the latch.
    pub started: Ns,
    /// The return of the commit call.
    pub committed: Ns,
    pub kind: FrameKind,
    /// The time of the vblank was known: the frame is not the first after a modeset or a long idle
    /// time.
    pub in_phase: bool,
}

/// The quantile to plan for: of 32 frames, three may take longer.
const HIGH: f32 = 0.9;
/// The same for wake-ups. A busy machine delays some of them by whole frames; no margin helps
/// against that, and a margin that tried would make every frame stale.
const WAKE: f32 = 0.75;
/// The longest lateness of a wake-up to plan for.
const WAKE_MAX: Ns = 700_000;
/// Used while there are too few measurements.
const WAKE_GUESS: Ns = 500_000;
const WORK_GUESS: Ns = 1_000_000;

/// Plans one output's latches.
#[derive(Debug)]
pub struct Planner {
    wake: Quantiles,
    planes: History,
    rendered: History,
    /// For how many more frames compositing is expected: 2 after a composited frame, one less after
    /// each other frame.
    rendered_lately: u8,
}

/// The measurements of one kind of frame.
#[derive(Debug)]
struct History {
    work: Quantiles,
    gpu: Quantiles,
    least: Ns,
    reserve: Ns,
}

impl History {
    fn new(least: Ns) -> Self {
        Self { work: Quantiles::default(), gpu: Quantiles::default(), least, reserve: least }
    }

    /// What the display needs applies to every frame, so it may grow up to the full bound. A delay
    /// in the compositor says little about the next frame, and the quantiles include it already, so
    /// its bound is lower.
    fn miss(&mut self, cause: MissCause) {
        let max = if cause == MissCause::Kernel { Planner::MAX_RESERVE } else { Planner::MAX_OWN_RESERVE };
        self.reserve = (self.reserve + Planner::STEP).min(max.max(self.reserve));
    }

    fn forgive(&mut self) {
        self.reserve -= (self.reserve - self.least) / 512;
    }
}

impl Default for Planner {
    fn default() -> Self {
        let (planes, rendered) = (History::new(Self::MIN_PLANES_RESERVE), History::new(Self::MIN_RENDERED_RESERVE));
        Self { wake: Quantiles::default(), planes, rendered, rendered_lately: 2 }
    }
}

impl Planner {
    /// The least time that the kernel and the display need between commit and vblank.
    pub const MIN_PLANES_RESERVE: Ns = 100_000;
    /// The same for composited frames, whose rendering time varies.
    pub const MIN_RENDERED_RESERVE: Ns = 300_000;
    /// The reserve of an early latch.
    const EARLY: Ns = 1_100_000;
    /// What a miss adds to the reserve.
    const STEP: Ns = 200_000;
    /// The upper bound of the reserve.
    const MAX_RESERVE: Ns = 4_000_000;
    /// The upper bound that misses caused by the compositor can reach.
    const MAX_OWN_RESERVE: Ns = 900_000;
    /// The largest margin: beyond it, a late frame is better than stale input.
    const MAX: Ns = 12_000_000;

    fn past(&mut self, kind: FrameKind) -> &mut History {
        match kind {
            FrameKind::Planes => &mut self.planes,
            FrameKind::Rendered => &mut self.rendered,
        }
    }

    /// A frame was committed.
    pub fn committed(&mut self, timing: &Timing) {
        self.wake.record(timing.started.saturating_sub(timing.planned));
        self.past(timing.kind).work.record(timing.committed.saturating_sub(timing.started));
        self.rendered_lately = match timing.kind {
            FrameKind::Rendered => 2,
            FrameKind::Planes => self.rendered_lately.saturating_sub(1),
        };
    }

    /// The GPU finished rendering `after_commit` ns after the return of the commit call.
    pub fn drawn(&mut self, after_commit: Ns) {
        self.rendered.gpu.record(after_commit);
    }

    /// A frame has flipped: in time (`None`), or late for a cause. A miss that a client caused is
    /// ignored.
    pub fn flipped(&mut self, kind: FrameKind, missed: Option<MissCause>) {
        match missed {
            Some(MissCause::Client) => {}
            Some(cause) => self.past(kind).miss(cause),
            None => self.past(kind).forgive(),
        }
    }

    /// The expected kind of the next frame.
    pub fn expected(&self) -> FrameKind {
        if self.rendered_lately > 0 { FrameKind::Rendered } else { FrameKind::Planes }
    }

    /// The margins for the next frame.
    pub fn margins(&self) -> Margins {
        let late = self.late();
        let reserve = match self.expected() {
            FrameKind::Planes => self.planes.reserve,
            FrameKind::Rendered => self.rendered.reserve,
        };
        let early = (late + Self::EARLY.saturating_sub(reserve)).min(Self::MAX);
        Margins { early, late }
    }

    fn late(&self) -> Ns {
        let past = match self.expected() {
            FrameKind::Planes => &self.planes,
            FrameKind::Rendered => &self.rendered,
        };
        let wake = self.wake.at(WAKE).unwrap_or(WAKE_GUESS).min(WAKE_MAX);
        let work = past.work.at(HIGH).unwrap_or(WORK_GUESS);
        let gpu = past.gpu.at(HIGH).unwrap_or(0);
        (wake + work + gpu + past.reserve).min(Self::MAX)
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

/// How long before the vblank an in-fence must signal for the display to make that vblank; learnt
/// from misses.
#[derive(Debug, Default)]
pub struct HandOverReserve(Ns);

impl HandOverReserve {
    const STEP: Ns = 100_000;
    const MAX: Ns = 4_000_000;

    /// A frame with an in-fence that signalled before the vblank has flipped; `missed`: later than
    /// that vblank.
    pub fn learn(&mut self, missed: bool) {
        self.0 = if missed { (self.0 * 2).clamp(Self::STEP, Self::MAX) } else { self.0 - self.0.div_ceil(64) };
    }

    /// The time until which an in-fence may stay pending for the vblank at `vblank`.
    pub fn deadline(&self, vblank: Ns) -> Ns {
        vblank.saturating_sub(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timing(kind: FrameKind, late: Ns, work: Ns) -> Timing {
        Timing { planned: 1000, started: 1000 + late, committed: 1000 + late + work, kind, in_phase: true }
    }

    fn settled(kind: FrameKind, late: Ns, work: Ns) -> Planner {
        let mut planner = Planner::default();
        (0..40).for_each(|_| planner.committed(&timing(kind, late, work)));
        planner
    }

    #[test]
    fn frames_without_cost_latch_at_the_reserve() {
        assert_eq!(settled(FrameKind::Planes, 0, 0).late(), Planner::MIN_PLANES_RESERVE);
        assert_eq!(settled(FrameKind::Rendered, 0, 0).late(), Planner::MIN_RENDERED_RESERVE);
    }

    #[test]
    fn the_margin_is_the_sum_of_its_parts() {
        let mut planner = settled(FrameKind::Rendered, 200_000, 2_000_000);
        assert_eq!(planner.late(), Planner::MIN_RENDERED_RESERVE + 2_200_000);
        (0..32).for_each(|_| planner.drawn(1_000_000));
        assert_eq!(planner.late(), Planner::MIN_RENDERED_RESERVE + 3_200_000);
        (0..40).for_each(|_| planner.committed(&timing(FrameKind::Rendered, 0, 50_000_000)));
        assert_eq!(planner.late(), Planner::MAX, "bounded");
        (0..40).for_each(|_| planner.committed(&timing(FrameKind::Planes, 0, 50_000)));
        assert_eq!(planner.late(), Planner::MIN_PLANES_RESERVE + 50_000, "plane frames are measured separately");
    }

    #[test]
    fn the_early_latch_leaves_a_millisecond() {
        let mut planner = settled(FrameKind::Planes, 0, 50_000);
        assert_eq!(planner.margins(), Margins { early: 1_150_000, late: 150_000 });
        (0..30).for_each(|_| planner.flipped(FrameKind::Planes, Some(MissCause::Kernel)));
        assert_eq!(planner.margins(), Margins { early: 4_050_000, late: 4_050_000 }, "a longer reserve wins");
    }

    #[test]
    fn the_latch_is_early_if_there_is_time_and_late_otherwise() {
        let mut clock = Clock::new(10_000, 0);
        clock.flip(100_000, 100_000, 1);
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
        let mut planner = settled(FrameKind::Planes, 0, 50_000);
        (0..3).for_each(|_| planner.committed(&timing(FrameKind::Planes, 50_000_000, 9_000_000)));
        assert_eq!(planner.late(), Planner::MIN_PLANES_RESERVE + 50_000);
        planner.committed(&timing(FrameKind::Planes, 0, 9_000_000));
        assert_eq!(planner.late(), Planner::MIN_PLANES_RESERVE + 9_000_000);
        (0..20).for_each(|_| planner.committed(&timing(FrameKind::Planes, 50_000_000, 0)));
        assert!(
            planner.late() <= Planner::MIN_PLANES_RESERVE + WAKE_MAX + 9_000_000,
            "a long outage is not planned for"
        );
    }

    #[test]
    fn rendering_is_expected_for_two_frames_after_a_rendered_one() {
        let mut planner = settled(FrameKind::Planes, 0, 0);
        planner.committed(&timing(FrameKind::Rendered, 0, 0));
        for expected in [FrameKind::Rendered, FrameKind::Rendered, FrameKind::Planes] {
            assert_eq!(planner.expected(), expected);
            planner.committed(&timing(FrameKind::Planes, 0, 0));
        }
    }

    #[test]
    fn each_cause_of_a_miss_changes_its_reserve() {
        let mut planner = settled(FrameKind::Planes, 0, 0);
        planner.flipped(FrameKind::Planes, Some(MissCause::Client));
        planner.flipped(FrameKind::Rendered, Some(MissCause::Render));
        assert_eq!(planner.late(), Planner::MIN_PLANES_RESERVE, "neither a client's miss nor another kind's");
        planner.flipped(FrameKind::Planes, Some(MissCause::Kernel));
        assert_eq!(planner.late(), Planner::MIN_PLANES_RESERVE + Planner::STEP);
        (0..10).for_each(|_| planner.flipped(FrameKind::Planes, Some(MissCause::Commit)));
        assert_eq!(planner.late(), Planner::MAX_OWN_RESERVE);
        (0..30).for_each(|_| planner.flipped(FrameKind::Planes, Some(MissCause::Kernel)));
        assert_eq!(planner.late(), Planner::MAX_RESERVE);
        planner.flipped(FrameKind::Planes, Some(MissCause::Commit));
        assert_eq!(planner.late(), Planner::MAX_RESERVE, "a miss never shrinks it");
        (0..20_000).for_each(|_| planner.flipped(FrameKind::Planes, None));
        assert!(planner.late() < Planner::MIN_PLANES_RESERVE + 2000, "shrinks without misses");
    }

    #[test]
    fn the_hand_over_reserve_grows_with_misses_and_shrinks_without() {
        let mut reserve = HandOverReserve::default();
        assert_eq!(reserve.deadline(10_000_000), 10_000_000);
        (0..10).for_each(|_| reserve.learn(true));
        assert_eq!(reserve.deadline(10_000_000), 6_000_000, "bounded");
        (0..2000).for_each(|_| reserve.learn(false));
        assert_eq!(reserve.deadline(10_000_000), 10_000_000, "shrinks without misses");
    }

    proptest! {
        #[test]
        fn the_margin_is_bounded_and_covers_the_reserve(
            frames in prop::collection::vec((any::<bool>(), 0u64..40_000_000, 0u64..40_000_000, 0u8..5), 0..200),
        ) {
            let mut planner = Planner::default();
            for (drawn, late, work, miss) in frames {
                let kind = if drawn { FrameKind::Rendered } else { FrameKind::Planes };
                planner.committed(&timing(kind, late, work));
                let missed = [None, Some(MissCause::Client), Some(MissCause::Render), Some(MissCause::Commit), Some(MissCause::Kernel)];
                planner.flipped(kind, missed[usize::from(miss)]);
                prop_assert!(planner.late() <= Planner::MAX);
                prop_assert!(planner.late() >= Planner::MIN_PLANES_RESERVE);
                let margins = planner.margins();
                prop_assert!(margins.late <= margins.early && margins.early <= Planner::MAX);
                prop_assert_eq!(planner.expected() == FrameKind::Rendered || !drawn, true);
            }
        }
    }
}
