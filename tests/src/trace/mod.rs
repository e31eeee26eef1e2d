//! Reads the trace of `syncline run --trace`: Chrome's JSON array format, one event a line.
//!
//! The file is the only thing that is known of the compositor here. Events of unknown names are
//! skipped, so that a newer compositor's trace can still be read; a file that a crash cut off is
//! read as far as it goes, and marked.

pub mod analysis;
pub mod timeline;

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::time::Ns;

/// One line of the file.
#[derive(Debug, Clone, Deserialize)]
struct Raw {
    #[serde(default)]
    name: String,
    #[serde(default)]
    ts: f64,
    #[serde(default)]
    dur: f64,
    #[serde(default)]
    tid: u64,
    #[serde(default)]
    args: serde_json::Value,
}

/// An event and when it was.
#[derive(Debug, Clone)]
pub struct Event {
    /// Beginning, CLOCK_MONOTONIC.
    pub at: Ns,
    /// End; equal to the beginning for an instant.
    pub end: Ns,
    /// The trace's thread: an output (below 100) or a surface.
    pub tid: u64,
    /// What happened.
    pub what: What,
}

/// A commit of a surface.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct CommitRef {
    /// The surface.
    pub surface: u64,
    /// The serial of its commit.
    pub commit: u64,
}

/// One plane of an atomic commit.
#[derive(Debug, Clone, Deserialize)]
pub struct PlaneUse {
    /// Object id or index.
    #[serde(default)]
    pub plane: u64,
    /// primary, overlay, cursor.
    #[serde(default)]
    pub kind: String,
    /// The surface whose buffer is shown directly.
    #[serde(default)]
    pub surface: Option<u64>,
    /// Its commit.
    #[serde(default)]
    pub commit: Option<u64>,
    /// Whether an IN_FENCE_FD was given.
    #[serde(default)]
    pub in_fence: bool,
}

macro_rules! args {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }
    };
}

args!(/** A client committed a buffer. */ Commit {
    /** The surface. */ surface: u64,
    /** Serial of the commit. */ commit: u64,
    /** Process of the client. */ client_pid: Option<i64>,
    /** `app_id`. */ app: Option<String>,
    /** point, fence, implicit, none. */ acquire: String,
    /** point, fence, implicit, wl_buffer; empty in older traces. */ release: String,
    /** Value of the acquire point. */ point: Option<u64>,
});
args!(/** An acquire fence was resolved. */ Acquire {
    /** The surface. */ surface: u64,
    /** Serial of the commit. */ commit: u64,
    /** signalled, failed, superseded. */ state: String,
    /** ready, waited, kms, gpu. */ mode: String,
    /** Driver of the fence. */ driver: Option<String>,
    /** When it signalled. */ signal_ns: Option<Ns>,
    /** Errno of a failed fence. */ error: Option<serde_json::Value>,
});
args!(/** A frame's content was fixed. */ Latch {
    /** The frame. */ frame: u64,
    /** The vblank that it is meant for. */ vblank_ns: Option<Ns>,
    /** What it shows. */ surfaces: Vec<CommitRef>,
});
args!(/** An atomic commit. */ KmsCommit {
    /** The frame. */ frame: u64,
    /** Its planes. */ planes: Vec<PlaneUse>,
    /** Whether an out-fence was asked for. */ out_fence: bool,
    /** Errno of a commit that failed. */ errno: Option<serde_json::Value>,
});
args!(/** A frame reached the screen. */ Flip {
    /** The frame. */ frame: u64,
    /** Vblank counter. */ seq: u64,
    /** Time stamp of the vblank. */ time_ns: Ns,
    /** How many vblanks late. */ missed: u64,
    /** Who was late: client, render, commit, kernel. */ cause: Option<String>,
});
args!(/** A buffer went back to its client. */ Release {
    /** The surface. */ surface: u64,
    /** Serial of the commit. */ commit: u64,
    /** point, fence, implicit, wl_buffer. */ kind: String,
    /** commit, signal, drop. */ when: String,
    /** The frame whose out-fence it carries. */ frame: Option<u64>,
    /** How many fences were merged. */ users: u64,
    /** Errno carried. */ error: Option<serde_json::Value>,
});
args!(/** An out-fence signalled. */ OutFence {
    /** The frame. */ frame: u64,
    /** When. */ signal_ns: Ns,
    /** After the flip. */ lag_ns: i64,
});
args!(/** A frame's CRC was looked at. */ Crc {
    /** The frame. */ frame: u64,
    /** The CRTC's own number for it. */ crtc_frame: Option<u64>,
    /** What the display said. */ read: Option<serde_json::Value>,
    /** What the scene says. */ predicted: Option<serde_json::Value>,
    /** equal, different, unread, unpredicted. */ verdict: String,
});

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// See [`Commit`].
    Commit(Commit),
    /// See [`Acquire`].
    Acquire(Acquire),
    /// See [`Latch`].
    Latch(Latch),
    /// See [`KmsCommit`].
    KmsCommit(KmsCommit),
    /// See [`Flip`].
    Flip(Flip),
    /// See [`Release`].
    Release(Release),
    /// See [`OutFence`].
    OutFence(OutFence),
    /// See [`Crc`].
    Crc(Crc),
}

