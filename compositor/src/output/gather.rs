//! What goes onto the planes of one frame: clients' buffers, the pointer, and the picture that is drawn of the rest.
//!
//! It puts nothing to the kernel but tests of layouts: that is [`super::submit`].

use std::sync::Arc;

use fence::SyncFile;
use kms::{
    Rect, SrcRect,
    assign::{Assignment, LayerPlacement},
};
use rustix::io::Errno;

use super::{
    OnPlane, Output, assign,
    damage::{self, Mark, Rects},
    present::{CursorPlane, Wanted},
    recover::{Attempt, Known},
    submit::{Submit, submit},
};
use crate::render::{
    Layer, Target,
    target::{OPAQUE, WITH_HOLES},
};

/// What every attempt at a frame is made from.
pub(super) struct Ingredients<'a> {
    pub(super) scene: &'a [Layer],
    pub(super) cursor: Option<&'a CursorPlane>,
    pub(super) background: crate::config::Colour,
    pub(super) known: &'a Known,
}

/// Fills `wanted` for an attempt, drawing what no plane shows.
pub(super) fn gather(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    layouts: &mut assign::Layouts,
    attempt: &Attempt,
    given: &Ingredients<'_>,
    wanted: &mut Vec<Wanted>,
) -> Result<(), String> {
    if attempt.as_before {
        if attempt.without_fences {
            wanted.iter_mut().for_each(|w| w.fence = None);
        }
        return Ok(());
    }
    wanted.clear();
    // Taken out while it is filled, so that its memory is used again.
    let mut rects = std::mem::take(&mut layouts.rects);
    rects.clear();
    let done = fill(output, renderer, device, layouts, attempt, given, wanted, &mut rects);
    layouts.rects = rects;
    done
}

#[expect(clippy::too_many_arguments, reason = "what `gather` has, and the rectangles")]
fn fill(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    layouts: &mut assign::Layouts,
    attempt: &Attempt,
    given: &Ingredients<'_>,
    wanted: &mut Vec<Wanted>,
    rects: &mut Rects,
) -> Result<(), String> {
    wanted.extend(given.cursor.map(|cursor| on_cursor(output.kms.planes(), cursor)));
    let assignment = layouts.current().filter(|_| !attempt.composed);
    let Some(assignment) = assignment else {
        wanted.push(render(output, renderer, device, given, given.scene, output.primary, rects)?);
        return Ok(());
    };
    for (layer, fate) in given.scene.iter().zip(assignment.placements()) {
        if let LayerPlacement::Plane(plane) = *fate {
            // May be pending: then the display waits for it. A fence that has signalled is no longer kept.
            let fence = layer.content.with_acquire(|a| a.fence().map(SyncFile::try_clone)).transpose();
            let fence = fence.map_err(|e| e.to_string())?;
            let damage = damage::of_layer(output, plane, layer, rects);
            wanted.push(Wanted { damage, ..on_plane(layer, plane, assignment, fence) });
        }
    }
    if let Some(plane) = assignment.composite() {
        let zpos = assignment.zpos(plane);
        let drawn = render(output, renderer, device, given, layouts.drawn(given.scene), plane, rects)?;
        wanted.push(Wanted { zpos, ..drawn });
    }
    Ok(())
}

/// The pointer, above everything.
fn on_cursor(planes: &[kms::OutputPlane], (plane, shown, dst): &CursorPlane) -> Wanted {
    let (show, src) = (OnPlane::Target(shown.target.clone()), SrcRect::full(dst.w, dst.h));
    let props = &planes[*plane].props;
    let settable = props.zpos.and(props.zpos_range).filter(|(min, max)| min < max);
    Wanted { zpos: settable.map(|(_, max)| max), ..Wanted::new(*plane, show, src, *dst) }
}

fn on_plane(layer: &Layer, plane: usize, assignment: &Assignment, fence: Option<SyncFile>) -> Wanted {
    let show = OnPlane::Content(layer.content.clone());
    let (src, dst, rotation) = (assign::src(layer), assign::dst(layer), assign::rotation(layer));
    let (zpos, mark) = (assignment.zpos(plane), Some(Mark::of(layer)));
    Wanted { fence, zpos, rotation, mark, colour: layer.view.colour, ..Wanted::new(plane, show, src, dst) }
}

