//! `pointer-constraints-unstable-v1`: a surface keeps the pointer where it is, or within a region.
//!
//! A surface has one constraint at most; there is one seat. [`constraint`] says what it has, and the
//! compositor decides with [`activate`] and [`deactivate`] when it holds. A constraint of one shot is used
//! up when it has been deactivated.
//!
//! (Smithay's module keeps constraints by surface and pointer, so that destroying an object that is used up
//! takes the surface's new one with it.)
//!
//! Nothing here moves a pointer.
//!
//! Source: `wayland-protocols/unstable/pointer-constraints`.

use std::sync::{Mutex, MutexGuard};

use smithay::{
    utils::{Logical, Point, Rectangle},
    wayland::compositor::{
        Cacheable, RectangleKind, RegionAttributes, SurfaceData, get_region_attributes, with_states,
    },
};
use wayland_protocols::wp::pointer_constraints::zv1::server::{
    zwp_confined_pointer_v1::{self as confined, ZwpConfinedPointerV1},
    zwp_locked_pointer_v1::{self as locked, ZwpLockedPointerV1},
    zwp_pointer_constraints_v1::{self as manager, Lifetime, ZwpPointerConstraintsV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, WEnum,
    backend::{ClientId, ObjectId},
    protocol::{wl_region::WlRegion, wl_surface::WlSurface},
};

use crate::surface_object::{SurfaceRef, bind_manager};

/// So many rectangles of a region count; of one with more, the bounding box of those that were added.
const RECTS: usize = 256;

/// What a constraint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The pointer does not move.
    Lock,
    /// It stays on the surface, within the region.
    Confinement,
}

/// The constraint of a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constraint {
    /// What it does.
    pub kind: Kind,
    /// Whether it holds now.
    pub active: bool,
}

/// What the protocol needs from the compositor's state.
pub trait PointerConstraintsHandler {
    /// The surface has a constraint now, which is not active.
    fn constraint_created(&mut self, surface: &WlSurface);

    /// The client has destroyed the surface's constraint, which was active. `hint`: where on the surface the
    /// client would like the pointer to be.
    fn constraint_destroyed(&mut self, surface: &WlSurface, hint: Option<Point<f64, Logical>>);
}

/// The `zwp_pointer_constraints_v1` global.
#[derive(Debug)]
pub struct PointerConstraintsState;

/// The object of a constraint.
#[derive(Debug, PartialEq)]
enum Object {
    Locked(ZwpLockedPointerV1),
    Confined(ZwpConfinedPointerV1),
}

impl Object {
    fn id(&self) -> ObjectId {
        match self {
            Self::Locked(object) => object.id(),
            Self::Confined(object) => object.id(),
        }
    }
}

/// A constraint, in its surface's data map.
#[derive(Debug)]
struct Held {
    object: Object,
    /// That of the request that made it.
    region: Option<RegionAttributes>,
    one_shot: bool,
    active: bool,
}

/// What requests of a constraint change with the surface's commit.
#[derive(Debug, Default, Clone)]
struct Changes {
    /// Of which object they are.
    of: Option<ObjectId>,
    /// `None`: the region has not been changed.
    region: Option<Option<RegionAttributes>>,
    hint: Option<Point<f64, Logical>>,
}

