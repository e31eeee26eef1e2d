//! What holds for every layout, after whatever has happened. For tests.

use std::collections::BTreeSet;

use crate::{
    desktop::layout::{
        column::Stacking,
        geometry::Rect,
        options::Mode,
        state::{GrabKind, Layout},
        window::{Fullscreen, WindowState},
        workspace::Workspace,
    },
    system::id::WindowId,
};

impl Layout {
    /// Panics if the layout contradicts itself.
    pub fn verify_invariants(&self) {
        self.verify_outputs();
        for (id, window) in &self.windows {
            self.verify_window(*id, window);
        }
        let mut seen = BTreeSet::new();
        for workspace in &self.workspaces {
            self.verify_workspace(workspace);
            for id in workspace.windows() {
                assert!(seen.insert(id), "{id} is in two lists");
                assert_eq!(self.windows[&id].workspace, Some(workspace.id), "{id} is on this workspace");
                assert!(self.windows[&id].mapped, "{id} is mapped");
            }
        }
        if let Some(grab) = &self.grab {
            let window = &self.windows[&grab.window];
            assert!(window.is_shown(), "what is dragged is shown");
            assert_eq!(window.floats, !matches!(grab.kind, GrabKind::Boundaries { .. }));
            assert!(!window.fills() && window.snap.is_none());
        }
        if let Some(cycle) = &self.cycle {
            assert!(cycle.order.iter().all(|id| self.windows[id].mapped));
            assert!(cycle.order.is_empty() || cycle.at < cycle.order.len());
        }
    }

    fn verify_outputs(&self) {
        let names: BTreeSet<_> = self.outputs.iter().map(|output| &output.name).collect();
        assert_eq!(names.len(), self.outputs.len(), "each output is there once");
        assert_eq!(self.focused_output.is_some(), !self.outputs.is_empty());
        assert!(self.focused_output.iter().all(|focused| names.contains(focused)));
        for output in &self.outputs {
            let active = self.workspace(output.active).expect("an output shows a workspace");
            assert_eq!(active.output.as_ref(), Some(&output.name), "an output shows a workspace of its own");
            assert_eq!(output.working.common(output.area), Some(output.working));
        }
        for (i, workspace) in self.workspaces.iter().enumerate() {
            match &workspace.output {
                Some(name) => assert!(names.contains(name), "a workspace is on an output that is there"),
                None => assert!(names.is_empty(), "a workspace waits only while there is no output"),
            }
            let reason = self.is_active(workspace.id) || workspace.kept || !workspace.is_empty();
            assert!(reason || names.is_empty() && self.current() == Some(workspace.id), "no empty workspace stays");
            let home = workspace.home.as_ref().filter(|home| names.contains(home));
            assert!(home.is_none() || workspace.output.as_ref() == home, "it is at home if its home is there");
            for later in &self.workspaces[i + 1..] {
                assert!(workspace.label.order(&later.label).is_le() && workspace.label != later.label);
            }
        }
        assert_eq!(self.last, self.current());
    }

    fn verify_window(&self, id: WindowId, window: &WindowState) {
        if let Some(parent) = window.parent {
            let above = &self.windows.get(&parent).expect("a parent is known");
            assert!(!self.is_within(parent, id), "{id} is its own ancestor");
            if window.mapped {
                assert!(above.mapped, "the parent of {id} is mapped");
                assert!(window.floats, "dialogs float");
                let common = |w: &WindowState| (w.workspace, w.minimised, w.sticky, w.above, w.scratchpad);
                assert_eq!(common(window), common(above), "{id} is where its parent is");
            }
        }
        if !window.mapped {
            assert!(!window.minimised && !window.sticky && !window.above && !window.scratchpad && !window.urgent);
            return;
        }
        match window.workspace {
            Some(on) => {
                let on = self.workspace(on).expect("the workspace of a window is there");
                let lists = (on.column_of(id).is_some(), on.floating.contains(&id));
                assert_eq!(lists, (!window.floats, window.floats), "{id} is in the list that it should be in");
                if window.sticky
                    && let Some(output) = self.output_of(on.id)
                {
                    assert_eq!(output.active, on.id, "sticky windows are in sight");
                }
            }
            None => assert!(window.scratchpad && !window.minimised, "only the scratchpad hides {id}"),
        }
        if window.sticky || window.above || window.scratchpad || window.snap.is_some() {
            assert!(window.floats, "{id} floats");
        }
    }

    fn verify_workspace(&self, workspace: &Workspace) {
        assert!(workspace.mode == Mode::Tiling || workspace.columns.is_empty(), "nothing is tiled where all float");
        for column in &workspace.columns {
            assert!(!column.tiles.is_empty(), "no column is empty");
            assert!(column.position(column.front).is_some(), "the front of a column is in it");
            assert!(column.share > 0 && column.tiles.iter().all(|tile| tile.share > 0));
        }
        let shown = workspace.windows().any(|id| self.is_shown(id));
        assert_eq!(workspace.focus.is_some(), shown, "a workspace with windows has one with the focus");
        if let Some(focus) = workspace.focus {
            assert!(workspace.windows().any(|id| id == focus) && self.is_shown(focus));
            let modal = |window: &WindowState| window.parent == Some(focus) && window.modal && window.is_shown();
            assert!(!self.windows.values().any(modal), "a modal dialog has the focus of {focus}");
        }
        self.verify_order(workspace.floating.iter().copied());
    }

