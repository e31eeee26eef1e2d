//! Where the lab's kernel source comes from: the newest `linux-source-*` package of the
//! distribution's mirror that the machine already uses.
//!
//! It is read through [`PrivateApt`], so the machine's own sources stay as they are. Trust: apt
//! verifies the suite's signature with the archive keyring, and the package by the hashes of that
//! suite. Where the installed keyring is older than the suite's keys (a Debian 12 that was never
//! updated, say), the newer keyring is taken from the machine's *own* release, which the installed
//! one does verify: the chain of trust starts at what is installed and never skips a link.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::failure;
use crate::apt::private::{Package, PrivateApt, run};
use crate::apt::release::Release;
use crate::apt::sources::{self, Source};
use crate::error::{Error, Result};
use crate::paths;

/// The first kernel that has what the lab needs (vkms by configfs, the seccomp mode of User-Mode
/// Linux).
pub const LEAST: (u32, u32) = (6, 19);

const SAY_WHERE: &str =
    "point SYNCLINE_LAB_SOURCE to a Linux tree of version 6.19 or later, or SYNCLINE_LAB_KERNEL to a built lab kernel";

/// A source package that the mirror offers.
#[derive(Debug)]
pub struct Offer {
    apt: PrivateApt,
    /// Name and version.
    pub package: Package,
}

/// Looks what the mirror offers.
pub fn look(cache: &Path) -> Result<Offer> {
    let release = Release::of_this_machine();
    if !release.has_apt() || paths::which("apt-get").is_none() {
        return Err(failure(format!("{} has no apt to fetch a kernel source with", release.pretty)).hint(SAY_WHERE));
    }
    let all = sources::of_this_machine();
    let archive = sources::main_archive(&all, &release.codename).ok_or_else(|| {
        failure(format!("the apt sources of {} name no mirror that serves {:?} main", release.pretty, release.codename))
            .hint(SAY_WHERE)
    })?;
    let suite = release.kernel_suite();
    let apt = PrivateApt::new(&cache.join("apt"), &archive.render_suite(&suite), false)?;
    if let Err(why) = apt.update() {
        if !why.to_string().contains("NO_PUBKEY") && !why.to_string().contains("not signed") {
            return Err(why.status(super::STATUS_LAB_FAILED).hint(SAY_WHERE));
        }
        apt.set_keyring(&newer_keyring(cache, archive, &release, &why)?)?;
        apt.update().map_err(|why| why.status(super::STATUS_LAB_FAILED).hint(SAY_WHERE))?;
    }
    let (major, minor) = LEAST;
    let package = apt.newest_versioned("linux-source-", LEAST)?.ok_or_else(|| {
        failure(format!(
            "{suite} on {} has no linux-source package of version {major}.{minor} or later",
            archive.uris.join(" ")
        ))
        .hint(SAY_WHERE)
    })?;
    Ok(Offer { apt, package })
}

impl Offer {
    /// Downloads it, verified; returns the package's file.
    pub fn download(&self, cache: &Path) -> Result<PathBuf> {
        let dir = cache.join("download");
        self.apt.download(&self.package.name, &dir)
    }
}

/// Takes the newer archive keyring from the machine's own release, verified by the installed one.
fn newer_keyring(cache: &Path, archive: &Source, release: &Release, first: &Error) -> Result<PathBuf> {
    let explain = |why: Error| {
        failure(format!("the installed archive keyring does not know the key of {}, and a newer keyring could not be fetched: {why}\n  the first error was: {first}", release.kernel_suite()))
            .hint("upgrade the package debian-archive-keyring and run again")
    };
    let dir = cache.join("apt-keyring");
    let apt = PrivateApt::new(&dir, &archive.render_suite(&release.codename), false).map_err(explain)?;
    apt.update().map_err(explain)?;
    let deb = apt.download("debian-archive-keyring", &dir).map_err(explain)?;
    let out = dir.join("unpacked");
    run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&out)).map_err(explain)?;
    let keyrings = out.join("usr/share/keyrings");
    let found = ["debian-archive-keyring.pgp", "debian-archive-keyring.gpg"]
        .map(|name| keyrings.join(name))
        .into_iter()
        .find(|f| f.exists());
    found.ok_or_else(|| explain(Error::new(format!("{} holds no keyring", deb.display()))))
}

/// Removes what was downloaded, once it is built.
pub fn forget(cache: &Path) {
    for dir in ["download", "apt", "apt-keyring"] {
        let _ = fs::remove_dir_all(cache.join(dir));
    }
}
