//! `ext-workspace-v1`: workspaces for task bars, and requests to show others.
//!
//! Each output is a group. The compositor says which outputs and workspaces there are; this remembers
//! what each manager was told, and sends what differs. Requests are collected until their manager's
//! `commit` and then become calls of [`WorkspacesHandler::workspace_wish`], in their order. Nothing here
//! costs anything while no client has bound the global.
//!
//! Source: `wayland-protocols/staging/ext-workspace/ext-workspace-v1.xml`.

use std::collections::HashMap;

use wayland_protocols::ext::workspace::v1::server::{
    ext_workspace_group_handle_v1::{self as group, ExtWorkspaceGroupHandleV1, GroupCapabilities},
    ext_workspace_handle_v1::{self as handle, ExtWorkspaceHandleV1, State, WorkspaceCapabilities},
    ext_workspace_manager_v1::{self as manager, ExtWorkspaceManagerV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, Weak, backend::ClientId,
    protocol::wl_output::WlOutput,
};

use crate::{
    seen_by::SeenBy,
    toplevels::{Handles, shortened},
};

/// The most requests before a `commit`. Others are ignored, as any of them may be.
const WISHES: usize = 64;

/// A workspace, as the protocol describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its number, which is never used again in the session.
    pub workspace: u32,
    /// What people call it.
    pub name: String,
    /// The connector of its output; `None` while there is no output.
    pub output: Option<String>,
    /// Its output shows it.
    pub active: bool,
    /// One of its windows wants attention.
    pub urgent: bool,
}

/// What a client wants of workspaces. Each may be gone, and so may the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Its output shows this workspace.
    Activate(u32),
    /// A workspace of this name, of any length, on an output.
    Create {
        /// What it is to be called.
        name: String,
        /// The connector.
        output: String,
    },
    /// A workspace moves to another output.
    Assign {
        /// The number of the workspace.
        workspace: u32,
        /// The connector.
        output: String,
    },
}

/// What the protocol needs from the compositor's state.
pub trait WorkspacesHandler {
    /// The global's state.
    fn workspaces(&mut self) -> &mut WorkspacesState;

    /// A client has bound the global and is to hear of everything: the compositor calls
    /// [`WorkspacesState::send`] before it waits again.
    fn workspaces_bound(&mut self);

    /// A client wants something.
    fn workspace_wish(&mut self, wish: Wish);
}

/// User data of `ext_workspace_group_handle_v1`.
#[derive(Debug)]
pub struct GroupData {
    manager: Weak<ExtWorkspaceManagerV1>,
    output: String,
}

/// User data of `ext_workspace_handle_v1`.
#[derive(Debug)]
pub struct WorkspaceData {
    manager: Weak<ExtWorkspaceManagerV1>,
    workspace: u32,
}

/// A manager, with what it was told. A handle that its client has destroyed is `None`.
#[derive(Debug)]
struct Manager {
    object: ExtWorkspaceManagerV1,
    told: bool,
    groups: HashMap<String, Option<ExtWorkspaceGroupHandleV1>>,
    workspaces: HashMap<u32, (Workspace, Option<ExtWorkspaceHandleV1>)>,
    wishes: Vec<Wish>,
}

/// The `ext_workspace_manager_v1` global and its managers.
#[derive(Debug, Default)]
pub struct WorkspacesState {
    managers: Vec<Manager>,
    handles: Handles,
}

