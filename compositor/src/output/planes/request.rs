//! What one commit puts on one plane.
//!
//! Plain data: it commits nothing.

use std::{ops::Range, os::fd::AsFd, sync::Arc};

use dmabuf_import::colour::{self, Representation};
use fence::SyncFile;
use kms::{Blend, ColorEncoding, ColorRange, FramebufferId, PlaneOptions, PlaneState, Rect, Rotation, SrcRect};
use smithay::backend::renderer::utils::CommitCounter;

use crate::{
    render::{CursorImage, Layer, Target},
    surface::content::Content,
};

/// What a commit puts on one plane.
#[derive(Debug)]
pub struct PlaneRequest {
    /// Index of the plane in the output's list of planes.
    pub plane: usize,
    pub show: OnPlane,
    /// The part of the buffer that is shown, in buffer pixels.
    pub src: SrcRect,
    /// Where it is shown, in output pixels.
    pub dst: Rect,
    /// The in-fence; this request owns the descriptor. The content keeps its own.
    pub fence: Option<SyncFile>,
    /// The plane's zpos, if it is settable.
    pub zpos: Option<u64>,
    /// The rotation that makes the buffer's image upright.
    pub rotation: Rotation,
    /// Matrix and range of YUV pixels; `None`: RGB.
    pub colour: Option<Representation>,
    /// Which of the frame's [`Rects`] are this plane's damage; empty: everything may have changed.
    pub damage: Range<usize>,
    /// Up to which damage of the surface the plane is current after this commit.
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
    /// The state of `plane` that this request asks for, with its in-fence and without damage: what
    /// is committed, and what the CRC of the frame is predicted from.
    pub fn state(&self, framebuffer: FramebufferId, plane: &kms::OutputPlane) -> PlaneState<'_> {
        let mut state = PlaneState::new(framebuffer, self.src, self.dst);
        // Clients' colours are premultiplied.
        (state.blend, state.zpos) = (Blend::Premultiplied, self.zpos);
        state.options = self.look_on(plane);
        state.in_fence = self.fence.as_ref().map(AsFd::as_fd);
        state
    }

    /// The properties of `plane` beyond framebuffer and position.
    fn look_on(&self, plane: &kms::OutputPlane) -> PlaneOptions {
        let representation = self.colour.map(in_kms);
        // A plane without the property was chosen because its fixed value fits.
        let color_encoding = representation.and_then(|(encoding, _)| plane.props.color_encoding.map(|_| encoding));
        let color_range = representation.and_then(|(_, range)| plane.props.color_range.map(|_| range));
        PlaneOptions { rotation: self.rotation, color_encoding, color_range, ..PlaneOptions::default() }
    }

    /// A request without rotation and fence, and with everything damaged.
    pub fn new(plane: usize, show: OnPlane, src: SrcRect, dst: Rect) -> Self {
        let rotation = Rotation::ROTATE_0;
        Self { plane, show, src, dst, fence: None, zpos: None, rotation, colour: None, damage: 0..0, mark: None }
    }
}

/// The scene of one frame.
#[derive(Clone, Copy)]
pub struct SceneFrame<'a> {
    /// The layers, from top to bottom.
    pub layers: &'a [Layer],
    /// Which of them have changed since the last frame of the output; `None`: all.
    pub changed: Option<&'a [usize]>,
    /// What the cursor plane shows.
    pub cursor: Option<&'a CursorPlane>,
}

/// What the pointer's plane shows: the plane's index, the image, and its position.
pub type CursorPlane = (usize, CursorImage, Rect);

/// What a plane shows since the last commit.
#[derive(Debug, Clone)]
pub enum OnPlane {
    /// A client's buffer.
    Content(Arc<Content>),
    /// One of the compositor's own buffers.
    Target(Arc<Target>),
}

/// Up to which damage of its surface a plane is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub CommitCounter);

impl Mark {
    /// The newest damage of the layer's surface.
    pub fn of(layer: &Layer) -> Self {
        Self(layer.damage.current_commit())
    }
}

/// The damage rectangles of all planes of one frame, in buffer pixels; each plane has a range of
/// them.
pub type Rects = Vec<Rect>;
