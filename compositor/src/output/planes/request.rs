//! What goes onto one plane with one commit.

use std::{ops::Range, sync::Arc};

use dmabuf_import::colour::Representation;
use fence::SyncFile;
use kms::{Rect, Rotation, SrcRect};
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

impl PlaneRequest {
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
