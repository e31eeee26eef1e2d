//! One frame of an output: prepare → test or commit → apply or roll back, in one function.
//!
//! A frame that succeeds allocates nothing. A frame that is refused, or dropped, leaves the output
//! as it was. No commit blocks: not even one that sets a mode, turns a display off, or follows one
//! that waits for a fence (that is EBUSY).

mod asynchronous;
mod begin;
pub mod together;
mod write;

use std::os::fd::BorrowedFd;

use fence::SyncFile;
use rustix::io::Errno;

use crate::head::{ConnectorState, CrtcState, Head};
use crate::kernel::{ALLOW_MODESET, NONBLOCK, PAGE_FLIP_ASYNC, PAGE_FLIP_EVENT, TEST_ONLY};
use crate::output::MAX_PLANES;
use crate::pipeline::PipelineState;
use crate::plane::PlaneValues;
use crate::request::Request;
use crate::tracker::{Power, Shown};
use crate::writeback::{Job, Writeback};
use crate::{CommitError, FramebufferId, Output, OutputPlane, PlaneState, Rect, Step};
use write::unsupported;

/// What a commit gave.
#[derive(Debug)]
pub struct Committed {
    /// Signals when this commit is on screen, so when the buffers that it **replaced** are free.
    /// The caller owns it. `None` where the driver has no `OUT_FENCE_PTR`.
    pub out_fence: Option<SyncFile>,
    /// Signals when the writeback's pixels are all there ([`Frame::writeback`]). The caller owns
    /// it.
    pub writeback: Option<SyncFile>,
}

/// What a frame does to its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Shows other images at the next vblank.
    Flip,
    /// Shows another image at once.
    Asynchronous,
    /// Sets everything.
    Modeset,
    /// Turns the display on again, with what it showed or with other images.
    Wake,
    /// Turns the display off; everything else stays.
    Sleep,
    /// Lets go of the CRTC, the connector and all planes.
    Off,
}

/// A frame being put together; borrows its output. What it would show is let go when its commit is
/// refused, at [`Frame::cancel`], and when the next frame of the output begins.
#[derive(Debug)]
pub struct Frame<'a, P = ()> {
    output: &'a mut Output<P>,
    extras: [CommitOnly<'a>; MAX_PLANES],
    head: Head,
    kind: FrameKind,
    vrr: bool,
    writeback: Option<Job>,
    wrong: Option<InvalidPlane>,
}

/// What a plane state has that does not stay in the kernel's state.
#[derive(Debug, Clone, Copy, Default)]
struct CommitOnly<'a> {
    in_fence: Option<BorrowedFd<'a>>,
    no_wait: Option<BorrowedFd<'a>>,
    damage: &'a [Rect],
    pipeline: Option<&'a PipelineState>,
}

/// A plane state that the plane cannot express.
#[derive(Debug, Clone, Copy)]
struct InvalidPlane {
    plane: usize,
    what: &'static str,
}

/// What to ask of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Submission {
    Test,
    Commit(u64),
}

impl<'a> Frame<'a> {
    /// Puts a buffer on a plane. `plane` is an index into [`Output::planes`].
    pub fn set(&mut self, plane: usize, state: PlaneState<'a>) -> &mut Self {
        self.show(plane, state, ())
    }
}

impl<'a, P: PartialEq> Frame<'a, P> {
    pub(crate) fn new(output: &'a mut Output<P>, kind: FrameKind) -> Self {
        output.tracker.begin(matches!(kind, FrameKind::Modeset | FrameKind::Off));
        let head = output.head.clone();
        Self {
            extras: [CommitOnly::default(); MAX_PLANES],
            head,
            kind,
            vrr: output.vrr,
            writeback: None,
            wrong: None,
            output,
        }
    }

    /// Puts a buffer on a plane, an index into [`Output::planes`]; the output holds `payload` until
    /// the buffer has left the screen.
    pub fn show(&mut self, plane: usize, state: PlaneState<'a>, payload: P) -> &mut Self {
        let PlaneState { fb, src, dst, in_fence, no_wait, alpha, blend, zpos, damage, options, pipeline } = state;
        match self.output.planes.get(plane).map(|found| unsupported(found, &state)) {
            Some(None) if fb.raw() != 0 => {
                let tracker = &mut self.output.tracker;
                let options = options.after(&tracker.next_values(plane).options);
                let serial = pipeline.map_or(0, |pipeline| pipeline.serial);
                let values = PlaneValues { fb: Some(fb), src, dst, alpha, blend, zpos, options, pipeline: serial };
                tracker.show(plane, Shown { values, payload });
                self.extras[plane] = CommitOnly { in_fence, no_wait, damage, pipeline };
            }
            Some(Some(what)) => self.wrong = Some(InvalidPlane { plane, what }),
            Some(None) => self.wrong = Some(InvalidPlane { plane, what: "framebuffer 0" }),
            None => self.wrong = Some(InvalidPlane { plane, what: "no such plane" }),
        }
        self
    }