    /// Dialogs lie above their parents.
    fn verify_order(&self, windows: impl Iterator<Item = WindowId>) {
        let order: Vec<_> = windows.collect();
        let at = |id| order.iter().position(|other| *other == id);
        for id in &order {
            let parent = self.windows[id].parent.and_then(at);
            assert!(parent.is_none_or(|parent| Some(parent) < at(*id)), "{id} lies below its parent");
        }
    }

    /// Arranges, and panics if what comes of it is wrong, or if something was not placed again
    /// although it has changed.
    pub fn verify_arrangement(&mut self) {
        self.arrange();
        let mut copy = self.clone();
        copy.workspaces.iter_mut().for_each(|workspace| workspace.stale = true);
        copy.arrange();
        for (workspace, again) in self.workspaces.iter().zip(&copy.workspaces) {
            if workspace.output.is_some() {
                assert_eq!(workspace.placed, again.placed, "placed again when something has changed");
                self.verify_placed(workspace);
            }
        }
        let activated = self.workspaces.iter().filter(|workspace| workspace.output.is_some()).flat_map(|w| &w.placed);
        let activated: Vec<_> =
            activated.filter(|placed| placed.states.activated).map(|placed| placed.window).collect();
        let focused = self.focused().filter(|_| !self.outputs.is_empty());
        assert_eq!(activated, Vec::from_iter(focused), "the window with the focus is active");
    }

    fn verify_placed(&self, workspace: &Workspace) {
        let placed: BTreeSet<_> = workspace.placed.iter().map(|placed| placed.window).collect();
        let shown: BTreeSet<_> = workspace.windows().filter(|id| self.is_shown(*id)).collect();
        assert_eq!(placed.len(), workspace.placed.len(), "each window is placed once");
        assert_eq!(placed, shown, "each window is placed");
        self.verify_order(workspace.placed.iter().map(|placed| placed.window));
        let output = self.output_of(workspace.id).expect("placed on an output");
        for placed in &workspace.placed {
            let window = &self.windows[&placed.window];
            assert!(placed.rect.w >= 1 && placed.rect.h >= 1, "{placed:?}");
            if placed.bar != Rect::default() {
                assert_eq!(placed.bar.common(placed.frame), Some(placed.bar), "{placed:?}");
                assert!(!placed.bar.overlaps(placed.rect) && placed.bar.bottom() <= placed.rect.y, "{placed:?}");
            }
            if window.fullscreen == Some(Fullscreen::Real) {
                assert_eq!(placed.rect, output.area);
            } else if window.maximised {
                assert_eq!(placed.rect, output.working);
            } else if window.floats {
                assert!(placed.frame.overlaps(output.area), "{placed:?} is in reach on {output:?}");
                assert_eq!(window.hints.clamp(placed.rect.size()), placed.rect.size(), "hints are kept");
            } else {
                let max = window.hints.max;
                assert!(max.w <= 0 || placed.rect.w <= max.w.max(1));
                assert!(max.h <= 0 || placed.rect.h <= max.h.max(1));
            }
        }
        if let Some(focus) = workspace.focus {
            assert!(workspace.placed.iter().any(|placed| placed.window == focus && placed.visible), "{focus} is seen");
        }
        self.verify_cells(workspace);
    }

    /// Tiled windows that are seen do not overlap and do not leave the working area, where there is
    /// room for all of them.
    fn verify_cells(&self, workspace: &Workspace) {
        let output = self.output_of(workspace.id).expect("placed on an output");
        let room = self.room(workspace, output);
        let most = workspace.tiled().count() as i32;
        let least = (room.area.w / most.max(1)).min(room.area.h / most.max(1));
        if least <= room.gap + 2 * room.border + self.options.tab_bar + 2 {
            return;
        }
        let plain = |id: WindowId| !self.windows[&id].floats && !self.windows[&id].fills();
        let front = |id: WindowId| {
            let column = &workspace.columns[workspace.column_of(id).expect("tiled")];
            column.stacking == Stacking::Stacked || column.front == id
        };
        let tiled: Vec<_> = workspace.placed.iter().filter(|p| plain(p.window) && front(p.window)).collect();
        for (i, one) in tiled.iter().enumerate() {
            assert_eq!(one.frame.common(output.working), Some(one.frame), "{one:?} is within the working area");
            assert!(tiled[i + 1..].iter().all(|other| !one.frame.overlaps(other.frame)), "{one:?} overlaps");
        }
    }
}
