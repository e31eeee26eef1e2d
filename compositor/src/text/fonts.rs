//! The fonts of the machine: text is shaped with them and drawn.
//!
//! A letter that the wanted font has not is taken from one that has it. Only the thread of
//! [`crate::text::painter`] calls this: reading the list of fonts takes a part of a second.

use cosmic_text::{
    Attrs, Buffer, Color, Ellipsize, EllipsizeHeightLimit, Family, FontSystem, Hinting, Metrics, Shaping, SwashCache,
    Weight, Wrap, fontdb::Database,
};

use crate::text::{
    canvas::{Canvas, Clip},
    sheet::{Block, Colour, Draw, NoPicture, Picture, Sheet},
};

/// The most images of letters that are kept.
const MOST_GLYPHS: usize = 4096;

/// Families that are looked for where the system names none that is installed.
const SANS: [&str; 5] = ["Noto Sans", "DejaVu Sans", "Liberation Sans", "Cantarell", "Adwaita Sans"];
const MONOSPACE: [&str; 4] = ["Noto Sans Mono", "DejaVu Sans Mono", "Liberation Mono", "Adwaita Mono"];

/// The fonts, and letters that have been drawn.
pub struct Fonts {
    system: FontSystem,
    glyphs: SwashCache,
}

impl Fonts {
    /// Those that fontconfig's files name.
    pub fn of_system() -> Self {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        Self::of(fonts)
    }

    /// These, which may be none.
    pub fn of(mut fonts: Database) -> Self {
        let sans = installed(&fonts, &Family::SansSerif, &SANS, false);
        let monospace = installed(&fonts, &Family::Monospace, &MONOSPACE, true);
        sans.into_iter().for_each(|name| fonts.set_sans_serif_family(name));
        monospace.into_iter().for_each(|name| fonts.set_monospace_family(name));
        Self { system: FontSystem::new_with_locale_and_db(locale(), fonts), glyphs: SwashCache::new() }
    }

    /// The lines of a block.
    fn lay(&mut self, sheet: &Sheet, block: &Block) -> Buffer {
        let font = &sheet.font;
        let size = [block.size.0, block.size.1].map(|length| length as f32 * sheet.scale);
        let mut buffer = Buffer::new_empty(Metrics::new(font.size * sheet.scale, font.line * sheet.scale));
        buffer.set_wrap(Wrap::None);
        buffer.set_ellipsize(Ellipsize::End(EllipsizeHeightLimit::Lines(1)));
        buffer.set_hinting(Hinting::Enabled);
        buffer.set_size(Some(size[0]), Some(size[1]));
        let family = match &*font.family {
            "sans-serif" => Family::SansSerif,
            "serif" => Family::Serif,
            "monospace" => Family::Monospace,
            name => Family::Name(name),
        };
        let plain = Attrs::new().family(family);
        let spans = block.spans.iter().map(|span| {
            let [red, green, blue, alpha] = span.colour;
            let attrs = plain.clone().color(Color::rgba(red, green, blue, alpha));
            let attrs = if span.bold { attrs.weight(Weight::BOLD) } else { attrs };
            (&*span.text, if span.monospace { attrs.family(Family::Monospace) } else { attrs })
        });
        buffer.set_rich_text(spans, &plain, Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.system, false);
        buffer
    }

    fn paint(&mut self, sheet: &Sheet, block: &Block, canvas: &mut Canvas) {
        let buffer = self.lay(sheet, block);
        let pixels = |length: u32| length as f32 * sheet.scale;
        let (left, top) = (pixels(block.at.0).round(), pixels(block.at.1).round());
        let (right, lowest) = (left + pixels(block.size.0), top + pixels(block.size.1));
        let clip = Clip { x: [left as i32, right.round() as i32], y: [top as i32, lowest.round() as i32] };
        for (at, run) in buffer.layout_runs().enumerate() {
            // The first is drawn even where it does not fit as a whole.
            if at > 0 && top + run.line_top + run.line_height > lowest + 1.0 {
                break;
            }
            for glyph in run.glyphs {
                let place = glyph.physical((left, top + run.line_y), 1.0);
                let colour = glyph.color_opt.map_or([u8::MAX; 4], Color::as_rgba);
                let opaque = Color::rgb(colour[0], colour[1], colour[2]);
                self.glyphs.with_pixels(&mut self.system, place.cache_key, opaque, |x, y, drawn| {
                    let [red, green, blue, coverage]: Colour = drawn.as_rgba();
                    canvas.blend(clip, (place.x + x, place.y + y), [red, green, blue, colour[3]], coverage);
                });
            }
        }
    }
}

