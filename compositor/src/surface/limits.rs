//! How deep and how large a tree of surfaces may be, as pure functions.
//!
//! The compositor and Smithay walk trees recursively, and with work that grows faster than the
//! number of surfaces. No protocol bounds a tree, so these limits do. A tree is checked before it
//! grows: every tree that exists is within the limits, whether it was built from its root or from
//! its leaves, and a check costs at most as much as the largest tree.
//!
//! Nothing here knows a protocol object, recurses, or remembers anything: the trees themselves are
//! asked.

use std::iter::successors;

use crate::config::limits::{TREE_DEPTH, TREE_SURFACES};

/// The bounds of one tree.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Levels below the root.
    pub depth: usize,
    /// Surfaces, the root included.
    pub surfaces: usize,
}

/// What a client's tree may be. Toolkits use a handful of levels and a few dozen surfaces.
pub const LIMITS: Limits = Limits { depth: TREE_DEPTH, surfaces: TREE_SURFACES };

/// Why a surface cannot become the child of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The parent is the surface itself or one of its descendants.
    Cycle,
    /// The tree would have more levels than [`Limits::depth`].
    TooDeep,
    /// The tree would have more surfaces than [`Limits::surfaces`].
    TooManySurfaces,
}

/// Why a surface cannot become a popup of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PopupFault {
    /// The parent is the surface itself or one of its popups.
    Cycle,
    /// The chain of popups would have more levels than [`Limits::depth`].
    TooDeep,
    /// The surface has a live popup already.
    HasPopup,
    /// Other live popups have the surface as their parent.
    HasChildren,
}

/// A surface's live popups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LivePopups {
    /// The surface is a popup itself.
    pub itself: bool,
    /// Popups whose parent the surface is.
    pub children: usize,
}

/// Trees whose nodes know their neighbours.
pub trait Forest {
    /// A surface.
    type Node: Clone + PartialEq;

    /// The parent of a node, if it has one.
    fn parent(&self, node: &Self::Node) -> Option<Self::Node>;

    /// The children of a node, without the node itself.
    fn children(&self, node: &Self::Node) -> Vec<Self::Node>;
}

impl Limits {
    /// Checks the chain of ancestors that `child` would get with `parent`: no cycle, and not too
    /// deep. Returns the depth of `child`. At most [`Limits::depth`] steps.
    pub fn check_ancestors<N: Clone + PartialEq>(
        self,
        child: &N,
        parent: &N,
        parent_of: impl Fn(&N) -> Option<N>,
    ) -> Result<usize, Fault> {
        let mut depth = 0;
        for ancestor in successors(Some(parent.clone()), parent_of) {
            if ancestor == *child {
                return Err(Fault::Cycle);
            }
            depth += 1;
            if depth > self.depth {
                return Err(Fault::TooDeep);
            }
        }
        Ok(depth)
    }

    /// Checks the tree that there would be if `child`, which has no parent, became a child of
    /// `parent`. Visits each surface of both trees at most once, and no more than
    /// [`Limits::surfaces`].
    pub fn check_attach<F: Forest>(self, forest: &F, child: &F::Node, parent: &F::Node) -> Result<(), Fault> {
        let depth = self.check_ancestors(child, parent, |node| forest.parent(node))?;
        let below = self.count(forest, child, self.depth - depth, self.surfaces)?;
        let root = successors(Some(parent.clone()), |node| forest.parent(node)).last();
        let root = root.unwrap_or_else(|| parent.clone());
        self.count(forest, &root, self.depth, self.surfaces - below).map(drop)
    }

    /// Checks a new popup of `parent`.
    ///
    /// A popup keeps its parent for life, and a surface with children never becomes a popup. So a
    /// chain grows at its end only: the depth of the new popup is all that has to be checked.
    pub fn check_popup<N: Clone + PartialEq>(
        self,
        popup: &N,
        parent: &N,
        live: LivePopups,
        parent_of: impl Fn(&N) -> Option<N>,
    ) -> Result<(), PopupFault> {
        match self.check_ancestors(popup, parent, parent_of) {
            Err(Fault::Cycle) => Err(PopupFault::Cycle),
            Err(Fault::TooDeep | Fault::TooManySurfaces) => Err(PopupFault::TooDeep),
            Ok(_) if live.itself => Err(PopupFault::HasPopup),
            Ok(_) if live.children > 0 => Err(PopupFault::HasChildren),
            Ok(_) => Ok(()),
        }
    }

