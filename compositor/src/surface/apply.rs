//! Makes the state of a commit the surface's current state.
//!
//! [`apply`] runs when Smithay applies the commit's state: at once if the commit has no gate, else
//! when the gate opens. It never waits.

use std::sync::Arc;

use dmabuf_import::colour::Representation;
use fence::{AcquireState, Ns};
use protocols::{alpha_modifier, color_representation, text_input::CursorPlace, viewporter};
use smithay::{
    reexports::wayland_server::{DisplayHandle, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle},
    wayland::{
        compositor::{Barrier, Cacheable, Damage, SurfaceAttributes, SurfaceData, with_states},
        viewporter::ViewportCachedState,
    },
};

use crate::{
    config::limits::Kind,
    surface::{
        SurfaceState,
        budget::Exceeded,
        client,
        content::Content,
        double_buffered::double_buffered,
        feedback::Feedback,
        shm::Cost,
        transform,
        tree::{Trees, update::TreeUpdate},
        view::View,
    },
};

/// The compositor's own part of a commit; Smithay double-buffers it with the rest of the state.
#[derive(Debug, Default)]
pub struct CommitUpdate {
    /// What the commit attaches; `None`: the commit leaves the buffer as it is.
    pub attach: Option<Attach>,
    /// The fifo barrier that the commit sets.
    pub barrier: Option<Barrier>,
    /// The time before which the commit of a synchronised surface must not be shown; 0: none. That of
    /// another surface is a barrier of its own.
    pub not_before: Ns,
    /// What few commits have.
    pub rare: Option<Box<Rare>>,
}

impl CommitUpdate {
    /// A window's configure that its client has acknowledged since the commit before.
    pub fn acked(&self) -> Option<u32> {
        self.rare.as_ref()?.acked
    }
}

/// What few commits have.
#[derive(Debug, Default)]
pub struct Rare {
    /// What the commit changes in the tree below the surface.
    pub tree: TreeUpdate,
    /// A window's configure that its client has acknowledged since its last commit.
    pub acked: Option<u32>,
    /// Where the cursor of the text is that is edited.
    pub text_cursor: Option<CursorPlace>,
}

/// What a commit attaches.
#[derive(Debug)]
pub enum Attach {
    /// A null buffer: the surface is unmapped.
    Removed,
    /// A buffer with its fences.
    Buffer(Arc<Content>),
}

impl Cacheable for CommitUpdate {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        std::mem::take(self)
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        if let Some(barrier) = self.barrier
            && let Some(old) = into.barrier.replace(barrier)
        {
            old.signal();
        }
        into.not_before = into.not_before.max(self.not_before);
        match (&mut into.rare, self.rare) {
            (Some(rare), Some(later)) => {
                rare.tree.merge(later.tree);
                rare.acked = later.acked.or(rare.acked);
                rare.text_cursor = later.text_cursor.or(rare.text_cursor);
            }
            (none @ None, later) => *none = later,
            (Some(_), None) => {}
        }
        let Some(attach) = self.attach else { return };
        // The older commit was merged before it was applied: nothing has read its buffer.
        if let Some(Attach::Buffer(old)) = into.attach.replace(attach) {
            old.give_up();
        }
    }
}

/// What a commit has changed.
#[derive(Debug, Clone, Copy)]
pub struct Applied {
    /// The size of the surface.
    pub resized: bool,
    /// More than the content: the size, whether the surface is opaque, or whether it has a content
    /// at all.
    pub reshaped: bool,
    /// The order or the positions of its sub-surfaces.
    pub rearranged: bool,
    /// The client shows more shared memory than it may.
    pub exceeded: Option<Exceeded>,
    /// A window's configure that its client had acknowledged before, and after the commit before.
    pub acked: Option<u32>,
    /// Where the cursor of the text is that is edited, if its client has said so.
    pub text_cursor: Option<CursorPlace>,
    /// How far the client moved the content (`wl_surface.offset`, or `attach` with coordinates).
    pub offset: Point<i32, Logical>,
}

