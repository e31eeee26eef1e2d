//! Whether a test commit was refused because of the layout of a client's buffer.
//!
//! The kernel reports EINVAL and no more. A layout is blamed only where nothing else can be the
//! cause: [`suspect`] looks at the refusal, [`refused_layouts`] at the frame that was accepted
//! instead. Nothing here withdraws a layout.

use dmabuf_import::Format;
use kms::assign::{Assignment, LayerPlacement};
use rustix::io::Errno;
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Buffer, Physical, Rectangle, Size, Transform},
};

use crate::{
    output::planes::{
        assign::format_of,
        request::{OnPlane, PlaneRequest},
    },
    render::{Layer, target::OPAQUE},
};

/// The index of the layer whose layout may be why a test was refused: the only layer that the
/// assignment puts on a plane. `None` if `errno` cannot be about a layout.
pub fn suspect(assignment: &Assignment, errno: Errno) -> Option<usize> {
    if !may_be_about_the_layout(errno) {
        return None;
    }
    let mut on_planes =
        assignment.placements().iter().enumerate().filter(|(_, fate)| matches!(fate, LayerPlacement::Plane(_)));
    on_planes.next().filter(|_| on_planes.next().is_none()).map(|(at, _)| at)
}

/// Lack of memory, of bandwidth (ENOSPC) or of permission says nothing about a layout.
fn may_be_about_the_layout(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::RANGE | Errno::OPNOTSUPP)
}

/// The layout of the opaque composited buffer of a frame, if there is one. The pointer's buffer
/// does not count, nor does a buffer with holes: it has planes below it that the test did not have.
pub fn composited_layout(requests: &[PlaneRequest], cursor: Option<usize>) -> Option<Format> {
    let drawn = requests.iter().filter(|r| Some(r.plane) != cursor).find_map(|r| match &r.show {
        OnPlane::Target(target) => Some(&target.dmabuf).filter(|dmabuf| dmabuf.format() == OPAQUE),
        OnPlane::Content(_) => None,
    })?;
    Some(Format { code: drawn.format(), modifier: drawn.modifier() })
}

/// The suspects whose layout is to blame. Such a layer covers the `screen` unscaled, unrotated and
/// uncropped, and the frame was accepted with the composited buffer in its place, whose layout
/// `composited_layout` differs.
pub fn refused_layouts(
    suspects: &[usize],
    scene: &[Layer],
    screen: Size<i32, Physical>,
    assignment: Option<&Assignment>,
    composited_layout: Option<Format>,
) -> Vec<(WlSurface, Format)> {
    let to_blame = |at: &usize| {
        let layer = scene.get(*at)?;
        let is_composited = assignment?.placements().get(*at) == Some(&LayerPlacement::Composited);
        let (code, modifier) = format_of(&layer.content)?;
        let layout = Format { code, modifier };
        let same_otherwise = is_placed_like_the_screen(layer.view.src, layer.transform(), layer.dst, screen);
        let surface = layer.surface.as_ref()?;
        (is_composited && same_otherwise && layout != composited_layout?).then(|| (surface.clone(), layout))
    };
    suspects.iter().filter_map(to_blame).collect()
}

/// Whether a plane would get the same properties for this layer as for a buffer of the whole
/// screen.
fn is_placed_like_the_screen(
    src: Rectangle<f64, Buffer>,
    transform: Transform,
    dst: Rectangle<i32, Physical>,
    screen: Size<i32, Physical>,
) -> bool {
    transform == Transform::Normal
        && src == Rectangle::from_size((f64::from(screen.w), f64::from(screen.h)).into())
        && dst == Rectangle::from_size(screen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_invalid_requests_can_be_about_the_layout() {
        for errno in [Errno::INVAL, Errno::RANGE, Errno::OPNOTSUPP] {
            assert!(may_be_about_the_layout(errno), "{errno}");
        }
        for errno in [Errno::NOMEM, Errno::NOSPC, Errno::BUSY, Errno::ACCESS, Errno::INTR, Errno::NODEV, Errno::IO] {
            assert!(!may_be_about_the_layout(errno), "{errno}");
        }
    }

    #[test]
    fn only_a_layer_placed_like_the_composited_buffer_can_be_blamed() {
        let screen = Size::from((1024, 768));
        let (place, src) = (
            |x, y, w, h| Rectangle::<i32, Physical>::new((x, y).into(), (w, h).into()),
            |x, y, w, h| Rectangle::<f64, Buffer>::new((x, y).into(), (w, h).into()),
        );
        let (whole, all) = (place(0, 0, 1024, 768), src(0.0, 0.0, 1024.0, 768.0));
        let table = [
            (all, Transform::Normal, whole, true, "covers the screen"),
            (all, Transform::Normal, place(1, 0, 1024, 768), false, "elsewhere"),
            (all, Transform::Normal, place(0, 0, 1024, 767), false, "smaller"),
            (src(0.0, 0.0, 512.0, 384.0), Transform::Normal, whole, false, "scaled"),
            (src(0.5, 0.0, 1024.0, 768.0), Transform::Normal, whole, false, "cropped"),
            (all, Transform::_180, whole, false, "rotated"),
            (all, Transform::Flipped180, whole, false, "upside down"),
        ];
        for (src, transform, place, judged, what) in table {
            assert_eq!(is_placed_like_the_screen(src, transform, place, screen), judged, "{what}");
        }
    }
}
