//! All outputs with their cards and the renderer: how they begin, and how the console gets its image back.
//!
//! It announces nothing and lights nothing.

use std::sync::Arc;

use fence::HandOff;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;

use crate::{
    config::{
        Config,
        words::{FencePolicy, RendererChoice},
    },
    output::{
        card::{Card, Cards},
        deferred::DeferredAcquire,
        list::OutputList,
        state::Output,
    },
    render::Renderer,
    surface::PendingCommit,
    system::error::Error,
};

/// The cards with their outputs and the renderer of all.
pub struct Outputs {
    pub cards: Cards,
    pub renderer: Renderer,
    /// Nobody has asked for the renderer by name: another one may take its place.
    pub chosen_by_us: bool,
    /// Number of the node that clients are told of first: that of the card that renders.
    pub main: u64,
    /// Serial of the card that has the clients' timelines.
    pub timelines: u32,
    pub policy: HandOff,
    pub list: OutputList,
    /// The session has its VT.
    pub active: bool,
    pub looks: Vec<DeferredAcquire>,
    /// What a latch looks at; empty between latches, its memory is for the next one.
    pub due: Vec<(WlSurface, Arc<PendingCommit>)>,
}

impl Outputs {
    /// Everything but the outputs themselves; they come when displays are lit.
    pub fn new(cards: Cards, choice: RendererChoice, config: &Config) -> Result<Self, Error> {
        let renders = cards.renders().ok_or(kms::OpenError::NoDevice)?;
        let renderer = Renderer::new(choice, &renders.device)?;
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
        let timelines = cards.iter().next().map_or(0, Card::serial);
        let mut renderer = renderer;
        renderer.set_others(cards.iter().map(|card| &card.device));
        let (list, looks, due) = (OutputList::default(), Vec::new(), Vec::new());
        let chosen_by_us = choice == RendererChoice::Auto;
        Ok(Self { cards, renderer, chosen_by_us, main, timelines, policy, list, active: true, looks, due })
    }

    /// A card has left: if its GPU rendered, another one does from now on, or the CPU.
    pub fn renew_renderer(&mut self, gone: u32) {
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
                self.replace_renderer(renderer);
            }
            Err(error) => tracing::error!("the card that rendered is gone: {error}"),
        }
    }

    /// Composites with another renderer from now on.
    pub fn replace_renderer(&mut self, renderer: Renderer) {
        self.renderer = renderer;
        // Allocated by the old one; what they show stays until it is replaced.
        for output in &mut self.list {
            output.targets.clear();
            output.dirty = true;
        }
    }

    /// What to say of a GPU that makes no image for a display of its own card: what else there is, if that was not asked
    /// for.
    pub fn advice(&self, card: u32) -> &'static str {
        match self.renderer.gpu() {
            Some((own, _)) if own == card => "; without --renderer gles, or with --renderer pixman, the CPU draws",
            _ => "",
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

impl Drop for Outputs {
    fn drop(&mut self) {
        self.restore_console();
    }
}
