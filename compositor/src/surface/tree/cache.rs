//! What synchronised sub-surfaces have committed, until a parent's commit takes it.
//!
//! A surface has at most one cached update of its own. It holds a state of the surface, and of each
//! surface below it that had a cached update when the surface committed: those belong to that commit
//! and are applied with it, whatever they commit later. States of the same surface are merged, so
//! the memory does not grow with the number of commits.
//!
//! ```text
//!  a child commits ─→ its own update ─ its parent commits, synchronised ─→ part of the parent's update
//!                         └─ its parent commits, desynchronised ─→ a group, to be applied now
//!                         └─ it becomes desynchronised itself   ─→ the same
//! ```
//!
//! The state is any type that merges. Nothing here applies it.

use std::collections::HashMap;

use crate::{surface::tree::Trees, system::id::SurfaceId};

/// States of several surfaces that are applied together.
pub type Members<S> = Vec<(SurfaceId, S)>;

/// The state of one surface, as one commit or several have changed it.
pub trait Merge {
    /// Adds what a later commit has changed.
    fn merge(&mut self, later: Self);
}

/// The cached updates of all surfaces.
#[derive(Debug)]
pub struct Cache<S> {
    updates: HashMap<SurfaceId, Members<S>>,
    /// Lists that were used before, so that the next commit allocates none.
    spare: Vec<Members<S>>,
}

impl<S> Default for Cache<S> {
    fn default() -> Self {
        Self { updates: HashMap::new(), spare: Vec::new() }
    }
}

/// How many unused lists are kept.
const SPARE: usize = 16;

impl<S: Merge> Cache<S> {
    /// A synchronised surface has committed `state`. It takes along what its children have cached.
    pub fn hold<H: Clone>(&mut self, trees: &mut Trees<H>, id: SurfaceId, state: S) {
        let mut taken = self.take(trees, id);
        let spare = &mut self.spare;
        // Most surfaces have no children: a list of the usual growth would be three quarters empty.
        let list = || spare.pop().unwrap_or_else(|| Vec::with_capacity(taken.len() + 1));
        let update = self.updates.entry(id).or_insert_with(list);
        taken.drain(..).chain([(id, state)]).for_each(|(id, state)| add(update, id, state));
        self.recycle(taken);
        trees.set_waiting(id);
    }

    /// Takes what the direct children of a surface have cached, for a commit of that surface.
    pub fn take<H: Clone>(&mut self, trees: &mut Trees<H>, parent: SurfaceId) -> Members<S> {
        let mut members = Vec::new();
        trees.take_waiting(parent, |child, left| {
            let Some(mut update) = self.updates.remove(&child) else { return };
            if members.capacity() == 0 {
                members = update;
                return;
            }
            // No surface is below two children.
            if members.capacity() - members.len() < update.len() {
                members.reserve_exact(update.len() + left);
            }
            members.append(&mut update);
            if self.spare.len() < SPARE {
                self.spare.push(update);
            }
        });
        members
    }

    /// A surface stops being synchronised, and so do those of [`Trees::desync_subtree`]: takes what
    /// is cached for each of them. To be called while the surface is still in its tree.
    pub fn release_subtree<H: Clone>(&mut self, trees: &Trees<H>, top: SurfaceId) -> Vec<Members<S>> {
        let released = trees.desync_subtree(top).into_iter().map(|id| self.release(trees, id));
        released.filter(|members| !members.is_empty()).collect()
    }

    /// Takes what is cached for one surface: its own update, and those parts of its ancestors'
    /// updates that came from it and from the surfaces below it.
    fn release<H: Clone>(&mut self, trees: &Trees<H>, id: SurfaceId) -> Members<S> {
        let mut members = Vec::new();
        let ancestors: Vec<_> = trees.ancestors(id).collect();
        // What an ancestor took along is older than what its descendants have cached since.
        for ancestor in ancestors.iter().rev() {
            let Some(update) = self.updates.get_mut(ancestor) else { continue };
            let below = |of: SurfaceId| of == id || trees.ancestors(of).any(|ancestor| ancestor == id);
            for (id, state) in update.extract_if(.., |(of, _)| below(*of)) {
                add(&mut members, id, state);
            }
        }
        let own = self.updates.remove(&id).unwrap_or_default();
        own.into_iter().for_each(|(id, state)| add(&mut members, id, state));
        members
    }

