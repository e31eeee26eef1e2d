//! Visits a tree from top to bottom.

use smallvec::SmallVec;

use crate::{
    surface::tree::{Trees, update::Offset},
    system::id::SurfaceId,
};

/// Levels of a tree that is walked without an allocation.
const USUAL_DEPTH: usize = 16;

/// A surface whose order is being visited.
struct Level {
    id: SurfaceId,
    /// How many entries of its order, from the bottom, are not visited yet.
    left: usize,
    origin: Offset,
}

impl<H> Trees<H> {
    /// Calls `visit` for the mapped surfaces of a tree from top to bottom, each with its offset from
    /// the root. A surface that is not mapped hides all of its children.
    pub fn walk(&self, root: SurfaceId, mut visit: impl FnMut(&H, Offset)) {
        let mut levels: SmallVec<[Level; USUAL_DEPTH]> = SmallVec::new();
        let enter = |id: SurfaceId, origin: Offset| {
            let node = self.nodes.get(&id).filter(|node| node.mapped)?;
            // Without children there is one entry: the surface itself.
            Some(Level { id, left: node.order().len().max(1), origin })
        };
        levels.extend(enter(root, (0, 0)));
        while let Some(level) = levels.last_mut() {
            let (Some(left), Some(node)) = (level.left.checked_sub(1), self.nodes.get(&level.id)) else {
                levels.pop();
                continue;
            };
            level.left = left;
            let (id, (x, y)) = (level.id, level.origin);
            let next = node.order().get(left).copied().unwrap_or(id);
            if next == id {
                visit(&node.handle, (x, y));
                continue;
            }
            let role = self.nodes.get(&next).and_then(|child| child.role);
            let (dx, dy) = role.map_or((0, 0), |role| role.position);
            levels.extend(enter(next, (x.saturating_add(dx), y.saturating_add(dy))));
        }
    }
}
