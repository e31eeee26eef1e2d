//! What `syncline msg crc` asks and answers.
//!
//! Values only. The names of the fields are part of the interface of `--json` (docs/crc.md).

use serde::{Deserialize, Serialize};

use crate::crc::{change::Change, judge::Verdict, stream::Counts};

/// `syncline msg crc …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum CrcRequest {
    /// Without an output: all, also those that come later. Without a source: the one for what leaves the CRTC.
    On {
        output: Option<String>,
        source: Option<String>,
    },
    Off {
        output: Option<String>,
    },
    Status {
        output: Option<String>,
    },
    /// See [`crate::session::crc::compare`].
    Check {
        output: Option<String>,
    },
}

/// What CRCs of an output are doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputStatus {
    /// Connector.
    pub output: String,
    /// `on`, `off`, `waiting` (for a flip, to be armed) or `failed`.
    pub state: String,
    pub source: Option<String>,
    /// The model that frames are predicted with.
    pub predicted_by: Option<String>,
    /// Why it failed, or why nothing is predicted.
    pub why: Option<String>,
    /// CRCs read.
    pub entries: u64,
    /// Frames of the display without one.
    pub gaps: u64,
    #[serde(flatten)]
    pub counts: Counts,
}

/// The answer to `on`, `off` and `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrcStatus {
    pub outputs: Vec<OutputStatus>,
    /// The last changes of the screen without a frame, oldest first.
    pub changes: Vec<Change>,
}

/// One of the two frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub frame: u64,
    pub read: Vec<u32>,
    pub predicted: Option<u32>,
    pub verdict: Verdict,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Connector.
    pub output: String,
    pub equal: bool,
    /// DRM object ids of the planes that showed clients' buffers.
    pub planes: Vec<u32>,
    pub with_planes: Side,
    pub drawn: Side,
    /// What may explain a difference: not every display and renderer round alike what they blend.
    pub translucent: bool,
}
