//! The lab's kernel: found in the cache, or built into it once.
//!
//! A kernel lies in `<cache>/<version>-<key>/linux`. The folder appears whole or not at all, and
//! one caller builds while others wait. Never builds inside a source tree of the user's, never
//! needs root.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use super::progress::Progress;
use super::recipe::{Recipe, fnv1a};
use super::{extract, failure, klog, source};
use crate::error::{Context, Error, Result};
use crate::paths;

/// Lines such as `  CC      mm/slub.o` that a build of 7.3 with this configuration prints.
const EXPECTED_STEPS: u64 = 1160;
/// Programs that the build calls.
const TOOLS: [&str; 11] = ["make", "gcc", "ld", "flex", "bison", "bc", "perl", "patch", "tar", "xz", "strip"];

/// The path of the kernel's binary, which is built first if it is not there.
pub fn ready() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("SYNCLINE_LAB_KERNEL").filter(|v| !v.is_empty()) {
        let given = PathBuf::from(given);
        rustix::fs::access(&given, rustix::fs::Access::EXEC_OK)
            .map_err(|why| failure(format!("SYNCLINE_LAB_KERNEL: cannot run {}: {why}", given.display())))?;
        return Ok(given);
    }
    let cache = paths::lab_cache()?;
    let recipe = Recipe::load(&paths::workspace())?;
    let tree = std::env::var_os("SYNCLINE_LAB_SOURCE").filter(|v| !v.is_empty()).map(PathBuf::from);
    let key = match &tree {
        Some(tree) => format!("{}-{:08x}", recipe.key(), fnv1a(tree.as_os_str().as_encoded_bytes()) as u32),
        None => recipe.key(),
    };
    if let Some(kernel) = find(&cache, &key) {
        return Ok(kernel);
    }
    let lock = cache.join("build.lock");
    let lock_file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .context(format_args!("open {}", lock.display()))?;
    if flock(&lock_file, FlockOperation::NonBlockingLockExclusive).is_err() {
        eprintln!("lab: another xtask is building the lab's kernel; waiting for it");
        flock(&lock_file, FlockOperation::LockExclusive).context(format_args!("lock {}", lock.display()))?;
    }
    match find(&cache, &key) {
        Some(kernel) => Ok(kernel),
        None => build(&cache, &recipe, &key, tree.as_deref()),
    }
}

/// The newest kernel in the cache with this key.
fn find(cache: &Path, key: &str) -> Option<PathBuf> {
    let suffix = format!("-{key}");
    let entries = fs::read_dir(cache).ok()?.filter_map(|e| e.ok()?.file_name().into_string().ok());
    let newest = entries
        .filter(|name| name.strip_suffix(&suffix).is_some_and(|v| !v.is_empty()))
        .max_by_key(|name| numbers(name))?;
    Some(cache.join(newest).join("linux")).filter(|kernel| kernel.exists())
}

/// The numbers in a version, so that 7.10 comes after 7.9.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).take(4).filter_map(|n| n.parse().ok()).collect()
}

fn build(cache: &Path, recipe: &Recipe, key: &str, given_tree: Option<&Path>) -> Result<PathBuf> {
    let missing: Vec<&str> = TOOLS.into_iter().filter(|tool| paths::which(tool).is_none()).collect();
    if !missing.is_empty() {
        return Err(failure(format!("building the lab's kernel needs {}, not found in PATH", missing.join(", ")))
            .hint("run `cargo xtask setup`"));
    }
    eprintln!("lab: building the lab's kernel, once; later runs start in about a second");
    // Always the same name: the next build removes what an interrupted one left.
    let work = cache.join("build");
    let _ = fs::remove_dir_all(&work);
    let (tree, objects) = (work.join("tree"), work.join("objects"));
    fs::create_dir_all(&objects).context(format_args!("create {}", objects.display()))?;
    let version = match given_tree {
        Some(given) => {
            let version = extract::version(given)?;
            eprintln!("lab: copying Linux {version} from {}", given.display());
            extract::copy(given, &tree)?;
            version
        }
        None => {
            let offer = source::look(cache)?;
            eprintln!("lab: fetching {} {}", offer.package.name, offer.package.version);
            let package = offer.download(cache)?;
            eprintln!("lab: unpacking it");
            extract::unpack(&package, &tree)?;
            offer.package.version.replace(['/', ':', '~'], "_")
        }
    };
    extract::patch(&tree, recipe)?;
    configure(&tree, &objects, recipe)?;
    compile(&tree, &objects)?;

    let staged = work.join("done");
    fs::create_dir_all(&staged).context(format_args!("create {}", staged.display()))?;
    // Symbols for its own back traces are in the binary's data; those for debuggers would make it
    // ten times larger.
    run_step(Command::new("strip").arg("-o").arg(staged.join("linux")).arg(objects.join("linux")), "strip")?;
    fs::copy(objects.join(".config"), staged.join("config")).context("keep the kernel's configuration")?;
    let place = cache.join(format!("{version}-{key}"));
    let _ = fs::remove_dir_all(&place);
    fs::rename(&staged, &place).context(format_args!("move the kernel to {}", place.display()))?;
    let _ = fs::remove_dir_all(&work);
    source::forget(cache);
    Ok(place.join("linux"))
}

