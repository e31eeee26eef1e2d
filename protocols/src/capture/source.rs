//! `ext-image-capture-source-v1`: what a client wants to see, an output or a window.

use wayland_protocols::ext::{
    foreign_toplevel_list::v1::server::ext_foreign_toplevel_handle_v1::ExtForeignToplevelHandleV1,
    image_capture_source::v1::server::{
        ext_foreign_toplevel_image_capture_source_manager_v1::{
            self as of_toplevels, ExtForeignToplevelImageCaptureSourceManagerV1,
        },
        ext_image_capture_source_v1::{self as source, ExtImageCaptureSourceV1},
        ext_output_image_capture_source_manager_v1::{self as outputs, ExtOutputImageCaptureSourceManagerV1},
    },
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource};

use crate::{
    capture::{CaptureHandler, Source},
    seen_by::SeenBy,
    surface_object::bind_manager,
    toplevels,
};

/// User data of a source.
#[derive(Debug)]
pub struct SourceData(pub(super) Source);

/// The two globals that make sources.
#[derive(Debug)]
pub struct CaptureSources;

impl CaptureSources {
    /// Announces the globals, each to the clients that see it, for as long as the display lives.
    pub fn announce<D>(display: &DisplayHandle, outputs: SeenBy, toplevels: SeenBy)
    where
        D: GlobalDispatch<ExtOutputImageCaptureSourceManagerV1, SeenBy>
            + GlobalDispatch<ExtForeignToplevelImageCaptureSourceManagerV1, SeenBy>
            + 'static,
    {
        display.create_global::<D, ExtOutputImageCaptureSourceManagerV1, SeenBy>(1, outputs);
        display.create_global::<D, ExtForeignToplevelImageCaptureSourceManagerV1, SeenBy>(1, toplevels);
    }
}

/// What a source object stands for.
pub(super) fn source_of(object: &ExtImageCaptureSourceV1) -> Source {
    object.data::<SourceData>().map_or(Source::Gone, |data| data.0)
}

bind_manager!(CaptureSources, ExtOutputImageCaptureSourceManagerV1, SeenBy);
bind_manager!(CaptureSources, ExtForeignToplevelImageCaptureSourceManagerV1, SeenBy);

impl<D> Dispatch<ExtOutputImageCaptureSourceManagerV1, (), D> for CaptureSources
where
    D: Dispatch<ExtOutputImageCaptureSourceManagerV1, ()>
        + Dispatch<ExtImageCaptureSourceV1, SourceData>
        + CaptureHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ExtOutputImageCaptureSourceManagerV1,
        request: outputs::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let outputs::Request::CreateSource { source, output } = request else { return };
        let number = state.output_number(&output);
        data_init.init(source, SourceData(number.map_or(Source::Gone, Source::Output)));
    }
}

impl<D> Dispatch<ExtForeignToplevelImageCaptureSourceManagerV1, (), D> for CaptureSources
where
    D: Dispatch<ExtForeignToplevelImageCaptureSourceManagerV1, ()>
        + Dispatch<ExtImageCaptureSourceV1, SourceData>
        + CaptureHandler
        + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ExtForeignToplevelImageCaptureSourceManagerV1,
        request: of_toplevels::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let of_toplevels::Request::CreateSource { source, toplevel_handle } = request else { return };
        data_init.init(source, SourceData(of_handle(&toplevel_handle)));
    }
}

/// The window of a handle.
fn of_handle(handle: &ExtForeignToplevelHandleV1) -> Source {
    toplevels::number_of(handle).map_or(Source::Gone, Source::Toplevel)
}

impl<D> Dispatch<ExtImageCaptureSourceV1, SourceData, D> for CaptureSources
where
    D: Dispatch<ExtImageCaptureSourceV1, SourceData>,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ExtImageCaptureSourceV1,
        _: source::Request,
        _: &SourceData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // There is only `destroy`, and what was made of it goes on.
    }
}
