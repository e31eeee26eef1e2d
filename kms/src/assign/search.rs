//! The search itself: which sets of layers are tried, in which order, and when to stop.

use rustix::io::Errno;

use super::arrange::{Arranger, PlanePlacement, Span, spans};
use super::input::{AssignScreen, CandidateLayer, PlaneCaps, contains};
use super::memory::{Key, MOST, Memory, is_about_layout};
use super::{Assignment, LayerPlacement, PlaneContent, visible};
use crate::PlaneKind;
use crate::output::MAX_PLANES;

/// TEST_ONLY commits for one frame, at most.
pub const TESTS_PER_LATCH: u32 = 4;

/// Ways to place one set of layers that are tested before a layer is given up.
const ALTERNATIVES: u32 = 4;

/// Frames after which a settled layout in which not every layer has a plane is ranked again, by the
/// rates of then.
const RANK_AGAIN: u32 = 64;

/// Assigns the layers of one output to its planes; remembers what the kernel said.
#[derive(Debug, Default)]
pub struct Assigner {
    planes: Vec<PlaneCaps>,
    spans: Vec<Span>,
    primary: Option<usize>,
    memory: Memory,
    /// From top to bottom.
    layers: Vec<CandidateLayer>,
    /// They have another layout than that of the last frame.
    changed: bool,
    /// The screen of the last frame, and whether the search for its layout is done.
    screen: Option<AssignScreen>,
    settled: bool,
    frames: u32,
    current: Assignment,
    key: Key,
    visible: Vec<bool>,
    ranked: Vec<(u64, usize)>,
    trial: Assignment,
    tests: u64,
}

/// Layers chosen for planes, ascending.
#[derive(Debug, Clone, Copy, Default)]
struct Chosen {
    list: [usize; MOST],
    count: usize,
}

impl Chosen {
    fn as_slice(&self) -> &[usize] {
        &self.list[..self.count]
    }

    /// With one more; `None`: too many.
    fn with(mut self, layer: usize) -> Option<Self> {
        if self.as_slice().contains(&layer) {
            return Some(self);
        }
        *self.list.get_mut(self.count)? = layer;
        self.count += 1;
        self.list[..self.count].sort_unstable();
        Some(self)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Taken,
    /// Refused, or impossible.
    No,
    /// No test is left for this frame, or the kernel cannot tell now.
    Later,
}

/// What is composited beside the layers that are chosen for planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// The others, those that yield wherever they are not in the way.
    Others,
    /// The others, each in its place.
    AllOthers,
}

type Test<'a> = &'a mut dyn FnMut(&Assignment) -> Result<(), Errno>;

impl Assigner {
    /// For an output with these planes, indexed and ordered as in [`crate::Output::planes`]: from
    /// the bottom up.
    pub fn new(mut planes: Vec<PlaneCaps>) -> Self {
        planes.truncate(MAX_PLANES);
        let primary = planes.iter().position(|plane| plane.kind == PlaneKind::Primary);
        Self { spans: spans(&planes), planes, primary, ..Self::default() }
    }

    /// Describes all layers, from top to bottom.
    pub fn set_layers(&mut self, layers: impl IntoIterator<Item = CandidateLayer>) {
        let mut count = 0;
        for layer in layers {
            match self.layers.get_mut(count) {
                Some(_) => self.set_layer(count, layer),
                None => {
                    self.changed = true;
                    self.layers.push(layer);
                }
            }
            count += 1;
        }
        self.changed |= self.layers.len() > count;
        self.layers.truncate(count);
    }

    /// Describes one layer again.
    ///
    /// # Panics
    /// If there is no layer `at`.
    pub fn set_layer(&mut self, at: usize, layer: CandidateLayer) {
        let old = std::mem::replace(&mut self.layers[at], layer);
        self.changed |= !old.is_like(&layer);
    }

    /// The number of layers that are described.
    pub fn count(&self) -> usize {
        self.layers.len()
    }

    /// Assigns the layers that are described.
    ///
    /// `test` is asked whether the kernel would take an assignment (a TEST_ONLY commit), at most
    /// [`TESTS_PER_LATCH`] times and not at all for a layout that is known. An errno that says
    /// something about the layout (EINVAL, ERANGE, ENOSPC, E2BIG, EOPNOTSUPP, ENXIO) is remembered;
    /// any other (EBUSY, ENOMEM, EACCES) ends the search for this frame.
    pub fn assign(
        &mut self,
        screen: &AssignScreen,
        mut test: impl FnMut(&Assignment) -> Result<(), Errno>,
    ) -> &Assignment {
        self.memory.next_frame();
        if self.repeats(screen) {
            return &self.current;
        }
        self.screen = Some(*screen);
        (self.changed, self.frames) = (false, 0);
        self.see();
        self.settled = self.search(screen, &mut test);
        &self.current
    }

    /// The answer of the last call again, if there is nothing more to be found out. Returns false if
    /// [`Assigner::assign`] must be asked: the search is not done, the screen is another one, more
    /// than rates of layers has changed, or they are due to be ranked again. Looks at no layer.
    #[must_use]
    pub fn repeat(&mut self, screen: &AssignScreen) -> bool {
        let known = self.repeats(screen);
        if known {
            self.memory.next_frame();
        }
        known
    }

