//! Which commits are converted by a V4L2 mem2mem device.
//!
//! The converter itself is in [`crate::devices::mem2mem`].

use std::sync::Arc;

use dmabuf_import::{
    Fourcc,
    colour::Representation,
    m2m::{Converter, ImageLayout},
};
use fence::{Acquire, AcquireState, FenceError, Release};
use rustix::io::Errno;
use smithay::{
    reexports::wayland_server::protocol::wl_output,
    utils::{Buffer, Size},
    wayland::{
        compositor::{SurfaceAttributes, SurfaceData},
        viewporter::ViewportCachedState,
    },
};

use crate::{
    config::Mem2memDevice,
    devices::mem2mem::{Conversion, Mem2mem, StartedConversion},
    session::Syncline,
    surface::{
        SurfaceState,
        buffer::{Imported, PixelSource},
        content::{Content, ContentParts, SyncMethod},
        double_buffered::double_buffered,
        view::View,
    },
    system::reactor,
};

impl Syncline {
    /// Opens the configured converter. Without one the session runs as usual, and the log says why.
    pub fn start_mem2mem(&mut self) {
        let Some(wanted) = &self.config.mem2mem.device else { return };
        let converter = match wanted {
            Mem2memDevice::Path(path) => Converter::open(path).map_err(|e| e.to_string()),
            Mem2memDevice::Auto => {
                Converter::find().ok_or_else(|| "no /dev/video* is a converter that you may open".into())
            }
        };
        let timeline = match &self.globals.syncobj {
            Some(syncobj) => syncobj.device().create_timeline().map_err(|e| e.to_string()),
            None => Err("the display has no syncobj timelines".into()),
        };
        match (converter, timeline) {
            (Ok(converter), Ok(timeline)) => {
                let (reads, writes) = (converter.reads(), converter.writes());
                let list = |of: &[Fourcc]| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                let path = converter.path().display();
                tracing::info!("mem2mem: {path} converts {} to {}", list(&reads), list(&writes));
                let (targets, refused, jobs) = (Vec::new(), Vec::new(), Vec::new());
                self.mem2mem = Some(Mem2mem { converter, reads, writes, timeline, point: 0, targets, refused, jobs });
            }
            (Err(reason), _) | (_, Err(reason)) => {
                tracing::warn!(
                    "no mem2mem: {reason}; check [mem2mem] in the configuration, and that you are in the group `video`"
                );
            }
        }
    }

    /// Starts the conversion of a commit that would be composited otherwise, and replaces its
    /// buffer by the one that is converted into. Returns `parts` unchanged if nothing needs to be
    /// or can be converted.
    pub fn through_converter(&mut self, states: &SurfaceData, mut parts: ContentParts) -> ContentParts {
        if self.mem2mem.is_none() {
            return parts;
        }
        let PixelSource::Dmabuf(source) = &parts.source else { return parts };
        let source = source.clone();
        let Some((size, colour)) = self.conversion_for(states, &source, parts.source.size()) else { return parts };
        let Some((acquire, release)) = &mut parts.ends else { return parts };
        if !matches!(acquire.advance(), Ok(AcquireState::Signalled { .. })) || !source.dmabuf.is_readable() {
            return parts;
        }
        match self.start_conversion(&source, size, colour) {
            Ok(Some((number, point, target, pair))) => {
                let release = std::mem::replace(release, Release::none());
                *acquire = Acquire::from_point(point.clone(), self.now);
                let Some(mem2mem) = &mut self.mem2mem else { return parts };
                mem2mem.jobs.push(Conversion {
                    number,
                    point,
                    _held: (source, target.clone()),
                    surface: parts.surface,
                    commit: parts.serial,
                    release: Some(release),
                    release_by: parts.release_by,
                    buffer: parts.buffer.take(),
                    callbacks: parts.callbacks.take(),
                    pair,
                });
                (parts.acquire_by, parts.release_by) = (SyncMethod::Buffer, SyncMethod::Buffer);
                (parts.source, parts.converted) = (PixelSource::Dmabuf(target), true);
                self.counters.mem2mem_commits += 1;
            }
            Ok(None) => {}
            Err(error) => tracing::debug!("surface {} commit {}: not converted: {error}", parts.surface, parts.serial),
        }
        parts
    }

