//! A stand-in for a GPU in tests: it notes whether the memory that it samples carries a pending
//! fence, for which a driver with implicit synchronisation would let the pass wait, and which fences
//! it was told to wait for. pixman paints; nothing here waits.

use std::{
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard},
};

use fence::SyncFile;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smithay::{
    backend::{
        allocator::{Format, Fourcc, dmabuf::Dmabuf as WlDmabuf, format::FormatSet},
        renderer::{
            Color32F, ContextId, DebugFlags, Frame, ImportDma, ImportMem, Renderer, RendererSuper, Texture,
            TextureFilter,
            pixman::{PixmanError, PixmanFrame, PixmanRenderer, PixmanTexture},
            sync::SyncPoint,
        },
    },
    utils::{Buffer, Physical, Rectangle, Size, Transform},
};

use crate::render::{
    bind::{BindTarget, Drawable, Place},
    client_fence::ClientFence,
    other_gpus::OtherGpus,
    textures::Textures,
};

/// What a renderer has done so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// Dma-bufs that it sampled.
    pub sampled: usize,
    /// Those of them that carried a pending fence of a writer.
    pub sampled_pending: usize,
    /// Fences that it was told to wait for.
    pub waits: usize,
}

/// What goes wrong next.
#[derive(Debug, Default)]
struct Faults {
    /// A pass fails half way, and what it has begun is done when this fence signals.
    pass: Option<SyncFile>,
    /// A pass is done when this fence signals.
    late: Option<SyncFile>,
    /// An import is refused.
    import: bool,
}

/// What a renderer notes, and what goes wrong; shared with the test.
#[derive(Debug, Default, Clone)]
pub struct Notes {
    noted: Arc<Mutex<Noted>>,
    faults: Arc<Mutex<Faults>>,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().expect("no panic while locked")
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("no panic while locked")
    }

    /// What was noted since the last call.
    pub fn take(&self) -> Noted {
        std::mem::take(&mut self.lock())
    }

    /// The next pass fails half way; what it has begun is done when `fence` signals.
    pub fn fail_pass(&self, fence: SyncFile) {
        self.faults().pass = Some(fence);
    }

    /// The next pass is done when `fence` signals.
    pub fn delay_pass(&self, fence: SyncFile) {
        self.faults().late = Some(fence);
    }

    /// The next import of a dma-buf is refused.
    pub fn refuse_import(&self) {
        self.faults().import = true;
    }
}

/// The renderer of a session, with what [`crate::render::Renderer`] keeps for one.
pub struct Recorder {
    pub renderer: RecordingRenderer,
    pub textures: Textures<RecordedTexture>,
    pub others: OtherGpus,
    pub packed: Vec<u8>,
    /// The GPU was reset.
    pub lost: bool,
}

impl Recorder {
    /// One that has drawn nothing.
    pub fn new(notes: Notes) -> Self {
        let pixman = PixmanRenderer::new().expect("pixman");
        let renderer = RecordingRenderer { pixman, context: ContextId::new(), notes };
        Self { renderer, textures: Textures::new(), others: OtherGpus::default(), packed: Vec::new(), lost: false }
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct RecordingRenderer {
    pixman: PixmanRenderer,
    context: ContextId<RecordedTexture>,
    notes: Notes,
}

/// A texture, and the memory that is sampled with it.
#[derive(Debug, Clone)]
pub struct RecordedTexture {
    texture: PixmanTexture,
    memory: Option<WlDmabuf>,
}

impl RecordedTexture {
    fn is_pending(&self) -> bool {
        let pending = |fd: std::os::fd::BorrowedFd<'_>| {
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&now)) == Ok(0)
        };
        self.memory.iter().flat_map(WlDmabuf::handles).any(|handle| pending(handle.as_fd()))
    }
}

impl Texture for RecordedTexture {
    fn width(&self) -> u32 {
        self.texture.width()
    }

    fn height(&self) -> u32 {
        self.texture.height()
    }

    fn format(&self) -> Option<Fourcc> {
        self.texture.format()
    }
}

/// A pass.
#[derive(Debug)]
pub struct RecordingFrame<'frame, 'buffer> {
    frame: PixmanFrame<'frame, 'buffer>,
    context: ContextId<RecordedTexture>,
    notes: Notes,
}

impl Frame for RecordingFrame<'_, '_> {
    type Error = PixmanError;
    type TextureId = RecordedTexture;

    fn context_id(&self) -> ContextId<RecordedTexture> {
        self.context.clone()
    }

    fn clear(&mut self, color: Color32F, at: &[Rectangle<i32, Physical>]) -> Result<(), PixmanError> {
        self.frame.clear(color, at)?;
        match self.notes.faults().pass {
            Some(_) => Err(PixmanError::Unsupported),
            None => Ok(()),
        }
    }

    fn draw_solid(
        &mut self,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        color: Color32F,
    ) -> Result<(), PixmanError> {
        self.frame.draw_solid(dst, damage, color)
    }

