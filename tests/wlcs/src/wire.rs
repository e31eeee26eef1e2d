//! The wire between a client of the suite and the session: it carries bytes and descriptors both
//! ways, and adds to the requests what [`FirstConfigures`] says.
//!
//! A thread carries them as they come. [`Wire::settle`] carries what the client has sent so far, so
//! that input of the suite does not overtake it. It knows no protocol.

use std::{
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, MutexGuard},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        Shutdown, recvmsg, sendmsg, shutdown,
    },
};

use crate::first_configure::{FirstConfigures, Verdict, whole_messages};

/// How long the session may take to configure a window.
const CONFIGURE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
/// libwayland sends no more descriptors at once.
const DESCRIPTORS: usize = 28;

/// The connection of one client.
#[derive(Debug, Clone)]
pub struct Wire(Arc<Ends>);

#[derive(Debug)]
struct Ends {
    client: UnixStream,
    session: UnixStream,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    first: FirstConfigures,
    requests: Inbox,
    events: Inbox,
}

/// What one end has sent and the other has not got yet.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// Why nothing more comes from an end now.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    /// It has said nothing more yet.
    Quiet,
    /// It has closed its end.
    Gone,
}

impl Wire {
    /// Joins a client and the session until one of them closes its end.
    pub fn join(client: UnixStream, session: UnixStream) -> io::Result<Self> {
        let state = State { first: FirstConfigures::new(), requests: Inbox::default(), events: Inbox::default() };
        let wire = Self(Arc::new(Ends { client, session, state: Mutex::new(state) }));
        let carried = wire.clone();
        std::thread::Builder::new().name("wire".to_owned()).spawn(move || carried.carry())?;
        Ok(wire)
    }

    /// Carries what the client has sent so far to the session.
    pub fn settle(&self) -> io::Result<()> {
        self.0.requests(&mut *self.0.lock()?).map(drop)
    }

    fn carry(&self) {
        let ends = &*self.0;
        loop {
            let mut both = [PollFd::new(&ends.client, PollFlags::IN), PollFd::new(&ends.session, PollFlags::IN)];
            match poll(&mut both, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => break,
            }
            let Ok(mut state) = ends.lock() else { break };
            let rest = ends.requests(&mut state).and_then(|rest| match rest {
                // What the session says of it still goes to the client.
                Rest::Gone => ends.events(&mut state).map(|_| Rest::Gone),
                Rest::Quiet => ends.events(&mut state),
            });
            if !matches!(rest, Ok(Rest::Quiet)) {
                break;
            }
        }
        for end in [&ends.client, &ends.session] {
            // The other may have closed it already.
            shutdown(end, Shutdown::Both).ok();
        }
    }
}

impl Ends {
    fn lock(&self) -> io::Result<MutexGuard<'_, State>> {
        self.state.lock().map_err(|_| io::Error::other("the wire's thread panicked"))
    }

    fn requests(&self, state: &mut State) -> io::Result<Rest> {
        loop {
            let rest = match state.requests.receive(&self.client)? {
                Some(rest) => rest,
                None => {
                    self.forward(state)?;
                    continue;
                }
            };
            return Ok(rest);
        }
    }

    /// Sends on the whole requests that have come.
    fn forward(&self, state: &mut State) -> io::Result<()> {
        let bytes = std::mem::take(&mut state.requests.bytes);
        let (messages, length) = whole_messages(&bytes);
        let mut out = Vec::with_capacity(length + 64);
        for message in messages {
            loop {
                match state.first.request(message) {
                    Verdict::Pass => out.extend_from_slice(message),
                    Verdict::Drop => {}
                    Verdict::After(first) => {
                        out.extend_from_slice(&first);
                        continue;
                    }
                    Verdict::Await(first) => {
                        out.extend_from_slice(&first);
                        send(&self.session, &mut out, &mut state.requests.descriptors)?;
                        self.hear(state)?;
                        continue;
                    }
                }
                break;
            }
        }
        state.requests.bytes = bytes[length..].to_vec();
        send(&self.session, &mut out, &mut state.requests.descriptors)
    }

    /// Waits until the session says something.
    fn hear(&self, state: &mut State) -> io::Result<()> {
        let mut one = [PollFd::new(&self.session, PollFlags::IN)];
        match poll(&mut one, Some(&CONFIGURE)) {
            Ok(0) => return Err(io::Error::other("a window was not configured within 5 s")),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        match self.events(state)? {
            Rest::Quiet => Ok(()),
            Rest::Gone => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    fn events(&self, state: &mut State) -> io::Result<Rest> {
        loop {
            if let Some(rest) = state.events.receive(&self.session)? {
                return Ok(rest);
            }
            let (messages, length) = whole_messages(&state.events.bytes);
            for message in messages {
                state.first.event(message);
            }
            let mut out: Vec<u8> = state.events.bytes.drain(..length).collect();
            send(&self.client, &mut out, &mut state.events.descriptors)?;
        }
    }
}

impl Inbox {
    /// Reads what there is, once. `None`: there may be more.
    fn receive(&mut self, from: impl AsFd) -> io::Result<Option<Rest>> {
        let mut bytes = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let got = match recvmsg(from, &mut [io::IoSliceMut::new(&mut bytes)], &mut ancillary, flags) {
            Ok(got) => got.bytes,
            Err(Errno::AGAIN) => return Ok(Some(Rest::Quiet)),
            Err(Errno::INTR) => return Ok(None),
            Err(Errno::CONNRESET) => return Ok(Some(Rest::Gone)),
            Err(error) => return Err(error.into()),
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        self.bytes.extend_from_slice(&bytes[..got]);
        Ok((got == 0).then_some(Rest::Gone))
    }
}

/// Sends all of it. Descriptors go with the first byte: they may come before the message that they
/// belong to, never after it.
fn send(to: &UnixStream, bytes: &mut Vec<u8>, descriptors: &mut Vec<OwnedFd>) -> io::Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        let some: Vec<_> = descriptors.iter().take(DESCRIPTORS).map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !some.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&some));
        }
        let count = some.len();
        match sendmsg(to, &[io::IoSlice::new(&bytes[at..])], &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(sent) => {
                at += sent;
                descriptors.drain(..count);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.clear();
    Ok(())
}
