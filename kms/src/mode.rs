//! Display modes. Never invents timings: modes are what connectors list.

use drm_ffi::drm_mode_modeinfo;
use serde::{Deserialize, Serialize};

/// A mode of a connector, with all timings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Mode {
    /// As the kernel calls it: `1024x768`.
    pub name: String,
    /// Visible width in pixels (`hdisplay`).
    pub width: u32,
    /// Visible height in lines (`vdisplay`).
    pub height: u32,
    /// Vertical refresh in millihertz, from clock and totals.
    pub refresh_mhz: u32,
    /// Whether the display prefers it.
    pub preferred: bool,
    /// Pixel clock in kHz.
    pub clock_khz: u32,
    /// Pixels of a whole line, blanking included.
    pub htotal: u16,
    /// Lines of a whole frame, blanking included.
    pub vtotal: u16,
    /// `DRM_MODE_FLAG_*`.
    pub flags: u32,
    /// The kernel's `struct drm_mode_modeinfo`, as bytes for the `MODE_ID` blob; in JSON
    /// `modeinfo`, hexadecimal.
    #[serde(rename = "modeinfo", serialize_with = "hexadecimal")]
    raw: [u8; RAW],
}

/// A mode in JSON: the kernel's structure says all, the rest is for people.
#[derive(Deserialize)]
struct Written {
    modeinfo: String,
}

impl TryFrom<Written> for Mode {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let text = &written.modeinfo;
        let wrong = || format!("`{text}` is not a modeinfo; write {} hexadecimal digits", RAW * 2);
        if text.len() != RAW * 2 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut raw = [0; RAW];
        for (at, byte) in raw.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self::from_kernel(&info(&raw)))
    }
}

fn hexadecimal<S: serde::Serializer>(raw: &[u8; RAW], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&raw.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// `sizeof(struct drm_mode_modeinfo)`.
const RAW: usize = 68;

impl Mode {
    /// From the kernel's description.
    pub fn from_kernel(info: &drm_mode_modeinfo) -> Self {
        let name: Vec<u8> = info.name.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
        Self {
            name: String::from_utf8_lossy(&name).into_owned(),
            width: info.hdisplay.into(),
            height: info.vdisplay.into(),
            refresh_mhz: refresh_mhz(info),
            preferred: info.type_ & drm_sys::DRM_MODE_TYPE_PREFERRED != 0,
            clock_khz: info.clock,
            htotal: info.htotal,
            vtotal: info.vtotal,
            flags: info.flags,
            raw: bytes(info),
        }
    }

    /// Whether both have the same timing: name and preference may differ.
    pub fn same_timing(&self, other: &Self) -> bool {
        const TYPE: usize = std::mem::offset_of!(drm_mode_modeinfo, type_);
        self.raw[..TYPE] == other.raw[..TYPE]
    }

    /// The content of a `MODE_ID` blob.
    pub fn blob(&self) -> &[u8] {
        &self.raw
    }

    /// From the content of a `MODE_ID` blob; `None`: it is none.
    pub fn of_blob(data: &[u8]) -> Option<Self> {
        Some(Self::from_kernel(&info(data.try_into().ok()?)))
    }

    /// Time from vblank to vblank, in ns; 16 666 667 for modes that do not say.
    pub fn period_ns(&self) -> u64 {
        if self.refresh_mhz == 0 { 16_666_667 } else { period(self) }
    }

    /// How long nothing is sent between two frames (`vdisplay` to `vtotal`), in ns; 0 for modes that
    /// do not say.
    pub fn blanking_ns(&self) -> u64 {
        let blank = u64::from(self.vtotal).saturating_sub(self.height.into());
        if self.refresh_mhz == 0 || self.vtotal == 0 { 0 } else { period(self) * blank / u64::from(self.vtotal) }
    }

    /// The modes of `modes` that send fewer pixels a second, each once, best first: those of the same
    /// refresh rate (within 0.5 Hz) before others, larger ones before smaller ones.
    pub fn lesser<'a>(&self, modes: &'a [Mode]) -> Vec<&'a Mode> {
        let rate = |mode: &Mode| u64::from(mode.width) * u64::from(mode.height) * u64::from(mode.refresh_mhz);
        let area = |mode: &Mode| u64::from(mode.width) * u64::from(mode.height);
        let other = |mode: &Mode| mode.refresh_mhz.abs_diff(self.refresh_mhz) > 500;
        let mut lesser: Vec<&Mode> = modes.iter().filter(|mode| rate(mode) < rate(self)).collect();
        lesser.sort_by_key(|mode| (other(mode), std::cmp::Reverse((area(mode), mode.refresh_mhz))));
        lesser.dedup_by_key(|mode| (mode.width, mode.height, mode.refresh_mhz));
        lesser
    }

    /// Whether `WxH` or `WxH@HZ` (`HZ` may have a fraction) names this mode; the refresh may be off
    /// by 0.5 Hz.
    pub fn matches(&self, width: u32, height: u32, refresh_hz: Option<f64>) -> bool {
        let refresh = f64::from(self.refresh_mhz) / 1000.0;
        (self.width, self.height) == (width, height) && refresh_hz.is_none_or(|hz| (hz - refresh).abs() <= 0.5)
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}@{}.{:03}", self.width, self.height, self.refresh_mhz / 1000, self.refresh_mhz % 1000)
    }
}

/// Lines per frame that scanning out takes, doubled and halved as the flags say.
fn scale(flags: u32, vscan: u64) -> (u64, u64) {
    let interlace = if flags & drm_sys::DRM_MODE_FLAG_INTERLACE != 0 { 2 } else { 1 };
    let double = if flags & drm_sys::DRM_MODE_FLAG_DBLSCAN != 0 { 2 } else { 1 };
    (interlace, double * vscan.max(1))
}

