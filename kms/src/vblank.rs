//! When the next vblank begins, computed from the mode and the flips that were seen.
//!
//! ```text
//!  … lines │← blanking →│ lines …
//!          ├ vblank N begins: from here on the display shows what was committed before
//!          │            └ its time stamp, where the driver stamps the first line
//!          └ its time stamp, where the driver stamps the interrupt
//! ```
//!
//! What a commit has to meet is the beginning. Drivers that know which line is being sent stamp the
//! first line of the frame (`drm_crtc_vblank_helper_get_vblank_timestamp`: i915, xe, amdgpu, msm,
//! nouveau, vc4 …), so that the stamp lies in the future when the flip is reported: by that they are
//! known.
//!
//! A driver without vblanks (simpledrm, udl, gud, panels on SPI …) reports a flip as soon as the
//! commit has been carried out (`drm_atomic_helper_fake_vblank`). There the clock is its own: a
//! frame goes out when it is ready, but not before the one before was shown for a period.
//!
//! Pure arithmetic: time is a parameter, nothing is read or waited for. Never drifts: each flip
//! resets the phase.

use crate::Ns;

/// How many periods after a flip its phase is still trusted: at an error of 10⁻³ it has moved by 3
/// % of a period then.
pub const FRESH: u64 = 30;

/// The vblanks of one CRTC. `sequence` counts as the kernel's 32 bits do, without wrapping.
#[derive(Debug, Clone)]
pub struct Clock {
    period: u64,
    blanking: u64,
    /// Time stamps are those of the first line.
    stamps_first_line: bool,
    begins: Begins,
    last: Option<Seen>,
    /// The last flip followed another one before that had become old.
    steady: bool,
    missed: u64,
}

/// What a vblank begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// The end of the period.
    Periodically,
    /// A frame: see [`Clock::set_variable`].
    WithFrame,
    /// There are none: see [`Clock::own`].
    Never,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The beginning of the vblank.
    time: Ns,
    sequence: u64,
}

impl Clock {
    /// A clock of a mode with `period` ns from vblank to vblank (at least 1), of which nothing is
    /// sent for `blanking` ns.
    pub fn new(period: u64, blanking: u64) -> Self {
        let period = period.max(1);
        let blanking = blanking.min(period / 2);
        let begins = Begins::Periodically;
        Self { period, blanking, stamps_first_line: false, begins, last: None, steady: false, missed: 0 }
    }

    /// The clock of a display without vblanks (not [`crate::Device::has_vblanks`]): what it calls a
    /// vblank is the time at which a frame goes out, `period` ns (at least 1) after the one before
    /// at the earliest. [`Clock::committed`] moves it, and no flip does.
    pub fn own(period: u64) -> Self {
        Self { begins: Begins::Never, ..Self::new(period, 0) }
    }

    /// See [`Clock::own`].
    pub fn is_own(&self) -> bool {
        self.begins == Begins::Never
    }

    /// Whether the display waits for a frame (VRR_ENABLED): a vblank then begins when a frame has
    /// come, at the earliest a period after the last one. What the display does by itself when none
    /// comes is not known here. A display without vblanks does not wait.
    pub fn set_variable(&mut self, variable: bool) {
        if !self.is_own() {
            self.begins = if variable { Begins::WithFrame } else { Begins::Periodically };
        }
    }

    /// See [`Clock::set_variable`].
    pub fn is_variable(&self) -> bool {
        self.begins == Begins::WithFrame
    }

    /// Whether vblanks come whether or not there is a frame, so that one can be missed.
    pub fn is_periodic(&self) -> bool {
        self.begins == Begins::Periodically
    }

    /// The kernel has taken a frame for the vblank at `vblank`.
    pub fn committed(&mut self, vblank: Ns) {
        if self.is_own() {
            self.last = Some(Seen { time: vblank, sequence: 0 });
        }
    }

