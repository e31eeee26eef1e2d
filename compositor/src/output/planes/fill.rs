//! What goes on the planes of one frame: clients' buffers, the pointer, and a composited buffer for
//! the rest.
//!
//! It makes TEST_ONLY commits at most; the frame's commit is made by
//! [`crate::output::planes::submit`].

use std::sync::Arc;

use kms::{
    Rect, SrcRect,
    assign::{Assignment, LayerPlacement},
};
use rustix::io::Errno;

use crate::{
    output::{
        card::limits::CardLimits,
        planes::{
            assign,
            attempt::Attempt,
            damage,
            request::{CursorPlane, Held, InFence, Mark, OnPlane, PlaneRequest, Rects, SceneFrame},
            submit::{Submit, submit},
        },
        state::Output,
    },
    render::{
        Layer, Pass, PassLayers, PassRole, Target,
        layer::LastPictures,
        target::{OPAQUE, WITH_HOLES},
    },
};

/// The inputs that all attempts at a frame share.
pub struct FrameInputs<'a> {
    pub scene: &'a SceneFrame<'a>,
    /// What stands in for contents that may not be read.
    pub last: &'a LastPictures,
    pub background: crate::config::Colour,
    /// What the card cannot do.
    pub known: &'a CardLimits,
}

/// Fills `requests` for an attempt, and composites what no plane shows. Error: rendering failed.
pub fn gather(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    layouts: &mut assign::Layouts,
    attempt: &Attempt,
    inputs: &FrameInputs<'_>,
    requests: &mut Vec<PlaneRequest>,
) -> Result<(), String> {
    if attempt.same_requests {
        if attempt.without_fences {
            requests.iter_mut().for_each(|r| r.fence = None);
        }
        if attempt.without_cursor {
            requests.retain(|r| Some(r.plane) != output.cursor);
        }
        return Ok(());
    }
    requests.clear();
    // Moved out while it is filled, so that its memory is reused.
    let mut rects = std::mem::take(&mut layouts.rects);
    rects.clear();
    let done = fill(output, renderer, device, layouts, attempt, inputs, requests, &mut rects);
    layouts.rects = rects;
    done
}

#[expect(clippy::too_many_arguments, reason = "the arguments of `gather`, and the rectangles")]
fn fill(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    layouts: &mut assign::Layouts,
    attempt: &Attempt,
    inputs: &FrameInputs<'_>,
    requests: &mut Vec<PlaneRequest>,
    rects: &mut Rects,
) -> Result<(), String> {
    let cursor = inputs.scene.cursor.filter(|_| !attempt.without_cursor);
    requests.extend(cursor.map(|cursor| on_cursor(output.kms.planes(), cursor)));
    let assignment = layouts.current().filter(|_| !attempt.composited);
    let Some(assignment) = assignment else {
        let on = output.primary;
        requests.push(render(output, renderer, device, inputs, (layouts, true), on, rects)?);
        return Ok(());
    };
    for (layer, plane) in assignment.layers_on_planes() {
        let layer = &inputs.scene.layers[layer];
        // The fence may be pending: then it becomes the in-fence, but not one that has come late: the
        // plane shows the buffer already. A signalled fence is no longer kept.
        let content = &layer.content;
        let fence = match !content.is_held_back() && content.with_acquire(|a| a.fence().is_some()) {
            true => Some(InFence::Acquire),
            false => output.takes_in_fence(plane).then_some(InFence::Signalled),
        };
        let damage = damage::of_layer(output, plane, layer, rects);
        requests.push(PlaneRequest { damage, ..on_plane(layer, plane, assignment, fence) });
    }
    match assignment.composite() {
        Some(plane) => {
            let zpos = assignment.zpos(plane);
            let drawn = render(output, renderer, device, inputs, (layouts, false), plane, rects)?;
            requests.push(PlaneRequest { zpos, ..drawn });
        }
        None => layouts.no_pass(),
    }
    Ok(())
}

/// The request for the pointer's plane, which is above all others.
fn on_cursor(planes: &[kms::OutputPlane], (plane, shown, dst): &CursorPlane) -> PlaneRequest {
    let (show, src) = (OnPlane::Target(shown.target.clone()), SrcRect::full(dst.w, dst.h));
    let props = &planes[*plane].props;
    let settable = props.zpos.and(props.zpos_range).filter(|(min, max)| min < max);
    let hotspot = props.hotspot_x.and(props.hotspot_y).map(|_| (shown.hot_pixel.x, shown.hot_pixel.y));
    PlaneRequest { zpos: settable.map(|(_, max)| max), hotspot, ..PlaneRequest::new(*plane, show, src, *dst) }
}

fn on_plane(layer: &Layer, plane: usize, assignment: &Assignment, fence: Option<InFence>) -> PlaneRequest {
    let show = OnPlane::Content(layer.content.clone());
    let (src, dst, rotation) = (assign::src(layer), assign::dst(layer), assign::rotation(layer));
    let (zpos, mark) = (assignment.zpos(plane), Mark::of(layer));
    let (colour, alpha) = (layer.view.colour, layer.view.factor.as_u16());
    PlaneRequest { fence, zpos, rotation, mark, colour, alpha, ..PlaneRequest::new(plane, show, src, dst) }
}

