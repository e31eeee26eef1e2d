//! Programs that packages and the user have start with a desktop: `.desktop` files in `autostart` folders, after
//! the Desktop Application Autostart Specification. Under systemd its units start them, and nobody reads them here.
//!
//! Nothing here starts anything: it says which command lines there are. Files are small and few, and what is wrong
//! in one costs its program only.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What this desktop is called.
const DESKTOPS: [&str; 2] = ["syncline", "wlroots"];
/// The most files of one folder, and the longest of them in bytes.
const MOST: usize = 256;
const LENGTH: u64 = 64 << 10;

/// The command lines of all programs that are to start, in the order of their files' names in each folder.
pub fn programs() -> Vec<Vec<String>> {
    let is_program = |name: &str| find_program(name, env::var_os("PATH").as_deref());
    programs_in(&folders(|name| env::var_os(name).map(PathBuf::from)), is_program)
}

/// Where they are, the most important first: the user's folder, then those of the system.
fn folders(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let own = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    let system = variable("XDG_CONFIG_DIRS").filter(|dirs| !dirs.as_os_str().is_empty());
    let system = system.unwrap_or_else(|| "/etc/xdg".into());
    let system: Vec<PathBuf> = env::split_paths(&system).filter(|path| path.is_absolute()).collect();
    own.into_iter().chain(system).map(|folder| folder.join("autostart")).collect()
}

fn programs_in(folders: &[PathBuf], is_program: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    let (mut known, mut programs) = (BTreeSet::new(), Vec::new());
    for folder in folders {
        let Ok(files) = fs::read_dir(folder) else { continue };
        let files = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = files.filter(|name| name.ends_with(".desktop")).take(MOST).collect();
        names.sort();
        for name in names {
            // One in a folder before stands for it, also one that says that nothing is to start.
            if !known.insert(name.clone()) {
                continue;
            }
            match read(&folder.join(&name)).and_then(|text| command(&text, &is_program)) {
                Ok(Some(command)) => programs.push(command),
                Ok(None) => {}
                Err(why) => tracing::warn!("{}: not started: {why}", folder.join(&name).display()),
            }
        }
    }
    programs
}

fn read(path: &Path) -> Result<String, String> {
    let known = fs::metadata(path).map_err(|error| error.to_string())?;
    if !known.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LENGTH).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// Whether there is a program of this name, or at this path.
fn find_program(name: &str, path: Option<&std::ffi::OsStr>) -> bool {
    let runs = |path: &Path| fs::metadata(path).is_ok_and(|of| of.is_file() && of.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        return runs(Path::new(name));
    }
    path.is_some_and(|path| env::split_paths(path).any(|folder| runs(&folder.join(name))))
}

/// The command line of a file; `None`: it is not to be started here. Error: the file is wrong.
fn command(text: &str, is_program: &impl Fn(&str) -> bool) -> Result<Option<Vec<String>>, String> {
    let group = text.lines().map(str::trim).skip_while(|line| *line != "[Desktop Entry]").skip(1);
    let lines: Vec<(&str, &str)> = group
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let value = |key: &str| lines.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let names_us = |list: &str| list.split(';').any(|name| DESKTOPS.iter().any(|own| name.eq_ignore_ascii_case(own)));
    if value("Hidden") == Some("true")
        || value("X-GNOME-Autostart-enabled") == Some("false")
        || value("OnlyShowIn").is_some_and(|list| !names_us(list))
        || value("NotShowIn").is_some_and(names_us)
        || value("TryExec").is_some_and(|name| !is_program(name))
    {
        return Ok(None);
    }
    match value("Type") {
        Some("Application") => {}
        _ => return Err("it has no Type=Application in [Desktop Entry]".to_owned()),
    }
    let exec = value("Exec").ok_or("it has no Exec")?;
    let command = words(&unescape(exec))?;
    if command.is_empty() || command[0].is_empty() {
        return Err(format!("Exec={exec} names no program"));
    }
    Ok(Some(command))
}

/// What `\s`, `\n`, `\t`, `\r` and `\\` stand for in the value of a key.
fn unescape(value: &str) -> String {
    let (mut text, mut chars) = (String::with_capacity(value.len()), value.chars());
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('s') => text.push(' '),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('\\') | None => text.push('\\'),
            Some(other) => text.extend(['\\', other]),
        }
    }
    text
}

