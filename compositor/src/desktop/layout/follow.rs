//! From an arrangement to transactions: what the session does after each change.
//!
//! Windows that can be seen and are tiled on the same workspace change together. Every other window
//! changes alone: a floating one, one behind a tab, one of a workspace that no output shows. So
//! nobody who is seen waits for a client that is not drawing. Nothing here decides where a window is.

use fence::Ns;

use crate::{
    desktop::layout::{
        placed::Placed,
        state::Layout,
        transaction::{Group, Transactions},
    },
    system::id::{WindowId, WorkspaceId},
};

/// What has been handed on of an arrangement.
#[derive(Debug, Default)]
pub struct Followed {
    /// The version of each workspace, and whether it was active.
    workspaces: Vec<(WorkspaceId, u64, bool)>,
}

impl Followed {
    /// Arranges, hands on what has changed, and begins what can begin. Returns whether places have
    /// changed. What clients are to be asked for is in [`Transactions::configures`] then.
    pub fn follow(&mut self, layout: &mut Layout, transactions: &mut Transactions, now: Ns) -> bool {
        layout.arrange();
        self.workspaces.retain(|(id, _, _)| layout.workspace(*id).is_some());
        for workspace in layout.workspaces().iter().filter(|workspace| workspace.output.is_some()) {
            let active = layout.is_active(workspace.id);
            let now_is = (workspace.id, workspace.version, active);
            let before = self.workspaces.iter_mut().find(|(id, _, _)| *id == workspace.id);
            match before {
                Some(before) if *before == now_is => continue,
                Some(before) => *before = now_is,
                None => self.workspaces.push(now_is),
            }
            for placed in workspace.placed() {
                let group = group(layout, placed, workspace.id, active);
                transactions.place(placed.window, group, placed.rect, placed.ask, now);
            }
        }
        // What is minimised, in the scratchpad or gone is on no list.
        let hidden = |id: WindowId| !layout.window(id).is_some_and(|window| window.is_shown());
        transactions.leave_groups(hidden, now) | transactions.begin(now)
    }
}

/// Who changes together with a window.
fn group(layout: &Layout, placed: &Placed, on: WorkspaceId, active: bool) -> Group {
    let floats = layout.window(placed.window).is_none_or(|window| window.floats);
    let seen = active && placed.visible && !floats;
    if seen { Group::Tiled(on) } else { Group::Alone(placed.window) }
}
