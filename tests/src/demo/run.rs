//! The demo client's loop: commit a frame whenever the compositor asks for one and a buffer is
//! free.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fence::SwTimeline;

use super::Options;
use super::pace::{Pace, Plan, lead_ns};
use super::painter::{Brush, Job, Painter};
use super::record::{ClientReport, Record, report};
use super::slots::{Slot, Which};
use crate::client::buffer::Source;
use crate::client::sync::{SharedTimeline, open_sync_device};
use crate::client::window::{Commit, Toplevel, Wish};
use crate::client::{Client, Feedback};
use crate::error::{Error, Result};
use crate::pattern::Pattern;
use crate::time::{MS, Ns, S, now};

/// A frame that takes longer than this from its commit to an answer is an error.
const STALL: Ns = 5 * S;
/// How long the last releases may take.
const LAST_RELEASES: Ns = 3 * S;

/// Who draws.
enum Hand {
    /// This thread, before the commit.
    Here(Brush),
    /// The painter, after it; and the timeline that its fences are on.
    Late(Painter, Arc<SwTimeline>),
}

struct Demo<'a> {
    options: &'a Options,
    client: Client,
    window: Toplevel,
    slots: Vec<Slot>,
    hand: Hand,
    /// With explicit fences: where the acquire points are.
    acquire: Option<SharedTimeline>,
    pace: Pace,
    records: Vec<Record>,
    /// Feedback token to record.
    asked: HashMap<u64, usize>,
    frame_callback: Option<u64>,
    /// The next frame, once the compositor has asked for it.
    plan: Option<Plan>,
    size: (u32, u32),
}

/// Runs the client to its end.
pub fn run(options: &Options) -> Result<ClientReport> {
    let mut demo = Demo::start(options)?;
    demo.frames()?;
    if options.never_signal || options.never_materialise {
        demo.bad_frame()?;
    }
    demo.finish()
}