fn refresh_mhz(info: &drm_mode_modeinfo) -> u32 {
    let total = u64::from(info.htotal) * u64::from(info.vtotal);
    if total == 0 || info.clock == 0 {
        return info.vrefresh.saturating_mul(1000);
    }
    let (num, den) = scale(info.flags, info.vscan.into());
    let rate = u64::from(info.clock) * 1_000_000 * num;
    let per = total * den;
    u32::try_from((rate + per / 2) / per).unwrap_or(u32::MAX)
}

fn period(mode: &Mode) -> u64 {
    let total = u64::from(mode.htotal) * u64::from(mode.vtotal);
    if total == 0 || mode.clock_khz == 0 {
        return 1_000_000_000_000 / u64::from(mode.refresh_mhz);
    }
    let vscan = u64::from(u16::from_ne_bytes([mode.raw[22], mode.raw[23]]));
    let (num, den) = scale(mode.flags, vscan);
    total * den * 1_000_000 / (u64::from(mode.clock_khz) * num)
}

/// The structure as the kernel lays it out: no padding, native byte order.
fn bytes(info: &drm_mode_modeinfo) -> [u8; RAW] {
    let mut out = [0; RAW];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&info.clock.to_ne_bytes());
    let timings = [
        info.hdisplay,
        info.hsync_start,
        info.hsync_end,
        info.htotal,
        info.hskew,
        info.vdisplay,
        info.vsync_start,
        info.vsync_end,
        info.vtotal,
        info.vscan,
    ];
    timings.iter().for_each(|timing| put(&timing.to_ne_bytes()));
    [info.vrefresh, info.flags, info.type_].iter().for_each(|word| put(&word.to_ne_bytes()));
    info.name.iter().for_each(|&c| put(&[c as u8]));
    out
}

/// The inverse of [`bytes`].
fn info(raw: &[u8; RAW]) -> drm_mode_modeinfo {
    let word = |at: usize| u32::from_ne_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]]);
    let half = |at: usize| u16::from_ne_bytes([raw[at], raw[at + 1]]);
    let mut name = [0; 32];
    name.iter_mut().zip(&raw[36..]).for_each(|(to, from)| *to = *from as _);
    drm_mode_modeinfo {
        clock: word(0),
        hdisplay: half(4),
        hsync_start: half(6),
        hsync_end: half(8),
        htotal: half(10),
        hskew: half(12),
        vdisplay: half(14),
        vsync_start: half(16),
        vsync_end: half(18),
        vtotal: half(20),
        vscan: half(22),
        vrefresh: word(24),
        flags: word(28),
        type_: word(32),
        name,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// 1024x768@60 as vkms offers it (a DMT timing).
    pub(crate) fn xga() -> Mode {
        let mut name = [0; 32];
        name.iter_mut().zip(b"1024x768").for_each(|(to, from)| *to = *from as _);
        Mode::from_kernel(&drm_mode_modeinfo {
            clock: 65000,
            hdisplay: 1024,
            hsync_start: 1048,
            hsync_end: 1184,
            htotal: 1344,
            hskew: 0,
            vdisplay: 768,
            vsync_start: 771,
            vsync_end: 777,
            vtotal: 806,
            vscan: 0,
            vrefresh: 60,
            flags: 10,
            type_: 0x48,
            name,
        })
    }

    #[test]
    fn xga_reads_as_expected() {
        let mode = xga();
        assert_eq!((mode.refresh_mhz, mode.period_ns(), mode.preferred), (60_004, 16_665_600, true));
        assert_eq!(mode.blanking_ns(), 38 * 16_665_600 / 806, "38 of 806 lines");
        assert_eq!((mode.to_string().as_str(), mode.name.as_str()), ("1024x768@60.004", "1024x768"));
        assert!(mode.matches(1024, 768, None) && mode.matches(1024, 768, Some(60.0)));
        assert!(!mode.matches(1024, 768, Some(75.0)) && !mode.matches(1024, 767, None));
    }

    #[test]
    fn lesser_modes_keep_the_refresh_rate_first() {
        let mode = |width, height, refresh_mhz| Mode { width, height, refresh_mhz, ..xga() };
        let list = [
            mode(3840, 2160, 60_000),
            mode(3840, 2160, 30_000),
            mode(1920, 1080, 59_940),
            mode(2560, 1440, 60_000),
            mode(2560, 1440, 60_000),
            mode(1920, 1080, 120_000),
            mode(4096, 2160, 60_000),
        ];
        let names: Vec<String> = list[0].lesser(&list).iter().map(|mode| mode.to_string()).collect();
        let expected = ["2560x1440@60.000", "1920x1080@59.940", "3840x2160@30.000", "1920x1080@120.000"];
        assert_eq!(names, expected);
        assert!(mode(1, 1, 1).lesser(&list).is_empty());
    }

    #[test]
    fn json_and_back() {
        let json = serde_json::to_string(&xga()).unwrap();
        assert_eq!(serde_json::from_str::<Mode>(&json).unwrap(), xga());
        let error = serde_json::from_str::<Mode>(r#"{"modeinfo":"00"}"#).unwrap_err().to_string();
        assert!(error.contains("136 hexadecimal digits"), "{error}");
    }

    #[test]
    fn blob_is_the_kernel_layout() {
        assert_eq!(std::mem::size_of::<drm_mode_modeinfo>(), RAW);
        let mode = xga();
        assert_eq!(mode.blob()[..4], 65000u32.to_ne_bytes());
        assert_eq!(mode.blob()[14..16], 768u16.to_ne_bytes());
        assert_eq!(&mode.blob()[36..44], b"1024x768");
    }
}
