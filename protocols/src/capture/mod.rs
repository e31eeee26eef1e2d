//! Pictures of outputs, of windows and of the pointer, for clients: `ext-image-copy-capture-v1` with
//! `ext-image-capture-source-v1` ([`data`], [`source`]), and
//! `wlr-screencopy-unstable-v1` ([`screencopy`]).
//!
//! ```text
//!  session or manager ─ frame ─ buffer ─ capture, copy ─→ Wanted ─→ CaptureHandler::wanted
//!                                                                      │ drawn, shown, readable
//!                                  ready or failed, once ←─ Frame ←────┘
//! ```
//!
//! Both protocols end in the same value, [`Wanted`]: which image, into which buffer, and what of it its
//! client lacks. Nothing here draws, or knows when a frame is shown: that is the compositor's.
//!
//! Sources: `wayland-protocols/staging/ext-image-copy-capture`, `…/ext-image-capture-source`,
//! `wlr-protocols/unstable/wlr-screencopy-unstable-v1.xml`.

mod cursor;
pub mod data;
mod delegate;
mod frame;
pub mod screencopy;
mod session;
pub mod source;

use smithay::utils::{Buffer, Logical, Rectangle};
use wayland_protocols::ext::image_copy_capture::v1::server::{
    ext_image_copy_capture_cursor_session_v1::ExtImageCopyCaptureCursorSessionV1,
    ext_image_copy_capture_frame_v1::{ExtImageCopyCaptureFrameV1, FailureReason},
    ext_image_copy_capture_session_v1::ExtImageCopyCaptureSessionV1,
};
use wayland_protocols_wlr::screencopy::v1::server::zwlr_screencopy_frame_v1::{Flags, ZwlrScreencopyFrameV1};
use wayland_server::{
    Resource,
    protocol::{wl_buffer::WlBuffer, wl_output, wl_shm},
};

/// A rectangle of an image, in pixels from its upper left corner.
pub type Part = Rectangle<i32, Buffer>;

/// The formats of buffers in shared memory, the best one first.
pub const SHM_FORMATS: [wl_shm::Format; 2] = [wl_shm::Format::Xrgb8888, wl_shm::Format::Argb8888];

/// So many rectangles a client may damage before they become the one around them.
const RECTS: usize = 32;

/// What can be captured, by the numbers that the compositor has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// An output.
    Output(u32),
    /// A window, as [`crate::toplevels::Toplevel::number`].
    Toplevel(u32),
    /// What was gone when the client asked for it.
    Gone,
}

/// Which image of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Image {
    /// Without the pointer.
    Plain,
    /// With it.
    WithPointer,
    /// The pointer's image alone.
    Pointer,
}

/// An image that is captured again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Of what.
    pub source: Source,
    /// Which.
    pub image: Image,
}

/// Frames whose damage counts from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Series {
    /// Those of a session.
    Session(u64),
    /// Those of one image by one manager of screencopy.
    Screencopy(u64, Subject),
}

/// The formats and layouts of dma-bufs that the compositor draws into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DmabufFormats {
    /// The device (`dev_t`) on which they should be.
    pub device: u64,
    /// Formats (fourcc), each with its modifiers.
    pub formats: Vec<(u32, Vec<u64>)>,
}

/// A frame that a client waits for. It is ended by [`Frame::ready`] or [`Frame::failed`], once.
#[derive(Debug)]
pub struct Wanted {
    /// Whom to answer.
    pub frame: Frame,
    /// Of which series it is.
    pub series: Series,
    /// What is captured.
    pub subject: Subject,
    /// Where the image goes.
    pub buffer: WlBuffer,
    /// Which part of the image; `None`: all of it.
    pub part: Option<Part>,
    /// What the buffer lacks beside what has changed, from its upper left corner.
    pub lacks: Vec<Part>,
    /// It is captured also if nothing has changed.
    pub at_once: bool,
    /// No frame of the series comes after those that wait.
    pub is_last: bool,
}

/// The object that waits.
#[derive(Debug, Clone)]
pub enum Frame {
    /// Of `ext-image-copy-capture-v1`.
    Image(ExtImageCopyCaptureFrameV1),
    /// Of `wlr-screencopy-unstable-v1`; whether it hears of damage.
    Screencopy(ZwlrScreencopyFrameV1, bool),
}

/// Why a frame has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be drawn, or read, now.
    Unknown,
    /// The buffer is not as the session says.
    Buffer,
    /// What is captured is gone.
    Stopped,
}

/// What a client is told of a frame that is ready.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// When it was shown, CLOCK_MONOTONIC, in nanoseconds.
    pub time: u64,
    /// How the image is turned.
    pub transform: wl_output::Transform,
    /// What has changed in it.
    pub damage: &'a [Part],
}

