//! The wire format of `syncline msg`: one JSON object per line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{config::night_light::NightMode, crc::status::CrcRequest};

/// A request, from `syncline msg`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    Quit,
    /// Writes a screenshot as PNG; `path` is absolute.
    Screenshot {
        path: PathBuf,
        #[serde(flatten)]
        of: Shot,
    },
    Status,
    /// Performs an action, written as in the configuration.
    Action {
        action: String,
    },
    /// Reads the configuration again.
    Reload,
    /// Turns a display off or on; `name` is its connector.
    Output {
        name: String,
        on: bool,
    },
    /// Changes how a display is shown; `name` is its connector. It is answered when that is done.
    OutputSet {
        name: String,
        #[serde(flatten)]
        wish: OutputWish,
    },
    /// Makes a display that exists in the session only.
    OutputCreate(NewOutput),
    /// Removes one that was made; `name` is its connector.
    OutputRemove {
        name: String,
    },
    /// Modes that are on trial stay.
    OutputKeep,
    /// Whether there is a light of the night, until another request.
    NightLight {
        mode: NightMode,
    },
    /// See [`crate::report::fences::FencesReport`].
    Fences,
    /// See [`crate::report::buffers::BufferReport`].
    Buffers,
    /// See [`crate::report::clients::ClientReport`].
    Clients,
    /// The windows; see [`crate::report::windows::WindowReport`].
    Windows {
        /// With titles and names of applications.
        titles: bool,
    },
    /// The workspaces; see [`crate::report::windows::WorkspaceReport`].
    Workspaces,
    /// The input devices; see [`crate::report::devices::DeviceReport`].
    Devices,
    /// Everything, and then each change: see [`crate::report::events::Event`]. Each is an answer of its
    /// own, until the peer hangs up.
    Events,
    /// The last lines of the log.
    Log,
    /// A mistake on purpose, for tests. Programs that are given to users do not have it.
    #[cfg(debug_assertions)]
    Fault {
        /// `panic` or `stand`.
        kind: String,
    },
    /// See [`crate::session::crc::switch`].
    Crc(CrcRequest),
    /// The last frames after the one with this serial, of one output or of all; see
    /// [`crate::crc::frames::Page`].
    Frames {
        after: u64,
        output: Option<String>,
        /// Only the frames before the first one whose CRC is not judged yet.
        settled: bool,
    },
}

/// What a screenshot shows: the first output, if nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shot {
    /// An output, by its connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// A window, by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// A part of the desktop: x, y, width, height in logical pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<[i32; 4]>,
}

/// How a display is to be shown. What is not said stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputWish {
    /// `WxH` or `WxH@HZ`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// In the words of `wl_output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<[i32; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vrr: Option<bool>,
    /// The display that it mirrors, or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// The mode is not on trial.
    pub keep: bool,
}

/// A display that is to be made. What is not said is chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewOutput {
    /// `WxH`, or `WxH@HZ` without a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// In Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// The name of its connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An answer. `error` says why the request failed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}
