//! What to do after the kernel has refused a frame, and when a flip does not come: each failure
//! costs as little as it can.
//!
//! ```text
//!  refused ─▶ synchronous ─▶ without fences ─▶ without overlays ─▶ without the cursor plane
//!          ─▶ next modifier ─▶ composited ─▶ modeset ─▶ give up
//! ```
//!
//! A rung that the frame does not have, or that cannot cure the errno, is left out; a frame never
//! climbs back. What an errno says of the moment and not of the frame (EBUSY, ENOMEM, EINTR) costs
//! no rung: the frame is resubmitted as it is, at once, at the next vblank, or after the flip that
//! it was in the way of, which may be another CRTC's. EACCES and ENODEV end it.
//!
//! Decides only: it holds no buffer, asks the kernel nothing and reads no clock. [`Ladder`] is one
//! output's, [`LearnedLimits`] one device's, [`watch::FlipWatch`] looks after the commit that the
//! kernel took.

pub mod watch;

use rustix::io::Errno;

use crate::{CommitError, Step};

/// A format with its modifier, as a framebuffer has it: `DRM_FORMAT_*` and `DRM_FORMAT_MOD_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// `DRM_FORMAT_*`.
    pub format: u32,
    /// `DRM_FORMAT_MOD_*`.
    pub modifier: u64,
}

/// A layout with the lengths of its lines: what may not change with a tearing flip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLayout {
    /// Format and modifier, and thereby the number of memory planes.
    pub layout: Layout,
    /// Bytes from line to line of each memory plane; 0 behind the last.
    pub pitches: [u32; 4],
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match drm_fourcc(self.format) {
            Some(name) => write!(f, "{name}")?,
            None => write!(f, "{:#010x}", self.format)?,
        }
        write!(f, " with modifier {:#018x}", self.modifier)
    }
}

/// The four characters of a format, where they are characters.
fn drm_fourcc(format: u32) -> Option<String> {
    let bytes = format.to_le_bytes();
    let printable = bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    printable.then(|| bytes.iter().map(|&byte| char::from(byte)).collect::<String>().trim_end().to_owned())
}

/// The in-fences of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InFences {
    /// No plane has one.
    #[default]
    None,
    /// All of them have signalled: the frame may as well go without.
    Signalled,
    /// One is pending: without it a buffer would be shown before it is rendered.
    Pending,
}

/// What the refused frame had: what could be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttemptedFeatures {
    /// It was to tear (`DRM_MODE_PAGE_FLIP_ASYNC`).
    pub asynchronous: bool,
    /// Layout of the buffer on the primary plane; `None` where it is not known.
    pub primary: Option<MemoryLayout>,
    /// Its in-fences.
    pub fences: InFences,
    /// A plane that is neither the primary nor the cursor was on.
    pub overlays: bool,
    /// The cursor plane was on.
    pub cursor: bool,
    /// A client's buffer on the primary plane.
    pub client: Option<Layout>,
    /// The compositor's own buffer on the primary plane, if it can be made with another modifier.
    pub target: Option<Layout>,
    /// It was a modeset.
    pub modeset: bool,
    /// A commit of this output is with the kernel.
    pub in_flight: bool,
    /// A commit of another output of the device is with the kernel.
    pub others_in_flight: bool,
}

impl AttemptedFeatures {
    /// Something other than the composited image and the pointer was on a plane.
    fn beyond_composition(&self) -> bool {
        self.overlays || self.client.is_some()
    }
}

