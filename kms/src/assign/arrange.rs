//! From a set of layers to planes: every way to place them so that the screen looks as if all were
//! composited.
//!
//! A layer that overlaps a composited one must lie above the composited image if it is the upper of
//! the two, and below it if it is the lower. Layers that overlap keep their order. All else is
//! free, and found by trying: items from the bottom up, each on the lowest plane that will do
//! first.

use dmabuf_import::Fourcc;

use super::input::{AssignScreen, CandidateLayer, PlaneCaps, contains};
use super::memory::MOST;
use crate::PlaneKind;

/// What one plane of a placement shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlanePlacement {
    pub(super) plane: usize,
    /// To be set on the plane.
    pub(super) zpos: Option<u64>,
    /// Index of the layer; `None`: the composited image.
    pub(super) layer: Option<usize>,
    /// The layer lies below the composited image.
    pub(super) below: bool,
}

/// Positions in the stack that a plane can have, and whether its position can be set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    min: u64,
    max: u64,
    settable: bool,
}

impl Span {
    /// The lowest position, where one is to be set.
    pub(super) fn lowest(self) -> Option<u64> {
        self.settable.then_some(self.min)
    }
}

/// The spans of planes that are listed from the bottom up.
pub(super) fn spans(planes: &[PlaneCaps]) -> Vec<Span> {
    let fixed = |plane: &PlaneCaps| plane.zpos.is_none_or(|(min, max)| min == max);
    if planes.iter().all(fixed) {
        // Where a number is missing or given twice, the order of the list decides.
        let mut order: Vec<usize> = (0..planes.len()).collect();
        if planes.iter().all(|plane| plane.zpos.is_some()) {
            order.sort_by_key(|&at| planes[at].zpos);
        }
        let rank = |at: usize| order.iter().position(|&other| other == at).unwrap_or(at) as u64;
        return (0..planes.len()).map(|at| Span { min: rank(at), max: rank(at), settable: false }).collect();
    }
    let span = |(at, plane): (usize, &PlaneCaps)| {
        let (min, max) = plane.zpos.unwrap_or((at as u64, at as u64));
        Span { min, max, settable: min != max }
    };
    planes.iter().enumerate().map(span).collect()
}

/// Steps of one search, so that no scene costs a frame.
const MOST_STEPS: u32 = 4096;

/// A search in progress.
pub(super) struct Arranger<'a> {
    pub(super) planes: &'a [PlaneCaps],
    pub(super) spans: &'a [Span],
    pub(super) screen: &'a AssignScreen,
    pub(super) layers: &'a [CandidateLayer],
    /// Whether a layer, if it is not chosen, is part of the composited image.
    pub(super) visible: &'a [bool],
    /// Layers that yield keep their place like all others.
    pub(super) strict: bool,
}

struct Search<'a, 'b, 'v> {
    given: &'b Arranger<'a>,
    /// Layers; the composited image is the last one.
    items: [Option<usize>; MOST + 1],
    count: usize,
    /// For each item: those that must lie below it.
    beneath: [u16; MOST + 1],
    below: [bool; MOST + 1],
    places: [PlanePlacement; MOST + 1],
    /// That are left.
    steps: u32,
    visit: &'v mut dyn FnMut(&[PlanePlacement]) -> bool,
}

impl Arranger<'_> {
    /// Calls `visit` with each placement of `chosen` (indices of layers, ascending, at most
    /// [`MOST`]), and of the composited image if there is one, until it answers true. Returns
    /// whether it did. A placement is in the order of the stack, bottom first.
    pub(super) fn each(
        &self,
        chosen: &[usize],
        composite: bool,
        visit: &mut dyn FnMut(&[PlanePlacement]) -> bool,
    ) -> bool {
        let mut search = Search {
            given: self,
            items: [None; MOST + 1],
            count: chosen.len() + usize::from(composite),
            beneath: [0; MOST + 1],
            below: [false; MOST + 1],
            places: [PlanePlacement { plane: 0, zpos: None, layer: None, below: false }; MOST + 1],
            steps: MOST_STEPS,
            visit,
        };
        // From the bottom up, the composited image before all: the first that is tried is the
        // natural order.
        for (at, &layer) in chosen.iter().rev().enumerate() {
            search.items[at + usize::from(composite)] = Some(layer);
        }
        search.constrain(chosen, composite) && search.place(0, 0, None)
    }

    fn overlap(&self, a: usize, b: usize) -> bool {
        let both = self.layers[a].dst.intersection(&self.layers[b].dst);
        both.is_some_and(|both| both.intersection(&self.screen.rect()).is_some())
    }

    /// Whether a composited layer that overlaps layer `at`, a chosen one, lies above it, and whether
    /// one lies below.
    pub(super) fn composited_around(&self, at: usize, chosen: &[usize]) -> (bool, bool) {
        let counts = |other: &usize| self.visible[*other] && (self.strict || !self.layers[*other].yields);
        let composited = (0..self.layers.len()).filter(|other| counts(other) && !chosen.contains(other));
        let overlapping = composited.filter(|&other| self.overlap(at, other));
        overlapping.fold((false, false), |(above, under), other| (above | (other < at), under | (other > at)))
    }
}

