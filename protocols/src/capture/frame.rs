//! `ext_image_copy_capture_frame_v1`: one image of a session, into one buffer.

use std::sync::atomic::Ordering;

use wayland_protocols::ext::image_copy_capture::v1::server::ext_image_copy_capture_frame_v1::{
    self as frame, ExtImageCopyCaptureFrameV1,
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId};

use crate::capture::{
    CaptureHandler, Frame, Part, Series, Wanted, add_part,
    data::{FrameData, ImageCopyCapture},
};

impl<D> Dispatch<ExtImageCopyCaptureFrameV1, FrameData, D> for ImageCopyCapture
where
    D: Dispatch<ExtImageCopyCaptureFrameV1, FrameData> + CaptureHandler + 'static,
{
    fn request(
        handler: &mut D,
        _: &Client,
        resource: &ExtImageCopyCaptureFrameV1,
        request: frame::Request,
        data: &FrameData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let mut state = data.state.lock().expect("no panic while locked");
        let name = match &request {
            frame::Request::AttachBuffer { .. } => "attach_buffer",
            frame::Request::DamageBuffer { .. } => "damage_buffer",
            frame::Request::Capture => "capture",
            _ => return,
        };
        if state.captured {
            return resource.post_error(frame::Error::AlreadyCaptured, format!("{name}: after capture"));
        }
        match request {
            frame::Request::AttachBuffer { buffer } => state.buffer = Some(buffer),
            frame::Request::DamageBuffer { x, y, width, height } => {
                if x < 0 || y < 0 || width <= 0 || height <= 0 {
                    let message = format!("damage_buffer: {width}x{height} at {x}, {y} is no part of a buffer");
                    return resource.post_error(frame::Error::InvalidBufferDamage, message);
                }
                let size = (width.min(i32::MAX - x), height.min(i32::MAX - y));
                add_part(&mut state.damage, Part::new((x, y).into(), size.into()));
            }
            _ => {
                let Some(buffer) = state.buffer.take() else {
                    return resource.post_error(frame::Error::NoBuffer, "capture: no buffer is attached");
                };
                state.captured = true;
                let lacks = std::mem::take(&mut state.damage);
                drop(state);
                handler.wanted(Wanted {
                    frame: Frame::Image(resource.clone()),
                    series: Series::Session(data.session.number),
                    subject: data.session.subject,
                    buffer,
                    part: None,
                    lacks,
                    at_once: false,
                    is_last: false,
                });
            }
        }
    }

    fn destroyed(handler: &mut D, _: ClientId, resource: &ExtImageCopyCaptureFrameV1, data: &FrameData) {
        if !data.refused {
            data.session.has_frame.store(false, Ordering::Relaxed);
        }
        handler.frame_gone(&Frame::Image(resource.clone()));
    }
}