/// What to do next. In the order of what it costs: a later one is never taken while an earlier one
/// may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Resubmit the same frame at once: a signal came in between.
    Again,
    /// Keep the frame until the flip of the commit in flight has come.
    AfterFlip,
    /// Keep the frame until no commit of another output of the device is in flight: what all CRTCs
    /// share was to change.
    AfterOthers,
    /// Try again at the next vblank, with what is there then.
    NextVblank,
    /// The same frame, not tearing.
    Synchronous,
    /// The same frame without in-fences, all of which have signalled.
    WithoutFences,
    /// Only the primary plane and the cursor: what the other planes showed is composited.
    WithoutOverlays,
    /// The same frame without the cursor plane. If the kernel takes it, the pointer is a part of the
    /// image from then on: [`Ladder::may_use_cursor`]. Later remedies have the plane again.
    WithoutCursor,
    /// This layout is not for this plane: withdraw it from the client's dma-buf feedback, or do not
    /// make buffers of it, and submit the frame without such a buffer.
    OtherModifier(Layout),
    /// Everything composited, no client buffer on a plane.
    Composed,
    /// The same image with a modeset.
    Modeset,
    /// The device is somebody else's now: no commit until the session is back.
    Pause,
    /// The device is gone: take its outputs away.
    Gone,
    /// Nothing is left. The output keeps its last image; a change of the scene or of the displays
    /// tries again.
    GiveUp,
}

impl Remedy {
    /// Whether the frame is to be resubmitted now.
    pub fn retries(self) -> bool {
        self.rung().is_some() || self == Self::Again
    }

    /// Place on the ladder; `None` for what is none of its rungs.
    pub fn rung(self) -> Option<u8> {
        match self {
            Self::Synchronous => Some(1),
            Self::WithoutFences => Some(2),
            Self::WithoutOverlays => Some(3),
            Self::WithoutCursor => Some(4),
            Self::OtherModifier(_) => Some(5),
            Self::Composed => Some(6),
            Self::Modeset => Some(7),
            _ => None,
        }
    }

    /// One word for the trace.
    pub fn name(self) -> &'static str {
        match self {
            Self::Again => "again",
            Self::AfterFlip => "after-flip",
            Self::AfterOthers => "after-others",
            Self::NextVblank => "next-vblank",
            Self::Synchronous => "synchronous",
            Self::WithoutFences => "without-fences",
            Self::WithoutOverlays => "without-overlays",
            Self::WithoutCursor => "without-cursor",
            Self::OtherModifier(_) => "other-modifier",
            Self::Composed => "composed",
            Self::Modeset => "modeset",
            Self::Pause => "pause",
            Self::Gone => "gone",
            Self::GiveUp => "give-up",
        }
    }
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Again => f.write_str("again, as it is"),
            Self::AfterFlip => f.write_str("again after the flip"),
            Self::AfterOthers => f.write_str("again after the flips of the card's other displays"),
            Self::NextVblank => f.write_str("again at the next vblank"),
            Self::Synchronous => f.write_str("without tearing"),
            Self::WithoutFences => f.write_str("without in-fences"),
            Self::WithoutOverlays => f.write_str("without overlay planes"),
            Self::WithoutCursor => f.write_str("without the cursor plane"),
            Self::OtherModifier(layout) => write!(f, "without {layout}"),
            Self::Composed => f.write_str("with everything composited"),
            Self::Modeset => f.write_str("with a modeset"),
            Self::Pause => f.write_str("pausing until the session is back: another program is the display's master"),
            Self::Gone => f.write_str("taking the outputs away: the display device is gone"),
            Self::GiveUp => f.write_str("giving up: the display keeps its last picture until something changes"),
        }
    }
}

/// What does not work on a device, whatever is shown: not asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LearnedLimits {
    no_in_fences: Option<Errno>,
}

impl LearnedLimits {
    /// What is known before the first commit; see [`crate::quirks::Quirks::in_fences`].
    pub fn new(in_fences: bool) -> Self {
        Self { no_in_fences: (!in_fences).then_some(Errno::PERM) }
    }

    /// Whether a pending fence may go into a commit; else it is waited for before.
    pub fn in_fences(&self) -> bool {
        self.no_in_fences.is_none()
    }

