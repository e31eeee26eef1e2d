//! The thread that predicts CRCs. It reads every pixel of every plane, which takes too long for the
//! event loop.
//!
//! While it reads, it holds the frame's buffers like any other user, so none is released meanwhile.
//! It holds no more than [`Predictor::ROOM`] frames: a slow machine predicts fewer frames, and
//! clients do not run out of buffers. It never waits for a display.

use std::{
    cell::RefCell,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use dmabuf_import::Mapping;
use drm_fourcc::DrmModifier;
use kms::{
    Blend, BlobId, ColorEncoding, ColorRange, Device, PlaneId,
    colour::Lut,
    crc::{
        driver::{self, Predict},
        lcdif,
        vkms::{
            self, ColourPlane, Composer, Encoding, Gamma, ModelBuffer, ModelOptions, ModelPlane, ModelRotation, Range,
            Scene,
        },
    },
};
use rustix::event::{EventfdFlags, eventfd};

use crate::{
    crc::check::{Check, CheckPlane},
    system::error::{Context, Error},
};

/// How a source's CRCs are predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arithmetic {
    /// vkms, the whole CRTC.
    Vkms,
    /// The lab's patched vkms, one plane before it is blended (DRM object id).
    VkmsPlane(PlaneId),
    /// LCDIF, a single buffer on the primary plane.
    Lcdif,
    /// They cannot be predicted; the reason.
    Unknown(String),
}

impl Arithmetic {
    /// The arithmetic of the CRC source `source` of a device, under the running kernel.
    pub fn of(device: &Device, source: &str) -> Self {
        let known = driver::of(device.driver_info());
        let whole = known.is_some_and(|driver| driver.sources.whole == source);
        let plane = driver::plane_of_source(source);
        match (known.map(|driver| driver.predict), plane) {
            (Some(Predict::Vkms), plane) if whole || plane.is_some() => {
                match vkms::release(&rustix::system::uname().release().to_string_lossy()) {
                    Ok(()) => plane.map_or(Self::Vkms, Self::VkmsPlane),
                    Err(error) => Self::Unknown(error.to_string()),
                }
            }
            (Some(Predict::Lcdif), _) if whole => Self::Lcdif,
            (Some(Predict::Vkms | Predict::Lcdif), _) => {
                Self::Unknown(format!("the CRC source {source} is not modelled"))
            }
            _ => Self::Unknown(format!("the arithmetic of {} is not known", device.driver())),
        }
    }

    /// The name in reports; `None`: the CRCs cannot be predicted.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Vkms => Some("vkms"),
            Self::VkmsPlane(_) => Some("vkms, one plane"),
            Self::Lcdif => Some("lcdif"),
            Self::Unknown(_) => None,
        }
    }
}

struct PredictionJob {
    frame: u64,
    check: Check,
    arithmetic: Arithmetic,
}

/// A finished prediction. It returns the check with its buffers, so that the event loop releases
/// them and not the thread.
pub struct Prediction {
    pub frame: u64,
    pub check: Check,
    /// The predicted CRC, or why there is none.
    pub crc: Result<u32, String>,
}

/// The event loop's handle of the predictor thread.
pub struct Predictor {
    jobs: Sender<PredictionJob>,
    done: Receiver<Prediction>,
    wake: Arc<OwnedFd>,
    in_progress: usize,
}

impl Predictor {
    /// The most frames that the thread holds.
    pub const ROOM: usize = 6;

