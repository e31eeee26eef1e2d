//! A display driven bare: the mode, scenes by one atomic commit each, and the CRC of what each commit showed.
//!
//! Every property of a scene is sent with every commit, so that no scene inherits from the one before. What was on the screen before is
//! put back at the end. No wait is without a limit.

mod state;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use drm::control::{AtomicCommitFlags, Device as _};
use kms::crc::{CrcEntry, CrcError, CrcReader, CrcStream};
use kms::pipeline::ColorPipeline;
use kms::property::PropertyTable;
use kms::{Device, Event, Flip, Inventory, Mode, Output, PlaneKind, PlaneState, Rect, SavedState, SrcRect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::picture::Picture;
use super::scene::{Layer, Scene};
use super::trouble::Trouble;
use state::Blobs;
pub use state::{blend_name, encoding_name, fit, range_name};

/// How long a flip or a CRC may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Values by object and name of the property.
type Values = Vec<(u32, u32, u64)>;

/// For the `drm` crate's calls on a device that `kms` owns.
struct Card<'a>(BorrowedFd<'a>);

impl AsFd for Card<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0
    }
}
impl drm::Device for Card<'_> {}
impl drm::control::Device for Card<'_> {}

/// A plane of the screen.
pub struct Plane {
    pub id: u32,
    pub kind: PlaneKind,
    /// As the inventory has it.
    pub about: kms::inventory::PlaneInfo,
    pub sizes: Vec<(u32, u32)>,
    /// Its colour pipelines, and the property that chooses one.
    pub pipelines: Vec<ColorPipeline>,
    pipeline_prop: Option<u32>,
}

/// A lit display that nobody else draws on.
pub struct Screen {
    output: Output,
    pub device: Device,
    pub inventory: Inventory,
    pub planes: Vec<Plane>,
    pub mode: Mode,
    saved: SavedState,
    source: String,
    stream: Option<CrcStream>,
    black: Picture,
    /// Those in use, kept until the commit after it.
    blobs: Blobs,
    user_data: u64,
    /// Whether a test may suspend the machine.
    pub may_suspend: bool,
}

