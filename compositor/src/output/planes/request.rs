//! What one commit puts on one plane.
//!
//! Plain data: it commits nothing.

use std::{ops::Range, sync::Arc};

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
    /// What the kernel waits for before it shows the buffer.
    pub fence: Option<InFence>,
    /// The plane's zpos, if it is settable.
    pub zpos: Option<u64>,
    /// The rotation that makes the buffer's image upright.
    pub rotation: Rotation,
    /// Matrix and range of YUV pixels; `None`: RGB.
    pub colour: Option<Representation>,
    /// By what the plane multiplies the alpha of all pixels.
    pub alpha: u16,
    /// Which pixel of the pointer's image points, where the plane wants to know: a virtual machine's
    /// host draws the pointer itself.
    pub hotspot: Option<(i32, i32)>,
    /// Which of the frame's [`Rects`] are this plane's damage; empty: everything may have changed.
    pub damage: Range<usize>,
    /// Up to which damage of the surface the plane is current after this commit.
    pub mark: Option<Mark>,
}

/// The in-fence of a plane.
#[derive(Debug)]
pub enum InFence {
    /// Of the pass that composited the target; the request owns it.
    Pass(SyncFile),
    /// The acquire fence of the content that the plane shows. It stays the content's, and is lent
    /// to the kernel for the call: no duplicate is made for each frame.
    Acquire,
    /// One that has signalled, because nothing is pending: a plane with a fence of its own does not
    /// wait for those in its dma-buf, which a client may add to at any time.
    Signalled,
}

impl InFence {
    /// The fence of a pass.
    pub fn into_pass(self) -> Option<SyncFile> {
        match self {
            Self::Pass(fence) => Some(fence),
            Self::Acquire | Self::Signalled => None,
        }
    }
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
    /// The state of `plane` that this request asks for, without its in-fence and damage: what is
    /// committed.
    pub fn state(&self, framebuffer: FramebufferId, plane: &kms::OutputPlane) -> PlaneState<'_> {
        let mut state = PlaneState::new(framebuffer, self.src, self.dst);
        // Clients' colours are premultiplied.
        (state.blend, state.zpos, state.alpha) = (Blend::Premultiplied, self.zpos, self.alpha);
        state.options = self.look_on(plane);
        state
    }

    /// The properties of `plane` beyond framebuffer and position.
    fn look_on(&self, plane: &kms::OutputPlane) -> PlaneOptions {
        let representation = self.colour.map(in_kms);
        // A plane without the property was chosen because its fixed value fits.
        let color_encoding = representation.and_then(|(encoding, _)| plane.props.color_encoding.map(|_| encoding));
        let color_range = representation.and_then(|(_, range)| plane.props.color_range.map(|_| range));
        let (rotation, hotspot) = (self.rotation, self.hotspot);
        PlaneOptions { rotation, color_encoding, color_range, hotspot, ..PlaneOptions::default() }
    }

    /// Whether the in-fence has signalled; `None` if there is none.
    pub fn fence_has_signalled(&self) -> Option<bool> {
        let of_content = |content: &Content| content.with_acquire(|a| a.fence().is_none_or(SyncFile::is_signalled));
        Some(match (self.fence.as_ref()?, &self.show) {
            (InFence::Pass(fence), _) => fence.is_signalled(),
            (InFence::Acquire, OnPlane::Content(content)) => of_content(content),
            (InFence::Signalled, _) => true,
            (InFence::Acquire, OnPlane::Target(_)) => return None,
        })
    }

    /// Whether the kernel may have to wait for a client's fence.
    pub fn waits_for_client(&self) -> bool {
        matches!((&self.fence, &self.show), (Some(InFence::Acquire), OnPlane::Content(_)))
    }

    /// A request without rotation and fence, and with everything damaged.
    pub fn new(plane: usize, show: OnPlane, src: SrcRect, dst: Rect) -> Self {
        let rotation = Rotation::ROTATE_0;
        let (fence, zpos, colour, alpha, hotspot, mark) = (None, None, None, u16::MAX, None, None);
        Self { plane, show, src, dst, fence, zpos, rotation, colour, alpha, hotspot, damage: 0..0, mark }
    }
}

/// The scene of one frame.
#[derive(Clone, Copy)]
pub struct SceneFrame<'a> {
    /// The layers, from top to bottom.
    pub layers: &'a [Layer],
    /// Which of them have changed since the last frame of the output; `None`: all.
    pub changed: Option<&'a [usize]>,
    /// Every layer shows its surface's current content, as far as is known before the pass.
    pub current: bool,
    /// What the cursor plane shows.
    pub cursor: Option<&'a CursorPlane>,
    /// The buffer that the output's writeback connector puts the image into.
    pub image: Option<&'a Target>,
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

impl PartialEq for OnPlane {
    /// Whether it is the same buffer.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Content(a), Self::Content(b)) => Arc::ptr_eq(a, b),
            (Self::Target(a), Self::Target(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// What an output holds for a plane until it has left the screen ([`kms::tracker`]).
#[derive(Debug, Clone)]
pub struct Held {
    pub show: OnPlane,
    /// Up to which damage of the surface the plane is current; `None`: unknown.
    pub mark: Option<Mark>,
}

impl Held {
    /// One of the compositor's own buffers.
    pub fn target(target: Arc<Target>) -> Self {
        Self { show: OnPlane::Target(target), mark: None }
    }
}

impl PartialEq for Held {
    /// Whether it is the same buffer.
    fn eq(&self, other: &Self) -> bool {
        self.show == other.show
    }
}

/// An output of the kernel, which holds the compositor's and the clients' buffers.
pub type KmsOutput = kms::Output<Held>;

/// Up to which damage of its surface a plane is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub CommitCounter);

impl Mark {
    /// The newest damage of the layer's surface; `None`: its picture is an older one.
    pub fn of(layer: &Layer) -> Option<Self> {
        (!layer.is_older()).then(|| Self(layer.damage.current_commit()))
    }
}

/// The damage rectangles of all planes of one frame, in buffer pixels; each plane has a range of
/// them.
pub type Rects = Vec<Rect>;
