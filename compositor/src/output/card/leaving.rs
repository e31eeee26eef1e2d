//! Displays that are unplugged but not turned off yet.

use rustix::io::Errno;

use crate::{
    output::{
        OnPlane,
        card::{Card, light::user_data},
    },
    system::id::OutputId,
};

impl Card {
    /// Turns a display off without waiting. Behind a commit that waits for a fence it stays on until that one's flip, which may
    /// never come; the kernel keeps the framebuffers that it needs.
    pub fn turn_off(&mut self, mut leaving: Leaving) {
        match leaving.kms.disable(user_data(leaving.id, u64::MAX)) {
            Ok(false) => {}
            Ok(true) => self.leaving.push(leaving),
            Err(error) if error.errno == Errno::BUSY => {
                tracing::info!("{error}; the display is turned off after that flip");
                self.leaving.push(leaving);
            }
            Err(error) => tracing::debug!("turning {} off: {error}", leaving.kms.name()),
        }
    }
}

/// A display that is gone, but not turned off yet.
#[derive(Debug)]
pub struct Leaving {
    pub id: OutputId,
    pub kms: kms::Output,
    /// What it still reads.
    pub _shows: Vec<OnPlane>,
}
