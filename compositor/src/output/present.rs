//! One frame: planes assigned, the rest rendered, one atomic commit, and what it replaced let go.
//!
//! A commit that the kernel refuses is put again with less, as [`kms::recover`] says ([`Attempt`]). Nothing here waits.

use std::sync::Arc;

use fence::{Ns, SyncFile};
use kms::{
    Blend, PlaneState, Rect, Rotation, SrcRect,
    assign::{Assignment, Fate},
    recover::Remedy,
};
use rustix::io::Errno;
use smithay::wayland::compositor::with_states;

use super::{
    InFlight, OnPlane, Output, assign,
    recover::{Attempt, Failed, Known},
    schedule::{Kind, Timing},
};
use crate::{
    clock,
    crc::{Check, CheckPlane},
    cursor,
    render::{Layer, Target},
    state::Syncline,
    surface::{SurfaceState, buffer::Source},
    trace,
};

/// What goes onto one plane.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) plane: usize,
    pub(super) show: OnPlane,
    src: SrcRect,
    dst: Rect,
    /// Ours for the commit; the content keeps its own.
    pub(super) fence: Option<SyncFile>,
    /// Position in the stack, where the plane is told.
    zpos: Option<u64>,
    /// Turns the buffer upright.
    rotation: Rotation,
}

/// What the pointer's plane shows: its index, the picture, and where.
pub(super) type CursorPlane = (usize, cursor::Shown, Rect);

impl Syncline {
    /// Assigns, renders and commits; degrades in steps if the kernel refuses.
    pub(super) fn present(
        &mut self,
        index: usize,
        vblank: Ns,
        (planned, started): (Ns, Ns),
        scene: &[Layer],
        cursor: Option<CursorPlane>,
    ) -> Result<(), Failed> {
        let mut layouts = std::mem::take(&mut self.outputs.list[index].layouts);
        let done = self.present_with(index, (vblank, planned, started), scene, cursor.as_ref(), &mut layouts);
        layouts.clear();
        self.outputs.list[index].layouts = layouts;
        done
    }

    fn present_with(
        &mut self,
        index: usize,
        (vblank, planned, started): (Ns, Ns, Ns),
        scene: &[Layer],
        cursor: Option<&CursorPlane>,
        layouts: &mut assign::Layouts,
    ) -> Result<(), Failed> {
        let outputs = &mut self.outputs;
        let output = &mut outputs.list[index];
        let card = outputs.cards.of_mut(&output.kms);
        let (device, known) = (&card.device, &mut card.known);
        layouts.assign(device, output, (self.config.planes, known), scene, |output, assignment| {
            test(output, device, assignment, scene, cursor)
        });
        let frame = output.frame + 1;
        let mut attempt = Attempt { modeset: output.retrain, ..Attempt::default() };
        let mut wanted = std::mem::take(&mut layouts.wanted);
        output.ladder.begin();
        let committed = loop {
            let ingredients = Ingredients { scene, cursor, background: self.config.background, known };
            gather(output, &mut outputs.renderer, device, layouts, &attempt, &ingredients, &mut wanted)?;
            let from = if trace::enabled() { clock::now() } else { started };
            let asynchronous = attempt.asynchronous(output);
            let how = Submit::Commit { frame, modeset: attempt.modeset, asynchronous };
            let result = submit(output, device, &wanted, how);
            let to = clock::now();
            let error = match result {
                Ok((out_fence, tears)) => break Done { from, to, out_fence, tears },
                Err(error) => error,
            };
            let remedy = attempt.refused(output, &error, &wanted, known);
            trace::recover(to, output.id, frame, remedy.name(), Some(error.errno.raw_os_error()));
            if !remedy.retries() {
                if trace::enabled() {
                    let planes = trace_planes(output, &wanted);
                    trace::kms_commit(from, to, output.id, frame, &planes, false, Some(error.errno.raw_os_error()));
                }
                return Err(Failed::Refused(remedy, error));
            }
            tracing::info!("{}: frame {frame}: {error}; next: {remedy}", output.wl.name());
            if matches!(remedy, Remedy::WithoutOverlays | Remedy::OtherModifier(_) | Remedy::Composed) {
                layouts.refused(error.errno);
            }
        };
        output.ladder.accepted(&mut known.learnt);
        attempt.say_what_was_learnt(output, known);
        let timing = Timing {
            planned,
            started,
            committed: committed.to,
            kind: kind_of(output.cursor, &wanted),
            in_phase: output.clock.is_in_phase(started),
        };
        output.planner.committed(&timing);
        output.frame = frame;
        (output.dirty, output.retrain) = (false, false);
        let fenced = wanted.iter().any(|w| w.fence.is_some() && matches!(w.show, OnPlane::Content(_)));
        let drawn = wanted.iter_mut().find(|w| matches!(w.show, OnPlane::Target(_)) && w.fence.is_some());
        let render_fence = drawn.and_then(|w| w.fence.take());
        let check = output.crc.is_some().then(|| check_of(output, &wanted));
        let out_fence = committed.out_fence;
        if trace::enabled() {
            output.shown.clear();
            output
                .shown
                .extend(scene.iter().map(|l| trace::Shown { surface: l.content.surface, commit: l.content.serial }));
            trace::latch(started, output.id, frame, vblank, &output.shown);
            let planes = trace_planes(output, &wanted);
            trace::kms_commit(committed.from, committed.to, output.id, frame, &planes, out_fence.is_some(), None);
        }
        let assignment = layouts.current().filter(|_| !attempt.composed);
        mark_planes(scene, assignment);
        let direct = assignment.is_some_and(|assignment| assignment.composite().is_none());
        replace(output, &mut wanted, out_fence.as_ref(), frame);
        layouts.wanted = wanted;
        output.answers.tears = committed.tears;
        output.in_flight = Some(InFlight {
            frame,
            vblank,
            out_fence: out_fence.filter(|_| trace::enabled()),
            direct,
            fenced,
            timing,
            render_fence,
            answers: std::mem::take(&mut output.answers),
            check,
        });
        Ok(())
    }
}

