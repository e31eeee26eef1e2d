//! A small vkms screen driven by bare atomic requests, with images of any format: what the model is
//! held against.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::Duration;

use dmabuf_import::Fourcc;
use kms::crc::vkms::{ColorOp, ColourPlane, Encoding, ModelBuffer, ModelOptions, ModelPlane, Range, Unmodelled};
use kms::crc::{CrcEntry, CrcReader, CrcStream};
use kms::{Blob, ColorOpId, FramebufferId, ObjectId, PlaneId, PropertyId};
use kms::{Device, DumbBuffer, Inventory, Mode, Output, PlaneKind, PlaneState, Rect, SrcRect};

use crate::lab::{card, now, readable};

/// All that vkms of Linux 7.3 shows: RGB, grey, YUV.
pub const FORMATS: [[u8; 4]; 33] = [
    *b"XR24", *b"XB24", *b"AR24", *b"AB24", *b"RA24", *b"BA24", *b"RG24", *b"BG24", *b"R8  ", *b"RG16", *b"BG16",
    *b"XR48", *b"XB48", *b"AR48", *b"AB48", *b"R1  ", *b"R2  ", *b"R4  ", *b"NV12", *b"NV21", *b"NV16", *b"NV61",
    *b"NV24", *b"NV42", *b"P010", *b"P012", *b"P016", *b"YU12", *b"YV12", *b"YU16", *b"YV16", *b"YU24", *b"YV24",
];

pub fn is_yuv(format: [u8; 4]) -> bool {
    FORMATS[18..].contains(&format)
}

/// Random numbers.
pub struct Paint(u64);

impl Paint {
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed) << 1 | 1)
    }

    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }
}

/// What vkms breaks (`/sys/module/vkms/parameters/fault`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    OverlayLine = 1,
    Opaque,
    Reflect,
    Gamma,
    Encoding,
}

/// An image on the device.
pub struct Shown {
    memory: DumbBuffer,
    fb: FramebufferId,
    format: [u8; 4],
    layout: [ColourPlane; 3],
}

impl Shown {
    pub fn try_plane<'a>(
        &'a self,
        src: SrcRect,
        dst: Rect,
        look: &ModelOptions<'a>,
    ) -> Result<ModelPlane<'a>, Unmodelled> {
        let format = u32::from_le_bytes(self.format);
        ModelPlane::of(&ModelBuffer { bytes: self.memory.bytes(), format, layout: self.layout }, src, dst, look)
    }

    pub fn plane<'a>(&'a self, src: SrcRect, dst: Rect, look: &ModelOptions<'a>) -> ModelPlane<'a> {
        self.try_plane(src, dst, look).expect("modelled")
    }
}

/// A plane to show: its number, its image, from where to where, how.
pub type Layer<'a> = (usize, &'a Shown, SrcRect, Rect, ModelOptions<'a>);

pub struct Rig {
    output: Output,
    device: Device,
    inventory: Inventory,
    planes: Vec<PlaneId>,
    stream: Option<CrcStream>,
    last: Option<CrcEntry>,
    pipelines: bool,
    blobs: Vec<Blob>,
    /// Ids of properties by object and name.
    ids: RefCell<BTreeMap<(ObjectId, String), PropertyId>>,
}

