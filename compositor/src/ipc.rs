//! `syncline msg`: one JSON object a line over a Unix socket next to the Wayland one.
//!
//! Only the user can open the socket (it lies in XDG_RUNTIME_DIR). A peer that sends nothing, or half a line, costs a
//! descriptor until it hangs up and holds up nobody.

use std::{
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{
    crc::switch::CrcRequest,
    error::{Context, Error},
    reactor::{Reactor, Source},
    state::Syncline,
};

/// A request, from `syncline msg`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    Quit,
    /// Writes a PNG; `path` is absolute.
    Screenshot {
        path: PathBuf,
    },
    Status,
    /// Turns a display off or on, by the name of its connector.
    Output {
        name: String,
        on: bool,
    },
    /// See [`crate::fences::FencesReport`].
    Fences,
    /// See [`crate::buffers::BufferReport`].
    Buffers,
    /// See [`crate::crc::switch`].
    Crc(CrcRequest),
    /// The last frames after the one with this serial, of one output or of all; see [`crate::crc::frames::Page`].
    Frames {
        after: u64,
        output: Option<String>,
        /// Only up to the first one whose CRC is not judged yet.
        settled: bool,
    },
}

/// Whom to answer later; one that has hung up meanwhile is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    slot: u32,
    peer: u64,
}

/// An answer: `error` says why not.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
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
    peers: Vec<Option<Peer>>,
    accepted: u64,
}

impl Ipc {
    /// Listens on `path`. The caller holds the lock of the Wayland socket of that name, so a file there is a left-over.
    pub fn listen(path: PathBuf, reactor: &Reactor) -> Result<Self, Error> {
        std::fs::remove_file(&path).ok();
        let what = || format!("listening on {}", path.display());
        let listener = UnixListener::bind(&path).context(what())?;
        listener.set_nonblocking(true).context(what())?;
        reactor.add(&listener, Source::MsgListen).context(what())?;
        Ok(Self { listener, path, peers: Vec::new(), accepted: 0 })
    }

    /// Takes a new peer.
    pub fn accept(&mut self, reactor: &Reactor) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let slot = self.peers.iter().position(Option::is_none).unwrap_or(self.peers.len());
        if reactor.add(&stream, Source::Msg(slot as u32)).is_err() {
            return;
        }
        self.accepted += 1;
        let peer = Some(Peer { id: self.accepted, stream, line: Vec::new() });
        if slot == self.peers.len() {
            self.peers.push(peer);
        } else {
            self.peers[slot] = peer;
        }
    }

    /// Reads from a peer; returns its request once the line is whole. `Err`: it is gone.
    fn receive(&mut self, slot: u32) -> Result<Option<String>, ()> {
        let peer = self.peers.get_mut(slot as usize).and_then(Option::as_mut).ok_or(())?;
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
    fn ticket(&self, slot: u32) -> Option<Ticket> {
        Some(Ticket { slot, peer: self.peers.get(slot as usize)?.as_ref()?.id })
    }

    /// Answers a peer; one that does not read its answer loses it.
    pub fn answer(&mut self, slot: u32, answer: &Answer) {
        let Some(Some(peer)) = self.peers.get_mut(slot as usize) else { return };
        let mut line = serde_json::to_vec(answer).unwrap_or_default();
        line.push(b'\n');
        peer.stream.write_all(&line).ok();
    }

    fn hang_up(&mut self, slot: u32) {
        if let Some(peer) = self.peers.get_mut(slot as usize) {
            *peer = None;
        }
    }
}

impl Drop for Ipc {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

impl Syncline {
    /// A peer sent something or hung up.
    pub fn ipc_event(&mut self, slot: u32) {
        let Some(ipc) = &mut self.ipc else { return };
        let line = match ipc.receive(slot) {
            Ok(Some(line)) => line,
            Ok(None) => return,
            Err(()) => return ipc.hang_up(slot),
        };
        let Some(ticket) = ipc.ticket(slot) else { return };
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(Request::Crc(request)) => self.crc_request(request, ticket),
            Ok(request) => Some(self.ipc_request(request)),
            Err(error) => Some(Err(format!("not a request: {error}"))),
        };
        if let Some(answer) = answer {
            self.answer_later(ticket, answer);
        }
    }

    /// Answers who asked, if it has not hung up.
    pub fn answer_later(&mut self, ticket: Ticket, answer: Result<serde_json::Value, String>) {
        let answer = match answer {
            Ok(data) => Answer { error: None, data: Some(data) },
            Err(error) => Answer { error: Some(error), data: None },
        };
        if let Some(ipc) = &mut self.ipc
            && ipc.ticket(ticket.slot) == Some(ticket)
        {
            ipc.answer(ticket.slot, &answer);
        }
    }

    fn ipc_request(&mut self, request: Request) -> Result<serde_json::Value, String> {
        match request {
            // Answered by its own.
            Request::Crc(_) => Ok(serde_json::json!({})),
            Request::Frames { after, output, settled } => {
                if let Some(name) = &output {
                    self.crc_output(name)?;
                }
                let page = self.crc.frames.page(after, output.as_deref(), settled);
                serde_json::to_value(page).map_err(|e| e.to_string())
            }
            Request::Quit => {
                self.exit = Some(0);
                Ok(serde_json::json!({}))
            }
            Request::Screenshot { path } => {
                self.screenshot(&path)?;
                Ok(serde_json::json!({ "path": path }))
            }
            Request::Output { name, on } => {
                self.power_by_name(&name, on)?;
                Ok(serde_json::json!({}))
            }
            Request::Status => Ok(self.status()),
            Request::Buffers => serde_json::to_value(self.buffers_report()).map_err(|e| e.to_string()),
            Request::Fences => serde_json::to_value(self.fences_report()).map_err(|e| e.to_string()),
        }
    }

    fn status(&self) -> serde_json::Value {
        let fds = std::fs::read_dir("/proc/self/fd").map(|dir| dir.count().saturating_sub(1)).unwrap_or(0);
        let outputs: Vec<_> = self.outputs.list.iter().map(|output| output.status()).collect();
        serde_json::json!({
            "renderer": self.outputs.renderer.name(),
            "driver": self.outputs.cards.iter().next().map(|card| card.driver()),
            "cards": self.outputs.cards.iter().map(|card| card.device.path()).collect::<Vec<_>>(),
            "outputs": outputs,
            "windows": self.windows.len(),
            "buffers": self.imports.len(),
            "pending_acquires": self.acquires.len(),
            "fds": fds,
            "counters": self.counters,
        })
    }
}
