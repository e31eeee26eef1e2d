//! One frame of an output: prepare → test or commit → apply or roll back, in one function.
//!
//! A frame that succeeds allocates nothing. A frame that is refused, or dropped, leaves the output as it was.

use std::os::fd::BorrowedFd;

use fence::SyncFile;
use rustix::io::Errno;

use crate::head::{ConnectorState, CrtcState, Head};
use crate::kernel::{ALLOW_MODESET, NONBLOCK, PAGE_FLIP_EVENT, TEST_ONLY};
use crate::output::{MAX_PLANES, Values};
use crate::pipeline::PipelineState;
use crate::{Blend, CommitError, Output, OutputPlane, PlaneState, Step};

/// What a commit gave.
#[derive(Debug)]
pub struct Committed {
    /// Signals when this commit is on screen, so when the buffers that it **replaced** are free. The caller owns it. `None` where the
    /// driver has no `OUT_FENCE_PTR`.
    pub out_fence: Option<SyncFile>,
}

/// A frame being put together; borrows its output.
#[derive(Debug)]
pub struct Frame<'a> {
    output: &'a mut Output,
    next: [Values; MAX_PLANES],
    extras: [Extra<'a>; MAX_PLANES],
    head: Head,
    modeset: bool,
    nonblocking: bool,
    wrong: Option<Wrong>,
}

/// What a plane state has that does not stay in the kernel's state.
#[derive(Debug, Clone, Copy, Default)]
struct Extra<'a> {
    in_fence: Option<BorrowedFd<'a>>,
    damage: Option<u32>,
    pipeline: Option<&'a PipelineState>,
}

/// A plane state that the plane cannot express.
#[derive(Debug, Clone, Copy)]
struct Wrong {
    plane: usize,
    what: &'static str,
}

/// `DRM_MODE_LINK_STATUS_GOOD`.
const LINK_GOOD: u64 = 0;

/// What to ask of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Test,
    Commit(u64),
}

impl<'a> Frame<'a> {
    pub(crate) fn new(output: &'a mut Output, modeset: bool) -> Self {
        let next = if modeset { None } else { output.shown };
        let head = output.head.clone();
        Self {
            output,
            next: next.unwrap_or_default(),
            extras: [Extra::default(); MAX_PLANES],
            head,
            modeset,
            nonblocking: !modeset,
            wrong: None,
        }
    }

    /// Puts a buffer on a plane. `plane` is an index into [`Output::planes`].
    pub fn set(&mut self, plane: usize, state: PlaneState<'a>) -> &mut Self {
        let PlaneState { fb, src, dst, in_fence, alpha, blend, zpos, damage, look, pipeline } = state;
        match self.output.planes.get(plane).map(|found| unsupported(found, &state)) {
            Some(None) if fb.0 != 0 => {
                let look = look.after(&self.next[plane].look);
                let serial = pipeline.map_or(0, |pipeline| pipeline.serial);
                self.next[plane] = Values { fb: fb.0, src, dst, alpha, blend, zpos, look, pipeline: serial };
                self.extras[plane] = Extra { in_fence, damage, pipeline };
            }
            Some(Some(what)) => self.wrong = Some(Wrong { plane, what }),
            Some(None) => self.wrong = Some(Wrong { plane, what: "framebuffer 0" }),
            None => self.wrong = Some(Wrong { plane, what: "no such plane" }),
        }
        self
    }

    /// A modeset that does not wait for its picture, nor for a commit in flight: that is EBUSY instead. Everything but the first
    /// modeset of a session should be one: a blocking commit behind one that waits for a fence sleeps as long as that, with
    /// locks that every output needs.
    pub fn nonblocking(&mut self) -> &mut Self {
        self.nonblocking = true;
        self
    }

    /// What the CRTC is to do to the picture; without this, as before. Sent only where it changes something.
    pub fn crtc(&mut self, state: CrtcState) -> &mut Self {
        self.head.crtc = state;
        self
    }

    /// What the connector is to tell its display; without this, as before. Sent only where it changes something. Drivers take some of it with
    /// a modeset only, and refuse it else (EINVAL): a test says which.
    pub fn connector(&mut self, state: ConnectorState) -> &mut Self {
        self.head.connector = state;
        self
    }

