//! The system packages that Syncline needs, by Debian's names (Ubuntu's are the same), and what is
//! missing of them.
//!
//! Never asks apt: one call of dpkg-query tells what is installed, so nothing is delayed on a
//! machine that has everything.

use std::collections::BTreeMap;
use std::process::Command;

use crate::error::{Context, Result};

/// What a group of packages is for, and their names.
pub const GROUPS: [(&str, &[&str]); 4] = [
    (
        "build the lab's kernel",
        &["bc", "binutils", "bison", "flex", "gcc", "libc6-dev", "make", "patch", "perl", "xz-utils"],
    ),
    (
        "build the compositor",
        &["libgbm-dev", "libinput-dev", "libpixman-1-dev", "libseat-dev", "libudev-dev", "libxkbcommon-dev", "pkgconf"],
    ),
    ("run the compositor", &["libegl1", "libgl1-mesa-dri", "libgles2", "seatd", "udev", "xcursor-themes", "xkb-data"]),
    (
        "test it with real clients",
        &["fonts-dejavu-core", "foot", "libdrm-tests", "shellcheck", "strace", "wayland-utils", "weston", "wlcs"],
    ),
];

/// Mesa's packages that must all have one version.
pub const MESA: [&str; 3] = ["libegl-mesa0", "libgbm1", "libgl1-mesa-dri"];

/// The first Mesa whose software renderer exports native fences (EGL_ANDROID_native_fence_sync).
pub const MESA_WANTED: u32 = 25;

/// Installed packages of those we name, and of Mesa's, with their versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installed(BTreeMap<String, String>);

impl Installed {
    /// Asks dpkg.
    pub fn ask() -> Result<Self> {
        let names = GROUPS.iter().flat_map(|(_, names)| names.iter()).chain(&MESA);
        let mut query = Command::new("dpkg-query");
        query.args(["-W", "-f", "${Package} ${db:Status-Status} ${Version}\n"]).args(names).env("LC_ALL", "C");
        // It ends with 1 if it does not know a package; the others are still in its output.
        let output = query.output().context("run dpkg-query")?;
        Ok(Self::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let (name, status, version) = (words.next()?, words.next()?, words.next()?);
            (status == "installed").then(|| (name.to_owned(), version.to_owned()))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// The packages of [`GROUPS`] that are not installed, by group.
    pub fn missing(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let absent =
            |names: &'static [&'static str]| names.iter().copied().filter(|name| !self.0.contains_key(*name)).collect();
        GROUPS
            .iter()
            .map(|(purpose, names)| (*purpose, absent(names)))
            .filter(|(_, names): &(_, Vec<_>)| !names.is_empty())
            .collect()
    }

    /// Mesa's version, if it is installed.
    pub fn mesa(&self) -> Option<&str> {
        self.0.get("libgl1-mesa-dri").map(String::as_str)
    }

    /// Mesa is new enough for native fences in software.
    pub fn mesa_has_fences(&self) -> bool {
        self.mesa().and_then(major).is_some_and(|major| major >= MESA_WANTED)
    }
}

/// The first number of a Debian version, after its epoch.
fn major(version: &str) -> Option<u32> {
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    upstream.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_installed_counts() {
        let all: Vec<String> =
            GROUPS.iter().flat_map(|(_, names)| names.iter()).map(|n| format!("{n} installed 1:25.0-1\n")).collect();
        let everything = Installed::parse(&all.concat());
        assert!(everything.missing().is_empty());
        assert!(everything.mesa_has_fences());
        let text = all
            .concat()
            .replace("foot installed", "foot config-files")
            .replace("bc installed 1:25.0-1\n", "bc not-installed \n");
        let some = Installed::parse(&text);
        assert_eq!(
            some.missing(),
            [("build the lab's kernel", vec!["bc"]), ("test it with real clients", vec!["foot"])]
        );
    }

    #[test]
    fn versions_of_mesa() {
        let mesa =
            |version: &str| Installed::parse(&format!("libgl1-mesa-dri installed {version}\n")).mesa_has_fences();
        assert!(mesa("25.0.7-2~bpo12+1") && mesa("1:26.1-1"));
        assert!(!mesa("22.3.6-1+deb12u1") && !mesa("garbage"));
        assert!(!Installed::default().mesa_has_fences());
    }
}
