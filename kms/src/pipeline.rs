//! Colour pipelines of planes: chains of operations (colorops) that a plane's pixels go through
//! before blending (Linux 6.19).
//!
//! They are listed only after [`crate::Device::show_colour_pipelines`], and only in an inventory
//! read after it; the descriptor then has no `COLOR_ENCODING` and `COLOR_RANGE`. See the kernel's
//! `drm_colorop.c`. A frame that goes on with a pipeline sends nothing of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::blob::Blob;
use crate::colour::{Ctm3x4, s31_32};
use crate::id::{ColorOpId, PlaneId, PropertyId};
use crate::property::PropertyTable;
use crate::property_values::Curve;
use crate::request::Request;
use crate::{CallError, Device};

/// One choice of a plane's `COLOR_PIPELINE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColorPipeline {
    /// The kernel's name.
    pub name: String,
    /// Its operations in order.
    pub ops: Vec<ColorOp>,
}

/// A colorop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColorOp {
    /// Object id.
    pub id: ColorOpId,
    /// Its properties: `TYPE`, `BYPASS`, and those of its type.
    pub props: PropertyTable,
}

impl ColorOp {
    /// What it does, as the kernel names it: `1D Curve`, `3x4 Matrix`, `1D LUT`, `Multiplier`, `3D
    /// LUT`.
    pub fn kind(&self) -> &str {
        self.props.value_name("TYPE").unwrap_or("unknown")
    }
}

/// A table of 32 bits a channel for `1D LUT` and `3D LUT` (`struct drm_color_lut32`).
#[derive(Debug)]
pub struct Lut32 {
    blob: Blob,
    entries: usize,
}

impl Lut32 {
    /// Gives a table to the kernel: for `1D LUT` as many entries as its `SIZE`, for `3D LUT` the
    /// cube of that, red fastest. Errors: ENOMEM, EINVAL (empty).
    pub fn new(device: &Device, entries: &[[u32; 3]]) -> Result<Self, CallError> {
        let words = entries.iter().flat_map(|[red, green, blue]| [*red, *green, *blue, 0]);
        let data: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
        Ok(Self { blob: Blob::new(device, &data)?, entries: entries.len() })
    }
}

/// What one operation is to do.
#[derive(Debug, Clone)]
pub enum OpState {
    /// Nothing.
    Bypass,
    /// A curve, for `1D Curve`.
    Curve(Curve),
    /// A matrix, for `3x4 Matrix`.
    Matrix(Arc<Ctm3x4>),
    /// A factor, for `Multiplier`.
    Multiplier(f64),
    /// A table, for `1D LUT` and `3D LUT`.
    Lut(Arc<Lut32>),
}

/// Why a pipeline cannot be what is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// The plane has no pipeline of this index.
    #[error("plane {plane}: no COLOR_PIPELINE {index}; it has {has}")]
    NoPipeline {
        /// Object id.
        plane: PlaneId,
        /// What was asked.
        index: usize,
        /// How many there are.
        has: usize,
    },
    /// Not one state for each operation.
    #[error("plane {plane}: {given} states for the {has} operations of its COLOR_PIPELINE")]
    Count {
        /// Object id.
        plane: PlaneId,
        /// States given.
        given: usize,
        /// Operations of the pipeline.
        has: usize,
    },
    /// An operation cannot do this.
    #[error("colorop {op} ({kind}): {property}: {why}")]
    Op {
        /// Object id.
        op: ColorOpId,
        /// Its type.
        kind: String,
        /// The property at fault.
        property: &'static str,
        /// Why.
        why: &'static str,
    },
}

/// A pipeline with the states of its operations, ready to be put on its plane with
/// [`crate::PlaneState::pipeline`]; [`crate::OutputPlane::pipeline`] makes it. Keeps its blobs.
#[derive(Debug)]
pub struct PipelineState {
    pub(crate) plane: PlaneId,
    /// Different from that of every other: what tells whether it is on the plane already. Never 0.
    pub(crate) serial: u64,
    first: ColorOpId,
    values: Vec<(ColorOpId, PropertyId, u64)>,
    _blobs: Vec<OpState>,
}

impl PipelineState {
    /// Sets up the pipeline `index` of the plane with the id `plane`, with one state for each of
    /// its operations.
    pub(crate) fn new(
        plane: PlaneId,
        pipelines: &[ColorPipeline],
        index: usize,
        ops: &[OpState],
    ) -> Result<Self, PipelineError> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let has = pipelines.len();
        let missing = PipelineError::NoPipeline { plane, index, has };
        let pipeline = pipelines.get(index).ok_or(missing)?;
        let (given, has) = (ops.len(), pipeline.ops.len());
        let first = match pipeline.ops.first() {
            Some(first) if given == has => first.id,
            _ => return Err(PipelineError::Count { plane, given, has }),
        };
        let mut values = Vec::new();
        for (op, state) in pipeline.ops.iter().zip(ops) {
            op_values(op, state, &mut values)?;
        }
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Ok(Self { plane, serial, first, values, _blobs: ops.to_vec() })
    }

    /// The value of the plane's `COLOR_PIPELINE`.
    pub(crate) fn first(&self) -> u64 {
        self.first.value()
    }

    /// Puts the operations' properties into the request.
    pub(crate) fn write(&self, request: &mut Request) {
        for &(object, prop, value) in &self.values {
            request.object(object);
            request.set(prop, value);
        }
    }
}

fn op_values(
    op: &ColorOp,
    state: &OpState,
    values: &mut Vec<(ColorOpId, PropertyId, u64)>,
) -> Result<(), PipelineError> {
    let refuse = |property, why| PipelineError::Op { op: op.id, kind: op.kind().to_owned(), property, why };
    let find = |property| op.props.get(property).ok_or_else(|| refuse(property, "not offered"));
    if !matches!(state, OpState::Bypass) {
        let kinds: &[&str] = match state {
            OpState::Curve(_) => &["1D Curve"],
            OpState::Matrix(_) => &["3x4 Matrix"],
            OpState::Multiplier(_) => &["Multiplier"],
            _ => &["1D LUT", "3D LUT"],
        };
        if !kinds.contains(&op.kind()) {
            return Err(refuse("TYPE", "another one than the state is for"));
        }
    }
    let (name, value) = match state {
        OpState::Bypass => {
            values.push((op.id, find("BYPASS")?.id, 1));
            return Ok(());
        }
        OpState::Curve(curve) => {
            let number = op.props.enum_value("CURVE_1D_TYPE", curve.name());
            ("CURVE_1D_TYPE", number.ok_or_else(|| refuse("CURVE_1D_TYPE", "no such curve"))?)
        }
        OpState::Matrix(matrix) => ("DATA", matrix.id().value()),
        OpState::Multiplier(factor) => ("MULTIPLIER", s31_32(*factor)),
        OpState::Lut(lut) => {
            let size = find("SIZE")?.value;
            let wanted = if op.kind() == "3D LUT" { size.checked_pow(3) } else { Some(size) };
            if wanted != Some(lut.entries as u64) {
                return Err(refuse("DATA", "not of SIZE entries"));
            }
            ("DATA", lut.blob.id().value())
        }
    };
    values.push((op.id, find(name)?.id, value));
    // An operation without the property is never bypassed.
    if let Some(bypass) = op.props.get("BYPASS") {
        values.push((op.id, bypass.id, 0));
    }
    Ok(())
}
