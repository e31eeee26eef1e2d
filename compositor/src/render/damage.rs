//! Which region of a target must be repainted.
//!
//! [`DamageRing`] keeps what has changed in the last passes, so that it knows what a target of a
//! given age lacks. [`Tracker`] finds out what has changed, by comparing the layers with those of
//! the pass before. Nothing here draws.

use std::collections::{HashMap, VecDeque};

use dmabuf_import::colour::Representation;
use protocols::alpha_modifier::Factor;
use smithay::{
    backend::renderer::utils::{CommitCounter, DamageSet},
    reexports::pixman::Region32,
    utils::{Buffer, Physical, Rectangle, Size, Transform},
};

use crate::{
    config::Colour,
    render::{
        Layer,
        bounds::Bounds,
        layer::{PassLayers, PassRole},
        split::{Part, region_of},
    },
    surface::{damage::DamageHistory, transform},
    system::id::SurfaceId,
};

/// The passes that a ring remembers; an older target is repainted as a whole.
const PASSES: usize = 8;
/// A layer with more damage rectangles than this counts as damaged all over.
const MAX_RECTS: usize = 64;
/// The layers for which the scratch list keeps its memory from pass to pass.
const SCRATCH: usize = 256;

/// Lists with more layers than this are indexed before they are searched, and not looked at pair by
/// pair.
const MANY: usize = 64;

/// The damage of the last passes.
#[derive(Debug, Default)]
pub struct DamageRing {
    /// Newest first.
    passes: VecDeque<Region32>,
}

impl DamageRing {
    /// Begins a pass whose image differs from that of the pass before in `damage`.
    pub fn add(&mut self, damage: Region32) {
        if self.passes.len() == PASSES {
            self.passes.pop_back();
        }
        self.passes.push_front(damage);
    }

    /// What the newest pass must repaint in a target that was rendered `age` passes ago; `None`:
    /// everything.
    pub fn region(&self, age: usize) -> Option<Region32> {
        if age == 0 || age > self.passes.len() {
            return None;
        }
        let mut passes = self.passes.iter().take(age);
        let newest = passes.next()?.clone();
        Some(passes.fold(newest, |all, damage| all.union(damage)))
    }
}

/// The damage of one output's passes, or of any other series of passes of one size.
pub struct Tracker {
    pub(super) size: Size<i32, Physical>,
    ring: DamageRing,
    background: Option<Colour>,
    /// The layers of the last pass.
    before: Vec<Shown>,
    /// Layers of the last pass whose current image could not be drawn.
    missed: Vec<usize>,
    /// Scratch list for the layers of the next one.
    now: Vec<Shown>,
    /// Where the layers of the last pass are that its image depends on.
    pub(super) bounds: Bounds,
    /// How many layers, and boxes around layers, the passes have looked at.
    pub(super) visited: u64,
    /// The layers whose images the last pass has read.
    pub(super) read: Vec<usize>,
    /// Scratch lists of a pass.
    pub(super) parts: Vec<Part>,
    pub(super) rects: Vec<Rectangle<i32, Physical>>,
}

impl Tracker {
    /// For targets of `size` pixels.
    pub fn new(size: impl Into<Size<i32, Physical>>) -> Self {
        Self {
            size: size.into(),
            ring: DamageRing::default(),
            background: None,
            before: Vec::new(),
            missed: Vec::new(),
            now: Vec::new(),
            bounds: Bounds::default(),
            visited: 0,
            read: Vec::new(),
            parts: Vec::new(),
            rects: Vec::new(),
        }
    }

    /// How many layers, and boxes around layers, the passes have looked at since the last call.
    pub fn take_visited(&mut self) -> u64 {
        std::mem::take(&mut self.visited)
    }

    /// Indices of the layers whose images the last pass has read.
    pub fn read(&self) -> &[usize] {
        &self.read
    }

