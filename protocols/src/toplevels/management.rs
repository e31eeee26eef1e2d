//! `wlr-foreign-toplevel-management-unstable-v1`: windows with their states, and requests to change
//! these. [`super`] has what it shares with the other protocol.
//!
//! A request becomes a call of [`ToplevelManagementHandler::toplevel_wish`]; whether and when it is done is
//! the compositor's decision. Handles of windows that are gone do nothing.

use std::collections::HashMap;

use wayland_protocols_wlr::foreign_toplevel::v1::server::{
    zwlr_foreign_toplevel_handle_v1::{self as handle, State, ZwlrForeignToplevelHandleV1},
    zwlr_foreign_toplevel_manager_v1::{self as manager, ZwlrForeignToplevelManagerV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId,
    protocol::wl_output::WlOutput,
};

use crate::{
    seen_by::SeenBy,
    toplevels::{Handles, Toplevel, shortened},
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

    /// A client has bound the global and is to hear of all windows: the compositor calls
    /// [`ToplevelManagementState::send`] before it waits again.
    fn toplevel_management_bound(&mut self);

    /// A client wants something of a window, which may be gone.
    fn toplevel_wish(&mut self, window: u32, wish: Wish);
}

/// User data of `zwlr_foreign_toplevel_handle_v1`.
#[derive(Debug)]
pub struct HandleData {
    window: u32,
}

/// The `zwlr_foreign_toplevel_manager_v1` global, its managers and their handles.
#[derive(Debug, Default)]
pub struct ToplevelManagementState {
    /// Those that have not been stopped, each with whether it has heard of all windows.
    managers: Vec<(ZwlrForeignToplevelManagerV1, bool)>,
    /// What is known of each window.
    windows: HashMap<u32, Sent>,
    handles: Handles,
}

#[derive(Debug)]
struct Sent {
    toplevel: Toplevel,
    /// Each with its manager.
    handles: Vec<(ZwlrForeignToplevelHandleV1, ZwlrForeignToplevelManagerV1)>,
}

impl ToplevelManagementState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwlrForeignToplevelManagerV1, SeenBy> + Dispatch<ZwlrForeignToplevelManagerV1, ()> + 'static,
    {
        display.create_global::<D, ZwlrForeignToplevelManagerV1, SeenBy>(3, seen_by);
        Self::default()
    }

    /// Whether any client hears of windows. If not, [`Self::send`] need not be called.
    pub fn is_used(&self) -> bool {
        !self.managers.is_empty() || !self.windows.is_empty()
    }

    /// Tells every manager and handle what differs from what it was told. `now` are all windows;
    /// `outputs` has the objects that a client has of an output. Returns the clients that would have
    /// more than [`super::HANDLES`] handles: they miss some.
    pub fn send<D>(
        &mut self,
        display: &DisplayHandle,
        now: &[Toplevel],
        outputs: impl Fn(&str, &Client) -> Vec<WlOutput>,
    ) -> Vec<Client>
    where
        D: Dispatch<ZwlrForeignToplevelHandleV1, HandleData> + 'static,
    {
        let (mut before, mut exceeding) = (std::mem::take(&mut self.windows), Vec::new());
        // Of windows that are new to a handle's manager the parents are told once all have handles.
        let mut parents = Vec::new();
        for window in now {
            let toplevel = Toplevel {
                title: shortened(&window.title).to_owned(),
                app_id: shortened(&window.app_id).to_owned(),
                ..window.clone()
            };
            let known = before.remove(&toplevel.window);
            let is_new = known.is_none();
            let mut handles = Vec::new();
            if let Some(known) = known {
                if known.toplevel != toplevel {
                    for (handle, _) in &known.handles {
                        describe(handle, Some(&known.toplevel), &toplevel, &outputs);
                    }
                    if known.toplevel.parent != toplevel.parent {
                        parents.extend(known.handles.iter().cloned().map(|handle| (handle, toplevel.parent)));
                    } else {
                        known.handles.iter().for_each(|(handle, _)| handle.done());
                    }
                }
                handles = known.handles;
            }
            for (manager, _) in self.managers.iter().filter(|(_, complete)| is_new || !complete) {
                let Some(client) = manager.client() else { continue };
                if !self.handles.take(&client, 1) {
                    exceeding.push(client);
                    continue;
                }
                let data = HandleData { window: toplevel.window };
                let made =
                    client.create_resource::<ZwlrForeignToplevelHandleV1, _, D>(display, manager.version(), data);
                let Ok(handle) = made else {
                    self.handles.give(&client.id());
                    continue;
                };
                manager.toplevel(&handle);
                describe(&handle, None, &toplevel, &outputs);
                parents.push(((handle.clone(), manager.clone()), toplevel.parent));
                handles.push((handle, manager.clone()));
            }
            if !self.managers.is_empty() || !handles.is_empty() {
                self.windows.insert(toplevel.window, Sent { toplevel, handles });
            }
        }
        for ((handle, manager), parent) in parents {
            let siblings = parent.and_then(|parent| self.windows.get(&parent)).map(|sent| &sent.handles);
            let parent = siblings.and_then(|all| all.iter().find(|(_, of)| *of == manager));
            if handle.version() >= handle::EVT_PARENT_SINCE {
                handle.parent(parent.map(|(parent, _)| parent));
            }
            handle.done();
        }
        before.values().flat_map(|gone| &gone.handles).for_each(|(handle, _)| handle.closed());
        self.managers.iter_mut().for_each(|(_, complete)| *complete = true);
        exceeding
    }
}

