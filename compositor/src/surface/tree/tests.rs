//! The trees and what is cached, against a plain model of the protocol's text.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::surface::tree::cache::{Cache, Merge};

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
        let update = self.trees.take_update(id).map(|update| *update).unwrap_or_default();
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

/// A life of a sub-surface, by number.
type Life = usize;

#[derive(Debug, Clone)]
enum TreeOp {
    Add(usize, Life),
    Move(Life, Offset),
    /// The life goes next to another one, or to the parent itself.
    Place(Life, Option<Life>, bool),
}

/// A content update, as `wl_surface.commit` describes it.
#[derive(Debug, Clone)]
struct Update {
    surface: usize,
    sync: bool,
    content: Option<u32>,
    ops: Vec<TreeOp>,
    /// Numbers of the updates that it depends on.
    needs: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
struct Plain {
    parent: Option<(usize, Life)>,
    sync: bool,
    content: u32,
    pending: Vec<TreeOp>,
    /// From bottom to top; `None` is the surface itself. The dead stay, as marks of their place.
    order: Vec<Option<(usize, Life)>>,
}

/// The protocol's text, word by word.
#[derive(Debug, Default)]
struct Spec {
    surfaces: Vec<Plain>,
    /// Those that are not applied, by number.
    updates: BTreeMap<usize, Update>,
    positions: BTreeMap<Life, Offset>,
    made: usize,
    lives: Life,
}

impl Spec {
    fn is_sync(&self, of: usize) -> bool {
        self.surfaces[of].parent.is_some_and(|(parent, _)| self.surfaces[of].sync || self.is_sync(parent))
    }

    fn is_below(&self, of: usize, other: usize) -> bool {
        of == other || self.surfaces[of].parent.is_some_and(|(parent, _)| self.is_below(parent, other))
    }

    fn children(&self, of: usize) -> Vec<usize> {
        (0..self.surfaces.len()).filter(|c| self.surfaces[*c].parent.is_some_and(|(p, _)| p == of)).collect()
    }

    fn last(&self, surface: usize) -> Option<usize> {
        self.updates.iter().rev().find(|(_, update)| update.surface == surface).map(|(number, _)| *number)
    }

    fn commit(&mut self, surface: usize, content: Option<u32>) {
        let mut needs: Vec<_> = self.last(surface).into_iter().collect();
        for child in self.children(surface) {
            let free = |number: &usize| !self.updates.values().any(|update| update.needs.contains(number));
            needs.extend(self.last(child).filter(|number| self.updates[number].sync && free(number)));
        }
        let ops = std::mem::take(&mut self.surfaces[surface].pending);
        let update = Update { surface, sync: self.is_sync(surface), content, ops, needs };
        self.updates.insert(self.made, update);
        self.made += 1;
        self.apply();
    }

    /// Applies the graphs of all candidates.
    fn apply(&mut self) {
        loop {
            let blocked = |number: &usize, of: usize| {
                self.updates.range(..number).any(|(_, before)| before.surface == of && before.sync)
            };
            let next = self.updates.iter().find(|(number, update)| !update.sync && !blocked(number, update.surface));
            let Some((&number, _)) = next else { return };
            let mut graph = vec![number];
            let mut at = 0;
            while let Some(number) = graph.get(at) {
                let needs = self.updates[number].needs.clone();
                graph.extend(needs.into_iter().filter(|number| self.updates.contains_key(number)));
                at += 1;
            }
            graph.sort_unstable();
            graph.dedup();
            for number in graph {
                let update = self.updates.remove(&number).unwrap();
                self.apply_one(update);
            }
        }
    }

    fn apply_one(&mut self, update: Update) {
        let surface = &mut self.surfaces[update.surface];
        surface.content = update.content.unwrap_or(surface.content);
        for op in update.ops {
            match op {
                TreeOp::Add(child, life) => surface.order.push(Some((child, life))),
                TreeOp::Move(life, to) => drop(self.positions.insert(life, to)),
                TreeOp::Place(life, reference, above) => {
                    let of = |entry: &Option<(usize, Life)>| entry.map(|(_, life)| life);
                    let from = surface.order.iter().position(|entry| of(entry) == Some(life)).unwrap();
                    let entry = surface.order.remove(from);
                    let at = surface.order.iter().position(|entry| of(entry) == reference).unwrap();
                    surface.order.insert(at + usize::from(above), entry);
                }
            }
        }
    }

