//! What clients ask to capture: sessions with their constraints, frames with their buffers.

use std::sync::Arc;

use dmabuf_import::Fourcc;
use drm_fourcc::DrmModifier;
use protocols::{
    capture::{
        CaptureHandler, DmabufFormats, Failure, Frame, Image, Part, Series, Source, Subject, Wanted, send_constraints,
    },
    reexports::image_capture::{cursor::ExtImageCopyCaptureCursorSessionV1, session::ExtImageCopyCaptureSessionV1},
    shm,
};
use smithay::{
    reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_output},
    utils::{Logical, Rectangle, Size},
};

use crate::{
    render::target::OPAQUE,
    session::{
        Syncline,
        parts::captures::{Capturing, Known, PointerWatch},
    },
    surface::{buffer::Imports, shm::Shm},
    system::id::OutputId,
};

impl Syncline {
    /// Notes which dma-bufs images can be put into: by the renderer, else by writeback connectors. Returns whether
    /// these are others than before.
    pub fn look_at_dmabufs(&mut self) -> bool {
        let renderer = &self.outputs.renderer;
        let written = self.outputs.list.iter().filter(|output| output.writeback.is_some()).map(|output| output.id);
        let renderer_is = (renderer.name(), renderer.gpu().map(|(card, _)| card));
        let now = Known { renderer: renderer_is, written: written.collect() };
        if self.captures.known.as_ref() == Some(&now) {
            return false;
        }
        let mut formats = renderer.captured_formats();
        self.captures.written = formats.is_empty() && !now.written.is_empty() && is_writeback_asked_for();
        if self.captures.written {
            formats.push((OPAQUE, vec![DrmModifier::Linear]));
        }
        self.captures.known = Some(now);
        let formats = formats
            .into_iter()
            .map(|(format, modifiers)| (format as u32, modifiers.into_iter().map(u64::from).collect()));
        let known = DmabufFormats { device: self.outputs.main_device, formats: formats.collect() };
        // Without a global nobody could make one.
        self.captures.dmabufs =
            Some(known).filter(|known| !known.formats.is_empty() && self.globals.linux_dmabuf.is_some());
        true
    }
}

impl CaptureHandler for Syncline {
    fn output_number(&self, output: &wl_output::WlOutput) -> Option<u32> {
        self.output_of(output).map(|id| id.0)
    }

    fn image_size(&self, subject: Subject) -> Option<(u32, u32)> {
        let size: Size<i32, _> = match subject.source {
            Source::Output(number) => self.outputs.list.get(OutputId(number)).map(|output| output.pixels())?,
            Source::Toplevel(number) => {
                let window = self.desktop.windows.by_mapping(number).filter(|window| !window.private)?;
                let size = window.geometry().size;
                (size.w.max(1), size.h.max(1)).into()
            }
            Source::Gone => return None,
        };
        let size = if subject.image == Image::Pointer { self.pointer_size() } else { size };
        Some((size.w.unsigned_abs(), size.h.unsigned_abs()))
    }

    fn part_of_output(&self, output: u32, area: Rectangle<i32, Logical>) -> Option<Part> {
        let screen = self.outputs.list.get(OutputId(output))?.screen();
        let seen = area.intersection(Rectangle::from_size(screen.area.size))?;
        let part = screen.rect(Rectangle::new(screen.area.loc + seen.loc, seen.size));
        let part = part.intersection(Rectangle::from_size(screen.pixels())).filter(|part| !part.is_empty())?;
        Some(Part::new((part.loc.x, part.loc.y).into(), (part.size.w, part.size.h).into()))
    }

    fn dmabuf_formats(&self, source: Source) -> Option<&DmabufFormats> {
        let has_writeback = |number| self.outputs.list.get(OutputId(number)).is_some_and(|of| of.writeback.is_some());
        let takes = match (self.captures.written, source) {
            (false, _) => true,
            (true, Source::Output(number)) => has_writeback(number),
            (true, Source::Toplevel(_) | Source::Gone) => false,
        };
        self.captures.dmabufs.as_ref().filter(|_| takes)
    }