    /// The number of surfaces of the tree below and with `root`, which has at most `levels` levels
    /// below the root and at most `most` surfaces.
    fn count<F: Forest>(self, forest: &F, root: &F::Node, levels: usize, most: usize) -> Result<usize, Fault> {
        let mut level = vec![root.clone()];
        let mut count = 0;
        for _ in 0..=levels {
            count += level.len();
            if count > most {
                return Err(Fault::TooManySurfaces);
            }
            level = level.iter().flat_map(|node| forest.children(node)).collect();
            if level.is_empty() {
                return Ok(count);
            }
        }
        Err(Fault::TooDeep)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// Surfaces by number, each with its parent.
    #[derive(Debug, Clone, Default)]
    struct Model {
        parents: Vec<Option<usize>>,
        visits: Cell<usize>,
    }

    impl Forest for Model {
        type Node = usize;

        fn parent(&self, node: &usize) -> Option<usize> {
            self.visits.set(self.visits.get() + 1);
            self.parents[*node]
        }

        fn children(&self, node: &usize) -> Vec<usize> {
            self.visits.set(self.visits.get() + 1);
            (0..self.parents.len()).filter(|i| self.parents[*i] == Some(*node)).collect()
        }
    }

    impl Model {
        fn of(count: usize) -> Self {
            Self { parents: vec![None; count], visits: Cell::new(0) }
        }

        fn attach(&mut self, limits: Limits, child: usize, parent: usize) -> Result<(), Fault> {
            limits.check_attach(self, &child, &parent)?;
            self.parents[child] = Some(parent);
            Ok(())
        }

        /// Depth of a node and its root; `None` in a cycle.
        fn depth(&self, node: usize) -> Option<(usize, usize)> {
            let (mut depth, mut at) = (0, node);
            while let Some(parent) = self.parents[at] {
                (depth, at) = (depth + 1, parent);
                if depth > self.parents.len() {
                    return None;
                }
            }
            Some((depth, at))
        }

        fn is_within(&self, limits: Limits) -> bool {
            let all = 0..self.parents.len();
            let places: Option<Vec<_>> = all.clone().map(|node| self.depth(node)).collect();
            places.is_some_and(|places| {
                places.iter().all(|(depth, _)| *depth <= limits.depth)
                    && all.clone().all(|root| places.iter().filter(|(_, of)| *of == root).count() <= limits.surfaces)
            })
        }
    }

    #[test]
    fn a_chain_ends_at_the_limit_from_either_end() {
        let root_first: Vec<_> = (1..=LIMITS.depth + 1).map(|i| (i, i - 1)).collect();
        let leaf_first: Vec<_> = (0..=LIMITS.depth).map(|i| (i, i + 1)).collect();
        for chain in [root_first, leaf_first] {
            let mut model = Model::of(LIMITS.depth + 2);
            let (last, others) = chain.split_last().unwrap();
            others.iter().for_each(|(child, parent)| model.attach(LIMITS, *child, *parent).unwrap());
            assert_eq!(model.attach(LIMITS, last.0, last.1), Err(Fault::TooDeep), "{last:?}");
        }
    }

    #[test]
    fn two_halves_are_one_tree() {
        let limits = Limits { depth: 4, surfaces: 100 };
        let mut model = Model::of(6);
        for (child, parent) in [(1, 0), (2, 1), (4, 3), (5, 4)] {
            model.attach(limits, child, parent).unwrap();
        }
        assert_eq!(model.attach(limits, 3, 2), Err(Fault::TooDeep));
        assert_eq!(model.attach(limits, 3, 1), Ok(()));
    }

    #[test]
    fn a_surface_is_no_child_of_its_own_descendants() {
        let mut model = Model::of(3);
        assert_eq!(model.attach(LIMITS, 0, 0), Err(Fault::Cycle));
        model.attach(LIMITS, 1, 0).unwrap();
        model.attach(LIMITS, 2, 1).unwrap();
        assert_eq!(model.attach(LIMITS, 0, 2), Err(Fault::Cycle));
    }

    #[test]
    fn only_a_surface_without_live_popups_becomes_one() {
        let table = [
            (false, 0, Ok(())),
            (true, 0, Err(PopupFault::HasPopup)),
            (true, 1, Err(PopupFault::HasPopup)),
            (false, 1, Err(PopupFault::HasChildren)),
            (false, 2, Err(PopupFault::HasChildren)),
        ];
        for (itself, children, expected) in table {
            let live = LivePopups { itself, children };
            assert_eq!(LIMITS.check_popup(&1, &0, live, |_| None), expected, "{live:?}");
        }
        let live = LivePopups { itself: true, children: 1 };
        assert_eq!(LIMITS.check_popup(&1, &0, live, |node| (*node == 0).then_some(1)), Err(PopupFault::Cycle));
        assert_eq!(LIMITS.check_popup(&1, &0, live, |node| Some(node + 2)), Err(PopupFault::TooDeep));
    }

    #[test]
    fn a_wide_tree_ends_at_the_limit() {
        let mut model = Model::of(LIMITS.surfaces + 1);
        for child in 1..LIMITS.surfaces {
            model.parents[child] = Some(0);
        }
        let one_more = LIMITS.surfaces;
        assert_eq!(model.attach(LIMITS, one_more, 0), Err(Fault::TooManySurfaces));
        assert_eq!(model.attach(LIMITS, 0, one_more), Err(Fault::TooManySurfaces), "the root becomes a child");
    }

    proptest! {
        /// Whatever is attached, destroyed and attached again: what exists is within the limits,
        /// what is refused would not have been, and no check looks at more than the limits allow.
        #[test]
        fn trees_stay_within_the_limits(steps in prop::collection::vec((0usize..24, prop::option::of(0usize..24)), 1..200)) {
            let limits = Limits { depth: 3, surfaces: 7 };
            let mut model = Model::of(24);
            for (child, parent) in steps {
                let Some(parent) = parent else {
                    // Destroyed: its children are orphans, and a new surface has its number.
                    model.parents[child] = None;
                    model.parents.iter_mut().for_each(|of| *of = of.filter(|of| *of != child));
                    continue;
                };
                if model.parents[child].is_some() {
                    continue;
                }
                model.visits.set(0);
                let mut wanted = model.clone();
                wanted.parents[child] = Some(parent);
                match model.attach(limits, child, parent) {
                    Ok(()) => prop_assert!(model.is_within(limits)),
                    Err(fault) => {
                        prop_assert!(!wanted.is_within(limits), "{fault:?}");
                        prop_assert_eq!(fault == Fault::Cycle, wanted.depth(child).is_none());
                    }
                }
                prop_assert!(model.visits.get() <= 2 * (limits.depth + 1) + 2 * limits.surfaces);
            }
        }

        /// Whatever popups are created and destroyed, in whatever order: no chain of parents is
        /// deeper than the limit or a cycle, also where a popup went before its children.
        #[test]
        fn chains_of_popups_stay_within_the_limits(steps in prop::collection::vec((0usize..12, prop::option::of(0usize..12)), 1..300)) {
            let limits = Limits { depth: 4, surfaces: 12 };
            let mut model = Model::of(12);
            for (popup, parent) in steps {
                let Some(parent) = parent else {
                    model.parents[popup] = None;
                    continue;
                };
                let children = model.parents.iter().filter(|of| **of == Some(popup)).count();
                let live = LivePopups { itself: model.parents[popup].is_some(), children };
                if limits.check_popup(&popup, &parent, live, |node| model.parents[*node]).is_ok() {
                    model.parents[popup] = Some(parent);
                }
                prop_assert!(model.is_within(limits), "{:?}", model.parents);
            }
        }
    }
}
