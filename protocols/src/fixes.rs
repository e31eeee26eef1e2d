//! `wl_fixes`, version 1: a client destroys a `wl_registry`.
//!
//! The registry belongs to the Wayland library, which forgets it when the client's turn ends. What
//! was bound through it stays. Version 2, in which clients acknowledge that a global is gone, is not
//! offered: the library does not wait for that.
//!
//! Source: `wayland.xml` of libwayland (`wl_fixes`).

use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource,
    protocol::wl_fixes::{self, WlFixes},
};

use crate::surface_object::bind_manager;

/// What the protocol needs from the compositor's state.
pub trait FixesHandler {
    /// A registry of the client is destroyed.
    fn registry_destroyed(&mut self, client: &Client);
}

/// The `wl_fixes` global.
#[derive(Debug)]
pub struct FixesState;

impl FixesState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WlFixes, ()> + Dispatch<WlFixes, ()> + 'static,
    {
        display.create_global::<D, WlFixes, ()>(1, ());
        Self
    }
}

bind_manager!(FixesState, WlFixes);

impl<D> Dispatch<WlFixes, (), D> for FixesState
where
    D: Dispatch<WlFixes, ()> + FixesHandler + 'static,
{
    fn request(
        state: &mut D,
        client: &Client,
        _: &WlFixes,
        request: wl_fixes::Request,
        _: &(),
        display: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let wl_fixes::Request::DestroyRegistry { registry } = request else { return };
        // It sends wl_display.delete_id. That it is gone already cannot be: it is an argument.
        if display.backend_handle().destroy_object::<D>(&registry.id()).is_ok() {
            state.registry_destroyed(client);
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`FixesHandler`].
#[macro_export]
macro_rules! delegate_fixes {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_fixes::WlFixes: ()
        ] => $crate::fixes::FixesState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_fixes::WlFixes: ()
        ] => $crate::fixes::FixesState);
    };
}
