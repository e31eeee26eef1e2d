//! What the scene asks of the display: its content type, and tearing.

use kms::{ConnectorState, ContentType};
use smithay::{
    reexports::wayland_protocols::wp::content_type::v1::server::wp_content_type_v1::Type,
    utils::{Physical, Rectangle, Size},
    wayland::{compositor::with_states, content_type::ContentTypeSurfaceCachedState},
};

use crate::{
    output::{
        planes::{
            content_type::meaning,
            tear::{TearRequest, TearVerdict, verdict},
        },
        state::Output,
    },
    render::Layer,
    surface::buffer::PixelSource,
};

impl Output {
    /// Looks at the scene that is about to be shown.
    pub fn update_content_type(&mut self, scene: &[Layer]) {
        if self.kms.connector_props().content_type.is_none() {
            return;
        }
        let size: Size<i32, Physical> = (self.size.w, self.size.h).into();
        let whole = |layer: &&Layer| layer.dst == Rectangle::from_size(size);
        let hint = scene.first().filter(whole).and_then(|top| {
            with_states(&top.surface, |states| {
                meaning(states.cached_state.get::<ContentTypeSurfaceCachedState>().current().content_type())
            })
        });
        self.tell(hint);
    }

    fn tell(&mut self, hint: Option<ContentType>) {
        let wanted = hint.or(self.settings.usual);
        if wanted == self.settings.state.content_type || (wanted.is_some() && wanted == self.settings.refused) {
            return;
        }
        let state = ConnectorState { content_type: wanted, ..self.settings.state.clone() };
        match self.kms.frame().connector(state.clone()).test() {
            Ok(()) => self.settings.state = state,
            Err(error) => {
                tracing::debug!("{}: content type {wanted:?}: {error}", self.wl.name());
                self.settings.refused = wanted;
            }
        }
    }
}

/// Whether asynchronous flips of the primary plane take the layer's buffer, as far as the driver says.
fn takes(plane: &kms::OutputPlane, layer: &Layer) -> bool {
    match &layer.content.source {
        PixelSource::Dmabuf(imported) => plane.supports_async(imported.dmabuf.format(), imported.dmabuf.modifier()),
        // It is drawn into a buffer of ours, as every frame can be.
        PixelSource::Shm(_) => true,
    }
}

impl Output {
    /// Judges the scene that is about to be shown. `allowed`: the configuration lets clients tear.
    pub fn judge_tearing(&mut self, scene: &[Layer], allowed: bool) {
        let size: Size<i32, Physical> = (self.size.w, self.size.h).into();
        let Some(top) = scene.first() else {
            self.tearing = TearVerdict::NotAsked;
            return;
        };
        let (asked, video) = with_states(&top.surface, |states| {
            let video =
                states.cached_state.get::<ContentTypeSurfaceCachedState>().current().content_type() == &Type::Video;
            (protocols::tearing::wants_tearing(states), video)
        });
        let alone = top.opaque && top.dst == Rectangle::from_size(size);
        let able = self.kms.can_flip_asynchronously() && takes(&self.kms.planes()[self.primary], top);
        self.tearing = verdict(&TearRequest { asked, allowed, able, alone, video });
    }
}
