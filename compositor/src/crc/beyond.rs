//! What a display shows of a frame that no picture has, or computes from its pixels by itself: where there is
//! any of it, a picture may be right and have another CRC. It judges nothing.

use dmabuf_import::{
    Fourcc,
    formats::{has_alpha, opaque},
};
use kms::PlaneId;
use serde::{Deserialize, Serialize};

use crate::crc::check::{Check, CheckPlane};

/// What only the display has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beyond {
    /// The pointer, which a picture has only if it is asked for.
    pub pointer: bool,
    /// A window that a rule keeps out of pictures.
    pub hidden: bool,
    /// A plane scales, by a filter of its own.
    pub scaled: bool,
    /// A plane blends, in a precision of its own.
    pub blended: bool,
    /// A plane shows pixels that are not RGB of eight bits, by a conversion of its own.
    pub converted: bool,
    /// A curve or a matrix changes the colours of the whole image.
    pub coloured: bool,
}

impl Beyond {
    /// What a display does with the planes of a frame. `cursor`: which of them shows the pointer.
    pub fn of(check: &Check, cursor: Option<PlaneId>) -> Self {
        let crtc = &check.crtc;
        let coloured = crtc.degamma.is_some() || crtc.ctm.is_some() || crtc.gamma.is_some();
        let mut beyond = Self { coloured, ..Self::default() };
        for plane in &check.planes {
            if Some(plane.id) == cursor {
                beyond.pointer = true;
                continue;
            }
            beyond.add(plane);
        }
        beyond
    }

    fn add(&mut self, plane: &CheckPlane) {
        let (values, format) = (&plane.values, plane.target.dmabuf.format());
        let size = |(w, h): (u32, u32)| [w, h].map(|side| u64::from(side) << 16);
        let (src, dst) = ([values.src.w, values.src.h].map(u64::from), (values.dst.w, values.dst.h));
        self.scaled |= src != size(dst) && src != size((dst.1, dst.0));
        self.blended |= has_alpha(format) || values.alpha != u16::MAX || values.options.color_key.is_some();
        self.converted |= !matches!(opaque(format), Fourcc::Xrgb8888 | Fourcc::Xbgr8888);
    }

    /// A picture has all of it.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What it is, for people.
    pub fn why(&self) -> Option<&'static str> {
        let all = [
            (self.pointer, "the pointer is on the display and not in the picture"),
            (self.hidden, "a window is on the display that a rule keeps out of pictures"),
            (self.coloured, "a gamma curve or a colour matrix of the display changes its colours"),
            (self.converted, "a plane of the display converts the colours of a buffer"),
            (self.scaled, "a plane of the display scales a buffer"),
            (self.blended, "a plane of the display blends a buffer with what is below it"),
        ];
        all.into_iter().find_map(|(is, why)| is.then_some(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_picture_lacks_is_said_first() {
        assert_eq!(Beyond::default().why(), None);
        let all = Beyond { pointer: true, hidden: true, scaled: true, blended: true, converted: true, coloured: true };
        assert!(all.why().unwrap().contains("the pointer"));
        let blended = Beyond { blended: true, ..Beyond::default() };
        assert!(!blended.is_none() && blended.why().unwrap().contains("blends"));
    }
}
