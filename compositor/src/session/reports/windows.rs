//! Makes the lists of windows and workspaces. It only reports.

use smithay::wayland::{compositor::with_states, shell::xdg::XdgToplevelSurfaceData};

use crate::{
    desktop::{
        bar::{Bar, Kind},
        layout::{options::Mode, placed::States},
        windows::Window,
    },
    report::windows::{WindowReport, WorkspaceReport},
    session::Syncline,
    surface::{client::client_pid, state::id_of},
};

impl Syncline {
    /// The windows that have shown something, from top to bottom; titles, tags, and names of
    /// applications and icons, only if they are asked for, and never while the session is locked.
    pub fn windows_report(&self, titles: bool) -> Vec<WindowReport> {
        let titles = titles && !self.is_locked();
        self.desktop.windows.mapped().map(|window| self.window_report(window, titles)).collect()
    }

    fn window_report(&self, window: &Window, titles: bool) -> WindowReport {
        let (surface, layout) = (window.surface(), &self.desktop.layout);
        let (title, app_id) = match titles {
            true => with_states(surface, |states| {
                let data = states.data_map.get::<XdgToplevelSurfaceData>().and_then(|data| data.lock().ok());
                data.map(|data| (data.title.clone(), data.app_id.clone())).unwrap_or_default()
            }),
            false => (None, None),
        };
        let icon = window.icon.as_ref().filter(|_| titles).and_then(|icon| icon.name.as_deref().map(str::to_owned));
        let placement = match window.told.states {
            States { fullscreen: true, .. } => "fullscreen",
            States { maximised: true, .. } => "maximised",
            States { tiled, .. } if !tiled.is_empty() => "tiled",
            _ => "floating",
        };
        let known = layout.window(window.id);
        let workspace = known.and_then(|known| layout.workspace(known.workspace?));
        WindowReport {
            window: window.id,
            toplevel: window.mapping,
            surface: id_of(surface),
            client_pid: client_pid(surface),
            placement: placement.to_owned(),
            workspace: workspace.map(|workspace| workspace.label.to_string()),
            shown: window.shown,
            focused: layout.focused() == Some(window.id),
            minimised: known.is_some_and(|known| known.minimised),
            urgent: known.is_some_and(|known| known.urgent),
            title_bar: matches!(window.bar, Some(Bar { kind: Kind::Title { .. }, .. })),
            location: window.location.into(),
            size: window.size.into(),
            title,
            app_id,
            icon,
            tag: window.tag.clone().filter(|_| titles),
        }
    }

    /// The workspaces, in the order of their names.
    pub fn workspaces_report(&self) -> Vec<WorkspaceReport> {
        let layout = &self.desktop.layout;
        let report = layout.workspaces().iter().map(|workspace| WorkspaceReport {
            name: workspace.label.to_string(),
            output: workspace.output.as_ref().map(|name| name.0.to_string()),
            shown: layout.is_active(workspace.id),
            focused: layout.current() == Some(workspace.id),
            urgent: layout.is_urgent(workspace.id),
            layout: match workspace.mode {
                Mode::Tiling => "tiling".to_owned(),
                Mode::Floating => "floating".to_owned(),
            },
            windows: workspace.windows().count(),
        });
        report.collect()
    }
}
