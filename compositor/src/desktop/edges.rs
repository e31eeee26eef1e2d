//! What is black beside the picture on a display that mirrors one of another shape.
//!
//! It lies above everything, so nothing of the desktop is seen beside the picture. Nothing here knows which display
//! that is.

use crate::{
    config::colour::Rgba,
    desktop::fill::Fill,
    render::{Layer, Screen},
    system::id::SurfaceId,
};

/// The image of each edge, in the order of [`Screen::edges`].
#[derive(Debug)]
pub struct Edges([Fill; 4]);

impl Default for Edges {
    fn default() -> Self {
        Self([0, 1, 2, 3].map(|side| Fill::new(SurfaceId::edge(side), Rgba([0, 0, 0, u8::MAX]))))
    }
}

impl Edges {
    /// Appends the layers of the edges of an output that has any.
    pub fn collect(&self, screen: &Screen, layers: &mut Vec<Layer>) {
        if screen.has_edges() {
            layers.extend(self.0.iter().zip(screen.edges()).filter_map(|(fill, edge)| fill.layer(edge, screen)));
        }
    }
}
