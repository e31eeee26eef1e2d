//! The state machine of an output. Every transition is a method of [`Machine`]; nothing else
//! changes a phase.
//!
//! ```text
//!  Idle ── planned ──→ Scheduled ── committed ──→ Frame ── flipped ──→ Idle
//!                                                   └── hold ──→ Held ── flipped ──→ Idle
//!  Scheduled ── rest, refused ──→ Idle, or Off if it came from there
//!  Idle, Scheduled ── turned_off ──→ TurningOff ── flipped ──→ Off ── planned ──→ Scheduled (dark)
//!  Scheduled (dark) ── want_off ──→ Off
//!
//!  Frame, Modeset, TurningOff ── reset ──→ Lost ── flipped ──→ Idle
//!  Idle, Scheduled, Off ── reset ──→ Idle         Held, Lost: reset leaves them
//!  Idle, Held, Lost ── relit ──→ Modeset ── flipped ──→ Idle
//!  Idle, Scheduled, Off ── busy ──→ Lost
//! ```
//!
//! * An output begins in `Modeset`: the commit that lights it is in flight.
//! * `Scheduled` comes from `Idle` or from `Off`, and remembers which: what is given up
//!   ([`Machine::refused`], [`Machine::rest`]) goes back there. Only an output that is to be on is
//!   scheduled.
//! * The kernel has one commit of an output in `Frame`, `Held`, `Modeset` and `TurningOff`, and
//!   perhaps in `Lost`; nothing is committed then, but a modeset once [`Machine::reset`] has said
//!   that nothing is known.
//! * A frame's data are in its phase: no other phase has clients that wait for a flip.
//!
//! What an output shows is not in here, nor whether it has something new to show
//! ([`Output::dirty`](crate::output::state::Output::dirty)). A transition that the diagram lacks is
//! a bug: it panics in debug builds, and in release builds leaves the phase as it is.

use fence::Ns;
use kms::recover::watch::{FlipWatch, OverdueAction};

use crate::output::in_flight::InFlight;

/// The state of an output.
pub enum Phase {
    /// No latch is planned.
    Idle,
    /// The output will latch.
    Scheduled {
        latch: Latch,
        /// The display is off; the frame turns it on.
        dark: bool,
    },
    /// A frame is with the kernel.
    Frame { frame: InFlight, watch: FlipWatch },
    /// A frame is with the kernel and waits for a fence for longer than its clients were made to
    /// wait: they have been answered. Its flip wakes the compositor.
    Held,
    /// The commit that sets the mode is with the kernel. No client waits for it.
    Modeset(FlipWatch),
    /// What the kernel has is unknown: a flip was lost, or another process had the display, while a
    /// commit was in flight. Either its flip still comes, or the mode is set again.
    Lost { frame: Option<InFlight>, watch: FlipWatch },
    /// The commit that turns the display off is with the kernel.
    TurningOff(FlipWatch),
    /// The display is off, and no latch is planned.
    Off,
}

/// When an output latches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latch {
    /// CLOCK_MONOTONIC.
    pub at: Ns,
    /// The vblank that it is for, CLOCK_MONOTONIC.
    pub vblank: Ns,
    pub why: LatchReason,
}

/// Why an output latches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatchReason {
    /// Something has changed.
    Changed,
    /// A held commit is due at that vblank.
    Due,
}

/// Why a display is to be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffReason {
    /// The user is idle.
    Idle,
    /// The user or a client turned the display off.
    Asked,
}

/// What has come onto the screen with a flip.
pub enum Flipped {
    /// A frame.
    Frame(InFlight),
    /// A frame whose clients have been answered before.
    Held,
    /// The mode is set, or something of which nothing is known.
    Modeset,
    /// The display is off.
    Off,
}

/// The phase of an output, and what it is to be.
pub struct Machine {
    phase: Phase,
    /// The display is to be off.
    off: Option<OffReason>,
    /// No latch before this time (CLOCK_MONOTONIC).
    not_before: Ns,
}

impl Machine {
    /// Of an output whose first modeset was committed at `now`.
    pub fn lit(now: Ns) -> Self {
        Self { phase: Phase::Modeset(FlipWatch::new(now)), off: None, not_before: 0 }
    }

