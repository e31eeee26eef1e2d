//! One comparison of a scene with its composited image: where it is, and what it has found.
//!
//! It never commits: [`crate::session::crc::compare`] does.

use fence::Ns;

use crate::{
    control::socket::Ticket, crc::judge::Judged, output::planes::request::CursorPlane, render::Layer,
    system::id::OutputId,
};

#[derive(Debug)]
pub enum ComparisonStep {
    /// For a frame with a client's buffer on a plane.
    Wait { why_not: &'static str },
    /// It is on its way; the next latch shows the same.
    Planes { frame: u64, about: SceneFacts, scene: Vec<Layer>, cursor: Option<CursorPlane> },
    /// Both are.
    Drawn { about: SceneFacts, frames: [u64; 2] },
}

/// What is said of the scene.
#[derive(Debug, Default)]
pub struct SceneFacts {
    pub planes: Vec<u32>,
    pub translucent: bool,
}

/// A comparison under way.
#[derive(Debug)]
pub struct Comparison {
    pub ticket: Ticket,
    pub output: OutputId,
    pub deadline: Ns,
    pub step: ComparisonStep,
    pub judged: [Option<Judged>; 2],
}

impl Comparison {
    /// When it is over.
    pub fn deadline(&self) -> Ns {
        self.deadline
    }

    pub fn again(&mut self, why_not: &'static str) {
        self.step = ComparisonStep::Wait { why_not };
        self.judged = [None, None];
    }
}

/// A frame to be shown once more, drawn.
pub struct RepeatedFrame {
    pub scene: Vec<Layer>,
    pub cursor: Option<CursorPlane>,
}