impl Search<'_, '_, '_> {
    /// Who must lie below whom; false: impossible.
    fn constrain(&mut self, chosen: &[usize], composite: bool) -> bool {
        for at in 0..self.count {
            let Some(layer) = self.items[at] else { continue };
            for other in 0..self.count {
                match self.items[other] {
                    Some(lower) if lower > layer && self.given.overlap(layer, lower) => self.beneath[at] |= 1 << other,
                    _ => {}
                }
            }
            if !composite {
                continue;
            }
            match self.given.composited_around(layer, chosen) {
                (false, _) => self.beneath[at] |= 1,
                (true, true) => return false,
                // What shows through a hole must hide the nothing behind it.
                (true, false) if !self.given.screen.holes || !self.given.layers[layer].hides() => return false,
                (true, false) => {
                    self.below[at] = true;
                    self.beneath[0] |= 1 << at;
                }
            }
        }
        true
    }

    /// Places the items that are not in `done` above `last`, on planes that are not in `used`.
    fn place(&mut self, done: u16, used: u32, last: Option<u64>) -> bool {
        let placed = done.count_ones() as usize;
        if placed == self.count {
            let primary = self.given.planes.iter().position(|plane| plane.kind == PlaneKind::Primary);
            // Many drivers want the primary plane to be on, and to fill the screen.
            return primary.is_none_or(|primary| used & (1 << primary) != 0) && (self.visit)(&self.places[..placed]);
        }
        for item in 0..self.count {
            if done & (1 << item) != 0 || self.beneath[item] & !done != 0 {
                continue;
            }
            for plane in 0..self.given.planes.len() {
                if used & (1 << plane) != 0 || !self.goes(item, plane) {
                    continue;
                }
                let Some(left) = self.steps.checked_sub(1) else { return false };
                self.steps = left;
                let span = self.given.spans[plane];
                let z = last.map_or(span.min, |last| span.min.max(last + 1));
                if z > span.max || self.ceiling().is_some_and(|ceiling| z >= ceiling) {
                    continue;
                }
                let zpos = span.settable.then_some(z);
                self.places[placed] = PlanePlacement { plane, zpos, layer: self.items[item], below: self.below[item] };
                if self.place(done | 1 << item, used | 1 << plane, Some(z)) {
                    return true;
                }
            }
        }
        false
    }

    fn ceiling(&self) -> Option<u64> {
        self.given.screen.reserved.map(|reserved| self.given.spans[reserved].max)
    }

    fn goes(&self, item: usize, plane: usize) -> bool {
        let given = self.given;
        if given.screen.reserved == Some(plane) {
            return false;
        }
        let found = &given.planes[plane];
        let primary = found.kind == PlaneKind::Primary;
        match self.items[item] {
            Some(layer) => {
                let layer = &given.layers[layer];
                let fills = layer.hides() && contains(&layer.dst, &given.screen.rect());
                found.takes(layer) && (!primary || fills)
            }
            // Over other planes the composited image needs alpha.
            None if self.below.contains(&true) => {
                let whole = CandidateLayer::opaque(given.screen.rect());
                let picture = CandidateLayer { opaque: false, format: Fourcc::Argb8888 as u32, ..whole };
                // Any modifier will do that the caller finds in the plane's formats.
                let picture = CandidateLayer { modifier: 0x00ff_ffff_ffff_ffff, ..picture };
                found.kind != PlaneKind::Cursor && found.takes(&picture)
            }
            None => primary,
        }
    }
}
