//! What is kept of a layer surface: its configures, and whether it may have a buffer.
//!
//! It arranges nothing and maps nothing.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use smithay::{
    utils::{Logical, SERIAL_COUNTER, Serial, Size},
    wayland::compositor::{BufferAssignment, SurfaceAttributes, SurfaceData, with_states},
};
use wayland_protocols_wlr::layer_shell::v1::server::{
    zwlr_layer_shell_v1::ZwlrLayerShellV1,
    zwlr_layer_surface_v1::{self, ZwlrLayerSurfaceV1},
};
use wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface};

use crate::layer_shell::wanted::{Layer, Wanted};

/// The role of a layer surface.
pub const LAYER_SURFACE_ROLE: &str = "zwlr_layer_surface_v1";

/// So many configures may be unanswered; a client that answers none of them gets no more.
const UNANSWERED: usize = 64;

/// User data of `zwlr_layer_surface_v1`.
#[derive(Debug)]
pub struct LayerData {
    pub(super) surface: Weak<WlSurface>,
    /// Whose error a layer is that does not exist.
    pub(super) shell: Weak<ZwlrLayerShellV1>,
}

/// The role's part of a surface, in its data map. It outlives the role object.
#[derive(Debug, Default)]
pub(super) struct Role {
    /// The live role object. Others were refused.
    pub object: Option<ZwlrLayerSurfaceV1>,
    /// The layer that the surface was made for.
    first: Layer,
    /// Configures that were neither acknowledged nor overtaken, oldest first.
    sent: VecDeque<Serial>,
    /// The size that the client was told last, since the surface was unmapped.
    told: Option<Size<i32, Logical>>,
    /// A size that the client is told when it has answered something.
    owed: Option<Size<i32, Logical>>,
    /// A configure was acknowledged since the surface was unmapped.
    acknowledged: bool,
    /// A buffer was committed, and the null buffer not after it.
    has_buffer: bool,
    /// Configures before this one were for the surface before it was unmapped.
    began: Option<Serial>,
    /// `closed` was sent.
    closed: bool,
}

impl Role {
    pub(super) fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.get_or_insert_threadsafe(Mutex::<Self>::default).lock().expect("no panic while locked")
    }

    fn find(states: &SurfaceData) -> Option<MutexGuard<'_, Self>> {
        Some(states.data_map.get::<Mutex<Self>>()?.lock().expect("no panic while locked"))
    }

    /// The surface's role begins.
    pub(super) fn begin(states: &SurfaceData, object: ZwlrLayerSurfaceV1, first: Layer) {
        *Self::of(states) = Self { object: Some(object), first, ..Self::default() };
        let mut wanted = states.cached_state.get::<Wanted>();
        let initial = Wanted { layer: first, ..Wanted::default() };
        (*wanted.pending(), *wanted.current()) = (initial, initial);
    }

    /// The client acknowledges a configure. False: there is none with this serial.
    pub(super) fn acknowledge(&mut self, serial: Serial) -> bool {
        let Some(at) = self.sent.iter().position(|sent| *sent == serial) else { return false };
        self.sent.drain(..=at);
        // What was on its way when the surface was unmapped counts for nothing.
        self.acknowledged |= self.began.is_none_or(|began| serial > began);
        true
    }

    fn send(&mut self, size: Size<i32, Logical>) {
        let Some(object) = &self.object else { return };
        if self.sent.len() >= UNANSWERED {
            self.owed = Some(size);
            return;
        }
        let serial = SERIAL_COUNTER.next_serial();
        object.configure(serial.into(), size.w.unsigned_abs(), size.h.unsigned_abs());
        self.sent.push_back(serial);
        (self.told, self.owed) = (Some(size), None);
    }

    /// Sends what could not be sent before.
    pub(super) fn send_owed(&mut self) {
        if let Some(size) = self.owed.take() {
            self.send(size);
        }
    }
}

/// A layer surface.
#[derive(Debug, Clone)]
pub struct LayerSurface {
    pub(super) object: ZwlrLayerSurfaceV1,
    pub(super) surface: WlSurface,
}

