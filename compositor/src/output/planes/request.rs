//! What goes onto one plane with one commit.

use std::ops::Range;

use dmabuf_import::colour::Representation;
use fence::SyncFile;
use kms::{Rect, Rotation, SrcRect};

use crate::{
    output::{planes::damage::Mark, state::OnPlane},
    render::CursorImage,
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
