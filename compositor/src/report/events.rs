//! `syncline msg events`: the state of the desktop, and then what changes of it.
//!
//! A [`Snapshot`] is what a listener has been told; [`Snapshot::changes`] makes of it what another one
//! says. The names of the fields are part of the interface (docs/ipc.md). Nothing here looks anything
//! up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    report::windows::{WindowReport, WorkspaceReport},
    system::id::WindowId,
};

/// The version of the events and of the answers of `syncline msg`. It changes when a field gets another
/// meaning or goes; new fields and new events may come at any time.
pub const VERSION: u32 = 1;

/// A display that is part of the desktop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputReport {
    /// Its connector.
    pub name: String,
    /// The top left corner on the desktop.
    pub location: (i32, i32),
    pub size: (i32, i32),
    pub transform: String,
    /// How many of its pixels are one of the desktop.
    #[serde(default = "one")]
    pub scale: f64,
    pub refresh_hz: f64,
    /// It shows something, and is not turned off.
    pub on: bool,
}

/// That of a session which does not say.
fn one() -> f64 {
    1.0
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first: everything. Windows are in the order of their numbers.
    State {
        version: u32,
        windows: Vec<WindowReport>,
        workspaces: Vec<WorkspaceReport>,
        outputs: Vec<OutputReport>,
        locked: bool,
    },
    /// A window is new, or has changed.
    Window { window: WindowReport },
    /// A window is gone, or shows nothing any more.
    WindowClosed { window: WindowId },
    /// Workspaces have come, gone or changed: all of them, in the order of their names.
    Workspaces { workspaces: Vec<WorkspaceReport> },
    /// Displays have come, gone or changed: all of them.
    Outputs { outputs: Vec<OutputReport> },
    /// The session is locked, or is no more.
    Locked { locked: bool },
}

/// The state of the desktop at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    pub windows: BTreeMap<WindowId, WindowReport>,
    pub workspaces: Vec<WorkspaceReport>,
    pub outputs: Vec<OutputReport>,
    pub locked: bool,
}

impl Snapshot {
    /// All of it, for a listener that knows nothing.
    pub fn state(&self) -> Event {
        Event::State {
            version: VERSION,
            windows: self.windows.values().cloned().collect(),
            workspaces: self.workspaces.clone(),
            outputs: self.outputs.clone(),
            locked: self.locked,
        }
    }

    /// What makes `to` of this: displays first, then workspaces, then windows.
    pub fn changes(&self, to: &Self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.locked != to.locked {
            events.push(Event::Locked { locked: to.locked });
        }
        if self.outputs != to.outputs {
            events.push(Event::Outputs { outputs: to.outputs.clone() });
        }
        if self.workspaces != to.workspaces {
            events.push(Event::Workspaces { workspaces: to.workspaces.clone() });
        }
        let gone = self.windows.keys().filter(|window| !to.windows.contains_key(window));
        events.extend(gone.map(|window| Event::WindowClosed { window: *window }));
        let changed = to.windows.iter().filter(|(id, window)| self.windows.get(id) != Some(window));
        events.extend(changed.map(|(_, window)| Event::Window { window: window.clone() }));
        events
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::system::id::SurfaceId;

    /// A listener, as docs/ipc.md tells programs to be one.
    fn hear(known: &mut Snapshot, event: Event) {
        match event {
            Event::State { windows, workspaces, outputs, locked, .. } => {
                let windows = windows.into_iter().map(|window| (window.window, window)).collect();
                *known = Snapshot { windows, workspaces, outputs, locked };
            }
            Event::Window { window } => drop(known.windows.insert(window.window, window)),
            Event::WindowClosed { window } => drop(known.windows.remove(&window)),
            Event::Workspaces { workspaces } => known.workspaces = workspaces,
            Event::Outputs { outputs } => known.outputs = outputs,
            Event::Locked { locked } => known.locked = locked,
        }
    }

    fn window(id: u32, focused: bool) -> WindowReport {
        WindowReport {
            window: WindowId(id),
            toplevel: id,
            surface: SurfaceId(100 + id),
            client_pid: Some(1),
            placement: "floating".to_owned(),
            workspace: Some("1".to_owned()),
            shown: true,
            focused,
            minimised: false,
            title_bar: false,
            urgent: false,
            location: (0, 0),
            size: (64, 48),
            title: Some("title".to_owned()),
            app_id: None,
            icon: None,
            tag: None,
        }
    }

    fn snapshot() -> impl Strategy<Value = Snapshot> {
        let windows = prop::collection::btree_map(0..6_u32, any::<bool>(), 0..6);
        let workspace = (0..4_u32, any::<bool>()).prop_map(|(name, shown)| WorkspaceReport {
            name: name.to_string(),
            output: None,
            shown,
            focused: false,
            urgent: false,
            layout: "tiling".to_owned(),
            windows: 0,
        });
        let output = (0..3_i32, any::<bool>()).prop_map(|(at, on)| OutputReport {
            name: format!("DP-{at}"),
            location: (at, 0),
            size: (1024, 768),
            transform: "normal".to_owned(),
            scale: 1.0,
            refresh_hz: 60.0,
            on,
        });
        let lists = (prop::collection::vec(workspace, 0..3), prop::collection::vec(output, 0..3), any::<bool>());
        (windows, lists).prop_map(|(windows, (workspaces, outputs, locked))| Snapshot {
            windows: windows.into_iter().map(|(id, focused)| (WindowId(id), window(id, focused))).collect(),
            workspaces,
            outputs,
            locked,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn who_has_heard_everything_knows_everything(all in prop::collection::vec(snapshot(), 1..6)) {
            let mut known = Snapshot::default();
            hear(&mut known, all[0].state());
            for (from, to) in all.iter().zip(&all[1..]) {
                from.changes(to).into_iter().for_each(|event| hear(&mut known, event));
                prop_assert_eq!(&known, to);
                prop_assert!(to.changes(to).is_empty());
            }
        }
    }

    #[test]
    fn an_event_names_itself() {
        let text = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
        assert_eq!(text(&Snapshot::default().state()), "state");
        assert_eq!(text(&Event::WindowClosed { window: WindowId(3) }), "window-closed");
        let closed = serde_json::to_string(&Event::WindowClosed { window: WindowId(3) }).unwrap();
        assert_eq!(closed, r#"{"event":"window-closed","window":3}"#);
    }
}
