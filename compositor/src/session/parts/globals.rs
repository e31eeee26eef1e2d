//! The state of the protocols that the session supports. Each protocol keeps track of its own
//! objects.
//!
//! It announces nothing: [`crate::session::globals`] does.

use protocols::{
    explicit_sync::ExplicitSyncState, linux_dmabuf::LinuxDmabufState, output_power::OutputPowerState, shm::ShmState,
    syncobj::SyncobjState,
};
use smithay::wayland::{
    compositor::CompositorState, selection::data_device::DataDeviceState, shell::xdg::XdgShellState,
};

use crate::feedback::FormatFeedback;

/// The protocol state that the handlers need.
pub struct Globals {
    pub compositor: CompositorState,
    pub xdg_shell: XdgShellState,
    pub shm: ShmState,
    /// Set once the renderer is known.
    pub linux_dmabuf: Option<LinuxDmabufState>,
    /// The dma-buf feedback of surfaces; set together with [`Globals::linux_dmabuf`].
    pub feedback: Option<FormatFeedback>,
    /// `None` if no card has timelines.
    pub syncobj: Option<SyncobjState>,
    pub explicit_sync: ExplicitSyncState,
    pub data_device: DataDeviceState,
    /// Clients that turn displays off and on.
    pub output_power: OutputPowerState,
}
