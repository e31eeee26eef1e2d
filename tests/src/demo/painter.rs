//! The painter: a thread that draws a frame after its commit and signals its fence at an exact
//! time.
//!
//! It stands for a GPU. It owns the pixels, and touches a buffer only between the commit of a frame
//! and its fence.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use fence::SwTimeline;

use crate::client::buffer::Pixels;
use crate::error::{Error, Result};
use crate::pattern::Pattern;
use crate::time::{Ns, now, sleep_until};

/// The image and all buffers' memory.
pub struct Brush {
    /// The image.
    pub pattern: Pattern,
    /// Memory of each buffer.
    pub pixels: Vec<Pixels>,
}

impl Brush {
    /// Draws all of a frame.
    pub fn draw(&mut self, buffer: usize, frame: u64) -> Result<()> {
        let pattern = &self.pattern;
        self.pixels[buffer].write(|bytes| pattern.draw(frame, bytes))
    }

    fn begin(&mut self, buffer: usize, frame: u64) -> Result<()> {
        let pattern = &self.pattern;
        self.pixels[buffer].write(|bytes| pattern.begin(frame, bytes))
    }

    fn finish(&mut self, buffer: usize, frame: u64) -> Result<()> {
        let pattern = &self.pattern;
        self.pixels[buffer].write(|bytes| pattern.finish(frame, bytes))
    }
}

/// A frame to draw.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Index of the buffer.
    pub buffer: usize,
    /// Number of the frame.
    pub frame: u64,
    /// When to signal.
    pub signal_at: Ns,
}

/// A frame that was drawn.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Number of the frame.
    pub frame: u64,
    /// How late the fence signalled, against the time wanted.
    pub late_ns: Ns,
}

/// The running thread. Jobs are done in order; each one signals one more value of the timeline.
pub struct Painter {
    jobs: Option<Sender<Job>>,
    done: Receiver<Done>,
    thread: Option<JoinHandle<Result<()>>>,
}

/// Drawing the rest of a frame takes about this long: it begins that much before the signal.
const FINISH_NS: Ns = 300_000;

impl Painter {
    /// Starts the thread; the timeline is incremented by one for each job.
    pub fn start(mut brush: Brush, timeline: Arc<SwTimeline>) -> Painter {
        let (jobs, todo) = channel::<Job>();
        let (told, done) = channel();
        let thread = std::thread::spawn(move || {
            for job in todo {
                brush.begin(job.buffer, job.frame)?;
                sleep_until(job.signal_at.saturating_sub(FINISH_NS));
                brush.finish(job.buffer, job.frame)?;
                sleep_until(job.signal_at);
                timeline.inc(1).map_err(Error::other("signal a sw_sync fence"))?;
                let _ = told.send(Done { frame: job.frame, late_ns: now().saturating_sub(job.signal_at) });
            }
            Ok(())
        });
        Painter { jobs: Some(jobs), done, thread: Some(thread) }
    }

    /// Hands over a job.
    pub fn paint(&self, job: Job) -> Result<()> {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if sent { Ok(()) } else { Err(Error::Other("the painter has stopped".into())) }
    }

    /// The frames done since the last call.
    pub fn done(&self) -> impl Iterator<Item = Done> {
        self.done.try_iter()
    }

    /// Lets the thread do what is left, and ends it.
    pub fn stop(&mut self) -> Result<()> {
        self.jobs = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::Other("the painter panicked".into())),
            None => Ok(()),
        }
    }
}