impl Cacheable for Changes {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        self.clone()
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// The surface's constraint, if it has one.
pub fn constraint(surface: &WlSurface) -> Option<Constraint> {
    with_states(surface, |states| {
        let held = held(states)?;
        held.as_ref().map(|held| {
            let kind = match held.object {
                Object::Locked(_) => Kind::Lock,
                Object::Confined(_) => Kind::Confinement,
            };
            Constraint { kind, active: held.active }
        })
    })
}

/// Whether a position on the surface is within the region of its constraint. Without a region every position
/// is; what of the surface takes input is for the caller.
pub fn is_within(surface: &WlSurface, at: Point<f64, Logical>) -> bool {
    with_states(surface, |states| {
        let Some(held) = held(states) else { return true };
        let Some(held) = held.as_ref() else { return true };
        let changed = changes_of(states, held).and_then(|changes| changes.region);
        let region = changed.as_ref().unwrap_or(&held.region);
        region.as_ref().is_none_or(|region| region.contains(at.to_i32_floor()))
    })
}

/// The place nearest to `at` in the region of the surface's constraint, and in `all`, the surface. What the region
/// leaves out again is not looked at: [`is_within`] says whether a place is in it.
pub fn nearest(surface: &WlSurface, at: Point<f64, Logical>, all: Rectangle<f64, Logical>) -> Point<f64, Logical> {
    with_states(surface, |states| {
        let of_surface = clamped(at, all);
        let Some(held) = held(states) else { return of_surface };
        let Some(held) = held.as_ref() else { return of_surface };
        let changed = changes_of(states, held).and_then(|changes| changes.region);
        let Some(region) = changed.as_ref().unwrap_or(&held.region) else { return of_surface };
        let added = region.rects.iter().filter(|(kind, _)| matches!(kind, RectangleKind::Add));
        let parts = added.filter_map(|(_, rect)| rect.to_f64().intersection(all)).map(|part| clamped(at, part));
        let distance = |place: &Point<f64, Logical>| (place.x - at.x).hypot(place.y - at.y);
        parts.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(of_surface)
    })
}

/// The place nearest to `at` whose pixel is in the rectangle.
fn clamped(at: Point<f64, Logical>, Rectangle { loc, size }: Rectangle<f64, Logical>) -> Point<f64, Logical> {
    let within = |at: f64, from: f64, length: f64| at.min(from + (length - 1.0).max(0.0)).max(from);
    (within(at.x, loc.x, size.w), within(at.y, loc.y, size.h)).into()
}

/// The surface's constraint holds from now on; its client is told. Nothing happens if there is none, or if it
/// holds.
pub fn activate(surface: &WlSurface) {
    with_states(surface, |states| {
        let Some(mut held) = held(states) else { return };
        let Some(held) = held.as_mut().filter(|held| !held.active) else { return };
        held.active = true;
        match &held.object {
            Object::Locked(object) => object.locked(),
            Object::Confined(object) => object.confined(),
        }
    });
}

/// The surface's constraint does not hold any more; its client is told. Answers where on the surface the
/// client would like the pointer to be, if it has said so. Nothing happens if it did not hold.
pub fn deactivate(surface: &WlSurface) -> Option<Point<f64, Logical>> {
    with_states(surface, |states| {
        let mut slot = held(states)?;
        let held = slot.as_mut().filter(|held| held.active)?;
        held.active = false;
        let hint = changes_of(states, held).and_then(|changes| changes.hint);
        match &held.object {
            Object::Locked(object) => object.unlocked(),
            Object::Confined(object) => object.unconfined(),
        }
        slot.take_if(|held| held.one_shot);
        hint
    })
}

/// The place of a surface's constraint, if it ever had one.
fn held(states: &SurfaceData) -> Option<MutexGuard<'_, Option<Held>>> {
    Some(states.data_map.get::<Mutex<Option<Held>>>()?.lock().expect("no panic while locked"))
}

/// What requests of this constraint have changed.
fn changes_of(states: &SurfaceData, held: &Held) -> Option<Changes> {
    // Smithay's `get` would make what no client has set, for good.
    if !states.cached_state.has::<Changes>() {
        return None;
    }
    let changes = states.cached_state.get::<Changes>().current().clone();
    (changes.of == Some(held.object.id())).then_some(changes)
}

fn region(region: Option<&WlRegion>) -> Option<RegionAttributes> {
    let mut region = get_region_attributes(region?);
    if region.rects.len() > RECTS {
        let added = region.rects.iter().filter(|(kind, _)| matches!(kind, RectangleKind::Add));
        let all = added.map(|(_, rect)| *rect).reduce(bounding_box);
        region.rects = all.map(|rect| (RectangleKind::Add, rect)).into_iter().collect();
    }
    Some(region)
}

/// Clients send sizes up to the highest number there is.
fn bounding_box(a: Rectangle<i32, Logical>, b: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
    let loc = (a.loc.x.min(b.loc.x), a.loc.y.min(b.loc.y));
    let right = a.loc.x.saturating_add(a.size.w).max(b.loc.x.saturating_add(b.size.w));
    let bottom = a.loc.y.saturating_add(a.size.h).max(b.loc.y.saturating_add(b.size.h));
    Rectangle::new(loc.into(), (right.saturating_sub(loc.0), bottom.saturating_sub(loc.1)).into())
}

impl PointerConstraintsState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ZwpPointerConstraintsV1, ()>
            + Dispatch<ZwpPointerConstraintsV1, ()>
            + Dispatch<ZwpLockedPointerV1, SurfaceRef>
            + Dispatch<ZwpConfinedPointerV1, SurfaceRef>
            + PointerConstraintsHandler
            + 'static,
    {
        display.create_global::<D, ZwpPointerConstraintsV1, ()>(1, ());
        Self
    }
}

bind_manager!(PointerConstraintsState, ZwpPointerConstraintsV1);

