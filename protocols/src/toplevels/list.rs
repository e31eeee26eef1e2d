//! `ext-foreign-toplevel-list-v1`: titles and applications of windows, and nothing that could be done
//! to them. [`super`] has what it shares with the other protocol.

use std::fmt;

use wayland_protocols::ext::foreign_toplevel_list::v1::server::{
    ext_foreign_toplevel_handle_v1::{self as handle, ExtForeignToplevelHandleV1},
    ext_foreign_toplevel_list_v1::{self as list, ExtForeignToplevelListV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId};

use crate::{
    seen_by::SeenBy,
    toplevels::{
        AllToplevels, HandleData, Readers, Toplevel,
        listeners::{Events, Listeners},
    },
};

/// What the protocol needs from the compositor's state.
pub trait ToplevelListHandler {
    /// The global's state.
    fn toplevel_list(&mut self) -> &mut ToplevelListState;

    /// A client has bound the global: the compositor calls [`ToplevelListState::send`] at once, so that
    /// it hears of all windows before any answer to what it requests afterwards.
    fn toplevel_list_bound(&mut self);

    /// A client is to hear of windows that it does not know: the compositor calls
    /// [`ToplevelListState::send`] before it waits again.
    fn toplevel_list_stale(&mut self);
}

/// The events of this protocol.
struct ListEvents {
    display: DisplayHandle,
    /// The part of an identifier that no other session has.
    session: String,
    make: fn(&DisplayHandle, &Client, u32, HandleData) -> Option<ExtForeignToplevelHandleV1>,
}

impl Events for ListEvents {
    type List = ExtForeignToplevelListV1;
    type Handle = ExtForeignToplevelHandleV1;
    type Extra = ();
    const PARENTS: bool = false;
    const OUTPUTS: bool = false;

    fn introduce(&self, client: &Client, list: &Self::List, data: HandleData) -> Option<Self::Handle> {
        let number = data.number;
        let handle = (self.make)(&self.display, client, list.version(), data)?;
        list.toplevel(&handle);
        handle.identifier(format!("{}-{number}", self.session));
        Some(handle)
    }

    fn describe(&self, handle: &Self::Handle, before: Option<&Toplevel>, now: &Toplevel) -> bool {
        let titled = before.is_none_or(|before| before.title != now.title);
        if titled {
            handle.title(now.title.clone());
        }
        let named = before.is_none_or(|before| before.app_id != now.app_id);
        if named {
            handle.app_id(now.app_id.clone());
        }
        titled || named
    }

    fn parent(&self, _: &Self::Handle, _: Option<&Self::Handle>) {}

    fn done(&self, handle: &Self::Handle) {
        handle.done();
    }

    fn closed(&self, handle: &Self::Handle) {
        handle.closed();
    }
}

/// The `ext_foreign_toplevel_list_v1` global, its lists and their handles.
pub struct ToplevelListState {
    events: ListEvents,
    lists: Listeners<ListEvents>,
}

impl fmt::Debug for ToplevelListState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lists.fmt(f)
    }
}

impl ToplevelListState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives. `session`: up
    /// to 20 letters and digits that no other session has.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy, session: String) -> Self
    where
        D: GlobalDispatch<ExtForeignToplevelListV1, SeenBy>
            + Dispatch<ExtForeignToplevelListV1, ()>
            + Dispatch<ExtForeignToplevelHandleV1, HandleData>
            + 'static,
    {
        display.create_global::<D, ExtForeignToplevelListV1, SeenBy>(1, seen_by);
        let make = |display: &DisplayHandle, client: &Client, version, data| {
            client.create_resource::<ExtForeignToplevelHandleV1, _, D>(display, version, data).ok()
        };
        Self { events: ListEvents { display: display.clone(), session, make }, lists: Listeners::default() }
    }

    /// Whether any client hears of windows. If not, [`Self::send`] need not be called.
    pub fn is_used(&self) -> bool {
        !self.lists.is_empty()
    }

    /// Tells every list and handle what differs from what it was told. The compositor calls this again when a
    /// client that did not read has read.
    pub fn send(&mut self, now: &AllToplevels, readers: &mut dyn Readers) {
        self.lists.tell(&self.events, now, readers);
    }

    /// The same for the list that was bound last.
    pub fn send_newest(&mut self, now: &AllToplevels, readers: &mut dyn Readers) {
        self.lists.tell_newest(&self.events, now, readers);
    }
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
        state.toplevel_list().lists.add(list);
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
        // It hears that only once.
        if matches!(request, list::Request::Stop) && state.toplevel_list().lists.stop(resource) {
            resource.finished();
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ExtForeignToplevelListV1, _: &()) {
        state.toplevel_list().lists.stop(resource);
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
        if state.toplevel_list().lists.handle_destroyed(&client, resource, data) {
            state.toplevel_list_stale();
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
            $crate::reexports::toplevel_list::handle::ExtForeignToplevelHandleV1: $crate::toplevels::HandleData
        ] => $crate::toplevels::list::ToplevelListState);
    };
}