/// Whether something was drawn for these planes; the cursor's picture was drawn before.
fn kind_of(cursor: Option<usize>, wanted: &[Wanted]) -> Kind {
    let drawn = |w: &Wanted| Some(w.plane) != cursor && matches!(w.show, OnPlane::Target(_));
    if wanted.iter().any(drawn) { Kind::Rendered } else { Kind::Planes }
}

/// A commit that the kernel took.
struct Done {
    from: Ns,
    to: Ns,
    out_fence: Option<SyncFile>,
    tears: bool,
}

/// What every attempt at a frame is made from.
struct Ingredients<'a> {
    scene: &'a [Layer],
    cursor: Option<&'a CursorPlane>,
    background: crate::config::Colour,
    known: &'a Known,
}

/// Fills `wanted` for an attempt, drawing what no plane shows.
fn gather(
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
    wanted.extend(given.cursor.map(on_cursor));
    let assignment = layouts.current().filter(|_| !attempt.composed);
    let Some(assignment) = assignment else {
        wanted.push(render(output, renderer, device, given.known, given.scene, output.primary, given.background)?);
        return Ok(());
    };
    for (layer, fate) in given.scene.iter().zip(assignment.fates()) {
        if let Fate::Plane(plane) = *fate {
            // May be pending: then the display waits for it. A fence that has signalled is no longer kept.
            let fence = layer.content.with_acquire(|a| a.fence().map(SyncFile::try_clone)).transpose();
            let fence = fence.map_err(|e| e.to_string())?;
            wanted.push(on_plane(layer, plane, assignment, fence));
        }
    }
    if let Some(plane) = assignment.composite() {
        let zpos = assignment.zpos(plane);
        let drawn = render(output, renderer, device, given.known, layouts.drawn(given.scene), plane, given.background)?;
        wanted.push(Wanted { zpos, ..drawn });
    }
    Ok(())
}

fn on_cursor((plane, shown, dst): &CursorPlane) -> Wanted {
    let (show, src) = (OnPlane::Target(shown.target.clone()), SrcRect::full(dst.w, dst.h));
    Wanted { plane: *plane, show, src, dst: *dst, fence: None, zpos: None, rotation: Rotation::ROTATE_0 }
}

