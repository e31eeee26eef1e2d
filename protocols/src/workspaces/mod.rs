//! `ext-workspace-v1`: workspaces for task bars, and requests to show others.
//!
//! Each output is a group. The compositor says which outputs and workspaces there are; this remembers
//! what each manager was told ([`told`]), and sends what differs. Requests are collected until their manager's
//! `commit` and then become calls of [`WorkspacesHandler::workspace_wish`], in their order. Nothing here
//! costs anything while no client has bound the global.
//!
//! Source: `wayland-protocols/staging/ext-workspace/ext-workspace-v1.xml`.

mod dispatch;
mod model;
mod told;

use wayland_protocols::ext::workspace::v1::server::{
    ext_workspace_group_handle_v1::ExtWorkspaceGroupHandleV1, ext_workspace_handle_v1::ExtWorkspaceHandleV1,
    ext_workspace_manager_v1::ExtWorkspaceManagerV1,
};
use wayland_server::{Client, Dispatch, DisplayHandle, GlobalDispatch, Resource, Weak, protocol::wl_output::WlOutput};

pub use self::model::{Everything, GroupData, Wish, Workspace, WorkspaceData};
use crate::{
    seen_by::SeenBy,
    toplevels::{Leftovers, Readers},
    workspaces::told::Manager,
};

/// The most requests before a `commit`. Of more, the oldest are ignored, as any of them may be.
const WISHES: usize = 64;

/// What the protocol needs from the compositor's state.
pub trait WorkspacesHandler {
    /// The global's state.
    fn workspaces(&mut self) -> &mut WorkspacesState;

    /// A client has bound the global: the compositor calls [`WorkspacesState::send`] at once, so that it
    /// hears of everything before any answer to what it requests afterwards.
    fn workspaces_bound(&mut self);

    /// A client is to hear of what it does not know: the compositor calls [`WorkspacesState::send`]
    /// before it waits again.
    fn workspaces_stale(&mut self);

    /// A client wants something.
    fn workspace_wish(&mut self, wish: Wish);
}

/// The `ext_workspace_manager_v1` global and its managers.
#[derive(Debug, Default)]
pub struct WorkspacesState {
    managers: Vec<Manager>,
    left: Leftovers,
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

    /// Tells every manager what differs from what it was told. The
    /// compositor calls this again when a client that did not read has read.
    pub fn send<D>(&mut self, display: &DisplayHandle, now: &Everything, readers: &mut dyn Readers)
    where
        D: Dispatch<ExtWorkspaceGroupHandleV1, GroupData> + Dispatch<ExtWorkspaceHandleV1, WorkspaceData> + 'static,
    {
        self.send_from::<D>(0, display, now, readers);
    }

    /// The same for the manager that was bound last.
    pub fn send_newest<D>(&mut self, display: &DisplayHandle, now: &Everything, readers: &mut dyn Readers)
    where
        D: Dispatch<ExtWorkspaceGroupHandleV1, GroupData> + Dispatch<ExtWorkspaceHandleV1, WorkspaceData> + 'static,
    {
        self.send_from::<D>(self.managers.len().saturating_sub(1), display, now, readers);
    }

    fn send_from<D>(&mut self, first: usize, display: &DisplayHandle, now: &Everything, readers: &mut dyn Readers)
    where
        D: Dispatch<ExtWorkspaceGroupHandleV1, GroupData> + Dispatch<ExtWorkspaceHandleV1, WorkspaceData> + 'static,
    {
        for manager in &mut self.managers[first..] {
            let Some(client) = manager.object.client() else { continue };
            if !self.left.may_have_more(&client.id()) || !manager.is_stale(now) || !readers.reads(&client) {
                continue;
            }
            manager.add_groups::<D>(display, &client, &now.outputs, readers);
            manager.update::<D>(display, &client, &now.workspaces);
            manager.remove(now, &mut self.left);
            if std::mem::take(&mut manager.told) {
                manager.object.done();
            }
        }
    }

    /// A client has one more object of an output, which is to be named: its groups of that enter it.
    pub fn output_bound(&mut self, client: &Client, number: u32, output: &WlOutput) {
        for manager in self.managers.iter().filter(|manager| manager.object.client().as_ref() == Some(client)) {
            if let Some(Some(group)) = manager.groups.get(&number) {
                group.output_enter(output);
                manager.object.done();
            }
        }
    }

    /// A manager hears nothing any more; its handles do nothing.
    fn stop(&mut self, object: &ExtWorkspaceManagerV1) {
        let left = &mut self.left;
        self.managers.retain(|manager| {
            let stays = manager.object != *object;
            if let Some(client) = manager.object.client().filter(|_| !stays) {
                let groups = manager.groups.values().flatten().filter_map(|group| group.data::<GroupData>());
                groups.for_each(|data| left.leave(&client.id(), &data.left));
                let handles = manager.workspaces.values().filter_map(|(_, handle)| handle.as_ref());
                let handles = handles.filter_map(|handle| handle.data::<WorkspaceData>());
                handles.for_each(|data| left.leave(&client.id(), &data.left));
            }
            stays
        });
    }

    fn manager(&mut self, object: &Weak<ExtWorkspaceManagerV1>) -> Option<&mut Manager> {
        self.managers.iter_mut().find(|manager| *object == manager.object)
    }

    /// A request before the `commit`. One that was made before counts where it was made last.
    fn wish(&mut self, object: &Weak<ExtWorkspaceManagerV1>, wish: Wish) {
        let Some(manager) = self.manager(object) else { return };
        manager.wishes.retain(|earlier| *earlier != wish);
        if manager.wishes.len() == WISHES {
            manager.wishes.remove(0);
        }
        manager.wishes.push(wish);
    }
}
