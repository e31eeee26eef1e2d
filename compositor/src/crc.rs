//! Display CRCs in the running session: what the hardware put on the wire, against what the scene says it should be.
//!
//! ```text
//!  flip(frame, sequence) ─→ expected ─→ predictor thread ─→ predicted ─┐
//!  crc/data ─→ entry(sequence) ────────────────────────────→ read     ─┴→ equal | different | ambiguous | unread | unpredicted
//! ```
//!
//! The prediction reads every pixel of every plane, so it runs on a thread of its own. While it reads, it holds the
//! frame's buffers like any other user: none is released under it.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use dmabuf_import::colour::{Encoding, Range, Representation};
use fence::Ns;
use kms::{
    PlaneKind, Rect, SrcRect,
    crc::{CrcReader, CrcStream, vkms},
};
use rustix::event::{EventfdFlags, eventfd};

use crate::{
    error::{Context, Error},
    reactor::Source,
    render::Target,
    state::{Counters, Syncline},
    surface::Content,
    trace,
};

/// One plane of a frame, with what keeps its pixels.
#[derive(Debug)]
pub struct CheckPlane {
    pub target: Arc<Target>,
    /// Held so that it is not released before the prediction is done.
    pub _content: Option<Arc<Content>>,
    pub src: SrcRect,
    pub dst: Rect,
    pub kind: PlaneKind,
    /// Position among planes of one kind.
    pub order: usize,
    /// Of YUV pixels.
    pub colour: Option<Representation>,
}

/// What a frame's CRC is predicted from.
#[derive(Debug)]
pub struct Check {
    pub output: u32,
    pub width: u32,
    pub height: u32,
    pub planes: Vec<CheckPlane>,
    /// False where a plane does what the model of vkms does not have (it turns no pictures): nothing is predicted then.
    pub modelled: bool,
}

struct Job {
    frame: u64,
    check: Check,
}

/// A finished prediction; it hands the buffers back, so that they are let go where they were taken.
pub struct Prediction {
    frame: u64,
    check: Check,
    crc: Option<u32>,
}

/// The thread that predicts.
pub struct Predictor {
    jobs: Sender<Job>,
    done: Receiver<Prediction>,
    wake: Arc<OwnedFd>,
}

impl Predictor {
    /// Starts the thread.
    pub fn start() -> Result<Self, Error> {
        let what = "CRC predictor";
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).context(what)?);
        let (jobs, incoming) = channel::<Job>();
        let (outgoing, done) = channel();
        let signal = wake.clone();
        let work = move || {
            let mut composer = vkms::Composer::default();
            while let Ok(Job { frame, check }) = incoming.recv() {
                let crc = predict(&mut composer, &check);
                if outgoing.send(Prediction { frame, check, crc }).is_err() {
                    return;
                }
                rustix::io::write(&*signal, &1u64.to_ne_bytes()).ok();
            }
        };
        std::thread::Builder::new().name("crc".into()).spawn(work).context(what)?;
        Ok(Self { jobs, done, wake })
    }
}

/// The CRC that vkms will compute for a frame; `None` if a buffer cannot be read, or the frame has what is not modelled.
fn predict(composer: &mut vkms::Composer, check: &Check) -> Option<u32> {
    if !check.modelled {
        return None;
    }
    let mut planes: Vec<&CheckPlane> = check.planes.iter().collect();
    let rank = |kind| match kind {
        PlaneKind::Primary => 0,
        PlaneKind::Overlay => 1,
        PlaneKind::Cursor => 2,
    };
    planes.sort_by_key(|plane| (rank(plane.kind), plane.order));
    stack(composer, check, &planes, &[])
}

