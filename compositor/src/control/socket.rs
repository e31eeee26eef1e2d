//! `syncline msg`: one JSON object a line over a Unix socket next to the Wayland one.
//!
//! Only the user can open the socket (it lies in XDG_RUNTIME_DIR). A peer that sends nothing, or half a line, costs a
//! descriptor until it hangs up and holds up nobody.

use std::{
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
};

use slab::Slab;

use crate::{
    control::request::Answer,
    system::{
        error::{Context, Error},
        id::Slot,
        reactor::{EventSource, Reactor},
    },
};

/// Whom to answer later; one that has hung up meanwhile is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub slot: Slot,
    pub peer: u64,
}

/// Longest request.
const LIMIT: usize = 64 * 1024;

#[derive(Debug)]
struct Peer {
    /// Unique, since slots are used again.
    id: u64,
    stream: UnixStream,
    line: Vec<u8>,
}

/// The listening socket and its peers; the socket's file is removed on drop.
#[derive(Debug)]
pub struct Ipc {
    listener: UnixListener,
    path: PathBuf,
    peers: Slab<Peer>,
    accepted: u64,
}

impl Ipc {
    /// Listens on `path`. The caller holds the lock of the Wayland socket of that name, so a file there is a left-over.
    pub fn listen(path: PathBuf, reactor: &Reactor) -> Result<Self, Error> {
        std::fs::remove_file(&path).ok();
        let what = || format!("listening on {}", path.display());
        let listener = UnixListener::bind(&path).context(what())?;
        listener.set_nonblocking(true).context(what())?;
        reactor.add(&listener, EventSource::MsgListen).context(what())?;
        Ok(Self { listener, path, peers: Slab::new(), accepted: 0 })
    }

    /// Takes a new peer.
    pub fn accept(&mut self, reactor: &Reactor) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let entry = self.peers.vacant_entry();
        if reactor.add(&stream, EventSource::Msg(Slot(entry.key() as u32))).is_err() {
            return;
        }
        self.accepted += 1;
        entry.insert(Peer { id: self.accepted, stream, line: Vec::new() });
    }

    /// Reads from a peer; returns its request once the line is whole. `Err`: it is gone.
    pub fn receive(&mut self, slot: Slot) -> Result<Option<String>, ()> {
        let peer = self.peers.get_mut(slot.0 as usize).ok_or(())?;
        let mut buffer = [0; 4096];
        loop {
            match peer.stream.read(&mut buffer) {
                Ok(0) => return Err(()),
                Ok(n) => peer.line.extend_from_slice(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(()),
            }
            if peer.line.len() > LIMIT {
                return Err(());
            }
        }
        let Some(end) = peer.line.iter().position(|b| *b == b'\n') else { return Ok(None) };
        let line: Vec<u8> = peer.line.drain(..=end).collect();
        String::from_utf8(line).map(Some).map_err(|_| ())
    }

    /// For answering the peer in `slot` later.
    pub fn ticket(&self, slot: Slot) -> Option<Ticket> {
        Some(Ticket { slot, peer: self.peers.get(slot.0 as usize)?.id })
    }

    /// Answers a peer; one that does not read its answer loses it.
    pub fn answer(&mut self, slot: Slot, answer: &Answer) {
        let Some(peer) = self.peers.get_mut(slot.0 as usize) else { return };
        let mut line = serde_json::to_vec(answer).unwrap_or_default();
        line.push(b'\n');
        peer.stream.write_all(&line).ok();
    }

    pub fn hang_up(&mut self, slot: Slot) {
        self.peers.try_remove(slot.0 as usize);
    }
}

impl Drop for Ipc {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

/// Where the compositor with this Wayland socket listens.
pub fn socket_path(name: &str) -> Result<PathBuf, Error> {
    let path = if name.starts_with('/') {
        PathBuf::from(name)
    } else {
        let dir = std::env::var_os("XDG_RUNTIME_DIR").ok_or_else(|| {
            Error::setup("XDG_RUNTIME_DIR", "is not set; it names the directory of the session's sockets")
        })?;
        Path::new(&dir).join(name)
    };
    let mut path = path.into_os_string();
    path.push(".ipc");
    Ok(path.into())
}
