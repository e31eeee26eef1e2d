//! `record`, `verify` and `diff`: saves the CRCs of the scenes as references, and compares with
//! them later.
//!
//! For drivers whose CRCs cannot be predicted. [`kms::crc::reference`] makes sure that a reference
//! is never compared with CRCs of another configuration.

use std::path::Path;

use kms::crc::reference::{Recorded, References, Setup, Verified};

use super::error::Error;
use super::result::{Outcome, crc_text};
use super::scene::{Case, Scene};
use super::screen::Screen;
use crate::kernel;

/// The configuration of a screen with its mode set.
pub fn setup(screen: &Screen, source: &str) -> Setup {
    Setup {
        driver: screen.device.driver().to_owned(),
        kernel: kernel::release(),
        source: source.to_owned(),
        mode: Setup::describe_mode(&screen.mode),
        format: "XR24".to_owned(),
    }
}

/// The references of exactly this configuration. `None`: the directory has no references at all.
pub fn load(dir: &Path, setup: &Setup) -> Result<Option<References>, Error> {
    if let Some(found) = References::load(dir, setup)? {
        return Ok(Some(found));
    }
    // References of other configurations: the error says what differs.
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            References::read(&path)?.verify(setup, "", &[])?;
        }
    }
    Ok(None)
}

/// Shows a scene. Returns its CRC, or why it cannot be shown.
fn show(screen: &mut Screen, scene: &Scene) -> Result<Result<kms::crc::CrcEntry, String>, Error> {
    match screen.test(scene) {
        Ok(()) => screen.show(scene),
        Err(reason) => Ok(Err(format!("the driver refuses it: {reason}"))),
    }
}

/// Records the CRC of a scene, if it differs from the CRC of its control.
pub fn record(screen: &mut Screen, references: &mut References, setup: &Setup, case: &Case) -> Result<Outcome, Error> {
    let (scene, control) = match &case.scenes {
        Err(reason) => return Ok(Outcome::Skip { reason: reason.clone() }),
        Ok(scenes) => scenes,
    };
    let (other, read) = match (show(screen, control)?, show(screen, scene)?) {
        (Ok(other), Ok(read)) => (other, read),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Outcome::Skip { reason }),
    };
    if other.values() == read.values() {
        return Ok(Outcome::fail(format!("the control has the same CRC {}", crc_text(other.values()))));
    }
    let title = case.title();
    if let Recorded::Replaced(old) = references.record(setup, &title, read.values())? {
        tracing::info!("{title}: {} instead of {}", crc_text(read.values()), crc_text(&old));
    }
    Ok(Outcome::Pass)
}

/// Compares the CRC of a scene with its reference.
pub fn verify(screen: &mut Screen, references: &References, setup: &Setup, case: &Case) -> Result<Outcome, Error> {
    let scene = match &case.scenes {
        Err(reason) => return Ok(Outcome::Skip { reason: reason.clone() }),
        Ok((scene, _)) => scene,
    };
    let title = case.title();
    let known = references.scenes().any(|(name, _)| name == title);
    let read = match show(screen, scene)? {
        Ok(read) => read,
        // The driver took it when it was recorded.
        Err(reason) if known => return Ok(Outcome::fail(reason)),
        Err(reason) => return Ok(Outcome::Skip { reason }),
    };
    Ok(match references.verify(setup, &title, read.values())? {
        Verified::Equal => Outcome::Pass,
        Verified::Different(expected) => {
            Outcome::fail(format!("CRC {} instead of {}", crc_text(read.values()), crc_text(expected)))
        }
        Verified::Unknown => Outcome::Skip { reason: "it has no reference".to_owned() },
    })
}

/// Prints the differences between two reference files. Returns whether there are any.
pub fn diff(left: &Path, right: &Path, out: &mut impl std::io::Write) -> Result<bool, Error> {
    let (left, right) = (References::read(left)?, References::read(right)?);
    let differences = left.diff(&right)?;
    let text = |values: Option<&[u32]>| values.map_or_else(|| "-".to_owned(), crc_text);
    for difference in &differences {
        writeln!(out, "{}: {} {}", difference.scene, text(difference.left), text(difference.right))
            .map_err(Error::stdout)?;
    }
    Ok(!differences.is_empty())
}
