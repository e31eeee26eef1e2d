//! `wl_subcompositor` and `wl_subsurface`: their requests change the trees of
//! [`crate::surface::tree`], after they have been checked.
//!
//! ```text
//!  get_subsurface            bad_parent for a cycle, bad_surface for a surface with another role or
//!                            parent; the new tree must be within LIMITS
//!  place_above, place_below  bad_surface unless the reference is a sibling or the parent
//!  set_desync, destroy       what is cached for the surface is applied
//! ```
//!
//! No protocol limits depth and size; exceeding them ends the client with
//! `wl_display.implementation`. A sub-surface whose surface or parent is destroyed is inert.
//!
//! Nothing here draws, moves or focuses a surface.

use protocols::{ObjectObserver, observed_dispatch, observed_global_dispatch};
use smithay::wayland::compositor::{CompositorState, get_role, give_role};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
    backend::ClientId,
    protocol::{
        wl_callback::WlCallback,
        wl_compositor::WlCompositor,
        wl_subcompositor::{self, WlSubcompositor},
        wl_subsurface::{self, WlSubsurface},
        wl_surface::WlSurface,
    },
};

use crate::{
    session::{Syncline, commit::submit::Requester, windows::popups::implementation_limit},
    surface::{
        cached::CachedState,
        id_of,
        limits::{Fault, Forest, LIMITS},
        tree::{cache::Members, update::Link},
    },
    system::id::SurfaceId,
};

/// Role of a surface with a `wl_subsurface`.
const SUBSURFACE: &str = "subsurface";

/// User data of a `wl_subsurface`.
#[derive(Debug)]
pub struct SubsurfaceData {
    surface: SurfaceId,
    /// `None` if `get_subsurface` was refused.
    link: Option<Link>,
}

/// Why a surface cannot become a sub-surface.
enum Refusal {
    Tree(Fault),
    /// It has another role, or is a sub-surface already.
    Role,
}

impl GlobalDispatch<WlSubcompositor, ()> for Syncline {
    fn bind(
        state: &mut Self,
        _: &DisplayHandle,
        client: &Client,
        resource: New<WlSubcompositor>,
        (): &(),
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_bind(client, WlSubcompositor::interface());
        data_init.init(resource, ());
    }

    fn can_view(client: Client, (): &()) -> bool {
        Self::note_registry(&client, WlSubcompositor::interface());
        true
    }
}

impl Dispatch<WlSubcompositor, ()> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        subcompositor: &WlSubcompositor,
        request: wl_subcompositor::Request,
        (): &(),
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, WlSubcompositor::interface(), request.opcode());
        let wl_subcompositor::Request::GetSubsurface { id, surface, parent } = request else { return };
        let added = state.add_subsurface(&surface, &parent);
        let data = SubsurfaceData { surface: id_of(&surface), link: added.as_ref().copied().ok() };
        data_init.init(id, data);
        let (surface, parent) = (surface.id(), parent.id());
        match added {
            Ok(_) => {}
            Err(Refusal::Role) => subcompositor.post_error(
                wl_subcompositor::Error::BadSurface,
                format!("get_subsurface: {surface} has another role, or a wl_subsurface already"),
            ),
            Err(Refusal::Tree(Fault::Cycle)) => subcompositor.post_error(
                wl_subcompositor::Error::BadParent,
                format!("get_subsurface: the parent {parent} is {surface} itself or one of its descendants"),
            ),
            Err(Refusal::Tree(Fault::TooDeep)) => implementation_limit(
                display,
                client,
                format!("get_subsurface: sub-surfaces are nested more than {} deep", LIMITS.depth),
            ),
            Err(Refusal::Tree(Fault::TooManySurfaces)) => implementation_limit(
                display,
                client,
                format!("get_subsurface: a tree has more than {} surfaces", LIMITS.surfaces),
            ),
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, subcompositor: &WlSubcompositor, (): &()) {
        state.note_destroyed(&client, &subcompositor.id());
    }
}

