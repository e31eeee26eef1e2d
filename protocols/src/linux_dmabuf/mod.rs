//! `linux-dmabuf-v1` (`zwp_linux_dmabuf_v1`, version 6): clients describe their dma-bufs, and hear
//! which to allocate.
//!
//! ```text
//!  add, add, … ─ Request ─ create ─→ validate ─→ Dmabuf ─→ LinuxDmabufHandler::import ─→ wl_buffer
//!                                       └─ protocol error, or `failed`                └─ `failed`
//! ```
//!
//! The checks are those of [`dmabuf_import`]. Here each violation becomes the protocol's error
//! ([`protocol_error`]), whose message names the request. What the compositor makes of the buffer
//! is the `wl_buffer`'s user data ([`import_of`]): a buffer that is attached again is found without
//! a search, and never imported twice.
//!
//! This module never maps or imports a buffer, and does not know which layouts a display prefers.
//!
//! Source: `wayland-protocols/stable/linux-dmabuf/linux-dmabuf-v1.xml`.

mod dispatch;
mod feedback;
mod params;

use std::sync::Arc;

use dmabuf_import::{Dmabuf, FormatSet, Modifier};
use wayland_protocols::wp::linux_dmabuf::zv1::server::{
    zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1, zwp_linux_dmabuf_feedback_v1::ZwpLinuxDmabufFeedbackV1,
    zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};
use wayland_server::{
    Dispatch, DisplayHandle, GlobalDispatch, Resource, Weak,
    backend::GlobalId,
    protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
};

pub use feedback::{Feedback, Tranche, has_feedback_objects, send_surface_feedback};
pub use params::{ParamsData, protocol_error};

/// The newest version that is supported.
const VERSION: u32 = 6;

/// What the protocol needs from the compositor's state.
pub trait LinuxDmabufHandler: crate::DescriptorObserver {
    /// What the compositor makes of a buffer.
    type Import: Send + Sync + 'static;

    /// The global's state; `None` while nothing can import a buffer: every buffer fails then.
    fn linux_dmabuf(&mut self) -> Option<&mut LinuxDmabufState>;

    /// The layout of a client's buffer: for `DRM_FORMAT_MOD_INVALID` the modifier that it stands
    /// for, if that is known.
    fn resolve_modifier(&self, modifier: Modifier) -> Modifier;

    /// Imports a buffer that has passed the checks.
    ///
    /// The error is logged, and the client gets `failed` or `invalid_wl_buffer`.
    fn import(&mut self, dmabuf: Dmabuf, hints: Hints) -> Result<Self::Import, String>;

    /// The feedback for a surface that asks now; `None`: the default. Called without a lock of the
    /// surface.
    fn surface_feedback(&mut self, surface: &WlSurface) -> Option<Arc<Feedback>>;

    /// The client has destroyed the buffer. Commits may still use it.
    fn buffer_destroyed(&mut self, import: &Self::Import);
}

/// What a client states about a buffer beside its planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// The image is upside down: the buffer's last line is the top one, as in OpenGL.
    pub y_invert: bool,
    /// The device (`dev_t`) that should import the buffer. Which of its nodes it names has no
    /// meaning.
    pub sampling: Option<u64>,
    /// The client has named no modifier (`DRM_FORMAT_MOD_INVALID`): the layout is what the device that
    /// allocated the buffer makes of that.
    pub implicit: bool,
}

/// User data of a `wl_buffer` of this protocol.
#[derive(Debug)]
pub struct BufferData<I> {
    import: I,
    /// How many descriptors the client has sent for it.
    descriptors: u8,
}

/// User data of `zwp_linux_dmabuf_feedback_v1`.
#[derive(Debug)]
pub struct FeedbackData {
    /// `None`: default feedback.
    surface: Option<Weak<WlSurface>>,
}

/// What the compositor made of a dma-buf when its `wl_buffer` was created; `None` for buffers of
/// another kind.
pub fn import_of<I: Send + Sync + 'static>(buffer: &WlBuffer) -> Option<&I> {
    buffer.data::<BufferData<I>>().map(|data| &data.import)
}

/// The `zwp_linux_dmabuf_v1` global.
#[derive(Debug)]
pub struct LinuxDmabufState {
    global: GlobalId,
    /// Every pair that was ever offered. One that was withdrawn is not a protocol error: the client
    /// may not know yet.
    offered: FormatSet,
    default: Arc<Feedback>,
    listeners: Vec<Weak<ZwpLinuxDmabufFeedbackV1>>,
}

impl LinuxDmabufState {
    /// Announces the global. All pairs of the `default` feedback must be importable.
    pub fn new<D>(display: &DisplayHandle, default: Arc<Feedback>) -> Self
    where
        D: GlobalDispatch<ZwpLinuxDmabufV1, ()>
            + Dispatch<ZwpLinuxDmabufV1, ()>
            + Dispatch<ZwpLinuxBufferParamsV1, ParamsData>
            + Dispatch<ZwpLinuxDmabufFeedbackV1, FeedbackData>
            + LinuxDmabufHandler
            + 'static,
    {
        let global = display.create_global::<D, ZwpLinuxDmabufV1, ()>(VERSION, ());
        Self { global, offered: default.formats(), default, listeners: Vec::new() }
    }

    /// The global's id, for removing it.
    pub fn global(&self) -> GlobalId {
        self.global.clone()
    }

    /// The feedback for clients, and for surfaces without feedback of their own.
    pub fn default_feedback(&self) -> &Arc<Feedback> {
        &self.default
    }

    /// Changes the default feedback, and sends it to every object for it if it differs from the
    /// last.
    pub fn set_default(&mut self, feedback: Arc<Feedback>) {
        if *feedback == *self.default {
            return;
        }
        self.offered = self.offered.union(&feedback.formats());
        self.default = feedback;
        self.listeners.retain(Weak::is_alive);
        self.listeners.iter().filter_map(|listener| listener.upgrade().ok()).for_each(|l| self.default.send(&l));
    }

    /// `feedback` will be sent to a surface: its pairs count as offered from now on.
    pub fn offer(&mut self, feedback: &Feedback) {
        if feedback.formats().iter().any(|f| !self.offered.contains(f.code, f.modifier)) {
            self.offered = self.offered.union(&feedback.formats());
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`LinuxDmabufHandler`] with the given type of imports.
#[macro_export]
macro_rules! delegate_linux_dmabuf {
    ($ty:ty, $import:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::linux_dmabuf::global::ZwpLinuxDmabufV1: ()
        ] => $crate::linux_dmabuf::LinuxDmabufState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::linux_dmabuf::global::ZwpLinuxDmabufV1: ()
        ] => $crate::linux_dmabuf::LinuxDmabufState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::linux_dmabuf::params::ZwpLinuxBufferParamsV1: $crate::linux_dmabuf::ParamsData
        ] => $crate::linux_dmabuf::LinuxDmabufState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::linux_dmabuf::feedback::ZwpLinuxDmabufFeedbackV1: $crate::linux_dmabuf::FeedbackData
        ] => $crate::linux_dmabuf::LinuxDmabufState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_buffer::WlBuffer: $crate::linux_dmabuf::BufferData<$import>
        ] => $crate::linux_dmabuf::LinuxDmabufState);
    };
}
