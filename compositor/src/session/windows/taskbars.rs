//! Task bars: what they are told of windows and workspaces, and what they may do with them.
//!
//! `ext-foreign-toplevel-list`, `wlr-foreign-toplevel-management` and `ext-workspace`. What a task bar
//! wants is done as if the user had done it, but not while the session is locked; titles are not told
//! then. The protocols' objects are in [`protocols::toplevels`] and [`protocols::workspaces`].

use std::{
    collections::HashMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use protocols::{
    toplevels::{
        AllToplevels, Readers, Toplevel,
        list::{ToplevelListHandler, ToplevelListState},
        management::{ToplevelManagementHandler, ToplevelManagementState, Wish},
        shortened,
    },
    workspaces::{self, Everything, WorkspacesHandler, WorkspacesState},
};
use smithay::{
    output::Output as WlOutputGlobal,
    reexports::wayland_server::{Client, DisplayHandle, Resource, backend::Handle, protocol::wl_output::WlOutput},
    wayland::{compositor::with_states, output::OutputHandler, shell::xdg::XdgToplevelSurfaceData},
};

use crate::{
    desktop::{
        layout::{
            window::Fullscreen,
            workspace::{Label, OutputName},
            workspaces::Target,
        },
        windows::Window,
    },
    session::{Syncline, parts::globals::Globals, slow},
    surface::client::{ClientState, Clients},
    system::{
        id::{OutputId, WorkspaceId},
        reactor::Reactor,
    },
};

/// The part of the windows' identifiers that no other session has.
pub fn session_name() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", since.as_nanos() as u64)
}

impl ToplevelListHandler for Syncline {
    fn toplevel_list(&mut self) -> &mut ToplevelListState {
        &mut self.globals.toplevel_list
    }

    fn toplevel_list_bound(&mut self) {
        self.tell_newest(|globals, _, _, bars| globals.toplevel_list.send_newest(&globals.toplevels, bars));
    }

    fn toplevel_list_stale(&mut self) {
        self.listeners_stale = true;
    }
}

impl ToplevelManagementHandler for Syncline {
    fn toplevel_management(&mut self) -> &mut ToplevelManagementState {
        &mut self.globals.toplevel_management
    }

    fn toplevel_management_bound(&mut self) {
        self.tell_newest(|globals, _, _, bars| globals.toplevel_management.send_newest(&globals.toplevels, bars));
    }

    fn toplevel_management_stale(&mut self) {
        self.listeners_stale = true;
    }

    fn toplevel_wish(&mut self, number: u32, wish: Wish) {
        let Some(window) = self.desktop.windows.by_mapping(number).filter(|_| !self.is_locked()) else { return };
        let (id, surface) = (window.id, window.surface().clone());
        let output = match &wish {
            Wish::Fullscreen(Some(wl)) => self.output_of(wl).and_then(|id| self.outputs.list.get(id)),
            _ => None,
        };
        let output = output.map(|output| OutputName(output.wl.name().into()));
        let layout = &mut self.desktop.layout;
        // What is to fill the screen is to be seen.
        let shows = matches!(wish, Wish::Maximised(true) | Wish::Minimised(false) | Wish::Fullscreen(_));
        let shown = shows && layout.set_minimised(id, false);
        if shows && layout.window(id).is_some_and(|window| window.workspace.is_none()) {
            // From the scratchpad.
            layout.focus(id);
        }
        let changed = match wish {
            Wish::Maximised(on) => layout.set_maximised(id, on),
            Wish::Minimised(on) => layout.set_minimised(id, on),
            Wish::Fullscreen(_) => layout.set_fullscreen(id, Some(Fullscreen::Real), output.as_ref()),
            Wish::NotFullscreen => layout.set_fullscreen(id, None, None),
            Wish::Activate => return self.focus(Some(surface)),
            Wish::Close => {
                if let Some(window) = self.desktop.windows.get(id) {
                    window.toplevel.send_close();
                }
                return;
            }
        };
        self.layout_stale |= changed || shown;
    }
}

