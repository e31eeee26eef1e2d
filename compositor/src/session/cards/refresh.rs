//! What the session announces depends on its cards: renewed when they come and go.

use crate::{config::words::RendererChoice, output::card::card::Card, render::Renderer, session::Syncline};

impl Syncline {
    /// The GPU makes no picture that a display of its own card shows. If nobody has asked for it by
    /// name, the CPU draws from now on. Whether it does.
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
                    "{path}: its GPU makes no picture for its displays ({why}); rendering with pixman on the CPU instead"
                );
                outputs.replace_renderer(renderer);
            }
            Err(error) => {
                tracing::error!("{path}: {error}");
                return false;
            }
        }
        self.renew_ways();
        if self.globals.feedback.is_some() {
            self.renew_feedback();
        }
        true
    }

    /// Cards have come or gone: clients' new timelines live on the first one that is there.
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
            Err(reason) => tracing::warn!("no explicit synchronisation on {}: {reason}", card.driver()),
        }
    }
}
