//! Makes the root with mmdebstrap: as root, or as an ordinary user where the kernel lets users have
//! name spaces.
//!
//! The suite's signature is verified by the keyring that the machine's own sources name. What is made
//! belongs to the caller, whoever that is, without any device, so that the caller can remove it; it is
//! made in a folder beside and gets its name at the end.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{ChildStderr, Command, Stdio};

use rustix::fs::statvfs;

use super::packages::{self, PROGRAMS, SUITE};
use crate::apt::release::Release;
use crate::apt::sources;
use crate::error::{Context, Error, Result};
use crate::lab::guest_apps;
use crate::lab::progress::Progress;
use crate::{paths, setup};

/// Free space that is needed for the root, and where mmdebstrap unpacks it first.
const ROOM: u64 = 1 << 30;
/// Lines of mmdebstrap, apt and dpkg that are steps.
const EXPECTED_STEPS: u64 = 1100;
/// What the root does without: it is looked at by programs, not by people.
const WITHOUT: [&str; 5] =
    ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/help/*"];
/// libdbus wants one.
const MACHINE_ID: &str = "53796e636c696e65206c616220617070\n";

/// Makes the root in `place`, which is below `cache`.
pub fn root(cache: &Path, place: &Path, accept_expired: bool) -> Result<()> {
    let archive = archive()?;
    let temp = std::env::temp_dir();
    for (dir, needed) in [(cache, ROOM), (&temp, 2 * ROOM)] {
        room_in(dir, needed)?;
    }
    install_tools()?;
    // Always the same name: the next one removes what an interrupted one left.
    let work = cache.join("making");
    remove(&work)?;
    let root = work.join("root");
    // Nobody else may reach its programs, some of which run as their owner whoever starts them.
    fs::DirBuilder::new().mode(0o700).create(&work).context(format_args!("create {}", work.display()))?;
    fs::create_dir(&root).context(format_args!("create {}", root.display()))?;
    let list = work.join("apps.sources");
    fs::write(&list, archive).context(format_args!("write {}", list.display()))?;
    let made = fill(&root, &list, accept_expired).and_then(|()| finish(&root));
    if let Err(why) = made {
        let _ = remove(&work);
        return Err(why);
    }
    let _ = fs::remove_file(&list);
    fs::rename(&work, place).context(format_args!("move the root to {}", place.display()))
}

/// The suite on the machine's own mirror, in deb822.
fn archive() -> Result<String> {
    let release = Release::of_this_machine();
    let hint =
        format!("name a Debian root with these programs in {}: {}", guest_apps::VARIABLE, packages::all().join(" "));
    if release.id != "debian" {
        return Err(Error::new(format!("{} has no mirror of Debian's {SUITE}", release.pretty)).hint(hint));
    }
    let all = sources::of_this_machine();
    let archive = sources::main_archive(&all, &release.codename).ok_or_else(|| {
        Error::new(format!("the machine's apt sources name no mirror that serves {:?} main", release.codename))
            .hint(hint)
    })?;
    Ok(archive.render_suite(SUITE))
}

fn room_in(dir: &Path, needed: u64) -> Result<()> {
    let room = statvfs(dir).context(format_args!("look at {}", dir.display()))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if free >= needed {
        return Ok(());
    }
    let (free, needed, dir) = (free >> 20, needed >> 20, dir.display());
    Err(Error::new(format!("the root of programs needs {needed} MiB in {dir}, which has {free} MiB left"))
        .hint("free some, or point XDG_CACHE_HOME and TMPDIR to folders with room"))
}

/// mmdebstrap, and for an ordinary user the programs that map user numbers.
fn install_tools() -> Result<()> {
    let user = !rustix::process::geteuid().is_root();
    let missing = |program: &str| paths::which(program).is_none();
    let mut names = Vec::new();
    if missing("mmdebstrap") {
        names.push("mmdebstrap");
    }
    if user && missing("newuidmap") {
        names.push("uidmap");
    }
    if names.is_empty() { Ok(()) } else { setup::install("make the root of programs", &names) }
}

/// Runs mmdebstrap, whose archive goes through tar into `root`.
fn fill(root: &Path, list: &Path, accept_expired: bool) -> Result<()> {
    let mut make = Command::new("mmdebstrap");
    make.args([
        "--verbose",
        "--variant=essential",
        "--format=tar",
        &format!("--include={}", packages::all().join(",")),
    ]);
    let mut options =
        vec!["APT::Install-Recommends \"false\"", "Acquire::Languages \"none\"", "Acquire::Retries \"3\""];
    if accept_expired {
        options.push("Acquire::Check-Valid-Until \"false\"");
    }
    make.args(options.iter().map(|option| format!("--aptopt={option}")));
    make.args(WITHOUT.iter().map(|path| format!("--dpkgopt=path-exclude={path}")));
    make.arg(SUITE).arg("-").arg(list).env("LC_ALL", "C").stdin(Stdio::null());
    let mut make = make.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("run mmdebstrap")?;
    let archive = make.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let unpack = Command::new("tar")
        .args(["-x", "--no-same-owner", "--same-permissions", "--exclude=./dev/*", "-C"])
        .arg(root)
        .stdin(archive)
        .stderr(Stdio::piped())
        .spawn()
        .context("run tar")?;
    let said = make.stderr.take().map(follow).unwrap_or_default();
    let made = make.wait().context("wait for mmdebstrap")?;
    let unpacked = unpack.wait_with_output().context("wait for tar")?;
    if made.success() && unpacked.status.success() {
        return Ok(());
    }
    // Each fails with the other: the reason is what one of them said.
    Err(explain(&format!("{said}\n    {}", String::from_utf8_lossy(&unpacked.stderr).trim())))
}

/// Shows how far it is; returns the last lines.
fn follow(stderr: ChildStderr) -> String {
    const KEPT: usize = 12;
    let mut progress = Progress::begin("apps: making the root of programs", EXPECTED_STEPS);
    let mut last = VecDeque::with_capacity(KEPT);
    for line in BufReader::new(stderr).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if is_step(&line) {
            progress.step();
        }
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(line);
    }
    progress.finish();
    Vec::from(last).join("\n    ")
}

/// A package that was fetched, unpacked or set up.
fn is_step(line: &str) -> bool {
    ["Get:", "Unpacking ", "Setting up "].iter().any(|word| line.starts_with(word))
}

/// What went wrong, and what can be done about it.
fn explain(said: &str) -> Error {
    let error = Error::new(format!("cannot make the root of programs:\n    {said}"));
    let hints = [
        (
            "is expired",
            "the mirror has not been renewed for longer than its suite allows; if that is its way, add --accept-expired",
        ),
        ("NO_PUBKEY", "upgrade the package debian-archive-keyring"),
        ("No space left", "free some space, or point XDG_CACHE_HOME and TMPDIR to folders with room"),
        ("Could not resolve", "the mirror of the machine's apt sources cannot be reached"),
        ("Could not connect", "the mirror of the machine's apt sources cannot be reached"),
        ("Failed to fetch", "the mirror may be changing just now; run it again"),
        ("subuid", "give this user a range in /etc/subuid and /etc/subgid, or run it as root"),
        ("unshare", "this kernel gives ordinary users no name spaces; run it as root"),
    ];
    match hints.iter().find(|(word, _)| said.contains(word)) {
        Some((_, hint)) => error.hint(*hint),
        None => error,
    }
}

/// What dpkg leaves to a machine's first start; and a look whether everything is there.
fn finish(root: &Path) -> Result<()> {
    fs::write(root.join("etc/machine-id"), MACHINE_ID).context("write the root's machine-id")?;
    let missing: Vec<&str> =
        PROGRAMS.iter().map(|(_, program)| *program).filter(|name| !root.join("usr/bin").join(name).exists()).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::new(format!("the root has no {}", missing.join(", ")))) }
}

/// Removes a folder with everything in it; none is fine.
pub fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(why).context(format_args!("remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_told_with_what_to_do() {
        let table = [
            ("E: Release file is expired (invalid since 24d)", "--accept-expired"),
            ("GPG error: NO_PUBKEY 1234", "debian-archive-keyring"),
            ("cannot write: No space left on device", "TMPDIR"),
            ("Err:1 Could not resolve 'mirror.example'", "cannot be reached"),
        ];
        for (said, hint) in table {
            let told = explain(said).to_string();
            assert!(told.contains(said) && told.contains(hint), "{told}");
        }
        assert!(!explain("a reason of its own").to_string().contains("help:"));
    }

    #[test]
    fn steps_are_what_happens_to_packages() {
        assert!(is_step("Get:1 a b") && is_step("Setting up foot (1.28.0-1) ..."));
        assert!(!is_step("I: extracting archives..."));
    }

    #[test]
    fn what_is_not_there_is_removed_already() {
        let dir = tempfile::tempdir().unwrap();
        assert!(remove(&dir.path().join("nothing")).is_ok());
        assert!(room_in(dir.path(), u64::MAX).unwrap_err().to_string().contains("MiB left"));
    }
}
