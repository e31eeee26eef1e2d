//! A display that this program drives alone: it sets the mode, shows each scene with one atomic
//! commit and reads its CRC.
//!
//! Every commit sets all properties of its scene, so that nothing is left over from the scene
//! before. At the end the state that the display had before is restored. Every wait has a limit.

mod request;
mod state;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use drm::control::{AtomicCommitFlags, Device as _};
use kms::crc::driver;
use kms::crc::pair::{Rule, ShownFrame};
use kms::crc::{CrcEntry, CrcError, CrcReader, CrcStream};
use kms::pipeline::ColorPipeline;
use kms::property::PropertyTable;
use kms::{
    CommitError, ConnectorId, Device, Event, Flip, Inventory, Mode, ObjectId, Output, PlaneId, PlaneKind, PlaneState,
    PropertyId, Rect, SavedState, SrcRect,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::error::Error;
use super::image::Image;
use super::scene::{Layer, Scene};
use state::Blobs;
pub use state::{assign_operations, blend_name, encoding_name, range_name};

/// How long a page flip or a CRC may take: a busy virtual machine composes a picture with several
/// colour operations in seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// Property values of a commit.
type Values = Vec<(ObjectId, PropertyId, u64)>;

/// Lends a descriptor that `kms` owns to the calls of the `drm` crate.
struct DrmDevice<'a>(BorrowedFd<'a>);

impl AsFd for DrmDevice<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0
    }
}
impl drm::Device for DrmDevice<'_> {}
impl drm::control::Device for DrmDevice<'_> {}

/// A plane of the screen.
pub struct ScreenPlane {
    pub id: PlaneId,
    pub kind: PlaneKind,
    /// The plane in the inventory.
    pub info: kms::inventory::PlaneInfo,
    /// Sizes that a cursor plane takes; empty: any.
    pub sizes: Vec<(u32, u32)>,
    pub pipelines: Vec<ColorPipeline>,
    /// Id of the property that selects one of the pipelines.
    pipeline_prop: Option<PropertyId>,
}

/// A display with its mode set and its CRCs armed.
pub struct Screen {
    output: Output,
    pub device: Device,
    pub inventory: Inventory,
    pub planes: Vec<ScreenPlane>,
    pub mode: Mode,
    saved: SavedState,
    source: String,
    stream: Option<CrcStream>,
    black: Image,
    /// Blobs of the last commit: the kernel needs them until the next one.
    blobs: Blobs,
    user_data: u64,
    /// The last atomic request of a scene.
    last: (Values, AtomicCommitFlags),
    /// Added to the seeds of all images.
    pub seed: u32,
    /// Whether a test may suspend the machine.
    pub may_suspend: bool,
}

impl Screen {
    /// Sets `mode` on `connector` with a black image and arms `source`. `device` must be DRM
    /// master.
    pub fn new(
        device: Device,
        inventory: Inventory,
        connector: ConnectorId,
        mode: &Mode,
        source: &str,
    ) -> Result<Self, Error> {
        let saved = device.save_state(&inventory);
        let with_pipelines = state::planes_with_pipelines(&device);
        let output =
            Output::new(&device, &inventory, connector, mode).map_err(|error| Error::step("the output", error))?;
        let find = |plane: &kms::OutputPlane| inventory.planes.iter().find(|info| info.id == plane.id).cloned();
        let planes = output.planes().iter().filter_map(|plane| {
            let sizes = plane.cursor_sizes.clone();
            let seen = with_pipelines.iter().find(|seen| seen.id == plane.id);
            let pipelines = seen.map_or_else(Vec::new, |seen| seen.pipelines.clone());
            let pipeline_prop = seen.and_then(|seen| seen.props.get("COLOR_PIPELINE")).map(|prop| prop.id);
            Some(ScreenPlane { id: plane.id, kind: plane.kind, info: find(plane)?, sizes, pipelines, pipeline_prop })
        });
        let planes = planes.collect();
        let black = Image::new(&device, dmabuf_import::Fourcc::Xrgb8888, output.size())?;
        let (source, mode) = (source.to_owned(), mode.clone());
        let mut screen = Self {
            output,
            device,
            inventory,
            planes,
            mode,
            saved,
            source,
            stream: None,
            black,
            blobs: Blobs::default(),
            user_data: 0,
            last: (Values::new(), AtomicCommitFlags::empty()),
            seed: 0,
            may_suspend: false,
        };
        screen.modeset()?;
        Ok(screen)
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.output.size()
    }

    /// The connector's name.
    pub fn name(&self) -> &str {
        self.output.name()
    }

    /// The CRTC's properties.
    pub fn crtc_props(&self) -> Option<&PropertyTable> {
        self.inventory.crtc(self.output.crtc_id()).map(|crtc| &crtc.props)
    }

