//! The screen changed without a flip: which client has written into a buffer that the display
//! reads?
//!
//! A client may write to a buffer once its release has signalled. If the display still reads the
//! buffer then, the release came too early, and whoever signalled it is at fault. If the buffer has
//! not been released, the client is at fault, and the image tears. The state of the releases is
//! checked when the CRC is read, before anything else can change it.
//!
//! With several clients on planes it is unknown which of them wrote, so all suspects are named.
//! Nothing here releases a buffer or disconnects a client.

use std::fmt;

use fence::SyncFile;
use kms::{PlaneId, crc::CrcEntry};
use serde::{Deserialize, Serialize};

use crate::{crc::check::Suspect, report::fences::Owner};

/// The state of the release of a buffer on the screen when the screen changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseState {
    /// The buffer was not released.
    Held,
    /// This compositor released the buffer, and the release has signalled.
    Released,
    /// The release point has signalled, although this compositor has not released the buffer: the
    /// client, or another process that shares its timeline, signalled it.
    SignalledByOthers,
}

/// Why the screen changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A buffer on the screen had been released, so its client was free to write to it.
    EarlyRelease,
    /// A client wrote into a buffer that was not released.
    WrittenInUse,
    /// No client's buffer was on a plane: the cause is the compositor or the display.
    Ours,
}

/// A client's buffer that was on the screen when the screen changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspectReport {
    /// The surface, commit and client that the buffer belongs to.
    #[serde(flatten)]
    pub owner: Owner,
    /// As in the trace.
    pub buffer: u64,
    /// DRM object id.
    pub plane: PlaneId,
    /// The state of the buffer's release when the CRC was read.
    pub release: ReleaseState,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When the change was noticed, ns of CLOCK_MONOTONIC.
    pub at_ns: u64,
    /// Connector.
    pub output: String,
    /// The number of the frame that was on the screen, as in the trace.
    pub frame: u64,
    /// The kernel's sequence number of the vblank whose scan-out differs, if the driver numbers its
    /// CRCs.
    pub sequence: Option<u32>,
    /// The values of the CRC before the change.
    pub before: Vec<u32>,
    /// The values of the CRC after the change.
    pub after: Vec<u32>,
    pub kind: ChangeKind,
    /// The buffers that may have been written to; only the released ones, if there are any.
    pub suspects: Vec<SuspectReport>,
}

/// The state of the suspects, recorded when a CRC differs from the previous one of the same frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence(Vec<SuspectReport>);

impl Evidence {
    /// Records the state of the suspects of the frame on the screen. `out_fence` is that of the
    /// commit that replaces it, if one is in flight.
    pub fn of(suspects: &[Suspect], out_fence: Option<&SyncFile>) -> Self {
        let report = |suspect: &Suspect| SuspectReport {
            owner: Owner { surface: suspect.surface, commit: suspect.commit, ..Owner::default() },
            buffer: suspect.buffer,
            plane: suspect.plane,
            release: state(suspect, out_fence),
        };
        Self(suspects.iter().map(report).collect())
    }

    /// The kind of the change, and the suspects that remain.
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
    let released = suspect.content.upgrade().is_none_or(|content| content.is_released());
    let signalled = match &suspect.point {
        Some(point) => point.is_signalled().unwrap_or(false),
        // A buffer that was released with a fence is free when the fence signals;
        // `wl_buffer.release` carries none and is sent after the flip.
        None => released && out_fence.is_none_or(SyncFile::is_signalled),
    };
    match (released, signalled) {
        (_, false) => ReleaseState::Held,
        (true, true) => ReleaseState::Released,
        (false, true) => ReleaseState::SignalledByOthers,
    }
}

impl Change {
    /// Makes a report; its kind and suspects come from `evidence`.
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
                ReleaseState::SignalledByOthers => ", whose release point was signalled by another process",
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
        SuspectReport { owner: Owner { surface, ..Owner::default() }, buffer: 1, plane: PlaneId::from_raw(31), release }
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
    fn the_log_line_names_every_suspect() {
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