    fn repeats(&mut self, screen: &AssignScreen) -> bool {
        let same = !self.changed && self.screen.as_ref() == Some(screen);
        let known = same && self.settled && self.ranks_hold(self.frames + 1);
        self.frames += u32::from(known);
        known
    }

    /// Whether the ranks of the layers hold in the `frames`th frame of the layout: with a plane for
    /// every layer that can have one, they do not matter.
    fn ranks_hold(&self, frames: u32) -> bool {
        frames < RANK_AGAIN || self.current.on_planes() == self.ranked.len()
    }

    /// The assignment of the last call.
    pub fn current(&self) -> &Assignment {
        &self.current
    }

    /// Tests so far.
    pub fn tests(&self) -> u64 {
        self.tests
    }

    /// Whether the last call's search is done: the same layout is not searched again.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// The kernel refused the commit of the current assignment, test or no test. It is not given
    /// again if `errno` says something about the layout.
    pub fn refused(&mut self, errno: Errno) {
        if is_about_layout(errno) && self.current.on_planes() > 0 {
            self.memory.learn(self.key, false);
        }
        self.settled = false;
    }

    /// A modeset, a hot-plug, a resume: whatever the kernel said before may be different now.
    pub fn forget(&mut self) {
        self.memory.forget();
        self.settled = false;
    }

    /// Who is visible, and who may have a plane, best first.
    fn see(&mut self) {
        let Some(screen) = self.screen else { return };
        self.visible.clear();
        self.ranked.clear();
        for (at, layer) in self.layers.iter().enumerate() {
            let seen = visible::is_visible(layer, &self.layers[..at], &screen.rect());
            self.visible.push(seen);
            let usable = self.planes.iter().enumerate().filter(|(plane, _)| screen.reserved != Some(*plane));
            let mut usable = usable.map(|(_, plane)| plane);
            if seen && layer.scans_out && usable.any(|plane| plane.takes(layer)) {
                let area = u64::from(layer.dst.w) * u64::from(layer.dst.h);
                // A layer that stands still saves its drawing when its neighbours move: worth a
                // hundredth of one at 10 Hz.
                self.ranked.push((area.saturating_mul(u64::from(layer.rate) + 100), at));
            }
        }
        // The lower index, so the upper layer, first among equals.
        self.ranked.sort_unstable_by_key(|&(weight, at)| (std::cmp::Reverse(weight), at));
        self.ranked.truncate(MOST);
    }

    /// True if it came to an end.
    fn search(&mut self, screen: &AssignScreen, test: Test<'_>) -> bool {
        let mut budget = TESTS_PER_LATCH;
        self.compose_all(screen);
        let seen = || self.layers.iter().zip(&self.visible).filter(|(_, seen)| **seen);
        let all = seen().filter(|(layer, _)| !layer.yields).count();
        let yields = seen().any(|(layer, _)| layer.yields);
        // Everything on planes: nothing is composited.
        if let Some(everything) = self.everything(screen, all) {
            match self.attempt(screen, &everything, Beside::Nothing, 1, &mut budget, test) {
                Tried::Taken => return true,
                Tried::Later => return false,
                Tried::No => {}
            }
        }
        // As many as there is room for, at once.
        let mut most = Chosen::default();
        for rank in 0..self.ranked.len() {
            if let Some(more) = self.grown(screen, &most, self.ranked[rank].1)
                && self.fits(screen, &more)
            {
                most = more;
            }
        }
        if most.count == 0 {
            return true;
        }
        // What yields keeps its place where the planes can do that too.
        for beside in [Beside::AllOthers, Beside::Others] {
            if beside == Beside::AllOthers && !yields {
                continue;
            }
            match self.attempt(screen, &most, beside, 1, &mut budget, test) {
                Tried::Taken => return true,
                Tried::Later => return false,
                Tried::No => {}
            }
        }
        // One after the other: what has been taken stays.
        let mut chosen = Chosen::default();
        for rank in 0..self.ranked.len() {
            let Some(more) = self.grown(screen, &chosen, self.ranked[rank].1) else { continue };
            if more.count == chosen.count {
                continue;
            }
            match self.attempt(screen, &more, Beside::Others, ALTERNATIVES, &mut budget, test) {
                Tried::Taken => chosen = more,
                Tried::Later => return false,
                Tried::No => {}
            }
        }
        true
    }

    /// All visible layers, if planes could show the scene without any drawing.
    fn everything(&self, screen: &AssignScreen, all: usize) -> Option<Chosen> {
        if all != self.ranked.len() {
            return None;
        }
        let mut chosen = Chosen::default();
        for &(_, layer) in &self.ranked {
            chosen = chosen.with(layer)?;
        }
        let lowest = &self.layers[*chosen.as_slice().last()?];
        (lowest.hides() && contains(&lowest.dst, &screen.rect())).then_some(chosen)
    }

