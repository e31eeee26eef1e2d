//! `sources`, `watch` and `capture`: the CRCs of what is on the screen, whoever draws it. It draws
//! nothing.

use std::io::Write;
use std::time::Duration;

use kms::crc::{CrcEntry, CrcError, CrcReader};

use super::error::Error;
use super::result::crc_text;

/// How long a running display may take to deliver a CRC.
const LIMIT: Duration = Duration::from_secs(2);

/// Lists the sources.
pub fn sources(reader: &CrcReader, out: &mut impl Write) -> Result<(), Error> {
    for source in reader.sources()? {
        line(out, format_args!("{}{}", source.name, if source.current { "*" } else { "" }))?;
    }
    Ok(())
}

/// Prints a line for each frame: `frames` of them, or until it is interrupted. A `*` marks a CRC
/// that differs from the one before.
pub fn frames(reader: &CrcReader, source: &str, frames: Option<u32>, out: &mut impl Write) -> Result<(), Error> {
    let mut stream = reader.arm(source)?;
    let mut last: Option<CrcEntry> = None;
    let (mut left, mut gaps) = (frames, 0);
    while left != Some(0) {
        let entry = match stream.wait_entry(LIMIT) {
            Ok(entry) => entry,
            // A capture must have no gap; `watch` goes on.
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
        let changed = if last.is_some_and(|last| last.values() != entry.values()) { "  *" } else { "" };
        let frame = entry.frame.map_or_else(|| "-".to_owned(), |frame| frame.to_string());
        line(out, format_args!("{frame:>10}  {}{changed}", crc_text(entry.values())))?;
        last = Some(entry);
        left = left.map(|left| left - 1);
    }
    Ok(())
}

fn line(out: &mut impl Write, text: std::fmt::Arguments<'_>) -> Result<(), Error> {
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Error::stdout)
}
