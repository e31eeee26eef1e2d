//! What clients capture: the series of frames, the images that they are drawn from, and the frames that
//! wait. Plain data; [`crate::session::capture`] draws and answers.

use std::sync::Arc;

use fence::{Ns, SyncFile};
use kms::Rect;
use protocols::{
    capture::{DmabufFormats, Part, Series, Source, Subject, Wanted},
    reexports::image_capture::{cursor::ExtImageCopyCaptureCursorSessionV1, session::ExtImageCopyCaptureSessionV1},
};
use slab::Slab;
use smallvec::SmallVec;
use smithay::{
    reexports::{pixman::Region32, wayland_server::protocol::wl_output},
    utils::{Buffer, Logical, Point, Rectangle, Size},
};

use crate::{
    render::{Layer, Target, Tracker},
    surface::{budget::Charge, content::Content},
    system::id::OutputId,
};

/// A region with more rectangles than this becomes the one around them.
const RECTS: usize = 32;

/// Everything that is captured.
#[derive(Default)]
pub struct Captures {
    pub series: Vec<Capturing>,
    pub images: Vec<Drawing>,
    /// Frames that are not drawn yet.
    pub waiting: Vec<Wanted>,
    /// Frames that are drawn, and not told to be ready yet.
    pub drawn: Slab<Drawn>,
    /// Who wants to hear where the pointer is.
    pub pointers: Vec<PointerWatch>,
    /// Where the pointer's image was when it was looked at last; `None`: nothing was shown.
    pub pointer: Option<Rectangle<i32, Logical>>,
    /// The clients' dma-bufs that images can be put into; `None`: none.
    pub dmabufs: Option<DmabufFormats>,
    /// They are those of writeback connectors: no GPU draws into any.
    pub written: bool,
    /// Of what that is known.
    pub known: Option<Known>,
    /// Scratch lists.
    pub layers: Vec<Layer>,
    pub rects: Vec<Rect>,
}

/// What decides which dma-bufs images can be put into.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// The renderer: its name, and the card of its GPU.
    pub renderer: (&'static str, Option<kms::CardSerial>),
    /// The outputs with a writeback connector.
    pub written: SmallVec<[OutputId; 4]>,
}

/// A series of frames.
pub struct Capturing {
    pub series: Series,
    pub subject: Subject,
    /// `None`: it has none, or it is destroyed.
    pub session: Option<ExtImageCopyCaptureSessionV1>,
    /// No frame comes any more, but for those that wait.
    pub ended: bool,
    /// The size that the session was told; `None`: that it has stopped.
    pub told: Option<(u32, u32)>,
    /// A frame of it was drawn.
    pub begun: bool,
    /// What has changed since its last frame.
    pub damage: Region32,
    /// Memory that the session has in its name; `None`: there is none yet.
    pub charge: Option<Charge>,
}

/// An image that is drawn for all series of one subject.
pub struct Drawing {
    pub subject: Subject,
    pub size: Size<i32, Buffer>,
    /// What it is drawn into; `None`: it was not drawn yet.
    pub target: Option<Arc<Target>>,
    /// How many passes of the tracker ago the target was drawn; 0: never.
    pub age: usize,
    pub tracker: Tracker,
    /// The frame of its output that was looked at last.
    pub looked_at: Option<u64>,
    /// A frame was put off until the flip, because a fence was pending.
    pub put_off: bool,
}

/// A frame whose image is drawn, or is being drawn.
pub struct Drawn {
    pub wanted: Wanted,
    /// The flip that shows it is yet to come: of which output and frame.
    pub flip: Option<(OutputId, u64)>,
    /// When it was shown; with a flip to come, the last known time.
    pub time: Ns,
    pub transform: wl_output::Transform,
    /// Signals when the GPU has drawn it; `None`: it has.
    pub pass: Option<SyncFile>,
    /// A display writes it: of which output.
    pub writer: Option<OutputId>,
    /// It is not drawn yet: `pass` is what others do with the client's buffer.
    pub is_put_off: bool,
    /// What is to be copied into the client's memory then.
    pub copies: SmallVec<[Part; 4]>,
    /// What its client is told.
    pub damage: SmallVec<[Part; 4]>,
    /// What the pass reads and has no fence for.
    pub held: SmallVec<[Arc<Content>; 2]>,
}

/// What a cursor session has been told.
pub struct PointerWatch {
    pub session: ExtImageCopyCaptureCursorSessionV1,
    pub source: Source,
    /// Where the pointer is in the image; `None`: it is not there.
    pub at: Option<Point<i32, Buffer>>,
    pub hotspot: Option<Point<i32, Buffer>>,
}

impl Captures {
    /// Nobody captures anything.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.waiting.is_empty() && self.drawn.is_empty() && self.pointers.is_empty()
    }

    /// Whether a frame of this subject waits.
    pub fn waits_for(&self, subject: Subject) -> bool {
        self.waiting.iter().any(|wanted| wanted.subject == subject)
    }

    /// Whether a frame waits that comes also if nothing changes any more.
    pub fn is_due(&self, subject: Subject) -> bool {
        let has_changed = |wanted: &Wanted| self.find(wanted.series).is_some_and(|of| of.damage.is_non_empty());
        self.waits_for_first(subject) || self.waiting.iter().any(|of| of.subject == subject && has_changed(of))
    }

    /// Whether a frame waits that comes also if nothing has ever changed.
    pub fn waits_for_first(&self, subject: Subject) -> bool {
        self.waiting.iter().any(|wanted| {
            wanted.subject == subject && (wanted.at_once || self.find(wanted.series).is_some_and(|of| !of.begun))
        })
    }

    /// The state of a series.
    pub fn find(&self, series: Series) -> Option<&Capturing> {
        self.series.iter().find(|of| of.series == series)
    }

    /// Whether the GPU is to finish a frame that is copied from the image then.
    pub fn is_read_later(&self, subject: Subject) -> bool {
        self.drawn.iter().any(|(_, drawn)| drawn.wanted.subject == subject && !drawn.copies.is_empty())
    }

    /// Forgets series that have ended, and images of which there is none.
    pub fn forget_unused(&mut self) {
        let Self { series, images, waiting, drawn, .. } = self;
        let is_awaited = |of: Series| {
            waiting.iter().any(|wanted| wanted.series == of) || drawn.iter().any(|(_, at)| at.wanted.series == of)
        };
        series.retain(|of| !of.ended || is_awaited(of.series));
        images.retain(|image| series.iter().any(|of| of.subject == image.subject));
    }
}

impl Capturing {
    /// A series without frames.
    pub fn new(series: Series, subject: Subject) -> Self {
        let (session, ended, told, begun, damage, charge) = (None, false, None, false, Region32::default(), None);
        Self { series, subject, session, ended, told, begun, damage, charge }
    }
}

/// The region together with a rectangle of an image; simplified if it has many.
pub fn with_rect(region: &Region32, part: Part) -> Region32 {
    let (at, size) = (part.loc, part.size);
    let region = region.union_rect(at.x, at.y, size.w.unsigned_abs(), size.h.unsigned_abs());
    if region.rectangles().len() <= RECTS {
        return region;
    }
    parts(&region).reduce(|all, one| all.merge(one)).map_or(region, |all| with_rect(&Region32::default(), all))
}

/// The rectangles of a region.
pub fn parts(region: &Region32) -> impl Iterator<Item = Part> + '_ {
    region.rectangles().iter().map(|b| Part::new((b.x1, b.y1).into(), (b.x2 - b.x1, b.y2 - b.y1).into()))
}