fn configure(tree: &Path, objects: &Path, recipe: &Recipe) -> Result<()> {
    let fragment = objects.join("lab.config");
    fs::write(&fragment, &recipe.config).context(format_args!("write {}", fragment.display()))?;
    run_step(make(tree, objects).env("KCONFIG_ALLCONFIG", &fragment).arg("allnoconfig"), "make allnoconfig")?;
    let finished = objects.join(".config");
    let finished = fs::read_to_string(&finished).context(format_args!("read {}", finished.display()))?;
    let unmet = recipe.unmet(&finished);
    if unmet.is_empty() {
        return Ok(());
    }
    Err(failure(format!("this kernel's Kconfig does not accept {} of xtask/lab/kernel.config", unmet.join(", "))))
}

fn compile(tree: &Path, objects: &Path) -> Result<()> {
    let jobs = std::thread::available_parallelism().map_or(2, |n| n.get());
    let mut child = make(tree, objects)
        .arg(format!("-j{jobs}"))
        .args(["linux"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("run make")?;
    let errors = klog::KernelLog::default();
    if let Some(stderr) = child.stderr.take() {
        errors.follow(stderr);
    }
    let mut progress = Progress::begin("lab: building the lab's kernel", EXPECTED_STEPS);
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(std::result::Result::ok) {
            if is_step(&line) {
                progress.step();
            }
        }
    }
    let status = child.wait().context("wait for make")?;
    if !status.success() {
        return Err(failure(format!(
            "make failed after {} steps ({status}):\n{}",
            progress.done(),
            klog::tail(&errors.text(), 15)
        )));
    }
    progress.finish();
    Ok(())
}

/// `  CC      mm/slub.o`
fn is_step(line: &[u8]) -> bool {
    line.starts_with(b"  ") && line.get(2).is_some_and(u8::is_ascii_uppercase)
}

/// `make` for the lab's kernel. It dies with xtask, and its environment has nothing of the caller's
/// own build.
fn make(tree: &Path, objects: &Path) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["lab-exec", "--parent", &std::process::id().to_string(), "--", "make"]);
    command.arg("-C").arg(tree).arg(format!("O={}", objects.display())).arg("ARCH=um");
    let ours = |name: &str| {
        name.starts_with("KBUILD_")
            || name.starts_with("CARGO")
            || ["MAKEFLAGS", "MFLAGS", "ARCH", "CROSS_COMPILE", "LDFLAGS", "CFLAGS"].contains(&name)
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command.envs([("KBUILD_BUILD_USER", "syncline"), ("KBUILD_BUILD_HOST", "lab"), ("LC_ALL", "C")]);
    command
}

fn run_step(command: &mut Command, name: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().context(format_args!("run {name}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::new(format!("{name} failed ({}):\n{}", output.status, klog::tail(&complaint, 15)))
        .status(super::STATUS_LAB_FAILED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_with_the_key_is_found() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["7.9.1-1_bpo13+1-aaaa", "7.10.0-1_bpo13+1-aaaa", "7.11.0-1-bbbb", "-aaaa", "log"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join("linux"), "").unwrap();
        }
        assert_eq!(find(dir.path(), "aaaa"), Some(dir.path().join("7.10.0-1_bpo13+1-aaaa/linux")));
        assert_eq!(find(dir.path(), "cccc"), None);
    }

    #[test]
    fn steps_of_kbuild() {
        assert!(is_step(b"  CC      mm/slub.o"));
        assert!(!is_step(b"make[1]: Entering directory"));
        assert!(!is_step(b"   2 warnings"));
        assert!(!is_step(b""));
    }
}
