//! One comparison of a scene with its composited image: its current step and its results.
//!
//! It never commits: [`crate::session::crc::compare`] does.

use fence::Ns;
use kms::PlaneId;

use crate::{
    control::socket::Ticket, crc::judge::Judged, output::planes::request::CursorPlane, render::Layer,
    system::id::OutputId,
};

#[derive(Debug)]
pub enum ComparisonStep {
    /// Waits for a frame with a client's buffer on a plane.
    Wait { why_not: &'static str },
    /// The frame with planes has been committed; the next latch shows the same scene composited.
    Planes { frame: u64, about: SceneFacts, scene: Vec<Layer>, cursor: Option<CursorPlane> },
    /// Both frames have been committed, or the second is about to be.
    Composited { about: SceneFacts, frames: [u64; 2] },
}

/// What the answer says about the scene.
#[derive(Debug, Default)]
pub struct SceneFacts {
    pub planes: Vec<PlaneId>,
    pub translucent: bool,
}

/// A comparison in progress.
#[derive(Debug)]
pub struct Comparison {
    pub ticket: Ticket,
    pub output: OutputId,
    pub deadline: Ns,
    pub step: ComparisonStep,
    pub judged: [Option<Judged>; 2],
}

impl Comparison {
    /// When the comparison is given up.
    pub fn deadline(&self) -> Ns {
        self.deadline
    }

    pub fn again(&mut self, why_not: &'static str) {
        self.step = ComparisonStep::Wait { why_not };
        self.judged = [None, None];
    }
}

/// A frame that is shown again, composited.
pub struct RepeatedFrame {
    pub scene: Vec<Layer>,
    pub cursor: Option<CursorPlane>,
}
