//! The answers of `syncline msg crc` and `syncline msg frames` as text. It sends no request.

use std::fmt::Write;

use crate::crc::{
    frames::FrameRecord,
    status::{Compared, ComparedFrame, CrcStatus},
};

/// The column headings for [`frame`].
pub const FRAMES: &str = "output      frame   sequence          time ms  late  shown     verdict      read                  predicted   planes";

/// One frame as a line.
pub fn frame(frame: &FrameRecord) -> String {
    let shown = match (frame.zero_copy, frame.rendered) {
        _ if frame.tears => "tears",
        (true, false) => "planes",
        (true, true) => "mixed",
        (false, _) => "drawn",
    };
    let crc = frame.crc.as_ref();
    let verdict = match crc.map(|crc| crc.verdict) {
        None => "-",
        Some(None) => "…",
        Some(Some(verdict)) => verdict.name(),
    };
    let changed = crc.map_or(0, |crc| crc.changed);
    let read = crc.map_or_else(|| "-".to_owned(), |crc| values(&crc.read));
    let predicted = crc.and_then(|crc| crc.predicted).map_or_else(|| "-".to_owned(), |crc| format!("{crc:#010x}"));
    let planes: Vec<String> = frame
        .planes
        .iter()
        .map(|plane| match (plane.surface, plane.commit) {
            (Some(surface), Some(commit)) => format!("{}: surface {surface} commit {commit}", plane.plane),
            _ => format!("{}: ours", plane.plane),
        })
        .collect();
    let mut line = format!(
        "{:<10} {:>6} {:>10} {:>16.3} {:>5}  {shown:<8}  {verdict:<11}  {read:<20}  {predicted:<10}  {}",
        frame.output,
        frame.frame,
        frame.sequence,
        frame.time_ns as f64 / 1e6,
        frame.missed,
        planes.join(", "),
    );
    if changed > 0 {
        let _ = write!(line, "; changed {changed} times while shown");
    }
    line
}

fn values(values: &[u32]) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    values.iter().map(|value| format!("{value:#010x}")).collect::<Vec<_>>().join(" ")
}

/// A paragraph for each output, then the changes.
pub fn status(status: &CrcStatus) -> String {
    let mut out = String::new();
    for output in &status.outputs {
        let _ = write!(out, "{}: {}", output.output, output.state);
        if let Some(source) = &output.source {
            let _ = write!(out, ", source {source}");
            match &output.predicted_by {
                Some(model) => drop(write!(out, ", predicted by the model of {model}")),
                None => out.push_str(", not predicted"),
            }
        }
        if let Some(why) = &output.why {
            let _ = write!(out, " ({why})");
        }
        out.push('\n');
        if output.source.is_none() {
            continue;
        }
        let c = &output.counts;
        let _ = writeln!(out, "  CRCs read {}, missing {}", output.entries, output.gaps);
        let _ = writeln!(
            out,
            "  frames: equal {}, different {}, read {}, unpredicted {}, ambiguous {}, unread {}, settling {}",
            c.equal, c.different, c.read, c.unpredicted, c.ambiguous, c.unread, c.settling
        );
        let _ = writeln!(
            out,
            "  changed while shown: released too early {}, written into while in use {}, otherwise {}",
            c.early_releases, c.written_in_use, c.changed_otherwise
        );
    }
    for change in &status.changes {
        let _ = writeln!(out, "{change}");
    }
    out
}

/// The result, then both frames.
pub fn compared(compared: &Compared) -> String {
    let mut out = format!(
        "{}: planes and composition are {}\n",
        compared.output,
        if compared.equal { "equal" } else { "DIFFERENT" }
    );
    let side = |name: &str, side: &ComparedFrame| {
        let predicted = side.predicted.map_or_else(|| "-".to_owned(), |crc| format!("{crc:#010x}"));
        format!(
            "  {name:<12} frame {:>6}  read {}  predicted {predicted}  {}\n",
            side.frame,
            values(&side.read),
            side.verdict.name()
        )
    };
    out.push_str(&side("with planes", &compared.with_planes));
    out.push_str(&side("drawn", &compared.drawn));
    if compared.translucent && !compared.equal {
        out.push_str(
            "  (the scene has translucent pixels: display and renderer may round blended pixels differently)\n",
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc::{
        frames::{FrameCrc, ShownPlane},
        judge::CrcVerdict,
        status::OutputStatus,
        stream::Counts,
    };

    #[test]
    fn a_frame_is_one_line() {
        let planes = vec![ShownPlane {
            plane: kms::PlaneId::from_raw(31),
            surface: Some(crate::system::id::SurfaceId(100)),
            commit: Some(2),
            buffer: 5,
        }];
        let (verdict, predicted) = (Some(CrcVerdict::Equal), Some(0xab));
        let crc = FrameCrc { read: vec![0xab], predicted, verdict, changed: 1, ..FrameCrc::default() };
        let mut shown =
            FrameRecord { output: "Virtual-1".into(), frame: 7, zero_copy: true, planes, ..FrameRecord::default() };
        assert!(frame(&shown).contains("planes    -"), "{}", frame(&shown));
        shown.crc = Some(crc);
        let line = frame(&shown);
        for part in ["equal", "0x000000ab", "31: surface 100 commit 2", "changed 1 times"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    #[test]
    fn status_as_text() {
        let counts = Counts { equal: 3, early_releases: 1, ..Counts::default() };
        let on = OutputStatus {
            output: "A-1".into(),
            state: "on".into(),
            source: Some("auto".into()),
            predicted_by: None,
            why: Some("the arithmetic of i915 is not known".into()),
            entries: 9,
            gaps: 1,
            counts,
        };
        let text = status(&CrcStatus { outputs: vec![on], changes: Vec::new() });
        assert_eq!(
            text,
            "A-1: on, source auto, not predicted (the arithmetic of i915 is not known)\n  CRCs read 9, missing 1\n  frames: equal 3, \
             different 0, read 0, unpredicted 0, ambiguous 0, unread 0, settling 0\n  changed while shown: released too early 1, \
             written into while in use 0, otherwise 0\n"
        );
    }
}
