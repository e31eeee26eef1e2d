//! Unpacks a kernel tree as far as a User-Mode Linux kernel needs it, and patches it.
//!
//! Of the 1.5 GB in a tarball most is drivers and architectures that this build never opens; only
//! their Kconfig and Makefiles are read.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::failure;
use super::recipe::Recipe;
use crate::apt::private::run;
use crate::error::{Context, Result};

/// What is left in the tarball; patterns of GNU tar, in which `*` also matches a slash.
const LEFT_OUT: [&str; 34] = [
    "*/Documentation/*",
    "*/LICENSES/*",
    "*/arch/[!ux]*/*.[chS]",
    "*/arch/*/boot/dts/*",
    "*/arch/xtensa/*.[chS]",
    "*/drivers/accel/*.[ch]",
    "*/drivers/gpu/drm/amd/*.[ch]",
    "*/drivers/gpu/drm/i915/*.[ch]",
    "*/drivers/gpu/drm/msm/*.[ch]",
    "*/drivers/gpu/drm/nouveau/*.[ch]",
    "*/drivers/gpu/drm/radeon/*.[ch]",
    "*/drivers/gpu/drm/xe/*.[ch]",
    "*/drivers/hwmon/*.[ch]",
    "*/drivers/iio/*.[ch]",
    "*/drivers/infiniband/*.[ch]",
    "*/drivers/media/[dipruf]*/*.[ch]",
    "*/drivers/net/*/*.[ch]",
    "*/drivers/scsi/*.[ch]",
    "*/drivers/staging/*.[ch]",
    "*/drivers/usb/*.[ch]",
    "*/drivers/video/fbdev/*.[ch]",
    "*/fs/bcachefs/*.[ch]",
    "*/fs/btrfs/*.[ch]",
    "*/fs/smb/*.[ch]",
    "*/fs/xfs/*.[ch]",
    "*/net/mac80211/*.[ch]",
    "*/net/wireless/*.[ch]",
    "*/samples/*.[ch]",
    "*/sound/*.[ch]",
    "*/tools/perf/*",
    "*/tools/testing/*",
    "*/drivers/clk/*.[ch]",
    "*/drivers/pinctrl/*.[ch]",
    "*/drivers/crypto/*.[ch]",
];

/// Unpacks the tree in `package` (a `linux-source` .deb) to `tree`.
pub fn unpack(package: &Path, tree: &Path) -> Result<()> {
    fs::create_dir_all(tree).context(format_args!("create {}", tree.display()))?;
    // Debian has usr/src/linux-source-7.3.tar.xz, Ubuntu
    // usr/src/linux-source-7.0.0/linux-source-7.0.0.tar.bz2.
    let listing = run(Command::new("dpkg-deb").arg("-c").arg(package))?;
    let member = tarball(&listing).ok_or_else(|| failure(format!("{} holds no kernel tarball", package.display())))?;
    let decompress: &[&str] = match member.rsplit('.').next() {
        Some("xz") => &["xz", "-dcT0"],
        Some("bz2") => &["bzip2", "-dc"],
        Some("zst") => &["zstd", "-dc"],
        _ => &["gzip", "-dc"],
    };
    let mut excludes = Command::new("tar");
    excludes.args(["-x", "--strip-components=1", "--no-same-owner", "-C"]).arg(tree);
    excludes.args(LEFT_OUT.iter().map(|pattern| format!("--exclude={pattern}"))).args(["-f", "-"]);
    let mut outer = Command::new("dpkg-deb");
    outer.arg("--fsys-tarfile").arg(package);
    let mut member_of = Command::new("tar");
    member_of.args(["-xO", "-f", "-", member]);
    let mut inflate = Command::new(decompress[0]);
    inflate.args(&decompress[1..]);
    pipeline([outer, member_of, inflate, excludes])?;
    // The top Kconfig reads it.
    let stub = tree.join("Documentation/Kconfig");
    fs::create_dir_all(tree.join("Documentation"))
        .and_then(|()| fs::write(&stub, ""))
        .context(format_args!("write {}", stub.display()))
}

/// Copies a source tree of the user's, so that the original is neither patched nor built in.
pub fn copy(from: &Path, tree: &Path) -> Result<()> {
    fs::create_dir_all(tree).context(format_args!("create {}", tree.display()))?;
    let mut read = Command::new("tar");
    read.args(["-c", "--exclude=./.git", "--exclude=*.o", "--exclude=*.cmd", "-C"]).arg(from).args(["-f", "-", "."]);
    let mut write = Command::new("tar");
    write.args(["-x", "--no-same-owner", "-C"]).arg(tree).args(["-f", "-"]);
    pipeline([read, write])
}

