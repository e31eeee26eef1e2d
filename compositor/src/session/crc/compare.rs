//! `syncline msg crc check`: shows one scene with planes, and in the next frame composited; both
//! CRCs must be equal.
//!
//! ```text
//!  wait ── a latch with a client's buffer on a plane ──→ planes
//!  planes ── the next latch shows the same, composited ──→ composited
//!  composited ── both frames are judged ──→ answer
//! ```
//!
//! It costs clients one frame: what they commit meanwhile is shown after it. Their feedback is for
//! the frames that show their commits, not for this one. Nothing waits; if a step does not happen
//! within [`LIMIT`], the answer says so.

use fence::Ns;
use kms::{
    PlaneId,
    crc::driver::{self, Completed},
};
use smithay::utils::IsAlive;

use crate::{
    control::socket::Ticket,
    crc::{
        judge::{CrcVerdict, Judged},
        status::{Compared, ComparedFrame},
    },
    output::planes::request::{CursorPlane, OnPlane},
    render::Layer,
    session::{
        Syncline,
        parts::comparison::{Comparison, ComparisonStep, RepeatedFrame, SceneFacts},
    },
    system::id::OutputId,
};

/// How long a comparison may take.
const LIMIT: Ns = 4_000_000_000;

impl Syncline {
    /// Starts a comparison on the output in `which`. Returns the answer if there is one already;
    /// otherwise it is sent to `ticket` later.
    pub fn start_comparison(
        &mut self,
        which: &[OutputId],
        ticket: Ticket,
    ) -> Option<Result<serde_json::Value, String>> {
        let not = |why: String| Some(Err(format!("not possible: {why}")));
        let &[id] = which else {
            let names: Vec<_> = which.iter().map(|at| self.outputs.list[*at].kms.name()).collect();
            return not(format!("there are several outputs; name one of them: {}", names.join(", ")));
        };
        if self.crc.comparison.is_some() {
            return not("another check is under way".into());
        }
        let output = &mut self.outputs.list[id];
        let name = output.kms.name();
        match &output.crc {
            Some(crc) if crc.is_on() => {}
            Some(crc) if crc.failed.is_some() => return not(crc.failed.clone().unwrap_or_default()),
            Some(crc) if crc.session.is_some() || crc.waits_since.is_some() => {
                return not(format!("CRCs of {name} are being turned on; try again"));
            }
            _ => return not(format!("CRCs of {name} are off; turn them on: syncline msg crc on {name}")),
        }
        let driver = output.kms.device().driver_info();
        if driver::of(driver).is_none_or(|known| known.completed == Completed::Unknown) {
            return not(format!(
                "unknown: it is not known of which frame a CRC of {} is while the screen changes; \
                 syncline crc record and verify compare still pictures",
                driver.name
            ));
        }
        output.dirty = true;
        let (deadline, output) = (self.now + LIMIT, output.id);
        let step = ComparisonStep::Wait { why_not: "no frame was shown" };
        self.crc.comparison = Some(Comparison { ticket, output, deadline, step, judged: [None, None] });
        None
    }

    /// The frame that output `id` should show again, if a comparison has requested it for this
    /// latch.
    pub fn comparison_latch(&mut self, id: OutputId) -> Option<RepeatedFrame> {
        let comparison = self.crc.comparison.as_mut().filter(|comparison| comparison.output == id)?;
        let ComparisonStep::Planes { frame, about, scene, cursor } = &mut comparison.step else { return None };
        let gone = scene.iter().filter_map(|layer| layer.surface.as_ref()).any(|surface| !surface.alive());
        if gone {
            comparison.again("a window was closed meanwhile");
            return None;
        }
        let output = &self.outputs.list[id];
        if output.colour.differs(output.kms.crtc_state()) {
            comparison.again("the colour of the display has changed meanwhile");
            return None;
        }
        let again = RepeatedFrame { scene: std::mem::take(scene), cursor: cursor.take() };
        // The number of the second frame is set when it has been committed.
        comparison.step = ComparisonStep::Composited { about: std::mem::take(about), frames: [*frame, 0] };
        Some(again)
    }

