//! The scene in the terms of [`kms::assign`], which decides which plane takes which layer.
//!
//! Here is only what depends on our own buffers: whether a content has a framebuffer, and which layers are drawn.

use dmabuf_import::colour::{Encoding, Range, Representation};
use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{
    ColorEncoding, ColorRange, Device, Rect, Rotation, SrcRect,
    assign::{AssignScreen, Assigner, Assignment, CandidateLayer, LayerPlacement, PlaneCaps},
};
use rustix::io::Errno;
use smithay::utils::Transform;

use super::{Output, present::Wanted, recover::Known};
use crate::{
    cli::PlaneUse,
    render,
    surface::{Content, buffer::Source},
};

/// The assigner of one output, with lists that are used again for every frame.
#[derive(Debug, Default)]
pub struct Layouts {
    /// Made for the first frame.
    assigner: Option<Assigner>,
    layers: Vec<CandidateLayer>,
    /// Of the scene: what is drawn.
    composited: Vec<render::Layer>,
    /// What goes onto planes.
    pub(super) wanted: Vec<Wanted>,
    /// What has changed on them.
    pub(super) rects: super::damage::Rects,
}

impl Layouts {
    /// A modeset: everything may be different.
    pub fn forget(&mut self) {
        if let Some(assigner) = &mut self.assigner {
            assigner.forget();
        }
    }

    /// Decides what becomes of each layer of `scene`; see [`Assigner::assign`].
    pub(super) fn assign(
        &mut self,
        device: &Device,
        output: &mut Output,
        (how, known): (PlaneUse, &Known),
        scene: &[render::Layer],
        mut test: impl FnMut(&mut Output, &Assignment) -> Result<(), Errno>,
    ) -> &Assignment {
        let assigner = self.assigner.get_or_insert_with(|| Assigner::new(planes(device, &output.kms)));
        self.layers.clear();
        self.layers.extend(scene.iter().map(|layer| describe(device, &output.kms, (how, known), layer)));
        let (width, height) = (output.size.w as u32, output.size.h as u32);
        let screen = AssignScreen { width, height, holes: true, reserved: output.cursor };
        assigner.assign(&screen, &self.layers, |assignment| test(output, assignment))
    }

    /// The assignment of the last frame.
    pub(super) fn current(&self) -> Option<&Assignment> {
        self.assigner.as_ref().map(Assigner::current)
    }

    /// The kernel refused the commit of the current assignment.
    pub(super) fn refused(&mut self, errno: Errno) {
        if let Some(assigner) = &mut self.assigner {
            assigner.refused(errno);
        }
    }

    /// TEST_ONLY commits so far.
    pub fn tests(&self) -> u64 {
        self.assigner.as_ref().map_or(0, Assigner::tests)
    }

    /// Fills and returns the layers of `scene` that are drawn: those that no plane shows and that can be seen, and holes for those on
    /// planes below the picture.
    pub(super) fn drawn(&mut self, scene: &[render::Layer]) -> &[render::Layer] {
        self.composited.clear();
        if let Some(assignment) = self.assigner.as_ref().map(Assigner::current) {
            let drawn = scene.iter().zip(assignment.placements()).filter_map(|(layer, fate)| match *fate {
                LayerPlacement::Composited => Some(layer.clone()),
                LayerPlacement::Plane(plane) if assignment.is_below(plane) => {
                    Some(render::Layer { hole: true, ..layer.clone() })
                }
                _ => None,
            });
            self.composited.extend(drawn);
        }
        &self.composited
    }

    /// Lets go of the frame's contents: they must not outlive it here.
    pub(super) fn clear(&mut self) {
        self.composited.clear();
        self.wanted.clear();
    }
}

fn planes(device: &Device, output: &kms::Output) -> Vec<PlaneCaps> {
    let describe = |plane: &kms::OutputPlane| {
        let plane = PlaneCaps::from(plane);
        // vkms blends premultiplied pixels on every plane without saying so; that is what its CRCs are predicted with.
        PlaneCaps { blends: plane.blends || device.is_vkms(), ..plane }
    };
    output.planes().iter().map(describe).collect()
}

fn describe(
    device: &Device,
    output: &kms::Output,
    (how, known): (PlaneUse, &Known),
    layer: &render::Layer,
) -> CandidateLayer {
    let found = format_of(&layer.content);
    let (format, modifier) = found.unwrap_or((DrmFourcc::Xrgb8888, DrmModifier::Linear));
    // A framebuffer is made once a buffer, and only if a plane could have it; a refusal is remembered with the buffer.
    let scans_out = found.is_some()
        && how == PlaneUse::All
        && !layer.view.src.is_empty()
        && known.shows(format, modifier)
        && output.planes().iter().any(|plane| plane.supports(format, modifier))
        && layer.content.framebuffer(device).is_some();
    CandidateLayer {
        src: src(layer),
        dst: dst(layer),
        format: format as u32,
        modifier: u64::from(modifier),
        rotation: rotation(layer).bits(),
        representation: layer.view.colour.map_or(0, |colour| {
            let (encoding, range) = in_kms(colour);
            kms::representation_bit(encoding, range)
        }),
        alpha: u16::MAX,
        opaque: layer.opaque,
        scans_out,
        rate: layer.rate,
    }
}

/// The part of the buffer that a layer shows.
pub(super) fn src(layer: &render::Layer) -> SrcRect {
    let src = layer.view.src;
    SrcRect::from_f64(src.loc.x, src.loc.y, src.size.w, src.size.h)
}

/// What turns its buffer upright.
pub(super) fn rotation(layer: &render::Layer) -> Rotation {
    upright(layer.view.transform)
}

/// Matrix and range as planes are told.
pub(super) fn in_kms(colour: Representation) -> (ColorEncoding, ColorRange) {
    let encoding = match colour.encoding {
        Encoding::Bt601 => ColorEncoding::Bt601,
        Encoding::Bt709 => ColorEncoding::Bt709,
        Encoding::Bt2020 => ColorEncoding::Bt2020,
    };
    let range = match colour.range {
        Range::Limited => ColorRange::Limited,
        Range::Full => ColorRange::Full,
    };
    (encoding, range)
}

/// The inverse of what a client did to its picture: Wayland's transforms turn counter-clockwise after a reflection, as the kernel's
/// rotations do. A turn after a reflection is undone by itself.
fn upright(transform: Transform) -> Rotation {
    match transform {
        Transform::Normal => Rotation::ROTATE_0,
        Transform::_90 => Rotation::ROTATE_270,
        Transform::_180 => Rotation::ROTATE_180,
        Transform::_270 => Rotation::ROTATE_90,
        Transform::Flipped => Rotation::ROTATE_0.reflect_x(),
        Transform::Flipped90 => Rotation::ROTATE_90.reflect_x(),
        Transform::Flipped180 => Rotation::ROTATE_180.reflect_x(),
        Transform::Flipped270 => Rotation::ROTATE_270.reflect_x(),
    }
}

/// Where it shows it.
pub(super) fn dst(layer: &render::Layer) -> Rect {
    Rect::new(layer.dst.loc.x, layer.dst.loc.y, layer.dst.size.w as u32, layer.dst.size.h as u32)
}

pub(super) fn format_of(content: &Content) -> Option<(DrmFourcc, DrmModifier)> {
    match &content.source {
        Source::Dmabuf(imported) => Some((imported.dmabuf.format(), imported.dmabuf.modifier())),
        Source::Shm(_) => None,
    }
}
