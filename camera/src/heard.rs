//! What the session has said to the camera. Nothing is decided here.

use wayland_client::{
    Connection, Dispatch, QueueHandle, WEnum, delegate_noop, event_created_child,
    globals::GlobalListContents,
    protocol::{
        wl_buffer::WlBuffer,
        wl_output::{self, WlOutput},
        wl_registry::{self, WlRegistry},
        wl_shm::{self, WlShm},
        wl_shm_pool::WlShmPool,
    },
};
use wayland_protocols::ext::{
    foreign_toplevel_list::v1::client::{
        ext_foreign_toplevel_handle_v1::{self as handle, ExtForeignToplevelHandleV1},
        ext_foreign_toplevel_list_v1::{self as list, ExtForeignToplevelListV1},
    },
    image_capture_source::v1::client::{
        ext_foreign_toplevel_image_capture_source_manager_v1::ExtForeignToplevelImageCaptureSourceManagerV1,
        ext_image_capture_source_v1::ExtImageCaptureSourceV1,
        ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1,
    },
    image_copy_capture::v1::client::{
        ext_image_copy_capture_frame_v1::{self as frame, ExtImageCopyCaptureFrameV1, FailureReason},
        ext_image_copy_capture_manager_v1::ExtImageCopyCaptureManagerV1,
        ext_image_copy_capture_session_v1::{self as session, ExtImageCopyCaptureSessionV1},
    },
};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1, zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

use crate::view::Transform;

/// `DRM_FORMAT_XRGB8888`.
pub const XRGB8888: u32 = u32::from_le_bytes(*b"XR24");
/// `DRM_FORMAT_MOD_LINEAR`.
const LINEAR: u64 = 0;

/// Everything.
#[derive(Debug, Default)]
pub struct Heard {
    /// The displays, with their connectors.
    pub outputs: Vec<(WlOutput, String)>,
    /// The windows, with their identifiers.
    pub windows: Vec<(ExtForeignToplevelHandleV1, String)>,
    /// The size that a buffer must have.
    pub size: Option<(u32, u32)>,
    /// Pixels with alpha, which is opaque, are taken.
    pub alpha: bool,
    /// Linear dma-bufs of XRGB8888 are taken.
    pub linear: bool,
    /// There is nothing more to capture.
    pub stopped: bool,
    /// The frame that was asked for last.
    pub frame: Frame,
}

/// What was said of a frame.
#[derive(Debug, Default)]
pub struct Frame {
    /// What has changed since the frame before it: x, y, width, height.
    pub damage: Vec<[u32; 4]>,
    pub transform: Transform,
    /// When it was shown, ns of CLOCK_MONOTONIC.
    pub time: u64,
    pub end: Option<End>,
}

/// How a frame has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Ready,
    /// The buffer does not fit any more.
    Constraints,
    Stopped,
    Unknown,
}

/// Implements `Dispatch`: the body sees what was heard so far, the object and the event.
macro_rules! on {
    ($interface:ty, $data:ty, |$heard:ident, $object:ident, $event:ident| $body:expr) => {
        impl Dispatch<$interface, $data> for Heard {
            fn event(
                $heard: &mut Self,
                $object: &$interface,
                $event: <$interface as wayland_client::Proxy>::Event,
                _: &$data,
                _: &Connection,
                _: &QueueHandle<Self>,
            ) {
                $body
            }
        }
    };
}

on!(WlRegistry, GlobalListContents, |_heard, _registry, event| {
    let _: wl_registry::Event = event;
});

on!(WlOutput, (), |heard, output, event| {
    if let wl_output::Event::Name { name } = event {
        heard.outputs.push((output.clone(), name));
    }
});

on!(ExtForeignToplevelHandleV1, (), |heard, window, event| {
    if let handle::Event::Identifier { identifier } = event {
        heard.windows.push((window.clone(), identifier));
    }
});

impl Dispatch<ExtForeignToplevelListV1, ()> for Heard {
    fn event(
        _: &mut Self,
        _: &ExtForeignToplevelListV1,
        _: list::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }

    event_created_child!(Heard, ExtForeignToplevelListV1, [
        list::EVT_TOPLEVEL_OPCODE => (ExtForeignToplevelHandleV1, ())
    ]);
}

on!(ExtImageCopyCaptureSessionV1, (), |heard, _session, event| match event {
    session::Event::BufferSize { width, height } => heard.size = Some((width, height)),
    session::Event::ShmFormat { format: WEnum::Value(wl_shm::Format::Argb8888) } => heard.alpha = true,
    session::Event::DmabufFormat { format: XRGB8888, modifiers } => {
        heard.linear = modifiers.as_chunks().0.iter().any(|modifier| u64::from_ne_bytes(*modifier) == LINEAR);
    }
    session::Event::Stopped => heard.stopped = true,
    _ => {}
});

on!(ExtImageCopyCaptureFrameV1, (), |heard, _frame, event| {
    let of = &mut heard.frame;
    match event {
        frame::Event::Transform { transform } => of.transform = Transform::from_number(transform.into()),
        frame::Event::Damage { x, y, width, height } => {
            of.damage.push([x, y, width, height].map(|value| value.max(0).unsigned_abs()));
        }
        frame::Event::PresentationTime { tv_sec_hi, tv_sec_lo, tv_nsec } => {
            let seconds = u64::from(tv_sec_hi) << 32 | u64::from(tv_sec_lo);
            of.time = seconds.saturating_mul(1_000_000_000).saturating_add(tv_nsec.into());
        }
        frame::Event::Ready => of.end = Some(End::Ready),
        frame::Event::Failed { reason } => {
            of.end = Some(match reason {
                WEnum::Value(FailureReason::BufferConstraints) => End::Constraints,
                WEnum::Value(FailureReason::Stopped) => End::Stopped,
                _ => End::Unknown,
            });
        }
        _ => {}
    }
});

delegate_noop!(Heard: ignore WlShm);
delegate_noop!(Heard: ignore WlBuffer);
delegate_noop!(Heard: WlShmPool);
delegate_noop!(Heard: ignore ZwpLinuxDmabufV1);
delegate_noop!(Heard: ignore ZwpLinuxBufferParamsV1);
delegate_noop!(Heard: ExtOutputImageCaptureSourceManagerV1);
delegate_noop!(Heard: ExtForeignToplevelImageCaptureSourceManagerV1);
delegate_noop!(Heard: ExtImageCaptureSourceV1);
delegate_noop!(Heard: ExtImageCopyCaptureManagerV1);