    /// The size to convert a commit's buffer to, and its colour representation; `None` if it needs
    /// no conversion.
    fn conversion_for(
        &self,
        states: &SurfaceData,
        source: &Imported,
        size: Size<i32, Buffer>,
    ) -> Option<(Size<i32, Buffer>, Option<Representation>)> {
        let view = {
            let mut attributes = states.cached_state.get::<SurfaceAttributes>();
            let attributes = attributes.pending();
            let viewport = double_buffered::<ViewportCachedState>(states).map(|mut viewport| *viewport.pending());
            let viewport = viewport.unwrap_or_default();
            let upright = attributes.buffer_transform == wl_output::Transform::Normal;
            if !upright || source.y_invert || attributes.buffer_scale != 1 || viewport.src.is_some() {
                return None;
            }
            View::new(size, false, attributes, &viewport)
        };
        // As large as the display with the highest scale shows it.
        let scale = self.outputs.list.iter().map(|output| output.scale).max().unwrap_or_default();
        let to = view.pixels(scale);
        let to = Size::from((to.w, to.h));
        let dmabuf = &source.dmabuf;
        if to == size && self.is_shown(dmabuf.format()) {
            return None;
        }
        // A plane may scale: convert only once the surface has been seen composited.
        let state = SurfaceState::of(states);
        let composited = state.current.as_ref().is_some_and(|content| content.converted || !state.on_plane);
        if !composited || state.hidden {
            return None;
        }
        let height = size.h.unsigned_abs();
        let colour = dmabuf
            .format_info()
            .yuv
            .then(|| protocols::color_representation::current(states).unwrap_or(Representation::default_for(height)));
        Some((to, colour))
    }

    /// Whether some plane can show a linear buffer of this format.
    fn is_shown(&self, format: Fourcc) -> bool {
        let linear = dmabuf_import::Modifier::Linear;
        self.outputs.list.iter().any(|output| output.kms.planes().iter().any(|plane| plane.supports(format, linear)))
    }

    /// Queues a conversion; `None` if the device does not support it.
    fn start_conversion(
        &mut self,
        source: &Imported,
        size: Size<i32, Buffer>,
        colour: Option<Representation>,
    ) -> Result<Option<StartedConversion>, String> {
        let format = source.dmabuf.format();
        let (Some(mem2mem), Some(from)) = (&self.mem2mem, ImageLayout::of(&source.dmabuf, colour)) else {
            return Ok(None);
        };
        if !mem2mem.reads.contains(&format) {
            return Ok(None);
        }
        let Some(to) = mem2mem.format(format, |to| self.is_shown(to)) else { return Ok(None) };
        let Some(output) = self.outputs.list.first() else { return Ok(None) };
        let device = &self.outputs.cards.of(&output.kms).device;
        let Some(mem2mem) = &mut self.mem2mem else { return Ok(None) };
        let target = mem2mem.target(device, size, to)?;
        let Some(picture) = ImageLayout::of(&target.dmabuf, None) else { return Ok(None) };
        let pair = (from, picture);
        if mem2mem.refused.contains(&pair) {
            return Ok(None);
        }
        if !mem2mem.converter.configure(from, picture).map_err(|e| e.to_string())? {
            tracing::info!("mem2mem: {} does not convert {from:?} to {picture:?}", mem2mem.converter.path().display());
            mem2mem.refuse(pair);
            return Ok(None);
        }
        let idle = !mem2mem.converter.in_flight();
        let number = match mem2mem.converter.queue(source.dmabuf.clone(), target.dmabuf.clone()) {
            Ok(number) => number,
            Err(error) => {
                if error.errno != Errno::AGAIN {
                    mem2mem.refuse(pair);
                }
                return Err(error.to_string());
            }
        };
        if idle {
            self.reactor.add(&mem2mem.converter, reactor::EventSource::Mem2mem).map_err(|e| e.to_string())?;
        }
        mem2mem.point += 1;
        Ok(Some((number, mem2mem.timeline.point(mem2mem.point), target, pair)))
    }

    /// The device reports that conversions may have finished.
    pub fn mem2mem_event(&mut self) {
        loop {
            let Some(mem2mem) = &mut self.mem2mem else { return };
            match mem2mem.converter.finish() {
                Ok(Some(finished)) => {
                    let Some(at) = mem2mem.jobs.iter().position(|job| job.number == finished.job) else { continue };
                    let job = mem2mem.jobs.remove(at);
                    if finished.failed {
                        tracing::warn!("surface {} commit {}: the converter failed", job.surface, job.commit);
                        mem2mem.refuse(job.pair);
                    }
                    self.end_conversion(job, finished.failed);
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!("mem2mem stops: {error}");
                    self.reactor.remove(&mem2mem.converter).ok();
                    let stopped = self.mem2mem.take().map(|mem2mem| mem2mem.jobs);
                    stopped.into_iter().flatten().for_each(|job| self.end_conversion(job, true));
                    return;
                }
            }
        }
        // An idle device always polls as an error, and would wake the loop without end.
        if let Some(mem2mem) = &self.mem2mem
            && !mem2mem.converter.in_flight()
            && let Err(error) = self.reactor.remove(&mem2mem.converter)
        {
            tracing::warn!("mem2mem: {error}");
        }
    }

    /// The device has finished with a conversion: the commit goes on, and the client's buffer is
    /// released. `failed`: nothing was written, so the surface keeps its last content.
    pub fn end_conversion(&mut self, job: Conversion, failed: bool) {
        let is_its = |content: &Arc<Content>| (content.surface, content.serial) == (job.surface, job.commit);
        if failed && let Some(content) = self.live.iter().find(is_its) {
            content.with_acquire(|acquire| acquire.fail(FenceError(Errno::IO)));
        }
        // Dropping the job signals its point and releases the client's buffer.
        drop(job);
    }
}
