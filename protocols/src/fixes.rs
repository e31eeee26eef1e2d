//! `wl_fixes`, version 2: a client destroys a `wl_registry`, and says that it has heard that a global is gone.
//!
//! The registry belongs to the Wayland library, which forgets it when the client's turn ends. What
//! was bound through it stays.
//!
//! A global that is gone has to be there for clients that have not heard of it yet. [`FixesState::listening`]
//! are those that say when they have; how long the others get is the compositor's affair.
//!
//! Source: `wayland.xml` of libwayland (`wl_fixes`).

use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
    backend::ClientId,
    protocol::wl_fixes::{self, WlFixes},
};

/// The first version in which clients acknowledge.
const ACKNOWLEDGES: u32 = 2;

/// What the protocol needs from the compositor's state.
pub trait FixesHandler {
    /// The global's state.
    fn fixes(&mut self) -> &mut FixesState;

    /// A registry of the client is destroyed.
    fn registry_destroyed(&mut self, client: &Client);

    /// A client will not bind the global of this name any more. False: there is none that is gone.
    fn global_acknowledged(&mut self, client: &Client, name: u32) -> bool;

    /// A client cannot acknowledge anything any more.
    fn stopped_listening(&mut self, client: &ClientId);
}

/// The `wl_fixes` global, and the clients that acknowledge.
#[derive(Debug, Default)]
pub struct FixesState {
    /// Each object of version 2.
    objects: Vec<WlFixes>,
}

impl FixesState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WlFixes, ()> + Dispatch<WlFixes, ()> + 'static,
    {
        display.create_global::<D, WlFixes, ()>(ACKNOWLEDGES, ());
        Self::default()
    }

    /// The clients that acknowledge that a global is gone; one may be named twice.
    pub fn listening(&self) -> impl Iterator<Item = ClientId> {
        self.objects.iter().filter_map(|object| Some(object.client()?.id()))
    }
}

impl<D> GlobalDispatch<WlFixes, (), D> for FixesState
where
    D: Dispatch<WlFixes, ()> + FixesHandler + 'static,
{
    fn bind(
        state: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WlFixes>,
        (): &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        let object = data_init.init(resource, ());
        if object.version() >= ACKNOWLEDGES {
            state.fixes().objects.push(object);
        }
    }
}

impl<D> Dispatch<WlFixes, (), D> for FixesState
where
    D: Dispatch<WlFixes, ()> + FixesHandler + 'static,
{
    fn request(
        state: &mut D,
        client: &Client,
        resource: &WlFixes,
        request: wl_fixes::Request,
        (): &(),
        display: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        match request {
            // It sends wl_display.delete_id. That it is gone already cannot be: it is an argument.
            wl_fixes::Request::DestroyRegistry { registry }
                if display.backend_handle().destroy_object::<D>(&registry.id()).is_ok() =>
            {
                state.registry_destroyed(client);
            }
            wl_fixes::Request::AckGlobalRemove { name, .. } if !state.global_acknowledged(client, name) => {
                let message = format!("ack_global_remove: there is no global {name} that is gone");
                resource.post_error(wl_fixes::Error::InvalidAckRemove, message);
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &WlFixes, (): &()) {
        let objects = &mut state.fixes().objects;
        objects.retain(|object| object != resource);
        if !objects.iter().any(|object| object.id().same_client_as(&resource.id())) {
            state.stopped_listening(&client);
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
