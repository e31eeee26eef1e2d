//! The modesets of a change: those of one card in one request, which the kernel takes as a whole or not at
//! all. A test is the same request with TEST_ONLY.
//!
//! It decides nothing about what is wanted.

use std::sync::Arc;

use kms::{
    CardSerial, CrtcIndex, Framebuffer, PlaneState, Rect, SrcRect, inventory::Connector, output::other_mode::OtherMode,
};
use rustix::io::Errno;
use smithay::output::Mode as WlMode;

use crate::{
    output::{
        card::{
            crtcs,
            light::{PendingOutput, user_data},
        },
        planes::{assign::Layouts, request::Held},
        power::MODESET_COMMIT,
        state::Output,
    },
    render::{Target, Tracker, target::OPAQUE},
    schedule::Planner,
    session::{Syncline, parts::displays::Lit},
    system::id::OutputId,
};

/// What is to be done on one card.
#[derive(Debug, Default)]
pub struct Work {
    /// Outputs that get another mode, or whose refresh is to vary, or not.
    pub modesets: Vec<(OutputId, Lit)>,
    /// Displays that are to be lit.
    pub lights: Vec<(Connector, Lit)>,
    /// Outputs that go. They only take part in a test.
    pub off: Vec<OutputId>,
}

impl Work {
    /// Whether there is nothing that takes a modeset.
    pub fn is_empty(&self) -> bool {
        self.modesets.is_empty() && self.lights.is_empty()
    }
}

/// Why nothing was set.
#[derive(Debug)]
pub struct Refusal {
    pub why: String,
    /// It may be taken in a moment.
    pub busy: bool,
}

impl Refusal {
    pub fn new(why: impl ToString) -> Self {
        Self { why: why.to_string(), busy: false }
    }
}

impl From<kms::CommitError> for Refusal {
    fn from(error: kms::CommitError) -> Self {
        let busy = matches!(error.errno, Errno::BUSY | Errno::NOMEM | Errno::INTR);
        Self { why: error.to_string(), busy }
    }
}

/// An output that is about to get another mode, with its first image.
struct Prepared {
    id: OutputId,
    mode: OtherMode,
    target: Arc<Target>,
    tracker: Tracker,
    /// Held for the modeset.
    framebuffer: Framebuffer,
    vrr: bool,
}

impl Prepared {
    /// The modeset of its output, which has the mode already.
    fn modeset<'a>(&self, output: &'a mut Output) -> kms::Frame<'a, Held> {
        let (width, height) = output.kms.size();
        let all = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
        let state = PlaneState::new(self.framebuffer.id(), all.0, all.1);
        let mut frame = output.kms.modeset();
        frame.connector(output.settings.state.clone());
        frame.show(output.primary, state, Held::target(self.target.clone())).vrr(self.vrr);
        frame
    }
}

impl Syncline {
    /// Asks the kernel whether it would do all of it at once. Lights nothing and changes nothing. Of a
    /// display whose CRTC another one has to give up first nothing is asked.
    pub fn test_modesets(&mut self, card: CardSerial, work: &Work) -> Result<(), Refusal> {
        let (mut prepared, mut pending) = self.prepare_all(card, work)?;
        self.exchange(&mut prepared);
        let (list, ready) = (&mut self.outputs.list, &prepared);
        let mut frames: Vec<_> = list
            .iter_mut()
            .filter_map(|output| {
                if work.off.contains(&output.id) {
                    return (!output.kms.is_asleep() && !output.kms.needs_modeset()).then(|| output.kms.off());
                }
                ready.iter().find(|prepared| prepared.id == output.id).map(|prepared| prepared.modeset(output))
            })
            .collect();
        frames.extend(pending.iter_mut().map(|display| display.modeset(display.vrr)));
        let tested = match frames.is_empty() {
            true => Ok(()),
            false => kms::frame::together::test(&mut frames),
        };
        frames.into_iter().for_each(kms::Frame::cancel);
        self.exchange(&mut prepared);
        tested.map_err(Refusal::from)
    }

    /// Does all of it in one commit, which blocks nothing; no output has a commit in flight. Refused:
    /// nothing has changed.
    pub fn set_modes(&mut self, card: CardSerial, work: &Work) -> Result<(), Refusal> {
        let (mut prepared, mut pending) = self.prepare_all(card, work)?;
        if work.lights.len() != pending.len() {
            return Err(Refusal { why: "a CRTC is not free yet".to_owned(), busy: true });
        }
        if let Some(card) = self.outputs.cards.get_mut(card).filter(|_| !pending.is_empty()) {
            card.undo_others(pending.iter_mut().map(|output| &mut output.kms));
        }
        let first = prepared.first().map(|first| first.id).or(pending.first().map(|first| first.id));
        let number = user_data(first.unwrap_or_default(), MODESET_COMMIT);
        self.exchange(&mut prepared);
        let (list, ready) = (&mut self.outputs.list, &prepared);
        let outputs = list.iter_mut().filter_map(|output| {
            let prepared = ready.iter().find(|prepared| prepared.id == output.id)?;
            output.settings.modeset();
            Some(prepared.modeset(output))
        });
        let mut frames: Vec<_> = outputs.collect();
        frames.extend(pending.iter_mut().map(|display| display.modeset(display.vrr)));
        let done = kms::frame::together::commit(&mut frames, number).map(drop);
        if done.is_err() {
            frames.into_iter().for_each(kms::Frame::cancel);
        }
        if let Err(error) = done {
            self.exchange(&mut prepared);
            return Err(error.into());
        }
        prepared.into_iter().for_each(|prepared| self.mode_was_set(prepared));
        pending.into_iter().for_each(|pending| self.add_output(pending));
        Ok(())
    }

