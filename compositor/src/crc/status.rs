//! The requests and answers of `syncline msg crc`.
//!
//! Plain data. The names of the fields are part of the interface of `--json` (docs/crc.md).

use kms::PlaneId;
use serde::{Deserialize, Serialize};

use crate::crc::{change::Change, judge::CrcVerdict, stream::Counts};

/// `syncline msg crc …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum CrcRequest {
    /// Turns CRCs on. Without an output: on all, also on those that are plugged in later. Without a
    /// source: the source of the CRTC's output.
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
    /// Compares planes with composition: see [`crate::session::crc::compare`].
    Check {
        output: Option<String>,
    },
}

/// The state of an output's CRCs.
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
    /// The number of CRCs read.
    pub entries: u64,
    /// The number of scanned-out frames without a CRC.
    pub gaps: u64,
    #[serde(flatten)]
    pub counts: Counts,
}

/// The answer to `on`, `off` and `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrcStatus {
    pub outputs: Vec<OutputStatus>,
    /// The last changes of the screen without a flip, oldest first.
    pub changes: Vec<Change>,
}

/// One of the two compared frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedFrame {
    pub frame: u64,
    pub read: Vec<u32>,
    pub predicted: Option<u32>,
    pub verdict: CrcVerdict,
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Connector.
    pub output: String,
    pub equal: bool,
    /// DRM object ids of the planes that showed clients' buffers.
    pub planes: Vec<PlaneId>,
    pub with_planes: ComparedFrame,
    pub drawn: ComparedFrame,
    /// The scene has translucent pixels, which may explain a difference: displays and renderers may
    /// round blended pixels differently.
    pub translucent: bool,
}
