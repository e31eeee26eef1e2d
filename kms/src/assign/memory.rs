//! What the kernel said to earlier layouts: bounded, the least recently used one is forgotten.

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
    pub(super) fn push(&mut self, plane: usize, zpos: Option<u64>, layer: Option<&CandidateLayer>) {
        self.items[self.count] = Some(Item { plane, zpos, layer: layer.map(|layer| layer.layout()) });
        self.count += 1;
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
}

impl Memory {
    /// How many verdicts are kept.
    pub(super) const SIZE: usize = 64;

    /// What the kernel said, if it was asked.
    pub(super) fn look_up(&mut self, key: &Key) -> Option<bool> {
        self.clock += 1;
        let found = self.verdicts.iter_mut().find(|verdict| verdict.key == *key)?;
        found.used = self.clock;
        Some(found.taken)
    }

    pub(super) fn learn(&mut self, key: Key, taken: bool) {
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

    pub(super) fn forget(&mut self) {
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
