//! What the helper gives up before it listens to anybody.

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};

/// Keeps the right to enter debugfs and to write its files (`CAP_DAC_OVERRIDE`), and drops every
/// other capability for good: of this thread and those that it starts.
///
/// Errors: EPERM, the process lacks it.
pub fn keep_only_files() -> Result<(), Errno> {
    let files = CapabilitySet::DAC_OVERRIDE;
    set_capabilities(None, CapabilitySets { effective: files, permitted: files, inheritable: CapabilitySet::empty() })?;
    set_no_new_privs(true)
}
