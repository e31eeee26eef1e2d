//! Pictures as PNG files.

use std::{fs::File, io::BufWriter, path::Path};

use crate::view::View;

/// Writes what a view shows of a picture (pixels of B, G, R and one that is not looked at) as an RGB PNG.
/// Error: the file cannot be written.
pub fn write_png(path: &Path, picture: &[[u8; 4]], view: &View) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), view.width, view.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let rgb: Vec<u8> = view.of(picture).flat_map(|[b, g, r, _]| [r, g, b]).collect();
    encoder.write_header()?.write_image_data(&rgb)
}
