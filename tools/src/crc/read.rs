//! `sources`, `watch` and `capture`: CRCs of what another program shows, or of what was left on the screen.

use std::io::Write;
use std::time::Duration;

use kms::crc::{CrcError, CrcReader};

use super::suite::value;
use super::trouble::Trouble;

/// How long a display that scans out may take for a CRC.
const LIMIT: Duration = Duration::from_secs(2);

/// Lists the sources.
pub fn sources(reader: &CrcReader, out: &mut impl Write) -> Result<(), Trouble> {
    for source in reader.sources()? {
        line(out, format_args!("{}{}", source.name, if source.current { "*" } else { "" }))?;
    }
    Ok(())
}

/// Prints a line a frame, `frames` of them or for ever. A `*` marks a CRC that is not that of the frame before.
pub fn frames(reader: &CrcReader, source: &str, frames: Option<u32>, out: &mut impl Write) -> Result<(), Trouble> {
    let mut stream = reader.arm(source)?;
    let mut last = None;
    let (mut left, mut gaps) = (frames, 0);
    while left != Some(0) {
        let entry = match stream.wait_entry(LIMIT) {
            Ok(entry) => entry,
            // A capture with a hole in it is none; who only watches goes on.
            Err(error @ CrcError::Overflow { .. }) if frames.is_none() => {
                eprintln!("syncline: {error}");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let missed = stream.gaps() - gaps;
        gaps = stream.gaps();
        if missed > 0 {
            line(out, format_args!("({missed} without a CRC)"))?;
        }
        let changed =
            if last.is_some_and(|last: kms::crc::CrcEntry| last.values() != entry.values()) { "  *" } else { "" };
        let frame = entry.frame.map_or_else(|| "-".to_owned(), |frame| frame.to_string());
        line(out, format_args!("{frame:>10}  {}{changed}", value(&entry)))?;
        last = Some(entry);
        left = left.map(|left| left - 1);
    }
    Ok(())
}

fn line(out: &mut impl Write, text: std::fmt::Arguments<'_>) -> Result<(), Trouble> {
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Trouble::refused("standard output", error))
}
