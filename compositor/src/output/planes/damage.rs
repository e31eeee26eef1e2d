//! What has changed of a plane's picture since the frame before (`FB_DAMAGE_CLIPS`), for displays that send only that: panels that
//! refresh themselves, USB, virtual machines.
//!
//! No rectangle means that everything may have changed: where the plane has no such property, showed something else before, or too
//! much has happened since. What a plane shows unchanged is not put to the kernel at all, and needs none.

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

/// What of `layer` has changed since `plane` showed it, in pixels of its buffer.
pub fn of_layer(output: &Output, plane: usize, layer: &Layer, rects: &mut Rects) -> Range<usize> {
    let from = rects.len();
    let Some(OnPlane::Content(shown)) = &output.on_plane[plane] else { return from..from };
    let other = shown.surface != layer.content.surface || Arc::ptr_eq(shown, &layer.content);
    let (Some(Mark(before)), false, true) = (output.marks[plane], other, says(output, plane)) else {
        return from..from;
    };
    let Some(changed) = layer.damage.damage_since(Some(before)) else { return from..from };
    let (w, h) = (layer.content.size.w as u32, layer.content.size.h as u32);
    let whole = |rect: &Rect| rect.x <= 0 && rect.y <= 0 && rect.w >= w && rect.h >= h;
    rects.extend(changed.iter().map(rect));
    // A client that changes its buffer and names no damage is not believed.
    if rects[from..].iter().any(whole) {
        rects.truncate(from);
    }
    from..rects.len()
}

/// What of a picture of ours on `plane` has changed: of the rectangles `from` on, which its pass has drawn since the target was drawn at
/// the pass `drawn_at` before.
pub fn of_target(output: &Output, plane: usize, drawn_at: u64, from: usize, rects: &mut Rects) -> Range<usize> {
    // They are all that has changed if what is on the screen is no older than what was in the target.
    let newer = |shown: &Arc<Target>| {
        let mut targets = output.targets.iter();
        targets.any(|(target, at)| Arc::ptr_eq(target, shown) && *at >= drawn_at)
    };
    let known = drawn_at > 0 && matches!(&output.on_plane[plane], Some(OnPlane::Target(shown)) if newer(shown));
    if !known || !says(output, plane) {
        rects.truncate(from);
    } else if rects.len() == from {
        // Nothing was drawn, and none would mean everything.
        rects.push(Rect::new(0, 0, 1, 1));
    }
    from..rects.len()
}

/// Whether a plane takes it.
fn says(output: &Output, plane: usize) -> bool {
    output.kms.planes()[plane].props.fb_damage_clips.is_some()
}