    /// Turns the display off, sets the mode again with a black image and arms again.
    pub fn modeset(&mut self) -> Result<(), Error> {
        self.stream = None;
        if !self.output.needs_modeset() {
            self.user_data += 1;
            let turned_off = until_not_busy(|| self.output.disable(self.user_data));
            if turned_off.map_err(|error| Error::step("turning the display off", error))? {
                let flip = self.wait_flip(LIMIT)?.ok_or(Error::NoFlip(LIMIT.as_millis() as u64))?;
                self.output.flipped(&flip);
            }
        }
        let (w, h) = self.size();
        self.user_data += 1;
        let black = PlaneState::new(self.black.id(), SrcRect::full(w, h), Rect::new(0, 0, w, h));
        let set = until_not_busy(|| {
            let mut frame = self.output.modeset();
            frame.set(0, black);
            frame.commit(self.user_data)
        });
        set.map_err(|error| Error::step("setting the mode", error))?;
        let flip = self.wait_flip(LIMIT)?.ok_or(Error::NoFlip(LIMIT.as_millis() as u64))?;
        self.output.flipped(&flip);
        self.arm()
    }

    /// Arms again: the next CRC is of what the display shows now.
    pub fn arm(&mut self) -> Result<(), Error> {
        self.stream = None;
        if !self.device.wait_vblanks(self.output.crtc_id(), LIMIT) {
            return Err(CrcError::CrtcOff(self.output.crtc_index()).into());
        }
        let reader = CrcReader::open(&self.device, self.output.crtc_index())?;
        self.stream = Some(reader.arm(&self.source)?);
        Ok(())
    }

    /// Shows a scene and nothing else, and returns its CRC. The inner `Err`: the driver refuses the
    /// scene.
    pub fn show(&mut self, scene: &Scene) -> Result<Result<CrcEntry, String>, Error> {
        let blobs = Blobs::of(&self.device, scene)?;
        let values = self.property_values(scene, &blobs);
        if let Err(error) = self.commit(&values, scene.uses_pipelines(), AtomicCommitFlags::empty()) {
            return Ok(Err(error.to_string()));
        }
        self.blobs = blobs;
        let flip = self.wait_flip(LIMIT)?.ok_or(Error::NoFlip(LIMIT.as_millis() as u64))?;
        self.crc_of(&flip).map(Ok)
    }

    /// Asks the driver with a TEST_ONLY commit whether it can show the scene. `Err`: why not.
    pub fn test(&self, scene: &Scene) -> Result<(), String> {
        let blobs = Blobs::of(&self.device, scene).map_err(|error| error.to_string())?;
        let values = self.property_values(scene, &blobs);
        let _access = scene.uses_pipelines().then(|| state::PipelineAccess::new(&self.device));
        let device = DrmDevice(self.device.as_fd());
        device.atomic_commit(AtomicCommitFlags::TEST_ONLY, state::request(&values)).map_err(|error| error.to_string())
    }

    /// Commits one layer with an in-fence. Does not wait for the fence.
    pub fn show_after_fence(&mut self, layer: &Layer, fence: BorrowedFd<'_>) -> Result<(), Error> {
        use std::os::fd::AsRawFd;
        let scene = Scene::from_layers([layer.clone()]);
        let mut values = self.property_values(&scene, &Blobs::default());
        let plane = &self.planes[layer.plane];
        let prop = plane.info.props.get("IN_FENCE_FD").ok_or_else(|| Error::step("IN_FENCE_FD", "missing"))?;
        values.push((plane.id.into(), prop.id, i64::from(fence.as_raw_fd()) as u64));
        self.commit(&values, false, AtomicCommitFlags::empty())
            .map_err(|error| Error::step("a commit with a fence", error))
    }

    /// The page flip of the last commit, if it comes within `limit`.
    pub fn wait_flip(&mut self, limit: Duration) -> Result<Option<Flip>, Error> {
        let end = Instant::now() + limit;
        loop {
            let mut found = None;
            self.device.read_events(|event| {
                if let Event::Flip(flip) = event {
                    found = Some(flip);
                }
            })?;
            let left = end.saturating_duration_since(Instant::now());
            if found.is_some() || left.is_zero() {
                return Ok(found);
            }
            wait_readable(self.device.as_fd(), left)?;
        }
    }

    /// The CRC of the frame of `flip`, which stays on the screen: the first entry with its frame
    /// number or a later one, or the third one after the flip where the entries have no numbers, or
    /// it is not known what they count. Entries that were lost before, while this program computed,
    /// do not matter.
    pub fn crc_of(&mut self, flip: &Flip) -> Result<CrcEntry, Error> {
        let known = driver::of(self.device.driver_info()).filter(|driver| driver.is_numbered(&self.source));
        if known.is_none() {
            self.drain()?;
        }
        let rule = Rule::of(known, &self.source, self.output.mode().period_ns());
        let shown = ShownFrame { id: 0, sequence: flip.sequence, time: flip.time };
        let mut after = 0;
        loop {
            let entry = match self.next_crc() {
                Err(Error::Crc(CrcError::Overflow { .. })) => continue,
                entry => entry?,
            };
            let is_found = if known.is_some() { rule.may_be_of(&entry, &shown) } else { after == 2 };
            if is_found {
                return Ok(entry);
            }
            after += 1;
        }
    }