    /// Turns variable refresh on or off, with this frame and until another one says otherwise.
    /// [`Output::vrr_capable`] tells whether the display can; one that cannot is refused at
    /// [`Step::Prepare`]. Some drivers take the change in a modeset only: [`Frame::test`] says so
    /// with EINVAL.
    pub fn vrr(&mut self, on: bool) -> &mut Self {
        self.vrr = on;
        self
    }

    /// Makes the frame one that is shown at once, in the middle of a scan-out (tearing), if it
    /// changes nothing that such a frame may not; whether it is one now. Only the primary plane's
    /// framebuffer, in-fence and damage may change, and the device must have asynchronous flips
    /// ([`Output::can_flip_asynchronously`]). The kernel may still refuse it. Such a frame has no
    /// out-fence: what it replaces is free at its flip. Source: `drm_atomic_set_property`.
    pub fn try_asynchronous(&mut self) -> bool {
        let able = self.kind == FrameKind::Flip && self.wrong.is_none() && self.output.can_flip_asynchronously();
        if able && self.asynchronous_refusal().is_none() {
            self.kind = FrameKind::Asynchronous;
        }
        self.kind == FrameKind::Asynchronous
    }

    /// Asks for the pixels of this very frame in `fb`, which must be as large as the mode and of a
    /// format in [`Writeback::formats`]; the caller keeps it until [`Committed::writeback`]
    /// signals. The first job of a connector puts it onto the CRTC, which the kernel counts as a
    /// modeset: the image may go away for a moment. It stays there until the next modeset without a
    /// job. Refused at [`Step::Prepare`] where the connector cannot use this CRTC.
    pub fn writeback(&mut self, connector: &Writeback, fb: FramebufferId) -> &mut Self {
        self.writeback = Some(connector.job(fb));
        connector.name_in(&mut self.output.names);
        self
    }

    /// What the CRTC is to do to the image; without this, as before. Sent only where it changes
    /// something.
    pub fn crtc(&mut self, state: CrtcState) -> &mut Self {
        self.head.crtc = state;
        self
    }

