//! Focus: which window has it on a workspace, and where it goes.
//!
//! A workspace with a window that is shown has one with the focus. When that goes, the one that was
//! used before it follows. A modal dialog has the focus instead of its parent.

use crate::{
    desktop::layout::{
        geometry::{Direction, Point, Rect},
        state::{Cycle, Layout, Output},
        window::WindowState,
        workspace::{OutputName, Workspace},
    },
    system::id::{WindowId, WorkspaceId},
};

impl Layout {
    /// Gives a window the focus, wherever it is: its workspace is shown, and so is the window.
    pub fn focus(&mut self, id: WindowId) -> bool {
        self.end_cycle();
        let done = self.focus_without_use(id);
        if let Some(focused) = self.focused().filter(|_| done) {
            self.note_use(focused);
        }
        done
    }

    /// The same, but the window does not count as used.
    fn focus_without_use(&mut self, id: WindowId) -> bool {
        if !self.windows.get(&id).is_some_and(|window| window.mapped) {
            return false;
        }
        self.show_hidden(id);
        self.set_minimised(id, false);
        let id = self.modal_front(id);
        let Some(on) = self.place_of(id) else { return false };
        self.activate(on);
        self.give_focus(on, id);
        self.raise(id);
        self.settle();
        true
    }

    /// The window has been used now.
    fn note_use(&mut self, id: WindowId) {
        let used = self.next_use();
        if let Some(window) = self.windows.get_mut(&id) {
            (window.used, window.urgent) = (used, false);
        }
        // Windows that fill the screen lie in the order of their use.
        let on = self.place_of(id);
        self.touch(on);
    }

    /// The window has the focus of its workspace.
    pub(super) fn give_focus(&mut self, on: WorkspaceId, id: WindowId) {
        let Some(workspace) = self.workspace_mut(on) else { return };
        if let Some(column) = workspace.column_of(id) {
            workspace.stale |= workspace.columns[column].front != id;
            workspace.columns[column].front = id;
        }
        if workspace.focus.replace(id) != Some(id) {
            workspace.stale = true;
        }
    }

    /// The modal dialog that has the focus instead of a window; else the window.
    fn modal_front(&self, mut id: WindowId) -> WindowId {
        let takes = |window: &WindowState, of| window.parent == Some(of) && window.modal && window.is_shown();
        loop {
            let dialogs = self.windows.iter().filter(|(_, window)| takes(window, id));
            match dialogs.max_by_key(|(id, window)| (window.used, **id)) {
                Some((dialog, _)) => id = *dialog,
                None => return id,
            }
        }
    }

    /// The focus of a workspace stays if it can; else it goes to `preferred`, or to the window that
    /// was used last.
    pub(super) fn refocus(&mut self, on: Option<WorkspaceId>, preferred: Option<WindowId>) {
        let Some(workspace) = on.and_then(|on| self.workspace(on)) else { return };
        let shown = |id: &WindowId| {
            self.windows.get(id).is_some_and(|window| window.is_shown() && window.workspace == Some(workspace.id))
        };
        let used = |id: &WindowId| self.windows.get(id).map(|window| window.used);
        let kept = workspace.focus.filter(shown).or(preferred.filter(shown));
        let next = kept.or_else(|| workspace.windows().filter(shown).max_by_key(used));
        let on = workspace.id;
        match next.map(|next| self.modal_front(next)) {
            Some(next) => self.give_focus(on, next),
            None => {
                if let Some(workspace) = self.workspace_mut(on) {
                    workspace.focus = None;
                }
            }
        }
    }

    /// Moves the focus in a direction: to the next column or tile, to the nearest floating window
    /// if a floating one has the focus, else to the next output.
    pub fn focus_direction(&mut self, direction: Direction) -> bool {
        let Some(on) = self.current() else { return false };
        let next = self.focused().and_then(|focused| self.beside(focused, direction));
        if let Some(next) = next {
            return self.focus(next);
        }
        let Some(output) = self.output_of(on) else { return false };
        let next = self.output_beside(output, direction).map(|output| output.name.clone());
        next.is_some_and(|next| self.focus_output(&next))
    }

    /// The window on the same workspace that lies in a direction.
    fn beside(&self, id: WindowId, direction: Direction) -> Option<WindowId> {
        let workspace = self.workspace(self.place_of(id)?)?;
        let Some(at) = workspace.column_of(id) else { return self.nearest_floating(workspace, id, direction) };
        let shown = |id: &WindowId| self.windows.get(id).is_some_and(WindowState::is_shown);
        let (columns, forward) = (&workspace.columns, direction.is_forward());
        if direction.is_horizontal() {
            let front = |at: usize| {
                let column = columns.get(at)?;
                let tiles = column.tiles.iter().map(|tile| tile.window);
                Some(column.front).filter(shown).or_else(|| tiles.into_iter().find(shown))
            };
            return if forward { (at + 1..columns.len()).find_map(front) } else { (0..at).rev().find_map(front) };
        }
        let tiles = &columns[at].tiles;
        let place = columns[at].position(id)?;
        let window = |at: usize| tiles.get(at).map(|tile| tile.window).filter(shown);
        if forward { (place + 1..tiles.len()).find_map(window) } else { (0..place).rev().find_map(window) }
    }

