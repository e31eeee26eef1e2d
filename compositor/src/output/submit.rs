//! The wanted planes as one atomic request.

use fence::SyncFile;
use kms::{Blend, PlaneState, Rect};

use super::{OnPlane, Output, assign, present::Wanted};

/// What to ask of the kernel.
pub(super) enum Submit {
    Test,
    Commit { frame: u64, modeset: bool, asynchronous: bool },
}

/// Turns the wanted planes, and what of `rects` has changed on each, into one atomic request: its out-fence, and whether it tears.
pub(super) fn submit(
    output: &mut Output,
    device: &kms::Device,
    wanted: &[Wanted],
    rects: &[Rect],
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
        state.options.rotation = wanted.rotation;
        if let Some((encoding, range)) = wanted.colour.map(assign::in_kms) {
            // A plane that cannot be told has been chosen because it does this anyway.
            if let Some(props) = frame.plane(plane).map(|plane| &plane.props) {
                state.options.color_encoding = props.color_encoding.map(|_| encoding);
                state.options.color_range = props.color_range.map(|_| range);
            }
        }
        state.in_fence = wanted.fence.as_ref().map(std::os::fd::AsFd::as_fd);
        state.damage = rects.get(wanted.damage.clone()).unwrap_or_default();
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