    /// Beginning of the vblank of the last flip; `None`: none was seen.
    pub fn last_vblank(&self) -> Option<Ns> {
        self.last.map(|last| last.time)
    }

    /// Nanoseconds from vblank to vblank; the shortest, if that varies.
    pub fn period(&self) -> u64 {
        self.period
    }

    /// The phase is unknown from now on; misses stay counted.
    pub fn forget_phase(&mut self) {
        self.last = None;
        self.steady = false;
    }

    /// The beginning of the vblank with this time stamp.
    pub fn begin_of(&self, stamp: Ns) -> Ns {
        if self.stamps_first_line { stamp.saturating_sub(self.blanking) } else { stamp }
    }

    /// The time stamp of the vblank that begins then.
    pub fn stamp_of(&self, vblank: Ns) -> Ns {
        if self.stamps_first_line { vblank.saturating_add(self.blanking) } else { vblank }
    }

    /// A flip was reported at `now`, with a time stamp and the kernel's `sequence`; answers the
    /// sequence with its wraps counted. Of a display without vblanks it is 0.
    pub fn flip(&mut self, now: Ns, stamp: Ns, sequence: u32) -> u64 {
        if self.is_own() {
            return 0;
        }
        self.stamps_first_line |= stamp > now;
        let time = self.begin_of(stamp);
        let full = match self.last {
            // The signed distance of the low halves: right for jumps of up to 2^31 either way.
            Some(last) => {
                last.sequence.saturating_add_signed(i64::from(sequence.wrapping_sub(last.sequence as u32) as i32))
            }
            None => sequence.into(),
        };
        self.steady = self.last.is_some_and(|last| time.saturating_sub(last.time) <= FRESH * self.period);
        self.last = Some(Seen { time, sequence: full });
        full
    }

    /// Beginning of the first vblank strictly after `after`; one period after `after` while no flip was
    /// seen. It saturates: a client may name any time.
    pub fn next_vblank(&self, after: Ns) -> Ns {
        let Some(last) = self.last else {
            return after.saturating_add(if self.is_own() { 1 } else { self.period });
        };
        if !self.is_periodic() {
            return last.time.saturating_add(self.period).max(after.saturating_add(1));
        }
        match after.checked_sub(last.time) {
            Some(since) => last.time.saturating_add((since / self.period + 1).saturating_mul(self.period)),
            // Before the last flip (a flip of the future cannot be, but clocks are given by
            // callers).
            None => last.time - ((last.time - after - 1) / self.period) * self.period,
        }
    }

    /// Whether the time of the vblanks around `time` is known well: two flips were seen, each
    /// within [`FRESH`] periods.
    ///
    /// The first flip after a modeset, or after the vblank interrupt was off, may carry a time that
    /// the driver only estimated. Without flips it gets old: the mode's rate and the display's
    /// differ by some parts in ten thousand, and a driver may stop its vblank interrupt and start
    /// it with another phase. A clock of its own is always known.
    pub fn is_in_phase(&self, time: Ns) -> bool {
        self.is_own()
            || self.steady && self.last.is_some_and(|last| time.saturating_sub(last.time) <= FRESH * self.period)
    }

    /// How many vblanks a flip with this time stamp came after its `target`, the beginning of a
    /// vblank; 0 if in time, and always where no vblank comes without a frame. Counts them.
    pub fn miss(&mut self, target: Ns, stamp: Ns) -> u64 {
        if !self.is_periodic() {
            return 0;
        }
        let late = (self.begin_of(stamp).saturating_sub(target) + self.period / 2) / self.period;
        self.missed += late;
        late
    }

