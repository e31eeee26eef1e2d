//! Translates the scene for [`kms::assign`], which decides which plane shows which layer.
//!
//! This module knows only what depends on buffers: whether a content has a framebuffer, and which
//! layers are composited. It commits nothing.

use std::sync::Arc;

use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{
    Device, PlaneKind, Rect, Rotation, SrcRect,
    assign::{AssignScreen, Assigner, Assignment, CandidateLayer, LayerPlacement, PlaneCaps},
};
use rustix::io::Errno;
use smithay::utils::Transform;

use crate::{
    config::words::PlaneUse,
    output::{
        card::limits::CardLimits,
        planes::request::{KmsOutput, PlaneRequest, Rects, in_kms},
    },
    render::{self, PassRole},
    surface::{
        buffer::{Imported, PixelSource},
        content::Content,
    },
};

/// What may go onto the planes of one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneRules {
    /// Never [`PlaneUse::Auto`].
    pub planes: PlaneUse,
    /// The card's nodes (`dev_t`): the primary one, and the render node if there is one.
    pub nodes: [Option<u64>; 2],
    /// Clients that say nothing else allocate on this card.
    pub main: bool,
}

impl PlaneRules {
    /// Whether the buffer's layout, which has no name, means the same to this card as to the device
    /// that allocated it. Each driver has its own; to most it is linear.
    fn knows_layout(&self, imported: &Imported) -> bool {
        match imported.sampling {
            Some(device) => self.nodes.contains(&Some(device)),
            None => self.main,
        }
    }
}

/// The assigner of one output, with lists that are reused for every frame.
#[derive(Debug, Default)]
pub struct Layouts {
    /// Created for the first frame, with the planes that may be used then.
    assigner: Option<Assigner>,
    used: Option<PlaneUse>,
    /// The layers are those of the last assignment, whether or not one of them has changed.
    same: bool,
    /// The last assignment is that of the frame before, for the same layers.
    repeated: bool,
    /// The descriptions of the layers that have not changed hold for the next frame.
    fresh: bool,
    /// How many layers were looked at.
    visited: u64,
    /// What the last pass made of each layer of the scene.
    roles: Vec<PassRole>,
    /// The last frame made a pass with these roles, so that the next one may build on it.
    continues: bool,
    /// Those roles follow from the assignment alone.
    assigned: bool,
    /// The plane requests of the frame under construction.
    pub requests: Vec<PlaneRequest>,
    /// The damage of these requests.
    pub rects: Rects,
}

impl Layouts {
    /// Forgets all test results, because a modeset may change them.
    pub fn forget_tests(&mut self) {
        self.fresh = false;
        if let Some(assigner) = &mut self.assigner {
            assigner.forget();
        }
    }

    /// Describes the layers of `scene` to the assigner, for the planes of `output`: those that have
    /// changed, or all of them if `changed` is `None`. Call [`Layouts::assign`] next.
    pub fn describe(
        &mut self,
        device: &Device,
        output: &KmsOutput,
        (rules, known): (PlaneRules, &CardLimits),
        scene: &[render::Layer],
        changed: Option<&[usize]>,
    ) {
        if self.used.replace(rules.planes) != Some(rules.planes) {
            self.assigner = None;
        }
        let assigner = self.assigner.get_or_insert_with(|| Assigner::new(planes(device, output, rules.planes)));
        let describe = |layer: &render::Layer| describe(device, output, (rules, known), layer);
        match changed.filter(|_| self.fresh && assigner.count() == scene.len()) {
            Some(changed) => {
                self.visited += changed.len() as u64;
                self.same = true;
                changed.iter().for_each(|at| assigner.set_layer(*at, describe(&scene[*at])));
            }
            None => {
                (self.same, self.fresh) = (false, true);
                self.visited += scene.len() as u64;
                assigner.set_layers(scene.iter().map(describe));
            }
        }
    }

    /// Something else than the layers has changed: the next frame describes all of them.
    pub fn describe_again(&mut self) {
        self.fresh = false;
    }

