//! The session's handle of the thread that draws text.
//!
//! ```text
//!  no thread ─ a request ─→ fonts are read ─→ draws what is asked, the oldest first ─ 30 s without a request ─→ no thread
//! ```
//!
//! Of requests for one picture the newest counts: an older one that has not begun is not drawn. A panic of
//! the font library costs the picture, and the fonts are read again. Nothing here waits, but for the lock of
//! the queue, which nobody holds for longer than it takes to look into it.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::{
    event::{EventfdFlags, eventfd},
    io::Errno,
};

use crate::{
    system::id::SurfaceId,
    text::{
        fonts::Fonts,
        sheet::{Draw, NoPicture, Picture, Sheet},
    },
};

/// How long the thread, and with it the fonts, stays without a request.
const IDLE: Duration = Duration::from_secs(30);
/// The most pictures that wait to be drawn.
const MOST_WAITING: usize = 256;

/// Reads the fonts, in the thread.
type ReadFonts = Arc<dyn Fn() -> Box<dyn Draw> + Send + Sync>;

/// A picture, or why there is none.
#[derive(Debug)]
pub struct Answer {
    /// What the picture is for.
    pub key: SurfaceId,
    pub picture: Result<Picture, NoPicture>,
}

struct Request {
    key: SurfaceId,
    sheet: Sheet,
}

/// Draws text in a thread of its own. Dropping it ends the thread, at the latest after the picture in
/// progress.
pub struct Painter {
    shared: Arc<Shared>,
    fonts: ReadFonts,
    idle: Duration,
}

struct Shared {
    queue: Mutex<Queue>,
    /// There is a request, or the session has ended; in tests also: something is done.
    changed: Condvar,
    /// Readable when there are answers.
    done: OwnedFd,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Request>,
    answers: Vec<Answer>,
    /// The thread exists.
    running: bool,
    /// It has a request that it has not answered.
    drawing: bool,
    closed: bool,
}

impl Painter {
    /// With the fonts of the system; no thread yet. Error: no eventfd.
    pub fn new() -> Result<Self, Errno> {
        Self::with(Arc::new(|| Box::new(Fonts::of_system())), IDLE)
    }

    fn with(fonts: ReadFonts, idle: Duration) -> Result<Self, Errno> {
        let done = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Shared { queue: Mutex::default(), changed: Condvar::new(), done };
        Ok(Self { shared: Arc::new(shared), fonts, idle })
    }

    /// Asks for a picture, which comes as an [`Answer`]. An older request for the same picture is not drawn
    /// any more.
    pub fn request(&mut self, key: SurfaceId, mut sheet: Sheet) {
        sheet.tame();
        let checked = sheet.check();
        let mut queue = self.shared.queue();
        queue.waiting.retain(|request| request.key != key);
        let refused = match checked {
            // What the user has to know comes first, however many titles clients have.
            Ok(()) if key.is_panel() => {
                queue.waiting.push_front(Request { key, sheet });
                None
            }
            Ok(()) if queue.waiting.len() >= MOST_WAITING => Some(NoPicture::TooMany),
            Ok(()) => {
                queue.waiting.push_back(Request { key, sheet });
                None
            }
            Err(why) => Some(why),
        };
        if let Some(why) = refused {
            drop(queue);
            return self.shared.answer(Answer { key, picture: Err(why) });
        }
        if queue.running {
            return self.shared.changed.notify_all();
        }
        let (shared, fonts, idle) = (self.shared.clone(), self.fonts.clone(), self.idle);
        match std::thread::Builder::new().name("text".into()).spawn(move || work(&shared, &fonts, idle)) {
            Ok(_) => queue.running = true,
            Err(error) => {
                queue.waiting.clear();
                drop(queue);
                self.shared.answer(Answer { key, picture: Err(NoPicture::Thread(error)) });
            }
        }
    }

    /// A picture is not wanted any more. One that is being drawn may come nevertheless.
    pub fn forget(&mut self, key: SurfaceId) {
        let mut queue = self.shared.queue();
        queue.waiting.retain(|request| request.key != key);
        queue.answers.retain(|answer| answer.key != key);
    }

    /// What has been drawn since the last call.
    pub fn answers(&mut self) -> Vec<Answer> {
        rustix::io::read(&self.shared.done, &mut [0; 8]).ok();
        std::mem::take(&mut self.shared.queue().answers)
    }
}

/// The eventfd: readable when there are answers.
impl AsFd for Painter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.done.as_fd()
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing that may panic is done while it is locked.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, answer: Answer) {
        let mut queue = self.queue();
        queue.answers.retain(|older| older.key != answer.key);
        queue.answers.push(answer);
        drop(queue);
        rustix::io::write(&self.done, &1u64.to_ne_bytes()).ok();
    }

    /// The next request; `None`: the thread is to end.
    fn next(&self, idle: Duration) -> Option<Request> {
        let mut queue = self.queue();
        queue.drawing = false;
        #[cfg(test)]
        self.changed.notify_all();
        let nothing = |queue: &mut Queue| queue.waiting.is_empty() && !queue.closed;
        let waited = self.changed.wait_timeout_while(queue, idle, nothing);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        let next = if queue.closed { None } else { queue.waiting.pop_front() };
        (queue.drawing, queue.running) = (next.is_some(), next.is_some());
        next
    }
}

/// The thread.
fn work(shared: &Shared, read_fonts: &ReadFonts, idle: Duration) {
    let mut fonts = None;
    while let Some(Request { key, sheet }) = shared.next(idle) {
        let draw = AssertUnwindSafe(|| fonts.get_or_insert_with(|| read_fonts()).draw(&sheet));
        let picture = catch_unwind(draw).unwrap_or(Err(NoPicture::Failed));
        if matches!(picture, Err(NoPicture::NoFonts | NoPicture::Failed)) {
            fonts = None;
        }
        shared.answer(Answer { key, picture });
    }
}

#[cfg(test)]
impl Painter {
    /// One whose pictures have the background's colour only, and need no fonts. An empty family: none is
    /// installed.
    pub fn without_fonts() -> Self {
        Self::with(Arc::new(|| Box::new(stub::Blank)), IDLE).expect("an eventfd")
    }

    /// Until nothing is to be drawn.
    pub fn wait(&self) {
        let busy = |queue: &mut Queue| queue.running && (queue.drawing || !queue.waiting.is_empty());
        drop(self.shared.changed.wait_while(self.shared.queue(), busy).unwrap());
    }
}

#[cfg(test)]
mod stub {
    use super::*;
    use crate::text::canvas::Canvas;

    pub struct Blank;

    impl Draw for Blank {
        fn draw(&mut self, sheet: &Sheet) -> Result<Picture, NoPicture> {
            if sheet.font.family.is_empty() {
                return Err(NoPicture::NoFonts);
            }
            let [width, height] = [sheet.width, sheet.height].map(|length| sheet.pixels(length) as usize);
            Canvas::new(width, height, sheet.background).finish()
        }
    }
}

#[cfg(test)]
mod tests;
