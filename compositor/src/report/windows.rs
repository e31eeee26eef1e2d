//! `syncline msg windows` and `syncline msg workspaces`: what is where.
//!
//! Made on request. The names of the fields are part of the interface of `--json` (docs/desktop.md).

use serde::{Deserialize, Serialize};

use crate::{
    report::table,
    system::id::{SurfaceId, WindowId},
};

/// One window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowReport {
    /// Its number, which no other window of the session gets.
    pub window: WindowId,
    /// What its identifier in `ext_foreign_toplevel_list_v1` ends with, after the `-`.
    pub toplevel: u32,
    /// The number of the surface in the trace and the log.
    pub surface: SurfaceId,
    /// The process id of the client.
    pub client_pid: Option<i32>,
    /// `floating`, `tiled`, `maximised` or `fullscreen`.
    pub placement: String,
    /// The name of its workspace; `None` in the scratchpad.
    pub workspace: Option<String>,
    /// It is on the screen, as long as nothing covers it.
    pub shown: bool,
    /// It has the focus.
    pub focused: bool,
    pub minimised: bool,
    /// It wants attention.
    pub urgent: bool,
    /// The session draws a title bar above it.
    pub title_bar: bool,
    /// The top left corner on the desktop.
    pub location: (i32, i32),
    pub size: (i32, i32),
    /// Its title; `None` unless titles were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name of its application; `None` unless titles were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The name of its icon in icon themes, if it has one of its own; `None` unless titles were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What its client calls this kind of window; `None` unless titles were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// One workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceReport {
    /// What people call it: a number or a word.
    pub name: String,
    /// The connector of its output; `None` while there is no output.
    pub output: Option<String>,
    /// Its output shows it.
    pub shown: bool,
    /// New windows come to it.
    pub focused: bool,
    /// One of its windows wants attention.
    pub urgent: bool,
    /// `tiling` or `floating`.
    pub layout: String,
    /// How many windows it has.
    pub windows: usize,
}

/// The windows as a table.
pub fn render_windows(windows: &[WindowReport]) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = windows.iter().map(|of| {
        let flags =
            [(of.focused, "focused"), (!of.shown, "hidden"), (of.minimised, "minimised"), (of.urgent, "urgent")];
        let flags: Vec<&str> = flags.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        let ((x, y), (w, h)) = (of.location, of.size);
        vec![
            of.window.0.to_string(),
            or_none(&of.workspace),
            of.placement.clone(),
            format!("{w}x{h} at {x},{y}"),
            flags.join(", "),
            or_none(&of.app_id),
            or_none(&of.title),
        ]
    });
    let mut out = String::new();
    const COLUMNS: [&str; 7] = ["window", "workspace", "placement", "place", "state", "application", "title"];
    table::table(&mut out, "windows, from top to bottom", &COLUMNS, rows.collect());
    out
}

/// The workspaces as a table.
pub fn render_workspaces(workspaces: &[WorkspaceReport]) -> String {
    let rows = workspaces.iter().map(|of| {
        let flags = [(of.focused, "focused"), (of.shown && !of.focused, "shown"), (of.urgent, "urgent")];
        let flags: Vec<&str> = flags.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        let output = of.output.clone().unwrap_or_else(|| "-".to_owned());
        vec![of.name.clone(), output, of.layout.clone(), of.windows.to_string(), flags.join(", ")]
    });
    let mut out = String::new();
    table::table(&mut out, "workspaces", &["workspace", "output", "layout", "windows", "state"], rows.collect());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_say_what_is_where() {
        let window = WindowReport {
            window: WindowId(3),
            toplevel: 3,
            surface: SurfaceId(101),
            client_pid: None,
            placement: "tiled".to_owned(),
            workspace: Some("mail".to_owned()),
            shown: false,
            focused: false,
            minimised: false,
            title_bar: false,
            urgent: true,
            location: (0, 30),
            size: (512, 738),
            title: None,
            app_id: Some("foot".to_owned()),
            icon: None,
            tag: None,
        };
        let text = render_windows(&[window]);
        assert!(text.contains("mail") && text.contains("512x738 at 0,30") && text.contains("hidden, urgent"), "{text}");
        let workspace = WorkspaceReport {
            name: "1".to_owned(),
            output: Some("DP-1".to_owned()),
            shown: true,
            focused: true,
            urgent: false,
            layout: "floating".to_owned(),
            windows: 2,
        };
        let text = render_workspaces(&[workspace]);
        let row: Vec<_> = text.lines().nth(2).expect("a row").split_whitespace().collect();
        assert_eq!(row, ["1", "DP-1", "floating", "2", "focused"]);
        assert!(render_workspaces(&[]).contains("none"));
    }
}