impl WorkspacesState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ExtWorkspaceManagerV1, SeenBy> + Dispatch<ExtWorkspaceManagerV1, ()> + 'static,
    {
        display.create_global::<D, ExtWorkspaceManagerV1, SeenBy>(1, seen_by);
        Self::default()
    }

    /// Whether any client hears of workspaces. If not, [`Self::send`] need not be called.
    pub fn is_used(&self) -> bool {
        !self.managers.is_empty()
    }

    /// Tells every manager what differs from what it was told. `outputs` are the connectors of all
    /// outputs, `now` all workspaces; `objects` has the objects that a client has of an output. Returns
    /// the clients that would have more than [`crate::toplevels::HANDLES`] handles: they miss some.
    pub fn send<D>(
        &mut self,
        display: &DisplayHandle,
        outputs: &[String],
        now: &[Workspace],
        objects: impl Fn(&str, &Client) -> Vec<WlOutput>,
    ) -> Vec<Client>
    where
        D: Dispatch<ExtWorkspaceGroupHandleV1, GroupData> + Dispatch<ExtWorkspaceHandleV1, WorkspaceData> + 'static,
    {
        let mut exceeding = Vec::new();
        for manager in &mut self.managers {
            let Some(client) = manager.object.client() else { continue };
            let new_groups = outputs.iter().filter(|output| !manager.groups.contains_key(*output)).count();
            let new = now.iter().filter(|now| !manager.workspaces.contains_key(&now.workspace)).count() + new_groups;
            if !self.handles.take(&client, new) {
                exceeding.push(client);
                continue;
            }
            manager.add_groups::<D>(display, &client, outputs, &objects);
            manager.update::<D>(display, &client, now);
            manager.remove(outputs, now);
            if std::mem::take(&mut manager.told) {
                manager.object.done();
            }
        }
        exceeding
    }

    fn manager(&mut self, object: &Weak<ExtWorkspaceManagerV1>) -> Option<&mut Manager> {
        self.managers.iter_mut().find(|manager| *object == manager.object)
    }

    fn wish(&mut self, object: &Weak<ExtWorkspaceManagerV1>, wish: Wish) {
        if let Some(manager) = self.manager(object).filter(|manager| manager.wishes.len() < WISHES) {
            manager.wishes.push(wish);
        }
    }
}

impl Manager {
    fn add_groups<D>(
        &mut self,
        display: &DisplayHandle,
        client: &Client,
        outputs: &[String],
        objects: &impl Fn(&str, &Client) -> Vec<WlOutput>,
    ) where
        D: Dispatch<ExtWorkspaceGroupHandleV1, GroupData> + 'static,
    {
        for output in outputs {
            if self.groups.contains_key(output) {
                continue;
            }
            let data = GroupData { manager: self.object.downgrade(), output: output.clone() };
            let made = client.create_resource::<ExtWorkspaceGroupHandleV1, _, D>(display, self.object.version(), data);
            if let Ok(group) = &made {
                self.object.workspace_group(group);
                group.capabilities(GroupCapabilities::CreateWorkspace);
                objects(output, client).iter().for_each(|object| group.output_enter(object));
            }
            self.groups.insert(output.clone(), made.ok());
            self.told = true;
        }
    }

