//! A plain model of what the protocols say of trees of surfaces, their commits and their fences,
//! for tests. It shares no code with the product.
//!
//! Surfaces are numbers, and so are contents; 0 is the null buffer. A content may be read once its
//! acquire is [`Acquire::Ready`]. What one commit applies is a group; it is applied as a whole, in
//! order with the other groups of its surfaces, when nothing in it is pending. A group overtakes
//! earlier ones if it replaces every content in them that is pending. A content whose acquire has
//! failed is not shown; the one before it stays.

use std::collections::BTreeMap;

pub type Offset = (i32, i32);

/// A life of a sub-surface, by number.
type Life = usize;

/// How the acquire of a content stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquire {
    Ready,
    Pending,
    Failed,
}

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

impl Plain {
    fn new() -> Self {
        Self { order: vec![None], ..Self::default() }
    }
}

/// The protocol's text, word by word, but for [`Spec::changing`].
#[derive(Debug, Default)]
pub struct Spec {
    surfaces: Vec<Plain>,
    /// Those that wait for their parent's commit, by number.
    updates: BTreeMap<usize, Update>,
    /// Those that are to be applied in one go, and wait for fences.
    groups: Vec<Vec<Update>>,
    acquires: BTreeMap<u32, Acquire>,
    positions: BTreeMap<Life, Offset>,
    made: usize,
    lives: Life,
}

impl Spec {
    /// So many surfaces without roles.
    pub fn new(surfaces: usize) -> Self {
        Self { surfaces: vec![Plain::new(); surfaces], ..Self::default() }
    }

    pub fn content(&self, of: usize) -> u32 {
        self.surfaces[of].content
    }

    pub fn has_parent(&self, of: usize) -> bool {
        self.surfaces[of].parent.is_some()
    }

    /// Whether `of` is `other` or below it.
    pub fn is_below(&self, of: usize, other: usize) -> bool {
        of == other || self.surfaces[of].parent.is_some_and(|(parent, _)| self.is_below(parent, other))
    }

    /// From top to bottom: the surfaces that are shown below `root`, with their places.
    pub fn walk(&self, root: usize) -> Vec<(usize, Offset)> {
        let mut found = Vec::new();
        self.walk_from(root, (0, 0), &mut found);
        found
    }

    fn walk_from(&self, root: usize, at: Offset, found: &mut Vec<(usize, Offset)>) {
        if self.surfaces[root].content == 0 {
            return;
        }
        for entry in self.surfaces[root].order.iter().rev() {
            match entry {
                None => found.push((root, at)),
                Some((child, life)) if self.surfaces[*child].parent == Some((root, *life)) => {
                    let (x, y) = self.positions.get(life).copied().unwrap_or_default();
                    self.walk_from(*child, (at.0 + x, at.1 + y), found);
                }
                Some(_) => {}
            }
        }
    }

    fn is_sync(&self, of: usize) -> bool {
        self.surfaces[of].parent.is_some_and(|(parent, _)| self.surfaces[of].sync || self.is_sync(parent))
    }

    fn children(&self, of: usize) -> Vec<usize> {
        (0..self.surfaces.len()).filter(|c| self.surfaces[*c].parent.is_some_and(|(p, _)| p == of)).collect()
    }

    fn last(&self, surface: usize) -> Option<usize> {
        self.updates.iter().rev().find(|(_, update)| update.surface == surface).map(|(number, _)| *number)
    }
}

/// What clients do.
impl Spec {
    /// The content's acquire is, or becomes, this. A content of which nothing is said is ready.
    pub fn acquire(&mut self, content: u32, acquire: Acquire) {
        self.acquires.insert(content, acquire);
        self.settle();
    }

    pub fn commit(&mut self, surface: usize, content: Option<u32>) {
        let mut needs: Vec<_> = self.last(surface).into_iter().collect();
        for child in self.children(surface) {
            let free = |number: &usize| !self.updates.values().any(|update| update.needs.contains(number));
            needs.extend(self.last(child).filter(|number| self.updates[number].sync && free(number)));
        }
        let ops = std::mem::take(&mut self.surfaces[surface].pending);
        let update = Update { surface, sync: self.is_sync(surface), content, ops, needs };
        self.updates.insert(self.made, update);
        self.made += 1;
        self.submit();
    }

    /// `child` is not above `parent`, and no sub-surface.
    pub fn attach(&mut self, child: usize, parent: usize) {
        let life = self.lives;
        self.lives += 1;
        self.surfaces[child].parent = Some((parent, life));
        self.surfaces[child].sync = true;
        self.surfaces[parent].pending.push(TreeOp::Add(child, life));
    }

    pub fn set_sync(&mut self, surface: usize) {
        self.surfaces[surface].sync = true;
    }

    pub fn set_desync(&mut self, surface: usize) {
        self.changing(|spec| spec.surfaces[surface].sync = false);
    }

    pub fn set_position(&mut self, surface: usize, to: Offset) {
        let Some((parent, life)) = self.surfaces[surface].parent else { return };
        self.surfaces[parent].pending.push(TreeOp::Move(life, to));
    }

    /// Returns whether `other` is a sibling or the parent.
    pub fn place(&mut self, surface: usize, other: usize, above: bool) -> bool {
        let Some((parent, life)) = self.surfaces[surface].parent else { return false };
        let sibling = self.surfaces[other].parent.filter(|(of, _)| *of == parent && other != surface);
        let reference = if other == parent { None } else { sibling.map(|(_, life)| life) };
        let right = other == parent || sibling.is_some();
        if right {
            self.surfaces[parent].pending.push(TreeOp::Place(life, reference, above));
        }
        right
    }

