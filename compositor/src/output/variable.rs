//! Variable refresh (VRR): the content decides how long a frame is shown, and not the pointer.
//!
//! A frame goes out as soon as it is ready, but not before that before it was shown for as long as
//! the mode says ([`kms::vblank::Clock`]). A pointer that moves a thousand times a second would hold
//! the display at its fastest rate, and a film at 48 frames a second would stutter. So while a
//! content changes steadily, the pointer moves with it, and by itself only when the frame has been
//! shown for as long as displays can show one.
//!
//! Times are given by the caller; nothing is committed here.

use fence::Ns;

/// How long displays can show a frame at least, by their lowest rate, unless the EDID says: 48 Hz.
const LONGEST: Ns = 20_833_333;

/// What one output needs to know of it.
#[derive(Debug)]
pub struct VariableRefresh {
    longest: Ns,
    content_at: Option<Ns>,
    pointer_moved: bool,
}

impl VariableRefresh {
    /// Of a display that goes down to `lowest` Hz, if its EDID says.
    pub fn new(lowest: Option<u32>) -> Self {
        let longest = lowest.filter(|hz| *hz > 0).map_or(LONGEST, |hz| 1_000_000_000 / Ns::from(hz));
        Self { longest, content_at: None, pointer_moved: false }
    }

    /// A content has changed.
    pub fn content(&mut self, now: Ns) {
        self.content_at = Some(now);
    }

    /// The pointer has moved. Whether a frame has to show it: not if a content will soon make one.
    pub fn pointer(&mut self, now: Ns) -> bool {
        let steady = self.content_at.is_some_and(|at| now.saturating_sub(at) <= 2 * self.longest);
        self.pointer_moved |= steady;
        !steady
    }

    /// When a frame has to show the pointer, if none does before; `shown`: when that on the screen
    /// began.
    pub fn pointer_due(&self, shown: Ns) -> Option<Ns> {
        self.pointer_moved.then(|| shown.saturating_add(self.longest))
    }

    /// A frame was committed.
    pub fn latched(&mut self) {
        self.pointer_moved = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Ns = 1_000_000;

    #[test]
    fn the_pointer_moves_with_a_content_that_changes_steadily() {
        let mut refresh = VariableRefresh::new(Some(40));
        assert!(refresh.pointer(5 * MS), "nothing else changes");
        assert_eq!(refresh.pointer_due(0), None);
        refresh.content(10 * MS);
        assert!(!refresh.pointer(20 * MS));
        assert_eq!(refresh.pointer_due(12 * MS), Some(37 * MS), "25 ms after the frame came");
        refresh.latched();
        assert_eq!(refresh.pointer_due(12 * MS), None);
        assert!(!refresh.pointer(60 * MS) && refresh.pointer(61 * MS), "the content has stopped");
    }

    #[test]
    fn the_longest_frame_is_that_of_the_edid() {
        for (lowest, longest) in [(Some(40), 25 * MS), (Some(0), LONGEST), (None, LONGEST)] {
            assert_eq!(VariableRefresh::new(lowest).longest, longest, "{lowest:?}");
        }
    }
}
