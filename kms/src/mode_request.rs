//! A mode as a person asks for it: `1920x1080` or `1920x1080@60`. It only names a mode; which one
//! that is, [`Mode`] decides.

use std::{fmt, str::FromStr};

use crate::Mode;

/// A size, and the refresh rate if that matters: `WxH[@HZ]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModeRequest {
    /// Visible width in pixels; never 0.
    pub width: u16,
    /// Visible height in lines; never 0.
    pub height: u16,
    /// Hz, above 0 and finite; any refresh rate if absent.
    pub refresh: Option<f64>,
}

/// The text is not `WxH[@HZ]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mode; write for example 1920x1080 or 1920x1080@60")]
pub struct ModeRequestError(String);

impl ModeRequest {
    /// The first of the modes that this request names. [`Mode::matches`] says how far the refresh
    /// rate may be off.
    pub fn find(self, modes: &[Mode]) -> Option<&Mode> {
        modes.iter().find(|mode| mode.matches(self.width.into(), self.height.into(), self.refresh))
    }
}

impl FromStr for ModeRequest {
    type Err = ModeRequestError;

    fn from_str(text: &str) -> Result<Self, ModeRequestError> {
        let parse = || {
            let (size, refresh) = match text.split_once('@') {
                Some((size, hz)) => {
                    let hz: f64 = hz.trim_end_matches("Hz").parse().ok()?;
                    (size, Some(hz).filter(|hz| hz.is_finite() && *hz > 0.0)?.into())
                }
                None => (text, None),
            };
            let (width, height) = size.split_once('x')?;
            let pixels = |digits: &str| digits.parse::<u16>().ok().filter(|count| *count > 0);
            Some(Self { width: pixels(width)?, height: pixels(height)?, refresh })
        };
        parse().ok_or_else(|| ModeRequestError(text.to_owned()))
    }
}

impl fmt::Display for ModeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)?;
        match self.refresh {
            Some(hz) => write!(f, "@{hz}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::tests::xga;

    #[test]
    fn modes_parse_or_say_what_is_wrong() {
        assert_eq!("800x600".parse(), Ok(ModeRequest { width: 800, height: 600, refresh: None }));
        assert_eq!("1920x1080@59.94".parse(), Ok(ModeRequest { width: 1920, height: 1080, refresh: Some(59.94) }));
        assert_eq!("1920x1080@60Hz".parse(), Ok(ModeRequest { width: 1920, height: 1080, refresh: Some(60.0) }));
        let bad = ["", "800", "800x", "x600", "0x600", "800x600@", "800x600@fast", "99999x1"];
        for text in bad.into_iter().chain(["800x600@nan", "800x600@inf", "800x600@0", "800x600@-60", "-800x600"]) {
            let error = text.parse::<ModeRequest>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("1920x1080@60"), "{error}");
        }
    }

    #[test]
    fn what_is_written_parses_to_the_same_request() {
        for text in ["800x600", "1920x1080@59.94", "1x65535@240"] {
            assert_eq!(text.parse::<ModeRequest>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_request_finds_the_mode_that_it_names() {
        let modes = [xga()];
        let find = |text: &str| text.parse::<ModeRequest>().unwrap().find(&modes).is_some();
        assert!(find("1024x768") && find("1024x768@60") && find("1024x768@60.004"));
        assert!(!find("1024x768@75") && !find("1024x767"));
    }
}
