//! Images of the cursor theme, loaded when they are needed.
//!
//! Plain pixels: nothing here renders.

use std::{collections::HashMap, io::Read, sync::Arc};

use smithay::{
    input::pointer::CursorIcon,
    utils::{Physical, Point, Size},
};

use crate::system::scale::Scale;

/// The most images that are kept: those of displays that have had other scales go.
const MOST_LOADED: usize = 256;

/// The longest side of an image that is made larger.
const LARGEST: u32 = 512;

/// The cursor theme, and the images that were loaded.
pub struct Theme {
    theme: xcursor::CursorTheme,
    /// The nominal size of the images.
    size: u32,
    /// Clients choose among them as often as they like, and each is a file.
    loaded: HashMap<(CursorIcon, Scale), Arc<ThemeImage>>,
}

/// One image of a theme, for displays of one scale.
#[derive(Debug)]
pub struct ThemeImage {
    pub width: i32,
    pub height: i32,
    /// The pixel that is at the pointer's position.
    pub hotspot: Point<i32, Physical>,
    /// ARGB8888 (little-endian words, premultiplied), rows without padding.
    pub pixels: Vec<u8>,
}

impl ThemeImage {
    /// The size in pixels of a display.
    pub fn size(&self) -> Size<i32, Physical> {
        (self.width, self.height).into()
    }

    /// So many times as large, each pixel a square.
    fn times(self, factor: u32) -> Self {
        let Self { width, height, hotspot, pixels } = self;
        let most = LARGEST / width.max(height).max(1).unsigned_abs();
        let by = factor.min(most).max(1) as usize;
        if by == 1 || width <= 0 {
            return Self { width, height, hotspot, pixels };
        }
        let mut larger = Vec::with_capacity(pixels.len() * by * by);
        for row in pixels.chunks_exact(width.unsigned_abs() as usize * 4) {
            let row: Vec<u8> = row.chunks_exact(4).flat_map(|pixel| pixel.repeat(by)).collect();
            (0..by).for_each(|_| larger.extend_from_slice(&row));
        }
        let by = by as i32;
        let hotspot = (hotspot.x * by, hotspot.y * by).into();
        Self { width: width * by, height: height * by, hotspot, pixels: larger }
    }
}

impl Theme {
    /// The theme `name` with images of about `size` pixels.
    pub fn new(name: &str, size: u32) -> Self {
        Self { theme: xcursor::CursorTheme::load(name), size: size.clamp(8, 256), loaded: HashMap::new() }
    }

    /// The image of an icon for displays of this scale; a plain arrow if the theme has none.
    pub fn image(&mut self, icon: CursorIcon, scale: Scale) -> Arc<ThemeImage> {
        if let Some(image) = self.loaded.get(&(icon, scale)) {
            return image.clone();
        }
        let larger = || arrow().times(scale.factor().round() as u32);
        let image = Arc::new(self.load(icon, scale).unwrap_or_else(larger));
        if self.loaded.len() >= MOST_LOADED {
            self.loaded.clear();
        }
        self.loaded.insert((icon, scale), image.clone());
        image
    }

    fn load(&self, icon: CursorIcon, scale: Scale) -> Option<ThemeImage> {
        let names = std::iter::once(icon.name()).chain(icon.alt_names().iter().copied()).chain(["left_ptr", "default"]);
        let path = names.into_iter().find_map(|name| self.theme.load_icon(name))?;
        let mut bytes = Vec::new();
        std::fs::File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
        let images = xcursor::parser::parse_xcursor(&bytes)?;
        // Not every theme has images for large scales: they are as many times larger as is nearest.
        let nearest = |to: u32| images.iter().min_by_key(|image| image.size.abs_diff(to));
        let wanted = scale.pixels(nearest(self.size)?.size.min(1 << 16) as i32).unsigned_abs();
        let image = match scale {
            Scale::ONE => nearest(self.size)?,
            _ => nearest(scale.pixels(self.size as i32).unsigned_abs())?,
        };
        let times = if scale == Scale::ONE { 1 } else { (wanted + image.size / 2) / image.size.max(1) };
        let image = image.clone();
        let shown = ThemeImage {
            width: image.width as i32,
            height: image.height as i32,
            hotspot: (image.xhot as i32, image.yhot as i32).into(),
            // Despite the field's name these are the bytes of the file: little-endian ARGB words.
            pixels: image.pixels_rgba,
        };
        let whole = shown.pixels.len() as u64 == u64::from(image.width) * u64::from(image.height) * 4;
        Some(if whole { shown.times(times) } else { shown })
    }
}

/// A plain arrow of 12 × 16 pixels, for machines without any cursor theme.
fn arrow() -> ThemeImage {
    let mut pixels = vec![0; 12 * 16 * 4];
    for y in 0..16usize {
        let width = if y < 11 { y + 1 } else { 16 - y };
        for x in 0..width.min(12) {
            let edge = x == 0 || x + 1 == width || y == 15;
            let value = if edge { 0 } else { 255 };
            pixels[(y * 12 + x) * 4..][..4].copy_from_slice(&[value, value, value, 255]);
        }
    }
    ThemeImage { width: 12, height: 16, hotspot: Point::default(), pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_is_made_larger_has_its_hotspot_in_the_same_place() {
        let pixels = (0..2 * 3 * 4).collect();
        let twice = ThemeImage { width: 2, height: 3, hotspot: (1, 2).into(), pixels }.times(2);
        assert_eq!((twice.size(), twice.hotspot), ((4, 6).into(), (2, 4).into()));
        let row = [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7];
        assert_eq!((&twice.pixels[..16], &twice.pixels[16..32]), (&row[..], &row[..]));
        assert_eq!(twice.pixels.len(), 4 * 6 * 4);
    }

    #[test]
    fn the_built_in_arrow_grows_with_the_scale() {
        let mut theme = Theme::new("a theme that is not installed", 24);
        let table = [(0.5, 12), (1.0, 12), (1.25, 12), (1.5, 24), (2.0, 24), (3.0, 36), (10.0, 120)];
        for (factor, width) in table {
            let image = theme.image(CursorIcon::Default, Scale::of(factor).unwrap());
            assert_eq!((image.width, image.height), (width, width / 3 * 4), "{factor}");
        }
    }
}