    /// Begins a pass, and returns the region to repaint in a target that was rendered `age` passes
    /// ago; 0: never.
    pub(super) fn begin(&mut self, age: usize, pass: &PassLayers<'_>, background: Colour) -> Region32 {
        let whole = Rectangle::from_size(self.size);
        let layers = pass.layers;
        let since = |at: usize, commit| scaled_damage(&layers[at], commit);
        let same_background = self.background.replace(background) == Some(background);
        let known = pass.changed.filter(|_| same_background && self.before.len() == layers.len());
        let damage = match known {
            Some(changed) => {
                let damage = self.changed_since(changed.iter().chain(&self.missed), pass, since);
                for at in changed.iter().chain(&self.missed) {
                    let shown = Shown::of(&layers[*at], pass.role(*at));
                    self.bounds.set(*at, shown.drawn_at());
                    self.before[*at] = shown;
                }
                self.visited += (changed.len() + self.missed.len()) as u64;
                damage
            }
            None => {
                self.now.clear();
                self.now.extend(layers.iter().enumerate().map(|(at, layer)| Shown::of(layer, pass.role(at))));
                let damage = match same_background {
                    true => compare(&self.before, &self.now, since),
                    false => region_of(whole),
                };
                std::mem::swap(&mut self.before, &mut self.now);
                self.bounds.rebuild(self.before.iter().map(Shown::drawn_at));
                self.visited += self.before.len() as u64;
                self.now.clear();
                self.now.shrink_to(SCRATCH);
                damage
            }
        };
        self.missed.clear();
        let damage = damage.intersect_rect(0, 0, self.size.w as u32, self.size.h as u32);
        self.ring.add(damage);
        self.ring.region(age).unwrap_or_else(|| region_of(whole))
    }

    /// What differs if only the layers at `changed` are not those of the pass before.
    fn changed_since<'a>(
        &self,
        changed: impl Iterator<Item = &'a usize>,
        pass: &PassLayers<'_>,
        since: impl Fn(usize, CommitCounter) -> Option<DamageSet<i32, Physical>>,
    ) -> Region32 {
        let mut damage = Region32::default();
        for at in changed {
            let now = [Shown::of(&pass.layers[*at], pass.role(*at))];
            let one = compare(&self.before[*at..=*at], &now, |_, commit| since(*at, commit));
            damage = damage.union(&one);
        }
        damage
    }

    /// What the last pass differs in from the one before.
    pub fn newest(&self) -> Option<&Region32> {
        self.ring.passes.front()
    }

    /// Notes a pass that is drawn elsewhere, and returns what differs from the one before.
    pub fn note(&mut self, layers: &[Layer], background: Colour) -> Region32 {
        self.read.clear();
        self.begin(1, &PassLayers::all(layers), background)
    }

    /// The current image of the layer at `at` could not be drawn: the next pass repaints it.
    pub(super) fn missed(&mut self, at: usize) {
        if let Some(shown) = self.before.get_mut(at) {
            shown.commit = None;
            self.missed.push(at);
        }
    }
}

/// A layer in a pass.
#[derive(Debug, Clone)]
struct Shown {
    id: SurfaceId,
    dst: Rectangle<i32, Physical>,
    look: Look,
    /// The newest damage of its surface. `None`: its image was not drawn.
    commit: Option<CommitCounter>,
}

/// What changes every pixel of a layer when it changes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Look {
    src: Rectangle<f64, Buffer>,
    transform: Transform,
    colour: Option<Representation>,
    factor: Factor,
    opaque: bool,
    role: PassRole,
}

impl Shown {
    fn of(layer: &Layer, role: PassRole) -> Self {
        let view = &layer.view;
        let (src, colour, transform) = (view.src, view.colour, layer.transform());
        let look = Look { src, transform, colour, factor: view.factor, opaque: layer.opaque, role };
        let commit = (!layer.is_older()).then(|| layer.damage.current_commit());
        Self { id: layer.content.surface, dst: layer.dst, look, commit }
    }
}

impl Shown {
    /// Whether the composited image depends on the layer.
    fn is_drawn(&self) -> bool {
        self.look.role != PassRole::Skipped
    }

    /// Where the composited image depends on the layer.
    fn drawn_at(&self) -> Rectangle<i32, Physical> {
        if self.is_drawn() { self.dst } else { Rectangle::default() }
    }
}

