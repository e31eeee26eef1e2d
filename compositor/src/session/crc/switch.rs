//! Turning CRCs on and off, and arming them again: `syncline run --crc` and `syncline msg crc
//! on|off|status`.
//!
//! Arming needs a CRTC whose vblanks run, and drivers may wait in that call for a commit in flight.
//! So it happens right after a flip, or while nothing is in flight; the timer retries it, and
//! nothing sleeps. A modeset stops CRCs; they are armed again after its flip.

use fence::Ns;
use kms::crc::{CrcError, CrcReader, driver};

use crate::{
    control::socket::Ticket,
    crc::{
        predict::Predictor,
        status::{CrcRequest, CrcStatus, OutputStatus},
        stream::{ArmedStream, Counts, OutputCrc},
    },
    output::state::Output,
    session::{Syncline, parts::crc::ArmWaiter},
    system::{
        error::{Context, Error},
        id::OutputId,
        reactor::EventSource,
    },
};

/// How long it may take until vblanks run after the flip of a modeset.
const PATIENCE: Ns = 5_000_000_000;
/// How often arming is retried.
const RETRY: Ns = 2_000_000;
/// How long `syncline msg crc on` waits for the first flip.
const ANSWER: Ns = 3_000_000_000;

impl Syncline {
    /// Turns on the CRCs of every output, for `syncline run --crc`.
    pub fn start_crc(&mut self) -> Result<(), Error> {
        self.crc.all = Some(None);
        for id in self.outputs.list.ids() {
            let name = self.outputs.list[id].kms.name().to_owned();
            self.crc_on(id, None).map_err(|error| Error::setup(format!("CRC of {name}"), error))?;
        }
        Ok(())
    }

    /// Handles `syncline msg crc`. Returns the answer, or `None` if it is sent to `ticket` later.
    pub fn crc_request(&mut self, request: CrcRequest, ticket: Ticket) -> Option<Result<serde_json::Value, String>> {
        let (CrcRequest::On { output, .. }
        | CrcRequest::Off { output }
        | CrcRequest::Status { output }
        | CrcRequest::Check { output }) = &request;
        let which = match self.crc_outputs(output.as_deref()) {
            Ok(which) => which,
            Err(error) => return Some(Err(error)),
        };
        let all = output.is_none();
        match request {
            CrcRequest::On { source, .. } => return self.crc_turn_on(&which, all, source, ticket),
            CrcRequest::Check { .. } => return self.start_comparison(&which, ticket),
            CrcRequest::Off { .. } => {
                self.crc.all = self.crc.all.take().filter(|_| !all);
                which.iter().for_each(|id| self.crc_off(*id));
            }
            CrcRequest::Status { .. } => {}
        }
        Some(self.crc_status(&which))
    }

    /// Whether there is an output of this name; the error lists the outputs that there are.
    pub fn crc_output(&self, name: &str) -> Result<(), String> {
        self.crc_outputs(Some(name)).map(drop)
    }

    /// The output of this name, or all outputs.
    fn crc_outputs(&self, name: Option<&str>) -> Result<Vec<OutputId>, String> {
        let list = &self.outputs.list;
        let named = |output: &&Output| name.is_none_or(|name| output.kms.name() == name);
        let which: Vec<OutputId> = list.iter().filter(named).map(|output| output.id).collect();
        if !which.is_empty() {
            return Ok(which);
        }
        let known: Vec<_> = list.iter().map(|output| output.kms.name()).collect();
        Err(match (name, known.is_empty()) {
            (_, true) => "no display is lit".to_owned(),
            (name, false) => format!("there is no output {}; there are: {}", name.unwrap_or(""), known.join(", ")),
        })
    }

    fn crc_turn_on(
        &mut self,
        which: &[OutputId],
        all: bool,
        source: Option<String>,
        ticket: Ticket,
    ) -> Option<Result<serde_json::Value, String>> {
        for id in which {
            if let Err(error) = self.crc_on(*id, source.as_deref()) {
                return Some(Err(format!("{}: {error}", self.outputs.list[*id].kms.name())));
            }
        }
        if all {
            self.crc.all = Some(source);
        }
        let outputs = which.to_vec();
        self.crc.waiters.push(ArmWaiter { ticket, outputs, deadline: self.now + ANSWER });
        self.crc_answer_waiters();
        None
    }