impl Rig {
    /// vkms with a mode of 96 × 64: primary plane, two overlays. With `pipelines`, planes have
    /// those instead of encoding and range.
    pub fn new(pipelines: bool) -> Self {
        std::fs::write("/sys/module/vkms/parameters/fault", "0").expect("a vkms with faults");
        let device = Device::open(card("vkms")).expect("vkms opens");
        if pipelines {
            device.show_colour_pipelines(true).expect("a kernel with colour pipelines");
        }
        let inventory = device.inventory().expect("inventory");
        let connector = inventory.connected().next().expect("vkms has a display");
        let mode = Mode::from_kernel(&drm_ffi::drm_mode_modeinfo {
            clock: 576,
            hdisplay: 96,
            hsync_start: 100,
            hsync_end: 110,
            htotal: 120,
            vdisplay: 64,
            vsync_start: 70,
            vsync_end: 72,
            vtotal: 80,
            vrefresh: 60,
            ..Default::default()
        });
        let mut output = Output::new(&device, &inventory, connector.id, &mode).expect("output");
        let black = device.dumb(96, 64, Fourcc::Xrgb8888).expect("dumb buffer");
        let mut frame = output.modeset();
        frame.set(0, PlaneState::new(black.id(), SrcRect::full(96, 64), Rect::new(0, 0, 96, 64)));
        frame.commit(1).expect("modeset");
        assert!(readable(device.as_fd(), Duration::from_secs(1)), "the flip of the modeset");
        let primary = output.planes()[output.primary()].id;
        let overlays = inventory.planes.iter().filter(|plane| plane.kind == PlaneKind::Overlay);
        let planes = std::iter::once(primary).chain(overlays.map(|plane| plane.id).take(2)).collect();
        let (stream, last, blobs, ids) = (None, None, Vec::new(), RefCell::default());
        let mut rig = Self { output, device, inventory, planes, stream, last, pipelines, blobs, ids };
        rig.arm("auto");
        rig.crtc(0, &[]);
        rig
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn plane_id(&self, plane: usize) -> PlaneId {
        self.planes[plane]
    }

    /// Reads CRCs of `source` from now on.
    pub fn arm(&mut self, source: &str) {
        self.stream = None;
        assert!(self.device.wait_vblanks(self.output.crtc_id(), Duration::from_secs(1)), "vblanks");
        let reader = CrcReader::open(&self.device, self.output.crtc_index()).expect("reader");
        self.stream = Some(reader.arm(source).expect("armed"));
    }

    /// The CRCs as they come.
    pub fn stream(&mut self) -> &mut CrcStream {
        self.stream.as_mut().expect("armed")
    }

    /// Frame number of the entry read last.
    pub fn last_frame(&self) -> Option<u32> {
        self.last.expect("an entry").frame
    }

    pub fn paint(&self, format: [u8; 4], size: (u32, u32), seed: u32) -> Shown {
        self.paint_at(format, size, seed, 0)
    }

    /// An image of noise, `first` bytes into its buffer. Pixels with alpha are opaque, transparent
    /// or in between.
    pub fn paint_at(&self, format: [u8; 4], (w, h): (u32, u32), seed: u32, first: u32) -> Shown {
        let (bits, chroma) = shape(format);
        let mut layout = [ColourPlane::default(); 3];
        let mut end = first;
        for (plane, (bits, sub_x, sub_y)) in std::iter::once((bits, 1, 1)).chain(chroma).enumerate() {
            let stride = (w.div_ceil(sub_x) * bits).div_ceil(8).next_multiple_of(8) + 8;
            layout[plane] = ColourPlane { offset: end, stride };
            end += stride * h.div_ceil(sub_y);
        }
        // Twice: the kernel reads beyond where the image is, if it does not begin with its buffer.
        let mut memory = self.device.dumb(64, (end + first * 2).div_ceil(64) + 4, Fourcc::R8).expect("memory");
        let mut random = Paint::new(seed);
        for byte in memory.bytes_mut() {
            let value = random.next();
            *byte = match value >> 29 {
                0 => 0,
                1 => 255,
                _ => value as u8,
            };
        }
        let dmabuf = memory.export().expect("export");
        let handle =
            drm_ffi::gem::fd_to_handle(self.device.as_fd(), dmabuf.planes()[0].fd.as_fd()).expect("handle").handle;
        let each = |of: fn(&ColourPlane) -> u32| [of(&layout[0]), of(&layout[1]), of(&layout[2]), 0];
        let (pitches, offsets) = (each(|plane| plane.stride), each(|plane| plane.offset));
        let handles = pitches.map(|pitch| if pitch > 0 { handle } else { 0 });
        let fourcc = u32::from_le_bytes(format);
        let fb = drm_ffi::mode::add_fb2(self.device.as_fd(), w, h, fourcc, &handles, &pitches, &offsets, &[0; 4], 0);
        let fb = fb.unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(&format))).fb_id;
        Shown { memory, fb: FramebufferId::from_raw(fb), format, layout }
    }

    /// Shows these planes and no others; the CRC of it, from an entry that began after the commit.
    pub fn show(&mut self, layers: &[Layer<'_>]) -> u32 {
        let mut wanted: BTreeMap<ObjectId, Vec<(&str, u64)>> = BTreeMap::new();
        for (at, &plane) in self.planes.iter().enumerate() {
            let layer = layers.iter().find(|layer| layer.0 == at);
            let values = layer.map_or(vec![("FB_ID", 0), ("CRTC_ID", 0)], |layer| self.plane_values(layer));
            wanted.insert(plane.into(), values);
        }
        self.commit(&wanted);
        let stream = self.stream.as_mut().expect("armed");
        while stream.read_entry().expect("entry").is_some() {}
        for _ in 0..2 {
            let end = now() + 1_000_000_000;
            self.last = loop {
                if let Some(entry) = stream.read_entry().expect("entry") {
                    break Some(entry);
                }
                assert!(now() < end && readable(stream.as_fd(), Duration::from_secs(1)), "no CRC for a second");
            };
        }
        self.last.expect("an entry").values()[0]
    }

    fn plane_values(&self, (_, picture, src, dst, look): &Layer<'_>) -> Vec<(&'static str, u64)> {
        let mut values = vec![
            ("FB_ID", picture.fb.value()),
            ("CRTC_ID", self.output.crtc_id().value()),
            ("SRC_X", src.x.into()),
            ("SRC_Y", src.y.into()),
            ("SRC_W", src.w.into()),
            ("SRC_H", src.h.into()),
            ("CRTC_X", dst.x as i64 as u64),
            ("CRTC_Y", dst.y as i64 as u64),
            ("CRTC_W", dst.w.into()),
            ("CRTC_H", dst.h.into()),
            ("rotation", look.turn.bits()),
        ];
        if !self.pipelines {
            let encoding = match look.encoding {
                Encoding::Bt601 => 0,
                Encoding::Bt709 => 1,
                Encoding::Bt2020 => 2,
            };
            values.push(("COLOR_ENCODING", encoding));
            values.push(("COLOR_RANGE", if look.range == Range::Full { 1 } else { 0 }));
        }
        values
    }

    /// Background and gamma LUT.
    pub fn crtc(&mut self, background: u64, gamma: &[[u16; 3]]) {
        let bytes: Vec<u8> = gamma.iter().flat_map(|[r, g, b]| [*r, *g, *b, 0]).flat_map(u16::to_ne_bytes).collect();
        let blob = (!bytes.is_empty()).then(|| Blob::new(&self.device, &bytes).expect("blob"));
        let gamma = blob.as_ref().map_or(0, |blob| blob.id().value());
        let values = vec![("BACKGROUND_COLOR", background), ("GAMMA_LUT", gamma)];
        self.commit(&BTreeMap::from([(self.output.crtc_id().into(), values)]));
        self.blobs.extend(blob);
    }

    /// Gives the plane a pipeline of these steps, `None` being bypassed.
    pub fn pipeline(&mut self, plane: usize, steps: &[Option<ColorOp>]) {
        let id = self.planes[plane];
        let first = {
            let plane = self.inventory.planes.iter().find(|plane| plane.id == id).expect("plane");
            let property = plane.props.get("COLOR_PIPELINE").expect("vkms.enable_plane_pipeline=1");
            let kms::property::PropertyKind::Enum(values) = &property.kind else { panic!("{property:?}") };
            values.iter().map(|value| value.value).max().and_then(ColorOpId::from_value).expect("a pipeline")
        };
        let mut wanted = BTreeMap::from([(id.into(), vec![("COLOR_PIPELINE", first.value())])]);
        let mut next = Some(first);
        for step in steps {
            let values = match step {
                None => vec![("BYPASS", 1)],
                Some(ColorOp::SrgbEotf) => vec![("BYPASS", 0), ("CURVE_1D_TYPE", 0)],
                Some(ColorOp::SrgbInverseEotf) => vec![("BYPASS", 0), ("CURVE_1D_TYPE", 1)],
                Some(ColorOp::Matrix(matrix)) => {
                    let bytes: Vec<u8> = matrix.iter().copied().flat_map(u64::to_ne_bytes).collect();
                    let blob = Blob::new(&self.device, &bytes).expect("blob");
                    let id = blob.id().value();
                    self.blobs.push(blob);
                    vec![("BYPASS", 0), ("DATA", id)]
                }
            };
            let op = next.expect("an operation for each step").into();
            wanted.insert(op, values);
            next = ColorOpId::from_value(self.property(op, "NEXT").1);
        }
        self.commit(&wanted);
    }

    /// Runs `what` on a display with `fault`.
    pub fn broken<T>(&mut self, fault: Fault, what: impl FnOnce(&mut Self) -> T) -> T {
        let set = |value: u32| std::fs::write("/sys/module/vkms/parameters/fault", value.to_string()).expect("fault");
        set(fault as u32);
        let result = what(self);
        set(0);
        result
    }

    fn id(&self, object: ObjectId, name: &str) -> PropertyId {
        *self.ids.borrow_mut().entry((object, name.to_owned())).or_insert_with(|| self.property(object, name).0)
    }

    /// Id and value of a property of any object.
    fn property(&self, object: ObjectId, name: &str) -> (PropertyId, u64) {
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        // DRM_MODE_OBJECT_ANY
        drm_ffi::mode::get_properties(self.device.as_fd(), object.raw(), 0, Some(&mut ids), Some(&mut values))
            .expect("properties");
        let named = |id: u32| {
            let info =
                drm_ffi::mode::get_property(self.device.as_fd(), id, Some(&mut Vec::new()), Some(&mut Vec::new()))
                    .expect("property");
            info.name.iter().take_while(|c| **c != 0).map(|c| *c as u8).eq(name.bytes())
        };
        let at = ids.iter().position(|id| named(*id)).unwrap_or_else(|| panic!("{object} has no {name}"));
        (PropertyId::from_raw(ids[at]), values[at])
    }

    /// One blocking atomic commit.
    fn commit(&self, wanted: &BTreeMap<ObjectId, Vec<(&str, u64)>>) {
        let mut objects: Vec<u32> = wanted.keys().map(|object| object.raw()).collect();
        let mut counts: Vec<u32> = wanted.values().map(|values| values.len() as u32).collect();
        let all = || {
            wanted.iter().flat_map(|(object, values)| values.iter().map(move |(name, value)| (*object, *name, *value)))
        };
        let mut ids: Vec<u32> = all().map(|(object, name, _)| self.id(object, name).raw()).collect();
        let mut values: Vec<u64> = all().map(|(_, _, value)| value).collect();
        drm_ffi::mode::atomic_commit(self.device.as_fd(), 0, &mut objects, &mut counts, &mut ids, &mut values)
            .unwrap_or_else(|error| panic!("{error}: {wanted:?}"));
    }
}

