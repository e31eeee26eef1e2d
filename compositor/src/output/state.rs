//! Outputs: one per connected display, each with its own clock, planes and state machine.
//!
//! ```text
//!  Idle ── something changed ──→ Scheduled{latch, vblank} ── the timer ──→ latch ──→ InFlight ── flip ──→ Idle
//! ```
//!
//! Who owns a buffer of an output, plane by plane:
//!
//! ```text
//!  present::PlaneRequest ── the kernel takes the commit ──→ Output::on_plane ── the next commit ──→ Output::retiring ── its flip ──→ free
//!     (pending)                                       (queued, current)                       or the release, with its OUT_FENCE
//! ```
//!
//! - *pending*: the frame that is being put together holds it; a refusal gives it back, or to the next attempt;
//! - *queued*, and *current* from the flip on: the plane holds it. At most one commit is with the kernel. The waiting one is not
//!   made before its latch: until then it is the scene, which every commit of a client replaces;
//! - *retiring*: off the planes, but on screen until the flip. A content with an explicit release goes earlier: its point gets
//!   the OUT_FENCE of the commit that takes it off.
//!
//! A commit that the kernel refuses, and a flip that does not come: [`recover`].
//!
//! A display that is turned off and on: [`power`].
//!
//! An output with nothing to show differently stays idle: no timer, no commit, no wake-up.

use std::sync::Arc;

use fence::{Ns, SyncFile};
use kms::{PlaneKind, vblank};
use smithay::{
    backend::renderer::damage::OutputDamageTracker,
    output::Output as WlOutput,
    reexports::wayland_server::{
        Weak,
        backend::GlobalId,
        protocol::{wl_callback::WlCallback, wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, Size},
    wayland::presentation::PresentationFeedbackCallback,
};

use crate::{
    crc::check::Check,
    output::planes::{
        assign::Layouts,
        content_type::ConnectorSettings,
        request::{Mark, OnPlane},
        tear,
    },
    render::{Layer, Target},
    schedule::{HandOverReserve, Planner, Timing, cause::Misses},
    surface::gate::PendingCommit,
    system::{
        id::{OutputId, SurfaceId},
        trace,
    },
};

/// Where an output is in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is due.
    Idle,
    /// Will latch at `latch`, for the vblank at `vblank`.
    Scheduled { latch: Ns, vblank: Ns, why: LatchReason },
    /// A commit is with the kernel.
    InFlight,
}

/// What an output latches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatchReason {
    /// Something has changed.
    Changed,
    /// A commit that is held until that vblank.
    Due,
}

/// A commit on its way to the screen.
pub struct InFlight {
    pub frame: u64,
    /// The vblank it was latched for.
    pub vblank: Ns,
    /// Kept only while the trace or the CRCs are on.
    pub out_fence: Option<SyncFile>,
    pub direct: bool,
    /// A plane got a pending fence along.
    pub fenced: bool,
    pub timing: Timing,
    /// Done when the GPU has drawn the frame.
    pub render_fence: Option<SyncFile>,
    pub answers: Answers,
    /// What the CRC is predicted from.
    pub check: Option<Check>,
}

/// Who is to be told of a frame. Used again for every frame of an output.
#[derive(Default)]
pub struct Answers {
    /// The frame was shown at once, in the middle of a scan-out.
    pub tears: bool,
    /// Each with whether the client's own buffer is on a plane, and the surface's id.
    pub feedback: Vec<(PresentationFeedbackCallback, bool, SurfaceId)>,
    pub callbacks: Vec<WlCallback>,
}

impl InFlight {
    /// The flip will not be heard of: the display is gone, or another session has it.
    pub fn abandon(self, millis: u32) {
        self.answers.feedback.into_iter().for_each(|(feedback, ..)| feedback.discarded());
        // Else a client would wait for ever before it draws again.
        self.answers.callbacks.into_iter().for_each(|callback| callback.done(millis));
    }
}