    /// After `change`: the surfaces that were effectively synchronised and are not any more let
    /// their updates go.
    fn changing(&mut self, change: impl FnOnce(&mut Self)) {
        let was: Vec<_> = (0..self.surfaces.len()).filter(|s| self.is_sync(*s)).collect();
        change(self);
        for surface in was.into_iter().filter(|s| !self.is_sync(*s)).collect::<Vec<_>>() {
            let own: Vec<_> =
                self.updates.iter().filter(|(_, u)| u.surface == surface).map(|(number, _)| *number).collect();
            for update in self.updates.values_mut() {
                match update.surface == surface {
                    true => update.sync = false,
                    false => update.needs.retain(|number| !own.contains(number)),
                }
            }
        }
        self.apply();
    }

    fn walk(&self, root: usize, at: Offset, found: &mut Vec<(SurfaceId, Offset)>) {
        if self.surfaces[root].content == 0 {
            return;
        }
        for entry in self.surfaces[root].order.iter().rev() {
            match entry {
                None => found.push((id(root), at)),
                Some((child, life)) if self.surfaces[*child].parent == Some((root, *life)) => {
                    let (x, y) = self.positions.get(life).copied().unwrap_or_default();
                    self.walk(*child, (at.0 + x, at.1 + y), found);
                }
                Some(_) => {}
            }
        }
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
    let surfaces = vec![Plain { order: vec![None], ..Plain::default() }; SURFACES];
    let mut spec = Spec { surfaces, ..Spec::default() };
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
                if spec.surfaces[child].parent.is_some() || spec.is_below(parent, child) {
                    continue;
                }
                real.trees.attach(id(child), id(parent)).unwrap();
                let life = spec.lives;
                spec.lives += 1;
                spec.surfaces[child].parent = Some((parent, life));
                spec.surfaces[child].sync = true;
                spec.surfaces[parent].pending.push(TreeOp::Add(child, life));
            }
            Op::Sync(s) => {
                let Some(link) = real.trees.link(id(s)) else { continue };
                real.trees.set_sync(id(s), link, true);
                spec.surfaces[s].sync = true;
            }
            Op::Desync(s) => {
                real.set_desync(id(s));
                spec.changing(|spec| spec.surfaces[s].sync = false);
            }
            Op::Move(s, to) => {
                let Some((parent, life)) = spec.surfaces[s].parent else { continue };
                real.trees.set_position(id(s), real.trees.link(id(s)).unwrap(), to);
                spec.surfaces[parent].pending.push(TreeOp::Move(life, to));
            }
            Op::Place(s, other, above) => {
                let Some((parent, life)) = spec.surfaces[s].parent else { continue };
                let link = real.trees.link(id(s)).unwrap();
                let done = real.trees.place(id(s), link, id(other), above);
                let sibling = spec.surfaces[other].parent.filter(|(of, _)| *of == parent && other != s);
                let reference = if other == parent { None } else { sibling.map(|(_, life)| life) };
                prop_assert_eq!(done.is_ok(), other == parent || sibling.is_some());
                if done.is_ok() {
                    spec.surfaces[parent].pending.push(TreeOp::Place(life, reference, above));
                }
            }
            Op::Detach(s) => {
                real.detach(id(s));
                spec.changing(|spec| spec.surfaces[s].parent = None);
            }
            Op::Destroy(s) => {
                real.destroy(id(s));
                spec.updates.retain(|_, update| update.surface != s);
                let children = spec.children(s);
                spec.changing(|spec| {
                    children.into_iter().for_each(|child| spec.surfaces[child].parent = None);
                    spec.surfaces[s] = Plain { order: vec![None], ..Plain::default() };
                });
            }
        }
        let changed = before.0 != real.current();
        let counted = before.1 != real.trees.generation();
        prop_assert!(counted || !(changed || destroyed), "a change is counted");
        // Several updates of one surface may come at once, and the last may undo the first.
        prop_assert!(changed || destroyed || applies || !counted, "only changes are counted");
        for s in 0..SURFACES {
            prop_assert_eq!(spec.surfaces[s].content, real.contents.get(&id(s)).copied().unwrap_or(0), "content");
            let mut wanted = Vec::new();
            if spec.surfaces[s].parent.is_none() {
                spec.walk(s, (0, 0), &mut wanted);
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
