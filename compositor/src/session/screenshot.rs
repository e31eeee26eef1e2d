//! A screenshot of an output, as PNG.
//!
//! The scene is rendered once more into a buffer of its own, so nothing on the screen changes. This
//! may wait for the renderer, so it happens only on request.

use std::{fs::File, io::BufWriter, path::Path};

use crate::{
    render::{Tracker, target::OPAQUE},
    session::Syncline,
};

impl Syncline {
    /// Writes the image of the first output to `path`.
    pub fn screenshot(&mut self, path: &Path) -> Result<(), String> {
        let (mut scene, mut covered) = (Vec::new(), Vec::new());
        let id = self.outputs.list.first().map(|output| output.id).ok_or("no display is lit")?;
        // Upright, however the display is turned.
        let screen = self.outputs.list[id].screen().not_turned();
        let found = self.collect_scene(id, &screen, false, &mut scene, &mut covered);
        let background = self.background(found.filled);
        let outputs = &mut self.outputs;
        scene.retain(|layer| layer.content.is_ready() || outputs.renderer.waits_on_gpu());
        let output = &outputs.list[id];
        let (width, height): (i32, i32) = screen.pixels().into();
        let card = outputs.cards.of(&output.kms);
        let modifiers = card.known.modifiers(&output.kms.planes()[output.primary], OPAQUE);
        let target = outputs.renderer.new_target(&card.device, width as u32, height as u32, OPAQUE, &modifiers)?;
        let mut tracker = Tracker::new((width, height));
        outputs.renderer.draw(&target, 0, &mut tracker, &scene, background)?;
        let pixels = outputs.renderer.read(&target, width, height)?;
        write_png(path, width as u32, height as u32, &pixels).map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// Writes rows of XRGB8888 (bytes B, G, R, X) as an RGB PNG.
fn write_png(path: &Path, width: u32, height: u32, pixels: &[u8]) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let rgb: Vec<u8> = pixels.chunks_exact(4).flat_map(|p| [p[2], p[1], p[0]]).collect();
    encoder.write_header()?.write_image_data(&rgb)
}
