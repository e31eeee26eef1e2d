//! `[mem2mem]`: a V4L2 converter between a client's buffer and the plane, in place of the CPU or
//! the GPU.
//!
//! ```text
//!  commit ─→ through_converter ─→ Converter::queue(client's buffer, target) ─ readable ─┬─→ its point signals: the commit's gate opens
//!                                                                                       └─→ the client's buffer is released
//! ```
//!
//! Off by default. If the last frame of a surface was composited although it is a dma-buf, the
//! surface's next commits are converted: to the size at which it is shown, and to a format that a
//! plane can show. The commit then has a buffer of the compositor, behind a timeline point of the
//! compositor; the converter is the only user of the client's buffer. V4L2 has no fences, so a
//! commit whose fence is pending is not converted. Nothing here waits. If the device is busy or
//! refuses, the commit is composited as usual.

use std::sync::Arc;

use dmabuf_import::{
    Fourcc, formats,
    m2m::{Converter, ImageLayout},
};
use fence::{Point, Release, Timeline};
use protocols::surface_release::ReleaseCallbacks;
use smithay::{
    reexports::wayland_server::protocol::wl_buffer::WlBuffer,
    utils::{Buffer, Size},
};

use crate::{
    render::{Target, shown_target},
    surface::{buffer::Imported, content::SyncMethod},
    system::{id::SurfaceId, trace},
};

/// The most buffers that are kept; more than the commits that a plane, a flip and the device can
/// hold.
const TARGETS: usize = 8;

/// The most refused pairs that are kept; the device is not asked about them again.
const REFUSED: usize = 16;

/// The converter of the session.
pub struct Mem2mem {
    pub converter: Converter,
    pub reads: Vec<Fourcc>,
    pub writes: Vec<Fourcc>,
    /// The compositor's own timeline; a conversion that is finished signals its next point.
    pub timeline: Timeline,
    pub point: u64,
    pub targets: Vec<Arc<Target>>,
    pub refused: Vec<(ImageLayout, ImageLayout)>,
    pub jobs: Vec<Conversion>,
}

/// A conversion's number, the point that it will signal, its target, and the formats it was
/// configured with.
pub type StartedConversion = (u64, Point, Arc<Target>, (ImageLayout, ImageLayout));

/// A conversion in progress.
pub struct Conversion {
    /// The number that the converter has given it.
    pub number: u64,
    /// The point that the commit waits for.
    pub point: Point,
    /// The client's buffer and the target.
    pub _held: (Arc<Imported>, Arc<Target>),
    pub surface: SurfaceId,
    pub commit: u64,
    pub release: Option<Release>,
    pub release_by: SyncMethod,
    pub buffer: Option<WlBuffer>,
    pub callbacks: Option<ReleaseCallbacks>,
    pub pair: (ImageLayout, ImageLayout),
}

impl Conversion {
    /// The device has finished with the client's buffer: releases it.
    pub fn release_client_buffer(&mut self) {
        if let Some(release) = self.release.take() {
            match release.complete() {
                Ok(done) => trace::release(trace::Release {
                    surface: self.surface,
                    commit: self.commit,
                    kind: self.release_by.name(),
                    when: "signal",
                    frame: None,
                    users: done.fences,
                    error: done.error.map(|e| e.to_string()),
                }),
                Err(error) => tracing::error!(
                    "surface {} commit {}: cannot release its buffer: {error}",
                    self.surface,
                    self.commit
                ),
            }
        }
        if let Some(buffer) = self.buffer.take() {
            buffer.release();
        }
        drop(self.callbacks.take());
    }
}

impl Drop for Conversion {
    fn drop(&mut self) {
        if let Err(error) = self.point.signal() {
            tracing::error!("surface {} commit {}: mem2mem: {error}", self.surface, self.commit);
        }
        self.release_client_buffer();
    }
}

impl Mem2mem {
    /// A free target, created if necessary.
    pub fn target(
        &mut self,
        device: &kms::Device,
        size: Size<i32, Buffer>,
        format: Fourcc,
    ) -> Result<Arc<Target>, String> {
        let (width, height) = (size.w as u32, size.h as u32);
        let is_free = |target: &Arc<Target>| Arc::strong_count(target) == 1;
        let fits = |target: &Arc<Target>| {
            let dmabuf = &target.dmabuf;
            (dmabuf.width(), dmabuf.height(), dmabuf.format()) == (width, height, format)
        };
        if let Some(target) = self.targets.iter().find(|target| is_free(target) && fits(target)) {
            return Ok(target.clone());
        }
        self.targets.retain(|target| !is_free(target));
        if self.targets.len() >= TARGETS {
            return Err("all buffers of the converter are in use".into());
        }
        let target = shown_target(device, (width, height), format, false)?;
        self.targets.push(target.clone());
        Ok(target)
    }

    /// The format to convert to; `None` if there is none.
    pub fn format(&self, from: Fourcc, shown: impl Fn(Fourcc) -> bool) -> Option<Fourcc> {
        let single = |format: &Fourcc| formats::info(*format).is_some_and(|info| info.planes == 1 && !info.yuv);
        let alpha = formats::has_alpha(from);
        let mut could = self.writes.iter().copied().filter(|to| single(to) && shown(*to));
        match could.clone().find(|to| *to == from) {
            Some(same) => Some(same),
            // The deepest format first, so that no precision is lost.
            None if !alpha => could.by_ref().max_by_key(|to| formats::info(*to).map(|info| info.bpp())),
            None => None,
        }
    }
}

impl Mem2mem {
    /// Remembers that the device has refused this pair.
    pub fn refuse(&mut self, pair: (ImageLayout, ImageLayout)) {
        if self.refused.len() == REFUSED {
            self.refused.remove(0);
        }
        self.refused.push(pair);
    }
}