    /// Starts the thread; it ends when the handle is dropped. Errors: no eventfd, or no thread.
    pub fn start() -> Result<Self, Error> {
        let what = "starting the CRC predictor";
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).context(what)?);
        let (jobs, incoming) = channel::<PredictionJob>();
        let (outgoing, done) = channel();
        let signal = wake.clone();
        let work = move || {
            let mut model = Model::default();
            while let Ok(PredictionJob { frame, check, arithmetic }) = incoming.recv() {
                let crc = model.predict(&check, &arithmetic);
                if outgoing.send(Prediction { frame, check, crc }).is_err() {
                    return;
                }
                rustix::io::write(&*signal, &1u64.to_ne_bytes()).ok();
            }
        };
        std::thread::Builder::new().name("crc".into()).spawn(work).context(what)?;
        Ok(Self { jobs, done, wake, in_progress: 0 })
    }

    /// Sends a frame to the thread; returns the check if the thread is busy with
    /// [`Predictor::ROOM`] frames.
    pub fn take(&mut self, frame: u64, check: Check, arithmetic: &Arithmetic) -> Result<(), Check> {
        if self.in_progress == Self::ROOM {
            return Err(check);
        }
        let job = PredictionJob { frame, check, arithmetic: arithmetic.clone() };
        self.jobs.send(job).map_err(|refused| refused.0.check)?;
        self.in_progress += 1;
        Ok(())
    }

    /// Clears the eventfd; call it before [`Predictor::next`].
    pub fn woken(&self) {
        rustix::io::read(&*self.wake, &mut [0; 8]).ok();
    }

    /// The next finished prediction.
    pub fn next(&mut self) -> Option<Prediction> {
        let done = self.done.try_recv().ok()?;
        self.in_progress -= 1;
        Some(done)
    }
}

/// The eventfd: readable when predictions are finished.
impl AsFd for Predictor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

#[derive(Default)]
struct Model {
    composer: Composer,
    /// The last gamma table, with the id of its blob: building one takes milliseconds.
    gamma: Option<(BlobId, Gamma)>,
}

impl Model {
    fn predict(&mut self, check: &Check, arithmetic: &Arithmetic) -> Result<u32, String> {
        match arithmetic {
            Arithmetic::Unknown(why) => Err(why.clone()),
            Arithmetic::Lcdif => lcdif_crc(check),
            Arithmetic::Vkms => {
                let crtc = &check.crtc;
                if crtc.degamma.is_some() || crtc.ctm.is_some() {
                    return Err("DEGAMMA_LUT and CTM are not modelled".into());
                }
                let gamma = crtc.gamma.as_deref().map(|lut| self.table(lut)).transpose()?;
                let background =
                    crtc.background.iter().fold(0xffff, |value, channel| value << 16 | u64::from(*channel));
                let (width, height) = (check.width, check.height);
                // The composer is borrowed mutably and the table immutably, so the composer is
                // moved out.
                let composer = RefCell::new(std::mem::take(&mut self.composer));
                let table = self.gamma.as_ref().map(|(_, table)| table).filter(|_| gamma.is_some());
                let crc = opened(&in_order(check), &[], &|planes| {
                    composer.borrow_mut().frame(&Scene { width, height, background, gamma: table, planes })
                });
                self.composer = composer.into_inner();
                crc
            }
            Arithmetic::VkmsPlane(id) => {
                let planes: Vec<_> = in_order(check).into_iter().filter(|plane| plane.id == *id).collect();
                let composer = RefCell::new(&mut self.composer);
                opened(&planes, &[], &|planes| {
                    planes.first().map_or(0, |plane| composer.borrow_mut().plane(check.width, check.height, plane))
                })
            }
        }
    }

    /// Builds the table of a LUT, unless it is the last one.
    fn table(&mut self, lut: &Lut) -> Result<(), String> {
        if self.gamma.as_ref().is_none_or(|(id, _)| *id != lut.id()) {
            let table = Gamma::new(lut.values()).ok_or("a GAMMA_LUT of this length is not modelled")?;
            self.gamma = Some((lut.id(), table));
        }
        Ok(())
    }
}

/// The planes from the bottom up: by zpos where vkms has the property (the lab's does), else by
/// object id.
fn in_order(check: &Check) -> Vec<&CheckPlane> {
    let mut planes: Vec<&CheckPlane> = check.planes.iter().collect();
    planes.sort_by_key(|plane| (plane.values.zpos, plane.id));
    planes
}

