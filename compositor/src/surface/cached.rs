//! The state that a synchronised sub-surface has committed, while it waits for its parent's commit.
//!
//! It is a copy of every double-buffered type of Smithay and of `protocols`, outside Smithay's own
//! queue. To apply it, it is put in the place of what the client has requested since, Smithay
//! commits it, and what was there is put back.
//!
//! As this file knows all of these types, it also keeps their memory small: most surfaces have few of
//! them, and commit once.

use fence::Ns;
use smithay::{
    reexports::wayland_server::{DisplayHandle, protocol::wl_surface::WlSurface},
    utils::Rectangle,
    wayland::{
        compositor::{Cacheable, CachedState as DoubleBuffered, Damage, SurfaceAttributes, SurfaceData, with_states},
        content_type::ContentTypeSurfaceCachedState,
        presentation::PresentationFeedbackCachedState,
        viewporter::ViewportCachedState,
    },
};

use crate::{
    config::limits::Kind,
    surface::{
        SurfaceState, apply::CommitUpdate, client, double_buffered::double_buffered, feedback::Feedback,
        tree::cache::Merge,
    },
};

/// Beyond so many rectangles of damage everything counts as damaged.
const MOST_DAMAGE: usize = 64;

/// A surface whose commits are at least this far apart commits rarely.
const RARE: Ns = 1_000_000_000;

/// Defines [`CachedState`]: a field for each double-buffered type.
macro_rules! cached_state {
    ($($field:ident: $type:ty,)*) => {
        /// The committed state of one surface: one commit's, or several that were merged.
        #[derive(Debug)]
        pub struct CachedState {
            display: DisplayHandle,
            $($field: Option<$type>,)*
        }

        impl CachedState {
            /// Takes what the surface commits now.
            pub fn take(states: &SurfaceData, display: &DisplayHandle) -> Self {
                let known = &states.cached_state;
                Self {
                    display: display.clone(),
                    $($field: known.has::<$type>().then(|| known.get::<$type>().pending().commit(display)),)*
                }
            }

            /// Exchanges this state and the surface's pending state.
            pub fn swap(&mut self, states: &SurfaceData) {
                $(if states.cached_state.has::<$type>() {
                    let own = self.$field.get_or_insert_default();
                    std::mem::swap(states.cached_state.get::<$type>().pending(), own);
                })*
            }

            /// Frees the memory in which Smithay queues commits, of a surface with none in the queue.
            pub fn free_queues(states: &SurfaceData) {
                $(if let Some(mut of) = double_buffered::<$type>(states) {
                    let mut fresh = DoubleBuffered::default();
                    std::mem::swap(fresh.current(), of.current());
                    std::mem::swap(fresh.pending(), of.pending());
                    *of = fresh;
                })*
            }

            fn add(&mut self, later: Self) {
                $(match (&mut self.$field, later.$field) {
                    (Some(into), Some(later)) => later.merge_into(into, &self.display),
                    (none @ None, later) => *none = later,
                    (Some(_), None) => {}
                })*
            }
        }
    };
}

cached_state! {
    attributes: SurfaceAttributes,
    update: CommitUpdate,
    viewport: ViewportCachedState,
    feedback: Feedback,
    requested_feedback: PresentationFeedbackCachedState,
    content_type: ContentTypeSurfaceCachedState,
    colour: protocols::color_representation::ClientState,
    tearing: protocols::tearing::Hint,
    alpha: protocols::alpha_modifier::Factor,
}

impl CachedState {
    /// The compositor's own part.
    pub fn update(&self) -> Option<&CommitUpdate> {
        self.update.as_ref()
    }
}

impl Merge for CachedState {
    fn merge(&mut self, later: Self) {
        if later.update.as_ref().is_some_and(|update| update.attach.is_some()) {
            // The content before it is never shown.
            self.feedback.iter_mut().for_each(Feedback::discard_commit);
        }
        self.add(later);
        if let Some(attributes) = self.attributes.as_mut().filter(|a| a.damage.len() > MOST_DAMAGE) {
            attributes.damage.clear();
            attributes.damage.push(Damage::Buffer(Rectangle::from_size((i32::MAX, i32::MAX).into())));
        }
    }
}

/// Counts the commit that [`crate::surface::apply`] has installed as applied. Returns whether a group
/// may have waited for it.
///
/// A surface that commits rarely keeps no memory for a queue of commits. One that is animated does,
/// so that none of its commits allocates it again.
pub fn settle(surface: &WlSurface, now: Ns) -> bool {
    let applied = with_states(surface, |states| {
        let mut surface = SurfaceState::of(states);
        let applied = surface.transactions.apply();
        let before = surface.applied_at.replace(now);
        let idle = before.is_none_or(|before| now.saturating_sub(before) >= RARE) && surface.transactions.is_settled();
        drop(surface);
        if idle {
            CachedState::free_queues(states);
        }
        applied
    });
    if applied.freed > 0 {
        client::with_budget(surface, |budget| budget.give(Kind::QueuedCommits, applied.freed));
    }
    applied.awaited
}
