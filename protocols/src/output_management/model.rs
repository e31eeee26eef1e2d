//! What is told and wanted of displays, as values.

use wayland_server::protocol::wl_output::Transform;

/// A display, lit or not, as the protocol describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// What does not change while it is there.
    pub about: About,
    /// How it is shown; `None`: it is not lit.
    pub state: Option<State>,
}

/// What a display is. If any of it changes, clients hear of another head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// A number that no other head has.
    pub number: u64,
    /// The connector.
    pub name: String,
    /// For people.
    pub description: String,
    /// Who made it, if that is known; so are the model and the serial number.
    pub make: Option<String>,
    /// See [`About::make`].
    pub model: Option<String>,
    /// See [`About::make`].
    pub serial: Option<String>,
    /// In millimetres; `None`: unknown.
    pub size_mm: Option<(i32, i32)>,
    /// The modes that it has.
    pub modes: Vec<ModeInfo>,
}

/// A mode of a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeInfo {
    /// In pixels.
    pub width: i32,
    /// In pixels.
    pub height: i32,
    /// In mHz; 0: unknown.
    pub refresh: i32,
    /// The display prefers it.
    pub preferred: bool,
}

/// How a display is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// Which of its modes; `None`: another one.
    pub mode: Option<usize>,
    /// Its upper left corner on the desktop.
    pub position: (i32, i32),
    /// As its `wl_output` says.
    pub transform: Transform,
    /// How many of its pixels are one of the desktop.
    pub scale: f64,
    /// Its refresh varies.
    pub adaptive_sync: bool,
}

/// What a client wants of one display.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadWish {
    /// [`About::number`].
    pub head: u64,
    /// `None`: it is to be off.
    pub on: Option<Wanted>,
}

/// How a display is to be shown. What is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wanted {
    /// The mode.
    pub mode: Option<ModeWish>,
    /// The upper left corner on the desktop: any numbers.
    pub position: Option<(i32, i32)>,
    /// As `wl_output` has it.
    pub transform: Option<Transform>,
    /// More than 0.
    pub scale: Option<f64>,
    /// Whether the refresh varies.
    pub adaptive_sync: Option<bool>,
}

/// A mode that a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeWish {
    /// One of [`About::modes`].
    Listed(usize),
    /// One of this size, more than 0, and this refresh in mHz (0: any), which need not be listed.
    Custom {
        /// In pixels.
        width: i32,
        /// In pixels.
        height: i32,
        /// In mHz.
        refresh: i32,
    },
}
