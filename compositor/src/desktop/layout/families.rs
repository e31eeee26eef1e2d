//! Families: a window and its dialogs, their dialogs, and so on.
//!
//! A family is on one workspace, or in the scratchpad, as a whole; it is minimised, sticky or above
//! as a whole. Dialogs float above the window that they belong to. Here is what moves a family or a
//! window of it to another list; nothing here decides that it moves.

use crate::{
    desktop::layout::{
        options::Mode,
        state::{Grab, GrabKind, Layout},
    },
    system::id::{WindowId, WorkspaceId},
};

impl Layout {
    /// Whether a window cannot be tiled on a workspace, or should not be.
    pub(super) fn must_float(&self, window: WindowId, on: WorkspaceId) -> bool {
        let grabbed = |grab: &Grab| grab.window == window && matches!(grab.kind, GrabKind::Move { .. });
        if self.grab.as_ref().is_some_and(grabbed) {
            return true;
        }
        let Some(window) = self.windows.get(&window) else { return true };
        let floating = self.workspace(on).is_none_or(|on| on.mode == Mode::Floating);
        let held = window.parent.is_some() || window.sticky || window.above || window.scratchpad;
        floating || held || window.wants_to_float.unwrap_or_else(|| window.hints.is_fixed())
    }

    /// Puts a window of a workspace among its tiled or its floating windows.
    pub(super) fn put(&mut self, id: WindowId, floats: bool) {
        let rect = self.rect_of(id);
        let Some(on) = self.place_of(id) else { return };
        if self.windows.get(&id).is_some_and(|window| window.floats == floats) {
            return;
        }
        self.end_boundaries();
        let (columns, at) = (self.options.columns, self.output_of(on).map(|output| output.area.at()));
        let (Some(window), Some(workspace)) =
            (self.windows.get_mut(&id), self.workspaces.iter_mut().find(|workspace| workspace.id == on))
        else {
            return;
        };
        window.keep_size();
        workspace.take(id);
        window.floats = floats;
        if floats {
            if let (Some(rect), Some(at), None) = (rect.filter(|_| !window.fills()), at, window.float.at) {
                // It floats where it was tiled.
                window.float.at = Some(rect.at().moved(-at.x, -at.y));
                window.float.size.get_or_insert(rect.size());
            }
            workspace.floating.push(id);
            self.raise(id);
        } else {
            window.snap = None;
            workspace.insert_tiled(id, columns);
        }
        self.touch(Some(on));
    }

    /// Moves a family to a workspace, or to the scratchpad, tiled or floating as it is the rule
    /// there. What is in progress with one of them ends: a window that is tiled there is not
    /// resized like one that floats.
    pub(super) fn transfer(&mut self, member: WindowId, to: Option<WorkspaceId>) {
        let root = self.root(member);
        if self.place_of(root) != to {
            for member in self.branch(root) {
                self.end_grab_of(member);
            }
            self.carry(root, to);
        }
    }

    /// The same, but a move of one of them goes on.
    pub(super) fn carry(&mut self, member: WindowId, to: Option<WorkspaceId>) {
        let root = self.root(member);
        let family = self.branch(root);
        let from = self.place_of(root);
        if from == to || to.is_some_and(|to| self.workspace(to).is_none()) {
            return;
        }
        for id in family {
            self.lift(id);
            let floats = to.is_none_or(|to| self.must_float(id, to));
            self.drop_on(id, to, floats);
        }
        self.refocus(from, None);
        self.refocus(to, None);
    }

    /// Takes a window from the list that it is in.
    pub(super) fn lift(&mut self, id: WindowId) {
        self.end_boundaries();
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.keep_size();
        let from = window.workspace.take();
        if let Some(from) = from.and_then(|from| self.workspace_mut(from)) {
            from.take(id);
            from.stale = true;
        }
    }

    /// Puts a window that is in no list onto a workspace, on top, or into the scratchpad.
    pub(super) fn drop_on(&mut self, id: WindowId, to: Option<WorkspaceId>, floats: bool) {
        self.end_boundaries();
        let columns = self.options.columns;
        let Some(window) = self.windows.get_mut(&id) else { return };
        (window.workspace, window.floats) = (to, floats);
        if !floats {
            window.snap = None;
        }
        let Some(to) = to.and_then(|to| self.workspaces.iter_mut().find(|workspace| workspace.id == to)) else {
            return;
        };
        to.stale = true;
        if floats { to.floating.push(id) } else { to.insert_tiled(id, columns) }
    }

    /// Brings a floating window to the top, and its dialogs above it, in their order.
    pub(super) fn raise(&mut self, id: WindowId) {
        let branch = self.branch(id);
        let Some(on) = self.place_of(id).and_then(|on| self.workspace_mut(on)) else { return };
        let floats: Vec<_> = branch.into_iter().filter(|id| on.floating.contains(id)).collect();
        if floats.is_empty() || on.floating.ends_with(&floats) {
            return;
        }
        on.floating.retain(|other| !floats.contains(other));
        on.floating.extend(floats);
        on.stale = true;
    }

    /// A window has become a dialog: it comes to its parent, with its own dialogs.
    pub(super) fn join(&mut self, id: WindowId) {
        let Some(parent) = self.windows.get(&id).and_then(|window| self.windows.get(&window.parent?)).cloned() else {
            return;
        };
        let from = self.place_of(id);
        for member in self.branch(id) {
            self.end_grab_of(member);
            self.lift(member);
            self.drop_on(member, parent.workspace, true);
            if let Some(member) = self.windows.get_mut(&member) {
                (member.minimised, member.scratchpad) = (parent.minimised, parent.scratchpad);
                (member.sticky, member.above) = (parent.sticky, parent.above);
            }
        }
        self.refocus(from, None);
        self.refocus(parent.workspace, None);
    }
}