impl Dispatch<WlSubsurface, SubsurfaceData> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        subsurface: &WlSubsurface,
        request: wl_subsurface::Request,
        data: &SubsurfaceData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, WlSubsurface::interface(), request.opcode());
        let Some(link) = data.link else { return };
        let trees = &mut state.desktop.trees;
        match request {
            wl_subsurface::Request::SetPosition { x, y } => trees.set_position(data.surface, link, (x, y)),
            wl_subsurface::Request::PlaceAbove { sibling } => state.restack(subsurface, data, link, &sibling, true),
            wl_subsurface::Request::PlaceBelow { sibling } => state.restack(subsurface, data, link, &sibling, false),
            wl_subsurface::Request::SetSync => trees.set_sync(data.surface, link, true),
            wl_subsurface::Request::SetDesync => {
                let was_sync = trees.is_sync(data.surface);
                trees.set_sync(data.surface, link, false);
                if was_sync && !trees.is_sync(data.surface) && trees.link(data.surface) == Some(link) {
                    let released = state.cached.release_subtree(trees, data.surface);
                    state.submit_released(released, &mut Requester { client, data_init });
                }
            }
            wl_subsurface::Request::Destroy => {
                let released = state.end_subsurface(data);
                state.submit_released(released, &mut Requester { client, data_init });
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, subsurface: &WlSubsurface, data: &SubsurfaceData) {
        state.note_destroyed(&client, &subsurface.id());
        // Nothing is left to be done unless the client is gone; what it has cached goes with it.
        drop(state.end_subsurface(data));
    }
}

impl Syncline {
    fn add_subsurface(&mut self, surface: &WlSurface, parent: &WlSurface) -> Result<Link, Refusal> {
        let trees = &mut self.desktop.trees;
        let (child, above) = (id_of(surface), id_of(parent));
        let has_other_role = get_role(surface).is_some_and(|role| role != SUBSURFACE);
        if has_other_role || trees.link(child).is_some() {
            let cycle = LIMITS.check_ancestors(&child, &above, |id| trees.parent(id));
            return Err(cycle.err().map_or(Refusal::Role, Refusal::Tree));
        }
        LIMITS.check_attach(trees, &child, &above).map_err(Refusal::Tree)?;
        give_role(surface, SUBSURFACE).map_err(|_| Refusal::Role)?;
        trees.attach(child, above).ok_or(Refusal::Role)
    }

    fn restack(
        &mut self,
        subsurface: &WlSubsurface,
        data: &SubsurfaceData,
        link: Link,
        reference: &WlSurface,
        above: bool,
    ) {
        if self.desktop.trees.place(data.surface, link, id_of(reference), above).is_err() {
            let name = if above { "place_above" } else { "place_below" };
            let message = format!("{name}: {} is neither a sibling nor the parent", reference.id());
            subsurface.post_error(wl_subsurface::Error::BadSurface, message);
        }
    }

    /// A `wl_subsurface` is destroyed: its surface leaves the tree at once. Returns what was cached
    /// for the surface.
    fn end_subsurface(&mut self, data: &SubsurfaceData) -> Vec<Members<CachedState>> {
        let trees = &mut self.desktop.trees;
        let Some(link) = data.link.filter(|link| trees.link(data.surface) == Some(*link)) else { return Vec::new() };
        let released = self.cached.release_subtree(trees, data.surface);
        let parent = trees.parent(&data.surface).and_then(|parent| trees.handle(parent)).cloned();
        let before = trees.generation();
        trees.detach(data.surface, link);
        if let Some(parent) = parent.filter(|_| trees.generation() != before) {
            self.tree_changed(&parent);
        }
        released
    }

    fn submit_released(&mut self, released: Vec<Members<CachedState>>, by: &mut Requester<'_, '_>) {
        released.into_iter().for_each(|members| self.submit_group(members, Default::default(), by));
    }
}

observed_global_dispatch!(Syncline: [WlCompositor: ()] => CompositorState);

observed_dispatch!(Syncline: [WlCallback: ()] => CompositorState);
