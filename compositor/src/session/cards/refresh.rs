//! Announcements that depend on the cards, renewed when cards come and go.

use crate::{config::words::RendererChoice, output::card::split, render::Renderer, session::Syncline};

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

    /// Cards have come or gone: where the card of the clients' timelines is gone, new ones live on the
    /// first device that is left and has them.
    pub fn renew_sync_device(&mut self) {
        let Some(syncobj) = &mut self.globals.syncobj else { return };
        let cards = &self.outputs.cards;
        if self.outputs.timeline_card.is_none_or(|card| cards.get(card).is_some()) || cards.list.is_empty() {
            return;
        }
        match split::timelines(cards.iter()) {
            Ok((card, device)) => {
                syncobj.set_device(device);
                self.outputs.timeline_card = card;
            }
            Err(reason) => tracing::warn!("clients get no explicit synchronisation: {reason}"),
        }
    }
}
