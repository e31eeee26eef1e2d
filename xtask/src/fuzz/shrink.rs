//! Takes steps out of a sequence that fails for as long as it still fails in the same way.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::child::{Child, Ended, Failure};
use crate::error::{Context, Result};

/// A process that does the steps of one sequence takes less than a second.
const LIMIT: Duration = Duration::from_secs(20);
/// How long a sequence is made shorter.
const PATIENCE: Duration = Duration::from_secs(90);

/// Writes the steps that are left to a file, and returns its path. A failure that does not come
/// again leaves them all.
pub fn shrink(child: &Child, failure: &Failure, seed: u64) -> Result<PathBuf> {
    let log = child.log();
    let text = fs::read_to_string(&log).context(format_args!("read {}", log.display()))?;
    let all: Vec<&str> = text.lines().collect();
    let kept = child.folder.join(format!("seed-{seed}.txt"));
    let write = |steps: &[&str]| -> Result<()> {
        let text = format!("# seed {seed}: {}\n{}\n", failure.kind, steps.join("\n"));
        fs::write(&kept, text).context(format_args!("write {}", kept.display()))
    };
    let mut fails = |steps: &[&str]| -> Result<bool> {
        write(steps)?;
        Ok(matches!(child.replay(&kept, LIMIT)?, Ended::Badly(now) if now.kind == failure.kind))
    };
    // The sequence that failed, mostly enough by itself.
    let ends = all.iter().enumerate().rev().filter(|(at, line)| **line == "end" && at + 1 < all.len());
    let last = &all[ends.map(|(at, _)| at + 1).next().unwrap_or(0)..];
    let mut steps = if fails(last)? { last.to_vec() } else { all.clone() };
    if steps.len() < all.len() || fails(&all)? {
        steps = fewer(steps, &mut fails)?;
    }
    write(&steps)?;
    Ok(kept)
}

/// Takes out ranges, long ones first.
fn fewer<'a>(mut steps: Vec<&'a str>, fails: &mut impl FnMut(&[&'a str]) -> Result<bool>) -> Result<Vec<&'a str>> {
    let begun = Instant::now();
    let mut length = steps.len() / 2;
    while length > 0 {
        let (mut at, mut shorter) = (0, false);
        while at < steps.len() && begun.elapsed() < PATIENCE {
            let mut without = steps.clone();
            without.drain(at..(at + length).min(steps.len()));
            if fails(&without)? {
                (steps, shorter) = (without, true);
            } else {
                at += length;
            }
        }
        if begun.elapsed() >= PATIENCE {
            break;
        }
        // The last steps again, for as long as that helps.
        length = if shorter && length == 1 { 1 } else { length / 2 };
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_left() {
        let all: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut tries = 0;
        let mut fails = |steps: &[&str]| {
            tries += 1;
            Ok(["7", "63", "64"].iter().all(|needed| steps.contains(needed)))
        };
        assert_eq!(fewer(all, &mut fails).unwrap(), ["7", "63", "64"]);
        assert!(tries < 100, "{tries}");
    }
}
