//! What a display is told of its picture: the content type of the surface that fills the screen (`content-type-v1`), else
//! the configured one. An HDMI display chooses its processing by it.
//!
//! Drivers may want a modeset for a change, which would be a black screen for a hint: such a change is dropped, and tried
//! again only after the next modeset. Costs one TEST_ONLY commit a change.

use kms::{ConnectorState, ContentType};
use smithay::reexports::wayland_protocols::wp::content_type::v1::server::wp_content_type_v1::Type;

/// What an output's connector tells its display.
#[derive(Debug, Default)]
pub struct ConnectorSettings {
    /// With the next frame.
    pub state: ConnectorState,
    /// From the configuration: what is told while no window says better.
    pub usual: Option<ContentType>,
    /// What the driver takes with a modeset only.
    pub refused: Option<ContentType>,
}

impl ConnectorSettings {
    /// As configured.
    pub fn new(state: ConnectorState) -> Self {
        Self { usual: state.content_type, state, refused: None }
    }

    /// A modeset: what was refused may be possible.
    pub fn modeset(&mut self) {
        self.refused = None;
    }
}

/// What a client's word means to a display.
pub fn meaning(hint: &Type) -> Option<ContentType> {
    match hint {
        Type::Photo => Some(ContentType::Photo),
        Type::Video => Some(ContentType::Cinema),
        Type::Game => Some(ContentType::Game),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_is_what_a_display_knows() {
        let table = [
            (Type::None, None),
            (Type::Photo, Some(ContentType::Photo)),
            (Type::Video, Some(ContentType::Cinema)),
            (Type::Game, Some(ContentType::Game)),
        ];
        for (hint, expected) in table {
            assert_eq!(meaning(&hint), expected);
        }
    }
}
