//! Whether a frame may tear: be shown at once, in the middle of a scan-out.
//!
//! The client must ask for it (`tearing-control-v1`), the user must allow it (`tearing = true`), the device must be able to
//! (DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP), and the surface must be alone on the screen: an async flip may change the
//! primary plane's framebuffer and nothing else. Video never tears, whatever it asks for. This module judges; it
//! commits nothing.

use smithay::{
    reexports::wayland_protocols::wp::content_type::v1::server::wp_content_type_v1::Type,
    utils::{Physical, Rectangle, Size},
    wayland::{compositor::with_states, content_type::ContentTypeSurfaceCachedState},
};

use crate::{render::Layer, state::Syncline, surface::buffer::Source};

/// What became of a client's wish to tear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Nobody asks for it.
    #[default]
    NotAsked,
    /// The configuration forbids it.
    Forbidden,
    /// The device or its driver has no async page flips, or none for this buffer.
    Unable,
    /// More than this surface is on the screen.
    NotAlone,
    /// It says that it is video.
    Video,
    /// The next flip may tear.
    May,
}

impl Verdict {
    /// For `syncline msg status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAsked => "not asked",
            Self::Forbidden => "forbidden by the configuration",
            Self::Unable => "not supported by the device",
            Self::NotAlone => "not alone on the screen",
            Self::Video => "video",
            Self::May => "allowed",
        }
    }
}

/// What the verdict depends on.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub asked: bool,
    pub allowed: bool,
    pub able: bool,
    /// It covers the output, with nothing above it.
    pub alone: bool,
    pub video: bool,
}

/// The verdict.
pub fn verdict(wish: &Wish) -> Verdict {
    match *wish {
        Wish { asked: false, .. } => Verdict::NotAsked,
        Wish { allowed: false, .. } => Verdict::Forbidden,
        Wish { video: true, .. } => Verdict::Video,
        Wish { able: false, .. } => Verdict::Unable,
        Wish { alone: false, .. } => Verdict::NotAlone,
        _ => Verdict::May,
    }
}

/// Whether asynchronous flips of the primary plane take the layer's buffer, as far as the driver says.
fn takes(plane: &kms::OutputPlane, layer: &Layer) -> bool {
    match &layer.content.source {
        Source::Dmabuf(imported) => plane.supports_async(imported.dmabuf.format(), imported.dmabuf.modifier()),
        // It is drawn into a buffer of ours, as every frame can be.
        Source::Shm(_) => true,
    }
}

impl Syncline {
    /// Judges the scene that is about to be shown.
    pub(super) fn judge_tearing(&mut self, index: usize, scene: &[Layer]) {
        let allowed = self.config.tearing;
        let output = &mut self.outputs.list[index];
        let size: Size<i32, Physical> = (output.size.w, output.size.h).into();
        let Some(top) = scene.first() else {
            output.tearing = Verdict::NotAsked;
            return;
        };
        let (asked, video) = with_states(&top.surface, |states| {
            let video =
                states.cached_state.get::<ContentTypeSurfaceCachedState>().current().content_type() == &Type::Video;
            (protocols::tearing::wants_tearing(states), video)
        });
        let alone = top.opaque && top.dst == Rectangle::from_size(size);
        let able = output.kms.can_flip_asynchronously() && takes(&output.kms.planes()[output.primary], top);
        output.tearing = verdict(&Wish { asked, allowed, able, alone, video });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_must_agree() {
        let all = Wish { asked: true, allowed: true, able: true, alone: true, video: false };
        let table = [
            (all, Verdict::May),
            (Wish { asked: false, ..all }, Verdict::NotAsked),
            (Wish { allowed: false, ..all }, Verdict::Forbidden),
            (Wish { able: false, ..all }, Verdict::Unable),
            (Wish { alone: false, ..all }, Verdict::NotAlone),
            (Wish { video: true, ..all }, Verdict::Video),
            (Wish { video: true, allowed: false, ..all }, Verdict::Forbidden),
        ];
        for (wish, expected) in table {
            assert_eq!(verdict(&wish), expected, "{wish:?}");
        }
    }
}
