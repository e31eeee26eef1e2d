//! Outputs that come, change and go, and their workspaces.
//!
//! ```text
//!  goes         → its workspaces go to the focused output, and remember where they belong; what floated
//!                 in sight comes to the workspace that is shown there
//!  comes again  → they return, with all windows, and the one that was active is active again
//!  none left    → they wait, and windows that come meanwhile come to the one that was used last
//! ```
//!
//! Nothing else here moves a window from its workspace, except that sticky ones stay in sight.

use crate::{
    desktop::layout::{
        geometry::{Rect, Size},
        options::Mode,
        state::{Layout, Output},
        window::WindowState,
        workspace::{Label, OutputName, Workspace},
    },
    system::id::WorkspaceId,
};

impl Layout {
    /// An output has come, or its area or what layer surfaces leave of it has changed.
    pub fn set_output(&mut self, name: &OutputName, area: Rect, working: Rect) {
        let size = area.size().bounded();
        let area = Rect::new(area.at().bounded(), Size { w: size.w.max(1), h: size.h.max(1) });
        let working = working.bounded().common(area).unwrap_or(area);
        if let Some(output) = self.outputs.iter_mut().find(|output| output.name == *name) {
            if (output.area, output.working) != (area, working) {
                (output.area, output.working) = (area, working);
                self.touch_output(name);
            }
            return;
        }
        let first = self.outputs.is_empty();
        for workspace in &mut self.workspaces {
            if first && workspace.home.is_none() {
                workspace.home = Some(name.clone());
            }
            if first || workspace.home.as_ref() == Some(name) {
                workspace.output = Some(name.clone());
                workspace.stale = true;
            }
        }
        let returning = |workspace: &&mut Workspace| workspace.home.as_ref() == Some(name) && workspace.was_active;
        let returned = self.workspaces.iter_mut().find(returning).map(|workspace| {
            workspace.was_active = false;
            workspace.id
        });
        let last = self.current().filter(|_| first);
        let active = returned.or(last).unwrap_or_else(|| self.most_used(name));
        self.outputs.push(Output { name: name.clone(), area, working, active });
        self.take_back(name, active);
        self.settle();
    }

    /// An output has gone.
    pub fn remove_output(&mut self, name: &OutputName) {
        let Some(at) = self.outputs.iter().position(|output| output.name == *name) else { return };
        self.end_grab_on(name);
        self.last = self.current();
        let gone = self.outputs.remove(at);
        let others = self.focused_output.as_ref().filter(|focused| *focused != name);
        let refuge = others.or(self.outputs.first().map(|output| &output.name)).cloned();
        for workspace in self.workspaces.iter_mut().filter(|workspace| workspace.output.as_ref() == Some(name)) {
            if workspace.home.as_ref() == Some(name) {
                workspace.was_active = workspace.id == gone.active;
            }
            workspace.output.clone_from(&refuge);
            workspace.stale = true;
        }
        if self.focused_output.as_ref() == Some(name) {
            self.focused_output = refuge.clone();
        }
        self.shelter(name, gone.active, refuge.as_ref());
        self.settle();
    }

    /// What floated in sight on an output that has gone stays in sight on another one, if windows float
    /// there, too.
    fn shelter(&mut self, gone: &OutputName, from: WorkspaceId, refuge: Option<&OutputName>) {
        let Some(to) = refuge.and_then(|refuge| self.output(refuge)).map(|output| output.active) else { return };
        let floats = |id| self.workspace(id).is_some_and(|workspace| workspace.mode == Mode::Floating);
        let Some(workspace) = self.workspace(from).filter(|_| floats(from) && floats(to)) else { return };
        let roots = workspace.floating.iter().filter(|id| self.root(**id) == **id);
        for root in roots.copied().collect::<Vec<_>>() {
            for member in self.branch(root) {
                self.windows
                    .entry(member)
                    .and_modify(|window| _ = window.displaced.get_or_insert_with(|| gone.clone()));
            }
            self.transfer(root, Some(to));
        }
    }

