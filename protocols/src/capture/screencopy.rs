//! `wlr-screencopy-unstable-v1`: pictures of outputs, one by one.
//!
//! Damage counts from one frame of an output to the next of the same manager, as if the manager were a
//! session.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use smithay::utils::Rectangle;
use wayland_protocols_wlr::screencopy::v1::server::{
    zwlr_screencopy_frame_v1::{self as frame, ZwlrScreencopyFrameV1},
    zwlr_screencopy_manager_v1::{self as manager, ZwlrScreencopyManagerV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
    backend::ClientId,
    protocol::{wl_buffer::WlBuffer, wl_output::WlOutput},
};

use crate::{
    capture::{CaptureHandler, Failure, Frame, Image, Part, SHM_FORMATS, Series, Source, Subject, Wanted, next_number},
    seen_by::SeenBy,
};

/// The newest version that is supported.
const VERSION: u32 = 3;

/// User data of a manager.
#[derive(Debug)]
pub struct ManagerData(Arc<Manager>);

/// A manager, as its frames know it, too.
#[derive(Debug)]
struct Manager {
    number: u64,
    /// It is destroyed.
    is_gone: AtomicBool,
}

/// User data of a frame.
#[derive(Debug)]
pub struct FrameData {
    manager: Arc<Manager>,
    series: Series,
    subject: Subject,
    /// The part of the image; `None`: it has failed already.
    part: Option<Part>,
    used: AtomicBool,
}

/// The `zwlr_screencopy_manager_v1` global.
#[derive(Debug)]
pub struct Screencopy;

impl Screencopy {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn announce<D>(display: &DisplayHandle, seen_by: SeenBy)
    where
        D: GlobalDispatch<ZwlrScreencopyManagerV1, SeenBy> + 'static,
    {
        display.create_global::<D, ZwlrScreencopyManagerV1, SeenBy>(VERSION, seen_by);
    }
}

impl<D> GlobalDispatch<ZwlrScreencopyManagerV1, SeenBy, D> for Screencopy
where
    D: Dispatch<ZwlrScreencopyManagerV1, ManagerData> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwlrScreencopyManagerV1>,
        _: &SeenBy,
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init
            .init(resource, ManagerData(Arc::new(Manager { number: next_number(), is_gone: AtomicBool::new(false) })));
    }

    fn can_view(client: Client, seen_by: &SeenBy) -> bool {
        seen_by.holds(&client)
    }
}

impl<D> Dispatch<ZwlrScreencopyManagerV1, ManagerData, D> for Screencopy
where
    D: Dispatch<ZwlrScreencopyManagerV1, ManagerData>
        + Dispatch<ZwlrScreencopyFrameV1, FrameData>
        + CaptureHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwlrScreencopyManagerV1,
        request: manager::Request,
        ManagerData(manager): &ManagerData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let subject = |state: &D, output: &WlOutput, cursor: i32| {
            let source = state.output_number(output).map_or(Source::Gone, Source::Output);
            Subject { source, image: if cursor != 0 { Image::WithPointer } else { Image::Plain } }
        };
        let (id, subject, part) = match request {
            manager::Request::CaptureOutput { frame, overlay_cursor, output } => {
                let subject = subject(state, &output, overlay_cursor);
                let whole = |(width, height): (u32, u32)| Part::from_size((width as i32, height as i32).into());
                (frame, subject, state.image_size(subject).map(whole))
            }
            manager::Request::CaptureOutputRegion { frame, overlay_cursor, output, x, y, width, height } => {
                let subject = subject(state, &output, overlay_cursor);
                let area = (width > 0 && height > 0).then(|| {
                    Rectangle::new(
                        (x, y).into(),
                        (width.min(i32::MAX - x.max(0)), height.min(i32::MAX - y.max(0))).into(),
                    )
                });
                let part = match (subject.source, area) {
                    (Source::Output(output), Some(area)) => state.part_of_output(output, area),
                    _ => None,
                };
                (frame, subject, part)
            }
            _ => return,
        };
        let series = Series::Screencopy(manager.number, subject);
        let data = FrameData { manager: manager.clone(), series, subject, part, used: AtomicBool::new(false) };
        let frame = data_init.init(id, data);
        let Some(part) = part else { return frame.failed() };
        let (width, height) = size_of(part);
        frame.buffer(SHM_FORMATS[0], width, height, width * 4);
        if frame.version() >= frame::EVT_LINUX_DMABUF_SINCE
            && let Some((format, _)) = state.dmabuf_formats(subject.source).and_then(|known| known.formats.first())
        {
            frame.linux_dmabuf(*format, width, height);
        }
        if frame.version() >= frame::EVT_BUFFER_DONE_SINCE {
            frame.buffer_done();
        }
    }

    fn destroyed(state: &mut D, _: ClientId, _: &ZwlrScreencopyManagerV1, ManagerData(manager): &ManagerData) {
        manager.is_gone.store(true, Ordering::Relaxed);
        state.screencopy_gone(manager.number);
    }
}

fn size_of(part: Part) -> (u32, u32) {
    (part.size.w.unsigned_abs(), part.size.h.unsigned_abs())
}

impl<D> Dispatch<ZwlrScreencopyFrameV1, FrameData, D> for Screencopy
where
    D: Dispatch<ZwlrScreencopyFrameV1, FrameData> + CaptureHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrScreencopyFrameV1,
        request: frame::Request,
        data: &FrameData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        match request {
            frame::Request::Copy { buffer } => copy(state, resource, data, buffer, false),
            frame::Request::CopyWithDamage { buffer } => copy(state, resource, data, buffer, true),
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwlrScreencopyFrameV1, _: &FrameData) {
        state.frame_gone(&Frame::Screencopy(resource.clone(), false));
    }
}

/// Takes a request for a copy; `damage`: once something has changed.
fn copy<D: CaptureHandler>(
    state: &mut D,
    resource: &ZwlrScreencopyFrameV1,
    data: &FrameData,
    buffer: WlBuffer,
    damage: bool,
) {
    let request = if damage { "copy_with_damage" } else { "copy" };
    if data.used.swap(true, Ordering::Relaxed) {
        let message = format!("{request}: the frame was copied before");
        return resource.post_error(frame::Error::AlreadyUsed, message);
    }
    // It was told that it has failed.
    let Some(part) = data.part else { return };
    if let Err(reason) = state.takes_image(data.subject.source, &buffer, size_of(part)) {
        return resource.post_error(frame::Error::InvalidBuffer, format!("{request}: {reason}"));
    }
    let frame = Frame::Screencopy(resource.clone(), damage);
    let (series, subject) = (data.series, data.subject);
    if state.image_size(subject).is_none() {
        return frame.failed(Failure::Stopped);
    }
    // The buffer may be any: it is filled as a whole.
    let lacks = vec![Part::from_size(part.size)];
    let is_last = data.manager.is_gone.load(Ordering::Relaxed);
    state.wanted(Wanted { frame, series, subject, buffer, part: Some(part), lacks, at_once: !damage, is_last });
}