    fn render_texture_from_to(
        &mut self,
        texture: &RecordedTexture,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque: &[Rectangle<i32, Physical>],
        transform: Transform,
        alpha: f32,
    ) -> Result<(), PixmanError> {
        let mut noted = self.notes.lock();
        noted.sampled += usize::from(texture.memory.is_some());
        noted.sampled_pending += usize::from(texture.is_pending());
        drop(noted);
        self.frame.render_texture_from_to(&texture.texture, src, dst, damage, opaque, transform, alpha)
    }

    fn transformation(&self) -> Transform {
        self.frame.transformation()
    }

    fn wait(&mut self, _sync: &SyncPoint) -> Result<(), PixmanError> {
        self.notes.lock().waits += 1;
        Ok(())
    }

    fn finish(self) -> Result<SyncPoint, PixmanError> {
        let done = self.frame.finish()?;
        let mut faults = self.notes.faults();
        let fence = faults.pass.take().or_else(|| faults.late.take());
        Ok(fence.map_or(done, |fence| SyncPoint::from(ClientFence::new(fence))))
    }
}

impl RendererSuper for RecordingRenderer {
    type Error = PixmanError;
    type TextureId = RecordedTexture;
    type Framebuffer<'buffer> = <PixmanRenderer as RendererSuper>::Framebuffer<'buffer>;
    type Frame<'frame, 'buffer>
        = RecordingFrame<'frame, 'buffer>
    where
        'buffer: 'frame;
}

impl Renderer for RecordingRenderer {
    fn context_id(&self) -> ContextId<RecordedTexture> {
        self.context.clone()
    }

    fn downscale_filter(&mut self, filter: TextureFilter) -> Result<(), PixmanError> {
        self.pixman.downscale_filter(filter)
    }

    fn upscale_filter(&mut self, filter: TextureFilter) -> Result<(), PixmanError> {
        self.pixman.upscale_filter(filter)
    }

    fn set_debug_flags(&mut self, flags: DebugFlags) {
        self.pixman.set_debug_flags(flags);
    }

    fn debug_flags(&self) -> DebugFlags {
        self.pixman.debug_flags()
    }

    fn render<'frame, 'buffer>(
        &'frame mut self,
        framebuffer: &'frame mut Self::Framebuffer<'buffer>,
        size: Size<i32, Physical>,
        transform: Transform,
    ) -> Result<RecordingFrame<'frame, 'buffer>, PixmanError>
    where
        'buffer: 'frame,
    {
        let (context, notes) = (self.context.clone(), self.notes.clone());
        Ok(RecordingFrame { frame: self.pixman.render(framebuffer, size, transform)?, context, notes })
    }

    fn wait(&mut self, _sync: &SyncPoint) -> Result<(), PixmanError> {
        self.notes.lock().waits += 1;
        Ok(())
    }
}

impl ImportMem for RecordingRenderer {
    fn import_memory(
        &mut self,
        data: &[u8],
        format: Fourcc,
        size: Size<i32, Buffer>,
        flipped: bool,
    ) -> Result<RecordedTexture, PixmanError> {
        let texture = self.pixman.import_memory(data, format, size, flipped)?;
        Ok(RecordedTexture { texture, memory: None })
    }

    fn update_memory(
        &mut self,
        texture: &RecordedTexture,
        data: &[u8],
        region: Rectangle<i32, Buffer>,
    ) -> Result<(), PixmanError> {
        self.pixman.update_memory(&texture.texture, data, region)
    }

    fn mem_formats(&self) -> Box<dyn Iterator<Item = Fourcc>> {
        self.pixman.mem_formats()
    }
}

impl ImportDma for RecordingRenderer {
    fn dmabuf_formats(&self) -> FormatSet {
        let format = |code| Format { code, modifier: drm_fourcc::DrmModifier::Linear };
        self.pixman.mem_formats().map(format).collect()
    }

    fn import_dmabuf(
        &mut self,
        dmabuf: &WlDmabuf,
        damage: Option<&[Rectangle<i32, Buffer>]>,
    ) -> Result<RecordedTexture, PixmanError> {
        if std::mem::take(&mut self.notes.faults().import) {
            return Err(PixmanError::Unsupported);
        }
        let texture = self.pixman.import_dmabuf(dmabuf, damage)?;
        Ok(RecordedTexture { texture, memory: Some(dmabuf.clone()) })
    }
}

impl BindTarget for RecordingRenderer {
    fn bind_target<'a>(&mut self, target: &'a mut Drawable<'_>) -> Result<Self::Framebuffer<'a>, String> {
        self.pixman.bind_target(target)
    }

    fn fadeable(
        &mut self,
        texture: &RecordedTexture,
        place: &Place,
        area: Rectangle<i32, Physical>,
    ) -> Result<Option<RecordedTexture>, String> {
        let copy = self.pixman.fadeable(&texture.texture, place, area)?;
        Ok(copy.map(|copy| RecordedTexture { texture: copy, memory: None }))
    }
}

impl RecordingRenderer {
    /// What reads a target.
    pub fn pixman(&mut self) -> &mut PixmanRenderer {
        &mut self.pixman
    }
}
