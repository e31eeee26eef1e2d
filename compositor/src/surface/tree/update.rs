//! What one commit of a parent changes in its tree.
//!
//! An update names each child with its [`Link`], so what was said of a child that has ended since
//! is void.

use crate::system::id::SurfaceId;

/// A position relative to the parent, in logical pixels: x, y.
pub type Offset = (i32, i32);

/// One life of a sub-surface, from its `get_subsurface` to its end; never used again. A surface that
/// becomes a sub-surface again gets another one, so an update that was made before does not concern
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link(pub(super) u64);

/// Order and positions of a surface's children, as one commit sets them.
#[derive(Debug, Default, Clone)]
pub struct TreeUpdate {
    /// Whether `order` is set.
    pub(super) restacked: bool,
    /// The whole order from bottom to top: children with their links, and the surface itself.
    pub(super) order: Vec<(SurfaceId, Option<Link>)>,
    /// The children that move.
    pub(super) positions: Vec<(SurfaceId, Link, Offset)>,
}

impl TreeUpdate {
    pub(super) fn is_empty(&self) -> bool {
        !self.restacked && self.positions.is_empty()
    }

    /// A child has ended.
    pub(super) fn forget(&mut self, link: Link) {
        self.positions.retain(|(_, of, _)| *of != link);
    }

    /// Adds a later update of the same surface: for each child the later one counts.
    pub fn merge(&mut self, later: Self) {
        if later.restacked {
            self.restacked = true;
            self.order = later.order;
        }
        for (child, link, to) in later.positions {
            put(&mut self.positions, child, link, to);
        }
    }
}

/// Notes where a child goes, once.
pub(super) fn put(positions: &mut Vec<(SurfaceId, Link, Offset)>, child: SurfaceId, link: Link, to: Offset) {
    match positions.iter_mut().find(|(_, of, _)| *of == link) {
        Some((.., position)) => *position = to,
        None => positions.push((child, link, to)),
    }
}