    /// The present phase.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The phase in a word, for messages.
    pub fn name(&self) -> &'static str {
        match &self.phase {
            Phase::Idle => "idle",
            Phase::Scheduled { dark: false, .. } => "scheduled",
            Phase::Scheduled { dark: true, .. } => "scheduled, dark",
            Phase::Frame { .. } => "frame",
            Phase::Held => "held",
            Phase::Modeset(_) => "modeset",
            Phase::Lost { .. } => "lost",
            Phase::TurningOff(_) => "turning off",
            Phase::Off => "off",
        }
    }

    /// The frame whose flip clients wait for.
    pub fn frame(&self) -> Option<&InFlight> {
        match &self.phase {
            Phase::Frame { frame, .. } => Some(frame),
            Phase::Lost { frame, .. } => frame.as_ref(),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn frame_mut(&mut self) -> Option<&mut InFlight> {
        match &mut self.phase {
            Phase::Frame { frame, .. } => Some(frame),
            Phase::Lost { frame, .. } => frame.as_mut(),
            _ => None,
        }
    }

    /// A flip is awaited: nothing can be committed.
    pub fn is_in_flight(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Scheduled { .. } | Phase::Off)
    }

    /// The display is off, or the commit that turns it off is with the kernel.
    pub fn is_dark(&self) -> bool {
        matches!(self.phase, Phase::TurningOff(_) | Phase::Off | Phase::Scheduled { dark: true, .. })
    }

    /// The commit in flight waits for a fence, and its clients have been answered.
    pub fn is_held(&self) -> bool {
        matches!(self.phase, Phase::Held)
    }

    /// Why the display is off or about to be turned off; `None`: it is on, or about to be.
    pub fn off(&self) -> Option<OffReason> {
        self.off
    }

    /// No latch may be planned before this time (CLOCK_MONOTONIC).
    pub fn not_before(&self) -> Ns {
        self.not_before
    }

    /// No latch before `time`.
    pub fn rest_until(&mut self, time: Ns) {
        self.not_before = time;
    }

    /// The latch that is planned.
    pub fn latch(&self) -> Option<Latch> {
        match self.phase {
            Phase::Scheduled { latch, .. } => Some(latch),
            _ => None,
        }
    }
}

/// Latches.
impl Machine {
    /// Whether a latch can be planned now. One for a held commit that is due later gives way to
    /// what has changed.
    pub fn can_plan(&self, now: Ns) -> bool {
        let free = match &self.phase {
            Phase::Idle | Phase::Off => true,
            Phase::Scheduled { latch, .. } => latch.why == LatchReason::Due && latch.at > now,
            _ => false,
        };
        free && self.off.is_none()
    }

    /// The next latch is planned, or moved, or there is none: `Idle`, `Off`, `Scheduled` →
    /// `Scheduled`, or as [`Machine::rest`].
    pub fn planned(&mut self, latch: Option<Latch>) {
        let Some(latch) = latch else { return self.rest() };
        match self.phase {
            Phase::Idle | Phase::Scheduled { .. } | Phase::Off if self.off.is_none() => {
                self.phase = Phase::Scheduled { latch, dark: self.is_dark() };
            }
            _ => self.never("planned"),
        }
    }

    /// No latch is planned any more: `Scheduled` → `Idle`, or `Off` if the display is off. Nothing
    /// where none was planned.
    pub fn rest(&mut self) {
        if let Phase::Scheduled { dark, .. } = self.phase {
            self.phase = if dark { Phase::Off } else { Phase::Idle };
        }
    }

    /// The kernel has taken a frame at `now`: `Scheduled` → `Frame`. Hands a frame that cannot be
    /// back, so that its clients get answers.
    #[must_use]
    pub fn committed(&mut self, frame: InFlight, now: Ns) -> Option<InFlight> {
        match self.phase {
            Phase::Scheduled { .. } => self.phase = Phase::Frame { frame, watch: FlipWatch::new(now) },
            _ => {
                self.never("committed");
                return Some(frame);
            }
        }
        None
    }

    /// The frame was not made, or the kernel has refused it: as [`Machine::rest`], and no latch
    /// before `not_before`.
    pub fn refused(&mut self, not_before: Ns) {
        self.rest();
        self.not_before = not_before;
    }

    /// The kernel has refused a frame at `now` because a commit is in flight that this machine does
    /// not know: `Idle`, `Scheduled`, `Off` → `Lost`.
    pub fn busy(&mut self, now: Ns) {
        match self.phase {
            Phase::Idle | Phase::Scheduled { .. } | Phase::Off => {
                self.phase = Phase::Lost { frame: None, watch: FlipWatch::new(now) };
            }
            _ => self.never("busy"),
        }
    }
}

/// Flips that come, are late, or never come.
impl Machine {
    /// Whether a flip event that kms knows nothing of may be the one that is awaited.
    pub fn awaits_any_flip(&self) -> bool {
        matches!(self.phase, Phase::Held | Phase::Lost { .. })
    }

    /// The awaited flip has come: `TurningOff` → `Off`, others → `Idle`. `None`, and nothing
    /// happens, where none is awaited.
    pub fn flipped(&mut self) -> Option<Flipped> {
        if !self.is_in_flight() {
            return None;
        }
        let off = matches!(self.phase, Phase::TurningOff(_));
        let before = std::mem::replace(&mut self.phase, if off { Phase::Off } else { Phase::Idle });
        Some(match before {
            Phase::Frame { frame, .. } | Phase::Lost { frame: Some(frame), .. } => Flipped::Frame(frame),
            Phase::Held => Flipped::Held,
            Phase::TurningOff(_) => Flipped::Off,
            _ => Flipped::Modeset,
        })
    }

