//! The pixels of a picture that is being drawn: premultiplied, blue first, line by line.
//!
//! It knows no text.

use crate::text::sheet::{Colour, NoPicture, Picture};

pub struct Canvas {
    width: usize,
    pixels: Vec<[u8; 4]>,
    opaque: bool,
}

/// Where something is drawn, in pixels: from the first to before the second.
#[derive(Debug, Clone, Copy)]
pub struct Clip {
    pub x: [i32; 2],
    pub y: [i32; 2],
}

impl Canvas {
    /// All of one colour.
    pub fn new(width: usize, height: usize, background: Colour) -> Self {
        let opaque = background[3] == u8::MAX;
        Self { width, pixels: vec![premultiplied(background, u8::MAX); width * height], opaque }
    }

    /// Draws a line of so many pixels around the picture.
    pub fn edge(&mut self, colour: Colour, thick: usize) {
        let (width, height) = (self.width, self.pixels.len() / self.width);
        let is_edge = |at: usize, size: usize| at < thick || at + thick >= size;
        for (at, pixel) in self.pixels.iter_mut().enumerate() {
            if is_edge(at % width, width) || is_edge(at / width, height) {
                over(pixel, premultiplied(colour, u8::MAX));
            }
        }
    }

    /// Draws over a pixel, if it is there: so much of the colour.
    pub fn blend(&mut self, clip: Clip, (x, y): (i32, i32), colour: Colour, coverage: u8) {
        let inside = |at: i32, [from, to]: [i32; 2]| (from..to).contains(&at);
        let (Ok(column), Ok(line)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if coverage == 0 || column >= self.width || !inside(x, clip.x) || !inside(y, clip.y) {
            return;
        }
        if let Some(pixel) = self.pixels.get_mut(line * self.width + column) {
            over(pixel, premultiplied(colour, coverage));
        }
    }

    /// Nothing more is drawn.
    pub fn finish(self) -> Result<Picture, NoPicture> {
        Picture::new(self.width as u32, self.pixels.as_flattened(), self.opaque)
    }
}

fn times(a: u8, b: u8) -> u8 {
    ((u16::from(a) * u16::from(b) + 127) / 255) as u8
}

fn premultiplied([red, green, blue, alpha]: Colour, coverage: u8) -> [u8; 4] {
    let alpha = times(alpha, coverage);
    [times(blue, alpha), times(green, alpha), times(red, alpha), alpha]
}

fn over(below: &mut [u8; 4], above: [u8; 4]) {
    let shines = u8::MAX - above[3];
    *below = std::array::from_fn(|at| above[at].saturating_add(times(below[at], shines)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Clip = Clip { x: [0, 3], y: [0, 3] };

    #[test]
    fn colours_are_premultiplied_and_lie_over_each_other() {
        let mut canvas = Canvas::new(3, 3, [0, 0, 0, 0]);
        canvas.blend(ALL, (0, 0), [255, 128, 0, 255], 255);
        canvas.blend(ALL, (1, 0), [255, 255, 255, 128], 128);
        canvas.blend(ALL, (0, 0), [0, 0, 255, 255], 128);
        assert_eq!(canvas.pixels[..3], [[128, 64, 127, 255], [64, 64, 64, 64], [0; 4]]);
        let mut opaque = Canvas::new(1, 1, [10, 20, 30, 255]);
        opaque.blend(ALL, (0, 0), [255, 255, 255, 255], 100);
        assert_eq!(opaque.pixels[0][3], 255, "what is opaque stays so");
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let mut canvas = Canvas::new(2, 2, [0; 4]);
        let clip = Clip { x: [0, 9], y: [1, 9] };
        for at in [(-1, 1), (2, 1), (0, 2), (0, -1), (0, 0), (i32::MAX, i32::MAX), (i32::MIN, 1)] {
            canvas.blend(clip, at, [255; 4], 255);
        }
        assert_eq!(canvas.pixels, [[0; 4]; 4]);
        canvas.blend(clip, (1, 1), [255; 4], 255);
        assert_eq!(canvas.pixels[3], [255; 4]);
    }

    #[test]
    fn an_edge_is_around_the_picture() {
        let mut canvas = Canvas::new(4, 3, [0; 4]);
        canvas.edge([255; 4], 1);
        let drawn: Vec<u8> = canvas.pixels.iter().map(|pixel| pixel[3] / 255).collect();
        assert_eq!(drawn, [1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]);
    }
}