/// One lit display.
pub struct Output {
    pub id: OutputId,
    pub wl: WlOutput,
    pub global: GlobalId,
    pub kms: kms::Output,
    pub clock: vblank::Clock,
    pub location: Point<i32, Logical>,
    pub size: Size<i32, Logical>,
    pub phase: Phase,
    /// A frame failed: no latch before this time.
    pub not_before: Ns,
    /// Something to show has changed since the last latch.
    pub dirty: bool,
    /// A pending commit is to be looked at by the next latch; see [`look`].
    pub look: bool,
    pub frame: u64,
    pub primary: usize,
    pub cursor: Option<usize>,
    pub on_plane: Vec<Option<OnPlane>>,
    /// Of a surface: up to which of its damage.
    pub marks: Vec<Option<Mark>>,
    /// Off the planes since the last commit, but on the screen until its flip.
    pub retiring: Vec<OnPlane>,
    pub in_flight: Option<InFlight>,
    /// Empty; its memory is for the next frame.
    pub answers: Answers,
    /// Looks after the flip of the commit in flight.
    pub watch: kms::recover::watch::FlipWatch,
    /// What to give up when the kernel refuses a frame.
    pub ladder: kms::recover::Ladder,
    /// A plane has refused a layout since clients were told.
    pub withdrawn: bool,
    pub targets: Vec<(Arc<Target>, u64)>,
    pub passes: u64,
    /// Passes in a row whose fence has failed.
    pub failed_passes: u32,
    pub tracker: OutputDamageTracker,
    pub scene: Vec<Layer>,
    pub layouts: Layouts,
    pub planner: Planner,
    pub misses: Misses,
    pub hand_over: HandOverReserve,
    /// Commits whose fences the frame in flight took along.
    pub handed: Vec<(Weak<WlSurface>, Arc<PendingCommit>)>,
    /// The fullscreen surface asks for tearing; see [`tear`].
    pub tearing: tear::Verdict,
    /// What the connector tells the display.
    pub told: ConnectorSettings,
    /// The link to the display has failed: the next frame sets the mode, which trains it again.
    pub retrain: bool,
    /// It is to be off, or is, and why; see [`power`].
    pub off: Option<OffReason>,
    /// The configuration says where it is.
    pub placed: bool,
    pub crc: Option<crate::crc::stream::OutputCrc>,
    /// What the frame in flight shows; its memory is for the next one.
    pub on_its_way: crate::crc::frames::PendingFrame,
    pub shown: Vec<trace::Shown>,
}

impl Output {
    /// The output on the desktop.
    pub fn rect(&self) -> Rectangle<i32, Logical> {
        Rectangle::new(self.location, self.size)
    }

    /// Whether it is on the card of this serial.
    pub fn is_on(&self, card: u32) -> bool {
        self.kms.device().serial() == card
    }

    /// Index of the pointer's plane, if the pointer has one.
    pub fn cursor_plane(&self) -> Option<usize> {
        self.cursor
    }

    /// For `syncline msg status`.
    pub fn status(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.wl.name(),
            "card": self.kms.device().path(),
            "driver": self.kms.device().driver(),
            "crtc": self.kms.crtc_id(),
            "x": self.location.x,
            "y": self.location.y,
            "width": self.size.w,
            "height": self.size.h,
            "refresh_hz": 1e9 / self.clock.period() as f64,
            "frame": self.frame,
            "missed": self.clock.missed(),
            "missed_by": self.misses,
            "latch": self.planner.status(),
            "power": if self.kms.is_asleep() { "off" } else { "on" },
            "tearing": self.tearing.name(),
            "vrr": self.kms.vrr(),
            "test_commits": self.layouts.tests(),
            "on_planes": self.on_plane.iter().filter(|shown| matches!(shown, Some(OnPlane::Content(_)))).count(),
            "direct": matches!(self.on_plane.get(self.primary), Some(Some(OnPlane::Content(_)))),
        })
    }

    pub fn plane_kind(&self, index: usize) -> &'static str {
        match self.kms.planes()[index].kind {
            PlaneKind::Primary => "primary",
            PlaneKind::Cursor => "cursor",
            PlaneKind::Overlay => "overlay",
        }
    }
}

/// Why a display is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffReason {
    /// Nobody is here.
    Idle,
    /// The user, or a client, asked for it.
    Asked,
}
