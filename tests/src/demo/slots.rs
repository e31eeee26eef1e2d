//! The demo client's buffers, each with the release point of its last commit.
//!
//! A slot is free until it is committed; from then on it belongs to the compositor until its
//! release point has signalled (or, without explicit fences, until `wl_buffer.release`). Each
//! buffer has a timeline of its own, because releases come in the order in which buffers leave the
//! screen, which need not be that of the commits.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fence::{Status, SyncFile, Until};

use super::record::Record;
use crate::client::buffer::Buffer;
use crate::client::sync::SharedTimeline;
use crate::error::{Error, Result};
use crate::time::{Ns, now};

/// What the client waits for before it may draw into a buffer again.
struct Watch {
    /// Index of the frame's record.
    record: usize,
    value: u64,
    available: Option<OwnedFd>,
    signalled: OwnedFd,
    fence: Option<SyncFile>,
}

/// One buffer.
pub(super) struct Slot {
    pub buffer: Buffer,
    /// Its release timeline, with explicit fences.
    pub release: Option<SharedTimeline>,
    /// How often it was committed: the value of its newest release point.
    pub uses: u64,
    watch: Option<Watch>,
    /// When it came back.
    pub freed: Ns,
    /// Without explicit fences: releases owed.
    pub owed: u32,
}

/// Which of a watch's two descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Available,
    Signalled,
}

impl Slot {
    pub fn new(buffer: Buffer, release: Option<SharedTimeline>) -> Slot {
        Slot { buffer, release, uses: 0, watch: None, freed: 0, owed: 0 }
    }

    pub fn is_busy(&self) -> bool {
        self.watch.is_some() || self.owed > 0
    }

    /// Takes the next release point and watches it for the frame `record`; returns the point's
    /// value.
    pub fn arm(&mut self, record: usize) -> Result<u64> {
        self.uses += 1;
        let timeline = self.release.as_ref().ok_or_else(|| Error::Other("no release timeline".into()))?;
        let point = timeline.point(self.uses);
        let watch = |until| point.eventfd(until).map_err(Error::other("watch a release point"));
        let (available, signalled) = (Some(watch(Until::Available)?), watch(Until::Signalled)?);
        self.watch = Some(Watch { record, value: self.uses, available, signalled, fence: None });
        Ok(self.uses)
    }

    /// The descriptors to poll.
    pub fn fds(&self) -> impl Iterator<Item = (Which, BorrowedFd<'_>)> {
        self.watch.iter().flat_map(|w| {
            let available = w.available.iter().map(|fd| (Which::Available, fd.as_fd()));
            available.chain(std::iter::once((Which::Signalled, w.signalled.as_fd())))
        })
    }

    /// Takes note that a descriptor is readable; frees the slot when the fence has signalled.
    pub fn heard(&mut self, which: Which, records: &mut [Record]) -> Result<()> {
        let (Some(watch), Some(timeline)) = (&mut self.watch, &self.release) else { return Ok(()) };
        let record = &mut records[watch.record];
        if watch.available.take().is_some() {
            record.materialised_ns = Some(now());
            // Kept from now on: once signalled, the timeline forgets the fence and with it its time
            // and error.
            watch.fence = timeline.point(watch.value).export().map_err(Error::other("export a release point"))?;
        }
        if which == Which::Signalled {
            record.heard_ns = Some(now());
            if let Some(fence) = &watch.fence {
                let state = fence.driver_and_status().map_err(Error::other("look at a release fence"))?;
                record.released_ns = (state.at > record.commit_ns).then_some(state.at);
                if let Status::Failed(error) = state.status {
                    record.release_errno = Some(error.raw());
                }
            }
            self.watch = None;
            self.freed = now();
        }
        Ok(())
    }
}
