//! A display that is about to be lit: its mode, its CRTC and its first frame.
//!
//! This module chooses no card and handles no hotplug.

use std::sync::Arc;

use kms::{
    Mode, PlaneState,
    inventory::{Connector, PanelOrientation},
};
use rustix::io::Errno;
use smithay::utils::Transform;

use crate::{
    output::planes::request::{Held, KmsOutput},
    render::{Target, Tracker},
    surface::transform,
    system::id::OutputId,
};

/// How a display is lit that the kernel refused to light as it was to be.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Fallback {
    /// In words.
    pub what: String,
    /// What the kernel answered.
    pub why: String,
    /// The composited images have no modifier.
    #[serde(skip)]
    pub plain: bool,
}

impl Fallback {
    /// `mode` in the place of `wanted`, `plain`: without modifiers.
    pub fn new(wanted: &Mode, mode: &Mode, plain: bool, why: impl ToString) -> Self {
        let lower = (mode != wanted).then(|| format!("{mode} instead of {wanted}"));
        let plain_words = plain.then(|| "without modifiers".to_owned());
        let what: Vec<String> = lower.into_iter().chain(plain_words).collect();
        Self { what: what.join(", "), why: why.to_string(), plain }
    }
}

/// Whether the kernel may light a display that it has refused with this, if less is asked of it.
/// Others are reasons of the moment, or of the session.
pub fn may_take_less(errno: Errno) -> bool {
    // ENOENT: the connector is gone (a dock, a daisy chain).
    let gone = matches!(errno, Errno::NOENT | Errno::NODEV | Errno::NXIO);
    !gone && !matches!(errno, Errno::BUSY | Errno::NOMEM | Errno::INTR | Errno::ACCESS)
}

/// A display that is about to be lit.
pub struct PendingOutput {
    pub id: OutputId,
    pub connector: Connector,
    pub mode: Mode,
    pub kms: KmsOutput,
    /// The buffer of the first frame, held until it is replaced.
    pub target: Arc<Target>,
    /// The damage tracker of the future output.
    pub tracker: Tracker,
    /// What the primary plane shows with the modeset.
    pub first_frame: PlaneState<'static>,
    /// The connector properties to set with the modeset.
    pub settings: kms::ConnectorState,
    /// The configuration enables VRR; applied if the display supports it.
    pub vrr: bool,
    /// It is not lit as it was to be.
    pub fallback: Option<Fallback>,
}

impl PendingOutput {
    /// The modeset that lights the display, not committed yet.
    pub fn modeset(&mut self, vrr: bool) -> kms::Frame<'_, Held> {
        let (primary, capable) = (self.kms.primary(), self.kms.vrr_capable());
        let mut frame = self.kms.modeset();
        frame
            .show(primary, self.first_frame, Held::target(self.target.clone()))
            .vrr(vrr && capable)
            .connector(self.settings.clone());
        frame
    }

    /// Commits the modeset; without VRR if the kernel refuses it with VRR.
    pub fn set_mode(&mut self) -> Result<(), kms::CommitError> {
        let vrr = self.vrr;
        let number = user_data(self.id, 0);
        let mut result = self.modeset(vrr).commit(number);
        if vrr && self.kms.vrr_capable() && result.is_err() {
            result = self.modeset(false).commit(number);
        }
        result.map(drop)
    }
}

/// Sets the modes of all displays in one commit. Returns false if the kernel refuses it; then no
/// mode is set.
pub fn set_modes(pending: &mut [PendingOutput]) -> bool {
    let number = pending.first().map_or(0, |first| user_data(first.id, 0));
    let mut frames: Vec<_> = pending.iter_mut().map(|display| display.modeset(display.vrr)).collect();
    match kms::frame::together::commit(&mut frames, number) {
        Ok(_) => true,
        Err(error) => {
            tracing::info!("the kernel refused to light all displays in one commit; lighting them one by one: {error}");
            false
        }
    }
}

/// Tests `settings` on the connector: returns them all, or the default if the connector lacks a
/// property or the kernel refuses a value. Logs why.
pub fn supported_settings(
    output: &mut KmsOutput,
    primary: usize,
    (state, target): (PlaneState<'_>, &Arc<Target>),
    settings: kms::ConnectorState,
) -> kms::ConnectorState {
    let with = |output: &mut KmsOutput, settings: Option<&kms::ConnectorState>| {
        let mut frame = output.modeset();
        frame.show(primary, state, Held::target(target.clone()));
        if let Some(settings) = settings {
            frame.connector(settings.clone());
        }
        let result = frame.test();
        frame.cancel();
        result
    };
    let refused = match output.unsupported(&settings) {
        Some(what) => Some(what.to_owned()),
        None => with(output, Some(&settings)).err().and_then(|error| {
            // If the modeset is refused without the settings, too, they are not the cause.
            let plain = with(output, None);
            plain.is_ok().then(|| error.to_string())
        }),
    };
    match refused {
        Some(why) => {
            tracing::warn!("{}: its connector settings in [[output]] are ignored: {why}", output.name());
            kms::ConnectorState::default()
        }
        None => settings,
    }
}

/// The transform of an output: what is configured comes on top of what makes a panel upright that is
/// mounted turned. The kernel's console does the same (`drm_client_rotation`).
pub fn transform_of(panel: Option<PanelOrientation>, configured: Transform) -> Transform {
    let upright = match panel {
        None | Some(PanelOrientation::Normal) => Transform::Normal,
        Some(PanelOrientation::BottomUp) => Transform::_180,
        // Its left side is up, so the image's top has to be there: counter-clockwise.
        Some(PanelOrientation::LeftUp) => Transform::_90,
        Some(PanelOrientation::RightUp) => Transform::_270,
    };
    transform::then(configured, upright)
}

/// The user data of a commit's flip event: the output's id in the upper 16 bits, the frame number
/// below.
pub fn user_data(output: OutputId, frame: u64) -> u64 {
    (u64::from(output.0) << 48) | (frame & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use PanelOrientation::{BottomUp, LeftUp, RightUp};
    use Transform::{_90, _180, _270, Flipped, Flipped90, Flipped270, Normal};

    use super::*;

    #[test]
    fn what_is_configured_comes_on_top_of_what_makes_a_panel_upright() {
        let table = [
            (None, Normal, Normal),
            (None, _90, _90),
            (Some(PanelOrientation::Normal), Flipped, Flipped),
            (Some(BottomUp), Normal, _180),
            (Some(LeftUp), Normal, _90),
            (Some(RightUp), Normal, _270),
            (Some(RightUp), _90, Normal),
            (Some(LeftUp), _90, _180),
            (Some(LeftUp), Flipped, Flipped90),
            (Some(LeftUp), Flipped90, Transform::Flipped180),
            (Some(RightUp), Flipped, Flipped270),
        ];
        for (panel, configured, expected) in table {
            assert_eq!(transform_of(panel, configured), expected, "{panel:?}, {configured:?}");
        }
    }
}
