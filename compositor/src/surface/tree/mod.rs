//! The trees of sub-surfaces: who is whose child, in which order, and where.
//!
//! ```text
//!  place_above, set_position, a new child ─→ pending at the parent ─ the parent's commit ─→ TreeUpdate
//!     TreeUpdate ─ Smithay applies the commit ─→ current order and positions ─→ walk
//!  a wl_subsurface or a surface is destroyed ─→ current at once
//! ```
//!
//! This is a model: it knows ids, and a handle for each of them that it only gives back. It knows no
//! protocol object, raises no error, and applies nothing by itself. What synchronised surfaces have
//! committed is kept in [`cache`].

pub mod cache;
pub mod update;
mod walk;

#[cfg(test)]
pub mod spec;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, iter::successors};

use crate::{
    surface::{
        limits::Forest,
        tree::update::{Link, Offset, TreeUpdate, put},
    },
    system::id::SurfaceId,
};

/// A surface as a sub-surface of another.
#[derive(Debug, Clone, Copy)]
struct Role {
    parent: SurfaceId,
    link: Link,
    /// The mode that the client has set. Only this and the parents' modes together say whether
    /// commits are cached.
    sync: bool,
    /// The current position.
    position: Offset,
}

/// One surface.
#[derive(Debug)]
struct Node<H> {
    handle: H,
    role: Option<Role>,
    mapped: bool,
    size: Offset,
    /// `None` as long as it has had no child. In a box, since that is so for most surfaces.
    family: Option<Box<Family>>,
}

/// The children of a surface.
#[derive(Debug, Default)]
struct Family {
    /// The current order of the surface itself and of its children, from bottom to top.
    order: Vec<SurfaceId>,
    /// The same as the client has requested it, with the children that are not current yet.
    requested: Vec<SurfaceId>,
    /// What the next commit of the surface changes.
    pending: TreeUpdate,
    /// Direct children that have a cached update.
    waiting: Vec<SurfaceId>,
}

impl<H> Node<H> {
    /// The current order; empty as long as it has had no child.
    fn order(&self) -> &[SurfaceId] {
        self.family.as_ref().map_or(&[], |family| &family.order)
    }
}

/// All surfaces, each in a tree of its own or as a sub-surface of another.
#[derive(Debug)]
pub struct Trees<H> {
    /// In boxes, because a table is half empty.
    nodes: HashMap<SurfaceId, Box<Node<H>>>,
    generation: u64,
    links: u64,
}

impl<H> Default for Trees<H> {
    fn default() -> Self {
        Self { nodes: HashMap::new(), generation: 0, links: 0 }
    }
}

/// The reference of a restack is neither a sibling nor the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASibling;

impl<H: Clone> Trees<H> {
    /// Size of a surface's entry in bytes.
    #[cfg(test)]
    pub const NODE: usize = size_of::<Node<H>>();

    /// Adds a new surface.
    pub fn insert(&mut self, id: SurfaceId, handle: H) {
        let node = Node { handle, role: None, mapped: false, size: (0, 0), family: None };
        self.nodes.insert(id, Box::new(node));
    }

    /// Removes a surface that is destroyed. Its children are orphans from then on.
    pub fn remove(&mut self, id: SurfaceId) {
        if let Some(link) = self.link(id) {
            self.detach(id, link);
        }
        for child in self.children_of(id) {
            self.unlink(child);
        }
        if self.nodes.remove(&id).is_some() {
            self.generation += 1;
        }
    }

    /// Makes `child` a sub-surface of `parent`, synchronised, at (0, 0) and above its siblings; it
    /// is current with the parent's next commit. The caller has checked that `child` is no
    /// sub-surface and that the tree may grow. `None`: one of them is not known.
    pub fn attach(&mut self, child: SurfaceId, parent: SurfaceId) -> Option<Link> {
        let link = Link(self.links);
        let waits = self.nodes.get(&child)?.role.is_none() && child != parent;
        let node = self.nodes.get_mut(&parent).filter(|_| waits)?;
        let family = node.family.get_or_insert_default();
        if family.requested.is_empty() {
            family.requested.push(parent);
            family.order.push(parent);
        }
        family.requested.push(child);
        family.pending.restacked = true;
        self.links += 1;
        self.nodes.get_mut(&child)?.role = Some(Role { parent, link, sync: true, position: (0, 0) });
        Some(link)
    }

    /// Ends a sub-surface: it leaves its parent's tree at once. Nothing happens if this life of it
    /// has ended before.
    pub fn detach(&mut self, child: SurfaceId, link: Link) {
        let Some(role) = self.role(child, link) else { return };
        if let Some(family) = self.family_mut(role.parent) {
            family.requested.retain(|id| *id != child);
            family.waiting.retain(|id| *id != child);
            family.pending.forget(link);
            let before = family.order.len();
            family.order.retain(|id| *id != child);
            self.generation += u64::from(family.order.len() < before);
        }
        self.unlink(child);
    }

    fn unlink(&mut self, child: SurfaceId) {
        if let Some(node) = self.nodes.get_mut(&child) {
            node.role = None;
        }
    }

    fn family_mut(&mut self, parent: SurfaceId) -> Option<&mut Family> {
        self.nodes.get_mut(&parent)?.family.as_deref_mut()
    }

    fn role(&self, child: SurfaceId, link: Link) -> Option<Role> {
        self.nodes.get(&child)?.role.filter(|role| role.link == link)
    }

    /// The present life of a sub-surface; `None`: the surface is none.
    pub fn link(&self, child: SurfaceId) -> Option<Link> {
        Some(self.nodes.get(&child)?.role?.link)
    }

    /// The surface of an id.
    pub fn handle(&self, id: SurfaceId) -> Option<&H> {
        Some(&self.nodes.get(&id)?.handle)
    }