    /// Number of planes of the output.
    pub fn planes(&self) -> usize {
        self.output.planes.len()
    }

    /// Turns a plane off.
    pub fn clear(&mut self, plane: usize) -> &mut Self {
        if let Some(values) = self.next.get_mut(plane) {
            *values = Values::default();
            self.extras[plane] = Extra::default();
        }
        self
    }

    /// Asks the kernel whether it could show the frame, changing nothing. May be called any number of times, also while a commit is in flight.
    pub fn test(&mut self) -> Result<(), CommitError> {
        self.run(Goal::Test).map(drop)
    }

    /// Commits the frame, without blocking (modesets block unless [`Frame::nonblocking`]), with an out-fence, and with a flip event that carries `user_data`, which is to be
    /// unique among the commits of the device. On an error nothing has changed.
    pub fn commit(mut self, user_data: u64) -> Result<Committed, CommitError> {
        self.run(Goal::Commit(user_data))
    }

    /// Prepare, ask, and apply or roll back: the only place where an output's state changes.
    fn run(&mut self, goal: Goal) -> Result<Committed, CommitError> {
        let step = if goal == Goal::Test { Step::Test } else { Step::Commit };
        self.check(goal)?;
        self.prepare(goal);
        let (flags, user_data) = match goal {
            Goal::Test => (TEST_ONLY, 0),
            Goal::Commit(user_data) => (PAGE_FLIP_EVENT, user_data),
        };
        let flags = flags
            | if self.modeset { ALLOW_MODESET } else { 0 }
            | if self.nonblocking && goal != Goal::Test { NONBLOCK } else { 0 };
        let output = &mut *self.output;
        if let Err(errno) = output.device.kernel().atomic(&mut output.request, flags, user_data) {
            // Roll back: the output's state was not touched.
            let request = output.request.display(&output.names).to_string();
            let detail = if self.modeset { "modeset refused" } else { "refused" }.to_owned();
            let error = CommitError { output: output.name.clone(), step, errno, detail, request };
            tracing::debug!(%error, "atomic");
            return Err(error);
        }
        if goal == Goal::Test {
            return Ok(Committed { out_fence: None });
        }
        output.shown = Some(self.next);
        output.head = std::mem::take(&mut self.head);
        output.in_flight = Some(user_data);
        if self.modeset {
            output.leftovers.clear();
        }
        let out_fence = output.request.take_out_fence(output.crtc).map(SyncFile::unchecked);
        Ok(Committed { out_fence })
    }

    /// What needs no kernel to be refused.
    fn check(&self, goal: Goal) -> Result<(), CommitError> {
        let refuse = |step, errno, detail: String| {
            Err(CommitError { output: self.output.name.clone(), step, errno, detail, request: String::new() })
        };
        if let Some(Wrong { plane, what }) = self.wrong {
            let id = self.output.planes.get(plane).map_or(0, |plane| plane.id);
            return refuse(Step::Prepare, Errno::INVAL, format!("plane {plane} (object {id}): {what}"));
        }
        if let Some((kind, id, what)) = self.head.unsupported(self.output) {
            return refuse(Step::Prepare, Errno::INVAL, format!("{kind} {id}: {what}"));
        }
        if let (Goal::Commit(_), Some(user_data)) = (goal, self.output.in_flight) {
            return refuse(Step::State, Errno::BUSY, format!("commit {user_data} is in flight"));
        }
        if !self.modeset && self.output.shown.is_none() {
            return refuse(Step::State, Errno::INVAL, "no mode is set".to_owned());
        }
        Ok(())
    }

