//! What is in the root of programs, by Debian's names, and which versions they have there.
//!
//! Names only: never asks a mirror.

use crate::lab::recipe::fnv1a;

/// Increased when the root is made otherwise, so that roots made before are not used.
const FORMAT: u32 = 1;

/// The distribution's suite.
pub const SUITE: &str = "sid";

/// The packages that tests are about, each with a program that must be there.
pub const PROGRAMS: [(&str, &str); 22] = [
    ("cliphist", "cliphist"),
    ("fcitx5", "fcitx5"),
    ("foot", "foot"),
    ("fuzzel", "fuzzel"),
    ("grim", "grim"),
    ("gtk-4-examples", "gtk4-demo"),
    ("kanshi", "kanshi"),
    ("libnotify-bin", "notify-send"),
    ("mako-notifier", "mako"),
    ("slurp", "slurp"),
    ("swaybg", "swaybg"),
    ("swaylock", "swaylock"),
    ("waybar", "waybar"),
    ("wayvnc", "wayvnc"),
    ("wf-recorder", "wf-recorder"),
    ("wl-clipboard", "wl-copy"),
    ("wl-mirror", "wl-mirror"),
    ("wlr-randr", "wlr-randr"),
    ("wlsunset", "wlsunset"),
    ("wtype", "wtype"),
    ("wvkbd", "wvkbd-mobintl"),
    ("zenity", "zenity"),
];

/// What these need, and do not depend on.
const BESIDE: [&str; 10] = [
    "adwaita-icon-theme",
    "dbus-daemon",
    "fcitx5-anthy",
    "ffmpeg",
    "fonts-dejavu-core",
    "fonts-ipafont-gothic",
    "hicolor-icon-theme",
    "libgl1-mesa-dri",
    "libpam-modules",
    "xkb-data",
];

/// Everything that is installed by name.
pub fn all() -> Vec<&'static str> {
    PROGRAMS.iter().map(|(package, _)| *package).chain(BESIDE).collect()
}

/// The name of the cache's folder: what is in the root, and how it was made.
pub fn key() -> String {
    let text = format!("{FORMAT} {} {SUITE} {}", std::env::consts::ARCH, all().join(" "));
    format!("{SUITE}-{:016x}", fnv1a(text.as_bytes()))
}

/// Names and versions of [`PROGRAMS`] and of their toolkit, from the text of dpkg's `status`.
pub fn versions(status: &str) -> Vec<(&str, &str)> {
    let wanted = |name: &str| name == "libgtk-4-1" || PROGRAMS.iter().any(|(package, _)| *package == name);
    status.split("\n\n").filter_map(|stanza| of_stanza(stanza).filter(|(name, _)| wanted(name))).collect()
}

/// Name and version of one package.
fn of_stanza(stanza: &str) -> Option<(&str, &str)> {
    let field = |name: &str| stanza.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()));
    Some((field("Package")?, field("Version")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_a_folder_and_no_package_is_named_twice() {
        assert!(key().starts_with("sid-") && key().len() == 20, "{}", key());
        let mut names = all();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn versions_of_the_programs_alone() {
        let status = "Package: foot\nStatus: install ok installed\nVersion: 1.28.0-1\nDepends: libc6\n\n\
                      Package: libc6\nVersion: 2.43-7\n\nPackage: libgtk-4-1\nVersion: 4.24.1+ds-1\n\nPackage: waybar\n\n";
        assert_eq!(versions(status), [("foot", "1.28.0-1"), ("libgtk-4-1", "4.24.1+ds-1")]);
    }
}
