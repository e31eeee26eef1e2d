//! The state of the protocols that the session speaks; who owns which object is each protocol's own business.
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

/// Protocol state that requests are answered from.
pub struct Globals {
    pub compositor: CompositorState,
    pub xdg_shell: XdgShellState,
    pub shm: ShmState,
    /// Once the renderer is known.
    pub linux_dmabuf: Option<LinuxDmabufState>,
    /// With [`Globals::linux_dmabuf`]: what surfaces are told to allocate.
    pub feedback: Option<FormatFeedback>,
    /// `None`: no card has timelines.
    pub syncobj: Option<SyncobjState>,
    pub explicit_sync: ExplicitSyncState,
    pub data_device: DataDeviceState,
    /// Clients that control displays.
    pub output_power: OutputPowerState,
}
