//! A Wayland client for tests: one connection, one event queue, every event recorded in [`State`],
//! and no wait without a deadline.
//!
//! It is an ordinary client: it knows only what the protocol tells it. It never retries, and never
//! hides an error of the compositor: a protocol error comes back as [`Error::Protocol`] with its
//! code, object and message.

pub mod absence;
pub mod actor;
pub mod buffer;
mod dispatch;
pub mod dmabuf;
pub mod fenced;
pub mod heads;
pub mod layer;
pub mod lock;
pub mod seat;
pub mod shm;
pub mod state;
pub mod sync;
pub mod tablet;
pub mod timing;
mod tranche;
pub mod window;

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use wayland_client::backend::WaylandError;
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle};

pub use state::{Feedback, Presented, State};

use crate::error::{Error, Result};
use crate::time::{Ns, after, left, now};

/// How long a wait may last where the caller has no reason for another time.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a compositor.
pub struct Client {
    conn: Connection,
    queue: EventQueue<State>,
    /// Everything that the compositor has said.
    pub state: State,
}

/// `$XDG_RUNTIME_DIR/name`, or `name` itself where that is absolute.
pub fn socket_path(name: &str) -> Result<PathBuf> {
    if Path::new(name).is_absolute() {
        return Ok(name.into());
    }
    let dir = std::env::var_os("XDG_RUNTIME_DIR").ok_or_else(|| Error::Missing("XDG_RUNTIME_DIR".into()))?;
    Ok(Path::new(&dir).join(name))
}

impl Client {
    /// Connects to the socket `name` and binds the globals that every client needs.
    pub fn connect(name: &str) -> Result<Client> {
        let path = socket_path(name)?;
        let stream = UnixStream::connect(&path).map_err(Error::io(format!("connect to {}", path.display())))?;
        Client::from_stream(stream)
    }

    /// The same over a connected socket, which the connection owns from here on.
    pub fn from_stream(stream: UnixStream) -> Result<Client> {
        let conn = Connection::from_socket(stream).map_err(Error::other("wayland connection"))?;
        let queue = conn.new_event_queue();
        let qh = queue.handle();
        let registry = conn.display().get_registry(&qh, ());
        let mut client = Client { conn, queue, state: State::new(registry) };
        client.roundtrip()?;
        client.bind_known()?;
        client.roundtrip()?;
        Ok(client)
    }

    /// The handle with which requests that create objects are made.
    pub fn qh(&self) -> QueueHandle<State> {
        self.queue.handle()
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.conn
    }

    /// Binds the global of interface `I` at the newest version that both sides know, up to `max`.
    pub fn bind<I>(&mut self, max: u32) -> Result<I>
    where
        I: Proxy + 'static,
        State: Dispatch<I, ()>,
    {
        self.try_bind(max).ok_or_else(|| Error::Missing(format!("global {}", I::interface().name)))
    }

    fn try_bind<I>(&mut self, max: u32) -> Option<I>
    where
        I: Proxy + 'static,
        State: Dispatch<I, ()>,
    {
        let global = self.state.global(I::interface().name)?;
        let (name, version) = (global.name, global.version.min(max));
        Some(self.state.registry.bind(name, version, &self.queue.handle(), ()))
    }

    fn bind_known(&mut self) -> Result<()> {
        self.state.bound.compositor = self.try_bind(6);
        self.state.bound.subcompositor = self.try_bind(1);
        self.state.bound.shm = self.try_bind(1);
        self.state.bound.wm_base = self.try_bind(3);
        self.state.bound.dmabuf = self.try_bind(4);
        self.state.bound.presentation = self.try_bind(1);
        self.state.bound.syncobj = self.try_bind(1);
        self.state.bound.explicit_sync = self.try_bind(2);
        self.state.bound.viewporter = self.try_bind(1);
        self.state.bound.output = self.try_bind(2);
        if let Some(dmabuf) = self.state.bound.dmabuf.clone().filter(|d| d.version() >= 4) {
            dmabuf.get_default_feedback(&self.queue.handle(), ());
        }
        Ok(())
    }