    /// Fills the request: only what changed, but out-fence and in-fences always.
    fn prepare(&mut self, goal: Goal) {
        let output = &mut *self.output;
        let request = &mut output.request;
        request.clear();
        if self.modeset {
            for leftover in &output.leftovers {
                request.object(leftover.object);
                request.set(leftover.prop, leftover.value);
            }
            request.object(output.connector);
            request.set(output.connector_props.crtc_id, output.crtc.into());
            // A link that failed to train is tried again when it is called good.
            if let Some(prop) = output.connector_props.link_status {
                request.set(prop, LINK_GOOD);
            }
        }
        let (connector, crtc) = ((output.connector, &output.connector_props), (output.crtc, &output.crtc_props));
        self.head.write(request, connector, crtc, if self.modeset { None } else { Some(&output.head) });
        if self.modeset {
            request.set(output.crtc_props.mode_id, output.mode_blob.id().into());
            request.set(output.crtc_props.active, 1);
        }
        match (goal, output.crtc_props.out_fence_ptr) {
            (Goal::Commit(_), Some(prop)) => request.set_out_fence(prop),
            // The CRTC must be in the request for an event to come of it.
            _ if !self.modeset => request.set(output.crtc_props.active, 1),
            _ => {}
        }
        for (at, plane) in output.planes.iter().enumerate() {
            let before = if self.modeset { None } else { output.shown.as_ref().map(|shown| &shown[at]) };
            request.object(plane.id);
            write_plane(request, plane, output.crtc, before, &self.next[at], &self.extras[at]);
        }
        request.finish();
    }
}

/// Why `plane` cannot express `state`.
fn unsupported(plane: &OutputPlane, state: &PlaneState<'_>) -> Option<&'static str> {
    let props = &plane.props;
    if state.pipeline.is_some_and(|pipeline| pipeline.plane != plane.id) {
        return Some("COLOR_PIPELINE: of another plane");
    }
    if let Some(what) = state.look.unsupported(plane) {
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
    request: &mut crate::request::Request,
    plane: &OutputPlane,
    crtc: u32,
    before: Option<&Values>,
    next: &Values,
    extra: &Extra<'_>,
) {
    let props = &plane.props;
    let was_on = before.is_some_and(|before| before.fb != 0);
    if next.fb == 0 {
        if before.is_none() || was_on {
            request.set(props.fb_id, 0);
            request.set(props.crtc_id, 0);
        }
        return;
    }
    // Off or unknown before: everything is sent.
    let old = before.filter(|_| was_on);
    let content = extra.in_fence.is_some() || extra.damage.is_some();
    if content || old.is_none_or(|old| old.fb != next.fb) {
        request.set(props.fb_id, next.fb.into());
    }
    if let (Some(prop), Some(fence)) = (props.in_fence_fd, extra.in_fence) {
        request.set_fence(prop, fence);
    }
    if let (Some(prop), Some(damage)) = (props.fb_damage_clips, extra.damage) {
        request.set(prop, damage.into());
    }
    if old.is_none() {
        request.set(props.crtc_id, crtc.into());
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
    next.look.write(request, props, old.map(|old| &old.look));
    if let Some(prop) = props.color_pipeline
        && old.is_none_or(|old| old.pipeline != next.pipeline)
    {
        request.set(prop, extra.pipeline.map_or(0, PipelineState::first));
        if let Some(pipeline) = extra.pipeline {
            pipeline.write(request);
        }
    }
}

impl Output {
    /// Turns the output off, blocking: the connector is free, the CRTC inactive, all planes off. Errors leave it as it was.
    pub fn disable(&mut self) -> Result<(), CommitError> {
        let request = &mut self.request;
        request.clear();
        request.object(self.connector);
        request.set(self.connector_props.crtc_id, 0);
        request.object(self.crtc);
        request.set(self.crtc_props.active, 0);
        request.set(self.crtc_props.mode_id, 0);
        for plane in &self.planes {
            request.object(plane.id);
            request.set(plane.props.fb_id, 0);
            request.set(plane.props.crtc_id, 0);
        }
        request.finish();
        if let Err(errno) = self.device.kernel().atomic(request, ALLOW_MODESET, 0) {
            let request = request.display(&self.names).to_string();
            let (output, detail) = (self.name.clone(), "turning off refused".to_owned());
            return Err(CommitError { output, step: Step::Commit, errno, detail, request });
        }
        self.shown = None;
        self.on_screen = [0; MAX_PLANES];
        self.in_flight = None;
        self.retired.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
