//! What has changed in a plane's buffer since the previous frame (`FB_DAMAGE_CLIPS`), for displays
//! that transfer only that: panels with self-refresh, USB displays, virtual machines.
//!
//! No rectangle means that everything may have changed: the plane has no such property, it showed
//! something else before, or too much damage has accumulated. This module draws nothing and commits
//! nothing.

use crate::output::planes::request::Mark;
use std::{ops::Range, sync::Arc};

use kms::Rect;
use smithay::utils::{Buffer, Rectangle};

use crate::{
    output::{
        planes::request::{OnPlane, Rects},
        state::Output,
    },
    render::{Layer, Target},
};

fn rect(rect: &Rectangle<i32, Buffer>) -> Rect {
    Rect::new(rect.loc.x, rect.loc.y, rect.size.w.max(0) as u32, rect.size.h.max(0) as u32)
}

/// The damage of `layer` since `plane` showed its surface, in buffer pixels. Appends to `rects` and
/// returns the appended range; empty: everything may have changed.
pub fn of_layer(output: &Output, plane: usize, layer: &Layer, rects: &mut Rects) -> Range<usize> {
    let from = rects.len();
    let Some(OnPlane::Content(shown)) = output.on_plane(plane) else { return from..from };
    let other = shown.surface != layer.content.surface || Arc::ptr_eq(shown, &layer.content) || layer.is_older();
    let (Some(Mark(before)), false, true) = (output.mark(plane), other, has_damage_clips(output, plane)) else {
        return from..from;
    };
    let Some(changed) = layer.damage.damage_since(before) else { return from..from };
    let size = layer.content.source.size();
    let (w, h) = (size.w as u32, size.h as u32);
    let whole = |rect: &Rect| rect.x <= 0 && rect.y <= 0 && rect.w >= w && rect.h >= h;
    rects.extend(changed.iter().map(rect));
    // Damage of the whole buffer needs no rectangle: an empty range means the same. A new buffer
    // without any damage ends there, too.
    if rects[from..].iter().any(whole) {
        rects.truncate(from);
    }
    from..rects.len()
}

/// The damage of a render target on `plane`. The rectangles from index `from` on are what the pass
/// has rendered since the target was last rendered, at the pass `drawn_at`. Returns their range;
/// empty: everything may have changed.
pub fn of_target(output: &Output, plane: usize, drawn_at: u64, from: usize, rects: &mut Rects) -> Range<usize> {
    // These rectangles are all that has changed if the target on the screen is no older than the
    // image that was in this target.
    let newer = |shown: &Arc<Target>| {
        let mut targets = output.targets.iter();
        targets.any(|(target, at)| Arc::ptr_eq(target, shown) && *at >= drawn_at)
    };
    let known = drawn_at > 0 && matches!(output.on_plane(plane), Some(OnPlane::Target(shown)) if newer(shown));
    if !known || !has_damage_clips(output, plane) {
        rects.truncate(from);
    } else if rects.len() == from {
        // Nothing was rendered; an empty range would mean that everything may have changed.
        rects.push(Rect::new(0, 0, 1, 1));
    }
    from..rects.len()
}

/// Whether the plane has `FB_DAMAGE_CLIPS`.
fn has_damage_clips(output: &Output, plane: usize) -> bool {
    output.kms.planes()[plane].props.fb_damage_clips.is_some()
}
