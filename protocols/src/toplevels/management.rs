//! `wlr-foreign-toplevel-management-unstable-v1`: windows with their states, and requests to change
//! these. [`super`] has what it shares with the other protocol.
//!
//! A request becomes a call of [`ToplevelManagementHandler::toplevel_wish`]; whether and when it is done is
//! the compositor's decision. Handles of windows that are gone do nothing.

use std::fmt;

use wayland_protocols_wlr::foreign_toplevel::v1::server::{
    zwlr_foreign_toplevel_handle_v1::{self as handle, State, ZwlrForeignToplevelHandleV1},
    zwlr_foreign_toplevel_manager_v1::{self as manager, ZwlrForeignToplevelManagerV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, Weak, backend::ClientId,
    protocol::wl_output::WlOutput,
};

use crate::{
    seen_by::SeenBy,
    toplevels::{
        AllToplevels, HandleData, Readers, Toplevel,
        listeners::{Events, Listeners},
    },
};

/// What a client wants of a window.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// It fills the working area, or not.
    Maximised(bool),
    /// It is hidden until the user wants it back, or not.
    Minimised(bool),
    /// It covers an output: this one, or the one that it is on.
    Fullscreen(Option<WlOutput>),
    /// It covers no output any more.
    NotFullscreen,
    /// It gets the focus.
    Activate,
    /// Its client is asked to close it.
    Close,
}

/// What the protocol needs from the compositor's state.
pub trait ToplevelManagementHandler {
    /// The global's state.
    fn toplevel_management(&mut self) -> &mut ToplevelManagementState;

    /// A client has bound the global: the compositor calls [`ToplevelManagementState::send`] at once, so that
    /// it hears of all windows before any answer to what it requests afterwards.
    fn toplevel_management_bound(&mut self);

    /// A client is to hear of windows that it does not know: the compositor calls
    /// [`ToplevelManagementState::send`] before it waits again.
    fn toplevel_management_stale(&mut self);

    /// A client wants something of the window with this number, which may be gone.
    fn toplevel_wish(&mut self, number: u32, wish: Wish);
}

/// The events of this protocol.
struct ManagementEvents {
    display: DisplayHandle,
    make: fn(&DisplayHandle, &Client, u32, HandleData) -> Option<ZwlrForeignToplevelHandleV1>,
}

/// The objects of outputs that a handle has entered.
type Entered = Vec<Weak<WlOutput>>;

impl Events for ManagementEvents {
    type List = ZwlrForeignToplevelManagerV1;
    type Handle = ZwlrForeignToplevelHandleV1;
    type Extra = Entered;
    const PARENTS: bool = true;
    const OUTPUTS: bool = true;

    fn introduce(&self, client: &Client, manager: &Self::List, data: HandleData) -> Option<Self::Handle> {
        let handle = (self.make)(&self.display, client, manager.version(), data)?;
        manager.toplevel(&handle);
        Some(handle)
    }

    fn describe(&self, handle: &Self::Handle, before: Option<&Toplevel>, now: &Toplevel) -> bool {
        let mut told = false;
        if before.is_none_or(|before| before.title != now.title) {
            handle.title(now.title.clone());
            told = true;
        }
        if before.is_none_or(|before| before.app_id != now.app_id) {
            handle.app_id(now.app_id.clone());
            told = true;
        }
        let states = |of: &Toplevel| {
            let fullscreen = of.fullscreen && handle.version() >= 2;
            [
                (of.maximised, State::Maximized),
                (of.minimised, State::Minimized),
                (of.activated, State::Activated),
                (fullscreen, State::Fullscreen),
            ]
        };
        if before.is_none_or(|before| states(before) != states(now)) {
            let on = states(now).into_iter().filter(|(on, _)| *on);
            handle.state(on.flat_map(|(_, state)| (state as u32).to_ne_bytes()).collect());
            told = true;
        }
        told
    }

    fn on_outputs(&self, (handle, entered): (&Self::Handle, &mut Entered), now: Vec<WlOutput>) -> bool {
        let before = std::mem::take(entered);
        let before: Vec<WlOutput> = before.into_iter().filter_map(|output| output.upgrade().ok()).collect();
        for gone in before.iter().filter(|output| !now.contains(output)) {
            handle.output_leave(gone);
        }
        for new in now.iter().filter(|output| !before.contains(output)) {
            handle.output_enter(new);
        }
        *entered = now.iter().map(WlOutput::downgrade).collect();
        before != now
    }

    fn parent(&self, handle: &Self::Handle, parent: Option<&Self::Handle>) {
        if handle.version() >= handle::EVT_PARENT_SINCE {
            handle.parent(parent);
        }
    }

    fn done(&self, handle: &Self::Handle) {
        handle.done();
    }