    fn update<D>(&mut self, display: &DisplayHandle, client: &Client, now: &[Workspace])
    where
        D: Dispatch<ExtWorkspaceHandleV1, WorkspaceData> + 'static,
    {
        for workspace in now {
            let known = self.workspaces.remove(&workspace.workspace);
            let (before, handle) = match known {
                Some((before, handle)) => (Some(before), handle),
                None => {
                    let data = WorkspaceData { manager: self.object.downgrade(), workspace: workspace.workspace };
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
        let was_on = before.and_then(|before| before.output.as_ref());
        if was_on != now.output.as_ref() {
            let group = |output: Option<&String>| self.groups.get(output?)?.as_ref();
            group(was_on).into_iter().for_each(|group| group.workspace_leave(handle));
            group(now.output.as_ref()).into_iter().for_each(|group| group.workspace_enter(handle));
        }
    }

    /// Workspaces that are gone, then outputs: no workspace is on these any more.
    fn remove(&mut self, outputs: &[String], now: &[Workspace]) {
        let is_there = |workspace: u32| now.iter().any(|now| now.workspace == workspace);
        let (groups, told) = (&self.groups, &mut self.told);
        self.workspaces.retain(|workspace, (known, handle)| {
            if is_there(*workspace) {
                return true;
            }
            *told = true;
            if let Some(handle) = handle {
                let group = known.output.as_ref().and_then(|output| groups.get(output)?.as_ref());
                group.into_iter().for_each(|group| group.workspace_leave(handle));
                handle.removed();
            }
            false
        });
        self.groups.retain(|output, group| {
            let stays = outputs.contains(output);
            if !stays {
                *told = true;
                group.iter().for_each(ExtWorkspaceGroupHandleV1::removed);
            }
            stays
        });
    }
}

impl<D> GlobalDispatch<ExtWorkspaceManagerV1, SeenBy, D> for WorkspacesState
where
    D: Dispatch<ExtWorkspaceManagerV1, ()> + WorkspacesHandler + 'static,
{
    fn bind(
        state: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ExtWorkspaceManagerV1>,
        _: &SeenBy,
        data_init: &mut DataInit<'_, D>,
    ) {
        let object = data_init.init(resource, ());
        // `done` comes even if there is nothing.
        let (groups, workspaces, wishes) = Default::default();
        state.workspaces().managers.push(Manager { object, told: true, groups, workspaces, wishes });
        state.workspaces_bound();
    }

    fn can_view(client: Client, seen_by: &SeenBy) -> bool {
        seen_by.holds(&client)
    }
}

impl<D> Dispatch<ExtWorkspaceManagerV1, (), D> for WorkspacesState
where
    D: Dispatch<ExtWorkspaceManagerV1, ()> + WorkspacesHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ExtWorkspaceManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        match request {
            manager::Request::Commit => {
                let known = state.workspaces().managers.iter_mut().find(|manager| manager.object == *resource);
                let wishes = known.map(|manager| std::mem::take(&mut manager.wishes)).unwrap_or_default();
                wishes.into_iter().for_each(|wish| state.workspace_wish(wish));
            }
            manager::Request::Stop => {
                state.workspaces().managers.retain(|manager| manager.object != *resource);
                // It destroys the manager.
                resource.finished();
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ExtWorkspaceManagerV1, _: &()) {
        state.workspaces().managers.retain(|manager| manager.object != *resource);
    }
}

impl<D> Dispatch<ExtWorkspaceGroupHandleV1, GroupData, D> for WorkspacesState
where
    D: Dispatch<ExtWorkspaceGroupHandleV1, GroupData> + WorkspacesHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ExtWorkspaceGroupHandleV1,
        request: group::Request,
        data: &GroupData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let group::Request::CreateWorkspace { workspace } = request {
            state.workspaces().wish(&data.manager, Wish::Create { name: workspace, output: data.output.clone() });
        }
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ExtWorkspaceGroupHandleV1, data: &GroupData) {
        let known = state.workspaces();
        known.handles.give(&client);
        if let Some(group) = known.manager(&data.manager).and_then(|manager| manager.groups.get_mut(&data.output)) {
            group.take_if(|group| group == resource);
        }
    }
}

impl<D> Dispatch<ExtWorkspaceHandleV1, WorkspaceData, D> for WorkspacesState
where
    D: Dispatch<ExtWorkspaceHandleV1, WorkspaceData> + WorkspacesHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ExtWorkspaceHandleV1,
        request: handle::Request,
        data: &WorkspaceData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let workspace = data.workspace;
        let wish = match request {
            handle::Request::Activate => Wish::Activate(workspace),
            handle::Request::Assign { workspace_group } => {
                let Some(group) = workspace_group.data::<GroupData>() else { return };
                Wish::Assign { workspace, output: group.output.clone() }
            }
            // The others are not among the capabilities.
            _ => return,
        };
        state.workspaces().wish(&data.manager, wish);
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ExtWorkspaceHandleV1, data: &WorkspaceData) {
        let known = state.workspaces();
        known.handles.give(&client);
        let manager = known.manager(&data.manager);
        if let Some((_, handle)) = manager.and_then(|manager| manager.workspaces.get_mut(&data.workspace)) {
            handle.take_if(|handle| handle == resource);
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`WorkspacesHandler`].
#[macro_export]
macro_rules! delegate_workspaces {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::workspaces::manager::ExtWorkspaceManagerV1: $crate::SeenBy
        ] => $crate::workspaces::WorkspacesState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::workspaces::manager::ExtWorkspaceManagerV1: ()
        ] => $crate::workspaces::WorkspacesState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::workspaces::group::ExtWorkspaceGroupHandleV1: $crate::workspaces::GroupData
        ] => $crate::workspaces::WorkspacesState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::workspaces::handle::ExtWorkspaceHandleV1: $crate::workspaces::WorkspaceData
        ] => $crate::workspaces::WorkspacesState);
    };
}
