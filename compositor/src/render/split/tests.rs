//! What each layer shows of a region.

use proptest::prelude::*;

use super::*;

type Shape = (Rectangle<i32, Physical>, bool);

fn shape(x: i32, y: i32, w: i32, h: i32, opaque: bool) -> Shape {
    (Rectangle::new((x, y).into(), (w, h).into()), opaque)
}

fn corners(region: &Region32) -> Vec<(i32, i32, i32, i32)> {
    region.rectangles().iter().map(|b| (b.x1, b.y1, b.x2, b.y2)).collect()
}

/// The layers that are visited, the parts, and what the background shows.
fn parts_of(region: Region32, shapes: &[Shape], broken: &[usize]) -> (Vec<usize>, Vec<Part>, Region32) {
    let (mut visited, mut parts) = (Vec::new(), Vec::new());
    let usable = |at: usize| {
        visited.push(at);
        (!broken.contains(&at)).then_some(Usable { opaque: shapes[at].1, wait: None })
    };
    let mut bounds = Bounds::default();
    bounds.rebuild(shapes.iter().map(|(dst, _)| *dst));
    let (below, _) = split(region, &bounds, |at| shapes[at].0, usable, &mut parts);
    (visited, parts, below)
}

#[test]
fn an_opaque_layer_hides_what_is_below_it() {
    let shapes = [shape(0, 0, 10, 10, true), shape(0, 0, 20, 10, true), shape(50, 50, 10, 10, true)];
    let (visited, parts, below) = parts_of(Region32::init_rect(0, 0, 30, 10), &shapes, &[]);
    assert_eq!(visited, [0, 1], "a layer outside the region is not visited");
    let shown: Vec<_> = parts.iter().map(|part| (part.layer, corners(&part.region))).collect();
    assert_eq!(shown, [(0, vec![(0, 0, 10, 10)]), (1, vec![(10, 0, 20, 10)])]);
    assert_eq!(corners(&below), [(20, 0, 30, 10)]);
}

#[test]
fn a_translucent_layer_hides_nothing() {
    let shapes = [shape(0, 0, 10, 10, false), shape(0, 0, 10, 10, true)];
    let (_, parts, below) = parts_of(Region32::init_rect(0, 0, 10, 10), &shapes, &[]);
    assert_eq!(parts.iter().map(|part| part.layer).collect::<Vec<_>>(), [0, 1]);
    assert!(!below.is_non_empty());
}

#[test]
fn nothing_is_visited_below_a_layer_that_covers_the_region() {
    let shapes = [shape(0, 0, 20, 20, true), shape(0, 0, 20, 20, true), shape(0, 0, 20, 20, true)];
    let (visited, parts, _) = parts_of(Region32::init_rect(3, 3, 4, 4), &shapes, &[]);
    assert_eq!((visited, parts.len()), (vec![0], 1));
    let (visited, ..) = parts_of(Region32::default(), &shapes, &[]);
    assert!(visited.is_empty(), "nothing changed");
}

#[test]
fn what_cannot_be_drawn_hides_nothing() {
    let shapes = [shape(0, 0, 10, 10, true), shape(0, 0, 10, 10, true)];
    let (visited, parts, _) = parts_of(Region32::init_rect(0, 0, 10, 10), &shapes, &[0]);
    assert_eq!(visited, [0, 1]);
    assert_eq!(parts.iter().map(|part| part.layer).collect::<Vec<_>>(), [1]);
}

proptest! {
    /// Each pixel of the region is painted by the layers that a naive painter sees there, and no
    /// other pixel by any.
    #[test]
    fn each_pixel_gets_its_layers(
        damage in proptest::collection::vec((0..16i32, 0..16i32, 1..8i32, 1..8i32), 0..4),
        layers in proptest::collection::vec((-4..16i32, -4..16i32, 0..12i32, 0..12i32, any::<bool>()), 0..6),
        broken in proptest::collection::vec(0..6usize, 0..2),
    ) {
        let boxes: Vec<_> = damage.iter().map(|&(x, y, w, h)| Box32 { x1: x, y1: y, x2: x + w, y2: y + h }).collect();
        let region = Region32::init_rects(&boxes);
        let shapes: Vec<_> = layers.iter().map(|&(x, y, w, h, opaque)| shape(x, y, w, h, opaque)).collect();
        let (_, parts, below) = parts_of(region.clone(), &shapes, &broken);
        for y in -6..30 {
            for x in -6..30 {
                let within = region.contains_point(x, y).is_some();
                let mut seen = Vec::new();
                let mut hidden = false;
                for (at, (dst, opaque)) in shapes.iter().enumerate() {
                    if within && !hidden && dst.contains((x, y)) && !broken.contains(&at) {
                        seen.push(at);
                        hidden |= opaque;
                    }
                }
                let painted: Vec<_> = parts.iter()
                    .filter(|part| part.region.contains_point(x, y).is_some())
                    .map(|part| part.layer)
                    .collect();
                prop_assert_eq!(painted, seen);
                prop_assert_eq!(below.contains_point(x, y).is_some(), within && !hidden);
            }
        }
    }
}