    /// All vblanks missed so far.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// When to latch for the first vblank that leaves at least `margin` from `now`: `(latch,
    /// vblank)`.
    pub fn latch(&self, now: Ns, margin: u64) -> (Ns, Ns) {
        let vblank = self.next_vblank(now + margin);
        (vblank.saturating_sub(margin), vblank)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn vblanks_follow_the_last_flip() {
        let mut clock = Clock::new(10 * MS, 0);
        assert_eq!(clock.next_vblank(3 * MS), 13 * MS);
        assert_eq!(clock.next_vblank(Ns::MAX - 1), Ns::MAX);
        clock.flip(100 * MS, 100 * MS, 5);
        assert_eq!(clock.next_vblank(Ns::MAX - 1), Ns::MAX);
        let table =
            [(100, 110), (101, 110), (109, 110), (110, 120), (125, 130), (95, 100), (90, 100), (89, 90), (41, 50)];
        for (after, next) in table {
            assert_eq!(clock.next_vblank(after * MS), next * MS, "after {after} ms");
        }
    }

    #[test]
    fn the_phase_is_known_for_a_while_after_a_flip() {
        let mut clock = Clock::new(10 * MS, 0);
        assert!(!clock.is_in_phase(0), "no flip yet");
        clock.flip(90 * MS, 90 * MS, 0);
        assert!(!clock.is_in_phase(91 * MS), "one flip says little");
        clock.flip(100 * MS, 100 * MS, 1);
        for (time, known) in [(90, true), (100, true), (400, true), (401, false), (100_000, false)] {
            assert_eq!(clock.is_in_phase(time * MS), known, "at {time} ms");
        }
        clock.flip(100_000 * MS, 100_000 * MS, 2);
        assert!(!clock.is_in_phase(100_001 * MS), "after a pause as after a modeset");
        clock.flip(100_010 * MS, 100_010 * MS, 3);
        assert!(clock.is_in_phase(100_001 * MS));
        clock.forget_phase();
        assert!(!clock.is_in_phase(100_001 * MS), "a modeset");
        for (pause, known) in [(FRESH * 10, true), (FRESH * 10 + 1, false)] {
            clock.flip(0, 0, 0);
            clock.flip(pause * MS, pause * MS, 1);
            assert_eq!(clock.is_in_phase(pause * MS), known, "after {pause} ms without a flip");
        }
    }

    /// The commit has to be there when the lines stop, not when they begin again.
    #[test]
    fn a_stamp_in_the_future_is_that_of_the_first_line() {
        let mut clock = Clock::new(10 * MS, MS);
        clock.flip(99 * MS + 50_000, 100 * MS, 1);
        assert_eq!(clock.next_vblank(100 * MS), 109 * MS);
        assert_eq!((clock.begin_of(110 * MS), clock.stamp_of(109 * MS)), (109 * MS, 110 * MS));
        assert_eq!((clock.miss(109 * MS, 110 * MS), clock.miss(109 * MS, 120 * MS)), (0, 1));
        // The next one is reported late: what is known of the driver stays.
        clock.flip(111 * MS, 110 * MS, 2);
        assert_eq!(clock.next_vblank(112 * MS), 119 * MS);
        assert!(clock.is_in_phase(112 * MS));
        // Another driver stamps its interrupt.
        let mut clock = Clock::new(10 * MS, MS);
        clock.flip(100 * MS + 50_000, 100 * MS, 1);
        assert_eq!(clock.next_vblank(100 * MS), 110 * MS);
    }

    #[test]
    fn a_variable_vblank_comes_with_the_frame() {
        let mut clock = Clock::new(10 * MS, MS);
        clock.set_variable(true);
        clock.flip(100 * MS, 100 * MS, 1);
        clock.flip(110 * MS, 110 * MS, 2);
        assert_eq!(clock.next_vblank(111 * MS), 120 * MS, "not before the mode's frame is over");
        assert_eq!(clock.next_vblank(133 * MS), 133 * MS + 1);
        assert_eq!(clock.latch(112 * MS, 2 * MS), (118 * MS, 120 * MS));
        assert_eq!(clock.latch(133 * MS, 2 * MS), (133 * MS + 1, 135 * MS + 1), "at once");
        assert_eq!((clock.miss(120 * MS, 145 * MS), clock.missed()), (0, 0), "nothing is late");
        assert_eq!((clock.last_vblank(), clock.period()), (Some(110 * MS), 10 * MS));
        clock.set_variable(false);
        assert_eq!(clock.next_vblank(133 * MS), 140 * MS);
    }

    #[test]
    fn without_vblanks_frames_are_a_period_apart() {
        let mut clock = Clock::own(10 * MS);
        assert!(clock.is_own() && clock.is_in_phase(0));
        assert_eq!(clock.next_vblank(100 * MS), 100 * MS + 1, "the first frame goes out at once");
        clock.committed(100 * MS);
        // The flip comes with the commit, or after the pixels have been sent, with no number.
        assert_eq!(clock.flip(99 * MS, 99 * MS, 0), 0);
        assert_eq!((clock.next_vblank(99 * MS), clock.next_vblank(100 * MS)), (110 * MS, 110 * MS));
        assert_eq!(clock.latch(101 * MS, 2 * MS), (108 * MS, 110 * MS));
        clock.committed(110 * MS);
        assert_eq!(clock.flip(135 * MS, 135 * MS, 0), 0);
        assert_eq!(clock.next_vblank(135 * MS), 135 * MS + 1, "a slow display is as fast as it can");
        assert_eq!((clock.miss(110 * MS, 135 * MS), clock.missed()), (0, 0), "nothing is late");
        clock.set_variable(true);
        assert!(clock.is_own() && !clock.is_variable());
        assert!(clock.is_in_phase(100_000 * MS), "it does not get old");
        assert_eq!(clock.next_vblank(Ns::MAX), Ns::MAX);
    }

    #[test]
    fn flips_move_and_commits_leave_the_clock_of_a_display_with_vblanks() {
        let mut clock = Clock::new(10 * MS, 0);
        clock.flip(100 * MS, 100 * MS, 1);
        clock.committed(125 * MS);
        assert_eq!(clock.next_vblank(101 * MS), 110 * MS);
    }

    #[test]
    fn misses_are_whole_vblanks() {
        let mut clock = Clock::new(10 * MS, 0);
        clock.flip(100 * MS, 100 * MS, 1);
        assert_eq!(clock.miss(110 * MS, 110 * MS + 300), 0);
        assert_eq!(clock.miss(110 * MS, 109 * MS), 0);
        assert_eq!(clock.miss(110 * MS, 120 * MS), 1);
        assert_eq!(clock.miss(110 * MS, 140 * MS - 200), 3);
        assert_eq!(clock.missed(), 4);
    }

    #[test]
    fn the_latch_leaves_its_margin() {
        let mut clock = Clock::new(10 * MS, 0);
        clock.flip(100 * MS, 100 * MS, 1);
        assert_eq!(clock.latch(101 * MS, 2 * MS), (108 * MS, 110 * MS));
        assert_eq!(clock.latch(108 * MS - 1, 2 * MS), (108 * MS, 110 * MS));
        assert_eq!(clock.latch(108 * MS, 2 * MS), (118 * MS, 120 * MS), "a latch of now is too late");
    }

    #[test]
    fn sequences_do_not_wrap() {
        let mut clock = Clock::new(MS, 0);
        assert_eq!(clock.flip(0, 0, u32::MAX), u64::from(u32::MAX));
        assert_eq!(clock.flip(MS, MS, 0), 1 << 32);
        assert_eq!(clock.flip(2 * MS, 2 * MS, 1), (1 << 32) + 1);
    }

    proptest! {
        #[test]
        fn next_vblank_is_after_and_in_phase(period in 1u64..100_000_000, flip in 0u64..1 << 50, after in 0u64..1 << 50) {
            let mut clock = Clock::new(period, 0);
            clock.flip(flip, flip, 0);
            let next = clock.next_vblank(after);
            prop_assert!(next > after && next - after <= period);
            prop_assert_eq!(next.abs_diff(flip) % period, 0);
        }
    }
}
