//! Presentation feedback of a surface: that of each commit until it is applied, and that of what is
//! shown until a frame has shown it.
//!
//! Smithay keeps the feedback of a surface in one list. So it discards that of an older commit when
//! a newer one is applied, although the newer one may have failed and is not shown; and if the
//! newer one has no feedback, it takes that of the older one for its own. Here the two are apart,
//! and [`crate::surface::apply`] says which of them is left. Nothing here sends `presented`.

use smithay::{
    reexports::wayland_server::DisplayHandle,
    wayland::{
        compositor::{Cacheable, SurfaceData},
        presentation::PresentationFeedbackCachedState,
    },
};

use crate::surface::double_buffered::double_buffered;

/// Presentation feedback, double-buffered. Whatever is dropped is discarded.
#[derive(Debug, Default)]
pub struct Feedback {
    /// Of one commit.
    commit: PresentationFeedbackCachedState,
    /// Of the content that the surface shows, until a frame has shown it.
    pub shown: PresentationFeedbackCachedState,
}

impl Cacheable for Feedback {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        Self { commit: std::mem::take(&mut self.commit), ..Self::default() }
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        if !self.commit.callbacks.is_empty() {
            into.commit = self.commit;
        }
    }
}

impl Feedback {
    /// Takes from Smithay what a client has requested for the commit that it makes.
    pub fn take(states: &SurfaceData) {
        let Some(mut requested) = double_buffered::<PresentationFeedbackCachedState>(states) else { return };
        let commit = std::mem::take(requested.pending());
        if !commit.callbacks.is_empty() {
            states.cached_state.get::<Self>().pending().commit = commit;
        }
    }

    /// The commit does not show what its client has committed.
    pub fn discard_commit(&mut self) {
        self.commit.callbacks.drain(..).for_each(|callback| callback.discarded());
    }

    /// The commit is applied and shown. `replaces`: by another content, so that no frame shows the
    /// one before it any more.
    pub fn show_commit(&mut self, replaces: bool) {
        if replaces || !self.commit.callbacks.is_empty() {
            self.shown = std::mem::take(&mut self.commit);
        }
    }

    /// No frame shows the surface as it is.
    pub fn discard_shown(&mut self) {
        self.shown.callbacks.drain(..).for_each(|callback| callback.discarded());
    }
}
