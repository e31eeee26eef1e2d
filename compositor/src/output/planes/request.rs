//! What goes onto one plane with one commit.

use std::{ops::Range, sync::Arc};

use dmabuf_import::colour::{self, Representation};
use fence::SyncFile;
use kms::{Blend, ColorEncoding, ColorRange, PlaneLook, Rect, Rotation, SrcRect};
use smithay::backend::renderer::utils::CommitCounter;

use crate::{
    render::{CursorImage, Layer, Target},
    surface::content::Content,
};

/// What goes onto one plane.
#[derive(Debug)]
pub struct PlaneRequest {
    pub plane: usize,
    pub show: OnPlane,
    pub src: SrcRect,
    pub dst: Rect,
    /// Ours for the commit; the content keeps its own.
    pub fence: Option<SyncFile>,
    /// Position in the stack, where the plane is told.
    pub zpos: Option<u64>,
    /// Turns the buffer upright.
    pub rotation: Rotation,
    /// Of YUV pixels.
    pub colour: Option<Representation>,
    /// Which of the frame's rectangles say what has changed; none: everything.
    pub damage: Range<usize>,
    /// The surface's state that a plane shows then.
    pub mark: Option<Mark>,
}

/// Matrix and range of YUV pixels in the kernel's terms.
pub fn in_kms(representation: Representation) -> (ColorEncoding, ColorRange) {
    let encoding = match representation.encoding {
        colour::Encoding::Bt601 => ColorEncoding::Bt601,
        colour::Encoding::Bt709 => ColorEncoding::Bt709,
        colour::Encoding::Bt2020 => ColorEncoding::Bt2020,
    };
    let range = match representation.range {
        colour::Range::Limited => ColorRange::Limited,
        colour::Range::Full => ColorRange::Full,
    };
    (encoding, range)
}

impl PlaneRequest {
    /// How every plane blends: clients' colours are premultiplied.
    pub const BLEND: Blend = Blend::Premultiplied;

    /// What `plane` is set to beyond image and place. The check of the frame's CRC is made from this, too.
    pub fn look_on(&self, plane: &kms::OutputPlane) -> PlaneLook {
        let representation = self.colour.map(in_kms);
        // A plane that cannot be set has been chosen because it does this anyway.
        let color_encoding = representation.and_then(|(encoding, _)| plane.props.color_encoding.map(|_| encoding));
        let color_range = representation.and_then(|(_, range)| plane.props.color_range.map(|_| range));
        PlaneLook { rotation: self.rotation, color_encoding, color_range, ..PlaneLook::default() }
    }

    /// Upright, without fence, changed all over.
    pub fn new(plane: usize, show: OnPlane, src: SrcRect, dst: Rect) -> Self {
        let rotation = Rotation::ROTATE_0;
        Self { plane, show, src, dst, fence: None, zpos: None, rotation, colour: None, damage: 0..0, mark: None }
    }
}

/// What the pointer's plane shows: its index, the picture, and where.
pub type CursorPlane = (usize, CursorImage, Rect);

/// What a plane shows since the last commit.
#[derive(Debug, Clone)]
pub enum OnPlane {
    /// A client's buffer.
    Content(Arc<Content>),
    /// A buffer of ours.
    Target(Arc<Target>),
}

/// Up to which damage of its surface a plane shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub CommitCounter);

impl Mark {
    pub fn of(layer: &Layer) -> Self {
        Self(layer.damage.current_commit())
    }
}

/// Rectangles of one frame's planes; each plane has a range of them.
pub type Rects = Vec<Rect>;
