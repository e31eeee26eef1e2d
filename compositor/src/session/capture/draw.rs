//! Draws an image that is captured, and chooses the frames that it is for.

use std::sync::Arc;

use fence::{Status, SyncFile, implicit::Access};
use protocols::capture::{CaptureHandler, Failure, Part, Subject, Wanted};
use smallvec::SmallVec;
use smithay::{
    reexports::{pixman::Region32, wayland_server::Resource},
    utils::{Point, Rectangle},
};

use crate::{
    config::{Colour, limits::Kind},
    render::{Layer, Pass, PassLayers, Target, Tracker, layer::LastPictures},
    session::{
        Syncline,
        capture::moments::Moment,
        parts::captures::{Drawing, Drawn, parts, with_rect},
    },
    surface::{
        budget::Charge,
        buffer::{Imported, Imports},
        content::Content,
    },
    system::{id::OutputId, reactor::EventSource},
};

/// The most pixels of an image: 256 MiB.
pub const MOST_PIXELS: u64 = 1 << 26;

impl Syncline {
    /// Draws an image where it has changed, and takes it for the frames that wait for that.
    pub(super) fn draw_captured(
        &mut self,
        subject: Subject,
        layers: &[Layer],
        last: &LastPictures,
        background: Colour,
        moment: Moment,
    ) {
        if self.captures.is_read_later(subject) {
            // The client's part of the image is not copied yet.
            return;
        }
        let Some(at) = self.image_for(subject) else { return };
        let Some(target) = self.target_of(at) else { return };
        let image = &mut self.captures.images[at];
        let waits = self.outputs.renderer.waits_on_gpu();
        let unready = !waits && layers.iter().any(|layer| !layer.content.is_ready());
        if unready && moment.flip.is_some() && !std::mem::replace(&mut image.put_off, true) {
            // At the flip the display has waited for the fence.
            image.looked_at = None;
            return;
        }
        (image.put_off, image.looked_at) = (false, moment.frame);
        let mut rects = std::mem::take(&mut self.captures.rects);
        rects.clear();
        let image = &mut self.captures.images[at];
        let pass_layers = PassLayers { last: Some(last), ..PassLayers::all(layers) };
        let age = image.age;
        let tracker = &mut image.tracker;
        let pass = self.outputs.renderer.draw_with_damage(&target, age, tracker, &pass_layers, background, &mut rects);
        let pass = pass.and_then(|mut pass| match pass.failed.take() {
            Some(failed) => {
                hold_read(&image.tracker, layers, &pass);
                Err(failed)
            }
            None => Ok(pass),
        });
        image.age = usize::from(pass.is_ok());
        // The target may lack more than that: not all passes were drawn into it.
        let newest = image.tracker.newest().into_iter().flat_map(parts);
        let changed = newest.fold(Region32::default(), |all, part| with_rect(&all, part));
        self.captures.rects = rects;
        match pass {
            Ok(pass) => {
                let view = View { layers, last, background };
                self.take_frames(at, &changed, &view, &pass, moment);
            }
            Err(error) => {
                tracing::warn!("an image cannot be captured: {error}");
                self.captures.images.swap_remove(at);
                self.fail_waiting(subject, Failure::Unknown);
            }
        }
    }

