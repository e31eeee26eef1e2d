//! Whether a frame may tear, that is, be flipped in the middle of a scan-out.
//!
//! The client must request it (`tearing-control-v1`), the user must allow it (`tearing = true`),
//! the device must support it (DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP), and the surface must be alone on
//! the screen: an async flip may change the primary plane's framebuffer and nothing else. Video
//! never tears, whatever it requests. This module decides; it commits nothing.

/// The decision on a client's request to tear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TearVerdict {
    /// No client requests it.
    #[default]
    NotAsked,
    /// The configuration forbids it.
    Forbidden,
    /// The device or its driver has no async page flips, or none for this buffer.
    Unable,
    /// More than this surface is on the screen.
    NotAlone,
    /// The surface's content type is video.
    Video,
    /// The next flip may tear.
    May,
}

impl TearVerdict {
    /// For `syncline msg status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAsked => "not asked",
            Self::Forbidden => "forbidden by the configuration",
            Self::Unable => "not supported by the device",
            Self::NotAlone => "not alone on the screen",
            Self::Video => "video",
            Self::May => "allowed",
        }
    }
}

/// The facts that the verdict depends on.
#[derive(Debug, Clone, Copy)]
pub struct TearRequest {
    /// The client requests tearing.
    pub asked: bool,
    /// The configuration lets clients tear.
    pub allowed: bool,
    /// The device and its driver support an async flip to the buffer.
    pub able: bool,
    /// The surface covers the output, with nothing above it.
    pub alone: bool,
    /// The surface's content type is video.
    pub video: bool,
}

/// Decides whether the next flip may tear.
pub fn verdict(wish: &TearRequest) -> TearVerdict {
    match *wish {
        TearRequest { asked: false, .. } => TearVerdict::NotAsked,
        TearRequest { allowed: false, .. } => TearVerdict::Forbidden,
        TearRequest { video: true, .. } => TearVerdict::Video,
        TearRequest { able: false, .. } => TearVerdict::Unable,
        TearRequest { alone: false, .. } => TearVerdict::NotAlone,
        _ => TearVerdict::May,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_tears_only_if_every_condition_holds() {
        let all = TearRequest { asked: true, allowed: true, able: true, alone: true, video: false };
        let table = [
            (all, TearVerdict::May),
            (TearRequest { asked: false, ..all }, TearVerdict::NotAsked),
            (TearRequest { allowed: false, ..all }, TearVerdict::Forbidden),
            (TearRequest { able: false, ..all }, TearVerdict::Unable),
            (TearRequest { alone: false, ..all }, TearVerdict::NotAlone),
            (TearRequest { video: true, ..all }, TearVerdict::Video),
            (TearRequest { video: true, allowed: false, ..all }, TearVerdict::Forbidden),
        ];
        for (wish, expected) in table {
            assert_eq!(verdict(&wish), expected, "{wish:?}");
        }
    }
}
