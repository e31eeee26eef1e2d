//! Reads a type of a surface's double-buffered state without making it.

use std::sync::MutexGuard;

use smithay::wayland::compositor::{Cacheable, CachedState, SurfaceData};

/// What the surface has of a double-buffered type; `None`: nothing was ever set, and all of it is
/// the default. Smithay's `get` would make it, for good.
pub fn double_buffered<T: Cacheable + Send + 'static>(states: &SurfaceData) -> Option<MutexGuard<'_, CachedState<T>>> {
    states.cached_state.has::<T>().then(|| states.cached_state.get::<T>())
}
