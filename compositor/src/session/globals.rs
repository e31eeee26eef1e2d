//! The globals.

use protocols::{
    color_representation::ColorRepresentationState, commit_timing::CommitTimingState, explicit_sync::ExplicitSyncState,
    fifo::FifoState, linux_dmabuf::LinuxDmabufState, syncobj::SyncobjState, tearing::TearingState,
};
use smithay::{
    input::{Seat, SeatState, keyboard::XkbConfig},
    reexports::wayland_server::DisplayHandle,
    wayland::{
        compositor::CompositorState, content_type::ContentTypeState, output::OutputManagerState,
        presentation::PresentationState, selection::data_device::DataDeviceState, shell::xdg::XdgShellState,
        viewporter::ViewporterState,
    },
};

use crate::{config::Config, session::Syncline, system::error::Error};

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
