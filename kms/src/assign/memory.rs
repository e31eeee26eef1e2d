//! What the kernel said to earlier layouts: bounded, the least recently used one is forgotten.
//!
//! A window that is dragged has another layout in every frame. So what is refused wherever it lies
//! is remembered by its [`PlaneSet`] too, for a while.

use rustix::io::Errno;

use super::input::CandidateLayer;

/// Layers that one layout puts on planes, at most.
pub(super) const MOST: usize = 8;

/// What identifies a layout to the kernel: everything but the pixels. Planes are indices; the
/// planes never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Key {
    items: [Option<Item>; MOST + 1],
    count: usize,
    /// The caller's own plane is on.
    reserved: bool,
}

/// One plane of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    plane: usize,
    zpos: Option<u64>,
    /// `None`: the composited image.
    layer: Option<CandidateLayer>,
}

impl Key {
    pub(super) fn new(reserved: bool) -> Self {
        Self { reserved, ..Self::default() }
    }

    /// Planes must come in one order, so that equal layouts have equal keys.
    /// What is on which plane, wherever it lies.
    fn set(&self) -> PlaneSet {
        let anywhere = |item: Item| Item { layer: item.layer.map(|layer| layer.anywhere()), ..item };
        PlaneSet(Self { items: self.items.map(|item| item.map(anywhere)), ..*self })
    }

    pub(super) fn push(&mut self, plane: usize, zpos: Option<u64>, layer: Option<&CandidateLayer>) {
        self.items[self.count] = Some(Item { plane, zpos, layer: layer.map(|layer| layer.layout()) });
        self.count += 1;
    }
}

/// Layouts that differ only in where their layers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PlaneSet(Key);

/// A plane set that was refused with each of its last layouts.
#[derive(Debug)]
struct RefusedSet {
    set: PlaneSet,
    /// How often.
    times: u32,
    /// The last time, in frames.
    at: u64,
}

impl RefusedSet {
    /// Whether it need not be asked for in frame `now`.
    fn holds(&self, now: u64) -> bool {
        self.times >= Memory::SURE && now < self.at + Memory::SHORT_WHILE
    }
}

/// Whether a refusal says something about the layout, and not about the moment (busy, no memory, no
/// longer master).
pub(super) fn is_about_layout(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::RANGE | Errno::NOSPC | Errno::OPNOTSUPP | Errno::TOOBIG | Errno::NXIO)
}

#[derive(Debug)]
struct TestedLayout {
    key: Key,
    taken: bool,
    used: u64,
}

/// The verdicts.
#[derive(Debug, Default)]
pub(super) struct Memory {
    verdicts: Vec<TestedLayout>,
    clock: u64,
    /// Of each the last refusal, in no order.
    refused: Vec<RefusedSet>,
    /// How many frames there were.
    frames: u64,
}

impl Memory {
    /// How many verdicts are kept.
    pub(super) const SIZE: usize = 64;
    /// How many plane sets.
    const SETS: usize = 16;
    /// Refusals in a row after which a plane set is no longer asked for.
    const SURE: u32 = 4;
    /// Frames for which that holds: a second at 60 Hz. Then one layout of it is tested again.
    const SHORT_WHILE: u64 = 60;

    /// Another frame.
    pub(super) fn next_frame(&mut self) {
        self.frames += 1;
    }

    /// What the kernel said, if it was asked.
    pub(super) fn look_up(&mut self, key: &Key) -> Option<bool> {
        self.clock += 1;
        if let Some(found) = self.verdicts.iter_mut().find(|verdict| verdict.key == *key) {
            found.used = self.clock;
            return Some(found.taken);
        }
        if self.refused.is_empty() {
            return None;
        }
        let set = key.set();
        let refused = self.refused.iter().find(|refused| refused.set == set)?;
        refused.holds(self.frames).then_some(false)
    }

    pub(super) fn learn(&mut self, key: Key, taken: bool) {
        self.learn_set(&key, taken);
        self.clock += 1;
        let new = TestedLayout { key, taken, used: self.clock };
        if let Some(old) = self.verdicts.iter_mut().find(|verdict| verdict.key == key) {
            *old = new;
        } else if self.verdicts.len() < Self::SIZE {
            self.verdicts.push(new);
        } else if let Some(oldest) = self.verdicts.iter_mut().min_by_key(|verdict| verdict.used) {
            *oldest = new;
        }
    }

    fn learn_set(&mut self, key: &Key, taken: bool) {
        if taken && self.refused.is_empty() {
            return;
        }
        let (set, now) = (key.set(), self.frames);
        let found = self.refused.iter().position(|refused| refused.set == set);
        match (found, taken) {
            (Some(at), true) => drop(self.refused.swap_remove(at)),
            (None, true) => {}
            (Some(at), false) => {
                let refused = &mut self.refused[at];
                (refused.times, refused.at) = (refused.times.saturating_add(1), now);
            }
            (None, false) => {
                if self.refused.len() == Self::SETS
                    && let Some(oldest) = (0..Self::SETS).min_by_key(|at| self.refused[*at].at)
                {
                    self.refused.swap_remove(oldest);
                }
                self.refused.push(RefusedSet { set, times: 1, at: now });
            }
        }
    }

