//! The globals of the session. [`TABLE`] lists them all: the version, which clients may see the
//! global, and the file that handles its requests.
//!
//! Tests compare the table with the globals that a client sees, with the list in the README and with
//! docs/protocols.md. To add a protocol, add a row here, create the global in [`announce`] (or in
//! [`Syncline::announce_devices`] if it needs hardware), and write the handler in the file that the
//! row names.

use fence::Ns;
use protocols::{
    alpha_modifier::AlphaModifierState,
    background_effect::BackgroundEffectState,
    capture::{data::ImageCopyCapture, screencopy::Screencopy, source::CaptureSources},
    color_representation::ColorRepresentationState,
    commit_timing::CommitTimingState,
    explicit_sync::ExplicitSyncState,
    fifo::FifoState,
    fixes::FixesState,
    foreign::ForeignState,
    fractional_scale::FractionalScaleState,
    gamma_control::GammaControls,
    idle_notify::IdleNotifyState,
    input_method::InputMethods,
    layer_shell::LayerShellState,
    linux_dmabuf::LinuxDmabufState,
    output_management::OutputManagementState,
    output_power::OutputPowerState,
    pointer_constraints::PointerConstraintsState,
    pointer_warp::PointerWarpState,
    reexports::{
        background_effect::manager::ExtBackgroundEffectManagerV1,
        ext_data_control::manager::ExtDataControlManagerV1,
        gamma_control::manager::ZwlrGammaControlManagerV1,
        image_capture::{
            manager::ExtImageCopyCaptureManagerV1, output_sources::ExtOutputImageCaptureSourceManagerV1,
            toplevel_sources::ExtForeignToplevelImageCaptureSourceManagerV1,
        },
        input_method::manager::ZwpInputMethodManagerV2,
        layer_shell::shell::ZwlrLayerShellV1,
        output_management::manager::ZwlrOutputManagerV1,
        output_power::manager::ZwlrOutputPowerManagerV1,
        pointer_warp::WpPointerWarpV1,
        primary_selection::manager::ZwpPrimarySelectionDeviceManagerV1,
        screencopy::manager::ZwlrScreencopyManagerV1,
        tablet::manager::ZwpTabletManagerV2,
        text_input::manager::ZwpTextInputManagerV3,
        toplevel_drag::manager::XdgToplevelDragManagerV1,
        toplevel_list::list::ExtForeignToplevelListV1,
        toplevel_management::manager::ZwlrForeignToplevelManagerV1,
        transient_seat::manager::ExtTransientSeatManagerV1,
        virtual_keyboard::manager::ZwpVirtualKeyboardManagerV1,
        virtual_pointer::manager::ZwlrVirtualPointerManagerV1,
        wlr_data_control::manager::ZwlrDataControlManagerV1,
        workspaces::manager::ExtWorkspaceManagerV1,
    },
    security_context::SecurityContextState,
    selection::Selections,
    session_lock::SessionLockState,
    shm::ShmState,
    shortcuts_inhibit::ShortcutsInhibitState,
    single_pixel_buffer::SinglePixelBufferState,
    syncobj::SyncobjState,
    tablet::Tablets,
    tearing::TearingState,
    text_input::TextInputs,
    toplevel_icon::ToplevelIconState,
    toplevels::{AllToplevels, list::ToplevelListState, management::ToplevelManagementState},
    transient_seat::TransientSeatState,
    viewporter::ViewporterState,
    virtual_keyboard::VirtualKeyboardState,
    virtual_pointer::VirtualPointerState,
    workspaces::WorkspacesState,
};
use smithay::{
    input::{Seat, SeatState},
    output::Output,
    wayland::{
        compositor::CompositorState,
        content_type::ContentTypeState,
        cursor_shape::CursorShapeManagerState,
        idle_inhibit::IdleInhibitManagerState,
        output::OutputManagerState,
        pointer_gestures::PointerGesturesState,
        presentation::PresentationState,
        relative_pointer::RelativePointerManagerState,
        shell::{
            kde::decoration::KdeDecorationState,
            xdg::{XdgShellState, dialog::XdgDialogState},
        },
        xdg_activation::XdgActivationState,
        xdg_system_bell::XdgSystemBellState,
        xdg_toplevel_tag::XdgToplevelTagManager,
    },
};
use wayland_protocols::{
    ext::{
        idle_notify::v1::server::ext_idle_notifier_v1::ExtIdleNotifierV1,
        session_lock::v1::server::ext_session_lock_manager_v1::ExtSessionLockManagerV1,
    },
    wp::{
        alpha_modifier::v1::server::wp_alpha_modifier_v1::WpAlphaModifierV1,
        color_representation::v1::server::wp_color_representation_manager_v1::WpColorRepresentationManagerV1,
        commit_timing::v1::server::wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
        content_type::v1::server::wp_content_type_manager_v1::WpContentTypeManagerV1,
        cursor_shape::v1::server::wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
        fifo::v1::server::wp_fifo_manager_v1::WpFifoManagerV1,
        fractional_scale::v1::server::wp_fractional_scale_manager_v1::WpFractionalScaleManagerV1,
        idle_inhibit::zv1::server::zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1,
        keyboard_shortcuts_inhibit::zv1::server::zwp_keyboard_shortcuts_inhibit_manager_v1::ZwpKeyboardShortcutsInhibitManagerV1,
        linux_dmabuf::zv1::server::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
        linux_drm_syncobj::v1::server::wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1,
        linux_explicit_synchronization::zv1::server::zwp_linux_explicit_synchronization_v1::ZwpLinuxExplicitSynchronizationV1,
        pointer_constraints::zv1::server::zwp_pointer_constraints_v1::ZwpPointerConstraintsV1,
        pointer_gestures::zv1::server::zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
        presentation_time::server::wp_presentation::WpPresentation,
        relative_pointer::zv1::server::zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1,
        security_context::v1::server::wp_security_context_manager_v1::WpSecurityContextManagerV1,
        single_pixel_buffer::v1::server::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1,
        tearing_control::v1::server::wp_tearing_control_manager_v1::WpTearingControlManagerV1,
        viewporter::server::wp_viewporter::WpViewporter,
    },
    xdg::{
        activation::v1::server::xdg_activation_v1::XdgActivationV1,
        decoration::zv1::server::zxdg_decoration_manager_v1::ZxdgDecorationManagerV1,
        dialog::v1::server::xdg_wm_dialog_v1::XdgWmDialogV1,
        foreign::zv2::server::{zxdg_exporter_v2::ZxdgExporterV2, zxdg_importer_v2::ZxdgImporterV2},
        shell::server::xdg_wm_base::XdgWmBase,
        system_bell::v1::server::xdg_system_bell_v1::XdgSystemBellV1,
        toplevel_icon::v1::server::xdg_toplevel_icon_manager_v1::XdgToplevelIconManagerV1,
        toplevel_tag::v1::server::xdg_toplevel_tag_manager_v1::XdgToplevelTagManagerV1,
        xdg_output::zv1::server::zxdg_output_manager_v1::ZxdgOutputManagerV1,
    },
};
use wayland_protocols_misc::server_decoration::server::org_kde_kwin_server_decoration_manager::OrgKdeKwinServerDecorationManager;
use wayland_server::{
    Display, DisplayHandle, Resource,
    backend::{GlobalId, protocol::Interface},
    protocol::{
        wl_compositor::WlCompositor, wl_data_device_manager::WlDataDeviceManager, wl_fixes::WlFixes,
        wl_output::WlOutput, wl_registry::WlRegistry, wl_seat::WlSeat, wl_shm::WlShm,
        wl_subcompositor::WlSubcompositor,
    },
};

