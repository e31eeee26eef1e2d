//! Workspaces: which one is shown, how they are named and moved, and how they place windows.
//!
//! A label is unique in the session: workspace 3 is one workspace, wherever it is. Workspaces are
//! created when they are needed and go when they are empty and not shown.

use crate::{
    desktop::layout::{
        options::Mode,
        state::Layout,
        workspace::{Label, OutputName},
    },
    system::id::{WindowId, WorkspaceId},
};

/// The workspace that an action means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Id(WorkspaceId),
    /// The one with this label, made if there is none.
    Label(Label),
    /// The one after the current one on its output; the first after the last.
    Next,
    Previous,
    /// The one that was current before.
    Last,
    /// A new one, with the lowest number that is free.
    New,
}

impl Layout {
    /// Finds the workspace that is meant, or makes it. `None`: there is no such one.
    pub(super) fn resolve(&mut self, target: &Target) -> Option<WorkspaceId> {
        let current = self.current();
        let output = self.focused_output.clone();
        match target {
            Target::Id(id) => self.workspace(*id).map(|workspace| workspace.id),
            Target::Label(label) => match self.labelled(label) {
                Some(workspace) => Some(workspace.id),
                None => Some(self.create(label.clone(), output)),
            },
            Target::New => Some(self.create(self.free_number(), output)),
            Target::Next | Target::Previous => {
                let beside = || self.workspaces.iter().filter(|other| other.output == output).map(|other| other.id);
                let (at, count) = (beside().position(|id| Some(id) == current)?, beside().count());
                let step = if *target == Target::Next { 1 } else { count - 1 };
                beside().nth((at + step) % count)
            }
            Target::Last => {
                let others = self.workspaces.iter().filter(|other| Some(other.id) != current && other.used > 0);
                others.max_by_key(|other| other.used).map(|other| other.id)
            }
        }
    }

    /// Makes a workspace that stays when it is empty, and that belongs to an output which need not be
    /// there. One that exists gets both properties.
    pub fn declare(&mut self, label: &Label, home: Option<&OutputName>) -> WorkspaceId {
        let there = home.filter(|home| self.output(home).is_some()).cloned();
        let id = match self.labelled(label) {
            Some(workspace) => workspace.id,
            None => self.create(label.clone(), self.focused_output.clone()),
        };
        if let Some(workspace) = self.workspace_mut(id) {
            workspace.kept = true;
            if let Some(home) = home {
                (workspace.home, workspace.was_active) = (Some(home.clone()), false);
            }
            if there.is_some() && workspace.output != there {
                (workspace.output, workspace.stale) = (there, true);
            }
        }
        self.settle();
        id
    }

    /// Shows a workspace on its output, which gets the focus.
    pub fn show(&mut self, target: &Target) -> bool {
        self.end_grab();
        let Some(id) = self.resolve(target) else { return false };
        self.activate(id);
        self.settle();
        true
    }

    /// Makes a workspace the one that its output shows and that has the focus. [`Layout::settle`]
    /// must follow.
    pub(super) fn activate(&mut self, id: WorkspaceId) {
        let used = self.next_use();
        let Some(workspace) = self.workspace_mut(id) else { return };
        workspace.used = used;
        let name = workspace.output.clone();
        match self.outputs.iter_mut().find(|output| Some(&output.name) == name.as_ref()) {
            Some(output) => {
                output.active = id;
                self.focused_output = name;
            }
            None => {
                self.touch(self.last);
                self.last = Some(id);
                self.touch(Some(id));
            }
        }
    }

    /// Gives an output the focus.
    pub fn focus_output(&mut self, name: &OutputName) -> bool {
        let Some(active) = self.output(name).map(|output| output.active) else { return false };
        self.activate(active);
        self.settle();
        true
    }

    /// Moves a workspace to another output, where it belongs from now on and is shown.
    pub fn move_workspace(&mut self, id: WorkspaceId, to: &OutputName) -> bool {
        self.end_grab();
        let Some(output) = self.output(to).map(|output| output.name.clone()) else { return false };
        let Some(workspace) = self.workspace_mut(id) else { return false };
        workspace.home = Some(output.clone());
        workspace.was_active = false;
        if workspace.output.as_ref() == Some(&output) {
            return true;
        }
        workspace.output = Some(output);
        workspace.stale = true;
        self.activate(id);
        self.settle();
        true
    }

    /// Gives a workspace another label. Returns false if another one has that.
    pub fn rename(&mut self, id: WorkspaceId, label: Label) -> bool {
        if self.labelled(&label).is_some_and(|other| other.id != id) {
            return false;
        }
        let Some(at) = self.workspaces.iter().position(|workspace| workspace.id == id) else { return false };
        let mut workspace = self.workspaces.remove(at);
        workspace.label = label;
        let at = self.workspaces.partition_point(|other| other.label.order(&workspace.label).is_le());
        self.workspaces.insert(at, workspace);
        true
    }

    /// Whether a workspace stays when it is empty.
    pub fn keep(&mut self, id: WorkspaceId, kept: bool) -> bool {
        let Some(workspace) = self.workspace_mut(id) else { return false };
        workspace.kept = kept;
        self.settle();
        true
    }

    /// Changes how a workspace places windows. Those that are there follow: tiled windows float
    /// where they are, or floating ones are tiled, except those that must float.
    pub fn set_mode(&mut self, id: WorkspaceId, mode: Mode) -> bool {
        self.end_grab();
        let Some(workspace) = self.workspace_mut(id) else { return false };
        workspace.mode = mode;
        // Without a focus each comes behind the one before it.
        let focus = workspace.focus.take();
        let windows: Vec<WindowId> = workspace.windows().collect();
        for window in windows {
            let floats = self.must_float(window, id);
            self.put(window, floats);
        }
        if let Some(focus) = focus {
            self.give_focus(id, focus);
            // The others have come above it.
            self.raise(focus);
        }
        self.touch(Some(id));
        true
    }
}