    pub(super) fn forget(&mut self) {
        self.refused.clear();
        self.verdicts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rect;

    fn key(x: i32) -> Key {
        let mut key = Key::new(false);
        key.push(1, None, Some(&CandidateLayer { rate: x as u32, ..CandidateLayer::opaque(Rect::new(x, 0, 8, 8)) }));
        key
    }

    #[test]
    fn the_least_recently_used_verdict_goes() {
        let mut memory = Memory::default();
        memory.learn(key(0), true);
        memory.learn(key(1), false);
        for x in 2..Memory::SIZE as i32 {
            memory.learn(key(x), true);
        }
        assert_eq!(memory.look_up(&key(0)), Some(true), "used again");
        memory.learn(key(1000), true);
        assert_eq!((memory.look_up(&key(0)), memory.look_up(&key(1))), (Some(true), None));
        assert_eq!(memory.verdicts.len(), Memory::SIZE);
        memory.learn(key(0), false);
        assert_eq!(
            (memory.look_up(&key(0)), memory.verdicts.len()),
            (Some(false), Memory::SIZE),
            "the last word counts"
        );
        memory.forget();
        assert_eq!(memory.look_up(&key(0)), None);
    }

    #[test]
    fn what_is_refused_wherever_it_lies_is_asked_for_once_in_a_while() {
        let mut memory = Memory::default();
        let mut asked = Vec::new();
        for x in 0..200 {
            memory.next_frame();
            if memory.look_up(&key(x)).is_none() {
                asked.push(x);
                memory.learn(key(x), false);
            }
        }
        assert_eq!(asked, [0, 1, 2, 3, 63, 123, 183]);
        // Once it is taken, nothing speaks against it anywhere.
        memory.learn(key(200), true);
        assert_eq!(memory.look_up(&key(201)), None);
        assert_eq!(memory.look_up(&key(0)), Some(false), "but for what was refused there");
    }

    #[test]
    fn other_formats_sizes_and_planes_are_other_sets() {
        let mut memory = Memory::default();
        (0..4).for_each(|x| memory.learn(key(x), false));
        assert_eq!(memory.look_up(&key(9)), Some(false));
        let layer = CandidateLayer { rate: 9, ..CandidateLayer::opaque(Rect::new(9, 0, 8, 8)) };
        let of = |plane, layer: CandidateLayer| {
            let mut key = Key::new(false);
            key.push(plane, None, Some(&layer));
            key
        };
        assert_eq!(memory.look_up(&of(1, layer)), Some(false));
        for other in [
            of(2, layer),
            of(1, CandidateLayer { format: 0, ..layer }),
            of(1, CandidateLayer { modifier: 7, ..layer }),
            of(1, CandidateLayer { src: crate::SrcRect::full(4, 8), ..layer }),
            of(1, CandidateLayer { src: crate::SrcRect::full(9, 8), dst: Rect::new(9, 0, 9, 8), ..layer }),
        ] {
            assert_eq!(memory.look_up(&other), None, "{other:?}");
        }
    }

    #[test]
    fn what_was_looked_up_or_learnt_last_stays_longest() {
        let filled = || {
            let mut memory = Memory::default();
            (0..Memory::SIZE as i32).for_each(|x| memory.learn(key(x), true));
            memory
        };
        let mut memory = filled();
        (0..Memory::SIZE as i32).rev().for_each(|x| assert_eq!(memory.look_up(&key(x)), Some(true)));
        memory.learn(key(1000), true);
        assert_eq!((memory.look_up(&key(0)), memory.look_up(&key(63))), (Some(true), None));
        let mut memory = filled();
        memory.learn(key(0), false);
        memory.learn(key(1000), true);
        assert_eq!((memory.look_up(&key(0)), memory.look_up(&key(1))), (Some(false), None));
    }

    #[test]
    fn a_layout_has_room_for_all_layers_and_the_composited_image() {
        let layer = CandidateLayer::opaque(Rect::new(0, 0, 8, 8));
        let full = |last: Option<&CandidateLayer>| {
            let mut key = Key::new(false);
            (0..MOST).for_each(|plane| key.push(plane, None, Some(&layer)));
            key.push(MOST, None, last);
            key
        };
        assert_eq!(full(None), full(None));
        assert_ne!(full(None), full(Some(&layer)));
    }

    #[test]
    fn the_moment_is_no_verdict() {
        assert!([Errno::INVAL, Errno::NOSPC, Errno::RANGE].into_iter().all(is_about_layout));
        assert!(
            ![Errno::BUSY, Errno::NOMEM, Errno::ACCESS, Errno::NODEV, Errno::INTR].into_iter().any(is_about_layout)
        );
    }
}
