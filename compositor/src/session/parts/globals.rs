//! The state of the protocols that the session supports. Each protocol keeps track of its own
//! objects.
//!
//! It announces nothing: [`crate::session::globals`] does.

use protocols::{
    explicit_sync::ExplicitSyncState,
    fixes::FixesState,
    foreign::ForeignState,
    gamma_control::GammaControls,
    input_method::InputMethods,
    linux_dmabuf::LinuxDmabufState,
    output_management::OutputManagementState,
    output_power::OutputPowerState,
    selection::Selections,
    shm::ShmState,
    syncobj::SyncobjState,
    tablet::Tablets,
    text_input::TextInputs,
    toplevels::{AllToplevels, list::ToplevelListState, management::ToplevelManagementState},
    workspaces::WorkspacesState,
};
use smithay::{
    utils::{Logical, Rectangle},
    wayland::{
        shell::{kde::decoration::KdeDecorationState, xdg::XdgShellState},
        xdg_activation::XdgActivationState,
    },
};

use wayland_protocols::xdg::shell::server::xdg_surface::XdgSurface;

use crate::{
    feedback::FormatFeedback,
    session::parts::{
        requests::{Constructed, EmptyAnchors, Retired, RolelessSurfaces, TransientSeats},
        surfaces::SurfaceList,
    },
};

/// The protocol state that the handlers need.
pub struct Globals {
    pub surfaces: SurfaceList,
    pub xdg_shell: XdgShellState,
    pub xdg_constructed: Constructed,
    pub xdg_roleless: RolelessSurfaces,
    pub xdg_anchors: EmptyAnchors,
    /// The anchor rectangle of the positioner in the request that is being handled, if it is among
    /// [`Globals::xdg_anchors`].
    pub xdg_anchor: Option<Rectangle<i32, Logical>>,
    /// The `xdg_surface` whose request is being handled.
    pub xdg_constructing: Option<XdgSurface>,
    pub retired: Retired,
    pub transient_seats: TransientSeats,
    /// Clients that acknowledge that a global is gone.
    pub fixes: FixesState,
    pub shm: ShmState,
    /// Set once the renderer is known.
    pub linux_dmabuf: Option<LinuxDmabufState>,
    /// The dma-buf feedback of surfaces; set together with [`Globals::linux_dmabuf`].
    pub feedback: Option<FormatFeedback>,
    /// `None` if no card has timelines.
    pub syncobj: Option<SyncobjState>,
    pub explicit_sync: ExplicitSyncState,
    /// The clipboard, the primary selection, and the drag.
    pub selections: Selections,
    /// The tokens that bring windows to the front, and how many were made.
    pub activation: XdgActivationState,
    pub activation_tokens: u64,
    pub kde_decoration: KdeDecorationState,
    /// Windows that other clients may make dialogs of.
    pub foreign: ForeignState,
    /// Task bars.
    pub toplevels: AllToplevels,
    pub toplevel_list: ToplevelListState,
    pub toplevel_management: ToplevelManagementState,
    pub workspaces: WorkspacesState,
    /// Clients that change how displays are shown.
    pub output_management: OutputManagementState,
    /// Clients that turn displays off and on.
    pub output_power: OutputPowerState,
    /// Clients that give displays tables of their own.
    pub gamma_controls: GammaControls,
    /// Graphics tablets, their tools and pads.
    pub tablets: Tablets,
    /// What is edited, and who composes.
    pub text_inputs: TextInputs,
    pub input_methods: InputMethods,
}