/// A trace that was read.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// In order of their beginning.
    pub events: Vec<Event>,
    /// Whether the file was whole: false where a crash cut it off.
    pub complete: bool,
}

impl Trace {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Trace> {
        let text = std::fs::read_to_string(path).map_err(Error::io(format!("read {}", path.display())))?;
        Trace::parse(&text).map_err(|e| Error::Other(format!("{}: {e}", path.display())))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Trace> {
        let (raw, complete) = match serde_json::from_str::<Vec<Raw>>(text) {
            Ok(all) => (all, true),
            Err(whole) => {
                let lines = parse_lines(text);
                if lines.is_empty() {
                    return Err(Error::Other(format!("no trace: {whole}")));
                }
                (lines, false)
            }
        };
        let mut events = Vec::with_capacity(raw.len());
        for raw in raw {
            let at = (raw.ts * 1000.0).round() as Ns;
            let end = at + (raw.dur * 1000.0).round() as Ns;
            if let Some(what) = what(&raw.name, raw.args)? {
                events.push(Event { at, end, tid: raw.tid, what });
            }
        }
        events.sort_by_key(|e| e.at);
        Ok(Trace { events, complete })
    }
}

/// The events of a file that is cut off: its whole lines.
fn parse_lines(text: &str) -> Vec<Raw> {
    let lines = text.lines().map(|l| l.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches(','));
    lines.filter_map(|l| serde_json::from_str(l).ok()).collect()
}

fn what(name: &str, args: serde_json::Value) -> Result<Option<What>> {
    fn typed<T: DeserializeOwned>(name: &str, args: serde_json::Value) -> Result<T> {
        serde_json::from_value(args).map_err(Error::other(format!("event {name}")))
    }
    Ok(Some(match name {
        "commit" => What::Commit(typed(name, args)?),
        "acquire" => What::Acquire(typed(name, args)?),
        "latch" => What::Latch(typed(name, args)?),
        "kms_commit" => What::KmsCommit(typed(name, args)?),
        "flip" => What::Flip(typed(name, args)?),
        "release" => What::Release(typed(name, args)?),
        "out_fence" => What::OutFence(typed(name, args)?),
        "crc" => What::Crc(typed(name, args)?),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../data/trace.json");

    #[test]
    fn the_sample_is_whole() {
        let trace = Trace::parse(SAMPLE).unwrap();
        assert!(trace.complete);
        assert!(trace.events.windows(2).all(|w| w[0].at <= w[1].at));
        assert!(matches!(&trace.events[0].what, What::Commit(c) if c.surface == 1 && c.acquire == "point"));
    }

    #[test]
    fn a_cut_off_trace_is_read_and_marked() {
        let cut = &SAMPLE[..SAMPLE.len() - 60];
        let (whole, cut) = (Trace::parse(SAMPLE).unwrap(), Trace::parse(cut).unwrap());
        assert!(!cut.complete);
        assert!(cut.events.len() + 2 >= whole.events.len() && cut.events.len() < whole.events.len());
    }

    #[test]
    fn rubbish_is_an_error() {
        assert!(Trace::parse("hello").is_err());
        assert!(Trace::parse(r#"[{"name":"flip","args":{"frame":"x"}}]"#).is_err());
    }
}
