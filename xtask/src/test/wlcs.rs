//! Runs the Wayland Conformance Test Suite on this machine, with the module in `tests/wlcs/`. It
//! needs no display, and no kernel but this one.
//!
//! What counts is in [`super::gtest`], and how the suite stands in docs/conformance.md.

use std::path::PathBuf;
use std::process::Command;

use super::gtest::Conformance;
use crate::error::{Context, Error, Result};
use crate::paths;

/// Seconds after which the suite is killed: less than the budget of this part.
const TIMEOUT_S: u32 = 110;

/// Where cargo puts the module, below its target folder.
const MODULE: &str = "debug/libsyncline_wlcs.so";

/// Runs all tests of the suite.
pub fn run() -> Result<Conformance> {
    let (suite, module) = (suite()?, paths::target().join(MODULE));
    let output = Command::new("timeout")
        .arg("--kill-after=5")
        .arg(TIMEOUT_S.to_string())
        .arg(&suite)
        .arg(&module)
        .output()
        .context(format_args!("run {}", suite.display()))?;
    let mut read = Conformance::parse(&String::from_utf8_lossy(&output.stdout));
    let report = &mut read.report;
    // With a test that failed as it must, the suite ends with 1.
    if !output.status.success() && report.good() && read.beyond == 0 {
        report.tally.failed += 1;
    }
    if !report.good() {
        // A panic of the session is only there.
        report.failures.push_str(&format!("{}: {}\n", suite.display(), output.status));
        report.failures.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Ok(read)
}

/// The suite's program, of the Debian package `wlcs`: in the folder of this machine's libraries.
fn suite() -> Result<PathBuf> {
    let libraries = std::fs::read_dir("/usr/lib").context("read /usr/lib")?;
    let programs = libraries.flatten().map(|folder| folder.path().join("wlcs/wlcs"));
    programs.into_iter().find(|program| program.is_file()).ok_or_else(|| {
        Error::new("there is no /usr/lib/*/wlcs/wlcs").hint("install the package wlcs, or run `cargo xtask setup`")
    })
}
