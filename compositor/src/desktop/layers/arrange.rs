//! Where the layer surfaces of one output lie, and what they leave of it.
//!
//! ```text
//!  ┌──────── exclusive, top ───────┐   Those with an exclusive zone come first: overlay, top, bottom,
//!  ├────┬──────────────────────────┤   background, each in the order in which they came. Each takes
//!  │ ex │                          │   its zone from what the ones before it have left.
//!  │ cl.│      working area        │   The others lie within what is left then; those with the
//!  │    │                          │   zone -1 within the whole output.
//!  └────┴──────────────────────────┘
//! ```
//!
//! It is only arithmetic, and takes any numbers. It sends nothing.

use protocols::layer_shell::{Edge, Layer, Wanted};
use smithay::utils::{Logical, Point, Rectangle, Size};

/// The farthest that anything is put from the desktop's origin.
const FAR: i64 = 1 << 24;

/// What is known of one surface.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub wanted: Wanted,
    /// The size of what it shows; `None`: it shows nothing, and takes no area from others.
    pub shown: Option<Size<i32, Logical>>,
}

/// Where one surface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arranged {
    /// The size that it should have.
    pub told: Size<i32, Logical>,
    /// The top left corner on the desktop.
    pub at: Point<i32, Logical>,
}

/// The edges of an area.
#[derive(Debug, Clone, Copy)]
struct Room {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Room {
    fn of(rect: Rectangle<i32, Logical>) -> Self {
        let (left, top) = (i64::from(rect.loc.x), i64::from(rect.loc.y));
        Self { left, top, right: left + i64::from(rect.size.w), bottom: top + i64::from(rect.size.h) }
    }

    fn rect(self) -> Rectangle<i32, Logical> {
        let of = |number: i64| number.clamp(-FAR, FAR) as i32;
        let (x, y) = (of(self.left), of(self.top));
        Rectangle::new((x, y).into(), ((of(self.right) - x).max(0), (of(self.bottom) - y).max(0)).into())
    }

    /// Takes the zone of a surface away; at least a pixel is left.
    fn shrink(&mut self, wanted: &Wanted) {
        let Some((edge, zone)) = wanted.exclusive() else { return };
        let with = |margin: i32| (i64::from(zone) + i64::from(margin)).max(0);
        let margin = wanted.margin;
        match edge {
            Edge::Top => self.top = (self.top + with(margin.top)).min(self.bottom - 1),
            Edge::Bottom => self.bottom = (self.bottom - with(margin.bottom)).max(self.top + 1),
            Edge::Left => self.left = (self.left + with(margin.left)).min(self.right - 1),
            Edge::Right => self.right = (self.right - with(margin.right)).max(self.left + 1),
        }
    }
}

/// One axis: an area from `from` to `to`, the edges that the surface is anchored to with their
/// margins, and the sizes that its client wants (0: any) and shows.
struct Axis {
    from: i64,
    to: i64,
    low: Option<i32>,
    high: Option<i32>,
    wanted: i32,
    shown: Option<i32>,
}

impl Axis {
    /// The size that the client is told, and where the surface begins.
    fn place(&self) -> (i32, i32) {
        let from = self.from + i64::from(self.low.unwrap_or(0));
        let to = self.to - i64::from(self.high.unwrap_or(0));
        let told = match self.wanted {
            0 => (to - from).clamp(1, FAR) as i32,
            wanted => wanted,
        };
        // Between two edges it is in the middle, however large it is.
        let size = self.shown.filter(|_| self.low.is_some() && self.high.is_some()).unwrap_or(told);
        let free = to - from - i64::from(size);
        let at = match (self.low, self.high) {
            (Some(_), None) => from,
            (None, Some(_)) => from + free,
            _ => from + free.div_euclid(2),
        };
        (told, at.clamp(-FAR, FAR) as i32)
    }
}

fn place(wish: &Wish, room: Room) -> Arranged {
    let Wanted { anchor, margin, size, .. } = wish.wanted;
    let margin_of = |anchored: bool, margin: i32| anchored.then_some(margin);
    let across = Axis {
        from: room.left,
        to: room.right,
        low: margin_of(anchor.left, margin.left),
        high: margin_of(anchor.right, margin.right),
        wanted: size.w,
        shown: wish.shown.map(|size| size.w),
    };
    let down = Axis {
        from: room.top,
        to: room.bottom,
        low: margin_of(anchor.top, margin.top),
        high: margin_of(anchor.bottom, margin.bottom),
        wanted: size.h,
        shown: wish.shown.map(|size| size.h),
    };
    let ((width, x), (height, y)) = (across.place(), down.place());
    Arranged { told: (width, height).into(), at: (x, y).into() }
}

/// Arranges the surfaces of an output, given in the order in which they came. Returns where each of
/// them is, in the same order, and the working area.
pub fn arrange(output: Rectangle<i32, Logical>, wishes: &[Wish]) -> (Vec<Arranged>, Rectangle<i32, Logical>) {
    let whole = Room::of(output);
    let mut left = whole;
    let nowhere = Arranged { told: (0, 0).into(), at: output.loc };
    let mut arranged = vec![nowhere; wishes.len()];
    for exclusive in [true, false] {
        for layer in Layer::FROM_TOP {
            for (wish, place_of) in wishes.iter().zip(&mut arranged) {
                let wanted = &wish.wanted;
                if wanted.layer != layer || wanted.exclusive().is_some() != exclusive {
                    continue;
                }
                *place_of = place(wish, if wanted.zone < 0 { whole } else { left });
                if wish.shown.is_some() {
                    left.shrink(wanted);
                }
            }
        }
    }
    (arranged, left.rect())
}

#[cfg(test)]
mod tests {
    use protocols::layer_shell::{Edges, Margin};

