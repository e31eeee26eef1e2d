//! `xdg-toplevel-icon-v1`: what a window looks like in lists of windows.
//!
//! ```text
//!  create_icon ─→ set_name, add_buffer … ─→ set_icon ─→ wl_surface.commit ─→ current(surface)
//!                  └─ checked, not kept      └─ from here on the icon does not change
//! ```
//!
//! Of an icon its name is kept, and whether it has pixels. Nothing here draws, so buffers are checked
//! and never read, mapped or kept alive. No sizes are asked for. (Smithay's module keeps the buffers of
//! an icon as long as a surface shows it, whether or not their client has destroyed them.)
//!
//! Source: `wayland-protocols/staging/xdg-toplevel-icon`.

use std::sync::{Arc, Mutex, MutexGuard};

use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use wayland_protocols::xdg::{
    shell::server::xdg_toplevel::XdgToplevel,
    toplevel_icon::v1::server::{
        xdg_toplevel_icon_manager_v1::{self as manager, XdgToplevelIconManagerV1},
        xdg_toplevel_icon_v1::{self as object, XdgToplevelIconV1},
    },
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, Weak,
    backend::ClientId,
    protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
};

use crate::shm::{self, ShmHandler};

/// Of so many buffers of an icon it is known that they must outlive it. There are not so many sizes.
const BUFFERS: usize = 64;

/// What the protocol needs from the compositor's state.
pub trait ToplevelIconHandler: ShmHandler {
    /// The surface of a toplevel; `None`: it is gone.
    fn surface_of(&self, toplevel: &XdgToplevel) -> Option<WlSurface>;
}

/// The icon of a window. One that has neither a name nor pixels is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icon {
    /// Its name in icon themes.
    pub name: Option<Arc<str>>,
    /// Its client has drawn it, in one size or more.
    pub pixels: bool,
}

/// The double-buffered state of a surface.
#[derive(Debug, Clone, Default)]
struct Shown(Option<Icon>);

impl Cacheable for Shown {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        self.clone()
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// The icon with which the surface's last commit was applied.
pub fn current(surface: &WlSurface) -> Option<Icon> {
    with_states(surface, |states| {
        let has = states.cached_state.has::<Shown>();
        has.then(|| states.cached_state.get::<Shown>().current().0.clone()).flatten()
    })
}

/// The window is hidden: it has no icon any more, but for one that its client has asked for since.
pub fn forget_current(states: &SurfaceData) {
    if !states.cached_state.has::<Shown>() {
        return;
    }
    let mut cached = states.cached_state.get::<Shown>();
    let shown = std::mem::take(cached.current());
    if cached.pending().0 == shown.0 {
        *cached.pending() = Shown::default();
    }
}

/// The window is gone: another one of its surface begins without an icon.
pub fn forget(surface: &WlSurface) {
    with_states(surface, |states| {
        if states.cached_state.has::<Shown>() {
            let mut cached = states.cached_state.get::<Shown>();
            (*cached.pending(), *cached.current()) = Default::default();
        }
    });
}

/// User data of `xdg_toplevel_icon_v1`.
#[derive(Debug, Default)]
pub struct IconData(Mutex<Draft>);

#[derive(Debug, Default)]
struct Draft {
    name: Option<Arc<str>>,
    /// What must not be destroyed before the icon, and for which size and scale.
    buffers: Vec<(Weak<WlBuffer>, (u32, i32))>,
    pixels: bool,
    /// It was set on a toplevel.
    immutable: bool,
}

impl IconData {
    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.0.lock().expect("no panic while locked")
    }

    /// The icon; it does not change from now on.
    fn set(&self) -> Option<Icon> {
        let mut draft = self.draft();
        draft.immutable = true;
        let icon = Icon { name: draft.name.clone(), pixels: draft.pixels };
        (icon.name.is_some() || icon.pixels).then_some(icon)
    }

    fn set_name(&self, name: String) -> Result<(), Refusal> {
        let mut draft = self.draft();
        draft.check_mutable("set_name")?;
        draft.name = Some(name.into());
        Ok(())
    }

