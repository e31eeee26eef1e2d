//! Events to [`State`]: one small handler per interface. Nothing is decided here, except that pings
//! are answered.

use std::os::fd::{AsFd, OwnedFd};

use fence::SyncFile;
use wayland_client::protocol::{
    wl_buffer, wl_callback, wl_compositor, wl_output, wl_region, wl_registry, wl_shm, wl_shm_pool, wl_subcompositor,
    wl_subsurface, wl_surface,
};
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop, event_created_child};
use wayland_protocols::wp::alpha_modifier::v1::client::{
    wp_alpha_modifier_surface_v1::WpAlphaModifierSurfaceV1, wp_alpha_modifier_v1::WpAlphaModifierV1,
};
use wayland_protocols::wp::color_representation::v1::client::{
    wp_color_representation_manager_v1::WpColorRepresentationManagerV1,
    wp_color_representation_surface_v1::WpColorRepresentationSurfaceV1,
};
use wayland_protocols::wp::commit_timing::v1::client::{
    wp_commit_timer_v1::WpCommitTimerV1, wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
};
use wayland_protocols::wp::content_type::v1::client::{
    wp_content_type_manager_v1::WpContentTypeManagerV1, wp_content_type_v1::WpContentTypeV1,
};
use wayland_protocols::wp::fifo::v1::client::{wp_fifo_manager_v1::WpFifoManagerV1, wp_fifo_v1::WpFifoV1};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::{self, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_feedback_v1::{self, ZwpLinuxDmabufFeedbackV1},
    zwp_linux_dmabuf_v1::{self, ZwpLinuxDmabufV1},
};
use wayland_protocols::wp::linux_drm_syncobj::v1::client::{
    wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1,
    wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1,
    wp_linux_drm_syncobj_timeline_v1::WpLinuxDrmSyncobjTimelineV1,
};
use wayland_protocols::wp::linux_explicit_synchronization::zv1::client::{
    zwp_linux_buffer_release_v1::{self, ZwpLinuxBufferReleaseV1},
    zwp_linux_explicit_synchronization_v1::ZwpLinuxExplicitSynchronizationV1,
    zwp_linux_surface_synchronization_v1::ZwpLinuxSurfaceSynchronizationV1,
};
use wayland_protocols::wp::presentation_time::client::{
    wp_presentation::{self, WpPresentation},
    wp_presentation_feedback::{self, WpPresentationFeedback},
};
use wayland_protocols::wp::single_pixel_buffer::v1::client::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1;
use wayland_protocols::wp::tearing_control::v1::client::{
    wp_tearing_control_manager_v1::WpTearingControlManagerV1, wp_tearing_control_v1::WpTearingControlV1,
};
use wayland_protocols::wp::viewporter::client::{wp_viewport::WpViewport, wp_viewporter::WpViewporter};
use wayland_protocols::xdg::shell::client::{
    xdg_popup::{self, XdgPopup},
    xdg_positioner::XdgPositioner,
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, XdgWmBase},
};

use super::state::{Feedback, Global, Presented, State};

/// Implements `Dispatch` for an interface with user data: the body sees state, proxy, event and
/// data.
macro_rules! on {
    ($interface:ty, $data:ty, |$state:ident, $proxy:ident, $event:ident, $udata:ident| $body:expr) => {
        impl Dispatch<$interface, $data> for State {
            fn event(
                $state: &mut State,
                $proxy: &$interface,
                $event: <$interface as wayland_client::Proxy>::Event,
                $udata: &$data,
                _: &Connection,
                _: &QueueHandle<State>,
            ) {
                $body
            }
        }
    };
}

on!(wl_registry::WlRegistry, (), |state, _registry, event, _data| match event {
    wl_registry::Event::Global { name, interface, version } => state.globals.push(Global { name, interface, version }),
    wl_registry::Event::GlobalRemove { name } => state.globals.retain(|g| g.name != name),
    _ => {}
});

on!(wl_callback::WlCallback, u64, |state, _callback, event, token| {
    if let wl_callback::Event::Done { callback_data } = event {
        state.callbacks.insert(*token, callback_data);
    }
});

