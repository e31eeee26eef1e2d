//! One frame of an output: prepare → test or commit → apply or roll back, in one function.
//!
//! A frame that succeeds allocates nothing. A frame that is refused, or dropped, leaves the output as it was. No commit blocks:
//! not even one that sets a mode, turns a display off, or follows one that waits for a fence (that is EBUSY).

mod asynchronous;
pub mod together;

use std::os::fd::BorrowedFd;

use fence::SyncFile;
use rustix::io::Errno;

use crate::head::{ConnectorState, CrtcState, Head};
use crate::kernel::{ALLOW_MODESET, NONBLOCK, PAGE_FLIP_ASYNC, PAGE_FLIP_EVENT, TEST_ONLY};
use crate::output::{MAX_PLANES, Values};
use crate::pipeline::PipelineState;
use crate::request::Request;
use crate::writeback::{Job, Writeback};
use crate::{Blend, CommitError, FbId, Output, OutputPlane, PlaneState, Rect, Step};

/// What a commit gave.
#[derive(Debug)]
pub struct Committed {
    /// Signals when this commit is on screen, so when the buffers that it **replaced** are free. The caller owns it. `None` where the
    /// driver has no `OUT_FENCE_PTR`.
    pub out_fence: Option<SyncFile>,
    /// Signals when the writeback's pixels are all there ([`Frame::writeback`]). The caller owns it.
    pub writeback: Option<SyncFile>,
}

/// What a frame does to its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Shows other pictures at the next vblank.
    Flip,
    /// Shows another picture at once.
    Asynchronous,
    /// Sets everything.
    Modeset,
    /// Turns the display on again, with what it showed or with other pictures.
    Wake,
    /// Turns the display off; everything else stays.
    Sleep,
    /// Lets go of the CRTC, the connector and all planes.
    Off,
}

/// A frame being put together; borrows its output.
#[derive(Debug)]
pub struct Frame<'a> {
    output: &'a mut Output,
    next: [Values; MAX_PLANES],
    extras: [Extra<'a>; MAX_PLANES],
    head: Head,
    kind: Kind,
    vrr: bool,
    writeback: Option<Job>,
    wrong: Option<Wrong>,
}

