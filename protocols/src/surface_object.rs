//! At most one extension object per surface, and what it has asked for.
//!
//! Many extensions give a surface one object of theirs and forbid a second. [`SurfaceObject`] keeps
//! that object in the surface's data map, together with the extension's own state. The object's
//! user data is a [`SurfaceRef`].
//!
//! Nothing here knows a protocol error beyond the manager's for a second object.

use std::sync::{Mutex, MutexGuard};

use smithay::wayland::compositor::{SurfaceData, with_states};
use wayland_server::{DataInit, Dispatch, New, Resource, Weak, protocol::wl_surface::WlSurface};

/// An interface of which a surface has at most one object.
pub(crate) trait SurfaceExtension: Resource + PartialEq + Send + 'static {
    /// What the extension keeps with the surface. It outlives the object.
    type State: Default + Send + 'static;

    /// The interface of the object that forbids another one on this surface, if there is one.
    fn conflict(states: &SurfaceData) -> Option<&'static str> {
        SurfaceObject::<Self>::exists(states).then_some(Self::interface().name)
    }
}

/// User data of an extension object: its surface.
#[derive(Debug)]
pub struct SurfaceRef(Weak<WlSurface>);

impl SurfaceRef {
    pub(crate) fn new(surface: &WlSurface) -> Self {
        Self(surface.downgrade())
    }

    /// The surface; where it is destroyed, a protocol error's message about `request`.
    pub(crate) fn get(&self, request: &str) -> Result<WlSurface, String> {
        self.0.upgrade().map_err(|_| format!("{request}: the wl_surface was destroyed before"))
    }
}

/// The surface's object of interface `O`, and the extension's state; in the surface's data map.
#[derive(Debug)]
pub(crate) struct SurfaceObject<O: SurfaceExtension> {
    /// The live object. Others were refused.
    pub object: Option<O>,
    /// What the extension keeps.
    pub state: O::State,
}

impl<O: SurfaceExtension> Default for SurfaceObject<O> {
    fn default() -> Self {
        Self { object: None, state: O::State::default() }
    }
}

impl<O: SurfaceExtension> SurfaceObject<O> {
    /// The surface's, made where there was none.
    pub(crate) fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.get_or_insert_threadsafe(Mutex::<Self>::default).lock().expect("no panic while locked")
    }

    /// The surface's, if it ever had an object.
    pub(crate) fn find(states: &SurfaceData) -> Option<MutexGuard<'_, Self>> {
        Some(states.data_map.get::<Mutex<Self>>()?.lock().expect("no panic while locked"))
    }

    /// Whether the surface has an object.
    pub(crate) fn exists(states: &SurfaceData) -> bool {
        Self::find(states).is_some_and(|known| known.object.is_some())
    }

    /// Makes an object for a surface. Where a [conflict](SurfaceExtension::conflict) forbids it,
    /// `manager` gets the error `exists`, whose message names `request`.
    pub(crate) fn create<D, M: Resource>(
        manager: &M,
        request: &str,
        exists: impl Into<u32>,
        id: New<O>,
        surface: &WlSurface,
        data_init: &mut DataInit<'_, D>,
    ) where
        D: Dispatch<O, SurfaceRef> + 'static,
    {
        // Also where it is refused: a new_id that is never initialised is an error of the server.
        let object = data_init.init(id, SurfaceRef::new(surface));
        let conflict = with_states(surface, |states| {
            let conflict = O::conflict(states);
            if conflict.is_none() {
                Self::of(states).object = Some(object);
            }
            conflict
        });
        if let Some(interface) = conflict {
            manager.post_error(exists, format!("{request}: {} already has a {interface}", surface.id()));
        }
    }

    /// An object was destroyed. If it was the surface's, and not one that was refused, the surface
    /// may have another one from now on, and `reset` is called.
    pub(crate) fn destroyed<T>(object: &O, data: &SurfaceRef, reset: impl FnOnce(&SurfaceData) -> T) -> Option<T> {
        let surface = data.0.upgrade().ok()?;
        with_states(&surface, |states| {
            let mut known = Self::of(states);
            if known.object.as_ref() != Some(object) {
                return None;
            }
            known.object = None;
            drop(known);
            Some(reset(states))
        })
    }
}

/// Implements `GlobalDispatch` for a manager whose objects have no data and say nothing when they
/// are bound. The global has no data and is seen by everyone, or is [`crate::seen_by::SeenBy`].
macro_rules! bind_manager {
    ($state:ty, $manager:ty) => {
        bind_manager!($state, $manager, (), |_: wayland_server::Client, _: &()| true);
    };
    ($state:ty, $manager:ty, SeenBy) => {
        bind_manager!($state, $manager, crate::seen_by::SeenBy, |client, seen_by: &crate::seen_by::SeenBy| seen_by
            .holds(&client));
    };
    ($state:ty, $manager:ty, $data:ty, $sees:expr) => {
        impl<D> wayland_server::GlobalDispatch<$manager, $data, D> for $state
        where
            D: wayland_server::Dispatch<$manager, ()> + 'static,
        {
            fn bind(
                _: &mut D,
                _: &wayland_server::DisplayHandle,
                _: &wayland_server::Client,
                resource: wayland_server::New<$manager>,
                _: &$data,
                data_init: &mut wayland_server::DataInit<'_, D>,
            ) {
                data_init.init(resource, ());
            }

            fn can_view(client: wayland_server::Client, data: &$data) -> bool {
                $sees(client, data)
            }
        }
    };
}

pub(crate) use bind_manager;
