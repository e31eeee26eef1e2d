//! Regions and damage: how many rectangles a client may have, and what becomes of too many.
//!
//! It changes no surface but the state that its client has not committed yet.

use protocols::ObjectObserver;
use smithay::{
    utils::Rectangle,
    wayland::compositor::{
        CompositorState, Damage, RectangleKind, RegionAttributes, RegionUserData, SurfaceAttributes,
        get_region_attributes, with_states,
    },
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource,
    backend::ClientId,
    protocol::{
        wl_region::{self, WlRegion},
        wl_surface::{self, WlSurface},
    },
};

use crate::{
    config::limits::{DAMAGE_RECTS, Kind, RECTS_PER_REGION},
    session::Syncline,
};

impl Dispatch<WlRegion, RegionUserData> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        region: &WlRegion,
        request: wl_region::Request,
        data: &RegionUserData,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        if let wl_region::Request::Add { width, height, .. } | wl_region::Request::Subtract { width, height, .. } =
            &request
        {
            // A rectangle of negative size is empty, and no error. Smithay would panic in a debug
            // build.
            if *width < 0 || *height < 0 {
                return;
            }
            state.restrain(client, state.client_state(client).budget.take(Kind::RegionRects, 1));
        }
        <CompositorState as Dispatch<_, _, Self>>::request(state, client, region, request, data, display, data_init);
    }

    fn destroyed(state: &mut Self, client: ClientId, region: &WlRegion, data: &RegionUserData) {
        state.note_destroyed(&client, &region.id());
        let rects = get_region_attributes(region).rects.len();
        state.give_back(&client, Kind::RegionRects, u32::try_from(rects).unwrap_or(u32::MAX));
        <CompositorState as Dispatch<_, _, Self>>::destroyed(state, client, region, data);
    }
}

/// What is to be done after a request of a surface that may have left it with too many rectangles.
pub fn simplifier(request: &wl_surface::Request) -> Option<fn(&WlSurface)> {
    use wl_surface::Request;
    match request {
        Request::Damage { .. } | Request::DamageBuffer { .. } => Some(bound_damage),
        Request::SetOpaqueRegion { region: Some(_) } | Request::SetInputRegion { region: Some(_) } => {
            Some(bound_regions)
        }
        _ => None,
    }
}

/// Keeps the pending damage of a surface small: what there is becomes its bounding box when it has too
/// many rectangles.
fn bound_damage(surface: &WlSurface) {
    with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let damage = &mut attributes.pending().damage;
        if damage.len() <= DAMAGE_RECTS {
            return;
        }
        let of_surface =
            damage.iter().filter_map(|rect| if let Damage::Surface(rect) = rect { Some(*rect) } else { None });
        let of_buffer =
            damage.iter().filter_map(|rect| if let Damage::Buffer(rect) = rect { Some(*rect) } else { None });
        let boxes = [of_surface.reduce(merge).map(Damage::Surface), of_buffer.reduce(merge).map(Damage::Buffer)];
        *damage = boxes.into_iter().flatten().collect();
    });
}

/// Keeps the pending regions of a surface small: work on a region grows with its rectangles, and each
/// commit copies them. An opaque region may be too small and an input region too large: they become
/// none, and the bounding box.
fn bound_regions(surface: &WlSurface) {
    with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let pending = attributes.pending();
        let has_many = |region: &mut RegionAttributes| region.rects.len() > RECTS_PER_REGION;
        pending.opaque_region.take_if(has_many);
        if let Some(many) = pending.input_region.take_if(has_many) {
            let added = many.rects.into_iter().filter(|(kind, _)| matches!(kind, RectangleKind::Add));
            let all = added.map(|(_, rect)| (RectangleKind::Add, rect)).reduce(|(_, a), (kind, b)| (kind, merge(a, b)));
            pending.input_region = Some(RegionAttributes { rects: all.into_iter().collect() });
        }
    });
}

/// The bounding box. Clients send sizes up to the highest number there is.
fn merge<Kind>(a: Rectangle<i32, Kind>, b: Rectangle<i32, Kind>) -> Rectangle<i32, Kind> {
    let (x, y) = (a.loc.x.min(b.loc.x), a.loc.y.min(b.loc.y));
    let end = |of: fn(&Rectangle<i32, Kind>) -> (i32, i32)| {
        let far = |rect| {
            let (at, size) = of(rect);
            at.saturating_add(size)
        };
        far(&a).max(far(&b))
    };
    let (right, bottom) = (end(|rect| (rect.loc.x, rect.size.w)), end(|rect| (rect.loc.y, rect.size.h)));
    Rectangle::new((x, y).into(), (right.saturating_sub(x), bottom.saturating_sub(y)).into())
}