    fn add_buffer<D: ShmHandler>(
        &self,
        icon: &XdgToplevelIconV1,
        buffer: &WlBuffer,
        scale: i32,
    ) -> Result<(), Refusal> {
        let mut draft = self.draft();
        draft.check_mutable("add_buffer")?;
        let invalid = |why: String| (object::Error::InvalidBuffer, format!("add_buffer: {} {why}", buffer.id()));
        let import = shm::import_of::<D::Import>(buffer);
        let image = import.map(D::image).ok_or_else(|| invalid("is not of wl_shm".to_owned()))?;
        let (width, height) = (image.width, image.height);
        if width != height {
            return Err(invalid(format!("has {width}x{height} pixels, which is no square")));
        }
        draft.pixels = true;
        let size = (width, scale);
        let replaced = draft.buffers.iter().position(|(_, of)| *of == size).map(|at| draft.buffers.swap_remove(at).0);
        if let Some(replaced) = replaced {
            let used = draft.buffers.iter().any(|(other, _)| *other == replaced);
            replaced.upgrade().ok().filter(|_| !used).inspect(|replaced| shm::leave_icon::<D::Import>(replaced, icon));
        }
        if draft.buffers.len() < BUFFERS {
            draft.buffers.push((buffer.downgrade(), size));
            shm::enter_icon::<D::Import>(buffer, icon);
        }
        Ok(())
    }
}

/// An error, and its message.
type Refusal = (object::Error, String);

impl Draft {
    fn check_mutable(&self, request: &str) -> Result<(), Refusal> {
        let refusal = || (object::Error::Immutable, format!("{request}: the icon was set on a toplevel already"));
        if self.immutable { Err(refusal()) } else { Ok(()) }
    }
}

/// The `xdg_toplevel_icon_manager_v1` global.
#[derive(Debug)]
pub struct ToplevelIconState;

impl ToplevelIconState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<XdgToplevelIconManagerV1, ()>
            + Dispatch<XdgToplevelIconManagerV1, ()>
            + Dispatch<XdgToplevelIconV1, IconData>
            + 'static,
    {
        display.create_global::<D, XdgToplevelIconManagerV1, ()>(1, ());
        Self
    }
}

impl<D> GlobalDispatch<XdgToplevelIconManagerV1, (), D> for ToplevelIconState
where
    D: Dispatch<XdgToplevelIconManagerV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<XdgToplevelIconManagerV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        // No size is preferred.
        data_init.init(resource, ()).done();
    }
}

impl<D> Dispatch<XdgToplevelIconManagerV1, (), D> for ToplevelIconState
where
    D: Dispatch<XdgToplevelIconManagerV1, ()> + Dispatch<XdgToplevelIconV1, IconData> + ToplevelIconHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &XdgToplevelIconManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            manager::Request::CreateIcon { id } => drop(data_init.init(id, IconData::default())),
            manager::Request::SetIcon { toplevel, icon } => {
                let icon = icon.and_then(|icon| icon.data::<IconData>()?.set());
                let Some(surface) = state.surface_of(&toplevel) else { return };
                with_states(&surface, |states| states.cached_state.get::<Shown>().pending().0 = icon);
            }
            _ => {}
        }
    }
}

impl<D> Dispatch<XdgToplevelIconV1, IconData, D> for ToplevelIconState
where
    D: Dispatch<XdgToplevelIconV1, IconData> + ToplevelIconHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        icon: &XdgToplevelIconV1,
        request: object::Request,
        data: &IconData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let result = match request {
            object::Request::SetName { icon_name } => data.set_name(icon_name),
            object::Request::AddBuffer { buffer, scale } => data.add_buffer::<D>(icon, &buffer, scale),
            _ => return,
        };
        if let Err((error, message)) = result {
            icon.post_error(error, message);
        }
    }

    fn destroyed(_: &mut D, _: ClientId, icon: &XdgToplevelIconV1, data: &IconData) {
        let buffers = std::mem::take(&mut data.draft().buffers);
        for buffer in buffers.into_iter().filter_map(|(buffer, _)| buffer.upgrade().ok()) {
            shm::leave_icon::<D::Import>(&buffer, icon);
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_toplevel_icon {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::toplevel_icon::manager::XdgToplevelIconManagerV1: ()
        ] => $crate::toplevel_icon::ToplevelIconState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_icon::manager::XdgToplevelIconManagerV1: ()
        ] => $crate::toplevel_icon::ToplevelIconState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::toplevel_icon::object::XdgToplevelIconV1: $crate::toplevel_icon::IconData
        ] => $crate::toplevel_icon::ToplevelIconState);
    };
}