    fn nearest_floating(&self, on: &Workspace, id: WindowId, direction: Direction) -> Option<WindowId> {
        let rect = |id: WindowId| {
            let window = self.windows.get(&id).filter(|window| window.is_shown())?;
            self.floating_rect(window)
        };
        let here = rect(id)?.middle();
        let distance = |id: &WindowId| Some((distance(here, rect(*id)?.middle(), direction)?, *id));
        on.floating.iter().filter(|other| **other != id).filter_map(distance).min().map(|(_, id)| id)
    }

    /// The nearest output in a direction that lies beside this one.
    pub(super) fn output_beside(&self, output: &Output, direction: Direction) -> Option<&Output> {
        let here = output.area;
        let beside = |other: Rect| match direction.is_horizontal() {
            true => here.y < other.bottom() && other.y < here.bottom(),
            false => here.x < other.right() && other.x < here.right(),
        };
        let others = self.outputs.iter().filter(|other| other.name != output.name && beside(other.area));
        let near = others.filter_map(|other| Some((distance(here.middle(), other.area.middle(), direction)?, other)));
        near.min_by_key(|(distance, _)| *distance).map(|(_, output)| output)
    }

    /// The next output in a direction from the one with the focus.
    pub fn output_towards(&self, direction: Direction) -> Option<&Output> {
        self.output_beside(self.focused_output()?, direction)
    }

    /// Gives the next output in a direction the focus.
    pub fn focus_output_beside(&mut self, direction: Direction) -> bool {
        let here = self.focused_output();
        let next: Option<OutputName> =
            here.and_then(|here| self.output_beside(here, direction)).map(|output| output.name.clone());
        next.is_some_and(|next| self.focus_output(&next))
    }

    /// All mapped windows, from the one that was used last to the one that was not for the longest
    /// time.
    pub fn by_use(&self) -> Vec<WindowId> {
        let mut order: Vec<_> = self.windows().filter(|(_, window)| window.mapped).map(|(id, _)| id).collect();
        order.sort_by_key(|id| self.windows.get(id).map(|window| std::cmp::Reverse(window.used)));
        order
    }

    /// Alt-Tab: the focus goes to the next window in the order of use, or to the previous one. The
    /// order stays as it is until [`Layout::end_cycle`], when the modifier is released.
    pub fn cycle(&mut self, forward: bool) -> bool {
        let mut cycle = self.cycle.take().unwrap_or_else(|| {
            let order = self.by_use();
            let at = self.focused().and_then(|focused| order.iter().position(|id| *id == focused));
            // Without a focus the first step leads to the first window.
            let before = if forward { order.len().saturating_sub(1) } else { 0 };
            Cycle { at: at.unwrap_or(before), order }
        });
        let count = cycle.order.len();
        if count == 0 {
            return false;
        }
        cycle.at = (cycle.at + if forward { 1 } else { count - 1 }) % count;
        let to = cycle.order[cycle.at];
        let done = self.focus_without_use(to);
        self.cycle = Some(cycle);
        done
    }

    /// Alt-Tab is over: the window that has the focus counts as used.
    pub fn end_cycle(&mut self) {
        if self.cycle.take().is_some()
            && let Some(focused) = self.focused()
        {
            self.note_use(focused);
        }
    }

    /// A window is gone: Alt-Tab goes on without it.
    pub(super) fn leave_cycle(&mut self, id: WindowId) {
        let Some(cycle) = &mut self.cycle else { return };
        if let Some(at) = cycle.order.iter().position(|other| *other == id) {
            cycle.order.remove(at);
            if at < cycle.at || cycle.at == cycle.order.len() {
                cycle.at = cycle.at.saturating_sub(1);
            }
        }
    }
}

/// How far `to` lies in a direction; what lies aside counts twice. `None`: it does not lie there.
fn distance(from: Point, to: Point, direction: Direction) -> Option<i64> {
    let (x, y) = (i64::from(to.x) - i64::from(from.x), i64::from(to.y) - i64::from(from.y));
    let (along, aside) = if direction.is_horizontal() { (x, y) } else { (y, x) };
    let along = if direction.is_forward() { along } else { -along };
    (along > 0).then_some(along + 2 * aside.abs())
}
