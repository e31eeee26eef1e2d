//! `color-representation-v1`: a client says which matrix and range its YUV pixels have.
//!
//! What it says is double-buffered with the surface's other state: [`stated`] is what the applied commit says. A commit whose
//! buffer does not go with it is refused by [`verify`]. Nothing here converts a pixel or knows a plane.
//!
//! Offered are the matrices that KMS has words for, each in both ranges, and the identity for RGB; alpha is premultiplied. The chroma
//! location is taken in, checked and not used: planes have no property for it.
//!
//! Source: `wayland-protocols/staging/color-representation/color-representation-v1.xml`.

use std::sync::{Mutex, MutexGuard};

use dmabuf_import::colour::{Encoding, Range, Representation};
use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use wayland_protocols::wp::color_representation::v1::server::{
    wp_color_representation_manager_v1::{self as manager, WpColorRepresentationManagerV1},
    wp_color_representation_surface_v1::{
        self as object, AlphaMode, Coefficients, Range as WireRange, WpColorRepresentationSurfaceV1,
    },
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum, Weak, backend::ClientId,
    protocol::wl_surface::WlSurface,
};

/// What is offered: coefficients, range.
const OFFERED: [(Coefficients, WireRange); 7] = [
    (Coefficients::Identity, WireRange::Full),
    (Coefficients::Bt601, WireRange::Limited),
    (Coefficients::Bt601, WireRange::Full),
    (Coefficients::Bt709, WireRange::Limited),
    (Coefficients::Bt709, WireRange::Full),
    (Coefficients::Bt2020, WireRange::Limited),
    (Coefficients::Bt2020, WireRange::Full),
];

/// User data of `wp_color_representation_surface_v1`: its surface.
#[derive(Debug)]
pub struct RepresentationData {
    surface: Weak<WlSurface>,
}

/// The `wp_color_representation_manager_v1` global.
#[derive(Debug)]
pub struct ColorRepresentationState;

/// What a commit attaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// No buffer: the surface keeps what it has.
    Unchanged,
    /// The null buffer.
    Removed,
    /// Pixels of red, green and blue.
    Rgb,
    /// Pixels of luma and chroma; true: chroma is subsampled in both directions (4:2:0).
    Yuv(bool),
}

#[derive(Debug)]
struct Attached {
    object: Option<WpColorRepresentationSurfaceV1>,
    contents: Contents,
}

impl Default for Attached {
    fn default() -> Self {
        Self { object: None, contents: Contents::Removed }
    }
}

/// What the client says, as a part of the surface's double-buffered state.
#[derive(Debug, Default, Clone, Copy)]
struct Stated {
    coefficients: Option<(Coefficients, WireRange)>,
    located: bool,
}

