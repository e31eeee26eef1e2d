//! The fences of a client: ready, late, failed, and such that never come.

use fence::{Point, SwTimeline, SyncFile};

use crate::error::{Error, Result};
use crate::time::{MS, Ns, now};

/// Fences that never signal, at a time; older ones fail.
const NEVER: usize = 3;

/// What a commit is to wait for.
pub enum Gate {
    /// Nothing.
    Open,
    /// This fence.
    Fence(SyncFile),
    /// A fence that is put into the point later, or never.
    Nothing {
        /// Whether it never is.
        never: bool,
    },
}

/// What is due at a time.
enum Due {
    /// The next fence of the common timeline signals.
    Signal,
    /// The fences of this timeline fail: it is closed.
    Fail { _timeline: SwTimeline },
    /// The point gets a fence.
    Materialise(Point),
}

/// All that are under way.
#[derive(Default)]
pub struct Fences {
    timeline: Option<SwTimeline>,
    made: u32,
    due: Vec<(Ns, Due)>,
    last: Ns,
    never: Vec<SwTimeline>,
}

impl Fences {
    /// A fence that will signal within a few frames, after those before it.
    pub fn late(&mut self, rng: &mut fastrand::Rng) -> Result<SyncFile> {
        let timeline = match &self.timeline {
            Some(timeline) => timeline,
            None => self.timeline.insert(open()?),
        };
        self.made += 1;
        let fence = timeline.fence(self.made, "late").map_err(Error::other("make a fence"))?;
        self.last = self.last.max(now()) + rng.u64(0..40) * MS;
        self.due.push((self.last, Due::Signal));
        Ok(fence)
    }

    /// A fence that will fail.
    pub fn failing(&mut self, rng: &mut fastrand::Rng) -> Result<SyncFile> {
        let timeline = open()?;
        let fence = timeline.fence(1, "failing").map_err(Error::other("make a fence"))?;
        self.due.push((soon(rng), Due::Fail { _timeline: timeline }));
        Ok(fence)
    }

    /// A fence that does not signal as long as this client needs it.
    pub fn never(&mut self) -> Result<SyncFile> {
        let timeline = open()?;
        let fence = timeline.fence(1, "never").map_err(Error::other("make a fence"))?;
        if self.never.len() == NEVER {
            self.never.remove(0);
        }
        self.never.push(timeline);
        Ok(fence)
    }

    /// Puts a fence into the point later.
    pub fn materialise(&mut self, point: Point, rng: &mut fastrand::Rng) {
        self.due.push((soon(rng), Due::Materialise(point)));
    }

    /// Does what is due.
    pub fn turn(&mut self) -> Result<()> {
        let now = now();
        for (_, due) in self.due.extract_if(.., |(at, _)| *at <= now) {
            match (due, &self.timeline) {
                (Due::Signal, Some(timeline)) => timeline.inc(1).map_err(Error::other("signal a fence"))?,
                (Due::Materialise(point), _) => {
                    point.signal().map_err(Error::other("signal a point"))?;
                }
                (Due::Signal, None) | (Due::Fail { .. }, _) => {}
            }
        }
        Ok(())
    }
}

fn open() -> Result<SwTimeline> {
    SwTimeline::open().map_err(Error::other("open sw_sync"))
}

fn soon(rng: &mut fastrand::Rng) -> Ns {
    now() + rng.u64(1..100) * MS
}
