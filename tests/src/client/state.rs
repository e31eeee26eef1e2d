//! What a test client has heard from the compositor, as plain values that a test can look at.

use std::collections::HashMap;

use fence::SyncFile;
use wayland_client::protocol::{wl_buffer, wl_compositor, wl_output, wl_registry, wl_shm, wl_subcompositor};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1;
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::client::zwp_linux_explicit_synchronization_v1::ZwpLinuxExplicitSynchronizationV1;
use wayland_protocols::wp::presentation_time::client::wp_presentation::WpPresentation;
use wayland_protocols::wp::viewporter::client::wp_viewporter::WpViewporter;
use wayland_protocols::xdg::shell::client::xdg_wm_base::XdgWmBase;

use super::absence::Said;
use super::seat::Input;
use crate::error::{Error, Result};
use crate::time::Ns;

/// A global as the registry announced it.
#[derive(Debug, Clone)]
pub struct Global {
    /// The registry's name for it.
    pub name: u32,
    /// Its interface.
    pub interface: String,
    /// Its newest version.
    pub version: u32,
}

/// When and how a commit was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// When the frame's first pixel left, CLOCK_MONOTONIC.
    pub time_ns: Ns,
    /// Time to the next refresh, as the compositor says.
    pub refresh_ns: Ns,
    /// The output's vblank counter.
    pub seq: u64,
    /// `wp_presentation_feedback.kind` bits.
    pub flags: u32,
}

/// What became of a commit whose presentation was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// It was on the screen.
    Presented(Presented),
    /// It never was.
    Discarded,
}

/// A toplevel as the compositor wants it.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// The newest configure's serial, once it has come.
    pub serial: Option<u32>,
    /// The newest size, (0, 0) where the client may choose.
    pub size: (i32, i32),
    /// The newest states of a toplevel, as the numbers of `xdg_toplevel.state`.
    pub states: Vec<u32>,
    /// The newest position of a popup, from its parent's window geometry.
    pub position: (i32, i32),
    /// Whether the compositor asked it to close, or dismissed the popup.
    pub closed: bool,
}

/// The globals that [`super::Client`] binds by itself, where the compositor has them.
#[derive(Debug, Default)]
pub struct Bound {
    /// wl_compositor.
    pub compositor: Option<wl_compositor::WlCompositor>,
    /// wl_subcompositor.
    pub subcompositor: Option<wl_subcompositor::WlSubcompositor>,
    /// wl_shm.
    pub shm: Option<wl_shm::WlShm>,
    /// xdg_wm_base.
    pub wm_base: Option<XdgWmBase>,
    /// zwp_linux_dmabuf_v1.
    pub dmabuf: Option<ZwpLinuxDmabufV1>,
    /// wp_presentation.
    pub presentation: Option<WpPresentation>,
    /// wp_linux_drm_syncobj_manager_v1.
    pub syncobj: Option<WpLinuxDrmSyncobjManagerV1>,
    /// zwp_linux_explicit_synchronization_v1.
    pub explicit_sync: Option<ZwpLinuxExplicitSynchronizationV1>,
    /// wp_viewporter.
    pub viewporter: Option<WpViewporter>,
    /// The first wl_output.
    pub output: Option<wl_output::WlOutput>,
}

