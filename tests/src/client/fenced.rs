//! A client on a script, as [`super::actor`], by the older protocol:
//! zwp_linux_explicit_synchronization_v1. Each frame has the acquire fence that the test chooses,
//! and a message for its release.
//!
//! It draws the demo's pattern, so a screenshot tells by its stamp which frame is shown. It commits
//! nothing by itself.

use std::os::fd::AsFd;
use std::time::Duration;

use fence::SyncFile;

use super::buffer::{Buffer, Pixels, Source};
use super::window::{Commit, Toplevel, Wish};
use super::{Client, Feedback, PATIENCE, Presented};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::pattern::Pattern;

struct Slot {
    buffer: Buffer,
    pixels: Pixels,
    /// Of the last commit's zwp_linux_buffer_release_v1.
    release: Option<u64>,
}

/// A commit that was sent.
pub struct Shot {
    /// Under which its zwp_linux_buffer_release_v1 is in [`super::State::buffer_releases`].
    pub release: u64,
    /// Under which its wl_buffer's releases are counted in [`super::State::released`].
    pub buffer: u64,
    feedback: u64,
}

/// How a buffer came back.
#[derive(Debug)]
pub enum Released {
    /// Without a fence.
    Immediate,
    /// With this one.
    Fenced(SyncFile),
}

/// A client with one toplevel and fences in messages.
pub struct FencedActor {
    /// The connection.
    pub client: Client,
    /// The toplevel.
    pub window: Option<Toplevel>,
    source: Source,
    slots: Vec<Slot>,
    pattern: Pattern,
    size: (u32, u32),
}

impl FencedActor {
    /// A client of `compositor`: fullscreen, or a window of `size`.
    pub fn new(compositor: &Compositor, app_id: &str, size: Option<(u32, u32)>, source: Source) -> Result<FencedActor> {
        let mut client = compositor.client()?;
        let mut window = client.toplevel(&Wish { app_id, fullscreen: size.is_none() })?;
        window.fenced(&client)?;
        let fullscreen = client.state.output_mode.map_or((640, 480), |(w, h, _)| (w as u32, h as u32));
        let size = size.unwrap_or_else(|| window.size(&client, fullscreen));
        let pattern = Pattern::new(size.0, size.1, 60);
        Ok(FencedActor { client, window: Some(window), source, slots: Vec::new(), pattern, size })
    }

    /// A slot whose last release has come and signalled, else a new one.
    fn slot(&mut self) -> Result<usize> {
        let free = |slot: &Slot| match slot.release.map(|token| self.client.state.buffer_releases.get(&token)) {
            None => true,
            Some(None) => false,
            Some(Some(events)) => events.iter().flatten().all(SyncFile::is_signalled),
        };
        if let Some(i) = self.slots.iter().position(free) {
            return Ok(i);
        }
        let (buffer, pixels) = self.client.buffer(self.source, self.size.0, self.size.1)?;
        self.slots.push(Slot { buffer, pixels, release: None });
        Ok(self.slots.len() - 1)
    }

    /// Draws frame number `frame` and commits it with this acquire fence, or with none, and a
    /// release to be sent.
    pub fn commit(&mut self, frame: u64, fence: Option<&SyncFile>) -> Result<Shot> {
        let index = self.slot()?;
        let slot = &mut self.slots[index];
        let pattern = &self.pattern;
        slot.pixels.write(|bytes| pattern.draw(frame, bytes))?;
        let commit = Commit {
            buffer: Some(&slot.buffer),
            acquire_fence: fence.map(AsFd::as_fd),
            buffer_release: true,
            feedback: true,
            ..Commit::default()
        };
        let window = self.window.as_mut().ok_or_else(|| Error::Other("the window is gone".into()))?;
        let done = window.commit(&mut self.client, &commit)?;
        slot.release = done.buffer_release;
        match (done.buffer_release, done.feedback) {
            (Some(release), Some(feedback)) => Ok(Shot { release, buffer: slot.buffer.token, feedback }),
            _ => Err(Error::Other("no release or feedback was asked for".into())),
        }
    }

    /// Commits a frame without a fence and waits until it is on the screen.
    pub fn show(&mut self, frame: u64) -> Result<(Shot, Presented)> {
        let shot = self.commit(frame, None)?;
        let presented = self.presented(&shot)?;
        Ok((shot, presented))
    }

    /// Waits for a commit's presentation.
    pub fn presented(&mut self, shot: &Shot) -> Result<Presented> {
        match self.feedback(shot)? {
            Feedback::Presented(p) => Ok(p),
            Feedback::Discarded => Err(Error::Other("the frame was discarded, not shown".into())),
        }
    }

    /// Waits for a commit's feedback, whichever.
    pub fn feedback(&mut self, shot: &Shot) -> Result<Feedback> {
        let token = shot.feedback;
        self.client.wait_for("presentation feedback", PATIENCE, |s| s.feedback.contains_key(&token))?;
        self.client.state.feedback.get(&token).copied().ok_or_else(|| Error::Missing("feedback".into()))
    }

    /// What feedback there is so far.
    pub fn feedback_now(&self, shot: &Shot) -> Option<Feedback> {
        self.client.state.feedback.get(&shot.feedback).copied()
    }

    /// Whether the release has come.
    pub fn has_come(&self, shot: &Shot) -> bool {
        self.client.state.buffer_releases.contains_key(&shot.release)
    }

    /// Waits for a commit's release event, of which there must be one only.
    pub fn released(&mut self, shot: &Shot, timeout: Duration) -> Result<Released> {
        let token = shot.release;
        self.client.wait_for("a buffer release", timeout, |s| s.buffer_releases.contains_key(&token))?;
        // A second one would have come with it, or with what the compositor does next.
        self.client.roundtrip()?;
        match self.client.state.buffer_releases.get(&token).map(Vec::as_slice) {
            Some([None]) => Ok(Released::Immediate),
            Some([Some(fence)]) => {
                Ok(Released::Fenced(fence.try_clone().map_err(Error::other("duplicate a release fence"))?))
            }
            other => Err(Error::Other(format!("not one release event but {other:?}"))),
        }
    }

    /// Waits for a fenced release.
    pub fn fenced(&mut self, shot: &Shot, timeout: Duration) -> Result<SyncFile> {
        match self.released(shot, timeout)? {
            Released::Fenced(fence) => Ok(fence),
            Released::Immediate => Err(Error::Other("the release came without a fence".into())),
        }
    }

    /// Attaches nothing: the window goes off the screen.
    pub fn unmap(&mut self) -> Result<()> {
        let window = self.window.as_mut().ok_or_else(|| Error::Other("the window is gone".into()))?;
        window.commit(&mut self.client, &Commit { unmap: true, ..Commit::default() }).map(|_| ())
    }

    /// Destroys the window, its buffers stay.
    pub fn destroy(&mut self) -> Result<()> {
        match self.window.take() {
            Some(window) => window.destroy(&mut self.client),
            None => Ok(()),
        }
    }
}