    /// Assigns each described layer to a plane or to composition, on a screen of `width` × `height`
    /// pixels; `cursor` is the plane that is reserved for the pointer. See [`Assigner::assign`].
    pub fn assign(
        &mut self,
        (width, height): (u32, u32),
        cursor: Option<usize>,
        test: impl FnMut(&Assignment) -> Result<(), Errno>,
    ) {
        let screen = AssignScreen { width, height, holes: true, reserved: cursor };
        let Some(assigner) = &mut self.assigner else { return };
        self.repeated = self.same && assigner.repeat(&screen);
        if !self.repeated {
            self.visited += assigner.count() as u64;
            assigner.assign(&screen, test);
        }
    }

    /// Whether the current assignment is that of the frame before, for the same layers.
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// `count` more layers of the frame were looked at.
    pub fn count_visited(&mut self, count: usize) {
        self.visited += count as u64;
    }

    /// How many layers were looked at since the last call: all of them only where the layers, their
    /// ranks or their roles have changed.
    pub fn take_visited(&mut self) -> u64 {
        std::mem::take(&mut self.visited)
    }

    /// The assignment of the last frame.
    pub fn current(&self) -> Option<&Assignment> {
        self.assigner.as_ref().map(Assigner::current)
    }

    /// Whether a part of a ring may not be seen where it would be if everything was composited.
    pub fn gives_way(&self, scene: &[render::Layer]) -> bool {
        let Some(assignment) = self.current() else { return false };
        let above = |placement: &LayerPlacement| match placement {
            LayerPlacement::Plane(plane) => !assignment.is_below((*plane).into()),
            LayerPlacement::Hidden | LayerPlacement::Composited => false,
        };
        let placed = || scene.iter().zip(assignment.placements());
        let mut rings = scene.iter().enumerate().filter(|(_, layer)| layer.yields());
        rings.any(|(at, ring)| {
            let covers = |(layer, placement): (&render::Layer, _)| above(placement) && layer.dst.overlaps(ring.dst);
            assignment.composite().is_none() || placed().skip(at + 1).any(covers)
        })
    }

    /// The kernel refused the commit of the current assignment.
    pub fn refused(&mut self, errno: Errno) {
        if let Some(assigner) = &mut self.assigner {
            assigner.refused(errno);
        }
    }

    /// The number of TEST_ONLY commits so far.
    pub fn tests(&self) -> u64 {
        self.assigner.as_ref().map_or(0, Assigner::tests)
    }

    /// What a pass makes of each of `count` layers: the visible ones that no plane shows are
    /// composited, and there is a hole for each layer on a plane below the composited buffer.
    /// `all`: all are composited. Returns whether the last frame's pass made the same of the same
    /// layers.
    pub fn assign_roles(&mut self, count: usize, all: bool) -> (&[PassRole], bool) {
        let assignment = self.assigner.as_ref().map(Assigner::current).filter(|_| !all);
        let mut same = self.continues && self.roles.len() == count;
        if same && self.repeated && !all && self.assigned {
            return (&self.roles, true);
        }
        self.assigned = !all;
        self.roles.resize(count, PassRole::Skipped);
        self.visited += count as u64;
        for (at, role) in self.roles.iter_mut().enumerate() {
            let new = match assignment.map(|assignment| (assignment, assignment.placements()[at])) {
                None => PassRole::Composited,
                Some((_, LayerPlacement::Composited)) => PassRole::Composited,
                Some((assignment, LayerPlacement::Plane(plane))) if assignment.is_below(plane.into()) => PassRole::Hole,
                Some((_, LayerPlacement::Plane(_) | LayerPlacement::Hidden)) => PassRole::Skipped,
            };
            same &= std::mem::replace(role, new) == new;
        }
        self.continues = true;
        (&self.roles, same)
    }

    /// The frame makes no pass, or its pass has failed: the next one builds on nothing.
    pub fn no_pass(&mut self) {
        self.continues = false;
    }

