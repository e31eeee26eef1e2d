//! The trees and what is cached, against a plain model of the protocol's text.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::surface::tree::{
    cache::{Cache, Merge},
    spec::Spec,
};

fn id(n: usize) -> SurfaceId {
    SurfaceId(n as u32)
}

/// What the commits of a test carry.
#[derive(Debug, Default)]
struct State {
    /// A content (0: the null buffer).
    content: Option<u32>,
    update: TreeUpdate,
}

impl Merge for State {
    fn merge(&mut self, later: Self) {
        self.content = later.content.or(self.content);
        self.update.merge(later.update);
    }
}

/// The product's code, put together as the session does it.
#[derive(Default)]
struct Real {
    trees: Trees<SurfaceId>,
    cache: Cache<State>,
    contents: BTreeMap<SurfaceId, u32>,
}

impl Real {
    fn commit(&mut self, id: SurfaceId, content: Option<u32>) {
        let update = self.trees.take_update(id).unwrap_or_default();
        let state = State { content, update };
        if self.trees.is_sync(id) {
            return self.cache.hold(&mut self.trees, id, state);
        }
        let mut members = self.cache.take(&mut self.trees, id);
        members.push((id, state));
        self.apply(members);
    }

    fn apply(&mut self, members: cache::Members<State>) {
        for (id, state) in members {
            self.trees.apply(id, &state.update);
            if let Some(content) = state.content {
                self.contents.insert(id, content);
                let mapped = content != 0;
                self.trees.set_shape(id, mapped, if mapped { (1, 1) } else { (0, 0) });
            }
        }
    }

    fn set_desync(&mut self, child: SurfaceId) {
        let Some(link) = self.trees.link(child) else { return };
        let was = self.trees.is_sync(child);
        self.trees.set_sync(child, link, false);
        if was && !self.trees.is_sync(child) {
            let groups = self.cache.release_subtree(&self.trees, child);
            groups.into_iter().for_each(|members| self.apply(members));
        }
    }

    fn detach(&mut self, child: SurfaceId) {
        let Some(link) = self.trees.link(child) else { return };
        let groups = self.cache.release_subtree(&self.trees, child);
        self.trees.detach(child, link);
        groups.into_iter().for_each(|members| self.apply(members));
    }

    fn destroy(&mut self, id: SurfaceId) {
        let children = self.trees.children_of(id);
        let groups: Vec<_> = children.iter().flat_map(|c| self.cache.release_subtree(&self.trees, *c)).collect();
        self.cache.forget(&self.trees, id);
        self.trees.remove(id);
        self.contents.remove(&id);
        groups.into_iter().for_each(|members| self.apply(members));
        self.trees.insert(id, id);
    }

    fn walk(&self, root: SurfaceId) -> Vec<(SurfaceId, Offset)> {
        let mut found = Vec::new();
        self.trees.walk(root, |id, at| found.push((*id, at)));
        found
    }

    /// Everything that is current.
    fn current(&self) -> Vec<impl PartialEq + use<>> {
        let mut all: Vec<_> = self.trees.nodes.iter().map(|(of, node)| (of, &**node)).collect();
        all.sort_by_key(|(id, _)| **id);
        let seen = |(of, node): (&SurfaceId, &Node<SurfaceId>)| {
            let at = |id: &SurfaceId| self.trees.nodes[id].role.map_or((0, 0), |role| role.position);
            let order = if node.order().is_empty() { vec![*of] } else { node.order().to_vec() };
            let order: Vec<_> = order.iter().map(|id| (*id, if id == of { (0, 0) } else { at(id) })).collect();
            (*of, order, node.mapped, node.size)
        };
        all.into_iter().map(seen).collect()
    }
}

#[derive(Debug, Clone)]
enum Op {
    Commit(usize, Option<u32>),
    Attach(usize, usize),
    Sync(usize),
    Desync(usize),
    Move(usize, Offset),
    Place(usize, usize, bool),
    Detach(usize),
    Destroy(usize),
}

const SURFACES: usize = 7;

