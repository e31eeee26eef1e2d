//! The compositor's state: what every handler gets.
//!
//! It only holds things together; each field's behaviour is in the module of that name.

use std::{collections::HashMap, sync::Arc, time::Duration};

use fence::Ns;
use protocols::{
    color_representation::ColorRepresentationState, commit_timing::CommitTimingState, explicit_sync::ExplicitSyncState,
    fifo::FifoState, linux_dmabuf::LinuxDmabufState, syncobj::SyncobjState, tearing::TearingState,
};
use smithay::{
    desktop::PopupManager,
    input::{Seat, SeatState, keyboard::XkbConfig},
    reexports::wayland_server::{
        Client, Display, DisplayHandle,
        backend::{ClientData, ClientId, DisconnectReason},
        protocol::wl_surface::WlSurface,
    },
    wayland::{
        compositor::{CompositorClientState, CompositorState},
        content_type::ContentTypeState,
        output::OutputManagerState,
        presentation::PresentationState,
        selection::data_device::DataDeviceState,
        shell::xdg::XdgShellState,
        viewporter::ViewporterState,
    },
};

use crate::{
    config::Config,
    cursor::Cursor,
    error::Error,
    ipc::Ipc,
    output::Outputs,
    reactor::Reactor,
    shell::{Interaction, Windows},
    surface::{acquires::Acquires, buffer::Imports, live::Live},
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
    pub popups: PopupManager,
    pub seat: Seat<Syncline>,
    pub windows: Windows,
    /// Clients whose transaction queues hold surfaces that are gone.
    pub queues_stale: Vec<Client>,
    /// Buffers are gone of which the renderer may keep mappings.
    pub renderer_stale: bool,
    /// Windows have changed under the pointer.
    pub pointer_stale: bool,
    /// Surfaces may be on other displays than they were told.
    pub displays_stale: bool,
    /// A move or resize by pointer that is under way.
    pub interaction: Option<Interaction>,
    pub cursor: Cursor,
    pub imports: Imports,
    pub acquires: Acquires,
    /// Contents that may be unreleased, for reports.
    pub live: Live,
    /// What the watchdog found last.
    pub hits: crate::watchdog::Hits,
    /// Commits that wait for a latch or a time.
    pub pace: crate::output::pace::Pace,
    pub outputs: Outputs,
    /// Listens once the session is ready.
    pub ipc: Option<Ipc>,
    /// CRCs and the last frames.
    pub crc: crate::crc::Crc,
    /// The user's absence.
    pub idle: crate::idle::Idle,
    /// Clients that control displays.
    pub output_power: protocols::output_power::OutputPowerState,
    /// Displays were turned off or on, came or went: those clients are to be told.
    pub power_stale: bool,
    /// Converts what would be drawn, with `[mem2mem]`.
    pub mem2mem: Option<crate::mem2mem::Mem2mem>,
    /// Makes dma-bufs of clients' shared memory; `None`: not on this machine.
    pub udmabuf: Option<dmabuf_import::udmabuf::Udmabuf>,
    /// Televisions.
    pub cec: crate::cec::Cec,
    pub libinput: Option<smithay::reexports::input::Libinput>,
    /// The mode that the user wants on every display.
    pub mode: Option<crate::cli::ModeRequest>,
    pub session: crate::session::Session,
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

/// What happened so far.
#[derive(Debug, Default, Clone, serde::Serialize)]
pub struct Counters {
    /// Frames that reached a screen.
    pub frames: u64,
    /// Vblanks by which frames came later than they were latched for.
    pub missed: u64,
    /// The same, by who was late.
    pub missed_by: crate::output::schedule::Misses,
    /// Atomic commits that the kernel refused.
    pub refused_commits: u64,
    /// Frames whose render pass failed on the GPU.
    pub failed_passes: u64,
    /// Frames that showed a client's buffer on a plane without rendering.
    pub direct_frames: u64,
    /// Acquire fences waited for.
    pub acquires_waited: u64,
    /// Acquire fences handed to the display or the GPU while pending.
    pub acquires_handed_over: u64,
    /// Acquire fences that took longer than the watchdog allows.
    pub watchdog_hits: u64,
    /// Heap allocations from latch to commit and at the flip, messages to clients apart; counted only in builds for it.
    pub frame_allocations: u64,
    /// Commits that a V4L2 converter was given.
    pub mem2mem_commits: u64,
    /// CRCs equal to the prediction.
    pub crc_equal: u64,
    /// CRCs different from the prediction.
    pub crc_different: u64,
    /// CRCs different from the prediction that came after the frame had been replaced: no proof of anything.
    pub crc_ambiguous: u64,
    /// Frames whose CRC did not arrive.
    pub crc_unread: u64,
}

/// Protocol globals and their state.
pub struct Globals {
    pub compositor: CompositorState,
    pub xdg_shell: XdgShellState,
    pub shm: protocols::shm::ShmState,
    pub linux_dmabuf: Option<LinuxDmabufState>,
    pub feedback: Option<crate::feedback::Feedbacks>,
    pub syncobj: Option<SyncobjState>,
    pub explicit_sync: ExplicitSyncState,
    pub seat: SeatState<Syncline>,
    pub data_device: DataDeviceState,
    _fifo: FifoState,
    _commit_timing: CommitTimingState,
    _tearing: TearingState,
    _color_representation: ColorRepresentationState,
    _content_type: ContentTypeState,
    _viewporter: ViewporterState,
    _presentation: PresentationState,
    _outputs: OutputManagerState,
}

/// What is kept per client.
#[derive(Debug, Default)]
pub struct ClientState {
    pub compositor: CompositorClientState,
    /// For reports; `None` if the kernel did not say.
    pub pid: Option<i32>,
}

impl ClientData for ClientState {
    fn initialized(&self, _: ClientId) {}

    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        match reason {
            DisconnectReason::ConnectionClosed => tracing::debug!("client {client:?} (pid {:?}) is gone", self.pid),
            DisconnectReason::ProtocolError(error) => tracing::info!(
                "client pid {} broke the protocol: {} error {}: {}",
                self.pid.unwrap_or(0),
                error.object_interface,
                error.code,
                error.message
            ),
        }
    }
}

