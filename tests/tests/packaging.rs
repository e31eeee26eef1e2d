//! The files of a package name programs and units that are there, and are what their readers take.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("packaging")
}

fn read(name: &str) -> String {
    fs::read_to_string(packaging().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The values of a key, in a file of `key=value` lines.
fn values(text: &str, key: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
}

/// Whether the machine has this program; else the test says that it has left something out.
fn have(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("SKIPPED: there is no {program}");
    }
    found
}

/// What the package has, by docs/session.md: the place of each file of `packaging/`.
fn installed() -> Vec<(String, String)> {
    let docs = fs::read_to_string(packaging().parent().unwrap().join("docs/session.md")).unwrap();
    let mut installed = Vec::new();
    for row in docs.lines().filter(|line| line.starts_with("| `packaging/")) {
        let words: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let (place, files) = words.split_last().unwrap();
        for file in files {
            let file = file.strip_prefix("packaging/").unwrap();
            let place = if place.ends_with('/') { format!("{place}{file}") } else { (*place).to_owned() };
            installed.push((file.to_owned(), place));
        }
    }
    installed
}

#[test]
fn every_file_has_a_place_and_every_place_a_file() {
    let mut there: Vec<_> =
        fs::read_dir(packaging()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    let mut named: Vec<_> = installed().into_iter().map(|(file, _)| file).collect();
    named.sort();
    assert_eq!(named, there);
}

#[test]
fn the_session_names_only_what_is_installed() {
    let places: Vec<_> = installed().into_iter().map(|(_, place)| place).collect();
    let has = |place: String| assert!(places.contains(&place), "{place} is not among {places:?}");
    let entry = read("syncline.desktop");
    for key in ["Exec", "TryExec"] {
        let [program] = values(&entry, key).try_into().expect("one program");
        has(format!("/usr/bin/{program}"));
    }
    assert_eq!(values(&entry, "DesktopNames"), ["syncline;wlroots"]);
    let unit = read("syncline.service");
    // The program itself is what the package is for.
    assert_eq!(values(&unit, "ExecStart"), ["/usr/bin/syncline session"]);
    let script = read("syncline-session");
    assert!(script.contains("systemctl --user --wait start syncline.service"));
    has("/usr/lib/systemd/user/syncline.service".to_owned());
    let wants = values(&unit, "Wants").join(" ");
    for target in wants.split(' ') {
        let of_systemd = ["graphical-session-pre.target", "xdg-desktop-autostart.target"].contains(&target);
        if !of_systemd {
            has(format!("/usr/lib/systemd/user/{target}"));
        }
    }
    // Portals look for the first name of XDG_CURRENT_DESKTOP.
    has("/usr/share/xdg-desktop-portal/syncline-portals.conf".to_owned());
    assert!(values(&read("syncline-portals.conf"), "default")[0].ends_with(";*"), "other portals are found, too");
}

#[test]
fn systemd_takes_the_units() {
    if !have("systemd-analyze") {
        return;
    }
    // It looks for the program of the unit.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("syncline");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["syncline.service", "syncline-session.target"] {
        let text = read(name).replace("/usr/bin/syncline", program.to_str().unwrap());
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = Command::new("systemd-analyze");
    command.args(["--user", "--man=no", "verify"]).arg(folder.path().join("syncline.service"));
    let out = command.env("XDG_RUNTIME_DIR", folder.path()).output().unwrap();
    let says = String::from_utf8_lossy(&out.stderr);
    // What the machine's own units have is not meant.
    let ours: Vec<&str> = says.lines().filter(|line| line.contains("syncline")).collect();
    assert!(out.status.success() && ours.is_empty(), "{says}");
}

/// Runs the script with these programs in PATH, each of which writes its name and arguments into a file, which is
/// returned. `shell` is the user's.
fn script(programs: &[(&str, &str)], shell: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    for (name, then) in programs {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >> {}\n{then}\n", heard.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let own_path = format!("{}:/usr/bin:/bin", folder.path().display());
    // A login shell that starts the session itself, as people have it on their consoles.
    let session = packaging().join("syncline-session");
    let profile = format!("export FROM_PROFILE=1 PATH={own_path}\nexec {}\n", session.display());
    fs::write(folder.path().join(".profile"), profile).unwrap();
    let mut command = Command::new(&session);
    command.env_clear().env("HOME", folder.path()).env("PATH", &own_path).env("SHELL", shell);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env("DISPLAY", ":0").stdin(Stdio::null());
    let status = command.output().unwrap().status;
    (status.code(), fs::read_to_string(heard).unwrap_or_default())
}

#[test]
fn with_a_user_manager_the_session_is_its_unit() {
    let manager = "case \"$*\" in *is-active*) exit 3 ;; *--wait*) exit 7 ;; esac";
    let dbus = ("dbus-update-activation-environment", "");
    let (status, heard) = script(&[("systemctl", manager), ("syncline", ""), dbus], "/bin/sh");
    assert_eq!(status, Some(7), "{heard}");
    let imported = heard.lines().find(|line| line.starts_with("systemctl --user import-environment ")).expect(&heard);
    let names: Vec<&str> = imported.split(' ').skip(3).collect();
    for name in ["PATH", "HOME", "FROM_PROFILE", "XDG_CURRENT_DESKTOP"] {
        assert!(names.contains(&name), "{name}: {imported}");
    }
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "PWD", "SHLVL", "_", "SYNCLINE_SESSION_BEGUN"] {
        assert!(!names.contains(&name), "{name}: {imported}");
    }
    assert!(heard.contains("\nsystemctl --user --wait start syncline.service\n"), "{heard}");
    assert!(heard.contains("\ndbus-update-activation-environment "), "{heard}");
    assert!(heard.lines().last().unwrap().starts_with("systemctl --user unset-environment WAYLAND_DISPLAY"), "{heard}");
    assert!(!heard.contains("\nsyncline "), "the unit starts it: {heard}");
}

#[test]
fn without_a_user_manager_the_session_is_a_process() {
    for shell in ["/bin/sh", "/nonexistent", ""] {
        let (status, heard) = script(&[("systemctl", "exit 1"), ("syncline", "exit 5")], shell);
        assert_eq!(status, Some(5), "{heard}");
        assert_eq!(heard.lines().last(), Some("syncline session --"), "{heard}");
    }
}

#[test]
fn a_second_session_is_refused() {
    let (status, heard) = script(&[("systemctl", ""), ("syncline", "")], "/bin/sh");
    assert_eq!(status, Some(1), "{heard}");
    assert!(!heard.contains("--wait start"), "{heard}");
}

#[test]
fn the_script_is_plain() {
    if have("shellcheck") {
        let out = Command::new("shellcheck").arg(packaging().join("syncline-session")).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    }
    let mode = fs::metadata(packaging().join("syncline-session")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
}
