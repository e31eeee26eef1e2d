//! The writeback connector of an output: through it the display puts the image of a frame into a buffer, as it
//! scans it out, and nobody has to draw it again.
//!
//! Finds the connector. Which frame goes into which buffer is decided by [`crate::session::capture`].

use kms::{Writeback, id::ConnectorId};

use crate::{
    output::{card::Card, planes::request::KmsOutput},
    render::target::OPAQUE,
};

/// The writeback connector that can take the image of an output, if there is one that writes XRGB8888 and
/// that no other output has; `taken`: those of the others on its card.
pub fn writeback_of(card: &Card, output: &KmsOutput, taken: &[ConnectorId]) -> Option<Writeback> {
    let found = Writeback::of_crtc(&card.inventory, output.crtc_index());
    let found = found.inspect_err(|error| tracing::debug!("{}: no writeback: {error}", output.name())).ok()?;
    let is_suitable = |of: &Writeback| of.formats().contains(&(OPAQUE as u32)) && !taken.contains(&of.connector_id());
    found.into_iter().find(is_suitable)
}
