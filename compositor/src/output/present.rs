//! One frame: assigns planes, composites the rest, makes one atomic commit, and releases what the
//! commit replaced.
//!
//! A commit that the kernel refuses is resubmitted with less, as [`kms::recover`] decides
//! ([`Attempt`]). Nothing here waits.

use crate::output::planes::tear::TearVerdict;

use dmabuf_import::Format;
use fence::{Ns, SyncFile};
use kms::{
    assign::{Assignment, LayerPlacement},
    recover::Remedy,
};
use rustix::io::Errno;
use smithay::{reexports::wayland_server::protocol::wl_surface::WlSurface, wayland::compositor::with_states};

use crate::{
    config::{Colour, words::PlaneUse},
    output::{
        Outputs,
        in_flight::InFlight,
        planes::{
            assign::{self, PlaneRules},
            attempt::{Attempt, FrameError, lays_out_anew},
            fill::{FrameInputs, gather, test},
            implicit,
            layout_change::changes_layout,
            record::{check_of, kind_of, pending_frame},
            refused_buffers, refused_layouts,
            request::{Held, InFence, OnPlane, PlaneRequest, SceneFrame},
            submit::{Submit, Submitted, submit},
        },
        quiet::QuietMoment,
        state::Output,
    },
    render::{Layer, layer::LastPictures},
    schedule::Timing,
    surface::SurfaceState,
    system::{clock::Clock, id::OutputId, trace},
};

/// The part of the configuration that applies to every frame.
#[derive(Debug, Clone, Copy)]
pub struct FrameConfig {
    /// For the times of the commit.
    pub clock: Clock,
    /// Which planes may be used.
    pub planes: PlaneUse,
    /// The colour where no layer is.
    pub background: Colour,
}

/// What the caller must handle after a frame was committed.
#[derive(Debug, Default)]
pub struct Presented {
    /// Surfaces whose buffer layout a plane has refused.
    pub refused_layouts: Vec<(WlSurface, Format)>,
    /// The commit was a modeset.
    pub modeset: bool,
    /// Signals when the image is in its buffer, if it was to be put into one.
    pub image: Option<SyncFile>,
    /// Other layers than before are on planes, or the layers are others.
    pub assigned: bool,
}

