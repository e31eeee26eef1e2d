//! [`Few`]: a list that needs the heap only beyond four elements. Order is not kept.

/// Four elements inline, more on the heap.
#[derive(Debug)]
pub(crate) struct Few<T> {
    inline: [Option<T>; 4],
    more: Vec<T>,
}

impl<T> Default for Few<T> {
    fn default() -> Few<T> {
        Few { inline: [None, None, None, None], more: Vec::new() }
    }
}

impl<T> Few<T> {
    pub(crate) fn push(&mut self, value: T) {
        match self.inline.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(value),
            None => self.more.push(value),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.inline.iter().flatten().chain(&self.more)
    }

    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.more.is_empty() && self.inline.iter().all(Option::is_none)
    }

    /// Takes the first that fits out.
    pub(crate) fn take(&mut self, fits: impl Fn(&T) -> bool) -> Option<T> {
        if let Some(slot) = self.inline.iter_mut().find(|slot| slot.as_ref().is_some_and(&fits)) {
            return slot.take();
        }
        self.more.iter().position(fits).map(|index| self.more.swap_remove(index))
    }

    pub(crate) fn clear(&mut self) {
        self.inline = [None, None, None, None];
        self.more.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_any_number_and_gives_each_back_once() {
        let mut few = Few::default();
        for value in 0..7 {
            few.push(value);
        }
        assert_eq!(few.len(), 7);
        for value in (0..7).rev() {
            assert_eq!(few.take(|other| *other == value), Some(value));
            assert_eq!(few.take(|other| *other == value), None);
        }
        assert!(few.is_empty());
    }
}
