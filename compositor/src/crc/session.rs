//! CRCs of one output: the open stream, the frames that wait for their entries, and what was counted.
//!
//! Never looks at pixels ([`super::predict`] does), and never decides when to arm ([`super::switch`] does).

use std::os::fd::{AsFd, BorrowedFd};

use fence::{Ns, SyncFile};
use kms::crc::{
    CrcEntry, CrcError, CrcStream,
    driver::{self, Numbers},
    pair::{Rule, ShownFrame},
    vkms::{Encoding, Range},
};
use serde::{Deserialize, Serialize};

use super::{
    change::{ChangeKind, Evidence},
    check::Suspect,
    judge::{Finding, Judge, Predicted, Verdict},
    predict::Arithmetic,
};

/// What was counted since CRCs were turned on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub equal: u64,
    pub different: u64,
    pub read: u64,
    pub unpredicted: u64,
    pub ambiguous: u64,
    pub unread: u64,
    pub settling: u64,
    /// The screen changed while a frame was on it: see [`ChangeKind`].
    pub early_releases: u64,
    pub written_in_use: u64,
    pub changed_otherwise: u64,
}

impl Counts {
    pub(super) fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Equal => &mut self.equal,
            Verdict::Different => &mut self.different,
            Verdict::Read => &mut self.read,
            Verdict::Unpredicted => &mut self.unpredicted,
            Verdict::Ambiguous => &mut self.ambiguous,
            Verdict::Unread => &mut self.unread,
            Verdict::Settling => &mut self.settling,
        } += 1;
    }

    pub(super) fn add_change(&mut self, kind: ChangeKind) {
        *match kind {
            ChangeKind::EarlyRelease => &mut self.early_releases,
            ChangeKind::WrittenInUse => &mut self.written_in_use,
            ChangeKind::Ours => &mut self.changed_otherwise,
        } += 1;
    }
}

/// An output whose CRCs are wanted.
#[derive(Debug)]
pub struct OutputCrc {
    pub(super) source: String,
    pub(super) arithmetic: Arithmetic,
    /// YUV matrix and range of each plane (object id) as the session found them; it does not set them.
    yuv: Vec<(u32, (Encoding, Range))>,
    pub(super) session: Option<Session>,
    /// To be armed, or armed anew after a modeset, as soon as no commit is under way and vblanks run.
    pub(super) waits_since: Option<Ns>,
    /// Why it could not be armed.
    pub(super) failed: Option<String>,
    pub(super) counts: Counts,
    /// Entries read, and frames without one, of sessions before.
    pub(super) entries: u64,
    pub(super) gaps: u64,
}

impl OutputCrc {
    /// Wants the CRCs of `source`; waits to be armed.
    pub(super) fn new(source: &str, output: &kms::Output, inventory: &kms::Inventory, now: Ns) -> Self {
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

    /// YUV matrix and range that a plane has if a frame does not say.
    pub fn yuv(&self, plane: u32) -> (Encoding, Range) {
        self.yuv.iter().find(|(id, _)| *id == plane).map(|(_, yuv)| *yuv).unwrap_or_default()
    }

    /// Entries are read and belong to frames of now.
    pub fn is_on(&self) -> bool {
        self.session.is_some() && self.waits_since.is_none()
    }

    /// Closes the stream; what was counted stays.
    pub(super) fn close(&mut self) {
        if let Some(session) = self.session.take() {
            self.entries += session.entries;
            self.gaps += session.stream.gaps();
        }
    }
}

fn yuv_of(inventory: &kms::Inventory, plane: u32) -> (Encoding, Range) {
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

/// From one arming to the next.
#[derive(Debug)]
pub struct Session {
    pub(super) stream: CrcStream,
    pub(super) judge: Judge<Option<Evidence>>,
    last: Option<CrcEntry>,
    /// Clients' buffers of the newest frame.
    suspects: Vec<Suspect>,
    pub(super) entries: u64,
}

impl Session {
    /// Of an armed stream; `period` from vblank to vblank in ns.
    pub(super) fn new(stream: CrcStream, device: &kms::Device, source: &str, period: u64) -> Self {
        let rule = rule(device.driver(), source, period);
        Self { stream, judge: Judge::new(rule), last: None, suspects: Vec::new(), entries: 0 }
    }

    /// A frame is on the screen.
    pub(super) fn shown(&mut self, shown: ShownFrame, predicted: Predicted, steady: bool, suspects: Vec<Suspect>) {
        self.judge.shown(shown, predicted, steady);
        self.suspects = suspects;
    }

    /// Something is on the screen that nobody knows of.
    pub(super) fn lost_track(&mut self) {
        self.judge.reset();
        self.suspects.clear();
    }

    /// Reads what is there. `out_fence`: of the commit on its way, if there is one.
    pub(super) fn read(&mut self, now: Ns, out_fence: Option<&SyncFile>) -> Result<(), CrcError> {
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

    /// Reads and forgets: what comes between a modeset and arming anew is of neither.
    pub(super) fn drain(&mut self) {
        while let Ok(Some(_)) | Err(CrcError::Overflow { .. }) = self.stream.read_entry() {}
    }

    /// See [`Judge::next`].
    pub(super) fn next(&mut self, now: Ns) -> Option<Finding<Option<Evidence>>> {
        self.judge.next(now)
    }
}

impl AsFd for Session {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// How the entries of a source find their frames.
fn rule(name: &str, source: &str, period: u64) -> Rule {
    let known = driver::driver(name);
    // The lab's vkms has sources of single planes, without numbers.
    let plane = source.starts_with("plane") && name == "vkms";
    match known.map(|driver| driver.numbers) {
        Some(Numbers::Vblank) if plane => Rule::after_flip(period),
        Some(Numbers::Vblank) => Rule::number(period),
        // Of an unknown driver's numbers nobody knows what they count.
        Some(Numbers::Own | Numbers::None) | None => Rule::after_scanout(period),
    }
}