impl Globals {
    /// Announces every protocol that does not depend on the hardware.
    pub fn new(display: &DisplayHandle) -> Self {
        Self {
            compositor: CompositorState::new_v6::<Syncline>(display),
            xdg_shell: XdgShellState::new::<Syncline>(display),
            shm: protocols::shm::ShmState::new::<Syncline>(display),
            linux_dmabuf: None,
            feedback: None,
            syncobj: None,
            explicit_sync: ExplicitSyncState::new::<Syncline>(display),
            seat: SeatState::new(),
            data_device: DataDeviceState::new::<Syncline>(display),
            _fifo: FifoState::new::<Syncline>(display),
            _commit_timing: CommitTimingState::new::<Syncline>(display),
            _tearing: TearingState::new::<Syncline>(display),
            _color_representation: ColorRepresentationState::new::<Syncline>(display),
            _content_type: ContentTypeState::new::<Syncline>(display),
            _viewporter: ViewporterState::new::<Syncline>(display),
            _presentation: PresentationState::new::<Syncline>(display, CLOCK_MONOTONIC),
            _outputs: OutputManagerState::new_with_xdg_output::<Syncline>(display),
        }
    }
}

/// `clockid_t` of every timestamp that clients get.
const CLOCK_MONOTONIC: u32 = 1;

/// Makes the seat with its keyboard and pointer.
pub fn make_seat(display: &DisplayHandle, globals: &mut Globals, config: &Config) -> Result<Seat<Syncline>, Error> {
    let mut seat = globals.seat.new_wl_seat(display, "seat0");
    let keyboard = &config.keyboard;
    let xkb = XkbConfig {
        rules: "",
        model: &keyboard.model,
        layout: &keyboard.layout,
        variant: &keyboard.variant,
        options: keyboard.options.clone(),
    };
    seat.add_keyboard(xkb, keyboard.repeat_delay, keyboard.repeat_rate).map_err(|e| {
        Error::setup(
            "keyboard",
            format!("{e}; check [keyboard] in the configuration and that the package xkb-data is installed"),
        )
    })?;
    seat.add_pointer();
    Ok(seat)
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
        let state = Arc::new(ClientState { compositor: CompositorClientState::default(), pid });
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
