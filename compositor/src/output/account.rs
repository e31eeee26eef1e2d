//! What a frame was made of, for those who account for it: the trace, the check of its CRC, and the predictors.

use std::sync::Arc;

use kms::Rotation;

use super::{OnPlane, Output, present::Wanted, schedule::Kind};
use crate::{
    crc::{Check, CheckPlane},
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

pub(super) fn check_of(output: &Output, wanted: &[Wanted]) -> Check {
    let plane = |w: &Wanted| {
        let (target, content): (Arc<Target>, _) = match &w.show {
            OnPlane::Target(target) => (target.clone(), None),
            OnPlane::Content(content) => match &content.source {
                Source::Dmabuf(imported) => (imported.clone(), Some(content.clone())),
                Source::Shm(_) => return None,
            },
        };
        let kind = output.kms.planes()[w.plane].kind;
        Some(CheckPlane { target, _content: content, src: w.src, dst: w.dst, kind, order: w.plane, colour: w.colour })
    };
    Check {
        output: output.id,
        width: output.size.w as u32,
        height: output.size.h as u32,
        planes: wanted.iter().filter_map(plane).collect(),
        modelled: wanted.iter().all(|w| w.rotation == Rotation::ROTATE_0),
    }
}
