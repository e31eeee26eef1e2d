//! The clipboard: what one client puts into it another can read.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use syncline_tests::client::PATIENCE;
use syncline_tests::time::{after, left, now};

use crate::desk::{Desk, GREEN, Person, RED};

const MIME: &str = "text/plain;charset=utf-8";
const SHORT: Duration = Duration::from_millis(20);
const TEXT: &[u8] = "fences, ünïcode and all".as_bytes();

#[test]
#[ignore = "lab"]
fn what_is_copied_can_be_pasted() {
    let desk = Desk::new(&[]);
    let mut reader = desk.person(GREEN, (300, 200));
    let (left_edge, top, ..) = desk.area(GREEN);
    let mut writer = desk.person(RED, (300, 200));
    writer.wait("the focus", |i| i.keyboard_focus.is_some());
    let (x, y, ..) = desk.area(RED);
    writer.press_at(&desk, x + 250, y + 150);
    desk.pointer.button(0x110, false).unwrap();
    writer.seat.offer(&mut writer.client, MIME, TEXT).unwrap();
    writer.wait("the selection to be its own", |i| i.selection.is_some());
    reader.heard();
    assert!(reader.client.state.input.selection.is_none(), "it was offered to a client without the focus");

    desk.pointer.click(left_edge + 2, top + 2).unwrap();
    reader.wait("the selection", |i| i.selection.is_some() && i.keyboard_focus.is_some());
    assert_eq!(reader.client.state.input.offered, [MIME]);
    assert_eq!(paste(&mut reader, Some(&mut writer)), TEXT);
    // When the client that had it is gone a reader gets nothing, but the end of it: it does not
    // hang.
    drop(writer);
    assert!(paste(&mut reader, None).is_empty());
    desk.still_works();
    desk.compositor.stop().unwrap();
}

/// Reads the clipboard to its end, while the writer answers.
fn paste(reader: &mut Person, mut writer: Option<&mut Person>) -> Vec<u8> {
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let offer = reader.client.state.input.selection.clone().unwrap();
    offer.receive(MIME.into(), theirs.as_fd());
    reader.client.flush().unwrap();
    drop(theirs);
    let deadline = after(PATIENCE);
    let mut pasted = Vec::new();
    loop {
        assert!(now() < deadline, "the clipboard has no end; so far {pasted:?}");
        if let Some(writer) = &mut writer {
            writer.idle();
        }
        let mut fds = [PollFd::new(&ours, PollFlags::IN)];
        if poll(&mut fds, Some(&left(after(SHORT)))).unwrap() > 0 {
            let mut bytes = [0; 100];
            match rustix::io::read(&ours, &mut bytes).unwrap() {
                0 => return pasted,
                n => pasted.extend(&bytes[..n]),
            }
        }
    }
}
