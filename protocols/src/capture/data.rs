//! The user data of `ext-image-copy-capture-v1`, and its global.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use wayland_protocols::ext::image_copy_capture::v1::server::ext_image_copy_capture_manager_v1::ExtImageCopyCaptureManagerV1;
use wayland_server::{DisplayHandle, GlobalDispatch, protocol::wl_buffer::WlBuffer};

use crate::{
    capture::{Part, Source, Subject},
    seen_by::SeenBy,
};

/// The `ext_image_copy_capture_manager_v1` global.
#[derive(Debug)]
pub struct ImageCopyCapture;

impl ImageCopyCapture {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn announce<D>(display: &DisplayHandle, seen_by: SeenBy)
    where
        D: GlobalDispatch<ExtImageCopyCaptureManagerV1, SeenBy> + 'static,
    {
        display.create_global::<D, ExtImageCopyCaptureManagerV1, SeenBy>(1, seen_by);
    }
}

/// User data of a session.
#[derive(Debug)]
pub struct SessionData(pub(super) Arc<Session>);

/// A session, as its frames know it, too.
#[derive(Debug)]
pub(super) struct Session {
    pub number: u64,
    pub subject: Subject,
    /// It has a frame that is not destroyed.
    pub has_frame: AtomicBool,
}

/// User data of a frame.
#[derive(Debug)]
pub struct FrameData {
    pub(super) session: Arc<Session>,
    /// It was refused: the session's frame is another one.
    pub(super) refused: bool,
    pub(super) state: Mutex<State>,
}

/// What a client has said of a frame.
#[derive(Debug, Default)]
pub(super) struct State {
    pub buffer: Option<WlBuffer>,
    pub damage: Vec<Part>,
    pub captured: bool,
}

impl FrameData {
    pub(super) fn new(session: Arc<Session>, refused: bool) -> Self {
        Self { session, refused, state: Mutex::default() }
    }
}

/// User data of a cursor session.
#[derive(Debug)]
pub struct CursorSessionData {
    pub(super) source: Source,
    /// The client has asked for its session.
    pub(super) asked: AtomicBool,
}

impl CursorSessionData {
    pub(super) fn new(source: Source) -> Self {
        Self { source, asked: AtomicBool::new(false) }
    }
}
