//! Pictures of text: they are asked of the painter, and brought to what they are for when they come.
//!
//! A picture is known by the id of its layer ([`SurfaceId`]), so each kind of picture has a range of ids. A
//! session that draws none has no painter. Nothing here knows what a picture says.

use std::io;

use crate::{
    session::Syncline,
    system::{id::SurfaceId, reactor::EventSource},
    text::{
        painter::{Answer, Painter},
        sheet::{NoPicture, Picture, Sheet},
    },
};

impl Syncline {
    /// Asks for a picture, which comes later. An older request for the same one is not drawn any more.
    pub fn draw_text(&mut self, key: SurfaceId, sheet: Sheet) {
        if self.text.painter.is_none() {
            let made = Painter::new().map_err(io::Error::from);
            if let Err(error) = made.and_then(|painter| self.watch_painter(painter)) {
                tracing::warn!("text is not shown: {error}");
                return self.bring_picture(key, None);
            }
        }
        if let Some(painter) = &mut self.text.painter {
            painter.request(key, sheet);
        }
    }

    /// This one draws from now on.
    pub(super) fn watch_painter(&mut self, painter: Painter) -> io::Result<()> {
        self.reactor.add(&painter, EventSource::Text)?;
        self.text.painter = Some(painter);
        Ok(())
    }

    /// Pictures have come, or there will be none.
    pub fn text_event(&mut self) {
        let answers = self.text.painter.as_mut().map(Painter::answers).unwrap_or_default();
        for Answer { key, picture } in answers {
            if matches!(picture, Err(NoPicture::TooMany)) {
                // When those before it are drawn.
                self.desktop.bars.ask_again(key);
                self.bars.stale = true;
                continue;
            }
            if let Err(why) = &picture {
                self.tell_no_picture(why);
            }
            self.bring_picture(key, picture.ok());
        }
    }

    /// A picture goes to what it is for. `None`: there is none.
    fn bring_picture(&mut self, key: SurfaceId, picture: Option<Picture>) {
        if key.is_panel() {
            self.panel_drawn(key, picture);
        } else {
            self.bring_title(key, picture);
        }
    }

    /// What a picture was for is gone: it is not drawn any more, no scene has it, and no renderer keeps it.
    pub fn forget_picture(&mut self, key: SurfaceId) {
        self.text.painter.iter_mut().for_each(|painter| painter.forget(key));
        self.outputs.renderer.forget(key);
        self.drop_layers(key);
    }

    fn tell_no_picture(&mut self, why: &NoPicture) {
        let same = matches!(why, NoPicture::NoFonts) && std::mem::replace(&mut self.text.without_fonts, true);
        match why {
            _ if same => {}
            // Clients choose the sizes of their windows.
            NoPicture::Size(..) | NoPicture::FontSize(_) => tracing::debug!("text is not shown: {why}"),
            _ => tracing::warn!("text is not shown: {why}"),
        }
    }
}