impl Screen {
    /// Sets `mode` on `connector` with a black picture and arms `source`.
    pub fn light(
        device: Device,
        inventory: Inventory,
        connector: u32,
        mode: &Mode,
        source: &str,
    ) -> Result<Self, Trouble> {
        let saved = device.save_state(&inventory);
        let piped = state::pipelines(&device);
        let output =
            Output::new(&device, &inventory, connector, mode).map_err(|error| Trouble::refused("the output", error))?;
        let find = |plane: &kms::OutputPlane| inventory.planes.iter().find(|about| about.id == plane.id).cloned();
        let planes = output.planes().iter().filter_map(|plane| {
            let sizes = plane.cursor_sizes.clone();
            let piped = piped.iter().find(|piped| piped.id == plane.id);
            let pipelines = piped.map_or_else(Vec::new, |piped| piped.pipelines.clone());
            let pipeline_prop = piped.and_then(|piped| piped.props.get("COLOR_PIPELINE")).map(|prop| prop.id);
            Some(Plane { id: plane.id, kind: plane.kind, about: find(plane)?, sizes, pipelines, pipeline_prop })
        });
        let planes = planes.collect();
        let black = Picture::new(&device, dmabuf_import::Fourcc::Xrgb8888, output.size())?;
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

    /// Turns everything off, sets the mode anew with a black picture and arms again.
    pub fn modeset(&mut self) -> Result<(), Trouble> {
        self.stream = None;
        if !self.output.needs_modeset() {
            self.user_data += 1;
            let refused = |error| Trouble::refused("turning the display off", error);
            if self.output.disable(self.user_data).map_err(refused)? {
                let flip = self.wait_flip(LIMIT)?.ok_or(Trouble::NoFlip(LIMIT.as_millis() as u64))?;
                self.output.flipped(&flip);
            }
        }
        let (w, h) = self.size();
        self.user_data += 1;
        let mut frame = self.output.modeset();
        frame.set(0, PlaneState::new(self.black.id(), SrcRect::full(w, h), Rect::new(0, 0, w, h)));
        frame.commit(self.user_data).map_err(|error| Trouble::refused("setting the mode", error))?;
        let flip = self.wait_flip(LIMIT)?.ok_or(Trouble::NoFlip(LIMIT.as_millis() as u64))?;
        self.output.flipped(&flip);
        self.arm()
    }

    /// Arms anew: the next CRC is of what is shown now.
    pub fn arm(&mut self) -> Result<(), Trouble> {
        self.stream = None;
        if !self.device.wait_vblanks(self.output.crtc_id(), LIMIT) {
            return Err(CrcError::CrtcOff(self.output.crtc_index()).into());
        }
        let reader = CrcReader::open(&self.device, self.output.crtc_index())?;
        self.stream = Some(reader.arm(&self.source)?);
        Ok(())
    }

    /// Shows a scene and nothing else; the CRC of it. `None` where the driver refuses the scene, with its errno in words.
    pub fn shot(&mut self, scene: &Scene) -> Result<Result<CrcEntry, String>, Trouble> {
        let blobs = Blobs::of(&self.device, scene)?;
        let values = self.values(scene, &blobs);
        if let Err(error) = self.commit(&values, scene.piped(), AtomicCommitFlags::empty()) {
            return Ok(Err(error.to_string()));
        }
        self.blobs = blobs;
        let flip = self.wait_flip(LIMIT)?.ok_or(Trouble::NoFlip(LIMIT.as_millis() as u64))?;
        self.crc_of(&flip).map(Ok)
    }

    /// Asks the driver whether it could show the scene.
    pub fn would_take(&self, scene: &Scene) -> Result<(), String> {
        let blobs = Blobs::of(&self.device, scene).map_err(|error| error.to_string())?;
        let values = self.values(scene, &blobs);
        let _shown = scene.piped().then(|| state::Shown::new(&self.device));
        let card = Card(self.device.as_fd());
        card.atomic_commit(AtomicCommitFlags::TEST_ONLY, state::request(&values)).map_err(|error| error.to_string())
    }

    /// Shows one layer behind a fence, without waiting for it.
    pub fn show_behind(&mut self, layer: &Layer, fence: BorrowedFd<'_>) -> Result<(), Trouble> {
        use std::os::fd::AsRawFd;
        let scene = Scene::of([layer.clone()]);
        let mut values = self.values(&scene, &Blobs::default());
        let plane = &self.planes[layer.plane];
        let prop = plane.about.props.get("IN_FENCE_FD").ok_or_else(|| Trouble::refused("IN_FENCE_FD", "missing"))?;
        values.push((plane.id, prop.id, i64::from(fence.as_raw_fd()) as u64));
        self.commit(&values, false, AtomicCommitFlags::empty())
            .map_err(|error| Trouble::refused("a commit with a fence", error))
    }

    /// The flip of the commit under way, if it comes within `limit`.
    pub fn wait_flip(&mut self, limit: Duration) -> Result<Option<Flip>, Trouble> {
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
            wait(self.device.as_fd(), left)?;
        }
    }

    /// The CRC of the frame that `flip` brought: by its number where the driver has numbers, else the second entry to come.
    pub fn crc_of(&mut self, flip: &Flip) -> Result<CrcEntry, Trouble> {
        let mut unnumbered = 0;
        loop {
            let entry = self.next_crc()?;
            match entry.frame {
                Some(frame) if frame.wrapping_sub(flip.sequence) as i32 >= 0 => return Ok(entry),
                None if unnumbered >= 2 => return Ok(entry),
                None => unnumbered += 1,
                Some(_) => {}
            }
        }
    }

