//! `ext_image_copy_capture_cursor_session_v1`: where the pointer is in a source, and its image.

use std::sync::atomic::Ordering;

use wayland_protocols::ext::image_copy_capture::v1::server::{
    ext_image_copy_capture_cursor_session_v1::{self as cursor, ExtImageCopyCaptureCursorSessionV1},
    ext_image_copy_capture_session_v1::ExtImageCopyCaptureSessionV1,
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId};

use crate::capture::{
    CaptureHandler, Image, Subject,
    data::{CursorSessionData, ImageCopyCapture, SessionData},
    session,
};

impl<D> Dispatch<ExtImageCopyCaptureCursorSessionV1, CursorSessionData, D> for ImageCopyCapture
where
    D: Dispatch<ExtImageCopyCaptureCursorSessionV1, CursorSessionData>
        + Dispatch<ExtImageCopyCaptureSessionV1, SessionData>
        + CaptureHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ExtImageCopyCaptureCursorSessionV1,
        request: cursor::Request,
        data: &CursorSessionData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let cursor::Request::GetCaptureSession { session } = request else { return };
        if data.asked.swap(true, Ordering::Relaxed) {
            let message = "get_capture_session: the cursor session has one, or had";
            return resource.post_error(cursor::Error::DuplicateSession, message);
        }
        session::begin(state, session, Subject { source: data.source, image: Image::Pointer }, data_init);
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ExtImageCopyCaptureCursorSessionV1, _: &CursorSessionData) {
        state.cursor_session_gone(resource);
    }
}
