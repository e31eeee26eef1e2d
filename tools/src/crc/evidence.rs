//! Pictures of a mismatch: what was expected, what was shown (by writeback, where the display has it), and where they differ.

use std::{fs::File, io::BufWriter, path::Path};

use super::judge::Judge;
use super::scene::Scene;
use super::screen::Screen;
use super::trouble::Trouble;

/// Writes the pictures into `dir`, which is made; their paths.
pub fn keep(
    screen: &mut Screen,
    judge: &mut Judge,
    scene: &Scene,
    dir: &Path,
    title: &str,
) -> Result<Vec<String>, Trouble> {
    let size = screen.size();
    let stem: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let failed = |reason: &dyn std::fmt::Display| Trouble::File { path: dir.to_owned(), reason: reason.to_string() };
    std::fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    let mut files = Vec::new();
    let mut write = |what: &str, pixels: &[u32]| {
        let path = dir.join(format!("{stem}-{what}.png"));
        png(&path, size, pixels).map_err(|error| failed(&error))?;
        files.push(path.display().to_string());
        Ok::<(), Trouble>(())
    };
    let expected = judge.picture(screen, scene)?.ok().map(|picture| picture.rgb());
    if let Some(expected) = &expected {
        write("expected", expected)?;
    }
    let shown = screen.writeback(scene)?.ok().map(|picture| picture.rgb());
    if let Some(shown) = &shown {
        write("shown", shown)?;
    }
    if let (Some(expected), Some(shown)) = (&expected, &shown) {
        // Differences in white on black: the smallest are as visible as the largest.
        let differ = |(a, b): (&u32, &u32)| if a == b { 0 } else { 0xff_ffff };
        let difference: Vec<u32> = expected.iter().zip(shown).map(differ).collect();
        write("difference", &difference)?;
    }
    // Writeback set the mode.
    screen.modeset()?;
    Ok(files)
}

/// Pixels of `0xRRGGBB` as a PNG.
fn png(path: &Path, (width, height): (u32, u32), pixels: &[u32]) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let rgb: Vec<u8> =
        pixels.iter().flat_map(|pixel| [(pixel >> 16) as u8, (pixel >> 8) as u8, *pixel as u8]).collect();
    encoder.write_header()?.write_image_data(&rgb)
}