impl WorkspacesHandler for Syncline {
    fn workspaces(&mut self) -> &mut WorkspacesState {
        &mut self.globals.workspaces
    }

    fn workspaces_bound(&mut self) {
        self.tell_newest(|globals, display, now, bars| globals.workspaces.send_newest::<Self>(display, now, bars));
    }

    fn workspaces_stale(&mut self) {
        self.listeners_stale = true;
    }

    fn workspace_wish(&mut self, wish: workspaces::Wish) {
        if self.is_locked() {
            return;
        }
        let name = |number: u32| self.outputs.list.get(OutputId(number)).map(|output| name_of(&output.wl));
        match wish {
            workspaces::Wish::Activate(workspace) => {
                self.desktop.layout.show(&Target::Id(WorkspaceId(workspace)));
            }
            // One that is not shown and has no windows goes at once, so it is shown.
            workspaces::Wish::Create { name: label, output } => {
                if let (Some(label), Some(output)) = (Label::named(&label), name(output))
                    && self.desktop.layout.focus_output(&output)
                {
                    self.desktop.layout.show(&Target::Label(label));
                }
            }
            workspaces::Wish::Assign { workspace, output } => {
                if let Some(output) = name(output) {
                    self.desktop.layout.move_workspace(WorkspaceId(workspace), &output);
                }
            }
        }
        self.layout_stale = true;
    }
}

impl OutputHandler for Syncline {
    /// A task bar that has heard of the output before hears of its own object, too.
    fn output_bound(&mut self, output: WlOutputGlobal, object: WlOutput) {
        let of = self.outputs.list.iter().find(|known| known.wl == output).map(|known| known.id.0);
        let (Some(number), Some(client)) = (of, object.client()) else { return };
        if client.get_data::<ClientState>().is_some_and(|state| state.outputs().add(number, &object)) {
            self.globals.workspaces.output_bound(&client, number, &object);
            self.listeners_stale = true;
        }
    }
}

/// The clients that are told.
struct Bars<'a> {
    clients: &'a mut Clients,
    reactor: &'a Reactor,
    backend: Handle,
}

impl Readers for Bars<'_> {
    fn reads(&mut self, client: &Client) -> bool {
        let id = client.id();
        self.clients.slots_mut().any(|(_, known)| known.id == id && !known.slow)
    }

    fn send(&mut self, client: &Client) -> bool {
        let id = client.id();
        let Some((slot, known)) = self.clients.slots_mut().find(|(_, known)| known.id == id) else { return false };
        slow::flush(&mut self.backend, self.reactor, slot, known);
        !known.slow
    }

    fn outputs(&self, client: &Client, number: u32) -> Vec<WlOutput> {
        client.get_data::<ClientState>().map(|state| state.outputs().of(number)).unwrap_or_default()
    }

    fn outputs_version(&self, client: &Client) -> u32 {
        client.get_data::<ClientState>().map(|state| state.outputs().version()).unwrap_or_default()
    }
}

fn name_of(output: &WlOutputGlobal) -> OutputName {
    OutputName(output.name().into())
}

impl Syncline {
    /// Whether any task bar is to be told of windows.
    pub fn has_taskbars(&self) -> bool {
        self.has_window_lists() || self.globals.workspaces.is_used()
    }

    fn has_window_lists(&self) -> bool {
        self.globals.toplevel_list.is_used() || self.globals.toplevel_management.is_used()
    }

    /// Tells task bars what has changed, as far as they read.
    pub fn tell_taskbars(&mut self) {
        self.look_at_toplevels();
        let everything = self.everything();
        let Self { clients, reactor, display, globals, .. } = self;
        let mut bars = Bars { clients, reactor, backend: display.backend_handle() };
        globals.toplevel_list.send(&globals.toplevels, &mut bars);
        globals.workspaces.send::<Self>(display, &everything, &mut bars);
        globals.toplevel_management.send(&globals.toplevels, &mut bars);
    }

