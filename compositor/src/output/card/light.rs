//! A display that is about to be lit: its mode, its CRTC and its first image.
//!
//! It chooses no card and follows no plug.

use std::sync::Arc;

use kms::{Mode, PlaneState, inventory::Connector};
use smithay::backend::renderer::damage::OutputDamageTracker;

use crate::{
    render::Target,
    system::{error::Error, id::OutputId},
};

/// A display that is about to be lit.
pub struct PendingOutput {
    pub id: OutputId,
    pub connector: Connector,
    pub mode: Mode,
    pub kms: kms::Output,
    pub target: Arc<Target>,
    pub tracker: OutputDamageTracker,
    pub picture: PlaneState<'static>,
    /// What its connector is told.
    pub told: kms::ConnectorState,
    /// It is to refresh at a varying rate, if it can.
    pub vrr: bool,
}

impl PendingOutput {
    pub fn modeset(&mut self, vrr: bool) -> kms::Frame<'_> {
        let (primary, capable) = (self.kms.primary(), self.kms.vrr_capable());
        let mut frame = self.kms.modeset();
        frame.set(primary, self.picture).vrr(vrr && capable).connector(self.told.clone());
        frame
    }

    /// Sets the mode, without variable refresh if it is refused with it.
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

/// Sets the modes of all in one commit; false if the kernel does not take that, and then none is set.
pub fn set_modes(dark: &mut [PendingOutput]) -> bool {
    let number = dark.first().map_or(0, |first| user_data(first.id, 0));
    let mut frames: Vec<_> = dark.iter_mut().map(|dark| dark.modeset(dark.vrr)).collect();
    match kms::frame::together::commit(&mut frames, number) {
        Ok(_) => true,
        Err(error) => {
            tracing::info!("not all displays at once, but one by one: {error}");
            false
        }
    }
}

/// What of `told` the connector takes: all, or nothing where it lacks a property or the kernel refuses a value.
pub fn takes(
    output: &mut kms::Output,
    primary: usize,
    state: PlaneState<'_>,
    told: kms::ConnectorState,
) -> kms::ConnectorState {
    let refused = match output.cannot(&told) {
        Some(what) => Some(what.to_owned()),
        None => output.modeset().set(primary, state).connector(told.clone()).test().err().and_then(|error| {
            // What is refused without it, too, is not its fault.
            let plain = output.modeset().set(primary, state).test();
            plain.is_ok().then(|| error.to_string())
        }),
    };
    match refused {
        Some(why) => {
            tracing::warn!("{}: its settings in [[output]] are left out: {why}", output.name());
            kms::ConnectorState::default()
        }
        None => told,
    }
}

/// What a commit's flip event carries: unique among the outputs.
pub fn user_data(output: OutputId, frame: u64) -> u64 {
    (u64::from(output.0) << 48) | (frame & 0xffff_ffff_ffff)
}
