//! The machine as it was found: everything that the checks judge, and nothing that they conclude.
//!
//! Goes to JSON and back, so that another machine's can be judged here.

use std::path::PathBuf;

use kms::{Inventory, cec::AdapterInfo};
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
    /// Fences that tests make by hand, in debugfs.
    pub sw_sync: Access,
    pub cec: Vec<Cec>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct User {
    pub root: bool,
    /// Whether XDG_RUNTIME_DIR is set and a folder.
    pub runtime_dir: bool,
}

/// Who would open devices for a session.
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
    /// It is not there.
    #[default]
    Absent,
    /// Not for this user.
    Denied,
    /// Something else: in words.
    Failed(String),
}

/// A primary node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub path: PathBuf,
    /// The kernel driver, from sysfs.
    pub driver: String,
    pub access: Access,
    /// All that it has; `None` where it could not be opened, or has no atomic mode setting.
    pub inventory: Option<Inventory>,
    /// Why not, where there should be one.
    pub why_not: Option<String>,
    pub sync: Option<Sync>,
    /// Colour pipelines of each plane that has any (`COLOR_PIPELINE`, less the bypass): plane id, number.
    pub colour_pipelines: Vec<(u32, usize)>,
    /// By CRTC.
    pub crc: Vec<Crc>,
}

/// A render node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderNode {
    pub path: PathBuf,
    /// The kernel driver, from sysfs.
    pub driver: String,
    pub access: Access,
    pub sync: Option<Sync>,
}

/// Fences of a DRM device, found by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sync {
    pub syncobj: bool,
    pub timeline: bool,
    pub eventfd: bool,
    /// A timeline point to a sync_file and back in one call each.
    pub one_call: bool,
    /// A sync_file takes a deadline; `None` where none could be made to ask.
    pub deadline: Option<bool>,
}

/// CRCs of one CRTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crc {
    pub crtc: u32,
    /// Names of its sources.
    pub sources: Vec<String>,
    /// Why there are none.
    pub error: Option<String>,
}

/// Where dma-bufs come from without a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    pub udmabuf: Access,
    pub heaps: Vec<Heap>,
    /// Whether a dma-buf gives its implicit fences as a sync_file (Linux 6.0); `None` where none could be made to ask.
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
pub struct Cec {
    pub path: PathBuf,
    pub access: Access,
    pub info: Option<AdapterInfo>,
}
