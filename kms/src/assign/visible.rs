//! Which layers can be seen at all.

use super::input::{CandidateLayer, contains};
use crate::Rect;

/// Rectangles that what is left of a layer may fall into before it counts as visible anyway.
const MOST_PIECES: usize = 32;

/// Whether anything of `layer` is inside `screen` and not hidden by the opaque ones of `above`.
/// Errs on the side of visible.
pub(super) fn is_visible(layer: &CandidateLayer, above: &[CandidateLayer], screen: &Rect) -> bool {
    let Some(seen) = layer.dst.intersection(screen) else { return false };
    if layer.alpha == 0 {
        return false;
    }
    let mut pieces = [Rect::default(); MOST_PIECES];
    pieces[0] = seen;
    let mut count = 1;
    for cover in above.iter().filter(|above| above.hides()) {
        let mut at = 0;
        while at < count {
            let piece = pieces[at];
            let Some(cut) = piece.intersection(&cover.dst) else {
                at += 1;
                continue;
            };
            // Goes away, and what is left of it comes in at the end.
            count -= 1;
            pieces[at] = pieces[count];
            for rest in around(&piece, &cut) {
                if rest.w == 0 || rest.h == 0 {
                    continue;
                }
                if count == MOST_PIECES {
                    return true;
                }
                debug_assert!(contains(&piece, &rest));
                pieces[count] = rest;
                count += 1;
            }
        }
        if count == 0 {
            return false;
        }
    }
    true
}

/// The four parts of `piece` around `cut`, which lies in it; some may be empty.
fn around(piece: &Rect, cut: &Rect) -> [Rect; 4] {
    let (top, left) = ((cut.y - piece.y) as u32, (cut.x - piece.x) as u32);
    [
        Rect::new(piece.x, piece.y, piece.w, top),
        Rect::new(piece.x, cut.y + cut.h as i32, piece.w, piece.h - top - cut.h),
        Rect::new(piece.x, cut.y, left, cut.h),
        Rect::new(cut.x + cut.w as i32, cut.y, piece.w - left - cut.w, cut.h),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_by_one_by_several_or_by_the_edge() {
        let screen = Rect::new(0, 0, 100, 100);
        let low = CandidateLayer::opaque(Rect::new(10, 10, 20, 20));
        let at = |x, y, w, h| CandidateLayer::opaque(Rect::new(x, y, w, h));
        let glass = CandidateLayer { opaque: false, ..at(0, 0, 100, 100) };
        let faint = CandidateLayer { alpha: 0x8000, ..at(0, 0, 100, 100) };
        let table: [(&[CandidateLayer], bool); 7] = [
            (&[], true),
            (&[at(10, 10, 20, 20)], false),
            (&[at(0, 0, 20, 100), at(20, 0, 20, 100)], false),
            (&[at(0, 0, 20, 100), at(21, 0, 20, 100)], true),
            (&[at(15, 15, 5, 5)], true),
            (&[glass], true),
            (&[faint], true),
        ];
        for (above, visible) in table {
            assert_eq!(is_visible(&low, above, &screen), visible, "{above:?}");
        }
        assert!(!is_visible(&at(100, 0, 5, 5), &[], &screen) && !is_visible(&at(-5, 0, 5, 5), &[], &screen));
        assert!(!is_visible(&CandidateLayer { alpha: 0, ..low }, &[], &screen));
        assert!(!is_visible(&at(95, 95, 10, 10), &[at(95, 95, 5, 5)], &screen), "what is outside is not seen");
    }
}
