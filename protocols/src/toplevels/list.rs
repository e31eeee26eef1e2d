//! `ext-foreign-toplevel-list-v1`: titles and applications of windows, and nothing that could be done
//! to them. [`super`] has what it shares with the other protocol.

use std::collections::HashMap;

use wayland_protocols::ext::foreign_toplevel_list::v1::server::{
    ext_foreign_toplevel_handle_v1::{self as handle, ExtForeignToplevelHandleV1},
    ext_foreign_toplevel_list_v1::{self as list, ExtForeignToplevelListV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId};

use crate::{
    seen_by::SeenBy,
    toplevels::{Handles, Toplevel, shortened},
};

/// What the protocol needs from the compositor's state.
pub trait ToplevelListHandler {
    /// The global's state.
    fn toplevel_list(&mut self) -> &mut ToplevelListState;

    /// A client has bound the global and is to hear of all windows: the compositor calls
    /// [`ToplevelListState::send`] before it waits again.
    fn toplevel_list_bound(&mut self);
}

/// User data of `ext_foreign_toplevel_handle_v1`.
#[derive(Debug)]
pub struct HandleData {
    window: u32,
}

/// The `ext_foreign_toplevel_list_v1` global, its lists and their handles.
#[derive(Debug, Default)]
pub struct ToplevelListState {
    /// Those that have not been stopped, each with whether it has heard of all windows.
    lists: Vec<(ExtForeignToplevelListV1, bool)>,
    /// What is known of each window.
    windows: HashMap<u32, Sent>,
    handles: Handles,
}

#[derive(Debug)]
struct Sent {
    title: String,
    app_id: String,
    handles: Vec<ExtForeignToplevelHandleV1>,
}

impl ToplevelListState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ExtForeignToplevelListV1, SeenBy> + Dispatch<ExtForeignToplevelListV1, ()> + 'static,
    {
        display.create_global::<D, ExtForeignToplevelListV1, SeenBy>(1, seen_by);
        Self::default()
    }

    /// Whether any client hears of windows. If not, [`Self::send`] need not be called.
    pub fn is_used(&self) -> bool {
        !self.lists.is_empty() || !self.windows.is_empty()
    }

    /// Tells every list and handle what differs from what it was told. `now` are all windows. Returns
    /// the clients that would have more than [`super::HANDLES`] handles: they miss some.
    pub fn send<D>(&mut self, display: &DisplayHandle, now: &[Toplevel]) -> Vec<Client>
    where
        D: Dispatch<ExtForeignToplevelHandleV1, HandleData> + 'static,
    {
        let (mut before, mut exceeding) = (std::mem::take(&mut self.windows), Vec::new());
        for window in now {
            let (title, app_id) = (shortened(&window.title), shortened(&window.app_id));
            let known = before.remove(&window.window);
            let is_new = known.is_none();
            let handles = known.map(|known| {
                let (retitled, renamed) = (known.title != title, known.app_id != app_id);
                for handle in known.handles.iter().filter(|_| retitled || renamed) {
                    if retitled {
                        handle.title(title.to_owned());
                    }
                    if renamed {
                        handle.app_id(app_id.to_owned());
                    }
                    handle.done();
                }
                known.handles
            });
            let handles = handles.unwrap_or_default();
            let mut sent = Sent { title: title.to_owned(), app_id: app_id.to_owned(), handles };
            for (list, _) in self.lists.iter().filter(|(_, complete)| is_new || !complete) {
                let Some(client) = list.client() else { continue };
                if !self.handles.take(&client, 1) {
                    exceeding.push(client);
                    continue;
                }
                match introduce::<D>(display, list, &client, window.window, &sent) {
                    Some(handle) => sent.handles.push(handle),
                    None => self.handles.give(&client.id()),
                }
            }
            if !self.lists.is_empty() || !sent.handles.is_empty() {
                self.windows.insert(window.window, sent);
            }
        }
        before.values().flat_map(|gone| &gone.handles).for_each(ExtForeignToplevelHandleV1::closed);
        self.lists.iter_mut().for_each(|(_, complete)| *complete = true);
        exceeding
    }
}

/// Makes a handle for a window and describes it; `None`: the client is gone.
fn introduce<D>(
    display: &DisplayHandle,
    list: &ExtForeignToplevelListV1,
    client: &Client,
    window: u32,
    sent: &Sent,
) -> Option<ExtForeignToplevelHandleV1>
where
    D: Dispatch<ExtForeignToplevelHandleV1, HandleData> + 'static,
{
    let data = HandleData { window };
    let handle = client.create_resource::<ExtForeignToplevelHandleV1, _, D>(display, list.version(), data).ok()?;
    list.toplevel(&handle);
    handle.identifier(window.to_string());
    handle.title(sent.title.clone());
    handle.app_id(sent.app_id.clone());
    handle.done();
    Some(handle)
}

impl<D> GlobalDispatch<ExtForeignToplevelListV1, SeenBy, D> for ToplevelListState
where
    D: Dispatch<ExtForeignToplevelListV1, ()> + ToplevelListHandler + 'static,
{
    fn bind(
        state: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ExtForeignToplevelListV1>,
        _: &SeenBy,
        data_init: &mut DataInit<'_, D>,
    ) {
        let list = data_init.init(resource, ());
        state.toplevel_list().lists.push((list, false));
        state.toplevel_list_bound();
    }

    fn can_view(client: Client, seen_by: &SeenBy) -> bool {
        seen_by.holds(&client)
    }
}

impl<D> Dispatch<ExtForeignToplevelListV1, (), D> for ToplevelListState
where
    D: Dispatch<ExtForeignToplevelListV1, ()> + ToplevelListHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ExtForeignToplevelListV1,
        request: list::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let list::Request::Stop = request else { return };
        let lists = &mut state.toplevel_list().lists;
        let before = lists.len();
        lists.retain(|(list, _)| list != resource);
        // It hears that only once.
        if lists.len() < before {
            resource.finished();
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ExtForeignToplevelListV1, _: &()) {
        state.toplevel_list().lists.retain(|(list, _)| list != resource);
    }
}

impl<D> Dispatch<ExtForeignToplevelHandleV1, HandleData, D> for ToplevelListState
where
    D: Dispatch<ExtForeignToplevelHandleV1, HandleData> + ToplevelListHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ExtForeignToplevelHandleV1,
        _: handle::Request,
        _: &HandleData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // There is only `destroy`.
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ExtForeignToplevelHandleV1, data: &HandleData) {
        let known = state.toplevel_list();
        known.handles.give(&client);
        if let Some(sent) = known.windows.get_mut(&data.window) {
            sent.handles.retain(|handle| handle != resource);
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`ToplevelListHandler`].
#[macro_export]
macro_rules! delegate_toplevel_list {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::toplevel_list::list::ExtForeignToplevelListV1: $crate::SeenBy
        ] => $crate::toplevels::list::ToplevelListState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_list::list::ExtForeignToplevelListV1: ()
        ] => $crate::toplevels::list::ToplevelListState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_list::handle::ExtForeignToplevelHandleV1: $crate::toplevels::list::HandleData
        ] => $crate::toplevels::list::ToplevelListState);
    };
}