    /// The image of a subject in its size now; made if there is none. `None`: it cannot be, and whoever
    /// waits has been told.
    pub(super) fn image_for(&mut self, subject: Subject) -> Option<usize> {
        let (width, height) = self.image_size(subject)?;
        let size = (width as i32, height as i32).into();
        let captures = &mut self.captures;
        captures.images.retain(|image| image.subject != subject || image.size == size);
        if let Some(known) = captures.images.iter().position(|image| image.subject == subject) {
            return Some(known);
        }
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            tracing::warn!("an image cannot be captured: {width}x{height} pixels are too many");
            self.fail_waiting(subject, Failure::Unknown);
            return None;
        }
        let tracker = Tracker::new((width as i32, height as i32));
        let image = Drawing { subject, size, target: None, age: 0, tracker, looked_at: None, put_off: false };
        captures.images.push(image);
        // What was captured before was of another image.
        captures.series.iter_mut().filter(|of| of.subject == subject).for_each(|of| of.begun = false);
        Some(captures.images.len() - 1)
    }

    /// What an image is drawn into; made if there is nothing. `None`: it cannot be, and whoever waits has been
    /// told.
    fn target_of(&mut self, at: usize) -> Option<Arc<Target>> {
        let Drawing { subject, size, ref target, .. } = self.captures.images[at];
        if let Some(target) = target {
            return Some(target.clone());
        }
        match self.outputs.renderer.new_captured(size.w.unsigned_abs(), size.h.unsigned_abs()) {
            Ok(target) => {
                self.captures.images[at].target = Some(target.clone());
                Some(target)
            }
            Err(error) => {
                tracing::warn!("an image cannot be captured: {error}");
                self.captures.images.swap_remove(at);
                self.fail_waiting(subject, Failure::Unknown);
                None
            }
        }
    }

    /// The image at `at` differs in `changed` from what it was: takes it for the frames that wait for a
    /// change there, or for any image.
    fn take_frames(&mut self, at: usize, changed: &Region32, view: &View<'_>, pass: &Pass, moment: Moment) {
        let Drawing { subject, size, .. } = self.captures.images[at];
        let whole = Part::from_size(size);
        for of in self.captures.series.iter_mut().filter(|of| of.subject == subject) {
            of.damage = parts(changed).fold(of.damage.clone(), |all, part| with_rect(&all, part));
        }
        let held = hold_read(&self.captures.images[at].tracker, view.layers, pass);
        let mut waiting = std::mem::take(&mut self.captures.waiting);
        let is_due = |wanted: &mut Wanted| {
            let of = self.captures.series.iter().find(|of| of.series == wanted.series);
            let part = wanted.part.unwrap_or(whole);
            let changed = |of: &Region32| parts(of).any(|changed| changed.overlaps(part));
            wanted.subject == subject && of.is_some_and(|of| wanted.at_once || !of.begun || changed(&of.damage))
        };
        let due: SmallVec<[Wanted; 2]> = waiting.extract_if(.., is_due).collect();
        self.captures.waiting = waiting;
        for wanted in due {
            match Imports::of(&wanted.buffer).cloned() {
                None => self.take_frame(wanted, whole, pass.fence.as_ref(), moment, &held),
                Some(buffer) => match awaited(&buffer) {
                    Some(fence) => self.put_off_frame(wanted, moment, fence),
                    // No GPU draws into it: the CPU copies into it, like into shared memory.
                    None if self.captures.written => {
                        self.take_frame(wanted, whole, pass.fence.as_ref(), moment, &held);
                    }
                    None => self.draw_into(wanted, whole, &buffer, view, moment),
                },
            }
        }
    }

    /// Others use the client's buffer until a fence signals: the frame waits for that, and then for its moment
    /// again.
    fn put_off_frame(&mut self, wanted: Wanted, moment: Moment, fence: SyncFile) {
        let (copies, damage, held) = Default::default();
        let Moment { time, transform, .. } = moment;
        let pass = Some(fence);
        let (flip, writer, is_put_off) = (None, None, true);
        self.watch_drawn(Drawn { wanted, flip, time, transform, pass, writer, is_put_off, copies, damage, held });
    }

    /// Draws an image into a client's dma-buf.
    fn draw_into(&mut self, wanted: Wanted, whole: Part, buffer: &Imported, view: &View<'_>, moment: Moment) {
        let part = wanted.part.unwrap_or(whole);
        let moved: Vec<Layer>;
        let layers = match part.loc == Point::default() {
            true => view.layers,
            false => {
                let by = Point::from((part.loc.x, part.loc.y));
                let by_part =
                    |layer: &Layer| Layer { dst: Rectangle::new(layer.dst.loc - by, layer.dst.size), ..layer.clone() };
                moved = view.layers.iter().map(by_part).collect();
                &moved[..]
            }
        };
        let mut tracker = Tracker::new((part.size.w, part.size.h));
        let pass_layers = PassLayers { last: Some(view.last), ..PassLayers::all(layers) };
        let renderer = &mut self.outputs.renderer;
        let pass = renderer.draw_with_damage(buffer, 0, &mut tracker, &pass_layers, view.background, &mut Vec::new());
        let done = pass.and_then(|mut pass| {
            let held = hold_read(&tracker, layers, &pass);
            // Whoever reads it with implicit synchronisation waits for the pass, too.
            let fence = pass.fence.as_ref();
            if let Some(Err(error)) = fence.map(|fence| buffer.dmabuf.import_sync_file(fence, Access::Write)) {
                tracing::debug!("a captured dma-buf gets no fence: {error}");
            }
            pass.failed.take().map_or(Ok((pass, held)), Err)
        });
        match done {
            Ok((pass, held)) => self.take_frame(wanted, whole, pass.fence.as_ref(), moment, &held),
            Err(error) => {
                tracing::warn!("an image cannot be captured into a dma-buf: {error}");
                wanted.frame.failed(Failure::Unknown);
            }
        }
    }

    /// Takes a frame whose image is in its place once `fence` signals, and tells its client then.
    pub(super) fn take_frame(
        &mut self,
        wanted: Wanted,
        whole: Part,
        fence: Option<&SyncFile>,
        moment: Moment,
        held: &[Arc<Content>],
    ) {
        self.take_image(wanted, whole, (fence, None), moment, held);
    }

    /// As [`Syncline::take_frame`]; `writer`: the output that writes it.
    pub(super) fn take_image(
        &mut self,
        wanted: Wanted,
        whole: Part,
        (fence, writer): (Option<&SyncFile>, Option<OutputId>),
        moment: Moment,
        held: &[Arc<Content>],
    ) {
        self.charge(&wanted, whole);
        let part = wanted.part.unwrap_or(whole);
        let Some(of) = self.captures.series.iter_mut().find(|of| of.series == wanted.series) else {
            return wanted.frame.failed(Failure::Stopped);
        };
        let since = std::mem::take(&mut of.damage);
        let is_first = !std::mem::replace(&mut of.begun, true);
        let changed = if is_first { with_rect(&Region32::default(), whole) } else { since };
        let within = |of: Part| {
            let seen = of.intersection(part).filter(|seen| !seen.is_empty())?;
            Some(Part::new(seen.loc - part.loc, seen.size))
        };
        let damage: SmallVec<[Part; 4]> = parts(&changed).filter_map(within).collect();
        let all = Rectangle::from_size(part.size);
        let lacks = wanted.lacks.iter().filter_map(|lacks| lacks.intersection(all).filter(|part| !part.is_empty()));
        let copied = damage.iter().copied().chain(lacks).fold(Region32::default(), |all, part| with_rect(&all, part));
        let fence = fence.map(|fence| fence.try_clone()).transpose();
        let fence = match fence {
            Ok(fence) => fence,
            Err(error) => {
                tracing::warn!("a captured frame has no descriptor for its fence: {error}");
                return wanted.frame.failed(Failure::Unknown);
            }
        };
        let Moment { flip, time, transform, .. } = moment;
        let is_drawn_into = !self.captures.written && Imports::of(&wanted.buffer).is_some();
        let copies = parts(&copied).filter(|_| !is_drawn_into && writer.is_none()).collect();
        let (pass, held, is_put_off) = (fence, held.into(), false);
        self.watch_drawn(Drawn { wanted, flip, time, transform, pass, writer, is_put_off, copies, damage, held });
    }

    /// Waits for the fence of a frame, if there is one.
    fn watch_drawn(&mut self, drawn: Drawn) {
        let slot = self.captures.drawn.insert(drawn);
        let watched = self.captures.drawn[slot]
            .pass
            .as_ref()
            .map(|pass| self.reactor.add(pass, EventSource::Capture(crate::system::id::Slot(slot as u32))));
        match watched {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!("a captured frame cannot be waited for: {error}");
                self.fail_drawn(slot, Failure::Unknown);
            }
            None => self.copy_captured(slot),
        }
    }

    /// The image that a series is drawn from counts as its client's.
    fn charge(&mut self, wanted: &Wanted, whole: Part) {
        let Some(client) = wanted.buffer.client() else { return };
        let Some(of) = self.captures.series.iter_mut().find(|of| of.series == wanted.series) else { return };
        if of.charge.is_some() && of.begun {
            return;
        }
        let kib = (whole.size.w as u32).saturating_mul(whole.size.h as u32) / 256;
        let budget = client.get_data::<crate::surface::client::ClientState>().map(|state| state.budget.clone());
        let Some(budget) = budget else { return };
        of.charge = None;
        let (charge, taken) = Charge::new(&budget, Kind::ShmKib, kib);
        of.charge = Some(charge);
        self.restrain(&client, taken);
    }
}

/// What an image is drawn from.
struct View<'a> {
    layers: &'a [Layer],
    last: &'a LastPictures,
    background: Colour,
}

/// What others still do with a client's buffer; `None`: nothing.
pub(super) fn awaited(buffer: &Imported) -> Option<SyncFile> {
    let fence = buffer.dmabuf.export_sync_file(Access::Write).ok()?;
    let is_active = fence.driver_and_status().is_ok_and(|summary| summary.status == Status::Active);
    is_active.then_some(fence)
}

/// Notes who reads the contents of a pass until it is done, and returns those that have to be held until
/// then.
fn hold_read(tracker: &Tracker, layers: &[Layer], pass: &Pass) -> SmallVec<[Arc<Content>; 2]> {
    let Some(fence) = &pass.fence else { return SmallVec::new() };
    let read = tracker.read().iter().filter(|at| !pass.unready.contains(at)).map(|at| &layers[*at].content);
    let held = read.chain(&pass.stood_in).filter(|content| {
        let noted = fence.try_clone().map(|fence| content.used_by_capture(fence));
        noted.is_err() || content.is_held_by_readers()
    });
    held.cloned().collect()
}
