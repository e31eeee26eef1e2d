//! What a card cannot do: known from its driver's quirks, or learnt from refused commits.

use drm_fourcc::{DrmFourcc, DrmModifier};
use fence::Ns;
use kms::{
    quirks::{self, Effect, Quirks},
    recover::{Layout, LearnedLimits},
};

/// What a card cannot do.
#[derive(Debug)]
pub struct CardLimits {
    /// The kernel's name of the driver.
    pub driver: String,
    quirks: Quirks,
    /// What refused commits have shown.
    pub learnt: LearnedLimits,
    /// A call has slept until another display flipped.
    tests_stall: bool,
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
        Self { driver: device.driver().to_owned(), quirks, learnt, tests_stall: false, withdrawn: Vec::new() }
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
    pub fn tests_stall(&self) -> bool {
        self.tests_stall || self.quirks.has(Effect::TestsStall)
    }

    /// A test or a commit took so long while another display had a commit in flight.
    pub fn asked_beside_another(&mut self, took: Ns) {
        /// No driver computes for so long.
        const SLEPT: Ns = 2_000_000;
        if took > SLEPT && !self.tests_stall() {
            self.tests_stall = true;
            let took = took as f64 / 1e6;
            tracing::info!("{}: a commit or a test took {took:.1} ms: {}", self.driver, Effect::TestsStall);
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
        !std::mem::take(&mut self.withdrawn).is_empty()
    }
}
