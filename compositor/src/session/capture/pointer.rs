//! The pointer as clients capture it: where it is in a source, and its image.

use protocols::capture::{Image, Source, Subject};
use smallvec::SmallVec;
use smithay::{
    reexports::wayland_server::protocol::wl_output::Transform,
    utils::{Buffer, Physical, Point, Rectangle, Size},
};

use crate::{
    render::{Screen, layer::LastPictures},
    session::{Syncline, capture::moments::Moment},
    system::id::OutputId,
};

impl Syncline {
    /// Notes where the pointer's image is, if anybody captures it.
    pub(super) fn look_at_pointer(&mut self) {
        let captures = &self.captures;
        let mut subjects = captures.series.iter().map(|of| of.subject);
        if !captures.pointers.is_empty() || subjects.any(|subject| subject.image == Image::Pointer) {
            self.captures.pointer = self.desktop.pointer_rect();
        }
    }

    /// The size of the pointer's image; one pixel if nothing is shown.
    pub(super) fn pointer_size(&self) -> Size<i32, Physical> {
        self.captures.pointer.map_or((1, 1).into(), |rect| (rect.size.w.max(1), rect.size.h.max(1)).into())
    }

    /// Draws the pointer's image where a frame of it waits.
    pub(super) fn capture_pointer(&mut self) {
        let waiting = self.captures.waiting.iter().map(|wanted| wanted.subject);
        let mut subjects: SmallVec<[Subject; 4]> = waiting.filter(|subject| subject.image == Image::Pointer).collect();
        subjects.dedup();
        if subjects.is_empty() {
            return;
        }
        let Some(rect) = self.captures.pointer else { return };
        let Some(output) = self.output_at(rect.loc.to_f64()) else { return };
        let screen = Screen::upright(rect);
        let mut layers = Vec::new();
        self.desktop.collect_pointer(&screen, self.outputs.list[output].kms.device(), self.now, &mut layers);
        let moment = Moment { frame: None, flip: None, time: self.now, transform: Transform::Normal };
        for subject in subjects {
            self.draw_captured(subject, &layers, &LastPictures::new(), crate::config::Colour([0; 3]), moment);
        }
    }

    /// Tells cursor sessions where the pointer is.
    pub(super) fn tell_pointers(&mut self) {
        if self.captures.pointers.is_empty() {
            return;
        }
        let place = self.pointer_location().to_i32_floor::<i32>();
        let rect = self.captures.pointer;
        let mut pointers = std::mem::take(&mut self.captures.pointers);
        for watch in &mut pointers {
            let area = self.captured_area(watch.source).zip(rect);
            let at: Option<Point<i32, Buffer>> = area.and_then(|(screen, rect)| {
                rect.overlaps(screen.area).then(|| {
                    let at = screen.rect(Rectangle::new(place, (1, 1).into())).loc;
                    (at.x, at.y).into()
                })
            });
            let hotspot = rect.filter(|_| at.is_some()).map(|rect| place - rect.loc).map(|at| (at.x, at.y).into());
            match (watch.at, at) {
                (None, Some(_)) => watch.session.enter(),
                (Some(_), None) => watch.session.leave(),
                _ => {}
            }
            if let Some(at) = at.filter(|at| watch.at != Some(*at)) {
                watch.session.position(at.x, at.y);
            }
            if let Some(hotspot) = hotspot.filter(|hotspot: &Point<i32, Buffer>| watch.hotspot != Some(*hotspot)) {
                watch.session.hotspot(hotspot.x, hotspot.y);
            }
            (watch.at, watch.hotspot) = (at, hotspot);
        }
        self.captures.pointers = pointers;
    }

    /// Where on the desktop a source is.
    fn captured_area(&self, source: Source) -> Option<Screen> {
        match source {
            Source::Output(number) => self.outputs.list.get(OutputId(number)).map(|output| output.screen()),
            Source::Toplevel(number) => {
                let window = self.desktop.windows.by_mapping(number).filter(|_| !self.is_locked())?;
                Some(Screen::upright(window.rect()))
            }
            Source::Gone => None,
        }
    }
}
