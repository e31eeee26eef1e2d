//! What a card cannot do: known from its driver's quirks, or learnt from refused commits.

use drm_fourcc::{DrmFourcc, DrmModifier};
use fence::Ns;
use kms::{
    quirks::{self, Effect, Quirks},
    recover::{Layout, LearnedLimits},
};

use crate::output::card::stalls::Stalls;

/// What a card cannot do.
#[derive(Debug)]
pub struct CardLimits {
    /// The kernel's name of the driver.
    pub driver: String,
    quirks: Quirks,
    /// What refused commits have shown.
    pub learnt: LearnedLimits,
    stalls: Stalls,
    /// Layouts that a plane refused although its driver advertises them.
    pub withdrawn: Vec<Layout>,
}

impl CardLimits {
    /// The limits of a device; logs the known quirks of its driver.
    pub fn new(device: &kms::Device) -> Self {
        let quirks = Quirks::of(device.driver_info());
        for quirk in quirks.iter() {
            tracing::info!("{}: {quirk}", device.path().display());
        }
        let learnt = LearnedLimits::new(quirks.in_fences());
        Self { driver: device.driver().to_owned(), quirks, learnt, stalls: Stalls::default(), withdrawn: Vec::new() }
    }

    /// Whether a pending fence of the driver `producer` may be committed as an in-fence, as far as
    /// the card is concerned; the policy decides separately.
    pub fn may_hand_over(&self, producer: &str) -> bool {
        self.learnt.in_fences() && quirks::may_hand_over(&self.quirks, &self.driver, producer)
    }

    /// Whether overlay planes are used only where they are asked for.
    pub fn overlays_are_asked_for(&self) -> bool {
        self.quirks.has(Effect::OverlaysAskedFor)
    }

    /// Whether a new layout of planes may not be asked for, not even by a test, while another display of
    /// the card has a commit in flight: the call would sleep until that is on the screen.
    pub fn tests_stall(&self, now: Ns) -> bool {
        self.quirks.has(Effect::TestsStall) || self.stalls.are_known(now)
    }

    /// A test or a commit that lays planes out anew took from `from` to `to`; `beside`: while
    /// another display had a commit in flight.
    pub fn laid_out(&mut self, from: Ns, to: Ns, beside: bool) {
        let took = to.saturating_sub(from);
        if self.stalls.asked(to, took, beside) && !self.quirks.has(Effect::TestsStall) {
            let took = took as f64 / 1e6;
            tracing::info!(
                "{}: tests and commits take long, the last {took:.1} ms: {}",
                self.driver,
                Effect::TestsStall
            );
        }
    }

    /// Whether planes can show this layout, provided that they advertise it.
    pub fn shows(&self, format: DrmFourcc, modifier: DrmModifier) -> bool {
        let layout = Layout { format: format as u32, modifier: modifier.into() };
        let linear = modifier == DrmModifier::Linear || !self.quirks.has(Effect::LinearOnly);
        linear && !self.withdrawn.contains(&layout)
    }

    /// The modifiers of `format` that a plane can show, for one of the compositor's own targets.
    /// Empty: the driver chooses.
    pub fn modifiers(&self, plane: &kms::OutputPlane, format: DrmFourcc) -> Vec<DrmModifier> {
        let of = plane.formats.iter().find(|f| f.format == format as u32);
        let all = of.map(|f| f.modifiers.iter().map(|m| DrmModifier::from(*m))).into_iter().flatten();
        all.filter(|modifier| self.shows(format, *modifier)).collect()
    }

    /// Forgets what was learnt, because displays were plugged in or unplugged and refused commits
    /// may work now. Returns whether withdrawn layouts are offered again.
    pub fn reset(&mut self) -> bool {
        self.learnt.forget_inferred();
        self.stalls.forget();
        !std::mem::take(&mut self.withdrawn).is_empty()
    }
}