on!(wl_shm::WlShm, (), |state, _shm, event, _data| {
    if let wl_shm::Event::Format { format } = event {
        state.shm_formats.push(format.into());
    }
});

on!(wl_buffer::WlBuffer, u64, |state, _buffer, event, token| {
    if let wl_buffer::Event::Release = event {
        *state.released.entry(*token).or_default() += 1;
    }
});

on!(ZwpLinuxBufferReleaseV1, u64, |state, _release, event, token| {
    let fence = match event {
        zwp_linux_buffer_release_v1::Event::FencedRelease { fence } => Some(SyncFile::unchecked(fence)),
        _ => None,
    };
    state.buffer_releases.entry(*token).or_default().push(fence);
});

on!(wl_output::WlOutput, (), |state, _output, event, _data| {
    if let wl_output::Event::Mode { flags: WEnum::Value(flags), width, height, refresh } = event
        && flags.contains(wl_output::Mode::Current)
    {
        state.output_mode = Some((width, height, refresh));
    }
});

on!(ZwpLinuxDmabufV1, (), |state, _dmabuf, event, _data| {
    if let zwp_linux_dmabuf_v1::Event::Modifier { format, modifier_hi, modifier_lo } = event {
        state.dmabuf_formats.push((format, u64::from(modifier_hi) << 32 | u64::from(modifier_lo)));
    }
});

on!(ZwpLinuxDmabufFeedbackV1, (), |state, _feedback, event, _data| match event {
    zwp_linux_dmabuf_feedback_v1::Event::FormatTable { fd, size } => {
        state.format_table = read_format_table(fd, size as usize);
    }
    zwp_linux_dmabuf_feedback_v1::Event::MainDevice { device } => {
        state.main_device = <[u8; 8]>::try_from(device.as_slice()).ok().map(u64::from_ne_bytes);
    }
    zwp_linux_dmabuf_feedback_v1::Event::TrancheFormats { indices } => {
        let indices = indices.as_chunks::<2>().0.iter().map(|i| usize::from(u16::from_ne_bytes(*i)));
        let formats: Vec<_> = indices.filter_map(|i| state.format_table.get(i).copied()).collect();
        state.dmabuf_formats.extend(formats);
    }
    _ => {}
});

/// The table is 16 bytes an entry: format, padding, modifier. A table that cannot be read is an
/// empty one. Closes `fd`.
pub(super) fn read_format_table(fd: OwnedFd, size: usize) -> Vec<(u32, u64)> {
    let mut bytes = vec![0; size];
    let mut have = 0;
    while have < size {
        match rustix::io::pread(fd.as_fd(), &mut bytes[have..], have as u64) {
            Ok(n) if n > 0 => have += n,
            _ => return Vec::new(),
        }
    }
    let entry = |e: &[u8; 16]| {
        let (format, modifier) = (e[..4].try_into().unwrap_or_default(), e[8..].try_into().unwrap_or_default());
        (u32::from_ne_bytes(format), u64::from_ne_bytes(modifier))
    };
    bytes.as_chunks::<16>().0.iter().map(entry).collect()
}

impl Dispatch<ZwpLinuxBufferParamsV1, u64> for State {
    fn event(
        state: &mut State,
        params: &ZwpLinuxBufferParamsV1,
        event: zwp_linux_buffer_params_v1::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            zwp_linux_buffer_params_v1::Event::Created { buffer } => state.params.insert(*token, Some(buffer)),
            _ => state.params.insert(*token, None),
        };
        params.destroy();
    }

    event_created_child!(State, ZwpLinuxBufferParamsV1, [
        // The buffer's releases are counted under token 0: it is made by the event, before a token
        // can be chosen.
        zwp_linux_buffer_params_v1::EVT_CREATED_OPCODE => (wl_buffer::WlBuffer, 0),
    ]);
}

on!(WpPresentation, (), |state, _presentation, event, _data| {
    if let wp_presentation::Event::ClockId { clk_id } = event {
        state.clock = Some(clk_id);
    }
});