    /// Requests the CRCs of an output. Returns at once those errors that can be known without
    /// arming.
    fn crc_on(&mut self, id: OutputId, source: Option<&str>) -> Result<(), String> {
        if self.crc.predictor.is_none() {
            let predictor = Predictor::start().map_err(|error| error.to_string())?;
            self.reactor.add(&predictor, EventSource::Predictor).context("CRC predictor").map_err(|e| e.to_string())?;
            self.crc.predictor = Some(predictor);
        }
        let output = &mut self.outputs.list[id];
        let device = output.kms.device();
        let known = driver::of(device.driver_info()).map(|driver| driver.sources);
        let source = source.or(known.map(|sources| sources.whole)).unwrap_or("auto");
        if output.crc.as_ref().is_some_and(|crc| crc.source == source && crc.failed.is_none()) {
            return Ok(());
        }
        let reader = CrcReader::open(device, output.kms.crtc_index()).map_err(|error| error.to_string())?;
        let offered = reader.sources().map_err(|error| error.to_string())?;
        if known.is_some_and(|sources| sources.listed) && offered.iter().all(|offer| offer.name != source) {
            let known = offered.iter().map(|offer| offer.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(CrcError::UnknownSource { wanted: source.to_owned(), known }.to_string());
        }
        self.crc_off(id);
        let output = &mut self.outputs.list[id];
        output.crc = Some(OutputCrc::new(source, &output.kms, &self.outputs.cards.of(&output.kms).inventory, self.now));
        self.crc_arm(id);
        Ok(())
    }

    /// Turns off the CRCs of an output.
    fn crc_off(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        if output.crc.take().is_some() {
            self.crc.frames.close(output.kms.name());
        }
    }

    /// Arms the CRCs of an output if they are requested and can be armed now. Waits for nothing.
    pub fn crc_arm(&mut self, id: OutputId) {
        let active = self.outputs.active;
        let output = &mut self.outputs.list[id];
        let Some(crc) = &mut output.crc else { return };
        let Some(since) = crc.waits_since else { return };
        let (device, crtc) = (output.kms.device(), output.kms.crtc_id());
        if !active || output.machine.is_dark() || output.machine.is_in_flight() || output.kms.needs_modeset() {
            return;
        }
        if !device.vblanks_run(crtc) {
            if self.now.saturating_sub(since) > PATIENCE {
                (crc.waits_since, crc.failed) = (None, Some("its vblanks do not run".to_owned()));
            }
            return;
        }
        // The kernel allows one open descriptor at a time.
        crc.close();
        crc.waits_since = None;
        let armed = CrcReader::open(device, output.kms.crtc_index()).and_then(|reader| reader.arm(&crc.source));
        let armed = armed.map_err(|error| error.to_string()).and_then(|stream| {
            self.reactor.add(&stream, EventSource::Crc(output.id)).map_err(|error| error.to_string())?;
            Ok(ArmedStream::new(stream, device, &crc.source, output.clock.period()))
        });
        match armed {
            Ok(session) => {
                tracing::debug!("{}: CRCs of {} are on", output.kms.name(), crc.source);
                crc.session = Some(session);
                // The frame on the screen was not recorded; the next one will be.
                output.dirty = true;
            }
            Err(error) => {
                tracing::warn!("{}: no CRCs: {error}", output.kms.name());
                crc.failed = Some(error);
            }
        }
    }

    /// The mode of an output is being set: its CRCs are armed again after the flip.
    pub fn crc_modeset(&mut self, id: OutputId) {
        if let Some(crc) = &mut self.outputs.list[id].crc
            && crc.failed.is_none()
        {
            crc.waits_since = Some(self.now);
            crc.session.iter_mut().for_each(ArmedStream::lost_track);
        }
    }

    /// The session loses its VT. What others show is not judged, and they may need the CRCs
    /// themselves.
    pub fn crc_pause(&mut self) {
        for id in self.outputs.list.ids() {
            self.crc_suspend(id);
        }
    }

    /// The display is about to be turned off, or another process uses it: there are no CRCs. They
    /// are armed again once it shows frames of this session.
    pub fn crc_suspend(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        if let Some(crc) = output.crc.as_mut().filter(|crc| crc.failed.is_none()) {
            crc.close();
            crc.waits_since = Some(self.now);
            self.crc.frames.close(output.kms.name());
        }
    }

    /// Turns on the CRCs of an output that appeared after `crc on` for all outputs.
    pub fn crc_on_if_for_all(&mut self, id: OutputId) {
        if self.outputs.list[id].crc.is_none()
            && let Some(source) = self.crc.all.clone()
            && let Err(error) = self.crc_on(id, source.as_deref())
        {
            tracing::warn!("{}: no CRCs: {error}", self.outputs.list[id].kms.name());
            self.crc.all = None;
        }
    }

    /// When the CRCs need the timer next.
    pub fn next_crc(&self) -> Option<Ns> {
        let waits = |output: &Output| output.crc.as_ref().is_some_and(|crc| crc.waits_since.is_some());
        // A commit that lights a display ends with a flip, which arms the CRCs.
        let can = |output: &Output| {
            !output.machine.is_in_flight() && !output.kms.needs_modeset() && !output.machine.is_dark()
        };
        let arm = self.outputs.active && self.outputs.list.iter().any(|output| waits(output) && can(output));
        let arm = arm.then_some(self.now + RETRY);
        let waiters = self.crc.waiters.iter().map(|waiter| waiter.deadline);
        waiters.chain(arm).chain(self.crc.comparison.as_ref().map(|comparison| comparison.deadline())).min()
    }

    /// The timer has fired.
    pub fn crc_timer(&mut self) {
        for id in self.outputs.list.ids() {
            self.crc_arm(id);
        }
        self.crc_answer_waiters();
        self.comparison_due();
    }

    /// Answers the requests whose outputs are armed, have failed or are gone, and those that have
    /// waited too long.
    pub fn crc_answer_waiters(&mut self) {
        if self.crc.waiters.is_empty() {
            return;
        }
        let (now, list) = (self.now, &self.outputs.list);
        let waiting = |id: &OutputId| {
            let output = list.get(*id);
            output.and_then(|output| output.crc.as_ref()).is_some_and(|crc| crc.waits_since.is_some())
        };
        let done = |waiter: &mut ArmWaiter| now >= waiter.deadline || !waiter.outputs.iter().any(waiting);
        let done: Vec<ArmWaiter> = self.crc.waiters.extract_if(.., done).collect();
        for waiter in done {
            let lit = |id: &OutputId| self.outputs.list.get(*id).is_some();
            let which: Vec<OutputId> = waiter.outputs.iter().copied().filter(lit).collect();
            let failed = which.iter().find_map(|at| {
                let output = &self.outputs.list[*at];
                Some(format!("{}: {}", output.kms.name(), output.crc.as_ref()?.failed.as_ref()?))
            });
            let answer = failed.map_or_else(|| self.crc_status(&which), Err);
            self.answer_ticket(waiter.ticket, answer);
        }
    }

    /// The state of the CRCs of these outputs.
    fn crc_status(&self, which: &[OutputId]) -> Result<serde_json::Value, String> {
        let status = CrcStatus {
            outputs: which.iter().map(|at| status(&self.outputs.list[*at])).collect(),
            changes: self.crc.changes.iter().cloned().collect(),
        };
        serde_json::to_value(status).map_err(|error| error.to_string())
    }
}

fn status(output: &Output) -> OutputStatus {
    let name = output.kms.name().to_owned();
    let Some(crc) = &output.crc else {
        let (state, counts) = ("off".to_owned(), Counts::default());
        let (source, predicted_by, why) = (None, None, None);
        return OutputStatus { output: name, state, source, predicted_by, why, entries: 0, gaps: 0, counts };
    };
    let state = match (&crc.failed, crc.waits_since) {
        (Some(_), _) => "failed",
        (None, Some(_)) => "waiting",
        (None, None) => "on",
    };
    let unpredicted = match &crc.arithmetic {
        crate::crc::predict::Arithmetic::Unknown(why) => Some(why.clone()),
        _ => None,
    };
    OutputStatus {
        output: name,
        state: state.to_owned(),
        source: Some(crc.source.clone()),
        predicted_by: crc.arithmetic.name().map(str::to_owned),
        why: crc.failed.clone().or(unpredicted),
        entries: crc.entries + crc.session.as_ref().map_or(0, |session| session.entries),
        gaps: crc.gaps + crc.session.as_ref().map_or(0, |session| session.stream.gaps()),
        counts: crc.counts,
    }
}
