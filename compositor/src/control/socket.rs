//! The socket of `syncline msg`: one JSON object per line, over a Unix socket next to the Wayland
//! one.
//!
//! The socket is the user's alone: its mode is 0600, and a peer of another user is closed (only root
//! may be one). A peer that sends nothing, or half a line, costs one descriptor until it hangs up, and
//! delays no other peer. There are at most [`PEERS`].

use std::{
    fs::Permissions,
    io::{self, Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use slab::Slab;

use crate::{
    control::request::Answer,
    report::events::Event,
    system::{
        descriptors::Descriptors,
        error::{Context, Error},
        id::Slot,
        reactor::{EventSource, Reactor},
    },
};

/// Names a peer that is answered later. A peer that has hung up meanwhile gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub slot: Slot,
    pub peer: u64,
}

/// The longest request, in bytes.
const LIMIT: usize = 64 * 1024;

/// The most peers at a time; further ones are closed.
const PEERS: usize = 64;

#[derive(Debug)]
struct Peer {
    /// Unique, because slots are reused.
    id: u64,
    stream: UnixStream,
    line: Vec<u8>,
    /// It is told what happens.
    listens: bool,
}

/// The listening socket and its peers. Dropping it removes the socket's file.
#[derive(Debug)]
pub struct Ipc {
    listener: UnixListener,
    path: PathBuf,
    peers: Slab<Peer>,
    accepted: u64,
}

impl Peer {
    /// Whether all of it could be sent at once.
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }
}

/// Each event as an answer, on a line.
fn lines(events: &[Event]) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in events {
        let answer = Answer { error: None, data: serde_json::to_value(event).ok() };
        lines.extend(serde_json::to_vec(&answer).unwrap_or_default());
        lines.push(b'\n');
    }
    lines
}

impl Ipc {
    /// Listens on `path`. The caller holds the lock of the Wayland socket of that name, so an
    /// existing file is a left-over and is replaced.
    pub fn listen(path: PathBuf, reactor: &Reactor) -> Result<Self, Error> {
        std::fs::remove_file(&path).ok();
        let what = || format!("cannot listen on {}", path.display());
        let listener = UnixListener::bind(&path).context(what())?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).context(what())?;
        listener.set_nonblocking(true).context(what())?;
        reactor.add(&listener, EventSource::MsgListen).context(what())?;
        Ok(Self { listener, path, peers: Slab::new(), accepted: 0 })
    }

    /// Accepts a new peer. Where no descriptor is left, the connection is closed.
    pub fn accept(&mut self, reactor: &Reactor, descriptors: &mut Descriptors) {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => return descriptors.refuse(&error, || self.listener.accept().is_ok()),
        };
        if stream.set_nonblocking(true).is_err() || !is_the_user(&stream) || self.peers.len() >= PEERS {
            return;
        }
        let entry = self.peers.vacant_entry();
        if reactor.add(&stream, EventSource::Msg(Slot(entry.key() as u32))).is_err() {
            return;
        }
        self.accepted += 1;
        entry.insert(Peer { id: self.accepted, stream, line: Vec::new(), listens: false });
    }

    /// Reads from a peer. Returns its request once the line is complete, and an error if the peer
    /// is gone.
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

    /// The ticket for answering the peer in `slot` later.
    pub fn ticket(&self, slot: Slot) -> Option<Ticket> {
        Some(Ticket { slot, peer: self.peers.get(slot.0 as usize)?.id })
    }

    /// Sends an answer. A peer that does not read its answer loses it.
    pub fn answer(&mut self, slot: Slot, answer: &Answer) {
        let Some(peer) = self.peers.get_mut(slot.0 as usize) else { return };
        let mut line = serde_json::to_vec(answer).unwrap_or_default();
        line.push(b'\n');
        peer.stream.write_all(&line).ok();
    }

    /// Tells a peer the state, and from now on what [`Ipc::tell`] says.
    pub fn listen_to(&mut self, ticket: Ticket, state: &Event) {
        let Some(peer) = self.peers.get_mut(ticket.slot.0 as usize).filter(|peer| peer.id == ticket.peer) else {
            return;
        };
        peer.listens = peer.send(&lines(std::slice::from_ref(state)));
        if !peer.listens {
            self.hang_up(ticket.slot);
        }
    }

    /// Tells events to those who listen. Whoever has not read so much that there is no room for more
    /// is closed: nobody waits for it, and it would miss some. Returns whether anybody listens.
    pub fn tell(&mut self, events: &[Event]) -> bool {
        if !events.is_empty() {
            let lines = lines(events);
            self.peers.retain(|_, peer| !peer.listens || peer.send(&lines));
        }
        self.peers.iter().any(|(_, peer)| peer.listens)
    }

    pub fn hang_up(&mut self, slot: Slot) {
        self.peers.try_remove(slot.0 as usize);
    }
}

/// Whether the peer is of the user of this process, or root.
fn is_the_user(stream: &UnixStream) -> bool {
    let user = rustix::process::geteuid();
    match rustix::net::sockopt::socket_peercred(stream) {
        Ok(peer) if peer.uid == user || peer.uid.is_root() => true,
        Ok(peer) => {
            tracing::warn!("syncline msg: refused a connection of user {}", peer.uid.as_raw());
            false
        }
        Err(_) => false,
    }
}

impl Drop for Ipc {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

/// The path of the `syncline msg` socket that belongs to a Wayland socket.
pub fn socket_path(name: &str) -> Result<PathBuf, Error> {
    let mut path = wayland_path(name)?.into_os_string();
    path.push(".ipc");
    Ok(path.into())
}

/// The path of a Wayland socket.
pub fn wayland_path(name: &str) -> Result<PathBuf, Error> {
    if name.starts_with('/') {
        return Ok(PathBuf::from(name));
    }
    let dir = std::env::var_os("XDG_RUNTIME_DIR").ok_or_else(|| {
        Error::setup("XDG_RUNTIME_DIR", "is not set; it must name the directory of the session's sockets")
    })?;
    Ok(Path::new(&dir).join(name))
}
