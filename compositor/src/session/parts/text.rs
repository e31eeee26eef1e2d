//! What draws text for the session.

use crate::text::painter::Painter;

/// What draws text, from the first picture on.
#[derive(Default)]
pub struct Text {
    pub painter: Option<Painter>,
    /// The log has said that there is no font.
    pub without_fonts: bool,
}
