//! What Wayland's transforms do to places, and to each other.
//!
//! The transform of a buffer and that of an output mean the same: how an upright image was turned to
//! become the buffer, or the output's image. It was reflected first (left becomes right) if the
//! transform is a flipped one, and then rotated counter-clockwise. Smithay's functions for rectangles
//! rotate clockwise, so no other file turns a place. Pure arithmetic.

use smithay::utils::{Buffer, Coordinate, Logical, Rectangle, Size, Transform};

/// Where a rectangle of an area lies when the area has been turned.
pub fn turned<N: Coordinate, Before, After>(
    transform: Transform,
    rect: Rectangle<N, Before>,
    area: Size<N, Before>,
) -> Rectangle<N, After> {
    // `invert` does not undo a transform: it exchanges clockwise and counter-clockwise.
    let turned = transform.invert().transform_rect_in(rect, &area);
    Rectangle::new((turned.loc.x, turned.loc.y).into(), (turned.size.w, turned.size.h).into())
}

/// The transform that undoes another one.
pub fn reverse(transform: Transform) -> Transform {
    // A rotation after a reflection undoes itself.
    if transform.flipped() { transform } else { transform.invert() }
}

/// `second`, applied to what `first` has made.
pub fn then(first: Transform, second: Transform) -> Transform {
    // A reflection reverses the direction of the rotations before it.
    let before = if second.flipped() { 360 - first.degrees() } else { first.degrees() };
    match (first.flipped() != second.flipped(), (before + second.degrees()) % 360) {
        (false, 90) => Transform::_90,
        (false, 180) => Transform::_180,
        (false, 270) => Transform::_270,
        (false, _) => Transform::Normal,
        (true, 90) => Transform::Flipped90,
        (true, 180) => Transform::Flipped180,
        (true, 270) => Transform::Flipped270,
        (true, _) => Transform::Flipped,
    }
}

/// A part of a surface in pixels of its buffer, which has `scale` of them for each pixel of the
/// surface in a direction. `area` is the size of the surface that shows all of the buffer.
pub fn in_buffer(
    transform: Transform,
    scale: i32,
    part: Rectangle<f64, Logical>,
    area: Size<f64, Logical>,
) -> Rectangle<f64, Buffer> {
    turned::<_, _, Buffer>(transform, part, area).upscale(f64::from(scale))
}

#[cfg(test)]
mod tests {
    use Transform::{_90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270, Normal};
    use smithay::utils::Point;

    use super::*;

    const ALL: [Transform; 8] = [Normal, _90, _180, _270, Flipped, Flipped90, Flipped180, Flipped270];
    /// An image: its lines.
    const IMAGE: [&str; 2] = ["abc", "def"];

    /// Paints the image as the protocol says it.
    fn painted(transform: Transform, image: &[String]) -> Vec<String> {
        let mut image: Vec<Vec<char>> = image.iter().map(|line| line.chars().collect()).collect();
        if transform.flipped() {
            image.iter_mut().for_each(|line| line.reverse());
        }
        for _ in 0..transform.degrees() / 90 {
            let columns = (0..image[0].len()).rev();
            image = columns.map(|x| image.iter().map(|line| line[x]).collect()).collect();
        }
        image.into_iter().map(|line| line.into_iter().collect()).collect()
    }

    fn image() -> Vec<String> {
        IMAGE.map(str::to_owned).to_vec()
    }

    #[test]
    fn images_are_reflected_and_then_rotated_counter_clockwise() {
        let table = [
            (Normal, ["abc", "def"].as_slice()),
            (_90, &["cf", "be", "ad"]),
            (_180, &["fed", "cba"]),
            (_270, &["da", "eb", "fc"]),
            (Flipped, &["cba", "fed"]),
            (Flipped90, &["ad", "be", "cf"]),
            (Flipped180, &["def", "abc"]),
            (Flipped270, &["fc", "eb", "da"]),
        ];
        for (transform, expected) in table {
            assert_eq!(painted(transform, &image()), expected, "{transform:?}");
            let area = Size::<i32, Logical>::from((3, 2));
            for (x, y) in (0..3).flat_map(|x| (0..2).map(move |y| (x, y))) {
                let pixel = Rectangle::new((x, y).into(), (1, 1).into());
                let Rectangle { loc, size }: Rectangle<i32, Buffer> = turned(transform, pixel, area);
                let found = expected[loc.y as usize].chars().nth(loc.x as usize);
                assert_eq!((found, size.w, size.h), (IMAGE[y as usize].chars().nth(x as usize), 1, 1), "{transform:?}");
            }
        }
    }

    #[test]
    fn larger_parts_of_an_area_are_turned_as_their_pixels_are() {
        let area = Size::<f64, Logical>::from((70.0, 50.0));
        let part = Rectangle::new((10.0, 5.0).into(), (20.0, 7.0).into());
        for transform in ALL {
            let whole: Rectangle<f64, Buffer> = turned(transform, part, area);
            let corners = [(10.0, 5.0), (29.0, 5.0), (10.0, 11.0), (29.0, 11.0)];
            let pixels = corners.map(|at| Rectangle::new(Point::from(at), (1.0, 1.0).into()));
            let turned = pixels.map(|pixel| turned::<_, _, Buffer>(transform, pixel, area));
            let merged = turned.into_iter().reduce(|a, b| a.merge(b));
            assert_eq!(merged, Some(whole), "{transform:?}");
        }
    }

    #[test]
    fn two_transforms_are_one() {
        for first in ALL {
            assert_eq!(then(first, reverse(first)), Normal, "{first:?}");
            assert_eq!(then(reverse(first), first), Normal, "{first:?}");
            for second in ALL {
                let both = painted(second, &painted(first, &image()));
                assert_eq!(painted(then(first, second), &image()), both, "{first:?}, then {second:?}");
            }
        }
    }
}
