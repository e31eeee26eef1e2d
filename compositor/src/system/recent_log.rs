//! The last lines of the log, kept in memory so that a report of a bug can have them, wherever
//! standard error goes.
//!
//! What the log does not have is not kept either: no title of a window is ever logged.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use rustix::time::{ClockId, clock_gettime};

/// Bytes that are kept.
const KEPT: usize = 64 << 10;

static RECENT: Mutex<VecDeque<u8>> = Mutex::new(VecDeque::new());

/// Writes to standard error, and keeps what it writes.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// The lines have no time of their own.
    pub stamped: bool,
}

impl Write for Kept {
    /// Takes all of one event of the log.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stamped {
            let now = clock_gettime(ClockId::Realtime);
            keep(&mut recent, format!("{}.{:06} ", now.tv_sec, now.tv_nsec / 1000).as_bytes());
        }
        keep(&mut recent, event);
        drop(recent);
        io::stderr().write_all(event)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn keep(recent: &mut VecDeque<u8>, bytes: &[u8]) {
    let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
    let too_many = (recent.len() + bytes.len()).saturating_sub(KEPT);
    recent.drain(..too_many);
    recent.extend(bytes);
}

/// The lines that are kept, without colours.
pub fn text() -> String {
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    whole_lines(recent.make_contiguous())
}

/// The first line may have lost its beginning.
fn whole_lines(bytes: &[u8]) -> String {
    let from = match bytes.len() < KEPT {
        true => 0,
        false => bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1),
    };
    without_colours(&String::from_utf8_lossy(&bytes[from..]))
}

/// Leaves out `ESC [ … m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest)));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept_and_each_is_whole() {
        let mut recent = VecDeque::new();
        for line in 0..20_000 {
            keep(&mut recent, format!("line {line}\n").as_bytes());
        }
        assert_eq!(recent.len(), KEPT);
        let text = whole_lines(recent.make_contiguous());
        assert!(text.lines().all(|line| line.starts_with("line ")), "{text:.40}");
        assert_eq!(text.lines().last(), Some("line 19999"));
        keep(&mut recent, &[b'x'; 2 * KEPT]);
        assert_eq!((recent.len(), whole_lines(recent.make_contiguous())), (KEPT, String::new()));
    }

    #[test]
    fn colours_are_for_the_terminal() {
        assert_eq!(without_colours("\x1b[2mnow\x1b[0m \x1b[32m INFO\x1b[0m started\n"), "now  INFO started\n");
        assert_eq!(without_colours(""), "");
    }
}
