//! Moving windows: in a direction, to another workspace, to another output, into other columns.
//!
//! What moves keeps the focus. Each function returns whether anything has moved.

use crate::{
    desktop::layout::{
        column::Stacking, geometry::Direction, state::Layout, workspace::OutputName, workspaces::Target,
    },
    system::id::WindowId,
};

impl Layout {
    /// Moves a window in a direction. A tiled one changes places with its neighbour in the column
    /// or, sideways, leaves its column, or changes places with the next one if it is alone there;
    /// at the edge it goes to the next output. A floating one moves by `step` pixels.
    pub fn move_direction(&mut self, id: WindowId, direction: Direction, step: i32) -> bool {
        self.end_grab();
        let Some(on) = self.place_of(id) else { return false };
        let Some(workspace) = self.workspaces.iter_mut().find(|workspace| workspace.id == on) else { return false };
        let Some(at) = workspace.column_of(id) else { return self.nudge(id, direction, step) };
        let columns = &mut workspace.columns;
        let forward = direction.is_forward();
        let neighbour =
            |at: usize, count: usize| if forward { (at + 1 < count).then_some(at + 1) } else { at.checked_sub(1) };
        if !direction.is_horizontal() {
            let column = &mut columns[at];
            let places = column.position(id).and_then(|at| Some((at, neighbour(at, column.tiles.len())?)));
            if let Some((from, to)) = places {
                column.tiles.swap(from, to);
                self.touch(Some(on));
                return true;
            }
        } else if columns[at].tiles.len() > 1 {
            columns[at].remove(id);
            workspace.insert_column(if forward { at + 1 } else { at }, id);
            self.touch(Some(on));
            return true;
        } else if let Some(to) = neighbour(at, columns.len()) {
            columns.swap(at, to);
            self.touch(Some(on));
            return true;
        }
        let next = self.output_of(on).and_then(|output| self.output_beside(output, direction));
        let next = next.map(|output| output.name.clone());
        next.is_some_and(|next| self.move_to_output(id, &next))
    }

    /// A floating window moves by `step` pixels.
    fn nudge(&mut self, id: WindowId, direction: Direction, step: i32) -> bool {
        let Some(window) = self.windows.get(&id).filter(|window| window.is_free()) else { return false };
        let Some(rect) = self.floating_rect(window) else { return false };
        let step = if direction.is_forward() { step } else { step.saturating_neg() };
        let (dx, dy) = if direction.is_horizontal() { (step, 0) } else { (0, step) };
        if let Some(window) = self.windows.get_mut(&id) {
            window.float.at = Some(rect.at().moved(dx, dy));
            window.displaced = None;
        }
        let on = self.place_of(id);
        self.touch(on);
        true
    }

    /// Moves a family to a workspace; with `follow` that is shown, and the window keeps the focus.
    pub fn move_to_workspace(&mut self, id: WindowId, target: &Target, follow: bool) -> bool {
        self.end_grab();
        if !self.windows.get(&id).is_some_and(|window| window.mapped) {
            return false;
        }
        let Some(to) = self.resolve(target) else { return false };
        let before = self.place_of(id);
        if !follow && !self.is_active(to) {
            // It goes out of sight.
            self.mark(id, |window| window.sticky = false);
        }
        self.mark(id, |window| (window.came_from, window.displaced) = (None, None));
        self.transfer(id, Some(to));
        if follow {
            self.focus(id);
        }
        self.settle();
        self.place_of(id) != before
    }

    /// Moves a family to the workspace that an output shows; it keeps the focus.
    pub fn move_to_output(&mut self, id: WindowId, to: &OutputName) -> bool {
        let Some(to) = self.output(to).map(|output| output.active) else { return false };
        self.move_to_workspace(id, &Target::Id(to), true)
    }

    /// A tiled window joins the column beside its own, as the last of it.
    pub fn join_column(&mut self, id: WindowId, direction: Direction) -> bool {
        self.end_grab();
        let Some(workspace) = self.place_of(id).and_then(|on| self.workspace_mut(on)) else { return false };
        let Some(at) = workspace.column_of(id).filter(|_| direction.is_horizontal()) else { return false };
        let to = if direction.is_forward() { Some(at + 1) } else { at.checked_sub(1) };
        let Some(to) = to.filter(|to| *to < workspace.columns.len()) else { return false };
        let last = workspace.columns[to].tiles.len();
        workspace.columns[to].insert(last, id);
        if workspace.focus == Some(id) {
            workspace.columns[to].front = id;
        }
        workspace.columns[at].remove(id);
        workspace.columns.retain(|column| !column.tiles.is_empty());
        workspace.stale = true;
        true
    }

    /// How the column of a tiled window shows its windows.
    pub fn set_stacking(&mut self, id: WindowId, stacking: Stacking) -> bool {
        self.end_grab();
        let Some(workspace) = self.place_of(id).and_then(|on| self.workspace_mut(on)) else { return false };
        let Some(at) = workspace.column_of(id) else { return false };
        let changed = std::mem::replace(&mut workspace.columns[at].stacking, stacking) != stacking;
        workspace.stale |= changed;
        changed
    }
}