/// Applies the recipe's patches; one that is in the tree already is passed over.
pub fn patch(tree: &Path, recipe: &Recipe) -> Result<()> {
    for (name, text) in &recipe.patches {
        let feed = |arguments: &[&str]| -> Result<(bool, String)> {
            let mut child = Command::new("patch")
                .args(["-p1", "--force", "--silent", "--reject-file=-", "--no-backup-if-mismatch"])
                .args(arguments)
                .current_dir(tree)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .context("run patch")?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(text.as_bytes()).context(format_args!("feed {name} to patch"))?;
            }
            let output = child.wait_with_output().context("wait for patch")?;
            Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
        };
        if feed(&["--reverse", "--dry-run"])?.0 {
            continue;
        }
        let (applied, complaint) = feed(&["--forward"])?;
        if !applied {
            return Err(failure(format!("xtask/lab/patches/{name} does not apply to this kernel:\n{complaint}")));
        }
    }
    Ok(())
}

/// The path of the kernel's tarball in a listing of `dpkg-deb -c`.
fn tarball(listing: &str) -> Option<&str> {
    let is_it = |path: &&str| {
        path.contains("usr/src/")
            && path.rsplit('/').next().is_some_and(|f| f.starts_with("linux-source-") && f.contains(".tar."))
    };
    listing.lines().filter(|line| line.starts_with('-')).filter_map(|line| line.split_whitespace().last()).find(is_it)
}

/// Runs the commands with each one's output as the next one's input; all must succeed.
fn pipeline<const N: usize>(commands: [Command; N]) -> Result<()> {
    let mut children = Vec::new();
    let mut input = Stdio::null();
    for (at, mut command) in commands.into_iter().enumerate() {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = if at + 1 < N { Stdio::piped() } else { Stdio::null() };
        let mut child = command.stdin(input).stdout(output).spawn().context(format_args!("run {name}"))?;
        input = child.stdout.take().map_or_else(Stdio::null, Stdio::from);
        children.push((name, child));
    }
    let mut failed = None;
    for (name, mut child) in children {
        let status = child.wait().context(format_args!("wait for {name}"))?;
        if !status.success() {
            failed = Some(failure(format!("{name} failed while unpacking the kernel's source ({status})")));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The version in a tree's Makefile, such as `7.3.4`.
pub fn version(tree: &Path) -> Result<String> {
    let makefile: PathBuf = tree.join("Makefile");
    let text = fs::read_to_string(&makefile).context(format_args!("read {}", makefile.display()))?;
    makefile_version(&text)
        .ok_or_else(|| failure(format!("{} is not the Makefile of a Linux tree", makefile.display())))
}

fn makefile_version(text: &str) -> Option<String> {
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('=')).map(str::trim)
    };
    Some(format!(
        "{}.{}.{}{}",
        field("VERSION")?,
        field("PATCHLEVEL")?,
        field("SUBLEVEL")?,
        field("EXTRAVERSION").unwrap_or("")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tarball_in_either_distributions_package() {
        let debian = "\
drwxr-xr-x root/root         0 2026-01-01 00:00 ./usr/src/
-rw-r--r-- root/root      4711 2026-01-01 00:00 ./usr/share/doc/linux-source-7.3/changelog.Debian.gz
-rw-r--r-- root/root 165795560 2026-01-01 00:00 ./usr/src/linux-source-7.3.tar.xz
";
        assert_eq!(tarball(debian), Some("./usr/src/linux-source-7.3.tar.xz"));
        let ubuntu = "\
lrwxrwxrwx root/root 0 2026-01-01 00:00 ./usr/src/linux-source-7.0.0.tar.bz2 -> linux-source-7.0.0/linux-source-7.0.0.tar.bz2
-rw-r--r-- root/root 9 2026-01-01 00:00 ./usr/src/linux-source-7.0.0/linux-source-7.0.0.tar.bz2
";
        assert_eq!(tarball(ubuntu), Some("./usr/src/linux-source-7.0.0/linux-source-7.0.0.tar.bz2"));
        assert_eq!(tarball(""), None);
    }

    #[test]
    fn a_trees_version() {
        let text = "# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION = -rc1\nNAME = x\n";
        assert_eq!(makefile_version(text).as_deref(), Some("7.3.4-rc1"));
        assert_eq!(makefile_version("all:\n"), None);
    }

    #[test]
    fn a_patch_applies_once_and_is_passed_over_the_second_time() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "one\ntwo\n").unwrap();
        let text = "why\n\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n".to_owned();
        let recipe = Recipe { config: String::new(), patches: vec![("0001.patch".to_owned(), text)] };
        for _ in 0..2 {
            patch(dir.path(), &recipe).unwrap();
            assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "one\n2\n");
        }
        fs::write(dir.path().join("a"), "three\n").unwrap();
        assert!(patch(dir.path(), &recipe).unwrap_err().to_string().contains("0001.patch does not apply"));
    }
}
