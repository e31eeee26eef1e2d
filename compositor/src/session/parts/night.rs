//! The light of the night: whether there is any, and when it is another one.

use fence::Ns;

use crate::{config::night_light::NightMode, system::ioctl};

/// Its state.
#[derive(Debug)]
pub struct NightLight {
    pub mode: NightMode,
    /// When the time of the day was looked at last.
    pub looked_at: Ns,
    /// When the light is another one; `None`: never.
    pub due: Option<Ns>,
    /// The log was told of a display that cannot show it.
    pub told: bool,
    /// The second of the day, in the time of this machine.
    pub time_of_day: fn() -> u32,
}

impl Default for NightLight {
    fn default() -> Self {
        Self { mode: NightMode::default(), looked_at: 0, due: None, told: false, time_of_day: ioctl::second_of_day }
    }
}