use crate::{
    config::{Config, sandbox::PrivilegedGlobal},
    feedback::FormatFeedback,
    output::card::split,
    session::{
        Syncline,
        parts::{
            absence::UserAbsence,
            globals::Globals,
            requests::{Constructed, EmptyAnchors, Retired, RolelessSurfaces, TransientSeats},
            surfaces::SurfaceList,
        },
        windows::{decoration::kde_default, taskbars::session_name},
    },
    surface::client::ClientState,
    system::error::Error,
};

/// Which clients may see a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenBy {
    Everyone,
    /// Every client that is not sandboxed: the protocol affects the whole session, or tells about
    /// it. A `[[sandbox]]` rule of the configuration allows it to an application.
    Trusted,
    /// Every client that is not sandboxed, whatever the configuration says.
    Unsandboxed,
}

/// What must exist before a global is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// A card with syncobj timelines.
    Timelines,
    /// A lit output; there is one global for each.
    Output,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct GlobalRow {
    /// The interface, with its requests and events.
    pub description: fn() -> &'static Interface,
    /// The highest version that is supported.
    pub version: u32,
    pub seen_by: SeenBy,
    pub needs: Needs,
    /// The file that handles the requests, in compositor/src/ or protocols/src/.
    pub answered_in: &'static str,
}

