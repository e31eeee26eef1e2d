//! Where the layers of a pass are, so that those near a region are found without a look at each.
//!
//! Layers that follow each other in the stack often lie near each other: each run of them has a box
//! around it, and so has each run of boxes, up to one box around all. Nothing here draws.

use std::ops::Range;

use smithay::utils::{Physical, Rectangle};

type Rect = Rectangle<i32, Physical>;

/// How many layers, or boxes, have one box around them.
const RUN: usize = 32;

/// The boxes around runs of layers.
#[derive(Debug, Default)]
pub struct Bounds {
    layers: Vec<Rect>,
    /// Boxes around runs of the level before; the first level's are around layers. The last level
    /// has one box at most.
    levels: Vec<Vec<Rect>>,
}

/// Walks the layers near a region, from top to bottom.
#[derive(Debug)]
pub struct Near<'a> {
    bounds: &'a Bounds,
    /// The layers that are left of the run that is walked.
    run: Range<usize>,
    /// How many rectangles were looked at.
    pub visited: u64,
}

impl Bounds {
    /// Of these layers, from top to bottom; an empty one is never found.
    pub fn rebuild(&mut self, layers: impl Iterator<Item = Rect>) {
        self.layers.clear();
        self.layers.extend(layers);
        let mut below = self.layers.len();
        let mut depth = 0;
        while below > 1 || depth == 0 && below > 0 {
            if self.levels.len() == depth {
                self.levels.push(Vec::new());
            }
            let (lower, upper) = self.levels.split_at_mut(depth);
            let lower = lower.last().unwrap_or(&self.layers);
            upper[0].clear();
            upper[0].extend(lower.chunks(RUN).map(around));
            (below, depth) = (upper[0].len(), depth + 1);
        }
        self.levels.truncate(depth);
    }

    /// The layer at `at` has moved to `to`.
    pub fn set(&mut self, at: usize, to: Rect) {
        let Some(layer) = self.layers.get_mut(at) else { return };
        if std::mem::replace(layer, to) == to {
            return;
        }
        let mut at = at;
        for depth in 0..self.levels.len() {
            at /= RUN;
            let (lower, upper) = self.levels.split_at_mut(depth);
            let lower = lower.last().unwrap_or(&self.layers);
            upper[0][at] = around(&lower[run(at, lower.len())]);
        }
    }

    /// Begins a walk.
    pub fn near(&self) -> Near<'_> {
        Near { bounds: self, run: 0..0, visited: 0 }
    }
}

impl Near<'_> {
    /// The next layer that overlaps `region`, which may have become smaller since the last call.
    pub fn next(&mut self, region: Rect) -> Option<usize> {
        loop {
            for at in self.run.by_ref() {
                self.visited += 1;
                let layer = self.bounds.layers[at];
                if !layer.is_empty() && layer.overlaps(region) {
                    return Some(at);
                }
            }
            self.run = self.next_run(region)?;
        }
    }

    /// The first run of layers after the present one whose box overlaps `region`.
    fn next_run(&mut self, region: Rect) -> Option<Range<usize>> {
        let levels = &self.bounds.levels;
        let count = levels.first()?.len();
        let mut at = self.run.end.div_ceil(RUN);
        'runs: while at < count {
            // The largest box that begins here tells whether all of its runs can be passed over.
            let mut width = 1;
            let largest = (1..levels.len()).take_while(|depth| at.is_multiple_of(RUN.pow(*depth as u32))).last();
            for depth in (0..=largest.unwrap_or(0)).rev() {
                width = RUN.pow(depth as u32);
                self.visited += 1;
                if !levels[depth][at / width].overlaps(region) {
                    at += width;
                    continue 'runs;
                }
            }
            debug_assert_eq!(width, 1);
            return Some(run(at, self.bounds.layers.len()));
        }
        None
    }
}

/// What the box at `at` is around, of `count` layers or boxes.
fn run(at: usize, count: usize) -> Range<usize> {
    at * RUN..count.min((at + 1) * RUN)
}

fn around(rects: &[Rect]) -> Rect {
    rects.iter().filter(|rect| !rect.is_empty()).copied().reduce(Rectangle::merge).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(bounds: &Bounds, region: Rect) -> (Vec<usize>, u64) {
        let mut near = bounds.near();
        let found = std::iter::from_fn(|| near.next(region)).collect();
        (found, near.visited)
    }

    /// Layers of 8 × 8 pixels in rows of 100.
    fn in_rows(count: usize) -> Bounds {
        let mut bounds = Bounds::default();
        let at = |at: usize| ((at % 100) as i32 * 8, (at / 100) as i32 * 8).into();
        bounds.rebuild((0..count).map(|layer| Rectangle::new(at(layer), (8, 8).into())));
        bounds
    }

    #[test]
    fn of_many_layers_few_are_looked_at() {
        let region = Rectangle::new((83, 3).into(), (2, 2).into());
        for (count, most) in [(100, 80), (1_000, 120), (10_000, 200), (100_000, 300)] {
            let (found, visited) = found(&in_rows(count), region);
            assert_eq!(found, [10], "of {count}");
            assert!(visited <= most, "{visited} of {count}");
        }
        assert_eq!(found(&Bounds::default(), region), (vec![], 0));
    }

    proptest! {
        /// The answer is that of a look at each layer, whatever has moved since the list was made.
        #[test]
        fn it_finds_what_a_look_at_each_layer_finds(
            layers in proptest::collection::vec((0..900i32, 0..900i32, 0..40i32, 0..40i32), 0..2_100),
            moves in proptest::collection::vec((any::<prop::sample::Index>(), 0..900i32, 0..30i32), 0..8),
            region in (0..900i32, 0..900i32, 1..200i32, 1..200i32),
        ) {
            let rect = |(x, y, w, h): (i32, i32, i32, i32)| Rect::new((x, y).into(), (w, h).into());
            let mut plain: Vec<Rect> = layers.into_iter().map(rect).collect();
            let mut bounds = Bounds::default();
            bounds.rebuild(plain.iter().copied());
            for (at, x, size) in moves {
                if plain.is_empty() { break }
                let at = at.index(plain.len());
                plain[at] = rect((x, x, size, size));
                bounds.set(at, plain[at]);
            }
            let region = rect(region);
            let naive: Vec<_> = (0..plain.len()).filter(|at| !plain[*at].is_empty() && plain[*at].overlaps(region)).collect();
            prop_assert_eq!(found(&bounds, region).0, naive);
        }
    }
}
