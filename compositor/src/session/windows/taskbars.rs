//! Task bars: what they are told of windows and workspaces, and what they may do with them.
//!
//! `ext-foreign-toplevel-list`, `wlr-foreign-toplevel-management` and `ext-workspace`. What a task bar
//! wants is done as if the user had done it, but not while the session is locked; titles are not told
//! then. The protocols' objects are in [`protocols::toplevels`] and [`protocols::workspaces`].

use protocols::{
    toplevels::{
        HANDLES, Toplevel,
        list::{ToplevelListHandler, ToplevelListState},
        management::{ToplevelManagementHandler, ToplevelManagementState, Wish},
    },
    workspaces::{self, WorkspacesHandler, WorkspacesState},
};
use smithay::reexports::wayland_server::Client;

use crate::{
    desktop::layout::{
        window::Fullscreen,
        workspace::{Label, OutputName},
        workspaces::Target,
    },
    report::windows::WindowReport,
    session::Syncline,
    system::id::{WindowId, WorkspaceId},
};

/// The most characters of the name of a workspace that a task bar makes.
const LONGEST_NAME: usize = 64;

impl ToplevelListHandler for Syncline {
    fn toplevel_list(&mut self) -> &mut ToplevelListState {
        &mut self.globals.toplevel_list
    }

    fn toplevel_list_bound(&mut self) {
        self.listeners_stale = true;
    }
}

impl ToplevelManagementHandler for Syncline {
    fn toplevel_management(&mut self) -> &mut ToplevelManagementState {
        &mut self.globals.toplevel_management
    }

    fn toplevel_management_bound(&mut self) {
        self.listeners_stale = true;
    }

    fn toplevel_wish(&mut self, window: u32, wish: Wish) {
        let id = WindowId(window);
        let is_mapped = self.desktop.layout.window(id).is_some_and(|window| window.mapped);
        if self.is_locked() || !is_mapped {
            return;
        }
        let output = match &wish {
            Wish::Fullscreen(Some(wl)) => self.output_of(wl).and_then(|id| self.outputs.list.get(id)),
            _ => None,
        };
        let output = output.map(|output| OutputName(output.wl.name().into()));
        let layout = &mut self.desktop.layout;
        let changed = match wish {
            // What is to fill the screen is to be seen.
            Wish::Maximised(on) => (on && layout.set_minimised(id, false)) | layout.set_maximised(id, on),
            Wish::Minimised(on) => layout.set_minimised(id, on),
            Wish::Fullscreen(_) => {
                layout.set_minimised(id, false) | layout.set_fullscreen(id, Some(Fullscreen::Real), output.as_ref())
            }
            Wish::NotFullscreen => layout.set_fullscreen(id, None, None),
            Wish::Activate => {
                let surface = self.desktop.windows.get(id).map(|window| window.surface().clone());
                return self.focus(surface);
            }
            Wish::Close => {
                if let Some(window) = self.desktop.windows.get(id) {
                    window.toplevel.send_close();
                }
                return;
            }
        };
        self.layout_stale |= changed;
    }
}

impl WorkspacesHandler for Syncline {
    fn workspaces(&mut self) -> &mut WorkspacesState {
        &mut self.globals.workspaces
    }

    fn workspaces_bound(&mut self) {
        self.listeners_stale = true;
    }

    fn workspace_wish(&mut self, wish: workspaces::Wish) {
        if self.is_locked() {
            return;
        }
        let layout = &mut self.desktop.layout;
        match wish {
            workspaces::Wish::Activate(workspace) => {
                layout.show(&Target::Id(WorkspaceId(workspace)));
            }
            // One that is not shown and has no windows goes at once, so it is shown.
            workspaces::Wish::Create { name, output } => {
                if (1..=LONGEST_NAME).contains(&name.chars().count()) && layout.focus_output(&name_of(&output)) {
                    layout.show(&Target::Label(Label::from(name.as_str())));
                }
            }
            workspaces::Wish::Assign { workspace, output } => {
                layout.move_workspace(WorkspaceId(workspace), &name_of(&output));
            }
        }
        self.layout_stale = true;
    }
}

fn name_of(connector: &str) -> OutputName {
    OutputName::from(connector)
}

impl Syncline {
    /// Whether any task bar is to be told of windows.
    pub fn has_taskbars(&self) -> bool {
        let globals = &self.globals;
        globals.toplevel_list.is_used() || globals.toplevel_management.is_used() || globals.workspaces.is_used()
    }

    /// Tells task bars what has changed.
    pub fn tell_taskbars(&mut self) {
        let toplevels: Vec<Toplevel> = self.windows_report(true).into_iter().map(|of| self.toplevel(of)).collect();
        let (display, outputs) = (&self.display, &self.outputs.list);
        let mut exceeding = self.globals.toplevel_list.send::<Self>(display, &toplevels);
        let objects = |name: &str, client: &Client| {
            let output = outputs.iter().find(|output| output.wl.name() == name);
            output.map(|output| output.wl.client_outputs(client).collect()).unwrap_or_default()
        };
        exceeding.extend(self.globals.toplevel_management.send::<Self>(display, &toplevels, objects));
        if self.globals.workspaces.is_used() {
            let layout = &self.desktop.layout;
            let names: Vec<String> = outputs.iter().map(|output| output.wl.name()).collect();
            let workspaces = layout.workspaces().iter().map(|of| workspaces::Workspace {
                workspace: of.id.0,
                name: of.label.to_string(),
                output: of.output.as_ref().map(|name| name.0.to_string()),
                active: of.output.is_some() && layout.is_active(of.id),
                urgent: layout.is_urgent(of.id),
            });
            let workspaces: Vec<_> = workspaces.collect();
            exceeding.extend(self.globals.workspaces.send::<Self>(display, &names, &workspaces, objects));
        }
        for client in exceeding {
            self.end_client(&client.id(), &format!("more than {HANDLES} handles of windows or workspaces"));
        }
    }

    fn toplevel(&self, of: WindowReport) -> Toplevel {
        let layout = &self.desktop.layout;
        let known = layout.window(of.window);
        let on = known.and_then(|window| layout.output_of(window.workspace?));
        Toplevel {
            window: of.window.0,
            title: of.title.unwrap_or_default(),
            app_id: of.app_id.unwrap_or_default(),
            maximised: known.is_some_and(|window| window.maximised),
            minimised: of.minimised,
            activated: of.focused,
            fullscreen: known.is_some_and(|window| window.fullscreen.is_some()),
            parent: known.and_then(|window| Some(window.parent?.0)),
            output: on.map(|output| output.name.0.to_string()),
        }
    }
}
