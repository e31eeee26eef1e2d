//! Outputs: one per lit display, each with its own clock, planes and state machine.
//!
//! The state machine is in [`crate::output::phase`].
//!
//! Who holds a buffer of an output, plane by plane, and when it has left the screen, is decided in
//! one place: [`kms::tracker`], as a part of [`Output::kms`]. Its payload is
//! [`crate::output::planes::request::Held`]. A content with an explicit release leaves earlier: its
//! release point gets the out-fence of the commit that takes it off.
//!
//! A commit that the kernel refuses, and a flip that does not come:
//! [`crate::session::frame::recover`].
//!
//! A display that is turned off and on: [`crate::session::cards::power`].
//!
//! An output whose image does not change stays idle: no timer, no commit, no wake-up.

use std::sync::Arc;

use kms::vblank;
use smithay::{
    output::Output as WlOutput,
    reexports::wayland_server::{Weak, backend::GlobalId, protocol::wl_surface::WlSurface},
    utils::{Logical, Physical, Point, Rectangle, Size, Transform},
};

use crate::{
    config::output::transform_name,
    output::{
        card::{light::Fallback, monitor::Monitor},
        colour::ColourSettings,
        in_flight::FrameCallbacks,
        mirror::{Mirror, nowhere},
        phase::Machine,
        planes::{
            assign::Layouts,
            content_type::ConnectorSettings,
            request::{KmsOutput, Mark, OnPlane},
            tear,
        },
        quiet::QuietMoment,
        rest::Rest,
        variable::VariableRefresh,
    },
    render::{Scene, Screen, Target, Tracker},
    schedule::{HandOverReserve, Planner, cause::Misses},
    surface::{content::Content, gate::PendingCommit},
    system::{id::OutputId, scale::Scale, trace},
};

/// One lit display.
pub struct Output {
    /// Never reused in this process.
    pub id: OutputId,
    /// Smithay's object behind the clients' `wl_output`.
    pub wl: WlOutput,
    /// The `wl_output` global.
    pub global: GlobalId,
    /// The CRTC, the connector and the planes.
    pub kms: KmsOutput,
    /// Predicts vblanks from the timestamps of flips, or takes their place.
    pub clock: vblank::Clock,
    /// It mirrors another one; where it would be by itself is in the next fields all the same.
    pub mirror: Option<Mirror>,
    /// The top left corner on the desktop.
    pub location: Point<i32, Logical>,
    /// The size on the desktop: that of the mode, turned by `transform`, divided by `scale`.
    pub size: Size<i32, Logical>,
    /// How the desktop is turned to become the image ([`Screen`]).
    pub transform: Transform,
    /// How many of its pixels are one of the desktop.
    pub scale: Scale,
    /// Where it is between two flips, and whether it is to be on.
    pub machine: Machine,
    /// The image has changed since the last latch.
    pub dirty: bool,
    /// What the pointer waits for while the refresh varies.
    pub refresh: VariableRefresh,
    /// The next latch must check a pending commit; see [`crate::session::frame::deferred`].
    pub check_pending: bool,
    /// The number of the last committed frame.
    pub frame: u64,
    /// When the last frame was shown.
    pub flipped_at: Option<fence::Ns>,
    /// Index of the primary plane.
    pub primary: usize,
    /// Index of the plane that is reserved for the pointer, if there is one.
    pub cursor: Option<usize>,
    /// The last frame showed the pointer on that plane, or not at all: it is no layer of the scene.
    pub pointer_on_plane: bool,
    /// A fullscreen window fills the display: what it does not cover is black.
    pub filled: bool,
    /// For each layer of the last frame, whether a plane showed it.
    pub shown_by_plane: Vec<bool>,
    /// That is what the assignment says: the frame was not composited against it.
    pub marked_by_assignment: bool,
    /// The callbacks of the next frame.
    pub callbacks: FrameCallbacks,
    /// Decides what to omit when the kernel refuses a frame.
    pub ladder: kms::recover::Ladder,
    /// For how long a cursor plane that was refused is left alone.
    pub cursor_rest: Rest,
    /// What it waits for until no other output of its card has a commit in flight.
    pub quiet: QuietMoment,
    /// A plane has refused a layout since clients last got dmabuf feedback.
    pub withdrawn: bool,
    /// The render targets, each with the pass that last rendered it; 0: its image is not valid.
    pub targets: Vec<(Arc<Target>, u64)>,
    /// Clients' buffers go with in-fences: the driver takes them, and there is a signalled one.
    pub has_in_fences: bool,
    /// Contents that the last frame was to composite and did not read, because fences are pending.
    pub late: Vec<Arc<Content>>,
    /// The number of render passes so far.
    pub passes: u64,
    /// Number of consecutive render passes whose fence failed.
    pub failed_passes: u32,
    pub tracker: Tracker,
    /// What the output shows.
    pub scene: Scene,
    /// The plane assigner.
    pub layouts: Layouts,
    /// Decides how long before a vblank to latch.
    pub planner: Planner,
    /// Missed vblanks by cause.
    pub misses: Misses,
    /// How long before a vblank an in-fence must signal.
    pub hand_over: HandOverReserve,
    /// Pending commits whose acquire fences the frame in flight carries as in-fences.
    pub handed: Vec<(Weak<WlSurface>, Arc<PendingCommit>)>,
    /// Whether the next frame may tear; see [`tear`].
    pub tearing: tear::TearVerdict,
    /// The connector's properties, such as the content type.
    pub settings: ConnectorSettings,
    /// What it does to the colour of the whole image.
    pub colour: ColourSettings,
    /// The link to the display has failed: the next frame is a modeset, which trains the link
    /// again.
    pub retrain: bool,
    /// The kernel did not light it as it was to be.
    pub fallback: Option<Fallback>,
    /// By which it can put a frame's image into a buffer.
    pub writeback: Option<kms::Writeback>,
    /// For how long that is left alone, because the kernel has refused it or has failed to.
    pub writeback_rest: Rest,
    /// The monitor behind its connector.
    pub monitor: Monitor,
    /// The configuration sets the output's position.
    pub placed: bool,
    /// The CRCs of the output, while they are turned on.
    pub crc: Option<crate::crc::stream::OutputCrc>,
    /// What the frame in flight shows; the memory is reused by the next frame.
    pub pending_frame: crate::crc::frames::PendingFrame,
    /// Scratch list for the trace.
    pub shown: Vec<trace::ShownCommit>,
}

