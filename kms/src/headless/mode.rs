//! A headless display as a person asks for it: `1920x1080@60`; and its mode, whose timings are made
//! up so that the refresh rate is exact.

use std::{fmt, str::FromStr};

use drm_ffi::drm_mode_modeinfo;

use crate::{Mode, ModeRequest};

/// Size and refresh rate of a headless display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadlessMode {
    width: u16,
    height: u16,
    refresh_mhz: u32,
}

/// The text names no headless display.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a headless display; write WIDTHxHEIGHT or WIDTHxHEIGHT@HZ, for example 1920x1080@60: \
     {least} to {most} pixels each way, {slow} to {fast} Hz",
    least = HeadlessMode::SIDE.0, most = HeadlessMode::SIDE.1, slow = HeadlessMode::HZ.0, fast = HeadlessMode::HZ.1
)]
pub struct HeadlessModeError(String);

impl HeadlessMode {
    /// The least and the most pixels of a side. Two images of the largest take 512 MiB.
    pub const SIDE: (u16, u16) = (16, 8192);
    /// The lowest and the highest rate. A longer frame would look like a flip that is lost.
    pub const HZ: (u16, u16) = (5, 1000);

    /// The modes of a display that is made with this one: this one, which it prefers, and the usual sizes at the same
    /// rate.
    pub fn with_usual(self) -> Vec<Mode> {
        const USUAL: [(u16, u16); 10] = [
            (3840, 2160),
            (2560, 1440),
            (1920, 1200),
            (1920, 1080),
            (1680, 1050),
            (1280, 1024),
            (1280, 800),
            (1280, 720),
            (1024, 768),
            (800, 600),
        ];
        let others = USUAL.iter().filter(|size| **size != (self.width, self.height));
        let others = others.map(|&(width, height)| Self { width, height, ..self }.described(0));
        std::iter::once(self.mode()).chain(others).collect()
    }

    /// The kernel's description, of the mode that its display prefers.
    pub fn mode(self) -> Mode {
        self.described(drm_sys::DRM_MODE_TYPE_PREFERRED)
    }

    /// The totals are multiples of 1000, so that the clock, in kHz, gives
    /// the rate to the millihertz.
    fn described(self, type_: u32) -> Mode {
        let total = |visible: u16| (visible + 1).next_multiple_of(1000);
        let (htotal, vtotal) = (total(self.width), total(self.height));
        let mut name = [0; 32];
        let text = format!("{}x{}", self.width, self.height);
        name.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from as _);
        Mode::from_kernel(&drm_mode_modeinfo {
            clock: u32::from(htotal / 1000) * u32::from(vtotal / 1000) * self.refresh_mhz,
            hdisplay: self.width,
            hsync_start: self.width,
            hsync_end: htotal,
            htotal,
            vdisplay: self.height,
            vsync_start: self.height,
            vsync_end: vtotal,
            vtotal,
            vrefresh: self.refresh_mhz.div_ceil(1000),
            type_,
            name,
            ..Default::default()
        })
    }
}

impl FromStr for HeadlessMode {
    type Err = HeadlessModeError;

    fn from_str(text: &str) -> Result<Self, HeadlessModeError> {
        let within = |value: u16| (Self::SIDE.0..=Self::SIDE.1).contains(&value);
        let parse = || {
            let ModeRequest { width, height, refresh } = text.parse().ok()?;
            let hz = refresh.unwrap_or(60.0);
            let rate = (f64::from(Self::HZ.0)..=f64::from(Self::HZ.1)).contains(&hz);
            (within(width) && within(height) && rate).then(|| Self {
                width,
                height,
                refresh_mhz: (hz * 1000.0).round() as u32,
            })
        };
        parse().ok_or_else(|| HeadlessModeError(text.to_owned()))
    }
}

impl fmt::Display for HeadlessMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}@{}", self.width, self.height, f64::from(self.refresh_mhz) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_what_there_is() {
        for (text, written, period) in [
            ("1920x1080", "1920x1080@60", 16_666_666),
            ("1920x1080@60", "1920x1080@60", 16_666_666),
            ("1920x1080@59.94", "1920x1080@59.94", 16_683_350),
            ("16x16@5", "16x16@5", 200_000_000),
            ("8192x8192@1000", "8192x8192@1000", 1_000_000),
            ("800x600@143.856", "800x600@143.856", 6_951_395),
            ("1000x999@75Hz", "1000x999@75", 13_333_333),
        ] {
            let asked: HeadlessMode = text.parse().unwrap();
            assert_eq!(asked.to_string(), written);
            let mode = asked.mode();
            assert_eq!((mode.period_ns(), mode.preferred), (period, true), "{text}: {mode:?}");
            assert_eq!((mode.width, mode.height), (asked.width.into(), asked.height.into()));
            assert_eq!(mode.refresh_mhz, asked.refresh_mhz);
        }
    }

    #[test]
    fn a_display_that_is_made_has_the_usual_sizes_at_its_rate() {
        let modes = |text: &str| text.parse::<HeadlessMode>().unwrap().with_usual();
        for text in ["1280x720@75", "1234x567@75"] {
            let modes = modes(text);
            assert_eq!(modes.iter().filter(|mode| mode.preferred).count(), 1, "{text}");
            assert!(modes[0].preferred && modes.iter().all(|mode| mode.refresh_mhz == 75_000), "{text}");
            let same =
                |mode: &Mode| modes.iter().filter(|of| (of.width, of.height) == (mode.width, mode.height)).count();
            assert!(modes.iter().all(|mode| same(mode) == 1), "{text}");
        }
        assert_eq!((modes("1280x720").len(), modes("1234x567").len()), (10, 11));
        let mode = modes("1280x720@75").swap_remove(3);
        assert_eq!(Mode::of_blob(mode.blob()), Some(mode));
        assert_eq!(Mode::of_blob(&[0; 3]), None);
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        for text in [
            "",
            "x",
            "800",
            "800x",
            "x600",
            "0x0",
            "15x600",
            "800x8193",
            "99999x1",
            "800x600@",
            "800x600@0",
            "800x600@4.9",
            "800x600@1001",
            "800x600@nan",
            "800x600@inf",
            "800x600@-60",
            "-800x600",
            "800X600",
            "800x600x60",
            "800x600@60@60",
            " 800x600",
            "big",
        ] {
            let error = text.parse::<HeadlessMode>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not")), "{error}");
            for part in ["WIDTHxHEIGHT@HZ", "16 to 8192 pixels", "5 to 1000 Hz"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