impl GlobalRow {
    /// The name of the interface.
    pub fn interface(&self) -> &'static str {
        (self.description)().name
    }
}

const fn row(description: fn() -> &'static Interface, version: u32, answered_in: &'static str) -> GlobalRow {
    GlobalRow { description, version, seen_by: SeenBy::Everyone, needs: Needs::Nothing, answered_in }
}

/// Every global, in alphabetical order.
pub const TABLE: &[GlobalRow] = &[
    row(ExtBackgroundEffectManagerV1::interface, 1, "protocols/src/background_effect.rs"),
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtDataControlManagerV1::interface, 1, "protocols/src/selection/control.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtForeignToplevelImageCaptureSourceManagerV1::interface, 1, "protocols/src/capture/source.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtForeignToplevelListV1::interface, 1, "protocols/src/toplevels/list.rs")
    },
    GlobalRow { seen_by: SeenBy::Trusted, ..row(ExtIdleNotifierV1::interface, 2, "protocols/src/idle_notify.rs") },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtImageCopyCaptureManagerV1::interface, 1, "compositor/src/session/capture/requests.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtOutputImageCaptureSourceManagerV1::interface, 1, "protocols/src/capture/source.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtSessionLockManagerV1::interface, 1, "compositor/src/session/lock.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtTransientSeatManagerV1::interface, 1, "compositor/src/session/virtual_devices/seats.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ExtWorkspaceManagerV1::interface, 1, "compositor/src/session/windows/taskbars.rs")
    },
    row(OrgKdeKwinServerDecorationManager::interface, 1, "compositor/src/session/windows/decoration.rs"),
    row(WlCompositor::interface, 7, "compositor/src/session/commit/submit.rs"),
    row(WlDataDeviceManager::interface, 3, "protocols/src/selection/data_device.rs"),
    row(WlFixes::interface, 2, "protocols/src/fixes.rs"),
    GlobalRow { needs: Needs::Output, ..row(WlOutput::interface, 4, "compositor/src/session/handlers.rs") },
    row(WlSeat::interface, 9, "compositor/src/session/input.rs"),
    row(WlShm::interface, 2, "protocols/src/shm/mod.rs"),
    row(WlSubcompositor::interface, 1, "compositor/src/session/windows/subsurfaces.rs"),
    row(WpAlphaModifierV1::interface, 1, "protocols/src/alpha_modifier.rs"),
    row(WpColorRepresentationManagerV1::interface, 1, "protocols/src/color_representation.rs"),
    row(WpCommitTimingManagerV1::interface, 1, "protocols/src/commit_timing.rs"),
    row(WpContentTypeManagerV1::interface, 1, "compositor/src/output/planes/hints.rs"),
    row(WpCursorShapeManagerV1::interface, 2, "compositor/src/session/checks/cursor_shape.rs"),
    row(WpFifoManagerV1::interface, 1, "protocols/src/fifo.rs"),
    row(WpFractionalScaleManagerV1::interface, 1, "compositor/src/session/windows/scale.rs"),
    GlobalRow {
        needs: Needs::Timelines,
        ..row(WpLinuxDrmSyncobjManagerV1::interface, 1, "protocols/src/syncobj/mod.rs")
    },
    row(WpPointerWarpV1::interface, 1, "compositor/src/session/warp.rs"),
    row(WpPresentation::interface, 2, "compositor/src/session/frame/callbacks.rs"),
    GlobalRow {
        seen_by: SeenBy::Unsandboxed,
        ..row(WpSecurityContextManagerV1::interface, 1, "protocols/src/security_context.rs")
    },
    row(WpSinglePixelBufferManagerV1::interface, 1, "protocols/src/single_pixel_buffer.rs"),
    row(WpTearingControlManagerV1::interface, 1, "protocols/src/tearing.rs"),
    row(WpViewporter::interface, 1, "protocols/src/viewporter.rs"),
    row(XdgActivationV1::interface, 1, "compositor/src/session/windows/attention.rs"),
    row(XdgSystemBellV1::interface, 1, "compositor/src/session/windows/attention.rs"),
    row(XdgToplevelDragManagerV1::interface, 1, "compositor/src/session/carried.rs"),
    row(XdgToplevelIconManagerV1::interface, 1, "protocols/src/toplevel_icon.rs"),
    row(XdgToplevelTagManagerV1::interface, 1, "compositor/src/session/windows/kinds.rs"),
    row(XdgWmBase::interface, 6, "compositor/src/session/windows/xdg.rs"),
    row(XdgWmDialogV1::interface, 1, "compositor/src/session/windows/kinds.rs"),
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrDataControlManagerV1::interface, 2, "protocols/src/selection/control.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrForeignToplevelManagerV1::interface, 3, "compositor/src/session/windows/taskbars.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrGammaControlManagerV1::interface, 1, "compositor/src/session/colour.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrLayerShellV1::interface, 5, "compositor/src/session/windows/layers.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrOutputManagerV1::interface, 4, "compositor/src/session/displays/heads.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrOutputPowerManagerV1::interface, 1, "compositor/src/session/cards/power.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrScreencopyManagerV1::interface, 3, "compositor/src/session/capture/requests.rs")
    },
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwlrVirtualPointerManagerV1::interface, 2, "compositor/src/session/virtual_devices/pointer.rs")
    },
    row(ZwpIdleInhibitManagerV1::interface, 1, "compositor/src/session/idle.rs"),
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwpInputMethodManagerV2::interface, 1, "compositor/src/session/input_method/mod.rs")
    },
    row(ZwpKeyboardShortcutsInhibitManagerV1::interface, 1, "compositor/src/session/bindings/inhibit.rs"),
    row(ZwpLinuxDmabufV1::interface, 6, "protocols/src/linux_dmabuf/mod.rs"),
    row(ZwpLinuxExplicitSynchronizationV1::interface, 2, "protocols/src/explicit_sync/mod.rs"),
    row(ZwpPointerConstraintsV1::interface, 1, "compositor/src/session/constraints.rs"),
    row(ZwpPointerGesturesV1::interface, 3, "compositor/src/session/gestures.rs"),
    row(ZwpPrimarySelectionDeviceManagerV1::interface, 1, "protocols/src/selection/primary.rs"),
    row(ZwpRelativePointerManagerV1::interface, 1, "compositor/src/session/gestures.rs"),
    row(ZwpTabletManagerV2::interface, 2, "compositor/src/session/tablet/life.rs"),
    row(ZwpTextInputManagerV3::interface, 2, "compositor/src/session/input_method/mod.rs"),
    GlobalRow {
        seen_by: SeenBy::Trusted,
        ..row(ZwpVirtualKeyboardManagerV1::interface, 1, "compositor/src/session/virtual_devices/keyboard.rs")
    },
    row(ZxdgDecorationManagerV1::interface, 2, "compositor/src/session/windows/decoration.rs"),
    row(ZxdgExporterV2::interface, 1, "compositor/src/session/windows/foreign.rs"),
    row(ZxdgImporterV2::interface, 1, "compositor/src/session/windows/foreign.rs"),
    row(ZxdgOutputManagerV1::interface, 3, "compositor/src/session/handlers.rs"),
];

