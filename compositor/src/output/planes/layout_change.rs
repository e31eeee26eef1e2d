//! Whether a frame lays the planes out anew: what drivers check anew, beyond the address that a plane
//! reads from.
//!
//! As amdgpu's `should_reset_plane` has it: a plane comes or goes, or its format, modifier, scaling,
//! rotation, alpha or place in the stack changes. Moving a plane changes nothing. The cursor plane does not
//! count.

use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{
    Rotation,
    assign::{Assignment, PlaneContent},
};

use crate::{
    output::{
        planes::{assign, request::OnPlane},
        state::Output,
    },
    render::{
        Layer,
        target::{OPAQUE, WITH_HOLES},
    },
    surface::buffer::PixelSource,
};

/// What counts of a plane that is on.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    format: Option<DrmFourcc>,
    /// `None`: whatever the compositor's own targets of that format have.
    modifier: Option<DrmModifier>,
    src: (u32, u32),
    dst: (u32, u32),
    rotation: Rotation,
    alpha: u16,
}

/// Whether the frame of this assignment lays the planes of `output` out anew. `None`: everything is
/// composited.
pub fn changes_layout(output: &Output, assignment: Option<&Assignment>, scene: &[Layer]) -> bool {
    let screen = output.kms.size();
    let drawn = |holes: bool| Look {
        format: Some(if holes { WITH_HOLES } else { OPAQUE }),
        modifier: None,
        src: (screen.0 << 16, screen.1 << 16),
        dst: screen,
        rotation: Rotation::ROTATE_0,
        alpha: u16::MAX,
    };
    let count = output.kms.planes().len();
    let holes = assignment.is_some_and(|assignment| (0..count).any(|plane| assignment.is_below(plane)));
    (0..count).filter(|plane| Some(*plane) != output.cursor).any(|plane| {
        let after = match assignment.map(|assignment| assignment.shows(plane)) {
            None => (plane == output.primary).then(|| drawn(false)),
            Some(PlaneContent::Off) => None,
            Some(PlaneContent::Composite) => Some(drawn(holes)),
            Some(PlaneContent::Layer(at)) => scene.get(at).map(of_layer),
        };
        let shown = output.kms.shown(plane);
        let zpos = assignment.and_then(|assignment| assignment.zpos(plane));
        let moves = zpos.is_some() && shown.is_some_and(|shown| shown.values.zpos != zpos);
        let before = shown.map(|shown| {
            let (format, modifier) = match &shown.payload.show {
                OnPlane::Target(target) => (Some(target.dmabuf.format()), None),
                OnPlane::Content(content) => layout(&content.source),
            };
            let values = &shown.values;
            let (src, dst) = ((values.src.w, values.src.h), (values.dst.w, values.dst.h));
            Look { format, modifier, src, dst, rotation: values.options.rotation, alpha: values.alpha }
        });
        moves || before != after
    })
}

fn of_layer(layer: &Layer) -> Look {
    let (format, modifier) = layout(&layer.content.source);
    let (src, dst) = (assign::src(layer), assign::dst(layer));
    let (rotation, alpha) = (assign::rotation(layer), layer.view.factor.as_u16());
    Look { format, modifier, src: (src.w, src.h), dst: (dst.w, dst.h), rotation, alpha }
}

fn layout(source: &PixelSource) -> (Option<DrmFourcc>, Option<DrmModifier>) {
    match source {
        PixelSource::Dmabuf(imported) => (Some(imported.dmabuf.format()), Some(imported.dmabuf.modifier())),
        PixelSource::Shm(_) | PixelSource::Solid(_) => (None, None),
    }
}
