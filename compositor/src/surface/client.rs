//! What is kept per client.
//!
//! The state is created when the client connects, and lives as long as the connection. It closes no
//! connection; the Wayland library does that.

use std::{
    fmt,
    os::fd::RawFd,
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicBool},
};

use protocols::toplevels::BoundOutputs;
use slab::Slab;
use smithay::{
    reexports::wayland_server::{
        Resource,
        backend::{ClientData, ClientId, DisconnectReason, ObjectId},
        protocol::wl_surface::WlSurface,
    },
    wayland::compositor::CompositorClientState,
};

use crate::{
    config::sandbox::PrivilegedGlobal,
    surface::{budget::Budget, turn::bound::Bound},
    system::{id::Slot, recvmsg::Inbox},
};

/// What is kept at most for a client that does not read, in bytes, beyond what its socket holds. A
/// mouse that moves a thousand times a second fills it in half a minute. A client that exceeds it
/// is closed.
pub const UNREAD: usize = 1 << 20;

/// A sandbox, in the words of its engine.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    /// For example `org.flatpak`.
    pub engine: Option<String>,
    /// The application.
    pub app_id: Option<String>,
    /// The running instance of the application.
    pub instance_id: Option<String>,
    /// The privileged globals that the configuration allows to it.
    pub allowed: Vec<PrivilegedGlobal>,
}

impl fmt::Display for Sandbox {
    /// `org.example.Player of org.flatpak`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_unnamed = |name: &Option<String>| name.clone().unwrap_or_else(|| "unnamed".to_owned());
        write!(f, "{} of {}", or_unnamed(&self.app_id), or_unnamed(&self.engine))?;
        match &self.instance_id {
            Some(instance) => write!(f, ", instance {instance}"),
            None => Ok(()),
        }
    }
}

/// What is kept per client.
#[derive(Debug)]
pub struct ClientState {
    pub compositor: CompositorClientState,
    /// The process id, for reports; `None` if the kernel did not report it.
    pub pid: Option<i32>,
    /// The sandbox from which the client connected: globals that concern the whole session are
    /// hidden from it.
    pub sandbox: Option<Arc<Sandbox>>,
    /// What it uses.
    pub budget: Arc<Budget>,
    pub ended: Ended,
    /// As [`Client::slow`].
    pub slow: AtomicBool,
    /// Its objects of outputs that task bars' events name.
    pub outputs: Mutex<BoundOutputs>,
}

impl ClientState {
    /// See [`ClientState::outputs`].
    pub fn outputs(&self) -> MutexGuard<'_, BoundOutputs> {
        self.outputs.lock().expect("no panic while locked")
    }
}

impl ClientData for ClientState {
    fn initialized(&self, _: ClientId) {}

    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        self.ended.note(client.clone());
        match reason {
            DisconnectReason::ConnectionClosed => {
                tracing::debug!("client {client:?} (pid {:?}) disconnected", self.pid)
            }
            DisconnectReason::ProtocolError(error) => tracing::info!(
                "client pid {}{} disconnected after a protocol error: {} error {}: {}",
                self.pid.unwrap_or(0),
                self.sandbox.as_ref().map(|sandbox| format!(" ({sandbox})")).unwrap_or_default(),
                error.object_interface,
                error.code,
                error.message
            ),
        }
    }
}

/// The clients by slot, which the reactor reports.
///
/// A slot is reused once its client is gone. An event of the old one then only makes the new one's
/// socket be read in vain.
#[derive(Debug, Default)]
pub struct Clients {
    list: Slab<Client>,
    /// Those that had more requests than their last turn allowed.
    pub more: Vec<Slot>,
    /// Those of them that have not had another turn in this batch of events.
    pub waiting: Vec<Slot>,
    pub ended: Ended,
}

/// Clients that are ended, or are to be, by anybody and at any time.
#[derive(Debug, Clone, Default)]
pub struct Ended(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    /// The last one that was ended. The Wayland library closes its connection, and those of all
    /// others that were, when it next reads one.
    last: Option<ClientId>,
    /// Those that exceed a limit, and could not be ended at once.
    exceeding: Vec<ClientId>,
    /// Those that were told that they exceed a limit, and have so many objects that they are to
    /// leave in turns.
    leaving: Vec<ClientId>,
}