/// The interfaces of the objects that exist without a request of an object of these, and the globals.
pub fn interfaces() -> impl Iterator<Item = &'static Interface> {
    TABLE.iter().map(|row| (row.description)()).chain([WlRegistry::interface()])
}

/// The `clockid_t` of every timestamp that clients get.
const CLOCK_MONOTONIC: u32 = 1;

/// The filter of a privileged global: sandboxed clients see it if the configuration allows it to
/// them.
fn trusted(global: PrivilegedGlobal) -> protocols::SeenBy {
    protocols::SeenBy::new(move |client| {
        let sandbox = client.get_data::<ClientState>().map(|state| state.sandbox.as_deref());
        sandbox.is_some_and(|sandbox| sandbox.is_none_or(|sandbox| sandbox.allowed.contains(&global)))
    })
}

/// The filter of what no sandboxed client ever sees.
fn unsandboxed() -> protocols::SeenBy {
    protocols::SeenBy::new(|client| client.get_data::<ClientState>().is_some_and(|state| state.sandbox.is_none()))
}

/// Announces every protocol that does not depend on the hardware. Returns the protocol state, the
/// state of the user's absence, and the seats.
pub fn announce(
    display: &DisplayHandle,
    now: Ns,
    config: &Config,
) -> Result<(Globals, UserAbsence, SeatState<Syncline>), Error> {
    let nowhere = Display::<Syncline>::new().map_err(|e| Error::setup("Wayland display", e))?.handle();
    // Smithay 0.7 would announce version 6 of wl_compositor.
    display.create_global::<Syncline, WlCompositor, ()>(7, ());
    display.create_global::<Syncline, WlSubcompositor, ()>(1, ());
    // These keep no state of their own: their objects carry it.
    FifoState::new::<Syncline>(display);
    CommitTimingState::new::<Syncline>(display);
    TearingState::new::<Syncline>(display);
    FractionalScaleState::new::<Syncline>(display);
    SinglePixelBufferState::new::<Syncline>(display);
    AlphaModifierState::new::<Syncline>(display);
    BackgroundEffectState::new::<Syncline>(display);
    ColorRepresentationState::new::<Syncline>(display);
    ContentTypeState::new::<Syncline>(display);
    CursorShapeManagerState::new::<Syncline>(display);
    PointerConstraintsState::new::<Syncline>(display);
    PointerGesturesState::new::<Syncline>(display);
    PointerWarpState::new::<Syncline>(display);
    RelativePointerManagerState::new::<Syncline>(display);
    ViewporterState::new::<Syncline>(display);
    PresentationState::new::<Syncline>(display, CLOCK_MONOTONIC);
    OutputManagerState::new_with_xdg_output::<Syncline>(display);
    IdleInhibitManagerState::new::<Syncline>(display);
    display.create_global::<Syncline, ZxdgDecorationManagerV1, ()>(2, ());
    XdgDialogState::new::<Syncline>(display);
    ToplevelIconState::new::<Syncline>(display);
    XdgToplevelTagManager::new::<Syncline>(display);
    ShortcutsInhibitState::new::<Syncline>(display);
    XdgSystemBellState::new::<Syncline>(display);
    Selections::announce_toplevel_drag::<Syncline>(display);
    SecurityContextState::new::<Syncline>(display, unsandboxed());
    SessionLockState::new::<Syncline>(display, trusted(PrivilegedGlobal::SessionLock));
    LayerShellState::new::<Syncline>(display, trusted(PrivilegedGlobal::LayerShell));
    CaptureSources::announce::<Syncline>(
        display,
        trusted(PrivilegedGlobal::OutputCapture),
        trusted(PrivilegedGlobal::ToplevelCapture),
    );
    ImageCopyCapture::announce::<Syncline>(display, trusted(PrivilegedGlobal::ImageCopyCapture));
    Screencopy::announce::<Syncline>(display, trusted(PrivilegedGlobal::Screencopy));
    TransientSeatState::new::<Syncline>(display, trusted(PrivilegedGlobal::TransientSeat));
    VirtualPointerState::new::<Syncline>(display, trusted(PrivilegedGlobal::VirtualPointer));
    VirtualKeyboardState::new::<Syncline>(display, trusted(PrivilegedGlobal::VirtualKeyboard));
    let globals = Globals {
        surfaces: SurfaceList::new(compositor_state(&nowhere), nowhere),
        xdg_shell: XdgShellState::new::<Syncline>(display),
        xdg_constructed: Constructed::default(),
        xdg_roleless: RolelessSurfaces::default(),
        xdg_anchors: EmptyAnchors::default(),
        xdg_anchor: None,
        retired: Retired::default(),
        transient_seats: TransientSeats::default(),
        fixes: FixesState::new::<Syncline>(display),
        xdg_constructing: None,
        shm: ShmState::new::<Syncline>(display),
        linux_dmabuf: None,
        feedback: None,
        syncobj: None,
        explicit_sync: ExplicitSyncState::new::<Syncline>(display),
        selections: Selections::new::<Syncline>(
            display,
            config.desktop.primary_selection,
            trusted(PrivilegedGlobal::ExtDataControl),
            trusted(PrivilegedGlobal::WlrDataControl),
        ),
        activation: XdgActivationState::new::<Syncline>(display),
        activation_tokens: 0,
        kde_decoration: KdeDecorationState::new::<Syncline>(display, kde_default(&config.desktop)),
        foreign: ForeignState::new::<Syncline>(display),
        toplevels: AllToplevels::default(),
        toplevel_list: ToplevelListState::new::<Syncline>(
            display,
            trusted(PrivilegedGlobal::ToplevelList),
            session_name(),
        ),
        toplevel_management: ToplevelManagementState::new::<Syncline>(
            display,
            trusted(PrivilegedGlobal::ToplevelManagement),
        ),
        workspaces: WorkspacesState::new::<Syncline>(display, trusted(PrivilegedGlobal::Workspaces)),
        output_management: OutputManagementState::new::<Syncline>(display, trusted(PrivilegedGlobal::OutputManagement)),
        output_power: OutputPowerState::new::<Syncline>(display, trusted(PrivilegedGlobal::OutputPower)),
        gamma_controls: GammaControls::new::<Syncline>(display, trusted(PrivilegedGlobal::GammaControl)),
        tablets: Tablets::new::<Syncline>(display),
        text_inputs: TextInputs::new::<Syncline>(display),
        input_methods: InputMethods::new::<Syncline>(display, trusted(PrivilegedGlobal::InputMethod)),
    };
    let idle = IdleNotifyState::new::<Syncline>(display, trusted(PrivilegedGlobal::IdleNotifier));
    Ok((globals, UserAbsence::new(idle, now), SeatState::new()))
}

