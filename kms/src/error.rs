//! Errors of the commit path and of setting up an output. Errors of single calls are
//! [`dmabuf_import::CallError`].
//!
//! A fence that failed is never one of these.

use rustix::io::Errno;

use crate::CallError;
use crate::id::ConnectorId;

/// Where a frame stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A commit of this output is still in flight, or its state is unknown: nothing was asked of
    /// the kernel.
    State,
    /// The plane states cannot be expressed (no such plane, no such property): nothing was asked of
    /// the kernel.
    Prepare,
    /// The kernel refused a TEST_ONLY commit.
    Test,
    /// The kernel refused the commit.
    Commit,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::State => "state",
            Step::Prepare => "prepare",
            Step::Test => "test",
            Step::Commit => "commit",
        })
    }
}

/// A frame that was refused. The output is exactly as it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{output}: {step}: {detail}: {errno}{}{request}", if request.is_empty() { "" } else { ": " })]
pub struct CommitError {
    /// Name of the connector.
    pub output: String,
    /// Where it stopped.
    pub step: Step,
    /// What the kernel answered, or what it would have: EBUSY for [`Step::State`], EINVAL for
    /// [`Step::Prepare`].
    ///
    /// From the kernel: EINVAL (the driver cannot do this), EBUSY (the CRTC has a commit in
    /// flight), ENOSPC (no bandwidth or scaler), EPERM (NVIDIA before 560.35.03 refuses
    /// `IN_FENCE_FD`), EACCES (no longer master), ENODEV (unplugged), ENOENT (an object is gone),
    /// ERANGE (off the limits), ENOMEM.
    pub errno: Errno,
    /// What was being done, in words.
    pub detail: String,
    /// The request as sent, one `object.property=value` after the other; empty if none was sent.
    pub request: String,
}

/// Why an output could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// The inventory has no connector of this id.
    #[error("no connector {0}")]
    NoConnector(ConnectorId),
    /// Every CRTC that the connector could use is taken.
    #[error("{0}: no free CRTC")]
    NoCrtc(String),
    /// The CRTC has no free primary plane.
    #[error("{0}: no free primary plane")]
    NoPrimary(String),
    /// A property without which nothing can be shown is missing.
    #[error("{object} has no property {property}")]
    MissingProperty {
        /// The object, as `plane 31`.
        object: String,
        /// The property.
        property: &'static str,
    },
    /// The kernel refused a call.
    #[error(transparent)]
    Call(#[from] CallError),
}