    /// Tells a task bar that has just bound a global what there is; `tell` does, of that global.
    fn tell_newest(&mut self, tell: impl FnOnce(&mut Globals, &DisplayHandle, &Everything, &mut Bars<'_>)) {
        if self.listeners_stale || self.globals.toplevels.list.is_empty() {
            self.look_at_toplevels();
        }
        let everything = self.everything();
        let Self { clients, reactor, display, globals, .. } = self;
        tell(globals, display, &everything, &mut Bars { clients, reactor, backend: display.backend_handle() });
    }

    /// Where nobody is told of windows any more, nothing of them is kept.
    pub fn forget_told(&mut self) {
        if !self.has_window_lists() {
            self.globals.toplevels.list = Vec::new();
        }
    }

    fn everything(&self) -> Everything {
        if !self.globals.workspaces.is_used() {
            return Everything::default();
        }
        let outputs = self.outputs.list.on_desktop().map(|output| output.id.0);
        Everything { outputs: outputs.collect(), workspaces: self.workspaces_told() }
    }

    fn workspaces_told(&self) -> Vec<workspaces::Workspace> {
        let layout = &self.desktop.layout;
        let workspace = |of: &crate::desktop::layout::workspace::Workspace| workspaces::Workspace {
            workspace: of.id.0,
            name: of.label.to_string(),
            output: self.number_of(of.output.as_ref()),
            active: of.output.is_some() && layout.is_active(of.id),
            urgent: layout.is_urgent(of.id),
        };
        layout.workspaces().iter().map(workspace).collect()
    }

    /// The number of the output with this name.
    fn number_of(&self, name: Option<&OutputName>) -> Option<u32> {
        let name = name?;
        self.outputs.list.iter().find(|output| name_of(&output.wl) == *name).map(|output| output.id.0)
    }

    /// Notes all windows as they are now. Titles and applications are not told while the session is locked.
    fn look_at_toplevels(&mut self) {
        if !self.has_window_lists() {
            return;
        }
        let told = &self.globals.toplevels.list;
        let before: HashMap<u32, &Arc<Toplevel>> = told.iter().map(|told| (told.number, told)).collect();
        let now = self.desktop.windows.mapped().map(|window| {
            let now = self.toplevel(window);
            match before.get(&now.number) {
                Some(told) if ***told == now => Arc::clone(told),
                _ => Arc::new(now),
            }
        });
        let now: Vec<Arc<Toplevel>> = now.collect();
        let same = now.len() == told.len() && now.iter().zip(told).all(|(now, told)| Arc::ptr_eq(now, told));
        if !same {
            let version = self.globals.toplevels.version + 1;
            self.globals.toplevels = AllToplevels { list: now, version };
        }
    }

    fn toplevel(&self, of: &Window) -> Toplevel {
        let layout = &self.desktop.layout;
        let known = layout.window(of.id);
        let on = known.and_then(|window| layout.output_of(window.workspace?));
        let parent = known.and_then(|window| self.desktop.windows.get(window.parent?));
        let (title, app_id) = match self.is_locked() {
            true => Default::default(),
            false => with_states(of.surface(), |states| {
                let data = states.data_map.get::<XdgToplevelSurfaceData>().and_then(|data| data.lock().ok());
                let text = |text: &Option<String>| text.as_deref().map(shortened).unwrap_or_default().to_owned();
                data.map(|data| (text(&data.title), text(&data.app_id))).unwrap_or_default()
            }),
        };
        Toplevel {
            number: of.mapping,
            title,
            app_id,
            maximised: known.is_some_and(|window| window.maximised),
            minimised: known.is_some_and(|window| window.minimised),
            activated: layout.focused() == Some(of.id),
            fullscreen: known.is_some_and(|window| window.fullscreen.is_some()),
            parent: parent.filter(|parent| parent.mapped).map(|parent| parent.mapping),
            output: self.number_of(on.map(|output| &output.name)),
        }
    }
}
