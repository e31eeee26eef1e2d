//! `wl_surface.get_release`: a client hears when the buffer of one commit is used no more.
//!
//! ```text
//!  get_release ─┐
//!  attach       ├─ commit ─→ ReleaseCallbacks ─ dropped ─→ wl_callback.done
//!  (none: no_buffer)
//! ```
//!
//! Unlike `wl_buffer.release` it is of one commit, whoever else has got the buffer. It carries no fence: the
//! compositor keeps the callbacks until every reader is done, also where the client has a release point.
//! (Smithay 0.7 has version 6 of `wl_compositor`.)
//!
//! Nothing here knows who reads a buffer.
//!
//! Source: `wayland.xml` of libwayland (`wl_surface`, version 7).

use std::sync::{Mutex, MutexGuard};

use smithay::wayland::compositor::{SurfaceData, with_states};
use wayland_server::{
    Resource,
    protocol::{
        wl_callback::WlCallback,
        wl_surface::{self, WlSurface},
    },
};

/// The callbacks of one commit. When it is dropped, the client is told.
#[derive(Debug)]
pub struct ReleaseCallbacks(Vec<WlCallback>);

impl Drop for ReleaseCallbacks {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|callback| callback.done(0));
    }
}

/// What a surface's client has asked for since its last commit.
#[derive(Debug, Default)]
struct Asked(Option<ReleaseCallbacks>);

fn asked(states: &SurfaceData) -> Option<MutexGuard<'_, Asked>> {
    Some(states.data_map.get::<Mutex<Asked>>()?.lock().expect("no panic while locked"))
}

/// The client asks for another callback, for its next commit.
pub fn ask(surface: &WlSurface, callback: WlCallback) {
    with_states(surface, |states| {
        states.data_map.insert_if_missing_threadsafe(Mutex::<Asked>::default);
        let Some(mut asked) = asked(states) else { return };
        asked.0.get_or_insert_with(|| ReleaseCallbacks(Vec::with_capacity(1))).0.push(callback);
    });
}

/// A commit was made without the buffer whose release was asked for. The client has its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBuffer;

/// Takes the callbacks of the commit that is being made. `has_buffer`: it attaches one.
///
/// # Errors
/// The protocol error has been posted, which ends the client.
pub fn take(surface: &WlSurface, states: &SurfaceData, has_buffer: bool) -> Result<Option<ReleaseCallbacks>, NoBuffer> {
    let Some(callbacks) = asked(states).and_then(|mut asked| asked.0.take()) else { return Ok(None) };
    if !has_buffer {
        let message = "commit: get_release was called, but no buffer is attached in this commit";
        surface.post_error(wl_surface::Error::NoBuffer, message);
        return Err(NoBuffer);
    }
    Ok(Some(callbacks))
}

/// The surface is destroyed: what was asked for its next commit is answered, as nothing was used.
pub fn forget(states: &SurfaceData) {
    let callbacks = asked(states).and_then(|mut asked| asked.0.take());
    drop(callbacks);
}
