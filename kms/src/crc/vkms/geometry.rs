//! Where a plane's pixels lie on the screen: position, clipping, rotation, reflection.

/// How an image is rotated, as the plane property `rotation` says it (`DRM_MODE_ROTATE_*`,
/// `DRM_MODE_REFLECT_*`): reflected first, then rotated counter-clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ModelRotation {
    /// Quarter turns, counter-clockwise.
    pub quarters: u8,
    /// Left and right are exchanged.
    pub reflect_x: bool,
    /// Above and below are exchanged.
    pub reflect_y: bool,
}

impl ModelRotation {
    /// All sixteen values of the property.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).map(|n| Self { quarters: n & 3, reflect_x: n & 4 != 0, reflect_y: n & 8 != 0 })
    }

    /// From the property's value; `None` unless exactly one rotation is set.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let quarters = [1, 2, 4, 8].iter().position(|bit| bits & 15 == *bit)?;
        let turn = Self { quarters: quarters as u8, reflect_x: bits & 16 != 0, reflect_y: bits & 32 != 0 };
        (turn.bits() == bits).then_some(turn)
    }

    /// The property's value.
    pub fn bits(self) -> u64 {
        1 << (self.quarters & 3) | u64::from(self.reflect_x) << 4 | u64::from(self.reflect_y) << 5
    }

    /// Whether width and height are exchanged.
    pub fn swaps(self) -> bool {
        self.quarters & 1 == 1
    }

    /// The pixel of a `w` × `h` source that is seen at `(x, y)` of the destination
    /// (`drm_rect_rotate_inv`).
    pub(super) fn source(self, w: isize, h: isize, x: isize, y: isize) -> (isize, isize) {
        let (x, y) = match self.quarters & 3 {
            0 => (x, y),
            1 => (w - 1 - y, x),
            2 => (w - 1 - x, h - 1 - y),
            _ => (y, h - 1 - x),
        };
        (if self.reflect_x { w - 1 - x } else { x }, if self.reflect_y { h - 1 - y } else { y })
    }
}

/// A way through an image: the pixels of one line of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) x: isize,
    pub(super) y: isize,
    pub(super) dx: isize,
    pub(super) dy: isize,
    pub(super) count: usize,
}

impl Walk {
    /// Whether it goes from left to right.
    pub(super) fn forward(self) -> bool {
        self.dx == 1
    }

    /// Place of its pixel `at`.
    #[inline(always)]
    pub(super) fn place(self, at: usize) -> (usize, usize) {
        ((self.x + self.dx * at as isize) as usize, (self.y + self.dy * at as isize) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_there_and_back() {
        for turn in ModelRotation::all() {
            assert_eq!(ModelRotation::from_bits(turn.bits()), Some(turn));
        }
        assert_eq!(ModelRotation::from_bits(1), Some(ModelRotation::default()));
        for bad in [0, 3, 16, 64 | 1] {
            assert_eq!(ModelRotation::from_bits(bad), None);
        }
    }

    /// Source of 3 × 2 pixels, corners of the destination in reading order.
    #[test]
    fn corners() {
        let corners = |turn: ModelRotation| {
            let (w, h) = if turn.swaps() { (2, 3) } else { (3, 2) };
            [(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)].map(|(x, y)| turn.source(3, 2, x, y))
        };
        let turn = |quarters| ModelRotation { quarters, ..ModelRotation::default() };
        assert_eq!(corners(turn(0)), [(0, 0), (2, 0), (0, 1), (2, 1)]);
        // Counter-clockwise: the top right corner comes to the top left.
        assert_eq!(corners(turn(1)), [(2, 0), (2, 1), (0, 0), (0, 1)]);
        assert_eq!(corners(turn(2)), [(2, 1), (0, 1), (2, 0), (0, 0)]);
        assert_eq!(corners(turn(3)), [(0, 1), (0, 0), (2, 1), (2, 0)]);
        assert_eq!(corners(ModelRotation { reflect_x: true, ..turn(0) }), [(2, 0), (0, 0), (2, 1), (0, 1)]);
        assert_eq!(corners(ModelRotation { reflect_y: true, ..turn(1) }), [(2, 1), (2, 0), (0, 1), (0, 0)]);
    }
}
