//! `single-pixel-buffer-v1`: a buffer that is one pixel of one colour, without memory behind it.
//!
//! Clients scale it with a viewport: the background of a desktop, the shade behind a dialog. The
//! colour becomes a [`Pixel`], of which the compositor makes what it likes. Nothing here draws.
//!
//! Source: `wayland-protocols/staging/single-pixel-buffer/single-pixel-buffer-v1.xml`.

use wayland_protocols::wp::single_pixel_buffer::v1::server::wp_single_pixel_buffer_manager_v1::{
    self as manager, WpSinglePixelBufferManagerV1,
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource,
    backend::ClientId,
    protocol::wl_buffer::{self, WlBuffer},
};

use crate::surface_object::bind_manager;

/// The colour of a buffer as its client states it: each from 0 to `u32::MAX`, premultiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixel {
    /// Red.
    pub red: u32,
    /// Green.
    pub green: u32,
    /// Blue.
    pub blue: u32,
    /// Opacity.
    pub alpha: u32,
}

/// What the protocol needs from the compositor's state.
pub trait SinglePixelBufferHandler {
    /// What the compositor makes of a pixel.
    type Import: Send + Sync + 'static;

    /// A client has created a buffer.
    fn import_pixel(&mut self, pixel: Pixel) -> Self::Import;
}

/// User data of a `wl_buffer` of this protocol.
#[derive(Debug)]
pub struct PixelData<I>(I);

/// What the compositor made of a single-pixel buffer when it was created; `None` for buffers of
/// another kind.
pub fn import_of<I: Send + Sync + 'static>(buffer: &WlBuffer) -> Option<&I> {
    buffer.data::<PixelData<I>>().map(|data| &data.0)
}

/// The `wp_single_pixel_buffer_manager_v1` global.
#[derive(Debug)]
pub struct SinglePixelBufferState;

impl SinglePixelBufferState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpSinglePixelBufferManagerV1, ()> + Dispatch<WpSinglePixelBufferManagerV1, ()> + 'static,
    {
        display.create_global::<D, WpSinglePixelBufferManagerV1, ()>(1, ());
        Self
    }
}

bind_manager!(SinglePixelBufferState, WpSinglePixelBufferManagerV1);

impl<D> Dispatch<WpSinglePixelBufferManagerV1, (), D> for SinglePixelBufferState
where
    D: Dispatch<WpSinglePixelBufferManagerV1, ()>
        + Dispatch<WlBuffer, PixelData<<D as SinglePixelBufferHandler>::Import>>
        + SinglePixelBufferHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &WpSinglePixelBufferManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::CreateU32RgbaBuffer { id, r, g, b, a } = request {
            let import = state.import_pixel(Pixel { red: r, green: g, blue: b, alpha: a });
            data_init.init(id, PixelData(import));
        }
    }
}

impl<D> Dispatch<WlBuffer, PixelData<D::Import>, D> for SinglePixelBufferState
where
    D: Dispatch<WlBuffer, PixelData<<D as SinglePixelBufferHandler>::Import>> + SinglePixelBufferHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &WlBuffer,
        request: wl_buffer::Request,
        _: &PixelData<D::Import>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        debug_assert!(matches!(request, wl_buffer::Request::Destroy));
    }

    fn destroyed(_: &mut D, _: ClientId, _: &WlBuffer, _: &PixelData<D::Import>) {}
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`SinglePixelBufferHandler`] with the given type of imports.
#[macro_export]
macro_rules! delegate_single_pixel_buffer {
    ($ty:ty, $import:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::single_pixel_buffer::manager::WpSinglePixelBufferManagerV1: ()
        ] => $crate::single_pixel_buffer::SinglePixelBufferState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::single_pixel_buffer::manager::WpSinglePixelBufferManagerV1: ()
        ] => $crate::single_pixel_buffer::SinglePixelBufferState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_buffer::WlBuffer:
                $crate::single_pixel_buffer::PixelData<$import>
        ] => $crate::single_pixel_buffer::SinglePixelBufferState);
    };
}
