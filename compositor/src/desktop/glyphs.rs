//! The buttons of a title bar as pixels: a line, a square and a cross, next to each other.
//!
//! They are drawn by arithmetic, not from a font, so they are there where no font is. A diagonal is as wide
//! as a straight line, with the pixels at its sides covered in part.

use crate::{
    config::colour::Rgba,
    desktop::bar::Button,
    text::sheet::{NoPicture, Picture},
};

/// All buttons in one colour, each a square of `side` pixels. Errors: those of its memory.
pub fn buttons(side: u32, colour: Rgba) -> Result<Picture, NoPicture> {
    let width = side * Button::ALL.len() as u32;
    let mut pixels = Vec::with_capacity((width * side * 4) as usize);
    for y in 0..side {
        for button in Button::ALL {
            (0..side).for_each(|x| pixels.extend(premultiplied(colour, coverage(button, side, x, y))));
        }
    }
    Picture::new(width, &pixels, false)
}

/// How much of a pixel is covered, 0 to 1.
fn coverage(button: Button, side: u32, x: u32, y: u32) -> f32 {
    // The glyph is a square in the middle; its first and last pixels, and how thick its lines are.
    let thick = (side / 20).max(1);
    let inset = (side * 7 / 20).min((side - 1) / 2);
    let (first, last) = (inset, side - 1 - inset);
    let inside = (first..=last).contains(&x) && (first..=last).contains(&y);
    if !inside {
        return 0.0;
    }
    let is_edge = |at: u32| at < first + thick || at + thick > last;
    match button {
        Button::Minimise => (y + thick > last).into(),
        Button::Maximise => (is_edge(x) || is_edge(y)).into(),
        Button::Close => {
            let (x, y) = ((x - first) as f32, (y - first) as f32);
            let length = (last - first) as f32;
            let from = ((x - y).abs()).min((x + y - length).abs()) / std::f32::consts::SQRT_2;
            (thick as f32 / 2.0 + 0.5 - from).clamp(0.0, 1.0)
        }
    }
}

/// Blue, green, red, alpha.
fn premultiplied(Rgba([red, green, blue, alpha]): Rgba, coverage: f32) -> [u8; 4] {
    let alpha = f32::from(alpha) * coverage;
    [blue, green, red, u8::MAX].map(|channel| (f32::from(channel) * alpha / 255.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(button: Button, side: u32) -> Vec<String> {
        let pixel = |x, y| match coverage(button, side, x, y) {
            0.0 => ' ',
            1.0 => '#',
            _ => '+',
        };
        (0..side).map(|y| (0..side).map(|x| pixel(x, y)).collect::<String>()).collect()
    }

    #[test]
    fn the_buttons_are_a_line_a_square_and_a_cross() {
        let square = ["#####", "#   #", "#   #", "#   #", "#####"];
        let table = [
            (Button::Minimise, ["     ", "     ", "     ", "     ", "#####"]),
            (Button::Maximise, square),
            (Button::Close, ["#+ +#", "+#+#+", " +#+ ", "+#+#+", "#+ +#"]),
        ];
        for (button, glyph) in table {
            let drawn = lines(button, 13);
            assert!(drawn[..4].iter().chain(&drawn[9..]).all(|line| line.trim().is_empty()), "{drawn:?}");
            let middle: Vec<&str> = drawn[4..9].iter().map(|line| &line[4..9]).collect();
            assert_eq!(middle, glyph, "{button:?}");
        }
    }

    #[test]
    fn they_lie_in_the_middle_of_their_squares_whatever_their_size() {
        for side in 1..=128 {
            for button in Button::ALL {
                let covered = |x, y| coverage(button, side, x, y);
                let all = || (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
                assert!(all().any(|(x, y)| covered(x, y) > 0.0), "{button:?} {side}");
                assert!(all().all(|(x, y)| covered(x, y) == covered(side - 1 - x, y)), "{button:?} {side}");
            }
            let picture = buttons(side, Rgba([255, 0, 0, 255])).unwrap();
            assert_eq!((picture.image.width, picture.image.height, picture.opaque), (3 * side, side, false));
        }
        assert_eq!(premultiplied(Rgba([255, 128, 0, 128]), 0.5), [0, 32, 64, 64]);
    }
}