    /// Drops the entries that have come: they may be of frames before.
    fn drain(&mut self) -> Result<(), Error> {
        loop {
            match self.next_crc_within(Duration::ZERO) {
                Ok(Some(_)) | Err(Error::Crc(CrcError::Overflow { .. })) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The next CRC.
    pub fn next_crc(&mut self) -> Result<CrcEntry, Error> {
        let none = || Error::step("reading CRCs", format!("none for {} ms", LIMIT.as_millis()));
        self.next_crc_within(LIMIT)?.ok_or_else(none)
    }

    /// The next CRC, if it comes within `limit`.
    fn next_crc_within(&mut self, limit: Duration) -> Result<Option<CrcEntry>, Error> {
        let crtc = self.output.crtc_index();
        let stream = self.stream.as_mut().ok_or(CrcError::CrtcOff(crtc))?;
        let end = Instant::now() + limit;
        loop {
            if let Some(entry) = stream.read_entry()? {
                return Ok(Some(entry));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            wait_readable(stream.as_fd(), left)?;
        }
    }

    /// Shows the scene again and lets the display write it back to memory as XRGB8888. The inner
    /// `Err`: the device has no writeback, or refuses it.
    pub fn writeback(&mut self, scene: &Scene) -> Result<Result<Image, String>, Error> {
        let bit = self.output.crtc_index().bit();
        let connector = self.inventory.connectors.iter().find(|c| c.writeback && c.possible_crtcs & bit != 0);
        let Some(connector) = connector else { return Ok(Err("no writeback connector".to_owned())) };
        let prop = |name| connector.props.get(name).map(|prop| prop.id);
        let (Some(crtc), Some(fb)) = (prop("CRTC_ID"), prop("WRITEBACK_FB_ID")) else {
            return Ok(Err("the writeback connector has no WRITEBACK_FB_ID".to_owned()));
        };
        let id = connector.id.into();
        let image = Image::new(&self.device, dmabuf_import::Fourcc::Xrgb8888, self.size())?;
        let blobs = Blobs::of(&self.device, scene)?;
        let mut values = self.property_values(scene, &blobs);
        values.push((id, crtc, self.output.crtc_id().value()));
        values.push((id, fb, image.id().value()));
        if let Err(error) = self.commit(&values, scene.uses_pipelines(), AtomicCommitFlags::ALLOW_MODESET) {
            return Ok(Err(format!("the driver refuses writeback: {error}")));
        }
        self.blobs = blobs;
        let flip = self.wait_flip(LIMIT)?.ok_or(Error::NoFlip(LIMIT.as_millis() as u64))?;
        // The CRC comes when the whole frame was scanned out, so by then it is written back. Then
        // wait a while: some drivers queue the job, and on vkms the end of the job stops the CRCs
        // some time after it was signalled. It would also stop the CRCs that are armed next.
        self.crc_of(&flip)?;
        let end = Instant::now() + Duration::from_millis(500);
        while Instant::now() < end && self.next_crc_within(Duration::from_millis(100))?.is_some() {}
        let off = vec![(id, crtc, 0)];
        self.commit(&off, false, AtomicCommitFlags::ALLOW_MODESET)
            .map_err(|error| Error::step("ending writeback", error))?;
        self.wait_flip(LIMIT)?;
        Ok(Ok(image))
    }

    /// Commits `values` without blocking. `pipelines`: they select colour pipelines.
    fn commit(&mut self, values: &Values, pipelines: bool, flags: AtomicCommitFlags) -> std::io::Result<()> {
        let _access = pipelines.then(|| state::PipelineAccess::new(&self.device));
        let flags = flags | AtomicCommitFlags::NONBLOCK | AtomicCommitFlags::PAGE_FLIP_EVENT;
        self.last = (values.clone(), flags);
        let end = Instant::now() + LIMIT;
        loop {
            match DrmDevice(self.device.as_fd()).atomic_commit(flags, state::request(values)) {
                // The commit before has flipped, but the kernel has not cleaned up after it.
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                other => return other,
            }
        }
    }

    /// Restores the state that the display had before. A failure is logged.
    pub fn restore(mut self) {
        self.stream = None;
        // `SavedState` has neither the background colour nor colour pipelines.
        self.commit(&self.property_values(&Scene::default(), &Blobs::default()), false, AtomicCommitFlags::empty())
            .ok();
        self.wait_flip(LIMIT).ok();
        if let Err(error) = self.saved.restore() {
            tracing::warn!(%error, "the previous state of the display could not be restored");
        }
    }
}

/// Commits again while the kernel answers EBUSY, at most [`LIMIT`]: the commit before has flipped,
/// but the kernel has not cleaned up after it.
fn until_not_busy<T>(mut commit: impl FnMut() -> Result<T, CommitError>) -> Result<T, CommitError> {
    let end = Instant::now() + LIMIT;
    loop {
        match commit() {
            Err(error) if error.errno == Errno::BUSY && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(1));
            }
            other => return other,
        }
    }
}

/// Waits until `fd` is readable, at most `limit`. Returns whether it is.
fn wait_readable(fd: BorrowedFd<'_>, limit: Duration) -> Result<bool, Error> {
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(Error::step("poll", errno)),
    }
}
