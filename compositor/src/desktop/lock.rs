//! The lock of the session: which client holds it, what it shows, and which outputs show nothing else
//! yet.
//!
//! ```text
//!  lock ─→ only lock surfaces are on the desktop ─ each output flips ─→ complete
//! ```
//!
//! The lock is not the client's: it stays if the client dies. Nothing here knows outputs: the caller
//! says what has flipped.

use fence::Ns;
use protocols::{
    reexports::session_lock::surface::ExtSessionLockSurfaceV1,
    session_lock::{LockSurface, SessionLock},
};
use smallvec::SmallVec;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point},
};

use crate::system::id::OutputId;

/// So long (ns) a frame that waits for a client's fence may keep its display from being locked.
pub const PATIENCE: Ns = 1_000_000_000;

/// One lock surface.
#[derive(Debug)]
pub struct LockWindow {
    pub role: LockSurface,
    /// `None`: its display is gone.
    pub output: Option<OutputId>,
    /// It shows a buffer.
    pub mapped: bool,
    /// The top left corner on the desktop: that of its output; `None`: that is nowhere on it, and shows another one's
    /// surface.
    pub at: Option<Point<i32, Logical>>,
}

impl LockWindow {
    /// Whether it is seen.
    fn is_shown(&self) -> bool {
        self.mapped && self.output.is_some() && self.role.surface().is_alive()
    }
}

/// A session that is locked, or is about to be.
#[derive(Debug)]
pub struct Lock {
    /// The client's lock; `None`: the client is gone, and another one may take its place.
    pub holder: Option<SessionLock>,
    /// No display shows anything of clients any more.
    pub complete: bool,
    /// When it was asked for, or was looked for what is in its way, CLOCK_MONOTONIC.
    pub looked: Ns,
    /// How often that was.
    pub looks: u32,
    /// The last frame of each output that may show clients.
    before: SmallVec<[(OutputId, u64); 4]>,
    /// The outputs that have shown a later one.
    blank: SmallVec<[OutputId; 4]>,
    /// In the order in which they came.
    windows: Vec<LockWindow>,
    /// The surface that the user has chosen for the keyboard.
    chosen: Option<WlSurface>,
}

impl Lock {
    /// A lock that is asked for at `since`; without a holder it
    /// was locked before this process began; `frames` are the numbers of the outputs' last frames.
    pub fn new(holder: Option<SessionLock>, since: Ns, frames: impl Iterator<Item = (OutputId, u64)>) -> Self {
        Self {
            holder,
            complete: false,
            looked: since,
            looks: 0,
            before: frames.collect(),
            blank: SmallVec::new(),
            windows: Vec::new(),
            chosen: None,
        }
    }

    /// An output has shown a frame.
    pub fn has_flipped(&mut self, output: OutputId, frame: u64) {
        let last = self.before.iter().find(|(id, _)| *id == output).map_or(0, |(_, last)| *last);
        if frame > last && !self.blank.contains(&output) {
            self.blank.push(output);
        }
    }

    /// Whether an output has shown a frame without clients since.
    pub fn is_blank(&self, output: OutputId) -> bool {
        self.blank.contains(&output)
    }

    /// Whether a client's surface may be shown: it is of the client that holds the lock.
    pub fn trusts(&self, surface: &WlSurface) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|holder| surface.client().is_some() && surface.client() == holder.object().client())
    }

    /// Adds a surface, which shows nothing yet.
    pub fn push(&mut self, role: LockSurface, output: Option<OutputId>, at: Option<Point<i32, Logical>>) {
        self.windows.push(LockWindow { role, output, mapped: false, at });
    }

    /// Whether there is a live surface for an output.
    pub fn has_surface_on(&self, output: OutputId) -> bool {
        self.windows.iter().any(|window| window.output == Some(output))
    }

    /// Removes the surface of a role object. Returns whether there was one.
    pub fn remove(&mut self, object: &ExtSessionLockSurfaceV1) -> bool {
        let before = self.windows.len();
        self.windows.retain(|window| window.role != *object);
        self.windows.len() < before
    }

    /// The lock surface that `surface` is.
    pub fn find(&mut self, surface: &WlSurface) -> Option<&mut LockWindow> {
        self.windows.iter_mut().find(|window| window.role.surface() == surface)
    }

    /// The output that a surface of the lock is for.
    pub fn output_of(&self, surface: &WlSurface) -> Option<OutputId> {
        self.windows.iter().find(|window| window.role.surface() == surface)?.output
    }

    /// The surfaces that are shown, with their places on the desktop.
    pub fn shown(&self) -> impl Iterator<Item = (&WlSurface, Point<i32, Logical>)> {
        let shown = self.windows.iter().filter(|window| window.is_shown());
        shown.filter_map(|window| Some((window.role.surface(), window.at?)))
    }

    /// The client is gone: nobody holds the lock, and its surfaces are not shown any more.
    pub fn abandon(&mut self) {
        self.holder = None;
        self.windows.clear();
        self.chosen = None;
    }

    /// Outputs have come, gone or moved. `place` says where one is, if it is on the desktop; `None`: it is gone.
    pub fn place(&mut self, place: impl Fn(OutputId) -> Option<Option<Point<i32, Logical>>>) {
        for window in &mut self.windows {
            match window.output.and_then(&place) {
                Some(at) => window.at = at,
                None => window.output = None,
            }
        }
        self.blank.retain(|output| place(*output).is_some());
        self.before.retain(|(output, _)| place(*output).is_some());
    }

    /// The user gives a surface the keyboard.
    pub fn choose(&mut self, surface: &WlSurface) {
        if self.windows.iter().any(|window| window.role.surface() == surface) {
            self.chosen = Some(surface.clone());
        }
    }

    /// Who has the keyboard: the surface that the user has chosen, else the first.
    pub fn keyboard(&self) -> Option<&WlSurface> {
        let chosen = || self.shown().map(|(surface, _)| surface).find(|surface| Some(*surface) == self.chosen.as_ref());
        chosen().or_else(|| self.shown().map(|(surface, _)| surface).next())
    }
}
