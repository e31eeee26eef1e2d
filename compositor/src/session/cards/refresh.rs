//! Announcements that depend on the cards, renewed when cards come and go.

use crate::{config::words::RendererChoice, output::card::card::Card, render::Renderer, session::Syncline};

impl Syncline {
    /// The GPU makes no buffer that a display of its own card can show. If the user has not chosen
    /// the renderer, switches to pixman on the CPU. Returns whether it did.
    pub fn give_up_gpu(&mut self, card: kms::CardSerial, why: &str) -> bool {
        let outputs = &mut self.outputs;
        let Some(own) = outputs.cards.get(card).filter(|_| outputs.renderer_is_auto) else { return false };
        if outputs.renderer.gpu().is_none_or(|(renders, _)| renders != card) {
            return false;
        }
        let path = own.device.path().display().to_string();
        match Renderer::new(RendererChoice::Pixman, &own.device) {
            Ok(renderer) => {
                tracing::warn!(
                    "{path}: its displays cannot show the buffers of its GPU ({why}); rendering with pixman on the CPU instead"
                );
                outputs.replace_renderer(renderer);
            }
            Err(error) => {
                tracing::error!("{path}: {error}");
                return false;
            }
        }
        self.renew_read_paths();
        if self.globals.feedback.is_some() {
            self.renew_feedback();
        }
        true
    }

    /// Cards have come or gone: new timelines of clients live on the first card that is left.
    pub fn renew_sync_device(&mut self) {
        let Some(syncobj) = &mut self.globals.syncobj else { return };
        let Some(card) =
            self.outputs.cards.iter().next().filter(|card| Some(card.serial()) != self.outputs.timeline_card)
        else {
            return;
        };
        match Card::sync_device(card) {
            Ok(device) => {
                syncobj.set_device(device);
                self.outputs.timeline_card = Some(card.serial());
            }
            Err(reason) => tracing::warn!("{}: clients get no explicit synchronisation: {reason}", card.driver()),
        }
    }
}
