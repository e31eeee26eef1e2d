//! The content type that is sent to a display: that of the surface that covers the screen
//! (`content-type-v1`), else the configured one. An HDMI display chooses its image processing by
//! it.
//!
//! Some drivers require a modeset for a change. A hint is not worth a black screen, so such a
//! change is dropped and retried only after the next modeset. Each change costs one TEST_ONLY
//! commit. Nothing here commits.

use kms::{ConnectorState, ContentType};
use smithay::reexports::wayland_protocols::wp::content_type::v1::server::wp_content_type_v1::Type;

/// The connector properties of an output.
#[derive(Debug, Default)]
pub struct ConnectorSettings {
    /// Committed with the next frame.
    pub state: ConnectorState,
    /// The configured content type, used while no surface sets one.
    pub usual: Option<ContentType>,
    /// The content type that the driver accepts only with a modeset.
    pub refused: Option<ContentType>,
}

impl ConnectorSettings {
    /// The settings from the configuration.
    pub fn new(state: ConnectorState) -> Self {
        Self { usual: state.content_type, state, refused: None }
    }

    /// A modeset was made: the refused content type may be tried again.
    pub fn modeset(&mut self) {
        self.refused = None;
    }
}

/// The content type of a display for that of a client; `None`: none.
pub fn to_display(hint: &Type) -> Option<ContentType> {
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
    fn client_content_types_map_to_display_content_types() {
        let table = [
            (Type::None, None),
            (Type::Photo, Some(ContentType::Photo)),
            (Type::Video, Some(ContentType::Cinema)),
            (Type::Game, Some(ContentType::Game)),
        ];
        for (hint, expected) in table {
            assert_eq!(to_display(&hint), expected);
        }
    }
}
