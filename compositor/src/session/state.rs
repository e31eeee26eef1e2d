//! The compositor's state: what every handler gets.
//!
//! It only holds things together; each field's behaviour is in the module of that name.

use std::{collections::HashMap, sync::Arc, time::Duration};

use fence::Ns;
use smithay::{
    input::{Seat, SeatState},
    reexports::wayland_server::{Client, Display, DisplayHandle, protocol::wl_surface::WlSurface},
    wayland::compositor::CompositorClientState,
};

use crate::{
    config::Config,
    control::socket::Ipc,
    desktop::Desktop,
    devices::{cec::Cec, mem2mem::Mem2mem},
    output::Outputs,
    report::{counters::Counters, watchdog::WatchdogHistory},
    session::parts::{absence::UserAbsence, crc::CrcState, globals::Globals, held::HeldSurfaces},
    surface::{acquires::Acquires, buffer::Imports, client::ClientState, registry::ContentRegistry},
    system::{reactor::Reactor, seat::SeatSession},
};

/// Everything that lives as long as the session.
pub struct Syncline {
    /// For making and ending protocol objects.
    pub display: DisplayHandle,
    /// CLOCK_MONOTONIC, read once at each wake-up.
    pub now: Ns,
    pub config: Config,
    pub reactor: Reactor,
    pub globals: Globals,
    pub seats: SeatState<Syncline>,
    pub seat: Seat<Syncline>,
    pub desktop: Desktop,
    /// Clients whose transaction queues hold surfaces that are gone.
    pub queues_stale: Vec<Client>,
    /// Buffers are gone of which the renderer may keep mappings.
    pub renderer_stale: bool,
    /// Windows have changed under the pointer.
    pub pointer_stale: bool,
    /// Surfaces may be on other displays than they were told.
    pub displays_stale: bool,
    pub imports: Imports,
    pub acquires: Acquires,
    /// Contents that may be unreleased, for reports.
    pub live: ContentRegistry,
    /// What the watchdog found last.
    pub hits: WatchdogHistory,
    /// Commits that wait for a latch or a time.
    pub pace: HeldSurfaces,
    pub outputs: Outputs,
    /// Listens once the session is ready.
    pub ipc: Option<Ipc>,
    /// CRCs and the last frames.
    pub crc: CrcState,
    /// The user's absence.
    pub idle: UserAbsence,
    /// Displays were turned off or on, came or went: those clients are to be told.
    pub power_stale: bool,
    /// Converts what would be drawn, with `[mem2mem]`.
    pub mem2mem: Option<Mem2mem>,
    /// Makes dma-bufs of clients' shared memory; `None`: not on this machine.
    pub udmabuf: Option<dmabuf_import::udmabuf::Udmabuf>,
    /// Televisions.
    pub cec: Cec,
    pub libinput: Option<smithay::reexports::input::Libinput>,
    /// The mode that the user wants on every display.
    pub mode: Option<kms::ModeRequest>,
    pub session: SeatSession,
    pub counters: Counters,
    /// Environment of the programs that we start.
    pub child_env: HashMap<String, String>,
    /// Programs that we started.
    pub children: Vec<std::process::Child>,
    /// The child with whose end we end.
    pub until_exit: Option<u32>,
    /// Set: leave the loop with this status.
    pub exit: Option<u8>,
}

impl Syncline {
    /// Runs a part of the frame path. Built for it (`count-allocations`), counts its heap allocations.
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

    /// The state kept with a client.
    pub fn client_state<'a>(&self, client: &'a Client) -> &'a ClientState {
        client.get_data::<ClientState>().expect("every client is inserted with its ClientState")
    }

    /// Accepts a connection.
    pub fn insert_client(&mut self, stream: std::os::unix::net::UnixStream) {
        let pid = rustix::net::sockopt::socket_peercred(&stream).ok().map(|cred| cred.pid.as_raw_nonzero().get());
        let state = Arc::new(ClientState { compositor: CompositorClientState::default(), pid, sandboxed: false });
        if let Err(error) = self.display.insert_client(stream, state) {
            tracing::warn!("a client could not connect: {error}");
        }
    }

    /// The surface of a toplevel or popup to which `surface` belongs.
    pub fn root_of(&self, surface: &WlSurface) -> WlSurface {
        let mut root = surface.clone();
        while let Some(parent) = smithay::wayland::compositor::get_parent(&root) {
            root = parent;
        }
        root
    }
}

/// The display with the state's type.
pub type WaylandDisplay = Display<Syncline>;