/// What a plane state has that does not stay in the kernel's state.
#[derive(Debug, Clone, Copy, Default)]
struct Extra<'a> {
    in_fence: Option<BorrowedFd<'a>>,
    damage: &'a [Rect],
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
    pub(crate) fn new(output: &'a mut Output, kind: Kind) -> Self {
        let next = if matches!(kind, Kind::Modeset | Kind::Off) { None } else { output.shown };
        let head = output.head.clone();
        Self {
            next: next.unwrap_or_default(),
            extras: [Extra::default(); MAX_PLANES],
            head,
            kind,
            vrr: output.vrr,
            writeback: None,
            wrong: None,
            output,
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

    /// Turns variable refresh on or off, with this frame and until another one says otherwise. [`Output::vrr_capable`] tells
    /// whether the display can; one that cannot is refused at [`Step::Prepare`]. Some drivers take the change in a modeset only:
    /// [`Frame::test`] says so with EINVAL.
    pub fn vrr(&mut self, on: bool) -> &mut Self {
        self.vrr = on;
        self
    }

    /// Makes the frame an asynchronous one ([`Output::asynchronous`]) if it changes nothing that such a one may not; whether it is
    /// one now. The kernel may still refuse it.
    pub fn try_asynchronous(&mut self) -> bool {
        if self.kind == Kind::Flip && self.wrong.is_none() && self.asynchronous_refusal().is_none() {
            self.kind = Kind::Asynchronous;
        }
        self.kind == Kind::Asynchronous
    }

    /// Asks for the pixels of this very frame in `fb`, which must be as large as the mode and of a format in
    /// [`Writeback::formats`]; the caller keeps it until [`Committed::writeback`] signals. The first job of a connector puts it
    /// onto the CRTC, which the kernel counts as a modeset: the picture may go away for a moment. It stays there until the next
    /// modeset without a job. Refused at [`Step::Prepare`] where the connector cannot use this CRTC.
    pub fn writeback(&mut self, connector: &Writeback, fb: FbId) -> &mut Self {
        self.writeback = Some(connector.job(fb));
        connector.name_in(&mut self.output.names);
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

    /// What a plane can.
    pub fn plane(&self, plane: usize) -> Option<&OutputPlane> {
        self.output.planes.get(plane)
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

    /// Commits the frame, without blocking, with an out-fence (none with asynchronous flips, which may not have one), and with a flip
    /// event that carries `user_data`, which is to be unique among the commits of the device. A modeset is done when that event
    /// comes. On an error nothing has changed; EBUSY: a commit of this CRTC, or of a plane or connector that it takes over, has
    /// not reached the screen.
    pub fn commit(mut self, user_data: u64) -> Result<Committed, CommitError> {
        self.run(Goal::Commit(user_data))
    }

    /// Prepare, ask, and apply or roll back: with [`together`] the only place where an output's state changes.
    fn run(&mut self, goal: Goal) -> Result<Committed, CommitError> {
        self.check(goal)?;
        // Taken out while it is filled, so that its memory is used again.
        let mut request = std::mem::take(&mut self.output.request);
        request.clear();
        self.write_leftovers(&mut request);
        self.write(&mut request, goal);
        request.finish();
        let user_data = if let Goal::Commit(user_data) = goal { user_data } else { 0 };
        let asked = self.output.device.kernel().atomic(&mut request, self.flags(goal), user_data);
        let result = match (asked, goal) {
            // Roll back: the output's state was not touched.
            (Err(errno), _) => Err(self.refusal(errno, goal, request.display(&self.output.names).to_string())),
            (Ok(()), Goal::Test) => Ok(Committed { out_fence: None, writeback: None }),
            (Ok(()), Goal::Commit(user_data)) => Ok(self.apply(&mut request, user_data)),
        };
        self.output.request = request;
        result
    }

    fn refusal(&self, errno: Errno, goal: Goal, request: String) -> CommitError {
        let step = if goal == Goal::Test { Step::Test } else { Step::Commit };
        let detail = match self.kind {
            Kind::Flip => "refused",
            Kind::Asynchronous => "asynchronous flip refused",
            Kind::Modeset => "modeset refused",
            Kind::Wake => "turning on refused",
            Kind::Sleep | Kind::Off => "turning off refused",
        };
        let error = CommitError { output: self.output.name.clone(), step, errno, detail: detail.to_owned(), request };
        tracing::debug!(%error, "atomic");
        error
    }

    /// Whether a flip event comes of it: the kernel refuses to send one for a CRTC that was off and stays so.
    fn has_event(&self) -> bool {
        self.kind != Kind::Off || (self.output.shown.is_some() && !self.output.asleep)
    }

    fn flags(&self, goal: Goal) -> u32 {
        let output = &*self.output;
        let attaches =
            self.writeback.is_some_and(|job| output.writeback.is_none_or(|on| on.connector != job.connector));
        let mut flags = match self.kind {
            Kind::Flip if attaches => ALLOW_MODESET,
            Kind::Flip => 0,
            Kind::Asynchronous => PAGE_FLIP_ASYNC,
            Kind::Modeset | Kind::Wake | Kind::Sleep | Kind::Off => ALLOW_MODESET,
        };
        flags |= if goal == Goal::Test { TEST_ONLY } else { NONBLOCK };
        if goal != Goal::Test && self.has_event() {
            flags |= PAGE_FLIP_EVENT;
        }
        flags
    }

    /// The kernel took it.
    fn apply(&mut self, request: &mut Request, user_data: u64) -> Committed {
        let (event, output) = (self.has_event(), &mut *self.output);
        output.shown = (self.kind != Kind::Off).then_some(self.next);
        output.asleep = self.kind == Kind::Sleep;
        output.in_flight = event.then_some(user_data);
        output.queued = self.next.map(|values| values.fb);
        if !event {
            output.on_screen = output.queued;
            output.drop_retired();
        }
        if self.kind != Kind::Off {
            output.head = std::mem::take(&mut self.head);
        }
        output.vrr = self.vrr && self.kind != Kind::Off;
        match self.kind {
            Kind::Modeset => {
                output.leftovers.clear();
                output.writeback = self.writeback;
            }
            Kind::Off => output.writeback = None,
            _ => output.writeback = self.writeback.or(output.writeback),
        }
        let out_fence = request.take_out_fence(output.crtc).map(SyncFile::unchecked);
        let connector = self.writeback.map(|job| job.connector);
        let writeback = connector.and_then(|connector| request.take_out_fence(connector)).map(SyncFile::unchecked);
        Committed { out_fence, writeback }
    }

    /// What needs no kernel to be refused.
    fn check(&self, goal: Goal) -> Result<(), CommitError> {
        let refuse = |step, errno: Errno, detail: String| {
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
        if !matches!(self.kind, Kind::Modeset | Kind::Off) && self.output.shown.is_none() {
            return refuse(Step::State, Errno::INVAL, "no mode is set".to_owned());
        }
        if self.output.asleep && matches!(self.kind, Kind::Flip | Kind::Asynchronous | Kind::Sleep) {
            return refuse(Step::State, Errno::INVAL, "the display is asleep; begin with Output::wake".to_owned());
        }
        if self.vrr && !self.output.vrr {
            if self.output.crtc_props.vrr_enabled.is_none() {
                return refuse(Step::Prepare, Errno::OPNOTSUPP, "the CRTC has no property VRR_ENABLED".to_owned());
            }
            if !self.output.vrr_capable {
                let why = "the display has no variable refresh (vrr_capable is 0)";
                return refuse(Step::Prepare, Errno::OPNOTSUPP, why.to_owned());
            }
        }
        if let Some(job) = self.writeback
            && job.possible_crtcs & (1 << self.output.crtc_index) == 0
        {
            let why = format!("writeback connector {} cannot use CRTC {}", job.connector, self.output.crtc);
            return refuse(Step::Prepare, Errno::INVAL, why);
        }
        match self.kind {
            Kind::Asynchronous => {
                self.asynchronous_refusal().map_or(Ok(()), |(errno, why)| refuse(Step::Prepare, errno, why))
            }
            _ => Ok(()),
        }
    }

    /// What the console, or another program, left and what stands in the way. Comes before all outputs of a request: what one
    /// output turns off another may light.
    fn write_leftovers(&self, request: &mut Request) {
        for leftover in self.output.leftovers.iter().filter(|_| self.kind == Kind::Modeset) {
            request.object(leftover.object);
            request.set(leftover.prop, leftover.value);
        }
    }

    /// Fills the request: only what changed, but out-fence and in-fences always.
    fn write(&mut self, request: &mut Request, goal: Goal) {
        let output = &mut *self.output;
        let (kind, commit) = (self.kind, goal != Goal::Test);
        let modeset = kind == Kind::Modeset;
        if matches!(kind, Kind::Modeset | Kind::Off) {
            request.object(output.connector);
            request.set(output.connector_props.crtc_id, if modeset { output.crtc.into() } else { 0 });
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
            Kind::Modeset => None,
            // Nothing that anybody would see.
            Kind::Off => Some(&self.head),
            _ => Some(&output.head),
        };
        self.head.write(request, connector, crtc, before);
        match kind {
            Kind::Modeset => request.set(output.crtc_props.mode_id, output.mode_blob.id().into()),
            Kind::Off => request.set(output.crtc_props.mode_id, 0),
            _ => {}
        }
        let out_fence = output.crtc_props.out_fence_ptr.filter(|_| commit);
        match kind {
            Kind::Flip if out_fence.is_some() => {}
            // The CRTC must be in the request for an event to come of it.
            Kind::Flip | Kind::Asynchronous | Kind::Modeset | Kind::Wake => request.set(output.crtc_props.active, 1),
            Kind::Sleep | Kind::Off => request.set(output.crtc_props.active, 0),
        }
        if let Some(prop) = output.crtc_props.vrr_enabled
            && (modeset || self.vrr != output.vrr)
        {
            request.set(prop, self.vrr.into());
        }
        let event = match kind {
            // The kernel takes no property of a CRTC with an asynchronous flip.
            Kind::Asynchronous => false,
            Kind::Off => output.shown.is_some() && !output.asleep,
            _ => true,
        };
        if let Some(prop) = out_fence.filter(|_| event) {
            request.set_out_fence(prop);
        }
        for (at, plane) in output.planes.iter().enumerate() {
            let whole = matches!(kind, Kind::Modeset | Kind::Off);
            let before = if whole { None } else { output.shown.as_ref().map(|shown| &shown[at]) };
            let extra = &self.extras[at];
            let damage = match plane.props.fb_damage_clips {
                Some(_) if !extra.damage.is_empty() => {
                    output.clips.blob(&output.device, extra.damage, &self.next[at].src)
                }
                _ => None,
            };
            request.object(plane.id);
            write_plane(request, plane, output.crtc, before, &self.next[at], extra, damage);
        }
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
    request: &mut Request,
    plane: &OutputPlane,
    crtc: u32,
    before: Option<&Values>,
    next: &Values,
    extra: &Extra<'_>,
    damage: Option<u32>,
) {
    let in_fence = extra.in_fence;
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
    let content = in_fence.is_some() || damage.is_some();
    if content || old.is_none_or(|old| old.fb != next.fb) {
        request.set(props.fb_id, next.fb.into());
    }
    if let (Some(prop), Some(fence)) = (props.in_fence_fd, in_fence) {
        request.set_fence(prop, fence);
    }
    if let (Some(prop), Some(damage)) = (props.fb_damage_clips, damage) {
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
    /// Turns the output off, without blocking: the connector is free, the CRTC inactive, all planes off when the flip event with
    /// `user_data` comes. Keep the output until then: its CRTC is not free for another before.
    ///
    /// True if there will be an event. There is none where the display was asleep, or its state was unknown; then it is off at
    /// once, as far as the next commit is concerned. Errors leave it as it was; EBUSY: a commit is in flight (one that
    /// waits for a fence, perhaps for ever), try again after its flip.
    pub fn disable(&mut self, user_data: u64) -> Result<bool, CommitError> {
        Frame::new(self, Kind::Off).run(Goal::Commit(user_data))?;
        Ok(self.in_flight.is_some())
    }

    /// Turns the display off (DPMS) without blocking, and keeps everything else: mode, planes, their framebuffers. It is off when
    /// the flip event comes. Errors as of [`Frame::commit`]; EINVAL at [`Step::State`]: it is asleep already.
    pub fn sleep(&mut self, user_data: u64) -> Result<(), CommitError> {
        Frame::new(self, Kind::Sleep).run(Goal::Commit(user_data)).map(drop)
    }

    /// Begins the frame that turns a sleeping display on again: planes that are not mentioned show what they did.
    pub fn wake(&mut self) -> Frame<'_> {
        Frame::new(self, Kind::Wake)
    }
}

#[cfg(test)]
mod kind_tests;
#[cfg(test)]
mod tests;
