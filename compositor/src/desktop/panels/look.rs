//! How panels look, and how much room text has in them. No font is asked: what does not fit is cut.

use smithay::utils::{Logical, Rectangle, Size};

use crate::{
    desktop::panels::Place,
    text::sheet::{Block, Colour, Font, Sheet},
};

pub const BACKGROUND: Colour = [0x24, 0x26, 0x2b, 0xff];
pub const TEXT: Colour = [0xe6, 0xe6, 0xe6, 0xff];
pub const FAINT: Colour = [0x9a, 0x9f, 0xa8, 0xff];
pub const STRONG: Colour = [0x8a, 0xb8, 0xf0, 0xff];
pub const WARNING: Colour = [0xe0, 0x6c, 0x60, 0xff];
pub const EDGE: Colour = [0x50, 0x55, 0x60, 0xff];

/// The width of a letter of a monospace font, in parts of its size: that of the widest usual ones.
const MONOSPACE: f32 = 0.62;
/// The same for the average letter of other fonts.
const AVERAGE: f32 = 0.56;

/// The room that so many letters take, in whole pixels.
pub fn room(font: &Font, letters: usize, monospace: bool) -> u32 {
    let width = if monospace { MONOSPACE } else { AVERAGE };
    (letters as f32 * width * font.size).ceil() as u32
}

/// How many letters of a monospace font have room.
pub fn letters(font: &Font, width: u32) -> usize {
    (width as f32 / (MONOSPACE * font.size)) as usize
}

/// The distance from line to line, in whole pixels.
pub fn line(font: &Font) -> u32 {
    font.line.ceil() as u32
}

/// What stays free around text, and around a panel.
pub fn margin(font: &Font) -> u32 {
    font.size.ceil() as u32
}

/// The largest panel on an output.
pub fn largest(font: &Font, area: Rectangle<i32, Logical>) -> (u32, u32) {
    let free = 2 * margin(font);
    let of = |length: i32| length.max(1).unsigned_abs().saturating_sub(free).max(1);
    (of(area.size.w), of(area.size.h))
}

/// A sheet of a panel's size.
pub fn sheet(font: Font, size: (u32, u32), edge: Colour, blocks: Vec<Block>) -> Sheet {
    let (width, height) = size;
    Sheet { width, height, scale: 1.0, background: BACKGROUND, edge: Some(edge), font, blocks }
}

/// A panel in the middle of an output from left to right, so far below its upper edge.
pub fn place(area: Rectangle<i32, Logical>, (width, height): (u32, u32), below: i32) -> Place {
    let size = Size::<i32, Logical>::from((width as i32, height as i32));
    let at = (area.loc.x + (area.size.w - size.w) / 2, area.loc.y + below);
    Place { area, rect: Rectangle::new(at.into(), size) }
}