/// Tests an assignment with a TEST_ONLY commit: without fences, and with an older target in the
/// place of what is not composited yet. Rare: only assignments that were not tested before.
pub fn test(
    output: &mut Output,
    device: &kms::Device,
    assignment: &Assignment,
    scene: &[Layer],
    cursor: Option<&CursorPlane>,
) -> Result<(), Errno> {
    let mut requests: Vec<PlaneRequest> =
        cursor.map(|cursor| on_cursor(output.kms.planes(), cursor)).into_iter().collect();
    for (layer, fate) in scene.iter().zip(assignment.placements()) {
        if let LayerPlacement::Plane(plane) = *fate {
            requests.push(on_plane(layer, plane.into(), assignment, None));
        }
    }
    // If the frame has holes, test with an ARGB target if there is one: the plane is known to
    // support that format.
    let holes = scene
        .iter()
        .zip(assignment.placements())
        .any(|(_, f)| matches!(*f, LayerPlacement::Plane(p) if assignment.is_below(p.into())));
    let of = |format| output.targets.iter().find(move |(target, _)| target.dmabuf.format() == format);
    let target = of(if holes { WITH_HOLES } else { OPAQUE }).or(output.targets.first());
    if let (Some(plane), Some((target, _))) = (assignment.composite(), target) {
        let (w, h) = output.kms.size();
        let (src, dst) = (SrcRect::full(w, h), Rect::new(0, 0, w, h));
        let show = OnPlane::Target(target.clone());
        requests.push(PlaneRequest { zpos: assignment.zpos(plane), ..PlaneRequest::new(plane, show, src, dst) });
    }
    submit(output, device, &requests, &[], None, Submit::Test, &mut Vec::new()).map(drop).map_err(|error| {
        tracing::debug!("{}: layout refused: {error}", output.wl.name());
        error.errno
    })
}

/// Composites what no plane shows, or all layers if `all` is true, into a free target for the plane
/// `on`.
fn render(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    inputs: &FrameInputs<'_>,
    (layouts, all): (&mut assign::Layouts, bool),
    on: usize,
    rects: &mut Rects,
) -> Result<PlaneRequest, String> {
    let (w, h) = output.kms.size();
    let SceneFrame { layers, changed, .. } = *inputs.scene;
    let (roles, same) = layouts.assign_roles(layers.len(), all);
    let pass_layers =
        PassLayers { layers, roles: Some(roles), changed: changed.filter(|_| same), last: Some(inputs.last) };
    let format = if roles.contains(&PassRole::Hole) { WITH_HOLES } else { OPAQUE };
    // Targets of the other format are kept for 60 passes, about a second.
    let lasts = |target: &Target, at: u64| target.dmabuf.format() == format || output.passes - at < 60;
    output.targets.retain(|(target, at)| Arc::strong_count(target) > 1 || lasts(target, *at));
    let fits = |target: &Arc<Target>| Arc::strong_count(target) == 1 && target.dmabuf.format() == format;
    let free = match output.targets.iter().position(|(target, _)| fits(target)) {
        Some(free) => free,
        None => {
            let modifiers = match output.fallback.as_ref().is_some_and(|fallback| fallback.plain) {
                true => Vec::new(),
                false => inputs.known.modifiers(&output.kms.planes()[on], format),
            };
            let target = renderer.new_target(device, w, h, format, &modifiers)?;
            output.targets.push((target, 0));
            output.targets.len() - 1
        }
    };
    output.passes += 1;
    let (target, drawn_at) = &mut output.targets[free];
    let before = *drawn_at;
    let age = if *drawn_at == 0 { 0 } else { (output.passes - *drawn_at) as usize };
    let target = target.clone();
    let from = rects.len();
    let pass = renderer.draw_with_damage(&target, age, &mut output.tracker, &pass_layers, inputs.background, rects);
    let mut pass = pass.inspect_err(|_| {
        output.targets[free].1 = 0;
        layouts.no_pass();
    })?;
    keep_read(output, layers, &pass);
    if let Some(error) = pass.failed.take() {
        output.targets[free].1 = 0;
        layouts.no_pass();
        return Err(error);
    }
    let damage = damage::of_target(output, on, before, from, rects);
    output.targets[free].1 = output.passes;
    output.late.extend(pass.unready.iter().map(|at| layers[*at].content.clone()));
    let plain = PlaneRequest::new(on, OnPlane::Target(target), SrcRect::full(w, h), Rect::new(0, 0, w, h));
    Ok(PlaneRequest { fence: pass.fence.map(InFence::Pass), damage, ..plain })
}

/// Notes who reads the contents of a pass until it is done.
fn keep_read(output: &mut Output, layers: &[Layer], pass: &Pass) {
    let Some(fence) = &pass.fence else { return };
    let read = output.tracker.read().iter().filter(|at| !pass.unready.contains(at));
    for content in read.map(|at| &layers[*at].content).chain(&pass.stood_in) {
        // Without a descriptor for the fence, the content is held until the pass is done.
        let noted = fence.try_clone().map(|fence| content.used_by_pass(fence));
        if noted.is_err() || content.is_held_by_readers() {
            // The flip waits for the pass, so holding the content until the flip is enough.
            output.kms.keep(Held { show: OnPlane::Content(content.clone()), mark: None });
        }
    }
}
