//! The command line of the `kms` benchmark.

use std::path::PathBuf;

use clap::Args;

use crate::bench::control::Control;
use crate::bench::judge::ATTEMPTS;
use crate::bench::runs::TRUSTING;
use crate::compositor::Compositor;
use crate::error::Result;
use crate::lab;

/// Options of `kms`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The limits of virtual time, instead of those of real time.
    #[arg(long)]
    pub virtual_time: bool,
    /// Frames of each run with animated windows.
    #[arg(long, default_value_t = 600)]
    pub frames: u64,
    /// The card; found automatically if it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
}

impl Options {
    pub(super) fn compositor(&self, args: &[&str]) -> Result<Compositor> {
        let card = lab::find_card(self.device.as_deref())?;
        let args: Vec<&str> = TRUSTING.iter().chain(args).copied().collect();
        Compositor::start_on(&card, &args)
    }

    /// How often a figure is measured before it counts as broken.
    pub(super) fn attempts(&self) -> u32 {
        if self.virtual_time { 1 } else { ATTEMPTS }
    }

    /// Does `work`, with the control of `periods` sleepers around it; in virtual time there is
    /// none.
    pub(super) fn controlled<T>(&self, periods: u64, work: impl FnOnce() -> Result<T>) -> Result<(Control, T)> {
        let (control, done) = if self.virtual_time { (Control::NONE, work()) } else { Control::around(periods, work) };
        Ok((control, done?))
    }
}
