//! What a surface's last commits have changed, in buffer pixels.
//!
//! The change that comes first after a [`DamageHistory::reset`] is not kept: nobody can ask for less
//! than everything then. So a surface that is committed once, as most sub-surfaces are, has no
//! history at all. It knows no output and no scale, and draws nothing.

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock},
};

use smallvec::SmallVec;
use smithay::{
    backend::renderer::utils::{CommitCounter, DamageSet},
    utils::{Buffer, Rectangle},
};

/// The changes that are kept; who has seen only older ones repaints everything.
const KEPT: usize = 4;
/// A change of more rectangles than this is kept as their bounding box.
const MAX_RECTS: usize = 128;

type Change = SmallVec<[Rectangle<i32, Buffer>; 4]>;

/// The damage history of one surface. A clone is a snapshot: it costs no memory of its own, but the
/// next change copies the history as long as the snapshot lives.
#[derive(Debug, Clone, Default)]
pub struct DamageHistory {
    commit: CommitCounter,
    /// Newest first. `None`: no change has come since the last reset.
    changes: Option<Arc<VecDeque<Change>>>,
}

impl DamageHistory {
    /// Counts the changes; give it to [`DamageHistory::damage_since`] later.
    pub fn current_commit(&self) -> CommitCounter {
        self.commit
    }

    /// What has changed since `commit`; `None`: that is not known any more, so everything may have.
    pub fn damage_since(&self, commit: CommitCounter) -> Option<DamageSet<i32, Buffer>> {
        match (self.commit.distance(Some(commit))?, &self.changes) {
            (0, _) => Some(DamageSet::default()),
            (distance, Some(changes)) if distance <= changes.len() => {
                Some(changes.iter().take(distance).flatten().copied().collect())
            }
            _ => None,
        }
    }

    /// These rectangles have changed. Without any that has an area nothing has.
    pub fn add(&mut self, damage: impl IntoIterator<Item = Rectangle<i32, Buffer>>) {
        let mut change: Change = damage.into_iter().filter(|rect| rect.size.w > 0 && rect.size.h > 0).collect();
        if change.is_empty() {
            return;
        }
        self.commit.increment();
        let Some(changes) = &mut self.changes else {
            // All histories without a change share this.
            static NONE: LazyLock<Arc<VecDeque<Change>>> = LazyLock::new(Arc::default);
            self.changes = Some(NONE.clone());
            return;
        };
        if change.len() > MAX_RECTS {
            change = change.into_iter().reduce(Rectangle::merge).into_iter().collect();
        }
        change.dedup();
        let changes = Arc::make_mut(changes);
        changes.reserve_exact(KEPT - changes.len());
        changes.truncate(KEPT - 1);
        changes.push_front(change);
    }

    /// Everything has changed, for example because the buffer has another size.
    pub fn reset(&mut self) {
        self.commit.increment();
        self.changes = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: i32, w: i32) -> Rectangle<i32, Buffer> {
        Rectangle::new((x, 0).into(), (w, 1).into())
    }

    fn since(history: &DamageHistory, commit: CommitCounter) -> Option<Vec<Rectangle<i32, Buffer>>> {
        history.damage_since(commit).map(|set| set.to_vec())
    }

    #[test]
    fn a_surface_that_is_committed_once_has_no_history() {
        let mut history = DamageHistory::default();
        history.reset();
        let mapped = history.current_commit();
        history.add([rect(0, 8)]);
        assert!(history.changes.as_ref().is_some_and(|changes| changes.capacity() == 0));
        assert_eq!(since(&history, mapped), None, "everything");
        assert_eq!(since(&history, history.current_commit()), Some(vec![]), "nothing");
    }

    #[test]
    fn the_last_changes_are_known_newest_first_and_older_ones_are_everything() {
        let mut history = DamageHistory::default();
        history.add([rect(0, 8)]);
        let mut commits = vec![history.current_commit()];
        for at in 1..=KEPT as i32 + 1 {
            history.add([rect(at, 1)]);
            commits.push(history.current_commit());
        }
        let last = KEPT + 1;
        for age in 0..=KEPT {
            let expected = (0..age).map(|back| rect((last - back) as i32, 1)).collect();
            assert_eq!(since(&history, commits[last - age]), Some(expected), "{age} changes ago");
        }
        assert_eq!(since(&history, commits[0]), None);
        history.reset();
        assert_eq!(since(&history, commits[last]), None, "everything changes with a reset");
    }

    #[test]
    fn a_change_without_area_is_none_and_one_of_very_many_rectangles_is_their_bounding_box() {
        let mut history = DamageHistory::default();
        history.add([rect(0, 8)]);
        let before = history.current_commit();
        history.add([rect(3, 0)]);
        assert_eq!(history.current_commit(), before);
        history.add((0..MAX_RECTS as i32 + 1).map(|x| rect(2 * x, 1)));
        assert_eq!(since(&history, before), Some(vec![rect(0, 2 * MAX_RECTS as i32 + 1)]));
    }

    #[test]
    fn a_snapshot_stays_what_it_was() {
        let mut history = DamageHistory::default();
        history.add([rect(0, 8)]);
        let before = history.current_commit();
        history.add([rect(1, 1)]);
        let snapshot = history.clone();
        history.add([rect(2, 1)]);
        assert_eq!(since(&snapshot, before), Some(vec![rect(1, 1)]));
        assert_eq!(since(&history, before), Some(vec![rect(2, 1), rect(1, 1)]));
    }
}
