//! The KMS property values of a scene, and the blobs that they name. It commits nothing.

use std::num::NonZeroU32;

use drm::control::{atomic::AtomicModeReq, property};
use kms::Blob;
use kms::crc::vkms::{ColorOp, Encoding, Range};
use kms::inventory::PlaneInfo;
use kms::pipeline::ColorPipeline;
use kms::{Blend, CallError, Device};

use super::{Screen, Values};
use crate::crc::scene::{Layer, Scene};

/// Blobs of a scene. They must live until the next commit.
#[derive(Default)]
pub(super) struct Blobs {
    gamma: Option<Blob>,
    degamma: Option<Blob>,
    ctm: Option<Blob>,
    /// One for each matrix in the pipelines of the layers, in their order.
    matrices: Vec<Blob>,
}

impl Blobs {
    pub(super) fn of(device: &Device, scene: &Scene) -> Result<Self, CallError> {
        let lut = |entries: &[[u16; 3]]| {
            let bytes = entries.iter().flat_map(|[r, g, b]| [*r, *g, *b, 0]).flat_map(u16::to_ne_bytes);
            let bytes: Vec<u8> = bytes.collect();
            (!bytes.is_empty()).then(|| Blob::new(device, &bytes)).transpose()
        };
        let words = |words: &[u64]| {
            let bytes: Vec<u8> = words.iter().copied().flat_map(u64::to_ne_bytes).collect();
            Blob::new(device, &bytes)
        };
        let ctm = scene.ctm.map(|ctm| words(&ctm.matrix())).transpose()?;
        let ops = scene.layers.iter().flat_map(|layer| &layer.pipeline);
        let matrices = ops.filter_map(|op| if let ColorOp::Matrix(matrix) = op { Some(words(matrix)) } else { None });
        Ok(Self {
            gamma: lut(&scene.gamma)?,
            degamma: lut(&scene.degamma)?,
            ctm,
            matrices: matrices.collect::<Result<_, _>>()?,
        })
    }
}

/// While it lives, the client capability for colour pipelines is set on the descriptor. Drivers
/// then take pipelines, but not `COLOR_ENCODING`.
pub(super) struct PipelineAccess<'a>(&'a Device);

impl<'a> PipelineAccess<'a> {
    pub(super) fn new(device: &'a Device) -> Self {
        device.show_colour_pipelines(true).ok();
        Self(device)
    }
}

impl Drop for PipelineAccess<'_> {
    fn drop(&mut self) {
        self.0.show_colour_pipelines(false).ok();
    }
}

/// The planes with their colour pipelines; empty if the kernel has none (before Linux 6.19).
pub(super) fn planes_with_pipelines(device: &Device) -> Vec<PlaneInfo> {
    if device.show_colour_pipelines(true).is_err() {
        return Vec::new();
    }
    let planes = device.inventory().map_or_else(|_| Vec::new(), |inventory| inventory.planes);
    device.show_colour_pipelines(false).ok();
    planes
}

/// Assigns the operations, in order, to the colorops of a pipeline. For each colorop: the index of
/// its operation, or `None` to bypass it. `None` instead of the list: the pipeline cannot do these
/// operations.
pub fn assign_operations(pipeline: &ColorPipeline, ops: &[ColorOp]) -> Option<Vec<Option<usize>>> {
    let mut next = 0;
    let mut assigned = Vec::with_capacity(pipeline.ops.len());
    for op in &pipeline.ops {
        let does = match ops.get(next) {
            Some(ColorOp::Matrix(_)) => op.kind() == "3x4 Matrix",
            Some(ColorOp::SrgbEotf) => op.props.enum_value("CURVE_1D_TYPE", "sRGB EOTF").is_some(),
            Some(ColorOp::SrgbInverseEotf) => op.props.enum_value("CURVE_1D_TYPE", "sRGB Inverse EOTF").is_some(),
            None => false,
        };
        if !does {
            op.props.get("BYPASS")?;
        }
        assigned.push(does.then_some(next));
        next += usize::from(does);
    }
    (next == ops.len()).then_some(assigned)
}

