//! The last frames of all outputs with the verdicts of their CRCs, for `syncline msg frames`.
//!
//! A ring whose slots are reused, so that a frame costs no allocation. The names of the fields are
//! part of the interface of `--json` (docs/crc.md). It judges no frame.

use std::collections::VecDeque;

use kms::PlaneId;
use serde::{Deserialize, Serialize};

use crate::{
    crc::{
        beyond::Beyond,
        judge::{CrcVerdict, Judged},
    },
    system::id::SurfaceId,
};

/// The number of frames in the ring.
pub const RING: usize = 240;
/// The most frames in one answer. An answer must fit into the socket's buffer, because the
/// compositor does not wait for a reader.
pub const PAGE: usize = 60;

/// What a plane showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPlane {
    /// DRM object id.
    pub plane: PlaneId,
    /// The client's surface, as in the trace; absent: one of the compositor's own buffers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surface: Option<SurfaceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<u64>,
    /// As in the trace.
    pub buffer: u64,
}

/// A frame that was on a screen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRecord {
    /// Counts the frames of all outputs, from 1.
    pub serial: u64,
    /// Connector.
    pub output: String,
    /// Counts the frames of this output, as in the trace.
    pub frame: u64,
    /// The kernel's sequence number of the vblank.
    pub sequence: u64,
    /// The kernel's timestamp of the flip, ns of CLOCK_MONOTONIC.
    pub time_ns: u64,
    /// By how many vblanks the frame was late.
    pub missed: u64,
    /// A plane showed a client's own buffer.
    pub zero_copy: bool,
    /// Something was composited for it; the pointer does not count.
    pub rendered: bool,
    /// It was flipped in the middle of a scan-out.
    pub tears: bool,
    pub planes: Vec<ShownPlane>,
    /// `None`: CRCs were off at that time.
    pub crc: Option<FrameCrc>,
}

/// The CRC of a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameCrc {
    /// The values from the display; empty until they are read, or if none came.
    pub read: Vec<u32>,
    pub predicted: Option<u32>,
    /// Absent until the frame is judged.
    pub verdict: Option<CrcVerdict>,
    /// How often the screen changed while this frame was shown: see [`crate::crc::change`].
    pub changed: u32,
    /// What only the display has of it, and no picture.
    #[serde(default, skip_serializing_if = "Beyond::is_none")]
    pub beyond: Beyond,
}

/// What a commit will show; copied into the ring at its flip.
#[derive(Debug, Default)]
pub struct PendingFrame {
    pub zero_copy: bool,
    pub rendered: bool,
    pub tears: bool,
    pub planes: Vec<ShownPlane>,
}

/// When a frame was flipped; the fields are those of [`FrameRecord`].
#[derive(Debug, Clone, Copy)]
pub struct Flipped {
    pub frame: u64,
    pub sequence: u64,
    pub time_ns: u64,
    pub missed: u64,
}

/// The last frames, oldest first.
#[derive(Debug)]
pub struct Ring {
    frames: VecDeque<FrameRecord>,
    /// Unused slots with capacity for usual frames, so that none is allocated on the frame path.
    spare: Vec<FrameRecord>,
    serial: u64,
}

impl Default for Ring {
    fn default() -> Self {
        let slot = || FrameRecord {
            output: String::with_capacity(32),
            planes: Vec::with_capacity(8),
            ..FrameRecord::default()
        };
        let spare = std::iter::repeat_with(slot).take(RING).collect();
        Self { frames: VecDeque::with_capacity(RING), spare, serial: 0 }
    }
}

/// An answer to `syncline msg frames`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Page {
    /// Oldest first; at most [`PAGE`].
    pub frames: Vec<FrameRecord>,
    /// There are more frames after these.
    pub more: bool,
    /// Serial of the newest frame.
    pub newest: u64,
}

impl Ring {
    /// Adds a frame that was flipped. `crc`: its CRC is going to be read, and this is beyond a picture of it.
    pub fn push(&mut self, output: &str, flipped: Flipped, shown: &PendingFrame, crc: Option<Beyond>) {
        let mut slot = self.spare.pop().or_else(|| self.frames.pop_front()).unwrap_or_default();
        self.serial += 1;
        slot.serial = self.serial;
        slot.output.clear();
        slot.output.push_str(output);
        (slot.frame, slot.sequence) = (flipped.frame, flipped.sequence);
        (slot.time_ns, slot.missed) = (flipped.time_ns, flipped.missed);
        (slot.zero_copy, slot.rendered, slot.tears) = (shown.zero_copy, shown.rendered, shown.tears);
        slot.planes.clear();
        slot.planes.extend_from_slice(&shown.planes);
        slot.crc = crc.map(|beyond| FrameCrc { beyond, ..FrameCrc::default() });
        self.frames.push_back(slot);
    }