impl<D> Dispatch<ZwpPointerConstraintsV1, (), D> for PointerConstraintsState
where
    D: Dispatch<ZwpPointerConstraintsV1, ()>
        + Dispatch<ZwpLockedPointerV1, SurfaceRef>
        + Dispatch<ZwpConfinedPointerV1, SurfaceRef>
        + PointerConstraintsHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwpPointerConstraintsV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        use manager::Request;
        let (name, object, surface, wl_region, lifetime) = match request {
            Request::LockPointer { id, surface, region, lifetime, .. } => {
                let object = Object::Locked(data_init.init(id, SurfaceRef::new(&surface)));
                ("lock_pointer", object, surface, region, lifetime)
            }
            Request::ConfinePointer { id, surface, region, lifetime, .. } => {
                let object = Object::Confined(data_init.init(id, SurfaceRef::new(&surface)));
                ("confine_pointer", object, surface, region, lifetime)
            }
            _ => return,
        };
        let region = region(wl_region.as_ref());
        // The protocol has no error for another number.
        let one_shot = lifetime != WEnum::Value(Lifetime::Persistent);
        let created = with_states(&surface, |states| {
            let place = states.data_map.get_or_insert_threadsafe(Mutex::<Option<Held>>::default);
            let mut place = place.lock().expect("no panic while locked");
            let free = place.is_none();
            if free {
                *place = Some(Held { object, region, one_shot, active: false });
            }
            free
        });
        if created {
            state.constraint_created(&surface);
        } else {
            let message = format!("{name}: {} has a constraint already", surface.id());
            resource.post_error(manager::Error::AlreadyConstrained, message);
        }
    }
}

impl<D> Dispatch<ZwpLockedPointerV1, SurfaceRef, D> for PointerConstraintsState
where
    D: Dispatch<ZwpLockedPointerV1, SurfaceRef> + PointerConstraintsHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ZwpLockedPointerV1,
        request: locked::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        match request {
            locked::Request::SetCursorPositionHint { surface_x, surface_y } => {
                change(data, resource.id(), |changes| changes.hint = Some((surface_x, surface_y).into()));
            }
            locked::Request::SetRegion { region: new } => {
                let new = region(new.as_ref());
                change(data, resource.id(), |changes| changes.region = Some(new));
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwpLockedPointerV1, data: &SurfaceRef) {
        destroyed(state, data, &Object::Locked(resource.clone()));
    }
}

impl<D> Dispatch<ZwpConfinedPointerV1, SurfaceRef, D> for PointerConstraintsState
where
    D: Dispatch<ZwpConfinedPointerV1, SurfaceRef> + PointerConstraintsHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ZwpConfinedPointerV1,
        request: confined::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let confined::Request::SetRegion { region: new } = request {
            let new = region(new.as_ref());
            change(data, resource.id(), |changes| changes.region = Some(new));
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwpConfinedPointerV1, data: &SurfaceRef) {
        destroyed(state, data, &Object::Confined(resource.clone()));
    }
}

/// Changes what the surface's next commit brings for this object. Without the surface, or for one that is used
/// up, it counts for nothing.
fn change(data: &SurfaceRef, object: ObjectId, change: impl FnOnce(&mut Changes)) {
    let Ok(surface) = data.get("set") else { return };
    with_states(&surface, |states| {
        let is_its = held(states).is_some_and(|held| held.as_ref().is_some_and(|held| held.object.id() == object));
        if !is_its {
            return;
        }
        let mut cached = states.cached_state.get::<Changes>();
        let pending = cached.pending();
        if pending.of.as_ref() != Some(&object) {
            *pending = Changes { of: Some(object), ..Changes::default() };
        }
        change(pending);
    });
}

fn destroyed<D: PointerConstraintsHandler>(state: &mut D, data: &SurfaceRef, object: &Object) {
    let Ok(surface) = data.get("destroy") else { return };
    let gone = with_states(&surface, |states| {
        let gone = held(states)?.take_if(|held| held.object == *object)?;
        let hint = changes_of(states, &gone).and_then(|changes| changes.hint);
        gone.active.then_some(hint)
    });
    if let Some(hint) = gone {
        state.constraint_destroyed(&surface, hint);
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_pointer_constraints {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::pointer_constraints::manager::ZwpPointerConstraintsV1: ()
        ] => $crate::pointer_constraints::PointerConstraintsState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::pointer_constraints::manager::ZwpPointerConstraintsV1: ()
        ] => $crate::pointer_constraints::PointerConstraintsState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::pointer_constraints::locked::ZwpLockedPointerV1: $crate::SurfaceRef
        ] => $crate::pointer_constraints::PointerConstraintsState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::pointer_constraints::confined::ZwpConfinedPointerV1: $crate::SurfaceRef
        ] => $crate::pointer_constraints::PointerConstraintsState);
    };
}
