//! What can go wrong with display CRCs, one clear line each.

use std::path::PathBuf;

use rustix::io::Errno;

use crate::id::CrtcIndex;

/// Why the helper that opens CRCs for ordinary users does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHelper {
    /// Nothing listens there.
    #[error("which does not listen at {0}: install it, then systemctl enable --now syncline-crcd.socket (docs/crc.md)")]
    NotThere(PathBuf),
    /// It serves others.
    #[error(
        "which does not serve this user: join the group that {0} belongs to (usermod -aG syncline USER), then log in again"
    )]
    NotAllowed(PathBuf),
    /// It has tried, and the kernel has refused it too.
    #[error("which has no permission either ({0})")]
    Refused(Errno),
    /// It does not answer as it should.
    #[error("which does not answer at {path}: {call}: {errno}")]
    Broken {
        /// Its socket.
        path: PathBuf,
        /// The call that failed.
        call: &'static str,
        /// Why.
        errno: Errno,
    },
}

/// Why CRCs cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrcError {
    /// There is no `dri` directory: debugfs is not mounted.
    #[error("debugfs is not mounted at {0} (mount -t debugfs none {0})")]
    NoDebugfs(PathBuf),
    /// debugfs is for root (or `CAP_DAC_OVERRIDE`) only, and the helper that may enter it does not
    /// help.
    #[error("no permission for {path}: display CRCs need CAP_DAC_OVERRIDE or the helper syncline-crcd, {helper}")]
    Permission {
        /// The file or folder.
        path: PathBuf,
        /// What the helper lacks.
        helper: NoHelper,
    },
    /// The kernel is locked down (Secure Boot): nobody may open debugfs files that can be written
    /// to (EPERM), whatever their rights.
    #[error(
        "{0}: the kernel is locked down (Secure Boot), so that nobody may choose a CRC source, root neither; only the one that is set, auto, can be read"
    )]
    Lockdown(PathBuf),
    /// The driver has no CRCs for this CRTC.
    #[error("{device}: no display CRCs at CRTC {crtc} (the driver offers none)")]
    Unsupported {
        /// Path of the device.
        device: String,
        /// Index of the CRTC.
        crtc: CrtcIndex,
    },
    /// The driver has no such source.
    #[error("unknown CRC source {wanted}; this driver has {known}")]
    UnknownSource {
        /// What was asked for.
        wanted: String,
        /// What there is, with commas.
        known: String,
    },
    /// The CRTC scans nothing out (EIO).
    #[error("CRTC {0} is off: set a mode first")]
    CrtcOff(CrtcIndex),
    /// Somebody else reads the CRCs of this CRTC (EBUSY).
    #[error("{path} is busy: {} reads the CRCs of this CRTC", .holder.as_deref().unwrap_or("another program"))]
    Busy {
        /// The file.
        path: PathBuf,
        /// Command and process id, if /proc tells.
        holder: Option<String>,
    },
    /// The kernel's ring was full, so entries were lost: they were read too slowly.
    #[error("{path}: CRC entries were lost ({lost} frames without one): they were read too slowly")]
    Overflow {
        /// The file.
        path: PathBuf,
        /// Frames without an entry.
        lost: u32,
    },
    /// A blocking read ended at its limit.
    #[error("{path}: no CRC within {ms} ms: does CRTC {crtc} scan out, and does this source give CRCs?")]
    Timeout {
        /// The file.
        path: PathBuf,
        /// The limit.
        ms: u128,
        /// Index of the CRTC.
        crtc: CrtcIndex,
    },
    /// A line of another form than the kernel documents.
    #[error("unexpected CRC line {0:?}")]
    Line(String),
    /// Any other refusal.
    #[error("{call} on {path}: {errno}")]
    Call {
        /// The call.
        call: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
}
