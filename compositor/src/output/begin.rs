//! How a session's outputs begin and end: the renderer, the policy, what is announced, the console's picture put back.

use fence::{HandOff, SyncDevice};
use protocols::syncobj::SyncobjState;
use smithay::reexports::wayland_server::DisplayHandle;

use super::{Output, Outputs, card::Card, cards::Cards};
use crate::{
    cli::{FencePolicy, RendererChoice, RunArgs},
    config::Config,
    error::Error,
    feedback::{self, Feedbacks},
    render::Renderer,
    state::{Globals, Syncline},
};

impl Outputs {
    /// Everything but the outputs themselves; see [`Syncline::light_cards`].
    pub fn new(cards: Cards, args: &RunArgs, config: &Config) -> Result<Self, Error> {
        let renders = cards.renders().ok_or(Error::NoDevice)?;
        let renderer = Renderer::new(args.renderer, &renders.device)?;
        let policy = match config.fences.policy {
            FencePolicy::Never => HandOff::Never,
            FencePolicy::SameDriver => HandOff::SameDriver,
            FencePolicy::Trusted => HandOff::Trusted(config.fences.trusted.clone()),
            FencePolicy::Always => HandOff::Always,
        };
        for card in cards.iter() {
            tracing::info!("{}: driver {}", card.device.path().display(), card.driver());
        }
        match renderer.gpu() {
            Some(_) => tracing::info!("rendering with {} on {}", renderer.name(), renders.device.path().display()),
            None => tracing::info!("rendering with {} on the CPU", renderer.name()),
        }
        let main = renders.node;
        let timelines = cards.iter().next().map(Card::serial);
        let mut renderer = renderer;
        renderer.set_others(cards.iter().map(|card| &card.device));
        let (list, looks, due) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { cards, renderer, main, timelines, policy, list, active: true, looks, due })
    }

    /// Announces what depends on the devices: dma-buf formats and explicit synchronisation. The first card has the clients' timelines; when it
    /// leaves, the next one gets those that are made then.
    pub fn announce(&self, display: &DisplayHandle, globals: &mut Globals) -> Result<(), Error> {
        let feedback = Feedbacks::new(self)?;
        globals.linux_dmabuf = Some(feedback::announce(display, &feedback));
        globals.feedback = Some(feedback);
        globals.shm.add_formats(self.renderer.shm_formats());
        let Some(card) = self.cards.iter().next() else { return Err(Error::NoDevice) };
        match sync_device(card) {
            Ok(device) => globals.syncobj = Some(SyncobjState::new::<Syncline>(display, device)),
            Err(reason) => tracing::warn!("no explicit synchronisation for clients on {}: {reason}", card.driver()),
        }
        Ok(())
    }

    /// A card has left: if its GPU rendered, another one does from now on, or the CPU.
    pub(super) fn renew_renderer(&mut self, gone: kms::CardSerial) {
        if self.renderer.gpu().is_none_or(|(card, _)| card != gone) {
            return;
        }
        let renews = self.cards.renders().map(|card| (Renderer::new(RendererChoice::Auto, &card.device), card.node));
        let renewed = match renews {
            Some((renderer, node)) => {
                self.main = node;
                renderer
            }
            None => Renderer::software(),
        };
        match renewed {
            Ok(renderer) => {
                tracing::warn!("the card that rendered is gone; rendering with {} now", renderer.name());
                self.renderer = renderer;
                // Allocated by the old one; what they show stays until it is replaced.
                for output in &mut self.list {
                    output.targets.clear();
                    output.dirty = true;
                }
            }
            Err(error) => tracing::error!("the card that rendered is gone: {error}"),
        }
    }

    /// Puts the consoles back; called once, also when the session ends in a panic.
    pub fn restore_console(&mut self) {
        for card in self.cards.iter_mut() {
            let mut on_it = self.list.iter().filter(|output| output.is_on(card.serial()));
            let stuck = on_it.any(Output::is_stuck);
            let serial = card.serial();
            self.list.retain(|output| !output.is_on(serial));
            card.restore_console(stuck);
        }
    }
}

/// A card as the place of clients' timelines; why not, else.
fn sync_device(card: &Card) -> Result<SyncDevice, String> {
    let fd = std::os::fd::AsFd::as_fd(&card.device).try_clone_to_owned().map_err(|e| e.to_string())?;
    let device = SyncDevice::new(fd).map_err(|e| e.to_string())?;
    device.require().map(|()| device).map_err(|missing| missing.to_string())
}

impl Syncline {
    /// Cards have come or gone: clients' new timelines live on the first one that is there.
    pub(super) fn renew_sync_device(&mut self) {
        let Some(syncobj) = &mut self.globals.syncobj else { return };
        let Some(card) = self.outputs.cards.iter().next().filter(|card| Some(card.serial()) != self.outputs.timelines)
        else {
            return;
        };
        match sync_device(card) {
            Ok(device) => {
                syncobj.move_to(device);
                self.outputs.timelines = Some(card.serial());
            }
            Err(reason) => tracing::warn!("no explicit synchronisation on {}: {reason}", card.driver()),
        }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.restore_console();
    }
}
