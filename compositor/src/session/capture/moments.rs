//! When a frame is captured: with the latch of its output, so that it shows what the output shows; or at once,
//! where no latch is to come. A frame that waits makes no latch.

use fence::Ns;
use protocols::capture::{CaptureHandler, Failure, Image, Source, Subject, send_constraints};
use smallvec::SmallVec;
use smithay::reexports::wayland_server::protocol::wl_output::Transform;

use crate::{
    render::{Layer, layer::LastPictures},
    session::{Syncline, capture::hide::hide, parts::captures::Captures},
    system::id::OutputId,
};

/// Which frame of an output an image is of, or when it was shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// The frame that the image is of, if it is one of an output's.
    pub frame: Option<u64>,
    /// The flip of that frame is yet to come.
    pub flip: Option<(OutputId, u64)>,
    /// When it was shown; the time now, if a flip is to come.
    pub time: Ns,
    pub transform: Transform,
}

impl Syncline {
    /// The output has latched these layers, and the frame is with the kernel. `last`: what stands in for
    /// contents that may not be read.
    pub fn capture_latched(&mut self, id: OutputId, layers: &[Layer], last: &LastPictures) {
        if self.captures.waiting.is_empty() {
            return;
        }
        self.capture_output(id, layers, last);
        self.capture_windows(Some(id));
    }

    /// A frame of an output was shown at `time`.
    pub fn capture_flipped(&mut self, id: OutputId, frame: u64, time: Ns) {
        for (_, drawn) in &mut self.captures.drawn {
            if drawn.flip == Some((id, frame)) {
                (drawn.flip, drawn.time) = (None, time);
            }
        }
    }

    /// Called after each batch of events: what is captured may be gone or of another size, and what waits
    /// may have nothing to wait for.
    pub fn refresh_captures(&mut self) {
        if self.captures.is_empty() {
            return;
        }
        self.look_at_pointer();
        let has_others = self.look_at_dmabufs();
        self.tell_constraints(has_others);
        self.answer_captures();
        if !self.captures.waiting.is_empty() {
            for id in self.outputs.list.ids() {
                self.capture_settled(id);
            }
            self.capture_windows(None);
            self.capture_pointer();
            self.answer_captures();
        }
        self.tell_pointers();
        self.captures.forget_unused();
    }

    /// Tells sessions whose image has another size, or is gone; with `again` all of them.
    fn tell_constraints(&mut self, again: bool) {
        let mut series = std::mem::take(&mut self.captures.series);
        for of in &mut series {
            let size = self.image_size(of.subject);
            if of.session.is_none() || of.told.is_none() || of.told == size && !again {
                continue;
            }
            of.told = size;
            match (&of.session, size) {
                (Some(session), Some(size)) => send_constraints(session, size, self.dmabuf_formats(of.subject.source)),
                (Some(session), None) => session.stopped(),
                (None, _) => {}
            }
        }
        self.captures.series = series;
        let gone: SmallVec<[Subject; 4]> = {
            let subjects = self.captures.waiting.iter().map(|wanted| wanted.subject);
            subjects.filter(|subject| self.image_size(*subject).is_none()).collect()
        };
        gone.into_iter().for_each(|subject| self.fail_waiting(subject, Failure::Stopped));
    }

    /// Ends the frames of a subject that wait.
    pub(super) fn fail_waiting(&mut self, subject: Subject, why: Failure) {
        self.captures.waiting.retain(|wanted| {
            if wanted.subject == subject {
                wanted.frame.failed(why);
            }
            wanted.subject != subject
        });
    }

    /// Ends those of them that are the first of their series.
    fn fail_first(&mut self, subject: Subject) {
        let Captures { series, waiting, .. } = &mut self.captures;
        waiting.retain(|wanted| {
            let begun = series.iter().any(|of| of.series == wanted.series && of.begun);
            let fails = wanted.subject == subject && !begun;
            if fails {
                wanted.frame.failed(Failure::Unknown);
            }
            !fails
        });
    }

    /// Captures what an output shows already, where something waits that has not seen it.
    fn capture_settled(&mut self, id: OutputId) {
        let subjects = subjects_of(id);
        let captures = &self.captures;
        if !subjects.iter().any(|subject| captures.waits_for(*subject)) {
            return;
        }
        let output = &self.outputs.list[id];
        if !self.outputs.active || output.machine.is_dark() {
            // It latches nothing. What it would show is enough for who wants to see it at all.
            if subjects.iter().any(|subject| captures.waits_for_first(*subject)) {
                let (mut layers, mut covered) = (Vec::new(), Vec::new());
                let (screen, pointer) = (output.screen(), !output.pointer_on_plane);
                self.collect_scene(id, &screen, pointer, &mut layers, &mut covered);
                self.capture_output(id, &layers, &LastPictures::new());
            }
            return;
        }
        let has_seen = |subject: &Subject| {
            let image = captures.images.iter().find(|image| image.subject == *subject);
            let seen = image.is_some_and(|image| image.looked_at == Some(output.frame));
            !captures.waits_for(*subject) || seen && !captures.is_due(*subject)
        };
        // The next latch is about to show something else.
        if output.dirty || subjects.iter().all(has_seen) {
            return;
        }
        let mut scene = std::mem::take(&mut self.outputs.list[id].scene);
        let last = std::mem::take(scene.last_pictures());
        self.capture_output(id, scene.layers(), &last);
        *scene.last_pictures() = last;
        self.outputs.list[id].scene = scene;
    }