/// Installs the state of a commit; called by Smithay's commit handler when it has applied the
/// commit.
pub fn apply(surface: &WlSurface, now: Ns, trees: &mut Trees<WlSurface>) -> Applied {
    with_states(surface, |states| {
        let rare = states.cached_state.get::<CommitUpdate>().current().rare.take();
        let offset = states.cached_state.get::<SurfaceAttributes>().current().buffer_delta.take().unwrap_or_default();
        let shape = |state: &SurfaceState| {
            let opaque = state.view.hides_below(state.current.as_ref().is_some_and(|content| content.opaque));
            (state.current.is_some(), opaque, state.view.size)
        };
        let (before, cost) = {
            let state = SurfaceState::of(states);
            (shape(&state), state.cost())
        };
        let resized = apply_content(states, now);
        let state = SurfaceState::of(states);
        let (mapped, _, size) = shape(&state);
        trees.set_shape(state.id, mapped, (size.w, size.h));
        let reshaped = resized || shape(&state) != before;
        let rearranged = rare.as_ref().is_some_and(|rare| trees.apply(state.id, &rare.tree));
        let (acked, text_cursor) = rare.map_or((None, None), |rare| (rare.acked, rare.text_cursor));
        let exceeded = charge(surface, cost, state.cost());
        Applied { resized, reshaped, rearranged, exceeded, acked, text_cursor, offset }
    })
}

/// Charges a surface's client for the image that it shows instead of the one before.
fn charge(surface: &WlSurface, before: Cost, now: Cost) -> Option<Exceeded> {
    if before == now {
        return None;
    }
    client::with_budget(surface, |budget| {
        budget.give(Kind::ShmKib, before.kib);
        budget.give(Kind::ShmHolesKib, before.holes_kib);
        let taken = [(Kind::ShmKib, now.kib), (Kind::ShmHolesKib, now.holes_kib)];
        taken.into_iter().find_map(|(kind, kib)| budget.take(kind, kib).err())
    })?
}

/// Installs content, view and damage of a commit. Returns whether the size has changed.
fn apply_content(states: &SurfaceData, now: Ns) -> bool {
    if let Some(barrier) = states.cached_state.get::<CommitUpdate>().current().barrier.take() {
        SurfaceState::of(states).order.get_or_insert_default().applied(barrier, now);
    }
    let mut attributes = states.cached_state.get::<SurfaceAttributes>();
    let attributes = attributes.current();
    let damage = std::mem::take(&mut attributes.damage);
    let attach = states.cached_state.get::<CommitUpdate>().current().attach.take();
    let mut feedback = double_buffered::<Feedback>(states);
    let mut feedback = feedback.as_mut().map(|feedback| feedback.current());
    let mut surface = SurfaceState::of(states);
    match attach {
        None => {
            feedback.iter_mut().for_each(|feedback| feedback.show_commit(false));
        }
        Some(Attach::Removed) => {
            surface.current = None;
            surface.unpaired = false;
            surface.damage.reset();
            feedback.iter_mut().for_each(|feedback| feedback.show_commit(true));
        }
        Some(Attach::Buffer(content)) => {
            let failed = matches!(content.acquire_state(), AcquireState::Failed(_));
            if failed || content.is_superseded() {
                // The last good content stays, and a frame may still have to show it. Dropping this
                // content releases the buffer, with the error of the acquire fence if there is one.
                feedback.iter_mut().for_each(|feedback| feedback.discard_commit());
                if failed {
                    surface.unpaired = true;
                    tracing::info!(
                        "surface {} commit {}: the acquire fence failed; the commit is not shown",
                        surface.id,
                        content.serial
                    );
                }
                // The next content differs from the last one shown by this damage, too.
                surface.damage.reset();
                return false;
            }
            if surface.current.as_ref().is_some_and(|old| old.source.size() != content.source.size()) {
                surface.damage.reset();
            }
            surface.current = Some(content);
            surface.unpaired = false;
            feedback.iter_mut().for_each(|feedback| feedback.show_commit(true));
        }
    }
    if surface.current.is_none() {
        // No frame shows this commit.
        feedback.iter_mut().for_each(|feedback| feedback.discard_shown());
    }
    if surface.unpaired {
        // The client did not mean them for this buffer, and may not be ended for that.
        return false;
    }
    let shown = surface.current.as_ref().map(|content| (content.source.size(), content.source.y_invert()));
    let Some((size, y_invert)) = shown else {
        return std::mem::take(&mut surface.view).size != View::default().size;
    };
    let viewport = double_buffered::<ViewportCachedState>(states).map(|mut viewport| *viewport.current());
    let viewport = viewport.unwrap_or_default();
    let logical = size.to_logical(attributes.buffer_scale.max(1), attributes.buffer_transform.into());
    let mut view = View::new(size, y_invert, attributes, &viewport);
    view.factor = alpha_modifier::current(states);
    if surface.current.as_ref().is_some_and(|content| content.source.is_yuv()) {
        let height = size.h.unsigned_abs();
        view.colour = color_representation::current(states).or(Some(Representation::default_for(height)));
    }
    if !viewporter::check_source(states, logical) {
        return false;
    }
    let resized = view.size != surface.view.size;
    if view != surface.view {
        surface.view = view;
        surface.damage.reset();
    }
    let all = Rectangle::from_size(size);
    let transform = view.transform;
    if surface.current.as_ref().is_some_and(|content| content.converted) {
        // The client's damage is in pixels of a buffer of another size.
        surface.damage.add([all]);
    }
    surface.damage.add(damage.into_iter().filter_map(|damage| {
        let rect = match damage {
            // The client counts lines from the top of the image.
            Damage::Buffer(mut rect) if y_invert => {
                rect.loc.y = size.h.saturating_sub(rect.loc.y).saturating_sub(rect.size.h);
                rect
            }
            Damage::Buffer(rect) => rect,
            Damage::Surface(rect) => surface_to_buffer(rect, &view, attributes.buffer_scale.max(1), transform),
        };
        rect.intersection(all)
    }));
    resized
}

