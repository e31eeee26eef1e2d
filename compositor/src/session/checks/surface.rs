//! `wl_compositor` and `wl_surface`: the requests, and the size of the buffer at a commit.
//!
//! It never changes a surface.

use protocols::{layer_shell, session_lock};
use smithay::{
    utils::{Buffer, Logical, Size},
    wayland::{
        compositor::{BufferAssignment, CompositorState, SurfaceAttributes, SurfaceData, get_role, with_states},
        seat::CURSOR_IMAGE_ROLE,
        viewporter::ViewportCachedState,
    },
};
use wayland_server::{
    Resource, WEnum,
    protocol::{
        wl_compositor::{self, WlCompositor},
        wl_shm,
        wl_surface::{self, WlSurface},
    },
};

use crate::{
    session::{
        Syncline,
        checks::{
            door::{checked, refuse},
            first_buffer, xdg,
        },
    },
    surface::{SurfaceState, buffer::Imports, double_buffered::double_buffered, shm::Shm, solid::Solid, view::View},
};

checked!(WlCompositor, (), CompositorState, check_compositor);

/// Smithay 0.7 does not know `release`, the last request of version 7: it ends the object, and nothing else.
fn check_compositor(_: &mut Syncline, _: &WlCompositor, request: &wl_compositor::Request) -> bool {
    !matches!(request, wl_compositor::Request::Release)
}

/// Checks a request of a surface before it is handled. Returns false if it is not to be.
#[must_use]
pub fn check_request(state: &Syncline, surface: &WlSurface, request: &wl_surface::Request) -> bool {
    use wl_surface::{Error, Request};
    match request {
        Request::Attach { buffer: Some(_), .. } => {
            first_buffer::check_attach(state, surface) && layer_shell::check_attach(surface)
        }
        Request::SetBufferTransform { transform: WEnum::Unknown(value) } => {
            refuse(surface, Error::InvalidTransform, format!("set_buffer_transform: {value} is no transform"))
        }
        // It is empty, and no error. Smithay would panic in a debug build.
        Request::Damage { width, height, .. } if *width < 0 || *height < 0 => false,
        // A sub-surface may lose its surface first: its object is inert then.
        Request::Destroy => match xdg::role_of(surface).or_else(|| own_role(surface)) {
            Some(role) => {
                let message = format!("destroy: {} has a live {role}; destroy that first", surface.id());
                refuse(surface, Error::DefunctRoleObject, message)
            }
            None => true,
        },
        _ => true,
    }
}

/// The interface of the surface's live role object, if it is of the crate `protocols`.
fn own_role(surface: &WlSurface) -> Option<&'static str> {
    let layer = layer_shell::has_role_object(surface).then_some(layer_shell::LAYER_SURFACE_ROLE);
    layer.or_else(|| session_lock::has_role_object(surface).then_some(session_lock::LOCK_SURFACE_ROLE))
}

/// Checks a commit that is being made: the size of the buffer is a multiple of the scale. Returns
/// false if an error has been posted.
///
/// Neither a cursor is refused, since clients scale cursors of any size, nor a surface with a
/// source rectangle, whose size does not follow from that of the buffer.
#[must_use]
pub fn check_size(surface: &WlSurface) -> bool {
    let cursor = get_role(surface) == Some(CURSOR_IMAGE_ROLE);
    let mismatch = with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let SurfaceAttributes { buffer_scale: scale, buffer, .. } = attributes.pending();
        let scale = *scale;
        let viewport = double_buffered::<ViewportCachedState>(states);
        let cropped = viewport.is_some_and(|mut viewport| viewport.pending().src.is_some());
        if scale <= 1 || cropped || cursor {
            return None;
        }
        let size = shown_size(states, buffer.as_ref())?;
        (size.w % scale != 0 || size.h % scale != 0).then_some((size, scale))
    });
    match mismatch {
        None => true,
        Some((size, scale)) => {
            let message = format!("commit: a buffer of {}x{} pixels with the scale {scale}", size.w, size.h);
            refuse(surface, wl_surface::Error::InvalidSize, message)
        }
    }
}

/// Checks a commit that is being made: the file of an attached buffer of shared memory has all of
/// it. Returns false if an error has been posted.
#[must_use]
pub fn check_memory(surface: &WlSurface) -> bool {
    let buffer =
        with_states(surface, |states| match &states.cached_state.get::<SurfaceAttributes>().pending().buffer {
            Some(BufferAssignment::NewBuffer(buffer)) => Some(buffer.clone()),
            _ => None,
        });
    let Some(buffer) = buffer else { return true };
    let Some(shm) = protocols::shm::import_of::<std::sync::Arc<Shm>>(&buffer) else { return true };
    // As libwayland's servers do, which find it out by a signal.
    let cut = shm.picture.check_file();
    cut.map_or_else(|why| refuse(&buffer, wl_shm::Error::InvalidFd, format!("wl_surface.commit: {why}")), |()| true)
}

/// The size, in logical pixels, that a surface has after the commit that is being made, when the
/// commits before it are applied; `None`: it has no buffer then.
pub fn size_after(surface: &WlSurface) -> Option<Size<i32, Logical>> {
    with_states(surface, |states| {
        let viewport = double_buffered::<ViewportCachedState>(states).map(|mut viewport| *viewport.pending());
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let attributes = attributes.pending();
        let pending = || SurfaceState::of(states).pending.back().map(|pending| pending.content.source.size());
        let size = match &attributes.buffer {
            None => pending().or_else(|| shown_size(states, None))?,
            attached => shown_size(states, attached.as_ref())?,
        };
        Some(View::new(size, false, attributes, &viewport.unwrap_or_default()).size)
    })
}

/// The size of the buffer that the surface has after the commit.
fn shown_size(states: &SurfaceData, attached: Option<&BufferAssignment>) -> Option<Size<i32, Buffer>> {
    let buffer = match attached {
        None => return Some(SurfaceState::of(states).current.as_ref()?.source.size()),
        Some(BufferAssignment::Removed) => return None,
        Some(BufferAssignment::NewBuffer(buffer)) => buffer,
    };
    if let Some(imported) = Imports::of(buffer) {
        return Some((imported.dmabuf.width() as i32, imported.dmabuf.height() as i32).into());
    }
    if protocols::single_pixel_buffer::import_of::<std::sync::Arc<Solid>>(buffer).is_some() {
        return Some((1, 1).into());
    }
    let shm: &std::sync::Arc<Shm> = protocols::shm::import_of(buffer)?;
    Some((shm.picture.width as i32, shm.picture.height as i32).into())
}
