//! Images of the cursor theme, loaded when they are needed.
//!
//! Plain pixels: nothing here renders.

use std::{collections::HashMap, io::Read, sync::Arc};

use smithay::{
    input::pointer::CursorIcon,
    utils::{Logical, Point, Size},
};

/// The cursor theme, and the images that were loaded.
pub struct Theme {
    theme: xcursor::CursorTheme,
    /// The nominal size of the images.
    size: u32,
    /// Clients choose among them as often as they like, and each is a file.
    loaded: HashMap<CursorIcon, Arc<ThemeImage>>,
}

/// One image of a theme.
#[derive(Debug)]
pub struct ThemeImage {
    pub width: i32,
    pub height: i32,
    /// The pixel that is at the pointer's position.
    pub hotspot: Point<i32, Logical>,
    /// ARGB8888 (little-endian words, premultiplied), rows without padding.
    pub pixels: Vec<u8>,
}

impl ThemeImage {
    /// The size on the desktop.
    pub fn size(&self) -> Size<i32, Logical> {
        (self.width, self.height).into()
    }
}

impl Theme {
    /// The theme `name` with images of about `size` pixels.
    pub fn new(name: &str, size: u32) -> Self {
        Self { theme: xcursor::CursorTheme::load(name), size: size.clamp(8, 256), loaded: HashMap::new() }
    }

    /// The image of an icon; a plain arrow if the theme has none.
    pub fn image(&mut self, icon: CursorIcon) -> Arc<ThemeImage> {
        if let Some(image) = self.loaded.get(&icon) {
            return image.clone();
        }
        let image = Arc::new(self.load(icon).unwrap_or_else(arrow));
        self.loaded.insert(icon, image.clone());
        image
    }

    fn load(&self, icon: CursorIcon) -> Option<ThemeImage> {
        let names = std::iter::once(icon.name()).chain(icon.alt_names().iter().copied()).chain(["left_ptr", "default"]);
        let path = names.into_iter().find_map(|name| self.theme.load_icon(name))?;
        let mut bytes = Vec::new();
        std::fs::File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
        let images = xcursor::parser::parse_xcursor(&bytes)?;
        let image = images.into_iter().min_by_key(|image| image.size.abs_diff(self.size))?;
        Some(ThemeImage {
            width: image.width as i32,
            height: image.height as i32,
            hotspot: (image.xhot as i32, image.yhot as i32).into(),
            // Despite the field's name these are the bytes of the file: little-endian ARGB words.
            pixels: image.pixels_rgba,
        })
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
