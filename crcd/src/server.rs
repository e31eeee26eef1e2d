//! The helper: answers one request on each connection.
//!
//! Each connection has a thread of its own, a second for its request, and at most one answer; one
//! user has a few connections at a time. So nobody waits for another user. All buffers have fixed
//! sizes.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, accept_with, bind, connect, listen, recv, sendmsg, socket_with,
};

use crate::files::Files;
use crate::peer;
use crate::protocol::{REQUEST, Refusal, Reply, Request, What, encode_reply};

/// How long a client may take to send its request, and to take the answer.
pub const LIMIT: Duration = Duration::from_secs(1);
/// Connections of one user at a time; further ones are closed.
const EACH: usize = 8;
/// Connections of all users at a time; further ones are closed.
const ALL: usize = 64;
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 64;
/// For a thread that answers a client.
const STACK: usize = 64 << 10;

/// The helper.
#[derive(Debug)]
pub struct Server {
    listener: OwnedFd,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Where debugfs is mounted.
    debugfs: PathBuf,
    /// Who may ask besides root.
    group: u32,
    /// The users of the open connections.
    open: Mutex<Vec<u32>>,
}

/// Listens at `path`: a socket that only root and `group` may connect to. One that nobody listens
/// at any more is replaced. Errors: the call that failed, and why.
pub fn listen_at(path: &Path, group: u32) -> Result<OwnedFd, (&'static str, Errno)> {
    let failed = |call| move |errno| (call, errno);
    let address = SocketAddrUnix::new(path).map_err(failed("bind"))?;
    let socket = || socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    if connect(&socket().map_err(failed("socket"))?, &address) == Err(Errno::CONNREFUSED) {
        rustix::fs::unlink(path).map_err(failed("unlink"))?;
    }
    let listener = socket().map_err(failed("socket"))?;
    // The file gets the mode of the socket: until it has its group it is root's alone.
    rustix::fs::fchmod(&listener, Mode::from_raw_mode(0o600)).map_err(failed("fchmod"))?;
    bind(&listener, &address).map_err(failed("bind"))?;
    if group != 0 {
        rustix::fs::chown(path, None::<Uid>, Some(Gid::from_raw(group))).map_err(failed("chown"))?;
    }
    rustix::fs::chmod(path, Mode::from_raw_mode(0o660)).map_err(failed("chmod"))?;
    listen(&listener, BACKLOG).map_err(failed("listen"))?;
    Ok(listener)
}

impl Server {
    /// On a socket that listens, for the CRCs of a debugfs at `debugfs`.
    pub fn new(listener: OwnedFd, debugfs: &Path, group: u32) -> Self {
        let shared = Shared { debugfs: debugfs.to_owned(), group, open: Mutex::new(Vec::with_capacity(ALL)) };
        Self { listener, shared: Arc::new(shared) }
    }

    /// Answers until nobody has asked for `idle`; without it for ever. Errors: the socket is
    /// broken.
    pub fn run(&self, idle: Option<Duration>) -> Result<(), Errno> {
        let limit = idle.map(|idle| Timespec { tv_sec: idle.as_secs() as i64, tv_nsec: idle.subsec_nanos().into() });
        loop {
            match poll(&mut [PollFd::new(&self.listener, PollFlags::IN)], limit.as_ref()) {
                Ok(0) if self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty() => return Ok(()),
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(errno),
            }
            match accept_with(&self.listener, SocketFlags::CLOEXEC) {
                Ok(client) => self.start(client),
                // The client has gone, or there are too many descriptors for now.
                Err(Errno::INTR | Errno::AGAIN | Errno::CONNABORTED) => {}
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => thread::sleep(LIMIT),
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Answers a client in a thread of its own. One too many is hung up on.
    fn start(&self, client: OwnedFd) {
        let Ok(peer) = peer::of(&client, self.shared.group) else { return };
        let Some(seat) = Seat::take(&self.shared, peer.uid) else { return };
        let work = move || {
            serve(&client, peer.allowed, &seat.shared);
        };
        // Without a thread the client is hung up on.
        let _ = thread::Builder::new().stack_size(STACK).spawn(work);
    }
}

/// One of the connections that a user may have; given back on drop.
struct Seat {
    shared: Arc<Shared>,
    uid: u32,
}

impl Seat {
    fn take(shared: &Arc<Shared>, uid: u32) -> Option<Self> {
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= ALL || open.iter().filter(|other| **other == uid).count() >= EACH {
            return None;
        }
        open.push(uid);
        Some(Self { shared: Arc::clone(shared), uid })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|uid| *uid == self.uid) {
            open.swap_remove(at);
        }
    }
}

/// Reads one request and answers it. Descriptors that a client sends are closed by the kernel, as
/// nobody takes them.
fn serve(client: &OwnedFd, allowed: bool, shared: &Shared) -> Option<()> {
    for timeout in [Timeout::Recv, Timeout::Send] {
        set_socket_timeout(client, timeout, Some(LIMIT)).ok()?;
    }
    // One byte more, so that a longer message is seen as such.
    let mut bytes = [0; REQUEST + 1];
    let (len, _) = recv(client, &mut bytes, RecvFlags::empty()).ok().filter(|(len, _)| *len > 0)?;
    let answer = match Request::decode(bytes.get(..len)?) {
        _ if !allowed => Err(Refusal::NotAllowed),
        None => Err(Refusal::BadRequest),
        Some(request) => grant(&request, &shared.debugfs),
    };
    reply(client, answer).ok()
}

fn grant(request: &Request, debugfs: &Path) -> Result<OwnedFd, Refusal> {
    let files = Files::of(debugfs, request.device.1, request.crtc).map_err(Refusal::Failed)?;
    let opened = match &request.what {
        What::Sources => files.control(),
        What::Data => files.data(),
        What::Arm(source) => files.arm(source),
    };
    opened.map_err(Refusal::Failed)
}

/// Sends the answer; the descriptor is the client's alone then.
fn reply(client: &OwnedFd, answer: Result<OwnedFd, Refusal>) -> Result<(), Errno> {
    let verdict: Reply = answer.as_ref().map(drop).map_err(|refusal| *refusal);
    let bytes = encode_reply(&verdict);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = answer.as_ref().map(|fd| [fd.as_fd()]);
    if let Ok(fds) = &fds {
        ancillary.push(SendAncillaryMessage::ScmRights(fds));
    }
    sendmsg(client, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL).map(drop)
}

#[cfg(test)]
mod tests;