/// Asks the kernel whether it would take an assignment: without fences, and with an older picture in the place of what is not
/// drawn yet. Rare: only for layouts that it has not been asked about.
pub(super) fn test(
    output: &mut Output,
    device: &kms::Device,
    assignment: &Assignment,
    scene: &[Layer],
    cursor: Option<&CursorPlane>,
) -> Result<(), Errno> {
    let mut wanted: Vec<Wanted> = cursor.map(|cursor| on_cursor(output.kms.planes(), cursor)).into_iter().collect();
    for (layer, fate) in scene.iter().zip(assignment.placements()) {
        if let LayerPlacement::Plane(plane) = *fate {
            wanted.push(on_plane(layer, plane, assignment, None));
        }
    }
    // One with alpha where there is one already: that the plane takes the format is known.
    let holes = scene
        .iter()
        .zip(assignment.placements())
        .any(|(_, f)| matches!(*f, LayerPlacement::Plane(p) if assignment.is_below(p)));
    let of = |format| output.targets.iter().find(move |(target, _)| target.dmabuf.format() == format);
    let target = of(if holes { WITH_HOLES } else { OPAQUE }).or(output.targets.first());
    if let (Some(plane), Some((target, _))) = (assignment.composite(), target) {
        let (w, h) = (output.size.w as u32, output.size.h as u32);
        let (src, dst) = (SrcRect::full(w, h), Rect::new(0, 0, w, h));
        let show = OnPlane::Target(target.clone());
        wanted.push(Wanted { zpos: assignment.zpos(plane), ..Wanted::new(plane, show, src, dst) });
    }
    submit(output, device, &wanted, &[], Submit::Test).map(drop).map_err(|error| {
        tracing::debug!("{}: layout refused: {error}", output.wl.name());
        error.errno
    })
}

/// Draws `layers` into a free target for the plane `on`.
fn render(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    given: &Ingredients<'_>,
    layers: &[Layer],
    on: usize,
    rects: &mut Rects,
) -> Result<Wanted, String> {
    let (w, h) = (output.size.w as u32, output.size.h as u32);
    let format = if layers.iter().any(|layer| layer.hole) { WITH_HOLES } else { OPAQUE };
    // Those of the other format wait a second for their turn to come again.
    let lasts = |target: &Target, at: u64| target.dmabuf.format() == format || output.passes - at < 60;
    output.targets.retain(|(target, at)| Arc::strong_count(target) > 1 || lasts(target, *at));
    let fits = |target: &Arc<Target>| Arc::strong_count(target) == 1 && target.dmabuf.format() == format;
    let free = match output.targets.iter().position(|(target, _)| fits(target)) {
        Some(free) => free,
        None => {
            let modifiers = given.known.modifiers(&output.kms.planes()[on], format);
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
    let drawable: Vec<_>;
    let drawn = |layer: &Layer| layer.hole || layer.content.is_ready();
    let layers = if renderer.waits_on_gpu() || layers.iter().all(drawn) {
        layers
    } else {
        // The CPU must not read what is not there yet: such a surface is left out of this one frame.
        drawable = layers.iter().filter(|l| drawn(l)).cloned().collect();
        &drawable
    };
    let from = rects.len();
    let pass = renderer.draw_noting(&target, age, &mut output.tracker, layers, given.background, rects);
    let pass = match pass {
        Ok(pass) => pass,
        Err(error) => {
            output.targets[free].1 = 0;
            return Err(error);
        }
    };
    let damage = damage::of_target(output, on, before, from, rects);
    output.targets[free].1 = output.passes;
    if let Some(fence) = &pass.fence {
        for layer in layers.iter().filter(|layer| !layer.hole) {
            if let Ok(fence) = fence.try_clone() {
                layer.content.used_by_pass(fence);
            }
            if layer.content.is_shm_in_place() {
                // The flip waits for the pass, so this waits for the flip.
                output.retiring.push(OnPlane::Content(layer.content.clone()));
            }
        }
    }
    let plain = Wanted::new(on, OnPlane::Target(target), SrcRect::full(w, h), Rect::new(0, 0, w, h));
    Ok(Wanted { fence: pass.fence, damage, ..plain })
}