    /// Output `id` has committed a frame that shows `scene`; `again` is true if
    /// [`Syncline::comparison_latch`] requested it.
    pub fn comparison_presented(&mut self, id: OutputId, scene: &[Layer], cursor: Option<CursorPlane>, again: bool) {
        let output = &mut self.outputs.list[id];
        let Some(comparison) = self.crc.comparison.as_mut().filter(|c| c.output == output.id) else { return };
        match &mut comparison.step {
            ComparisonStep::Composited { frames, .. } if again => frames[1] = output.frame,
            // Both frames are in flight or shown.
            ComparisonStep::Composited { .. } | ComparisonStep::Planes { .. } => return,
            ComparisonStep::Wait { why_not } => {
                let clients = output.on_planes().filter(|(_, on)| matches!(on, OnPlane::Content(_)));
                let planes: Vec<PlaneId> = clients.map(|(at, _)| output.kms.planes()[at].id).collect();
                if planes.is_empty() {
                    *why_not = "no plane shows a client's buffer: everything is composited already";
                } else if scene.iter().any(|layer| !layer.content.is_ready()) {
                    *why_not = "a client's fence is pending: its buffer cannot be composited in time";
                } else if output.layouts.gives_way(scene) {
                    *why_not = "a window's ring gives way to a plane: composited, more of it would be seen";
                } else {
                    let about = SceneFacts { planes, translucent: scene.iter().any(|layer| !layer.opaque) };
                    let (frame, scene) = (output.frame, scene.to_vec());
                    comparison.step = ComparisonStep::Planes { frame, about, scene, cursor };
                }
            }
        }
        // The next frame is the same scene composited, newer commits of clients, or another
        // attempt.
        output.dirty = true;
    }

    /// The composited frame could not be committed.
    pub fn comparison_failed(&mut self, id: OutputId) {
        if let Some(comparison) = self.crc.comparison.as_mut().filter(|c| c.output == id) {
            comparison.again("the frame could not be composited");
        }
    }

    /// A frame has been judged; it may be one of the two.
    pub fn comparison_judged(&mut self, id: OutputId, judged: &Judged) {
        let Some(comparison) = self.crc.comparison.as_mut().filter(|c| c.output == id) else { return };
        let frames = match &comparison.step {
            ComparisonStep::Planes { frame, .. } => [*frame, 0],
            ComparisonStep::Composited { frames, .. } => *frames,
            ComparisonStep::Wait { .. } => return,
        };
        let Some(side) = frames.iter().position(|frame| *frame == judged.frame) else { return };
        comparison.judged[side] = Some(*judged);
        if judged.read.is_none() || judged.verdict == CrcVerdict::Ambiguous {
            comparison.again("the CRC of a frame was not read, or may belong to another frame");
            self.comparison_again(id);
            return;
        }
        let ([Some(with_planes), Some(drawn)], ComparisonStep::Composited { about, .. }) =
            (comparison.judged, &mut comparison.step)
        else {
            return;
        };
        let SceneFacts { planes, translucent } = std::mem::take(about);
        let values = |judged: &Judged| judged.read.map(|entry| entry.values().to_vec()).unwrap_or_default();
        let side = |judged: &Judged| ComparedFrame {
            frame: judged.frame,
            read: values(judged),
            predicted: judged.predicted,
            verdict: judged.verdict,
        };
        let equal = values(&with_planes) == values(&drawn);
        let name = self.outputs.list.iter().find(|output| output.id == id).map(|output| output.kms.name().to_owned());
        let output = name.unwrap_or_default();
        let (with_planes, drawn) = (side(&with_planes), side(&drawn));
        let compared = Compared { output, equal, planes, with_planes, drawn, translucent };
        let answer = serde_json::to_value(compared).map_err(|error| error.to_string());
        self.finish_comparison(answer);
    }

    fn comparison_again(&mut self, id: OutputId) {
        if let Some(output) = self.outputs.list.iter_mut().find(|output| output.id == id) {
            output.dirty = true;
        }
    }

    /// Answers if the time is over or the display is gone.
    pub fn comparison_due(&mut self) {
        let Some(comparison) = &self.crc.comparison else { return };
        let lit = self.outputs.list.iter().any(|output| output.id == comparison.output);
        let why = match &comparison.step {
            _ if !lit => "the display is gone",
            _ if self.now < comparison.deadline => return,
            ComparisonStep::Wait { why_not } => *why_not,
            ComparisonStep::Planes { .. } | ComparisonStep::Composited { .. } => "the frames were not judged in time",
        };
        self.finish_comparison(Err(format!("not possible: {why}")));
    }

    /// Ends a comparison that must not go on.
    pub fn comparison_ended(&mut self, why: &str) {
        self.finish_comparison(Err(format!("not possible: {why}")));
    }

    fn finish_comparison(&mut self, answer: Result<serde_json::Value, String>) {
        if let Some(comparison) = self.crc.comparison.take() {
            self.answer_ticket(comparison.ticket, answer);
        }
    }
}
