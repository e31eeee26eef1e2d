//! `wl_shm` (version 2): clients share memory as files, and describe images in them.
//!
//! ```text
//!  create_pool ─→ Pool ─ create_buffer ─→ check ─→ ShmImage ─→ ShmHandler::import ─→ wl_buffer
//!                                           └─ protocol error
//! ```
//!
//! A pool is its descriptor and its size: nothing is mapped here. The compositor reads the pixels
//! with a system call, or the kernel makes a dma-buf of the file's pages. If a client truncates its
//! file, its image is incomplete, and there is no SIGBUS.
//!
//! This module does not know in which of the two ways an image is used.
//!
//! Source: `wayland.xml` of libwayland (`wl_shm`, `wl_shm_pool`).

mod dispatch;
mod image;

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard},
};

use wayland_protocols::xdg::toplevel_icon::v1::server::xdg_toplevel_icon_v1::XdgToplevelIconV1;
use wayland_server::{
    Dispatch, DisplayHandle, GlobalDispatch, Resource,
    backend::GlobalId,
    protocol::{
        wl_buffer::WlBuffer,
        wl_shm::{self, WlShm},
        wl_shm_pool::WlShmPool,
    },
};

pub use image::{Pool, ShmImage};

/// The newest version that is supported.
const VERSION: u32 = 2;

/// What the protocol needs from the compositor's state.
pub trait ShmHandler: crate::DescriptorObserver {
    /// What the compositor makes of an image.
    type Import: Send + Sync + 'static;

    /// The global's state.
    fn shm(&self) -> &ShmState;

    /// A client has created a buffer.
    fn import(&mut self, image: ShmImage) -> Self::Import;

    /// The image of a buffer.
    fn image(import: &Self::Import) -> &ShmImage;

    /// The client has destroyed the buffer. Commits may still use it.
    fn buffer_destroyed(&mut self, import: &Self::Import);
}

/// User data of `wl_shm_pool`.
#[derive(Debug)]
pub struct PoolData(std::sync::Arc<Pool>);

/// User data of a `wl_buffer` of this protocol.
#[derive(Debug)]
pub struct BufferData<I> {
    import: I,
    /// In a box that most buffers do not have: there is one of these for each buffer of a desktop.
    icons: Mutex<Option<Box<Icons>>>,
}

/// The icons that a buffer must not be destroyed before.
#[derive(Debug, Default)]
struct Icons(HashSet<XdgToplevelIconV1>);

impl<I> BufferData<I> {
    fn new(import: I) -> Self {
        Self { import, icons: Mutex::default() }
    }

    /// The icons that it must not be destroyed before.
    fn icons(&self) -> MutexGuard<'_, Option<Box<Icons>>> {
        self.icons.lock().expect("no panic while locked")
    }
}

/// What the compositor made of a shared-memory buffer when it was created; `None` for buffers of
/// another kind.
pub fn import_of<I: Send + Sync + 'static>(buffer: &WlBuffer) -> Option<&I> {
    buffer.data::<BufferData<I>>().map(|data| &data.import)
}

/// A client that destroys the buffer before this icon breaks a rule of the icon's.
pub(crate) fn enter_icon<I: Send + Sync + 'static>(buffer: &WlBuffer, icon: &XdgToplevelIconV1) {
    if let Some(data) = buffer.data::<BufferData<I>>() {
        data.icons().get_or_insert_default().0.insert(icon.clone());
    }
}

/// The icon does not need the buffer any more.
pub(crate) fn leave_icon<I: Send + Sync + 'static>(buffer: &WlBuffer, icon: &XdgToplevelIconV1) {
    if let Some(data) = buffer.data::<BufferData<I>>() {
        let mut icons = data.icons();
        if let Some(icons) = icons.as_deref_mut() {
            icons.0.remove(icon);
        }
        icons.take_if(|icons| icons.0.is_empty());
    }
}

/// The `wl_shm` global.
#[derive(Debug)]
pub struct ShmState {
    global: GlobalId,
    formats: Vec<wl_shm::Format>,
}

impl ShmState {
    /// Announces the global with the two formats that every compositor supports.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WlShm, ()> + Dispatch<WlShm, ()> + Dispatch<WlShmPool, PoolData> + ShmHandler + 'static,
    {
        let formats = vec![wl_shm::Format::Argb8888, wl_shm::Format::Xrgb8888];
        Self { global: display.create_global::<D, WlShm, ()>(VERSION, ()), formats }
    }

    /// The global's id, for removing it.
    pub fn global(&self) -> GlobalId {
        self.global.clone()
    }

    /// Adds formats, for clients that bind the global from now on. Formats with more than one
    /// plane, or without a whole number of bytes per pixel, are left out.
    pub fn add_formats(&mut self, formats: impl IntoIterator<Item = wl_shm::Format>) {
        for format in formats {
            if !self.formats.contains(&format) && image::bytes_per_pixel(format).is_some() {
                self.formats.push(format);
            }
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`ShmHandler`] with the given type of imports.
#[macro_export]
macro_rules! delegate_shm {
    ($ty:ty, $import:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_shm::WlShm: ()
        ] => $crate::shm::ShmState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_shm::WlShm: ()
        ] => $crate::shm::ShmState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_shm_pool::WlShmPool: $crate::shm::PoolData
        ] => $crate::shm::ShmState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_buffer::WlBuffer: $crate::shm::BufferData<$import>
        ] => $crate::shm::ShmState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_is_of_no_icon_costs_little() {
        assert!(size_of::<BufferData<std::sync::Arc<()>>>() <= 24);
    }
}