    fn takes_image(&self, source: Source, buffer: &WlBuffer, (width, height): (u32, u32)) -> Result<(), String> {
        let is_as_large = |has: (u32, u32)| match has == (width, height) {
            true => Ok(()),
            false => Err(format!("the buffer has {}x{} pixels, not {width}x{height}", has.0, has.1)),
        };
        if let Some(shm) = shm::import_of::<Arc<Shm>>(buffer) {
            let picture = &shm.picture;
            is_as_large((picture.width, picture.height))?;
            return match picture.format {
                Fourcc::Xrgb8888 | Fourcc::Argb8888 => Ok(()),
                other => Err(format!("the format of the buffer is {other}, which was not offered")),
            };
        }
        let imported = Imports::of(buffer).ok_or("the buffer is neither of shared memory nor a dma-buf")?;
        let known = self.dmabuf_formats(source).ok_or("it is a dma-buf, which was not offered")?;
        let dmabuf = &imported.dmabuf;
        is_as_large((dmabuf.width(), dmabuf.height()))?;
        let (format, modifier) = (dmabuf.format() as u32, u64::from(dmabuf.modifier()));
        let fits = known.formats.iter().any(|(of, modifiers)| *of == format && modifiers.contains(&modifier));
        match fits && !imported.y_invert {
            true => Ok(()),
            false => Err(format!("{} with modifier {modifier:#x} was not offered", dmabuf.format())),
        }
    }

    fn session_begun(&mut self, number: u64, session: ExtImageCopyCaptureSessionV1, subject: Subject) {
        let told = self.image_size(subject);
        match told {
            Some(size) => send_constraints(&session, size, self.dmabuf_formats(subject.source)),
            None => session.stopped(),
        }
        let series = Capturing::new(Series::Session(number), subject);
        self.captures.series.push(Capturing { session: Some(session), told, ..series });
    }

    fn session_gone(&mut self, number: u64) {
        if let Some(of) = self.captures.series.iter_mut().find(|of| of.series == Series::Session(number)) {
            (of.session, of.ended) = (None, true);
        }
    }

    fn cursor_session_begun(&mut self, session: ExtImageCopyCaptureCursorSessionV1, source: Source) {
        self.captures.pointers.push(PointerWatch { session, source, at: None, hotspot: None });
        self.look_at_pointer();
    }

    fn cursor_session_gone(&mut self, session: &ExtImageCopyCaptureCursorSessionV1) {
        self.captures.pointers.retain(|watch| watch.session != *session);
    }

    fn screencopy_gone(&mut self, manager: u64) {
        for of in &mut self.captures.series {
            of.ended |= matches!(of.series, Series::Screencopy(by, _) if by == manager);
        }
    }

    fn wanted(&mut self, wanted: Wanted) {
        let known = self.captures.find(wanted.series);
        match (wanted.series, known) {
            // Its session has stopped, or was destroyed together with all that is known of it.
            (Series::Session(_), Some(Capturing { told: None, .. }) | None) => {
                return wanted.frame.failed(Failure::Stopped);
            }
            (Series::Screencopy(..), None) => {
                let series = Capturing::new(wanted.series, wanted.subject);
                self.captures.series.push(Capturing { ended: wanted.is_last, ..series });
            }
            (_, Some(_)) => {}
        }
        if wanted.part.is_none() {
            let Some(size) = self.image_size(wanted.subject) else { return wanted.frame.failed(Failure::Stopped) };
            if self.takes_image(wanted.subject.source, &wanted.buffer, size).is_err() {
                return wanted.frame.failed(Failure::Buffer);
            }
        }
        self.captures.waiting.push(wanted);
    }

    fn frame_gone(&mut self, frame: &Frame) {
        // One that is drawn is found to be gone when it is to be answered.
        self.captures.waiting.retain(|wanted| !wanted.frame.is(frame));
        // The client's own fences may never signal.
        let mut drawn = self.captures.drawn.iter();
        let put_off = drawn.find(|(_, drawn)| drawn.is_put_off && drawn.wanted.frame.is(frame)).map(|(slot, _)| slot);
        if let Some(fence) = put_off.and_then(|slot| self.captures.drawn.remove(slot).pass) {
            self.reactor.remove(fence).ok();
        }
    }
}

/// Writeback is only for who asks for it: vkms can lose the first job of a display that is animated, and nothing
/// notices that yet.
fn is_writeback_asked_for() -> bool {
    cfg!(test) || std::env::var_os("SYNCLINE_WRITEBACK").is_some_and(|value| value == "1")
}
