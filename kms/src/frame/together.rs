//! Frames of several outputs in one request: the kernel takes all of them or none.
//!
//! For modesets: displays that share bandwidth or clocks are judged together, and one that has the
//! CRTC of another can give it up in the same commit. Not for frames, which would then wait for the
//! slowest display.

use crate::request::Request;
use crate::{CommitError, Step};

use super::{Committed, Errno, Frame, Submission};

/// Asks the kernel whether it would take all the frames at once; changes nothing.
///
/// Errors as of [`commit`].
pub fn test<P: PartialEq>(frames: &mut [Frame<'_, P>]) -> Result<(), CommitError> {
    run(frames, Submission::Test).map(drop)
}

/// Commits frames of different outputs of one device, all or none, without blocking. Each output
/// gets a flip event of its own, all with `user_data`. What each commit gave is in the order of the
/// frames.
///
/// Errors as of [`Frame::commit`], with the names of all outputs where the kernel refused; EINVAL
/// at [`Step::Prepare`]: no frame, frames of two devices, or frames that cannot share a request
/// (asynchronous ones with others).
pub fn commit<P: PartialEq>(frames: &mut [Frame<'_, P>], user_data: u64) -> Result<Vec<Committed>, CommitError> {
    run(frames, Submission::Commit(user_data))
}

fn run<P: PartialEq>(frames: &mut [Frame<'_, P>], submission: Submission) -> Result<Vec<Committed>, CommitError> {
    let Some((first, others)) = frames.split_first() else {
        let (output, detail, request) = (String::new(), "no frame".to_owned(), String::new());
        return Err(CommitError { output, step: Step::Prepare, errno: Errno::INVAL, detail, request });
    };
    let device = first.output.device.clone();
    let shares = |frame: &Frame<'_, P>| {
        frame.output.device.is(&device)
            && frame.is_asynchronous() == first.is_asynchronous()
            && frame.has_event() == first.has_event()
    };
    if let Some(odd) = others.iter().find(|frame| !shares(frame)) {
        let (output, request) = (odd.output.name.clone(), String::new());
        let detail = format!("cannot share a request with {}", first.output.name);
        return Err(CommitError { output, step: Step::Prepare, errno: Errno::INVAL, detail, request });
    }
    for frame in &*frames {
        frame.check(submission)?;
    }
    let mut request = Request::default();
    for frame in &*frames {
        frame.write_leftovers(&mut request);
    }
    for frame in &mut *frames {
        frame.write(&mut request, submission);
    }
    request.finish();
    let flags = frames.iter().fold(0, |flags, frame| flags | frame.flags(submission));
    let user_data = if let Submission::Commit(user_data) = submission { user_data } else { 0 };
    if let Err(errno) = device.kernel().atomic(&mut request, flags, user_data) {
        let mut names = crate::request::Names::default();
        frames.iter().for_each(|frame| names.extend(&frame.output.names));
        let text = request.display(&names).to_string();
        let output: Vec<_> = frames.iter().map(|frame| frame.output.name.as_str()).collect();
        let refusal = frames[0].refusal(errno, submission, text);
        return Err(CommitError { output: output.join(", "), ..refusal });
    }
    match submission {
        Submission::Test => Ok(Vec::new()),
        Submission::Commit(user_data) => {
            Ok(frames.iter_mut().map(|frame| frame.apply(&mut request, user_data)).collect())
        }
    }
}
