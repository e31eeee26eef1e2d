//! `keyboard-shortcuts-inhibit-unstable-v1`: a surface wants the keys that are otherwise the
//! compositor's.
//!
//! A surface has one inhibitor at most; [`is_active`] says what it is worth now, and the compositor
//! decides that with [`set_active`]. An inhibitor is active when it is made. There is one seat.
//! (Smithay's module keeps inhibitors by `wl_seat` object, so a client with two of these may have two
//! inhibitors of a surface, and some entries stay.)
//!
//! Source: `wayland-protocols/unstable/keyboard-shortcuts-inhibit`.

use smithay::wayland::compositor::with_states;
use wayland_protocols::wp::keyboard_shortcuts_inhibit::zv1::server::{
    zwp_keyboard_shortcuts_inhibit_manager_v1::{self as manager, ZwpKeyboardShortcutsInhibitManagerV1},
    zwp_keyboard_shortcuts_inhibitor_v1::{self as object, ZwpKeyboardShortcutsInhibitorV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, backend::ClientId, protocol::wl_surface::WlSurface,
};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef, bind_manager};

/// The `zwp_keyboard_shortcuts_inhibit_manager_v1` global.
#[derive(Debug)]
pub struct ShortcutsInhibitState;

impl SurfaceExtension for ZwpKeyboardShortcutsInhibitorV1 {
    /// Whether the inhibitor is active.
    type State = bool;
}

/// Whether the surface's inhibitor is active; `None`: it has none.
pub fn is_active(surface: &WlSurface) -> Option<bool> {
    with_states(surface, |states| {
        let known = SurfaceObject::<ZwpKeyboardShortcutsInhibitorV1>::find(states)?;
        known.object.is_some().then_some(known.state)
    })
}

/// Makes the surface's inhibitor active, or not, and tells its client if that is a change.
pub fn set_active(surface: &WlSurface, active: bool) {
    with_states(surface, |states| {
        let Some(mut known) = SurfaceObject::<ZwpKeyboardShortcutsInhibitorV1>::find(states) else { return };
        if known.object.is_none() || std::mem::replace(&mut known.state, active) == active {
            return;
        }
        match &known.object {
            Some(object) if active => object.active(),
            Some(object) => object.inactive(),
            None => {}
        }
    });
}

impl ShortcutsInhibitState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ZwpKeyboardShortcutsInhibitManagerV1, ()>
            + Dispatch<ZwpKeyboardShortcutsInhibitManagerV1, ()>
            + Dispatch<ZwpKeyboardShortcutsInhibitorV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, ZwpKeyboardShortcutsInhibitManagerV1, ()>(1, ());
        Self
    }
}

bind_manager!(ShortcutsInhibitState, ZwpKeyboardShortcutsInhibitManagerV1);

impl<D> Dispatch<ZwpKeyboardShortcutsInhibitManagerV1, (), D> for ShortcutsInhibitState
where
    D: Dispatch<ZwpKeyboardShortcutsInhibitManagerV1, ()>
        + Dispatch<ZwpKeyboardShortcutsInhibitorV1, SurfaceRef>
        + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ZwpKeyboardShortcutsInhibitManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::InhibitShortcuts { id, surface, .. } = request {
            let exists = manager::Error::AlreadyInhibited;
            SurfaceObject::create(resource, "inhibit_shortcuts", exists, id, &surface, data_init);
            set_active(&surface, true);
        }
    }
}

impl<D> Dispatch<ZwpKeyboardShortcutsInhibitorV1, SurfaceRef, D> for ShortcutsInhibitState
where
    D: Dispatch<ZwpKeyboardShortcutsInhibitorV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpKeyboardShortcutsInhibitorV1,
        _: object::Request,
        _: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // It can only be destroyed.
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &ZwpKeyboardShortcutsInhibitorV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |states| {
            SurfaceObject::<ZwpKeyboardShortcutsInhibitorV1>::of(states).state = false;
        });
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_shortcuts_inhibit {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::shortcuts_inhibit::manager::ZwpKeyboardShortcutsInhibitManagerV1: ()
        ] => $crate::shortcuts_inhibit::ShortcutsInhibitState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::shortcuts_inhibit::manager::ZwpKeyboardShortcutsInhibitManagerV1: ()
        ] => $crate::shortcuts_inhibit::ShortcutsInhibitState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::shortcuts_inhibit::object::ZwpKeyboardShortcutsInhibitorV1: $crate::SurfaceRef
        ] => $crate::shortcuts_inhibit::ShortcutsInhibitState);
    };
}