on!(WpPresentationFeedback, u64, |state, _feedback, event, token| match event {
    wp_presentation_feedback::Event::Presented { tv_sec_hi, tv_sec_lo, tv_nsec, refresh, seq_hi, seq_lo, flags } => {
        let seconds = u64::from(tv_sec_hi) << 32 | u64::from(tv_sec_lo);
        let presented = Presented {
            time_ns: seconds * 1_000_000_000 + u64::from(tv_nsec),
            refresh_ns: u64::from(refresh),
            seq: u64::from(seq_hi) << 32 | u64::from(seq_lo),
            flags: flags.into(),
        };
        state.feedback.insert(*token, Feedback::Presented(presented));
    }
    wp_presentation_feedback::Event::Discarded => {
        state.feedback.insert(*token, Feedback::Discarded);
    }
    _ => {}
});

on!(XdgWmBase, (), |_state, base, event, _data| {
    if let xdg_wm_base::Event::Ping { serial } = event {
        base.pong(serial);
    }
});

on!(XdgSurface, u64, |state, _surface, event, token| {
    if let xdg_surface::Event::Configure { serial } = event {
        state.windows.entry(*token).or_default().serial = Some(serial);
    }
});

on!(XdgToplevel, u64, |state, _toplevel, event, token| match event {
    xdg_toplevel::Event::Configure { width, height, states } => {
        let window = state.windows.entry(*token).or_default();
        window.size = (width, height);
        window.states = states.as_chunks::<4>().0.iter().map(|s| u32::from_ne_bytes(*s)).collect();
    }
    xdg_toplevel::Event::Close => state.windows.entry(*token).or_default().closed = true,
    _ => {}
});

on!(XdgPopup, u64, |state, _popup, event, token| match event {
    xdg_popup::Event::Configure { x, y, width, height } => {
        let window = state.windows.entry(*token).or_default();
        (window.position, window.size) = ((x, y), (width, height));
    }
    xdg_popup::Event::PopupDone => state.windows.entry(*token).or_default().closed = true,
    _ => {}
});

delegate_noop!(State: ignore wl_compositor::WlCompositor);
delegate_noop!(State: ignore wl_subcompositor::WlSubcompositor);
delegate_noop!(State: ignore wl_subsurface::WlSubsurface);
delegate_noop!(State: ignore wl_surface::WlSurface);
delegate_noop!(State: ignore wl_region::WlRegion);
delegate_noop!(State: ignore wl_shm_pool::WlShmPool);
delegate_noop!(State: ignore WpAlphaModifierV1);
delegate_noop!(State: ignore WpAlphaModifierSurfaceV1);
delegate_noop!(State: ignore WpSinglePixelBufferManagerV1);
delegate_noop!(State: ignore WpViewporter);
delegate_noop!(State: ignore WpViewport);
delegate_noop!(State: ignore XdgPositioner);
delegate_noop!(State: ignore WpLinuxDrmSyncobjManagerV1);
delegate_noop!(State: ignore WpLinuxDrmSyncobjSurfaceV1);
delegate_noop!(State: ignore WpLinuxDrmSyncobjTimelineV1);
delegate_noop!(State: ignore ZwpLinuxExplicitSynchronizationV1);
delegate_noop!(State: ignore ZwpLinuxSurfaceSynchronizationV1);
delegate_noop!(State: ignore WpFifoManagerV1);
delegate_noop!(State: ignore WpFifoV1);
delegate_noop!(State: ignore WpCommitTimingManagerV1);
delegate_noop!(State: ignore WpCommitTimerV1);
delegate_noop!(State: ignore WpTearingControlManagerV1);
delegate_noop!(State: ignore WpTearingControlV1);
delegate_noop!(State: ignore WpContentTypeManagerV1);
delegate_noop!(State: ignore WpContentTypeV1);
delegate_noop!(State: ignore WpColorRepresentationManagerV1);
delegate_noop!(State: ignore WpColorRepresentationSurfaceV1);
