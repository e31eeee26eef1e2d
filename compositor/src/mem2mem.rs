//! `[mem2mem]`: a V4L2 converter between a client's buffer and the plane, in the place of the CPU or the GPU.
//!
//! ```text
//!  commit ─→ through_converter ─→ Converter::queue(client's buffer, ours) ─ readable ─→ its point is signalled: the commit's gate opens
//!                                                                                └─→ the client has its buffer back
//! ```
//!
//! Off by default. A surface whose last frame was drawn, although it is a dma-buf, has its next commits converted: to the size at which it is
//! shown, and to a format that a plane takes. What is committed then is our buffer, behind a timeline point of our own; the client's buffer has
//! the device as its only user. V4L2 knows no fences, so a commit whose fence is pending is not converted. Nothing here waits, and a device that is busy
//! or refuses costs nothing but the usual way.

use std::sync::Arc;

use dmabuf_import::{
    Fourcc,
    colour::Representation,
    formats,
    m2m::{Converter, ImageLayout},
};
use fence::{Acquire, AcquireState, Point, Release, Timeline};
use smithay::{
    reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_output},
    utils::{Buffer, Size},
    wayland::{
        compositor::{SurfaceAttributes, SurfaceData},
        viewporter::ViewportCachedState,
    },
};

use crate::{
    config::Mem2memDevice,
    reactor,
    render::{Target, shown_target},
    state::Syncline,
    surface::{
        SurfaceState, View,
        buffer::{Imported, Source},
        content::{By, Parts},
    },
    trace,
};

/// Buffers of ours that are kept; more than the commits that a plane, a flip and the device can hold.
const TARGETS: usize = 8;

/// Pairs that the device has refused and is not asked about again.
const REFUSED: usize = 16;

/// The converter of the session.
pub struct Mem2mem {
    converter: Converter,
    reads: Vec<Fourcc>,
    writes: Vec<Fourcc>,
    /// Ours; a conversion that is over signals the next point of it.
    timeline: Timeline,
    point: u64,
    targets: Vec<Arc<Target>>,
    refused: Vec<(ImageLayout, ImageLayout)>,
    jobs: Vec<Job>,
}

/// A conversion's number, the point that it will signal, our buffer, and what the device was told.
type Started = (u64, Point, Arc<Target>, (ImageLayout, ImageLayout));

/// A conversion that is under way.
struct Job {
    /// As the converter counts.
    number: u64,
    /// What the commit waits for.
    point: Point,
    /// The client's buffer and ours.
    _held: (Arc<Imported>, Arc<Target>),
    surface: u32,
    commit: u64,
    release: Option<Release>,
    release_by: By,
    buffer: Option<WlBuffer>,
    pair: (ImageLayout, ImageLayout),
}

impl Job {
    /// The device has let go of the client's buffer.
    fn give_back(&mut self) {
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
                Err(error) => tracing::error!("surface {} commit {}: release: {error}", self.surface, self.commit),
            }
        }
        if let Some(buffer) = self.buffer.take() {
            buffer.release();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Err(error) = self.point.signal() {
            tracing::error!("surface {} commit {}: mem2mem: {error}", self.surface, self.commit);
        }
        self.give_back();
    }
}

impl Mem2mem {
    /// A free buffer of ours, made if need be.
    fn target(&mut self, device: &kms::Device, size: Size<i32, Buffer>, format: Fourcc) -> Result<Arc<Target>, String> {
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
            return Err("all targets are in use".into());
        }
        let target = shown_target(device, width, height, format)?;
        self.targets.push(target.clone());
        Ok(target)
    }

    /// The format to convert to.
    fn format(&self, from: Fourcc, shown: impl Fn(Fourcc) -> bool) -> Option<Fourcc> {
        let single = |format: &Fourcc| formats::info(*format).is_some_and(|info| info.planes == 1 && !info.yuv);
        let alpha = formats::has_alpha(from);
        let mut could = self.writes.iter().copied().filter(|to| single(to) && shown(*to));
        match could.clone().find(|to| *to == from) {
            Some(same) => Some(same),
            // Deepest first: nothing of the picture is to be lost.
            None if !alpha => could.by_ref().max_by_key(|to| formats::info(*to).map(|info| info.bpp())),
            None => None,
        }
    }
}

impl Syncline {
    /// Opens the converter that the user wants. Without one the session runs as ever, and the log says why.
    pub fn start_mem2mem(&mut self) {
        let Some(wanted) = &self.config.mem2mem.device else { return };
        let converter = match wanted {
            Mem2memDevice::Path(path) => Converter::open(path).map_err(|e| e.to_string()),
            Mem2memDevice::Auto => {
                Converter::find().ok_or_else(|| "no /dev/video* is a converter that may be opened".into())
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
                tracing::warn!("no mem2mem: {reason}; see [mem2mem] in the configuration, and the group `video`");
            }
        }
    }

