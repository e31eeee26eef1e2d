//! Displays that the kernel does not light as they were to be: with less, they are lit.
//!
//! What is short, or what the driver dislikes, is not said. So everything else stays as it is where
//! the composited image without a modifier will do (a compressed or tiled one may need more
//! bandwidth), and only then the next lower modes are tried.

use kms::CommitError;

use crate::{
    output::{
        card::light::{Fallback, PendingOutput, may_take_less},
        planes::attempt::FrameError,
    },
    session::Syncline,
    system::id::OutputId,
};

/// Modes that are tried in the place of the one that was refused.
const MODES: usize = 8;

impl Syncline {
    /// Lights a display that was refused with `error`, as well as it can be. Error: the first one, if
    /// nothing helps or less would not.
    pub fn light_with_less(
        &mut self,
        card: kms::CardSerial,
        refused: PendingOutput,
        error: CommitError,
    ) -> Result<PendingOutput, CommitError> {
        if !may_take_less(error.errno) {
            return Err(error);
        }
        let PendingOutput { id, connector, mode: wanted, .. } = refused;
        let modes = wanted.lesser(&connector.modes);
        let ways = [(&wanted, true)]
            .into_iter()
            .chain(modes.iter().take(MODES).flat_map(|mode| [(*mode, false), (*mode, true)]));
        let crtc = refused.kms.crtc_index();
        // Its CRTC and its planes are free for the next attempt.
        drop(refused.kms);
        for (mode, plain) in ways {
            let Ok(mut pending) = self.prepare(card, id, &connector, crtc, mode, plain) else { continue };
            if let Some(card) = self.outputs.cards.get_mut(card) {
                card.undo_others(std::iter::once(&mut pending.kms));
            }
            match pending.set_mode() {
                Ok(()) => {
                    let plain = plain || pending.fallback.is_some();
                    pending.fallback = Some(Fallback::new(&wanted, mode, plain, error.errno));
                    return Ok(pending);
                }
                Err(error) if !may_take_less(error.errno) => return Err(error),
                Err(error) => tracing::debug!("{mode}{}: {error}", if plain { ", without modifiers" } else { "" }),
            }
        }
        Err(error)
    }

    /// Sets the mode of an output that was reset. If the kernel refuses it for good, the output goes,
    /// and its display is lit anew, with less.
    pub fn light_again(&mut self, id: OutputId) -> Result<(), FrameError> {
        match self.relight(id) {
            Err(FrameError::Refused(_, error)) if may_take_less(error.errno) => {
                let card = self.outputs.list[id].kms.device().serial();
                tracing::warn!("{error}; lighting the display anew");
                for output in self.outputs.list.take(|output| output.id == id) {
                    self.remove_output(output);
                }
                self.light_up(card, self.mode, false).ok();
                self.displays_changed();
                Ok(())
            }
            other => other,
        }
    }
}