fn op() -> impl Strategy<Value = Op> {
    let one = || 0..SURFACES;
    prop_oneof![
        8 => (one(), prop::option::of(0..4u32)).prop_map(|(s, content)| Op::Commit(s, content)),
        4 => (one(), one()).prop_map(|(c, p)| Op::Attach(c, p)),
        1 => one().prop_map(Op::Sync),
        2 => one().prop_map(Op::Desync),
        2 => (one(), (0..9, 0..9)).prop_map(|(s, to)| Op::Move(s, to)),
        3 => (one(), one(), any::<bool>()).prop_map(|(s, to, above)| Op::Place(s, to, above)),
        1 => one().prop_map(Op::Detach),
        1 => one().prop_map(Op::Destroy),
    ]
}

fn play(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let mut real = Real::default();
    (0..SURFACES).for_each(|n| real.trees.insert(id(n), id(n)));
    let mut spec = Spec::new(SURFACES);
    for op in ops {
        let before = (real.current(), real.trees.generation());
        let destroyed = matches!(op, Op::Destroy(_));
        let applies = matches!(op, Op::Commit(..) | Op::Desync(_) | Op::Detach(_));
        match op {
            Op::Commit(s, content) => {
                real.commit(id(s), content);
                spec.commit(s, content);
            }
            Op::Attach(child, parent) => {
                if spec.has_parent(child) || spec.is_below(parent, child) {
                    continue;
                }
                real.trees.attach(id(child), id(parent)).unwrap();
                spec.attach(child, parent);
            }
            Op::Sync(s) => {
                let Some(link) = real.trees.link(id(s)) else { continue };
                real.trees.set_sync(id(s), link, true);
                spec.set_sync(s);
            }
            Op::Desync(s) => {
                real.set_desync(id(s));
                spec.set_desync(s);
            }
            Op::Move(s, to) => {
                let Some(link) = real.trees.link(id(s)) else { continue };
                real.trees.set_position(id(s), link, to);
                spec.set_position(s, to);
            }
            Op::Place(s, other, above) => {
                let Some(link) = real.trees.link(id(s)) else { continue };
                let done = real.trees.place(id(s), link, id(other), above);
                prop_assert_eq!(done.is_ok(), spec.place(s, other, above));
            }
            Op::Detach(s) => {
                real.detach(id(s));
                spec.detach(s);
            }
            Op::Destroy(s) => {
                real.destroy(id(s));
                spec.destroy(s);
            }
        }
        let changed = before.0 != real.current();
        let counted = before.1 != real.trees.generation();
        prop_assert!(counted || !(changed || destroyed), "a change is counted");
        // Several updates of one surface may come at once, and the last may undo the first.
        prop_assert!(changed || destroyed || applies || !counted, "only changes are counted");
        for s in 0..SURFACES {
            prop_assert_eq!(spec.content(s), real.contents.get(&id(s)).copied().unwrap_or(0), "content");
            if !spec.has_parent(s) {
                let wanted: Vec<_> = spec.walk(s).into_iter().map(|(surface, at)| (id(surface), at)).collect();
                prop_assert_eq!(&wanted, &real.walk(id(s)), "the tree of {}", s);
                prop_assert!(!real.trees.is_sync(id(s)));
            }
        }
        prop_assert!(real.cache.len() <= SURFACES * SURFACES, "one state for each surface and level");
    }
    Ok(())
}

