//! `cargo xtask setup`: installs the system packages that are missing.
//!
//! What the release itself offers is installed outright. Mesa from the release's backports is asked
//! for first, and comes through a private apt: the machine's own sources stay as they are. Never
//! removes a package, never installs what is there already.

pub mod packages;

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal, Write};
use std::process::Command;

use clap::Args;

use crate::apt::private::PrivateApt;
use crate::apt::release::Release;
use crate::apt::sources;
use crate::error::{Context, Error, Result};
use crate::paths;
use packages::{GROUPS, Installed, MESA, MESA_WANTED};

/// Arguments of `cargo xtask setup`.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
pub struct Options {
    /// Answer yes when asked to install something from outside of the release
    #[arg(long, short)]
    pub yes: bool,
}

/// Installs what is missing, or says which packages to install.
pub fn main(options: &Options) -> Result<u8> {
    let release = Release::of_this_machine();
    if !can_install(&release) {
        return Err(Error::new(format!(
            "setup can only use apt, which {} does not have; install the equivalent of these packages:\n{}",
            release.pretty,
            list()
        )));
    }
    install_missing()?;
    improve_mesa(&release, options)?;
    Ok(0)
}

/// Like [`main`], for tasks that need the packages: without apt it assumes that they are installed,
/// and says so.
pub fn ensure(options: &Options) -> Result<()> {
    let release = Release::of_this_machine();
    if can_install(&release) {
        return main(options).map(|_| ());
    }
    eprintln!(
        "setup: {} has no apt; assuming that all packages are installed (`cargo xtask setup` lists them)",
        release.pretty
    );
    Ok(())
}

fn can_install(release: &Release) -> bool {
    release.has_apt() && paths::which("apt-get").is_some() && paths::which("dpkg-query").is_some()
}

fn list() -> String {
    let lines: Vec<String> =
        GROUPS.iter().map(|(purpose, names)| format!("  to {purpose}: {}", names.join(" "))).collect();
    lines.join("\n")
}

fn install_missing() -> Result<()> {
    let missing = Installed::ask()?.missing();
    if missing.is_empty() {
        return Ok(());
    }
    for (purpose, names) in &missing {
        eprintln!("setup: to {purpose}: {}", names.join(" "));
    }
    let names: Vec<&str> = missing.into_iter().flat_map(|(_, names)| names).collect();
    apt_install(&names)
}

/// Installs packages that only one task needs, if this machine has apt.
pub fn install(purpose: &str, names: &[&str]) -> Result<()> {
    let release = Release::of_this_machine();
    if !can_install(&release) {
        return Err(Error::new(format!("to {purpose}, install the equivalent of: {}", names.join(" "))));
    }
    eprintln!("setup: to {purpose}: {}", names.join(" "));
    apt_install(names)
}

fn apt_install(names: &[&str]) -> Result<()> {
    let install =
        || as_root(Command::new("apt-get").args(["-qq", "-y", "--no-install-recommends", "install"]).args(names));
    let have_lists = std::fs::read_dir("/var/lib/apt/lists")
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages")));
    if have_lists && install().is_ok() {
        return Ok(());
    }
    // No lists, or lists so old that the mirror no longer has the versions that they name.
    as_root(Command::new("apt-get").args(["-qq", "update"]))?;
    install().map_err(|why| why.hint(format!("try yourself: apt-get install {}", names.join(" "))))
}

/// Upgrades Mesa to a version with native fences, if the release's backports have one and the user
/// agrees.
fn improve_mesa(release: &Release, options: &Options) -> Result<()> {
    let installed = Installed::ask()?;
    if installed.mesa_has_fences() {
        return Ok(());
    }
    let have = installed.mesa().unwrap_or("none").to_owned();
    let without = "GLES on the software renderer then has no native fences; everything else works";
    let Some(suite) = release.mesa_suite() else {
        eprintln!(
            "setup: {} has Mesa {have}, and no Mesa {MESA_WANTED} in its backports: not upgraded. {without}",
            release.pretty
        );
        return Ok(());
    };
    match agreed(
        options,
        &format!(
            "Mesa is {have}; install Mesa {MESA_WANTED} from {suite}, for native fences on the software renderer?"
        ),
    )? {
        Answer::Yes => {}
        Answer::No => {
            eprintln!("setup: Mesa is not upgraded. {without}");
            return Ok(());
        }
        Answer::NoTerminal => {
            eprintln!(
                "setup: Mesa is not upgraded to {MESA_WANTED} from {suite}: there is no terminal to ask on (--yes or CI=true answers). {without}"
            );
            return Ok(());
        }
    }
    if let Err(why) = install_mesa(release, suite) {
        eprintln!("setup: Mesa {MESA_WANTED} from {suite} could not be installed. {without}\n  {why}");
    }
    Ok(())
}

