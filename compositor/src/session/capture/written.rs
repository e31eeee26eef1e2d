//! Pictures that a display puts into clients' buffers by its writeback connector, while it scans a frame out:
//! nobody draws them, and their fence comes with the commit.
//!
//! Only of a frame whose image the display makes as a picture of it would be drawn, and only where no GPU draws
//! pictures. Whatever is refused is drawn ([`super::draw`]), with the same latch.

use std::sync::Arc;

use fence::{SyncFile, implicit::Access};
use kms::CrtcState;
use protocols::capture::{Image, Part, Subject, Wanted};

use crate::{
    output::planes::tear::TearVerdict,
    render::Layer,
    session::{
        Syncline,
        capture::{draw::awaited, moments::subjects_of},
        parts::captures::{parts, with_rect},
    },
    surface::buffer::{Imported, Imports},
    system::id::OutputId,
};

/// A frame that waits, and the client's buffer that its image is to be put into.
pub struct Writing {
    wanted: Wanted,
    pub buffer: Arc<Imported>,
}

impl Syncline {
    /// Takes a waiting frame that the output's next frame is to be put into; `on_plane`: the cursor plane shows
    /// the pointer. `None`: there is none, or the display would show something that no picture has. The caller
    /// gives it to [`Syncline::image_written`], whatever becomes of the commit.
    pub fn image_to_write(&mut self, id: OutputId, layers: &[Layer], on_plane: bool) -> Option<Writing> {
        if !self.captures.written || self.captures.waiting.is_empty() {
            return None;
        }
        let output = &self.outputs.list[id];
        output.writeback.as_ref()?;
        // A job stops the CRCs of vkms. A torn frame is no image at all.
        let is_watched = output.crc.is_some();
        let tears = output.tearing == TearVerdict::May;
        let computes = output.colour.differs(&CrtcState::default());
        let is_private = self.desktop.windows.private().next().is_some();
        let rests = output.writeback_rest.lasts(self.now);
        // The first job is a modeset, which would wait for the card's other displays.
        let waits = output.attaches_writeback() && self.outputs.is_beside_another(id);
        if is_watched || tears || computes || is_private || rests || waits || output.machine.is_dark() {
            return None;
        }
        let has_pointer = on_plane || layers.iter().any(|layer| layer.pointer);
        let as_shown = |subject: &Subject| subject.image == Image::WithPointer || !has_pointer;
        subjects_of(id)
            .into_iter()
            .filter(as_shown)
            .find_map(|subject| self.take_to_write(id, subject, layers, on_plane))
    }

    fn take_to_write(&mut self, id: OutputId, subject: Subject, layers: &[Layer], on_plane: bool) -> Option<Writing> {
        let (width, height) = (self.outputs.list[id].pixels().w, self.outputs.list[id].pixels().h);
        let whole = Part::from_size((width, height).into());
        let device = self.outputs.list[id].kms.device();
        let suitable = |wanted: &Wanted| {
            let buffer = Imports::of(&wanted.buffer)?;
            let fits = wanted.subject == subject && wanted.part.is_none_or(|part| part == whole);
            // What others still do with it, no writeback waits for.
            let fits = fits && wanted.frame.is_alive() && awaited(buffer).is_none();
            (fits && buffer.framebuffer(device).is_some()).then(|| buffer.clone())
        };
        let (at, buffer) =
            self.captures.waiting.iter().enumerate().find_map(|(at, wanted)| Some((at, suitable(wanted)?)))?;
        self.note_image(id, subject, layers, on_plane);
        let wanted = self.captures.waiting.get(at)?;
        let of = self.captures.find(wanted.series)?;
        let is_due = wanted.at_once || !of.begun || of.damage.is_non_empty();
        is_due.then(|| Writing { wanted: self.captures.waiting.remove(at), buffer })
    }

    /// Notes what a frame changes of an image, for all who capture it.
    fn note_image(&mut self, id: OutputId, subject: Subject, layers: &[Layer], on_plane: bool) {
        let Some(at) = self.image_for(subject) else { return };
        let background = self.background(self.outputs.list[id].filled);
        let mut own = std::mem::take(&mut self.captures.layers);
        own.clear();
        if on_plane {
            let output = &self.outputs.list[id];
            self.desktop.collect_pointer(&output.screen(), output.kms.device(), self.now, &mut own);
            own.extend(layers.iter().cloned());
        }
        let image = &mut self.captures.images[at];
        let changed = image.tracker.note(if on_plane { &own } else { layers }, background);
        image.age = if image.age == 0 { 0 } else { image.age + 1 };
        own.clear();
        self.captures.layers = own;
        for of in self.captures.series.iter_mut().filter(|of| of.subject == subject) {
            of.damage = parts(&changed).fold(of.damage.clone(), |all, part| with_rect(&all, part));
        }
    }

    /// The frame is with the kernel, and `image` signals when its image is in the buffer; `None`: it is not put
    /// there, so it is drawn like others.
    pub fn image_written(&mut self, id: OutputId, written: Writing, image: Option<SyncFile>) {
        let Writing { wanted, buffer } = written;
        let Some(fence) = image else { return self.captures.waiting.push(wanted) };
        // Whoever reads it with implicit synchronisation waits, too.
        if let Err(error) = buffer.dmabuf.import_sync_file(&fence, Access::Write) {
            tracing::debug!("a captured dma-buf gets no fence: {error}");
        }
        self.counters.written_pictures += 1;
        let moment = self.moment_of(id);
        let images = self.captures.images.iter_mut().filter(|image| image.subject == wanted.subject);
        images.for_each(|image| image.looked_at = moment.frame);
        let pixels = self.outputs.list[id].pixels();
        let whole = Part::from_size((pixels.w, pixels.h).into());
        self.take_image(wanted, whole, (Some(&fence), Some(id)), moment, &[]);
    }
}
