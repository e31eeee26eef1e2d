//! One frame: planes assigned, the rest rendered, one atomic commit, and what it replaced let go.
//!
//! A commit that the kernel refuses is tried once more without the client's buffer on a plane; then the frame fails and
//! the next vblank tries again. Nothing here waits.

use std::sync::Arc;

use fence::{Ns, SyncFile};
use kms::{Blend, PlaneState, Rect, SrcRect};
use smithay::{
    utils::{Physical, Size},
    wayland::compositor::with_states,
};

use super::{
    InFlight, OnPlane, Output, assign,
    schedule::{Kind, Timing},
};
use crate::{
    cli::PlaneUse,
    clock,
    crc::{Check, CheckPlane},
    cursor,
    render::Target,
    state::Syncline,
    surface::{SurfaceState, buffer::Source},
    trace,
};

/// What goes onto one plane.
struct Wanted {
    plane: usize,
    show: OnPlane,
    src: SrcRect,
    dst: Rect,
    /// Ours for the commit; the content keeps its own.
    fence: Option<SyncFile>,
}

impl Syncline {
    /// Assigns, renders and commits; degrades in steps if the kernel refuses.
    pub(super) fn present(
        &mut self,
        index: usize,
        vblank: Ns,
        (planned, started): (Ns, Ns),
        scene: &[crate::render::Layer],
        cursor: Option<(usize, cursor::Shown, Rect)>,
    ) -> Result<(), String> {
        let outputs = &mut self.outputs;
        let output = &mut outputs.list[index];
        let size: Size<i32, Physical> = (output.size.w, output.size.h).into();
        let candidate = match self.config.planes {
            PlaneUse::None => None,
            PlaneUse::All => assign::candidate(
                &outputs.device,
                output.kms.planes(),
                output.primary,
                &output.overlays,
                scene,
                size,
                &output.layouts,
            ),
        };
        let mut wanted: Vec<Wanted> = Vec::with_capacity(3);
        if let Some((plane, shown, dst)) = cursor {
            let src = SrcRect::full(dst.w, dst.h);
            wanted.push(Wanted { plane, show: OnPlane::Target(shown.target), src, dst, fence: None });
        }
        let mut direct = None;
        if let Some(candidate) = candidate {
            let layer = &scene[candidate.layer];
            // May be pending: then the display waits for it. A fence that has signalled is no longer kept.
            let fence = layer.content.with_acquire(|a| a.fence().map(SyncFile::try_clone)).transpose();
            let src = layer.view.src;
            wanted.push(Wanted {
                plane: candidate.plane,
                show: OnPlane::Content(layer.content.clone()),
                src: SrcRect::from_f64(src.loc.x, src.loc.y, src.size.w, src.size.h),
                dst: Rect::new(layer.dst.loc.x, layer.dst.loc.y, layer.dst.size.w as u32, layer.dst.size.h as u32),
                fence: fence.map_err(|e| e.to_string())?,
            });
            direct = Some(candidate);
            // A layout that is new to the kernel is tested before anything is rendered for it.
            if !output.layouts.is_accepted(&candidate.key) && candidate.whole {
                match submit(output, &outputs.device, &wanted, Submit::Test) {
                    Ok(_) => output.layouts.accept(candidate.key),
                    Err(error) => {
                        tracing::debug!("{}: layout refused: {error}", output.wl.name());
                        output.layouts.refuse(candidate.key);
                        wanted.pop();
                        direct = None;
                    }
                }
            }
        }
        if direct.is_none_or(|c| !c.whole) {
            let below = if direct.is_some() { &scene[1..] } else { scene };
            wanted.push(render(output, &mut outputs.renderer, &outputs.device, below, size, self.config.background)?);
        }
        let frame = output.frame + 1;
        let from = if trace::enabled() { clock::now() } else { started };
        let mut result = submit(output, &outputs.device, &wanted, Submit::Commit(frame));
        if let (Err(error), Some(candidate)) = (&result, direct) {
            // Without the client's buffer on a plane.
            tracing::info!("{}: {error}; rendering instead", output.wl.name());
            output.layouts.refuse(candidate.key);
            wanted.retain(|w| !matches!(w.show, OnPlane::Content(_)) && w.plane != output.primary);
            wanted.push(render(output, &mut outputs.renderer, &outputs.device, scene, size, self.config.background)?);
            direct = None;
            result = submit(output, &outputs.device, &wanted, Submit::Commit(frame));
        } else if let Some(candidate) = direct {
            output.layouts.accept(candidate.key);
        }
        let to = clock::now();
        let traced = trace::enabled().then(|| trace_planes(output, &wanted));
        let out_fence = match result {
            Ok(out_fence) => out_fence,
            Err(error) => {
                if let Some(planes) = traced {
                    trace::kms_commit(from, to, output.id, frame, &planes, false, Some(error.errno.raw_os_error()));
                }
                return Err(error.to_string());
            }
        };
        let timing = Timing {
            planned,
            started,
            committed: to,
            kind: kind_of(output.primary, &wanted),
            in_phase: output.clock.is_in_phase(started),
        };
        output.planner.committed(&timing);
        output.frame = frame;
        output.dirty = false;
        let fenced = wanted.iter().any(|w| w.fence.is_some() && matches!(w.show, OnPlane::Content(_)));
        let drawn = wanted.iter_mut().find(|w| matches!(w.show, OnPlane::Target(_)) && w.fence.is_some());
        let render_fence = drawn.and_then(|w| w.fence.take());
        let check = output.crc.is_some().then(|| check_of(output, &wanted));
        if let Some(planes) = traced {
            output.shown.clear();
            output
                .shown
                .extend(scene.iter().map(|l| trace::Shown { surface: l.content.surface, commit: l.content.serial }));
            trace::latch(started, output.id, frame, vblank, &output.shown);
            trace::kms_commit(from, to, output.id, frame, &planes, out_fence.is_some(), None);
        }
        mark_planes(output, scene, direct.map(|c| c.layer));
        replace(output, wanted, out_fence.as_ref(), frame);
        output.in_flight = Some(InFlight {
            frame,
            vblank,
            out_fence: out_fence.filter(|_| trace::enabled()),
            direct: direct.is_some_and(|c| c.whole),
            fenced,
            timing,
            render_fence,
            feedback: Vec::new(),
            callbacks: Vec::new(),
            check,
        });
        Ok(())
    }
}

