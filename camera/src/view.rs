//! Which pixels of a captured picture are looked at, and in which order: a part of it, upright. Plain
//! arithmetic; it copies nothing.

/// How an upright image was turned to become the one that is captured, as `wl_output.transform` says it:
/// reflected first (left becomes right), then rotated counter-clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transform {
    /// It was reflected.
    pub flipped: bool,
    /// By so many quarter turns it was rotated, 0 to 3.
    pub quarters: u8,
}

impl Transform {
    /// From the number in `wl_output.transform`; what is no transform is none.
    pub fn from_number(number: u32) -> Self {
        if number > 7 { Self::default() } else { Self { flipped: number > 3, quarters: (number % 4) as u8 } }
    }
}

/// A part of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Where its first pixel is, counted in pixels from the picture's first.
    first: i64,
    /// From there to the next pixel of the row, and to the next row.
    right: i64,
    down: i64,
}

impl View {
    /// All of a picture with so many pixels a row and rows, which was turned: upright.
    pub fn upright((width, height): (u32, u32), transform: Transform) -> Self {
        let (w, h) = (i64::from(width), i64::from(height));
        let swaps = transform.quarters % 2 == 1;
        let (uw, uh) = if swaps { (h, w) } else { (w, h) };
        let place = |x: i64, y: i64| {
            let x = if transform.flipped { uw - 1 - x } else { x };
            let (x, y) = match transform.quarters {
                0 => (x, y),
                1 => (y, uw - 1 - x),
                2 => (uw - 1 - x, uh - 1 - y),
                _ => (uh - 1 - y, x),
            };
            y * w + x
        };
        let first = place(0, 0);
        Self { width: uw as u32, height: uh as u32, first, right: place(1, 0) - first, down: place(0, 1) - first }
    }

    /// A part of the view, cut to it; `None`: nothing of it is there.
    pub fn part(self, [x, y, width, height]: [i64; 4]) -> Option<Self> {
        let (left, top) = (x.max(0), y.max(0));
        let (right, bottom) = ((x + width).min(self.width.into()), (y + height).min(self.height.into()));
        (left < right && top < bottom).then(|| Self {
            width: (right - left) as u32,
            height: (bottom - top) as u32,
            first: self.first + left * self.right + top * self.down,
            ..self
        })
    }

    /// How many pixels it has.
    pub fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Whether it has a pixel of this rectangle of the picture, whose rows have `width` pixels.
    pub fn shows(&self, [x, y, w, h]: [u32; 4], width: u32) -> bool {
        let last = self.first + i64::from(self.width - 1) * self.right + i64::from(self.height - 1) * self.down;
        let place = |at: i64| (at % i64::from(width), at / i64::from(width));
        let ((ax, ay), (bx, by)) = (place(self.first), place(last));
        let meets = |a: i64, b: i64, from: u32, len: u32| {
            a.min(b) < i64::from(from) + i64::from(len) && i64::from(from) <= a.max(b)
        };
        meets(ax, bx, x, w) && meets(ay, by, y, h)
    }

    /// Its pixels, row by row, of a picture of four bytes a pixel.
    pub fn of<'a>(&self, picture: &'a [[u8; 4]]) -> impl Iterator<Item = [u8; 4]> + use<'a> {
        let Self { width, height, first, right, down } = *self;
        (0..i64::from(height)).flat_map(move |y| {
            let row = first + y * down;
            (0..i64::from(width)).map(move |x| picture[(row + x * right) as usize])
        })
    }

    /// The row `y`, if its pixels lie side by side in the picture.
    pub fn row<'a>(&self, picture: &'a [[u8; 4]], y: u32) -> Option<&'a [[u8; 4]]> {
        let first = self.first + i64::from(y) * self.down;
        (self.right == 1).then(|| &picture[first as usize..][..self.width as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three by two pixels, with their numbers.
    fn picture() -> Vec<[u8; 4]> {
        (0..6).map(|at| [at; 4]).collect()
    }

    fn numbers(view: View) -> Vec<u8> {
        view.of(&picture()).map(|pixel| pixel[0]).collect()
    }

    /// 0 1 2
    /// 3 4 5 is what is captured.
    #[test]
    fn a_picture_is_turned_upright() {
        for (transform, width, upright) in [
            (0, 3, [0, 1, 2, 3, 4, 5]),
            // What is captured was rotated counter-clockwise, so it goes back clockwise.
            (1, 2, [3, 0, 4, 1, 5, 2]),
            (2, 3, [5, 4, 3, 2, 1, 0]),
            (3, 2, [2, 5, 1, 4, 0, 3]),
            (4, 3, [2, 1, 0, 5, 4, 3]),
            (5, 2, [0, 3, 1, 4, 2, 5]),
            (6, 3, [3, 4, 5, 0, 1, 2]),
            (7, 2, [5, 2, 4, 1, 3, 0]),
        ] {
            let view = View::upright((3, 2), Transform::from_number(transform));
            assert_eq!((view.width, numbers(view)), (width, upright.to_vec()), "{transform}");
        }
        assert_eq!(Transform::from_number(8), Transform::default());
    }

    #[test]
    fn a_part_is_cut_to_the_picture() {
        let all = View::upright((3, 2), Transform::default());
        assert_eq!(numbers(all.part([1, 1, 1, 1]).unwrap()), [4]);
        assert_eq!(numbers(all.part([-5, 0, 7, 9]).unwrap()), [0, 1, 3, 4]);
        assert_eq!((all.part([3, 0, 1, 1]), all.part([0, 0, 0, 1])), (None, None));
        let turned = View::upright((3, 2), Transform::from_number(1));
        assert_eq!(numbers(turned.part([1, 0, 1, 2]).unwrap()), [0, 1]);
    }

    #[test]
    fn a_change_is_seen_where_it_is_looked_at() {
        for transform in 0..8 {
            let all = View::upright((3, 2), Transform::from_number(transform));
            for x in 0..all.width {
                for y in 0..all.height {
                    let one = all.part([x.into(), y.into(), 1, 1]).unwrap();
                    let at = u32::from(numbers(one)[0]);
                    for other in 0..6 {
                        let is = one.shows([other % 3, other / 3, 1, 1], 3);
                        assert_eq!(is, other == at, "{transform}: {x}, {y}: {other}");
                    }
                    assert!(one.shows([0, 0, 3, 2], 3));
                }
            }
        }
    }

    #[test]
    fn rows_that_lie_in_one_piece_are_lent() {
        let (picture, all) = (picture(), View::upright((3, 2), Transform::default()));
        assert_eq!(all.part([1, 0, 2, 2]).unwrap().row(&picture, 1), Some(&[[4; 4], [5; 4]][..]));
        assert_eq!(View::upright((3, 2), Transform::from_number(2)).row(&picture, 0), None);
    }
}