/// Surface damage in buffer pixels, rounded outwards.
fn surface_to_buffer(
    rect: Rectangle<i32, Logical>,
    view: &View,
    scale: i32,
    transform: smithay::utils::Transform,
) -> Rectangle<i32, smithay::utils::Buffer> {
    // Clients use huge rectangles for "everything": clip before multiplying.
    let rect = rect.intersection(Rectangle::from_size(view.size)).unwrap_or_default();
    let unscaled = transform.transform_size(view.src.size);
    let fx = unscaled.w / f64::from(view.size.w.max(1)) / f64::from(scale);
    let fy = unscaled.h / f64::from(view.size.h.max(1)) / f64::from(scale);
    let local = Rectangle::new(
        (f64::from(rect.loc.x) * fx, f64::from(rect.loc.y) * fy).into(),
        (f64::from(rect.size.w) * fx, f64::from(rect.size.h) * fy).into(),
    );
    let area = (unscaled.w / f64::from(scale), unscaled.h / f64::from(scale)).into();
    let mut rect = transform::in_buffer(transform, scale, local, area);
    rect.loc += view.src.loc;
    rect.to_i32_up()
}

/// The surface is destroyed: drops the state of commits that will never be applied.
pub fn drop_unapplied(surface: &WlSurface) {
    with_states(surface, |states| {
        let mut update = states.cached_state.get::<CommitUpdate>();
        *update.pending() = CommitUpdate::default();
        *update.current() = CommitUpdate::default();
        if let Some(mut feedback) = double_buffered::<Feedback>(states) {
            (*feedback.pending(), *feedback.current()) = Default::default();
        }
        if let Some(order) = &mut SurfaceState::of(states).order {
            order.forget();
        }
    });
}

#[cfg(test)]
mod tests {
    use smithay::{reexports::wayland_server::protocol::wl_output::Transform, utils::Buffer};

    use super::*;

    /// The surface is 100x200, as the client has rotated it to a buffer of 200x100.
    #[test]
    fn damage_of_a_surface_is_where_the_client_has_drawn_it() {
        let table = [
            (Transform::_90, (20, 50, 40, 30)),
            (Transform::_270, (140, 20, 40, 30)),
            (Transform::Flipped90, (20, 20, 40, 30)),
            (Transform::Flipped270, (140, 50, 40, 30)),
        ];
        for (told, (x, y, w, h)) in table {
            let mut attributes = SurfaceAttributes::default();
            attributes.buffer_transform = told;
            let view = View::new((200, 100).into(), false, &attributes, &ViewportCachedState::default());
            let damage = Rectangle::new((20, 20).into(), (30, 40).into());
            let found = surface_to_buffer(damage, &view, 1, view.transform);
            assert_eq!(found, Rectangle::<i32, Buffer>::new((x, y).into(), (w, h).into()), "{told:?}");
        }
    }
}