/// Whether something was drawn for these planes; the cursor's picture was drawn before.
fn kind_of(primary: usize, wanted: &[Wanted]) -> Kind {
    let drawn = |w: &Wanted| w.plane == primary && matches!(w.show, OnPlane::Target(_));
    if wanted.iter().any(drawn) { Kind::Rendered } else { Kind::Planes }
}

enum Submit {
    Test,
    Commit(u64),
}

/// Turns the wanted planes into one atomic request.
fn submit(
    output: &mut Output,
    device: &kms::Device,
    wanted: &[Wanted],
    how: Submit,
) -> Result<Option<SyncFile>, kms::CommitError> {
    let (count, id) = (output.on_plane.len(), output.id);
    let mut frame = output.kms.frame();
    for plane in 0..count {
        let Some(wanted) = wanted.iter().find(|w| w.plane == plane) else {
            frame.clear(plane);
            continue;
        };
        let framebuffer = match &wanted.show {
            OnPlane::Target(target) => target.framebuffer(device),
            OnPlane::Content(content) => match &content.source {
                Source::Dmabuf(imported) => imported.framebuffer(device),
                Source::Shm(_) => None,
            },
        };
        let Some(framebuffer) = framebuffer else { continue };
        let mut state = PlaneState::new(framebuffer.id(), wanted.src, wanted.dst);
        state.blend = Blend::Premultiplied;
        state.in_fence = wanted.fence.as_ref().map(std::os::fd::AsFd::as_fd);
        frame.set(plane, state);
    }
    match how {
        Submit::Test => frame.test().map(|()| None),
        Submit::Commit(number) => {
            frame.commit(super::setup::user_data(id, number)).map(|committed| committed.out_fence)
        }
    }
}

/// Draws `layers` into a free target for the primary plane.
fn render(
    output: &mut Output,
    renderer: &mut crate::render::Renderer,
    device: &kms::Device,
    layers: &[crate::render::Layer],
    size: Size<i32, Physical>,
    background: crate::config::Colour,
) -> Result<Wanted, String> {
    let free = output.targets.iter().position(|(target, _)| Arc::strong_count(target) == 1);
    let free = match free {
        Some(free) => free,
        None => {
            let plane = &output.kms.planes()[output.primary];
            let modifiers = super::modifiers(plane);
            let target = renderer.new_target(device, size.w as u32, size.h as u32, &modifiers)?;
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
    let (w, h) = (size.w as u32, size.h as u32);
    Ok(Wanted {
        plane: output.primary,
        show: OnPlane::Target(target),
        src: SrcRect::full(w, h),
        dst: Rect::new(0, 0, w, h),
        fence: pass.fence,
    })
}

/// Puts what was committed onto the planes and lets go of what it replaced.
fn replace(output: &mut Output, wanted: Vec<Wanted>, out_fence: Option<&SyncFile>, frame: u64) {
    let mut next: Vec<Option<OnPlane>> = vec![None; output.on_plane.len()];
    for wanted in wanted {
        next[wanted.plane] = Some(wanted.show);
    }
    let old = std::mem::replace(&mut output.on_plane, next);
    for (plane, old) in old.into_iter().enumerate() {
        let Some(old) = old else { continue };
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

fn mark_planes(_: &Output, scene: &[crate::render::Layer], direct: Option<usize>) {
    for (i, layer) in scene.iter().enumerate() {
        with_states(&layer.surface, |states| SurfaceState::of(states).on_plane = direct == Some(i));
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
    }
}
