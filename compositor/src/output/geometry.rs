//! Outputs as rectangles on the desktop: where each output is.
//!
//! It only reads; it moves no output.

use fence::Ns;
use smithay::utils::{Logical, Point, Rectangle};

use crate::{
    output::{outputs::Outputs, state::Output},
    system::scale::Scale,
};

impl Outputs {
    /// The rectangle of the output that contains `point`, else of the first output; empty if there
    /// is no output.
    pub fn rect_at(&self, point: Point<f64, Logical>) -> Rectangle<i32, Logical> {
        let at = |o: &&Output| o.rect().to_f64().contains(point);
        self.list.on_desktop().find(at).or(self.list.first()).map(Output::rect).unwrap_or_default()
    }

    /// The scale of the output with this area; 1 if there is none.
    pub fn scale_of(&self, area: Rectangle<i32, Logical>) -> Scale {
        self.list.iter().find(|o| o.rect() == area).map(|o| o.scale).unwrap_or_default()
    }

    /// The bounding box of all outputs; empty if there is no output.
    pub fn bounds(&self) -> Rectangle<i32, Logical> {
        self.list.on_desktop().map(Output::rect).reduce(|a, b| a.merge(b)).unwrap_or_default()
    }

    /// The earliest next vblank of any output, CLOCK_MONOTONIC.
    pub fn next_vblank(&self, now: Ns) -> Option<Ns> {
        self.list.iter().map(|output| output.clock.next_vblank(now)).min()
    }

    /// The nearest point that is on an output; `point` itself if there is no output.
    pub fn clamp(&self, point: Point<f64, Logical>) -> Point<f64, Logical> {
        let distance = |p: &Point<f64, Logical>| (p.x - point.x).powi(2) + (p.y - point.y).powi(2);
        let nearest =
            self.list.on_desktop().map(|o| o.screen().clamp(point)).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.unwrap_or(point)
    }
}
