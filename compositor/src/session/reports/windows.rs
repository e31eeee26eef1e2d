//! Makes the list of windows for `syncline bugreport`. It only reports.

use smithay::wayland::{compositor::with_states, shell::xdg::XdgToplevelSurfaceData};

use crate::{
    desktop::{layout::placed::States, windows::Window},
    report::windows::WindowReport,
    session::Syncline,
    surface::{client::client_pid, state::id_of},
};

impl Syncline {
    /// The windows that are shown, from top to bottom; titles and names of applications only if
    /// they are asked for, and never while the session is locked.
    pub fn windows_report(&self, titles: bool) -> Vec<WindowReport> {
        let titles = titles && !self.is_locked();
        self.desktop.windows.visible().map(|window| report(window, titles)).collect()
    }
}

fn report(window: &Window, titles: bool) -> WindowReport {
    let surface = window.surface();
    let (title, app_id) = match titles {
        true => with_states(surface, |states| {
            let data = states.data_map.get::<XdgToplevelSurfaceData>().and_then(|data| data.lock().ok());
            data.map(|data| (data.title.clone(), data.app_id.clone())).unwrap_or_default()
        }),
        false => (None, None),
    };
    let placement = match window.told.states {
        States { fullscreen: true, .. } => "fullscreen",
        States { maximised: true, .. } => "maximised",
        States { tiled, .. } if !tiled.is_empty() => "tiled",
        _ => "floating",
    };
    WindowReport {
        surface: id_of(surface),
        client_pid: client_pid(surface),
        placement: placement.to_owned(),
        location: window.location.into(),
        size: window.size.into(),
        title,
        app_id,
    }
}
