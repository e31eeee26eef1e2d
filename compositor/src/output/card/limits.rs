//! What a card cannot do: known beforehand from its driver, or found out.

use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{
    quirks::{self, Effect, Quirks},
    recover::{Layout, Learnt},
};

/// What a card cannot do: known beforehand, or found out.
#[derive(Debug)]
pub struct CardLimits {
    pub driver: String,
    quirks: Quirks,
    pub learnt: Learnt,
    /// Layouts that a plane refused although it announces them.
    pub withdrawn: Vec<Layout>,
}

impl CardLimits {
    /// Of a device; says once in the log what is known of its driver.
    pub fn new(device: &kms::Device) -> Self {
        let quirks = Quirks::of(device.driver_info());
        for quirk in quirks.iter() {
            tracing::info!("{}: {quirk}", device.path().display());
        }
        let learnt = Learnt::new(quirks.in_fences());
        Self { driver: device.driver().to_owned(), quirks, learnt, withdrawn: Vec::new() }
    }

    /// Whether a pending fence of `producer` may go into a commit, where the policy allows it.
    pub fn may_hand_over(&self, producer: &str) -> bool {
        self.learnt.in_fences() && quirks::may_hand_over(&self.quirks, &self.driver, producer)
    }

    /// Whether planes show this layout, if they announce it.
    pub fn shows(&self, format: DrmFourcc, modifier: DrmModifier) -> bool {
        let layout = Layout { format: format as u32, modifier: modifier.into() };
        let linear = modifier == DrmModifier::Linear || !self.quirks.has(Effect::LinearOnly);
        linear && !self.withdrawn.contains(&layout)
    }

    /// Modifiers of `format`, that of a target of ours, that a plane shows; none: the driver chooses.
    pub fn modifiers(&self, plane: &kms::OutputPlane, format: DrmFourcc) -> Vec<DrmModifier> {
        let of = plane.formats.iter().find(|f| f.format == format as u32);
        let all = of.map(|f| f.modifiers.iter().map(|m| DrmModifier::from(*m))).into_iter().flatten();
        all.filter(|modifier| self.shows(format, *modifier)).collect()
    }

    /// Displays came or went: what was refused may work now. True if layouts are offered again.
    pub fn reset(&mut self) -> bool {
        self.learnt.reset();
        !std::mem::take(&mut self.withdrawn).is_empty()
    }
}
