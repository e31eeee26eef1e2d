//! Requests of `ext-workspace-v1`'s objects.

use wayland_protocols::ext::workspace::v1::server::{
    ext_workspace_group_handle_v1::{self as group, ExtWorkspaceGroupHandleV1},
    ext_workspace_handle_v1::{self as handle, ExtWorkspaceHandleV1},
    ext_workspace_manager_v1::{self as manager, ExtWorkspaceManagerV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId};

use crate::{
    seen_by::SeenBy,
    workspaces::{GroupData, Wish, WorkspaceData, WorkspacesHandler, WorkspacesState, told::Manager},
};

/// A name that has more bytes is no name that could be given.
const LONGEST_NAME: usize = 256;

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
                state.workspaces().stop(resource);
                // It destroys the manager.
                resource.finished();
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ExtWorkspaceManagerV1, _: &()) {
        state.workspaces().stop(resource);
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
        if let group::Request::CreateWorkspace { workspace: name } = request
            && name.len() <= LONGEST_NAME
        {
            state.workspaces().wish(&data.manager, Wish::Create { name, output: data.output });
        }
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ExtWorkspaceGroupHandleV1, data: &GroupData) {
        let known = state.workspaces();
        let again = known.left.destroyed(&client, &data.left);
        if let Some(group) = known.manager(&data.manager).and_then(|manager| manager.groups.get_mut(&data.output)) {
            group.take_if(|group| group == resource);
        }
        if again {
            state.workspaces_stale();
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
                Wish::Assign { workspace, output: group.output }
            }
            // The others are not among the capabilities.
            _ => return,
        };
        state.workspaces().wish(&data.manager, wish);
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ExtWorkspaceHandleV1, data: &WorkspaceData) {
        let known = state.workspaces();
        let again = known.left.destroyed(&client, &data.left);
        let manager = known.manager(&data.manager);
        if let Some((_, handle)) = manager.and_then(|manager| manager.workspaces.get_mut(&data.workspace)) {
            handle.take_if(|handle| handle == resource);
        }
        if again {
            state.workspaces_stale();
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
