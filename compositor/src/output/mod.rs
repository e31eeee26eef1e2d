//! Outputs: one per connected display, each with its own clock, planes and state machine.
//!
//! ```text
//!  Idle ── something changed ──→ Scheduled{latch, vblank} ── the timer ──→ latch ──→ InFlight ── flip ──→ Idle
//! ```
//!
//! Who owns a buffer of an output, plane by plane:
//!
//! ```text
//!  present::Wanted ── the kernel takes the commit ──→ Output::on_plane ── the next commit ──→ Output::retiring ── its flip ──→ free
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

mod account;
mod assign;
mod begin;
mod blame;
pub mod card;
pub mod cards;
mod content_type;
mod damage;
mod desktop;
mod eligible;
mod flip;
mod gather;
pub mod holders;
mod hotplug;
mod latch;
pub mod light;
mod look;
pub mod pace;
pub mod power;
mod present;
pub mod recover;
mod redraw;
mod scene;
pub mod schedule;
mod screenshot;
mod submit;
mod tear;
pub mod tell;
mod timer;
mod vt;

pub use present::CursorPlane;

use std::sync::Arc;

use fence::{HandOff, Ns, SyncFile};
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

use schedule::{HandOverReserve, Misses, Planner, Timing};

use crate::{
    crc::Check,
    render::{Layer, Renderer, Target},
    surface::{Content, PendingCommit},
    trace,
};

/// The cards with their outputs and the renderer of all.
pub struct Outputs {
    pub cards: cards::Cards,
    pub renderer: Renderer,
    /// Number of the node that clients are told of first: that of the card that renders.
    pub main: u64,
    /// Serial of the card that has the clients' timelines.
    timelines: Option<kms::CardSerial>,
    pub policy: HandOff,
    pub list: Vec<Output>,
    /// The session has its VT.
    pub active: bool,
    looks: Vec<look::Look>,
    /// What a latch looks at; empty between latches, its memory is for the next one.
    due: Vec<(WlSurface, Arc<PendingCommit>)>,
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
    Scheduled { latch: Ns, vblank: Ns, why: Why },
    /// A commit is with the kernel.
    InFlight,
}

/// What an output latches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Something has changed.
    Changed,
    /// A commit that is held until that vblank.
    Due,
}

/// A commit on its way to the screen.
pub struct InFlight {
    frame: u64,
    /// The vblank it was latched for.
    vblank: Ns,
    /// Kept only while the trace or the CRCs are on.
    pub out_fence: Option<SyncFile>,
    direct: bool,
    /// A plane got a pending fence along.
    fenced: bool,
    timing: Timing,
    /// Done when the GPU has drawn the frame.
    render_fence: Option<SyncFile>,
    answers: Answers,
    /// What the CRC is predicted from.
    check: Option<Check>,
}

/// Who is to be told of a frame. Used again for every frame of an output.
#[derive(Default)]
struct Answers {
    /// The frame was shown at once, in the middle of a scan-out.
    tears: bool,
    /// Each with whether the client's own buffer is on a plane, and the surface's id.
    feedback: Vec<(PresentationFeedbackCallback, bool, u32)>,
    callbacks: Vec<WlCallback>,
}

impl InFlight {
    /// The flip will not be heard of: the display is gone, or another session has it.
    fn abandon(self, millis: u32) {
        self.answers.feedback.into_iter().for_each(|(feedback, ..)| feedback.discarded());
        // Else a client would wait for ever before it draws again.
        self.answers.callbacks.into_iter().for_each(|callback| callback.done(millis));
    }
}

/// A display that is gone, but not turned off yet.
#[derive(Debug)]
struct Leaving {
    id: u32,
    kms: kms::Output,
    /// What it still reads.
    _shows: Vec<OnPlane>,
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
    /// A frame failed: no latch before this time.
    pub not_before: Ns,
    /// Something to show has changed since the last latch.
    pub dirty: bool,
    /// A pending commit is to be looked at by the next latch; see [`look`].
    look: bool,
    pub frame: u64,
    primary: usize,
    cursor: Option<usize>,
    pub on_plane: Vec<Option<OnPlane>>,
    /// Of a surface: up to which of its damage.
    marks: Vec<Option<damage::Mark>>,
    /// Off the planes since the last commit, but on the screen until its flip.
    retiring: Vec<OnPlane>,
    pub in_flight: Option<InFlight>,
    /// Empty; its memory is for the next frame.
    answers: Answers,
    /// Looks after the flip of the commit in flight.
    watch: kms::recover::watch::FlipWatch,
    /// What to give up when the kernel refuses a frame.
    ladder: kms::recover::Ladder,
    /// A plane has refused a layout since clients were told.
    withdrawn: bool,
    targets: Vec<(Arc<Target>, u64)>,
    passes: u64,
    /// Passes in a row whose fence has failed.
    failed_passes: u32,
    tracker: OutputDamageTracker,
    scene: Vec<Layer>,
    layouts: assign::Layouts,
    planner: Planner,
    misses: Misses,
    hand_over: HandOverReserve,
    /// Commits whose fences the frame in flight took along.
    handed: Vec<(Weak<WlSurface>, Arc<PendingCommit>)>,
    /// The fullscreen surface asks for tearing; see [`tear`].
    tearing: tear::Verdict,
    /// What the connector tells the display.
    told: content_type::Told,
    /// The link to the display has failed: the next frame sets the mode, which trains it again.
    retrain: bool,
    /// It is to be off, or is, and why; see [`power`].
    off: Option<power::Why>,
    /// The configuration says where it is.
    placed: bool,
    pub crc: Option<crate::crc::OutputCrc>,
    /// What the frame in flight shows; its memory is for the next one.
    pub on_its_way: crate::crc::frames::OnItsWay,
    shown: Vec<trace::Shown>,
}

impl Output {
    /// The output on the desktop.
    pub fn rect(&self) -> Rectangle<i32, Logical> {
        Rectangle::new(self.location, self.size)
    }

    /// Whether it is on the card of this serial.
    pub fn is_on(&self, card: kms::CardSerial) -> bool {
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

    fn plane_kind(&self, index: usize) -> &'static str {
        match self.kms.planes()[index].kind {
            PlaneKind::Primary => "primary",
            PlaneKind::Cursor => "cursor",
            PlaneKind::Overlay => "overlay",
        }
    }
}
