//! What a frame consists of, for the trace, the CRC check, `msg frames` and the latch planner: read
//! from the planes as they were asked of the kernel, never from what the frame was made of.
//!
//! It changes nothing on the screen.

use std::sync::Arc;

use kms::Shown;

use crate::{
    crc::{
        check::{Check, CheckPlane},
        frames::ShownPlane,
    },
    output::{
        planes::request::{Held, KmsOutput, OnPlane},
        state::Output,
    },
    render::Target,
    schedule::FrameKind,
    surface::buffer::PixelSource,
    system::trace,
};

/// Whether something was composited for what is on the planes now. The cursor plane does not count:
/// its image was made before.
pub fn kind_of(output: &Output) -> FrameKind {
    let on_planes = (0..output.kms.planes().len()).filter(|plane| Some(*plane) != output.cursor);
    let drawn = |shown: &Shown<Held>| matches!(shown.payload.show, OnPlane::Target(_));
    let rendered = on_planes.filter_map(|plane| output.kms.shown(plane)).any(drawn);
    if rendered { FrameKind::Rendered } else { FrameKind::Planes }
}

/// The planes of a frame as the trace names them.
pub fn trace_planes(frame: &kms::Frame<'_, Held>) -> Vec<trace::PlaneEvent> {
    let event = |(at, shown, in_fence): (usize, &Shown<Held>, bool)| {
        let shown = match &shown.payload.show {
            OnPlane::Content(c) => Some(trace::ShownCommit { surface: c.surface, commit: c.serial }),
            OnPlane::Target(_) => None,
        };
        let plane = frame.plane(at)?;
        Some(trace::PlaneEvent { plane: plane.id, kind: plane.kind.name(), shown, in_fence })
    };
    frame.asked().filter_map(event).collect()
}

/// Notes in `output.pending_frame` what is on the planes now.
pub fn pending_frame(output: &mut Output, tears: bool) {
    let Output { pending_frame: pending, kms, cursor, .. } = output;
    (pending.zero_copy, pending.rendered, pending.tears) = (false, false, tears);
    pending.planes.clear();
    let cursor = cursor.and_then(|cursor| kms.planes().get(cursor)).map(|plane| plane.id);
    for (plane, shown) in kms.on_planes() {
        let (surface, commit, buffer) = match &shown.payload.show {
            OnPlane::Content(content) => {
                pending.zero_copy = true;
                (Some(content.surface), Some(content.serial), content.source.id())
            }
            OnPlane::Target(target) => {
                pending.rendered |= Some(plane.id) != cursor;
                (None, None, target.id)
            }
        };
        pending.planes.push(ShownPlane { plane: plane.id, surface, commit, buffer });
    }
}

/// The planes from which the CRC of what is on them now is predicted.
pub fn check_of(output: &Output) -> Check {
    let plane = |(plane, shown): (&kms::OutputPlane, &Shown<Held>)| {
        let (target, content): (Arc<Target>, _) = match &shown.payload.show {
            OnPlane::Target(target) => (target.clone(), None),
            OnPlane::Content(content) => match &content.source {
                PixelSource::Dmabuf(imported) => (imported.clone(), Some(content.clone())),
                PixelSource::Shm(_) | PixelSource::Solid(_) => return None,
            },
        };
        let yuv = output.crc.as_ref().map(|crc| crc.yuv(plane.id)).unwrap_or_default();
        Some(CheckPlane { id: plane.id, target, content, values: shown.values, yuv })
    };
    let kms: &KmsOutput = &output.kms;
    let (width, height) = kms.size();
    Check {
        output: output.id,
        width,
        height,
        planes: kms.on_planes().filter_map(plane).collect(),
        crtc: kms.crtc_state().clone(),
    }
}
