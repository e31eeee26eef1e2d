//! The layout of the keyboard as the system has it, for a configuration that names none.
//!
//! In this order: the environment (`XKB_DEFAULT_LAYOUT`, which libxkbcommon reads itself),
//! `/etc/default/keyboard`, `/etc/vconsole.conf`, `/etc/X11/xorg.conf.d/00-keyboard.conf`. The first file
//! that has a layout counts, with all that it says. localed writes one of them; nothing here asks it.

use crate::config::KeyboardConfig;

/// Files with lines such as `XKBLAYOUT="de"`.
const SHELL: [&str; 2] = ["/etc/default/keyboard", "/etc/vconsole.conf"];
/// A file with lines such as `Option "XkbLayout" "de"`.
const XORG: &str = "/etc/X11/xorg.conf.d/00-keyboard.conf";

/// What the system says, of layout, variant, model and options.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    layout: String,
    variant: String,
    model: String,
    options: Option<String>,
}

/// Fills in what the configuration leaves to the system. `read` reads a file; `environment` says whether
/// the environment has a layout.
pub fn complete(keyboard: &mut KeyboardConfig, environment: bool, read: impl Fn(&str) -> Option<String>) {
    if !keyboard.layout.is_empty() || environment {
        return;
    }
    let shell = SHELL.iter().filter_map(|path| read(path)).map(|text| names(&text, shell_line));
    let xorg = std::iter::once_with(|| read(XORG)).flatten().map(|text| names(&text, xorg_line));
    let Some(names) = shell.chain(xorg).find(|names| !names.layout.is_empty()) else { return };
    keyboard.layout = names.layout;
    // What is written with the layout counts only with it.
    keyboard.variant = if keyboard.variant.is_empty() { names.variant } else { std::mem::take(&mut keyboard.variant) };
    if keyboard.model.is_empty() {
        keyboard.model = names.model;
    }
    keyboard.options = keyboard.options.take().or(names.options);
}

fn names(text: &str, line: fn(&str) -> Option<(String, String)>) -> Names {
    let mut names = Names::default();
    for (key, value) in text.lines().filter_map(line) {
        // xkbcommon takes them as strings of C.
        if value.chars().any(char::is_control) {
            continue;
        }
        match key.as_str() {
            "xkblayout" => names.layout = value,
            "xkbvariant" => names.variant = value,
            "xkbmodel" => names.model = value,
            "xkboptions" => names.options = Some(value).filter(|options| !options.is_empty()),
            _ => {}
        }
    }
    names
}

fn shell_line(line: &str) -> Option<(String, String)> {
    let words = shlex::split(line)?;
    let (key, value) = words.first()?.split_once('=')?;
    Some((key.to_ascii_lowercase(), value.to_owned()))
}

fn xorg_line(line: &str) -> Option<(String, String)> {
    let words = shlex::split(line)?;
    let [option, key, value] = words.as_slice() else { return None };
    option.eq_ignore_ascii_case("option").then(|| (key.to_ascii_lowercase(), value.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str =
        "# KEYBOARD\nXKBMODEL=\"pc105\"\nXKBLAYOUT=\"de,us\"\nXKBVARIANT=\"nodeadkeys,\"\nXKBOPTIONS=\"\"\n";
    const CONSOLE: &str = "KEYMAP=fr\nXKBLAYOUT=fr\n";
    const XORG_TEXT: &str =
        "Section \"InputClass\"\n  Option \"XkbLayout\" \"pl\"\n  Option \"XkbOptions\" \"a:b\"\nEndSection\n";

    fn completed(files: &[(&str, &str)], environment: bool, keyboard: KeyboardConfig) -> Names {
        let mut keyboard = keyboard;
        complete(&mut keyboard, environment, |path| {
            files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
        });
        let KeyboardConfig { layout, variant, model, options, .. } = keyboard;
        Names { layout, variant, model, options }
    }

    #[test]
    fn the_first_file_with_a_layout_counts() {
        let names = |layout: &str, variant: &str, model: &str, options: Option<&str>| Names {
            layout: layout.into(),
            variant: variant.into(),
            model: model.into(),
            options: options.map(Into::into),
        };
        let none = KeyboardConfig::default;
        let all = [(SHELL[0], DEBIAN), (SHELL[1], CONSOLE), (XORG, XORG_TEXT)];
        assert_eq!(completed(&all, false, none()), names("de,us", "nodeadkeys,", "pc105", None));
        assert_eq!(completed(&all[1..], false, none()), names("fr", "", "", None));
        assert_eq!(completed(&all[2..], false, none()), names("pl", "", "", Some("a:b")));
        assert_eq!(
            completed(&[(SHELL[0], "XKBLAYOUT=\n"), (SHELL[1], CONSOLE)], false, none()),
            names("fr", "", "", None)
        );
        assert_eq!(completed(&[], false, none()), Names::default());
    }

    #[test]
    fn the_configuration_and_the_environment_come_first() {
        let all = [(SHELL[0], DEBIAN)];
        assert_eq!(completed(&all, true, KeyboardConfig::default()), Names::default());
        let own = KeyboardConfig { layout: "us".into(), ..KeyboardConfig::default() };
        assert_eq!(completed(&all, false, own).layout, "us");
        let options = KeyboardConfig { options: Some("x:y".into()), ..KeyboardConfig::default() };
        let found = completed(&all, false, options);
        assert_eq!((found.layout.as_str(), found.options.as_deref()), ("de,us", Some("x:y")));
    }
}
