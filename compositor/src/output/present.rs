//! One frame: planes assigned, the rest rendered, one atomic commit, and what it replaced let go.
//!
//! A commit that the kernel refuses is put again with less, as [`kms::recover`] says ([`Attempt`]). Nothing here waits.

use std::{ops::Range, sync::Arc};

use dmabuf_import::colour::Representation;
use fence::{Ns, SyncFile};
use kms::{
    Rect, Rotation, SrcRect,
    assign::{Assignment, LayerPlacement},
    recover::Remedy,
};
use smithay::wayland::compositor::with_states;

use super::{
    InFlight, OnPlane, Output,
    account::{check_of, kind_of, on_its_way, trace_planes},
    assign, blame,
    damage::Mark,
    gather::{Ingredients, gather, test},
    recover::{Attempt, Failed},
    schedule::Timing,
    submit::{Submit, submit},
    tear,
};
use crate::{clock, cursor, render::Layer, state::Syncline, surface::SurfaceState, trace};

/// What goes onto one plane.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) plane: usize,
    pub(super) show: OnPlane,
    pub(super) src: SrcRect,
    pub(super) dst: Rect,
    /// Ours for the commit; the content keeps its own.
    pub(super) fence: Option<SyncFile>,
    /// Position in the stack, where the plane is told.
    pub(super) zpos: Option<u64>,
    /// Turns the buffer upright.
    pub(super) rotation: Rotation,
    /// Of YUV pixels.
    pub(super) colour: Option<Representation>,
    /// Which of the frame's rectangles say what has changed; none: everything.
    pub(super) damage: Range<usize>,
    /// The surface's state that a plane shows then.
    pub(super) mark: Option<Mark>,
}

impl Wanted {
    /// Upright, without fence, changed all over.
    pub(super) fn new(plane: usize, show: OnPlane, src: SrcRect, dst: Rect) -> Self {
        let rotation = Rotation::ROTATE_0;
        Self { plane, show, src, dst, fence: None, zpos: None, rotation, colour: None, damage: 0..0, mark: None }
    }
}

/// What the pointer's plane shows: its index, the picture, and where.
pub type CursorPlane = (usize, cursor::Shown, Rect);

impl Syncline {
    /// Assigns, renders and commits; degrades in steps if the kernel refuses.
    pub(super) fn present(
        &mut self,
        index: usize,
        vblank: Ns,
        (planned, started): (Ns, Ns),
        scene: &[Layer],
        cursor: Option<&CursorPlane>,
        attempt: Attempt,
    ) -> Result<(), Failed> {
        let mut layouts = std::mem::take(&mut self.outputs.list[index].layouts);
        let done = self.present_with(index, (vblank, planned, started), scene, cursor, attempt, &mut layouts);
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
        mut attempt: Attempt,
        layouts: &mut assign::Layouts,
    ) -> Result<(), Failed> {
        let outputs = &mut self.outputs;
        let output = &mut outputs.list[index];
        let card = outputs.cards.of_mut(&output.kms);
        let (device, known) = (&card.device, &mut card.known);
        let mut suspects = Vec::new();
        layouts.assign(device, output, (self.config.planes, known), scene, |output, assignment| {
            let result = test(output, device, assignment, scene, cursor);
            if let Err(errno) = result {
                suspects.extend(blame::suspect(assignment, errno));
            }
            result
        });
        let frame = output.frame + 1;
        attempt.modeset |= output.retrain;
        let mut wanted = std::mem::take(&mut layouts.wanted);
        output.ladder.begin();
        let committed = loop {
            let ingredients = Ingredients { scene, cursor, background: self.config.background, known };
            gather(output, &mut outputs.renderer, device, layouts, &attempt, &ingredients, &mut wanted)?;
            let from = if trace::enabled() { clock::now() } else { started };
            let asynchronous = attempt.asynchronous(output, &wanted);
            if output.tearing == tear::Verdict::May && !asynchronous {
                // The driver has refused it: the next frame is planned for its vblank.
                output.tearing = tear::Verdict::Unable;
            }
            let how = Submit::Commit { frame, modeset: attempt.modeset, asynchronous };
            let result = submit(output, device, &wanted, &layouts.rects, how);
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
        on_its_way(output, &wanted, committed.tears);
        let check = output.crc.is_some().then(|| check_of(output, &wanted));
        let watched = trace::enabled() || check.is_some();
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
        let composed = blame::composed(&wanted, output.cursor);
        let refused = blame::refused_layouts(&suspects, scene, output.size, layouts.current(), composed);
        let assignment = layouts.current().filter(|_| !attempt.composed);
        mark_planes(scene, assignment);
        let direct = assignment.is_some_and(|assignment| assignment.composite().is_none());
        replace(output, &mut wanted, out_fence.as_ref(), frame);
        layouts.wanted = wanted;
        output.answers.tears = committed.tears;
        output.in_flight = Some(InFlight {
            frame,
            vblank,
            out_fence: out_fence.filter(|_| watched),
            direct,
            fenced,
            timing,
            render_fence,
            answers: std::mem::take(&mut output.answers),
            check,
        });
        self.layouts_refused(&refused);
        self.feedback_after_frame(index, scene);
        if attempt.modeset {
            self.crc_modeset(index);
        }
        Ok(())
    }
}

/// A commit that the kernel took.
struct Done {
    from: Ns,
    to: Ns,
    out_fence: Option<SyncFile>,
    tears: bool,
}

/// Puts what was committed onto the planes and lets go of what it replaced.
fn replace(output: &mut Output, wanted: &mut Vec<Wanted>, out_fence: Option<&SyncFile>, frame: u64) {
    for plane in 0..output.on_plane.len() {
        let next = wanted.iter().position(|w| w.plane == plane).map(|at| wanted.swap_remove(at));
        output.marks[plane] = next.as_ref().and_then(|next| next.mark);
        let next = next.map(|next| next.show);
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
        let fate = assignment.and_then(|assignment| assignment.placements().get(at));
        let on_plane = matches!(fate, Some(LayerPlacement::Plane(_)));
        with_states(&layer.surface, |states| SurfaceState::of(states).on_plane = on_plane);
    }
}