/// A state of `wl_compositor`, for the clients that have bound the global that [`announce`] makes.
/// `nowhere` is a display without clients.
pub fn compositor_state(nowhere: &DisplayHandle) -> CompositorState {
    let state = CompositorState::new_v6::<Syncline>(nowhere);
    nowhere.remove_global::<Syncline>(state.compositor_global());
    nowhere.remove_global::<Syncline>(state.subcompositor_global());
    state
}

/// Announces a lit output. The caller removes the global when the output is removed.
pub fn announce_output(display: &DisplayHandle, output: &Output) -> GlobalId {
    output.create_global::<Syncline>(display)
}

/// Announces the seat with its keyboard and pointer.
pub fn announce_seat(
    display: &DisplayHandle,
    seats: &mut SeatState<Syncline>,
    config: &Config,
) -> Result<Seat<Syncline>, Error> {
    let mut seat = seats.new_wl_seat(display, "seat0");
    let keyboard = &config.keyboard;
    seat.add_keyboard(keyboard.xkb(), keyboard.repeat_delay, keyboard.repeat_rate).map_err(|e| {
        Error::setup(
            "keyboard",
            format!("{e}; check [keyboard] in the configuration and that the package xkb-data is installed"),
        )
    })?;
    seat.add_pointer();
    Ok(seat)
}

