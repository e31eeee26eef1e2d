//! What a frame was made of, for those who account for it: the trace, the check of its CRC, and the predictors.

use std::sync::Arc;

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

/// Whether something was drawn for these planes; the cursor's picture was drawn before.
pub fn kind_of(cursor: Option<usize>, wanted: &[PlaneRequest]) -> FrameKind {
    let drawn = |w: &PlaneRequest| Some(w.plane) != cursor && matches!(w.show, OnPlane::Target(_));
    if wanted.iter().any(drawn) { FrameKind::Rendered } else { FrameKind::Planes }
}

pub fn trace_planes(output: &Output, wanted: &[PlaneRequest]) -> Vec<trace::PlaneEvent> {
    let event = |w: &PlaneRequest| trace::PlaneEvent {
        plane: output.kms.planes()[w.plane].id,
        kind: output.plane_kind(w.plane),
        shown: match &w.show {
            OnPlane::Content(c) => Some(trace::ShownCommit { surface: c.surface, commit: c.serial }),
            OnPlane::Target(_) => None,
        },
        in_fence: w.fence.is_some(),
    };
    wanted.iter().map(event).collect()
}

/// Notes what the frame will show.
pub fn pending_frame(output: &mut Output, wanted: &[PlaneRequest], tears: bool) {
    let mut shows = std::mem::take(&mut output.pending_frame);
    (shows.zero_copy, shows.rendered, shows.tears) = (false, false, tears);
    shows.planes.clear();
    for w in wanted {
        let plane = output.kms.planes()[w.plane].id;
        let (surface, commit, buffer) = match &w.show {
            OnPlane::Content(content) => {
                shows.zero_copy = true;
                (Some(content.surface), Some(content.serial), content.source.id())
            }
            OnPlane::Target(target) => {
                shows.rendered |= Some(w.plane) != output.cursor;
                (None, None, target.id)
            }
        };
        shows.planes.push(ShownPlane { plane, surface, commit, buffer });
    }
    output.pending_frame = shows;
}

/// What the frame's CRC is predicted from: what the planes were set to, by the same functions.
pub fn check_of(output: &Output, wanted: &[PlaneRequest]) -> Check {
    let plane = |w: &PlaneRequest| {
        let (target, content): (Arc<Target>, _) = match &w.show {
            OnPlane::Target(target) => (target.clone(), None),
            OnPlane::Content(content) => match &content.source {
                PixelSource::Dmabuf(imported) => (imported.clone(), Some(content.clone())),
                PixelSource::Shm(_) => return None,
            },
        };
        let id = output.kms.planes()[w.plane].id;
        let yuv = output.crc.as_ref().map(|crc| crc.yuv(id)).unwrap_or_default();
        let look = w.look_on(&output.kms.planes()[w.plane]);
        let (alpha, blend) = (u16::MAX, PlaneRequest::BLEND);
        Some(CheckPlane { id, target, content, src: w.src, dst: w.dst, zpos: w.zpos, alpha, blend, look, yuv })
    };
    Check {
        output: output.id,
        width: output.size.w as u32,
        height: output.size.h as u32,
        planes: wanted.iter().filter_map(plane).collect(),
        crtc: output.kms.crtc_state().clone(),
    }
}
