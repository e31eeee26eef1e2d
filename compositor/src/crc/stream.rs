//! The CRCs of one output: the open stream, the frames that wait for their entries, and the
//! counters.
//!
//! Nothing here reads pixels ([`crate::crc::predict`] does) or decides when to arm
//! ([`crate::session::crc::switch`] does).

use std::os::fd::{AsFd, BorrowedFd};

use fence::{Ns, SyncFile};
use kms::{
    PlaneId,
    crc::{
        CrcEntry, CrcError, CrcStream, driver,
        pair::{Rule, ShownFrame},
        vkms::{Encoding, Range},
    },
};
use serde::{Deserialize, Serialize};

use crate::crc::{
    change::{ChangeKind, Evidence},
    check::Suspect,
    judge::{CrcVerdict, Finding, Judge, Predicted},
    predict::Arithmetic,
};

/// Frames by verdict, and changes of the screen by kind, since CRCs were turned on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub equal: u64,
    pub different: u64,
    pub read: u64,
    pub unpredicted: u64,
    pub ambiguous: u64,
    pub unread: u64,
    pub settling: u64,
    /// Changes of the screen while a frame was shown: see [`ChangeKind`].
    pub early_releases: u64,
    pub written_in_use: u64,
    pub changed_otherwise: u64,
}

impl Counts {
    /// Counts a frame.
    pub fn add(&mut self, verdict: CrcVerdict) {
        *match verdict {
            CrcVerdict::Equal => &mut self.equal,
            CrcVerdict::Different => &mut self.different,
            CrcVerdict::Read => &mut self.read,
            CrcVerdict::Unpredicted => &mut self.unpredicted,
            CrcVerdict::Ambiguous => &mut self.ambiguous,
            CrcVerdict::Unread => &mut self.unread,
            CrcVerdict::Settling => &mut self.settling,
        } += 1;
    }

    /// Counts a change of the screen.
    pub fn add_change(&mut self, kind: ChangeKind) {
        *match kind {
            ChangeKind::EarlyRelease => &mut self.early_releases,
            ChangeKind::WrittenInUse => &mut self.written_in_use,
            ChangeKind::Ours => &mut self.changed_otherwise,
        } += 1;
    }
}

/// The CRCs of an output for which they are turned on.
#[derive(Debug)]
pub struct OutputCrc {
    /// The CRC source, as the kernel names it.
    pub source: String,
    pub arithmetic: Arithmetic,
    /// YUV matrix and range of each plane (object id), as the session found them; it does not set
    /// them.
    yuv: Vec<(PlaneId, (Encoding, Range))>,
    /// The open stream; `None` while CRCs are not armed.
    pub session: Option<ArmedStream>,
    /// Set while CRCs wait to be armed, or armed again after a modeset, which is done as soon as no
    /// commit is in flight and vblanks run.
    pub waits_since: Option<Ns>,
    /// Why CRCs could not be armed.
    pub failed: Option<String>,
    pub counts: Counts,
    /// Entries read, and frames without one, of the streams that were closed.
    pub entries: u64,
    pub gaps: u64,
}

impl OutputCrc {
    /// Turns on the CRCs of `source`; they wait to be armed.
    pub fn new<P>(source: &str, output: &kms::Output<P>, inventory: &kms::Inventory, now: Ns) -> Self {
        let yuv = output.planes().iter().map(|plane| (plane.id, yuv_of(inventory, plane.id))).collect();
        Self {
            source: source.to_owned(),
            arithmetic: Arithmetic::of(output.device(), source),
            yuv,
            session: None,
            waits_since: Some(now),
            failed: None,
            counts: Counts::default(),
            entries: 0,
            gaps: 0,
        }
    }

    /// YUV matrix and range of a plane if a frame does not set them.
    pub fn yuv(&self, plane: PlaneId) -> (Encoding, Range) {
        self.yuv.iter().find(|(id, _)| *id == plane).map(|(_, yuv)| *yuv).unwrap_or_default()
    }

    /// Whether CRCs are armed and entries belong to the frames that are shown now.
    pub fn is_on(&self) -> bool {
        self.session.is_some() && self.waits_since.is_none()
    }

    /// Closes the stream; the counters stay.
    pub fn close(&mut self) {
        if let Some(session) = self.session.take() {
            self.entries += session.entries;
            self.gaps += session.stream.gaps();
        }
    }
}

fn yuv_of(inventory: &kms::Inventory, plane: PlaneId) -> (Encoding, Range) {
    let props = inventory.planes.iter().find(|about| about.id == plane).map(|about| &about.props);
    let name = |property| props.and_then(|props| props.value_name(property));
    let encoding = match name("COLOR_ENCODING") {
        Some(name) if name.contains("709") => Encoding::Bt709,
        Some(name) if name.contains("2020") => Encoding::Bt2020,
        _ => Encoding::Bt601,
    };
    let limited = name("COLOR_RANGE").is_some_and(|name| name.contains("limited"));
    (encoding, if limited { Range::Limited } else { Range::Full })
}

/// An armed stream, until CRCs are armed again or turned off.
#[derive(Debug)]
pub struct ArmedStream {
    pub stream: CrcStream,
    pub judge: Judge<Option<Evidence>>,
    last: Option<CrcEntry>,
    /// The clients' buffers of the newest frame.
    suspects: Vec<Suspect>,
    pub entries: u64,
}

impl ArmedStream {
    /// Wraps an armed stream. `period`: the vblank period in ns.
    pub fn new(stream: CrcStream, device: &kms::Device, source: &str, period: u64) -> Self {
        let rule = Rule::of(driver::of(device.driver_info()), source, period);
        Self { stream, judge: Judge::new(rule), last: None, suspects: Vec::new(), entries: 0 }
    }

    /// Adds a frame that was flipped: see [`Judge::shown`].
    pub fn shown(&mut self, shown: ShownFrame, predicted: Predicted, steady: bool, suspects: Vec<Suspect>) {
        self.judge.shown(shown, predicted, steady);
        self.suspects = suspects;
    }

    /// Something unknown is on the screen: forgets all frames.
    pub fn lost_track(&mut self) {
        self.judge.reset();
        self.suspects.clear();
    }

    /// Reads all available entries. `out_fence`: that of the commit in flight, if there is one.
    /// Error: the stream is broken.
    pub fn read(&mut self, now: Ns, out_fence: Option<&SyncFile>) -> Result<(), CrcError> {
        loop {
            let entry = match self.stream.read_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(()),
                Err(error @ CrcError::Overflow { .. }) => {
                    tracing::warn!("{error}");
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.entries += 1;
            let changed = self.last.is_some_and(|last| last.values() != entry.values());
            let evidence = (changed && self.judge.repeats(&entry)).then(|| Evidence::of(&self.suspects, out_fence));
            self.last = Some(entry);
            self.judge.entry(entry, now, evidence);
        }
    }

    /// Reads and drops all available entries: those between a modeset and the next arming belong to
    /// no known frame.
    pub fn drain(&mut self) {
        while let Ok(Some(_)) | Err(CrcError::Overflow { .. }) = self.stream.read_entry() {}
    }

    /// See [`Judge::next`].
    pub fn next(&mut self, now: Ns) -> Option<Finding<Option<Evidence>>> {
        self.judge.next(now)
    }
}

impl AsFd for ArmedStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