/// Bits of a pixel, and of each colour plane after the first with its subsampling.
fn shape(format: [u8; 4]) -> (u32, Vec<(u32, u32, u32)>) {
    match &format {
        b"XR48" | b"XB48" | b"AR48" | b"AB48" => (64, vec![]),
        b"RG24" | b"BG24" => (24, vec![]),
        b"RG16" | b"BG16" => (16, vec![]),
        b"R1  " => (1, vec![]),
        b"R2  " => (2, vec![]),
        b"R4  " => (4, vec![]),
        b"R8  " => (8, vec![]),
        b"NV12" | b"NV21" => (8, vec![(16, 2, 2)]),
        b"NV16" | b"NV61" => (8, vec![(16, 2, 1)]),
        b"NV24" | b"NV42" => (8, vec![(16, 1, 1)]),
        b"P010" | b"P012" | b"P016" => (16, vec![(32, 2, 2)]),
        b"YU12" | b"YV12" => (8, vec![(8, 2, 2); 2]),
        b"YU16" | b"YV16" => (8, vec![(8, 2, 1); 2]),
        b"YU24" | b"YV24" => (8, vec![(8, 1, 1); 2]),
        _ => (32, vec![]),
    }
}

impl Drop for Rig {
    /// Pipelines would stay, seen or not.
    fn drop(&mut self) {
        if self.pipelines && !std::thread::panicking() {
            self.commit(&self.planes.iter().map(|plane| ((*plane).into(), vec![("COLOR_PIPELINE", 0)])).collect());
        }
    }
}