/// Opens one plane's pixels after the other, since each is a borrow within a closure, and computes below the last.
fn stack(
    composer: &mut vkms::Composer,
    check: &Check,
    rest: &[&CheckPlane],
    opened: &[vkms::ModelPlane<'_>],
) -> Option<u32> {
    let Some((plane, rest)) = rest.split_first() else {
        return Some(composer.crc(check.width, check.height, opened));
    };
    let dmabuf = &plane.target.dmabuf;
    let mut layout = [vkms::Layout::default(); 3];
    for (to, from) in layout.iter_mut().zip(dmabuf.planes()) {
        *to = vkms::Layout { offset: from.offset, stride: from.stride };
    }
    let look = plane.colour.map(look).unwrap_or_default();
    plane
        .target
        .mapping()?
        .cpu_read(|bytes| {
            let mut opened = opened.to_vec();
            let picture = vkms::Picture { bytes, format: dmabuf.format() as u32, layout };
            opened.push(vkms::ModelPlane::of(&picture, plane.src, plane.dst, &look).ok()?);
            stack(composer, check, rest, &opened)
        })
        .ok()?
}

/// Matrix and range as the model has them.
fn look(colour: Representation) -> vkms::Look<'static> {
    let encoding = match colour.encoding {
        Encoding::Bt601 => vkms::Encoding::Bt601,
        Encoding::Bt709 => vkms::Encoding::Bt709,
        Encoding::Bt2020 => vkms::Encoding::Bt2020,
    };
    let range = match colour.range {
        Range::Limited => vkms::Range::Limited,
        Range::Full => vkms::Range::Full,
    };
    vkms::Look { encoding, range, ..vkms::Look::default() }
}

struct Expected {
    frame: u64,
    sequence: u32,
    predicted: Option<Option<u32>>,
    read: Option<Read>,
}

/// A CRC that was read.
#[derive(Debug, Clone, Copy)]
struct Read {
    sequence: u32,
    crc: u32,
    /// The frame had been replaced by then. vkms computes in a worker that may come that late under load; it then reads
    /// a buffer that its client has back, and a difference proves nothing.
    late: bool,
}

/// CRCs of one output.
pub struct CrcSession {
    output: u32,
    stream: CrcStream,
    predictable: bool,
    jobs: Sender<Job>,
    waiting: VecDeque<Expected>,
    /// Entries that came before the flip event of their frame was read.
    early: VecDeque<Read>,
    /// The first entry after arming: frames before it are not judged.
    first: Option<u32>,
}

impl CrcSession {
    /// How many vblanks an entry may be late before it counts as unread.
    const PATIENCE: u32 = 8;

    /// A frame is on the screen from vblank `sequence` on.
    pub fn expect(&mut self, frame: u64, sequence: u32, check: Check, counters: &mut Counters, now: Ns) {
        let predicted = if self.predictable { None } else { Some(None) };
        let read = self.early.iter().find(|read| read.sequence == sequence).copied();
        self.waiting.push_back(Expected { frame, sequence, predicted, read });
        if self.predictable && self.jobs.send(Job { frame, check }).is_err() {
            self.predictable = false;
        }
        self.settle(sequence, counters, now);
    }

    /// The `data` file is readable.
    fn readable(&mut self, counters: &mut Counters, now: Ns) {
        loop {
            match self.stream.read_entry() {
                Ok(Some(entry)) => {
                    let (Some(sequence), Some(crc)) = (entry.frame, entry.values().first().copied()) else { continue };
                    self.first.get_or_insert(sequence);
                    let newest = self.waiting.back().map_or(sequence, |e| e.sequence);
                    let late = newest.wrapping_sub(sequence) as i32 > 0;
                    let read = Read { sequence, crc, late };
                    if let Some(expected) = self.waiting.iter_mut().find(|e| e.sequence == sequence) {
                        expected.read = Some(read);
                    } else {
                        if self.early.len() == 4 {
                            self.early.pop_front();
                        }
                        self.early.push_back(read);
                    }
                    self.settle(sequence, counters, now);
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!("reading CRCs: {error}");
                    return;
                }
            }
        }
    }

    fn predicted(&mut self, frame: u64, crc: Option<u32>, counters: &mut Counters, now: Ns) {
        if let Some(expected) = self.waiting.iter_mut().find(|e| e.frame == frame) {
            expected.predicted = Some(crc);
        }
        let newest = self.waiting.back().map_or(0, |e| e.sequence);
        self.settle(newest, counters, now);
    }

