//! `xdg-toplevel-drag-v1`: a drag takes a window along, as browsers do with a tab that is torn off.
//!
//! A source that is said to be for such a drag is no selection any more. A window is attached before the drag or while
//! it lasts, one at a time; it is detached when it is unmapped or gone. Nothing here moves a window.
//!
//! Source: `wayland-protocols/staging/xdg-toplevel-drag/xdg-toplevel-drag-v1.xml`.

use std::sync::{Mutex, MutexGuard};

use wayland_protocols::xdg::{
    shell::server::xdg_toplevel::XdgToplevel,
    toplevel_drag::v1::server::{
        xdg_toplevel_drag_manager_v1::{self as manager, XdgToplevelDragManagerV1},
        xdg_toplevel_drag_v1::{self as object, XdgToplevelDragV1},
    },
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource,
    backend::ClientId,
    protocol::{wl_data_source::WlDataSource, wl_surface::WlSurface},
};

use crate::{
    selection::{handler::SelectionHandler, source::SourceData, state::Selections},
    surface_object::bind_manager,
};

/// What the protocol needs from the compositor's state.
pub trait ToplevelDragHandler: SelectionHandler {
    /// The surface of a window; `None`: it is gone.
    fn surface_of_toplevel(&self, toplevel: &XdgToplevel) -> Option<WlSurface>;

    /// A window was attached. It goes along with the drag from now on, or from when that begins.
    fn toplevel_attached(&mut self, surface: &WlSurface);
}

/// A window that goes along.
#[derive(Debug, Clone)]
struct Attached {
    toplevel: XdgToplevel,
    surface: WlSurface,
    /// Where the pointer is within its geometry.
    offset: (i32, i32),
}

/// User data of `xdg_toplevel_drag_v1`.
#[derive(Debug)]
pub struct ToplevelDragData {
    source: WlDataSource,
    attached: Mutex<Option<Attached>>,
}

impl ToplevelDragData {
    fn attached(&self) -> MutexGuard<'_, Option<Attached>> {
        self.attached.lock().expect("no panic while locked")
    }
}

impl Selections {
    /// Announces the global for as long as the display lives.
    pub fn announce_toplevel_drag<D>(display: &DisplayHandle)
    where
        D: GlobalDispatch<XdgToplevelDragManagerV1, ()> + ToplevelDragHandler,
    {
        display.create_global::<D, XdgToplevelDragManagerV1, ()>(1, ());
    }

    /// The window that the drag takes along, and where the pointer is within its geometry.
    pub fn dragged_toplevel(&self) -> Option<(WlSurface, (i32, i32))> {
        let source = self.drag.as_ref()?.source.as_ref()?;
        let data = |object: &XdgToplevelDragV1| {
            let data = object.data::<ToplevelDragData>().filter(|data| data.source == *source)?;
            let attached = data.attached();
            let attached = attached.as_ref().filter(|attached| attached.toplevel.is_alive())?;
            Some((attached.surface.clone(), attached.offset))
        };
        self.toplevel_drags.iter().find_map(data)
    }

    /// A window is unmapped: no drag takes it along.
    pub fn detach_toplevel(&self, surface: &WlSurface) {
        for data in self.toplevel_drags.iter().filter_map(|object| object.data::<ToplevelDragData>()) {
            data.attached().take_if(|attached| attached.surface == *surface);
        }
    }
}

bind_manager!(Selections, XdgToplevelDragManagerV1);

impl<D> Dispatch<XdgToplevelDragManagerV1, (), D> for Selections
where
    D: Dispatch<XdgToplevelDragManagerV1, ()> + Dispatch<XdgToplevelDragV1, ToplevelDragData> + ToplevelDragHandler,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &XdgToplevelDragManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let manager::Request::GetXdgToplevelDrag { id, data_source } = request else { return };
        let is_new = data_source.data::<SourceData>().is_some_and(SourceData::takes_window);
        let message = format!("get_xdg_toplevel_drag: {} has been used before", data_source.id());
        let object = data_init.init(id, ToplevelDragData { source: data_source, attached: Mutex::default() });
        if !is_new {
            return resource.post_error(manager::Error::InvalidSource, message);
        }
        state.selections().toplevel_drags.push(object);
    }
}

impl<D> Dispatch<XdgToplevelDragV1, ToplevelDragData, D> for Selections
where
    D: Dispatch<XdgToplevelDragV1, ToplevelDragData> + ToplevelDragHandler,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &XdgToplevelDragV1,
        request: object::Request,
        data: &ToplevelDragData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        match request {
            object::Request::Attach { toplevel, x_offset, y_offset } => {
                let Some(surface) = state.surface_of_toplevel(&toplevel) else { return };
                let mut attached = data.attached();
                if attached.as_ref().is_some_and(|attached| attached.toplevel.is_alive()) {
                    let message = "attach: another window is attached; unmap or destroy it before";
                    return resource.post_error(object::Error::ToplevelAttached, message);
                }
                *attached = Some(Attached { toplevel, surface: surface.clone(), offset: (x_offset, y_offset) });
                drop(attached);
                state.toplevel_attached(&surface);
            }
            object::Request::Destroy => {
                let drag = state.selections().drag.as_ref().and_then(|drag| drag.source.as_ref());
                if drag == Some(&data.source) {
                    resource.post_error(object::Error::OngoingDrag, "destroy: the drag has not ended");
                }
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &XdgToplevelDragV1, _: &ToplevelDragData) {
        state.selections().toplevel_drags.retain(|known| known != resource);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`selection::ToplevelDragHandler`](crate::selection::ToplevelDragHandler).
#[macro_export]
macro_rules! delegate_toplevel_drag {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::toplevel_drag::manager::XdgToplevelDragManagerV1: ()
        ] => $crate::selection::Selections);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_drag::manager::XdgToplevelDragManagerV1: ()
        ] => $crate::selection::Selections);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_drag::object::XdgToplevelDragV1: $crate::selection::ToplevelDragData
        ] => $crate::selection::Selections);
    };
}
