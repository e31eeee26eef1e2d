//! Planes of an output: what they can, what is to be shown on them.
//!
//! Pure values; nothing here talks to the kernel.

use std::os::fd::BorrowedFd;

use crate::id::PlaneId;
use crate::inventory;
use crate::pipeline::{ColorPipeline, OpState, PipelineError, PipelineState};
use crate::plane_options::PlaneOptions;
use crate::property_values::{Blend, PlaneKind};
use crate::props::PlaneProps;
use crate::{FramebufferId, OutputError, Rect, SrcRect};
use dmabuf_import::{Fourcc, Modifier, modifiers};
use serde::Serialize;

/// What a plane is to show.
#[derive(Debug, Clone, Copy)]
pub struct PlaneState<'a> {
    /// The framebuffer; the caller keeps it until the flip after it is replaced.
    pub fb: FramebufferId,
    /// Which part of it.
    pub src: SrcRect,
    /// Where on the screen.
    pub dst: Rect,
    /// A sync_file that signals when the buffer may be read; stays the caller's, who may close it
    /// after the commit.
    pub in_fence: Option<BorrowedFd<'a>>,
    /// A sync_file that has signalled, for a plane without `in_fence`: the kernel takes it instead
    /// of the fences in the dma-buf, to which others may add at any time. It goes along with every
    /// commit, because drivers add planes to commits that do not name them, but not with an
    /// asynchronous flip. Stays the caller's.
    pub no_wait: Option<BorrowedFd<'a>>,
    /// Opacity of the whole plane, 0xffff = opaque.
    pub alpha: u16,
    /// Blending; ignored by the kernel where the format has no alpha and `alpha` is 0xffff.
    pub blend: Blend,
    /// Position in the stack; `None` leaves it as it is.
    pub zpos: Option<u64>,
    /// What differs from the buffer that the plane shows now, in pixels of this one; empty:
    /// everything may. A hint: ignored where the plane has no `FB_DAMAGE_CLIPS`. See
    /// [`crate::damage`].
    pub damage: &'a [Rect],
    /// Rotation, YUV matrix and the like.
    pub options: PlaneOptions,
    /// A colour pipeline of this very plane; `None`: its pixels are taken as they are. The caller
    /// keeps it as long as frames name it.
    pub pipeline: Option<&'a PipelineState>,
}

impl<'a> PlaneState<'a> {
    /// An opaque plane without fence.
    pub fn new(fb: FramebufferId, src: SrcRect, dst: Rect) -> Self {
        Self {
            fb,
            src,
            dst,
            in_fence: None,
            no_wait: None,
            alpha: u16::MAX,
            blend: Blend::default(),
            zpos: None,
            damage: &[],
            options: PlaneOptions::default(),
            pipeline: None,
        }
    }

    /// The same with only this part changed.
    pub fn with_damage(self, damage: &'a [Rect]) -> Self {
        Self { damage, ..self }
    }

    /// The same with an in-fence.
    pub fn with_fence(self, fence: BorrowedFd<'a>) -> Self {
        Self { in_fence: Some(fence), ..self }
    }
}

/// What a commit asks of a plane, as property values: [`PlaneState`] without what is of the
/// commit alone (in-fence, damage). Without a framebuffer: off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PlaneValues {
    /// The framebuffer; `None`: the plane is off, and nothing else is asked.
    pub fb: Option<FramebufferId>,
    /// Which part of it, in 16.16 pixels of the buffer.
    pub src: SrcRect,
    /// Where on the screen, in pixels of the CRTC.
    pub dst: Rect,
    /// Opacity of the whole plane, 0xffff = opaque.
    pub alpha: u16,
    /// Blending.
    pub blend: Blend,
    /// Position in the stack; `None`: as it was.
    pub zpos: Option<u64>,
    /// Rotation, YUV matrix and the like.
    pub options: PlaneOptions,
    /// Serial of its colour pipeline; 0 = none.
    pub(crate) pipeline: u64,
}

/// A plane that an output may use.
#[derive(Debug, Clone)]
pub struct OutputPlane {
    /// Object id.
    pub id: PlaneId,
    /// Its kind.
    pub kind: PlaneKind,
    /// Its properties.
    pub props: PlaneProps,
    /// Formats with modifiers; an empty list of modifiers means that the driver chooses (no
    /// modifier may be given).
    pub formats: Vec<inventory::FormatModifiers>,
    /// Those that asynchronous flips take (`IN_FORMATS_ASYNC`, Linux 6.16); empty where the driver
    /// does not say.
    pub formats_async: Vec<inventory::FormatModifiers>,
    /// Sizes that a cursor plane takes (`SIZE_HINTS`, else the device's cursor size); empty for
    /// other planes.
    pub cursor_sizes: Vec<(u32, u32)>,
    /// Its colour pipelines, for [`OutputPlane::pipeline`].
    pub pipelines: Vec<ColorPipeline>,
}

impl OutputPlane {
    pub(crate) fn new(plane: &inventory::PlaneInfo, cursor: (u32, u32)) -> Result<Self, OutputError> {
        let cursor_sizes = match plane.kind {
            PlaneKind::Cursor if plane.size_hints.is_empty() => vec![cursor],
            PlaneKind::Cursor => plane.size_hints.clone(),
            _ => Vec::new(),
        };
        let props = PlaneProps::resolve(plane.id, &plane.props)?;
        Ok(Self {
            id: plane.id,
            kind: plane.kind,
            props,
            formats: plane.formats.clone(),
            formats_async: plane.formats_async.clone(),
            cursor_sizes,
            pipelines: plane.pipelines.clone(),
        })
    }

    /// Sets up one of the plane's colour pipelines, with one state for each of its operations.
    /// Errors: see [`PipelineError`].
    pub fn pipeline(&self, index: usize, ops: &[OpState]) -> Result<PipelineState, PipelineError> {
        PipelineState::new(self.id, &self.pipelines, index, ops)
    }

    /// Whether the plane can show a buffer of this format and modifier, as far as its `IN_FORMATS`
    /// says.
    pub fn supports(&self, format: Fourcc, modifier: Modifier) -> bool {
        inventory::supports(&self.formats, format as u32, modifiers::raw(modifier))
    }

    /// Whether an asynchronous flip to a buffer of this format and modifier may be asked for: by
    /// `IN_FORMATS_ASYNC`, or where the driver has none, by what the plane shows at all (then the
    /// kernel's answer decides).
    pub fn supports_async(&self, format: Fourcc, modifier: Modifier) -> bool {
        let formats = if self.formats_async.is_empty() { &self.formats } else { &self.formats_async };
        inventory::supports(formats, format as u32, modifiers::raw(modifier))
    }

    /// The smallest size that a cursor of `w` × `h` fits into.
    pub fn cursor_size_for(&self, w: u32, h: u32) -> Option<(u32, u32)> {
        let fitting = self.cursor_sizes.iter().copied().filter(|&(width, height)| width >= w && height >= h);
        fitting.min_by_key(|&(width, height)| u64::from(width) * u64::from(height))
    }
}
