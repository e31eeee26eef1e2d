//! A display driven bare: the mode, scenes by one atomic commit each, and the CRC of what each commit showed.
//!
//! Every property of a scene is sent with every commit, so that no scene inherits from the one before. What was on the screen before is
//! put back at the end. No wait is without a limit.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use drm::control::{AtomicCommitFlags, Device as _, atomic::AtomicModeReq, property};
use kms::crc::vkms::{Encoding, Range};
use kms::crc::{CrcEntry, CrcError, CrcReader, CrcStream};
use kms::props::{Blob, PropertyTable};
use kms::{Blend, Device, Event, Flip, Inventory, Mode, Output, PlaneKind, PlaneState, Rect, SavedState, SrcRect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::picture::Picture;
use super::scene::{Layer, Scene};
use super::trouble::Trouble;

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
    pub about: kms::inventory::Plane,
    pub sizes: Vec<(u32, u32)>,
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
    /// The blob in use, kept until the commit after it.
    gamma: Option<Blob>,
    user_data: u64,
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
        let output =
            Output::new(&device, &inventory, connector, mode).map_err(|error| Trouble::refused("the output", error))?;
        let find = |plane: &kms::OutputPlane| inventory.planes.iter().find(|about| about.id == plane.id).cloned();
        let planes = output.planes().iter().filter_map(|plane| {
            let sizes = plane.cursor_sizes.clone();
            Some(Plane { id: plane.id, kind: plane.kind, about: find(plane)?, sizes })
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
            gamma: None,
            user_data: 0,
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
        if !self.device.wait_vblanks(self.output.crtc_id(), LIMIT) {
            return Err(CrcError::CrtcOff(self.output.crtc_index()).into());
        }
        let reader = CrcReader::open(&self.device, self.output.crtc_index())?;
        self.stream = Some(reader.arm(&self.source)?);
        Ok(())
    }

    /// Shows a scene and nothing else; the CRC of it. `None` where the driver refuses the scene, with its errno in words.
    pub fn shot(&mut self, scene: &Scene) -> Result<Result<CrcEntry, String>, Trouble> {
        let blob = self.gamma_blob(&scene.gamma)?;
        let values = self.values(scene, blob.as_ref().map_or(0, Blob::id));
        if let Err(error) = self.commit(&values, AtomicCommitFlags::empty()) {
            return Ok(Err(error.to_string()));
        }
        self.gamma = blob;
        let flip = self.wait_flip(LIMIT)?.ok_or(Trouble::NoFlip(LIMIT.as_millis() as u64))?;
        self.crc_of(&flip).map(Ok)
    }

    /// Asks the driver whether it could show the scene.
    pub fn would_take(&self, scene: &Scene) -> Result<(), String> {
        let values = self.values(scene, 0);
        let request = request(&values);
        let card = Card(self.device.as_fd());
        card.atomic_commit(AtomicCommitFlags::TEST_ONLY, request).map_err(|error| error.to_string())
    }

    /// Shows one layer behind a fence, without waiting for it.
    pub fn show_behind(&mut self, layer: &Layer, fence: BorrowedFd<'_>) -> Result<(), Trouble> {
        use std::os::fd::AsRawFd;
        let scene = Scene::of([layer.clone()]);
        let mut values = self.values(&scene, 0);
        let plane = &self.planes[layer.plane];
        let prop = plane.about.props.get("IN_FENCE_FD").ok_or_else(|| Trouble::refused("IN_FENCE_FD", "missing"))?;
        values.push((plane.id, prop.id, i64::from(fence.as_raw_fd()) as u64));
        self.commit(&values, AtomicCommitFlags::empty())
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
        let crtc = self.output.crtc_index();
        let stream = self.stream.as_mut().ok_or(CrcError::CrtcOff(crtc))?;
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(entry) = stream.read_entry()? {
                return Ok(entry);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Trouble::refused("reading CRCs", format!("none for {} ms", LIMIT.as_millis())));
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
        let blob = self.gamma_blob(&scene.gamma)?;
        let mut values = self.values(scene, blob.as_ref().map_or(0, Blob::id));
        values.push((id, crtc, self.output.crtc_id().into()));
        values.push((id, fb, picture.id().0.into()));
        if let Err(error) = self.commit(&values, AtomicCommitFlags::ALLOW_MODESET) {
            return Ok(Err(format!("writeback refused: {error}")));
        }
        self.gamma = blob;
        let flip = self.wait_flip(LIMIT)?.ok_or(Trouble::NoFlip(LIMIT.as_millis() as u64))?;
        // A frame's CRC comes when all of it has been put out, so written back too; one more for drivers that queue.
        self.crc_of(&flip)?;
        self.next_crc()?;
        let off = vec![(id, crtc, 0)];
        self.commit(&off, AtomicCommitFlags::ALLOW_MODESET)
            .map_err(|error| Trouble::refused("ending writeback", error))?;
        self.wait_flip(LIMIT)?;
        Ok(Ok(picture))
    }

    fn gamma_blob(&self, entries: &[[u16; 3]]) -> Result<Option<Blob>, Trouble> {
        let bytes = entries.iter().flat_map(|[r, g, b]| [*r, *g, *b, 0]).flat_map(u16::to_ne_bytes);
        let bytes: Vec<u8> = bytes.collect();
        Ok(if bytes.is_empty() { None } else { Some(Blob::new(&self.device, &bytes)?) })
    }

    fn commit(&mut self, values: &Values, flags: AtomicCommitFlags) -> std::io::Result<()> {
        let flags = flags | AtomicCommitFlags::NONBLOCK | AtomicCommitFlags::PAGE_FLIP_EVENT;
        let end = Instant::now() + LIMIT;
        loop {
            match Card(self.device.as_fd()).atomic_commit(flags, request(values)) {
                // The commit before has flipped, but its cleaning up is not done.
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                other => return other,
            }
        }
    }

    /// The whole state: every plane, the CRTC's colours.
    fn values(&self, scene: &Scene, gamma: u32) -> Values {
        let mut values = Vec::new();
        let crtc = self.output.crtc_id();
        if let Some(props) = self.crtc_props() {
            let mut set = |name, value| values.extend(props.get(name).map(|prop| (crtc, prop.id, value)));
            set("ACTIVE", 1);
            set("GAMMA_LUT", gamma.into());
            set("DEGAMMA_LUT", 0);
            set("CTM", 0);
            set("BACKGROUND_COLOR", scene.background);
        }
        for (at, plane) in self.planes.iter().enumerate() {
            let props = &plane.about.props;
            let mut set = |name: &str, value| values.extend(props.get(name).map(|prop| (plane.id, prop.id, value)));
            let Some(layer) = scene.layers.iter().find(|layer| layer.plane == at) else {
                set("FB_ID", 0);
                set("CRTC_ID", 0);
                continue;
            };
            set("FB_ID", layer.picture.id().0.into());
            set("CRTC_ID", crtc.into());
            let (src, dst) = (layer.src, layer.dst);
            for (name, value) in [("SRC_X", src.x), ("SRC_Y", src.y), ("SRC_W", src.w), ("SRC_H", src.h)] {
                set(name, value.into());
            }
            for (name, value) in [("CRTC_X", dst.x), ("CRTC_Y", dst.y)] {
                set(name, i64::from(value) as u64);
            }
            set("CRTC_W", dst.w.into());
            set("CRTC_H", dst.h.into());
            set("rotation", layer.turn.bits());
            set("alpha", layer.alpha.into());
            let named = |property, name| props.enum_value(property, name);
            if let Some(value) = named("pixel blend mode", blend_name(layer.blend)) {
                set("pixel blend mode", value);
            }
            if let Some((encoding, range)) = layer.encoding {
                named("COLOR_ENCODING", encoding_name(encoding))
                    .into_iter()
                    .for_each(|value| set("COLOR_ENCODING", value));
                named("COLOR_RANGE", range_name(range)).into_iter().for_each(|value| set("COLOR_RANGE", value));
            }
        }
        values
    }

    /// Puts back what was on the screen.
    pub fn restore(mut self) {
        self.stream = None;
        // SavedState does not know of the background.
        self.commit(&self.values(&Scene::default(), 0), AtomicCommitFlags::empty()).ok();
        self.wait_flip(LIMIT).ok();
        if let Err(error) = self.saved.restore() {
            tracing::warn!(%error, "what was on the screen before could not be put back");
        }
    }
}

fn request(values: &Values) -> AtomicModeReq {
    let mut request = AtomicModeReq::new();
    for &(object, prop, value) in values {
        if let (Some(object), Some(prop)) = (NonZeroU32::new(object), NonZeroU32::new(prop)) {
            request.add_raw_property(object, property::Handle::from(prop), value);
        }
    }
    request
}

/// The kernel's name of a blend mode.
pub fn blend_name(blend: Blend) -> &'static str {
    match blend {
        Blend::Premultiplied => "Pre-multiplied",
        Blend::Coverage => "Coverage",
        Blend::None => "None",
    }
}

/// The kernel's name of an encoding.
pub fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Bt601 => "ITU-R BT.601 YCbCr",
        Encoding::Bt709 => "ITU-R BT.709 YCbCr",
        Encoding::Bt2020 => "ITU-R BT.2020 YCbCr",
    }
}

/// The kernel's name of a range.
pub fn range_name(range: Range) -> &'static str {
    match range {
        Range::Limited => "YCbCr limited range",
        Range::Full => "YCbCr full range",
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
