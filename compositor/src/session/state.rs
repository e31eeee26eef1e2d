//! The compositor's state: what every handler gets.
//!
//! It only holds things together; each field's behaviour is in the module of that name.

use std::{
    collections::HashMap,
    os::fd::AsRawFd,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use fence::Ns;
use smithay::{
    input::{Seat, SeatState},
    reexports::wayland_server::{Client, Display, DisplayHandle, backend::ClientId, protocol::wl_surface::WlSurface},
    utils::{Logical, Point},
    wayland::compositor::CompositorClientState,
};

use crate::{
    config::Config,
    control::socket::Ipc,
    desktop::Desktop,
    devices::{cec::Cec, mem2mem::Mem2mem},
    output::Outputs,
    report::{counters::Counters, devices::DeviceReport, events::Snapshot, watchdog::WatchdogHistory},
    session::parts::{
        absence::UserAbsence,
        bars::BarState,
        captures::Captures,
        configuration::Configuration,
        crc::CrcState,
        displays::Displays,
        globals::Globals,
        held::HeldSurfaces,
        hold::Hold,
        inputs::Inputs,
        keys::Keys,
        motion::{HeldMotion, Moved},
        night::NightLight,
        pens::Pens,
        power::Power,
        recall::Recall,
        sandboxes::Sandboxes,
        text::Text,
        virtual_devices::{Grabbed, LeftHeld, VirtualKeyboards},
    },
    surface::{
        acquires::Acquires,
        budget::Budget,
        buffer::Imports,
        cached::CachedState,
        client::{ClientState, Clients, Sandbox},
        id_of,
        registry::ContentRegistry,
        tree::cache::Cache,
        turn::Turns,
    },
    system::{
        clock::Clock,
        descriptors::{Descriptors, OldLimit},
        reactor::{EventSource, Reactor},
        seat::SeatSession,
    },
};

/// Everything that lives as long as the session.
pub struct Syncline {
    /// Creates and destroys protocol objects.
    pub display: DisplayHandle,
    /// The connections that the reactor watches.
    pub clients: Clients,
    /// The sockets on which sandboxed clients connect.
    pub sandboxes: Sandboxes,
    /// What clients' turns need.
    pub turns: Turns,
    pub descriptors: Descriptors,
    /// The limit of descriptors that programs get; `None`: that of this process.
    pub old_limit: Option<OldLimit>,
    pub clock: Clock,
    /// The clock's time, read once at each wake-up.
    pub now: Ns,
    pub config: Config,
    /// Where it comes from.
    pub configuration: Configuration,
    /// Keys and buttons that are the session's own.
    pub keys: Keys,
    /// What the user does with bars.
    pub bars: BarState,
    /// Draws text, in a thread of its own.
    pub text: Text,
    pub reactor: Reactor,
    pub globals: Globals,
    pub seats: SeatState<Syncline>,
    pub seat: Seat<Syncline>,
    pub desktop: Desktop,
    /// Clients whose transaction queues hold surfaces that are gone.
    pub queues_stale: Vec<Client>,
    /// The last transaction that a group has waited for was applied: the client's queue is to be
    /// looked at again.
    pub queue_again: bool,
    /// What synchronised sub-surfaces have committed.
    pub cached: Cache<CachedState>,
    /// Buffers are gone that the renderer may still have mapped.
    pub renderer_stale: bool,
    /// The motion of the pointer that a client that does not read has not been told of.
    pub held_motion: Option<HeldMotion>,
    /// What its mouse has moved meanwhile.
    pub held_moved: Option<Moved>,
    /// Where a device with absolute places has put the pointer last; `None`: a mouse has moved it since.
    pub absolute_place: Option<Point<f64, Logical>>,
    /// The surface that keeps the pointer.
    pub constrained: Option<WlSurface>,
    /// When the first of the outputs latches next, as it was planned at the end of the last wake-up.
    pub next_latch: Option<Ns>,
    /// The layout of windows may have changed.
    pub layout_stale: bool,
    /// What had the keyboard for itself may be gone.
    pub focus_stale: bool,
    /// Windows that keep their old content until those beside them have answered.
    pub holds: Vec<Hold>,
    /// Windows under the pointer may have changed.
    pub pointer_stale: bool,
    /// Surfaces may be on other outputs than their clients know.
    pub displays_stale: bool,
    pub imports: Imports,
    /// When buffers that nobody shows give up their attachments; `None`: there are none.
    pub detach_at: Option<Ns>,
    /// When memory that is free goes back to the kernel; `None`: no client has gone since.
    pub trim_at: Option<Ns>,
    pub acquires: Acquires,
    /// Contents that may be unreleased.
    pub live: ContentRegistry,
    /// The latest reports of the watchdog.
    pub hits: WatchdogHistory,
    /// Surfaces whose commits wait for a latch or a time.
    pub pace: HeldSurfaces,
    pub outputs: Outputs,
    /// How displays are to be shown.
    pub displays: Displays,
    /// The socket of `syncline msg`; it listens once the session is ready.
    pub ipc: Option<Ipc>,
    /// What those who listen have been told; `None`: nobody listens.
    pub told_listeners: Option<Box<Snapshot>>,
    /// Something may have changed that they are to be told.
    pub listeners_stale: bool,
    /// CRCs and the last frames.
    pub crc: CrcState,
    /// The light of the night.
    pub night: NightLight,
    /// The user's absence.
    pub idle: UserAbsence,
    /// Displays were turned off or on, plugged in or unplugged: output-power clients are to be
    /// told.
    pub power_stale: bool,
    /// Converts buffers that would be composited otherwise; configured in `[mem2mem]`.
    pub mem2mem: Option<Mem2mem>,
    /// Makes dma-bufs of clients' shared memory; `None` if the machine cannot.
    pub udmabuf: Option<dmabuf_import::udmabuf::Udmabuf>,
    /// CEC adapters of televisions.
    pub cec: Cec,
    /// What people type, point and touch with.
    pub input_devices: Vec<DeviceReport>,
    pub libinput: Option<smithay::reexports::input::Libinput>,
    pub inputs: Inputs,
    /// Tools of tablets.
    pub pens: Pens,
    pub virtual_keyboards: VirtualKeyboards,
    /// What the input method has of the keyboard, and shows.
    pub grabbed: Grabbed,
    /// What virtual devices held that are gone.
    pub left_held: LeftHeld,
    /// The mode from the command line, for every display.
    pub mode: Option<kms::ModeRequest>,
    pub session: SeatSession,
    pub counters: Counters,
    /// The environment of the programs that the session starts.
    pub child_env: HashMap<String, String>,
    /// What clients capture.
    pub captures: Captures,
    /// The programs that the session has started.
    pub children: Vec<std::process::Child>,
    /// The process id of the child with which the session ends.
    pub until_exit: Option<u32>,
    /// The machine's sleep.
    pub power: Power,
    /// What is kept for the session after a crash.
    pub recall: Recall,
    /// If set, the loop ends with this exit status.
    pub exit: Option<u8>,
}

impl Syncline {
    /// Runs a part of the frame path. With the feature `count-allocations`, counts its heap
    /// allocations.
    pub fn counted<T>(&mut self, part: impl FnOnce(&mut Self) -> T) -> T {
        #[cfg(feature = "count-allocations")]
        {
            let mut done = None;
            let counted = allocation_counter::measure(|| done = Some(part(self)));
            self.counters.frame_allocations += counted.count_total;
            done.expect("the part has run")
        }
        #[cfg(not(feature = "count-allocations"))]
        part(self)
    }

    /// The time for input events and frame callbacks, in milliseconds.
    pub fn millis(&self) -> u32 {
        Duration::from_nanos(self.now).as_millis() as u32
    }

    /// The compositor's state of a client.
    pub fn client_state<'a>(&self, client: &'a Client) -> &'a ClientState {
        client.get_data::<ClientState>().expect("every client is inserted with its ClientState")
    }

    /// Takes a connection. `None`: it could not be taken, and the log says why.
    pub fn insert_client(&mut self, stream: std::os::unix::net::UnixStream) -> Option<ClientId> {
        self.insert_client_of(stream, None)
    }

    /// The same for a client of a sandbox.
    pub fn insert_client_of(
        &mut self,
        stream: std::os::unix::net::UnixStream,
        sandbox: Option<Arc<Sandbox>>,
    ) -> Option<ClientId> {
        let pid = rustix::net::sockopt::socket_peercred(&stream).ok().map(|cred| cred.pid.as_raw_nonzero().get());
        let compositor = CompositorClientState::default();
        let (budget, ended) = (Arc::new(Budget::new(&self.config.limits)), self.clients.ended.clone());
        let (slow, outputs) = (AtomicBool::new(false), Default::default());
        let state = Arc::new(ClientState { compositor, pid, sandbox, budget, ended, slow, outputs });
        let connections = self.display.backend_handle();
        self.clients.retain(|client| connections.get_client_data(client.clone()).is_ok());
        let slot = self.clients.next_slot();
        // The descriptor leaves the epoll set when the connection is closed.
        let (fd, watched) = (stream.as_raw_fd(), self.reactor.add(&stream, EventSource::Client(slot)));
        match watched.and_then(|()| self.display.insert_client(stream, state)) {
            Ok(client) => {
                self.clients.insert(client.id(), fd, pid);
                Some(client.id())
            }
            Err(error) => {
                tracing::warn!("a client could not connect: {error}");
                None
            }
        }
    }

    /// The root of the surface tree to which `surface` belongs.
    pub fn root_of(&self, surface: &WlSurface) -> WlSurface {
        let trees = &self.desktop.trees;
        trees.handle(trees.root(id_of(surface))).unwrap_or(surface).clone()
    }
}

/// The Wayland display for this state.
pub type WaylandDisplay = Display<Syncline>;