/// Opens the pixels of one plane after the other, each as a borrow within a closure, and calls
/// `compute` within the last.
fn opened(
    rest: &[&CheckPlane],
    open: &[ModelPlane<'_>],
    compute: &dyn Fn(&[ModelPlane<'_>]) -> u32,
) -> Result<u32, String> {
    let Some((plane, rest)) = rest.split_first() else { return Ok(compute(open)) };
    let mapping = mapping_of(plane)?;
    let crc = mapping.cpu_read(|bytes| {
        let mut open = open.to_vec();
        open.push(modelled(plane, bytes)?);
        opened(rest, &open, compute)
    });
    crc.map_err(|error| error.to_string())?
}

/// A plane in the terms of the vkms model.
fn modelled<'a>(plane: &CheckPlane, bytes: &'a [u8]) -> Result<ModelPlane<'a>, String> {
    let dmabuf = &plane.target.dmabuf;
    if !matches!(dmabuf.modifier(), DrmModifier::Linear | DrmModifier::Invalid) {
        return Err(format!("modifier {:?} is not modelled", dmabuf.modifier()));
    }
    if plane.values.alpha != u16::MAX || plane.values.blend != Blend::Premultiplied {
        return Err("the properties alpha and pixel blend mode of a plane are not modelled".into());
    }
    if plane.values.options.color_key.is_some() {
        return Err("colour keys are not modelled".into());
    }
    let mut layout = [ColourPlane::default(); 3];
    for (to, from) in layout.iter_mut().zip(dmabuf.planes()) {
        *to = ColourPlane { offset: from.offset, stride: from.stride };
    }
    let picture = ModelBuffer { bytes, format: dmabuf.format() as u32, layout };
    let turn =
        ModelRotation::from_bits(plane.values.options.rotation.bits().into()).ok_or("this rotation is not modelled")?;
    let encoding = plane.values.options.color_encoding.map_or(plane.yuv.0, encoding);
    let range = plane.values.options.color_range.map_or(plane.yuv.1, range);
    let look = ModelOptions { turn, encoding, range, pipeline: &[] };
    ModelPlane::of(&picture, plane.values.src, plane.values.dst, &look).map_err(|error| error.to_string())
}

fn encoding(of: ColorEncoding) -> Encoding {
    match of {
        ColorEncoding::Bt601 => Encoding::Bt601,
        ColorEncoding::Bt709 => Encoding::Bt709,
        ColorEncoding::Bt2020 => Encoding::Bt2020,
    }
}

fn range(of: ColorRange) -> Range {
    match of {
        ColorRange::Limited => Range::Limited,
        ColorRange::Full => Range::Full,
    }
}

/// The mapping of a plane's buffer. Error: none, or its client has put a fence into it since the
/// frame, for which a reader would have to wait.
fn mapping_of(plane: &CheckPlane) -> Result<&Mapping, String> {
    match plane.target.dmabuf.is_readable() {
        true => plane.target.mapping().ok_or_else(|| "the CPU cannot map a buffer".into()),
        false => Err("a buffer carries a pending fence".into()),
    }
}

/// The CRC of LCDIF: one XRGB8888 buffer on the primary plane, unrotated, as large as the mode.
fn lcdif_crc(check: &Check) -> Result<u32, String> {
    if check.crtc.degamma.is_some() || check.crtc.ctm.is_some() || check.crtc.gamma.is_some() {
        return Err("colour tables and matrices are not modelled".into());
    }
    let [plane] = check.planes.as_slice() else { return Err("overlays are not modelled".into()) };
    let dmabuf = &plane.target.dmabuf;
    let whole = plane.values.dst == kms::Rect::new(0, 0, check.width, check.height);
    let at_start = plane.values.src == kms::SrcRect::full(check.width, check.height);
    let plain =
        dmabuf.format() == drm_fourcc::DrmFourcc::Xrgb8888 && plane.values.options == kms::PlaneOptions::default();
    let layout = dmabuf.planes().first().filter(|_| whole && at_start && plain);
    let layout = layout.ok_or("for LCDIF, only a full-screen XRGB8888 buffer is modelled")?;
    let mapping = mapping_of(plane)?;
    let read = |bytes: &[u8]| {
        let pixels = bytes.get(layout.offset as usize..)?;
        lcdif::crc(check.width, check.height, pixels, layout.stride)
    };
    mapping.cpu_read(read).map_err(|error| error.to_string())?.ok_or_else(|| "the buffer is too small".into())
}
