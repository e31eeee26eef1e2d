//! What a frame consists of, for the trace, the CRC check and the latch planner.
//!
//! It changes nothing on the screen.

use std::sync::Arc;

use kms::PlaneState;

use crate::{
    crc::{
        check::{Check, CheckPlane},
        frames::ShownPlane,
    },
    output::{
        planes::request::{OnPlane, PlaneRequest},
        state::Output,
    },
    render::Target,
    schedule::FrameKind,
    surface::buffer::PixelSource,
    system::trace,
};

/// Whether something was composited for these planes. The cursor plane does not count: its image
/// was made before.
pub fn kind_of(cursor: Option<usize>, requests: &[PlaneRequest]) -> FrameKind {
    let drawn = |r: &PlaneRequest| Some(r.plane) != cursor && matches!(r.show, OnPlane::Target(_));
    if requests.iter().any(drawn) { FrameKind::Rendered } else { FrameKind::Planes }
}

/// The planes of a frame as the trace names them.
pub fn trace_planes(output: &Output, requests: &[PlaneRequest]) -> Vec<trace::PlaneEvent> {
    let event = |r: &PlaneRequest| trace::PlaneEvent {
        plane: output.kms.planes()[r.plane].id,
        kind: output.plane_kind(r.plane),
        shown: match &r.show {
            OnPlane::Content(c) => Some(trace::ShownCommit { surface: c.surface, commit: c.serial }),
            OnPlane::Target(_) => None,
        },
        in_fence: r.fence.is_some(),
    };
    requests.iter().map(event).collect()
}

/// Notes in `output.pending_frame` what the frame will show.
pub fn pending_frame(output: &mut Output, requests: &[PlaneRequest], tears: bool) {
    let mut pending = std::mem::take(&mut output.pending_frame);
    (pending.zero_copy, pending.rendered, pending.tears) = (false, false, tears);
    pending.planes.clear();
    for r in requests {
        let plane = output.kms.planes()[r.plane].id;
        let (surface, commit, buffer) = match &r.show {
            OnPlane::Content(content) => {
                pending.zero_copy = true;
                (Some(content.surface), Some(content.serial), content.source.id())
            }
            OnPlane::Target(target) => {
                pending.rendered |= Some(r.plane) != output.cursor;
                (None, None, target.id)
            }
        };
        pending.planes.push(ShownPlane { plane, surface, commit, buffer });
    }
    output.pending_frame = pending;
}

/// The planes from which the frame's CRC is predicted, in the states that were committed.
pub fn check_of(output: &Output, requests: &[PlaneRequest]) -> Check {
    let plane = |r: &PlaneRequest| {
        let (target, content): (Arc<Target>, _) = match &r.show {
            OnPlane::Target(target) => (target.clone(), None),
            OnPlane::Content(content) => match &content.source {
                PixelSource::Dmabuf(imported) => (imported.clone(), Some(content.clone())),
                PixelSource::Shm(_) => return None,
            },
        };
        let plane = &output.kms.planes()[r.plane];
        let framebuffer = target.framebuffer(output.kms.device())?;
        let PlaneState { src, dst, zpos, alpha, blend, options: look, .. } = r.state(framebuffer.id(), plane);
        let (id, yuv) = (plane.id, output.crc.as_ref().map(|crc| crc.yuv(plane.id)).unwrap_or_default());
        drop(framebuffer);
        Some(CheckPlane { id, target, content, src, dst, zpos, alpha, blend, look, yuv })
    };
    Check {
        output: output.id,
        width: output.size.w as u32,
        height: output.size.h as u32,
        planes: requests.iter().filter_map(plane).collect(),
        crtc: output.kms.crtc_state().clone(),
    }
}
