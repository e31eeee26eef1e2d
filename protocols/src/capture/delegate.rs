//! The dispatch of all objects of the capture protocols, for the compositor's state.

/// Implements the protocols' dispatch for the compositor's state type, which implements
/// [`CaptureHandler`](crate::capture::CaptureHandler).
#[macro_export]
macro_rules! delegate_capture {
    ($ty:ty) => {
        $crate::delegate_capture!($ty: $crate::capture::source::CaptureSources, [
            $crate::reexports::image_capture::output_sources::ExtOutputImageCaptureSourceManagerV1,
            $crate::reexports::image_capture::toplevel_sources::ExtForeignToplevelImageCaptureSourceManagerV1
        ], ());
        $crate::delegate_capture!($ty: $crate::capture::data::ImageCopyCapture, [
            $crate::reexports::image_capture::manager::ExtImageCopyCaptureManagerV1
        ], ());
        $crate::delegate_capture!($ty: $crate::capture::screencopy::Screencopy, [
            $crate::reexports::screencopy::manager::ZwlrScreencopyManagerV1
        ], $crate::capture::screencopy::ManagerData);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::image_capture::source::ExtImageCaptureSourceV1: $crate::capture::source::SourceData
        ] => $crate::capture::source::CaptureSources);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::image_capture::session::ExtImageCopyCaptureSessionV1:
                $crate::capture::data::SessionData
        ] => $crate::capture::data::ImageCopyCapture);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::image_capture::frame::ExtImageCopyCaptureFrameV1: $crate::capture::data::FrameData
        ] => $crate::capture::data::ImageCopyCapture);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::image_capture::cursor::ExtImageCopyCaptureCursorSessionV1:
                $crate::capture::data::CursorSessionData
        ] => $crate::capture::data::ImageCopyCapture);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::screencopy::frame::ZwlrScreencopyFrameV1: $crate::capture::screencopy::FrameData
        ] => $crate::capture::screencopy::Screencopy);
    };
    ($ty:ty: $to:ty, [$($manager:ty),*], $data:ty) => { $(
        $crate::observed_global_dispatch!($ty: [$manager: $crate::SeenBy] => $to);
        $crate::observed_dispatch!($ty: [$manager: $data] => $to);
    )* };
}
