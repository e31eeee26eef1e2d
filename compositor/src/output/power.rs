//! Whether a display is on, off, or about to be turned off.
//!
//! This module commits nothing: [`crate::session::cards::power`] does.

use smithay::{output::Output as WlOutput, reexports::wayland_server::protocol::wl_output};

use crate::output::{outputs::Outputs, state::Output};

/// Frame number of the commit that turns a display off, for
/// [`user_data`](crate::output::card::light::user_data).
pub const OFF_COMMIT: u64 = (1 << 48) - 2;
/// The same of a commit that sets the mode again. A frame has another one, so the late flip of a
/// frame that was given up is not taken for that of the modeset.
pub const MODESET_COMMIT: u64 = (1 << 48) - 3;

impl Output {
    /// New frames are not visible on this output: it is off or about to be turned off, or it is
    /// stalled behind a fence.
    pub fn is_inactive(&self) -> bool {
        self.machine.off().is_some() || self.machine.is_held()
    }
}

impl Outputs {
    /// Whether any display is off, or about to be turned off.
    pub fn any_off(&self) -> bool {
        self.list.iter().any(|output| output.machine.off().is_some())
    }

    /// Whether every display is off, or about to be turned off.
    pub fn all_off(&self) -> bool {
        self.list.iter().all(|output| output.machine.off().is_some())
    }
}

impl Outputs {
    /// Whether the display behind a client's `wl_output` is on; `None` if the output is gone.
    pub fn is_on(&self, wl: &wl_output::WlOutput) -> Option<bool> {
        let output = WlOutput::from_resource(wl)?;
        self.list.iter().find(|o| o.wl == output).map(|o| !o.machine.is_dark())
    }
}
