//! The thread that draws text: what it draws, and when it exists.

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
    // More often than need be: what should not be drawn is not waited for.
    (0..8).for_each(|_| go_on.send(()).unwrap());
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
