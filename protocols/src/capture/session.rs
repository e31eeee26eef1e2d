//! `ext_image_copy_capture_manager_v1` and its sessions: an image that is captured again and again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use wayland_protocols::ext::image_copy_capture::v1::server::{
    ext_image_copy_capture_cursor_session_v1::ExtImageCopyCaptureCursorSessionV1,
    ext_image_copy_capture_frame_v1::ExtImageCopyCaptureFrameV1,
    ext_image_copy_capture_manager_v1::{self as manager, ExtImageCopyCaptureManagerV1, Options},
    ext_image_copy_capture_session_v1::{self as session, ExtImageCopyCaptureSessionV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, New, Resource, WEnum, backend::ClientId};

use crate::{
    capture::{
        CaptureHandler, Image, Subject,
        data::{CursorSessionData, FrameData, ImageCopyCapture, Session, SessionData},
        next_number,
        source::source_of,
    },
    surface_object::bind_manager,
};

/// Makes a session of what it captures.
pub(super) fn begin<D>(
    state: &mut D,
    id: New<ExtImageCopyCaptureSessionV1>,
    subject: Subject,
    data_init: &mut DataInit<'_, D>,
) where
    D: Dispatch<ExtImageCopyCaptureSessionV1, SessionData> + CaptureHandler + 'static,
{
    let number = next_number();
    let session = Session { number, subject, has_frame: AtomicBool::new(false) };
    let object = data_init.init(id, SessionData(Arc::new(session)));
    state.session_begun(number, object, subject);
}

bind_manager!(ImageCopyCapture, ExtImageCopyCaptureManagerV1, SeenBy);

impl<D> Dispatch<ExtImageCopyCaptureManagerV1, (), D> for ImageCopyCapture
where
    D: Dispatch<ExtImageCopyCaptureManagerV1, ()>
        + Dispatch<ExtImageCopyCaptureSessionV1, SessionData>
        + Dispatch<ExtImageCopyCaptureCursorSessionV1, CursorSessionData>
        + CaptureHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ExtImageCopyCaptureManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            manager::Request::CreateSession { session, source, options } => {
                let image = match options {
                    WEnum::Value(options) if options.contains(Options::PaintCursors) => Image::WithPointer,
                    WEnum::Value(_) => Image::Plain,
                    WEnum::Unknown(bits) => {
                        let message = format!("create_session: {bits:#x} is no combination of options");
                        return resource.post_error(manager::Error::InvalidOption, message);
                    }
                };
                begin(state, session, Subject { source: source_of(&source), image }, data_init);
            }
            manager::Request::CreatePointerCursorSession { session, source, pointer: _ } => {
                let source = source_of(&source);
                let object = data_init.init(session, CursorSessionData::new(source));
                state.cursor_session_begun(object, source);
            }
            _ => {}
        }
    }
}

impl<D> Dispatch<ExtImageCopyCaptureSessionV1, SessionData, D> for ImageCopyCapture
where
    D: Dispatch<ExtImageCopyCaptureSessionV1, SessionData>
        + Dispatch<ExtImageCopyCaptureFrameV1, FrameData>
        + CaptureHandler
        + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ExtImageCopyCaptureSessionV1,
        request: session::Request,
        SessionData(session): &SessionData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let session::Request::CreateFrame { frame } = request else { return };
        let is_second = session.has_frame.swap(true, Ordering::Relaxed);
        data_init.init(frame, FrameData::new(session.clone(), is_second));
        if is_second {
            let message = "create_frame: the session has a frame that is not destroyed";
            resource.post_error(session::Error::DuplicateFrame, message);
        }
    }

    fn destroyed(state: &mut D, _: ClientId, _: &ExtImageCopyCaptureSessionV1, SessionData(session): &SessionData) {
        state.session_gone(session.number);
    }
}
