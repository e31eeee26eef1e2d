//! A display that mirrors another one: which one, and where it shows that one's part of the desktop.
//!
//! Such an output is *nowhere* on the desktop ([`Output::rect`]): no window, no pointer and no layer surface is on it.
//! What it shows is the area of its source ([`Output::shown_area`]). Values only; who mirrors whom is decided in
//! [`crate::session::displays`].
//!
//! [`Output::rect`]: crate::output::state::Output::rect
//! [`Output::shown_area`]: crate::output::state::Output::shown_area

use smithay::utils::{Logical, Rectangle};

use crate::{render::Screen, system::id::OutputId};

/// What an output mirrors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mirror {
    /// The source, which is no mirror itself.
    pub of: OutputId,
    /// The source's area, in pixels of the mirror.
    pub screen: Screen,
}

/// A rectangle that meets nothing: it is empty, and farther away than any display may be.
pub fn nowhere() -> Rectangle<i32, Logical> {
    const FAR: i32 = 1 << 29;
    Rectangle::new((FAR, FAR).into(), (0, 0).into())
}

/// Who mirrors whom, where each of these outputs wants to mirror the one with this number, or none. One that is a
/// mirror is no source, and one that is a source is no mirror: the first ones in the list have what they want.
pub fn sources(wants: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut granted: Vec<Option<usize>> = vec![None; wants.len()];
    for (at, wish) in wants.iter().enumerate() {
        let Some(of) = wish.filter(|of| *of != at && *of < wants.len()) else { continue };
        if granted[of].is_none() && !granted.contains(&Some(at)) {
            granted[at] = Some(of);
        }
    }
    granted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_no_source_and_a_source_is_no_mirror() {
        type Wishes<'a> = &'a [Option<usize>];
        let table: [(Wishes<'_>, Wishes<'_>); 8] = [
            (&[None, None], &[None, None]),
            (&[None, Some(0)], &[None, Some(0)]),
            (&[Some(1), None], &[Some(1), None]),
            (&[Some(1), Some(0)], &[Some(1), None]),
            (&[Some(0), None], &[None, None]),
            (&[Some(1), Some(2), None], &[Some(1), None, None]),
            (&[None, Some(0), Some(1)], &[None, Some(0), None]),
            (&[None, Some(0), Some(0)], &[None, Some(0), Some(0)]),
        ];
        for (wants, expected) in table {
            assert_eq!(sources(wants), expected, "{wants:?}");
        }
    }

    #[test]
    fn nothing_is_nowhere() {
        let far = Rectangle::new((-(1 << 20), -(1 << 20)).into(), (1 << 22, 1 << 22).into());
        assert!(!nowhere().overlaps(far) && !far.overlaps(nowhere()) && !far.contains_rect(nowhere()));
        assert!(far.intersection(nowhere()).is_none_or(|both| both.is_empty()));
    }
}