    /// Sends what is queued; waits for events on the connection and readability of `others` until
    /// `deadline`; handles the events. Returns a bit per readable descriptor of `others` (at most
    /// 64), zero when there was none.
    pub fn turn(&mut self, others: &[BorrowedFd<'_>], deadline: Ns) -> Result<u64> {
        if self.queue.dispatch_pending(&mut self.state).map_err(|e| self.explain(e))? > 0 {
            self.flush()?;
            return Ok(0);
        }
        self.flush()?;
        let Some(guard) = self.queue.prepare_read() else { return Ok(0) };
        let mut fds: Vec<PollFd<'_>> = others.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        let socket = guard.connection_fd();
        fds.push(PollFd::new(&socket, PollFlags::IN));
        match poll(&mut fds, Some(&left(deadline))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(Error::Call { what: "poll".into(), errno }),
        }
        let heard = fds.pop().is_some_and(|fd| !fd.revents().is_empty());
        let ready = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty()).fold(0, |m, (i, _)| m | 1 << i);
        drop(fds);
        if heard {
            match guard.read() {
                Ok(_) => {}
                Err(WaylandError::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(self.explain_wayland(e)),
            }
            self.queue.dispatch_pending(&mut self.state).map_err(|e| self.explain(e))?;
        }
        Ok(ready)
    }

    /// Handles events until `done`, or fails with a timeout that names `what`.
    pub fn wait_for(&mut self, what: &str, timeout: Duration, mut done: impl FnMut(&State) -> bool) -> Result<()> {
        let deadline = after(timeout);
        while !done(&self.state) {
            if now() >= deadline {
                return Err(Error::Timeout(what.into()));
            }
            self.turn(&[], deadline)?;
        }
        Ok(())
    }

    /// Handles events for `time`, whatever they are.
    pub fn idle(&mut self, time: Duration) -> Result<()> {
        let deadline = after(time);
        while now() < deadline {
            self.turn(&[], deadline)?;
        }
        Ok(())
    }

    /// Waits until the compositor has handled everything sent so far.
    pub fn roundtrip(&mut self) -> Result<()> {
        let token = self.state.token();
        self.conn.display().sync(&self.queue.handle(), token);
        self.wait_for("wl_display.sync", PATIENCE, |s| s.callbacks.contains_key(&token))?;
        self.state.callbacks.remove(&token);
        Ok(())
    }

    /// Sends what is queued, waiting for room where the socket is full.
    pub fn flush(&mut self) -> Result<()> {
        let deadline = after(PATIENCE);
        self.hear_last_words();
        loop {
            match self.conn.flush() {
                Ok(()) => return Ok(()),
                Err(WaylandError::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock && now() < deadline => {
                    let socket = self.conn.as_fd();
                    let _ = poll(&mut [PollFd::new(&socket, PollFlags::OUT)], Some(&left(deadline)));
                }
                Err(e) => return Err(self.explain_wayland(e)),
            }
        }
    }

    /// A compositor that has refused something has closed the socket: what it said is read before a
    /// write fails.
    fn hear_last_words(&self) {
        let socket = self.conn.as_fd();
        let mut fds = [PollFd::new(&socket, PollFlags::empty())];
        let closed = poll(&mut fds, Some(&left(0))).is_ok_and(|count| count > 0);
        if let Some(guard) = self.conn.prepare_read().filter(|_| closed) {
            // Its errors are kept, and returned by the write.
            let _ = guard.read();
        }
    }

    /// Waits for the protocol error that the requests sent so far must bring.
    pub fn expect_protocol_error(&mut self) -> Result<Error> {
        let token = self.state.token();
        self.conn.display().sync(&self.queue.handle(), token);
        match self.wait_for("a protocol error", PATIENCE, |s| s.callbacks.contains_key(&token)) {
            Err(e @ Error::Protocol { .. }) => Ok(e),
            Err(e) => Err(e),
            Ok(()) => Err(Error::Other("the compositor accepted what the protocol forbids".into())),
        }
    }

    fn explain(&self, error: wayland_client::DispatchError) -> Error {
        match error {
            wayland_client::DispatchError::Backend(e) => self.explain_wayland(e),
            e => Error::Other(format!("bad message from the compositor: {e}")),
        }
    }

    fn explain_wayland(&self, error: WaylandError) -> Error {
        let protocol = match error {
            WaylandError::Protocol(e) => Some(e),
            // After a fatal error the socket may break before the error event was looked at.
            WaylandError::Io(ref e) => match self.conn.protocol_error() {
                Some(p) => Some(p),
                None => return Error::Broken(e.to_string()),
            },
        };
        match protocol {
            Some(e) => {
                Error::Protocol { interface: e.object_interface, object: e.object_id, code: e.code, message: e.message }
            }
            None => Error::Broken("without a reason".into()),
        }
    }
}