    /// Judges the frames of which everything is known, or never will be.
    fn settle(&mut self, sequence: u32, counters: &mut Counters, now: Ns) {
        while let Some(first) = self.waiting.front() {
            let late = sequence.wrapping_sub(first.sequence) as i32 > Self::PATIENCE as i32;
            let (Some(predicted), true) = (first.predicted, first.read.is_some() || late) else { return };
            let Some(done) = self.waiting.pop_front() else { return };
            let read = done.read.map(|read| read.crc);
            let settling = self.first.is_none_or(|first| (done.sequence.wrapping_sub(first) as i32) < 0);
            let verdict = match (read, predicted) {
                (None, _) if settling => "settling",
                (None, _) => "unread",
                (Some(_), None) => "unpredicted",
                (Some(read), Some(predicted)) if read == predicted => "equal",
                _ if done.read.is_some_and(|read| read.late) => "ambiguous",
                _ => "different",
            };
            match verdict {
                "equal" => counters.crc_equal += 1,
                "different" => counters.crc_different += 1,
                "unread" => counters.crc_unread += 1,
                "ambiguous" => counters.crc_ambiguous += 1,
                _ => {}
            }
            if verdict == "different" {
                tracing::warn!(
                    "output {}: frame {}: the display's CRC {:#010x} is not the predicted {:#010x}",
                    self.output,
                    done.frame,
                    read.unwrap_or(0),
                    predicted.unwrap_or(0)
                );
            }
            let crtc_frame = done.read.map(|read| read.sequence);
            let (output, frame) = (self.output, done.frame);
            trace::crc(now, trace::CrcEvent { output, frame, crtc_frame, read, predicted, verdict });
        }
    }
}

impl Syncline {
    /// Reads the CRC of every frame from now on.
    ///
    /// Waits, at the start of a session, until the displays that it has lit have vblanks: a non-blocking modeset is under way, and CRCs armed
    /// before its end would not come. At most a second each.
    pub fn start_crc(&mut self) -> Result<(), Error> {
        let predictor = Predictor::start()?;
        self.reactor.add(predictor.wake.as_fd(), Source::Predictor).context("CRC predictor")?;
        for output in &mut self.outputs.list {
            let fail = |e: kms::crc::CrcError| Error::setup(format!("CRC of {}", output.wl.name()), e);
            let reader = CrcReader::open(output.kms.device(), output.kms.crtc_index()).map_err(fail)?;
            output.kms.device().wait_vblanks(output.kms.crtc_id(), Duration::from_secs(1));
            let stream = reader.arm("auto").map_err(fail)?;
            self.reactor.add(stream.as_fd(), Source::Crc(output.id)).context("CRC")?;
            output.crc = Some(CrcSession {
                output: output.id,
                stream,
                predictable: output.kms.device().is_vkms(),
                jobs: predictor.jobs.clone(),
                waiting: VecDeque::new(),
                early: VecDeque::new(),
                first: None,
            });
        }
        self.predictor = Some(predictor);
        Ok(())
    }

    /// CRC entries of an output have arrived.
    pub fn crc_event(&mut self, output: u32) {
        if let Some(output) = self.outputs.list.iter_mut().find(|o| o.id == output)
            && let Some(crc) = &mut output.crc
        {
            crc.readable(&mut self.counters, self.now);
        }
    }

    /// Predictions are done.
    pub fn predictor_event(&mut self) {
        let Some(predictor) = &self.predictor else { return };
        rustix::io::read(&*predictor.wake, &mut [0; 8]).ok();
        while let Ok(prediction) = predictor.done.try_recv() {
            let Prediction { frame, check, crc } = prediction;
            if let Some(output) = self.outputs.list.iter_mut().find(|o| o.id == check.output)
                && let Some(session) = &mut output.crc
            {
                session.predicted(frame, crc, &mut self.counters, self.now);
            }
        }
    }
}
