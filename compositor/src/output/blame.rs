//! Whether it was the layout of a client's buffer that a test commit has refused.
//!
//! The kernel says EINVAL and no more. So a layout is to blame only where nothing else can be: [`suspect`] looks at the refusal,
//! [`refused_layouts`] at what was taken in its place. Withdraws nothing itself.

use dmabuf_import::Format;
use kms::assign::{Assignment, LayerPlacement};
use rustix::io::Errno;
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Rectangle, Size, Transform},
};

use super::{OnPlane, assign::format_of, present::Wanted};
use crate::{
    render::{Layer, target::OPAQUE},
    surface::view::View,
};

/// The layer that a refused test would have had alone on a plane, if its layout can be why.
pub(super) fn suspect(assignment: &Assignment, errno: Errno) -> Option<usize> {
    if !is_about_what_was_asked(errno) {
        return None;
    }
    let mut on_planes =
        assignment.placements().iter().enumerate().filter(|(_, fate)| matches!(fate, LayerPlacement::Plane(_)));
    on_planes.next().filter(|_| on_planes.next().is_none()).map(|(at, _)| at)
}

/// Lack of memory, of bandwidth (ENOSPC) or of the right to ask says nothing about a layout.
fn is_about_what_was_asked(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::RANGE | Errno::OPNOTSUPP)
}

/// The layout of the picture that was drawn, if one was. The pointer's is none, and one with holes has planes below it that the test had not.
pub(super) fn composed(wanted: &[Wanted], cursor: Option<usize>) -> Option<Format> {
    let drawn = wanted.iter().filter(|w| Some(w.plane) != cursor).find_map(|w| match &w.show {
        OnPlane::Target(target) => Some(&target.dmabuf).filter(|dmabuf| dmabuf.format() == OPAQUE),
        OnPlane::Content(_) => None,
    })?;
    Some(Format { code: drawn.format(), modifier: drawn.modifier() })
}

/// Of the suspects those whose layout is to blame: they cover the `screen` as they are, neither scaled nor turned nor cut, and the frame was
/// taken with the `composed` picture in their place, which has another layout.
pub(super) fn refused_layouts(
    suspects: &[usize],
    scene: &[Layer],
    screen: Size<i32, Logical>,
    assignment: Option<&Assignment>,
    composed: Option<Format>,
) -> Vec<(WlSurface, Format)> {
    let guilty = |at: &usize| {
        let layer = scene.get(*at)?;
        let drawn = assignment?.placements().get(*at) == Some(&LayerPlacement::Composited);
        let (code, modifier) = format_of(&layer.content)?;
        let layout = Format { code, modifier };
        let place = (layer.dst.loc.x, layer.dst.loc.y, layer.dst.size.w, layer.dst.size.h);
        let else_alike = is_like_the_screen(&layer.view, place, screen);
        (drawn && else_alike && layout != composed?).then(|| (layer.surface.clone(), layout))
    };
    suspects.iter().filter_map(guilty).collect()
}

/// Whether a plane would be told the same for this layer as for a picture of the whole screen.
fn is_like_the_screen(view: &View, place: (i32, i32, i32, i32), screen: Size<i32, Logical>) -> bool {
    view.transform == Transform::Normal
        && view.src == Rectangle::from_size((f64::from(screen.w), f64::from(screen.h)).into())
        && place == (0, 0, screen.w, screen.h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_is_about_the_layout() {
        for errno in [Errno::INVAL, Errno::RANGE, Errno::OPNOTSUPP] {
            assert!(is_about_what_was_asked(errno), "{errno}");
        }
        for errno in [Errno::NOMEM, Errno::NOSPC, Errno::BUSY, Errno::ACCESS, Errno::INTR, Errno::NODEV, Errno::IO] {
            assert!(!is_about_what_was_asked(errno), "{errno}");
        }
    }

    #[test]
    fn only_a_picture_like_the_composed_one_is_judged() {
        let screen = Size::from((1024, 768));
        let whole = (0, 0, 1024, 768);
        let view = |x: f64, y: f64, w: f64, h: f64, transform| View {
            size: screen,
            src: Rectangle::new((x, y).into(), (w, h).into()),
            transform,
            opaque: true,
            colour: None,
        };
        let plain = view(0.0, 0.0, 1024.0, 768.0, Transform::Normal);
        let table = [
            (plain, whole, true, "as it is"),
            (plain, (1, 0, 1024, 768), false, "elsewhere"),
            (plain, (0, 0, 1024, 767), false, "smaller"),
            (view(0.0, 0.0, 512.0, 384.0, Transform::Normal), whole, false, "scaled"),
            (view(0.5, 0.0, 1024.0, 768.0, Transform::Normal), whole, false, "cut"),
            (view(0.0, 0.0, 1024.0, 768.0, Transform::_180), whole, false, "turned"),
            (view(0.0, 0.0, 1024.0, 768.0, Transform::Flipped180), whole, false, "upside down"),
        ];
        for (view, place, judged, what) in table {
            assert_eq!(is_like_the_screen(&view, place, screen), judged, "{what}");
        }
    }
}