    /// The next CRC.
    pub fn next_crc(&mut self) -> Result<CrcEntry, Trouble> {
        let none = || Trouble::refused("reading CRCs", format!("none for {} ms", LIMIT.as_millis()));
        self.crc_within(LIMIT)?.ok_or_else(none)
    }

    /// The next CRC, if it comes within `limit`.
    fn crc_within(&mut self, limit: Duration) -> Result<Option<CrcEntry>, Trouble> {
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
            wait(stream.as_fd(), left)?;
        }
    }

    /// Shows the scene once more, written back into memory as XRGB8888. Err(words) where the device has no writeback, or refuses.
    pub fn writeback(&mut self, scene: &Scene) -> Result<Result<Picture, String>, Trouble> {
        let bit = 1 << self.output.crtc_index();
        let connector = self.inventory.connectors.iter().find(|c| c.writeback && c.possible_crtcs & bit != 0);
        let Some(connector) = connector else { return Ok(Err("no writeback connector".to_owned())) };
        let prop = |name| connector.props.get(name).map(|prop| prop.id);
        let (Some(crtc), Some(fb)) = (prop("CRTC_ID"), prop("WRITEBACK_FB_ID")) else {
            return Ok(Err("a writeback connector without WRITEBACK_FB_ID".to_owned()));
        };
        let id = connector.id;
        let picture = Picture::new(&self.device, dmabuf_import::Fourcc::Xrgb8888, self.size())?;
        let blobs = Blobs::of(&self.device, scene)?;
        let mut values = self.values(scene, &blobs);
        values.push((id, crtc, self.output.crtc_id().into()));
        values.push((id, fb, picture.id().0.into()));
        if let Err(error) = self.commit(&values, scene.piped(), AtomicCommitFlags::ALLOW_MODESET) {
            return Ok(Err(format!("writeback refused: {error}")));
        }
        self.blobs = blobs;
        let flip = self.wait_flip(LIMIT)?.ok_or(Trouble::NoFlip(LIMIT.as_millis() as u64))?;
        // A frame's CRC comes when all of it has been put out, so written back too. Then a while for drivers that queue; on vkms the end of
        // the job stops the CRCs, some time after it was signalled, and would stop those that are armed next.
        self.crc_of(&flip)?;
        let end = Instant::now() + Duration::from_millis(500);
        while Instant::now() < end && self.crc_within(Duration::from_millis(100))?.is_some() {}
        let off = vec![(id, crtc, 0)];
        self.commit(&off, false, AtomicCommitFlags::ALLOW_MODESET)
            .map_err(|error| Trouble::refused("ending writeback", error))?;
        self.wait_flip(LIMIT)?;
        Ok(Ok(picture))
    }

    /// `piped`: the values have colour pipelines.
    fn commit(&mut self, values: &Values, piped: bool, flags: AtomicCommitFlags) -> std::io::Result<()> {
        let _shown = piped.then(|| state::Shown::new(&self.device));
        let flags = flags | AtomicCommitFlags::NONBLOCK | AtomicCommitFlags::PAGE_FLIP_EVENT;
        let end = Instant::now() + LIMIT;
        loop {
            match Card(self.device.as_fd()).atomic_commit(flags, state::request(values)) {
                // The commit before has flipped, but its cleaning up is not done.
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                other => return other,
            }
        }
    }

    /// Puts back what was on the screen.
    pub fn restore(mut self) {
        self.stream = None;
        // SavedState does not know of the background and of colour pipelines.
        self.commit(&self.values(&Scene::default(), &Blobs::default()), false, AtomicCommitFlags::empty()).ok();
        self.wait_flip(LIMIT).ok();
        if let Err(error) = self.saved.restore() {
            tracing::warn!(%error, "what was on the screen before could not be put back");
        }
    }
}

/// Waits until `fd` is readable, at most `limit`.
pub fn wait(fd: BorrowedFd<'_>, limit: Duration) -> Result<bool, Trouble> {
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(Trouble::refused("poll", errno)),
    }
}
