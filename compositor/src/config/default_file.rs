//! The file of `syncline config default`: every key with its comment and its default, made from the
//! code.
//!
//! Settings are commented out, with `#` and no space: a file that says what the defaults are would keep
//! them for ever. Nothing here reads a file.

use std::fmt::Write;

use toml::{Table, Value};

use crate::{
    actions::table::TABLE,
    config::{
        CecConfig, Commands, Config, CursorConfig, DesktopConfig, FencesConfig, IdleConfig, InputRule, KeyboardConfig,
        Limits, Mem2memConfig, NightLightConfig, OutputConfig, SandboxRule, WindowRule,
        bindings::{DEFAULT_MODE, Entry},
        documented::Documented,
    },
};

type Fields = &'static [(&'static str, &'static [&'static str])];

/// The tables, by name, with their keys.
const SECTIONS: [(&str, Fields); 10] = [
    ("keyboard", KeyboardConfig::FIELDS),
    ("cursor", CursorConfig::FIELDS),
    ("desktop", DesktopConfig::FIELDS),
    ("fences", FencesConfig::FIELDS),
    ("cec", CecConfig::FIELDS),
    ("idle", IdleConfig::FIELDS),
    ("night-light", NightLightConfig::FIELDS),
    ("mem2mem", Mem2memConfig::FIELDS),
    ("commands", Commands::FIELDS),
    ("limits", Limits::FIELDS),
];

/// The lists of tables, with the keys of one.
const LISTS: [(&str, Fields); 4] = [
    ("output", OutputConfig::FIELDS),
    ("input", InputRule::FIELDS),
    ("sandbox", SandboxRule::FIELDS),
    ("window", WindowRule::FIELDS),
];

/// What is written for a key that has no default.
const EXAMPLES: &[(&str, &str)] = &[
    ("keyboard.options", "\"compose:caps\""),
    ("cec.adapter", "\"/dev/cec0\""),
    ("idle.off-after", "\"10m\""),
    ("mem2mem.device", "\"auto\""),
    ("output.name", "\"HDMI-A-1\""),
    ("output.enabled", "true"),
    ("output.mode", "\"1920x1080@60\""),
    ("output.position", "[0, 0]"),
    ("output.transform", "\"normal\""),
    ("output.scale", "1.0"),
    ("output.mirror", "\"eDP-1\""),
    ("output.vrr", "true"),
    ("output.max-bpc", "10"),
    ("output.content-type", "\"graphics\""),
    ("output.broadcast-rgb", "\"full\""),
    ("input.name", "'TouchPad$'"),
    ("input.kind", "\"touchpad\""),
    ("input.events", "\"off-with-mouse\""),
    ("input.tap", "true"),
    ("input.tap-buttons", "\"left-right-middle\""),
    ("input.tap-drag", "true"),
    ("input.tap-drag-lock", "false"),
    ("input.natural-scroll", "true"),
    ("input.scroll-method", "\"two-finger\""),
    ("input.scroll-button", "274"),
    ("input.speed", "0.0"),
    ("input.acceleration", "\"adaptive\""),
    ("input.click-method", "\"fingers\""),
    ("input.left-handed", "false"),
    ("input.middle-emulation", "false"),
    ("input.disable-while-typing", "true"),
    ("input.rotation", "0"),
    ("input.calibration", "[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]"),
    ("input.output", "\"eDP-1\""),
    ("sandbox.engine", "\"org.flatpak\""),
    ("sandbox.app-id", "\"org.example.Player\""),
    ("sandbox.allow", "[\"ext_idle_notifier_v1\"]"),
    ("window.app-id", "'^org\\.example\\.Player$'"),
    ("window.tag", "'^settings$'"),
    ("window.title", "'Picture-in-Picture'"),
    ("window.dialog", "false"),
    ("window.floating", "true"),
    ("window.workspace", "3"),
    ("window.output", "\"HDMI-A-1\""),
    ("window.size", "[640, 360]"),
    ("window.position", "[0, 0]"),
    ("window.fullscreen", "false"),
    ("window.maximised", "false"),
    ("window.minimised", "false"),
    ("window.sticky", "true"),
    ("window.above", "true"),
    ("window.scratchpad", "false"),
    ("window.title-bar", "true"),
    ("window.focus", "false"),
    ("window.capture", "false"),
];

const HEAD: &str = "\
# The configuration of Syncline, with all keys and their defaults. Lines that begin with `#` and a word
# are settings: remove the `#` to change one. The file belongs to ~/.config/syncline/config.toml, and is
# read again when it is saved.
#
# Other files that are read before this one, whose keys win:
#include = [\"local.toml\"]
";

/// The text of the file.
pub fn default_file() -> String {
    let config = Config::default();
    let defaults = Table::try_from(&config).unwrap_or_default();
    let mut text = HEAD.to_owned();
    for (field, comment) in Config::FIELDS {
        let name = key(field);
        if let Some(value) = defaults.get(&name).filter(|value| !value.is_table() && !is_list_of_tables(&name)) {
            setting(&mut text, comment, &name, Some(value.to_string()));
        }
    }
    for (section, fields) in SECTIONS {
        head(&mut text, section, &format!("[{section}]"));
        let table = defaults.get(section).and_then(Value::as_table);
        for (field, comment) in fields {
            let name = key(field);
            let value = table.and_then(|table| table.get(&name)).map(Value::to_string);
            setting(&mut text, comment, &name, value.or_else(|| example(section, &name)));
        }
    }
    head(&mut text, "environment", "[environment]");
    text.push_str("#MOZ_ENABLE_WAYLAND = \"1\"\n");
    for (section, fields) in LISTS {
        head(&mut text, section, &format!("[[{section}]]"));
        for (field, comment) in fields {
            let name = key(field);
            setting(&mut text, comment, &name, example(section, &name));
        }
    }
    bindings(&mut text, &config);
    text
}

