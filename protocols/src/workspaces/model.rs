//! What is told and wanted of workspaces, as values, and what handles carry.

use std::sync::atomic::AtomicBool;

use wayland_protocols::ext::workspace::v1::server::ext_workspace_manager_v1::ExtWorkspaceManagerV1;
use wayland_server::Weak;

/// A workspace, as the protocol describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its number, which is never used again in the session.
    pub workspace: u32,
    /// What people call it.
    pub name: String,
    /// The number of its output; `None` while there is no output.
    pub output: Option<u32>,
    /// Its output shows it.
    pub active: bool,
    /// One of its windows wants attention.
    pub urgent: bool,
}

/// All outputs, by their numbers, and all workspaces.
#[derive(Debug, Clone, Default)]
pub struct Everything {
    /// Each is a group.
    pub outputs: Vec<u32>,
    /// In the order of their names.
    pub workspaces: Vec<Workspace>,
}

/// What a client wants of workspaces. Each may be gone, and so may the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Its output shows this workspace.
    Activate(u32),
    /// A workspace of this name on an output.
    Create {
        /// What it is to be called.
        name: String,
        /// The number of the output.
        output: u32,
    },
    /// A workspace moves to another output.
    Assign {
        /// The number of the workspace.
        workspace: u32,
        /// The number of the output.
        output: u32,
    },
}

/// User data of `ext_workspace_group_handle_v1`.
#[derive(Debug)]
pub struct GroupData {
    pub(super) manager: Weak<ExtWorkspaceManagerV1>,
    /// The number of its output.
    pub(super) output: u32,
    /// It was removed.
    pub(super) left: AtomicBool,
}

/// User data of `ext_workspace_handle_v1`.
#[derive(Debug)]
pub struct WorkspaceData {
    pub(super) manager: Weak<ExtWorkspaceManagerV1>,
    pub(super) workspace: u32,
    /// It was removed.
    pub(super) left: AtomicBool,
}