/// What is released at once unmaps a surface and maps it again.
#[test]
fn an_update_may_undo_the_one_before() {
    use Op::{Attach, Commit, Desync};
    let ops = [
        Attach(4, 5),
        Commit(5, None),
        Commit(4, Some(1)),
        Desync(4),
        Attach(5, 0),
        Commit(4, Some(0)),
        Commit(5, None),
        Commit(4, Some(1)),
        Desync(5),
    ];
    play(ops.into()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever clients do: what is applied and what is visible is what the protocol says.
    #[test]
    fn trees_and_commits_follow_the_protocol(ops in prop::collection::vec(op(), 1..80)) {
        play(ops)?;
    }
}

#[test]
fn what_a_child_commits_after_its_parent_waits_for_the_parent_s_next_commit() {
    let (root, child, grandchild) = (0, 1, 2);
    play(vec![
        Op::Attach(child, root),
        Op::Attach(grandchild, child),
        Op::Commit(grandchild, Some(1)),
        Op::Commit(child, Some(1)),
        Op::Commit(grandchild, Some(2)),
        Op::Commit(root, Some(1)),
        Op::Desync(grandchild),
        Op::Desync(child),
    ])
    .unwrap();
}

#[test]
fn a_surface_is_attached_once_and_not_to_itself() {
    let mut trees = Trees::default();
    (0..3).for_each(|n| trees.insert(id(n), n));
    assert_eq!(
        (trees.attach(id(0), id(0)), trees.attach(id(1), id(9)), trees.attach(id(9), id(0))),
        (None, None, None)
    );
    let link = trees.attach(id(1), id(0));
    assert!(link.is_some() && trees.link(id(1)) == link);
    assert_eq!(trees.attach(id(1), id(2)), None, "it has a parent");
    assert_eq!((trees.handle(id(1)), trees.handle(id(9))), (Some(&1), None));
    trees.attach(id(2), id(1)).unwrap();
    assert_eq!([2, 0, 9].map(|n| trees.root(id(n))), [id(0), id(0), id(9)]);
    assert_eq!(trees.children(&id(0)), [id(1)]);
}

#[test]
fn a_child_that_ends_before_it_is_current_changes_nothing() {
    let mut trees = Trees::default();
    (0..2).for_each(|n| trees.insert(id(n), n));
    let link = trees.attach(id(1), id(0)).unwrap();
    let before = trees.generation();
    trees.detach(id(1), link);
    assert_eq!(trees.generation(), before);
    let link = trees.attach(id(1), id(0)).unwrap();
    let update = trees.take_update(id(0)).unwrap();
    assert!(trees.apply(id(0), &update));
    let before = trees.generation();
    trees.set_position(id(1), link, (3, 3));
    trees.detach(id(1), link);
    assert!(trees.generation() > before, "it was current");
    assert!(trees.take_update(id(0)).is_none(), "where it was to go is forgotten");
}

#[test]
fn what_was_said_of_an_earlier_life_of_a_child_is_void() {
    let mut trees = Trees::default();
    (0..2).for_each(|n| trees.insert(id(n), n));
    let first = trees.attach(id(1), id(0)).unwrap();
    trees.set_position(id(1), first, (5, 5));
    let update = trees.take_update(id(0)).unwrap();
    trees.detach(id(1), first);
    let second = trees.attach(id(1), id(0)).unwrap();
    let later = trees.take_update(id(0)).unwrap();
    trees.apply(id(0), &update);
    trees.apply(id(0), &later);
    for n in 0..2 {
        trees.set_shape(id(n), true, (1, 1));
    }
    let position = |trees: &Trees<usize>| {
        let mut found = None;
        trees.walk(id(0), |of, at| found = found.or((*of == 1).then_some(at)));
        found
    };
    assert_eq!(position(&trees), Some((0, 0)));
    trees.set_position(id(1), first, (7, 7));
    assert!(trees.take_update(id(0)).is_none(), "nothing is said of the second life");
    trees.set_position(id(1), second, (7, 7));
    let update = trees.take_update(id(0)).unwrap();
    assert!(trees.apply(id(0), &update) && !trees.apply(id(0), &update));
    assert_eq!(position(&trees), Some((7, 7)));
}

#[test]
fn a_cache_of_many_commits_is_one_state() {
    let mut real = Real::default();
    (0..2).for_each(|n| real.trees.insert(id(n), id(n)));
    real.trees.attach(id(1), id(0)).unwrap();
    (1..1000).for_each(|content| real.commit(id(1), Some(content)));
    assert_eq!((real.cache.len(), real.contents.get(&id(1))), (1, None));
    real.commit(id(0), Some(1));
    assert_eq!((real.cache.len(), real.contents[&id(1)]), (0, 999));
}

#[test]
fn a_deep_tree_is_walked_to_its_end() {
    let mut real = Real::default();
    (0..65).for_each(|n| real.trees.insert(id(n), id(n)));
    for n in 1..65 {
        let link = real.trees.attach(id(n), id(n - 1)).unwrap();
        real.trees.set_position(id(n), link, (1, i32::MAX));
    }
    (0..65).rev().for_each(|n| real.commit(id(n), Some(1)));
    let walk = real.walk(id(0));
    assert_eq!((walk.len(), walk[0], walk[64]), (65, (id(64), (64, i32::MAX)), (id(0), (0, 0))));
}