fn on_plane(layer: &Layer, plane: usize, assignment: &Assignment, fence: Option<SyncFile>) -> Wanted {
    let show = OnPlane::Content(layer.content.clone());
    let (src, dst, rotation) = (assign::src(layer), assign::dst(layer), assign::rotation(layer));
    Wanted { plane, show, src, dst, fence, zpos: assignment.zpos(plane), rotation }
}

/// Asks the kernel whether it would take an assignment: without fences, and with an older picture in the place of what is not
/// drawn yet. Rare: only for layouts that it has not been asked about.
fn test(
    output: &mut Output,
    device: &kms::Device,
    assignment: &Assignment,
    scene: &[Layer],
    cursor: Option<&CursorPlane>,
) -> Result<(), Errno> {
    let mut wanted: Vec<Wanted> = cursor.map(on_cursor).into_iter().collect();
    for (layer, fate) in scene.iter().zip(assignment.fates()) {
        if let Fate::Plane(plane) = *fate {
            wanted.push(on_plane(layer, plane, assignment, None));
        }
    }
    if let (Some(plane), Some((target, _))) = (assignment.composite(), output.targets.first()) {
        let (w, h) = (output.size.w as u32, output.size.h as u32);
        let (src, dst) = (SrcRect::full(w, h), Rect::new(0, 0, w, h));
        let show = OnPlane::Target(target.clone());
        let (zpos, rotation) = (assignment.zpos(plane), Rotation::ROTATE_0);
        wanted.push(Wanted { plane, show, src, dst, fence: None, zpos, rotation });
    }
    submit(output, device, &wanted, Submit::Test).map(drop).map_err(|error| {
        tracing::debug!("{}: layout refused: {error}", output.wl.name());
        error.errno
    })
}

enum Submit {
    Test,
    Commit { frame: u64, modeset: bool, asynchronous: bool },
}

/// Turns the wanted planes into one atomic request: its out-fence, and whether it tears.
fn submit(
    output: &mut Output,
    device: &kms::Device,
    wanted: &[Wanted],
    how: Submit,
) -> Result<(Option<SyncFile>, bool), kms::CommitError> {
    let (count, id) = (output.on_plane.len(), output.id);
    let mut frame = match how {
        Submit::Commit { modeset: true, .. } => output.kms.modeset(),
        _ if output.kms.is_asleep() => output.kms.wake(),
        _ => output.kms.frame(),
    };
    frame.connector(output.told.state.clone());
    for plane in 0..count {
        let Some(wanted) = wanted.iter().find(|w| w.plane == plane) else {
            frame.clear(plane);
            continue;
        };
        let framebuffer = match &wanted.show {
            OnPlane::Target(target) => target.framebuffer(device),
            OnPlane::Content(content) => content.framebuffer(device),
        };
        let Some(framebuffer) = framebuffer else { continue };
        let mut state = PlaneState::new(framebuffer.id(), wanted.src, wanted.dst);
        (state.blend, state.zpos) = (Blend::Premultiplied, wanted.zpos);
        state.look.rotation = wanted.rotation;
        state.in_fence = wanted.fence.as_ref().map(std::os::fd::AsFd::as_fd);
        frame.set(plane, state);
    }
    match how {
        Submit::Test => frame.test().map(|()| (None, false)),
        Submit::Commit { frame: number, asynchronous, .. } => {
            let tears = asynchronous && frame.try_asynchronous();
            frame.commit(super::light::user_data(id, number)).map(|committed| (committed.out_fence, tears))
        }
    }
}