impl Output {
    /// The output's rectangle on the desktop; that of one that mirrors another one meets nothing.
    pub fn rect(&self) -> Rectangle<i32, Logical> {
        if self.mirror.is_some() { nowhere() } else { Rectangle::new(self.location, self.size) }
    }

    /// The part of the desktop that it shows: its own, or that of the output that it mirrors.
    pub fn shown_area(&self) -> Rectangle<i32, Logical> {
        self.mirror.map_or_else(|| self.rect(), |mirror| mirror.screen.area)
    }

    /// Which part of the desktop it shows, and how its pixels lie there.
    pub fn screen(&self) -> Screen {
        self.mirror.map_or_else(|| self.own_screen(), |mirror| mirror.screen)
    }

    /// Where clients are told that it is: where its image comes from.
    pub fn told_location(&self) -> Point<i32, Logical> {
        self.mirror.map_or(self.location, |mirror| mirror.screen.area.loc)
    }

    /// Where it is on the desktop if it mirrors nothing.
    pub fn own_screen(&self) -> Screen {
        Screen::new(self.location, self.pixels(), self.transform, self.scale)
    }

    /// The size of its image: that of the mode.
    pub fn pixels(&self) -> Size<i32, Physical> {
        let (width, height) = self.kms.size();
        (width as i32, height as i32).into()
    }

    /// Whether the next image that it writes takes a modeset: its writeback connector is on no CRTC yet.
    pub fn attaches_writeback(&self) -> bool {
        self.writeback.as_ref().is_some_and(|connector| !self.kms.has_writeback(connector))
    }

    /// Whether the output is on the card with the serial `card`.
    pub fn is_on(&self, card: kms::CardSerial) -> bool {
        self.kms.device().serial() == card
    }

    /// What the display shows and what is in flight is unknown: a flip was lost, or another process
    /// had the display. The next commit must be a modeset.
    pub fn reset(&mut self) {
        self.kms.reset();
        self.machine.reset();
    }

    /// What the last commit put on a plane; `None`: nothing.
    pub fn on_plane(&self, plane: usize) -> Option<&OnPlane> {
        self.kms.shown(plane).map(|shown| &shown.payload.show)
    }

    /// What the last commit put on the planes, each with its index.
    pub fn on_planes(&self) -> impl Iterator<Item = (usize, &OnPlane)> {
        (0..self.kms.planes().len()).filter_map(|plane| Some((plane, self.on_plane(plane)?)))
    }

    /// Up to which damage of its surface a plane is current; `None`: unknown.
    pub fn mark(&self, plane: usize) -> Option<Mark> {
        self.kms.shown(plane)?.payload.mark
    }

    /// Checks, in debug builds, that the state machine is in step with what was committed.
    pub fn check_phase(&self) {
        let (machine, committed) = (&self.machine, self.kms.in_flight().is_some());
        debug_assert!(machine.is_in_flight() || !committed, "{}: {committed:?}", machine.name());
        debug_assert!(!machine.is_in_flight() || committed || machine.awaits_any_flip(), "{}", machine.name());
        debug_assert_eq!(machine.is_dark(), self.kms.is_asleep(), "{}", machine.name());
    }

    /// Index of the plane that is reserved for the pointer, if there is one.
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
            "x": self.told_location().x,
            "y": self.told_location().y,
            "width": self.size.w,
            "height": self.size.h,
            "mode": self.kms.size(),
            "transform": transform_name(self.transform),
            "scale": self.scale.factor(),
            "refresh_hz": 1e9 / self.clock.period() as f64,
            "fallback": self.fallback,
            "frame": self.frame,
            "missed": self.clock.missed(),
            "missed_by": self.misses,
            "latch": self.planner.status(),
            "power": if self.machine.is_dark() { "off" } else { "on" },
            "pointer_on_plane": self.pointer_on_plane,
            "tearing": self.tearing.name(),
            "vrr": self.kms.vrr(),
            "vblanks": !self.clock.is_own(),
            "test_commits": self.layouts.tests(),
            "on_planes": self.on_planes().filter(|(_, shown)| matches!(shown, OnPlane::Content(_))).count(),
            "planes": self.kms.on_planes().map(|(plane, _)| plane.id).collect::<Vec<_>>(),
            "direct": matches!(self.on_plane(self.primary), Some(OnPlane::Content(_))),
        })
    }

    /// The kind of a plane, in the words of the trace.
    pub fn plane_kind(&self, index: usize) -> &'static str {
        self.kms.planes()[index].kind.name()
    }
}
