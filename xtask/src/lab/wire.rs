//! The wire between `cargo xtask lab` on the host and the first process in the guest.
//!
//! One serial line carries it, in frames: a kind, a length (u32, little endian), the payload. The
//! guest opens with [`GREETING`] once the line is raw; what comes before that is boot chatter of
//! User-Mode Linux and belongs in the log. The host answers with one [`Kind::Job`]. [`Kind::Exit`]
//! is the guest's last frame: its file systems are synced, the host may kill it.
//!
//! Never interprets a payload, and never blocks in both directions at once: each side reads and
//! writes from different threads.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// First bytes that the guest sends on a line that is raw.
pub const GREETING: &[u8] = b"\x01syncline lab 1\x02";

/// A frame that claims to be longer than this means that the line has lost bytes.
const LONGEST: usize = 1 << 20;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Host to guest: a [`Job`] as JSON.
    Job,
    /// Host to guest: bytes for the command's standard input; none means the end of it.
    Stdin,
    /// Guest to host: bytes of the command's standard output.
    Stdout,
    /// Guest to host: bytes of the command's standard error.
    Stderr,
    /// Guest to host: the command's exit status, i32 little endian. Nothing follows.
    Exit,
    /// Guest to host: the guest itself failed; text says how. Nothing follows.
    Failed,
}

const KINDS: [(Kind, u8); 6] = [
    (Kind::Job, b'J'),
    (Kind::Stdin, b'I'),
    (Kind::Stdout, b'O'),
    (Kind::Stderr, b'E'),
    (Kind::Exit, b'X'),
    (Kind::Failed, b'F'),
];

/// What the guest is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
}

/// Writes one frame and flushes.
pub fn send(to: &mut impl Write, kind: Kind, payload: &[u8]) -> io::Result<()> {
    let code = KINDS.iter().find(|(k, _)| *k == kind).map_or(0, |(_, code)| *code);
    let length = u32::try_from(payload.len()).map_err(|_| io::Error::other("frame too long"))?;
    let mut frame = Vec::with_capacity(5 + payload.len());
    frame.push(code);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(payload);
    to.write_all(&frame)?;
    to.flush()
}

/// Reads one frame; `None` at the end of the line.
pub fn receive(from: &mut impl Read) -> io::Result<Option<(Kind, Vec<u8>)>> {
    let mut head = [0; 5];
    match from.read_exact(&mut head) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [code, length @ ..] = head;
    let length = u32::from_le_bytes(length) as usize;
    let Some((kind, _)) = KINDS.iter().find(|(_, c)| *c == code).filter(|_| length <= LONGEST) else {
        return Err(io::Error::other(format!("garbled frame (kind {code:#04x}, {length} bytes)")));
    };
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    Ok(Some((*kind, payload)))
}

/// Reads up to and including the [`GREETING`] and returns what came before it; `Err` with all of it
/// if the line ends first.
pub fn await_greeting(from: &mut impl Read) -> Result<Vec<u8>, Vec<u8>> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(GREETING) {
        match from.read_exact(&mut byte) {
            Ok(()) => seen.push(byte[0]),
            Err(_) => return Err(seen),
        }
    }
    seen.truncate(seen.len() - GREETING.len());
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_sent() {
        let mut line = Vec::new();
        for (kind, _) in KINDS {
            send(&mut line, kind, b"two\nlines\0").unwrap();
        }
        let mut from = line.as_slice();
        for (kind, _) in KINDS {
            assert_eq!(receive(&mut from).unwrap(), Some((kind, b"two\nlines\0".to_vec())));
        }
        assert_eq!(receive(&mut from).unwrap(), None);
    }

    #[test]
    fn a_garbled_frame_is_an_error_not_a_huge_allocation() {
        assert!(receive(&mut &b"O\xff\xff\xff\x7f"[..]).is_err());
        assert!(receive(&mut &b"?\0\0\0\0"[..]).is_err());
        assert!(receive(&mut &b"O\x05\0\0\0abc"[..]).is_err());
    }

    #[test]
    fn boot_chatter_is_kept_apart() {
        let mut line = b"Checking \x01sync ... OK\n".to_vec();
        line.extend_from_slice(GREETING);
        line.extend_from_slice(b"rest");
        let mut from = line.as_slice();
        assert_eq!(await_greeting(&mut from).unwrap(), b"Checking \x01sync ... OK\n");
        assert_eq!(from, b"rest");
        assert_eq!(await_greeting(&mut from).unwrap_err(), b"rest");
    }
}