impl Draw for Fonts {
    fn draw(&mut self, sheet: &Sheet) -> Result<Picture, NoPicture> {
        if self.system.db().is_empty() {
            return Err(NoPicture::NoFonts);
        }
        if self.glyphs.image_cache.len() > MOST_GLYPHS {
            self.glyphs.image_cache.clear();
        }
        let [width, height] = [sheet.width, sheet.height].map(|length| sheet.pixels(length) as usize);
        let mut canvas = Canvas::new(width, height, sheet.background);
        for block in &sheet.blocks {
            self.paint(sheet, block, &mut canvas);
        }
        if let Some(edge) = sheet.edge {
            canvas.edge(edge, sheet.scale.round().max(1.0) as usize);
        }
        canvas.finish()
    }
}

/// The family to take for a generic one, if that which the system names is not there; `None`: it is, or
/// there is no font at all.
fn installed(fonts: &Database, generic: &Family<'_>, known: &[&str], monospaced: bool) -> Option<String> {
    let has = |wanted: &str| fonts.faces().any(|face| face.families.iter().any(|(name, _)| name == wanted));
    if has(fonts.family_name(generic)) {
        return None;
    }
    let known = known.iter().find(|name| has(name)).map(|name| (*name).to_owned());
    let first = |monospaced: bool| {
        let face = fonts.faces().find(|face| face.monospaced == monospaced)?;
        face.families.first().map(|(name, _)| name.clone())
    };
    known.or_else(|| first(monospaced)).or_else(|| first(!monospaced))
}

/// The language of the user, which decides between the letters of Chinese, Japanese and Korean.
fn locale() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let value = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    language(&value)
}

