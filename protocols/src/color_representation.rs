//! `color-representation-v1`: a client names the matrix and range of its YUV pixels.
//!
//! Both are double-buffered with the surface's other state: [`current`] returns those of the
//! applied commit. [`verify`] refuses a commit whose buffer does not match them. Nothing here
//! converts a pixel or knows a plane.
//!
//! The matrices that KMS has names for are offered, each in both ranges, and the identity for RGB;
//! alpha is premultiplied. The chroma location is checked and not used: planes have no property for
//! it.
//!
//! Source: `wayland-protocols/staging/color-representation/color-representation-v1.xml`.

use dmabuf_import::colour::{Encoding, Range, Representation};
use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use wayland_protocols::wp::color_representation::v1::server::{
    wp_color_representation_manager_v1::{self as manager, WpColorRepresentationManagerV1},
    wp_color_representation_surface_v1::{
        self as object, AlphaMode, Coefficients, Range as WireRange, WpColorRepresentationSurfaceV1,
    },
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum, backend::ClientId,
};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef};

/// The pairs of coefficients and range that are offered.
const OFFERED: [(Coefficients, WireRange); 7] = [
    (Coefficients::Identity, WireRange::Full),
    (Coefficients::Bt601, WireRange::Limited),
    (Coefficients::Bt601, WireRange::Full),
    (Coefficients::Bt709, WireRange::Limited),
    (Coefficients::Bt709, WireRange::Full),
    (Coefficients::Bt2020, WireRange::Limited),
    (Coefficients::Bt2020, WireRange::Full),
];

/// The `wp_color_representation_manager_v1` global.
#[derive(Debug)]
pub struct ColorRepresentationState;

/// The pixels of the buffer that a surface has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AttachedPixels {
    /// There is no buffer.
    #[default]
    Removed,
    /// Pixels of red, green and blue.
    Rgb,
    /// Pixels of luma and chroma.
    Yuv {
        /// Chroma is subsampled in both directions (4:2:0).
        is_420: bool,
    },
}

impl SurfaceExtension for WpColorRepresentationSurfaceV1 {
    /// Everything is a part of the surface's double-buffered state.
    type State = ();
}

/// What the client set, as a part of the surface's double-buffered state. A compositor that caches
/// the state of a surface must know the type; nobody else needs it.
#[derive(Debug, Default, Clone, Copy)]
pub struct ClientState {
    coefficients: Option<(Coefficients, WireRange)>,
    has_chroma_location: bool,
}

impl Cacheable for ClientState {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        *self
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// Matrix and range of YUV pixels in the surface's applied state; `None` if the client did not set
/// them.
pub fn current(states: &SurfaceData) -> Option<Representation> {
    if !states.cached_state.has::<ClientState>() {
        return None;
    }
    let (coefficients, range) = states.cached_state.get::<ClientState>().current().coefficients?;
    let encoding = match coefficients {
        Coefficients::Bt601 => Encoding::Bt601,
        Coefficients::Bt709 => Encoding::Bt709,
        Coefficients::Bt2020 => Encoding::Bt2020,
        _ => return None,
    };
    let range = if range == WireRange::Full { Range::Full } else { Range::Limited };
    Some(Representation { encoding, range })
}

/// Checks a commit before it is applied: the representation that is set must match `pixels`, those
/// that the commit attaches or, if it attaches none, that were attached last. On a mismatch the
/// client has got its error (`pixel_format`), and the commit must not be applied: false.
#[must_use]
pub fn verify(states: &SurfaceData, pixels: AttachedPixels) -> bool {
    let Some(known) = SurfaceObject::<WpColorRepresentationSurfaceV1>::find(states) else { return true };
    let Some(object) = &known.object else { return true };
    let client_state = *states.cached_state.get::<ClientState>().pending();
    match mismatch(pixels, &client_state) {
        None => true,
        Some(reason) => {
            object.post_error(object::Error::PixelFormat, format!("wl_surface.commit: {reason}"));
            false
        }
    }
}

/// Why pixels do not match the representation that is set.
fn mismatch(pixels: AttachedPixels, set: &ClientState) -> Option<&'static str> {
    let is_identity = set.coefficients.map(|(coefficients, _)| coefficients == Coefficients::Identity);
    match (pixels, is_identity) {
        (AttachedPixels::Rgb, Some(false)) => Some("coefficients of YCbCr are set, but the buffer's format is RGB"),
        (AttachedPixels::Yuv { .. }, Some(true)) => {
            Some("the identity matrix is set, but the buffer's format is YCbCr")
        }
        (AttachedPixels::Rgb | AttachedPixels::Yuv { is_420: false }, _) if set.has_chroma_location => {
            Some("a chroma location is set, but the buffer's format is not 4:2:0")
        }
        _ => None,
    }
}