    fn exchange(&mut self, prepared: &mut [Prepared]) {
        for prepared in prepared {
            self.outputs.list[prepared.id].kms.exchange_mode(&mut prepared.mode);
        }
    }

    /// Makes the first images. Of displays that are to be lit only those for which there is a CRTC.
    fn prepare_all(&mut self, serial: CardSerial, work: &Work) -> Result<(Vec<Prepared>, Vec<PendingOutput>), Refusal> {
        let prepared = work.modesets.iter().map(|(id, lit)| self.prepare_mode(*id, lit));
        let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
        let mut pending = Vec::with_capacity(work.lights.len());
        for ((connector, lit), crtc) in work.lights.iter().zip(self.crtcs_for(serial, work)?) {
            let Some(crtc) = crtc else { continue };
            let id = self.outputs.list.new_id();
            let made = self.prepare(serial, id, connector, crtc, &lit.mode, false).map_err(Refusal::new)?;
            pending.push(PendingOutput { vrr: lit.vrr, ..made });
        }
        Ok((prepared, pending))
    }

    /// The CRTCs of the displays that are to be lit; `None`: that of one that goes, or is being turned off.
    /// No output moves to another CRTC for them.
    fn crtcs_for(&mut self, serial: CardSerial, work: &Work) -> Result<Vec<Option<CrtcIndex>>, Refusal> {
        let Some(card) = self.outputs.cards.get_mut(serial) else { return Err(Refusal::new("its card is gone")) };
        if work.lights.is_empty() {
            return Ok(Vec::new());
        }
        let dark: Vec<Connector> = work.lights.iter().map(|(connector, _)| connector.clone()).collect();
        let plan = crtcs::plan(card, &self.outputs.list, &dark);
        let waits = !card.leaving.is_empty() || !work.off.is_empty();
        let crtc = |connector: &Connector| match plan.crtc_of(connector.id).filter(|_| plan.moves.is_empty()) {
            None if !waits => Err(Refusal::new(format!("{}: no CRTC of the card is left for it", connector.name))),
            crtc => Ok(crtc),
        };
        dark.iter().map(crtc).collect()
    }

    fn prepare_mode(&mut self, id: OutputId, lit: &Lit) -> Result<Prepared, Refusal> {
        let output = &self.outputs.list[id];
        let mode = output.kms.other_mode(&lit.mode).map_err(Refusal::new)?;
        let plain = output.fallback.as_ref().is_some_and(|fallback| fallback.plain);
        let (card, device) = (self.outputs.cards.of(&output.kms), output.kms.device().clone());
        let modifiers = match plain {
            true => Vec::new(),
            false => card.known.modifiers(&output.kms.planes()[output.primary], OPAQUE),
        };
        let size = (lit.mode.width, lit.mode.height);
        let made = self.first_image(&device, size, &modifiers).or_else(|_| self.first_image(&device, size, &[]));
        let (target, tracker, framebuffer) = made.map_err(Refusal::new)?;
        Ok(Prepared { id, mode, target, tracker, framebuffer, vrr: lit.vrr })
    }

    /// The kernel has taken the modeset of an output: what is known of the old mode does not hold any more.
    fn mode_was_set(&mut self, prepared: Prepared) {
        let Prepared { id, target, tracker, .. } = prepared;
        let output = &mut self.outputs.list[id];
        // A display that is off is lit by it. That it is to be off is not forgotten.
        output.machine.reset();
        output.targets = vec![(target, 0)];
        (output.tracker, output.layouts, output.planner) = (tracker, Layouts::default(), Planner::default());
        output.fallback = None;
        let (mode, before) = (output.kms.mode(), output.wl.current_mode());
        output.clock = clock_of(&output.kms, mode);
        let (hz, size) = (f64::from(mode.refresh_mhz) / 1000.0, output.pixels());
        tracing::info!("{}: {}x{} at {hz:.2} Hz", output.wl.name(), size.w, size.h);
        let wl_mode = WlMode { size, refresh: mode.refresh_mhz as i32 };
        output.wl.change_current_state(Some(wl_mode), None, None, None);
        output.wl.set_preferred(wl_mode);
        if let Some(before) = before.filter(|before| *before != wl_mode) {
            output.wl.delete_mode(before);
        }
        output.size = output.own_screen().area.size;
        if let Some(in_flight) = output.machine.relit(self.now) {
            in_flight.abandon(std::time::Duration::from_nanos(self.now).as_millis() as u32);
        }
        output.ladder.reset();
        output.scene.set_stale();
        output.dirty = true;
        // Tests of the outputs beside it may end otherwise now.
        self.outputs.list.iter_mut().for_each(|output| output.layouts.forget_tests());
        self.renderer_stale = true;
        self.place_mirrors();
        self.crc_modeset(id);
    }
}

/// Predicts the vblanks of an output in this mode, or takes their place.
pub fn clock_of(output: &crate::output::planes::request::KmsOutput, mode: &kms::Mode) -> kms::vblank::Clock {
    match output.device().has_vblanks(output.crtc_id()) {
        true => kms::vblank::Clock::new(mode.period_ns(), mode.blanking_ns()),
        false => kms::vblank::Clock::own(mode.period_ns()),
    }
}
