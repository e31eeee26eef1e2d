//! A client on a script: each frame with the acquire fence that the test chooses, and its release
//! point to look at.
//!
//! It draws the demo's pattern, so a screenshot tells by its stamp which frame is shown. It commits
//! nothing by itself.

use std::os::fd::AsFd;
use std::time::Duration;

use fence::{Point, Status, SyncDevice, SyncFile, Until};
use rustix::event::{PollFd, PollFlags, poll};

use super::buffer::{Buffer, Pixels, Source};
use super::sync::{SharedTimeline, open_sync_device};
use super::window::{Commit, Toplevel, Wish};
use super::{Client, Feedback, PATIENCE, Presented};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::pattern::Pattern;
use crate::time::{after, left, now};

/// What is in a commit's acquire point when the commit is sent.
pub enum Gate<'a> {
    /// A point that has signalled.
    Open,
    /// This fence.
    Fence(&'a SyncFile),
    /// Nothing: the point is not materialised.
    Nothing,
}

struct Slot {
    buffer: Buffer,
    pixels: Pixels,
    release: SharedTimeline,
    uses: u64,
}

/// A commit that was sent.
pub struct Shot {
    /// Its release point.
    pub release: Point,
    /// Its acquire point.
    pub acquire: Point,
    feedback: u64,
}

/// A client with one toplevel and explicit fences.
pub struct Actor {
    /// The connection.
    pub client: Client,
    /// The toplevel.
    pub window: Option<Toplevel>,
    device: SyncDevice,
    slots: Vec<Slot>,
    pattern: Pattern,
    size: (u32, u32),
}

impl Actor {
    /// A client of `compositor`: fullscreen, or a window of `size`.
    pub fn new(compositor: &Compositor, app_id: &str, size: Option<(u32, u32)>) -> Result<Actor> {
        let mut client = compositor.client()?;
        let mut window = client.toplevel(&Wish { app_id, fullscreen: size.is_none() })?;
        let device = open_sync_device()?;
        window.explicit(&client)?;
        let fullscreen = client.state.output_mode.map_or((640, 480), |(w, h, _)| (w as u32, h as u32));
        let size = size.unwrap_or_else(|| window.size(&client, fullscreen));
        let pattern = Pattern::new(size.0, size.1, 60);
        Ok(Actor { client, window: Some(window), device, slots: Vec::new(), pattern, size })
    }

    /// A slot whose last release has signalled, else a new one.
    fn slot(&mut self) -> Result<usize> {
        for (i, slot) in self.slots.iter().enumerate() {
            if slot.release.point(slot.uses).is_signalled().map_err(Error::other("look at a release point"))? {
                return Ok(i);
            }
        }
        let (buffer, pixels) = self.client.buffer(Source::Auto, self.size.0, self.size.1)?;
        let release = self.client.share_timeline(&self.device)?;
        self.slots.push(Slot { buffer, pixels, release, uses: 0 });
        Ok(self.slots.len() - 1)
    }

    /// Draws frame number `frame` and commits it behind `gate`.
    pub fn commit(&mut self, frame: u64, gate: Gate<'_>) -> Result<Shot> {
        let index = self.slot()?;
        // A timeline of its own: on a common one, a point would wait for those before it.
        let timeline = self.client.share_timeline(&self.device)?;
        let acquire = timeline.point(1);
        match gate {
            Gate::Open => acquire.signal().map(|_| ()).map_err(Error::other("signal an acquire point"))?,
            Gate::Fence(file) => acquire.import(file).map(|_| ()).map_err(Error::other("import an acquire fence"))?,
            Gate::Nothing => {}
        }
        let slot = &mut self.slots[index];
        let pattern = &self.pattern;
        slot.pixels.write(|bytes| pattern.draw(frame, bytes))?;
        slot.uses += 1;
        let commit = Commit {
            buffer: Some(&slot.buffer),
            acquire: Some(timeline.wire(1)),
            release: Some(slot.release.wire(slot.uses)),
            feedback: true,
            ..Commit::default()
        };
        let window = self.window.as_mut().ok_or_else(|| Error::Other("the window is gone".into()))?;
        let done = window.commit(&mut self.client, &commit)?;
        timeline.proxy.destroy();
        let feedback = done.feedback.ok_or_else(|| Error::Other("no feedback was asked for".into()))?;
        Ok(Shot { release: slot.release.point(slot.uses), acquire, feedback })
    }

    /// Commits a good frame and waits until it is on the screen.
    pub fn show(&mut self, frame: u64) -> Result<(Shot, Presented)> {
        let shot = self.commit(frame, Gate::Open)?;
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

    /// Waits for a release point while the connection is served: the time when `until` was reached.
    pub fn released(&mut self, shot: &Shot, until: Until, timeout: Duration) -> Result<u64> {
        let event = shot.release.eventfd(until).map_err(Error::other("watch a release point"))?;
        let deadline = after(timeout);
        loop {
            let ready = self.client.turn(&[event.as_fd()], deadline)?;
            if ready & 1 == 1 {
                return Ok(now());
            }
            if now() >= deadline {
                return Err(Error::Timeout(format!("release point ({until:?})")));
            }
        }
    }
}

/// Waits for a point without serving a connection, as a dead client's heirs would. `Ok(false)`
/// after `timeout`.
pub fn reached(point: &Point, until: Until, timeout: Duration) -> Result<bool> {
    let event = point.eventfd(until).map_err(Error::other("watch a point"))?;
    let deadline = after(timeout);
    let ready = poll(&mut [PollFd::new(&event, PollFlags::IN)], Some(&left(deadline))).map_err(Error::call("poll"))?;
    Ok(ready > 0)
}

/// The state of the fence that a release point was given.
pub fn status(point: &Point) -> Result<Option<Status>> {
    let file = point.export().map_err(Error::other("export a release point"))?;
    file.map(|f| f.status().map_err(Error::other("look at a release fence"))).transpose()
}
