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
        sheet::{NoPicture, Picture, Sheet},
    },
};

/// How long the thread, and with it the fonts, stays without a request.
const IDLE: Duration = Duration::from_secs(30);
/// The most pictures that wait to be drawn.
const MOST_WAITING: usize = 256;

/// What makes pictures of sheets.
pub trait Draw {
    /// The sheet is checked and tame.
    fn draw(&mut self, sheet: &Sheet) -> Result<Picture, NoPicture>;
}

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
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;
    use crate::text::sheet::{Block, Fit, Font, Span};

    fn key(n: u32) -> SurfaceId {
        SurfaceId(n)
    }

    fn sheet(text: &str) -> Sheet {
        let block = Block { at: (0, 0), size: (8, 8), fit: Fit::Line, spans: vec![Span::plain(text, [0; 4])] };
        Sheet {
            width: 8,
            height: 8,
            scale: 1.0,
            background: [0; 4],
            edge: None,
            font: Font::new(&"sans-serif".into(), 10),
            blocks: vec![block],
        }
    }

    /// Says what it begins to draw, and goes on when it is told.
    struct Slow {
        begins: mpsc::Sender<String>,
        goes_on: Arc<Mutex<mpsc::Receiver<()>>>,
    }

    impl Draw for Slow {
        fn draw(&mut self, sheet: &Sheet) -> Result<Picture, NoPicture> {
            let text = sheet.blocks[0].spans[0].text.clone();
            assert_ne!(text, "panic");
            self.begins.send(text).unwrap();
            self.goes_on.lock().unwrap().recv().unwrap();
            stub::Blank.draw(sheet)
        }
    }

    fn slow() -> (Painter, mpsc::Receiver<String>, mpsc::Sender<()>) {
        let ((begins, begun), (go_on, goes_on)) = (mpsc::channel(), mpsc::channel());
        let (begins, goes_on) = (Mutex::new(begins), Arc::new(Mutex::new(goes_on)));
        let fonts = move || {
            let begins = begins.lock().unwrap().clone();
            Box::new(Slow { begins, goes_on: goes_on.clone() }) as Box<dyn Draw>
        };
        (Painter::with(Arc::new(fonts), IDLE).unwrap(), begun, go_on)
    }

    #[test]
    fn of_requests_that_have_not_begun_the_newest_of_a_key_is_drawn() {
        let (mut painter, begun, go_on) = slow();
        painter.request(key(1), sheet("first"));
        assert_eq!(begun.recv().unwrap(), "first");
        painter.request(key(1), sheet("never drawn"));
        painter.request(key(2), sheet("other"));
        painter.request(key(1), sheet("newest"));
        painter.request(key(3), sheet("forgotten"));
        painter.forget(key(3));
        (0..3).for_each(|_| go_on.send(()).unwrap());
        painter.wait();
        assert_eq!(begun.try_iter().collect::<Vec<_>>(), ["other", "newest"]);
        let answers = painter.answers();
        let keys: Vec<_> = answers.iter().map(|answer| answer.key).collect();
        assert_eq!(keys, [key(2), key(1)], "the first was replaced before it was taken");
        assert!(answers.iter().all(|answer| answer.picture.is_ok()));
        assert!(painter.answers().is_empty());
    }

    #[test]
    fn a_picture_comes_with_an_event() {
        let mut painter = Painter::without_fonts();
        let is_ready = |painter: &Painter| {
            let mut fds = [rustix::event::PollFd::new(painter, rustix::event::PollFlags::IN)];
            rustix::event::poll(&mut fds, Some(&rustix::time::Timespec::default())).unwrap() == 1
        };
        assert!(!is_ready(&painter));
        painter.request(key(1), sheet(""));
        painter.wait();
        assert!(is_ready(&painter));
        let answers = painter.answers();
        let image = &answers[0].picture.as_ref().unwrap().image;
        assert_eq!((image.width, image.height), (8, 8));
        assert!(!is_ready(&painter));
    }

    #[test]
    fn what_cannot_be_drawn_is_answered_with_the_reason() {
        let mut painter = Painter::without_fonts();
        painter.request(key(1), Sheet { width: 0, ..sheet("") });
        assert!(!painter.shared.queue().running, "for that there is no thread");
        assert!(matches!(painter.answers()[0].picture, Err(NoPicture::Size(..))));
        painter.request(key(1), Sheet { font: Font::new(&"".into(), 10), ..sheet("") });
        painter.wait();
        assert!(matches!(painter.answers()[0].picture, Err(NoPicture::NoFonts)));
    }

    #[test]
    fn no_more_pictures_wait_than_have_room() {
        let (mut painter, begun, go_on) = slow();
        painter.request(key(0), sheet("first"));
        begun.recv().unwrap();
        (1..=MOST_WAITING as u32).for_each(|n| painter.request(key(n), sheet("more")));
        assert!(painter.answers().is_empty());
        painter.request(key(1000), sheet("too many"));
        let answers = painter.answers();
        assert!(matches!(answers[..], [Answer { key: SurfaceId(1000), picture: Err(NoPicture::TooMany) }]));
        drop(go_on);
    }

    #[test]
    fn the_thread_ends_without_requests_and_begins_again() {
        let reads = Arc::new(AtomicUsize::new(0));
        let counted = reads.clone();
        let fonts = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::new(stub::Blank) as Box<dyn Draw>
        };
        let mut painter = Painter::with(Arc::new(fonts), Duration::from_millis(1)).unwrap();
        for turn in 1..=3 {
            painter.request(key(1), sheet(""));
            while painter.shared.queue().running {
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(reads.load(Ordering::Relaxed), turn);
            assert_eq!(painter.answers().len(), 1);
        }
        let shared = Arc::downgrade(&painter.shared);
        drop(painter);
        while shared.strong_count() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_thread_ends_with_its_handle() {
        let mut painter = Painter::without_fonts();
        painter.request(key(1), sheet(""));
        let shared = Arc::downgrade(&painter.shared);
        drop(painter);
        while shared.strong_count() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_panic_costs_one_picture() {
        let (mut painter, begun, go_on) = slow();
        painter.request(key(1), sheet("panic"));
        painter.wait();
        assert!(matches!(painter.answers()[0].picture, Err(NoPicture::Failed)));
        painter.request(key(1), sheet("next"));
        go_on.send(()).unwrap();
        painter.wait();
        assert_eq!(begun.recv().unwrap(), "next");
        assert!(painter.answers()[0].picture.is_ok());
    }
}
