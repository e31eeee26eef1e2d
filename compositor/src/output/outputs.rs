//! All outputs with their cards and the renderer: how a session sets them up, and how the console's
//! image is restored.
//!
//! This module announces nothing to clients and lights no display.

use std::sync::Arc;

use fence::{HandOff, Ns, SyncFile};
use kms::producer::Producers;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;

use crate::{
    config::{
        Config, FencesConfig,
        words::{FencePolicy, RendererChoice},
    },
    output::{
        card::{Card, Cards, split},
        deferred::DeferredAcquire,
        gpu_resets::GpuResets,
        list::OutputList,
        quiet::QuietMoment,
        state::Output,
    },
    render::Renderer,
    surface::PendingCommit,
    system::{error::Error, id::OutputId},
};

/// The cards, their outputs and the one renderer.
pub struct Outputs {
    pub cards: Cards,
    pub renderer: Renderer,
    /// The renderer was chosen automatically, not named by the user: another one may replace it.
    pub renderer_is_auto: bool,
    /// The last resets of its GPU.
    pub gpu_resets: GpuResets,
    /// `dev_t` of the main device that dmabuf feedback names; see [`split::main_device`].
    pub main_device: u64,
    /// Serial of the card on which the clients' syncobj timelines are imported; `None`: on a render
    /// node, or nowhere.
    pub timeline_card: Option<kms::CardSerial>,
    /// Which pending fences may be committed as in-fences.
    pub policy: HandOff,
    /// By which fences are known, for that policy.
    pub producers: Producers,
    /// A fence that has signalled, for planes that wait for nothing. `None`: there is no display, or
    /// no card can make one.
    pub signalled: Option<SyncFile>,
    /// The lit outputs.
    pub list: OutputList,
    /// The session's VT is active.
    pub active: bool,
    /// Pending commits that the next latch of their output checks.
    pub deferred: Vec<DeferredAcquire>,
    /// Scratch list of a latch: the commits that it checks. Empty between latches; its memory is
    /// reused.
    pub due: Vec<(WlSurface, Arc<PendingCommit>)>,
}

/// Which pending fences are handed over, as the configuration has it.
pub fn hand_off(config: &FencesConfig) -> HandOff {
    match config.policy {
        FencePolicy::Never => HandOff::Never,
        FencePolicy::SameDriver => HandOff::SameDriver,
        FencePolicy::Trusted => HandOff::Trusted(config.trusted.clone()),
        FencePolicy::Always => HandOff::Always,
    }
}

impl Outputs {
    /// Sets up the cards and the renderer. The output list is empty until displays are lit. Errors:
    /// no card, or the renderer that the user named cannot be opened.
    pub fn new(cards: Cards, choice: RendererChoice, config: &Config) -> Result<Self, Error> {
        let card = cards.rendering_card().ok_or(kms::OpenError::NoDevice)?;
        let renderer = Renderer::new(choice, &card.device)?;
        let policy = hand_off(&config.fences);
        for card in cards.iter() {
            tracing::info!("{}: driver {}", card.device.path().display(), card.driver());
        }
        match renderer.gpu() {
            Some(_) => tracing::info!("rendering with {} on {}", renderer.name(), card.device.path().display()),
            None => tracing::info!("rendering with {} on the CPU", renderer.name()),
        }
        let main_device = split::main_device(card);
        if main_device != card.node {
            tracing::info!("clients are told to render with the machine's first GPU");
        }
        let mut renderer = renderer;
        renderer.set_others(cards.iter().map(|card| &card.device));
        let (list, deferred, due) = (OutputList::default(), Vec::new(), Vec::new());
        let renderer_is_auto = choice == RendererChoice::Auto;
        Ok(Self {
            cards,
            renderer,
            gpu_resets: GpuResets::default(),
            renderer_is_auto,
            main_device,
            timeline_card: None,
            policy,
            producers: Producers::of_machine(),
            signalled: None,
            list,
            active: true,
            deferred,
            due,
        })
    }

    /// A display was lit or is gone: there is a signalled fence while there is a display.
    pub fn renew_signalled(&mut self) {
        if self.list.is_empty() {
            self.signalled = None;
        } else if self.signalled.is_none() {
            self.signalled = self.cards.iter().find_map(Card::signalled_fence);
        }
    }