    /// An output is there again: what is sheltered elsewhere returns to it.
    fn take_back(&mut self, name: &OutputName, to: WorkspaceId) {
        let of = |window: &WindowState| window.displaced.as_ref() == Some(name);
        let all = self.windows.iter().filter(|(_, window)| of(window));
        let roots: Vec<_> = all.map(|(id, _)| *id).filter(|id| self.root(*id) == *id).collect();
        for root in roots {
            self.transfer(root, Some(to));
        }
        for window in self.windows.values_mut().filter(|window| of(window)) {
            window.displaced = None;
        }
    }

    /// Everything on an output must be placed again.
    fn touch_output(&mut self, name: &OutputName) {
        let there = self.workspaces.iter_mut().filter(|workspace| workspace.output.as_ref() == Some(name));
        there.for_each(|workspace| workspace.stale = true);
    }

    /// The workspace of an output that was used last; a new one if it has none.
    fn most_used(&mut self, name: &OutputName) -> WorkspaceId {
        let there = self.workspaces.iter().filter(|workspace| workspace.output.as_ref() == Some(name));
        match there.max_by_key(|workspace| workspace.used) {
            Some(workspace) => workspace.id,
            None => self.create(self.free_number(), Some(name.clone())),
        }
    }

    /// The lowest number that no workspace has.
    pub(super) fn free_number(&self) -> Label {
        let mut number = 1;
        // Numbers are in ascending order.
        for workspace in &self.workspaces {
            if workspace.label == Label::Number(number) {
                number += 1;
            }
        }
        Label::Number(number)
    }

    /// The current workspace. The first window may come before there is one.
    pub(super) fn current_or_new(&mut self) -> WorkspaceId {
        if let Some(current) = self.current() {
            return current;
        }
        let new = self.create(self.free_number(), None);
        self.last = Some(new);
        new
    }

    /// Adds a workspace whose label is not in use.
    pub(super) fn create(&mut self, label: Label, output: Option<OutputName>) -> WorkspaceId {
        self.workspace_ids += 1;
        let mut workspace = Workspace::new(WorkspaceId(self.workspace_ids), label, self.options.mode);
        (workspace.output, workspace.home) = (output.clone(), output);
        let at = self.workspaces.partition_point(|other| other.label.order(&workspace.label).is_le());
        self.workspaces.insert(at, workspace);
        WorkspaceId(self.workspace_ids)
    }

    /// Puts right what follows from a change: each output shows a workspace, one output has the
    /// focus, sticky windows are in sight, and no workspace is empty without a reason.
    pub(super) fn settle(&mut self) {
        self.drop_empty();
        for at in 0..self.outputs.len() {
            let (name, active) = (self.outputs[at].name.clone(), self.outputs[at].active);
            if self.workspace(active).is_none_or(|active| active.output.as_ref() != Some(&name)) {
                self.outputs[at].active = self.most_used(&name);
            }
        }
        if self.focused_output().is_none() {
            self.focused_output = self.outputs.first().map(|output| output.name.clone());
        }
        self.gather_sticky();
        let current = self.current();
        if self.last != current {
            self.touch(self.last);
            self.touch(current);
            self.last = current;
        }
        self.drop_empty();
    }

    fn drop_empty(&mut self) {
        let (outputs, current) = (&self.outputs, self.current());
        self.workspaces.retain(|workspace| {
            let active = outputs.iter().any(|output| output.active == workspace.id);
            active || workspace.kept || !workspace.is_empty() || outputs.is_empty() && current == Some(workspace.id)
        });
    }

    /// Sticky windows come to the workspace that their output shows.
    fn gather_sticky(&mut self) {
        let elsewhere = |id| !self.is_active(id) && self.output_of(id).is_some();
        let sticky =
            self.windows.iter().filter(|(_, window)| window.mapped && window.sticky && window.parent.is_none());
        let lost: Vec<_> =
            sticky.filter_map(|(id, window)| Some(*id).filter(|_| window.workspace.is_some_and(elsewhere))).collect();
        for root in lost {
            let on = self.place_of(root).and_then(|id| self.output_of(id)).map(|output| output.active);
            if let Some(on) = on {
                self.transfer(root, Some(on));
            }
        }
    }
}