impl Ended {
    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().expect("no panic while locked")
    }

    fn note(&self, client: ClientId) {
        self.ends().last = Some(client);
    }

    /// Whether there is one that was ended, or is to leave.
    pub fn any(&self) -> bool {
        let ends = self.ends();
        ends.last.is_some() || !ends.leaving.is_empty()
    }

    /// A client is to leave in turns.
    pub fn leave(&self, client: ClientId) {
        self.ends().leaving.push(client);
    }

    /// Whether a client is about to begin to leave.
    pub fn leaves(&self, client: &ClientId) -> bool {
        self.ends().leaving.contains(client)
    }

    /// Takes a client that is to leave in turns.
    pub fn take_leaving(&self) -> Option<ClientId> {
        self.ends().leaving.pop()
    }

    /// Takes it.
    pub fn take(&self) -> Option<ClientId> {
        self.ends().last.take()
    }

    /// A client exceeds a limit, and cannot be ended now.
    pub fn exceeding(&self, client: ClientId) {
        let mut ends = self.ends();
        if ends.exceeding.last() != Some(&client) {
            ends.exceeding.push(client);
        }
    }

    /// Takes a client that exceeds a limit.
    pub fn take_exceeding(&self) -> Option<ClientId> {
        self.ends().exceeding.pop()
    }
}

/// A client in its slot.
#[derive(Debug)]
pub struct Client {
    pub id: ClientId,
    /// The number of the connection's descriptor, which the library owns while it knows the client.
    pub fd: RawFd,
    /// The process id; `None` if the kernel did not report it.
    pub pid: Option<i32>,
    /// What it has sent beyond its last turn, or the beginning of a request.
    pub inbox: Option<Box<Inbox>>,
    /// What it may have bound.
    pub bound: Bound,
    /// The client is gone or to be ended, and these objects are still to be destroyed, the last
    /// ones first.
    pub leaving: Option<Vec<ObjectId>>,
    /// It does not read, and its socket is full.
    pub slow: bool,
    /// Requests since its socket was last found empty.
    pub without_pause: usize,
    /// By how much its turns have raised the number of open descriptors, since they were few.
    pub descriptors: i64,
}

impl Clients {
    /// The slot of the next client that is inserted.
    pub fn next_slot(&self) -> Slot {
        Slot(self.list.vacant_key() as u32)
    }

    /// Inserts a client with this connection into [`Clients::next_slot`].
    pub fn insert(&mut self, client: ClientId, fd: RawFd, pid: Option<i32>) {
        self.list.insert(Client {
            id: client,
            fd,
            pid,
            inbox: None,
            bound: Bound::default(),
            leaving: None,
            slow: false,
            without_pause: 0,
            descriptors: 0,
        });
    }

    /// The client in a slot; `None` if the slot is empty.
    pub fn get(&mut self, slot: Slot) -> Option<&mut Client> {
        self.list.get_mut(slot.0 as usize)
    }

    /// The slot of a client; `None`: it has none any more.
    pub fn slot_of(&self, id: &ClientId) -> Option<Slot> {
        self.list.iter().find(|(_, client)| client.id == *id).map(|(slot, _)| Slot(slot as u32))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.list.iter().map(|(_, client)| client)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Client> {
        self.list.iter_mut().map(|(_, client)| client)
    }

    /// All of them with their slots.
    pub fn slots_mut(&mut self) -> impl Iterator<Item = (Slot, &mut Client)> {
        self.list.iter_mut().map(|(slot, client)| (Slot(slot as u32), client))
    }

    /// Frees the slots of clients that are not `connected`.
    pub fn retain(&mut self, connected: impl Fn(&ClientId) -> bool) {
        self.list.retain(|_, client| connected(&client.id));
    }
}

/// Calls `f` with what a surface's client uses; `None`: the client is gone.
pub fn with_budget<T>(surface: &WlSurface, f: impl FnOnce(&Arc<Budget>) -> T) -> Option<T> {
    Some(f(&surface.client()?.get_data::<ClientState>()?.budget))
}

/// The process id of a surface's client; `None` if the client is gone or the kernel did not report
/// it.
pub fn client_pid(surface: &WlSurface) -> Option<i32> {
    surface.client()?.get_data::<ClientState>()?.pid
}