impl Screen {
    /// The whole state: every plane, and the colour properties of the CRTC.
    pub(super) fn property_values(&self, scene: &Scene, blobs: &Blobs) -> Values {
        let mut values = Vec::new();
        let crtc = self.output.crtc_id();
        if let Some(props) = self.crtc_props() {
            let mut set = |name, value| values.extend(props.get(name).map(|prop| (crtc.into(), prop.id, value)));
            let id = |blob: &Option<Blob>| blob.as_ref().map_or(0, |blob| blob.id().value());
            set("ACTIVE", 1);
            set("GAMMA_LUT", id(&blobs.gamma));
            set("DEGAMMA_LUT", id(&blobs.degamma));
            set("CTM", id(&blobs.ctm));
            set("BACKGROUND_COLOR", scene.background);
        }
        let mut matrices = blobs.matrices.iter();
        for (at, plane) in self.planes.iter().enumerate() {
            let props = &plane.info.props;
            let mut set =
                |name: &str, value| values.extend(props.get(name).map(|prop| (plane.id.into(), prop.id, value)));
            let Some(layer) = scene.layers.iter().find(|layer| layer.plane == at) else {
                set("FB_ID", 0);
                set("CRTC_ID", 0);
                values.extend(plane.pipeline_prop.map(|prop| (plane.id.into(), prop, 0)));
                continue;
            };
            set("FB_ID", layer.image.id().value());
            set("CRTC_ID", crtc.value());
            let (src, dst) = (layer.src, layer.dst);
            for (name, value) in [("SRC_X", src.x), ("SRC_Y", src.y), ("SRC_W", src.w), ("SRC_H", src.h)] {
                set(name, value.into());
            }
            for (name, value) in [("CRTC_X", dst.x), ("CRTC_Y", dst.y)] {
                set(name, i64::from(value) as u64);
            }
            set("CRTC_W", dst.w.into());
            set("CRTC_H", dst.h.into());
            set("rotation", layer.rotation.bits());
            set("alpha", layer.alpha.into());
            let named = |property, name| props.enum_value(property, name);
            if let Some(value) = named("pixel blend mode", blend_name(layer.blend)) {
                set("pixel blend mode", value);
            }
            if let Some((encoding, range)) = layer.encoding {
                named("COLOR_ENCODING", encoding_name(encoding))
                    .into_iter()
                    .for_each(|value| set("COLOR_ENCODING", value));
                named("COLOR_RANGE", range_name(range)).into_iter().for_each(|value| set("COLOR_RANGE", value));
            }
            self.pipeline_values(layer, &mut matrices, &mut values);
        }
        values
    }

    /// Selects and sets up the layer's colour pipeline.
    fn pipeline_values<'b>(&self, layer: &Layer, matrices: &mut impl Iterator<Item = &'b Blob>, values: &mut Values) {
        let plane = &self.planes[layer.plane];
        let Some(prop) = plane.pipeline_prop else { return };
        let fitting =
            plane.pipelines.iter().find_map(|pipeline| Some((pipeline, assign_operations(pipeline, &layer.pipeline)?)));
        let first =
            fitting.as_ref().filter(|_| !layer.pipeline.is_empty()).and_then(|(pipeline, _)| pipeline.ops.first());
        values.push((plane.id.into(), prop, first.map_or(0, |op| op.id.value())));
        let (Some((pipeline, assigned)), Some(_)) = (fitting, first) else { return };
        for (op, operation) in pipeline.ops.iter().zip(assigned) {
            let mut set = |name, value| values.extend(op.props.get(name).map(|prop| (op.id.into(), prop.id, value)));
            set("BYPASS", operation.is_none().into());
            let curve = |name| op.props.enum_value("CURVE_1D_TYPE", name).unwrap_or_default();
            match operation.map(|at| &layer.pipeline[at]) {
                None => {}
                Some(ColorOp::SrgbEotf) => set("CURVE_1D_TYPE", curve("sRGB EOTF")),
                Some(ColorOp::SrgbInverseEotf) => set("CURVE_1D_TYPE", curve("sRGB Inverse EOTF")),
                Some(ColorOp::Matrix(_)) => set("DATA", matrices.next().map_or(0, |blob| blob.id().value())),
            }
        }
    }
}

pub(super) fn request(values: &Values) -> AtomicModeReq {
    let mut request = AtomicModeReq::new();
    for &(object, prop, value) in values {
        if let (Some(object), Some(prop)) = (NonZeroU32::new(object.raw()), NonZeroU32::new(prop.raw())) {
            request.add_raw_property(object, property::Handle::from(prop), value);
        }
    }
    request
}

/// The kernel's name of a `pixel blend mode`.
pub fn blend_name(blend: Blend) -> &'static str {
    match blend {
        Blend::Premultiplied => "Pre-multiplied",
        Blend::Coverage => "Coverage",
        Blend::None => "None",
    }
}

/// The kernel's name of a `COLOR_ENCODING`.
pub fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Bt601 => "ITU-R BT.601 YCbCr",
        Encoding::Bt709 => "ITU-R BT.709 YCbCr",
        Encoding::Bt2020 => "ITU-R BT.2020 YCbCr",
    }
}

/// The kernel's name of a `COLOR_RANGE`.
pub fn range_name(range: Range) -> &'static str {
    match range {
        Range::Limited => "YCbCr limited range",
        Range::Full => "YCbCr full range",
    }
}