    fn find(&mut self, output: &str, frame: u64) -> Option<&mut FrameCrc> {
        let found = self.frames.iter_mut().rev().find(|slot| slot.frame == frame && slot.output == output);
        found?.crc.as_mut()
    }

    /// A frame is judged.
    pub fn judged(&mut self, output: &str, judged: &Judged) {
        if let Some(crc) = self.find(output, judged.frame) {
            crc.read.clear();
            crc.read.extend(judged.read.iter().flat_map(kms::crc::CrcEntry::values));
            (crc.predicted, crc.verdict) = (judged.predicted, Some(judged.verdict));
        }
    }

    /// Counts a change of the screen while a frame was shown.
    pub fn changed(&mut self, output: &str, frame: u64) {
        if let Some(crc) = self.find(output, frame) {
            crc.changed += 1;
        }
    }

    /// The CRCs of an output were turned off: its frames without a verdict will not get one.
    pub fn close(&mut self, output: &str) {
        for slot in self.frames.iter_mut().filter(|slot| slot.output == output) {
            if slot.crc.as_ref().is_some_and(|crc| crc.verdict.is_none()) {
                slot.crc = None;
            }
        }
    }

    /// The frames after the serial `after`, of one output or of all. With `settled`, only up to the
    /// first one whose CRC is not judged yet.
    pub fn page(&self, after: u64, output: Option<&str>, settled: bool) -> Page {
        let open = |frame: &FrameRecord| settled && frame.crc.as_ref().is_some_and(|crc| crc.verdict.is_none());
        let of = |frame: &&FrameRecord| frame.serial > after && output.is_none_or(|output| frame.output == output);
        let mut frames: Vec<FrameRecord> =
            self.frames.iter().filter(of).take_while(|frame| !open(frame)).take(PAGE + 1).cloned().collect();
        let more = frames.len() > PAGE;
        frames.truncate(PAGE);
        Page { frames, more, newest: self.serial }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(ring: &mut Ring, output: &str, frame: u64) {
        let flipped = Flipped { frame, sequence: frame * 2, time_ns: frame * 16, missed: 0 };
        ring.push(output, flipped, &PendingFrame::default(), Some(Beyond::default()));
    }

    fn judged(frame: u64) -> Judged {
        Judged { frame, read: None, predicted: Some(7), verdict: CrcVerdict::Unread }
    }

    #[test]
    fn the_ring_is_bounded_and_pages_are_consecutive() {
        let mut ring = Ring::default();
        (1..=RING as u64 + 10).for_each(|frame| push(&mut ring, "A", frame));
        let mut after = 0;
        let mut seen = Vec::new();
        loop {
            let page = ring.page(after, None, false);
            assert!(page.frames.len() <= PAGE);
            seen.extend(page.frames.iter().map(|frame| frame.serial));
            after = seen.last().copied().unwrap();
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, (11..=RING as u64 + 10).collect::<Vec<_>>());
        assert!(ring.page(after, None, false).frames.is_empty());
    }

    #[test]
    fn settled_pages_end_before_a_frame_without_a_verdict() {
        let mut ring = Ring::default();
        (1..=3).for_each(|frame| push(&mut ring, "A", frame));
        push(&mut ring, "B", 1);
        ring.judged("A", &judged(1));
        ring.judged("A", &judged(3));
        ring.changed("A", 3);
        let serials = |page: Page| page.frames.iter().map(|frame| frame.serial).collect::<Vec<_>>();
        assert_eq!(serials(ring.page(0, None, true)), [1]);
        assert_eq!(serials(ring.page(0, None, false)), [1, 2, 3, 4]);
        ring.judged("A", &judged(2));
        assert_eq!(serials(ring.page(1, Some("A"), true)), [2, 3]);
        assert_eq!(ring.page(2, Some("A"), true).frames[0].crc.as_ref().unwrap().changed, 1);
        // CRCs are off: frames without a verdict will not get one.
        ring.close("B");
        assert_eq!(serials(ring.page(3, None, true)), [4]);
    }
}
