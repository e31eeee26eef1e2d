//! What is to be drawn, and what comes of it: plain values.
//!
//! Lengths of a sheet are in logical pixels; its picture has [`Sheet::scale`] times as many. Nothing here
//! knows a font.

use std::{borrow::Cow, sync::Arc};

use protocols::shm::ShmImage;
use rustix::io::Errno;

/// Red, green, blue, alpha; not premultiplied.
pub type Colour = [u8; 4];

/// The most bytes of text on a sheet; what comes after them is not drawn.
pub const MOST_TEXT: usize = 16 << 10;
/// The most pixels of a picture: 64 MiB.
pub const MOST_PIXELS: u64 = 16 << 20;
/// The longest side of a picture.
pub const LONGEST_SIDE: f32 = 16_384.0;

/// A picture to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub width: u32,
    pub height: u32,
    /// How many pixels of the picture are a logical one.
    pub scale: f32,
    pub background: Colour,
    /// The line of one pixel around it; `None`: there is none.
    pub edge: Option<Colour>,
    pub font: Font,
    pub blocks: Vec<Block>,
}

/// How text is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Font {
    /// `sans-serif`, `serif`, `monospace` or the name of a family. One that is not installed is replaced.
    pub family: Arc<str>,
    /// The size of its letters.
    pub size: f32,
    /// From line to line.
    pub line: f32,
}

impl Font {
    /// With the usual distance of lines.
    pub fn new(family: &Arc<str>, size: u8) -> Self {
        let size = f32::from(size.max(1));
        Self { family: family.clone(), size, line: (size * 1.4).ceil() }
    }
}

/// A rectangle of a sheet with text, which is cut at its edges.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub at: (u32, u32),
    pub size: (u32, u32),
    pub fit: Fit,
    /// One after the other.
    pub spans: Vec<Span>,
}

/// What becomes of text that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is one line, whatever is in it, and ends with an ellipsis.
    Line,
    /// Each line ends with an ellipsis. Lines for which there is no room are left out.
    Lines,
}

/// Text of one look.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub text: String,
    pub colour: Colour,
    pub bold: bool,
    pub monospace: bool,
}

impl Span {
    /// In the sheet's font.
    pub fn plain(text: impl Into<String>, colour: Colour) -> Self {
        Self { text: text.into(), colour, bold: false, monospace: false }
    }

    /// In bold letters.
    pub fn bold(text: impl Into<String>, colour: Colour) -> Self {
        Self { bold: true, ..Self::plain(text, colour) }
    }

    /// In letters of one width.
    pub fn monospace(text: impl Into<String>, colour: Colour) -> Self {
        Self { monospace: true, ..Self::plain(text, colour) }
    }
}

impl Sheet {
    /// A length in pixels of the picture.
    pub fn pixels(&self, length: u32) -> f32 {
        (length as f32 * self.scale).ceil()
    }

    /// Errors: a picture of this size is not drawn.
    pub fn check(&self) -> Result<(), NoPicture> {
        let (width, height) = (self.pixels(self.width), self.pixels(self.height));
        // A size that is no number fits nowhere.
        let fits = |side: f32| (1.0..=LONGEST_SIDE).contains(&side);
        let drawable = |size: f32| (1.0..=1024.0).contains(&(size * self.scale));
        if !fits(width) || !fits(height) || width as u64 * height as u64 > MOST_PIXELS {
            return Err(NoPicture::Size(width, height));
        }
        match drawable(self.font.size) && drawable(self.font.line) {
            true => Ok(()),
            false => Err(NoPicture::FontSize(self.font.size * self.scale)),
        }
    }

    /// Leaves out the text after the first [`MOST_TEXT`] bytes, and all that could harm: see
    /// [`harmless`].
    pub fn tame(&mut self) {
        let mut room = MOST_TEXT;
        for block in &mut self.blocks {
            let lines = block.fit != Fit::Line;
            for span in &mut block.spans {
                let whole = (0..=room.min(span.text.len())).rev().find(|at| span.text.is_char_boundary(*at));
                span.text.truncate(whole.unwrap_or(0));
                room -= span.text.len();
                if let Cow::Owned(tamed) = harmless(&span.text, lines) {
                    span.text = tamed;
                }
            }
            block.spans.retain(|span| !span.text.is_empty());
        }
        self.blocks.retain(|block| !block.spans.is_empty());
    }
}

