//! `record`, `verify` and `diff`: what the scenes' CRCs are today, kept in files, and whether they are the same tomorrow.
//!
//! For drivers whose arithmetic nobody knows. `kms::crc::reference` sees to it that a reference judges no other configuration.

use std::path::Path;

use kms::crc::reference::{Recorded, References, Setup, Verified};

use super::result::Outcome;
use super::scene::{Case, Scene};
use super::screen::Screen;
use super::suite::value;
use super::trouble::Trouble;

/// The configuration of a lit screen.
pub fn setup(screen: &Screen, source: &str) -> Setup {
    Setup {
        driver: screen.device.driver().to_owned(),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        source: source.to_owned(),
        mode: Setup::mode(&screen.mode),
        format: "XR24".to_owned(),
    }
}

/// What a reference of this very configuration says. `None`: nothing was learnt at all.
pub fn load(dir: &Path, setup: &Setup) -> Result<Option<References>, Trouble> {
    if let Some(found) = References::load(dir, setup)? {
        return Ok(Some(found));
    }
    // References that are there belong to others: say what differs.
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            References::read(&path)?.verify(setup, "", &[])?;
        }
    }
    Ok(None)
}

/// Shows a scene; its CRC, or why it cannot be shown.
fn shot(screen: &mut Screen, scene: &Scene) -> Result<Result<kms::crc::CrcEntry, String>, Trouble> {
    match screen.would_take(scene) {
        Ok(()) => screen.shot(scene),
        Err(reason) => Ok(Err(format!("the driver refuses it: {reason}"))),
    }
}

/// Learns the CRC of a scene, if it differs from that of its control.
pub fn record(
    screen: &mut Screen,
    references: &mut References,
    setup: &Setup,
    case: &Case,
) -> Result<Outcome, Trouble> {
    let (scene, control) = match &case.scenes {
        Err(reason) => return Ok(Outcome::Skip { reason: reason.clone() }),
        Ok(scenes) => scenes,
    };
    let (other, read) = match (shot(screen, control)?, shot(screen, scene)?) {
        (Ok(other), Ok(read)) => (other, read),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Outcome::Skip { reason }),
    };
    if other.values() == read.values() {
        return Ok(fail(format!("the control has the same CRC {}", value(&other))));
    }
    match references.record(setup, &title(case), read.values())? {
        Recorded::New | Recorded::Same => Ok(Outcome::Pass),
        Recorded::Replaced(old) => {
            tracing::info!("{}: {} instead of {old:x?}", title(case), value(&read));
            Ok(Outcome::Pass)
        }
    }
}

/// Compares the CRC of a scene with what was learnt.
pub fn verify(screen: &mut Screen, references: &References, setup: &Setup, case: &Case) -> Result<Outcome, Trouble> {
    let scene = match &case.scenes {
        Err(reason) => return Ok(Outcome::Skip { reason: reason.clone() }),
        Ok((scene, _)) => scene,
    };
    let title = title(case);
    let known = references.scenes().any(|(name, _)| name == title);
    let read = match shot(screen, scene)? {
        Ok(read) => read,
        // It could be shown when it was learnt.
        Err(reason) if known => return Ok(fail(reason)),
        Err(reason) => return Ok(Outcome::Skip { reason }),
    };
    Ok(match references.verify(setup, &title, read.values())? {
        Verified::Equal => Outcome::Pass,
        Verified::Different(learnt) => {
            let learnt: Vec<_> = learnt.iter().map(|value| format!("{value:#010x}")).collect();
            fail(format!("CRC {} instead of {}", value(&read), learnt.join(" ")))
        }
        Verified::Unknown => Outcome::Skip { reason: "nothing was learnt of it".to_owned() },
    })
}

/// Name of a scene in the file.
fn title(case: &Case) -> String {
    format!("{}: {}", case.suite, case.name)
}

fn fail(reason: String) -> Outcome {
    Outcome::Fail { reason, files: Vec::new() }
}

/// Prints what differs between two files; whether anything does.
pub fn diff(left: &Path, right: &Path, out: &mut impl std::io::Write) -> Result<bool, Trouble> {
    let (left, right) = (References::read(left)?, References::read(right)?);
    let differences = left.diff(&right)?;
    let text = |values: Option<&[u32]>| match values {
        Some(values) => values.iter().map(|value| format!("{value:#010x}")).collect::<Vec<_>>().join(" "),
        None => "-".to_owned(),
    };
    for difference in &differences {
        writeln!(out, "{}: {} {}", difference.scene, text(difference.left), text(difference.right))
            .map_err(|error| Trouble::refused("standard output", error))?;
    }
    Ok(!differences.is_empty())
}