    use super::*;

    fn edges(names: &str) -> Edges {
        Edges {
            top: names.contains('t'),
            bottom: names.contains('b'),
            left: names.contains('l'),
            right: names.contains('r'),
        }
    }

    fn output() -> Rectangle<i32, Logical> {
        Rectangle::new((1000, 100).into(), (800, 600).into())
    }

    fn wish(layer: Layer, anchor: &str, size: (i32, i32), zone: i32) -> Wish {
        let wanted = Wanted { layer, anchor: edges(anchor), size: size.into(), zone, ..Wanted::default() };
        let shown = Some(size).filter(|(w, h)| *w > 0 && *h > 0).map(Size::from);
        Wish { wanted, shown }
    }

    fn rect((x, y): (i32, i32), (w, h): (i32, i32)) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    #[test]
    fn a_surface_lies_where_it_is_anchored() {
        let table = [
            ("", (100, 50), (1350, 375)),
            ("t", (100, 50), (1350, 100)),
            ("b", (100, 50), (1350, 650)),
            ("l", (100, 50), (1000, 375)),
            ("r", (100, 50), (1700, 375)),
            ("tl", (100, 50), (1000, 100)),
            ("br", (100, 50), (1700, 650)),
            ("tlr", (100, 50), (1350, 100)),
            ("tblr", (100, 50), (1350, 375)),
            ("tblr", (900, 700), (950, 50)),
        ];
        for (anchor, size, at) in table {
            let (arranged, left) = arrange(output(), &[wish(Layer::Top, anchor, size, 0)]);
            assert_eq!(arranged, [Arranged { told: size.into(), at: at.into() }], "{anchor}");
            assert_eq!(left, output(), "{anchor}");
        }
    }

    #[test]
    fn what_the_client_leaves_open_is_filled_and_margins_are_kept() {
        let mut panel = wish(Layer::Top, "tlr", (0, 30), 0);
        panel.wanted.margin = Margin { top: 5, right: 10, bottom: 1000, left: 20 };
        let (arranged, _) = arrange(output(), &[panel]);
        assert_eq!(arranged, [Arranged { told: (770, 30).into(), at: (1020, 105).into() }]);
        // One that draws less than it was told is in the middle of that.
        panel.shown = Some((370, 30).into());
        assert_eq!(arrange(output(), &[panel]).0[0].at, (1220, 105).into());
        // Margins that leave nothing.
        panel.wanted.margin = Margin { left: i32::MAX, right: i32::MAX, ..Margin::default() };
        assert_eq!(arrange(output(), &[panel]).0[0].told, (1, 30).into());
    }