/// Draws `layers` into a free target for the plane `on`.
fn render(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    known: &Known,
    layers: &[Layer],
    on: usize,
    background: crate::config::Colour,
) -> Result<Wanted, String> {
    let (w, h) = (output.size.w as u32, output.size.h as u32);
    let free = output.targets.iter().position(|(target, _)| Arc::strong_count(target) == 1);
    let free = match free {
        Some(free) => free,
        None => {
            let modifiers = known.modifiers(&output.kms.planes()[on]);
            let target = renderer.new_target(device, w, h, &modifiers)?;
            output.targets.push((target, 0));
            output.targets.len() - 1
        }
    };
    output.passes += 1;
    let (target, drawn_at) = &mut output.targets[free];
    let age = if *drawn_at == 0 { 0 } else { (output.passes - *drawn_at) as usize };
    let target = target.clone();
    let drawable: Vec<_>;
    let layers = if renderer.waits_on_gpu() || layers.iter().all(|l| l.content.is_ready()) {
        layers
    } else {
        // The CPU must not read what is not there yet: such a surface is left out of this one frame.
        drawable = layers.iter().filter(|l| l.content.is_ready()).cloned().collect();
        &drawable
    };
    let pass = renderer.draw(&target, age, &mut output.tracker, layers, background);
    let pass = match pass {
        Ok(pass) => pass,
        Err(error) => {
            output.targets[free].1 = 0;
            return Err(error);
        }
    };
    output.targets[free].1 = output.passes;
    if let Some(fence) = &pass.fence {
        for layer in layers {
            if let Ok(fence) = fence.try_clone() {
                layer.content.used_by_pass(fence);
            }
        }
    }
    Ok(Wanted {
        plane: on,
        show: OnPlane::Target(target),
        src: SrcRect::full(w, h),
        dst: Rect::new(0, 0, w, h),
        fence: pass.fence,
        zpos: None,
        rotation: Rotation::ROTATE_0,
    })
}

/// Puts what was committed onto the planes and lets go of what it replaced.
fn replace(output: &mut Output, wanted: &mut Vec<Wanted>, out_fence: Option<&SyncFile>, frame: u64) {
    for plane in 0..output.on_plane.len() {
        let next = wanted.iter().position(|w| w.plane == plane).map(|at| wanted.swap_remove(at).show);
        let Some(old) = std::mem::replace(&mut output.on_plane[plane], next) else { continue };
        match (&old, &output.on_plane[plane]) {
            (OnPlane::Content(a), Some(OnPlane::Content(b))) if Arc::ptr_eq(a, b) => {}
            (OnPlane::Target(a), Some(OnPlane::Target(b))) if Arc::ptr_eq(a, b) => {}
            _ => match old {
                // Its release point materialises now and signals when this commit is on the screen.
                OnPlane::Content(content) if content.release_by.is_explicit() && out_fence.is_some() => {
                    let replaced = |fence| crate::surface::content::replaced_on_screen(content, fence, frame);
                    output.retiring.extend(out_fence.and_then(replaced).map(OnPlane::Content));
                }
                other => output.retiring.push(other),
            },
        }
    }
}

/// Each surface learns whether a plane shows it; `None`: all were drawn.
fn mark_planes(scene: &[Layer], assignment: Option<&Assignment>) {
    for (at, layer) in scene.iter().enumerate() {
        let fate = assignment.and_then(|assignment| assignment.fates().get(at));
        let on_plane = matches!(fate, Some(Fate::Plane(_)));
        with_states(&layer.surface, |states| SurfaceState::of(states).on_plane = on_plane);
    }
}

fn trace_planes(output: &Output, wanted: &[Wanted]) -> Vec<trace::PlaneEvent> {
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

fn check_of(output: &Output, wanted: &[Wanted]) -> Check {
    let plane = |w: &Wanted| {
        let (target, content): (Arc<Target>, _) = match &w.show {
            OnPlane::Target(target) => (target.clone(), None),
            OnPlane::Content(content) => match &content.source {
                Source::Dmabuf(imported) => (imported.clone(), Some(content.clone())),
                Source::Shm(_) => return None,
            },
        };
        let kind = output.kms.planes()[w.plane].kind;
        Some(CheckPlane { target, _content: content, src: w.src, dst: w.dst, kind, order: w.plane })
    };
    Check {
        output: output.id,
        width: output.size.w as u32,
        height: output.size.h as u32,
        planes: wanted.iter().filter_map(plane).collect(),
        modelled: wanted.iter().all(|w| w.rotation == Rotation::ROTATE_0),
    }
}