    fn closed(&self, handle: &Self::Handle) {
        handle.closed();
    }
}

/// The `zwlr_foreign_toplevel_manager_v1` global, its managers and their handles.
pub struct ToplevelManagementState {
    events: ManagementEvents,
    managers: Listeners<ManagementEvents>,
}

impl fmt::Debug for ToplevelManagementState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.managers.fmt(f)
    }
}

impl ToplevelManagementState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwlrForeignToplevelManagerV1, SeenBy>
            + Dispatch<ZwlrForeignToplevelManagerV1, ()>
            + Dispatch<ZwlrForeignToplevelHandleV1, HandleData>
            + 'static,
    {
        display.create_global::<D, ZwlrForeignToplevelManagerV1, SeenBy>(3, seen_by);
        let make = |display: &DisplayHandle, client: &Client, version, data| {
            client.create_resource::<ZwlrForeignToplevelHandleV1, _, D>(display, version, data).ok()
        };
        let events = ManagementEvents { display: display.clone(), make };
        Self { events, managers: Listeners::default() }
    }

    /// Whether any client hears of windows. If not, [`Self::send`] need not be called.
    pub fn is_used(&self) -> bool {
        !self.managers.is_empty()
    }

    /// Tells every manager and handle what differs from what it was told, as
    /// [`super::list::ToplevelListState::send`] does.
    pub fn send(&mut self, now: &AllToplevels, readers: &mut dyn Readers) {
        self.managers.tell(&self.events, now, readers);
    }

    /// The same for the manager that was bound last.
    pub fn send_newest(&mut self, now: &AllToplevels, readers: &mut dyn Readers) {
        self.managers.tell_newest(&self.events, now, readers);
    }
}

impl<D> GlobalDispatch<ZwlrForeignToplevelManagerV1, SeenBy, D> for ToplevelManagementState
where
    D: Dispatch<ZwlrForeignToplevelManagerV1, ()> + ToplevelManagementHandler + 'static,
{
    fn bind(
        state: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwlrForeignToplevelManagerV1>,
        _: &SeenBy,
        data_init: &mut DataInit<'_, D>,
    ) {
        let manager = data_init.init(resource, ());
        state.toplevel_management().managers.add(manager);
        state.toplevel_management_bound();
    }

    fn can_view(client: Client, seen_by: &SeenBy) -> bool {
        seen_by.holds(&client)
    }
}

impl<D> Dispatch<ZwlrForeignToplevelManagerV1, (), D> for ToplevelManagementState
where
    D: Dispatch<ZwlrForeignToplevelManagerV1, ()> + ToplevelManagementHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrForeignToplevelManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::Stop = request {
            state.toplevel_management().managers.stop(resource);
            // It destroys the manager.
            resource.finished();
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwlrForeignToplevelManagerV1, _: &()) {
        state.toplevel_management().managers.stop(resource);
    }
}

impl<D> Dispatch<ZwlrForeignToplevelHandleV1, HandleData, D> for ToplevelManagementState
where
    D: Dispatch<ZwlrForeignToplevelHandleV1, HandleData> + ToplevelManagementHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrForeignToplevelHandleV1,
        request: handle::Request,
        data: &HandleData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        use handle::Request;
        let wish = match request {
            Request::SetMaximized => Wish::Maximised(true),
            Request::UnsetMaximized => Wish::Maximised(false),
            Request::SetMinimized => Wish::Minimised(true),
            Request::UnsetMinimized => Wish::Minimised(false),
            Request::SetFullscreen { output } => Wish::Fullscreen(output),
            Request::UnsetFullscreen => Wish::NotFullscreen,
            Request::Activate { .. } => Wish::Activate,
            Request::Close => Wish::Close,
            Request::SetRectangle { width, height, .. } if width < 0 || height < 0 => {
                let message = format!("set_rectangle: {width}x{height} is negative");
                return resource.post_error(handle::Error::InvalidRectangle, message);
            }
            // Nothing is animated, so the place does not matter.
            _ => return,
        };
        state.toplevel_wish(data.number, wish);
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ZwlrForeignToplevelHandleV1, data: &HandleData) {
        if state.toplevel_management().managers.handle_destroyed(&client, resource, data) {
            state.toplevel_management_stale();
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`ToplevelManagementHandler`].
#[macro_export]
macro_rules! delegate_toplevel_management {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::toplevel_management::manager::ZwlrForeignToplevelManagerV1: $crate::SeenBy
        ] => $crate::toplevels::management::ToplevelManagementState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_management::manager::ZwlrForeignToplevelManagerV1: ()
        ] => $crate::toplevels::management::ToplevelManagementState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_management::handle::ZwlrForeignToplevelHandleV1:
                $crate::toplevels::HandleData
        ] => $crate::toplevels::management::ToplevelManagementState);
    };
}