    #[test]
    fn one_of_another_size_than_it_was_told_is_where_that_would_be() {
        for (anchor, at) in [("", (1350, 375)), ("br", (1700, 650)), ("tl", (1000, 100)), ("lr", (1375, 375))] {
            let mut small = wish(Layer::Top, anchor, (100, 50), 0);
            small.shown = Some((50, 25).into());
            assert_eq!(arrange(output(), &[small]).0[0].at, at.into(), "{anchor}: but in the middle between edges");
        }
    }

    #[test]
    fn zones_are_taken_from_what_is_left() {
        type Case = (&'static str, (i32, i32), i32, ((i32, i32), (i32, i32)));
        let table: [Case; 9] = [
            ("t", (100, 30), 30, ((1000, 130), (800, 570))),
            ("tlr", (100, 30), 30, ((1000, 130), (800, 570))),
            ("b", (100, 30), 30, ((1000, 100), (800, 570))),
            ("l", (100, 30), 40, ((1040, 100), (760, 600))),
            ("rtb", (100, 30), 40, ((1000, 100), (760, 600))),
            ("tl", (100, 30), 40, ((1000, 100), (800, 600))),
            ("tblr", (100, 30), 40, ((1000, 100), (800, 600))),
            ("", (100, 30), 40, ((1000, 100), (800, 600))),
            ("t", (100, 30), i32::MAX, ((1000, 699), (800, 1))),
        ];
        for (anchor, size, zone, (at, of)) in table {
            let (_, left) = arrange(output(), &[wish(Layer::Bottom, anchor, size, zone)]);
            assert_eq!(left, rect(at, of), "{anchor} {zone}");
        }
    }

    #[test]
    fn those_with_zones_come_first_from_the_top_layer_down() {
        let others = [
            wish(Layer::Background, "tblr", (0, 0), -1),
            wish(Layer::Overlay, "t", (100, 10), 0),
            wish(Layer::Bottom, "tlr", (0, 20), 20),
            wish(Layer::Top, "tlr", (0, 30), 30),
            wish(Layer::Top, "ltb", (40, 0), 40),
        ];
        let mapped = others.map(|wish| Wish { shown: wish.shown.or(Some((1, 1).into())), ..wish });
        let (arranged, left) = arrange(output(), &mapped);
        assert_eq!(left, rect((1040, 150), (760, 550)));
        assert_eq!(arranged[0].told, (800, 600).into(), "-1: all of the output");
        assert_eq!(arranged[1].at, (1370, 150).into(), "0: in the middle of what is left");
        assert_eq!(arranged[3].told, (800, 30).into(), "the first with a zone");
        assert_eq!(arranged[4].told, (40, 570).into(), "in the order in which they came");
        assert_eq!((arranged[2].told, arranged[2].at.y), ((760, 20).into(), 130));
    }

    #[test]
    fn a_surface_that_is_not_shown_takes_nothing() {
        let mut panel = wish(Layer::Top, "t", (100, 30), 30);
        panel.shown = None;
        let (arranged, left) = arrange(output(), &[panel]);
        assert_eq!((arranged[0].told, left), ((100, 30).into(), output()));
    }

    #[test]
    fn a_margin_belongs_to_the_zone() {
        let mut panel = wish(Layer::Top, "t", (100, 30), 30);
        panel.wanted.margin = Margin { top: 5, bottom: 7, ..Margin::default() };
        assert_eq!(arrange(output(), &[panel]).1, rect((1000, 135), (800, 565)));
        panel.wanted.margin.top = -40;
        assert_eq!(arrange(output(), &[panel]).1, output(), "never more than there was");
    }

    #[test]
    fn the_edge_that_the_client_names_counts_in_a_corner() {
        let mut panel = wish(Layer::Top, "tl", (100, 30), 30);
        panel.wanted.exclusive_edge = Some(Edge::Left);
        assert_eq!(arrange(output(), &[panel]).1, rect((1030, 100), (770, 600)));
    }
}