/// The words of `Exec`: some in double quotes, in which a backslash stands before what a shell would read. There is
/// nothing that the field codes could stand for, so they go.
fn words(exec: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut chars = exec.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => {
                let next = chars.next().ok_or_else(|| format!("Exec={exec} ends with a backslash"))?;
                word.get_or_insert_default().push(next);
            }
            '%' if !quoted => match chars.next() {
                Some('%') => word.get_or_insert_default().push('%'),
                Some(code) if code.is_ascii_alphabetic() => {}
                _ => return Err(format!("Exec={exec} has a % without a letter behind it")),
            },
            ' ' | '\t' if !quoted => words.extend(word.take()),
            '\0' => return Err(format!("Exec={exec} has a NUL").replace('\0', "?")),
            c => word.get_or_insert_default().push(c),
        }
    }
    if quoted {
        return Err(format!("Exec={exec} has a quote that does not end"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a file with these lines, where only `there` is a program.
    fn of(lines: &str) -> Result<Option<Vec<String>>, String> {
        command(&format!("[Desktop Entry]\nType=Application\n{lines}\n"), &|name| name == "there")
    }

    #[test]
    fn a_file_says_where_it_is_started() {
        for (lines, starts) in [
            ("Exec=a", true),
            ("Exec=a\nHidden=true", false),
            ("Exec=a\nHidden=false", true),
            ("Exec=a\nOnlyShowIn=GNOME;KDE;", false),
            ("Exec=a\nOnlyShowIn=GNOME;syncline;", true),
            ("Exec=a\nOnlyShowIn=wlroots", true),
            ("Exec=a\nNotShowIn=Syncline;", false),
            ("Exec=a\nNotShowIn=KDE;", true),
            ("Exec=a\nTryExec=there", true),
            ("Exec=a\nTryExec=gone", false),
            ("Exec=a\nX-GNOME-Autostart-enabled=false", false),
            ("#Hidden=true\nExec=a", true),
            // Of another group.
            ("Exec=a\n[Desktop Action b]\nHidden=true", true),
        ] {
            assert_eq!(of(lines).unwrap().is_some(), starts, "{lines}");
        }
    }

    #[test]
    fn exec_becomes_words_without_field_codes() {
        for (exec, words) in [
            ("a", &["a"][..]),
            ("a -b  c", &["a", "-b", "c"]),
            ("a %U", &["a"]),
            ("a --title=%c --x 100%%", &["a", "--title=", "--x", "100%"]),
            (r#""/opt/my app/a" "b \"c\" \\$d""#, &["/opt/my app/a", r#"b "c" $d"#]),
            (r"a b\sc", &["a", "b", "c"]),
            (r#"a """#, &["a", ""]),
            ("sh -c \"exec b; c\"", &["sh", "-c", "exec b; c"]),
        ] {
            assert_eq!(of(&format!("Exec={exec}")).unwrap().unwrap(), words, "{exec}");
        }
    }

    #[test]
    fn a_wrong_file_says_why() {
        for (text, why) in [
            ("", "no Type=Application"),
            ("[Desktop Entry]\nType=Link\nExec=a\n", "no Type=Application"),
            ("[Desktop Entry]\nType=Application\n", "no Exec"),
            ("[Desktop Entry]\nType=Application\nExec=\n", "names no program"),
            ("[Desktop Entry]\nType=Application\nExec=\"a\n", "a quote that does not end"),
            ("[Desktop Entry]\nType=Application\nExec=a %\n", "a % without a letter"),
            ("[Desktop Entry]\nType=Application\nExec=\"a\\\n", "ends with a backslash"),
        ] {
            let error = command(text, &|_| true).unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_users_file_stands_for_the_systems() {
        let root = tempfile::tempdir().unwrap();
        let write = |folder: &str, name: &str, lines: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), format!("[Desktop Entry]\nType=Application\n{lines}\n")).unwrap();
        };
        write("own", "b.desktop", "Exec=own-b");
        write("own", "c.desktop", "Exec=c\nHidden=true");
        write("system", "b.desktop", "Exec=b");
        write("system", "c.desktop", "Exec=c");
        write("system", "a.desktop", "Exec=a");
        write("system", "text", "Exec=text");
        fs::create_dir(root.path().join("system/d.desktop")).unwrap();
        let folders = ["own", "none", "system"].map(|name| root.path().join(name));
        assert_eq!(programs_in(&folders, |_| true), [["own-b"], ["a"]]);
    }

    #[test]
    fn folders_are_those_of_the_user_and_then_of_the_system() {
        let of = |variables: &[(&str, &str)]| {
            folders(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(of(&[("HOME", "/h")]), paths(&["/h/.config/autostart", "/etc/xdg/autostart"]));
        assert_eq!(
            of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_CONFIG_DIRS", "/a:b:/d")]),
            paths(&["/c/autostart", "/a/autostart", "/d/autostart"])
        );
        assert_eq!(of(&[("XDG_CONFIG_HOME", "c"), ("XDG_CONFIG_DIRS", "")]), paths(&["/etc/xdg/autostart"]));
    }
}