/// What differs between the image of `before` and that of `now`. `since`: the damage of the layer
/// at an index of `now` since a commit, relative to its `dst`; `None`: unknown.
fn compare(
    before: &[Shown],
    now: &[Shown],
    since: impl Fn(usize, CommitCounter) -> Option<DamageSet<i32, Physical>>,
) -> Region32 {
    let mut damage = Region32::default();
    let mut add = |rect: Rectangle<i32, Physical>| {
        damage = damage.union_rect(rect.loc.x, rect.loc.y, rect.size.w.max(0) as u32, rect.size.h.max(0) as u32);
    };
    // Most lists have the same layers in the same order, so the search begins after the last match.
    let mut places = Places::of(before);
    let mut next = 0;
    let mut ordered = true;
    let mut matched = 0;
    for (at, layer) in now.iter().enumerate() {
        let found = match before.get(next) {
            Some(old) if old.id == layer.id => Some(next),
            _ => places.find(layer.id),
        };
        let Some(found) = found else {
            if layer.is_drawn() {
                add(layer.dst);
            }
            continue;
        };
        ordered &= found >= next;
        next = found + 1;
        matched += 1;
        let old = &before[found];
        if (old.dst, old.look) != (layer.dst, layer.look) {
            for shown in [old, layer] {
                if shown.is_drawn() {
                    add(shown.dst);
                }
            }
        } else if layer.look.role != PassRole::Composited || old.commit.is_some() && old.commit == layer.commit {
            // A hole stays transparent whatever its client draws; a skipped layer is not visible.
        } else {
            match old.commit.and_then(|commit| since(at, commit)) {
                Some(rects) => rects.iter().for_each(|rect| add(Rectangle::new(rect.loc + layer.dst.loc, rect.size))),
                None => add(layer.dst),
            }
        }
    }
    if matched < before.len() {
        let mut places = Places::of(now);
        before.iter().filter(|old| old.is_drawn() && places.find(old.id).is_none()).for_each(|old| add(old.dst));
    }
    if !ordered && now.len() > MANY {
        now.iter().filter(|layer| layer.is_drawn()).for_each(|layer| add(layer.dst));
    } else if !ordered {
        exchanged(places, now, &mut add);
    }
    damage
}

/// Finds the layers of surfaces in a list.
struct Places<'a> {
    list: &'a [Shown],
    /// Of a long list, made when it is first searched.
    index: HashMap<SurfaceId, usize>,
}

impl<'a> Places<'a> {
    fn of(list: &'a [Shown]) -> Self {
        Self { list, index: HashMap::new() }
    }

    fn find(&mut self, surface: SurfaceId) -> Option<usize> {
        if self.list.len() <= MANY {
            return self.list.iter().position(|layer| layer.id == surface);
        }
        if self.index.is_empty() {
            self.index = self.list.iter().enumerate().map(|(at, layer)| (layer.id, at)).collect();
        }
        self.index.get(&surface).copied()
    }
}

/// Adds the overlaps of layers whose order has changed.
fn exchanged(mut before: Places<'_>, now: &[Shown], add: &mut impl FnMut(Rectangle<i32, Physical>)) {
    let places: Vec<_> = now.iter().map(|layer| before.find(layer.id)).collect();
    for (upper, above) in now.iter().enumerate() {
        for (lower, below) in now.iter().enumerate().skip(upper + 1) {
            if let (Some(upper), Some(lower)) = (places[upper], places[lower])
                && upper > lower
                && above.is_drawn()
                && below.is_drawn()
                && let Some(overlap) = above.dst.intersection(below.dst)
            {
                add(overlap);
            }
        }
    }
}

/// The damage of a layer since a commit of its surface, in output pixels relative to its `dst`;
/// `None`: everything.
fn scaled_damage(layer: &Layer, commit: CommitCounter) -> Option<DamageSet<i32, Physical>> {
    let (src, dst) = (layer.view.src, layer.dst.size);
    scaled(&layer.damage, commit, src, dst, layer.transform())
}

fn scaled(
    damage: &DamageHistory,
    commit: CommitCounter,
    src: Rectangle<f64, Buffer>,
    dst: Size<i32, Physical>,
    turn: Transform,
) -> Option<DamageSet<i32, Physical>> {
    let damage = damage.damage_since(commit)?;
    if damage.is_empty() {
        return Some(DamageSet::default());
    }
    if src.is_empty() || damage.len() > MAX_RECTS {
        return None;
    }
    let upright = turn.transform_size(src.size);
    let (fx, fy) = (f64::from(dst.w) / upright.w, f64::from(dst.h) / upright.h);
    let rects = damage.iter().filter_map(|rect| {
        let mut rect = rect.to_f64().intersection(src)?;
        rect.loc -= src.loc;
        let rect: Rectangle<f64, Physical> = transform::turned(transform::reverse(turn), rect, src.size);
        // Scaling filters across the edge: half a pixel of the buffer further, at least one of the output.
        let grow = |by: f64| if fx == 1.0 && fy == 1.0 { 0 } else { (by / 2.0).ceil().clamp(1.0, 65_536.0) as i32 };
        let (x, y) = (grow(fx), grow(fy));
        let mut rect = rect.upscale((fx, fy)).to_i32_up();
        rect.loc -= (x, y).into();
        rect.size += (2 * x, 2 * y).into();
        rect.intersection(Rectangle::from_size(dst))
    });
    Some(rects.collect())
}

#[cfg(test)]
mod tests;