fn install_mesa(release: &Release, suite: &str) -> Result<()> {
    let mut all = sources::of_this_machine();
    let archive = sources::main_archive(&all, &release.codename).cloned().ok_or_else(|| {
        Error::new(format!("the machine's apt sources name no mirror that serves {:?} main", release.codename))
    })?;
    // The release's own suites too, since what backports build on lies there.
    all.retain(|source| source.components.iter().any(|component| component == "main"));
    let own = all.iter().map(sources::Source::render);
    let text: Vec<String> = own.chain([archive.render_suite(suite)]).collect();
    let dir = paths::lab_cache()?.join("apt-mesa");
    let apt = PrivateApt::new(&dir, &text.join("\n"), true)?;
    let result = apt.update().and_then(|()| {
        let mut names: Vec<OsString> = MESA.iter().map(OsString::from).collect();
        names.extend(installed_of_mesa()?);
        names.sort();
        names.dedup();
        as_root(
            apt.command("apt-get").args(["-qq", "-y", "--no-install-recommends", "-t", suite, "install"]).args(names),
        )
    });
    let _ = std::fs::remove_dir_all(&dir);
    result
}

/// Installed packages that are built from Mesa's source: they move together or not at all.
fn installed_of_mesa() -> Result<Vec<OsString>> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${source:Package} ${db:Status-Status} ${binary:Package} ${Version}\n"]).env("LC_ALL", "C");
    let output = query.output().context("run dpkg-query")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = |line: &str| line.strip_prefix("mesa installed ")?.split_whitespace().next().map(OsString::from);
    // Gone since Mesa 25; apt replaces it by what took its place.
    Ok(text.lines().filter_map(name).filter(|name| !name.to_string_lossy().starts_with("libglapi-mesa")).collect())
}

/// Runs a command of apt as root, through sudo where that is needed; its output goes to standard
/// error.
fn as_root(command: &mut Command) -> Result<()> {
    let words: Vec<OsString> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsString::from).collect();
    let shown = words
        .iter()
        .map(|w| w.to_string_lossy())
        .filter(|w| !w.contains('=') && w != "-o")
        .collect::<Vec<_>>()
        .join(" ");
    let mut full = Command::new("env");
    if !rustix::process::geteuid().is_root() {
        let Some(sudo) = paths::which("sudo") else {
            return Err(Error::new(format!("`{shown}` needs root, and there is no sudo"))
                .hint("run `cargo xtask setup` as root"));
        };
        full = Command::new(sudo);
        if !std::io::stdin().is_terminal() {
            full.arg("-n");
        }
        full.arg("env");
    }
    full.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]).args(words);
    let output = full.stdin(std::process::Stdio::inherit()).stdout(std::io::stderr()).status();
    let status = output.context(format_args!("run {shown}"))?;
    if status.success() { Ok(()) } else { Err(Error::new(format!("`{shown}` failed ({status})"))) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    NoTerminal,
}

fn agreed(options: &Options, question: &str) -> Result<Answer> {
    if options.yes || is_true(std::env::var("CI").ok().as_deref()) {
        return Ok(Answer::Yes);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(Answer::NoTerminal);
    }
    eprint!("setup: {question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("read the answer")?;
    Ok(if is_yes(&line) { Answer::Yes } else { Answer::No })
}

fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|v| !matches!(v, "" | "0" | "false"))
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        assert!(is_yes("y\n") && is_yes(" YES "));
        assert!(!is_yes("\n") && !is_yes("n\n") && !is_yes("yeah no\n"));
        assert!(is_true(Some("true")) && is_true(Some("1")));
        assert!(!is_true(None) && !is_true(Some("")) && !is_true(Some("false")));
    }

    #[test]
    fn the_list_names_every_group() {
        let list = list();
        assert!(GROUPS.iter().all(|(purpose, names)| list.contains(purpose) && names.iter().all(|n| list.contains(n))));
    }
}
