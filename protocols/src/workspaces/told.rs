//! What a manager was told of outputs and workspaces, and the events of what differs.

use std::{collections::HashMap, sync::atomic::AtomicBool};

use wayland_protocols::ext::workspace::v1::server::{
    ext_workspace_group_handle_v1::{ExtWorkspaceGroupHandleV1, GroupCapabilities},
    ext_workspace_handle_v1::{ExtWorkspaceHandleV1, State, WorkspaceCapabilities},
    ext_workspace_manager_v1::ExtWorkspaceManagerV1,
};
use wayland_server::{Client, Dispatch, DisplayHandle, Resource};

use crate::{
    toplevels::{Leftovers, Readers, shortened},
    workspaces::model::{Everything, GroupData, Wish, Workspace, WorkspaceData},
};

/// A manager, with what it was told. A handle that its client has destroyed is `None`.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) object: ExtWorkspaceManagerV1,
    pub(super) told: bool,
    /// By the number of the output.
    pub(super) groups: HashMap<u32, Option<ExtWorkspaceGroupHandleV1>>,
    pub(super) workspaces: HashMap<u32, (Workspace, Option<ExtWorkspaceHandleV1>)>,
    pub(super) wishes: Vec<Wish>,
}

impl Manager {
    /// Whether it does not know everything.
    pub(super) fn is_stale(&self, Everything { outputs, workspaces: now }: &Everything) -> bool {
        self.told
            || (self.groups.len(), self.workspaces.len()) != (outputs.len(), now.len())
            || outputs.iter().any(|output| !self.groups.contains_key(output))
            || now.iter().any(|now| self.workspaces.get(&now.workspace).is_none_or(|(known, _)| known != now))
    }

    pub(super) fn add_groups<D>(
        &mut self,
        display: &DisplayHandle,
        client: &Client,
        outputs: &[u32],
        readers: &dyn Readers,
    ) where
        D: Dispatch<ExtWorkspaceGroupHandleV1, GroupData> + 'static,
    {
        for output in outputs {
            if self.groups.contains_key(output) {
                continue;
            }
            let data = GroupData { manager: self.object.downgrade(), output: *output, left: AtomicBool::new(false) };
            let made = client.create_resource::<ExtWorkspaceGroupHandleV1, _, D>(display, self.object.version(), data);
            if let Ok(group) = &made {
                self.object.workspace_group(group);
                group.capabilities(GroupCapabilities::CreateWorkspace);
                readers.outputs(client, *output).iter().for_each(|object| group.output_enter(object));
            }
            self.groups.insert(*output, made.ok());
            self.told = true;
        }
    }

    pub(super) fn update<D>(&mut self, display: &DisplayHandle, client: &Client, now: &[Workspace])
    where
        D: Dispatch<ExtWorkspaceHandleV1, WorkspaceData> + 'static,
    {
        for workspace in now {
            let known = self.workspaces.remove(&workspace.workspace);
            let (before, handle) = match known {
                Some((before, handle)) => (Some(before), handle),
                None => {
                    let (manager, left) = (self.object.downgrade(), AtomicBool::new(false));
                    let data = WorkspaceData { manager, workspace: workspace.workspace, left };
                    let version = self.object.version();
                    let made = client.create_resource::<ExtWorkspaceHandleV1, _, D>(display, version, data);
                    if let Ok(handle) = &made {
                        self.object.workspace(handle);
                        handle.capabilities(WorkspaceCapabilities::Activate | WorkspaceCapabilities::Assign);
                    }
                    (None, made.ok())
                }
            };
            if before.as_ref() != Some(workspace) {
                self.told = true;
                if let Some(handle) = &handle {
                    self.describe(handle, before.as_ref(), workspace);
                }
            }
            self.workspaces.insert(workspace.workspace, (workspace.clone(), handle));
        }
    }

    /// Tells a handle what differs between two states of its workspace.
    fn describe(&self, handle: &ExtWorkspaceHandleV1, before: Option<&Workspace>, now: &Workspace) {
        if before.is_none_or(|before| before.name != now.name) {
            handle.name(shortened(&now.name).to_owned());
        }
        if before.is_none_or(|before| (before.active, before.urgent) != (now.active, now.urgent)) {
            let mut state = State::empty();
            state.set(State::Active, now.active);
            state.set(State::Urgent, now.urgent);
            handle.state(state);
        }
        let was_on = before.and_then(|before| before.output);
        if was_on != now.output {
            let group = |output: Option<u32>| self.groups.get(&output?)?.as_ref();
            group(was_on).into_iter().for_each(|group| group.workspace_leave(handle));
            group(now.output).into_iter().for_each(|group| group.workspace_enter(handle));
        }
    }

    /// Workspaces that are gone, then outputs: no workspace is on these any more.
    pub(super) fn remove(&mut self, Everything { outputs, workspaces: now }: &Everything, left: &mut Leftovers) {
        let is_there = |workspace: u32| now.iter().any(|now| now.workspace == workspace);
        let (groups, told) = (&self.groups, &mut self.told);
        self.workspaces.retain(|workspace, (known, handle)| {
            if is_there(*workspace) {
                return true;
            }
            *told = true;
            if let Some(handle) = handle {
                let group = known.output.and_then(|output| groups.get(&output)?.as_ref());
                group.into_iter().for_each(|group| group.workspace_leave(handle));
                handle.removed();
                if let (Some(client), Some(data)) = (handle.client(), handle.data::<WorkspaceData>()) {
                    left.leave(&client.id(), &data.left);
                }
            }
            false
        });
        self.groups.retain(|output, group| {
            let stays = outputs.contains(output);
            if !stays {
                *told = true;
            }
            for group in group.iter().filter(|_| !stays) {
                group.removed();
                if let (Some(client), Some(data)) = (group.client(), group.data::<GroupData>()) {
                    left.leave(&client.id(), &data.left);
                }
            }
            stays
        });
    }
}
