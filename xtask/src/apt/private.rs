//! An apt of our own: own sources, own lists, own cache. It can look into suites that the machine
//! does not use, and the machine's sources, lists and preferences stay as they are.
//!
//! What it fetches is verified as apt always does it: the suite's signature by a keyring, the index
//! by the suite's hashes, the package by the index's hash. Never `trusted=yes`, never a download
//! that apt has not verified.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::sources::Source;
use crate::error::{Context, Error, Result};

/// The private apt in its folder.
#[derive(Debug)]
pub struct PrivateApt {
    dir: PathBuf,
    system_status: bool,
}

/// A package as the private lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its full version.
    pub version: String,
}

impl PrivateApt {
    /// Sets it up in `dir` with `sources` (deb822). With `system_status` it knows what is installed
    /// and may install.
    pub fn new(dir: &Path, sources: &str, system_status: bool) -> Result<Self> {
        for sub in ["lists/partial", "cache/archives/partial", "state"] {
            let sub = dir.join(sub);
            fs::create_dir_all(&sub).context(format_args!("create {}", sub.display()))?;
        }
        for (name, text) in [("private.sources", sources), ("status", "")] {
            let file = dir.join(name);
            fs::write(&file, text).context(format_args!("write {}", file.display()))?;
        }
        Ok(Self { dir: dir.to_path_buf(), system_status })
    }

    /// Replaces the keyring that the sources are verified with.
    pub fn set_keyring(&self, keyring: &Path) -> Result<()> {
        let file = self.dir.join("private.sources");
        let text = fs::read_to_string(&file).context(format_args!("read {}", file.display()))?;
        let mut sources = super::sources::parse_deb822(&text);
        let text: Vec<String> = sources.iter_mut().map(|source| with_keyring(source, keyring)).collect();
        fs::write(&file, text.join("\n")).context(format_args!("write {}", file.display()))
    }

    /// `apt-get` or `apt-cache` with the private folders.
    pub fn command(&self, program: &str) -> Command {
        let dir = self.dir.display();
        let mut command = Command::new(program);
        let mut option = |text: String| {
            command.arg("-o").arg(text);
        };
        option(format!("Dir::Etc::sourcelist={dir}/private.sources"));
        option(format!("Dir::State::lists={dir}/lists"));
        option(format!("Dir::Cache={dir}/cache"));
        option("Dir::Etc::sourceparts=/dev/null".to_owned());
        option("Dir::Etc::preferences=/dev/null".to_owned());
        option("Dir::Etc::preferencesparts=/dev/null".to_owned());
        option("Acquire::Languages=none".to_owned());
        option("Acquire::Retries=3".to_owned());
        // The unprivileged user that apt downloads as cannot write below the caller's home.
        option("APT::Sandbox::User=root".to_owned());
        if !self.system_status {
            option(format!("Dir::State={dir}/state"));
            option(format!("Dir::State::lists={dir}/lists"));
            option(format!("Dir::State::status={dir}/status"));
        }
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Fetches the lists.
    pub fn update(&self) -> Result<()> {
        // Without this apt-get says 0 even where it could fetch nothing.
        run(self.command("apt-get").args(["-o", "APT::Update::Error-Mode=any", "update"])).map(|_| ())
    }

    /// The newest package whose name is `prefix` and a version number, and at least `least`.
    pub fn newest_versioned(&self, prefix: &str, least: (u32, u32)) -> Result<Option<Package>> {
        let names = run(self.command("apt-cache").args(["pkgnames", prefix]))?;
        let Some(name) = newest_name(&names, prefix, least) else { return Ok(None) };
        let record = run(self.command("apt-cache").args(["show", "--no-all-versions", &name]))?;
        let version = record.lines().find_map(|line| line.strip_prefix("Version: "));
        let version = version.ok_or_else(|| Error::new(format!("apt-cache show {name} gives no version")))?;
        Ok(Some(Package { version: version.to_owned(), name }))
    }

    /// Downloads a package, verified, into `dir`; returns its file.
    pub fn download(&self, name: &str, dir: &Path) -> Result<PathBuf> {
        fs::create_dir_all(dir).context(format_args!("create {}", dir.display()))?;
        run(self.command("apt-get").args(["download", name]).current_dir(dir))?;
        let prefix = format!("{name}_");
        let files =
            fs::read_dir(dir).context(format_args!("list {}", dir.display()))?.filter_map(|e| Some(e.ok()?.path()));
        let is_it = |path: &PathBuf| {
            path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(&prefix) && n.ends_with(".deb"))
        };
        files
            .filter(is_it)
            .max()
            .ok_or_else(|| Error::new(format!("apt-get download {name} left no file in {}", dir.display())))
    }
}

/// Runs it and returns its output; its complaint is the error.
pub fn run(command: &mut Command) -> Result<String> {
    let shown = format!(
        "{} {}",
        command.get_program().to_string_lossy(),
        command.get_args().last().map_or("".into(), |a| a.to_string_lossy())
    );
    let Output { status, stdout, stderr } = command.output().context(format_args!("run {shown}"))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&stderr);
    let lines: Vec<&str> = complaint.lines().filter(|line| !line.trim().is_empty()).take(6).collect();
    Err(Error::new(format!("{shown} failed ({status}):\n    {}", lines.join("\n    "))))
}

/// The name with the highest version among lines of names.
fn newest_name(names: &str, prefix: &str, least: (u32, u32)) -> Option<String> {
    let version = |name: &str| -> Option<(u32, u32, u32)> {
        let mut numbers = name.strip_prefix(prefix)?.split('.').map(str::parse::<u32>);
        let (major, minor, patch) =
            (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next().unwrap_or(Ok(0)).ok()?);
        (numbers.next().is_none() && (major, minor) >= least).then_some((major, minor, patch))
    };
    names.lines().map(str::trim).filter_map(|name| Some((version(name)?, name))).max().map(|(_, name)| name.to_owned())
}

fn with_keyring(source: &mut Source, keyring: &Path) -> String {
    source.options.retain(|(name, _)| !name.eq_ignore_ascii_case("signed-by"));
    source.options.push(("Signed-By".to_owned(), keyring.display().to_string()));
    source.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_source_by_number_not_by_letter() {
        let names = "linux-source-7.2\nlinux-source-6.19\nlinux-source-7.10\nlinux-source\nlinux-source-6.12\nlinux-source-7.3-rt\nlinux-source-7.x\n";
        assert_eq!(newest_name(names, "linux-source-", (6, 19)).as_deref(), Some("linux-source-7.10"));
        assert_eq!(newest_name("linux-source-6.12\n", "linux-source-", (6, 19)), None);
        assert_eq!(
            newest_name("linux-source-7.0.0\n", "linux-source-", (6, 19)).as_deref(),
            Some("linux-source-7.0.0")
        );
    }

    #[test]
    fn another_keyring_replaces_the_one_in_the_sources() {
        let mut source = Source {
            uris: vec!["u".into()],
            suites: vec!["s".into()],
            options: vec![("signed-by".into(), "/old".into())],
            ..Source::default()
        };
        let text = with_keyring(&mut source, Path::new("/new.gpg"));
        assert!(text.contains("Signed-By: /new.gpg") && !text.contains("/old"), "{text}");
    }

    #[test]
    fn a_failed_command_tells_its_complaint() {
        let error = run(Command::new("sh").args(["-c", "echo out; echo why >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("why"), "{error}");
        assert_eq!(run(Command::new("echo").arg("x")).unwrap(), "x\n");
    }
}
