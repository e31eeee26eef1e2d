//! Tells clients that their frames are ready: once they were shown, drawn and copied.

use fence::Status;
use protocols::capture::{CaptureHandler, Failure, Part, Shown};

use crate::{
    session::{Syncline, capture::memory::Memory, parts::captures::Drawn},
    system::id::{OutputId, Slot},
};

impl Syncline {
    /// The GPU has drawn a frame, or has failed to.
    pub fn capture_event(&mut self, slot: Slot) {
        let slot = slot.0 as usize;
        let Some(drawn) = self.captures.drawn.get_mut(slot) else { return };
        let Some(pass) = &drawn.pass else { return };
        let status = pass.driver_and_status().map(|summary| summary.status);
        if matches!(status, Ok(Status::Active)) {
            return;
        }
        self.reactor.remove(pass).ok();
        drawn.pass = None;
        if drawn.is_put_off {
            // Whatever became of the fence, nobody uses the buffer any more.
            let wanted = self.captures.drawn.remove(slot).wanted;
            if wanted.frame.is_alive() {
                let images = self.captures.images.iter_mut().filter(|image| image.subject == wanted.subject);
                images.for_each(|image| image.looked_at = None);
                self.captures.waiting.push(wanted);
            }
            return;
        }
        drawn.held.clear();
        let writer = drawn.writer.take();
        match (status, writer) {
            (Ok(Status::Signalled), _) => self.copy_captured(slot),
            (failed, Some(output)) => self.draw_unwritten(slot, output, &failed),
            (failed, None) => {
                tracing::warn!("a captured frame was not drawn: {failed:?}");
                let subject = self.captures.drawn[slot].wanted.subject;
                self.captures.images.retain(|image| image.subject != subject);
                self.fail_drawn(slot, Failure::Unknown);
            }
        }
    }

    /// A display has failed to write a picture: it is drawn, and the connector is left alone for a while.
    fn draw_unwritten(&mut self, slot: usize, output: OutputId, failed: &dyn std::fmt::Debug) {
        let now = self.now;
        if let Some(output) = self.outputs.list.get_mut(output) {
            output.writeback_rest.begin(now);
            let seconds = output.writeback_rest.length() / 1_000_000_000;
            tracing::warn!(
                "{}: a writeback has failed ({failed:?}); pictures are drawn for {seconds} s",
                output.wl.name()
            );
        }
        let wanted = self.captures.drawn.remove(slot).wanted;
        let of = self.captures.series.iter_mut().find(|of| of.series == wanted.series);
        of.into_iter().for_each(|of| of.begun = false);
        let images = self.captures.images.iter_mut().filter(|image| image.subject == wanted.subject);
        images.for_each(|image| image.looked_at = None);
        if wanted.frame.is_alive() {
            self.captures.waiting.push(wanted);
        }
    }

    /// Copies a frame that is drawn into its client's memory.
    pub(super) fn copy_captured(&mut self, slot: usize) {
        let Some(drawn) = self.captures.drawn.get_mut(slot) else { return };
        let copies = std::mem::take(&mut drawn.copies);
        let done = match copies.iter().copied().reduce(|all, one| all.merge(one)) {
            Some(around) => self.write_captured(slot, around, &copies),
            None => Ok(()),
        };
        if let Err(why) = done {
            tracing::debug!("a captured frame is not copied: {why}");
            self.fail_drawn(slot, Failure::Buffer);
        }
    }

    /// Ends a frame that is drawn, but not in its client's memory. What comes next is a first frame again.
    pub(super) fn fail_drawn(&mut self, slot: usize, why: Failure) {
        let wanted = self.captures.drawn.remove(slot).wanted;
        self.captures.series.iter_mut().filter(|of| of.series == wanted.series).for_each(|of| of.begun = false);
        if wanted.frame.is_alive() {
            wanted.frame.failed(why);
        }
    }

    /// Writes parts of an image, all of which lie in `around`, into the buffer of a frame. Error, for the log.
    fn write_captured(&mut self, slot: usize, around: Part, copies: &[Part]) -> Result<(), String> {
        let Drawn { wanted, .. } = &self.captures.drawn[slot];
        if !wanted.frame.is_alive() {
            return Ok(());
        }
        let from = wanted.part.unwrap_or_default().loc;
        let image = self.captures.images.iter().find(|image| image.subject == wanted.subject);
        let target = image.and_then(|image| image.target.as_ref()).ok_or("the image has another size now")?;
        let mut into = Memory::of(&wanted.buffer)?;
        let read = Part::new(around.loc + from, around.size);
        self.outputs.renderer.read_part(target, read, |pixels, pitch| {
            for part in copies {
                let at = part.loc - around.loc;
                let first = at.y as usize * pitch + at.x as usize * 4;
                let rect = [part.loc.x, part.loc.y, part.size.w, part.size.h].map(|value| value.unsigned_abs());
                into.write((rect[0], rect[1], rect[2], rect[3]), &pixels[first..], pitch)?;
            }
            Ok(())
        })?
    }

    /// Answers the frames that are drawn, copied and shown.
    pub(super) fn answer_captures(&mut self) {
        let outputs = &self.outputs.list;
        let now = self.now;
        for (_, drawn) in &mut self.captures.drawn {
            let Some((id, frame)) = drawn.flip else { continue };
            let still = outputs.get(id).and_then(|output| output.machine.frame());
            if still.is_none_or(|flying| flying.frame != frame) {
                // Its flip is not told any more: the display is gone, or another session has it.
                (drawn.flip, drawn.time) = (None, now);
            }
        }
        let is_due = |(slot, drawn): (usize, &Drawn)| (drawn.flip.is_none() && drawn.pass.is_none()).then_some(slot);
        let due: smallvec::SmallVec<[usize; 4]> = self.captures.drawn.iter().filter_map(is_due).collect();
        for slot in due {
            let Drawn { wanted, time, transform, damage, .. } = self.captures.drawn.remove(slot);
            if !wanted.frame.is_alive() {
                continue;
            }
            match self.image_size(wanted.subject) {
                Some(_) => wanted.frame.ready(&Shown { time, transform, damage: &damage }),
                None => wanted.frame.failed(Failure::Stopped),
            }
        }
    }
}
