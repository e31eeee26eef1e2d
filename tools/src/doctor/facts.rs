//! Facts about a machine: everything that the checks need, and no conclusions.
//!
//! They can be written as JSON and read back, so that one machine can be diagnosed on another.

use std::path::PathBuf;

use kms::{CrtcIndex, Inventory, PlaneId, cec::AdapterInfo};
use serde::{Deserialize, Serialize};

/// A machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Machine {
    /// `uname -r`.
    pub kernel: String,
    pub user: User,
    pub seat: Seat,
    /// `/dev/dri/cardN`, by number.
    pub cards: Vec<Card>,
    /// `/dev/dri/renderDN`, by number.
    pub render_nodes: Vec<RenderNode>,
    pub memory: Memory,
    /// `/sys/kernel/debug`.
    pub debugfs: Access,
    /// The kernel is locked down (Secure Boot): what of debugfs can be written to is closed to
    /// everybody.
    #[serde(default)]
    pub locked_down: bool,
    /// `sw_sync` in debugfs, with which tests create fences.
    pub sw_sync: Access,
    pub cec: Vec<CecAdapter>,
}

/// The user who runs doctor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct User {
    pub root: bool,
    /// Whether XDG_RUNTIME_DIR is set and is a directory.
    pub runtime_dir: bool,
}

/// The seat managers that could open devices for a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seat {
    pub seatd: Access,
    pub logind: bool,
}

/// Whether a file can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    Yes,
    /// There is no such file.
    #[default]
    Absent,
    /// Permission denied.
    Denied,
    /// Another error, in words.
    Failed(String),
}

/// A primary node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub path: PathBuf,
    /// The kernel driver, from sysfs.
    pub driver: String,
    pub access: Access,
    /// All KMS objects; `None` if the card could not be opened or has no atomic mode setting.
    pub inventory: Option<Inventory>,
    /// Why there is no inventory, although the card could be opened.
    pub why_not: Option<String>,
    pub sync: Option<SyncobjSupport>,
    /// Planes with colour pipelines (`COLOR_PIPELINE`, not counting the bypass): plane id, number
    /// of pipelines.
    pub colour_pipelines: Vec<(PlaneId, usize)>,
    /// One for each CRTC.
    pub crc: Vec<CrtcCrc>,
}

/// A render node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderNode {
    pub path: PathBuf,
    /// The kernel driver, from sysfs.
    pub driver: String,
    pub access: Access,
    pub sync: Option<SyncobjSupport>,
}

/// What a DRM device can do with syncobjs, found by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncobjSupport {
    pub syncobj: bool,
    pub timeline: bool,
    pub eventfd: bool,
    /// A timeline point becomes a sync_file, and the other way round, in one call.
    pub one_call: bool,
    /// A sync_file takes a deadline; `None`: no sync_file could be made to try it.
    pub deadline: Option<bool>,
}

/// CRC support of one CRTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrtcCrc {
    pub crtc: CrtcIndex,
    /// Names of the CRC sources.
    pub sources: Vec<String>,
    /// Why there are none.
    pub error: Option<String>,
}

/// What allocates dma-bufs without a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    pub udmabuf: Access,
    pub heaps: Vec<Heap>,
    /// Whether the implicit fences of a dma-buf can be exported as a sync_file (Linux 6.0); `None`:
    /// no dma-buf could be made to try it.
    pub implicit_bridge: Option<bool>,
}

/// A dma-heap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heap {
    pub name: String,
    pub access: Access,
}

/// A CEC adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CecAdapter {
    pub path: PathBuf,
    pub access: Access,
    pub info: Option<AdapterInfo>,
}