    /// Starts the conversion of a commit that would be drawn else, and puts our buffer in the place of its own. Gives back what it was given
    /// where nothing is to be converted, or nothing can be.
    pub fn through_converter(&mut self, states: &SurfaceData, mut parts: Parts) -> Parts {
        if self.mem2mem.is_none() {
            return parts;
        }
        let Source::Dmabuf(source) = &parts.source else { return parts };
        let source = source.clone();
        let Some((size, colour)) = self.wanted_by(states, &source, parts.size) else { return parts };
        if !matches!(parts.acquire.advance(), Ok(AcquireState::Signalled { .. })) {
            return parts;
        }
        match self.start_conversion(&source, size, colour) {
            Ok(Some((number, point, target, pair))) => {
                let release = std::mem::replace(&mut parts.release, Release::none());
                let Some(mem2mem) = &mut self.mem2mem else { return parts };
                mem2mem.jobs.push(Job {
                    number,
                    point: point.clone(),
                    _held: (source, target.clone()),
                    surface: parts.surface,
                    commit: parts.serial,
                    release: Some(release),
                    release_by: parts.release_by,
                    buffer: parts.buffer.take(),
                    pair,
                });
                parts.acquire = Acquire::from_point(point, self.now);
                (parts.acquire_by, parts.release_by) = (By::Buffer, By::Buffer);
                (parts.source, parts.size, parts.converted) = (Source::Dmabuf(target), size, true);
                self.counters.mem2mem_commits += 1;
            }
            Ok(None) => {}
            Err(error) => tracing::debug!("surface {} commit {}: not converted: {error}", parts.surface, parts.serial),
        }
        parts
    }

    /// The size to convert a commit's buffer to, and what its colours are; `None`: it needs no conversion.
    fn wanted_by(
        &self,
        states: &SurfaceData,
        source: &Imported,
        size: Size<i32, Buffer>,
    ) -> Option<(Size<i32, Buffer>, Option<Representation>)> {
        let view = {
            let mut attributes = states.cached_state.get::<SurfaceAttributes>();
            let attributes = attributes.pending();
            let viewport = *states.cached_state.get::<ViewportCachedState>().pending();
            let upright = attributes.buffer_transform == wl_output::Transform::Normal;
            if !upright || source.y_invert || attributes.buffer_scale != 1 || viewport.src.is_some() {
                return None;
            }
            View::new(size, false, attributes, &viewport)
        };
        let to = Size::from((view.size.w, view.size.h));
        let dmabuf = &source.dmabuf;
        if to == size && self.is_shown(dmabuf.format()) {
            return None;
        }
        // A plane may scale: nothing is converted before the surface was seen to be drawn.
        let state = SurfaceState::of(states);
        let drawn = state.current.as_ref().is_some_and(|content| content.converted || !state.on_plane);
        if !drawn || state.hidden {
            return None;
        }
        let height = size.h.unsigned_abs();
        let colour = dmabuf
            .format_info()
            .yuv
            .then(|| protocols::color_representation::stated(states).unwrap_or(Representation::default_for(height)));
        Some((to, colour))
    }

    /// Whether some plane takes a linear buffer of this format.
    fn is_shown(&self, format: Fourcc) -> bool {
        let linear = dmabuf_import::Modifier::Linear;
        self.outputs.list.iter().any(|output| output.kms.planes().iter().any(|plane| plane.supports(format, linear)))
    }

    /// Queues a conversion. `None`: the device does not do that.
    fn start_conversion(
        &mut self,
        source: &Imported,
        size: Size<i32, Buffer>,
        colour: Option<Representation>,
    ) -> Result<Option<Started>, String> {
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
                if error.errno != rustix::io::Errno::AGAIN {
                    mem2mem.refuse(pair);
                }
                return Err(error.to_string());
            }
        };
        if idle {
            self.reactor.add(&mem2mem.converter, reactor::Source::Mem2mem).map_err(|e| e.to_string())?;
        }
        mem2mem.point += 1;
        Ok(Some((number, mem2mem.timeline.point(mem2mem.point), target, pair)))
    }

    /// The device says that conversions may be over.
    pub fn mem2mem_event(&mut self) {
        let Some(mem2mem) = &mut self.mem2mem else { return };
        loop {
            match mem2mem.converter.finish() {
                Ok(Some(finished)) => {
                    let Some(at) = mem2mem.jobs.iter().position(|job| job.number == finished.job) else { continue };
                    let job = mem2mem.jobs.remove(at);
                    if finished.failed {
                        tracing::warn!("surface {} commit {}: the converter failed", job.surface, job.commit);
                        mem2mem.refuse(job.pair);
                    }
                    // Its point signals and the client's buffer goes back.
                    drop(job);
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!("no mem2mem from now on: {error}");
                    self.reactor.remove(&mem2mem.converter).ok();
                    self.mem2mem = None;
                    return;
                }
            }
        }
        // An idle one is always in error, and would wake us without end.
        if !mem2mem.converter.in_flight()
            && let Err(error) = self.reactor.remove(&mem2mem.converter)
        {
            tracing::warn!("mem2mem: {error}");
        }
    }
}

impl Mem2mem {
    /// Never again this conversion.
    fn refuse(&mut self, pair: (ImageLayout, ImageLayout)) {
        if self.refused.len() == REFUSED {
            self.refused.remove(0);
        }
        self.refused.push(pair);
    }
}
