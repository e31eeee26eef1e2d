//! What is remembered with a `wl_surface` of its xdg-shell objects, since Smithay keeps them to
//! itself. It checks nothing.

use std::sync::{Mutex, MutexGuard};

use smithay::{
    utils::{SERIAL_COUNTER, Serial},
    wayland::compositor::{SurfaceData, with_states},
};
use wayland_protocols::xdg::shell::server::{xdg_surface::XdgSurface, xdg_wm_base::XdgWmBase};
use wayland_server::{Weak, protocol::wl_surface::WlSurface};

/// The xdg-shell objects of a surface, in its data map.
#[derive(Debug, Default)]
pub struct Links {
    pub base: Option<Weak<XdgWmBase>>,
    /// Set while there is a role object.
    pub xdg: Option<Weak<XdgSurface>>,
    /// Configures before this one were for the surface before it was hidden.
    began: Option<Serial>,
}

impl Links {
    /// The surface's, made where there are none: not for reading, since most surfaces never have any.
    pub fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.get_or_insert_threadsafe(Mutex::<Self>::default).lock().expect("no panic while locked")
    }

    /// The surface's, if it ever had any.
    pub fn find(states: &SurfaceData) -> Option<MutexGuard<'_, Self>> {
        Some(states.data_map.get::<Mutex<Self>>()?.lock().expect("no panic while locked"))
    }

    pub fn base(surface: &WlSurface) -> Option<XdgWmBase> {
        with_states(surface, |states| Self::find(states)?.base.as_ref()?.upgrade().ok())
    }

    /// The `xdg_surface` that has a role object.
    pub fn xdg(surface: &WlSurface) -> Option<XdgSurface> {
        with_states(surface, |states| Self::find(states)?.xdg.as_ref()?.upgrade().ok())
    }
}

/// A surface was hidden: what was configured before counts for nothing any more.
pub fn begin_anew(states: &SurfaceData) {
    Links::of(states).began = Some(SERIAL_COUNTER.next_serial());
}

/// Whether a configure was sent before the surface was hidden.
pub fn is_of_before(surface: &WlSurface, serial: Serial) -> bool {
    let began = with_states(surface, |states| Links::find(states)?.began);
    began.is_some_and(|began| serial < began)
}