    /// Drops the frame's contents, which must not be held longer than the frame.
    pub fn drop_contents(&mut self) {
        self.requests.clear();
    }
}

fn planes(device: &Device, output: &KmsOutput, used: PlaneUse) -> Vec<PlaneCaps> {
    let describe = |plane: &kms::OutputPlane| {
        let mut plane = PlaneCaps::from(plane);
        if used == PlaneUse::Fullscreen && plane.kind != PlaneKind::Primary {
            plane.formats.clear();
        }
        // vkms blends premultiplied pixels on every plane without advertising it; its CRCs are
        // predicted that way.
        PlaneCaps { blends: plane.blends || device.is_vkms(), ..plane }
    };
    output.planes().iter().map(describe).collect()
}

fn describe(
    device: &Device,
    output: &KmsOutput,
    (rules, known): (PlaneRules, &CardLimits),
    layer: &render::Layer,
) -> CandidateLayer {
    let found = format_of(&layer.content);
    let (format, modifier) = found.unwrap_or((DrmFourcc::Xrgb8888, DrmModifier::Linear));
    // A framebuffer is created once per buffer, and only if a plane supports the layout; a refusal
    // is remembered with the buffer.
    let scans_out = found.is_some()
        && rules.planes != PlaneUse::None
        && !layer.view.src.is_empty()
        && known.shows(format, modifier)
        && output.planes().iter().any(|plane| plane.supports(format, modifier))
        && imported(&layer.content).is_some_and(|of| !of.implicit || rules.knows_layout(of))
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
        alpha: alpha(layer),
        opaque: layer.opaque,
        scans_out,
        yields: layer.yields(),
        rate: layer.rate,
    }
}

/// The alpha of the layer as the planes have it. A copy is composited even if nothing is seen of it:
/// its client gets the buffer back with the copy.
fn alpha(layer: &render::Layer) -> u16 {
    let alpha = layer.view.factor.as_u16();
    if matches!(layer.content.source, PixelSource::Shm(_)) { alpha.max(1) } else { alpha }
}

fn imported(content: &Content) -> Option<&Arc<Imported>> {
    match &content.source {
        PixelSource::Dmabuf(imported) => Some(imported),
        PixelSource::Shm(_) | PixelSource::Solid(_) => None,
    }
}

/// The part of the buffer that a layer shows, in buffer pixels.
pub fn src(layer: &render::Layer) -> SrcRect {
    let src = layer.view.src;
    SrcRect::from_f64(src.loc.x, src.loc.y, src.size.w, src.size.h)
}

/// The plane rotation that makes the layer's buffer upright.
pub fn rotation(layer: &render::Layer) -> Rotation {
    upright(layer.transform())
}

/// The inverse of the client's buffer transform. Wayland's transforms reflect and then rotate
/// counter-clockwise, as the kernel's rotations do. A rotation after a reflection is its own
/// inverse.
fn upright(transform: Transform) -> Rotation {
    match transform {
        Transform::Normal => Rotation::ROTATE_0,
        Transform::_90 => Rotation::ROTATE_270,
        Transform::_180 => Rotation::ROTATE_180,
        Transform::_270 => Rotation::ROTATE_90,
        Transform::Flipped => Rotation::ROTATE_0.mirrored_x(),
        Transform::Flipped90 => Rotation::ROTATE_90.mirrored_x(),
        Transform::Flipped180 => Rotation::ROTATE_180.mirrored_x(),
        Transform::Flipped270 => Rotation::ROTATE_270.mirrored_x(),
    }
}

/// Where the layer is on the output, in output pixels.
pub fn dst(layer: &render::Layer) -> Rect {
    Rect::new(layer.dst.loc.x, layer.dst.loc.y, layer.dst.size.w as u32, layer.dst.size.h as u32)
}

/// Format and modifier of a content's dma-buf; `None` for copied shared memory.
pub fn format_of(content: &Content) -> Option<(DrmFourcc, DrmModifier)> {
    imported(content).map(|imported| (imported.dmabuf.format(), imported.dmabuf.modifier()))
}
