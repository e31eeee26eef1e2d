//! What a display is told of its picture: the content type of the surface that fills the screen (`content-type-v1`), else
//! the configured one. An HDMI display chooses its processing by it.
//!
//! Drivers may want a modeset for a change, which would be a black screen for a hint: such a change is dropped, and tried
//! again only after the next modeset. Costs one TEST_ONLY commit a change.

use kms::{ConnectorState, ContentType};
use smithay::{
    reexports::wayland_protocols::wp::content_type::v1::server::wp_content_type_v1::Type,
    utils::{Physical, Rectangle, Size},
    wayland::{compositor::with_states, content_type::ContentTypeSurfaceCachedState},
};

use super::Output;
use crate::{render::Layer, state::Syncline};

/// What an output's connector tells its display.
#[derive(Debug, Default)]
pub struct Told {
    /// With the next frame.
    pub state: ConnectorState,
    /// From the configuration: what is told while no window says better.
    usual: Option<ContentType>,
    /// What the driver takes with a modeset only.
    refused: Option<ContentType>,
}

impl Told {
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
fn meaning(hint: &Type) -> Option<ContentType> {
    match hint {
        Type::Photo => Some(ContentType::Photo),
        Type::Video => Some(ContentType::Cinema),
        Type::Game => Some(ContentType::Game),
        _ => None,
    }
}

impl Syncline {
    /// Looks at the scene that is about to be shown.
    pub(super) fn tell_content_type(&mut self, index: usize, scene: &[Layer]) {
        let output = &mut self.outputs.list[index];
        if output.kms.connector_props().content_type.is_none() {
            return;
        }
        let size: Size<i32, Physical> = (output.size.w, output.size.h).into();
        let whole = |layer: &&Layer| layer.dst == Rectangle::from_size(size);
        let hint = scene.first().filter(whole).and_then(|top| {
            with_states(&top.surface, |states| {
                meaning(states.cached_state.get::<ContentTypeSurfaceCachedState>().current().content_type())
            })
        });
        output.tell(hint);
    }
}

impl Output {
    fn tell(&mut self, hint: Option<ContentType>) {
        let wanted = hint.or(self.told.usual);
        if wanted == self.told.state.content_type || (wanted.is_some() && wanted == self.told.refused) {
            return;
        }
        let state = ConnectorState { content_type: wanted, ..self.told.state.clone() };
        match self.kms.frame().connector(state.clone()).test() {
            Ok(()) => self.told.state = state,
            Err(error) => {
                tracing::debug!("{}: content type {wanted:?}: {error}", self.wl.name());
                self.told.refused = wanted;
            }
        }
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
