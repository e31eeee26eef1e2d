//! `wlr-layer-shell-unstable-v1`: surfaces that are parts of the desktop, such as panels, wallpapers
//! and launchers.
//!
//! ```text
//!  get_layer_surface ─→ commit without a buffer ─→ configure ─→ ack_configure ─→ commit with a buffer: mapped
//!                            ▲                                                                    │
//!                            └───────────────── commit of the null buffer: unmapped ◀─────────────┘
//! ```
//!
//! What a client wants ([`Wanted`]) is double-buffered with the surface: [`LayerSurface::wanted`] is
//! what its last applied commit said, also if that commit had to wait for a fence. The compositor
//! arranges the surfaces and tells each its size with [`LayerSurface::configure`].
//!
//! Nothing here knows an output's size, gives anybody the keyboard or maps a surface. (Smithay's
//! module ends at version 4, knows no commit of the null buffer of a surface whose buffers are not
//! Smithay's, and takes sizes that do not fit its own numbers.)
//!
//! Source: `wlr-protocols/unstable/wlr-layer-shell-unstable-v1.xml`.

mod dispatch;
mod role;
mod wanted;

pub use self::{
    role::{LAYER_SURFACE_ROLE, LayerData, LayerSurface, check_attach, check_commit, has_role_object, note_commit},
    wanted::{Edge, Edges, Keyboard, Layer, Margin, Wanted},
};

use wayland_protocols::xdg::shell::server::xdg_popup::XdgPopup;
use wayland_protocols_wlr::layer_shell::v1::server::{
    zwlr_layer_shell_v1::ZwlrLayerShellV1, zwlr_layer_surface_v1::ZwlrLayerSurfaceV1,
};
use wayland_server::{
    Dispatch, DisplayHandle, GlobalDispatch,
    protocol::{wl_output::WlOutput, wl_surface::WlSurface},
};

use crate::seen_by::SeenBy;

/// What the protocol needs from the compositor's state.
pub trait LayerShellHandler {
    /// Whether a buffer is attached to a surface, committed or not.
    fn has_buffer(&self, surface: &WlSurface) -> bool;

    /// A surface has become a layer surface; nothing is committed yet. `None`: the compositor
    /// chooses the output.
    fn new_layer_surface(&mut self, layer: LayerSurface, output: Option<WlOutput>);

    /// A client makes a layer surface the parent of a popup.
    fn new_popup(&mut self, layer: &LayerSurface, popup: &XdgPopup);

    /// The role object is destroyed. Its surface may be so, too.
    fn layer_destroyed(&mut self, object: &ZwlrLayerSurfaceV1);
}

/// The `zwlr_layer_shell_v1` global.
#[derive(Debug)]
pub struct LayerShellState;

impl LayerShellState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwlrLayerShellV1, SeenBy>
            + Dispatch<ZwlrLayerShellV1, ()>
            + Dispatch<ZwlrLayerSurfaceV1, LayerData>
            + 'static,
    {
        display.create_global::<D, ZwlrLayerShellV1, SeenBy>(5, seen_by);
        Self
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`LayerShellHandler`].
#[macro_export]
macro_rules! delegate_layer_shell {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::layer_shell::shell::ZwlrLayerShellV1: $crate::SeenBy
        ] => $crate::layer_shell::LayerShellState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::layer_shell::shell::ZwlrLayerShellV1: ()
        ] => $crate::layer_shell::LayerShellState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::layer_shell::surface::ZwlrLayerSurfaceV1: $crate::layer_shell::LayerData
        ] => $crate::layer_shell::LayerShellState);
    };
}
