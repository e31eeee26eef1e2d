//! Sets of (format, modifier) pairs that keep their order, which is the order of preference.
//!
//! Pure. Which device takes which pair is not known here.

use std::collections::HashSet;

use crate::{Format, Fourcc, Modifier};

/// Pairs in order, each once.
#[derive(Debug, Clone, Default)]
pub struct FormatSet {
    order: Vec<Format>,
    known: HashSet<Format>,
}

/// The same pairs in the same order.
impl PartialEq for FormatSet {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for FormatSet {}

impl FormatSet {
    /// Adds a pair at the end; false if it is there already.
    pub fn insert(&mut self, format: Format) -> bool {
        let new = self.known.insert(format);
        if new {
            self.order.push(format);
        }
        new
    }

    /// Whether the pair is in it.
    pub fn contains(&self, code: Fourcc, modifier: Modifier) -> bool {
        self.known.contains(&Format { code, modifier })
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Format> + '_ {
        self.order.iter().copied()
    }

    /// All of this one, then what only `other` has.
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// What both have, in this one's order.
    pub fn intersection(&self, other: &Self) -> Self {
        self.iter().filter(|format| other.known.contains(format)).collect()
    }

    /// What `other` has not, in this one's order.
    pub fn difference(&self, other: &Self) -> Self {
        self.iter().filter(|format| !other.known.contains(format)).collect()
    }

    /// The modifiers of one format, in order.
    pub fn modifiers(&self, code: Fourcc) -> impl Iterator<Item = Modifier> + '_ {
        self.iter().filter(move |format| format.code == code).map(|format| format.modifier)
    }

    /// The same pairs, ordered by `key`; equal ones stay as they were.
    pub fn sorted_by_key<K: Ord>(&self, mut key: impl FnMut(Format) -> K) -> Self {
        let mut sorted = self.clone();
        sorted.order.sort_by_key(|format| key(*format));
        sorted
    }
}

impl FromIterator<Format> for FormatSet {
    fn from_iter<I: IntoIterator<Item = Format>>(formats: I) -> Self {
        let mut set = Self::default();
        formats.into_iter().for_each(|format| {
            set.insert(format);
        });
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CODES: [Fourcc; 3] = [Fourcc::Xrgb8888, Fourcc::Argb8888, Fourcc::Nv12];

    fn set(pairs: &[(usize, u64)]) -> FormatSet {
        pairs.iter().map(|&(code, raw)| Format { code: CODES[code], modifier: Modifier::from(raw) }).collect()
    }

    #[test]
    fn order_is_kept() {
        let (a, b) = (set(&[(1, 0), (0, 0), (2, 5)]), set(&[(2, 5), (0, 1), (1, 0)]));
        assert_eq!(a.union(&b), set(&[(1, 0), (0, 0), (2, 5), (0, 1)]));
        assert_eq!(a.intersection(&b), set(&[(1, 0), (2, 5)]));
        assert_eq!(b.intersection(&a), set(&[(2, 5), (1, 0)]));
        assert_eq!(a.difference(&b), set(&[(0, 0)]));
        assert_eq!(a.sorted_by_key(|f| u64::from(f.modifier)), set(&[(1, 0), (0, 0), (2, 5)]));
        assert_eq!(b.modifiers(Fourcc::Xrgb8888).collect::<Vec<_>>(), [Modifier::from(1)]);
        assert_ne!(set(&[(0, 0), (1, 0)]), set(&[(1, 0), (0, 0)]), "another order is another preference");
    }

    fn pairs() -> impl Strategy<Value = Vec<(usize, u64)>> {
        prop::collection::vec((0..3usize, 0..4u64), 0..20)
    }

    proptest! {
        #[test]
        fn algebra(a in pairs(), b in pairs()) {
            let (a, b) = (set(&a), set(&b));
            let (both, all, only) = (a.intersection(&b), a.union(&b), a.difference(&b));
            prop_assert_eq!(both.len() + only.len(), a.len());
            prop_assert_eq!(all.len() + both.len(), a.len() + b.len());
            for Format { code, modifier } in all.iter() {
                let (in_a, in_b) = (a.contains(code, modifier), b.contains(code, modifier));
                prop_assert!(in_a || in_b);
                prop_assert_eq!(both.contains(code, modifier), in_a && in_b);
                prop_assert_eq!(only.contains(code, modifier), in_a && !in_b);
            }
            prop_assert_eq!(a.union(&a), a.clone());
            prop_assert_eq!(a.intersection(&a), a);
        }
    }
}