    /// Replaces the renderer if it used the GPU of the card `gone`: by that of another card, else
    /// by the CPU.
    pub fn renew_renderer(&mut self, gone: kms::CardSerial) {
        if self.renderer.gpu().is_none_or(|(card, _)| card != gone) {
            return;
        }
        let renews = self
            .cards
            .rendering_card()
            .map(|card| (Renderer::new(RendererChoice::Auto, &card.device), split::main_device(card)));
        let renewed = match renews {
            Some((renderer, node)) => {
                self.main_device = node;
                renderer
            }
            None => Renderer::software(),
        };
        match renewed {
            Ok(renderer) => {
                tracing::warn!("the card that rendered was unplugged; rendering with {} now", renderer.name());
                self.replace_renderer(renderer);
            }
            Err(error) => {
                tracing::error!("the card that rendered was unplugged, and no other renderer could be opened: {error}")
            }
        }
    }

    /// The GPU was reset at `now` and the renderer is lost: another one takes its place, on the same
    /// GPU unless that is reset again and again. Clients' buffers are not touched: what their own work
    /// was is told by their fences.
    pub fn renew_lost_renderer(&mut self, now: Ns) {
        let gpu = self.renderer.gpu().map(|(card, _)| card);
        let device = self.cards.iter().find(|card| Some(card.serial()) == gpu).map(|card| &card.device);
        let renewed = match device {
            Some(device) if self.gpu_resets.allow_another(now) => Renderer::new(RendererChoice::Gles, device),
            _ => Renderer::software(),
        };
        match renewed {
            Ok(renderer) => {
                tracing::warn!("the GPU was reset; rendering with {} from now on", renderer.name());
                self.replace_renderer(renderer);
            }
            Err(error) => {
                tracing::error!("the GPU was reset and cannot be used: {error}; rendering with pixman from now on");
                match Renderer::software() {
                    Ok(renderer) => self.replace_renderer(renderer),
                    Err(error) => tracing::error!("{error}"),
                }
            }
        }
    }

    /// Composites with `renderer` from the next frame on.
    pub fn replace_renderer(&mut self, renderer: Renderer) {
        self.renderer = renderer;
        // The old renderer allocated these targets. The ones on planes live until they are
        // replaced.
        for output in &mut self.list {
            output.targets.clear();
            output.dirty = true;
        }
    }

    /// What to append to an error of a GPU that cannot render for a display of its own card: the
    /// options that make the CPU render. Empty if another card's GPU renders.
    pub fn advice(&self, card: kms::CardSerial) -> &'static str {
        match self.renderer.gpu() {
            Some((own, _)) if own == card => {
                "; run without --renderer gles, or with --renderer pixman, to render on the CPU"
            }
            _ => "",
        }
    }

    /// Restores the consoles of all cards and drops their outputs. A second call does nothing. Runs
    /// also when the session ends in a panic.
    pub fn restore_console(&mut self) {
        for card in self.cards.iter_mut() {
            let mut outputs = self.list.iter().filter(|output| output.is_on(card.serial()));
            let stalled = outputs.any(Output::is_stalled);
            let serial = card.serial();
            self.list.retain(|output| !output.is_on(serial));
            card.restore_console(stalled);
        }
    }
}

impl Outputs {
    /// Whether another output of the card of `id` has a commit in flight, or may have.
    pub fn is_beside_another(&self, id: OutputId) -> bool {
        let card = self.list[id].kms.device().serial();
        let leaving =
            self.cards.get(card).is_some_and(|card| card.leaving.iter().any(|of| of.kms.in_flight().is_some()));
        leaving || self.list.iter().any(|other| other.id != id && other.is_on(card) && other.machine.is_in_flight())
    }

    /// Whether an output of the card waits for a [`QuietMoment`], which then must not be long in
    /// coming.
    pub fn is_quiet_awaited(&self, card: kms::CardSerial) -> bool {
        self.list.iter().any(|output| output.is_on(card) && output.quiet != QuietMoment::Any)
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.restore_console();
    }
}