/// Tells a handle what differs between two states of its window, but for its parent.
fn describe(
    handle: &ZwlrForeignToplevelHandleV1,
    before: Option<&Toplevel>,
    now: &Toplevel,
    outputs: &impl Fn(&str, &Client) -> Vec<WlOutput>,
) {
    if before.is_none_or(|before| before.title != now.title) {
        handle.title(now.title.clone());
    }
    if before.is_none_or(|before| before.app_id != now.app_id) {
        handle.app_id(now.app_id.clone());
    }
    let was_on = before.and_then(|before| before.output.as_deref());
    if let Some(client) = handle.client().filter(|_| was_on != now.output.as_deref()) {
        let objects = |name: Option<&str>| name.map(|name| outputs(name, &client)).unwrap_or_default();
        objects(was_on).iter().for_each(|output| handle.output_leave(output));
        objects(now.output.as_deref()).iter().for_each(|output| handle.output_enter(output));
    }
    let states = |of: &Toplevel| (of.maximised, of.minimised, of.activated, of.fullscreen);
    if before.is_none_or(|before| states(before) != states(now)) {
        let fullscreen = now.fullscreen && handle.version() >= 2;
        let all = [
            (now.maximised, State::Maximized),
            (now.minimised, State::Minimized),
            (now.activated, State::Activated),
            (fullscreen, State::Fullscreen),
        ];
        let on = all.into_iter().filter(|(on, _)| *on);
        handle.state(on.flat_map(|(_, state)| (state as u32).to_ne_bytes()).collect());
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
        state.toplevel_management().managers.push((manager, false));
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
            state.toplevel_management().managers.retain(|(manager, _)| manager != resource);
            // It destroys the manager.
            resource.finished();
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwlrForeignToplevelManagerV1, _: &()) {
        state.toplevel_management().managers.retain(|(manager, _)| manager != resource);
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
        state.toplevel_wish(data.window, wish);
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ZwlrForeignToplevelHandleV1, data: &HandleData) {
        let known = state.toplevel_management();
        known.handles.give(&client);
        if let Some(sent) = known.windows.get_mut(&data.window) {
            sent.handles.retain(|(handle, _)| handle != resource);
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
                $crate::toplevels::management::HandleData
        ] => $crate::toplevels::management::ToplevelManagementState);
    };
}