/// `de_DE.UTF-8` as `de-DE`.
fn language(locale: &str) -> String {
    match locale.split(['.', '@']).next() {
        None | Some("" | "C" | "POSIX") => "en-US".to_owned(),
        Some(name) => name.replace('_', "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::sheet::{Fit, Font, Span};

    /// The system's fonts; `None`, and the test is skipped: it has none.
    fn fonts() -> Option<Fonts> {
        let fonts = Fonts::of_system();
        if fonts.system.db().is_empty() {
            println!("SKIPPED: no font is installed");
            return None;
        }
        Some(fonts)
    }

    fn sheet(text: &str, fit: Fit) -> Sheet {
        let block = Block { at: (10, 5), size: (180, 80), fit, spans: vec![Span::plain(text, [255, 0, 0, 255])] };
        Sheet {
            width: 200,
            height: 90,
            scale: 1.0,
            background: [0, 0, 0, 255],
            edge: None,
            font: Font::new(&"sans-serif".into(), 14),
            blocks: vec![block],
        }
    }

    fn lines(fonts: &mut Fonts, sheet: &Sheet) -> Vec<(f32, usize)> {
        let laid = fonts.lay(sheet, &sheet.blocks[0]);
        laid.layout_runs().map(|run| (run.line_w, run.glyphs.len())).collect()
    }

    /// The pixels that are not background: x, y.
    fn inked(picture: &Picture) -> Vec<(u32, u32)> {
        let image = &picture.image;
        let pitch = image.line_bytes();
        let mut bytes = vec![0; pitch * image.height as usize];
        image.read(0..image.height, &mut bytes, pitch, &mut []).unwrap();
        let pixels = bytes.as_chunks::<4>().0.iter().zip(0..);
        pixels.filter(|(pixel, _)| pixel[2] > 0).map(|(_, at)| (at % image.width, at / image.width)).collect()
    }

    #[test]
    fn without_fonts_there_is_an_error_and_no_panic() {
        let mut none = Fonts::of(Database::new());
        let error = none.draw(&sheet("text", Fit::Line)).unwrap_err();
        assert!(matches!(error, NoPicture::NoFonts) && error.to_string().contains("install"), "{error}");
    }

    #[test]
    fn a_line_that_does_not_fit_is_cut_with_an_ellipsis() {
        let Some(mut fonts) = fonts() else { return };
        let long = "a very long title of a window ".repeat(20);
        for (text, fit, count) in [(&*long, Fit::Line, 1), (&format!("{long}\n{long}"), Fit::Lines, 2)] {
            let lines = lines(&mut fonts, &sheet(text, fit));
            assert_eq!(lines.len(), count);
            for (width, glyphs) in lines {
                assert!(width <= 180.0 && width > 120.0 && glyphs < 60, "{width} {glyphs}");
            }
        }
        let sheet = sheet(&long, Fit::Line);
        let picture = fonts.draw(&sheet).unwrap();
        assert_eq!((picture.image.width, picture.image.height), (200, 90));
        let inked = inked(&picture);
        assert!(!inked.is_empty());
        assert!(inked.iter().all(|(x, y)| (10..190).contains(x) && (5..28).contains(y)), "one line, in its block");
        // The ellipsis is at the end, low on the line.
        let last = inked.iter().map(|(x, _)| *x).max().unwrap();
        let of_dot: Vec<u32> = inked.iter().filter(|(x, _)| *x == last).map(|(_, y)| *y).collect();
        assert!(of_dot.len() <= 4, "{of_dot:?}");
    }

    #[test]
    fn lines_that_have_no_room_are_left_out() {
        let Some(mut fonts) = fonts() else { return };
        let height = sheet("", Fit::Lines).font.line;
        for (count, seen) in [(1, 1.0), (3, 3.0), (100, (80.0 / height).floor())] {
            let picture = fonts.draw(&sheet(&"Mg\n".repeat(count), Fit::Lines)).unwrap();
            let lowest = inked(&picture).into_iter().map(|(_, y)| y as f32).fold(0.0, f32::max);
            let lines = ((lowest - 5.0) / height).ceil();
            assert_eq!(lines, seen, "{count} lines");
        }
    }

    #[test]
    fn a_picture_has_more_pixels_where_they_are_smaller() {
        let Some(mut fonts) = fonts() else { return };
        let at = |fonts: &mut Fonts, scale| {
            let picture = fonts.draw(&Sheet { scale, ..sheet("Text", Fit::Line) }).unwrap();
            let inked = inked(&picture);
            (picture.image.width, inked.iter().map(|(x, _)| *x).max().unwrap())
        };
        let (one, two) = (at(&mut fonts, 1.0), at(&mut fonts, 2.0));
        assert_eq!((one.0, two.0), (200, 400));
        assert!(two.1.abs_diff(2 * one.1) < 8, "{one:?} {two:?}");
    }

    #[test]
    fn every_text_can_be_drawn() {
        let Some(mut fonts) = fonts() else { return };
        let texts = [
            "",
            " ",
            "\n\n",
            "日本語 한국어 العربية עברית हिन्दी 🙂",
            "\u{300}\u{300}",
            "\u{202e}abc",
            "a\u{0}b",
            "\u{10ffff}",
        ];
        for text in texts.into_iter().map(str::to_owned).chain([texts.concat(), "x".repeat(20_000)]) {
            for fit in [Fit::Line, Fit::Lines] {
                let mut sheet = sheet(&text, fit);
                sheet.tame();
                sheet.edge = Some([255; 4]);
                assert!(fonts.draw(&sheet).is_ok(), "{text:?} {fit:?}");
                sheet.blocks.iter_mut().for_each(|block| block.size = (0, 0));
                assert!(fonts.draw(&sheet).is_ok(), "{text:?} {fit:?}, without room");
            }
        }
    }

    #[test]
    fn the_language_is_that_of_the_environment() {
        for (locale, expected) in [("de_DE.UTF-8", "de-DE"), ("ja_JP", "ja-JP"), ("C", "en-US"), ("", "en-US")] {
            assert_eq!(language(locale), expected);
        }
    }
}