    /// `chosen` with `layer`, and with what lies on it and could not be composited then; `None`:
    /// impossible.
    fn grown(&self, screen: &AssignScreen, chosen: &Chosen, layer: usize) -> Option<Chosen> {
        let alone = chosen.with(layer)?;
        if self.fits(screen, &alone) {
            return Some(alone);
        }
        let arranger = self.arranger(screen);
        let mut more = alone;
        // Upwards: each new one may have others on it.
        for upper in (0..layer).rev() {
            let touches = |&other: &usize| {
                other > upper && self.layers[other].dst.intersection(&self.layers[upper].dst).is_some()
            };
            if self.visible[upper] && !self.layers[upper].yields && more.as_slice().iter().any(touches) {
                self.ranked.iter().find(|(_, at)| *at == upper)?;
                more = more.with(upper)?;
            }
        }
        if more.as_slice().iter().any(|&at| arranger.composited_around(at, more.as_slice()).0) {
            return None;
        }
        self.fits(screen, &more).then_some(more)
    }

    /// Whether there is any placement of them beside a composited image.
    fn fits(&self, screen: &AssignScreen, chosen: &Chosen) -> bool {
        self.arranger(screen).each(chosen.as_slice(), true, &mut |_| true)
    }

    /// Looks for a placement of `chosen` that the kernel takes, and makes it the current one.
    fn attempt(
        &mut self,
        screen: &AssignScreen,
        chosen: &Chosen,
        beside: Beside,
        alternatives: u32,
        budget: &mut u32,
        test: Test<'_>,
    ) -> Tried {
        let Self { planes, spans, layers, visible, memory, trial, current, key: current_key, tests, .. } = self;
        let arranger = Arranger { planes, spans, screen, layers, visible, strict: beside == Beside::AllOthers };
        let (mut left, mut result) = (alternatives, Tried::No);
        arranger.each(chosen.as_slice(), beside != Beside::Nothing, &mut |places| {
            let key = fill(trial, places, layers, visible, screen);
            result = match memory.look_up(&key) {
                Some(true) => Tried::Taken,
                Some(false) => Tried::No,
                None if *budget == 0 => Tried::Later,
                None => {
                    *budget -= 1;
                    *tests += 1;
                    match test(trial) {
                        Ok(()) => {
                            memory.learn(key, true);
                            Tried::Taken
                        }
                        Err(errno) if is_about_layout(errno) => {
                            memory.learn(key, false);
                            Tried::No
                        }
                        Err(_) => Tried::Later,
                    }
                }
            };
            if result == Tried::Taken {
                std::mem::swap(trial, current);
                *current_key = key;
            }
            left -= 1;
            result != Tried::No || left == 0
        });
        result
    }

    fn arranger<'a>(&'a self, screen: &'a AssignScreen) -> Arranger<'a> {
        let Self { planes, spans, layers, visible, .. } = self;
        Arranger { planes, spans, screen, layers, visible, strict: false }
    }

    fn compose_all(&mut self, screen: &AssignScreen) {
        let place = self.primary.map(|plane| PlanePlacement { plane, zpos: None, layer: None, below: false });
        let zpos = self.primary.map(|plane| self.spans[plane]).and_then(Span::lowest);
        let place = place.map(|place| PlanePlacement { zpos, ..place });
        self.key = fill(&mut self.current, place.as_slice(), &self.layers, &self.visible, screen);
    }
}

/// Turns a placement into an assignment, and into what identifies it.
fn fill(
    into: &mut Assignment,
    places: &[PlanePlacement],
    layers: &[CandidateLayer],
    visible: &[bool],
    screen: &AssignScreen,
) -> Key {
    let Assignment { planes, zpos, placements, below, composite } = into;
    (*planes, *zpos, *below, *composite) = ([PlaneContent::Off; MAX_PLANES], [None; MAX_PLANES], 0, None);
    placements.clear();
    placements
        .extend(visible.iter().map(|seen| if *seen { LayerPlacement::Composited } else { LayerPlacement::Hidden }));
    for place in places {
        zpos[place.plane] = place.zpos;
        *below |= u32::from(place.below) << place.plane;
        match place.layer {
            Some(layer) => {
                planes[place.plane] = PlaneContent::Layer(layer);
                placements[layer] = LayerPlacement::Plane(place.plane as u8);
            }
            None => {
                planes[place.plane] = PlaneContent::Composite;
                *composite = Some(place.plane);
            }
        }
    }
    if composite.is_none() {
        let given_up = placements.iter_mut().zip(layers).filter(|(_, layer)| layer.yields);
        given_up.for_each(|(placement, _)| *placement = LayerPlacement::Hidden);
    }
    let mut key = Key::new(screen.reserved.is_some());
    for (plane, shows) in planes.iter().enumerate() {
        match shows {
            PlaneContent::Off => {}
            PlaneContent::Layer(layer) => key.push(plane, zpos[plane], Some(&layers[*layer])),
            PlaneContent::Composite => key.push(plane, zpos[plane], None),
        }
    }
    key
}
