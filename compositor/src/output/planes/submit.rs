//! Builds one atomic request from the plane requests of a frame, and tests or commits it.

use std::{os::fd::AsFd, sync::Arc};

use fence::SyncFile;
use kms::Rect;
use smallvec::SmallVec;

use crate::{
    output::{
        planes::{
            record::trace_planes,
            request::{Held, InFence, OnPlane, PlaneRequest},
        },
        state::Output,
    },
    render::Target,
    surface::content::{AcquireLock, Content},
    system::trace,
};

/// Whether to test or to commit the request.
pub enum Submit<'a> {
    /// TEST_ONLY.
    Test,
    Commit {
        frame: u64,
        modeset: bool,
        asynchronous: bool,
        /// The buffer that the writeback connector puts the image into.
        image: Option<&'a Target>,
    },
}

/// What the kernel was asked for, and what came of it. The state that each plane was asked for is
/// from then on that of [`kms::Output::on_planes`].
#[derive(Debug, Default)]
pub struct Submitted {
    /// Of the commit; the caller owns it.
    pub out_fence: Option<SyncFile>,
    /// Signals when the image is in its buffer; the caller owns it. `None`: it is not put there.
    pub image: Option<SyncFile>,
    /// The flip tears.
    pub tears: bool,
}

/// Tests or commits the planes in `requests`, with the damage that each has in `rects`; a plane
/// that is not in `requests` is turned off. `signalled` goes with planes that wait for nothing.
/// While the trace is on, `asked` becomes what a commit asks of the planes, whether the kernel takes
/// it or not.
pub fn submit(
    output: &mut Output,
    device: &kms::Device,
    requests: &[PlaneRequest],
    rects: &[Rect],
    signalled: Option<&SyncFile>,
    how: Submit<'_>,
    asked: &mut Vec<trace::PlaneEvent>,
) -> Result<Submitted, kms::CommitError> {
    let (count, id) = (output.kms.planes().len(), output.id);
    // Until the call has returned: the kernel then has a reference of its own to each fence.
    let lent = lend_acquires(requests);
    let mut frame = match how {
        Submit::Commit { modeset: true, .. } => output.kms.modeset(),
        _ if output.machine.is_dark() => output.kms.wake(),
        _ => output.kms.frame(),
    };
    frame.connector(output.settings.state.clone()).crtc(output.colour.state.clone());
    // It keeps its memory for the kernel, and the kernel keeps the framebuffer.
    if let (Submit::Commit { image: Some(image), .. }, Some(connector)) = (&how, &output.writeback)
        && let Some(framebuffer) = image.framebuffer(device)
    {
        frame.writeback(connector, framebuffer.id());
    }
    for plane in 0..count {
        let Some(request) = requests.iter().find(|r| r.plane == plane) else {
            frame.clear(plane);
            continue;
        };
        let framebuffer = match &request.show {
            OnPlane::Target(target) => target.framebuffer(device),
            OnPlane::Content(content) => content.framebuffer(device),
        };
        let Some(framebuffer) = framebuffer else { continue };
        let Some(on) = frame.plane(plane) else { continue };
        let mut state = request.state(framebuffer.id(), on);
        state.in_fence = match (&request.fence, &request.show) {
            (Some(InFence::Pass(fence)), _) => Some(fence.as_fd()),
            (Some(InFence::Acquire), OnPlane::Content(content)) => {
                lent.iter().find(|(of, _)| Arc::ptr_eq(of, content)).and_then(|(_, acquire)| acquire.fence())
            }
            _ => None,
        };
        if matches!(request.fence, Some(InFence::Signalled)) {
            state.no_wait = signalled.map(AsFd::as_fd);
        }
        state.damage = rects.get(request.damage.clone()).unwrap_or_default();
        frame.show(plane, state, Held { show: request.show.clone(), mark: request.mark });
    }
    match how {
        Submit::Test => {
            let result = frame.test();
            frame.cancel();
            result.map(|()| Submitted::default())
        }
        Submit::Commit { frame: number, asynchronous, .. } => {
            let tears = asynchronous && frame.try_asynchronous();
            if trace::enabled() {
                *asked = trace_planes(&frame);
            }
            let committed = frame.commit(crate::output::card::light::user_data(id, number))?;
            Ok(Submitted { out_fence: committed.out_fence, image: committed.writeback, tears })
        }
    }
}

/// Keeps the acquire fences as they are that go to the kernel with these requests. A content that
/// is on several planes is locked once.
fn lend_acquires(requests: &[PlaneRequest]) -> SmallVec<[(&Arc<Content>, AcquireLock<'_>); 8]> {
    let mut lent = SmallVec::<[(&Arc<Content>, AcquireLock<'_>); 8]>::new();
    for request in requests {
        if let (Some(InFence::Acquire), OnPlane::Content(content)) = (&request.fence, &request.show)
            && !lent.iter().any(|(of, _)| Arc::ptr_eq(of, content))
        {
            lent.push((content, content.lock_acquire()));
        }
    }
    lent
}