fn is_list_of_tables(name: &str) -> bool {
    LISTS.iter().any(|(list, _)| *list == name)
}

/// The name of a field as it is in the file.
fn key(field: &str) -> String {
    match field {
        "inputs" => "input".to_owned(),
        "outputs" => "output".to_owned(),
        "sandboxes" => "sandbox".to_owned(),
        "windows" => "window".to_owned(),
        field => field.replace('_', "-"),
    }
}

fn example(section: &str, name: &str) -> Option<String> {
    let path = format!("{section}.{name}");
    EXAMPLES.iter().find(|(known, _)| *known == path).map(|(_, value)| (*value).to_owned())
}

/// A comment, and the setting below it.
fn setting(text: &mut String, comment: &[&str], name: &str, value: Option<String>) {
    text.push('\n');
    lines(text, comment);
    if let Some(value) = value {
        writeln!(text, "#{name} = {value}").ok();
    }
}

fn lines(text: &mut String, comment: &[&str]) {
    // Attributes that are no comments have left empty lines.
    for line in comment.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        writeln!(text, "# {line}").ok();
    }
}

/// The head of a table, with the comment that its field has.
fn head(text: &mut String, section: &str, head: &str) {
    text.push_str("\n\n");
    let field = Config::FIELDS.iter().find(|(field, _)| key(field) == section);
    lines(text, field.map_or(&[], |(_, comment)| comment));
    writeln!(text, "#{head}").ok();
}

fn bindings(text: &mut String, config: &Config) {
    text.push_str(
        "\n\n\
         # What keys, buttons, the wheel, gestures and switches do. These are built in; `\"none\"` takes one\n\
         # away. Options: { action = \"…\", on-release = true, repeat = true, locked = true, inhibited = true,\n\
         # all-modes = true }. `syncline actions` lists the actions:\n#\n",
    );
    for row in TABLE {
        writeln!(text, "#     {}: {}", row.usage(), row.help).ok();
    }
    for (name, mode) in config.bindings.modes() {
        match name.as_ref() {
            DEFAULT_MODE => text.push_str("\n#[bindings]\n"),
            name => writeln!(text, "\n#[mode.{name}.bindings]").unwrap_or_default(),
        }
        for (chord, binding) in mode {
            let value: Vec<String> = binding.entries.iter().map(Entry::written).collect();
            match value.as_slice() {
                [one] => writeln!(text, "#\"{chord}\" = {one}"),
                several => writeln!(text, "#\"{chord}\" = [{}]", several.join(", ")),
            }
            .ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    fn table(config: &Config) -> Table {
        Table::try_from(config).unwrap()
    }

    /// The settings of the file: what has `#` and no space in front.
    fn settings(text: &str) -> String {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => setting.to_owned(),
            _ => String::new(),
        };
        text.lines().map(|text| line(text) + "\n").collect()
    }

    #[test]
    fn the_file_says_the_defaults() {
        let text = default_file();
        let as_it_is = load::parse(Path::new("default.toml"), &text).unwrap();
        assert_eq!(table(&as_it_is), table(&Config::default()));
        // With every setting in force, but the examples and the include.
        let without_include: String = settings(&text)
            .lines()
            .filter(|line| !line.starts_with("include"))
            .map(|line| format!("{line}\n"))
            .collect();
        let all =
            load::parse(Path::new("default.toml"), &without_include).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let (mut all, mut defaults) = (table(&all), table(&Config::default()));
        for (path, _) in EXAMPLES {
            let (section, name) = path.split_once('.').unwrap();
            match all.get_mut(section).unwrap() {
                Value::Table(table) => drop(table.remove(name).expect("the example")),
                other => assert_eq!(other.as_array().map(Vec::len), Some(1), "{section}"),
            }
        }
        for tables in ["input", "output", "sandbox", "window", "environment"] {
            assert!(all.remove(tables).is_some_and(|value| !value.to_string().is_empty()), "{tables}");
            defaults.remove(tables);
        }
        assert_eq!(all, defaults);
    }

    #[test]
    fn the_file_has_every_key_with_a_comment_and_every_binding() {
        let text = default_file();
        let says = |line: &str| text.lines().any(|other| other.starts_with(line));
        let sections = SECTIONS.iter().map(|(name, fields)| (*name, *fields));
        for (section, fields) in sections.chain(LISTS) {
            for (field, comment) in fields {
                assert!(comment.iter().any(|line| !line.trim().is_empty()), "{section}.{field} has no comment");
                assert!(says(&format!("#{} = ", key(field))), "{section}.{field} has no default and no example");
            }
        }
        for (field, comment) in Config::FIELDS.iter().filter(|(field, _)| *field != "bindings") {
            assert!(comment.iter().any(|line| !line.trim().is_empty()), "{field} has no comment");
            let name = key(field);
            assert!(
                says(&format!("#{name} = ")) || says(&format!("#[{name}]")) || says(&format!("#[[{name}]]")),
                "{name}"
            );
        }
        let bindings =
            load::parse(Path::new("default.toml"), &settings(&text).replace("include", "#include")).unwrap().bindings;
        for ((name, mode), (other_name, other)) in bindings.modes().zip(Config::default().bindings.modes()) {
            assert_eq!(name, other_name);
            for (chord, binding) in other {
                assert_eq!(mode[chord].entries, binding.entries, "{chord}");
            }
            assert_eq!(mode.len(), other.len());
        }
    }
}
