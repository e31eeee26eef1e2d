//! Fills the atomic request of a frame: the difference from what the output shows, as property
//! values.

use super::{CommitOnly, Frame, FrameKind, Submission};
use crate::id::{BlobId, CrtcId};
use crate::pipeline::PipelineState;
use crate::plane::PlaneValues;
use crate::property_values::Blend;
use crate::request::Request;
use crate::tracker::Power;
use crate::{OutputPlane, PlaneState};

/// `DRM_MODE_LINK_STATUS_GOOD`.
const LINK_GOOD: u64 = 0;

impl<P: PartialEq> Frame<'_, P> {
    /// What the console, or another program, left and what stands in the way. Comes before all
    /// outputs of a request: what one output turns off another may light.
    pub(super) fn write_leftovers(&self, request: &mut Request) {
        for leftover in self.output.leftovers.iter().filter(|_| self.kind == FrameKind::Modeset) {
            request.object(leftover.object);
            request.set(leftover.prop, leftover.value);
        }
    }

    /// Fills the request: only what changed, but out-fence and in-fences always.
    pub(super) fn write(&mut self, request: &mut Request, submission: Submission) {
        let output = &mut *self.output;
        let (kind, commit) = (self.kind, submission != Submission::Test);
        let modeset = kind == FrameKind::Modeset;
        if matches!(kind, FrameKind::Modeset | FrameKind::Off) {
            request.object(output.connector);
            request.set(output.connector_props.crtc_id, if modeset { output.crtc.value() } else { 0 });
            // A link that failed to train is tried again when it is called good.
            if let Some(prop) = output.connector_props.link_status.filter(|_| modeset) {
                request.set(prop, LINK_GOOD);
            }
            if let Some(on) = output.writeback {
                on.write_detached(request);
            }
        }
        if let Some(job) = &self.writeback {
            let attached = !modeset && output.writeback.is_some_and(|on| on.connector == job.connector);
            job.write(request, output.crtc, attached, commit);
        }
        let (connector, crtc) = ((output.connector, &output.connector_props), (output.crtc, &output.crtc_props));
        let before = match kind {
            FrameKind::Modeset => None,
            // Nothing that anybody would see.
            FrameKind::Off => Some(&self.head),
            _ => Some(&output.head),
        };
        self.head.write(request, connector, crtc, before);
        match kind {
            FrameKind::Modeset => request.set(output.crtc_props.mode_id, output.mode_blob.id().value()),
            FrameKind::Off => request.set(output.crtc_props.mode_id, 0),
            _ => {}
        }
        let out_fence = output.crtc_props.out_fence_ptr.filter(|_| commit);
        match kind {
            FrameKind::Flip if out_fence.is_some() => {}
            // The CRTC must be in the request for an event to come of it.
            FrameKind::Flip | FrameKind::Asynchronous | FrameKind::Modeset | FrameKind::Wake => {
                request.set(output.crtc_props.active, 1)
            }
            FrameKind::Sleep | FrameKind::Off => request.set(output.crtc_props.active, 0),
        }
        if let Some(prop) = output.crtc_props.vrr_enabled
            && (modeset || self.vrr != output.vrr)
        {
            request.set(prop, self.vrr.into());
        }
        let event = match kind {
            // The kernel takes no property of a CRTC with an asynchronous flip.
            FrameKind::Asynchronous => false,
            FrameKind::Off => output.tracker.power() == Power::Lit,
            _ => true,
        };
        if let Some(prop) = out_fence.filter(|_| event) {
            request.set_out_fence(prop);
        }
        for (at, plane) in output.planes.iter().enumerate() {
            let whole = matches!(kind, FrameKind::Modeset | FrameKind::Off);
            let before = if whole { None } else { output.tracker.known(at) };
            let next = output.tracker.next_values(at);
            // Kernels before 6.14 take no in-fence with an asynchronous flip.
            let no_wait = self.extras[at].no_wait.filter(|_| self.kind != FrameKind::Asynchronous);
            let extra = &CommitOnly { no_wait, ..self.extras[at] };
            let damage = match plane.props.fb_damage_clips {
                Some(_) if !extra.damage.is_empty() => output.clips.blob(&output.device, extra.damage, &next.src),
                _ => None,
            };
            request.object(plane.id);
            write_plane(request, plane, output.crtc, before, next, extra, damage);
        }
    }
}