impl Frame {
    /// Whether it is the same object.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Image(this), Self::Image(other)) => this == other,
            (Self::Screencopy(this, _), Self::Screencopy(other, _)) => this == other,
            _ => false,
        }
    }

    /// Whether the client has not destroyed it.
    pub fn is_alive(&self) -> bool {
        match self {
            Self::Image(frame) => frame.is_alive(),
            Self::Screencopy(frame, _) => frame.is_alive(),
        }
    }

    /// The client may read its buffer.
    pub fn ready(&self, shown: &Shown<'_>) {
        let (seconds, nanos) = (shown.time / 1_000_000_000, (shown.time % 1_000_000_000) as u32);
        let (high, low) = ((seconds >> 32) as u32, seconds as u32);
        match self {
            Self::Image(frame) => {
                frame.transform(shown.transform);
                for part in shown.damage {
                    frame.damage(part.loc.x, part.loc.y, part.size.w, part.size.h);
                }
                frame.presentation_time(high, low, nanos);
                frame.ready();
            }
            Self::Screencopy(frame, damage) => {
                frame.flags(Flags::empty());
                for part in shown.damage.iter().filter(|_| *damage) {
                    let [x, y, w, h] =
                        [part.loc.x, part.loc.y, part.size.w, part.size.h].map(|value| value.unsigned_abs());
                    frame.damage(x, y, w, h);
                }
                frame.ready(high, low, nanos);
            }
        }
    }

    /// There will be no image.
    pub fn failed(&self, why: Failure) {
        match self {
            Self::Image(frame) => frame.failed(match why {
                Failure::Unknown => FailureReason::Unknown,
                Failure::Buffer => FailureReason::BufferConstraints,
                Failure::Stopped => FailureReason::Stopped,
            }),
            Self::Screencopy(frame, _) => frame.failed(),
        }
    }
}

/// What the protocols need from the compositor's state.
pub trait CaptureHandler {
    /// The number of an output; `None`: it is gone.
    fn output_number(&self, output: &wl_output::WlOutput) -> Option<u32>;

    /// Width and height of an image in pixels; `None`: there is none any more.
    fn image_size(&self, subject: Subject) -> Option<(u32, u32)>;

    /// The part of an output's image that shows a rectangle of the output, which counts from its upper
    /// left corner. `None`: nothing of it is on the output.
    fn part_of_output(&self, output: u32, area: Rectangle<i32, Logical>) -> Option<Part>;

    /// The dma-bufs that an image of `source` can be put into; `None`: it is copied into shared memory only.
    fn dmabuf_formats(&self, source: Source) -> Option<&DmabufFormats>;

    /// Whether a buffer takes an image of `source` of this size. The error is the message to the client.
    fn takes_image(&self, source: Source, buffer: &WlBuffer, size: (u32, u32)) -> Result<(), String>;

    /// A session has begun: the compositor tells it its constraints, or that it has stopped.
    fn session_begun(&mut self, number: u64, session: ExtImageCopyCaptureSessionV1, subject: Subject);

    /// The session is destroyed; a frame of it may still wait.
    fn session_gone(&mut self, number: u64);

    /// A client wants to hear where the pointer is in a source.
    fn cursor_session_begun(&mut self, session: ExtImageCopyCaptureCursorSessionV1, source: Source);

    /// It does not any more.
    fn cursor_session_gone(&mut self, session: &ExtImageCopyCaptureCursorSessionV1);

    /// A manager of screencopy is destroyed; frames of it may still wait.
    fn screencopy_gone(&mut self, manager: u64);

    /// A client waits for a frame.
    fn wanted(&mut self, wanted: Wanted);

    /// It does not any more: nothing of the frame is to be answered.
    fn frame_gone(&mut self, frame: &Frame);
}

/// Tells a session what its buffers have to be.
pub fn send_constraints(
    session: &ExtImageCopyCaptureSessionV1,
    (width, height): (u32, u32),
    dmabufs: Option<&DmabufFormats>,
) {
    session.buffer_size(width, height);
    SHM_FORMATS.iter().for_each(|format| session.shm_format(*format));
    if let Some(DmabufFormats { device, formats }) = dmabufs {
        session.dmabuf_device(device.to_ne_bytes().to_vec());
        for (format, modifiers) in formats {
            session.dmabuf_format(*format, modifiers.iter().flat_map(|modifier| modifier.to_ne_bytes()).collect());
        }
    }
    session.done();
}

/// Adds a rectangle to a list that stays short.
fn add_part(parts: &mut Vec<Part>, part: Part) {
    parts.push(part);
    if parts.len() > RECTS {
        let around = parts.iter().copied().reduce(|all, one| all.merge(one));
        parts.clear();
        parts.extend(around);
    }
}

/// Numbers that are given once in a process.
fn next_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rectangles_become_the_one_around_them() {
        let mut parts = Vec::new();
        for at in 0..=RECTS as i32 {
            add_part(&mut parts, Part::new((at, 2 * at).into(), (1, 1).into()));
        }
        let side = RECTS as i32;
        assert_eq!(parts, [Part::new((0, 0).into(), (side + 1, 2 * side + 1).into())]);
    }
}