impl ColorRepresentationState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpColorRepresentationManagerV1, ()>
            + Dispatch<WpColorRepresentationManagerV1, ()>
            + Dispatch<WpColorRepresentationSurfaceV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, WpColorRepresentationManagerV1, ()>(1, ());
        Self
    }
}

impl<D> GlobalDispatch<WpColorRepresentationManagerV1, (), D> for ColorRepresentationState
where
    D: Dispatch<WpColorRepresentationManagerV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpColorRepresentationManagerV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        let manager = data_init.init(resource, ());
        manager.supported_alpha_mode(AlphaMode::PremultipliedElectrical);
        for (coefficients, range) in OFFERED {
            manager.supported_coefficients_and_ranges(coefficients, range);
        }
        manager.done();
    }
}

impl<D> Dispatch<WpColorRepresentationManagerV1, (), D> for ColorRepresentationState
where
    D: Dispatch<WpColorRepresentationManagerV1, ()> + Dispatch<WpColorRepresentationSurfaceV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpColorRepresentationManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetSurface { id, surface } = request {
            let exists = manager::Error::SurfaceExists;
            SurfaceObject::create(resource, "get_surface", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<WpColorRepresentationSurfaceV1, SurfaceRef, D> for ColorRepresentationState
where
    D: Dispatch<WpColorRepresentationSurfaceV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpColorRepresentationSurfaceV1,
        request: object::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let name = match request {
            object::Request::SetAlphaMode { .. } => "set_alpha_mode",
            object::Request::SetCoefficientsAndRange { .. } => "set_coefficients_and_range",
            object::Request::SetChromaLocation { .. } => "set_chroma_location",
            _ => return,
        };
        let surface = match data.get(name) {
            Ok(surface) => surface,
            Err(message) => return resource.post_error(object::Error::Inert, message),
        };
        let refuse = |error: object::Error, reason: String| resource.post_error(error, format!("{name}: {reason}"));
        match request {
            object::Request::SetAlphaMode { alpha_mode: WEnum::Value(AlphaMode::PremultipliedElectrical) } => {}
            object::Request::SetAlphaMode { alpha_mode } => {
                refuse(object::Error::AlphaMode, format!("{} is not offered", u32::from(alpha_mode)));
            }
            object::Request::SetCoefficientsAndRange { coefficients, range } => {
                let named = coefficients.into_result().ok().zip(range.into_result().ok());
                match named.filter(|pair| OFFERED.contains(pair)) {
                    Some(pair) => with_states(&surface, |states| {
                        states.cached_state.get::<ClientState>().pending().coefficients = Some(pair);
                    }),
                    None => {
                        let (coefficients, range) = (u32::from(coefficients), u32::from(range));
                        let reason = format!("{coefficients} with range {range} is not offered");
                        refuse(object::Error::Coefficients, reason);
                    }
                }
            }
            object::Request::SetChromaLocation { chroma_location } => match chroma_location {
                WEnum::Value(_) => with_states(&surface, |states| {
                    states.cached_state.get::<ClientState>().pending().has_chroma_location = true;
                }),
                WEnum::Unknown(number) => {
                    refuse(object::Error::ChromaLocation, format!("there is no location {number}"))
                }
            },
            _ => {}
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpColorRepresentationSurfaceV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |states| {
            *states.cached_state.get::<ClientState>().pending() = ClientState::default();
        });
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_color_representation {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::color_representation::manager::WpColorRepresentationManagerV1: ()
        ] => $crate::color_representation::ColorRepresentationState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::color_representation::manager::WpColorRepresentationManagerV1: ()
        ] => $crate::color_representation::ColorRepresentationState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::color_representation::object::WpColorRepresentationSurfaceV1: $crate::SurfaceRef
        ] => $crate::color_representation::ColorRepresentationState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_representation_must_match_the_pixels() {
        use AttachedPixels::*;
        let matrix = Some((Coefficients::Bt709, WireRange::Limited));
        let identity = Some((Coefficients::Identity, WireRange::Full));
        let table = [
            (Rgb, None, false, true),
            (Rgb, identity, false, true),
            (Rgb, matrix, false, false),
            (Rgb, None, true, false),
            (Yuv { is_420: true }, None, true, true),
            (Yuv { is_420: true }, matrix, true, true),
            (Yuv { is_420: true }, identity, false, false),
            (Yuv { is_420: false }, matrix, false, true),
            (Yuv { is_420: false }, matrix, true, false),
            (Removed, matrix, true, true),
            (Removed, identity, false, true),
        ];
        for (pixels, coefficients, has_chroma_location, matches) in table {
            let set = ClientState { coefficients, has_chroma_location };
            assert_eq!(mismatch(pixels, &set).is_none(), matches, "{pixels:?} {set:?}");
        }
    }
}
