//! Whether a display is on, off, or about to be, and why.
//!
//! It commits nothing: [`crate::session::cards::power`] does.

use smithay::{output::Output as WlOutput, reexports::wayland_server::protocol::wl_output};

use crate::output::{outputs::Outputs, state::Output};

/// Number of the commit that turns a display off, in place of a frame's.
pub const SLEEP: u64 = (1 << 48) - 2;

impl Output {
    /// Nobody sees what is new on it: it is off or about to be, or held behind a fence.
    pub fn is_dark(&self) -> bool {
        self.off.is_some() || self.watch.is_held()
    }
}

impl Outputs {
    /// Whether a display is off, or about to be.
    pub fn any_off(&self) -> bool {
        self.list.iter().any(|output| output.off.is_some())
    }

    /// Whether every display is off, or about to be.
    pub fn all_off(&self) -> bool {
        self.list.iter().all(|output| output.off.is_some())
    }
}

impl Outputs {
    /// Whether a client's wl_output is on; `None` if it is gone.
    pub fn is_on(&self, wl: &wl_output::WlOutput) -> Option<bool> {
        let output = WlOutput::from_resource(wl)?;
        self.list.iter().find(|o| o.wl == output).map(|o| !o.kms.is_asleep())
    }
}
