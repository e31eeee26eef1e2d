//! `alpha-modifier-v1`: a client fades a whole surface.
//!
//! The factor is double-buffered with the surface's other state: [`current`] is that of the applied
//! commit. It is never applied to pixels here.
//!
//! Source: `wayland-protocols/staging/alpha-modifier/alpha-modifier-v1.xml`.

use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use wayland_protocols::wp::alpha_modifier::v1::server::{
    wp_alpha_modifier_surface_v1::{self as object, WpAlphaModifierSurfaceV1},
    wp_alpha_modifier_v1::{self as manager, WpAlphaModifierV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::ClientId};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef, bind_manager};

/// The `wp_alpha_modifier_v1` global.
#[derive(Debug)]
pub struct AlphaModifierState;

impl SurfaceExtension for WpAlphaModifierSurfaceV1 {
    /// The factor is a part of the surface's double-buffered state.
    type State = ();
}

/// By what the alpha of every pixel of a surface is multiplied: a part of the surface's
/// double-buffered state. By one unless the client says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor(u32);

impl Default for Factor {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Factor {
    /// `u32::MAX` stands for one.
    pub fn new(of_max: u32) -> Self {
        Self(of_max)
    }

    /// Whether it is one: the surface is as its buffer is.
    pub fn is_one(self) -> bool {
        self.0 == u32::MAX
    }

    /// Whether nothing is seen of the surface.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// From 0 to 1.
    pub fn as_f32(self) -> f32 {
        (f64::from(self.0) / f64::from(u32::MAX)) as f32
    }

    /// The nearest of 65 536 steps; neither the first nor the last, unless it is zero or one.
    pub fn as_u16(self) -> u16 {
        const STEP: u64 = u32::MAX as u64 / u16::MAX as u64;
        match self.0 {
            0 => 0,
            u32::MAX => u16::MAX,
            of_max => ((u64::from(of_max) + STEP / 2) / STEP).clamp(1, u64::from(u16::MAX) - 1) as u16,
        }
    }
}

impl Cacheable for Factor {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        *self
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// The factor of the surface's applied state.
pub fn current(states: &SurfaceData) -> Factor {
    match states.cached_state.has::<Factor>() {
        true => *states.cached_state.get::<Factor>().current(),
        false => Factor::default(),
    }
}

impl AlphaModifierState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpAlphaModifierV1, ()>
            + Dispatch<WpAlphaModifierV1, ()>
            + Dispatch<WpAlphaModifierSurfaceV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, WpAlphaModifierV1, ()>(1, ());
        Self
    }
}

bind_manager!(AlphaModifierState, WpAlphaModifierV1);

impl<D> Dispatch<WpAlphaModifierV1, (), D> for AlphaModifierState
where
    D: Dispatch<WpAlphaModifierV1, ()> + Dispatch<WpAlphaModifierSurfaceV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpAlphaModifierV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetSurface { id, surface } = request {
            let exists = manager::Error::AlreadyConstructed;
            SurfaceObject::create(resource, "get_surface", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<WpAlphaModifierSurfaceV1, SurfaceRef, D> for AlphaModifierState
where
    D: Dispatch<WpAlphaModifierSurfaceV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpAlphaModifierSurfaceV1,
        request: object::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let object::Request::SetMultiplier { factor } = request else { return };
        match data.get("set_multiplier") {
            Ok(surface) => with_states(&surface, |states| {
                *states.cached_state.get::<Factor>().pending() = Factor(factor);
            }),
            Err(message) => resource.post_error(object::Error::NoSurface, message),
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpAlphaModifierSurfaceV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |states| {
            // The protocol: as if it were set to one.
            *states.cached_state.get::<Factor>().pending() = Factor::default();
        });
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_alpha_modifier {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::alpha_modifier::manager::WpAlphaModifierV1: ()
        ] => $crate::alpha_modifier::AlphaModifierState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::alpha_modifier::manager::WpAlphaModifierV1: ()
        ] => $crate::alpha_modifier::AlphaModifierState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::alpha_modifier::object::WpAlphaModifierSurfaceV1: $crate::SurfaceRef
        ] => $crate::alpha_modifier::AlphaModifierState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zero_is_nothing_and_only_one_is_all() {
        let table = [(0, 0), (1, 1), (65_537, 1), (0x8000_8000, 0x8000), (u32::MAX - 1, 0xfffe), (u32::MAX, 0xffff)];
        for (of_max, step) in table {
            let factor = Factor::new(of_max);
            assert_eq!(factor.as_u16(), step, "{of_max:#x}");
            assert_eq!((factor.is_zero(), factor.is_one()), (step == 0, step == u16::MAX), "{of_max:#x}");
        }
        assert!(Factor::default().is_one());
        assert_eq!([Factor::new(0).as_f32(), Factor::default().as_f32()], [0.0, 1.0]);
    }
}