impl Syncline {
    /// Announces what depends on the devices: dma-buf formats and explicit synchronisation. The
    /// first card that can holds the clients' timelines. When it is removed, timelines created
    /// afterwards live on the next one.
    pub fn announce_devices(&mut self) -> Result<(), Error> {
        let (display, globals) = (&self.display, &mut self.globals);
        globals.shm.add_formats(self.outputs.renderer.shm_formats());
        let Some(card) = self.outputs.cards.iter().next() else { return Err(kms::OpenError::NoDevice.into()) };
        if card.device.is_headless() {
            // No device could show or wait for a dma-buf.
            return Ok(());
        }
        let feedback = FormatFeedback::new(&self.outputs)?;
        globals.linux_dmabuf = Some(LinuxDmabufState::new::<Syncline>(display, feedback.default()));
        globals.feedback = Some(feedback);
        match split::timelines(self.outputs.cards.iter()) {
            Ok((card, device)) => {
                self.outputs.timeline_card = card;
                globals.syncobj = Some(SyncobjState::new::<Syncline>(display, device));
            }
            Err(reason) => tracing::warn!("clients get no explicit synchronisation: {reason}"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_files_that_exist() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for pair in TABLE.windows(2) {
            assert!(
                pair[0].interface() < pair[1].interface(),
                "{} comes after {}",
                pair[0].interface(),
                pair[1].interface()
            );
        }
        for row in TABLE {
            assert!(root.join(row.answered_in).is_file(), "{}: {} is not there", row.interface(), row.answered_in);
        }
    }

    #[test]
    fn the_page_of_protocols_has_each_global_or_says_why_not() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let page = std::fs::read_to_string(root.join("docs/protocols.md")).unwrap();
        let rows: Vec<Vec<&str>> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        for row in TABLE {
            let (name, version) = (format!("`{}`", row.interface()), row.version.to_string());
            let found = rows.iter().find(|cells| cells[1] == name);
            assert_eq!(found.map(|cells| cells[2]), Some(version.as_str()), "{name} in docs/protocols.md");
        }
        let number = |cell: &str| cell.trim_end_matches('c').parse().unwrap_or(0_u32);
        for cells in &rows {
            let there = TABLE.iter().any(|row| cells[1].trim_matches('`') == row.interface());
            assert_eq!(there, number(cells[2]) > 0, "{}", cells[1]);
            let less = number(cells[2]) < number(cells[3]).max(number(cells[4]));
            assert_eq!(less, !cells[5].is_empty(), "{}: a reason is there where one is needed", cells[1]);
        }
    }

    #[test]
    fn the_readme_lists_the_globals() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
        let list: Vec<_> = TABLE.iter().map(|row| format!("`{}` {}", row.interface(), row.version)).collect();
        let (_, rest) = readme.split_once("<!-- globals -->\n").expect("README.md has a list of globals");
        let (found, _) = rest.split_once("\n<!-- end of globals -->").expect("the list ends");
        let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(found, list.join(", "), "README.md lists other globals than TABLE; replace the list with this one");
    }
}
