//! Where the configuration comes from, and how it was read last.

use std::path::PathBuf;

use fence::Ns;

use crate::{config::Overrides, system::inotify::Watch};

/// The files of the configuration. In a session that follows none it is empty.
#[derive(Debug, Default)]
pub struct Configuration {
    /// The options of the command line, which win.
    pub overrides: Overrides,
    /// Those that were read, or looked for in vain.
    pub files: Vec<PathBuf>,
    pub watch: Option<Watch>,
    /// They have changed: when they are to be read.
    pub due: Option<Ns>,
    /// Why the files were not taken when they were read last; the configuration before holds.
    pub error: Option<String>,
    /// The error that was shown on the screen, whether or not it still is.
    pub told: Option<String>,
    /// How often they were read since the beginning.
    pub reloads: u64,
}