impl Outputs {
    /// Assigns planes, composites and commits one frame for the vblank at `vblank`; retries with
    /// less if the kernel refuses. `planned` and `started`: when the latch was planned and when it
    /// began. `last` stands in for contents that may not be read; it is emptied if nothing needs it
    /// any more, before buffers are released. Errors: rendering failed, or the kernel refused every
    /// attempt.
    pub fn present(
        &mut self,
        id: OutputId,
        vblank: Ns,
        (planned, started): (Ns, Ns),
        (frame, last): (&SceneFrame<'_>, &mut LastPictures),
        attempt: Attempt,
        config: FrameConfig,
    ) -> Result<Presented, FrameError> {
        let mut layouts = std::mem::take(&mut self.list[id].layouts);
        let done = self.present_with(id, (vblank, planned, started), (frame, last), attempt, config, &mut layouts);
        layouts.drop_contents();
        self.list[id].layouts = layouts;
        done
    }

    fn present_with(
        &mut self,
        id: OutputId,
        (vblank, planned, started): (Ns, Ns, Ns),
        (scene_frame, last): (&SceneFrame<'_>, &mut LastPictures),
        mut attempt: Attempt,
        config: FrameConfig,
        layouts: &mut assign::Layouts,
    ) -> Result<Presented, FrameError> {
        let outputs = self;
        let beside = outputs.is_beside_another(id);
        let output = &mut outputs.list[id];
        let signalled = outputs.signalled.as_ref();
        let card = outputs.cards.of_mut(&output.kms);
        let rules = PlaneRules {
            planes: config.planes.on(card.known.overlays_are_asked_for()),
            nodes: [Some(card.node), card.render_node],
            main: outputs.main_device == card.node || Some(outputs.main_device) == card.render_node,
        };
        let (device, known) = (&card.device, &mut card.known);
        let mut suspects = Vec::new();
        let SceneFrame { layers: scene, changed, cursor, .. } = *scene_frame;
        layouts.describe(device, &output.kms, (rules, known), scene, changed);
        let (size, reserved) = (output.kms.size(), output.cursor);
        output.quiet = QuietMoment::Any;
        layouts.assign(size, reserved, |assignment| {
            if beside && known.tests_stall(started) {
                output.quiet = QuietMoment::Wanted;
                return Err(Errno::BUSY);
            }
            let asked = config.clock.now();
            let result = test(output, device, assignment, scene, cursor);
            known.laid_out(asked, config.clock.now(), beside);
            if beside && result == Err(Errno::BUSY) {
                output.quiet = QuietMoment::Wanted;
            }
            if let Err(errno) = result {
                suspects.extend(refused_layouts::suspect(assignment, errno));
            }
            result
        });
        let frame = output.frame + 1;
        let attaches = scene_frame.image.is_some() && output.attaches_writeback();
        attempt.modeset |= output.retrain;
        let mut requests = std::mem::take(&mut layouts.requests);
        let (mut suspected, mut errno) = (refused_buffers::Buffers::new(), None);
        // What it is refused for is known once the same frame is taken without it.
        let (mut refused_image, mut blamed_image) = (None, true);
        let mut asked = Vec::new();
        output.ladder.begin();
        output.has_in_fences = signalled.is_some() && known.learnt.in_fences();
        if let Some(assignment) = layouts.current().filter(|_| !attempt.composited) {
            attempt.composited = implicit::waits(output, assignment, scene);
        }
        let CommittedFrame { from, to, submitted: Submitted { out_fence, image, tears } } = loop {
            let assignment = layouts.current().filter(|_| !attempt.composited);
            let lays_out = beside && (attempt.modeset || changes_layout(output, assignment, scene));
            if lays_out && known.tests_stall(started) {
                layouts.requests = requests;
                return Err(FrameError::PutOff);
            }
            let inputs = FrameInputs { scene: scene_frame, last, background: config.background, known };
            gather(output, &mut outputs.renderer, device, layouts, &attempt, &inputs, &mut requests)?;
            let from = if trace::enabled() || beside { config.clock.now() } else { started };
            // A tearing frame has no in-fence for what waits for nothing.
            let bare = requests.iter().filter(|request| !request.waits_for_client());
            let asynchronous = attempt.asynchronous(output, &requests) && !implicit::waits_without_fences(bare);
            if output.tearing == TearVerdict::May && !asynchronous && !lays_out_anew(output, &requests) {
                // The driver has refused it: the next frame is planned for its vblank.
                output.tearing = TearVerdict::Unable;
            }
            let image = scene_frame.image.filter(|_| refused_image.is_none() && !attempt.modeset && !asynchronous);
            let how = Submit::Commit { frame, modeset: attempt.modeset, asynchronous, image };
            let result = submit(output, device, &requests, &layouts.rects, signalled, how, &mut asked);
            let to = config.clock.now();
            if lays_out && !attempt.modeset {
                known.laid_out(from, to, true);
            }
            let error = match result {
                Ok(submitted) => break CommittedFrame { from, to, submitted },
                Err(error) => error,
            };
            if let Some(image) = image {
                // The picture can be had otherwise.
                (refused_image, attempt.same_requests) = (Some((image.id, error)), true);
                continue;
            }
            blamed_image = false;
            let buffers = refused_buffers::suspects(output, &requests, error.errno);
            let remedy = attempt.refused(output, &error, &requests, known, beside);
            trace::recover(to, output.id, frame, remedy.name(), Some(error.errno.raw_os_error()));
            if !remedy.retries() {
                if let Some(errno) = errno {
                    layouts.refused(errno);
                }
                if trace::enabled() {
                    trace::kms_commit(from, to, output.id, frame, &asked, false, Some(error.errno.raw_os_error()));
                }
                return Err(FrameError::Refused(remedy, error));
            }
            tracing::info!("{}: frame {frame}: {error}; next: {remedy}", output.wl.name());
            layouts.describe_again();
            suspected.clear();
            if matches!(remedy, Remedy::WithoutOverlays | Remedy::OtherModifier(_) | Remedy::Composed) {
                errno = Some(error.errno);
            }
            if matches!(remedy, Remedy::WithoutOverlays | Remedy::Composed) {
                suspected = buffers;
            }
        };
        match errno {
            // It was taken as soon as they were composited.
            Some(errno) if !suspected.is_empty() => {
                for buffer in suspected {
                    tracing::debug!("buffer {}: {}: not shown by a plane: {errno}", buffer.id, output.wl.name());
                    buffer.refused_by(device.serial());
                }
            }
            Some(errno) => layouts.refused(errno),
            None => {}
        }
        if let Some((buffer, error)) = refused_image.filter(|_| blamed_image) {
            let passes = matches!(error.errno, Errno::BUSY | Errno::NOMEM | Errno::INTR | Errno::AGAIN);
            if !passes {
                output.writeback_rest.begin(to);
                let seconds = output.writeback_rest.length() / 1_000_000_000;
                let name = output.wl.name();
                tracing::warn!(
                    "{name}: its writeback of buffer {buffer} was refused; pictures are drawn for {seconds} s: {error}"
                );
            }
        }
        let had_cursor = output.ladder.may_use_cursor();
        output.ladder.accepted(&mut known.learnt);
        let no_cursor = had_cursor && !output.ladder.may_use_cursor();
        if no_cursor {
            output.cursor_rest.begin(to);
            // Whatever was refused, it was with the pointer.
            layouts.forget_tests();
        }
        attempt.log_learnt(output, known);
        let timing = Timing {
            planned,
            started,
            committed: to,
            kind: kind_of(output),
            in_phase: output.clock.is_in_phase(started),
        };
        // The first job is a modeset, which takes longer than a frame.
        if !attaches {
            output.planner.committed(&timing);
        }
        output.clock.committed(vblank);
        output.frame = frame;
        // The next frame has the pointer that this one lacks.
        (output.dirty, output.retrain) = (no_cursor, false);
        output.refresh.latched();
        let fenced = requests.iter().any(PlaneRequest::waits_for_client);
        let drawn = requests.iter_mut().find(|r| matches!(r.fence, Some(InFence::Pass(_))));
        let render_fence = drawn.and_then(|r| r.fence.take()).and_then(InFence::into_pass);
        pending_frame(output, tears);
        let check = output.crc.is_some().then(|| check_of(output));
        let watched = trace::enabled() || check.is_some();
        if trace::enabled() {
            output.shown.clear();
            let commits = scene.iter().filter(|layer| !layer.is_own()).map(|layer| &layer.content);
            output.shown.extend(commits.map(|of| trace::ShownCommit { surface: of.surface, commit: of.serial }));
            trace::latch(started, output.id, frame, vblank, &output.shown);
            trace::kms_commit(from, to, output.id, frame, &asked, out_fence.is_some(), None);
        }
        let composited = refused_layouts::composited_layout(&requests, output.cursor);
        let refused =
            refused_layouts::refused_layouts(&suspects, scene, output.pixels(), layouts.current(), composited);
        let assignment = layouts.current().filter(|_| !attempt.composited);
        let marked = layouts.is_repeated() && !attempt.composited && output.marked_by_assignment;
        let assigned = !marked && mark_planes(&mut output.shown_by_plane, scene, assignment, changed.is_none());
        output.marked_by_assignment = !attempt.composited;
        let looked_at = if marked { 0 } else { scene.len() };
        let direct = assignment.is_some_and(|assignment| assignment.composite().is_none());
        layouts.count_visited(looked_at);
        requests.clear();
        if scene_frame.current && output.late.is_empty() {
            last.clear();
        }
        release_replaced(output, out_fence.as_ref(), frame);
        layouts.requests = requests;
        output.callbacks.tears = tears;
        let frame = InFlight {
            frame,
            vblank,
            out_fence: out_fence.filter(|_| watched),
            direct,
            fenced,
            timing,
            render_fence,
            callbacks: std::mem::take(&mut output.callbacks),
            check,
        };
        if let Some(frame) = output.machine.committed(frame, started) {
            frame.abandon(std::time::Duration::from_nanos(started).as_millis() as u32);
        }
        Ok(Presented { refused_layouts: refused, modeset: attempt.modeset, image, assigned })
    }
}

/// A commit that the kernel accepted: when the call began and returned, and its results.
struct CommittedFrame {
    from: Ns,
    to: Ns,
    submitted: Submitted,
}

/// Releases what the commit of `frame` has replaced, as far as its out-fence can: the release point
/// gets its fence now and signals when the commit is on the screen. The rest is held until the flip.
fn release_replaced(output: &mut Output, out_fence: Option<&SyncFile>, frame: u64) {
    let Some(out_fence) = out_fence else { return };
    output.kms.let_go_early(|held| match held.show {
        OnPlane::Content(content) if content.release_by.is_explicit() => {
            let content = crate::surface::content::replaced_on_screen(content, out_fence, frame)?;
            Some(Held { show: OnPlane::Content(content), ..held })
        }
        _ => Some(held),
    });
}

/// Notes for each surface whether a plane shows it; `shown` is what was noted last. `assignment` is
/// `None` if everything was composited; `all`: the layers are not those of the last frame. Returns
/// whether anything is new.
fn mark_planes(shown: &mut Vec<bool>, scene: &[Layer], assignment: Option<&Assignment>, all: bool) -> bool {
    shown.resize(scene.len(), false);
    let mut changed = all;
    for (at, (layer, shown)) in scene.iter().zip(shown).enumerate() {
        let placement = assignment.and_then(|assignment| assignment.placements().get(at));
        let on_plane = matches!(placement, Some(LayerPlacement::Plane(_)));
        if !all && *shown == on_plane {
            continue;
        }
        (*shown, changed) = (on_plane, true);
        if let Some(surface) = &layer.surface {
            with_states(surface, |states| SurfaceState::of(states).on_plane = on_plane);
        }
    }
    changed
}