    /// A surface is destroyed: drops what is cached of it.
    pub fn forget<H: Clone>(&mut self, trees: &Trees<H>, id: SurfaceId) {
        self.updates.remove(&id);
        for ancestor in trees.ancestors(id) {
            if let Some(update) = self.updates.get_mut(&ancestor) {
                update.retain(|(of, _)| *of != id);
            }
        }
    }

    /// Gives back a list that [`Cache::take`] returned, once it is empty.
    pub fn recycle(&mut self, members: Members<S>) {
        if members.is_empty() && members.capacity() > 0 && self.spare.len() < SPARE {
            self.spare.push(members);
        }
    }

    /// The states that are cached.
    pub fn states(&self) -> impl Iterator<Item = &S> {
        self.updates.values().flatten().map(|(_, state)| state)
    }

    /// The number of states that are cached.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.states().count()
    }
}

fn add<S: Merge>(members: &mut Members<S>, id: SurfaceId, state: S) {
    match members.iter_mut().find(|(of, _)| *of == id) {
        Some((_, merged)) => merged.merge(state),
        None => members.push((id, state)),
    }
}

impl<H: Clone> Trees<H> {
    /// A sub-surface has a cached update from now on.
    fn set_waiting(&mut self, child: SurfaceId) {
        let Some(role) = self.nodes.get(&child).and_then(|node| node.role) else { return };
        if let Some(family) = self.family_mut(role.parent)
            && !family.waiting.contains(&child)
        {
            family.waiting.push(child);
        }
    }

    /// Calls `take` for the children that have cached updates, each with how many are left, and
    /// forgets that they have.
    fn take_waiting(&mut self, parent: SurfaceId, mut take: impl FnMut(SurfaceId, usize)) {
        let Some(family) = self.family_mut(parent) else { return };
        let mut children = family.waiting.drain(..);
        while let Some(child) = children.next() {
            take(child, children.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many commits it stands for.
    #[derive(Debug, PartialEq, Eq)]
    struct Commits(u32);

    impl Merge for Commits {
        fn merge(&mut self, later: Self) {
            self.0 += later.0;
        }
    }

    /// A root with so many children, each with a cached update.
    fn family(children: u32) -> (Trees<()>, Cache<Commits>) {
        let (mut trees, mut cache) = (Trees::default(), Cache::default());
        (0..=children).for_each(|n| trees.insert(SurfaceId(n), ()));
        for child in (1..=children).map(SurfaceId) {
            trees.attach(child, SurfaceId(0)).unwrap();
            cache.hold(&mut trees, child, Commits(1));
        }
        (trees, cache)
    }

    #[test]
    fn a_list_that_is_taken_has_room_for_what_is_in_it() {
        for children in [1, 2, 3, 10, 40] {
            let (mut trees, mut cache) = family(children);
            let taken = cache.take(&mut trees, SurfaceId(0));
            assert_eq!((taken.len(), taken.capacity()), (children as usize, children as usize));
            assert_eq!((cache.len(), cache.take(&mut trees, SurfaceId(0)).len()), (0, 0));
        }
    }

    #[test]
    fn as_many_lists_are_kept_as_may_be_used_again() {
        for (children, kept) in [(1, 0), (2, 1), (17, 16), (18, 16), (30, 16)] {
            let (mut trees, mut cache) = family(children);
            drop(cache.take(&mut trees, SurfaceId(0)));
            assert_eq!(cache.spare.len(), kept, "{children}");
        }
        let mut cache = Cache::<Commits>::default();
        cache.recycle(Vec::new());
        cache.recycle(vec![(SurfaceId(1), Commits(1))]);
        assert_eq!(cache.spare.len(), 0, "there is nothing to use again");
        for kept in 1..20 {
            cache.recycle(Vec::with_capacity(1));
            assert_eq!(cache.spare.len(), kept.min(SPARE));
        }
        let (mut trees, _) = family(1);
        cache.hold(&mut trees, SurfaceId(1), Commits(1));
        assert_eq!(cache.spare.len(), SPARE - 1, "one is used");
    }
}
