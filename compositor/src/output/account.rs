//! What a frame was made of, for those who account for it: the trace, the check of its CRC, and the predictors.

use std::sync::Arc;

use kms::{Blend, PlaneOptions};

use super::{OnPlane, Output, present::Wanted, schedule::Kind};
use crate::{
    crc::{Check, CheckPlane, frames::ShownPlane},
    render::Target,
    surface::buffer::Source,
    trace,
};

/// Whether something was drawn for these planes; the cursor's picture was drawn before.
pub(super) fn kind_of(cursor: Option<usize>, wanted: &[Wanted]) -> Kind {
    let drawn = |w: &Wanted| Some(w.plane) != cursor && matches!(w.show, OnPlane::Target(_));
    if wanted.iter().any(drawn) { Kind::Rendered } else { Kind::Planes }
}

pub(super) fn trace_planes(output: &Output, wanted: &[Wanted]) -> Vec<trace::PlaneEvent> {
    let event = |w: &Wanted| trace::PlaneEvent {
        plane: output.kms.planes()[w.plane].id,
        kind: output.plane_kind(w.plane),
        shown: match &w.show {
            OnPlane::Content(c) => Some(trace::Shown { surface: c.surface, commit: c.serial }),
            OnPlane::Target(_) => None,
        },
        in_fence: w.fence.is_some(),
    };
    wanted.iter().map(event).collect()
}

/// Notes what the frame will show.
pub(super) fn on_its_way(output: &mut Output, wanted: &[Wanted], tears: bool) {
    let mut shows = std::mem::take(&mut output.on_its_way);
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
    output.on_its_way = shows;
}

/// What the frame's CRC is predicted from: all that [`submit`] sets.
pub(super) fn check_of(output: &Output, wanted: &[Wanted]) -> Check {
    let plane = |w: &Wanted| {
        let (target, content): (Arc<Target>, _) = match &w.show {
            OnPlane::Target(target) => (target.clone(), None),
            OnPlane::Content(content) => match &content.source {
                Source::Dmabuf(imported) => (imported.clone(), Some(content.clone())),
                Source::Shm(_) => return None,
            },
        };
        let id = output.kms.planes()[w.plane].id;
        let yuv = output.crc.as_ref().map(|crc| crc.yuv(id)).unwrap_or_default();
        // As `submit` tells the plane, where it can be told.
        let told = w.colour.map(super::assign::in_kms);
        let props = &output.kms.planes()[w.plane].props;
        let color_encoding = told.and_then(|(encoding, _)| props.color_encoding.map(|_| encoding));
        let color_range = told.and_then(|(_, range)| props.color_range.map(|_| range));
        let look = PlaneOptions { rotation: w.rotation, color_encoding, color_range, ..PlaneOptions::default() };
        let (alpha, blend) = (u16::MAX, Blend::Premultiplied);
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