    /// The root of a surface's tree.
    pub fn root(&self, id: SurfaceId) -> SurfaceId {
        self.ancestors(id).last().unwrap_or(id)
    }

    /// The parent of a surface, its parent, and so on.
    pub fn ancestors(&self, id: SurfaceId) -> impl Iterator<Item = SurfaceId> {
        successors(self.parent(&id), |id| self.parent(id))
    }

    /// Whether the commits of a surface wait for its parent's: it is synchronised, or one of its
    /// ancestors is.
    pub fn is_sync(&self, id: SurfaceId) -> bool {
        let sync = |id: &SurfaceId| self.nodes.get(id).and_then(|node| node.role).is_some_and(|role| role.sync);
        sync(&id) || self.ancestors(id).any(|id| sync(&id))
    }

    /// Sets the mode of a sub-surface.
    pub fn set_sync(&mut self, child: SurfaceId, link: Link, sync: bool) {
        let Some(node) = self.nodes.get_mut(&child) else { return };
        if let Some(role) = node.role.as_mut().filter(|role| role.link == link) {
            role.sync = sync;
        }
    }

    /// A surface and the surfaces below it that commit by themselves if it does: all children, and
    /// their children, that are desynchronised. Parents come first.
    pub fn desync_subtree(&self, top: SurfaceId) -> Vec<SurfaceId> {
        let mut found = vec![top];
        let mut at = 0;
        while let Some(id) = found.get(at) {
            let free = |child: &SurfaceId| self.nodes.get(child).and_then(|node| node.role).is_some_and(|r| !r.sync);
            found.extend(self.children_of(*id).into_iter().filter(free));
            at += 1;
        }
        found
    }

    /// Moves a sub-surface with its parent's next commit.
    pub fn set_position(&mut self, child: SurfaceId, link: Link, to: Offset) {
        let Some(role) = self.role(child, link) else { return };
        if let Some(family) = self.family_mut(role.parent) {
            put(&mut family.pending.positions, child, link, to);
        }
    }

    /// Puts a sub-surface just above or below a sibling or its parent, with the parent's next
    /// commit.
    pub fn place(
        &mut self,
        child: SurfaceId,
        link: Link,
        reference: SurfaceId,
        above: bool,
    ) -> Result<(), NotASibling> {
        let Some(role) = self.role(child, link) else { return Ok(()) };
        let Some(family) = self.family_mut(role.parent) else { return Ok(()) };
        if reference == child || !family.requested.contains(&reference) {
            return Err(NotASibling);
        }
        family.requested.retain(|id| *id != child);
        let at = family.requested.iter().position(|id| *id == reference).ok_or(NotASibling)?;
        family.requested.insert(at + usize::from(above), child);
        family.pending.restacked = true;
        Ok(())
    }

    /// What a commit of this surface changes in its tree; `None`: nothing.
    pub fn take_update(&mut self, id: SurfaceId) -> Option<TreeUpdate> {
        let family = self.family_mut(id).filter(|family| !family.pending.is_empty())?;
        let mut update = std::mem::take(&mut family.pending);
        if update.restacked {
            let links = |child: &SurfaceId| (*child, self.link(*child).filter(|_| *child != id));
            update.order = self.requested(id).iter().map(links).collect();
        }
        Some(update)
    }

    /// Makes an update of this surface current. Returns whether it changed anything.
    pub fn apply(&mut self, id: SurfaceId, update: &TreeUpdate) -> bool {
        let mut changed = false;
        for (child, link, to) in &update.positions {
            let role = self.nodes.get_mut(child).and_then(|node| node.role.as_mut());
            if let Some(role) = role.filter(|role| role.link == *link && role.position != *to) {
                role.position = *to;
                changed = true;
            }
        }
        if update.restacked {
            let lives = |(child, link): &(SurfaceId, Option<Link>)| {
                let lives = link.is_none_or(|link| self.role(*child, link).is_some());
                lives.then_some(*child)
            };
            let order: Vec<_> = update.order.iter().filter_map(lives).collect();
            if let Some(family) = self.family_mut(id).filter(|family| family.order != order) {
                family.order = order;
                changed = true;
            }
        }
        self.generation += u64::from(changed);
        changed
    }

    /// Whether the surface has a content, and its size in logical pixels. Returns whether that has
    /// changed.
    pub fn set_shape(&mut self, id: SurfaceId, mapped: bool, size: Offset) -> bool {
        let Some(node) = self.nodes.get_mut(&id) else { return false };
        let changed = (node.mapped, node.size) != (mapped, size);
        (node.mapped, node.size) = (mapped, size);
        self.generation += u64::from(changed);
        changed
    }

    /// A number that changes whenever something current changes: an order, a position, a size, what
    /// is mapped, or that a surface is destroyed.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The order of a surface and its children as the client has requested it; empty as long as it
    /// has had no child.
    fn requested(&self, id: SurfaceId) -> &[SurfaceId] {
        self.nodes.get(&id).and_then(|node| node.family.as_ref()).map_or(&[], |family| &family.requested)
    }

    /// All children, also those that are not current yet, from bottom to top.
    fn children_of(&self, id: SurfaceId) -> Vec<SurfaceId> {
        self.requested(id).iter().copied().filter(|child| *child != id).collect()
    }
}

impl<H: Clone> Forest for Trees<H> {
    type Node = SurfaceId;

    fn parent(&self, surface: &SurfaceId) -> Option<SurfaceId> {
        Some(self.nodes.get(surface)?.role?.parent)
    }

    fn children(&self, surface: &SurfaceId) -> Vec<SurfaceId> {
        self.children_of(*surface)
    }
}