    /// Displays or the configuration changed. EPERM is the driver's own answer to every in-fence
    /// and stays; what was concluded from other errnos is forgotten.
    pub fn forget_inferred(&mut self) {
        self.no_in_fences = self.no_in_fences.filter(|errno| *errno == Errno::PERM);
    }
}

/// A layout whose tearing flips were refused.
#[derive(Debug, Clone, Copy)]
struct NoTearing {
    layout: Option<MemoryLayout>,
    /// For how many frames it is not asked for after a refusal.
    rest: u32,
    /// How many of them are still to come.
    left: u32,
}

/// The way down of one output.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    /// Where this frame is.
    rung: u8,
    /// The last remedy of this frame, and what it was for.
    last: Option<(Remedy, Errno)>,
    modifiers: u8,
    interrupted: u8,
    /// Frames in a row that failed for a reason of the moment.
    moments: u8,
    /// What was on the primary plane in the last frame that was refused.
    refused: Option<MemoryLayout>,
    /// What was on the primary plane when a flip was taken as soon as it did not tear, since the
    /// last modeset.
    no_async: Option<NoTearing>,
    /// A modeset was tried without success since the last reset.
    no_modeset: bool,
    /// A frame was taken as soon as the cursor plane was off.
    no_cursor: bool,
}

impl Ladder {
    /// How often a frame is resubmitted at once when signals interrupt it.
    const INTERRUPTED: u8 = 3;
    /// Layouts that a frame may lose before everything is composited.
    const MODIFIERS: u8 = 4;
    /// Calls of [`Self::refused`] after which a frame has ended, whatever the kernel answers.
    pub const CALLS: usize = 14;
    /// Frames that may fail for want of memory, or through a commit that is not ours, before less
    /// is tried.
    const MOMENTS: u8 = 3;
    /// The longest rest of tearing flips in frames: some minutes.
    const LONGEST_REST: u32 = 8191;

    /// A new frame: all rungs are open again. What was learnt stays.
    pub fn begin(&mut self) {
        (self.rung, self.last, self.modifiers, self.interrupted) = (0, None, 0, 0);
    }

    /// A mode was set, a display came or went, or the configuration changed: what was refused may
    /// work now. What the device never takes stays with [`LearnedLimits`].
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether a frame with this layout on its primary plane may ask to tear.
    ///
    /// Drivers take tearing flips of some layouts only, and not from every memory to every other
    /// (amdgpu: not from VRAM to GTT), which nobody can know before. So a refusal is believed when
    /// it comes twice: the layout then rests, for twice as long after each further refusal.
    pub fn may_tear(&self, primary: Option<MemoryLayout>) -> bool {
        self.no_async.is_none_or(|refused| refused.layout != primary || refused.left == 0)
    }

    /// Whether the pointer may have the cursor plane. Not since a frame was taken as soon as that was
    /// off, until a reset or [`Self::try_cursor_again`].
    pub fn may_use_cursor(&self) -> bool {
        !self.no_cursor
    }

    /// What was short when the cursor plane was given up may have become free.
    pub fn try_cursor_again(&mut self) {
        self.no_cursor = false;
    }

    /// The kernel took the frame. If it did so as soon as the fences were gone, the device takes
    /// none.
    pub fn accepted(&mut self, learnt: &mut LearnedLimits) {
        match self.last {
            Some((Remedy::WithoutFences, errno)) => learnt.no_in_fences = learnt.no_in_fences.or(Some(errno)),
            Some((Remedy::Synchronous, _)) => {
                let layout = self.refused;
                let before = self.no_async.filter(|refused| refused.layout == layout);
                let rest = before.map_or(0, |refused| (2 * refused.rest + 1).min(Self::LONGEST_REST));
                self.no_async = Some(NoTearing { layout, rest, left: rest });
            }
            Some((Remedy::WithoutCursor, _)) => self.no_cursor = true,
            Some((Remedy::Modeset, _)) => self.no_async = None,
            _ => {
                if let Some(refused) = &mut self.no_async {
                    refused.left = refused.left.saturating_sub(1);
                }
            }
        }
        (self.moments, self.no_modeset) = (0, false);
        self.begin();
    }

