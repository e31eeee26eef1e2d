//! `viewporter`: a client crops and scales what a surface shows.
//!
//! The rectangle and the size become Smithay's [`ViewportCachedState`], which is double-buffered
//! with the surface's other state. [`check_size`] and [`check_source`] answer what can only be
//! judged at a commit and when it is applied. (Smithay's module reports `viewport_exists` on the
//! `wl_surface`, where the number means another error.)
//!
//! Nothing here scales anything.
//!
//! Source: `wayland-protocols/stable/viewporter/viewporter.xml`.

use smithay::{
    utils::{Logical, Rectangle, Size},
    wayland::{
        compositor::{SurfaceData, with_states},
        viewporter::ViewportCachedState,
    },
};
use wayland_protocols::wp::viewporter::server::{
    wp_viewport::{self as object, WpViewport},
    wp_viewporter::{self as manager, WpViewporter},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::ClientId};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef, bind_manager};

/// The `wp_viewporter` global.
#[derive(Debug)]
pub struct ViewporterState;

impl SurfaceExtension for WpViewport {
    /// Everything is a part of the surface's double-buffered state.
    type State = ();
}

/// Checks the commit that is being made: a source whose size is not whole needs a destination; to
/// be called in the pre-commit hook of every surface. Returns false if the error `bad_size` has
/// been posted, which ends the client.
#[must_use]
pub fn check_size(states: &SurfaceData) -> bool {
    let Some(object) = object_of(states) else { return true };
    let viewport = *states.cached_state.get::<ViewportCachedState>().pending();
    let fraction = |source: Rectangle<f64, Logical>| source.size.w.fract() != 0.0 || source.size.h.fract() != 0.0;
    if viewport.dst.is_some() || !viewport.src.is_some_and(fraction) {
        return true;
    }
    let message = "wl_surface.commit: the size of the source is not whole, and there is no destination size";
    object.post_error(object::Error::BadSize, message);
    false
}

/// Checks the commit that is being applied: the source lies within the buffer, whose size without
/// a viewport is `size`. Returns false if it does not; the error `out_of_buffer` has been posted
/// then, which ends the client, unless the client has destroyed the viewport.
#[must_use]
pub fn check_source(states: &SurfaceData, size: Size<i32, Logical>) -> bool {
    // Smithay's `get` would make what no client has set, for good.
    if !states.cached_state.has::<ViewportCachedState>() {
        return true;
    }
    let Some(source) = states.cached_state.get::<ViewportCachedState>().current().src else { return true };
    let Some(object) = object_of(states) else { return true };
    let all = Rectangle::from_size(size.to_f64());
    if all.contains_rect(source) {
        return true;
    }
    let (loc, extent) = (source.loc, source.size);
    let message = format!(
        "wl_surface.commit: the source {}x{} at {},{} exceeds the buffer, which is {}x{}",
        extent.w, extent.h, loc.x, loc.y, size.w, size.h
    );
    object.post_error(object::Error::OutOfBuffer, message);
    false
}

fn object_of(states: &SurfaceData) -> Option<WpViewport> {
    SurfaceObject::<WpViewport>::find(states)?.object.clone()
}

impl ViewporterState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpViewporter, ()> + Dispatch<WpViewporter, ()> + Dispatch<WpViewport, SurfaceRef> + 'static,
    {
        display.create_global::<D, WpViewporter, ()>(1, ());
        Self
    }
}

bind_manager!(ViewporterState, WpViewporter);

impl<D> Dispatch<WpViewporter, (), D> for ViewporterState
where
    D: Dispatch<WpViewporter, ()> + Dispatch<WpViewport, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpViewporter,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetViewport { id, surface } = request {
            let exists = manager::Error::ViewportExists;
            SurfaceObject::create(resource, "get_viewport", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<WpViewport, SurfaceRef, D> for ViewporterState
where
    D: Dispatch<WpViewport, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpViewport,
        request: object::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let bad_value = |message: String| resource.post_error(object::Error::BadValue, message);
        match request {
            object::Request::SetSource { x, y, width, height } => {
                let unset = [x, y, width, height] == [-1.0; 4];
                if !unset && (x < 0.0 || y < 0.0 || width <= 0.0 || height <= 0.0) {
                    return bad_value(format!("set_source: {width}x{height} at {x},{y} is no rectangle of a buffer"));
                }
                let source = (!unset).then(|| Rectangle::new((x, y).into(), (width, height).into()));
                change(resource, "set_source", data, |viewport| viewport.src = source);
            }
            object::Request::SetDestination { width, height } => {
                let unset = [width, height] == [-1; 2];
                if !unset && (width <= 0 || height <= 0) {
                    return bad_value(format!("set_destination: {width}x{height} is no size"));
                }
                let size = (!unset).then(|| Size::from((width, height)));
                change(resource, "set_destination", data, |viewport| viewport.dst = size);
            }
            _ => {}
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpViewport, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |states| {
            // The protocol: cropping and scaling end with the next commit.
            *states.cached_state.get::<ViewportCachedState>().pending() = ViewportCachedState::default();
        });
    }
}

/// Changes the pending viewport of the surface.
fn change(resource: &WpViewport, request: &str, data: &SurfaceRef, change: impl FnOnce(&mut ViewportCachedState)) {
    match data.get(request) {
        Ok(surface) => {
            with_states(&surface, |states| change(states.cached_state.get::<ViewportCachedState>().pending()));
        }
        Err(message) => resource.post_error(object::Error::NoSurface, message),
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_viewporter {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::viewporter::manager::WpViewporter: ()
        ] => $crate::viewporter::ViewporterState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::viewporter::manager::WpViewporter: ()
        ] => $crate::viewporter::ViewporterState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::viewporter::object::WpViewport: $crate::SurfaceRef
        ] => $crate::viewporter::ViewporterState);
    };
}