impl PartialEq<ZwlrLayerSurfaceV1> for LayerSurface {
    fn eq(&self, object: &ZwlrLayerSurfaceV1) -> bool {
        self.object == *object
    }
}

impl LayerSurface {
    /// Its surface.
    pub fn surface(&self) -> &WlSurface {
        &self.surface
    }

    /// What its last applied commit wants.
    pub fn wanted(&self) -> Wanted {
        with_states(&self.surface, |states| *states.cached_state.get::<Wanted>().current())
    }

    /// Tells the client the size that it should have, unless it knows that. 0: as it likes. A
    /// surface that is closed is told nothing.
    pub fn configure(&self, size: Size<i32, Logical>) {
        with_states(&self.surface, |states| {
            let mut role = Role::of(states);
            if !role.closed && role.owed.or(role.told) != Some(size) {
                role.send(size);
            }
        });
    }

    /// Tells the client that the surface will not be shown any more, once.
    pub fn close(&self) {
        let closed = with_states(&self.surface, |states| std::mem::replace(&mut Role::of(states).closed, true));
        if !closed {
            self.object.closed();
        }
    }
}

/// Whether the surface has a live role object of this protocol.
pub fn has_role_object(surface: &WlSurface) -> bool {
    with_states(surface, |states| Role::find(states).is_some_and(|role| role.object.is_some()))
}

/// What a check has found: the object and its error.
type Refusal = Option<(ZwlrLayerSurfaceV1, (zwlr_layer_surface_v1::Error, String))>;

fn refuse(refusal: Refusal) -> bool {
    match refusal {
        None => true,
        Some((object, (error, message))) => {
            object.post_error(error, message);
            false
        }
    }
}

/// Checks an `attach` of a buffer to any surface: not before the first configure. Returns false if an
/// error has been posted.
#[must_use]
pub fn check_attach(surface: &WlSurface) -> bool {
    refuse(with_states(surface, |states| {
        let role = Role::find(states)?;
        let object = role.object.clone().filter(|_| role.told.is_none() && !role.closed)?;
        let message = "wl_surface.attach: a buffer before the first configure".to_owned();
        Some((object, (zwlr_layer_surface_v1::Error::InvalidSurfaceState, message)))
    }))
}

/// Checks the commit that is being made of any surface. Returns false if an error has been posted.
#[must_use]
pub fn check_commit(surface: &WlSurface) -> bool {
    refuse(with_states(surface, |states| {
        let role = Role::find(states)?;
        let object = role.object.clone().filter(|_| !role.closed)?;
        let attaches = attaches(states);
        // Without a buffer, nothing that was wanted counts any more.
        let fault = states.cached_state.get::<Wanted>().pending().fault();
        if let Some(fault) = fault.filter(|_| !(role.has_buffer && attaches == Some(false))) {
            return Some((object, fault));
        }
        if attaches != Some(true) || role.acknowledged {
            return None;
        }
        let message = "wl_surface.commit: a buffer before the configure is acknowledged".to_owned();
        Some((object, (zwlr_layer_surface_v1::Error::InvalidSurfaceState, message)))
    }))
}

/// Whether the commit that is being made attaches a buffer; `None`: it leaves the buffer as it is.
fn attaches(states: &SurfaceData) -> Option<bool> {
    let mut attributes = states.cached_state.get::<SurfaceAttributes>();
    attributes.pending().buffer.as_ref().map(|buffer| matches!(buffer, BufferAssignment::NewBuffer(_)))
}

/// A commit is being made of any surface, and is right. If it takes the buffer away, the surface is
/// again as it was after `get_layer_surface`, from this commit on.
pub fn note_commit(surface: &WlSurface) {
    with_states(surface, |states| {
        let Some(mut role) = Role::find(states) else { return };
        let Some(attaches) = attaches(states) else { return };
        if !std::mem::replace(&mut role.has_buffer, attaches) || attaches {
            return;
        }
        (role.told, role.owed, role.acknowledged) = (None, None, false);
        role.began = Some(SERIAL_COUNTER.next_serial());
        let initial = Wanted { layer: role.first, ..Wanted::default() };
        drop(role);
        *states.cached_state.get::<Wanted>().pending() = initial;
    });
}