    /// What the connector is to tell its display; without this, as before. Sent only where it
    /// changes something. Drivers take some of it with a modeset only, and refuse it else (EINVAL):
    /// a test says which.
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
        if let Some(extra) = self.extras.get_mut(plane) {
            self.output.tracker.clear(plane);
            *extra = CommitOnly::default();
        }
        self
    }

    /// What the frame asks of each plane that shows something, with the plane's index and whether it
    /// goes with an in-fence. After the commit [`Output::on_planes`] says the same.
    pub fn asked(&self) -> impl Iterator<Item = (usize, &Shown<P>, bool)> {
        let planes = (0..self.planes()).zip(&self.extras);
        planes.filter_map(|(at, extra)| Some((at, self.output.tracker.next(at)?, extra.in_fence.is_some())))
    }

    /// Asks the kernel whether it could show the frame, changing nothing. May be called any number
    /// of times, also while a commit is in flight.
    pub fn test(&mut self) -> Result<(), CommitError> {
        self.run(Submission::Test).map(drop)
    }

    /// Commits the frame, without blocking, with an out-fence (none with asynchronous flips, which
    /// may not have one), and with a flip event that carries `user_data`, which is to be unique
    /// among the commits of the device. A modeset is done when that event comes. On an error
    /// nothing has changed; EBUSY: a commit of this CRTC, or of a plane or connector that it takes
    /// over, has not reached the screen.
    pub fn commit(mut self, user_data: u64) -> Result<Committed, CommitError> {
        let result = self.run(Submission::Commit(user_data));
        if result.is_err() {
            self.cancel();
        }
        result
    }

    /// Gives the frame up, after a test for example: what it would have shown is let go.
    pub fn cancel(self) {
        self.output.tracker.abandon();
    }

    /// Prepare, ask, and apply or roll back: with [`together`] the only place where an output's
    /// state changes.
    fn run(&mut self, submission: Submission) -> Result<Committed, CommitError> {
        self.check(submission)?;
        // Taken out while it is filled, so that its memory is used again.
        let mut request = std::mem::take(&mut self.output.request);
        request.clear();
        self.write_leftovers(&mut request);
        self.write(&mut request, submission);
        request.finish();
        let user_data = if let Submission::Commit(user_data) = submission { user_data } else { 0 };
        let asked = self.output.device.kernel().atomic(&mut request, self.flags(submission), user_data);
        let result = match (asked, submission) {
            // Roll back: the output's state was not touched.
            (Err(errno), _) => Err(self.refusal(errno, submission, request.display(&self.output.names).to_string())),
            (Ok(()), Submission::Test) => Ok(Committed { out_fence: None, writeback: None }),
            (Ok(()), Submission::Commit(user_data)) => Ok(self.apply(&mut request, user_data)),
        };
        self.output.request = request;
        result
    }

    fn refusal(&self, errno: Errno, submission: Submission, request: String) -> CommitError {
        let step = if submission == Submission::Test { Step::Test } else { Step::Commit };
        let detail = match self.kind {
            FrameKind::Flip => "refused",
            FrameKind::Asynchronous => "asynchronous flip refused",
            FrameKind::Modeset => "modeset refused",
            FrameKind::Wake => "turning on refused",
            FrameKind::Sleep | FrameKind::Off => "turning off refused",
        };
        let error = CommitError { output: self.output.name.clone(), step, errno, detail: detail.to_owned(), request };
        tracing::debug!(%error, "atomic");
        error
    }

    /// Whether a flip event comes of it: the kernel refuses to send one for a CRTC that was off and
    /// stays so.
    fn has_event(&self) -> bool {
        self.kind != FrameKind::Off || self.output.tracker.power() == Power::Lit
    }

    fn flags(&self, submission: Submission) -> u32 {
        let output = &*self.output;
        let attaches =
            self.writeback.is_some_and(|job| output.writeback.is_none_or(|on| on.connector != job.connector));
        let mut flags = match self.kind {
            FrameKind::Flip if attaches => ALLOW_MODESET,
            FrameKind::Flip => 0,
            FrameKind::Asynchronous => PAGE_FLIP_ASYNC,
            FrameKind::Modeset | FrameKind::Wake | FrameKind::Sleep | FrameKind::Off => ALLOW_MODESET,
        };
        flags |= if submission == Submission::Test { TEST_ONLY } else { NONBLOCK };
        if submission != Submission::Test && self.has_event() {
            flags |= PAGE_FLIP_EVENT;
        }
        flags
    }

    /// The kernel took it.
    fn apply(&mut self, request: &mut Request, user_data: u64) -> Committed {
        let (event, output) = (self.has_event(), &mut *self.output);
        let power = match self.kind {
            FrameKind::Off => Power::Unset,
            FrameKind::Sleep => Power::Asleep,
            FrameKind::Flip | FrameKind::Asynchronous | FrameKind::Modeset | FrameKind::Wake => Power::Lit,
        };
        output.tracker.committed(power, event.then_some(user_data));
        if self.kind != FrameKind::Off {
            output.head = std::mem::take(&mut self.head);
        }
        output.vrr = self.vrr && self.kind != FrameKind::Off;
        match self.kind {
            FrameKind::Modeset => {
                output.leftovers.clear();
                output.writeback = self.writeback;
            }
            FrameKind::Off => output.writeback = None,
            _ => output.writeback = self.writeback.or(output.writeback),
        }
        let out_fence = request.take_out_fence(output.crtc).map(SyncFile::unchecked);
        let connector = self.writeback.map(|job| job.connector);
        let writeback = connector.and_then(|connector| request.take_out_fence(connector)).map(SyncFile::unchecked);
        Committed { out_fence, writeback }
    }

    /// What needs no kernel to be refused.
    fn check(&self, submission: Submission) -> Result<(), CommitError> {
        let refuse = |step, errno: Errno, detail: String| {
            Err(CommitError { output: self.output.name.clone(), step, errno, detail, request: String::new() })
        };
        if let Some(InvalidPlane { plane, what }) = self.wrong {
            let id = self.output.planes.get(plane).map_or(0, |plane| plane.id.raw());
            return refuse(Step::Prepare, Errno::INVAL, format!("plane {plane} (object {id}): {what}"));
        }
        if let Some(what) = self.head.crtc.unsupported(&self.output.crtc_props) {
            return refuse(Step::Prepare, Errno::INVAL, format!("crtc {}: {what}", self.output.crtc));
        }
        if let Some(what) = self.head.connector.unsupported(&self.output.connector_props) {
            return refuse(Step::Prepare, Errno::INVAL, format!("connector {}: {what}", self.output.connector));
        }
        if let (Submission::Commit(_), Some(user_data)) = (submission, self.output.in_flight()) {
            return refuse(Step::State, Errno::BUSY, format!("commit {user_data} is in flight"));
        }
        if !matches!(self.kind, FrameKind::Modeset | FrameKind::Off) && self.output.needs_modeset() {
            return refuse(Step::State, Errno::INVAL, "no mode is set".to_owned());
        }
        if self.output.is_asleep() && matches!(self.kind, FrameKind::Flip | FrameKind::Asynchronous | FrameKind::Sleep)
        {
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
            && job.possible_crtcs & self.output.crtc_index.bit() == 0
        {
            let why = format!("writeback connector {} cannot use CRTC {}", job.connector, self.output.crtc);
            return refuse(Step::Prepare, Errno::INVAL, why);
        }
        // Asked of asynchronous flips alone: the answer is text.
        let asynchronous = self.kind == FrameKind::Asynchronous;
        match asynchronous.then(|| self.asynchronous_refusal()).flatten() {
            Some(why) => refuse(Step::Prepare, Errno::INVAL, why),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod kind_tests;
#[cfg(test)]
mod tests;