    /// When to look for the awaited flip; `None`: none is awaited, or a fence is known to be the
    /// cause.
    pub fn watch_due(&self) -> Option<Ns> {
        match &self.phase {
            Phase::Frame { watch, .. } | Phase::Lost { watch, .. } => Some(watch.due()),
            Phase::Modeset(watch) | Phase::TurningOff(watch) => Some(watch.due()),
            Phase::Idle | Phase::Scheduled { .. } | Phase::Held | Phase::Off => None,
        }
    }

    /// What to do about the awaited flip at `now`; `stalled`: a fence is pending for which the
    /// frame waits.
    pub fn check_overdue(&mut self, now: Ns, stalled: bool) -> Option<OverdueAction> {
        match &mut self.phase {
            Phase::Frame { watch, .. } => watch.look(now, || stalled),
            Phase::Lost { watch, .. } | Phase::Modeset(watch) | Phase::TurningOff(watch) => watch.look(now, || false),
            Phase::Idle | Phase::Scheduled { .. } | Phase::Held | Phase::Off => None,
        }
    }

    /// The frame in flight waits for a fence: `Frame` → `Held`. The frame, whose clients are to be
    /// answered now.
    pub fn hold(&mut self) -> Option<InFlight> {
        match std::mem::replace(&mut self.phase, Phase::Held) {
            Phase::Frame { frame, .. } => Some(frame),
            other => {
                self.phase = other;
                self.never("hold");
                None
            }
        }
    }

    /// What the kernel shows and has is unknown, as after `kms::Output::reset`: `Frame`, `Modeset`,
    /// `TurningOff` → `Lost`; `Held` and `Lost` stay; others → `Idle`.
    pub fn reset(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Frame { frame, watch } => Phase::Lost { frame: Some(frame), watch },
            Phase::Modeset(watch) | Phase::TurningOff(watch) => Phase::Lost { frame: None, watch },
            stays @ (Phase::Held | Phase::Lost { .. }) => stays,
            Phase::Idle | Phase::Scheduled { .. } | Phase::Off => Phase::Idle,
        };
    }

    /// The kernel has taken a modeset at `now`, after [`Machine::reset`]: `Idle`, `Held`, `Lost` →
    /// `Modeset`. The frame that it replaced, whose clients are to be answered now.
    pub fn relit(&mut self, now: Ns) -> Option<InFlight> {
        match std::mem::replace(&mut self.phase, Phase::Modeset(FlipWatch::new(now))) {
            Phase::Lost { frame, .. } => frame,
            Phase::Idle | Phase::Held => None,
            // It is in flight all the same.
            Phase::Frame { frame, .. } => {
                debug_assert!(false, "relit while a frame is in flight");
                Some(frame)
            }
            Phase::Scheduled { .. } | Phase::Modeset(_) | Phase::TurningOff(_) | Phase::Off => {
                debug_assert!(false, "relit without a reset");
                None
            }
        }
    }

    /// The output is going away: the frame whose clients are to be answered.
    pub fn end(self) -> Option<InFlight> {
        match self.phase {
            Phase::Frame { frame, .. } | Phase::Lost { frame: Some(frame), .. } => Some(frame),
            _ => None,
        }
    }
}

/// Displays off and on.
impl Machine {
    /// The display is to be off. A frame that would have turned it on is not made any more. False:
    /// that was known.
    pub fn want_off(&mut self, why: OffReason) -> bool {
        if self.off.is_some() {
            return false;
        }
        self.off = Some(why);
        if self.is_dark() {
            self.rest();
        }
        true
    }

    /// The display is to be on; the next frame turns it on. False: that was known.
    pub fn want_on(&mut self) -> bool {
        self.off.take().is_some()
    }

    /// Whether the display is to be turned off, and can be now.
    pub fn can_turn_off(&self) -> bool {
        self.off.is_some() && matches!(self.phase, Phase::Idle | Phase::Scheduled { dark: false, .. })
    }

    /// The kernel has taken the commit that turns the display off, at `now`: `Idle`, `Scheduled` →
    /// `TurningOff`.
    pub fn turned_off(&mut self, now: Ns) {
        match self.can_turn_off() {
            true => self.phase = Phase::TurningOff(FlipWatch::new(now)),
            false => self.never("turned_off"),
        }
    }

    fn never(&self, what: &str) {
        debug_assert!(false, "unexpected transition `{what}` in phase {}", self.name());
        tracing::error!("a bug: unexpected transition `{what}` of an output in phase {}", self.name());
    }
}

#[cfg(test)]
mod tests;
