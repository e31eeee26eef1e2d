//! The screen changed although no frame was put on it: who has written into a buffer that the display reads?
//!
//! A buffer whose release has signalled is its client's again. If the display still reads it, the release came too early: that is the fault of
//! whoever signalled it. If it has not been released, the client draws where it must not, and the picture tears. The state of the releases is
//! looked at when the CRC is read, before anything else can happen to them.
//!
//! With several clients on planes nobody knows which of them wrote: all that can have done it are named.

use std::fmt;

use fence::SyncFile;
use kms::crc::CrcEntry;
use serde::{Deserialize, Serialize};

use crate::{crc::check::Suspect, report::fences::Owner};

/// How far the release of a buffer on the screen had come when it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseState {
    /// Its client has not got it back.
    Held,
    /// It was released by this compositor, and the release has signalled.
    Released,
    /// Its release point has signalled, but this compositor has not released it: its client, or who shares its timeline, did.
    SignalledByOthers,
}

/// Why the screen changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A buffer on the screen had been released: it can be drawn into, and it was.
    EarlyRelease,
    /// A client draws into a buffer that it has given away.
    WrittenInUse,
    /// No client's buffer was on a plane: it was ours, or the display.
    Ours,
}

/// A client's buffer on the screen as it was when the screen changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspectReport {
    #[serde(flatten)]
    pub owner: Owner,
    /// As in the trace.
    pub buffer: u64,
    /// DRM object id.
    pub plane: u32,
    pub release: ReleaseState,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// ns of CLOCK_MONOTONIC.
    pub at_ns: u64,
    /// Connector.
    pub output: String,
    /// The frame that was on the screen, as in the trace.
    pub frame: u64,
    /// The kernel's number of the vblank whose scan-out differs, where the driver has numbers.
    pub sequence: Option<u32>,
    pub before: Vec<u32>,
    pub after: Vec<u32>,
    pub kind: ChangeKind,
    /// Who can have done it; the released ones alone, if there are any.
    pub suspects: Vec<SuspectReport>,
}

/// Looked at when a CRC came that is another one than that of the same frame before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence(Vec<SuspectReport>);

impl Evidence {
    /// Of the frame on the screen; `out_fence` is that of the commit that replaces it, if one is on its way.
    pub fn of(suspects: &[Suspect], out_fence: Option<&SyncFile>) -> Self {
        let report = |suspect: &Suspect| SuspectReport {
            owner: Owner { surface: suspect.surface, commit: suspect.commit, ..Owner::default() },
            buffer: suspect.buffer,
            plane: suspect.plane,
            release: state(suspect, out_fence),
        };
        Self(suspects.iter().map(report).collect())
    }

    /// What the change was.
    pub fn judge(self) -> (ChangeKind, Vec<SuspectReport>) {
        let released = |suspect: &SuspectReport| suspect.release != ReleaseState::Held;
        let mut suspects = self.0;
        if suspects.iter().any(released) {
            suspects.retain(released);
            return (ChangeKind::EarlyRelease, suspects);
        }
        (if suspects.is_empty() { ChangeKind::Ours } else { ChangeKind::WrittenInUse }, suspects)
    }
}

fn state(suspect: &Suspect, out_fence: Option<&SyncFile>) -> ReleaseState {
    let ours = suspect.content.upgrade().is_none_or(|content| content.is_released());
    let signalled = match &suspect.point {
        Some(point) => point.is_signalled().unwrap_or(false),
        // Released with a fence, it is free when that signals; `wl_buffer.release` has none, and comes after the flip.
        None => ours && out_fence.is_none_or(SyncFile::is_signalled),
    };
    match (ours, signalled) {
        (_, false) => ReleaseState::Held,
        (true, true) => ReleaseState::Released,
        (false, true) => ReleaseState::SignalledByOthers,
    }
}

impl Change {
    /// A report without its kind and suspects.
    pub fn new(
        at_ns: u64,
        output: &str,
        frame: u64,
        (before, after): (&CrcEntry, &CrcEntry),
        evidence: Evidence,
    ) -> Self {
        let (kind, suspects) = evidence.judge();
        let (before, sequence) = (before.values().to_vec(), after.frame);
        Self {
            at_ns,
            output: output.to_owned(),
            frame,
            sequence,
            before,
            after: after.values().to_vec(),
            kind,
            suspects,
        }
    }
}

/// One line, for the log.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the screen changed while frame {} was on it: ", self.output, self.frame)?;
        f.write_str(match self.kind {
            ChangeKind::EarlyRelease => "released too early",
            ChangeKind::WrittenInUse => "written into while in use",
            ChangeKind::Ours => "no client's buffer was on a plane",
        })?;
        for (at, suspect) in self.suspects.iter().enumerate() {
            let Owner { surface, commit, client_pid, client_name } = &suspect.owner;
            write!(
                f,
                "{} client {} (pid {}), surface {surface}, commit {commit}, buffer {} on plane {}",
                if at == 0 { ":" } else { ", or" },
                client_name.as_deref().unwrap_or("?"),
                client_pid.unwrap_or(0),
                suspect.buffer,
                suspect.plane
            )?;
            f.write_str(match suspect.release {
                ReleaseState::Held => "",
                ReleaseState::Released => ", whose release has signalled",
                ReleaseState::SignalledByOthers => ", whose release point was signalled by somebody else",
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::id::SurfaceId;

    fn suspect(surface: SurfaceId, release: ReleaseState) -> SuspectReport {
        SuspectReport { owner: Owner { surface, ..Owner::default() }, buffer: 1, plane: 31, release }
    }

    #[test]
    fn released_buffers_are_suspected_first() {
        use ReleaseState::*;
        let judge = |states: &[ReleaseState]| {
            let all = states.iter().enumerate().map(|(at, state)| suspect(SurfaceId(at as u32), *state)).collect();
            let (kind, suspects) = Evidence(all).judge();
            (kind, suspects.iter().map(|s| s.owner.surface.0).collect::<Vec<_>>())
        };
        assert_eq!(judge(&[]), (ChangeKind::Ours, vec![]));
        assert_eq!(judge(&[Held, Held]), (ChangeKind::WrittenInUse, vec![0, 1]));
        assert_eq!(judge(&[Held, Released, SignalledByOthers]), (ChangeKind::EarlyRelease, vec![1, 2]));
    }

    #[test]
    fn the_line_names_everybody() {
        let entries = (CrcEntry::new(Some(8), &[1]), CrcEntry::new(Some(9), &[2]));
        let change = Change::new(
            5,
            "A-1",
            7,
            (&entries.0, &entries.1),
            Evidence(vec![suspect(SurfaceId(3), ReleaseState::Released)]),
        );
        assert_eq!((change.sequence, change.kind), (Some(9), ChangeKind::EarlyRelease));
        assert_eq!(
            change.to_string(),
            "A-1: the screen changed while frame 7 was on it: released too early: client ? (pid 0), surface 3, commit 0, buffer 1 on \
             plane 31, whose release has signalled"
        );
    }
}