    /// The frame, which had `had`, was refused: what to do. Ends each frame in at most
    /// [`Self::CALLS`] calls.
    pub fn refused(&mut self, error: &CommitError, had: &AttemptedFeatures, learnt: &mut LearnedLimits) -> Remedy {
        let remedy = self.decide(error, had, learnt);
        if let Some(rung) = remedy.rung() {
            self.rung = rung;
        }
        (self.last, self.refused) = (Some((remedy, error.errno)), had.primary);
        remedy
    }

    fn decide(&mut self, error: &CommitError, had: &AttemptedFeatures, learnt: &mut LearnedLimits) -> Remedy {
        // Nothing was asked of the kernel because the mode is not set.
        if error.step == Step::State && error.errno == Errno::INVAL {
            return self.modeset(had);
        }
        match error.errno {
            Errno::ACCESS => Remedy::Pause,
            Errno::NODEV | Errno::NXIO => Remedy::Gone,
            Errno::BUSY if had.in_flight => Remedy::AfterFlip,
            // However often: neither less nor a modeset gets past another CRTC's flip.
            Errno::BUSY if had.others_in_flight => Remedy::AfterOthers,
            Errno::INTR | Errno::AGAIN if self.interrupted < Self::INTERRUPTED => {
                self.interrupted += 1;
                Remedy::Again
            }
            Errno::INTR | Errno::AGAIN => Remedy::NextVblank,
            Errno::BUSY | Errno::NOMEM if self.rung == 0 && self.moments < Self::MOMENTS => {
                self.moments += 1;
                Remedy::NextVblank
            }
            // Less does not cure a CRTC that is busy.
            Errno::BUSY => self.modeset(had),
            // Fences and tearing take no bandwidth, no scaler and no memory.
            Errno::NOSPC | Errno::NOMEM | Errno::RANGE => self.less(had, false),
            Errno::PERM => {
                match had.fences {
                    InFences::Signalled if self.rung < 2 => return Remedy::WithoutFences,
                    // It cannot be tried without; the next frame waits for its fences itself.
                    InFences::Pending => learnt.no_in_fences = Some(Errno::PERM),
                    _ => {}
                }
                self.less(had, false)
            }
            // EINVAL, ENOENT, EOPNOTSUPP, EIO and what drivers invent: anything may be the cause.
            _ => {
                if self.rung < 1 && had.asynchronous {
                    return Remedy::Synchronous;
                }
                if self.rung < 2 && had.fences == InFences::Signalled {
                    return Remedy::WithoutFences;
                }
                self.less(had, true)
            }
        }
    }

    /// Fewer planes, down to one.
    fn less(&mut self, had: &AttemptedFeatures, modifiers: bool) -> Remedy {
        if self.rung < 3 && had.overlays {
            return Remedy::WithoutOverlays;
        }
        if self.rung < 4 && had.cursor {
            return Remedy::WithoutCursor;
        }
        if let Some(layout) = had.client.or(had.target)
            && modifiers
            && self.rung <= 5
            && self.modifiers < Self::MODIFIERS
        {
            self.modifiers += 1;
            return Remedy::OtherModifier(layout);
        }
        if self.rung < 6 && had.beyond_composition() {
            return Remedy::Composed;
        }
        self.modeset(had)
    }

    /// The last rung, once: a display that refuses a modeset too is not asked again until something
    /// changes.
    fn modeset(&mut self, had: &AttemptedFeatures) -> Remedy {
        if self.no_modeset || had.modeset || self.rung >= 7 {
            return Remedy::GiveUp;
        }
        self.no_modeset = true;
        Remedy::Modeset
    }
}

#[cfg(test)]
mod tests;
