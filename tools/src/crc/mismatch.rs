//! Saves the images of a mismatch: the one expected, the one shown (by writeback, where the display
//! has it) and their difference.

use std::{fs::File, io::BufWriter, path::Path};

use super::error::Error;
use super::oracle::Oracle;
use super::scene::Scene;
use super::screen::Screen;

/// Saves the images as PNG files in `dir`. Returns their paths.
pub fn save_images(screen: &mut Screen, oracle: &mut Oracle, scene: &Scene, dir: &Path) -> Result<Vec<String>, Error> {
    let size = screen.size();
    let failed = |reason: &dyn std::fmt::Display| Error::File { path: dir.to_owned(), reason: reason.to_string() };
    let mut files = Vec::new();
    let mut save = |what: &str, pixels: &[u32]| {
        let path = dir.join(format!("{what}.png"));
        write_png(&path, size, pixels).map_err(|error| failed(&error))?;
        files.push(path.display().to_string());
        Ok::<(), Error>(())
    };
    let expected = oracle.image(screen, scene)?.ok().map(|image| image.rgb());
    if let Some(expected) = &expected {
        save("expected", expected)?;
    }
    let shown = screen.writeback(scene)?.ok().map(|image| image.rgb());
    if let Some(shown) = &shown {
        save("shown", shown)?;
    }
    if let (Some(expected), Some(shown)) = (&expected, &shown) {
        // White on black, so that the smallest difference is as visible as the largest.
        let differ = |(a, b): (&u32, &u32)| if a == b { 0 } else { 0xff_ffff };
        let difference: Vec<u32> = expected.iter().zip(shown).map(differ).collect();
        save("difference", &difference)?;
    }
    // Writeback has changed the mode set-up.
    screen.modeset()?;
    Ok(files)
}

/// Writes pixels of `0xRRGGBB` as a PNG file.
fn write_png(path: &Path, (width, height): (u32, u32), pixels: &[u32]) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let rgb: Vec<u8> =
        pixels.iter().flat_map(|pixel| [(pixel >> 16) as u8, (pixel >> 8) as u8, *pixel as u8]).collect();
    encoder.write_header()?.write_image_data(&rgb)
}