/// Text without characters that are commands instead of letters: control characters and ends of lines become
/// spaces, but for `\n` if there may be `lines`, and those that reverse what follows are left out.
pub fn harmless(text: &str, lines: bool) -> Cow<'_, str> {
    let reverses = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends = |c: char| matches!(c, '\u{2028}' | '\u{2029}');
    let is_command = |c: char| (c.is_control() && !(lines && c == '\n')) || reverses(c) || ends(c);
    if !text.contains(is_command) {
        return text.into();
    }
    let tamed = text.chars().filter(|c| !reverses(*c)).map(|c| if is_command(c) { ' ' } else { c });
    tamed.collect::<String>().into()
}

/// An image in memory of the session's own: premultiplied, blue first.
#[derive(Debug, Clone)]
pub struct Picture {
    pub image: ShmImage,
    /// Nothing shines through.
    pub opaque: bool,
}

impl Picture {
    /// Of pixels line by line. Errors: those of memfd_create(2) and write(2).
    pub fn new(width: u32, pixels: &[u8], opaque: bool) -> Result<Self, NoPicture> {
        let image = ShmImage::of_pixels(width, pixels).map_err(NoPicture::Memory)?;
        Ok(Self { image, opaque })
    }
}

/// What makes pictures of sheets.
pub trait Draw {
    /// The sheet is checked and tame.
    fn draw(&mut self, sheet: &Sheet) -> Result<Picture, NoPicture>;
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum NoPicture {
    #[error("no font is installed; install a package of fonts, for example fonts-dejavu")]
    NoFonts,
    #[error("a picture of {0}x{1} pixels is not drawn")]
    Size(f32, f32),
    #[error("letters of {0} pixels are not drawn")]
    FontSize(f32),
    #[error("too many pictures are to be drawn at once")]
    TooMany,
    #[error("no thread for drawing: {0}")]
    Thread(std::io::Error),
    #[error("no memory for the picture: {0}")]
    Memory(Errno),
    #[error("the font library has failed; the message is above")]
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str, fit: Fit) -> Sheet {
        let block = |text: &str| Block { at: (0, 0), size: (10, 10), fit, spans: vec![Span::plain(text, [0; 4])] };
        Sheet {
            width: 10,
            height: 10,
            scale: 1.0,
            background: [0; 4],
            edge: None,
            font: Font::new(&"sans-serif".into(), 10),
            blocks: vec![block(text), block("next")],
        }
    }

    #[test]
    fn characters_that_are_commands_are_made_harmless() {
        let table = [
            ("a title", "a title", "a title"),
            ("two\nlines\r\n", "two lines  ", "two\nlines \n"),
            ("bell\u{7} escape\u{1b}[31m", "bell  escape [31m", "bell  escape [31m"),
            ("tab\tand\u{85}and\u{2028}", "tab and and ", "tab and and "),
            ("gnp.\u{202e}exe\u{2066}", "gnp.exe", "gnp.exe"),
            ("日本 \u{200d}\u{fe0f}", "日本 \u{200d}\u{fe0f}", "日本 \u{200d}\u{fe0f}"),
        ];
        for (text, line, lines) in table {
            assert_eq!((harmless(text, false), harmless(text, true)), (line.into(), lines.into()), "{text:?}");
        }
    }

    #[test]
    fn a_sheet_has_a_bounded_text() {
        let mut sheet = sheet(&"é".repeat(MOST_TEXT), Fit::Line);
        sheet.tame();
        assert_eq!(sheet.blocks.len(), 1, "nothing is left of the next");
        assert_eq!(sheet.blocks[0].spans[0].text.len(), MOST_TEXT);
        let mut odd = self::sheet(&format!("a{}", "é".repeat(MOST_TEXT)), Fit::Line);
        odd.tame();
        assert_eq!(odd.blocks[0].spans[0].text.len(), MOST_TEXT - 1, "no half letter");
    }

    #[test]
    fn a_picture_has_a_bounded_size() {
        let table = [
            (10, 10, 1.0, true),
            (0, 10, 1.0, false),
            (10, 0, 1.0, false),
            (4096, 4096, 1.0, true),
            (4096, 4097, 1.0, false),
            (2048, 2048, 2.0, true),
            (2048, 2049, 2.0, false),
            (16_385, 1, 1.0, false),
            (u32::MAX, u32::MAX, 1.0, false),
            (10, 10, f32::NAN, false),
            (10, 10, 0.0, false),
            (10, 10, -1.0, false),
            (10, 10, f32::INFINITY, false),
        ];
        for (width, height, scale, drawn) in table {
            let sheet = Sheet { width, height, scale, ..sheet("", Fit::Line) };
            assert_eq!(sheet.check().is_ok(), drawn, "{width} {height} {scale}");
        }
        let mut huge = sheet("", Fit::Line);
        huge.font.line = 0.0;
        assert!(huge.check().is_err());
    }
}