/// Why `plane` cannot express `state`.
pub(super) fn unsupported(plane: &OutputPlane, state: &PlaneState<'_>) -> Option<&'static str> {
    let props = &plane.props;
    if state.pipeline.is_some_and(|pipeline| pipeline.plane != plane.id) {
        return Some("COLOR_PIPELINE: of another plane");
    }
    if let Some(what) = state.options.unsupported(props) {
        return Some(what);
    }
    if state.alpha != u16::MAX && props.alpha.is_none() {
        return Some("no property alpha");
    }
    if state.blend != Blend::Premultiplied && blend_value(plane, state.blend).is_none() {
        return Some("no such pixel blend mode");
    }
    if state.in_fence.is_some() && props.in_fence_fd.is_none() {
        return Some("no property IN_FENCE_FD");
    }
    match (state.zpos, props.zpos_range) {
        (Some(_), None) => Some("no property zpos"),
        (Some(zpos), Some((min, max))) if zpos < min || zpos > max => Some("zpos out of range"),
        _ => None,
    }
}

fn blend_value(plane: &OutputPlane, blend: Blend) -> Option<u64> {
    let [none, premultiplied, coverage] = plane.props.blend_modes;
    match blend {
        Blend::None => none,
        Blend::Premultiplied => premultiplied,
        Blend::Coverage => coverage,
    }
}

/// Puts the difference from `before` (all of it where that is unknown) into the request.
fn write_plane(
    request: &mut Request,
    plane: &OutputPlane,
    crtc: CrtcId,
    before: Option<&PlaneValues>,
    next: &PlaneValues,
    extra: &CommitOnly<'_>,
    damage: Option<BlobId>,
) {
    let in_fence = extra.in_fence;
    let props = &plane.props;
    let was_on = before.is_some_and(|before| before.fb.is_some());
    let Some(fb) = next.fb else {
        if before.is_none() || was_on {
            request.set(props.fb_id, 0);
            request.set(props.crtc_id, 0);
        }
        return;
    };
    // Off or unknown before: everything is sent.
    let old = before.filter(|_| was_on);
    let content = in_fence.is_some() || damage.is_some();
    if content || old.is_none_or(|old| old.fb != next.fb) {
        request.set(props.fb_id, fb.value());
    }
    if let (Some(prop), Some(fence)) = (props.in_fence_fd, in_fence) {
        request.set_fence(prop, fence);
    }
    if let (Some(prop), Some(damage)) = (props.fb_damage_clips, damage) {
        request.set(prop, damage.value());
    }
    if old.is_none() {
        request.set(props.crtc_id, crtc.value());
    }
    if old.is_none_or(|old| old.src != next.src) {
        request.set(props.src_x, next.src.x.into());
        request.set(props.src_y, next.src.y.into());
        request.set(props.src_w, next.src.w.into());
        request.set(props.src_h, next.src.h.into());
    }
    if old.is_none_or(|old| old.dst != next.dst) {
        request.set(props.crtc_x, i64::from(next.dst.x) as u64);
        request.set(props.crtc_y, i64::from(next.dst.y) as u64);
        request.set(props.crtc_w, next.dst.w.into());
        request.set(props.crtc_h, next.dst.h.into());
    }
    if let Some(prop) = props.alpha
        && old.is_none_or(|old| old.alpha != next.alpha)
    {
        request.set(prop, next.alpha.into());
    }
    if let (Some(prop), Some(value)) = (props.pixel_blend_mode, blend_value(plane, next.blend))
        && old.is_none_or(|old| old.blend != next.blend)
    {
        request.set(prop, value);
    }
    if let (Some(prop), Some(zpos), Some((min, max))) = (props.zpos, next.zpos, props.zpos_range)
        && min != max
        && old.is_none_or(|old| old.zpos != next.zpos)
    {
        request.set(prop, zpos);
    }
    next.options.write(request, props, old.map(|old| &old.options));
    // Also where nothing else is written: drivers add such planes to the commit by themselves
    // (`drm_atomic_add_affected_planes`), and then the kernel looks at their dma-bufs.
    if let (Some(prop), Some(fence), None) = (props.in_fence_fd, extra.no_wait, in_fence) {
        request.set_fence(prop, fence);
    }
    if let Some(prop) = props.color_pipeline
        && old.is_none_or(|old| old.pipeline != next.pipeline)
    {
        request.set(prop, extra.pipeline.map_or(0, PipelineState::first));
        if let Some(pipeline) = extra.pipeline {
            pipeline.write(request);
        }
    }
}