/// Everything that the compositor has said.
#[derive(Debug)]
pub struct State {
    pub(super) registry: wl_registry::WlRegistry,
    next_token: u64,
    /// The globals announced and not withdrawn.
    pub globals: Vec<Global>,
    /// Those that were bound.
    pub bound: Bound,
    /// wl_shm formats.
    pub shm_formats: Vec<u32>,
    /// Formats and modifiers of the default dma-buf feedback (or of the older events).
    pub dmabuf_formats: Vec<(u32, u64)>,
    /// `main_device` of the dma-buf feedback, as a device number.
    pub main_device: Option<u64>,
    pub(super) format_table: Vec<(u32, u64)>,
    /// Current mode of the first output.
    pub output_mode: Option<(i32, i32, i32)>,
    /// wl_callback.done by token (the callback's data).
    pub callbacks: HashMap<u64, u32>,
    /// Presentation feedback by token.
    pub feedback: HashMap<u64, Feedback>,
    /// The compositor's presentation clock.
    pub clock: Option<u32>,
    /// wl_buffer.release counted by token.
    pub released: HashMap<u64, u32>,
    /// zwp_linux_buffer_release_v1 by token: every event that came, with the fence of a fenced one.
    /// More than one is an error of the compositor.
    pub buffer_releases: HashMap<u64, Vec<Option<SyncFile>>>,
    /// zwp_linux_buffer_params_v1 by token: the buffer, or nothing when it failed.
    pub params: HashMap<u64, Option<wl_buffer::WlBuffer>>,
    /// Feedback objects by token.
    pub dmabuf_feedback: HashMap<u64, super::tranche::Heard>,
    /// Toplevels and popups by token.
    pub windows: HashMap<u64, Window>,
    /// Locks of the session by token: true, it is locked; false, the lock is finished.
    pub locks: HashMap<u64, bool>,
    /// What the seat has said, where one was bound.
    pub input: Input,
    /// What was said of the user's absence, and when it arrived.
    pub absence: Vec<(Ns, Said)>,
    /// What was told of displays, where the manager was bound.
    pub heads: super::heads::Heads,
}

impl State {
    pub(super) fn new(registry: wl_registry::WlRegistry) -> State {
        State {
            registry,
            next_token: 1,
            globals: Vec::new(),
            bound: Bound::default(),
            shm_formats: Vec::new(),
            dmabuf_formats: Vec::new(),
            main_device: None,
            format_table: Vec::new(),
            output_mode: None,
            callbacks: HashMap::new(),
            feedback: HashMap::new(),
            clock: None,
            released: HashMap::new(),
            buffer_releases: HashMap::new(),
            params: HashMap::new(),
            dmabuf_feedback: HashMap::new(),
            windows: HashMap::new(),
            locks: HashMap::new(),
            input: Input::default(),
            absence: Vec::new(),
            heads: super::heads::Heads::default(),
        }
    }

    /// A number that no object of this client has had.
    pub fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    /// The global of that interface.
    pub fn global(&self, interface: &str) -> Option<&Global> {
        self.globals.iter().find(|g| g.interface == interface)
    }

    /// Whether dma-bufs of that format and modifier may be sent.
    pub fn takes_dmabuf(&self, fourcc: u32, modifier: u64) -> bool {
        self.dmabuf_formats.contains(&(fourcc, modifier))
    }
}

macro_rules! need {
    ($(#[$doc:meta])* $name:ident: $type:ty, $interface:literal) => {
        $(#[$doc])*
        pub fn $name(&self) -> Result<$type> {
            self.$name.clone().ok_or_else(|| Error::Missing(concat!("global ", $interface).into()))
        }
    };
}

impl Bound {
    need!(/** wl_compositor, or why not. */ compositor: wl_compositor::WlCompositor, "wl_compositor");
    need!(/** wl_subcompositor, or why not. */ subcompositor: wl_subcompositor::WlSubcompositor, "wl_subcompositor");
    need!(/** wl_shm, or why not. */ shm: wl_shm::WlShm, "wl_shm");
    need!(/** xdg_wm_base, or why not. */ wm_base: XdgWmBase, "xdg_wm_base");
    need!(/** zwp_linux_dmabuf_v1, or why not. */ dmabuf: ZwpLinuxDmabufV1, "zwp_linux_dmabuf_v1");
    need!(/** wp_presentation, or why not. */ presentation: WpPresentation, "wp_presentation");
    need!(
        /** wp_linux_drm_syncobj_manager_v1, or why not. */
        syncobj: WpLinuxDrmSyncobjManagerV1, "wp_linux_drm_syncobj_manager_v1"
    );
    need!(
        /** zwp_linux_explicit_synchronization_v1, or why not. */
        explicit_sync: ZwpLinuxExplicitSynchronizationV1, "zwp_linux_explicit_synchronization_v1"
    );
    need!(/** wp_viewporter, or why not. */ viewporter: WpViewporter, "wp_viewporter");
}