impl<'a> Demo<'a> {
    fn start(options: &'a Options) -> Result<Demo<'a>> {
        let mut client = Client::connect(&options.socket)?;
        let wish = Wish { app_id: &options.app_id, fullscreen: options.windowed.is_none() };
        let mut window = client.toplevel(&wish)?;
        let wanted = options
            .windowed
            .unwrap_or_else(|| client.state.output_mode.map_or((640, 480), |(w, h, _)| (w as u32, h as u32)));
        let size = match options.windowed {
            Some(size) => size,
            None => window.size(&client, wanted),
        };
        let source = if options.shm { Source::Shm } else { options.source };
        let explicit = source != Source::Shm;
        let device = if explicit { Some(open_sync_device()?) } else { None };
        if explicit {
            window.explicit(&client)?;
        }
        let mut slots = Vec::new();
        let mut pixels = Vec::new();
        for _ in 0..options.buffers {
            let (buffer, memory) = client.buffer(source, size.0, size.1)?;
            let release = device.as_ref().map(|device| client.share_timeline(device)).transpose()?;
            slots.push(Slot::new(buffer, release));
            pixels.push(memory);
        }
        let acquire = device.as_ref().map(|device| client.share_timeline(device)).transpose()?;
        client.roundtrip()?;
        let brush = Brush { pattern: Pattern::new(size.0, size.1, options.hue), pixels };
        let hand = if explicit && !options.plain {
            let timeline = Arc::new(SwTimeline::open().map_err(Error::other("open sw_sync"))?);
            Hand::Late(Painter::start(brush, timeline.clone()), timeline)
        } else {
            Hand::Here(brush)
        };
        Ok(Demo {
            options,
            client,
            window,
            slots,
            hand,
            acquire,
            pace: Pace::new(lead_ns(options.stamp_after_ms)),
            records: Vec::with_capacity((options.frames + options.warmup) as usize),
            asked: HashMap::new(),
            frame_callback: None,
            plan: None,
            size,
        })
    }

    fn frames(&mut self) -> Result<()> {
        let total = (self.options.frames + self.options.warmup) as usize;
        let mut progress = now();
        while self.records.len() < total || !self.asked.is_empty() {
            let free = self.free_slot();
            let mut deadline = now() + 100 * MS;
            if let Some(slot) = free
                && self.frame_callback.is_none()
                && self.records.len() < total
            {
                let plan = self.plan.unwrap_or_else(|| self.pace.plan(now(), self.lead(), self.work()));
                self.plan = Some(plan);
                if now() >= plan.commit {
                    self.frame(slot, plan)?;
                    self.plan = None;
                    progress = now();
                } else {
                    deadline = deadline.min(plan.commit);
                }
            }
            let open = self.asked.len();
            self.turn(deadline)?;
            if self.asked.len() < open {
                progress = now();
            }
            if now() > progress + STALL {
                let why = if free.is_none() { "a release point" } else { "a frame callback or feedback" };
                return Err(Error::Timeout(format!("{why}, after {} frames", self.records.len())));
            }
            if self.window.closed(&self.client) {
                break;
            }
        }
        Ok(())
    }

    /// The lead of the next frame; 0 where frames are finished before their commit.
    fn lead(&self) -> Ns {
        match self.hand {
            Hand::Late(..) => lead_ns(self.options.lead_ms[self.records.len() % self.options.lead_ms.len()]),
            Hand::Here(_) => 0,
        }
    }

    /// How long the next frame's fence is pending. A frame that is finished before its commit goes
    /// out at once.
    fn work(&self) -> Ns {
        match self.hand {
            Hand::Late(..) => lead_ns(self.options.work_ms),
            Hand::Here(_) => Ns::MAX,
        }
    }

    /// The free buffer that came back first. vkms composes after the vblank: on a slow machine it
    /// may still read what it has released, which must not look like a mistake of the compositor.
    fn free_slot(&self) -> Option<usize> {
        let free = self.slots.iter().enumerate().filter(|(_, slot)| !slot.is_busy());
        free.min_by_key(|(_, slot)| slot.freed).map(|(i, _)| i)
    }

    /// Draws and commits one frame.
    fn frame(&mut self, index: usize, plan: Plan) -> Result<()> {
        let record = self.records.len();
        let frame = record as u64;
        let value = frame + 1;
        let slot = &mut self.slots[index];
        match (&mut self.hand, &self.acquire) {
            (Hand::Here(brush), acquire) => {
                brush.draw(index, frame)?;
                if let Some(acquire) = acquire {
                    acquire.point(value).signal().map_err(Error::other("signal an acquire point"))?;
                }
            }
            (Hand::Late(_, timeline), Some(acquire)) => {
                let fence = timeline.fence(value as u32, "demo").map_err(Error::other("make a sw_sync fence"))?;
                acquire.point(value).import(&fence).map_err(Error::other("import an acquire fence"))?;
            }
            (Hand::Late(..), None) => return Err(Error::Other("late fences need explicit synchronisation".into())),
        }
        let release = match slot.release {
            Some(_) => Some(slot.arm(record)?),
            None => {
                slot.owed += 1;
                None
            }
        };
        let slot = &self.slots[index];
        let commit = Commit {
            buffer: Some(&slot.buffer),
            acquire: self.acquire.as_ref().map(|a| a.wire(value)),
            release: slot.release.as_ref().zip(release).map(|(timeline, value)| timeline.wire(value)),
            feedback: true,
            frame: true,
            ..Commit::default()
        };
        let done = self.window.commit(&mut self.client, &commit)?;
        let commit_ns = now();
        self.records.push(Record { frame, commit_ns, ..Record::default() });
        if let Hand::Late(painter, _) = &self.hand {
            painter.paint(Job { buffer: index, frame, signal_at: plan.signal })?;
        }
        self.frame_callback = done.frame;
        self.asked.extend(done.feedback.map(|token| (token, record)));
        Ok(())
    }

    /// Waits for something to happen, and takes note of it.
    fn turn(&mut self, deadline: Ns) -> Result<()> {
        let watched: Vec<(usize, Which)> =
            self.slots.iter().enumerate().flat_map(|(i, slot)| slot.fds().map(move |(which, _)| (i, which))).collect();
        let fds: Vec<_> = self.slots.iter().flat_map(|slot| slot.fds().map(|(_, fd)| fd)).collect();
        let ready = self.client.turn(&fds, deadline)?;
        for (bit, (slot, which)) in watched.into_iter().enumerate() {
            if ready >> bit & 1 == 1 {
                self.slots[slot].heard(which, &mut self.records)?;
            }
        }
        let state = &mut self.client.state;
        if self.frame_callback.is_some_and(|token| state.callbacks.remove(&token).is_some()) {
            self.frame_callback = None;
        }
        for (token, feedback) in state.feedback.drain() {
            if let Feedback::Presented(p) = feedback {
                self.pace.learn(p.time_ns, p.refresh_ns);
            }
            if let Some(record) = self.asked.remove(&token) {
                self.records[record].feedback = Some(feedback);
            }
        }
        for slot in &mut self.slots {
            if let Some(releases) = state.released.remove(&slot.buffer.token) {
                slot.owed = slot.owed.saturating_sub(releases);
                slot.freed = now();
            }
        }
        if let Hand::Late(painter, _) = &self.hand {
            for done in painter.done() {
                self.records[done.frame as usize].signal_late_ns = Some(done.late_ns);
            }
        }
        Ok(())
    }

    /// Commits a frame that can never be shown, and waits as long as the options say. Its release
    /// is not waited for.
    fn bad_frame(&mut self) -> Result<()> {
        self.turn_until(|demo| demo.slots.iter().any(|s| !s.is_busy()), 3 * S)?;
        let Some(slot) = self.slots.iter_mut().find(|s| !s.is_busy()) else {
            return Err(Error::Timeout("a free buffer".into()));
        };
        let (Some(release), Some(acquire)) = (&slot.release, &self.acquire) else { return Ok(()) };
        let value = self.records.len() as u64 + 1000;
        slot.uses += 1;
        if self.options.never_signal {
            let timeline = SwTimeline::open().map_err(Error::other("open sw_sync"))?;
            let fence = timeline.fence(1, "never").map_err(Error::other("make a sw_sync fence"))?;
            acquire.point(value).import(&fence).map_err(Error::other("import an acquire fence"))?;
            // Closing a sw_sync timeline would signal its fences; the process keeps it to its end.
            std::mem::forget(timeline);
        }
        let commit = Commit {
            buffer: Some(&slot.buffer),
            acquire: Some(acquire.wire(value)),
            release: Some(release.wire(slot.uses)),
            ..Commit::default()
        };
        self.window.commit(&mut self.client, &commit)?;
        let end = now() + self.options.hold_ms * MS;
        while now() < end {
            self.turn(end)?;
        }
        Ok(())
    }

    fn turn_until(&mut self, done: impl Fn(&Demo<'_>) -> bool, patience: Ns) -> Result<bool> {
        let end = now() + patience;
        while !done(self) {
            if now() >= end {
                return Ok(false);
            }
            self.turn(end)?;
        }
        Ok(true)
    }

    /// Unmaps, collects the releases that are still out, and reports.
    fn finish(mut self) -> Result<ClientReport> {
        let bad = self.options.never_signal || self.options.never_materialise;
        self.window.commit(&mut self.client, &Commit { unmap: true, ..Commit::default() })?;
        let patience = if bad { S } else { LAST_RELEASES };
        self.turn_until(|demo| demo.slots.iter().all(|slot| !slot.is_busy()), patience)?;
        if let Hand::Late(painter, _) = &mut self.hand {
            painter.stop()?;
        }
        let made = report(&self.records, self.options.warmup as usize, self.size, self.acquire.is_some());
        self.window.destroy(&mut self.client)?;
        self.client.roundtrip()?;
        Ok(made)
    }
}

/// Runs the client and prints its report as one line of JSON.
pub fn main(options: &Options) -> Result<()> {
    if let Some(kind) = options.hostile {
        return super::hostile::run(kind, options);
    }
    let report = run(options)?;
    println!("{}", serde_json::to_string(&report).map_err(Error::other("print the report"))?);
    Ok(())
}

/// How long a client with these options may take, for those who wait for it.
pub fn expected_duration(options: &Options) -> Duration {
    let frames = options.frames + options.warmup;
    Duration::from_millis(frames * 50 + options.hold_ms) + Duration::from_secs(20)
}