    /// Draws what waits of an output, from the layers of its newest frame.
    fn capture_output(&mut self, id: OutputId, layers: &[Layer], last: &LastPictures) {
        let moment = self.moment_of(id);
        let background = self.background(self.outputs.list[id].filled);
        for subject in subjects_of(id) {
            if !self.captures.waits_for(subject) {
                continue;
            }
            let with_pointer = subject.image == Image::WithPointer;
            let adds = with_pointer && self.outputs.list[id].pointer_on_plane;
            let omits = !with_pointer && layers.iter().any(|layer| layer.pointer);
            let private = self.desktop.private();
            if !adds && !omits && private.is_empty() {
                self.draw_captured(subject, layers, last, background, moment);
                continue;
            }
            let mut own = std::mem::take(&mut self.captures.layers);
            own.clear();
            if adds {
                let output = &self.outputs.list[id];
                self.desktop.collect_pointer(&output.screen(), output.kms.device(), self.now, &mut own);
            }
            own.extend(layers.iter().filter(|layer| with_pointer || !layer.pointer).cloned());
            hide(&mut own, &private);
            self.draw_captured(subject, &own, last, background, moment);
            own.clear();
            self.captures.layers = own;
        }
    }

    /// What is to be told of an image of the output's newest frame.
    pub(super) fn moment_of(&self, id: OutputId) -> Moment {
        let output = &self.outputs.list[id];
        let in_flight = output.machine.frame().is_some_and(|frame| frame.frame == output.frame);
        let lit = self.outputs.active && !output.machine.is_dark();
        let shown = output.flipped_at.filter(|_| lit && !in_flight);
        Moment {
            frame: lit.then_some(output.frame),
            flip: in_flight.then_some((id, output.frame)),
            time: shown.unwrap_or(self.now),
            transform: output.transform.into(),
        }
    }

    /// Draws what waits of windows. `latched`: those whose home has latched a frame; `None`: those that
    /// are not about to be latched.
    fn capture_windows(&mut self, latched: Option<OutputId>) {
        let toplevels = self.captures.waiting.iter().filter(|wanted| wanted.subject.image != Image::Pointer);
        let toplevels = toplevels.filter(|wanted| matches!(wanted.subject.source, Source::Toplevel(_)));
        let mut subjects: SmallVec<[Subject; 4]> = toplevels.map(|wanted| wanted.subject).collect();
        subjects.dedup();
        for subject in subjects {
            let Source::Toplevel(number) = subject.source else { continue };
            let Some(window) = self.desktop.windows.by_mapping(number) else { continue };
            if self.is_locked() {
                // Later frames wait; a client that has none yet is told.
                self.fail_first(subject);
                continue;
            }
            let surface = window.surface().clone();
            let home = self.home(&surface);
            let is_its_moment = match (latched, home) {
                (Some(latched), home) => home == Some(latched),
                (None, Some(home)) => !self.outputs.list[home].dirty,
                (None, None) => true,
            };
            if !is_its_moment {
                continue;
            }
            let mut layers = std::mem::take(&mut self.captures.layers);
            layers.clear();
            self.collect_window(subject, number, home, &mut layers);
            let moment = match home {
                Some(home) => Moment { transform: Transform::Normal, ..self.moment_of(home) },
                None => Moment { frame: None, flip: None, time: self.now, transform: Transform::Normal },
            };
            let black = crate::config::Colour([0; 3]);
            self.draw_captured(subject, &layers, &LastPictures::new(), black, moment);
            layers.clear();
            self.captures.layers = layers;
        }
    }

    /// The layers of a window with its popups, and with the pointer if that is asked for.
    fn collect_window(&mut self, subject: Subject, number: u32, home: Option<OutputId>, layers: &mut Vec<Layer>) {
        let Some(window) = self.desktop.windows.by_mapping(number) else { return };
        let screen = crate::render::Screen::upright(window.rect());
        let pointer = home.filter(|_| subject.image == Image::WithPointer);
        if let Some(output) = pointer.and_then(|home| self.outputs.list.get(home)) {
            self.desktop.collect_pointer(&screen, output.kms.device(), self.now, layers);
        }
        self.desktop.collect_window(number, &screen, self.now, layers);
    }
}

/// The images of an output.
pub(super) fn subjects_of(id: OutputId) -> [Subject; 2] {
    [Image::Plain, Image::WithPointer].map(|image| Subject { source: Source::Output(id.0), image })
}