impl Cacheable for Stated {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        *self
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// Matrix and range that the surface's applied state names for YUV pixels; `None`: it does not say.
pub fn stated(states: &SurfaceData) -> Option<Representation> {
    if !states.cached_state.has::<Stated>() {
        return None;
    }
    let (coefficients, range) = states.cached_state.get::<Stated>().current().coefficients?;
    let encoding = match coefficients {
        Coefficients::Bt601 => Encoding::Bt601,
        Coefficients::Bt709 => Encoding::Bt709,
        Coefficients::Bt2020 => Encoding::Bt2020,
        _ => return None,
    };
    let range = if range == WireRange::Full { Range::Full } else { Range::Limited };
    Some(Representation { encoding, range })
}

/// Checks a commit before it is applied: what the client says must go with the pixels that it attaches, or has attached. On a
/// violation the client has got its error (`pixel_format`), and the commit must not be applied: false.
#[must_use]
pub fn verify(states: &SurfaceData, contents: Contents) -> bool {
    let mut attached = attached(states);
    if contents != Contents::Unchanged {
        attached.contents = contents;
    }
    let Some(object) = &attached.object else { return true };
    let stated = *states.cached_state.get::<Stated>().pending();
    match mismatch(attached.contents, &stated) {
        None => true,
        Some(what) => {
            object.post_error(object::Error::PixelFormat, format!("wl_surface.commit: {what}"));
            false
        }
    }
}

/// Why pixels do not go with what is said of them.
fn mismatch(contents: Contents, stated: &Stated) -> Option<&'static str> {
    let identity = stated.coefficients.map(|(coefficients, _)| coefficients == Coefficients::Identity);
    match (contents, identity) {
        (Contents::Rgb, Some(false)) => Some("coefficients of YCbCr are set, but the buffer's format is of RGB"),
        (Contents::Yuv(_), Some(true)) => Some("the identity matrix is set, but the buffer's format is of YCbCr"),
        (Contents::Rgb | Contents::Yuv(false), _) if stated.located => {
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
            + Dispatch<WpColorRepresentationSurfaceV1, RepresentationData>
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
    D: Dispatch<WpColorRepresentationManagerV1, ()>
        + Dispatch<WpColorRepresentationSurfaceV1, RepresentationData>
        + 'static,
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
        let manager::Request::GetSurface { id, surface } = request else { return };
        // The object is made in either case: a new_id that is never initialised is a bug of the server.
        let object = data_init.init(id, RepresentationData { surface: surface.downgrade() });
        let taken = with_states(&surface, |states| {
            let mut attached = attached(states);
            let taken = attached.object.is_some();
            if !taken {
                attached.object = Some(object);
            }
            taken
        });
        if taken {
            resource.post_error(
                manager::Error::SurfaceExists,
                format!("get_surface: {} already has a wp_color_representation_surface_v1", surface.id()),
            );
        }
    }
}

impl<D> Dispatch<WpColorRepresentationSurfaceV1, RepresentationData, D> for ColorRepresentationState
where
    D: Dispatch<WpColorRepresentationSurfaceV1, RepresentationData> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpColorRepresentationSurfaceV1,
        request: object::Request,
        data: &RepresentationData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if matches!(request, object::Request::Destroy) {
            return;
        }
        let Ok(surface) = data.surface.upgrade() else {
            return resource.post_error(object::Error::Inert, "the object's wl_surface is destroyed");
        };
        let refuse = |error: object::Error, what: String| resource.post_error(error, what);
        match request {
            object::Request::SetAlphaMode { alpha_mode: WEnum::Value(AlphaMode::PremultipliedElectrical) } => {}
            object::Request::SetAlphaMode { alpha_mode } => {
                let what = format!("set_alpha_mode: {} is not offered", u32::from(alpha_mode));
                refuse(object::Error::AlphaMode, what);
            }
            object::Request::SetCoefficientsAndRange { coefficients, range } => {
                let named = coefficients.into_result().ok().zip(range.into_result().ok());
                match named.filter(|pair| OFFERED.contains(pair)) {
                    Some(pair) => with_states(&surface, |states| {
                        states.cached_state.get::<Stated>().pending().coefficients = Some(pair);
                    }),
                    None => {
                        let (coefficients, range) = (u32::from(coefficients), u32::from(range));
                        let what =
                            format!("set_coefficients_and_range: {coefficients} with range {range} is not offered");
                        refuse(object::Error::Coefficients, what);
                    }
                }
            }
            object::Request::SetChromaLocation { chroma_location } => match chroma_location {
                WEnum::Value(_) => with_states(&surface, |states| {
                    states.cached_state.get::<Stated>().pending().located = true;
                }),
                WEnum::Unknown(number) => {
                    refuse(object::Error::ChromaLocation, format!("set_chroma_location: there is no location {number}"))
                }
            },
            _ => {}
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpColorRepresentationSurfaceV1, data: &RepresentationData) {
        let Ok(surface) = data.surface.upgrade() else { return };
        with_states(&surface, |states| {
            let mut attached = attached(states);
            // A second object that was refused must not take the first one's place with it.
            if attached.object.as_ref() == Some(resource) {
                attached.object = None;
                drop(attached);
                *states.cached_state.get::<Stated>().pending() = Stated::default();
            }
        });
    }
}

fn attached(states: &SurfaceData) -> MutexGuard<'_, Attached> {
    states.data_map.insert_if_missing_threadsafe(Mutex::<Attached>::default);
    states.data_map.get::<Mutex<Attached>>().expect("inserted above").lock().expect("no panic while locked")
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_color_representation {
    ($ty:ty) => {
        $crate::reexports::wayland_server::delegate_global_dispatch!($ty: [
            $crate::reexports::color_representation::manager::WpColorRepresentationManagerV1: ()
        ] => $crate::color_representation::ColorRepresentationState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::color_representation::manager::WpColorRepresentationManagerV1: ()
        ] => $crate::color_representation::ColorRepresentationState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::color_representation::object::WpColorRepresentationSurfaceV1:
                $crate::color_representation::RepresentationData
        ] => $crate::color_representation::ColorRepresentationState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_must_go_with_the_pixels() {
        use Contents::*;
        let matrix = Some((Coefficients::Bt709, WireRange::Limited));
        let identity = Some((Coefficients::Identity, WireRange::Full));
        let table = [
            (Rgb, None, false, true),
            (Rgb, identity, false, true),
            (Rgb, matrix, false, false),
            (Rgb, None, true, false),
            (Yuv(true), None, true, true),
            (Yuv(true), matrix, true, true),
            (Yuv(true), identity, false, false),
            (Yuv(false), matrix, false, true),
            (Yuv(false), matrix, true, false),
            (Removed, matrix, true, true),
            (Removed, identity, false, true),
        ];
        for (contents, coefficients, located, fits) in table {
            let stated = Stated { coefficients, located };
            assert_eq!(mismatch(contents, &stated).is_none(), fits, "{contents:?} {stated:?}");
        }
    }
}
