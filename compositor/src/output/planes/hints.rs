//! What the scene requests of the display: its content type, and tearing.
//!
//! It makes TEST_ONLY commits at most.

use kms::{ConnectorState, ContentType};
use smithay::{
    reexports::wayland_protocols::wp::content_type::v1::server::wp_content_type_v1::Type,
    utils::Rectangle,
    wayland::{compositor::with_states, content_type::ContentTypeSurfaceCachedState},
};

use crate::{
    output::{
        planes::{
            content_type::to_display,
            tear::{TearRequest, TearVerdict, verdict},
        },
        state::Output,
    },
    render::Layer,
    surface::{buffer::PixelSource, double_buffered::double_buffered},
};

impl Output {
    /// Sets the connector's content type for the scene that is about to be shown: that of the
    /// surface that covers the output, else the configured one. Takes effect with the next frame.
    pub fn update_content_type(&mut self, scene: &[Layer]) {
        if self.kms.connector_props().content_type.is_none() {
            return;
        }
        let all = Rectangle::from_size(self.pixels());
        let whole = |layer: &&Layer| layer.dst == all;
        let top = scene.iter().find(|layer| !layer.pointer).filter(whole);
        let hint = top.and_then(|top| top.surface.as_ref()).and_then(|surface| {
            with_states(surface, |states| {
                double_buffered::<ContentTypeSurfaceCachedState>(states)
                    .and_then(|mut hint| to_display(hint.current().content_type()))
            })
        });
        self.set_content_type(hint);
    }

    fn set_content_type(&mut self, hint: Option<ContentType>) {
        let content_type = hint.or(self.settings.usual);
        if content_type == self.settings.state.content_type
            || (content_type.is_some() && content_type == self.settings.refused)
        {
            return;
        }
        let state = ConnectorState { content_type, ..self.settings.state.clone() };
        match self.kms.frame().connector(state.clone()).test() {
            Ok(()) => self.settings.state = state,
            Err(error) => {
                tracing::debug!("{}: content type {content_type:?}: {error}", self.wl.name());
                self.settings.refused = content_type;
            }
        }
    }
}

/// Whether the driver advertises asynchronous flips of the primary plane to the layer's buffer.
fn supports_async(plane: &kms::OutputPlane, layer: &Layer) -> bool {
    match &layer.content.source {
        PixelSource::Dmabuf(imported) => plane.supports_async(imported.dmabuf.format(), imported.dmabuf.modifier()),
        // It is composited into one of the compositor's own targets, as any frame can be.
        PixelSource::Shm(_) | PixelSource::Solid(_) => true,
    }
}

impl Output {
    /// Decides whether the scene that is about to be shown may tear. `allowed`: the configuration
    /// lets clients tear.
    pub fn judge_tearing(&mut self, scene: &[Layer], allowed: bool) {
        let Some((top, surface)) = scene.first().and_then(|top| Some((top, top.surface.as_ref()?))) else {
            self.tearing = TearVerdict::NotAsked;
            return;
        };
        let (asked, video) = with_states(surface, |states| {
            let content_type = double_buffered::<ContentTypeSurfaceCachedState>(states);
            let video = content_type.is_some_and(|mut hint| hint.current().content_type() == &Type::Video);
            (protocols::tearing::wants_tearing(states), video)
        });
        let alone = top.opaque && top.dst == Rectangle::from_size(self.pixels());
        let able = self.kms.can_flip_asynchronously() && supports_async(&self.kms.planes()[self.primary], top);
        self.tearing = verdict(&TearRequest { asked, allowed, able, alone, video });
    }
}