    /// The sub-surface is destroyed, its surface is not.
    pub fn detach(&mut self, surface: usize) {
        self.changing(|spec| spec.surfaces[surface].parent = None);
    }

    /// The surface is destroyed, and its number is that of a new one.
    pub fn destroy(&mut self, surface: usize) {
        self.updates.retain(|_, update| update.surface != surface);
        self.groups.iter_mut().for_each(|group| group.retain(|update| update.surface != surface));
        let children = self.children(surface);
        self.changing(|spec| {
            children.into_iter().for_each(|child| spec.surfaces[child].parent = None);
            spec.surfaces[surface] = Plain::new();
        });
    }

    /// After `change`: the surfaces that were effectively synchronised and are not any more let
    /// their updates go, those of each merged into one. The text does not merge them: the product keeps
    /// one cached state for a surface, and a client that waits with `set_desync` between two commits
    /// gets both at once.
    fn changing(&mut self, change: impl FnOnce(&mut Self)) {
        let was: Vec<_> = (0..self.surfaces.len()).filter(|s| self.is_sync(*s)).collect();
        change(self);
        for surface in was.into_iter().filter(|s| !self.is_sync(*s)).collect::<Vec<_>>() {
            let own: Vec<_> =
                self.updates.iter().filter(|(_, u)| u.surface == surface).map(|(number, _)| *number).collect();
            self.updates.values_mut().for_each(|update| update.needs.retain(|number| !own.contains(number)));
            // They have become one.
            let merged = own.iter().filter_map(|number| self.updates.remove(number)).reduce(|mut all, later| {
                all.content = later.content.or(all.content);
                all.ops.extend(later.ops);
                all.needs.extend(later.needs);
                all
            });
            if let (Some(last), Some(merged)) = (own.last(), merged) {
                self.updates.insert(*last, Update { sync: false, ..merged });
            }
        }
        self.submit();
    }
}

/// What becomes of it.
impl Spec {
    /// Makes groups of the graphs of all candidates.
    fn submit(&mut self) {
        loop {
            let blocked = |number: &usize, of: usize| {
                self.updates.range(..number).any(|(_, before)| before.surface == of && before.sync)
            };
            let next = self.updates.iter().find(|(number, update)| !update.sync && !blocked(number, update.surface));
            let Some((&number, _)) = next else { return self.settle() };
            let mut graph = vec![number];
            let mut at = 0;
            while let Some(number) = graph.get(at) {
                let needs = self.updates[number].needs.clone();
                graph.extend(needs.into_iter().filter(|number| self.updates.contains_key(number)));
                at += 1;
            }
            graph.sort_unstable();
            graph.dedup();
            let mut group: Vec<_> = graph.into_iter().filter_map(|number| self.updates.remove(&number)).collect();
            // Of several contents of a surface the last one counts.
            for at in 0..group.len() {
                let (surface, later) = (group[at].surface, &group[at + 1..]);
                if later.iter().any(|update| update.surface == surface && update.content.is_some()) {
                    group[at].content = None;
                }
            }
            self.groups.push(group);
        }
    }

    fn acquire_of(&self, content: u32) -> Acquire {
        self.acquires.get(&content).copied().unwrap_or(Acquire::Ready)
    }

    /// Surface and content of what is pending in a group.
    fn pending<'a>(&'a self, group: &'a [Update]) -> impl Iterator<Item = usize> + 'a {
        let is_pending = |content: &u32| self.acquire_of(*content) == Acquire::Pending;
        group.iter().filter(move |update| update.content.as_ref().is_some_and(is_pending)).map(|update| update.surface)
    }

    /// The groups that must be applied before this one.
    fn before(&self, at: usize) -> Vec<usize> {
        let mut found = vec![at];
        for earlier in (0..at).rev() {
            let shares = |later: &usize| {
                *later > earlier
                    && self.groups[*later].iter().any(|a| self.groups[earlier].iter().any(|b| a.surface == b.surface))
            };
            if found.iter().any(shares) {
                found.push(earlier);
            }
        }
        found.retain(|found| *found != at);
        found.reverse();
        found
    }

    /// Applies all groups that may be.
    fn settle(&mut self) {
        loop {
            let may = |at: &usize| {
                let group = &self.groups[*at];
                let replaces = |surface| {
                    group.iter().any(|update| {
                        let good = |content: u32| self.acquire_of(content) != Acquire::Failed;
                        update.surface == surface && update.content.is_some_and(good)
                    })
                };
                self.pending(group).next().is_none()
                    && self.before(*at).into_iter().all(|earlier| self.pending(&self.groups[earlier]).all(replaces))
            };
            let Some(at) = (0..self.groups.len()).find(may) else { return };
            let mut all = self.before(at);
            all.push(at);
            let groups: Vec<_> = all.iter().rev().map(|at| self.groups.remove(*at)).collect();
            groups.into_iter().rev().flatten().for_each(|update| self.apply(update));
        }
    }

    fn apply(&mut self, update: Update) {
        if let Some(content) = update.content.filter(|content| self.acquire_of(*content) == Acquire::Ready) {
            self.surfaces[update.surface].content = content;
        }
        let surface = &mut self.surfaces[update.surface];
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
}
