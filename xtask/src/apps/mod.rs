//! `cargo xtask apps`: a Debian sid with everyday programs of Wayland, in a folder of its own. In the
//! lab they run under Syncline, as they come from the distribution (`tests/tests/apps_*.rs`).
//!
//! The root is made once and kept in the cache under the key of what is in it ([`packages`]). It
//! appears whole or not at all, and one caller makes it while others wait. Never installs a program on
//! this machine but the tool that makes the root, and never changes a root that is made.

mod make;
pub mod packages;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::fs::{FlockOperation, flock};

use crate::error::{Context, Error, Result};
use crate::lab::{self, guest_apps, kernel, session};
use crate::paths;

/// Names a root that exists instead.
pub const VARIABLE: &str = guest_apps::VARIABLE;

/// Arguments of `cargo xtask apps`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Print the programs and their versions
    #[arg(long, conflicts_with = "path")]
    list: bool,
    /// Print where the root is, and nothing else
    #[arg(long)]
    path: bool,
    /// Remove all roots, and make one of what the mirror has today
    #[arg(long)]
    fresh: bool,
    /// Take the mirror's sid although its date is over, as that of a mirror that is not renewed. What
    /// signs it is verified all the same
    #[arg(long)]
    accept_expired: bool,
    /// A command that runs in the root, in a guest of the lab, as the seat's user
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Makes the root where it is missing, prints what is asked for, runs the command; the exit status.
pub fn main(options: &Options) -> Result<u8> {
    if options.fresh {
        forget()?;
    }
    let root = ready(options.accept_expired)?;
    if options.path {
        println!("{}", root.display());
    }
    if options.list || (options.command.is_empty() && !options.path) {
        print!("{}", list(&root)?);
    }
    if options.command.is_empty() { Ok(0) } else { run(&root, &options.command) }
}

/// The root, which is made first if it is not there.
pub fn ready(accept_expired: bool) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from) {
        if given.join("usr/bin").is_dir() {
            return Ok(given);
        }
        return Err(Error::new(format!("{VARIABLE}: {} holds no usr/bin", given.display())));
    }
    let cache = cache()?;
    let place = cache.join(packages::key());
    let root = place.join("root");
    if root.is_dir() {
        return Ok(root);
    }
    let _lock = lock(&cache)?;
    if !root.is_dir() {
        make::root(&cache, &place, accept_expired)?;
    }
    Ok(root)
}

/// A line for each program: its package and version.
fn list(root: &Path) -> Result<String> {
    let status = root.join("var/lib/dpkg/status");
    let status = fs::read_to_string(&status).context(format_args!("read {}", status.display()))?;
    let lines = packages::versions(&status).into_iter().map(|(name, version)| format!("{name:<20} {version}\n"));
    Ok(lines.collect())
}

fn run(root: &Path, command: &[String]) -> Result<u8> {
    let kernel = kernel::ready()?;
    let mut all = guest_apps::enter();
    all.extend(command.iter().cloned());
    let mut options = lab::Options::for_command(all);
    options.env.push((VARIABLE.to_owned(), root.display().to_string()));
    let outcome = session::run(&kernel, &options, session::Streams::inherit())?;
    outcome.explain(&options);
    Ok(outcome.exit_status())
}

fn cache() -> Result<PathBuf> {
    let dir = paths::lab_cache()?.join("apps");
    fs::create_dir_all(&dir).context(format_args!("create {}", dir.display()))?;
    Ok(dir)
}

/// Held until it is dropped.
fn lock(cache: &Path) -> Result<File> {
    let file = cache.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&file);
    let lock = lock.context(format_args!("open {}", file.display()))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        eprintln!("apps: another xtask is making the root of programs; waiting for it");
        flock(&lock, FlockOperation::LockExclusive).context(format_args!("lock {}", file.display()))?;
    }
    Ok(lock)
}

/// Removes every root.
fn forget() -> Result<()> {
    let cache = cache()?;
    let _lock = lock(&cache)?;
    for entry in fs::read_dir(&cache).context(format_args!("list {}", cache.display()))?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            make::remove(&path)?;
        }
    }
    Ok(())
}
